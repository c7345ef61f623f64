//! Plausible made-up records. In: a schema and a count. Out: records in which every reference leads to another of them, the same
//! for the same seed. Never: a real person.

use mapwright_values::Json;

use super::schema::{EntityType, FieldType, Schema, Shape};
use super::store::{Store, key_of, uuid};
use super::tree::{Value, at, leaf, number, put};
use crate::text::mix;

const FIRST_NAMES: &[&str] =
    &["Anna", "Bülent", "Chloé", "Dmitri", "Éva", "Fatma", "Göran", "Hannah", "Ilse", "Jürgen"];
const LAST_NAMES: &[&str] =
    &["Müller", "Yılmaz", "O'Brien", "Nowak", "Sørensen", "García", "van Dijk", "Öztürk", "Weiß"];
const CITIES: &[&str] = &["Köln", "Berlin", "München", "Wien", "Zürich", "Leipzig", "Łódź", "Århus"];
const STREETS: &[&str] = &["Hauptstraße 12", "Am Markt 3", "Lindenallee 77b", "Große Gasse 1"];
const THINGS: &[&str] = &["Hoodie", "Mug", "Notebook", "Lamp", "Umbrella", "Chair", "Bottle", "Backpack"];
const COUNTRIES: &[&str] = &["DE", "AT", "CH", "FR", "NL"];

/// Records of an entity that are there already, entities that are referred to first.
pub(crate) fn order_of(schema: &Schema) -> Vec<&EntityType> {
    let mut ordered: Vec<&EntityType> = Vec::new();
    let all: Vec<&EntityType> = schema.entities.iter().filter(|entity| !entity.action).collect();
    while ordered.len() < all.len() {
        let free = all.iter().find(|entity| {
            let missing = targets(&entity.fields);
            !ordered.iter().any(|known| known.name == entity.name)
                && missing.iter().all(|target| {
                    *target == entity.name
                        || schema.entity(target).is_none()
                        || ordered.iter().any(|known| known.name == *target)
                })
        });
        // Entities that refer to one another in a circle come in the catalogue's order.
        let next = free.or_else(|| all.iter().find(|entity| !ordered.iter().any(|known| known.name == entity.name)));
        match next {
            Some(next) => ordered.push(next),
            None => break,
        }
    }
    ordered
}

fn targets(fields: &[FieldType]) -> Vec<String> {
    fields
        .iter()
        .flat_map(|field| {
            let own = field.refers_to.iter().cloned();
            own.chain(field.shape.fields().map(targets).unwrap_or_default()).collect::<Vec<_>>()
        })
        .collect()
}

/// A record of the entity; `None` = what it must refer to is not there.
pub(crate) fn record(schema: &Schema, store: &Store, entity: &EntityType, index: u64, seed: u64) -> Option<Value> {
    let mut made = Json::Record(Vec::new());
    let draw = Draw { schema, store, entity: &entity.name, index, seed };
    for field in &entity.fields {
        let key = entity.key.contains(&field.name);
        let names = key || entity.natural_keys.iter().any(|natural| natural.contains(&field.name));
        // Keys of the system's own are given when the record is stored.
        if key && field.read_only && field.refers_to.is_none() {
            continue;
        }
        if names
            && field.refers_to.is_none()
            && let Some(value) = draw.name(field)
        {
            put(&mut made, &[&field.name], value);
            continue;
        }
        if let Some(value) = draw.field(field, &field.name)? {
            put(&mut made, &[&field.name], value);
        }
    }
    Some(made)
}

struct Draw<'d> {
    schema: &'d Schema,
    store: &'d Store,
    entity: &'d str,
    index: u64,
    seed: u64,
}

impl Draw<'_> {
    fn number(&self, path: &str) -> u64 {
        let label = path.bytes().fold(self.seed ^ mix(self.index), |hash, byte| mix(hash ^ u64::from(byte)));
        mix(label ^ self.entity.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte))))
    }

    fn pick<'a>(&self, path: &str, from: &[&'a str]) -> &'a str {
        let place = usize::try_from(self.number(path)).unwrap_or(0) % from.len().max(1);
        from.get(place).copied().unwrap_or_default()
    }

    /// What tells this record from every other.
    fn name(&self, field: &FieldType) -> Option<Value> {
        match &field.shape {
            Shape::Integer => Some(number(self.index + 1)),
            Shape::Text(max) => {
                let lower = field.name.to_lowercase();
                let text = if lower.contains("mail") {
                    format!("person{}@example.com", self.index)
                } else {
                    format!("{}-{}", initials(self.entity), 1000 + self.index)
                };
                let max = max.and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX);
                let excess = text.chars().count().saturating_sub(max);
                Some(Json::text(text.chars().skip(excess).collect::<String>()))
            }
            Shape::Decimal(..)
            | Shape::Boolean(_)
            | Shape::Date
            | Shape::Time
            | Shape::Instant
            | Shape::Uuid(_)
            | Shape::Enum(_)
            | Shape::Record(_)
            | Shape::List(..)
            | Shape::Json => None,
        }
    }

    /// `Some(None)` = it is left out.
    fn field(&self, field: &FieldType, path: &str) -> Option<Option<Value>> {
        if let Some(target) = &field.refers_to
            && let Some(known) = self.schema.entity(target)
        {
            let found = self.store.all(target);
            let place = usize::try_from(self.number(path)).unwrap_or(0) % found.len().max(1);
            return match found.get(place) {
                Some(stored) => Some(Some(reference(known, field, &stored.record))),
                None if field.required => None,
                None => Some(None),
            };
        }
        // One optional value in six is missing.
        if field.optional && self.number(&format!("{path}?")).is_multiple_of(6) {
            return Some(None);
        }
        self.shape(&field.shape, path).map(Some)
    }

    fn shape(&self, shape: &Shape, path: &str) -> Option<Value> {
        let draw = self.number(path);
        Some(match shape {
            Shape::Text(max) => {
                let text = self.text(path);
                let max = max.and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX);
                Json::text(text.chars().take(max).collect::<String>())
            }
            Shape::Integer => number(draw % 100),
            Shape::Decimal(precision, scale) => {
                let whole = draw % 10_u64.saturating_pow(precision.saturating_sub(*scale).clamp(1, 3));
                if *scale == 0 {
                    number(whole)
                } else if *scale == 1 {
                    Json::Number(format!("{whole}.{}", mix(draw) % 10).into())
                } else {
                    Json::Number(format!("{whole}.{:02}", mix(draw) % 100).into())
                }
            }
            Shape::Boolean(None) => Json::Boolean(draw.is_multiple_of(2)),
            Shape::Boolean(Some((yes, no))) => {
                Json::text(if draw.is_multiple_of(2) { yes.clone() } else { no.clone() })
            }
            Shape::Date => Json::text(format!("2026-{:02}-{:02}", 1 + draw % 12, 1 + mix(draw) % 28)),
            Shape::Time => Json::text(format!("{:02}:{:02}:00", draw % 24, mix(draw) % 60)),
            Shape::Instant => Json::text(format!(
                "2026-{:02}-{:02}T{:02}:{:02}:00.000Z",
                1 + draw % 12,
                1 + mix(draw) % 28,
                mix(draw ^ 1) % 24,
                mix(draw ^ 2) % 60
            )),
            Shape::Uuid(bare) => uuid(&format!("{}.{path}.{}.{}", self.entity, self.index, self.seed), *bare),
            Shape::Enum(words) => {
                let place = usize::try_from(draw).unwrap_or(0) % words.len().max(1);
                word(words.get(place)?)
            }
            Shape::Record(fields) => self.fields(fields, path)?,
            Shape::List(inner, least) => {
                let count = u64::from(*least).max(1 + draw % 3);
                let all: Option<Vec<Value>> =
                    (0..count).map(|index| self.shape(inner, &format!("{path}[{index}]"))).collect();
                Json::List(all?)
            }
            Shape::Json => Json::Null,
        })
    }

    fn fields(&self, fields: &[FieldType], path: &str) -> Option<Value> {
        let mut record = Json::Record(Vec::new());
        for field in fields {
            if let Some(value) = self.field(field, &format!("{path}.{}", field.name))? {
                put(&mut record, &[&field.name], value);
            }
        }
        Some(record)
    }

    /// A text that suits the field's name.
    fn text(&self, path: &str) -> String {
        let name = path.rsplit('.').next().unwrap_or(path).to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["mail"]) {
            format!("person{}@example.com", self.index)
        } else if has(&["first"]) {
            self.pick(path, FIRST_NAMES).to_owned()
        } else if has(&["last", "surname"]) {
            self.pick(path, LAST_NAMES).to_owned()
        } else if has(&["phone", "tel"]) {
            format!("+49 221 {:06}", self.number(path) % 1_000_000)
        } else if has(&["city", "town", "cty"]) {
            self.pick(path, CITIES).to_owned()
        } else if has(&["street", "address", "addlig"]) {
            self.pick(path, STREETS).to_owned()
        } else if has(&["zip", "post", "poscod"]) {
            format!("{:05}", 10_000 + self.number(path) % 89_999)
        } else if has(&["country", "cry"]) {
            self.pick(path, COUNTRIES).to_owned()
        } else if has(&["currency", "cur"]) {
            "EUR".to_owned()
        } else if has(&["url", "site", "web"]) {
            format!("https://shop.example/{}", self.index)
        } else if has(&["number", "no", "num", "code", "sku", "ref", "key"]) {
            format!("{}-{}", initials(self.entity), 1000 + self.index)
        } else if has(&["name", "title", "label", "description", "des"]) {
            format!("{} {}", self.pick(path, THINGS), self.index)
        } else if has(&["date", "dat"]) {
            format!("2026{:02}{:02}", 1 + self.number(path) % 12, 1 + mix(self.number(path)) % 28)
        } else {
            self.pick(path, THINGS).to_owned()
        }
    }
}

/// Numbers and texts as the catalogue has them, where people wrote the other.
pub(crate) fn typed(fields: &[FieldType], record: Value) -> Value {
    let Json::Record(all) = record else { return record };
    let all = all.into_iter().map(|(name, value)| {
        let value = match fields.iter().find(|field| field.name == name) {
            Some(field) => typed_value(&field.shape, value),
            None => value,
        };
        (name, value)
    });
    Json::Record(all.collect())
}

fn typed_value(shape: &Shape, value: Value) -> Value {
    match (shape, value) {
        (Shape::Record(fields), value) => typed(fields, value),
        (Shape::List(inner, _), Json::List(list)) => {
            Json::List(list.into_iter().map(|item| typed_value(inner, item)).collect())
        }
        (Shape::Integer | Shape::Decimal(..), Json::Text(text)) => leaf(&text),
        (Shape::Text(_), Json::Number(digits)) => Json::Text(digits),
        (_, value) => value,
    }
}

/// The record without what only the system writes, and without what is missing.
pub(crate) fn writable(fields: &[FieldType], record: Value) -> Value {
    let Json::Record(all) = record else { return record };
    let kept = all.into_iter().filter_map(|(name, value)| {
        let field = fields.iter().find(|field| field.name == name && !field.read_only)?;
        match (field.shape.fields(), value) {
            (_, Json::Null) => None,
            (Some(inner), Json::List(list)) => {
                Some((name, Json::List(list.into_iter().map(|item| writable(inner, item)).collect())))
            }
            (Some(inner), value) => Some((name, writable(inner, value))),
            (None, value) => Some((name, value)),
        }
    });
    Json::Record(kept.collect())
}

/// A word of an enum as the wire has it: numbers stay numbers.
pub(crate) fn word(word: &str) -> Value {
    let value = leaf(word);
    if matches!(value, Json::Number(_)) { value } else { Json::text(word.to_owned()) }
}

fn initials(entity: &str) -> String {
    let letters: String = entity.chars().filter(|letter| letter.is_ascii_alphanumeric()).take(3).collect();
    letters.to_uppercase()
}

/// The value by which a field names a record: its key, or the natural key that has the field's shape.
fn reference(known: &EntityType, field: &FieldType, record: &Value) -> Value {
    let naturals = known.natural_keys.iter().filter_map(|key| match key.as_slice() {
        [field] => Some(field),
        _ => None,
    });
    let same_shape = |path: &&String| {
        known
            .field(path)
            .is_some_and(|found| std::mem::discriminant(&found.shape) == std::mem::discriminant(&field.shape))
    };
    let path = known.key.iter().chain(naturals).find(same_shape);
    match path.and_then(|path| at(record, path)) {
        Some(value) => value.clone(),
        None => leaf(&key_of(known, record).first().cloned().unwrap_or_default()),
    }
}
