//! Branches that do not go together.

use mapwright_syntax::{Diagnostic, Span};

/// Of `if`, `match`, `otherwise` or a list.
pub(crate) fn different_branches(left: Span, left_noun: &str, right: Span, right_noun: &str) -> Diagnostic {
    Diagnostic::error("E0316", right, format!("one time this is {left_noun}, another time {right_noun}"))
        .here(right_noun)
        .label(left, left_noun)
}
