//! Two systems of the same kind, each with entities of plain records: read by changes, written by key, with versions.
//! In memory; a clock that jumps. What each was asked to write is counted, so that a test sees what a system would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::*;
use mapwright_values::{Find, Json, Test};

use super::JumpingClock;
use super::world::failure;

/// A record as its system holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub fields: BTreeMap<String, String>,
    pub changed: Timestamp,
    pub version: u64,
}

/// One request that wrote something.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub entity: String,
    pub keys: Vec<String>,
}

/// What goes wrong with a write.
#[derive(Clone, Debug)]
pub enum Mishap {
    /// It works, but its answer is lost.
    LostReply,
    /// It is refused, with this class.
    Refused(Class),
    /// The record is changed by somebody else after it was fetched: this field gets this value.
    Meanwhile(&'static str, &'static str),
}

/// Where a system keeps who has subscribed.
#[derive(Default)]
pub struct Desk {
    /// So it is kept; `None` = there are no subscriptions.
    pub how: Option<Subscribing>,
    /// The subscriptions that stand, by name: number and address.
    pub standing: BTreeMap<String, (u64, String)>,
    /// They end by themselves after so long.
    pub lasts: Option<Duration>,
    /// Everything is refused.
    pub refuses: bool,
    /// What was asked, in order.
    pub asked: Vec<String>,
    numbers: u64,
}

impl Desk {
    fn subscribed(&self, number: u64, deed: SubscriptionDeed, now: Timestamp) -> Subscribed {
        let held = [("id".to_owned(), number.to_string())].into();
        Subscribed { held, expires_at: self.lasts.map(|lasts| now.checked_add(lasts).unwrap()), deed }
    }
}

/// A system.
pub struct Side {
    pub alias: &'static str,
    pub clock: Arc<JumpingClock>,
    pub entities: Mutex<BTreeMap<String, BTreeMap<String, Held>>>,
    pub requests: Mutex<Vec<Request>>,
    pub mishaps: Mutex<Vec<Mishap>>,
    /// Lists show nothing.
    pub blind: Mutex<bool>,
    /// Names that are refused for good.
    pub refused: Mutex<Vec<String>>,
    pub guard: Mutex<Guard>,
    pub batching: Mutex<Option<Batching>>,
    pub pages: Mutex<u64>,
    /// Rows of one page.
    pub page_rows: Mutex<usize>,
    pub desk: Mutex<Desk>,
}

impl Side {
    pub fn new(alias: &'static str, clock: &Arc<JumpingClock>) -> Arc<Self> {
        Arc::new(Self {
            alias,
            clock: Arc::clone(clock),
            entities: Mutex::default(),
            requests: Mutex::default(),
            mishaps: Mutex::default(),
            blind: Mutex::new(false),
            refused: Mutex::default(),
            guard: Mutex::new(Guard::Version),
            batching: Mutex::new(None),
            pages: Mutex::new(0),
            page_rows: Mutex::new(usize::MAX),
            desk: Mutex::default(),
        })
    }

    /// Makes or changes a record as a user of the system does.
    pub fn edit(&self, entity: &str, key: &str, fields: &[(&str, &str)]) {
        let mut entities = self.entities.lock().unwrap();
        let held = entities.entry(entity.to_owned()).or_default().entry(key.to_owned()).or_insert_with(|| Held {
            fields: BTreeMap::from([("id".to_owned(), key.to_owned())]),
            changed: self.clock.now(),
            version: 0,
        });
        held.fields.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        held.changed = self.clock.now();
        held.version += 1;
    }

    /// Changes a record without a trace: its stamp stays.
    pub fn edit_silently(&self, entity: &str, key: &str, fields: &[(&str, &str)]) {
        let before = self.entities.lock().unwrap()[entity][key].changed;
        self.edit(entity, key, fields);
        self.entities.lock().unwrap().get_mut(entity).unwrap().get_mut(key).unwrap().changed = before;
    }

    pub fn remove(&self, entity: &str, key: &str) {
        self.entities.lock().unwrap().get_mut(entity).unwrap().remove(key);
    }

    pub fn field(&self, entity: &str, key: &str, name: &str) -> Option<String> {
        self.entities.lock().unwrap().get(entity)?.get(key)?.fields.get(name).cloned()
    }

    pub fn count(&self, entity: &str) -> usize {
        self.entities.lock().unwrap().get(entity).map_or(0, BTreeMap::len)
    }

    /// The requests since the last time.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    fn text(&self, held: &Held) -> String {
        let fields = held.fields.iter().map(|(name, value)| (name.clone().into(), Json::text(value.clone())));
        let stamp = [("changed".into(), Json::text(held.changed.to_string()))];
        Json::Record(fields.chain(stamp).collect()).to_text()
    }

    fn carry_out(&self, write: &WriteRequest) -> Result<Written, Failure> {
        let json = Json::parse(&write.record).unwrap();
        let Json::Record(members) = &json else { panic!("no record: {}", write.record) };
        let fields: Vec<(String, String)> = members
            .iter()
            .filter_map(|(name, value)| match value {
                Json::Text(text) | Json::Number(text) => Some((name.to_string(), text.to_string())),
                _ => None,
            })
            .collect();
        if fields.iter().any(|(name, value)| name == "name" && self.refused.lock().unwrap().contains(value)) {
            return Err(failure(Class::Permanent, "name"));
        }
        let mut entities = self.entities.lock().unwrap();
        let records = entities.entry(write.entity.clone()).or_default();
        let key = match &write.deed {
            Deed::Create => fields.iter().find(|(name, _)| name == "id").map(|(_, value)| value.clone()).unwrap(),
            Deed::Update { key } | Deed::Upsert { key } | Deed::Delete { key } => key[0].clone(),
            Deed::Act => return Ok(Written { key: Vec::new(), record: None }),
        };
        let known = records.get(&key).map(|held| held.version.to_string());
        match &write.deed {
            Deed::Create if known.is_some() => return Err(failure(Class::Exists, "exists")),
            Deed::Update { .. } | Deed::Delete { .. } if known.is_none() => return Err(failure(Class::Missing, "404")),
            _ => {}
        }
        if known.is_some() && write.version.is_some() && write.version != known {
            return Err(failure(Class::Conflict, "412"));
        }
        if matches!(write.deed, Deed::Delete { .. }) {
            records.remove(&key);
            return Ok(Written { key: vec![key], record: None });
        }
        drop(entities);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.edit(&write.entity, &key, &fields);
        Ok(Written { key: vec![key], record: None })
    }

    fn answer(&self, writes: &[WriteRequest]) -> Result<Vec<Result<Written, Failure>>, Failure> {
        let mishap = self.mishaps.lock().unwrap().pop();
        if let Some(Mishap::Meanwhile(name, value)) = &mishap {
            let (Deed::Update { key } | Deed::Upsert { key }) = &writes[0].deed else { panic!("of a known record") };
            self.edit(&writes[0].entity, &key[0], &[(name, value)]);
        }
        let key = |write: &WriteRequest| match &write.deed {
            Deed::Update { key } | Deed::Upsert { key } | Deed::Delete { key } => key[0].clone(),
            Deed::Create | Deed::Act => Json::parse(&write.record).unwrap().get("id").unwrap().to_text(),
        };
        let request = Request { entity: writes[0].entity.clone(), keys: writes.iter().map(key).collect() };
        self.requests.lock().unwrap().push(request);
        if let Some(Mishap::Refused(class)) = &mishap {
            return Err(failure(*class, "refused"));
        }
        let atomic = writes.len() > 1 && self.batching.lock().unwrap().is_some_and(|batching| batching.atomic);
        let before = self.entities.lock().unwrap().clone();
        let outcomes: Vec<_> = writes.iter().map(|write| self.carry_out(write)).collect();
        if atomic && let Some(Err(first)) = outcomes.iter().find(|outcome| outcome.is_err()) {
            let first = first.clone();
            *self.entities.lock().unwrap() = before;
            return Err(first);
        }
        match mishap {
            Some(Mishap::LostReply) => Err(failure(Class::Ambiguous, "timeout")),
            Some(Mishap::Meanwhile(..) | Mishap::Refused(_)) | None => Ok(outcomes),
        }
    }
}

/// A system as the engine sees it.
pub struct PairConnector(pub Arc<Side>);

impl Connector for PairConnector {
    fn alias(&self) -> &str {
        self.0.alias
    }

    fn reading(&self, entity: &str) -> Reading {
        Reading {
            passes: if entity == "still" { Vec::new() } else { vec!["changed".to_owned()] },
            ordered_by_time: false,
            resolution: Duration::from_secs(1),
            overlap: Duration::from_secs(600),
            index_lag: Duration::from_secs(2),
        }
    }

    fn writing(&self, _entity: &str) -> Writing {
        Writing {
            settle: Duration::from_secs(60),
            create_is_keyed: false,
            probe_by: vec!["id".to_owned()],
            request_timeout: Duration::from_secs(20),
            parallel: 4,
            guard: *self.0.guard.lock().unwrap(),
            batching: *self.0.batching.lock().unwrap(),
        }
    }

    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
        *self.0.pages.lock().unwrap() += 1;
        let blind = *self.0.blind.lock().unwrap();
        let window = request.window.clone().unwrap_or(Window { pass: 0, since: None, until: None });
        let entities = self.0.entities.lock().unwrap();
        let records = entities.get(&request.entity).cloned().unwrap_or_default();
        let rows: Vec<Row> = records
            .values()
            .filter(|held| !blind && window.since.is_none_or(|since| held.changed >= since))
            .filter(|held| window.until.is_none_or(|until| held.changed < until))
            .filter(|held| request.filter.iter().all(|term| matches(held, &term.field, &term.value)))
            .map(|held| Row { record: self.0.text(held), stamp: Some(held.changed) })
            .collect();
        let start: usize = request.cursor.as_ref().map_or(0, |cursor| cursor.parse().unwrap());
        let end = start.saturating_add(*self.0.page_rows.lock().unwrap()).min(rows.len());
        let next = (end < rows.len()).then(|| end.to_string());
        let page = Page { rows: rows[start..end].to_vec(), next, server_time: Some(self.0.clock.now()) };
        Box::pin(async move { Ok(page) })
    }

    fn fetch_record<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        _select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>> {
        let blind = *self.0.blind.lock().unwrap();
        let entities = self.0.entities.lock().unwrap();
        let held = entities.get(entity).and_then(|records| records.get(&key[0])).filter(|_| !blind);
        let record = held.map(|held| self.0.text(held));
        Box::pin(async move { Ok(record) })
    }

    fn fetch_current<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        _select: &'a [String],
    ) -> Reply<'a, Result<Option<Current>, Failure>> {
        let entities = self.0.entities.lock().unwrap();
        let held = entities.get(entity).and_then(|records| records.get(&key[0]));
        let current = held.map(|held| Current { record: self.0.text(held), version: Some(held.version.to_string()) });
        Box::pin(async move { Ok(current) })
    }

    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>> {
        let entities = self.0.entities.lock().unwrap();
        let found = finds.iter().map(|find| {
            assert!(find.terms.iter().all(|term| term.test == Test::Eq), "only keys are asked for");
            let records = entities.get(&find.entity).into_iter().flat_map(BTreeMap::values);
            records
                .filter(|held| find.terms.iter().all(|term| matches(held, &term.field, &term.value)))
                .map(|held| self.0.text(held))
                .collect()
        });
        let found = found.collect();
        Box::pin(async move { Ok(found) })
    }

    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>> {
        let answer = self.0.answer(std::slice::from_ref(write)).and_then(|mut outcomes| outcomes.remove(0));
        Box::pin(async move { answer })
    }

    fn send_batch<'a>(
        &'a self,
        writes: &'a [WriteRequest],
    ) -> Reply<'a, Result<Vec<Result<Written, Failure>>, Failure>> {
        let answer = self.0.answer(writes);
        Box::pin(async move { answer })
    }

    fn probe<'a>(&'a self, entity: &'a str, by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        let wanted = Json::parse(record).unwrap().get(&by[0]).unwrap().to_text();
        let entities = self.0.entities.lock().unwrap();
        let mut records = entities.get(entity).into_iter().flat_map(BTreeMap::values);
        let probe = match records.find(|held| matches(held, &by[0], &wanted)) {
            Some(held) => Probe::Same { key: vec![held.fields["id"].clone()], record: self.0.text(held) },
            None => Probe::Absent,
        };
        Box::pin(async move { Ok(probe) })
    }

    fn subscriptions(&self, topic: &str) -> Vec<String> {
        self.0.desk.lock().unwrap().how.map(|_| topic.to_uppercase()).into_iter().collect()
    }

    fn subscribing(&self) -> Option<Subscribing> {
        self.0.desk.lock().unwrap().how
    }

    fn subscribe<'a>(&'a self, request: &'a SubscriptionRequest) -> Reply<'a, Result<Subscribed, Failure>> {
        let (now, mut desk) = (self.0.clock.now(), self.0.desk.lock().unwrap());
        let outcome = match desk.standing.get(&request.name).cloned() {
            _ if desk.refuses => {
                desk.asked.push("refused".to_owned());
                Err(failure(Class::Halt, "no rights"))
            }
            Some((number, address)) if address == request.address => {
                let deed = if request.renew { SubscriptionDeed::Renewed } else { SubscriptionDeed::Found };
                desk.asked.push(format!("{deed:?} {}", request.name));
                Ok(desk.subscribed(number, deed, now))
            }
            Some(_) | None => {
                desk.numbers += 1;
                let number = desk.numbers;
                desk.standing.insert(request.name.clone(), (number, request.address.clone()));
                desk.asked.push(format!("Made {}", request.name));
                Ok(desk.subscribed(number, SubscriptionDeed::Made, now))
            }
        };
        Box::pin(async move { outcome })
    }

    fn unsubscribe<'a>(&'a self, request: &'a SubscriptionRequest) -> Reply<'a, Result<(), Failure>> {
        let mut desk = self.0.desk.lock().unwrap();
        desk.standing.remove(&request.name);
        desk.asked.push(format!("Ended {} at {}", request.name, request.address));
        Box::pin(async { Ok(()) })
    }

    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        Box::pin(async { Ok("fine".to_owned()) })
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async {})
    }
}

fn matches(held: &Held, field: &str, value: &str) -> bool {
    held.fields.get(field).is_some_and(|held| Json::text(held.clone()).to_text() == value)
}
