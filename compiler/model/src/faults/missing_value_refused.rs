//! A value that may be missing where one is needed.

use mapwright_syntax::{Diagnostic, Edit, Span};

/// An operand, argument or hole.
pub(crate) fn missing_value_refused(span: Span, source: &str, consumer: &str, mend: Vec<Edit>) -> Diagnostic {
    let shown = if source.chars().count() > 40 { "this".to_owned() } else { format!("`{source}`") };
    Diagnostic::error("E0302", span, format!("{shown} may be missing, but {consumer} needs a value"))
        .here("may be missing")
        .help("say what holds then, in brackets: `(... otherwise VALUE)`")
        .fix("reject the record where it is missing", mend)
}
