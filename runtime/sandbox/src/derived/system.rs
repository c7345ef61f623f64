//! A derived system at work. In: requests. Out: answers, and effects in the ledger. Never: a network.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mapwright_manifest::{
    Auth, BatchForm, Driver, FilterForm, Lock, Manifest, Operation, SelectorRoot, SelectorStep, Verb,
};
use mapwright_values::Json;
use mapwright_values::hooks::AnswerClass as RuleClass;

use super::calling::Outbox;
use super::check::{Cause, Refused, refused};
use super::codec::Wire;
use super::list::{Listing, key_of as addressed};
use super::login::Gate;
use super::reply::{For, Reply, Said, plain_refusal, refusal};
use super::route::{Asked, Route, What, read};
use super::schema::Schema;
use super::store::{Stamp, Store, Stored};
use super::subscriptions::Subscription;
use super::tree::{Names, Value, put};
use super::unify::{Bound, Reader};
use super::write::{Done, Work, tag_of};
use crate::clock;
use crate::ledger::Ledger;
use crate::server::{Answer, Call, Simulated};

/// What changes while requests come in.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) gate: Gate,
    pub(crate) subscriptions: Vec<Subscription>,
    /// When the next request is due, if none came too early.
    due: Option<Instant>,
}

/// A system made of a manifest and a catalogue.
pub(crate) struct System {
    pub(crate) manifest: Manifest,
    pub(crate) schema: Schema,
    pub(crate) wire: Wire,
    /// The deployment's values, addresses left out: requests are matched from their path on.
    pub(crate) config: Value,
    pub(crate) secrets: Value,
    pub(crate) routes: Vec<Route>,
    pub(crate) stamps: BTreeMap<String, Vec<Stamp>>,
    /// How long a log-in holds.
    pub(crate) life: Duration,
    pub(crate) state: Mutex<State>,
    pub(crate) ledger: Ledger,
    /// Where calls to subscribers are put.
    pub(crate) outbox: Outbox,
}

impl System {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn known(&self) -> [(&'static str, &Value); 2] {
        [("config", &self.config), ("secret", &self.secrets)]
    }

    /// Answers a request; `inner` = it stands within a batch, which was let in already.
    pub(super) fn dispatch(&self, asked: &Asked, sequence: u64, inner: bool) -> Answer {
        let known = self.known();
        let reader = Reader { known: &known, lets: &[], quote: None, wire: &self.wire, null_is_open: false };
        let found = self.routes.iter().find_map(|route| Some((route, route.fits(&self.manifest, reader, asked)?)));
        let Some((route, bound)) = found else { return self.unmatched(reader, asked) };
        let all: Vec<(&str, &Value)> = known.into_iter().chain(std::iter::once(("entity", &route.entries))).collect();
        let quote = match &self.manifest.filters.form {
            FilterForm::Templated(forms) => forms.quote.as_ref(),
            FilterForm::None | FilterForm::Odata | FilterForm::PerField(_) => None,
        };
        let reader = Reader { known: &all, lets: &route.operation.lets, quote, ..reader };
        let of = self.of(route, reader, asked);
        if !inner && let Some(early) = self.too_early() {
            let said = Said { words: "too many requests", wait: Some(early), ..Said::default() };
            return refusal(of, RuleClass::Throttled, &said).finish(of).with("retry-after", early.to_string());
        }
        if route.what == What::LogIn {
            return self.log_in(of, &bound);
        }
        if !inner && !self.state().gate.admits(&self.manifest, reader, asked) {
            let said = Said { words: "log in first", ..Said::default() };
            return refusal(of, RuleClass::Login, &said).finish(of);
        }
        if let Some(name) = self.missing_header(of, asked) {
            let words = format!("the header {name} is missing or wrong");
            return refusal(of, RuleClass::Halt, &Said { words: &words, ..Said::default() }).finish(of);
        }
        if let (What::Entity(_, Verb::Batch), Some(batch)) = (&route.what, &route.operation.batch)
            && batch.form == BatchForm::OdataMultipart
        {
            let known = self.known();
            return self.change_sets(Reader { known: &known, lets: &[], ..reader }, asked, batch.size, sequence);
        }
        let reply = match &route.what {
            What::LogIn | What::Check => Ok(Reply::default()),
            What::LogOut => {
                self.state().gate.forget(&self.manifest, reader, asked);
                return Answer::empty(204);
            }
            What::Subscription(step, entity) => self.of_subscription(*step, entity, of, asked, &bound),
            What::Entity(name, verb) => self.of_entity(name, *verb, of, asked, &bound, sequence),
            What::Action(name) => self.of_action(name, of, &bound, sequence),
        };
        match reply {
            Ok(mut reply) => {
                reply.satisfy(&of.operation.map(|operation| operation.success.clone()).unwrap_or_default(), of);
                if reply.status.is_none() && matches!(route.what, What::Entity(_, Verb::Create)) {
                    reply.status = Some(201);
                }
                reply.finish(of)
            }
            // What rules say of records that are not there says nothing of subscriptions.
            Err(refused) if matches!((&route.what, &refused.cause), (What::Subscription(..), Cause::Missing)) => {
                plain_refusal(of, 404, &Said { words: &refused.words, ..Said::default() }).finish(of)
            }
            Err(refused) => self.refuse(of, &refused).finish(of),
        }
    }

    pub(super) fn of<'f>(&'f self, route: &'f Route, reader: Reader<'f>, asked: &'f Asked) -> For<'f> {
        let word = match &route.what {
            What::Entity(_, verb) => verb.word(),
            What::Action(name) => name,
            What::LogIn | What::LogOut | What::Check | What::Subscription(..) => "",
        };
        let any = any_name(&self.manifest, &route.operation, asked);
        For {
            manifest: &self.manifest,
            operation: Some(&route.operation),
            word,
            action: matches!(route.what, What::Action(_)),
            reader,
            names: Names { any, entity: &route.entries },
        }
    }

    /// A refusal in the system's own shape.
    pub(super) fn refuse(&self, of: For<'_>, refused: &Refused) -> Reply {
        let existing = refused.words.rsplit_once(" as ").map(|(_, key)| key.to_owned());
        let said = Said { words: &refused.words, field: &refused.field, ..Said::default() };
        match refused.cause {
            Cause::Wrong => refusal(of, RuleClass::Permanent, &said),
            Cause::Dependency => refusal(of, RuleClass::Dependency, &said),
            Cause::Exists => refusal(of, RuleClass::Exists, &Said { existing, ..said }),
            Cause::Missing => refusal(of, RuleClass::Missing, &said),
            Cause::Conflict => refusal(of, RuleClass::Conflict, &said),
            Cause::Unplayed => plain_refusal(of, 501, &said),
        }
    }

    /// A request that has no operation's shape.
    fn unmatched(&self, reader: Reader<'_>, asked: &Asked) -> Answer {
        let entity = Json::Null;
        let names = Names { any: "error", entity: &entity };
        let of = For { manifest: &self.manifest, operation: None, word: "", action: false, reader, names };
        let near = self.routes.iter().find(|route| route.reaches(reader, asked));
        if near.is_some_and(|route| route.what == What::LogIn) {
            let said = Said { words: "the credentials are wrong", ..Said::default() };
            return plain_refusal(of, 401, &said).finish(of);
        }
        let words = match near {
            Some(route) => {
                format!("{} {}: not the shape of {}", asked.method, asked.path, route.name())
            }
            None => format!("{} {}: no operation of the manifest is reached there", asked.method, asked.path),
        };
        plain_refusal(of, 501, &Said { words: &words, ..Said::default() }).finish(of)
    }

    fn log_in(&self, of: For<'_>, bound: &Bound) -> Answer {
        let Auth::LogIn(login) = &self.manifest.auth else { return Answer::empty(501) };
        let reply = self.state().gate.log_in(login, bound, self.life, of);
        match (reply, of.operation) {
            (Some(mut reply), Some(operation)) => {
                reply.satisfy(&operation.success, of);
                reply.finish(of)
            }
            (_, _) => {
                let said = Said { words: "this value was used already", ..Said::default() };
                plain_refusal(of, 401, &said).finish(of)
            }
        }
    }

    /// Seconds to wait, where the rate of the manifest is passed (with a tenth to spare).
    fn too_early(&self) -> Option<u64> {
        let rate = self.manifest.limits.rate?;
        let between = rate.per.checked_div(rate.requests.max(1))?.mul_ratio(9, 10);
        let burst = rate.per;
        let now = Instant::now();
        let mut state = self.state();
        let due = state.due.filter(|due| *due > now).unwrap_or(now);
        let ahead = due.duration_since(now);
        if ahead > burst {
            return Some(ahead.saturating_sub(burst).as_secs() + 1);
        }
        state.due = due.checked_add(between);
        None
    }

    /// The first header of the manifest that a request lacks.
    fn missing_header(&self, of: For<'_>, asked: &Asked) -> Option<String> {
        let own = of.operation.map_or(&[][..], |operation| operation.headers.as_slice());
        let wanted = self
            .manifest
            .headers
            .iter()
            .filter(|(name, _)| own.iter().all(|(other, _)| !other.eq_ignore_ascii_case(name)));
        let missing =
            wanted.filter(|(_, template)| !template.slots().any(|slot| slot.optional)).find(|(name, template)| {
                asked.header(name).and_then(|given| of.reader.text(template, given, None)).is_none()
            });
        missing.map(|(name, _)| name.clone())
    }

    fn of_entity(
        &self,
        name: &str,
        verb: Verb,
        of: For<'_>,
        asked: &Asked,
        bound: &Bound,
        sequence: u64,
    ) -> Result<Reply, Refused> {
        let (Some(entity), Some(known), Some(operation)) =
            (self.manifest.entity(name), self.schema.entity(name), of.operation)
        else {
            return Err(refused(Cause::Unplayed, "", format!("{name} is not played")));
        };
        let listing = Listing { manifest: &self.manifest, entity, known, asked, bound, reader: of.reader };
        match verb {
            Verb::List | Verb::Find => self.list(&listing, operation, of),
            Verb::Get => self.get(&listing, operation, of),
            Verb::Create | Verb::Update | Verb::Upsert | Verb::Delete => {
                let mut state = self.state();
                let mut work = Work { store: &mut state.store, effects: Vec::new() };
                let given = given_record(bound);
                let version = self.version_of(asked, operation, given.as_ref());
                let done = self.write(&mut work, (entity, known), verb, operation, (given, bound, version))?;
                let effects = std::mem::take(&mut work.effects);
                self.commit(sequence, effects);
                self.written(&listing, operation, of, &done)
            }
            Verb::Batch => self.batch(&listing, operation, of, sequence),
        }
    }

    fn list(&self, listing: &Listing<'_>, operation: &Operation, of: For<'_>) -> Result<Reply, Refused> {
        let state = self.state();
        let page = listing.page(&state.store, operation).map_err(|words| refused(Cause::Wrong, "", words))?;
        let fields = &listing.known.fields;
        let rows: Vec<Value> = page
            .rows
            .iter()
            .map(|stored| {
                if operation.gives_keys {
                    return listing.columns(stored);
                }
                let mut row = self.wire.outward(fields, listing.shown(stored));
                self.tag(&mut row, stored);
                row
            })
            .collect();
        let mut reply = Reply::default();
        if rows.is_empty() {
            reply.raw = self.wire.head(fields);
        }
        match operation.records.first().or(operation.record.first()) {
            Some(selector) => reply.put(selector, rows, of.names),
            None => reply.body = Some(Json::List(rows)),
        }
        if reply.body.is_none() && operation.decode.is_empty() {
            reply.body = Some(Json::List(Vec::new()));
        }
        if self.manifest.driver == Driver::Graphql {
            super::graphql::wrap(operation, of.names, &mut reply);
        }
        listing.go_on(&page, of, &mut reply);
        Ok(reply)
    }

    fn get(&self, listing: &Listing<'_>, operation: &Operation, of: For<'_>) -> Result<Reply, Refused> {
        let key = addressed(&self.manifest, listing.known, listing.bound)
            .map_err(|words| refused(Cause::Wrong, "", words))?;
        let state = self.state();
        let found = state.store.find(listing.known, &key);
        let mut reply = Reply::default();
        let selector = operation.record.first().or(operation.records.first());
        match (found, selector) {
            (Some(stored), Some(selector)) => {
                let mut record = self.wire.outward(&listing.known.fields, listing.shown(stored));
                self.tag(&mut record, stored);
                reply.put(selector, vec![record], of.names);
                self.tag_header(&mut reply, stored, of);
            }
            // A search by key that finds nothing is an empty list.
            (None, Some(selector)) if selector.steps.contains(&SelectorStep::Each) => {
                reply.put(selector, Vec::new(), of.names);
            }
            (None, Some(selector)) if self.manifest.driver == Driver::Graphql => {
                reply.put(selector, vec![Json::Null], of.names);
            }
            (_, _) => {
                let words = format!("there is no {} {}", listing.known.name, key.join("/"));
                return Err(refused(Cause::Missing, "", words));
            }
        }
        Ok(reply)
    }

    /// The entity tag within a record, where the manifest reads it there.
    fn tag(&self, record: &mut Value, stored: &Stored) {
        let Lock::Etag { from, .. } = &self.manifest.lock else { return };
        for selector in from.iter().filter(|selector| selector.root == SelectorRoot::Body) {
            if let [SelectorStep::Member(name)] = selector.steps.as_slice() {
                put(record, &[name], Json::text(tag_of(stored)));
            }
        }
    }

    fn tag_header(&self, reply: &mut Reply, stored: &Stored, of: For<'_>) {
        let Lock::Etag { from, .. } = &self.manifest.lock else { return };
        for selector in from.iter().filter(|selector| selector.root == SelectorRoot::Header) {
            reply.put(selector, vec![Json::text(tag_of(stored))], of.names);
        }
    }

    /// The answer to a write that was carried out.
    pub(super) fn written(
        &self,
        listing: &Listing<'_>,
        operation: &Operation,
        of: For<'_>,
        done: &Done,
    ) -> Result<Reply, Refused> {
        let mut reply = Reply::default();
        if let (Some(stored), false) = (&done.stored, operation.returns_nothing) {
            if let Some(selector) = operation.record.first() {
                let mut record = self.wire.outward(&listing.known.fields, listing.shown(stored));
                self.tag(&mut record, stored);
                reply.put(selector, vec![record], of.names);
                self.tag_header(&mut reply, stored, of);
            }
            if let (Some(selector), Some(key)) = (operation.key.first(), done.key.last()) {
                let field = listing.known.key.last().map_or("", String::as_str);
                reply.put(selector, vec![self.typed(listing.known, field, key)], of.names);
            }
        }
        Ok(reply)
    }
}

/// The record that a write brings: `{record}`, `{merged}`, the first of `{records}`, or its members one by one.
pub(super) fn given_record(bound: &Bound) -> Option<Value> {
    let first = |value: Value| match value {
        Json::List(list) => list.into_iter().next(),
        lone => Some(lone),
    };
    bound.under("record").or_else(|| bound.under("merged")).or_else(|| bound.get("records").cloned().and_then(first))
}

/// What `*` stands for in an operation's selectors.
fn any_name<'o>(manifest: &Manifest, operation: &'o Operation, asked: &'o Asked) -> &'o str {
    if manifest.driver == Driver::Graphql {
        return asked.document.as_deref().map_or("result", super::graphql::root_field);
    }
    let conditions = operation.success.iter().map(|condition| &condition.subject);
    let all = operation.decode.iter().chain(&operation.records).chain(&operation.record).chain(&operation.key);
    let first = all.chain(conditions).find_map(|selector| match (selector.root, selector.steps.first()) {
        (SelectorRoot::Body, Some(SelectorStep::Member(name))) => Some(name.as_str()),
        (_, _) => None,
    });
    first.unwrap_or("result")
}

impl Simulated for System {
    fn base(&self) -> &str {
        ""
    }

    fn is_login(&self, path: &str) -> bool {
        let known = self.known();
        let reader = Reader { known: &known, lets: &[], quote: None, wire: &self.wire, null_is_open: false };
        self.routes.iter().any(|route| route.what == What::LogIn && route.leads(reader, path))
    }

    fn answer(&self, call: &Call) -> Answer {
        let answer = match self.read(call) {
            Ok(asked) => self.dispatch(&asked, call.sequence, false),
            Err(words) => self.told(400, RuleClass::Permanent, &words),
        };
        self.tell();
        answer
    }

    fn before<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>> {
        Box::pin(async move {
            let (asked, address) = self.subscriber_of(call)?;
            let shaken = self.shake_hands(&address).await;
            shaken.err().map(|words| {
                tracing::info!(path = %asked.path, %words, "a subscriber does not answer the handshake");
                self.told(400, RuleClass::Permanent, &words)
            })
        })
    }

    fn failure(&self, status: u16) -> Answer {
        let class = match status {
            429 => RuleClass::Throttled,
            503 => RuleClass::Transient,
            _ => return self.told_plainly(status),
        };
        self.told(status, class, "injected")
    }

    fn expire_session_of(&self, call: &Call) {
        let known = self.known();
        let reader = Reader { known: &known, lets: &[], quote: None, wire: &self.wire, null_is_open: false };
        let asked =
            Asked { headers: call.headers.clone(), query: crate::text::query_pairs(&call.query), ..Asked::default() };
        self.state().gate.forget(&self.manifest, reader, &asked);
    }
}

impl System {
    /// A request, read as far as its protocol goes.
    pub(super) fn read(&self, call: &Call) -> Result<Asked, String> {
        let asked = Asked {
            method: call.method.clone(),
            path: call.path.clone(),
            query: crate::text::query_pairs(&call.query),
            headers: call.headers.clone(),
            body: None,
            text: String::from_utf8_lossy(&call.body).into_owned(),
            called: None,
            document: None,
        };
        read(&self.manifest, &self.wire, asked)
    }

    fn told(&self, status: u16, class: RuleClass, words: &str) -> Answer {
        let (known, entity) = (self.known(), Json::Null);
        let reader = Reader { known: &known, lets: &[], quote: None, wire: &self.wire, null_is_open: false };
        let names = Names { any: "result", entity: &entity };
        let of = For { manifest: &self.manifest, operation: None, word: "", action: false, reader, names };
        let said = Said { words, status: Some(status), wait: Some(1), ..Said::default() };
        refusal(of, class, &said).finish(of)
    }

    fn told_plainly(&self, status: u16) -> Answer {
        let (known, entity) = (self.known(), Json::Null);
        let reader = Reader { known: &known, lets: &[], quote: None, wire: &self.wire, null_is_open: false };
        let names = Names { any: "result", entity: &entity };
        let of = For { manifest: &self.manifest, operation: None, word: "", action: false, reader, names };
        plain_refusal(of, status, &Said { words: "injected", ..Said::default() }).finish(of)
    }
}

/// A share of a time.
trait Ratio {
    fn mul_ratio(self, numerator: u32, denominator: u32) -> Duration;
}

impl Ratio for Duration {
    fn mul_ratio(self, numerator: u32, denominator: u32) -> Duration {
        self.saturating_mul(numerator).checked_div(denominator).unwrap_or(self)
    }
}

/// So long ago.
pub(super) fn ago(age: Duration) -> Timestamp {
    clock::now().checked_sub(age).unwrap_or_default()
}
