//! An answer to a value that is never missing, or to a key that always has a row.

use mapwright_syntax::{Diagnostic, Edit, Span};

/// A warning. `answer`: the `otherwise` with what stands behind it.
pub(crate) fn needless_otherwise(span: Span, answer: Span) -> Diagnostic {
    Diagnostic::warning("W0606", span, "this is never missing: what stands behind `otherwise` never holds")
        .fix("remove the `otherwise`", vec![Edit { span: answer, text: String::new() }])
}

/// The `otherwise` of a table or `match` whose rows or arms answer everything. `alone`: its whole line, where nothing else stands on it.
pub(crate) fn answers_nothing(span: Span, noun: &str, alone: Option<Span>) -> Diagnostic {
    let headline = format!("the {noun}s above answer every value: this `otherwise` never holds");
    let fault = Diagnostic::warning("W0606", span, headline);
    match alone {
        Some(line) => fault.fix("remove it", vec![Edit { span: line, text: String::new() }]),
        None => fault.help("remove it"),
    }
}
