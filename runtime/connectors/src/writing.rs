//! Writing: one request, sent once. In: the engine's write. Out: proof that it worked, or a class.

use mapwright_engine::connector::{Class, Deed, Failure, WriteRequest, Written};
use mapwright_manifest::{Normalise, Operation, Verb};
use mapwright_values::Json;
use mapwright_values::plan::EntityPlan;

use crate::answer::ReadAnswer;
use crate::classify::Asked;
use crate::connection::{Call, RestConnector};
use crate::fields::personal_texts;
use crate::lock;
use crate::reading::{key_value, record_key, records};
use crate::request::Extras;

impl RestConnector {
    /// Sends one write.
    pub(crate) async fn write(&self, write: &WriteRequest) -> Result<Written, Failure> {
        let plan = self.plan(&write.entity);
        let mut record = self.parsed(&write.record)?;
        let (operation, asked, key): (&Operation, Asked<'_>, &[String]) = match &write.deed {
            Deed::Act => match self.manifest.action(&write.entity) {
                Some(action) => (&action.operation, Asked::Action(&write.entity), &[]),
                None => {
                    return Err(
                        self.failure(Class::Halt, format!("{} has no action `{}`", self.manifest.title, write.entity))
                    );
                }
            },
            Deed::Create => (self.entity_operation(&write.entity, Verb::Create)?, Asked::Entity(Verb::Create), &[]),
            Deed::Update { key } => {
                (self.entity_operation(&write.entity, Verb::Update)?, Asked::Entity(Verb::Update), key)
            }
            Deed::Upsert { key } => {
                (self.entity_operation(&write.entity, Verb::Upsert)?, Asked::Entity(Verb::Upsert), key)
            }
            Deed::Delete { key } => {
                (self.entity_operation(&write.entity, Verb::Delete)?, Asked::Entity(Verb::Delete), key)
            }
        };
        let creates = matches!(write.deed, Deed::Create);
        if creates && let Some(probe) = self.manifest.entity(&write.entity).and_then(|entity| entity.probe.as_ref()) {
            normalise(&mut record, &probe.by, &probe.normalise);
        }
        let version = write.version.as_deref();
        lock::put(&self.manifest.lock, &mut record, version);
        let own_key = plan.and_then(|plan| record_key(plan, &record));
        if creates && operation.returns_nothing && own_key.is_none() {
            let words = format!(
                "create {}: {} answers no key, so the mapping must write it; nothing was sent",
                write.entity, self.manifest.title
            );
            return Err(self.failure(Class::Halt, words));
        }
        let value = match (plan, key) {
            (Some(plan), [_, ..]) => key_value(plan, key),
            (_, _) => Json::Null,
        };
        let create_key = Json::text(write.create_key.clone());
        let told = version.map_or(Json::Null, |version| Json::text(version.to_owned()));
        let mut extras = Extras::default();
        extras.headers.extend(lock::header(&self.manifest.lock, operation, version));
        let personal = plan.map(|plan| personal_texts(&record, plan.fields)).unwrap_or_default();
        let call = Call {
            operation,
            asked,
            name: &write.entity,
            plan,
            key,
            roots: vec![("record", &record), ("key", &value), ("create_key", &create_key), ("version", &told)],
            extras,
            personal: &personal,
        };
        let known_key = if key.is_empty() { own_key } else { Some(key.to_vec()) };
        self.call(&call, |read| written(read, operation, plan, creates, known_key.clone())).await
    }

    fn entity_operation(&self, name: &str, verb: Verb) -> Result<&Operation, Failure> {
        let (entity, _) = self.entity_known(name)?;
        self.operation_known(entity, verb)
    }

    /// A record's text as a tree.
    pub(crate) fn parsed(&self, text: &str) -> Result<Json<'static>, Failure> {
        match Json::parse(text) {
            Ok(json @ Json::Record(_)) => Ok(json.into_owned()),
            Ok(_) => Err(self.failure(Class::Permanent, "the record to write is no JSON object; nothing was sent")),
            Err(fault) => {
                Err(self
                    .failure(Class::Permanent, format!("the record to write is not JSON: {fault}; nothing was sent")))
            }
        }
    }
}

/// The key fields as the system would store them, before sending as before probing.
fn normalise(record: &mut Json<'static>, by: &[(String, mapwright_manifest::At)], normalise: &Normalise) {
    let Json::Record(members) = record else { return };
    for (name, value) in members {
        let named = by.iter().any(|(pattern, _)| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => pattern == name,
        });
        if let (true, Json::Text(text)) = (named, &mut *value) {
            *value = Json::text(normalise.apply(text));
        }
    }
}

/// The proof in an answer. `Err` = a success that does not hold what it promises, in words.
fn written(
    read: &ReadAnswer<'_>,
    operation: &Operation,
    plan: Option<&EntityPlan>,
    creates: bool,
    known_key: Option<Vec<String>>,
) -> Result<Written, String> {
    let record = if operation.returns_nothing || operation.record.is_empty() {
        None
    } else {
        records(read, operation)?.into_iter().next()
    };
    let selected = if operation.key.is_empty() {
        None
    } else {
        match read.text(&operation.key, &Json::Null) {
            Some(key) => Some(vec![key]),
            None => return Err("the answer holds no key".to_owned()),
        }
    };
    let answered = record.as_ref().and_then(|record| plan.and_then(|plan| record_key(plan, record)));
    let key = selected.or(answered).or(if creates && record.is_some() { None } else { known_key });
    match key {
        Some(key) => Ok(Written { key, record: record.map(|record| record.to_text()) }),
        None if creates => Err("the answer holds no key".to_owned()),
        None => Ok(Written { key: Vec::new(), record: record.map(|record| record.to_text()) }),
    }
}
