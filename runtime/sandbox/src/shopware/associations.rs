//! What a record shows: its own fields always, an association only when it was asked for.
//!
//! In: a stored record with everything embedded. Out: the record as the shop answers it; an association that was not asked for is
//! `null`, which does not mean "no data". Never: which records are shown.

use super::criteria::Association;
use super::schema::Schema;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The record of `entity` with the associations that were asked for.
pub(super) fn render(schema: &Schema, entity: &str, record: &Value, asked: &BTreeMap<String, Association>) -> Value {
    let Some(fields) = record.as_object() else { return record.clone() };
    let mut shown = Map::new();
    for (name, value) in fields {
        let shows = match schema.association(entity, name) {
            None => value.clone(),
            Some(target) => match (asked.get(name), value) {
                (None, _) => Value::Null,
                (Some(association), Value::Array(elements)) => Value::Array(
                    association
                        .select(elements)
                        .into_iter()
                        .map(|element| render(schema, &target.entity, element, &association.nested))
                        .collect(),
                ),
                (Some(association), single) => render(schema, &target.entity, single, &association.nested),
            },
        };
        shown.insert(name.clone(), shows);
    }
    // A played association without data on this record is an empty list or null.
    for name in asked.keys().filter(|name| !fields.contains_key(*name)) {
        let many = schema.association(entity, name).is_some_and(|target| target.many);
        shown.insert(name.clone(), if many { Value::Array(Vec::new()) } else { Value::Null });
    }
    Value::Object(shown)
}
