//! A rule that leads to more applications of rules than anyone means.

use mapwright_syntax::{Diagnostic, Span};

/// A rule or table, and to how many applications it leads.
pub(crate) fn rules_too_often(span: Span, noun: &str, name: &str, count: u64, max: u64) -> Diagnostic {
    let count = if count == u64::MAX { "more than can be counted".to_owned() } else { count.to_string() };
    Diagnostic::error("E0339", span, format!("{noun} `{name}` uses rules too often: one use of it makes {count}"))
        .here(format!("at most {max} are allowed"))
        .help("rules that use other rules several times multiply: work a value out once with `let`, and pass it on")
}

/// A rule that stands before too long a chain of others.
pub(crate) fn rules_too_deep(span: Span, noun: &str, name: &str, max: u64) -> Diagnostic {
    Diagnostic::error("E0339", span, format!("{noun} `{name}` stands before a chain of more than {max} rules"))
        .here("it uses a rule that uses a rule, and so on")
        .help("put several of these rules together in one")
}
