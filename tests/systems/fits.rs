//! Does a record fit its catalogue? In: the record as read, the catalogue's fields. Out: nothing, or every misfit.

use std::collections::BTreeSet;

use mapwright_values::plan::{FieldPlan, Kind};
use serde_json::Value;

/// What comes of comparing records with their catalogue.
pub(crate) struct Found<'l> {
    /// Fields that the catalogue leaves out on purpose, by the end of their paths.
    pub(crate) left_out: &'l [String],
    /// Those of them that were there.
    pub(crate) left: BTreeSet<String>,
    /// In words.
    pub(crate) misfits: Vec<String>,
}

impl Found<'_> {
    /// Every value of the record has its field in the catalogue and the field's type; every field that is never missing is there.
    pub(crate) fn check(&mut self, record: &Value, fields: &[FieldPlan], place: &str) {
        let members = record.as_object().unwrap_or_else(|| panic!("{place}: {record} is no record"));
        for (name, value) in members {
            // What describes the record in the protocol's own words is no data.
            if name.starts_with('@') || name.starts_with("odata.") || name.contains("@odata") || name == "__typename" {
                continue;
            }
            let here = format!("{place}.{name}");
            match fields.iter().find(|field| field.name == name) {
                Some(field) => self.value_fits(value, field, &here),
                // Custom fields are declared by each project; nothing is lost of nothing.
                None if name.starts_with("U_") || place.ends_with(".customFields") || value.is_null() => {}
                None => match self.left_out.iter().find(|path| ends_with(&here, path)) {
                    Some(path) => {
                        self.left.insert(path.clone());
                    }
                    None => self.misfits.push(format!("{here}: the catalogue has no such field ({value})")),
                },
            }
        }
    }

    fn value_fits(&mut self, value: &Value, field: &FieldPlan, here: &str) {
        if value.is_null() {
            if !field.optional {
                self.misfits.push(format!("{here}: null, and the catalogue promises a value"));
            }
            return;
        }
        // `missing as`: an empty text or zero stands for no value.
        if field.optional && value.as_str().is_some_and(|text| text.trim().is_empty()) {
            return;
        }
        self.kind_fits(value, &field.kind, here);
    }

    fn kind_fits(&mut self, value: &Value, kind: &Kind, here: &str) {
        let text = value.as_str();
        let fits = match kind {
            Kind::Text(max) => text.is_some_and(|text| max.is_none_or(|max| text.chars().count() <= max as usize)),
            Kind::Integer => value.is_number() && !value.to_string().contains('.'),
            Kind::Decimal(_, scale) => {
                let digits = value.to_string();
                let places = digits.split_once('.').map_or(0, |(_, places)| places.trim_end_matches('0').len());
                value.is_number() && (digits.contains('e') || places <= *scale as usize)
            }
            Kind::Boolean(None) => value.is_boolean(),
            Kind::Boolean(Some((yes, no))) => text.is_some_and(|text| text == *yes || text == *no),
            Kind::Date => text.is_some_and(|text| text.len() >= 8),
            Kind::Time => text.is_some_and(|text| text.contains(':')),
            Kind::DateTime => text.is_some_and(|text| text.contains('T') || text.contains(' ')),
            Kind::Uuid(hex) => text.is_some_and(|text| text.len() == if *hex { 32 } else { 36 }),
            Kind::Enum(words) => text.is_some_and(|text| words.contains(&text)),
            Kind::Record(fields) => {
                self.check(value, fields, here);
                true
            }
            Kind::List(inner) => {
                let items = value.as_array().unwrap_or_else(|| panic!("{here}: {value} is no list"));
                for (index, item) in items.iter().enumerate() {
                    self.kind_fits(item, inner, &format!("{here}[{}]", index + 1));
                }
                true
            }
            Kind::Json => true,
        };
        if !fits {
            self.misfits.push(format!("{here}: {value} is no {kind:?}"));
        }
    }
}

/// Does a path end with that one, whatever the numbers of its items?
fn ends_with(here: &str, path: &str) -> bool {
    let plain: Vec<&str> = here.split('.').map(|step| step.split('[').next().unwrap_or(step)).collect();
    plain.ends_with(&path.split('.').collect::<Vec<_>>())
}

/// All leaves of a tree as texts, the protocol's own words left out.
pub(crate) fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(value) => found.push(value.to_string()),
        Value::Number(number) => found.push(plain(&number.to_string())),
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => found.push(plain(text)),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                let words = ["cursor", "pageInfo", "extensions", "__typename"];
                let protocol = name.starts_with('@')
                    || name.starts_with("odata.")
                    || name.contains("@odata")
                    || words.contains(&name.as_str());
                if !protocol {
                    leaves(value, found);
                }
            }
        }
    }
}

/// A number without its trailing zeros: readers of JSON other than ours drop them.
fn plain(text: &str) -> String {
    let numeric = text.contains('.') && text.chars().all(|letter| letter.is_ascii_digit() || ".-".contains(letter));
    if numeric { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}
