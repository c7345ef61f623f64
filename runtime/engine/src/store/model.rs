//! What goes in and out of a [`super::Store`]: plain data.

use std::time::Duration;

use jiff::Timestamp;
use mapwright_values::Link;
use serde::{Deserialize, Serialize};

use crate::connector::{Class, Deed, Failure};
use crate::state::State;

/// A message's number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessageId(pub i64);

impl std::fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// What the store must know of a flow.
#[derive(Clone, Debug)]
pub struct FlowPolicy {
    /// Name.
    pub flow: String,
    /// A newer state overtakes an older one.
    pub latest_wins: bool,
    /// Alert channel for failures.
    pub channel: Option<String>,
}

/// A process starts to work on the store.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Who.
    pub owner: String,
    /// The flows of the project.
    pub flows: Vec<FlowPolicy>,
    /// When.
    pub now: Timestamp,
}

/// What a row tells of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Its state.
    State,
    /// That it is gone from the source.
    Gone,
    /// That it is there; nothing else was asked for.
    There,
}

/// One record to be kept.
#[derive(Clone, Debug)]
pub struct CaptureRow {
    /// What it tells.
    pub kind: RowKind,
    /// Its key as text.
    pub source_key: String,
    /// The record as the connector read it.
    pub body: String,
    /// Hash of the body.
    pub hash: String,
    /// Its change stamp in the pass.
    pub stamp: Option<Timestamp>,
    /// Why it cannot be worked on at all, where that is known already.
    pub fault: Option<Fault>,
}

/// One page, in one transaction with the position behind it.
#[derive(Clone, Debug)]
pub struct CapturePage {
    /// Flow.
    pub flow: String,
    /// Pass.
    pub pass: String,
    /// Source system and entity.
    pub source: (String, String),
    /// Target system and entity of the flow's first write.
    pub target: (String, String),
    /// The flow's first write for a record that is gone; `None` = such records are left alone.
    pub on_gone: Option<NextWrite>,
    /// The rows to be kept.
    pub rows: Vec<CaptureRow>,
    /// How many rows the flow's condition left out.
    pub filtered: u64,
    /// Where the reading stands behind this page.
    pub position: Position,
    /// When.
    pub now: Timestamp,
}

/// What became of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// Rows that became messages.
    pub accepted: u64,
    /// Their capture keys.
    pub keys: Vec<String>,
    /// Rows that were known already, with the same content.
    pub unchanged: u64,
    /// Accepted rows that were dead at once.
    pub dead: u64,
}

/// Asks for records that a sweep did not meet.
#[derive(Clone, Debug)]
pub struct UnseenQuestion {
    /// Flow.
    pub flow: String,
    /// Not met since.
    pub since: Timestamp,
    /// With a key behind this one.
    pub after: Option<String>,
    /// How many keys at most.
    pub limit: u32,
}

/// Records of a flow that a sweep did not meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Their keys, in order.
    pub keys: Vec<String>,
    /// How many of them there are in all.
    pub unseen: u64,
    /// How many records of the flow are known and not gone.
    pub known: u64,
}

/// A record of a system, whoever reads or writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordRef {
    /// System alias.
    pub system: String,
    /// Entity.
    pub entity: String,
    /// Its key as text.
    pub key: String,
}

/// The state of a record on which both sides agreed when it was last delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Whose.
    pub record: RecordRef,
    /// The state as JSON text, as far as it is known.
    pub body: String,
    /// The flow that wrote it so; `None` = it was read.
    pub writer: Option<String>,
}

/// Where reading stands in one pass of one flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Everything at or below is in the inbox.
    pub read_wm: Option<Timestamp>,
    /// The window being read.
    pub window: Option<OpenWindow>,
}

/// A window that is not read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWindow {
    /// Its beginning.
    pub since: Option<Timestamp>,
    /// Its end.
    pub until: Option<Timestamp>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// A worker asks for work.
#[derive(Clone, Debug)]
pub struct LeaseRequest {
    /// Who.
    pub owner: String,
    /// When.
    pub now: Timestamp,
    /// Only what was due by then: the beginning of the worker's round, so that what becomes due meanwhile is the next one's.
    pub due_by: Timestamp,
    /// Until when the worker holds it.
    pub until: Timestamp,
    /// How many at most.
    pub limit: u32,
    /// Of these flows.
    pub flows: Vec<String>,
    /// How often a message may be begun without an outcome.
    pub deliveries_max: u32,
    /// One message that waits for this halted connection, as its canary; nothing else.
    pub canary: Option<String>,
}

/// What was sent last.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What was to be done.
    pub deed: Deed,
    /// The record sent.
    pub record: String,
    /// Its create key.
    pub create_key: String,
    /// Hash of the record sent.
    pub hash: String,
    /// When.
    pub at: Timestamp,
}

/// A record that an earlier write of the flow made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenRecord {
    /// `as NAME`.
    pub name: String,
    /// Its system.
    pub system: String,
    /// Its entity.
    pub entity: String,
    /// Its key as text.
    pub key: String,
    /// The record, where the target's answer held all that is needed of it.
    pub body: Option<String>,
}

/// A claimed message with all that a worker needs.
#[derive(Clone, Debug)]
pub struct Leased {
    /// Number.
    pub id: MessageId,
    /// Fencing token of this claim.
    pub fence: i64,
    /// LEASED or AMBIGUOUS.
    pub state: State,
    /// Flow.
    pub flow: String,
    /// Which of the flow's writes.
    pub write: usize,
    /// Which part of the record, once that is known.
    pub part: Option<String>,
    /// The source record's key as text.
    pub source_key: String,
    /// The sequence that it belongs to.
    pub order_key: String,
    /// System and entity that it was made for.
    pub target: (String, String),
    /// The record, as read or as last edited.
    pub body: String,
    /// When it was captured.
    pub captured_at: Timestamp,
    /// Its capture key, which is also its trace id.
    pub capture_key: String,
    /// The record is gone from the source: the body holds its key alone.
    pub gone: bool,
    /// It is not sent in a batch.
    pub alone: bool,
    /// Attempts so far.
    pub attempts: u32,
    /// Failures in a row.
    pub failures: u32,
    /// How often it has waited for a dependency.
    pub waits: u32,
    /// Probes that found nothing.
    pub probes: u32,
    /// Grows with every redrive.
    pub generation: u32,
    /// When the first attempt of this generation began.
    pub first_attempt_at: Option<Timestamp>,
    /// Since when it waits for a dependency.
    pub waiting_since: Option<Timestamp>,
    /// What was sent last.
    pub sent: Option<Sent>,
    /// The target's key, where this record was written to this entity before.
    pub link: Option<String>,
    /// Hash of what was last written of this record by this write.
    pub last_written: Option<String>,
    /// Records that earlier writes made.
    pub written: Vec<WrittenRecord>,
    /// The one message that tries a connection whose circuit is open.
    pub trial: bool,
    /// The one message that tries a halted connection.
    pub canary: bool,
    /// It may be poison: it is begun alone, and only after it is [taken up](TakeUp).
    pub suspect: bool,
}

/// A worker begins with a suspect that it has claimed.
#[derive(Clone, Copy, Debug)]
pub struct TakeUp {
    /// Which.
    pub id: MessageId,
    /// Fencing token of the claim.
    pub fence: i64,
    /// Until when the worker holds it.
    pub until: Timestamp,
}

/// A natural key, taken for one create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// System alias.
    pub system: String,
    /// Entity.
    pub entity: String,
    /// The natural key's value.
    pub value: String,
    /// Whose it is.
    pub create_key: String,
}

/// What is about to be sent.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Message.
    pub id: MessageId,
    /// Its fence.
    pub fence: i64,
    /// What is sent.
    pub sent: Sent,
    /// The mapping's version.
    pub version: String,
    /// Natural keys to be claimed.
    pub claims: Vec<Claim>,
    /// The batch that it is sent in, by a name of its own.
    pub batch: Option<String>,
}

/// May it be sent?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intended {
    /// Yes.
    Granted,
    /// Another create owns the natural key.
    KeyInUse,
    /// The claim on the message is lost: somebody else has it.
    LeaseLost,
}

/// Why something did not work, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Class, or the engine's own word (`rejected`, `expired`, `poison`, `key_in_use`, ...).
    pub class: String,
    /// HTTP status.
    pub status: Option<u16>,
    /// The vendor's code.
    pub code: Option<String>,
    /// One sentence.
    pub message: String,
    /// What makes two faults one cause, without values.
    pub cause: String,
    /// Every rejection of the record, as JSON.
    pub rejections: Option<String>,
}

impl Fault {
    /// A fault that the engine itself found.
    #[must_use]
    pub fn own(class: &str, message: impl Into<String>) -> Self {
        let (class, message) = (class.to_owned(), message.into());
        Self { cause: class.clone(), class, status: None, code: None, message, rejections: None }
    }

    /// A key that no store takes.
    #[must_use]
    pub fn too_long(whose: &str) -> Self {
        let most = crate::keys::KEY_MAX;
        Self::own(
            "long_key",
            format!("the key of {whose} has more than {most} bytes, which is no key: name another field"),
        )
    }

    /// A fault that a connector told.
    #[must_use]
    pub fn told(failure: &Failure) -> Self {
        let class = class_name(failure.class);
        Self {
            class: class.to_owned(),
            status: failure.status,
            code: failure.code.clone(),
            message: failure.message.clone(),
            cause: match refusal_word(failure.status, failure.code.as_deref()) {
                Some(word) => format!("{class} {word}"),
                None => class.to_owned(),
            },
            rejections: None,
        }
    }

    /// The code, or the status where there is no code, without anything that could be a value.
    #[must_use]
    pub fn word(&self) -> Option<String> {
        refusal_word(self.status, self.code.as_deref())
    }
}

/// The class's name, as the store and reports spell it.
#[must_use]
pub fn class_name(class: Class) -> &'static str {
    match class {
        Class::Done => "done",
        Class::Transient => "transient",
        Class::Throttled => "throttled",
        Class::Permanent => "permanent",
        Class::Ambiguous => "ambiguous",
        Class::Halt => "halt",
        Class::Conflict => "conflict",
        Class::Exists => "exists",
        Class::Missing => "missing",
        Class::Dependency => "dependency",
    }
}

/// What a system answered in one short word: its code, or the HTTP status where it told none. A vendor's code is a
/// word of its manual; what looks otherwise is cut, for it could be a value of a record.
#[must_use]
pub fn refusal_word(status: Option<u16>, code: Option<&str>) -> Option<String> {
    const LENGTH_MAX: usize = 40;
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | ':' | '/');
    let word: String = code.unwrap_or_default().chars().take_while(plain).take(LENGTH_MAX).collect();
    match (word.is_empty(), status) {
        (false, _) => Some(word),
        (true, Some(status)) => Some(status.to_string()),
        (true, None) => None,
    }
}

/// The flow's next write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextWrite {
    /// Its place in the flow.
    pub write: usize,
    /// Target system and entity.
    pub target: (String, String),
}

/// A link to be kept.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// What is linked to what.
    pub link: Link,
    /// The target's key as text.
    pub target_key: String,
    /// Another source owning the target's key is a fault (a create), or no matter (an upsert).
    pub exclusive: bool,
    /// The part of the record, where the message is about several.
    pub part: Option<String>,
}

/// Proof of success.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The target's key as text.
    pub target_key: Option<String>,
    /// The links to be kept.
    pub links: Vec<NewLink>,
    /// Hash of what was written.
    pub hash: String,
    /// Hash of the answer.
    pub response_digest: Option<String>,
    /// The record for later writes.
    pub written: Option<WrittenRecord>,
    /// The flow's next write.
    pub next: Option<NextWrite>,
    /// A probe proved it.
    pub by_probe: bool,
    /// What both sides agree on from now on.
    pub agreed: Vec<Agreed>,
    /// The target record is gone: links to it, claims of it and what was written of it are forgotten.
    pub removed: bool,
}

/// What became of a claimed message.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// T6, T9.
    Done(Box<Delivery>),
    /// T4: nothing to write.
    Noop {
        /// Why.
        reason: String,
        /// The record for later writes, where it is known.
        written: Option<WrittenRecord>,
        /// The flow's next write.
        next: Option<NextWrite>,
        /// What both sides agree on from now on.
        agreed: Vec<Agreed>,
        /// The target record was to be removed and is not there: what was known of it is forgotten.
        removed: bool,
    },
    /// The spec does not want it.
    Skipped {
        /// Why.
        reason: String,
    },
    /// T7, T10.
    Retry {
        /// When.
        at: Timestamp,
        /// Why.
        fault: Fault,
        /// Until when the last attempt may still work at the target: no other version of the key is sent before.
        quiet_until: Option<Timestamp>,
        /// Not in a batch again: another record may have been at fault for its failure.
        alone: bool,
    },
    /// T8, or one probe more.
    Ambiguous {
        /// When to ask.
        at: Timestamp,
        /// Why.
        fault: Fault,
        /// Probes that found nothing so far.
        probes: u32,
    },
    /// T11.
    Park {
        /// Why; names the candidates.
        fault: Fault,
    },
    /// T16 for a dependency: asked for again at `at`, dead at the deadline.
    WaitDependency {
        /// What is waited for, in words.
        fault: Fault,
        /// Links that wake it.
        links: Vec<Link>,
        /// When to ask again.
        at: Timestamp,
        /// What is not there is the target record itself: another flow's message of the key may be the one that makes it, and
        /// goes first.
        own: bool,
    },
    /// T16 for a halted connection.
    WaitConnection {
        /// Alias of the system.
        alias: String,
        /// Why.
        fault: Fault,
    },
    /// T12.
    Dead {
        /// Why.
        fault: Fault,
    },
    /// T12 of a write that may have taken effect: nothing is tried any more, and nothing was proved.
    DeadUnproven {
        /// Why.
        fault: Fault,
        /// Until when it may still work at the target, as in a retry.
        quiet_until: Timestamp,
    },
    /// T15: given back untouched.
    HandBack,
    /// The mapping made several target records: one message each, in one commit.
    Split {
        /// The parts' keys.
        parts: Vec<String>,
    },
}

impl Verdict {
    /// Why the message is not done.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Retry { fault, .. } | Self::Ambiguous { fault, .. } | Self::Park { fault } => Some(fault),
            Self::WaitDependency { fault, .. } | Self::WaitConnection { fault, .. } => Some(fault),
            Self::Dead { fault } | Self::DeadUnproven { fault, .. } => Some(fault),
            Self::Done(_) | Self::Noop { .. } | Self::Skipped { .. } | Self::HandBack | Self::Split { .. } => None,
        }
    }
}

/// A verdict on a claimed message.
#[derive(Clone, Debug)]
pub struct Conclusion {
    /// Message.
    pub id: MessageId,
    /// Its fence.
    pub fence: i64,
    /// Its sequence.
    pub order_key: String,
    /// When.
    pub now: Timestamp,
    /// What became of it.
    pub verdict: Verdict,
    /// Notes a probe in the list of attempts.
    pub probe: Option<String>,
}

/// Was the verdict taken?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concluded {
    /// Yes; the message stands there now.
    Applied(State),
    /// No: somebody else holds the message.
    LeaseLost,
}

/// Which messages an operator means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// These numbers.
    pub ids: Vec<MessageId>,
    /// Of this flow.
    pub flow: Option<String>,
    /// Of this cause.
    pub cause: Option<String>,
    /// That have needed a person since this time or later.
    pub since: Option<Timestamp>,
    /// That have needed a person since before this time: what died meanwhile is another matter.
    pub before: Option<Timestamp>,
}

/// A person's decision.
#[derive(Clone, Debug)]
pub struct Operation {
    /// About these; an empty selection means all that are dead or parked.
    pub selection: Selection,
    /// Touches at most so many in this transaction.
    pub limit: u32,
    /// What.
    pub action: Action,
    /// Who.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// When.
    pub now: Timestamp,
}

/// What a person wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Try again; a parked one asks its target again.
    Redrive,
    /// Give it up.
    Discard,
    /// Try again with this record in place of the one that was read (one message only).
    Edit {
        /// The record as JSON text.
        body: String,
    },
    /// A parked one: the effect is not there, send it.
    AnswerAbsent,
    /// A parked one: the effect is there, under this key (one message only).
    AnswerThere(Box<Answer>),
}

/// What a person found at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The target's key as text.
    pub target_key: String,
    /// The flow's next write.
    pub next: Option<NextWrite>,
    /// The link to be kept.
    pub link: Option<Link>,
    /// The record for later writes.
    pub written: Option<WrittenRecord>,
}

/// What became of sending an alert.
#[derive(Clone, Debug)]
pub struct AlertSent {
    /// Number of the alert.
    pub id: i64,
    /// The count that was told.
    pub count: u64,
    /// Was it told as closed?
    pub closed: bool,
    /// When.
    pub now: Timestamp,
    /// Why it failed.
    pub error: Option<String>,
    /// When to send again: after a failure, or to repeat what has grown.
    pub again_in: Duration,
}
