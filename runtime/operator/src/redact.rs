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
}
