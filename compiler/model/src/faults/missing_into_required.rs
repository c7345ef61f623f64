//! A value that may be missing for a field that is needed.

use mapwright_syntax::{Diagnostic, Span};

use super::declared;
use crate::resolve::scope::Place;

/// Nothing says what holds then.
pub(crate) fn missing_into_required(span: Span, source: &str, place: &Place) -> Diagnostic {
    let source = if source.chars().count() > 40 { "this".to_owned() } else { format!("`{source}`") };
    let headline = format!("{source} may be missing, but `{}` needs a value", place.name.trim_matches('`'));
    declared(Diagnostic::error("E0415", span, headline).here("may be missing"), place)
        .help("say what holds then: otherwise \"...\", otherwise reject \"...\", otherwise omit")
}
