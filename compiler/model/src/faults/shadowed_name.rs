//! A name that hides another.

use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Span};

/// A local that hides another one, a setting or a system.
pub(crate) fn shadowed_name(name: &Name, noun: &str, hidden: Span) -> Diagnostic {
    Diagnostic::error(
        "E0209",
        name.span,
        format!("`{}` is the name of a {} already", name.text, noun.trim_matches('`')),
    )
    .label(hidden, "which would be hidden")
    .help("choose another name")
}

/// A rule named like a function of the library.
pub(crate) fn shadowed_function(name: &Name) -> Diagnostic {
    Diagnostic::error("E0209", name.span, format!("`{}` is a function of the library already", name.text))
        .help("choose another name")
}
