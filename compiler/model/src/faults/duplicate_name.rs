//! Two definitions of one name.

use mapwright_syntax::{Diagnostic, Span};

/// The second one.
pub(crate) fn duplicate_name(noun: &str, name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0208", span, format!("{noun} `{name}` is defined twice")).label(first, "defined here first")
}
