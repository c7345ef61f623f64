//! The two systems: what they hold, what they were asked, what goes wrong with them. In memory, or in one file that
//! outlives a process that is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::*;
use mapwright_values::{Find, Json};
use serde::{Deserialize, Serialize};

/// A record of the shop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Source {
    pub entity: String,
    pub id: String,
    pub record: String,
    pub changed: Timestamp,
}

/// A document of the ERP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub entity: String,
    pub key: String,
    pub natural: String,
    pub create_key: String,
    pub record: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    pub sources: Vec<Source>,
    pub items: BTreeSet<String>,
    pub documents: Vec<Document>,
    /// How many documents were ever made by a create.
    #[serde(default)]
    pub made: u64,
    /// What was written back to the shop, by order.
    pub numbers: BTreeMap<String, String>,
    /// Totals in the order in which they took effect at the ERP, by order.
    pub applied: BTreeMap<String, Vec<String>>,
    /// The same of what orders are marked with, by the document's key.
    #[serde(default)]
    pub marks: BTreeMap<String, Vec<String>>,
    /// Totals in the order in which the shop had them, by order.
    pub history: BTreeMap<String, Vec<String>>,
    /// Writes of which the ERP has not made anything yet, with the time of their effect.
    pub late: Vec<(Timestamp, String, Deed, String, String)>,
    /// Orders of which the shop was told to remove its mark.
    pub removed: BTreeSet<String>,
    /// Writes that arrived.
    pub writes: u64,
    pub finds: u64,
    pub pages: u64,
}

/// What goes wrong with the next write to the ERP.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// It works, but its answer is lost.
    LostReply,
    /// It does not even arrive.
    LostRequest,
    /// It is refused, with this class.
    Refused(Class),
    /// It works where no search finds it, and is refused as there already, under the key that it was given.
    Hidden,
    /// It works, but only so much later, and its answer is lost.
    Late(Duration),
    /// It is refused, and asks for so much rest.
    Rest(Duration),
}

#[derive(Default)]
pub struct World {
    pub state: Mutex<State>,
    pub troubles: Mutex<Vec<Trouble>>,
    /// Of so many writes to either system one works and loses its answer.
    pub lose_every: Mutex<Option<u64>>,
    /// The ERP refuses its credentials.
    pub locked: Mutex<bool>,
    /// The ERP carries out nothing until then; what is sent to it is lost.
    pub down_until: Mutex<Option<Timestamp>>,
    /// The ERP refuses orders of these items for good, with the code -5002.
    pub refuses: Mutex<BTreeSet<String>>,
    /// The shop's clock goes ahead of ours by so many seconds.
    pub skew: Mutex<i64>,
    /// Rows of a page of the shop's lists, where it is not three.
    pub page: Mutex<Option<usize>>,
    /// The shop refuses to show orders.
    pub hides_orders: Mutex<bool>,
    /// It fails to show orders, with this class.
    pub breaks_orders: Mutex<Option<Class>>,
    /// The shop has forgotten the places of its lists: a page that is not the first is refused.
    pub forgets_cursors: Mutex<bool>,
    /// The creates are refused or answered by their key.
    pub keyed: Mutex<bool>,
    pub file: Option<PathBuf>,
}

impl World {
    pub fn in_file(file: PathBuf) -> Self {
        let state = std::fs::read_to_string(&file).ok().map(|text| serde_json::from_str(&text).unwrap());
        Self { state: Mutex::new(state.unwrap_or_default()), file: Some(file), ..Self::default() }
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap();
        let result = change(&mut state);
        if let Some(file) = &self.file {
            let new = file.with_extension("new");
            std::fs::write(&new, serde_json::to_string(&*state).unwrap()).unwrap();
            std::fs::rename(new, file).unwrap();
        }
        result
    }

    pub fn customer(&self, id: &str, at: Timestamp) {
        let record = format!(r#"{{"id":"{id}","name":"Customer {id}"}}"#);
        self.put("customer", id, record, at);
    }

    pub fn order(&self, id: &str, customer: &str, item: &str, total: u32, at: Timestamp) {
        let record = format!(r#"{{"id":"{id}","customer":"{customer}","item":"{item}","total":{total}}}"#);
        self.put("order", id, record, at);
    }

    pub fn put(&self, entity: &str, id: &str, record: String, changed: Timestamp) {
        let total = field(&record, "total");
        self.change(|state| {
            if entity == "order" {
                state.history.entry(id.to_owned()).or_default().push(total);
            }
            state.sources.retain(|source| !(source.entity == entity && source.id == id));
            state.sources.push(Source { entity: entity.to_owned(), id: id.to_owned(), record, changed });
        });
    }

    /// A user of the shop deletes it.
    pub fn remove(&self, entity: &str, id: &str) {
        self.change(|state| {
            if entity == "order" {
                state.history.entry(id.to_owned()).or_default().push(GONE.to_owned());
            }
            state.sources.retain(|source| !(source.entity == entity && source.id == id));
        });
    }

    pub fn item(&self, code: &str) {
        self.change(|state| state.items.insert(code.to_owned()));
    }

    pub fn trouble(&self, troubles: &[Trouble]) {
        self.troubles.lock().unwrap().extend(troubles.iter().rev().cloned());
    }

    pub fn documents(&self, entity: &str) -> usize {
        self.state.lock().unwrap().documents.iter().filter(|document| document.entity == entity).count()
    }
}

pub fn failure(class: Class, code: &str) -> Failure {
    Failure {
        class,
        status: None,
        code: Some(code.to_owned()),
        message: format!("the system said {code}; see its manual"),
        field: None,
        retry_after: None,
        existing: None,
    }
}

/// One of the two systems.
pub struct System<C> {
    pub alias: String,
    pub world: Arc<World>,
    pub clock: Arc<C>,
}

const PAGE: usize = 3;

/// What stands among the totals of an order where it was deleted.
pub const GONE: &str = "gone";

fn field(record: &str, name: &str) -> String {
    match Json::parse(record).unwrap().get(name) {
        Some(Json::Text(text) | Json::Number(text)) => text.to_string(),
        _ => String::new(),
    }
}

impl<C: Clock> System<C> {
    fn create(&self, write: &WriteRequest) -> Result<Written, Failure> {
        if write.entity == "order" {
            return self.update(write, &[field(&write.record, "ref")]);
        }
        let natural = field(&write.record, "No");
        self.world.change(|state| {
            if let Some(known) =
                state.documents.iter().find(|known| known.entity == write.entity && known.natural == natural)
                && known.create_key == write.create_key
                && *self.world.keyed.lock().unwrap()
            {
                return Ok(Written { key: vec![known.key.clone()], record: None });
            }
            let key = format!("{}{}", &write.entity[..1], state.made + 1);
            state.made += 1;
            state.documents.push(Document {
                entity: write.entity.clone(),
                key: key.clone(),
                natural: natural.clone(),
                create_key: write.create_key.clone(),
                record: write.record.clone(),
            });
            Ok(Written { key: vec![key], record: None })
        })
    }

    fn update(&self, write: &WriteRequest, key: &[String]) -> Result<Written, Failure> {
        if self.alias == "erp" {
            return match write.deed {
                Deed::Delete { .. } => self.delete(write, key),
                Deed::Update { .. } => self.mark(write, key),
                Deed::Create | Deed::Upsert { .. } | Deed::Act => self.upsert(write, key),
            };
        }
        if matches!(write.deed, Deed::Delete { .. }) {
            self.world.change(|state| state.removed.insert(key[0].clone()));
            return Ok(Written { key: key.to_vec(), record: None });
        }
        self.world.change(|state| state.numbers.insert(key[0].clone(), field(&write.record, "number")));
        Ok(Written { key: key.to_vec(), record: None })
    }

    fn delete(&self, write: &WriteRequest, key: &[String]) -> Result<Written, Failure> {
        self.world.change(|state| {
            let known = |known: &Document| known.entity == write.entity && known.key == key[0];
            let natural = state.documents.iter().find(|document| known(document)).map(|known| known.natural.clone());
            let natural = natural.ok_or_else(|| failure(Class::Missing, "404"))?;
            state.documents.retain(|document| !known(document));
            if let Some(applied) = state.applied.get_mut(&natural) {
                applied.push(GONE.to_owned());
            }
            Ok(Written { key: key.to_vec(), record: None })
        })
    }

    fn mark(&self, write: &WriteRequest, key: &[String]) -> Result<Written, Failure> {
        self.world.change(|state| {
            if !state.documents.iter().any(|known| known.entity == write.entity && known.key == key[0]) {
                return Err(failure(Class::Missing, "404"));
            }
            state.marks.entry(key[0].clone()).or_default().push(field(&write.record, "Mark"));
            Ok(Written { key: key.to_vec(), record: None })
        })
    }

    fn upsert(&self, write: &WriteRequest, key: &[String]) -> Result<Written, Failure> {
        let number = self.world.change(|state| {
            state.applied.entry(key[0].clone()).or_default().push(field(&write.record, "Total"));
            let known =
                state.documents.iter_mut().find(|known| known.entity == write.entity && known.natural == key[0]);
            match known {
                Some(known) => {
                    known.record = write.record.clone();
                    known.key.clone()
                }
                None => {
                    let document = Document {
                        entity: write.entity.clone(),
                        key: key[0].clone(),
                        natural: key[0].clone(),
                        create_key: write.create_key.clone(),
                        record: write.record.clone(),
                    };
                    state.documents.push(document);
                    key[0].clone()
                }
            }
        });
        Ok(Written { key: vec![number], record: None })
    }

    /// What was sent before and takes effect only now.
    pub fn catch_up(&self) {
        let now = self.clock.now();
        if self.alias != "erp" || self.world.state.lock().unwrap().late.is_empty() {
            return;
        }
        let due: Vec<_> = self.world.change(|state| {
            let (due, late) = state.late.drain(..).partition(|late: &(Timestamp, _, _, _, _)| late.0 <= now);
            state.late = late;
            due
        });
        for (_, entity, deed, record, create_key) in due {
            // Whoever sent it has given up: nobody hears what comes of it.
            let _ = self.carry_out(&WriteRequest { entity, deed, record, create_key, version: None });
        }
    }

    fn carry_out(&self, write: &WriteRequest) -> Result<Written, Failure> {
        match &write.deed {
            Deed::Create => self.create(write),
            Deed::Update { key } | Deed::Upsert { key } | Deed::Delete { key } => self.update(write, key),
            Deed::Act => Ok(Written { key: Vec::new(), record: None }),
        }
    }

    fn answer(&self, write: &WriteRequest) -> Result<Written, Failure> {
        if self.alias == "erp" && *self.world.locked.lock().unwrap() {
            return Err(failure(Class::Halt, "401"));
        }
        self.catch_up();
        let arrived = self.world.change(|state| {
            state.writes += 1;
            state.writes
        });
        let trouble = if self.alias == "erp" { self.world.troubles.lock().unwrap().pop() } else { None };
        if self.alias == "erp" {
            if self.world.down_until.lock().unwrap().is_some_and(|until| self.clock.now() < until) {
                return Err(failure(Class::Transient, "refused"));
            }
            if self.world.refuses.lock().unwrap().contains(&field(&write.record, "Item")) {
                return Err(failure(Class::Permanent, "-5002"));
            }
        }
        let lost = self.world.lose_every.lock().unwrap().is_some_and(|every| arrived.is_multiple_of(every));
        match trouble {
            Some(Trouble::LostRequest) => Err(failure(Class::Ambiguous, "reset")),
            Some(Trouble::Rest(rest)) => Err(Failure { retry_after: Some(rest), ..failure(Class::Throttled, "429") }),
            Some(Trouble::Refused(class)) => Err(failure(class, "refused")),
            Some(Trouble::Late(after)) => {
                let at = self.clock.now().checked_add(after).unwrap();
                let late =
                    (at, write.entity.clone(), write.deed.clone(), write.record.clone(), write.create_key.clone());
                self.world.change(|state| state.late.push(late));
                Err(failure(Class::Ambiguous, "timeout"))
            }
            Some(Trouble::Hidden) => {
                let key = self.carry_out(write)?.key.concat();
                self.world.change(|state| {
                    let made = state.documents.iter_mut().filter(|document| document.key == key);
                    made.for_each(|document| document.natural.clear());
                });
                Err(Failure { existing: Some(key), ..failure(Class::Exists, "taken") })
            }
            Some(Trouble::LostReply) => self.carry_out(write).and(Err(failure(Class::Ambiguous, "timeout"))),
            None if lost => self.carry_out(write).and(Err(failure(Class::Ambiguous, "timeout"))),
            None => self.carry_out(write),
        }
    }
}

impl<C: Clock> Connector for System<C> {
    fn alias(&self) -> &str {
        &self.alias
    }

    fn reading(&self, entity: &str) -> Reading {
        Reading {
            passes: vec!["changed".to_owned()],
            // One entity of each kind, so that both ways to move a watermark are walked.
            ordered_by_time: entity == "order",
            resolution: Duration::from_secs(1),
            overlap: Duration::from_secs(600),
            index_lag: Duration::from_secs(2),
        }
    }

    fn writing(&self, _entity: &str) -> Writing {
        Writing {
            settle: Duration::from_secs(120),
            create_is_keyed: *self.world.keyed.lock().unwrap(),
            probe_by: Vec::new(),
            request_timeout: Duration::from_secs(20),
            parallel: 4,
            guard: Guard::None,
            batching: None,
        }
    }

    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
        if *self.world.hides_orders.lock().unwrap() && request.entity == "order" {
            return Box::pin(async { Err(failure(Class::Halt, "403")) });
        }
        if *self.world.forgets_cursors.lock().unwrap() && request.cursor.is_some() {
            *self.world.forgets_cursors.lock().unwrap() = false;
            return Box::pin(async { Err(failure(Class::Permanent, "no such cursor")) });
        }
        if let Some(class) = (*self.world.breaks_orders.lock().unwrap()).filter(|_| request.entity == "order") {
            self.world.change(|state| state.pages += 1);
            return Box::pin(async move { Err(failure(class, "500")) });
        }
        let window = request.window.clone().unwrap_or(Window { pass: 0, since: None, until: None });
        let rows = self.world.change(|state| {
            state.pages += 1;
            let mut rows: Vec<Source> =
                state.sources.iter().filter(|source| source.entity == request.entity).cloned().collect();
            rows.retain(|row| {
                window.since.is_none_or(|since| row.changed >= since)
                    && window.until.is_none_or(|until| row.changed < until)
            });
            if request.entity == "order" {
                rows.sort_by(|a, b| (a.changed, &a.id).cmp(&(b.changed, &b.id)));
            } else {
                rows.sort_by(|a, b| a.id.cmp(&b.id));
            }
            rows
        });
        // A place in a list is a row's own, never its number: rows come and go while pages are read.
        let place = |row: &Source| match request.entity.as_str() {
            "order" => format!("{:020} {}", row.changed.as_microsecond(), row.id),
            _ => row.id.clone(),
        };
        let mut rows = rows.into_iter().filter(|row| request.cursor.as_ref().is_none_or(|cursor| place(row) > *cursor));
        let wanted = self.world.page.lock().unwrap().unwrap_or(PAGE);
        let shown: Vec<Source> = rows.by_ref().take(wanted).collect();
        let page = Page {
            next: rows.next().and(shown.last()).map(place),
            rows: shown.into_iter().map(|row| Row { record: row.record, stamp: Some(row.changed) }).collect(),
            server_time: self
                .clock
                .now()
                .checked_add(jiff::SignedDuration::from_secs(*self.world.skew.lock().unwrap()))
                .ok(),
        };
        Box::pin(async move { Ok(page) })
    }

    fn fetch_record<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        _select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>> {
        let state = self.world.state.lock().unwrap();
        let found = state.documents.iter().find(|document| document.entity == entity && document.key == key[0]);
        let record = match found {
            Some(document) => Some(format!(r#"{{"DocNum":"N-{}"}}"#, document.natural)),
            None => {
                let source = state.sources.iter().find(|source| source.entity == entity && source.id == key[0]);
                source.map(|source| source.record.clone())
            }
        };
        Box::pin(async move { Ok(record) })
    }

    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>> {
        let found = self.world.change(|state| {
            state.finds += 1;
            finds
                .iter()
                .map(|find| {
                    if find.entity == "order" {
                        let wanted = find.terms[0].value.trim_matches('"');
                        if find.terms[0].field == "id" {
                            let found =
                                state.sources.iter().filter(|source| source.entity == "order" && source.id == wanted);
                            return found.map(|source| source.record.clone()).collect();
                        }
                        let found = state.sources.iter().filter(|source| format!("R-{}", source.id) == wanted);
                        return found.map(|source| format!(r#"{{"id":"{}"}}"#, source.id)).collect();
                    }
                    let code = find.terms[0].value.trim_matches('"').to_owned();
                    state.items.get(&code).map(|code| format!(r#"{{"ItemCode":"{code}"}}"#)).into_iter().collect()
                })
                .collect()
        });
        Box::pin(async move { Ok(found) })
    }

    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>> {
        let answer = self.answer(write);
        Box::pin(async move { answer })
    }

    fn probe<'a>(&'a self, entity: &'a str, by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        self.catch_up();
        let natural = field(record, &by[0]);
        let state = self.world.state.lock().unwrap();
        let found: Vec<&Document> = state
            .documents
            .iter()
            .filter(|document| document.entity == entity && document.natural == natural)
            .collect();
        let probe = match found.as_slice() {
            [] => Probe::Absent,
            [one] if one.record == record => Probe::Same { key: vec![one.key.clone()], record: one.record.clone() },
            [one] => Probe::Differs { key: vec![one.key.clone()], difference: "another content".to_owned() },
            several => Probe::Several { count: several.len() },
        };
        Box::pin(async move { Ok(probe) })
    }

    fn probe_existing<'a>(
        &'a self,
        entity: &'a str,
        existing: &'a str,
        record: &'a str,
    ) -> Reply<'a, Result<Option<Probe>, Failure>> {
        let state = self.world.state.lock().unwrap();
        let named = state.documents.iter().find(|document| document.entity == entity && document.key == existing);
        let same = |document: &Document| {
            assert_eq!(document.record, record);
            Probe::Same { key: vec![existing.to_owned()], record: record.to_owned() }
        };
        let found = named.map(same);
        Box::pin(async move { Ok(found) })
    }

    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        let locked = *self.world.locked.lock().unwrap();
        Box::pin(async move { if locked { Err(failure(Class::Halt, "401")) } else { Ok("fine".to_owned()) } })
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async {})
    }
}
