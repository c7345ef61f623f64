//! A field of a record that is gone.

use mapwright_syntax::{Diagnostic, Span};

/// Only the key is still known.
pub(crate) fn deleted_field_read(span: Span, path: &str, key: &[String]) -> Diagnostic {
    let headline = format!("`{path}` is read of a record that was deleted: only its key is still known");
    Diagnostic::error("E0323", span, headline).help(format!("the key is {}", key.join(", ")))
}
