//! A field that is never given.

use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Span};

/// `write only` in the catalogue.
pub(crate) fn write_only_field_read(name: &Name, field: Span) -> Diagnostic {
    Diagnostic::error("E0318", name.span, format!("`{}` cannot be read: the system never gives it", name.text))
        .label(field, "write only")
}
