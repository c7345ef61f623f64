//! A value that may be missing where one is needed.

use mapwright_syntax::{Diagnostic, Span};

/// An operand, argument or hole.
pub(crate) fn missing_value_refused(span: Span, source: &str, consumer: &str) -> Diagnostic {
    Diagnostic::error("E0302", span, format!("`{source}` may be missing, but {consumer} needs a value"))
        .here("may be missing")
        .help(format!("say what holds then: `({source} otherwise ...)`"))
}
