//! A type that is neither built in nor declared.

use mapwright_syntax::{Diagnostic, Span};

use super::did_you_mean;

/// `txt(50)`.
pub(crate) fn unknown_type(span: Span, name: &str, closest: Option<&str>) -> Diagnostic {
    let fault = Diagnostic::error("E0207", span, format!("there is no type `{name}`"));
    did_you_mean(fault, span, closest)
}
