//! Braces whose record type is not known.

use mapwright_syntax::{Diagnostic, Span};

/// No place says what is made.
pub(crate) fn open_record(span: Span) -> Diagnostic {
    Diagnostic::error("E0321", span, "it is not known which record these braces make")
        .help("write them where a field of a record type is written, or give them to a rule that returns one")
}
