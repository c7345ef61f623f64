//! A row that never answers.

use mapwright_syntax::{Diagnostic, Edit, Span};

/// `same`: the row above with the very same keys; `wider`: the one above that answers all that this one could; `alone`: its whole
/// line, where nothing else stands on it.
pub(crate) fn unreachable_row(span: Span, same: Option<Span>, wider: Option<Span>, alone: Option<Span>) -> Diagnostic {
    let fault = match same {
        Some(first) => Diagnostic::error("E0313", span, "this row has the keys of a row above: it never answers")
            .label(first, "the row above"),
        None => {
            let fault =
                Diagnostic::error("E0313", span, "rows above this one answer all that it could: it never answers");
            let fault = wider.into_iter().fold(fault, |fault, wider| fault.label(wider, "this row answers it"));
            fault.help("move it up, or remove it")
        }
    };
    match alone {
        Some(line) => fault.fix("remove it", vec![Edit { span: line, text: String::new() }]),
        None => fault,
    }
}
