//! `omit` or `clear` without a target field.

use mapwright_syntax::{Diagnostic, Span};

/// Inside a `let`, an argument or a rule.
pub(crate) fn misplaced_answer(span: Span, word: &str) -> Diagnostic {
    Diagnostic::error("E0308", span, format!("`{word}` speaks of a target field, and none is written here"))
        .help(format!("answer with a value, or move `otherwise {word}` to the line that writes the field"))
}
