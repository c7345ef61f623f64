//! A field written twice.

use mapwright_syntax::{Diagnostic, Span};

/// In one block.
pub(crate) fn double_assignment(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0315", span, format!("`{name}` is written twice"))
        .label(first, "written here first")
        .help("a list is added to with `also <-`")
}
