//! An example of nothing.

use mapwright_syntax::Diagnostic;
use mapwright_syntax::tree::Name;

/// Neither a table nor a rule.
pub(crate) fn unknown_example_subject(name: &Name) -> Diagnostic {
    Diagnostic::error("E0213", name.span, format!("`{}` is neither a table nor a rule", name.text))
}
