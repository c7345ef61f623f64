//! A text of the spec that does not fit.

use mapwright_syntax::{Diagnostic, Span};

use super::{declared, quoted};
use crate::resolve::scope::Place;

/// Its length is known.
pub(crate) fn literal_too_long(span: Span, length: u32, max: u32, place: &Place) -> Diagnostic {
    let headline = format!("this text has {length} characters, but {} takes {max}", quoted(place));
    declared(Diagnostic::error("E0416", span, headline), place)
}
