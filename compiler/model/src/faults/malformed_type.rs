//! A type with arguments that it cannot have.

use mapwright_syntax::{Diagnostic, Span};

/// `decimal(40)`.
pub(crate) fn malformed_type(span: Span, name: &str, help: &str) -> Diagnostic {
    Diagnostic::error("E0211", span, format!("`{name}` cannot be written like this")).help(help)
}
