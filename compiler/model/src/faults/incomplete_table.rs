//! A table that leaves keys without an answer.

use mapwright_syntax::Diagnostic;
use mapwright_syntax::tree::Name;

/// No `otherwise`.
pub(crate) fn incomplete_table(name: &Name) -> Diagnostic {
    Diagnostic::error("E0311", name.span, format!("table `{}` does not say what holds for other keys", name.text))
        .help("end it with a row: otherwise -> reject \"...\"")
}
