//! A table that may say `omit`, where no target field is written.

use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Span};

/// Looked up for a `let`, an argument or a rule.
pub(crate) fn table_leaves_out(name: &Name, table: Span) -> Diagnostic {
    Diagnostic::error(
        "E0308",
        name.span,
        format!("table `{}` may answer `omit` or `clear`, which speak of a target field", name.text),
    )
    .label(table, "the table")
    .help("look it up on the line that writes the field")
}
