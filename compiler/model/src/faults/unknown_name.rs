//! A name that nothing here has.

use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Span};
use mapwright_values::names::closest;

use super::did_you_mean;

/// A word that is no `let`, parameter, source or setting. `field`: a visible record has a field of that name.
pub(crate) fn unknown_name<'c>(
    name: &Name,
    known: impl Iterator<Item = &'c str>,
    field: Option<&'c str>,
) -> Diagnostic {
    let fault = Diagnostic::error("E0204", name.span, format!("nothing here is called `{}`", name.text));
    match closest(&name.text, known).or(field) {
        Some(found) => did_you_mean(fault, name.span, Some(found)),
        None => fault
            .help(format!("a value stands in quotes: \"{}\"", name.text))
            .help("a field of a record is written with the record's name before it: `order.FIELD`"),
    }
}

/// A `let` that is defined further down.
pub(crate) fn used_too_early(name: &Name, defined: Span) -> Diagnostic {
    Diagnostic::error("E0204", name.span, format!("`{}` is used before it is defined", name.text))
        .label(defined, "defined only here")
        .help("move the `let` up")
}

/// A table, rule or system where a value is expected.
pub(crate) fn name_of_other_kind(name: &Name, noun: &str) -> Diagnostic {
    let fault = Diagnostic::error("E0204", name.span, format!("`{}` is a {noun}, not a value", name.text));
    match noun {
        "table" => fault.help(format!("look something up in it: `lookup {}(...)`", name.text)),
        "rule" => fault.help(format!("apply it to something: `{}(...)`", name.text)),
        _ => fault.help("name a source of the mapping instead"),
    }
}
