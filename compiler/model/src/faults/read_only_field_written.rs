//! A field that the system sets itself.

use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Span};

/// `read only` in the catalogue.
pub(crate) fn read_only_field_written(name: &Name, field: Span) -> Diagnostic {
    Diagnostic::error("E0319", name.span, format!("`{}` cannot be written: the system sets it itself", name.text))
        .label(field, "read only")
}
