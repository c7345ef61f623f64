//! Two catalogues of one system, field by field. In: two models. Out: every difference, whatever it means.

use std::collections::HashSet;

use mapwright_model::ir::{Entity, Field, ListType, Model, RecordId, Spelling, System, Type, Unit};
use mapwright_syntax::Span;

/// How deep records are compared.
const DEPTH_MAX: usize = 32;

/// What is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The entity is there no more.
    EntityGone,
    /// The entity is new.
    EntityNew,
    /// The field is there no more.
    FieldGone,
    /// The field is new.
    FieldNew {
        /// A new record is refused without it.
        required: bool,
    },
    /// Another kind of value.
    Retyped,
    /// Fewer values fit.
    Narrower,
    /// More values may come.
    Wider,
    /// A word is there no more.
    WordGone(String),
    /// A word is new.
    WordNew(String),
    /// A new record is refused without it, as it was not before.
    Required,
    /// It may be missing, as it could not before.
    MayBeMissing,
    /// Only the system sets it now.
    ReadOnly,
    /// The system gives it no more.
    WriteOnly,
    /// It can be set only at the beginning now.
    CreateOnly,
    /// Another key.
    Key,
    /// Another natural key.
    NaturalKey,
    /// No longer tells that a record changed.
    ChangedGone,
    /// An update does something else to the list.
    ListUpdate,
    /// Should not be used any more.
    Deprecated,
    /// Written otherwise on the wire; specs say the same.
    Spelling,
    /// Anything that takes nothing away.
    Eased,
}

/// One difference.
#[derive(Clone, Debug)]
pub struct Change {
    /// The entity.
    pub entity: String,
    /// Wire names that lead to the field; empty for the entity.
    pub path: Vec<String>,
    /// The field's name in specs; the entity's for an entity.
    pub name: String,
    /// What kind of difference.
    pub kind: Kind,
    /// What has changed, in words that go on from the field's name.
    pub what: String,
    /// Where it stands in the new catalogue, or stood in the old one.
    pub span: Span,
    /// Does `span` point into the new catalogue?
    pub in_new: bool,
    /// What may be meant instead of what is gone.
    pub perhaps: Option<String>,
}

/// All differences between the systems of two models.
#[must_use]
pub fn compare(old: (&Model, &System), new: (&Model, &System)) -> Vec<Change> {
    let mut found =
        Comparing { old: old.0, new: new.0, entity: String::new(), seen: HashSet::new(), changes: Vec::new() };
    for before in &old.1.entities {
        found.entity.clone_from(&before.name);
        match new.1.entities.iter().find(|after| after.name == before.name) {
            Some(after) => found.entity(before, after),
            None => {
                let what = "is there no more".to_owned();
                found.add(&[], &before.name, Kind::EntityGone, what, before.span, false);
            }
        }
    }
    for after in &new.1.entities {
        if old.1.entities.iter().all(|before| before.name != after.name) {
            found.entity.clone_from(&after.name);
            found.add(&[], &after.name, Kind::EntityNew, "is new".to_owned(), after.span, true);
        }
    }
    found.changes
}

struct Comparing<'m> {
    old: &'m Model,
    new: &'m Model,
    entity: String,
    seen: HashSet<(RecordId, RecordId)>,
    changes: Vec<Change>,
}

impl Comparing<'_> {
    fn add(&mut self, path: &[String], name: &str, kind: Kind, what: String, span: Span, in_new: bool) {
        self.changes.push(Change {
            entity: self.entity.clone(),
            path: path.to_vec(),
            name: name.to_owned(),
            kind,
            what,
            span,
            in_new,
            perhaps: None,
        });
    }

    fn entity(&mut self, before: &Entity, after: &Entity) {
        if before.key != after.key {
            let what = format!("has another key: {} instead of {}", listed(&after.key), listed(&before.key));
            self.add(&[], &before.name, Kind::Key, what, after.span, true);
        }
        for key in before.natural_keys.iter().filter(|key| !after.natural_keys.contains(key)) {
            let what = format!("has no natural key {} any more", listed(key));
            self.add(&[], &before.name, Kind::NaturalKey, what, after.span, true);
        }
        if !before.changed.is_empty() && before.changed.iter().any(|stamp| !after.changed.contains(stamp)) {
            let what = format!("does not tell changes by {} any more", listed(&before.changed));
            self.add(&[], &before.name, Kind::ChangedGone, what, after.span, true);
        }
        self.seen.clear();
        self.records(before.record, after.record, &mut Vec::new());
    }

    fn records(&mut self, before: RecordId, after: RecordId, path: &mut Vec<String>) {
        if path.len() > DEPTH_MAX || !self.seen.insert((before, after)) {
            return;
        }
        let (Some(old), Some(new)) = (self.old.record(before), self.new.record(after)) else { return };
        for field in old.fields() {
            path.push(field.wire.clone());
            match new.fields().find(|other| other.wire == field.wire) {
                Some(other) => self.field(field, other, path),
                None => {
                    let added = new.fields().filter(|other| old.fields().all(|known| known.wire != other.wire));
                    let gone = old.fields().filter(|known| new.fields().all(|other| other.wire != known.wire));
                    let alone = gone.filter(|known| alike(known, field)).count() == 1;
                    let perhaps = renamed(field, added, alone);
                    self.add(path, &field.name, Kind::FieldGone, "is there no more".to_owned(), field.span, false);
                    if let Some(change) = self.changes.last_mut() {
                        change.perhaps = perhaps;
                    }
                }
            }
            path.pop();
        }
        for field in new.fields().filter(|field| old.fields().all(|known| known.wire != field.wire)) {
            path.push(field.wire.clone());
            let required = field.required && !field.read_only;
            let what = if required { "is new and required" } else { "is new" };
            self.add(path, &field.name, Kind::FieldNew { required }, what.to_owned(), field.span, true);
            path.pop();
        }
    }

    fn field(&mut self, old: &Field, new: &Field, path: &mut Vec<String>) {
        let mut say = |kind: Kind, what: &str| self.add(path, &new.name, kind, what.to_owned(), new.span, true);
        if old.name != new.name {
            say(Kind::Retyped, &format!("is called `{}` in specs instead of `{}`", new.name, old.name));
        }
        let marks = [
            (old.required, new.required, Kind::Required, "is required now", "is not required any more"),
            (old.optional, new.optional, Kind::MayBeMissing, "may be missing now", "is always there now"),
            (old.read_only, new.read_only, Kind::ReadOnly, "is read only now", "can be written now"),
            (old.write_only, new.write_only, Kind::WriteOnly, "is write only now", "can be read now"),
            (
                old.create_only,
                new.create_only,
                Kind::CreateOnly,
                "is set only at the beginning now",
                "can be updated now",
            ),
            (
                old.deprecated.is_some(),
                new.deprecated.is_some(),
                Kind::Deprecated,
                "is deprecated now",
                "is not deprecated any more",
            ),
            (new.personal, old.personal, Kind::Eased, "is not personal any more", "is personal now"),
        ];
        for (before, after, kind, on, off) in marks {
            match (before, after) {
                (false, true) => say(kind, on),
                (true, false) => say(Kind::Eased, off),
                (true, true) | (false, false) => {}
            }
        }
        if old.update != new.update {
            say(Kind::ListUpdate, "is a list to which an update does something else now");
        }
        if old.refers_to != new.refers_to {
            say(Kind::Eased, "refers to something else now");
        }
        if old.missing_as != new.missing_as || old.spelling != new.spelling {
            say(Kind::Spelling, "is spelled otherwise on the wire");
        }
        self.types(&old.ty, &new.ty, new, path);
    }

    fn types(&mut self, old: &Type, new: &Type, field: &Field, path: &mut Vec<String>) {
        let mut found: Vec<(Kind, String)> = Vec::new();
        match (old, new) {
            (Type::Record(before), Type::Record(after)) => self.records(*before, *after, path),
            (Type::List(before), Type::List(after)) => self.lists(before, after, field, path),
            (Type::Map(before), Type::Map(after)) => self.types(before, after, field, path),
            (Type::Text { max: before, unit: a }, Type::Text { max: after, unit: b }) if before != after || a != b => {
                let narrower = match (before, after) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(before), Some(after)) => after < before || (a != b && *b != Unit::Characters),
                };
                let what = format!("has {} instead of {}", length(*after, b), length(*before, a));
                found.push((if narrower { Kind::Narrower } else { Kind::Wider }, what));
            }
            (Type::Integer { min: a, max: b }, Type::Integer { min: c, max: d }) if (a, b) != (c, d) => {
                let lower = c.is_some_and(|c| a.is_none_or(|a| a < c));
                let upper = d.is_some_and(|d| b.is_none_or(|b| b > d));
                let what = format!("goes {} instead of {}", range(*c, *d), range(*a, *b));
                found.push((if lower || upper { Kind::Narrower } else { Kind::Wider }, what));
            }
            (Type::Decimal { precision: a, scale: b }, Type::Decimal { precision: c, scale: d })
                if (a, b) != (c, d) =>
            {
                let narrower = d < b || c.saturating_sub(*d) < a.saturating_sub(*b);
                let what = format!("is decimal({c},{d}) instead of decimal({a},{b})");
                found.push((if narrower { Kind::Narrower } else { Kind::Wider }, what));
                // Fewer digits on one side of the point and more on the other is both.
                if narrower && (d > b || c.saturating_sub(*d) > a.saturating_sub(*b)) {
                    found.push((Kind::Wider, format!("is decimal({c},{d}) instead of decimal({a},{b})")));
                }
            }
            (Type::Enum(before), Type::Enum(after)) => {
                for word in &before.values {
                    match after.values.iter().find(|other| other.name == word.name) {
                        None => found.push((
                            Kind::WordGone(word.name.clone()),
                            format!("has no word \"{}\" any more", word.name),
                        )),
                        Some(other) if other.wire != word.wire => {
                            let what = format!("spells \"{}\" as \"{}\" on the wire", word.name, other.wire);
                            found.push((Kind::Spelling, what));
                        }
                        Some(_) => {}
                    }
                }
                for word in after.values.iter().filter(|word| before.values.iter().all(|known| known.name != word.name))
                {
                    found.push((Kind::WordNew(word.name.clone()), format!("has a new word, \"{}\"", word.name)));
                }
            }
            (before, after) if std::mem::discriminant(before) != std::mem::discriminant(after) => {
                found.push((Kind::Retyped, format!("is {} instead of {}", noun(after), noun(before))));
            }
            (_, _) => {}
        }
        for (kind, what) in found {
            self.add(path, &field.name, kind, what, field.span, true);
        }
    }

    fn lists(&mut self, old: &ListType, new: &ListType, field: &Field, path: &mut Vec<String>) {
        if new.min > old.min {
            let what = format!("has at least {} elements instead of {}", new.min, old.min);
            self.add(path, &field.name, Kind::Narrower, what, field.span, true);
        }
        if new.spelling != old.spelling && old.spelling != Spelling::Plain {
            self.add(
                path,
                &field.name,
                Kind::Spelling,
                "is spelled otherwise on the wire".to_owned(),
                field.span,
                true,
            );
        }
        if new.optional && !old.optional {
            self.add(
                path,
                &field.name,
                Kind::MayBeMissing,
                "has elements that may be missing now".to_owned(),
                field.span,
                true,
            );
        }
        self.types(&old.element, &new.element, field, path);
    }
}

/// Do they hold the same kind of value?
fn alike(one: &Field, other: &Field) -> bool {
    std::mem::discriminant(&one.ty) == std::mem::discriminant(&other.ty)
}

/// The new field that a field that is gone may be called by now: one with a name that is near, or the only one of its kind.
fn renamed<'f>(gone: &Field, added: impl Iterator<Item = &'f Field>, alone: bool) -> Option<String> {
    let same: Vec<&str> = added.filter(|field| alike(field, gone)).map(|field| field.name.as_str()).collect();
    let near = mapwright_values::names::closest(&gone.name, same.iter().copied());
    near.or_else(|| same.first().copied().filter(|_| alone && same.len() == 1)).map(str::to_owned)
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}

fn length(max: Option<u32>, unit: &Unit) -> String {
    let unit = match unit {
        Unit::Characters => "characters",
        Unit::Bytes(_) => "bytes",
        Unit::Utf16 => "UTF-16 units",
    };
    max.map_or_else(|| "no greatest length".to_owned(), |max| format!("{max} {unit}"))
}

fn range(min: Option<i64>, max: Option<i64>) -> String {
    let shown = |bound: Option<i64>| bound.map(|bound| bound.to_string()).unwrap_or_default();
    format!("{}..{}", shown(min), shown(max))
}

/// A type in an analyst's words.
fn noun(ty: &Type) -> &'static str {
    match ty {
        Type::Text { .. } => "a text",
        Type::Integer { .. } => "a whole number",
        Type::Decimal { .. } | Type::Quotient => "a number with decimals",
        Type::Money => "an amount with its currency",
        Type::Boolean => "true or false",
        Type::Date => "a day",
        Type::Time => "a time of day",
        Type::Instant => "an instant",
        Type::Uuid => "a UUID",
        Type::Enum(_) => "one of some words",
        Type::Record(_) => "a record",
        Type::List(_) => "a list",
        Type::Map(_) => "a map",
        Type::Json => "JSON passed on unread",
        Type::File => "a file",
        Type::Never => "unknown",
    }
}
