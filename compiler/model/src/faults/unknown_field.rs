//! A field that a record does not have.

use mapwright_syntax::Diagnostic;
use mapwright_syntax::tree::Name;
use mapwright_values::names::closest;

use super::did_you_mean;
use crate::ir::Record;

/// `order.taxState`.
pub(crate) fn unknown_field(record: &Record, name: &Name) -> Diagnostic {
    let headline = format!("`{}` has no field `{}`", record.name, name.text);
    let known = record.fields().map(|field| field.name.as_str());
    let found = closest(&name.text, known);
    let fault = did_you_mean(Diagnostic::error("E0203", name.span, headline), name.span, found);
    match found.and_then(|found| record.field(found)) {
        Some(field) => fault.label(field.span, "declared here"),
        None => {
            let mut known: Vec<&str> = record.fields().map(|field| field.name.as_str()).collect();
            let more = known.len() > 12;
            known.truncate(12);
            if known.is_empty() {
                return fault.help(format!("add it with `extend {} {{ ... }}`", record.name));
            }
            fault.help(format!("it has {}{}", known.join(", "), if more { ", ..." } else { "" }))
        }
    }
}

/// A target beneath something that has no fields of its own: `Lines.Item <- ...`.
pub(crate) fn dotted_target(name: &Name, of: &str, noun: &str) -> Diagnostic {
    let fault = Diagnostic::error("E0203", name.span, format!("`{of}` is {noun}: no field beneath it can be written"));
    if noun.starts_with("a list") {
        fault.help(format!("write its elements: {of} <- each ... {{ ... }}"))
    } else {
        fault
    }
}

/// A field of something that has none.
pub(crate) fn no_fields(name: &Name, of: &str, noun: &str) -> Diagnostic {
    Diagnostic::error("E0203", name.span, format!("`{of}` is {noun}: it has no field `{}`", name.text))
}
