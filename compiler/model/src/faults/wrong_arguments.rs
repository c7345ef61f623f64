//! A call with other arguments than it takes.

use mapwright_syntax::{Diagnostic, Span};

/// The signature says how it is written.
pub(crate) fn wrong_arguments(span: Span, name: &str, signature: &str) -> Diagnostic {
    let name = name.split('(').next().unwrap_or(name);
    Diagnostic::error("E0306", span, format!("`{name}` is given other values than it takes"))
        .help(format!("write {signature}"))
}
