//! `fit` or `cut` for no place.

use mapwright_syntax::{Diagnostic, Span};

/// The length is not known.
pub(crate) fn unknown_place(span: Span, word: &str) -> Diagnostic {
    let fault = Diagnostic::error("E0309", span, format!("`{word}` does not know here how long the value may be"));
    if word == "cut" {
        fault.help("say the length: `cut(35)`, or cut where the field is written")
    } else {
        fault.help("fit where the field is written")
    }
}
