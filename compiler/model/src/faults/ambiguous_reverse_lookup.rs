//! A table that cannot be read from its results.

use mapwright_syntax::{Diagnostic, Span};

/// Each result must lead back to one key.
pub(crate) fn ambiguous_reverse_lookup(span: Span, table: &str, why: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0325", span, format!("the table `{table}` cannot be read from its results"))
        .label(at, why)
        .help("`reverse_lookup` needs a table of one key in which each row gives a value of its own: write a second table for the way back")
}
