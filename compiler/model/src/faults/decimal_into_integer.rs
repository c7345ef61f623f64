//! A decimal for a whole number.

use mapwright_syntax::{Diagnostic, Span};

use super::{declared, quoted};
use crate::resolve::Mend;
use crate::resolve::scope::Place;

/// Loss that nobody stated.
pub(crate) fn decimal_into_integer(span: Span, from: &str, place: &Place, mend: Mend) -> Diagnostic {
    let headline = format!("{} is a whole number, but this is {from}", quoted(place));
    declared(Diagnostic::error("E0413", span, headline).here(from), place)
        .help(format!("{}; `| fit` rejects what is not whole", mend.title))
        .fix(mend.title, mend.edits)
}
