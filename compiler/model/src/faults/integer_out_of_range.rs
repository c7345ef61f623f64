//! A whole number that may be out of range.

use mapwright_syntax::{Diagnostic, Span};

use super::{declared, quoted};
use crate::resolve::Mend;
use crate::resolve::scope::Place;

/// The place has a range.
pub(crate) fn integer_out_of_range(span: Span, place: &Place, mend: Mend) -> Diagnostic {
    let headline = format!("this number may lie outside the range of {}", quoted(place));
    declared(Diagnostic::error("E0417", span, headline), place)
        .help("`| fit` rejects the record when it does")
        .fix(mend.title, mend.edits)
}
