//! What the engine asks of a system: the seam between engine and connectors.
//!
//! A connector knows addresses, credentials, paging and error shapes; the engine knows none of them. Records cross the
//! seam as canonical JSON text in the catalogue's shape. A connector never retries a write by itself (the one exception,
//! a log-in that had run out, repeats a request that was *refused*), so that every attempt has its INTENT.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use mapwright_values::{Find, Term};

/// An answer under way.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The class of an answer, see `delivery.md` part 2; the connector's manifest decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Proof of success.
    Done,
    /// Proof of no effect; may work later.
    Transient,
    /// As transient, and the whole connection must slow down.
    Throttled,
    /// This payload will never work.
    Permanent,
    /// No proof either way.
    Ambiguous,
    /// The connection is at fault (credentials, configuration): stop it, keep the records.
    Halt,
    /// The target changed since we read it: read, map and write again.
    Conflict,
    /// The target says that it is there already: look.
    Exists,
    /// The addressed record is not there.
    Missing,
    /// A record that ours refers to is not there.
    Dependency,
}

/// Why something did not work, told so that an operator can act on it. Holds no secret and no personal value.
#[derive(Clone, Debug, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{message}")]
pub struct Failure {
    /// What to do about it.
    pub class: Class,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The vendor's code, as text.
    pub code: Option<String>,
    /// One sentence: what, where (system, host, operation), what to do.
    pub message: String,
    /// The vendor's word for the field at fault.
    pub field: Option<String>,
    /// The target's own wish (`Retry-After`).
    pub retry_after: Option<Duration>,
    /// [`Class::Exists`]: the key of the record that is there, where the target tells it.
    pub existing: Option<String>,
}

/// The part of a change window to read. Times are instants on the source's clock.
#[derive(Clone, Debug)]
pub struct Window {
    /// Which of the entity's change passes (index into [`Reading::passes`]).
    pub pass: usize,
    /// From here on, inclusive (overlap already taken off); `None` = from the beginning.
    pub since: Option<Timestamp>,
    /// Up to here, exclusive; `None` = everything there is.
    pub until: Option<Timestamp>,
}

/// A question for one page of records.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// Entity.
    pub entity: String,
    /// Conditions, all of which hold.
    pub filter: Vec<Term>,
    /// Paths needed.
    pub select: Vec<String>,
    /// Changes only; `None` = a full scan.
    pub window: Option<Window>,
    /// Where the last page ended, in the connector's own words; `None` = first page.
    pub cursor: Option<String>,
}

/// One record as read.
#[derive(Clone, Debug)]
pub struct Row {
    /// The record as canonical JSON text.
    pub record: String,
    /// The record's change stamp in the window's pass, where it has one.
    pub stamp: Option<Timestamp>,
}

/// One page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Where to go on; `None` = this was the last page.
    pub next: Option<String>,
    /// The source's clock when it answered (`Date` header).
    pub server_time: Option<Timestamp>,
}

/// What is to be done to a record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Deed {
    /// Make it.
    Create,
    /// Change the one with this key.
    Update {
        /// Key as text, one for each key field.
        key: Vec<String>,
    },
    /// Make or change the one with this key.
    Upsert {
        /// Key as text, one for each key field.
        key: Vec<String>,
    },
    /// Remove the one with this key.
    Delete {
        /// Key as text, one for each key field.
        key: Vec<String>,
    },
    /// Carry out the action.
    Act,
}

impl Deed {
    /// In a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update { .. } => "update",
            Self::Upsert { .. } => "upsert",
            Self::Delete { .. } => "delete",
            Self::Act => "act",
        }
    }
}

/// One write.
#[derive(Clone, Debug)]
pub struct WriteRequest {
    /// Entity or action.
    pub entity: String,
    /// What to do.
    pub deed: Deed,
    /// The record as canonical JSON text.
    pub record: String,
    /// The same in every attempt at this create.
    pub create_key: String,
    /// The record's version as [`Connector::fetch_current`] told it: the write is refused ([`Class::Conflict`]) if the
    /// record has changed since. `None` = whatever it is.
    pub version: Option<String>,
}

/// A record as its system holds it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// The record as canonical JSON text.
    pub record: String,
    /// Its version, where the system tells one.
    pub version: Option<String>,
}

/// How a system guards a record against a change that was made meanwhile, from the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Not at all: what was read is compared, and a short moment stays open.
    None,
    /// A write may tell the version that it was made for.
    Version,
    /// A write must tell it.
    Required,
}

/// How several records are written in one request, from the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// Most records of one request.
    pub size_max: usize,
    /// All of them or none; otherwise each has an outcome of its own.
    pub atomic: bool,
}

/// Proof that a write worked.
#[derive(Clone, Debug)]
pub struct Written {
    /// The target's key (of a create: as the target gave it), one text for each key field.
    pub key: Vec<String>,
    /// The record as the target answered it, as canonical JSON text, where it answered one.
    pub record: Option<String>,
}

/// How an entity is read for changes, from the manifest.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Names of the change passes, one watermark each; empty = the entity tells no changes: full scans only.
    pub passes: Vec<String>,
    /// Rows come ordered by (stamp, key), so the watermark moves with each page; otherwise when the window is complete.
    pub ordered_by_time: bool,
    /// The stamp's resolution.
    pub resolution: Duration,
    /// How far each window reaches back.
    pub overlap: Duration,
    /// How far the source's search lags behind its writes.
    pub index_lag: Duration,
}

/// How an entity is written, from the manifest.
#[derive(Clone, Debug)]
pub struct Writing {
    /// Longest time a write may still work after its answer was lost.
    pub settle: Duration,
    /// What a second sending of a create does: `true` = refused or answered with the first.
    pub create_is_keyed: bool,
    /// Can a create be probed by this field ([`Connector::probe`])?
    pub probe_by: Vec<String>,
    /// Longest that one request may take, all its parts together.
    pub request_timeout: Duration,
    /// Requests under way at once.
    pub parallel: usize,
    /// How an update or a delete is guarded.
    pub guard: Guard,
    /// How several records are written at once; `None` = one by one.
    pub batching: Option<Batching>,
}

/// What a probe for a create found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Nothing carries our natural key.
    Absent,
    /// One record does, and what is compared agrees.
    Same {
        /// Its key.
        key: Vec<String>,
        /// The record as canonical JSON text.
        record: String,
    },
    /// One record does, but differs in what is compared: somebody else's, or a half-done one.
    Differs {
        /// Its key.
        key: Vec<String>,
        /// What differs, in words.
        difference: String,
    },
    /// More than one.
    Several {
        /// How many.
        count: usize,
    },
}

/// How a system's subscriptions are kept, from the manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subscribing {
    /// So often the system is asked whether they are still there; `None` = it cannot be asked.
    pub look_every: Option<Duration>,
    /// So often they are renewed; `None` = they hold until somebody ends them.
    pub renew_every: Option<Duration>,
}

/// A subscription as it is wanted, and as it is known so far.
#[derive(Clone, Debug)]
pub struct SubscriptionRequest {
    /// What it is of, see [`Connector::subscriptions`].
    pub name: String,
    /// The address that the system is to call.
    pub address: String,
    /// What the system calls it by; empty = it is not made yet, as far as we know.
    pub held: BTreeMap<String, String>,
    /// Renew it, if it is there.
    pub renew: bool,
}

/// A subscription that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// What the system calls it by.
    pub held: BTreeMap<String, String>,
    /// When it ends by itself, where the system says so.
    pub expires_at: Option<Timestamp>,
    /// What was done for it.
    pub deed: SubscriptionDeed,
}

/// What was done for a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionDeed {
    /// Nothing: it is there.
    Found,
    /// It was renewed.
    Renewed,
    /// It was made, for there was none.
    Made,
}

/// A system that can be reached.
pub trait Connector: Send + Sync {
    /// The system's alias in the project.
    fn alias(&self) -> &str;

    /// How this entity is read.
    fn reading(&self, entity: &str) -> Reading;

    /// How this entity or action is written.
    fn writing(&self, entity: &str) -> Writing;

    /// Fetches one page.
    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>>;

    /// Fetches one record by its key; `None` = there is none.
    fn fetch_record<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>>;

    /// Answers several look-ups of one entity, in order: the records found for each.
    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>>;

    /// Fetches one record by its key from the system that is written to, with its version; `None` = there is none.
    fn fetch_current<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<Current>, Failure>> {
        Box::pin(async move {
            let found = self.fetch_record(entity, key, select).await?;
            Ok(found.map(|record| Current { record, version: None }))
        })
    }

    /// Sends one write, once.
    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>>;

    /// Sends several writes of one entity in one request, once; answers the outcome of each, in order. An error is the
    /// outcome of every one of them. Asked only where [`Writing::batching`] allows it, and for no more than it allows.
    fn send_batch<'a>(
        &'a self,
        writes: &'a [WriteRequest],
    ) -> Reply<'a, Result<Vec<Result<Written, Failure>>, Failure>> {
        Box::pin(async move {
            let mut outcomes = Vec::with_capacity(writes.len());
            for write in writes {
                outcomes.push(self.send(write).await);
            }
            Ok(outcomes)
        })
    }

    /// Asks whether a create had its effect, by the natural key `by` (field names) that `record` carries.
    fn probe<'a>(&'a self, entity: &'a str, by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>>;

    /// As [`Connector::probe`], of the record that the target itself names ([`Failure::existing`]); `None` = there is none of that
    /// key, so that the natural key has to be asked for.
    fn probe_existing<'a>(
        &'a self,
        entity: &'a str,
        existing: &'a str,
        record: &'a str,
    ) -> Reply<'a, Result<Option<Probe>, Failure>> {
        let _ = (entity, existing, record);
        Box::pin(async { Ok(None) })
    }

    /// The subscriptions that a flow needs which listens to this topic; none = the system needs none, or people make them.
    fn subscriptions(&self, topic: &str) -> Vec<String> {
        let _ = topic;
        Vec::new()
    }

    /// How subscriptions are kept; `None` = the system needs none, or people make them.
    fn subscribing(&self) -> Option<Subscribing> {
        None
    }

    /// Looks whether a subscription is there; `None` = it is not.
    fn look_for_subscription<'a>(
        &'a self,
        request: &'a SubscriptionRequest,
    ) -> Reply<'a, Result<Option<Subscribed>, Failure>> {
        Box::pin(async move { Err(unsubscribable(self.alias(), &request.name)) })
    }

    /// Sees to it that a subscription is there: looks, renews, makes it.
    fn subscribe<'a>(&'a self, request: &'a SubscriptionRequest) -> Reply<'a, Result<Subscribed, Failure>> {
        Box::pin(async move { Err(unsubscribable(self.alias(), &request.name)) })
    }

    /// Ends a subscription; one that is gone already is no failure.
    fn unsubscribe<'a>(&'a self, request: &'a SubscriptionRequest) -> Reply<'a, Result<(), Failure>> {
        Box::pin(async move { Err(unsubscribable(self.alias(), &request.name)) })
    }

    /// The cheap call that proves address, credentials and version; answers one line for `doctor`.
    fn check(&self) -> Reply<'_, Result<String, Failure>>;

    /// Gives back what is held at the target (sessions).
    fn close(&self) -> Reply<'_, ()>;
}

fn unsubscribable(alias: &str, name: &str) -> Failure {
    Failure {
        class: Class::Halt,
        status: None,
        code: None,
        message: format!("{alias}: its manifest does not say how `{name}` is subscribed to"),
        field: None,
        retry_after: None,
        existing: None,
    }
}
