//! A file that is not there.

use mapwright_syntax::{Diagnostic, Span};

/// The CSV file of a table.
pub(crate) fn missing_file(span: Span, name: &str) -> Diagnostic {
    Diagnostic::error("E0214", span, format!("the file `{name}` is not in the project"))
        .help("its path counts from the project's folder")
}
