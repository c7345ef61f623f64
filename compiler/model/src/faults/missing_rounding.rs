//! No rounding mode.

use mapwright_syntax::{Diagnostic, Span};

/// Neither at the call nor for the project.
pub(crate) fn missing_rounding(span: Span, signature: &str) -> Diagnostic {
    Diagnostic::error("E0310", span, "no rounding mode is given")
        .help(format!("say it here: {signature}"))
        .help("or once for the project, in a line of its own: rounding half_up")
}
