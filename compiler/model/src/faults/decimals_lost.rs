//! More decimals than the place keeps.

use mapwright_syntax::{Diagnostic, Span};

use super::{declared, quoted};
use crate::resolve::Mend;
use crate::resolve::scope::Place;

/// Loss that nobody stated.
pub(crate) fn decimals_lost(span: Span, from: &str, keeps: u32, place: &Place, mend: Mend) -> Diagnostic {
    let headline = format!("{} keeps {keeps} decimals, but this is {from}", quoted(place));
    declared(Diagnostic::error("E0412", span, headline).here(from), place)
        .help(format!("{}; `| fit` rejects what has more decimals", mend.title))
        .fix(mend.title, mend.edits)
}
