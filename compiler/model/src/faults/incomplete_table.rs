//! A table that leaves keys without an answer.

use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Edit};

/// No `otherwise`. `lacking`: a key that no row answers, in words; `mend`: the row that answers all others.
pub(crate) fn incomplete_table(name: &Name, lacking: &str, mend: Option<Edit>) -> Diagnostic {
    let headline = format!("table `{}` has no row for {lacking}", name.text);
    let fault = Diagnostic::error("E0311", name.span, headline)
        .here("keys without a row")
        .help("add the row, or end the table with: otherwise -> reject \"...\"");
    match mend {
        Some(edit) => fault.fix("reject what has no row", vec![edit]),
        None => fault,
    }
}
