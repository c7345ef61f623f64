//! Something that is defined by itself.

use mapwright_syntax::{Diagnostic, Span};

/// A type or rule.
pub(crate) fn circular_definition(span: Span, noun: &str, name: &str) -> Diagnostic {
    Diagnostic::error("E0210", span, format!("{noun} `{name}` is defined by itself"))
        .help("follow what it uses: one of these uses it again; take that use out")
}
