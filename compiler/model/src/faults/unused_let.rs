//! A `let` that nothing reads.

use mapwright_syntax::{Diagnostic, Span};

/// A warning.
pub(crate) fn unused_let(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0601", span, format!("`let {name}` is never used"))
        .help("remove it, or use it where it was meant")
}
