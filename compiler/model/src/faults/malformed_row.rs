//! A row that does not fit the columns.

use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Span};
use mapwright_values::names::closest;

use super::did_you_mean;

/// Too few or too many cells.
pub(crate) fn malformed_row(span: Span, expected: usize, found: usize) -> Diagnostic {
    Diagnostic::error("E0320", span, format!("this row has {}, but the table has {expected}", values(found)))
        .help("each key has a cell of its own, `any` for all values; the result stands behind `->`")
}

fn values(count: usize) -> String {
    if count == 1 { "1 key column".to_owned() } else { format!("{count} key columns") }
}

/// A column that the CSV file does not have.
pub(crate) fn unknown_column<'c>(name: &Name, known: impl Iterator<Item = &'c str>) -> Diagnostic {
    let known: Vec<&str> = known.collect();
    let fault = Diagnostic::error("E0320", name.span, format!("the file has no column `{}`", name.text));
    did_you_mean(fault, name.span, closest(&name.text, known.iter().copied()))
        .help(format!("it has {}", known.join(", ")))
}
