//! What a [`super::Store`] keeps beside deliveries: notices of systems, replays, retention and erasure. Plain data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{MessageId, NextWrite};

/// What a system told of its own accord (a webhook), for the flows that listen.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Alias of the system.
    pub system: String,
    /// What tells this notice from others; the same one told again is kept once.
    pub id: Option<String>,
    /// The flows that it concerns, each with the record's key as text; `None` = the flow reads its changes now.
    pub hints: Vec<(String, Option<String>)>,
    /// When.
    pub now: Timestamp,
}

/// What became of a notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noticed {
    /// It had been told before.
    pub repeated: bool,
    /// Hints that are new.
    pub kept: u64,
}

/// Asks for hints whose turn has come.
#[derive(Clone, Debug)]
pub struct HintQuestion {
    /// Flow.
    pub flow: String,
    /// When.
    pub now: Timestamp,
    /// How many at most.
    pub limit: u32,
}

/// Something happened to a record: it is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The record's key as text; `None` = the flow's changes are to be read.
    pub key: Option<String>,
    /// How often it was told: told once more while it is fetched, it is fetched again.
    pub told: u64,
    /// How often fetching failed.
    pub failures: u32,
}

/// What became of hints.
#[derive(Clone, Debug)]
pub struct HintsTaken {
    /// Flow.
    pub flow: String,
    /// The hints, as they were asked for.
    pub hints: Vec<Hint>,
    /// Why they could not be followed, and when they are again; `None` = their records are in the inbox.
    pub failed: Option<(String, Timestamp)>,
}

/// A subscription at a system, by which it tells us of its own accord.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// Alias of the system.
    pub system: String,
    /// What it is of, in the system's word.
    pub name: String,
    /// The address that the system calls.
    pub address: String,
    /// What the system calls it by: number, version. Empty = it is not made yet.
    pub held: BTreeMap<String, String>,
    /// Since when it stands.
    pub made_at: Option<Timestamp>,
    /// When it was made or renewed last.
    pub renewed_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When the system is asked about it next.
    pub next_at: Timestamp,
    /// How often it was found gone and made again.
    pub lost: u32,
    /// Failures in a row.
    pub failures: u32,
    /// The newest failure, while there is one.
    pub error: Option<String>,
}

/// What becomes of a subscription.
#[derive(Clone, Debug)]
pub enum SubscriptionChange {
    /// It stands so.
    Keep(Subscription),
    /// It is ended.
    Forget {
        /// Alias of the system.
        system: String,
        /// What it was of.
        name: String,
    },
}

/// Delivers what was last captured of a record once more.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Flow.
    pub flow: String,
    /// The record's key as text.
    pub source_key: String,
    /// Target system and entity of the flow's first write.
    pub target: (String, String),
    /// The flow's first write for a record that is gone.
    pub on_gone: Option<NextWrite>,
    /// Who.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// When.
    pub now: Timestamp,
}

/// What became of a [`Replay`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It goes on as this message.
    Queued(MessageId),
    /// This message of the record is not finished: nothing was done.
    UnderWay(MessageId),
    /// No content of such a record is kept.
    Unknown,
}

/// Removes finished records whose time of keeping is over.
#[derive(Clone, Debug)]
pub struct Purge {
    /// Flow.
    pub flow: String,
    /// Finished before.
    pub before: Timestamp,
    /// Looks at no more records than so many in this transaction, so that it never holds the store for long.
    pub limit: u32,
    /// Goes on behind the last that was looked at.
    pub after: Option<PurgeMark>,
}

/// How far a purge has looked: a time of capture and a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeMark(pub(super) i64, pub(super) i64);

/// What a step of a purge did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// How many records it removed.
    pub removed: u64,
    /// Where to go on; `None` = everything old was looked at.
    pub next: Option<PurgeMark>,
}

/// Erases everything that is kept of records with a key.
#[derive(Clone, Debug)]
pub struct Forget {
    /// Of these flows.
    pub flows: Vec<String>,
    /// The records' key as text.
    pub source_key: String,
    /// Who.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// When.
    pub now: Timestamp,
}

/// What became of a [`Forget`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Records whose content was erased.
    pub records: u64,
    /// Messages that are not finished: while there are some, nothing is erased.
    pub open: Vec<MessageId>,
}
