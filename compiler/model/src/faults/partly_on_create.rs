//! A field that one line writes once and another one always.

use mapwright_syntax::{Diagnostic, Span};

/// An update leaves out by its path what is written once.
pub(crate) fn partly_on_create(path: &str, once: Span, always: Span) -> Diagnostic {
    Diagnostic::error("E0326", once, format!("`{path}` is written `on create` here and always elsewhere"))
        .here("only when the record is created")
        .label(always, "each time")
        .help("an update leaves out or writes the field of every element alike: write it in one of the two ways, a list as a whole")
}
