//! A value of another kind than what is expected.

use mapwright_syntax::{Diagnostic, Span};

use super::{declared, quoted};
use crate::resolve::Mend;
use crate::resolve::scope::Place;

/// Where no place is declared.
pub(crate) fn wrong_type(span: Span, expected: &str, noun: &str) -> Diagnostic {
    Diagnostic::error("E0301", span, format!("{expected} is expected here, but this is {noun}"))
}

/// Where a value goes.
pub(crate) fn wrong_type_at(span: Span, from: &str, to: &str, place: &Place) -> Diagnostic {
    let fault = Diagnostic::error("E0301", span, format!("{} is {to}, but this is {from}", quoted(place))).here(from);
    let fault = declared(fault, place);
    if from == "a UUID" && to.starts_with("a text") {
        return fault.help("write `| text(\"hex\")` for 32 digits, `| text` for 36 characters with dashes");
    }
    if (from.starts_with("a whole number") || from.starts_with("a number")) && to.starts_with("a text") {
        return fault.help("write `| text`");
    }
    fault
}

/// Elements of a list may be missing where they must not.
pub(crate) fn missing_elements(span: Span, place: &Place, mend: Mend) -> Diagnostic {
    let fault = Diagnostic::error(
        "E0302",
        span,
        format!("elements of this list may be missing, but {} needs them all", quoted(place)),
    );
    declared(fault, place).help("`| present` leaves the missing ones out").fix(mend.title, mend.edits)
}

/// The same for a function.
pub(crate) fn missing_elements_refused(span: Span, function: &str) -> Diagnostic {
    Diagnostic::error("E0302", span, format!("elements of this list may be missing, but `{function}` needs them all"))
        .help("`| present` leaves the missing ones out")
}
