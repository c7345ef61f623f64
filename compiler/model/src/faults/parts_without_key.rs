//! Parts that nothing tells from one another.

use mapwright_syntax::Diagnostic;
use mapwright_syntax::tree::Name;

/// `one per` needs a key in each element: by it the record of that part is found again.
pub(crate) fn parts_without_key(name: &Name, noun: &str) -> Diagnostic {
    Diagnostic::error("E0515", name.span, format!("nothing tells one `{}` from another", name.text))
        .here(format!("this is {noun}"))
        .help("walk over a list whose elements have one field marked `key` in the catalogue, or over a list of single values")
}
