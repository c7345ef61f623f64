//! Leaves: reading them as the catalogue spells them, writing them as the target's does, and the literals of a spec.

use std::borrow::Cow;

use mapwright_model::ir::{EnumType, ListType, Literal, Spelling, Type, Unit};
use mapwright_values::decimal::Decimal;
use mapwright_values::fault::{Stop, needed};
use mapwright_values::node::Node;
use mapwright_values::time::{Uuid, parse_date, parse_time};
use mapwright_values::value::Value;
use mapwright_values::write::{self, Written};
use mapwright_values::{Json, Step};

use super::Evaluated;

/// A field to read.
pub(super) struct Field<'e> {
    /// Wire names on the way.
    pub(super) steps: &'e [String],
    pub(super) ty: &'e Type,
    pub(super) spelling: &'e Spelling,
    /// JSON text that means "no value".
    pub(super) missing_as: Option<&'e str>,
    /// Is a missing value a failure?
    pub(super) always: bool,
    /// Is it a list that may be absent, and then is empty?
    pub(super) may_be_absent: bool,
}

/// Reads a field; one that is missing though it must be there is a failure.
pub(super) fn read_field<'r>(node: &Node<'r>, field: &Field<'_>) -> Evaluated<'r> {
    let steps: Vec<Step<'_>> = field.steps.iter().map(|name| Step::new(name)).collect();
    if let Some(text) = field.missing_as
        && !field.always
        && node.says(&steps, text)?
    {
        return Ok(None);
    }
    let value = read(node, &steps, field.ty, field.spelling)?;
    match (value, field.always, field.may_be_absent) {
        (None, true, true) => Ok(Some(Value::List(Vec::new()))),
        (None, true, false) => needed(None, || node.path(&steps)),
        (value, _, _) => Ok(value),
    }
}

/// Reads what stands at `steps`, `None` where it is missing.
fn read<'r>(node: &Node<'r>, steps: &[Step<'_>], ty: &Type, spelling: &Spelling) -> Evaluated<'r> {
    if let Some(read) = read_encoded(node, steps, ty, spelling) {
        return read;
    }
    let as_text = *spelling == Spelling::NumberAsText;
    Ok(match ty {
        Type::Text { max, unit: Unit::Characters } => node.text(steps, *max)?.map(Value::Text),
        Type::Text { max: Some(max), unit: Unit::Bytes(charset) } => {
            node.text_bytes(steps, *max, charset)?.map(Value::Text)
        }
        Type::Text { max: Some(max), unit: Unit::Utf16 } => node.text_utf16(steps, *max)?.map(Value::Text),
        Type::Text { max: None, unit: Unit::Bytes(_) | Unit::Utf16 } => node.text(steps, None)?.map(Value::Text),
        Type::Integer { min, max } if as_text => node.integer_as_text(steps, *min, *max)?.map(Value::Number),
        Type::Integer { min, max } => node.integer(steps, *min, *max)?.map(Value::Number),
        Type::Decimal { precision, scale } if as_text => {
            node.decimal_as_text(steps, *precision, *scale)?.map(Value::Number)
        }
        Type::Decimal { precision, scale } => node.decimal(steps, *precision, *scale)?.map(Value::Number),
        Type::Boolean => {
            if let Spelling::BooleanWords { yes, no } = spelling {
                node.boolean_as(steps, yes, no)?.map(Value::Boolean)
            } else {
                node.boolean(steps)?.map(Value::Boolean)
            }
        }
        Type::Date => {
            if let Spelling::Format(format) = spelling {
                node.date_as(steps, format)?.map(Value::Date)
            } else {
                node.date(steps)?.map(Value::Date)
            }
        }
        Type::Time => {
            if let Spelling::Format(format) = spelling {
                node.time_as(steps, format)?.map(Value::Time)
            } else {
                node.time(steps)?.map(Value::Time)
            }
        }
        Type::Instant => {
            if let Spelling::Format(format) = spelling {
                node.instant_as(steps, format)?.map(Value::Instant)
            } else {
                node.instant(steps)?.map(Value::Instant)
            }
        }
        Type::Uuid => node.uuid(steps)?.map(Value::Uuid),
        Type::Enum(words) => read_word(node, steps, words)?,
        Type::Record(_) => node.record(steps)?.map(Value::Record),
        Type::List(list) => read_list(node, steps, list)?,
        Type::Map(_) | Type::Json | Type::File => node.json(steps)?.map(Value::Json),
        Type::Quotient | Type::Money | Type::Never => return Err(unwritten(ty)),
    })
}

/// The wire's word becomes the spec's name.
fn read_word<'r>(node: &Node<'r>, steps: &[Step<'_>], words: &EnumType) -> Evaluated<'r> {
    let known: Vec<&str> = words.values.iter().map(|value| value.wire.as_str()).collect();
    let Some(wire) = node.word(steps, &known)? else { return Ok(None) };
    Ok(Some(Value::Text(named(wire, words))))
}

fn named<'r>(wire: Cow<'r, str>, words: &EnumType) -> Cow<'r, str> {
    let known = words.values.iter().find(|value| value.wire == wire && value.name != wire);
    known.map_or(wire, |value| Cow::Owned(value.name.clone()))
}

fn wired<'v>(name: &'v str, words: &'v EnumType) -> &'v str {
    words.values.iter().find(|value| value.name == name).map_or(name, |value| value.wire.as_str())
}

fn read_list<'r>(node: &Node<'r>, steps: &[Step<'_>], list: &ListType) -> Evaluated<'r> {
    let Some(nodes) = node.list(steps)? else { return Ok(None) };
    // The fields of a record are looked at when they are read, the record itself is not.
    if matches!(list.element, Type::Record(_)) && !list.optional {
        return Ok(Some(Value::List(nodes.into_iter().map(|node| Some(Value::Record(node))).collect())));
    }
    let mut elements = Vec::with_capacity(nodes.len());
    for element in nodes {
        let value = read(&element, &[], &list.element, &list.spelling)?;
        elements.push(if list.optional { value } else { Some(needed(value, || element.path(&[]))?) });
    }
    Ok(Some(Value::List(elements)))
}

/// A literal as a value of its type.
pub(super) fn literal<'r>(literal: &Literal, ty: &Type) -> Result<Value<'r>, Stop> {
    let broken = |text: &str| {
        Stop::failed(format!("the literal `{text}` is no value of its type: that is a fault of the program"))
    };
    Ok(match (literal, ty) {
        (Literal::Text(text), Type::Uuid) => Value::Uuid(Uuid::parse(text).ok_or_else(|| broken(text))?),
        (Literal::Text(text), _) => Value::Text(Cow::Owned(text.clone())),
        (Literal::Number(digits), _) => Value::Number(Decimal::parse(digits).map_err(|_| broken(digits))?),
        (Literal::Boolean(value), _) => Value::Boolean(*value),
        (Literal::Date(text), _) => Value::Date(parse_date(text).ok_or_else(|| broken(text))?),
        (Literal::Time(text), _) => Value::Time(parse_time(text).ok_or_else(|| broken(text))?),
    })
}

/// Writes a value in the spelling of its place.
pub(crate) fn write(value: &Value<'_>, ty: &Type, spelling: &Spelling) -> Written<'static> {
    written(value, ty, spelling).map(Json::into_owned)
}

fn written<'v>(value: &'v Value<'_>, ty: &'v Type, spelling: &'v Spelling) -> Written<'v> {
    if let Some(written) = write_encoded(value, ty, spelling) {
        return written;
    }
    let as_text = *spelling == Spelling::NumberAsText;
    match (ty, value) {
        (Type::Text { max, unit: Unit::Characters }, Value::Text(text)) => write::text(text, *max),
        (Type::Text { max: Some(max), unit: Unit::Bytes(charset) }, Value::Text(text)) => {
            write::text_bytes(text, *max, charset)
        }
        (Type::Text { max: Some(max), unit: Unit::Utf16 }, Value::Text(text)) => write::text_utf16(text, *max),
        (Type::Text { max: None, unit: Unit::Bytes(_) | Unit::Utf16 }, Value::Text(text)) => write::text(text, None),
        (Type::Integer { min, max }, Value::Number(number)) if as_text => write::integer_as_text(*number, *min, *max),
        (Type::Integer { min, max }, Value::Number(number)) => write::integer(*number, *min, *max),
        (Type::Decimal { precision, scale }, Value::Number(number)) if as_text => {
            write::decimal_as_text(*number, *precision, *scale)
        }
        (Type::Decimal { precision, scale }, Value::Number(number)) => write::decimal(*number, *precision, *scale),
        (Type::Boolean, Value::Boolean(value)) => {
            if let Spelling::BooleanWords { yes, no } = spelling {
                write::boolean_as(*value, yes, no)
            } else {
                write::boolean(*value)
            }
        }
        (Type::Date, Value::Date(date)) => {
            if let Spelling::Format(format) = spelling {
                write::formatted(*date, format)
            } else {
                write::date(*date)
            }
        }
        (Type::Time, Value::Time(time)) => {
            if let Spelling::Format(format) = spelling {
                write::formatted(*time, format)
            } else {
                write::time(*time)
            }
        }
        (Type::Instant, Value::Instant(instant)) => {
            if let Spelling::Format(format) = spelling {
                write::formatted(*instant, format)
            } else {
                write::instant(*instant)
            }
        }
        (Type::Uuid, Value::Uuid(uuid)) => write::uuid(*uuid, *spelling == Spelling::Hex),
        (Type::Enum(words), Value::Text(name)) => write_word(name, words),
        (Type::Record(_), Value::Record(node)) => write::json(node.content().into_owned()),
        (Type::List(list), Value::List(elements)) => {
            // A missing element has no place in a target's list.
            let written = elements.iter().flatten().map(|value| written(value, &list.element, &list.spelling));
            write::list(written.collect::<Result<_, _>>()?)
        }
        (Type::Map(_) | Type::Json | Type::File, Value::Json(json)) => write::json(json.clone()),
        (Type::Map(_) | Type::Json | Type::File, Value::Record(node)) => write::json(node.content().into_owned()),
        (ty, _) => Err(unwritten(ty)),
    }
}

/// Reads a leaf that stands in another kind of JSON than its own; `None` for any other.
fn read_encoded<'r>(node: &Node<'r>, steps: &[Step<'_>], ty: &Type, spelling: &Spelling) -> Option<Evaluated<'r>> {
    let number = |read: Result<Option<Decimal>, Stop>| Some(read.map(|read| read.map(Value::Number)));
    match (ty, spelling) {
        (Type::Decimal { precision, scale }, Spelling::MarkedNumber(mark)) => {
            number(node.decimal_marked(steps, *precision, *scale, mark))
        }
        (Type::Decimal { precision, scale }, Spelling::PaddedNumber(width)) => {
            number(node.decimal_padded(steps, *precision, *scale, *width))
        }
        (Type::Integer { min, max }, Spelling::PaddedNumber(width)) => {
            number(node.integer_padded(steps, *min, *max, *width))
        }
        (Type::Text { max, .. }, Spelling::AsNumber) => {
            Some(node.text_as_number(steps, *max).map(|read| read.map(Value::Text)))
        }
        (Type::Enum(words), Spelling::AsNumber) => {
            let known: Vec<&str> = words.values.iter().map(|value| value.wire.as_str()).collect();
            Some(node.word_as_number(steps, &known).map(|read| read.map(|wire| Value::Text(named(wire, words)))))
        }
        (Type::Boolean, Spelling::AsNumber) => Some(node.boolean_as_number(steps).map(|read| read.map(Value::Boolean))),
        _ => None,
    }
}

/// Writes a leaf in another kind of JSON than its own; `None` for any other.
fn write_encoded<'v>(value: &'v Value<'_>, ty: &'v Type, spelling: &'v Spelling) -> Option<Written<'v>> {
    Some(match (ty, value, spelling) {
        (Type::Decimal { precision, scale }, Value::Number(number), Spelling::MarkedNumber(mark)) => {
            write::decimal_marked(*number, *precision, *scale, mark)
        }
        (Type::Decimal { precision, scale }, Value::Number(number), Spelling::PaddedNumber(width)) => {
            write::decimal_padded(*number, *precision, *scale, *width)
        }
        (Type::Integer { min, max }, Value::Number(number), Spelling::PaddedNumber(width)) => {
            write::integer_padded(*number, *min, *max, *width)
        }
        (Type::Text { max, .. }, Value::Text(text), Spelling::AsNumber) => write::text_as_number(text, *max),
        (Type::Enum(words), Value::Text(name), Spelling::AsNumber) => {
            let wires: Vec<&str> = words.values.iter().map(|value| value.wire.as_str()).collect();
            write::word_as_number(wired(name, words), &wires)
        }
        (Type::Boolean, Value::Boolean(value), Spelling::AsNumber) => write::boolean_as_number(*value),
        _ => return None,
    })
}

/// The spec's name becomes the wire's word.
fn write_word<'v>(name: &str, words: &'v EnumType) -> Written<'v> {
    let wires: Vec<&str> = words.values.iter().map(|value| value.wire.as_str()).collect();
    write::word(wired(name, words), &wires)
}

/// The checker lets no such value through.
fn unwritten(ty: &Type) -> Stop {
    Stop::failed(format!("a value of another type stands where {ty:?} belongs: that is a fault of the program"))
}
