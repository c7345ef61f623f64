//! Looking up a field's kind in the plan, and small readings of JSON values. Pure.

use mapwright_values::Json;
use mapwright_values::plan::{EntityPlan, FieldPlan, Kind};

use crate::template::plain;

/// The kind of a dotted path; lists on the way are entered. `None` = not in the catalogue (custom fields).
pub(crate) fn kind_of(entity: &EntityPlan, path: &str) -> Option<Kind> {
    let mut steps = path.split('.');
    let mut kind = field(entity.fields, steps.next()?)?.kind;
    for step in steps {
        kind = field(members(&kind)?, step)?.kind;
    }
    Some(kind)
}

fn field(fields: &'static [FieldPlan], name: &str) -> Option<&'static FieldPlan> {
    fields.iter().find(|field| field.name == name)
}

/// The fields of a record, or of a list's records.
pub(crate) fn members(kind: &Kind) -> Option<&'static [FieldPlan]> {
    match kind {
        Kind::Record(fields) => Some(fields),
        Kind::List(inner) => members(inner),
        Kind::Text(_)
        | Kind::Integer
        | Kind::Decimal(..)
        | Kind::Boolean(_)
        | Kind::Date
        | Kind::Time
        | Kind::DateTime
        | Kind::Uuid(_)
        | Kind::Enum(_)
        | Kind::Json => None,
    }
}

/// The items of a list; a lone value is a list of one.
pub(crate) fn list_items<'v, 'j>(value: &'v Json<'j>) -> Vec<&'v Json<'j>> {
    match value {
        Json::List(items) => items.iter().collect(),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => vec![value],
    }
}

/// The key of a record as texts; `None` = it does not carry all of it.
pub(crate) fn key_of(record: &Json<'_>, names: &[&str]) -> Option<Vec<String>> {
    names
        .iter()
        .map(|name| at(record, name).filter(|value| !value.is_null()).map(plain).filter(|text| !text.is_empty()))
        .collect()
}

/// The value at a dotted path through records.
pub(crate) fn at<'v, 'j>(record: &'v Json<'j>, path: &str) -> Option<&'v Json<'j>> {
    path.split('.').try_fold(record, |value, step| value.get(step))
}

/// The texts of all personal fields of a record, longest first.
pub(crate) fn personal_texts(record: &Json<'_>, fields: &[FieldPlan]) -> Vec<String> {
    let mut texts = Vec::new();
    for (name, value) in members_of(record) {
        let Some(field) = fields.iter().find(|field| field.name == name) else { continue };
        if field.personal {
            leaves(value, &mut texts);
        } else if let Some(inner) = members(&field.kind) {
            for item in list_items(value) {
                texts.extend(personal_texts(item, inner));
            }
        }
    }
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
}

fn members_of<'v, 'j>(record: &'v Json<'j>) -> impl Iterator<Item = (&'v str, &'v Json<'j>)> {
    let members = match record {
        Json::Record(members) => members.as_slice(),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => &[],
    };
    members.iter().map(|(name, value)| (name.as_ref(), value))
}

fn leaves(value: &Json<'_>, texts: &mut Vec<String>) {
    match value {
        Json::Text(text) => texts.push(text.as_ref().to_owned()),
        Json::Number(digits) => texts.push(digits.as_ref().to_owned()),
        Json::List(items) => items.iter().for_each(|item| leaves(item, texts)),
        Json::Record(members) => members.iter().for_each(|(_, value)| leaves(value, texts)),
        Json::Null | Json::Boolean(_) => {}
    }
}
