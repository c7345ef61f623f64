//! Leaves and lists as the catalogue has them. In: a record and the catalogue's fields. Out: the record, re-shaped.
//! XML knows texts only and cannot tell one item from none or several; some JSON wraps each leaf or list in an object.

use std::borrow::Cow;

use mapwright_manifest::{Codec, JsonCodec};
use mapwright_values::Json;
use mapwright_values::plan::{FieldPlan, Kind};

type Member = (Cow<'static, str>, Json<'static>);

/// A record as it came, in the catalogue's shape.
pub(crate) fn from_wire(codec: &Codec, fields: &'static [FieldPlan], record: Json<'static>) -> Json<'static> {
    match codec {
        Codec::Json(json) if json.tagged.is_empty() && json.list.is_none() => record,
        Codec::Json(json) => unwrapped(json, record),
        Codec::Xml(_) | Codec::NamedXml(_) | Codec::Csv { .. } => typed(fields, record),
        Codec::Hook(_) => record,
    }
}

/// A record in the catalogue's shape, as the wire wants it.
pub(crate) fn to_wire(codec: &Codec, fields: &'static [FieldPlan], record: Json<'static>) -> Json<'static> {
    match codec {
        Codec::Json(json) if json.tagged.is_empty() && json.list.is_none() => record,
        Codec::Json(json) => wrapped(json, fields, record),
        Codec::Xml(_) | Codec::NamedXml(_) | Codec::Csv { .. } | Codec::Hook(_) => record,
    }
}

/// Texts become numbers and booleans where the catalogue has them; lone items and absent elements become lists.
fn typed(fields: &'static [FieldPlan], record: Json<'static>) -> Json<'static> {
    let Json::Record(members) = record else { return record };
    let mut shaped: Vec<Member> = Vec::with_capacity(members.len());
    for (name, value) in members {
        let field = fields.iter().find(|field| field.name == name);
        let value = match field {
            Some(field) => typed_value(&field.kind, value),
            None => value,
        };
        shaped.push((name, value));
    }
    for field in fields {
        if matches!(field.kind, Kind::List(_)) && shaped.iter().all(|(name, _)| name != field.name) {
            shaped.push((field.name.into(), Json::List(Vec::new())));
        }
    }
    Json::Record(shaped)
}

fn typed_value(kind: &Kind, value: Json<'static>) -> Json<'static> {
    match (kind, value) {
        (Kind::List(inner), Json::List(items)) => {
            Json::List(items.into_iter().map(|item| typed_value(inner, item)).collect())
        }
        // An empty element is an empty list.
        (Kind::List(_), Json::Null) => Json::List(Vec::new()),
        (Kind::List(_), Json::Text(text)) if text.trim().is_empty() => Json::List(Vec::new()),
        (Kind::List(inner), Json::Record(members)) => {
            // `<Lines><Line/><Line/></Lines>`: the one name in it is that of the items.
            let mut members = members;
            match (members.pop(), members.is_empty()) {
                (Some((name, Json::List(items))), true) if !is_field(inner, &name) => {
                    Json::List(items.into_iter().map(|item| typed_value(inner, item)).collect())
                }
                (Some((name, lone)), true) if !is_field(inner, &name) => Json::List(vec![typed_value(inner, lone)]),
                (last, _) => {
                    members.extend(last);
                    Json::List(vec![typed_value(inner, Json::Record(members))])
                }
            }
        }
        (Kind::List(inner), lone) => Json::List(vec![typed_value(inner, lone)]),
        (Kind::Record(fields), record @ Json::Record(_)) => typed(fields, record),
        // `<Address/>`: an element without content is a record without fields.
        (Kind::Record(fields), Json::Text(text)) if text.trim().is_empty() => typed(fields, Json::Record(Vec::new())),
        (Kind::Integer | Kind::Decimal(..), Json::Text(text)) => number(text),
        (Kind::Boolean(None), Json::Text(text)) => match text.trim() {
            "true" | "1" => Json::Boolean(true),
            "false" | "0" => Json::Boolean(false),
            _ => Json::Text(text),
        },
        (_, value) => value,
    }
}

fn is_field(kind: &Kind, name: &str) -> bool {
    match kind {
        Kind::Record(fields) => fields.iter().any(|field| field.name == name),
        _ => false,
    }
}

/// The digits of a text as a number; a text that is none stays one, and an empty one is missing.
fn number(text: Cow<'static, str>) -> Json<'static> {
    let digits = text.trim();
    if digits.is_empty() {
        return Json::Null;
    }
    let plain = digits.strip_prefix('+').unwrap_or(digits);
    let plain = if plain.starts_with('.') { format!("0{plain}") } else { plain.to_owned() };
    match Json::parse(&plain) {
        Ok(Json::Number(_)) => Json::Number(plain.clone().into()),
        Ok(_) | Err(_) => Json::Text(text),
    }
}

fn unwrapped(codec: &JsonCodec, value: Json<'static>) -> Json<'static> {
    match value {
        Json::Record(mut members) => {
            let tags = |name: &str| codec.tagged.iter().any(|tagged| tagged.member == name);
            match (members.pop(), members.is_empty()) {
                (Some((name, Json::List(items))), true) if codec.list.as_deref() == Some(name.as_ref()) => {
                    Json::List(items.into_iter().map(|item| unwrapped(codec, item)).collect())
                }
                (Some((name, leaf)), true) if tags(&name) && !matches!(leaf, Json::Record(_) | Json::List(_)) => leaf,
                (last, _) => {
                    members.extend(last);
                    Json::Record(members.into_iter().map(|(name, value)| (name, unwrapped(codec, value))).collect())
                }
            }
        }
        Json::List(items) => Json::List(items.into_iter().map(|item| unwrapped(codec, item)).collect()),
        leaf @ (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_)) => leaf,
    }
}

fn wrapped(codec: &JsonCodec, fields: &'static [FieldPlan], record: Json<'static>) -> Json<'static> {
    let Json::Record(members) = record else { return record };
    let shaped = members.into_iter().map(|(name, value)| {
        let field = fields.iter().find(|field| field.name == name);
        let value = wrapped_value(codec, field.map(|field| &field.kind), value);
        (name, value)
    });
    Json::Record(shaped.collect())
}

fn wrapped_value(codec: &JsonCodec, kind: Option<&Kind>, value: Json<'static>) -> Json<'static> {
    match value {
        Json::Record(_) => match kind {
            Some(Kind::Record(fields)) => wrapped(codec, fields, value),
            _ => wrapped(codec, &[], value),
        },
        Json::List(items) => {
            let inner = match kind {
                Some(Kind::List(inner)) => Some(*inner),
                _ => None,
            };
            let items = Json::List(items.into_iter().map(|item| wrapped_value(codec, inner, item)).collect());
            match &codec.list {
                Some(member) => Json::Record(vec![(member.clone().into(), items)]),
                None => items,
            }
        }
        leaf @ (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_)) => {
            let word = kind.map_or("any", word);
            let tagged = codec.tagged.iter().find(|tagged| tagged.kind == word);
            match tagged.or_else(|| codec.tagged.iter().find(|tagged| tagged.kind == "any")) {
                Some(tagged) => Json::Record(vec![(tagged.member.clone().into(), leaf)]),
                None => leaf,
            }
        }
    }
}

/// The catalogue's word for a kind of leaf.
fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text(_) => "text",
        Kind::Integer => "integer",
        Kind::Decimal(..) => "decimal",
        Kind::Boolean(_) => "boolean",
        Kind::Date => "date",
        Kind::Time => "time",
        Kind::DateTime => "datetime",
        Kind::Uuid(_) => "uuid",
        Kind::Enum(_) => "enum",
        Kind::Record(_) | Kind::List(_) | Kind::Json => "any",
    }
}

#[cfg(test)]
mod tests {
    use mapwright_manifest::{Tagged, XmlCodec};

    use super::*;

    const fn field(name: &'static str, kind: Kind) -> FieldPlan {
        FieldPlan::new(name, kind).optional()
    }

    const LINE: &[FieldPlan] = &[field("sku", Kind::Text(None)), field("qty", Kind::Decimal(9, 2))];
    const ORDER: &[FieldPlan] = &[
        field("no", Kind::Integer),
        field("open", Kind::Boolean(None)),
        field("lines", Kind::List(&Kind::Record(LINE))),
    ];

    fn shaped(text: &str) -> String {
        let record = Json::parse(text).unwrap().into_owned();
        from_wire(&Codec::Xml(XmlCodec::default()), ORDER, record).to_text()
    }

    #[test]
    fn xml_gets_the_catalogues_types() {
        let one = r#"{"no":"7","open":"true","lines":{"sku":"007","qty":"1.50"}}"#;
        assert_eq!(shaped(one), r#"{"no":7,"open":true,"lines":[{"sku":"007","qty":1.50}]}"#);
        let inner = r#"{"no":"7","lines":{"line":[{"sku":"a","qty":".5"},{"sku":"b","qty":"x"}]}}"#;
        assert_eq!(shaped(inner), r#"{"no":7,"lines":[{"sku":"a","qty":0.5},{"sku":"b","qty":"x"}]}"#);
        assert_eq!(shaped(r#"{"no":"","lines":""}"#), r#"{"no":null,"lines":[]}"#);
        assert_eq!(shaped(r#"{"no":"7"}"#), r#"{"no":7,"lines":[]}"#, "no line is an empty list");
    }

    #[test]
    fn wrapped_leaves_there_and_back() {
        let tagged = Tagged { kind: "any".into(), member: "value".into() };
        let codec = Codec::Json(JsonCodec { tagged: vec![tagged], list: Some("results".into()) });
        let text = r#"{"no":7,"lines":[{"sku":"a"}]}"#;
        let wire = to_wire(&codec, ORDER, Json::parse(text).unwrap().into_owned());
        assert_eq!(wire.to_text(), r#"{"no":{"value":7},"lines":{"results":[{"sku":{"value":"a"}}]}}"#);
        assert_eq!(from_wire(&codec, ORDER, wire).to_text(), text);
    }
}
