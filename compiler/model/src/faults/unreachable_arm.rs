//! An arm that never answers.

use mapwright_syntax::{Diagnostic, Span};

/// Behind `otherwise`, or the second for a value.
pub(crate) fn unreachable_arm(span: Span, why: &str) -> Diagnostic {
    Diagnostic::error("E0314", span, format!("this arm never answers: {why}"))
}
