//! A parameter that its rule does not use.

use mapwright_syntax::{Diagnostic, Span};

/// A warning.
pub(crate) fn unused_parameter(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W0623", span, format!("the rule does not use its parameter `{name}`"))
        .help("use it where it was meant, or take it out here and wherever the rule is applied")
}
