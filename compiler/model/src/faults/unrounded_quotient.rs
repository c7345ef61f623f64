//! A division without rounding.

use mapwright_syntax::{Diagnostic, Span};

/// Anywhere but in `round`, `floor`, `ceiling` and comparison.
pub(crate) fn unrounded_quotient(span: Span) -> Diagnostic {
    Diagnostic::error("E0305", span, "the result of a division has no last digit: it must be rounded")
        .help("round(..., 2)")
}
