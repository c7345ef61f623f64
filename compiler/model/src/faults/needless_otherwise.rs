//! An answer to a value that is never missing, or to a key that always has a row.

use mapwright_syntax::{Diagnostic, Span};

/// A warning.
pub(crate) fn needless_otherwise(span: Span) -> Diagnostic {
    Diagnostic::warning("W0606", span, "this is never missing: what stands behind `otherwise` never holds")
        .help("remove the `otherwise`")
}

/// The `otherwise` of a table or `match` whose rows or arms answer everything.
pub(crate) fn answers_nothing(span: Span, noun: &str) -> Diagnostic {
    Diagnostic::warning("W0606", span, format!("the {noun}s above answer every value: this `otherwise` never holds"))
        .help("remove it")
}
