//! An answer to a value that is never missing.

use mapwright_syntax::{Diagnostic, Span};

/// A warning.
pub(crate) fn needless_otherwise(span: Span) -> Diagnostic {
    Diagnostic::warning("W0606", span, "this is never missing: what stands behind `otherwise` never holds")
        .help("remove the `otherwise`")
}
