//! Actions and batches. In: what a request's slots held. Out: changed records. What an action does is what the manifest's probe
//! would see afterwards: a state, a record that has gone, a record that is there.

use mapwright_manifest::{
    Batch, BatchForm, BatchOutcome, Expected, Matcher, Operation, ProbeTarget, Selector, SelectorStep, Template, Tree,
    Verb,
};
use mapwright_values::Json;

use super::check::{Cause, Refused, refused};
use super::list::Listing;
use super::reply::{For, Reply};
use super::route::Asked;
use super::store::key_of;
use super::system::{System, given_record};
use super::tree::{Names, Value, at, items, leaf, number, plain, put, select_into, walk};
use super::unify::{Bound, Reader};
use super::write::{Done, Version, Work};
use crate::clock;
use crate::ledger::EffectKind;
use crate::server::Answer;

impl System {
    pub(super) fn of_action(&self, name: &str, of: For<'_>, bound: &Bound, sequence: u64) -> Result<Reply, Refused> {
        let Some(operation) = of.operation else { return Ok(Reply::default()) };
        let mut state = self.state();
        let before = state.store.clone();
        let mut work = Work { store: &mut state.store, effects: Vec::new() };
        let several = bound.get("records").map(|records| items(records).into_iter().cloned().collect::<Vec<_>>());
        let given: Vec<Value> =
            several.unwrap_or_else(|| vec![given_record(bound).unwrap_or(Json::Record(Vec::new()))]);
        let mut key = None;
        for given in given {
            match self.act(&mut work, name, given, of) {
                Ok(done) => key = done.key.into_iter().next_back(),
                Err(refused) => {
                    state.store = before;
                    return Err(refused);
                }
            }
        }
        let effects = std::mem::take(&mut work.effects);
        drop(state);
        self.commit(sequence, effects);
        let mut reply = Reply::default();
        if let (Some(selector), Some(key)) = (operation.key.first(), key) {
            reply.put(selector, vec![leaf(&key)], of.names);
        }
        Ok(reply)
    }

    fn act(&self, work: &mut Work<'_>, name: &str, given: Value, of: For<'_>) -> Result<Done, Refused> {
        let (Some(action), Some(known)) = (self.manifest.action(name), self.schema.entity(name)) else {
            return Err(refused(Cause::Unplayed, "", format!("{name} is not played")));
        };
        let given = self.wire.inward(&known.fields, given);
        // Slots of a path are texts; the catalogue says what they are.
        let given = retyped(known.fields.as_slice(), given);
        self.checked(work.store, known, &given, None, false)?;
        let all: Vec<(&str, &Value)> =
            of.reader.known.iter().copied().chain(std::iter::once(("record", &given))).collect();
        let reader = Reader { known: &all, ..of.reader };
        let Some(probe) = &action.probe else {
            let stored = work.store.insert(known, given.clone(), &[], clock::now()).clone();
            return Ok(self.done(work, known, EffectKind::Moved, stored));
        };
        let Some(shown) = self.schema.entity(&probe.entity) else {
            return Err(refused(Cause::Unplayed, "", format!("{} is not played", probe.entity)));
        };
        let expected = probe
            .expect
            .iter()
            .filter_map(|(selector, matcher)| Some((selector, wanted(matcher, &given, reader)?)))
            .collect::<Vec<_>>();
        match &probe.target {
            ProbeTarget::Key(template) => {
                let key = key_in(template, reader)?;
                self.moved(work, &probe.entity, &key, &expected)
            }
            ProbeTarget::Gone(template) => {
                let key = key_in(template, reader)?;
                match work.store.remove(shown, &key) {
                    Some(gone) => Ok(self.done(work, shown, EffectKind::Cancelled, gone)),
                    None => Err(refused(Cause::Missing, "", format!("there is no {} {}", shown.name, key.join("/")))),
                }
            }
            ProbeTarget::Conditions(conditions) => {
                let mut record = Json::Record(Vec::new());
                // What the record calls as the new one does goes over as it is.
                for field in &shown.fields {
                    if let Some(value) = at(&given, &field.name) {
                        put(&mut record, &[&field.name], value.clone());
                    }
                }
                let mut fields = Vec::new();
                for (field, tree) in conditions {
                    if let Tree::Text(template) = tree
                        && let Some(text) = reader.filled(template)
                    {
                        put(&mut record, &field.split('.').collect::<Vec<_>>(), self.leaf_of(shown, field, &text));
                        fields.push(field.clone());
                    }
                }
                for (selector, value) in &expected {
                    set(&mut record, selector, value.clone());
                    fields.push(selector.field_path());
                }
                if let Some(twin) = work.store.twin(shown, &record, &fields) {
                    let there = key_of(shown, &twin.record).join("/");
                    return Err(refused(Cause::Exists, "", format!("it is there already as {there}")));
                }
                let stamps = self.stamps_of(&shown.name);
                let stored = work.store.insert(shown, record, stamps, clock::now()).clone();
                Ok(self.done(work, shown, EffectKind::Created, stored))
            }
        }
    }

    /// Does the system show what an action does?
    pub(super) fn shows(&self, name: &str, given: &Value) -> bool {
        let (Some(action), Some(known)) = (self.manifest.action(name), self.schema.entity(name)) else { return false };
        let state = self.state();
        let all = [("config", &self.config), ("secret", &self.secrets), ("record", given)];
        let reader = Reader { known: &all, lets: &[], quote: None, wire: &self.wire, null_is_open: false };
        let Some(probe) = &action.probe else {
            // Nothing tells the effect but the call itself.
            let told = |stored: &Value| {
                known.fields.iter().all(|field| match given.get(&field.name) {
                    Some(value) => stored.get(&field.name).is_some_and(|there| holds(there, value)),
                    None => true,
                })
            };
            return state.store.all(name).iter().any(|stored| told(&stored.record));
        };
        let Some(shown) = self.schema.entity(&probe.entity) else { return false };
        let expected: Vec<(&Selector, Value)> = probe
            .expect
            .iter()
            .filter_map(|(selector, matcher)| Some((selector, wanted(matcher, given, reader)?)))
            .collect();
        let nothing = Json::Null;
        let names = Names { any: "", entity: &nothing };
        let agrees = |record: &Value| {
            expected.iter().all(|(selector, value)| {
                walk(record, &selector.steps, names).into_iter().any(|found| plain(found) == plain(value))
            })
        };
        match &probe.target {
            ProbeTarget::Key(template) => {
                let found = key_in(template, reader).ok().and_then(|key| state.store.find(shown, &key));
                found.is_some_and(|stored| agrees(&stored.record))
            }
            ProbeTarget::Gone(template) => {
                key_in(template, reader).is_ok_and(|key| state.store.find(shown, &key).is_none())
            }
            ProbeTarget::Conditions(conditions) => state.store.all(&shown.name).iter().any(|stored| {
                let fits = |(field, tree): &(String, Tree)| match tree {
                    Tree::Text(template) => at(&stored.record, field).map(plain) == reader.filled(template),
                    Tree::Null | Tree::Boolean(_) | Tree::Number(_) | Tree::List(_) | Tree::Map(_) => true,
                };
                conditions.iter().all(fits) && agrees(&stored.record)
            }),
        }
    }

    fn leaf_of(&self, known: &super::schema::EntityType, field: &str, text: &str) -> Value {
        match known.field(field) {
            Some(field) if field.shape.is_number() => leaf(text),
            Some(_) | None => Json::text(text.to_owned()),
        }
    }

    /// Brings a record into the state that the probe expects.
    fn moved(
        &self,
        work: &mut Work<'_>,
        entity: &str,
        key: &[String],
        expected: &[(&Selector, Value)],
    ) -> Result<Done, Refused> {
        let Some(shown) = self.schema.entity(entity) else {
            return Err(refused(Cause::Unplayed, "", format!("{entity} is not played")));
        };
        let Some(stored) = work.store.find(shown, key).cloned() else {
            return Err(refused(Cause::Missing, "", format!("there is no {entity} {}", key.join("/"))));
        };
        let nothing = Json::Null;
        let names = Names { any: "", entity: &nothing };
        let there = |selector: &Selector, value: &Value| {
            walk(&stored.record, &selector.steps, names).into_iter().any(|found| plain(found) == plain(value))
        };
        if !expected.is_empty() && expected.iter().all(|(selector, value)| there(selector, value)) {
            let words = format!("{entity} {} is in that state already", key.join("/"));
            return Err(refused(Cause::Exists, "", words));
        }
        let mut record = stored.record.clone();
        for (selector, value) in expected {
            set(&mut record, selector, value.clone());
        }
        let stamps = (self.stamps_of(entity), &[][..]);
        match work.store.update(shown, key, &record, stamps, clock::now()).cloned() {
            Some(after) => Ok(self.done(work, shown, EffectKind::Moved, after)),
            None => Err(refused(Cause::Missing, "", format!("there is no {entity} {}", key.join("/")))),
        }
    }

    pub(super) fn batch(
        &self,
        listing: &Listing<'_>,
        operation: &Operation,
        of: For<'_>,
        sequence: u64,
    ) -> Result<Reply, Refused> {
        let Some(batch) = &operation.batch else { return Ok(Reply::default()) };
        match batch.form {
            BatchForm::Body => self.body_batch(listing, operation, batch, of, sequence),
            BatchForm::OdataJson => self.inner_requests(listing.asked, batch, of, sequence),
            // Answered as a whole: see `changeset.rs`.
            BatchForm::OdataMultipart => Ok(Reply::default()),
        }
    }

    /// The records stand in the body of one request.
    fn body_batch(
        &self,
        listing: &Listing<'_>,
        operation: &Operation,
        batch: &Batch,
        of: For<'_>,
        sequence: u64,
    ) -> Result<Reply, Refused> {
        let (entity, known) = (listing.entity, listing.known);
        let mut groups: Vec<(Verb, Option<Verb>, Vec<Value>)> = Vec::new();
        let list =
            |name: &str| listing.bound.get(name).map(|records| items(records).into_iter().cloned().collect::<Vec<_>>());
        if let Some(all) = list("records") {
            groups.push((batch.of.first().copied().unwrap_or(Verb::Upsert), None, all));
        }
        for verb in Verb::ALL {
            groups.extend(list(&format!("records.{}", verb.word())).map(|all| (verb, Some(verb), all)));
        }
        if groups.iter().map(|(_, _, all)| all.len()).sum::<usize>() > batch.size {
            return Err(refused(Cause::Wrong, "", format!("at most {} records at once", batch.size)));
        }
        let mut state = self.state();
        let before = state.store.clone();
        let mut work = Work { store: &mut state.store, effects: Vec::new() };
        let mut reply = Reply::default();
        for (verb, named, all) in groups {
            let mut rows = Vec::new();
            for given in all {
                // Each record is written as its own operation would.
                let own = entity.operation(verb).unwrap_or(operation);
                let nothing = Bound::default();
                let verb =
                    if verb == Verb::Upsert && !entity.can.contains(&Verb::Upsert) { Verb::Update } else { verb };
                let done = self.write(&mut work, (entity, known), verb, own, (Some(given), &nothing, Version::Free));
                match done {
                    Ok(done) => rows.push(self.row(listing, &done)),
                    Err(refused) if batch.outcome == BatchOutcome::Atomic => {
                        state.store = before;
                        return Err(refused);
                    }
                    Err(refused) => rows.push(self.failed_row(batch, of, &refused)),
                }
            }
            let selectors = batch.results.iter().find(|(of, _)| *of == named || of.is_none());
            if let Some(selector) = selectors.and_then(|(_, selectors)| selectors.first()) {
                reply.put(selector, rows, of.names);
            }
        }
        let effects = std::mem::take(&mut work.effects);
        drop(state);
        self.commit(sequence, effects);
        Ok(reply)
    }

    fn row(&self, listing: &Listing<'_>, done: &Done) -> Value {
        match &done.stored {
            Some(stored) => self.wire.outward(&listing.known.fields, stored.record.clone()),
            None => Json::Record(Vec::new()),
        }
    }

    fn failed_row(&self, batch: &Batch, of: For<'_>, refused: &Refused) -> Value {
        let alone = self.refuse(of, refused);
        let mut row = Json::Record(Vec::new());
        let mut place = |selector: &Option<Selector>, value: Value| {
            if let Some(selector) = selector {
                select_into(&mut row, &selector.steps, vec![value], of.names);
            }
        };
        place(&batch.row.failed, Json::Record(Vec::new()));
        place(&batch.row.code, Json::text("sandbox_refused"));
        place(&batch.row.message, Json::text(refused.words.clone()));
        place(&batch.row.status, number(alone.status.unwrap_or(400)));
        row
    }

    /// OData's JSON batch: each request is answered as if it had come by itself.
    fn inner_requests(&self, asked: &Asked, batch: &Batch, of: For<'_>, sequence: u64) -> Result<Reply, Refused> {
        let requests = asked.body.as_ref().and_then(|body| body.get("requests"));
        let Some(Json::List(requests)) = requests else {
            return Err(refused(Cause::Wrong, "requests", "the batch holds no requests"));
        };
        if requests.len() > batch.size {
            return Err(refused(Cause::Wrong, "requests", format!("at most {} requests at once", batch.size)));
        }
        let base = asked.path.rsplit_once("/$batch").map_or("", |(base, _)| base);
        let mut responses = Vec::new();
        for request in requests {
            let text = |name: &str| request.get(name).map(plain).unwrap_or_default();
            let url = text("url");
            let (path, query) = url.split_once('?').unwrap_or((&url, ""));
            let mut headers = asked.headers.clone();
            if let Some(own) = request.get("headers") {
                for (name, value) in super::tree::members(own) {
                    let name = axum::http::HeaderName::from_bytes(name.to_lowercase().as_bytes());
                    if let (Ok(name), Ok(value)) = (name, axum::http::HeaderValue::from_str(&plain(value))) {
                        headers.insert(name, value);
                    }
                }
            }
            let inner = Asked {
                method: text("method"),
                path: format!("{base}/{}", path.trim_start_matches('/')),
                query: crate::text::query_pairs(query),
                headers,
                body: request.get("body").cloned(),
                ..Asked::default()
            };
            let Answer { status, body, .. } = self.dispatch(&inner, sequence, true);
            let body = Json::parse(&String::from_utf8_lossy(&body)).map(Json::into_owned).unwrap_or(Json::Null);
            responses.push(Json::Record(vec![
                ("id".into(), request.get("id").cloned().unwrap_or(Json::Null)),
                ("status".into(), number(status)),
                ("body".into(), body),
            ]));
        }
        let mut reply = Reply::default();
        if let Some((_, selectors)) = batch.results.first()
            && let Some(selector) = selectors.first()
        {
            reply.put(selector, responses, of.names);
        }
        Ok(reply)
    }
}

/// Leaves as the catalogue has them, where a path gave texts.
fn retyped(fields: &[super::schema::FieldType], record: Value) -> Value {
    let Json::Record(all) = record else { return record };
    let all = all.into_iter().map(|(name, value)| {
        let number = fields.iter().any(|field| field.name == name && field.shape.is_number());
        let value = match value {
            Json::Text(text) if number => leaf(&text),
            other => other,
        };
        (name, value)
    });
    Json::Record(all.collect())
}

fn key_in(template: &Template, reader: Reader<'_>) -> Result<Vec<String>, Refused> {
    match reader.filled(template) {
        Some(key) if !key.is_empty() => Ok(vec![key]),
        Some(_) | None => Err(refused(Cause::Wrong, "", "the record that is meant is not named")),
    }
}

/// What a probe expects, for this record.
fn wanted(matcher: &Matcher, given: &Value, reader: Reader<'_>) -> Option<Value> {
    match matcher {
        Matcher::AnyOf(expected) => match expected.first()? {
            Expected::Text(text) => Some(Json::text(text.clone())),
            Expected::Template(template) => reader.filled(template).map(Json::text),
            Expected::Pattern(pattern) => super::sample::of(pattern).map(Json::text),
        },
        Matcher::Table { of, rows } => {
            let path = of.iter().skip_while(|step| step.as_str() == "record").cloned().collect::<Vec<_>>().join(".");
            let word = at(given, &path).map(plain)?;
            rows.iter().find(|(known, _)| *known == word).map(|(_, state)| Json::text(state.clone()))
        }
        Matcher::Present | Matcher::Absent | Matcher::Empty | Matcher::NotEmpty => None,
    }
}

/// Puts a value at a path of a record; in a list it is the first entry's, made if there is none.
fn set(record: &mut Value, selector: &Selector, value: Value) {
    let nothing = Json::Null;
    let steps: Vec<SelectorStep> = selector
        .steps
        .iter()
        .map(|step| if *step == SelectorStep::Each { SelectorStep::Item(0) } else { step.clone() })
        .collect();
    select_into(record, &steps, vec![value], Names { any: "", entity: &nothing });
}

/// Is everything that was given there? What the store has filled in besides is no difference.
fn holds(there: &Value, given: &Value) -> bool {
    match (there, given) {
        (Json::Record(_), Json::Record(members)) => {
            members.iter().all(|(name, value)| there.get(name).is_some_and(|there| holds(there, value)))
        }
        (Json::List(there), Json::List(given)) => {
            there.len() == given.len() && there.iter().zip(given).all(|(there, given)| holds(there, given))
        }
        (there, given) => plain(there) == plain(given),
    }
}
