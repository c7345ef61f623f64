//! Takes personal values out of a record before it is shown.

use mapwright_values::Json;
use mapwright_values::plan::{EntityPlan, FieldPlan, Kind};

/// What stands in place of a personal value.
pub(crate) const REDACTED: &str = "(personal)";

/// The record with every value that the catalogue marks `personal` replaced. Fields that the catalogue does not know are
/// replaced too: nobody has said that they are not.
pub(crate) fn redact(record: Json<'static>, entity: Option<&EntityPlan>) -> Json<'static> {
    entity.map_or_else(|| Json::text(REDACTED), |entity| record_of(record, entity.fields))
}

fn record_of(record: Json<'static>, fields: &[FieldPlan]) -> Json<'static> {
    match record {
        Json::Record(members) => Json::Record(
            members
                .into_iter()
                .map(|(name, value)| {
                    let field = fields.iter().find(|field| field.name == name);
                    let value = match field {
                        Some(field) if !field.personal => value_of(value, &field.kind),
                        Some(_) | None => covered(value),
                    };
                    (name, value)
                })
                .collect(),
        ),
        Json::List(elements) => Json::List(elements.into_iter().map(|element| record_of(element, fields)).collect()),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => record,
    }
}

fn value_of(value: Json<'static>, kind: &Kind) -> Json<'static> {
    match kind {
        Kind::Record(fields) => record_of(value, fields),
        Kind::List(element) => match value {
            Json::List(elements) => Json::List(elements.into_iter().map(|one| value_of(one, element)).collect()),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => value,
        },
        Kind::Json => covered(value),
        Kind::Text(_)
        | Kind::Integer
        | Kind::Decimal(..)
        | Kind::Boolean(_)
        | Kind::Date
        | Kind::Time
        | Kind::DateTime
        | Kind::Uuid(_)
        | Kind::Enum(_) => value,
    }
}

/// A shorter value stands in too many words by chance.
const TEXT_MIN: usize = 3;

/// The personal values of a record as texts, longest first.
pub(crate) fn personal_texts(record: &Json<'_>, entity: Option<&EntityPlan>) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(entity) = entity {
        collect(record, entity.fields, &mut texts);
    }
    texts.retain(|text| text.chars().count() >= TEXT_MIN);
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
}

/// Words of a spec or a system may repeat what the record holds: its personal values are taken out of them.
pub(crate) fn cover_text(words: &str, texts: &[String]) -> String {
    texts.iter().fold(words.to_owned(), |words, text| words.replace(text.as_str(), REDACTED))
}

fn collect(record: &Json<'_>, fields: &[FieldPlan], texts: &mut Vec<String>) {
    match record {
        Json::Record(members) => {
            for (name, value) in members {
                match fields.iter().find(|field| field.name == name) {
                    Some(field) if field.personal => leaves(value, texts),
                    Some(field) => within(value, &field.kind, texts),
                    None => {}
                }
            }
        }
        Json::List(items) => items.iter().for_each(|item| collect(item, fields, texts)),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => {}
    }
}

fn within(value: &Json<'_>, kind: &Kind, texts: &mut Vec<String>) {
    match (kind, value) {
        (Kind::Record(fields), value) => collect(value, fields, texts),
        (Kind::List(element), Json::List(items)) => items.iter().for_each(|item| within(item, element, texts)),
        _ => {}
    }
}

fn leaves(value: &Json<'_>, texts: &mut Vec<String>) {
    match value {
        Json::Text(text) | Json::Number(text) => texts.push(text.to_string()),
        Json::List(items) => items.iter().for_each(|item| leaves(item, texts)),
        Json::Record(members) => members.iter().for_each(|(_, value)| leaves(value, texts)),
        Json::Null | Json::Boolean(_) => {}
    }
}

fn covered(value: Json<'static>) -> Json<'static> {
    if value.is_null() { value } else { Json::text(REDACTED) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn field(name: &'static str, kind: Kind, personal: bool) -> FieldPlan {
        FieldPlan { personal, ..FieldPlan::new(name, kind) }
    }

    static LINE: &[FieldPlan] = &[field("label", Kind::Text(None), false), field("for", Kind::Text(None), true)];
    static FIELDS: &[FieldPlan] = &[
        field("number", Kind::Text(None), false),
        field("email", Kind::Text(None), true),
        field("lines", Kind::List(&Kind::Record(LINE)), false),
    ];
    static ORDER: EntityPlan =
        EntityPlan { name: "order", action: false, key: &["number"], natural_keys: &[], fields: FIELDS };

    #[test]
    fn personal_and_unknown_fields_are_covered_at_any_depth() {
        let text = r#"{"number":"1","email":"a@b","lines":[{"label":"x","for":"Ann"}],"extra":5,"gone":null}"#;
        let record = Json::parse(text).expect("JSON").into_owned();
        assert_eq!(
            redact(record, Some(&ORDER)).to_text(),
            r#"{"number":"1","email":"(personal)","lines":[{"label":"x","for":"(personal)"}],"extra":"(personal)","gone":null}"#
        );
    }

    #[test]
    fn personal_values_are_taken_out_of_words_that_repeat_them() {
        let record =
            Json::parse(r#"{"number":"17","email":"ann@b","lines":[{"label":"ann","for":"Ann Lee"},{"for":"Al"}]}"#);
        let texts = personal_texts(&record.expect("JSON"), Some(&ORDER));
        assert_eq!(texts, ["Ann Lee", "ann@b"]);
        let words = "order 17: nobody knows ann@b, nor Ann Lee (ann)";
        assert_eq!(cover_text(words, &texts), "order 17: nobody knows (personal), nor (personal) (ann)");
    }
}
