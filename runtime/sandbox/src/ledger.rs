//! The sandbox's own record of what happened: every request and every effect.
//!
//! In: entries written by the simulated systems while they work. Out: counts, effects in order, documents by natural key, duplicates.
//! Never: anything the client reports; this is the other side's word.

use jiff::Timestamp;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock;
use crate::fault::Fault;

/// More requests than this are counted, but no longer kept one by one.
const REQUESTS_KEPT_MAX: usize = 500_000;

/// One request as the system saw it.
#[derive(Clone, Debug)]
pub struct RequestEntry {
    /// 1, 2, 3 ... in the order of arrival.
    pub sequence: u64,
    /// When it arrived.
    pub time: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The fault that struck it.
    pub fault: Option<Fault>,
    /// The status of the system's own work; `None` when a fault kept the request from it.
    pub result: Option<u16>,
    /// The status that was sent; `None` when the connection ended without an answer.
    pub sent: Option<u16>,
}

/// One request as it came, for whoever compares it with a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeRequest {
    /// HTTP method.
    pub method: String,
    /// Path and query, still escaped.
    pub target: String,
    /// Headers, with names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What was done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectKind {
    /// A record came into being.
    Created,
    /// Fields of a record were changed.
    Updated,
    /// A record moved to another state (a Shopware transition, a closed document).
    Moved,
    /// A document was cancelled: it no longer counts as live.
    Cancelled,
}

/// One change of the system's own data.
#[derive(Clone, Debug)]
pub struct Effect {
    /// 1, 2, 3 ... in the order of commitment.
    pub sequence: u64,
    /// The request that caused it.
    pub request: u64,
    /// When it was committed.
    pub time: Timestamp,
    /// What was done.
    pub kind: EffectKind,
    /// The entity or set, for instance `Orders`.
    pub entity: String,
    /// The system's own key, for instance the `DocEntry`.
    pub key: String,
    /// Natural keys after the change, for instance `NumAtCard` and `U_ShopOrderId`.
    pub natural: BTreeMap<String, String>,
    /// The total after the change, for documents.
    pub total: Option<Decimal>,
}

/// Two or more live records with the same natural key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The entity, for instance `Orders`.
    pub entity: String,
    /// The natural key's field.
    pub field: String,
    /// Its value.
    pub value: String,
    /// The records that share it.
    pub keys: Vec<String>,
}

#[derive(Debug, Default)]
struct Book {
    arrived: u64,
    requests: Vec<RequestEntry>,
    effects: Vec<Effect>,
    /// `None` = they are not kept.
    whole: Option<Vec<WholeRequest>>,
}

/// The ledger of one system. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Book>>);

impl Ledger {
    /// Every request that is kept, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestEntry> {
        self.book().requests.clone()
    }

    /// Keeps requests whole from now on, credentials included: a sandbox has none but its own.
    pub fn keep_whole(&self) {
        self.book().whole.get_or_insert_default();
    }

    /// The requests that were kept whole, in order; they are handed out once.
    #[must_use]
    pub fn take_whole(&self) -> Vec<WholeRequest> {
        self.book().whole.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn note_whole(&self, request: impl FnOnce() -> WholeRequest) {
        if let Some(whole) = self.book().whole.as_mut().filter(|whole| whole.len() < REQUESTS_KEPT_MAX) {
            whole.push(request());
        }
    }

    /// How many requests arrived.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.book().arrived
    }

    /// Every effect, in order.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        self.book().effects.clone()
    }

    /// How many records of `entity` were created.
    #[must_use]
    pub fn created(&self, entity: &str) -> usize {
        self.book()
            .effects
            .iter()
            .filter(|effect| effect.kind == EffectKind::Created && effect.entity == entity)
            .count()
    }

    /// The latest effect on each live record of `entity`, by key. Cancelled documents are not live.
    #[must_use]
    pub fn live(&self, entity: &str) -> BTreeMap<String, Effect> {
        let mut live = BTreeMap::new();
        for effect in self.book().effects.iter().filter(|effect| effect.entity == entity) {
            match effect.kind {
                EffectKind::Created | EffectKind::Updated | EffectKind::Moved => {
                    live.insert(effect.key.clone(), effect.clone());
                }
                EffectKind::Cancelled => {
                    live.remove(&effect.key);
                }
            }
        }
        live
    }

    /// The live records of `entity` whose natural key `field` is `value`.
    #[must_use]
    pub fn by_natural_key(&self, entity: &str, field: &str, value: &str) -> Vec<Effect> {
        self.live(entity)
            .into_values()
            .filter(|effect| effect.natural.get(field).is_some_and(|found| found == value))
            .collect()
    }

    /// Live records of `entity` that share a value of the natural key `field`.
    #[must_use]
    pub fn duplicates_of(&self, entity: &str, field: &str) -> Vec<Duplicate> {
        let mut holders: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, effect) in self.live(entity) {
            if let Some(value) = effect.natural.get(field) {
                holders.entry(value.clone()).or_default().push(key);
            }
        }
        holders
            .into_iter()
            .filter(|(_, keys)| keys.len() > 1)
            .map(|(value, keys)| Duplicate { entity: entity.to_owned(), field: field.to_owned(), value, keys })
            .collect()
    }

    /// The duplicates that a shop connection must never cause: two live orders with one `NumAtCard` or one `U_ShopOrderId`,
    /// two partners with one `U_ShopCustomerNo`.
    #[must_use]
    pub fn duplicates(&self) -> Vec<Duplicate> {
        let watched = [("Orders", "NumAtCard"), ("Orders", "U_ShopOrderId"), ("BusinessPartners", "U_ShopCustomerNo")];
        watched.iter().flat_map(|(entity, field)| self.duplicates_of(entity, field)).collect()
    }

    pub(crate) fn open(&self, method: &str, path: &str, fault: Option<Fault>) -> u64 {
        let mut book = self.book();
        book.arrived += 1;
        let sequence = book.arrived;
        if book.requests.len() < REQUESTS_KEPT_MAX {
            let entry = RequestEntry {
                sequence,
                time: clock::now(),
                method: method.to_owned(),
                path: path.to_owned(),
                fault,
                result: None,
                sent: None,
            };
            book.requests.push(entry);
        }
        sequence
    }

    pub(crate) fn close(&self, sequence: u64, result: Option<u16>, sent: Option<u16>) {
        let mut book = self.book();
        let place = usize::try_from(sequence.saturating_sub(1)).unwrap_or(usize::MAX);
        if let Some(entry) = book.requests.get_mut(place) {
            entry.result = result;
            entry.sent = sent;
        }
    }

    pub(crate) fn record(&self, request: u64, kind: EffectKind, subject: Subject) {
        let mut book = self.book();
        let sequence = book.effects.len() as u64 + 1;
        let Subject { entity, key, natural, total } = subject;
        book.effects.push(Effect { sequence, request, time: clock::now(), kind, entity, key, natural, total });
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The record an effect is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) entity: String,
    pub(crate) key: String,
    pub(crate) natural: BTreeMap<String, String>,
    pub(crate) total: Option<Decimal>,
}

#[cfg(test)]
mod tests {
    use super::{EffectKind, Ledger, Subject};

    fn order(key: &str, number: &str) -> Subject {
        Subject {
            entity: "Orders".into(),
            key: key.into(),
            natural: [("NumAtCard".into(), number.into())].into(),
            total: None,
        }
    }

    #[test]
    fn a_cancelled_twin_is_no_duplicate() {
        let ledger = Ledger::default();
        ledger.record(1, EffectKind::Created, order("1", "SW-1"));
        ledger.record(2, EffectKind::Created, order("2", "SW-1"));
        assert_eq!(ledger.duplicates().len(), 1);
        assert_eq!(ledger.by_natural_key("Orders", "NumAtCard", "SW-1").len(), 2);
        ledger.record(3, EffectKind::Cancelled, order("2", "SW-1"));
        assert_eq!(ledger.duplicates(), []);
        assert_eq!(ledger.created("Orders"), 2);
    }
}
