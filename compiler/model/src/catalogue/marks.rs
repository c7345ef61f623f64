//! Marks behind a field: `key`, `read only`, `missing as 0`.

use mapwright_syntax::tree::{LiteralKind, Mark, MarkKind};

use super::types::literal_text;
use crate::ir::{Field, ListUpdate};

/// Writes the marks into the field.
pub(super) fn apply(field: &mut Field, marks: &[Mark]) {
    for mark in marks {
        match &mark.kind {
            MarkKind::Key => field.key = true,
            MarkKind::NaturalKey => field.natural_key = true,
            MarkKind::Required => field.required = true,
            MarkKind::ReadOnly => field.read_only = true,
            MarkKind::WriteOnly => field.write_only = true,
            MarkKind::CreateOnly => field.create_only = true,
            MarkKind::Changed => field.changed = true,
            MarkKind::Personal => field.personal = true,
            MarkKind::Merged => field.update = Some(ListUpdate::Merged),
            MarkKind::Added => field.update = Some(ListUpdate::Added),
            MarkKind::Replaced => field.update = Some(ListUpdate::Replaced),
            MarkKind::RefersTo(path) => {
                let names: Vec<&str> = path.names.iter().map(|name| name.text.as_str()).collect();
                field.refers_to = Some(names.join("."));
            }
            MarkKind::MissingAs(literal) => {
                let text = literal_text(literal);
                field.missing_as = Some(match &literal.kind {
                    LiteralKind::Number(_) | LiteralKind::Boolean(_) => text,
                    LiteralKind::Text(_) | LiteralKind::Raw(_) | LiteralKind::Date(_) | LiteralKind::Time(_) => {
                        json_text(&text)
                    }
                });
                // A value that stands for "no value" makes the field one that may be missing.
                field.optional = true;
            }
            MarkKind::Named(wire) => field.wire.clone_from(&wire.text),
            MarkKind::Deprecated(why) => field.deprecated = Some(why.text.clone()),
        }
    }
}

/// A text as JSON writes it.
pub(crate) fn json_text(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\t' => json.push_str("\\t"),
            '\r' => json.push_str("\\r"),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
    json
}
