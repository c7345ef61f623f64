//! A field that should not be used any more.

use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Span};

/// A warning.
pub(crate) fn deprecated_field(name: &Name, why: &str, field: Span) -> Diagnostic {
    Diagnostic::warning("W0605", name.span, format!("`{}` is deprecated: {why}", name.text))
        .label(field, "declared here")
}
