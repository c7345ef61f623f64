//! A `match` that leaves values without an answer.

use mapwright_syntax::{Diagnostic, Span};

/// No `otherwise`.
pub(crate) fn incomplete_match(span: Span, lacking: &[String]) -> Diagnostic {
    let headline = if lacking.is_empty() {
        "this `match` does not say what holds for other values".to_owned()
    } else {
        format!("this `match` has no arm for {}", lacking.join(", "))
    };
    Diagnostic::error("E0312", span, headline).help("add an arm: otherwise -> reject \"...\"")
}
