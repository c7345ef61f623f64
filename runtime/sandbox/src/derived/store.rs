//! The records of a derived system. In: checked records. Out: stored ones, with keys, numbers, change stamps and versions of
//! the system's own. Never: HTTP, a check of a payload.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use mapwright_values::Json;

use super::check::{id_name, partner};
use super::conditions::{Condition, compare};
use super::schema::{EntityType, FieldType, Shape};
use super::tree::{Value, at, members, number, plain, put};
use crate::text::hex_id;

/// A stored record.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// 1, 2, 3 ... in the order of creation.
    pub(crate) sequence: u64,
    /// Counts changes.
    pub(crate) revision: u64,
    pub(crate) record: Value,
    /// Stamps that stand in lists only.
    pub(crate) listed: Vec<(String, Value)>,
}

/// How a change is stamped.
#[derive(Clone, Debug)]
pub(crate) enum Stamp {
    /// In one field.
    Field {
        path: String,
        shape: Option<Shape>,
        format: Option<String>,
        /// It stands in lists only.
        listed: bool,
        /// It is set when the record is made, and never again.
        made: bool,
        /// It is empty until the first change.
        changed: bool,
    },
    /// In a day and a time of day on the system's wall.
    Wall { date: String, time: Option<String>, zone: TimeZone },
}

/// Changes that are remembered until somebody is told of them.
const CHANGES_MAX: usize = 10_000;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Made,
    Changed,
    Gone,
}

/// A record that has changed.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) entity: String,
    pub(crate) key: Vec<String>,
    pub(crate) turn: Turn,
}

/// All records. A copy shares them until one of the two changes: a batch that may have to be undone copies the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    tables: BTreeMap<String, Vec<Arc<Stored>>>,
    sequence: u64,
    changes: Vec<Change>,
}

impl Store {
    fn note(&mut self, entity: &EntityType, key: Vec<String>, turn: Turn) {
        if self.changes.len() < CHANGES_MAX {
            self.changes.push(Change { entity: entity.name.clone(), key, turn });
        }
    }

    /// What has changed since this was asked last.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    pub(crate) fn all(&self, entity: &str) -> &[Arc<Stored>] {
        self.tables.get(entity).map_or(&[], Vec::as_slice)
    }

    /// The record with this key.
    pub(crate) fn find(&self, entity: &EntityType, key: &[String]) -> Option<&Stored> {
        self.all(&entity.name).iter().map(Arc::as_ref).find(|stored| has_key(entity, &stored.record, key))
    }

    fn find_mut(&mut self, entity: &EntityType, key: &[String]) -> Option<&mut Stored> {
        let table = self.tables.get_mut(&entity.name)?;
        table.iter_mut().find(|stored| has_key(entity, &stored.record, key)).map(Arc::make_mut)
    }

    /// Records that fit, in the order of these fields and then of their creation.
    pub(crate) fn select(&self, entity: &EntityType, condition: &Condition, order: &[(String, bool)]) -> Vec<&Stored> {
        let mut found: Vec<&Stored> = self
            .all(&entity.name)
            .iter()
            .map(Arc::as_ref)
            .filter(|stored| condition.holds(entity, &stored.record))
            .collect();
        found.sort_by(|left, right| {
            let by_field = order.iter().map(|(field, falling)| {
                let text = |stored: &Stored| at(&stored.record, field).map(plain).unwrap_or_default();
                let shape = entity.field(field).map(|field| &field.shape);
                let order = compare(shape, &text(left), &text(right));
                if *falling { order.reverse() } else { order }
            });
            by_field.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then(left.sequence.cmp(&right.sequence))
        });
        found
    }

    /// Is there a record whose key, or one of whose natural keys of one field, is this?
    pub(crate) fn knows(&self, entity: &EntityType, text: &str) -> bool {
        let naturals = entity.natural_keys.iter().filter_map(|key| match key.as_slice() {
            [field] => Some(field),
            _ => None,
        });
        let fields: Vec<&String> = entity.key.iter().chain(naturals).collect();
        self.all(&entity.name).iter().any(|stored| {
            fields.iter().any(|field| {
                let shape = entity.field(field).map(|field| &field.shape);
                at(&stored.record, field).is_some_and(|value| compare(shape, &plain(value), text).is_eq())
            })
        })
    }

    /// A record that agrees with the given one in these fields, all of which it carries.
    pub(crate) fn twin(&self, entity: &EntityType, given: &Value, fields: &[String]) -> Option<&Stored> {
        let wanted: Vec<(&String, String)> = fields
            .iter()
            .map(|field| at(given, field).map(|value| (field, plain(value))).filter(|(_, text)| !text.is_empty()))
            .collect::<Option<_>>()?;
        if wanted.is_empty() {
            return None;
        }
        self.all(&entity.name).iter().map(Arc::as_ref).find(|stored| {
            wanted.iter().all(|(field, text)| {
                let shape = entity.field(field).map(|field| &field.shape);
                at(&stored.record, field).is_some_and(|value| compare(shape, &plain(value), text).is_eq())
            })
        })
    }

    /// Stores a new record: key, numbers, defaults and stamps are added.
    pub(crate) fn insert(&mut self, entity: &EntityType, given: Value, stamps: &[Stamp], now: Timestamp) -> &Stored {
        self.sequence += 1;
        let sequence = self.sequence;
        let mut record = given;
        let place = self.all(&entity.name).len();
        // A number that only the system gives: of a document, of a customer.
        let given = entity.fields.iter().filter(|field| {
            let name = field.name.to_lowercase();
            field.read_only && !field.optional && (name.ends_with("number") || name.ends_with("num"))
        });
        let numbered: Vec<&String> = entity
            .key
            .iter()
            .chain(entity.natural_keys.iter().filter_map(|key| match key.as_slice() {
                [field] if entity.field(field).is_some_and(|field| !field.optional && !field.required) => Some(field),
                _ => None,
            }))
            .chain(given.map(|field| &field.name))
            .collect();
        for field in numbered {
            let empty = at(&record, field).is_none_or(|value| plain(value).is_empty());
            if empty && let Some(known) = entity.field(field) {
                let fresh = fresh(entity, field, &known.shape, place);
                put(&mut record, &field.split('.').collect::<Vec<_>>(), fresh);
            }
        }
        complete(&entity.fields, &mut record, &format!("{}#{sequence}", entity.name), now);
        let mut stored = Stored { sequence, revision: 1, record, listed: Vec::new() };
        stamp(&mut stored, stamps, now, true);
        self.note(entity, key_of(entity, &stored.record), Turn::Made);
        let table = self.tables.entry(entity.name.clone()).or_default();
        table.push(Arc::new(stored));
        // It was pushed just now.
        table.last().map_or(&NOTHING, Arc::as_ref)
    }

    /// Lays a record over a stored one. `quiet` fields move no stamp.
    pub(crate) fn update(
        &mut self,
        entity: &EntityType,
        key: &[String],
        given: &Value,
        (stamps, quiet): (&[Stamp], &[String]),
        now: Timestamp,
    ) -> Option<&Stored> {
        let label = format!("{}@{}", entity.name, now.as_nanosecond());
        let stored = self.find_mut(entity, key)?;
        let before = stored.record.clone();
        overlay(&mut stored.record, given);
        complete(&entity.fields, &mut stored.record, &label, now);
        let loud = members(&stored.record)
            .iter()
            .any(|(name, value)| before.get(name) != Some(value) && !quiet.iter().any(|path| path == name));
        if before != stored.record {
            stored.revision += 1;
            if loud {
                stamp(stored, stamps, now, false);
            }
        }
        let moved = before != stored.record;
        let (id, changed) = (at(&stored.record, "id").map(plain), stored.record.clone());
        if let Some(id) = id.filter(|id| id.len() >= 32) {
            self.mirror(&entity.name, &id, &changed);
        }
        if moved {
            self.note(entity, key.to_vec(), Turn::Changed);
        }
        self.find(entity, key)
    }

    /// A record that stands within others (a delivery of an order) is the same one there.
    fn mirror(&mut self, entity: &str, id: &str, changed: &Value) {
        for table in self.tables.iter_mut().filter(|(name, _)| name.as_str() != entity).map(|(_, table)| table) {
            for stored in table.iter_mut().filter(|stored| carries(&stored.record, id)) {
                let stored = Arc::make_mut(stored);
                if let Json::Record(all) = &mut stored.record {
                    let mut touched = false;
                    for (_, value) in all {
                        touched |= copied(value, id, changed);
                    }
                    stored.revision += u64::from(touched);
                }
            }
        }
    }

    pub(crate) fn remove(&mut self, entity: &EntityType, key: &[String]) -> Option<Stored> {
        let table = self.tables.get_mut(&entity.name)?;
        let place = table.iter().position(|stored| has_key(entity, &stored.record, key))?;
        let gone = table.remove(place);
        self.note(entity, key.to_vec(), Turn::Gone);
        Some(Arc::unwrap_or_clone(gone))
    }
}

static NOTHING: Stored = Stored { sequence: 0, revision: 0, record: Json::Null, listed: Vec::new() };

/// Is there a record with this id within?
fn carries(value: &Value, id: &str) -> bool {
    match value {
        Json::List(list) => list.iter().any(|item| carries(item, id)),
        Json::Record(all) => all.iter().any(|(name, value)| match value {
            Json::Text(text) => name == "id" && text == id,
            nested => carries(nested, id),
        }),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => false,
    }
}

/// Lays what has changed over each nested record with this id. Says whether there was one.
fn copied(value: &mut Value, id: &str, changed: &Value) -> bool {
    match value {
        Json::List(list) => {
            let mut found = false;
            for item in list {
                found |= copied(item, id, changed);
            }
            found
        }
        Json::Record(all) => {
            if all.iter().any(|(name, value)| name == "id" && matches!(value, Json::Text(text) if text == id)) {
                for (name, value) in all.iter_mut() {
                    if let Some(new) = changed.get(name) {
                        *value = new.clone();
                    }
                }
                return true;
            }
            let mut found = false;
            for (_, value) in all {
                found |= copied(value, id, changed);
            }
            found
        }
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => false,
    }
}

/// The key of a record as texts; what is missing is empty.
pub(crate) fn key_of(entity: &EntityType, record: &Value) -> Vec<String> {
    entity.key.iter().map(|field| at(record, field).map(plain).unwrap_or_default()).collect()
}

fn has_key(entity: &EntityType, record: &Value, key: &[String]) -> bool {
    entity.key.len() == key.len()
        && entity.key.iter().zip(key).all(|(field, wanted)| {
            let shape = entity.field(field).map(|field| &field.shape);
            at(record, field).is_some_and(|value| compare(shape, &plain(value), wanted).is_eq())
        })
}

/// A key or number of the system's own.
fn fresh(entity: &EntityType, field: &str, shape: &Shape, place: usize) -> Value {
    match shape {
        Shape::Integer | Shape::Decimal(..) => number(place + 1),
        Shape::Uuid(bare) => uuid(&format!("{}.{field}#{place}", entity.name), *bare),
        Shape::Text(max) => {
            let initial: String = entity.name.chars().filter(|letter| letter.is_ascii_alphabetic()).take(2).collect();
            let text = format!("{}{}", initial.to_uppercase(), 10_001 + place);
            let max = max.and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX);
            let excess = text.chars().count().saturating_sub(max);
            Json::text(text.chars().skip(excess).collect::<String>())
        }
        Shape::Boolean(_)
        | Shape::Date
        | Shape::Time
        | Shape::Instant
        | Shape::Enum(_)
        | Shape::Record(_)
        | Shape::List(..)
        | Shape::Json => Json::text((place + 1).to_string()),
    }
}

/// A UUID that depends on the label only.
pub(crate) fn uuid(label: &str, bare: bool) -> Value {
    let digits = hex_id(label);
    if bare {
        return Json::text(digits);
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Json::text(format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)))
}

/// Fills in what a stored record always has.
fn complete(fields: &[FieldType], record: &mut Value, label: &str, now: Timestamp) {
    for field in fields {
        let path = format!("{label}.{}", field.name);
        let found = record.get(&field.name).filter(|value| !value.is_null()).cloned();
        let value = match found {
            Some(mut value) => {
                filled(&field.shape, &mut value, &path, now);
                value
            }
            None => match &field.missing_as {
                Some(none) => none.clone(),
                None if field.optional => Json::Null,
                None => default(&field.shape, &path, now),
            },
        };
        put(record, &[&field.name], value);
    }
}

fn filled(shape: &Shape, value: &mut Value, label: &str, now: Timestamp) {
    match (shape, value) {
        (Shape::Record(fields), value @ Json::Record(_)) => complete(fields, value, label, now),
        (Shape::List(inner, _), Json::List(list)) => {
            for (index, item) in list.iter_mut().enumerate() {
                let label = format!("{label}[{index}]");
                if let (Some(fields), Json::Record(_)) = (inner.fields(), &*item) {
                    for field in fields {
                        if item.get(&field.name).is_some_and(|value| !value.is_null()) {
                            continue;
                        }
                        let own = match (field.name.as_str(), &field.shape) {
                            ("id" | "LineNum", Shape::Integer) => number(index + 1),
                            ("id", Shape::Uuid(bare)) => uuid(&label, *bare),
                            (_, _) => continue,
                        };
                        put(item, &[&field.name], own);
                    }
                }
                filled(inner, item, &label, now);
            }
        }
        (_, _) => {}
    }
}

fn default(shape: &Shape, label: &str, now: Timestamp) -> Value {
    match shape {
        Shape::Text(_) => Json::text(""),
        Shape::Integer | Shape::Decimal(..) => number(0),
        Shape::Boolean(None) => Json::Boolean(false),
        Shape::Boolean(Some((_, no))) => Json::text(no.clone()),
        Shape::Date => Json::text(now.to_zoned(TimeZone::UTC).date().to_string()),
        Shape::Time => Json::text("00:00:00"),
        Shape::Instant => Json::text(instant(now)),
        Shape::Uuid(bare) => uuid(label, *bare),
        Shape::Enum(words) => words.first().map_or(Json::Null, |word| super::seed::word(word)),
        Shape::Record(fields) => {
            let mut record = Json::Record(Vec::new());
            complete(fields, &mut record, label, now);
            record
        }
        Shape::List(..) => Json::List(Vec::new()),
        Shape::Json => Json::Null,
    }
}

/// An instant as JSON systems write it.
pub(crate) fn instant(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn stamp(stored: &mut Stored, stamps: &[Stamp], now: Timestamp, creating: bool) {
    for stamp in stamps {
        match stamp {
            Stamp::Field { path, shape, format, listed, made, changed } => {
                if (*made && !creating) || (*changed && creating) {
                    continue;
                }
                let utc = now.to_zoned(TimeZone::UTC);
                let text = match (format, shape) {
                    (Some(format), _) => utc.strftime(format).to_string(),
                    (None, Some(Shape::Date)) => utc.date().to_string(),
                    (None, _) if *listed => utc.strftime("%Y%m%d").to_string(),
                    (None, _) => instant(now),
                };
                if *listed {
                    stored.listed.retain(|(name, _)| name != path);
                    stored.listed.push((path.clone(), Json::text(text)));
                } else {
                    put(&mut stored.record, &path.split('.').collect::<Vec<_>>(), Json::text(text));
                }
            }
            Stamp::Wall { date, time, zone } => {
                let wall = now.to_zoned(zone.clone());
                put(&mut stored.record, &[date], Json::text(wall.date().to_string()));
                if let Some(time) = time {
                    put(&mut stored.record, &[time], Json::text(wall.strftime("%H:%M:%S").to_string()));
                }
            }
        }
    }
}

/// Ours over theirs: records member by member; entries of a list that are known by an id are changed, others added; a list
/// without ids replaces.
fn overlay(stored: &mut Value, given: &Value) {
    match given {
        Json::Record(over) if matches!(stored, Json::Record(_)) => {
            for (name, value) in over.iter().filter(|(name, _)| !name.starts_with('@')) {
                let mut member = stored.get(name).cloned().unwrap_or(Json::Null);
                overlay(&mut member, value);
                put(stored, &[name], member);
            }
        }
        Json::List(over) if over.iter().any(|item| partner(stored, item).is_some()) => {
            let mut list: Vec<Value> = super::tree::items(stored).into_iter().cloned().collect();
            for item in over {
                let same = |known: &Value| {
                    id_name(item).is_some_and(|name| known.get(&name).map(plain) == item.get(&name).map(plain))
                };
                match list.iter_mut().find(|known| same(known)) {
                    Some(known) => overlay(known, item),
                    None => list.push(item.clone()),
                }
            }
            *stored = Json::List(list);
        }
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Record(_) => {
            *stored = given.clone();
        }
    }
}
