//! A `wait` for nothing.

use mapwright_syntax::{Diagnostic, Span};

/// Only what is looked up can be waited for.
pub(crate) fn misplaced_wait(span: Span) -> Diagnostic {
    Diagnostic::error("E0307", span, "`wait` waits for a record that is looked up, and there is none here")
        .help("it stands right behind `find ... otherwise` or `linked ... otherwise`")
}
