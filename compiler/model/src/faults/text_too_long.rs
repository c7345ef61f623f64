//! A longer text for a shorter place.

use mapwright_syntax::{Diagnostic, Span};

use super::{declared, quoted};
use crate::resolve::Mend;
use crate::resolve::scope::Place;

/// Loss that nobody stated.
pub(crate) fn text_too_long(
    span: Span,
    source: &str,
    from: &str,
    to: &str,
    place: &Place,
    mends: [Mend; 2],
) -> Diagnostic {
    let source = if source.chars().count() > 40 { "this".to_owned() } else { format!("`{source}`") };
    let headline = format!("{source} may be too long for {}", quoted(place));
    let fault = declared(Diagnostic::error("E0411", span, headline).here(from), place);
    let [cut, fit] = mends;
    let mend = if place.key { fit } else { cut };
    fault
        .help(format!("the place is {to}"))
        .help("`| cut` shortens it, `| fit` rejects the record when it is too long (the choice for keys)")
        .fix(mend.title, mend.edits)
}
