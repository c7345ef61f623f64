//! An instant for a day.

use mapwright_syntax::{Diagnostic, Span};

use super::{declared, quoted};
use crate::resolve::Mend;
use crate::resolve::scope::Place;

/// The day depends on the zone.
pub(crate) fn instant_into_date(span: Span, place: &Place, mend: Mend) -> Diagnostic {
    let headline = format!("{} is a day, but this is an instant: which day it is depends on the zone", quoted(place));
    declared(Diagnostic::error("E0414", span, headline), place).help(mend.title.clone()).fix(mend.title, mend.edits)
}
