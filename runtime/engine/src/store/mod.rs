//! The store: the ledger of all deliveries. One trait; each call is one transaction, whole or not at all.
//!
//! In: pages, claims, intents, conclusions, a person's operations. Out: work, positions, reports. A store never calls a
//! system, never maps, never decides: it asks [`crate::state::advance`] for every step of a message and does what that says.
//! An error tells that the call may or may not have happened; the engine then begins anew, which repairs both.

pub mod asides;
mod ledger;
pub mod memory;
pub mod model;
#[cfg(feature = "postgres")]
pub mod postgres;
mod sql;
pub mod sqlite;
pub mod watch;

use jiff::Timestamp;
use mapwright_values::Link;

use crate::alert::Alert;
use crate::connector::Reply;
use crate::status::{ConnectionStatus, DeadLetter, DeadLetterDetail, StoreStatus};

pub use asides::*;
pub use model::*;
pub use watch::*;

/// The store failed. Says what, where and what to do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// One sentence for the operator.
    pub message: String,
}

impl StoreError {
    /// A failure in words.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// An answer of the store.
pub type Stored<'a, T> = Reply<'a, Result<T, StoreError>>;

/// The ledger. Every implementation passes the same conformance tests.
pub trait Store: Send + Sync {
    /// Takes the store for working: registers the flows' policies and frees what a dead owner had leased.
    fn begin(&self, beginning: Beginning) -> Stored<'_, ()>;

    /// May several processes work on it at the same time?
    fn is_shared(&self) -> bool;

    /// Takes, prolongs or gives back the turn to read a flow; answers whether it is the asker's now.
    fn turn(&self, turn: TurnRequest) -> Stored<'_, bool>;

    /// T1, T2: keeps one page, its keys and the position behind it.
    fn capture(&self, page: CapturePage) -> Stored<'_, Captured>;

    /// Where a flow's pass stands.
    fn position<'a>(&'a self, flow: &'a str, pass: &'a str) -> Stored<'a, Position>;

    /// The flow's records that a sweep did not meet: those that may be gone from the source.
    fn unseen(&self, question: UnseenQuestion) -> Stored<'_, Unseen>;

    /// The states on which both sides agreed, in order.
    fn agreed(&self, records: Vec<RecordRef>) -> Stored<'_, Vec<Option<Agreed>>>;

    /// T3, T15: claims due messages whose key and connection are free. What was INTENT comes back AMBIGUOUS.
    fn lease(&self, request: LeaseRequest) -> Stored<'_, Vec<Leased>>;

    /// T3: begins with a suspect; answers whether it is still the worker's. Only now its claim counts against it.
    fn take_up(&self, request: TakeUp) -> Stored<'_, bool>;

    /// T5: notes what is about to be sent and claims the natural key.
    fn intend(&self, intent: Intent) -> Stored<'_, Intended>;

    /// T4, T6 to T12, T16: what became of a leased message.
    fn conclude(&self, conclusion: Conclusion) -> Stored<'_, Concluded>;

    /// The keys behind links, in order: of what a flow wrote the target's, asked the other way round the source's.
    fn links(&self, links: Vec<Link>) -> Stored<'_, Vec<Option<String>>>;

    /// Halts or resumes a connection, opens or closes its circuit.
    fn connection(&self, change: ConnectionChange) -> Stored<'_, ()>;

    /// T12, T16: ends messages whose time is spent; answers how many.
    fn sweep(&self, sweep: Sweep) -> Stored<'_, u64>;

    /// Raises the alert of a silent flow; answers whether it is silent.
    fn silence(&self, check: SilenceCheck) -> Stored<'_, bool>;

    /// T13, T14: a person's decision about dead letters; answers how many messages it touched.
    fn operate(&self, operation: Operation) -> Stored<'_, u64>;

    /// Notes an error of a flow's reading, or its end, with an alert where a channel is given.
    fn reading(&self, note: ReadingNote) -> Stored<'_, ()>;

    /// Alerts that are to be sent now.
    fn alerts_due(&self, now: Timestamp, limit: u32) -> Stored<'_, Vec<Alert>>;

    /// What became of sending an alert.
    fn alert_sent(&self, sent: AlertSent) -> Stored<'_, ()>;

    /// Everything a status report shows.
    fn status(&self, now: Timestamp) -> Stored<'_, StoreStatus>;

    /// When each flow's reading last came to its end: asked at every turn of a shared store, whatever the number of messages.
    fn last_read(&self) -> Stored<'_, Vec<(String, Option<Timestamp>)>>;

    /// The connections that were ever halted or whose circuit was ever open: the part of the status that the engine asks
    /// for at every turn, whatever the number of messages.
    fn connections(&self) -> Stored<'_, Vec<ConnectionStatus>>;

    /// Messages that need a person, oldest first.
    fn dead_letters(&self, selection: Selection, limit: u32) -> Stored<'_, Vec<DeadLetter>>;

    /// One message with everything known of it.
    fn dead_letter(&self, id: MessageId) -> Stored<'_, Option<DeadLetterDetail>>;

    /// Keeps what systems told of their own accord, before they are answered: all of it or nothing.
    fn notice(&self, notices: Vec<Notice>) -> Stored<'_, Vec<Noticed>>;

    /// Hints of a flow whose turn has come, oldest first.
    fn hints(&self, question: HintQuestion) -> Stored<'_, Vec<Hint>>;

    /// What became of hints. One that was told again meanwhile stays.
    fn hints_taken(&self, taken: HintsTaken) -> Stored<'_, ()>;

    /// The subscriptions that were made, by system and name.
    fn subscriptions(&self) -> Stored<'_, Vec<Subscription>>;

    /// Keeps a subscription as it stands now, or forgets it.
    fn subscription(&self, change: SubscriptionChange) -> Stored<'_, ()>;

    /// Delivers what was last captured of a record once more.
    fn replay(&self, replay: Replay) -> Stored<'_, Replayed>;

    /// Removes finished records whose time of keeping is over, one step. What was delivered stays known.
    fn purge(&self, purge: Purge) -> Stored<'_, Purged>;

    /// Erases the content of records with a key, for good, and notes who did so and why.
    fn forget(&self, forget: Forget) -> Stored<'_, Forgotten>;

    /// When the next message is due; `None` = none will be by itself. `settled` leaves waiting ones out.
    fn next_due(&self, settled: bool) -> Stored<'_, Option<Timestamp>>;
}
