//! Several writes in one request. In: writes of one entity and deed. Out: an outcome for each, or one for all.
//!
//! INVARIANT: no row is taken for done that the answer does not show as done. In an atomic batch one bad row is the outcome
//! of all; the engine then sends each by itself.

use mapwright_engine::connector::{Batching, Class, Deed, Failure, WriteRequest, Written};
use mapwright_manifest::{Batch, BatchForm, BatchOutcome, Operation, Verb};
use mapwright_values::Json;

use crate::answer::{Answer, ReadAnswer, leaf, walk};
use crate::classify::Asked;
use crate::connection::{Call, RestConnector};
use crate::http::Body;
use crate::multipart;
use crate::request::{self, Extras, Subject};
use crate::template::plain;
use crate::writing::Member;

impl RestConnector {
    /// How several records of an entity or action are written at once.
    pub(crate) fn batching(&self, name: &str) -> Option<Batching> {
        let (_, batch) = self.batch_of(name)?;
        Some(Batching { size_max: batch.size, atomic: batch.outcome == BatchOutcome::Atomic })
    }

    fn batch_of(&self, name: &str) -> Option<(&Operation, &Batch)> {
        let operation = match self.manifest.action(name) {
            Some(action) => &action.operation,
            None => self.manifest.entity(name)?.operation(Verb::Batch)?,
        };
        Some((operation, operation.batch.as_ref()?))
    }

    /// Sends several writes at once.
    pub(crate) async fn write_batch(&self, writes: &[WriteRequest]) -> Result<Vec<Result<Written, Failure>>, Failure> {
        let Some(first) = writes.first() else { return Ok(Vec::new()) };
        let Some((operation, batch)) = self.batch_of(&first.entity) else {
            return Err(self.failure(Class::Halt, format!("{} cannot be written in batches", first.entity)));
        };
        let verb = verb(&first.deed);
        if verb.is_some_and(|verb| !batch.of.is_empty() && !batch.of.contains(&verb)) {
            let words = format!("{} cannot be written in batches by this operation; nothing was sent", first.entity);
            return Err(self.failure(Class::Halt, words));
        }
        let mut members = Vec::with_capacity(writes.len());
        for write in writes {
            members.push(self.member(write).await?);
        }
        match batch.form {
            BatchForm::Body => self.body_batches(operation, batch, members, verb).await,
            BatchForm::OdataJson => self.odata_batch(operation, batch, &members).await,
            BatchForm::OdataMultipart => self.change_set(operation, &members).await,
        }
    }

    /// One body for the records of each parent: the address of a batch leads to one of them only.
    async fn body_batches(
        &self,
        operation: &Operation,
        batch: &Batch,
        members: Vec<Member<'_>>,
        verb: Option<Verb>,
    ) -> Result<Vec<Result<Written, Failure>>, Failure> {
        let mut groups: Vec<(Json<'static>, Vec<(usize, Member<'_>)>)> = Vec::new();
        for (index, member) in members.into_iter().enumerate() {
            match groups.iter_mut().find(|(parent, _)| *parent == member.parent) {
                Some((_, group)) => group.push((index, member)),
                None => groups.push((member.parent.clone(), vec![(index, member)])),
            }
        }
        let several = groups.len() > 1;
        let mut outcomes = Vec::new();
        for (_, group) in groups {
            let (places, group): (Vec<usize>, Vec<Member<'_>>) = group.into_iter().unzip();
            let told = match self.body_batch(operation, batch, &group, verb).await {
                Ok(told) => told,
                Err(failure) if several => group.iter().map(|_| Err(failure.clone())).collect(),
                Err(failure) => return Err(failure),
            };
            outcomes.extend(places.into_iter().zip(told));
        }
        outcomes.sort_by_key(|(place, _)| *place);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }

    /// The records in the body of the batch's own operation.
    async fn body_batch(
        &self,
        operation: &Operation,
        batch: &Batch,
        members: &[Member<'_>],
        verb: Option<Verb>,
    ) -> Result<Vec<Result<Written, Failure>>, Failure> {
        let Some(first) = members.first() else { return Ok(Vec::new()) };
        let above = self.parent_parts(first.name);
        let all = Json::List(members.iter().map(|member| keyed(member, above)).collect());
        // `{records.create}` and `{records.update}`: all of these are of one kind, so the other is left out.
        let by_kind = Json::Record(verb.map(|verb| (verb.word().into(), all.clone())).into_iter().collect());
        let records = if names_kinds(operation) { by_kind } else { all };
        let personal: Vec<String> = Vec::new();
        let call = Call {
            operation,
            asked: match first.asked {
                Asked::Action(name) => Asked::Action(name),
                Asked::Entity(_) | Asked::LogIn | Asked::Check => Asked::Entity(Verb::Batch),
            },
            name: first.name,
            plan: first.plan,
            key: &[],
            roots: vec![("records", &records), ("parent", &first.parent)],
            extras: Extras::default(),
            personal: &personal,
        };
        if batch.outcome == BatchOutcome::Atomic {
            // The answer is proof for all of them, or for none.
            self.call(&call, |_| Ok(())).await?;
            return Ok(members.iter().map(|member| Ok(member.done())).collect());
        }
        let rows = self.call(&call, |read| rows(read, batch, verb)).await?;
        Ok(self.outcomes(batch, members, &rows))
    }

    /// OData's JSON batch: each request as it would go by itself.
    async fn odata_batch(
        &self,
        operation: &Operation,
        batch: &Batch,
        members: &[Member<'_>],
    ) -> Result<Vec<Result<Written, Failure>>, Failure> {
        let Some(first) = members.first() else { return Ok(Vec::new()) };
        let mut requests = Vec::with_capacity(members.len());
        for (index, member) in members.iter().enumerate() {
            requests.push(self.inner_request(member, index)?);
        }
        let body = Json::Record(vec![("requests".into(), Json::List(requests))]);
        let call = Call {
            operation,
            asked: Asked::Entity(Verb::Batch),
            name: first.name,
            plan: first.plan,
            key: &[],
            roots: Vec::new(),
            extras: Extras { whole_body: Some(body), ..Extras::default() },
            personal: &[],
        };
        let rows = self.call(&call, |read| rows(read, batch, None)).await?;
        Ok(self.outcomes(batch, members, &rows))
    }

    /// OData's multipart batch: one change set, one transaction.
    async fn change_set(
        &self,
        operation: &Operation,
        members: &[Member<'_>],
    ) -> Result<Vec<Result<Written, Failure>>, Failure> {
        let Some(first) = members.first() else { return Ok(Vec::new()) };
        let mut requests = Vec::with_capacity(members.len());
        for member in members {
            let prepared = self.prepared_alone(&member.call())?;
            let path = match reqwest::Url::parse(&prepared.url) {
                Ok(url) => url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())),
                Err(error) => return Err(self.failure(Class::Halt, error)),
            };
            requests.push((path, prepared));
        }
        let call = Call {
            operation,
            asked: Asked::Entity(Verb::Batch),
            name: first.name,
            plan: first.plan,
            key: &[],
            roots: Vec::new(),
            extras: Extras { whole_text: Some(multipart::body(&requests)), ..Extras::default() },
            personal: &[],
        };
        let parts = self
            .call(&call, |read| match read.json.as_ref().and_then(|json| json.get("parts")) {
                Some(Json::List(parts)) if !parts.is_empty() => {
                    Ok(parts.iter().map(|part| part.clone().into_owned()).collect::<Vec<_>>())
                }
                Some(_) | None => Err("the answer to the batch holds no parts".to_owned()),
            })
            .await?;
        let answers: Vec<Answer> = parts.iter().map(part_answer).collect();
        // A change set that failed is answered by the one error of all.
        if let (Some(failed), true) = (answers.iter().find(|answer| answer.status >= 400), members.len() > 1) {
            let why = self.judge_alone(failed, &first.call(), |read| first.written(read));
            return Err(why
                .err()
                .unwrap_or_else(|| self.failure(Class::Ambiguous, "the batch failed and does not say why")));
        }
        let outcome = |(index, member): (usize, &Member<'_>)| match answers.get(index) {
            Some(answer) => self.judge_alone(answer, &member.call(), |read| member.written(read)),
            None => Err(self.failure(
                Class::Ambiguous,
                format!("{}: the answer to the batch tells nothing of this record", member.name),
            )),
        };
        Ok(members.iter().enumerate().map(outcome).collect())
    }

    /// One request within a batch: its address from the base on.
    fn inner_request(&self, member: &Member<'_>, index: usize) -> Result<Json<'static>, Failure> {
        let call = member.call();
        let prepared = self.prepared_alone(&call)?;
        let path = prepared.url.strip_prefix(&self.base).unwrap_or(&prepared.url).trim_start_matches('/').to_owned();
        let mut headers: Vec<_> =
            prepared.headers.into_iter().map(|(name, value)| (name.into(), Json::text(value))).collect();
        let mut request = vec![
            ("id".into(), Json::text(index.to_string())),
            ("method".into(), Json::text(prepared.method.word())),
            ("url".into(), Json::text(path)),
        ];
        if let Body::Json(text) = &prepared.body {
            headers.push(("Content-Type".into(), Json::text("application/json")));
            let body = Json::parse(text).map_err(|fault| self.failure(Class::Halt, fault))?.into_owned();
            request.push(("headers".into(), Json::Record(headers)));
            request.push(("body".into(), body));
        } else {
            request.push(("headers".into(), Json::Record(headers)));
        }
        Ok(Json::Record(request))
    }

    /// A request of its own, filled in but without credentials: those are the batch's.
    fn prepared_alone(&self, call: &Call<'_>) -> Result<crate::http::Prepared, Failure> {
        let own = self.own_entries(call.name);
        let mut roots = call.roots.clone();
        roots.push(("entity", &own));
        let subject = Subject { manifest: &self.manifest, plan: call.plan, key: call.key };
        roots.push(("config", &self.config));
        let scope = self.scope(&roots, &[], &call.operation.lets);
        let prepared = request::prepare(subject, call.operation, &scope, &call.extras, false);
        prepared.map_err(|unfilled| self.failure(unfilled.class, format!("{}; nothing was sent", unfilled.message)))
    }

    /// The outcome of each member by the row that answers it.
    fn outcomes(&self, batch: &Batch, members: &[Member<'_>], rows: &[Json<'static>]) -> Vec<Result<Written, Failure>> {
        members
            .iter()
            .enumerate()
            .map(|(index, member)| {
                let row = match &batch.matched {
                    Some(selector) => rows.iter().find(|row| {
                        let found = walk(row, &selector.steps, &Json::Null);
                        found.iter().any(|value| leaf(value).as_deref() == Some(index.to_string().as_str()))
                    }),
                    None => rows.get(index),
                };
                match row {
                    Some(row) => self.outcome(batch, member, row),
                    None => Err(self.failure(
                        Class::Ambiguous,
                        format!("{}: the answer to the batch tells nothing of this record", member.name),
                    )),
                }
            })
            .collect()
    }

    /// A row, judged as the answer that its operation alone would have had.
    fn outcome(&self, batch: &Batch, member: &Member<'_>, row: &Json<'static>) -> Result<Written, Failure> {
        let at = |selector: &Option<mapwright_manifest::Selector>| {
            let found = selector.as_ref().map(|selector| walk(row, &selector.steps, &Json::Null))?;
            found.into_iter().find(|value| !value.is_null()).cloned()
        };
        let failed = at(&batch.row.failed);
        let status = at(&batch.row.status).and_then(|value| plain(&value).parse::<u16>().ok());
        let ok = if member.creates() { 201 } else { 200 };
        let status = status.unwrap_or(if failed.is_some() { 400 } else { ok });
        let body = at(&batch.row.body).or(failed.clone()).unwrap_or_else(|| row.clone());
        let body = if matches!(body, Json::Null) { String::new() } else { body.to_text() };
        let answer = Answer { status, headers: Vec::new(), body, misspelt: None };
        if failed.is_none() && batch.row.failed.is_some() {
            // The row says by what it lacks that it worked; what it holds is the record.
            let key =
                at(&batch.row.key).map(|key| plain(&key)).filter(|key| !key.trim().is_empty()).map(|key| vec![key]);
            let read = answer.read_json();
            let record = read.json.as_ref().map(Json::to_text);
            return match key.or_else(|| member.done_key()) {
                Some(key) => Ok(Written { key, record }),
                None => Err(self.failure(Class::Ambiguous, format!("{}: the row holds no key", member.name))),
            };
        }
        self.judge_alone(&answer, &member.call(), |read| member.written(read))
    }
}

/// A part of a multipart answer as an answer of its own.
fn part_answer(part: &Json<'static>) -> Answer {
    let status = part.get("status").and_then(|status| plain(status).parse().ok()).unwrap_or_default();
    let body = part.get("body").filter(|body| !body.is_null()).map(Json::to_text).unwrap_or_default();
    Answer { status, headers: Vec::new(), body, misspelt: None }
}

/// The rows of an answer.
fn rows(read: &ReadAnswer<'_>, batch: &Batch, verb: Option<Verb>) -> Result<Vec<Json<'static>>, String> {
    let named = batch.results.iter().find(|(of, _)| of.is_none() || *of == verb);
    let Some((_, selectors)) = named else { return Err("the batch does not say where its rows are".to_owned()) };
    let found = read.select_first(selectors, &Json::Null);
    Ok(found.into_iter().map(|row| row.into_owned().into_owned()).collect())
}

/// The record with its key in it: a batch's rows have no address of their own.
/// Its parent's key is left out: that stands in the batch's own.
fn keyed(member: &Member<'_>, above: usize) -> Json<'static> {
    let mut record = member.record.clone();
    if let (Json::Record(members), Some(plan)) = (&mut record, member.plan) {
        let own = crate::fetching::key_members(plan, plan.key, member.key).into_iter().skip(above);
        let missing: Vec<_> = own.filter(|(name, _)| members.iter().all(|(known, _)| known != name)).collect();
        members.extend(missing);
    }
    record
}

/// Does the body name the records of one kind (`{records.create}`)?
fn names_kinds(operation: &Operation) -> bool {
    fn within(tree: &mapwright_manifest::Tree) -> bool {
        use mapwright_manifest::{Tree, TreeItem, TreeMember};
        let by_kind = |template: &mapwright_manifest::Template| {
            template.slots().any(|slot| slot.root == "records" && !slot.path.is_empty())
        };
        match tree {
            Tree::Null | Tree::Boolean(_) | Tree::Number(_) => false,
            Tree::Text(template) => by_kind(template),
            Tree::List(items) => items.iter().any(|item| match item {
                TreeItem::One(tree) => within(tree),
                TreeItem::Spread(template) => by_kind(template),
            }),
            Tree::Map(members) => members.iter().any(|member| match member {
                TreeMember::One(_, tree) => within(tree),
                TreeMember::Spread(template) => by_kind(template),
            }),
        }
    }
    operation.body.as_ref().is_some_and(within)
}

const fn verb(deed: &Deed) -> Option<Verb> {
    match deed {
        Deed::Create => Some(Verb::Create),
        Deed::Update { .. } => Some(Verb::Update),
        Deed::Upsert { .. } => Some(Verb::Upsert),
        Deed::Delete { .. } => Some(Verb::Delete),
        Deed::Act => None,
    }
}
