//! A value that may be missing for a field that is needed.

use mapwright_syntax::{Diagnostic, Edit, Span};

use super::{declared, quoted};
use crate::resolve::scope::Place;

/// Nothing says what holds then.
pub(crate) fn missing_into_required(span: Span, source: &str, place: &Place, mend: Vec<Edit>) -> Diagnostic {
    let source = if source.chars().count() > 40 { "this".to_owned() } else { format!("`{source}`") };
    let headline = format!("{source} may be missing, but {} needs a value", quoted(place));
    let omit = if place.required { "" } else { ", otherwise omit" };
    declared(Diagnostic::error("E0415", span, headline).here("may be missing"), place)
        .help(format!("say what holds then: otherwise \"...\", otherwise reject \"...\"{omit}"))
        .fix("reject the record where it is missing", mend)
}

/// `omit` or `clear` for a field that a new record needs.
pub(crate) fn omitted_required_field(span: Span, place: &Place) -> Diagnostic {
    let headline = format!("{} cannot be left out: a new record needs it", quoted(place));
    let name = place.name.to_string();
    let reason = format!("reject \"{} is missing\"", if crate::mend::is_path(&name) { &name } else { "a value" });
    declared(Diagnostic::error("E0415", span, headline), place)
        .help("answer with a value, or: otherwise reject \"...\"")
        .fix("reject the record", vec![Edit { span, text: reason }])
}
