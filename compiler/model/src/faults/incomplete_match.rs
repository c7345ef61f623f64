//! A `match` that leaves values without an answer.

use mapwright_syntax::{Diagnostic, Edit, Span};

/// No `otherwise`. `mend`: the arm that answers all other values.
pub(crate) fn incomplete_match(span: Span, lacking: &[String], mend: Option<Edit>) -> Diagnostic {
    let headline = if lacking.is_empty() {
        "this `match` does not say what holds for other values".to_owned()
    } else {
        format!("this `match` has no arm for {}", lacking.join(", "))
    };
    let fault = Diagnostic::error("E0312", span, headline)
        .help("add what is lacking, or an arm for all others: otherwise -> reject \"...\"");
    match mend {
        Some(edit) => fault.fix("reject all other values", vec![edit]),
        None => fault,
    }
}
