//! Writing: one request, sent once. In: the engine's write. Out: proof that it worked, or a class.

use mapwright_engine::connector::{Class, Deed, Failure, WriteRequest, Written};
use mapwright_manifest::{Codec, Job, Normalise, Operation, Template, Verb};
use mapwright_values::Json;
use mapwright_values::plan::EntityPlan;

use crate::answer::ReadAnswer;
use crate::classify::Asked;
use crate::connection::{Call, RestConnector};
use crate::fetching::{record_key, records};
use crate::fields::personal_texts;
use crate::request::Extras;
use crate::template::{Scope, plain};
use crate::{codec, lock};

/// A write with everything that its request needs, owned, so that several can be put together.
pub(crate) struct Member<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) asked: Asked<'a>,
    pub(crate) name: &'a str,
    pub(crate) plan: Option<&'static EntityPlan>,
    codec: &'a Codec,
    pub(crate) key: &'a [String],
    /// The record as the wire wants it.
    pub(crate) record: Json<'static>,
    key_value: Json<'static>,
    pub(crate) parent: Json<'static>,
    create_key: Json<'static>,
    version: Json<'static>,
    /// The remote record overlaid with ours, for updates that replace.
    merged: Json<'static>,
    /// The record as a list of one, for operations that take several.
    records: Json<'static>,
    headers: Vec<(String, Template)>,
    personal: Vec<String>,
    creates: bool,
    known_key: Option<Vec<String>>,
}

impl<'a> Member<'a> {
    /// The request of this write alone.
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            operation: self.operation,
            asked: self.asked,
            name: self.name,
            plan: self.plan,
            key: self.key,
            roots: vec![
                ("record", &self.record),
                ("key", &self.key_value),
                ("parent", &self.parent),
                ("create_key", &self.create_key),
                ("version", &self.version),
                ("merged", &self.merged),
                ("records", &self.records),
            ],
            extras: Extras { headers: self.headers.clone(), ..Extras::default() },
            personal: &self.personal,
        }
    }

    /// The proof in an answer to this write.
    pub(crate) fn written(&self, read: &ReadAnswer<'_>) -> Result<Written, String> {
        let known = self.known_key.clone();
        written(read, self.operation, (self.plan, self.codec), self.creates, known)
    }

    /// Does it make a record?
    pub(crate) const fn creates(&self) -> bool {
        self.creates
    }

    /// The key, where it is known without the answer.
    pub(crate) fn done_key(&self) -> Option<Vec<String>> {
        self.known_key.clone()
    }

    /// Done, by the word of an answer that tells nothing of single records.
    pub(crate) fn done(&self) -> Written {
        Written { key: self.known_key.clone().unwrap_or_default(), record: None }
    }
}

impl RestConnector {
    /// Sends one write.
    pub(crate) async fn write(&self, write: &WriteRequest) -> Result<Written, Failure> {
        let member = self.member(write).await?;
        let call = member.call();
        match &member.operation.job {
            Some(job) => self.followed(&member, job).await,
            None => self.call(&call, |read| member.written(read)).await,
        }
    }

    /// A write, made ready. Asks the system only where an update replaces.
    pub(crate) async fn member<'a>(&'a self, write: &'a WriteRequest) -> Result<Member<'a>, Failure> {
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
            normalise(&mut record, "", &probe.by, &probe.normalise);
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
        let key_value = match (plan, key) {
            (Some(plan), [_, ..]) => self.own_key(&write.entity, plan, key),
            (_, _) => Json::Null,
        };
        let merged = if operation.whole { self.overlaid(&write.entity, key, &record).await? } else { Json::Null };
        let personal = plan.map(|plan| personal_texts(&record, plan.fields)).unwrap_or_default();
        let parent = self.parent(&write.entity, plan, key, &record);
        let fields = plan.map_or(&[][..], |plan| plan.fields);
        let wire = |record| codec::to_wire(&self.manifest.codec, fields, record);
        let record = wire(record);
        Ok(Member {
            operation,
            asked,
            name: &write.entity,
            plan,
            codec: &self.manifest.codec,
            key,
            records: Json::List(vec![record.clone()]),
            record,
            key_value,
            parent,
            create_key: Json::text(write.create_key.clone()),
            version: version.map_or(Json::Null, |version| Json::text(version.to_owned())),
            merged: wire(merged),
            headers: lock::header(&self.manifest.lock, operation, version).into_iter().collect(),
            personal,
            creates,
            known_key: if key.is_empty() { own_key } else { Some(key.to_vec()) },
        })
    }

    /// The record as the system holds it, with ours laid over it.
    async fn overlaid(&self, name: &str, key: &[String], ours: &Json<'_>) -> Result<Json<'static>, Failure> {
        match self.record(name, key, &[]).await? {
            Some(theirs) => Ok(overlay(theirs, ours)),
            None => Err(self.failure(Class::Missing, format!("update {name}: there is no such record to change"))),
        }
    }

    /// What `{parent.X}` names: the leading key fields of a record that belongs to another, by that one's own names.
    pub(crate) fn parent(
        &self,
        name: &str,
        plan: Option<&EntityPlan>,
        key: &[String],
        record: &Json<'_>,
    ) -> Json<'static> {
        let above = self.manifest.entity(name).and_then(|entity| entity.parent.as_ref());
        let above = above.and_then(|(parent, _)| self.plan(parent));
        let (Some(above), Some(plan)) = (above, plan) else { return Json::Null };
        let members = above.key.iter().enumerate().filter_map(|(index, named)| {
            let own = plan.key.get(index)?;
            let value = match key.get(index) {
                Some(text) => Json::text(text.clone()),
                None => record.get(own)?.clone().into_owned(),
            };
            Some(((*named).into(), value))
        });
        Json::Record(members.collect())
    }

    /// Sends a write whose answer only promises, and asks until it is done, failed or lost.
    async fn followed(&self, member: &Member<'_>, job: &Job) -> Result<Written, Failure> {
        let promised = |read: &ReadAnswer<'_>| match read.text(&job.id, &Json::Null) {
            Some(id) => Ok(id),
            None => Err("the answer holds no number of the job".to_owned()),
        };
        let id = Json::text(self.call(&member.call(), promised).await?);
        let begun = std::time::Instant::now();
        let poll = Operation { method: job.poll.0, path: job.poll.1.clone(), ..member.operation.polling() };
        while begun.elapsed() < job.lost_after {
            tokio::time::sleep(job.every).await;
            let mut call = member.call();
            call.operation = &poll;
            call.asked = Asked::Check;
            let session = Json::Record(vec![("id".into(), id.clone())]);
            call.roots.push(("job", &session));
            let scope = Scope::default();
            let state = self
                .call(&call, |read| {
                    if !job.failed.is_empty() && read.unmet(&job.failed, &scope, &Json::Null).is_none() {
                        let words = read.texts(&job.results, &Json::Null).join("; ");
                        return Ok(Some(Err(words)));
                    }
                    if read.unmet(&job.done, &scope, &Json::Null).is_some() {
                        return Ok(None);
                    }
                    Ok(Some(Ok(member.written(read))))
                })
                .await;
            match state {
                Ok(None) => {}
                Ok(Some(Ok(Ok(written)))) => return Ok(written),
                // The job is done; what it made is known by our key only.
                Ok(Some(Ok(Err(why)))) if member.creates && member.known_key.is_none() => {
                    return Err(self.failure(Class::Ambiguous, format!("{}: {why}", member.name)));
                }
                Ok(Some(Ok(Err(_)))) => return Ok(member.done()),
                Ok(Some(Err(words))) => {
                    return Err(self.failure(Class::Permanent, format!("{}: the job failed: {words}", member.name)));
                }
                // A question that got no answer is asked again; one that is refused will be refused again.
                Err(failure) if matches!(failure.class, Class::Transient | Class::Throttled) => {}
                Err(failure) => return Err(self.failure(Class::Ambiguous, failure.message)),
            }
        }
        let words = format!("{}: the job {} was not done in {} s", member.name, plain(&id), job.lost_after.as_secs());
        Err(self.failure(Class::Ambiguous, words))
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

/// Ours over theirs: records member by member, all else replaced.
fn overlay(theirs: Json<'static>, ours: &Json<'_>) -> Json<'static> {
    match (theirs, ours) {
        (Json::Record(mut members), Json::Record(over)) => {
            for (name, value) in over {
                match members.iter_mut().find(|(known, _)| known == name) {
                    Some((_, known)) => *known = overlay(std::mem::replace(known, Json::Null), value),
                    None => members.push((name.clone().into_owned().into(), value.clone().into_owned())),
                }
            }
            Json::Record(members)
        }
        (_, ours) => ours.clone().into_owned(),
    }
}

/// The key fields as the system would store them, before sending as before probing. `above` = the path of the record.
fn normalise(record: &mut Json<'static>, above: &str, by: &[(String, mapwright_manifest::At)], normal: &Normalise) {
    let Json::Record(members) = record else { return };
    for (name, value) in members {
        let path = if above.is_empty() { name.clone().into_owned() } else { format!("{above}.{name}") };
        let named = by.iter().any(|(pattern, _)| match pattern.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => *pattern == path,
        });
        match value {
            Json::Text(text) if named => *value = Json::text(normal.apply(text)),
            Json::Record(_) => normalise(value, &path, by, normal),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {}
        }
    }
}

/// The proof in an answer. `Err` = a success that does not hold what it promises, in words.
fn written(
    read: &ReadAnswer<'_>,
    operation: &Operation,
    (plan, codec): (Option<&'static EntityPlan>, &Codec),
    creates: bool,
    known_key: Option<Vec<String>>,
) -> Result<Written, String> {
    let optional = operation.record.iter().all(|selector| selector.optional);
    let record = if operation.returns_nothing || operation.record.is_empty() || (optional && read.json.is_none()) {
        None
    } else {
        let record = records(read, operation)?.into_iter().next();
        record.map(|record| codec::from_wire(codec, plan.map_or(&[], |plan| plan.fields), record))
    };
    let selected = if operation.key.is_empty() {
        None
    } else {
        match read.text(&operation.key, &Json::Null) {
            // XML writes an empty element where there is none.
            Some(key) if !key.trim().is_empty() => Some(vec![key]),
            Some(_) | None => return Err("the answer holds no key".to_owned()),
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
