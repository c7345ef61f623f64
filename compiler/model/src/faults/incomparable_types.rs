//! Two values that can never be equal.

use mapwright_syntax::{Diagnostic, Span};

/// Both sides.
pub(crate) fn incomparable_types(left: Span, left_noun: &str, right: Span, right_noun: &str) -> Diagnostic {
    let headline = format!("{left_noun} cannot be compared with {right_noun}");
    let fault = Diagnostic::error("E0304", left, headline).here(left_noun).label(right, right_noun);
    if left_noun == "a UUID" || right_noun == "a UUID" {
        fault.help("make a text of the UUID: `| text`, or `| text(\"hex\")`")
    } else {
        fault
    }
}
