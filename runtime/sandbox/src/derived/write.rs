//! Writes of a derived system. In: a record as it came, the key it is for, the version it was made for. Out: a changed store and
//! what the ledger will tell, or the rule that forbids it. Never: an answer.

use mapwright_manifest::{Entity, Lock, Operation, Repeat, Verb};
use mapwright_values::Json;

use super::check::{self, Cause, Refused, Rules, refused};
use super::list::key_of as addressed;
use super::route::Asked;
use super::schema::EntityType;
use super::store::{Stamp, Store, Stored, key_of};
use super::system::System;
use super::tree::{Value, at, leaf, members, plain, put};
use super::unify::Bound;
use crate::clock;
use crate::ledger::{EffectKind, Subject};

/// A change that is written into the ledger once it stands.
pub(super) struct Effected {
    kind: EffectKind,
    subject: Subject,
}

/// One write's result.
pub(super) struct Done {
    pub(super) key: Vec<String>,
    pub(super) stored: Option<Stored>,
}

/// A write under way: what it works on and what it did.
pub(super) struct Work<'w> {
    pub(super) store: &'w mut Store,
    pub(super) effects: Vec<Effected>,
}

impl System {
    /// The version that a write names; `Err` = it must name one and does not.
    pub(super) fn version_of(&self, asked: &Asked, operation: &Operation, given: Option<&Value>) -> Version {
        match &self.manifest.lock {
            Lock::None { .. } => Version::Free,
            Lock::Etag { send, optional, .. } => match asked.header(send) {
                Some("*") => Version::Free,
                Some(tag) => Version::Tag(tag.to_owned()),
                // An operation that is sent without the header takes whatever is there.
                None if *optional || !operation.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(send)) => {
                    Version::Free
                }
                None => Version::Wanted(send.clone()),
            },
            Lock::Field(path) => match given.and_then(|given| at(given, path)) {
                Some(value) => Version::Field(path.clone(), plain(value)),
                None => Version::Free,
            },
        }
    }

    /// Writes down what stands.
    pub(super) fn commit(&self, sequence: u64, effects: Vec<Effected>) {
        for Effected { kind, subject } in effects {
            self.ledger.record(sequence, kind, subject);
        }
    }

    /// Carries out one write.
    pub(super) fn write(
        &self,
        work: &mut Work<'_>,
        (entity, known): (&Entity, &EntityType),
        verb: Verb,
        operation: &Operation,
        (given, bound, version): (Option<Value>, &Bound, Version),
    ) -> Result<Done, Refused> {
        let wrong = |words: String| refused(Cause::Wrong, "", words);
        let given = given.map(|given| self.wire.inward(&known.fields, given));
        let key = match verb {
            Verb::Create => Vec::new(),
            Verb::Upsert => {
                let addressed = addressed(&self.manifest, known, bound).map_err(wrong)?;
                if addressed.is_empty() {
                    given.as_ref().map(|given| key_of(known, given)).unwrap_or_default()
                } else {
                    addressed
                }
            }
            Verb::Update | Verb::Delete | Verb::List | Verb::Find | Verb::Get | Verb::Batch => {
                let addressed = addressed(&self.manifest, known, bound).map_err(wrong)?;
                // In a batch the record itself names its key.
                if addressed.is_empty() {
                    given.as_ref().map(|given| key_of(known, given)).unwrap_or_default()
                } else {
                    addressed
                }
            }
        };
        let found = work.store.find(known, &key).cloned();
        match (verb, found) {
            (Verb::Delete, found) => self.delete(work, known, &key, found.as_ref(), &version),
            (Verb::Update, None) => {
                Err(refused(Cause::Missing, "", format!("there is no {} {}", known.name, key.join("/"))))
            }
            (Verb::Update | Verb::Upsert, Some(stored)) => {
                let given = given.ok_or_else(|| wrong("there is nothing to write".to_owned()))?;
                self.update(work, (entity, known), (&key, &stored), given, operation.whole, &version)
            }
            (_, _) => {
                let given = given.ok_or_else(|| wrong("there is nothing to write".to_owned()))?;
                self.create(work, (entity, known), operation, given, (&key, bound))
            }
        }
    }

    fn create(
        &self,
        work: &mut Work<'_>,
        (entity, known): (&Entity, &EntityType),
        operation: &Operation,
        mut given: Value,
        (key, bound): (&[String], &Bound),
    ) -> Result<Done, Refused> {
        for (field, value) in known.key.iter().zip(key).filter(|(_, value)| !value.is_empty()) {
            put(&mut given, &field.split('.').collect::<Vec<_>>(), self.typed(known, field, value));
        }
        if entity.parent.is_some()
            && let Some(parent) = bound.under("parent")
        {
            for (field, (_, value)) in known.key.iter().zip(members(&parent)) {
                put(&mut given, &field.split('.').collect::<Vec<_>>(), self.typed(known, field, &plain(value)));
            }
        }
        if let Some(probe) = &entity.probe {
            for (field, _) in &probe.by {
                if let Some(Json::Text(text)) = at(&given, field).cloned() {
                    let stored = probe.normalise.apply(&text);
                    put(&mut given, &field.split('.').collect::<Vec<_>>(), Json::text(stored));
                }
            }
        }
        let keyed = operation.repeat == Some(Repeat::Keyed) || operation.repeat == Some(Repeat::Safe);
        let mut unique: Vec<Vec<String>> = vec![known.key.clone()];
        if keyed {
            match &operation.keyed_by {
                Some(field) => unique.push(vec![field.clone()]),
                None => unique.extend(known.natural_keys.iter().cloned()),
            }
        }
        for fields in &unique {
            if let Some(twin) = work.store.twin(known, &given, fields) {
                let there = key_of(known, &twin.record).join("/");
                let words = format!("a {} with this {} is there already as {there}", known.name, fields.join(", "));
                return Err(refused(Cause::Exists, fields.first().map_or("", String::as_str), words));
            }
        }
        self.checked(work.store, known, &given, None, false)?;
        let stored = work.store.insert(known, given, self.stamps_of(&known.name), clock::now()).clone();
        Ok(self.done(work, known, EffectKind::Created, stored))
    }

    fn update(
        &self,
        work: &mut Work<'_>,
        (entity, known): (&Entity, &EntityType),
        (key, stored): (&[String], &Stored),
        mut given: Value,
        whole: bool,
        version: &Version,
    ) -> Result<Done, Refused> {
        version.agrees(stored, &known.name)?;
        if let Version::Field(path, _) = version {
            put(
                &mut given,
                &path.split('.').collect::<Vec<_>>(),
                at(&stored.record, path).cloned().unwrap_or(Json::Null),
            );
        }
        self.checked(work.store, known, &given, Some(&stored.record), whole)?;
        let quiet: Vec<String> =
            entity.changes.iter().flat_map(|changes| &changes.misses).map(|(path, _)| path.clone()).collect();
        let stamps = (self.stamps_of(&known.name), quiet.as_slice());
        let Some(after) = work.store.update(known, key, &given, stamps, clock::now()).cloned() else {
            return Err(refused(Cause::Missing, "", "the record has gone"));
        };
        if after.revision == stored.revision {
            // Nothing was different: the system says yes and has nothing to write down.
            return Ok(Done { key: key_of(known, &after.record), stored: Some(after) });
        }
        Ok(self.done(work, known, EffectKind::Updated, after))
    }

    fn delete(
        &self,
        work: &mut Work<'_>,
        known: &EntityType,
        key: &[String],
        found: Option<&Stored>,
        version: &Version,
    ) -> Result<Done, Refused> {
        let Some(stored) = found else {
            return Err(refused(Cause::Missing, "", format!("there is no {} {}", known.name, key.join("/"))));
        };
        version.agrees(stored, &known.name)?;
        let Some(gone) = work.store.remove(known, key) else {
            return Err(refused(Cause::Missing, "", "the record has gone"));
        };
        let done = self.done(work, known, EffectKind::Cancelled, gone);
        Ok(Done { stored: None, ..done })
    }

    pub(super) fn done(&self, work: &mut Work<'_>, known: &EntityType, kind: EffectKind, stored: Stored) -> Done {
        let key = key_of(known, &stored.record);
        let probed = self.manifest.entity(&known.name).and_then(|entity| entity.probe.as_ref());
        let probed = probed.iter().flat_map(|probe| &probe.by).map(|(field, _)| field.clone());
        let natural = known
            .natural_keys
            .iter()
            .flatten()
            .cloned()
            .chain(probed)
            .filter_map(|field| Some((field.clone(), plain(at(&stored.record, &field)?))))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let subject = Subject { entity: known.name.clone(), key: key.join("/"), natural, total: None };
        work.effects.push(Effected { kind, subject });
        Done { key, stored: Some(stored) }
    }

    pub(super) fn checked(
        &self,
        store: &Store,
        known: &EntityType,
        given: &Value,
        stored: Option<&Value>,
        whole: bool,
    ) -> Result<(), Refused> {
        let refers = |target: &str, text: &str| match self.schema.entity(target) {
            Some(target) => store.knows(target, text),
            // What the catalogue here does not hold cannot be judged.
            None => true,
        };
        check::record(known, given, &Rules { creates: stored.is_none(), stored, whole, refers: &refers })
    }

    pub(super) fn typed(&self, known: &EntityType, field: &str, text: &str) -> Value {
        match known.field(field) {
            Some(field) if field.shape.is_number() => leaf(text),
            Some(_) | None => Json::text(text.to_owned()),
        }
    }

    pub(crate) fn stamps_of(&self, entity: &str) -> &[Stamp] {
        self.stamps.get(entity).map_or(&[], Vec::as_slice)
    }
}

/// What a write says of the version that it changes.
pub(super) enum Version {
    /// Nothing.
    Free,
    /// An entity tag.
    Tag(String),
    /// A version field and its value.
    Field(String, String),
    /// Nothing, though the header is demanded.
    Wanted(String),
}

impl Version {
    fn agrees(&self, stored: &Stored, entity: &str) -> Result<(), Refused> {
        match self {
            Self::Free => Ok(()),
            Self::Tag(tag) if *tag == tag_of(stored) => Ok(()),
            Self::Field(path, value) => {
                let now = at(&stored.record, path).map(plain).unwrap_or_default();
                if now == *value {
                    Ok(())
                } else {
                    Err(refused(Cause::Conflict, path, format!("the {entity} was changed meanwhile")))
                }
            }
            Self::Tag(_) => Err(refused(Cause::Conflict, "", format!("the {entity} was changed meanwhile"))),
            Self::Wanted(header) => Err(refused(Cause::Conflict, "", format!("the header {header} must be given"))),
        }
    }
}

pub(super) fn tag_of(stored: &Stored) -> String {
    format!("W/\"{}.{}\"", stored.sequence, stored.revision)
}
