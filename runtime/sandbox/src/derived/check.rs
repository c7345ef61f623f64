//! What a system refuses in a record. In: a record in the catalogue's shape, what is stored, and what may be referred to.
//! Out: every rule that it breaks first, with the field. Never: a change of the record.

use jiff::civil;
use mapwright_values::Json;
use mapwright_values::decimal::Decimal;

use super::schema::{EntityType, FieldType, Shape};
use super::tree::{Value, at, plain};

/// Why a write is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) cause: Cause,
    /// The field, dots between steps.
    pub(crate) field: String,
    pub(crate) words: String,
}

/// Kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The payload is wrong.
    Wrong,
    /// It refers to what is not there.
    Dependency,
    /// A record with this key is there already.
    Exists,
    /// The addressed record is not there.
    Missing,
    /// It was changed since it was read.
    Conflict,
    /// The system does not play this.
    Unplayed,
}

pub(crate) fn refused(cause: Cause, field: &str, words: impl Into<String>) -> Refused {
    Refused { cause, field: field.to_owned(), words: words.into() }
}

/// What a record is checked against.
pub(crate) struct Rules<'r> {
    /// Is it made new?
    pub(crate) creates: bool,
    /// What is stored, for updates.
    pub(crate) stored: Option<&'r Value>,
    /// A replacing update may repeat what only the system writes.
    pub(crate) whole: bool,
    /// Is there a record of that entity with this key or natural key?
    pub(crate) refers: &'r dyn Fn(&str, &str) -> bool,
}

/// Checks a whole record.
pub(crate) fn record(entity: &EntityType, given: &Value, rules: &Rules<'_>) -> Result<(), Refused> {
    fields(&entity.fields, "", given, rules.stored, &entity.key, rules)
}

fn joined(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") }
}

fn fields(
    known: &[FieldType],
    above: &str,
    given: &Value,
    stored: Option<&Value>,
    keys: &[String],
    rules: &Rules<'_>,
) -> Result<(), Refused> {
    let Json::Record(members) = given else {
        return Err(refused(Cause::Wrong, above, format!("{above} must be an object")));
    };
    for (name, value) in members {
        let path = joined(above, name);
        if name.starts_with('@') {
            continue;
        }
        let Some(field) = known.iter().find(|field| field.name == *name) else {
            return Err(refused(Cause::Wrong, &path, format!("there is no field {path}")));
        };
        let before = stored.and_then(|stored| stored.get(name));
        let same = before.is_some_and(|before| alike(&field.shape, before, value));
        let is_key = keys.contains(&path);
        if field.read_only && !is_key && !(same || (rules.whole && !rules.creates)) {
            return Err(refused(Cause::Wrong, &path, format!("{path} is read only")));
        }
        if field.create_only && !rules.creates && before.is_some() && !same {
            return Err(refused(Cause::Wrong, &path, format!("{path} cannot be changed")));
        }
        checked(field, &path, value, before, rules)?;
    }
    for field in known.iter().filter(|field| field.required && !field.read_only) {
        let path = joined(above, &field.name);
        let found = given.get(&field.name).filter(|value| !value.is_null());
        let there = found.is_some() || (stored.is_some() && given.get(&field.name).is_none());
        let empty = matches!((&field.shape, found), (Shape::Text(_), Some(Json::Text(text))) if text.is_empty());
        if !there || (empty && field.missing_as.is_none()) {
            return Err(refused(Cause::Wrong, &path, format!("{path} must be given")));
        }
    }
    Ok(())
}

fn checked(
    field: &FieldType,
    path: &str,
    value: &Value,
    before: Option<&Value>,
    rules: &Rules<'_>,
) -> Result<(), Refused> {
    let none = value.is_null() || field.missing_as.as_ref() == Some(value);
    if none {
        return Ok(());
    }
    shaped(&field.shape, path, value, before, rules)?;
    if let Some(target) = &field.refers_to {
        let text = plain(value);
        if !text.is_empty() && !(rules.refers)(target, &text) {
            return Err(refused(Cause::Dependency, path, format!("{path}: there is no {target} {text}")));
        }
    }
    Ok(())
}

/// Checks one value by itself.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn leaf(shape: &Shape, path: &str, value: &Value) -> Result<(), String> {
    let rules = Rules { creates: false, stored: None, whole: true, refers: &|_, _| true };
    shaped(shape, path, value, None, &rules).map_err(|refused| refused.words)
}

fn shaped(shape: &Shape, path: &str, value: &Value, before: Option<&Value>, rules: &Rules<'_>) -> Result<(), Refused> {
    let wrong = |wanted: &str| Err(refused(Cause::Wrong, path, format!("{path}: {} is no {wanted}", value.to_text())));
    match (shape, value) {
        (Shape::Text(max), Json::Text(text)) => {
            let length = text.chars().count();
            match max {
                Some(max) if length > usize::try_from(*max).unwrap_or(usize::MAX) => Err(refused(
                    Cause::Wrong,
                    path,
                    format!("{path}: the text has {length} characters, at most {max} are allowed"),
                )),
                Some(_) | None => Ok(()),
            }
        }
        // Numbers spelled as texts, and words of an enum spelled as numbers, follow the catalogue's own spelling.
        (Shape::Text(_), Json::Number(_)) => Ok(()),
        // Numbers that travel as texts: a compiled project's catalogue does not tell which do.
        (Shape::Integer | Shape::Decimal(..), Json::Text(text)) if Decimal::parse(&text.replace(',', ".")).is_ok() => {
            Ok(())
        }
        (Shape::Integer, Json::Number(digits)) => match Decimal::parse(digits) {
            Ok(number) if number.is_integer() => Ok(()),
            Ok(_) | Err(_) => wrong("whole number"),
        },
        (Shape::Decimal(precision, scale), Json::Number(digits)) => match Decimal::parse(digits) {
            Ok(number) if number.fits(*precision, *scale) => Ok(()),
            Ok(_) => Err(refused(
                Cause::Wrong,
                path,
                format!("{path}: {digits} has more than {scale} decimals or {precision} digits"),
            )),
            Err(_) => wrong("number"),
        },
        (Shape::Boolean(None), Json::Boolean(_)) => Ok(()),
        (Shape::Boolean(None), Json::Number(digits)) if matches!(digits.as_ref(), "0" | "1") => Ok(()),
        (Shape::Boolean(Some((yes, no))), Json::Text(text)) if text == yes || text == no => Ok(()),
        (Shape::Date, Json::Text(text)) => {
            let day = text.get(..10).unwrap_or(text);
            if day.parse::<civil::Date>().is_ok() || text.len() == 8 { Ok(()) } else { wrong("day") }
        }
        (Shape::Time, Json::Text(text)) if !text.is_empty() => Ok(()),
        (Shape::Instant, Json::Text(text)) if text.len() >= 8 => Ok(()),
        (Shape::Uuid(_), Json::Text(text)) => {
            let digits = text.chars().filter(|letter| *letter != '-');
            if digits.clone().count() == 32 && digits.clone().all(|digit| digit.is_ascii_hexdigit()) {
                Ok(())
            } else {
                wrong("UUID")
            }
        }
        (Shape::Enum(words), Json::Text(_) | Json::Number(_)) => {
            let text = plain(value);
            if words.contains(&text) {
                Ok(())
            } else {
                Err(refused(Cause::Wrong, path, format!("{path}: {text} is none of {}", words.join(", "))))
            }
        }
        (Shape::Record(inner), Json::Record(_)) => fields(inner, path, value, before, &[], rules),
        (Shape::List(inner, least), Json::List(list)) => {
            if rules.creates && list.len() < usize::try_from(*least).unwrap_or(0) {
                return Err(refused(Cause::Wrong, path, format!("{path} must have at least {least} entries")));
            }
            list.iter().try_for_each(|item| {
                // An entry that names a stored one changes it; any other is a new one.
                let known = before.and_then(|before| partner(before, item));
                shaped(inner, path, item, known, rules)
            })
        }
        (Shape::Json, _) => Ok(()),
        (Shape::Integer, _) => wrong("whole number"),
        (Shape::Decimal(..), _) => wrong("number"),
        (Shape::Text(_), _) => wrong("text"),
        (Shape::Boolean(_), _) => wrong("truth value"),
        (Shape::Date, _) => wrong("day"),
        (Shape::Time, _) => wrong("time of day"),
        (Shape::Instant, _) => wrong("instant"),
        (Shape::Uuid(_), _) => wrong("UUID"),
        (Shape::Enum(_), _) => wrong("word of the list"),
        (Shape::Record(_), _) => wrong("object"),
        (Shape::List(..), _) => wrong("list"),
    }
}

/// The stored entry that a given one is about: by `id`, or any other member whose name ends so.
pub(crate) fn partner<'v>(stored: &'v Value, item: &Value) -> Option<&'v Value> {
    let name = id_name(item)?;
    let wanted = plain(at(item, &name)?);
    super::tree::items(stored).into_iter().find(|known| at(known, &name).is_some_and(|found| plain(found) == wanted))
}

/// The member by which an entry of a list is known.
pub(crate) fn id_name(item: &Value) -> Option<String> {
    let names = ["id", "LineNum", "LineId", "AddressName"];
    names.into_iter().find(|name| at(item, name).is_some()).map(str::to_owned)
}

/// The same leaf, however it is written.
fn alike(shape: &Shape, left: &Value, right: &Value) -> bool {
    left == right || super::conditions::compare(Some(shape), &plain(left), &plain(right)).is_eq()
}
