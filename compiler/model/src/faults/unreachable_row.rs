//! A row that never answers.

use mapwright_syntax::{Diagnostic, Span};

/// `same`: the row above with the very same keys.
pub(crate) fn unreachable_row(span: Span, same: Option<Span>) -> Diagnostic {
    match same {
        Some(first) => Diagnostic::error("E0313", span, "this row has the keys of a row above: it never answers")
            .label(first, "the row above"),
        None => Diagnostic::error("E0313", span, "rows above this one answer all that it could")
            .help("move it up, or remove it"),
    }
}
