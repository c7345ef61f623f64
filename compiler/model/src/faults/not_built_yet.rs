//! A part of the language that this version cannot compile.

use mapwright_syntax::{Diagnostic, Span};

/// Never silence: what cannot be compiled says so.
pub(crate) fn not_built_yet(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error("E0901", span, format!("{what} is not built yet"))
}
