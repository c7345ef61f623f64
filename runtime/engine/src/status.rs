//! What an operator sees: numbers of flows, dead letters, connections, progress. Plain data, no I/O.

use jiff::Timestamp;
use serde::Serialize;

use mapwright_values::plan::{Plan, Schedule};

use crate::alert::Alert;
use crate::state::State;
use crate::store::{MessageId, Subscription};

/// How many messages of one write of one flow stand where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Which of the flow's writes, from 0.
    pub write: usize,
    /// Where they stand; messages of a halted connection count as waiting for it.
    pub state: State,
    /// How many.
    pub messages: u64,
    /// Since when the oldest of them stands there.
    pub oldest_at: Option<Timestamp>,
}

/// One flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowStatus {
    /// Name.
    pub flow: String,
    /// Rows read, the repeats included.
    pub read: u64,
    /// Rows that were known already.
    pub unchanged: u64,
    /// Rows that the flow's condition left out.
    pub filtered: u64,
    /// Messages ever made: one for each record and write.
    pub accepted: u64,
    /// Where they stand. INVARIANT: these add up to `accepted` (I10).
    pub counts: Vec<Count>,
    /// Everything at or below is in the inbox, the slowest pass counts.
    pub read_wm: Option<Timestamp>,
    /// Everything at or below is terminal: never beyond an unfinished record.
    pub done_wm: Option<Timestamp>,
    /// The newest error.
    pub last_error: Option<String>,
    /// When a reading last came to its end: without one the flow is not green.
    pub last_read_at: Option<Timestamp>,
    /// When it last captured something new.
    pub last_new_at: Option<Timestamp>,
    /// Since when nothing new has come, where that is longer than the flow's `on silence` allows: it is not green.
    pub silent_since: Option<Timestamp>,
    /// Hints of webhooks that are not followed yet.
    pub hints: u64,
    /// Since when the oldest of them waits.
    pub hinted_since: Option<Timestamp>,
}

impl FlowStatus {
    /// How many messages stand so, over all writes.
    #[must_use]
    pub fn count(&self, state: State) -> u64 {
        self.counts.iter().filter(|count| count.state == state).map(|count| count.messages).sum()
    }

    /// How many messages are not terminal.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.counts.iter().filter(|count| !count.state.is_terminal()).map(|count| count.messages).sum()
    }

    /// Do the numbers add up?
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        self.counts.iter().map(|count| count.messages).sum::<u64>() == self.accepted
    }
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionStatus {
    /// Alias of the system.
    pub alias: String,
    /// Since when it is halted; `None` = it is not.
    pub halted_since: Option<Timestamp>,
    /// Why it was halted last.
    pub reason: Option<String>,
    /// When the canary goes.
    pub canary_at: Option<Timestamp>,
    /// The flow whose reading was refused, where a reading halted it.
    pub halted_flow: Option<String>,
    /// The code with which it was refused.
    pub halted_code: Option<String>,
    /// Since when its circuit is open: too many failures in a row.
    pub open_since: Option<Timestamp>,
    /// Until when nothing is sent there, because its circuit is open or it asked for a pause.
    pub open_until: Option<Timestamp>,
    /// The failure that opened the circuit last.
    pub open_reason: Option<String>,
}

/// How a process's doorbell stands. Without one, or while it does not work, everything happens a few seconds later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DoorbellStatus {
    /// `embedded`, `rabbitmq`, `redis`.
    pub kind: String,
    /// Since when it does not work.
    pub down_since: Option<Timestamp>,
    /// Why.
    pub fault: Option<String>,
    /// Rings that this process has sent.
    pub rung: u64,
    /// Rings that woke this process.
    pub heard: u64,
}

/// Everything that the store knows for a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreStatus {
    /// Flows by name.
    pub flows: Vec<FlowStatus>,
    /// Connections that were ever halted.
    pub connections: Vec<ConnectionStatus>,
    /// Alerts that are open or not yet told.
    pub alerts: Vec<Alert>,
    /// Subscriptions at systems.
    pub subscriptions: Vec<Subscription>,
}

/// The report of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The project.
    pub project: String,
    /// When.
    pub at: Timestamp,
    /// Flows in the plan's order.
    pub flows: Vec<FlowStatus>,
    /// Connections.
    pub connections: Vec<ConnectionStatus>,
    /// Alerts that are open or not yet told.
    pub alerts: Vec<Alert>,
    /// Subscriptions at systems.
    pub subscriptions: Vec<Subscription>,
    /// This process's doorbell.
    pub doorbell: DoorbellStatus,
    /// What the program does otherwise than its spec might suggest, in words.
    pub notes: Vec<String>,
}

/// A message that needs a person, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Number.
    pub id: MessageId,
    /// Flow.
    pub flow: String,
    /// Which of its writes.
    pub write: usize,
    /// DEAD or PARKED_AMBIGUOUS.
    pub state: State,
    /// The source record's key.
    pub source_key: String,
    /// Class of the fault.
    pub class: String,
    /// What makes it one cause with others.
    pub cause: String,
    /// What is wrong.
    pub message: String,
    /// Attempts.
    pub attempts: u32,
    /// Since when.
    pub since: Timestamp,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Its number.
    pub number: u32,
    /// `send` or `probe`.
    pub kind: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When its outcome was known.
    pub finished_at: Option<Timestamp>,
    /// Class of the outcome.
    pub class: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// The vendor's code.
    pub code: Option<String>,
    /// What was said.
    pub message: Option<String>,
}

/// One version of a record that a person wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// Who.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The record as JSON text.
    pub body: String,
}

/// A message with everything known of it. Holds personal values: redact before it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterDetail {
    /// The line.
    pub letter: DeadLetter,
    /// The system that it was made for.
    pub target_system: String,
    /// Its entity.
    pub target_entity: String,
    /// The record is gone from the source: the original holds its key alone.
    pub gone: bool,
    /// The record as the source sent it.
    pub original: String,
    /// What persons made of it.
    pub edits: Vec<Edit>,
    /// What was sent last.
    pub mapped: Option<String>,
    /// Every rejection, as JSON.
    pub rejections: Option<String>,
    /// The mapping's version at the last attempt.
    pub mapping_version: Option<String>,
    /// From source record to target record.
    pub trace_id: String,
    /// The key of the create.
    pub create_key: Option<String>,
    /// When the record was captured.
    pub captured_at: Timestamp,
    /// Every attempt.
    pub attempts: Vec<Attempt>,
}

/// What a run has done so far, for a progress bar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What is going on, in words.
    pub step: String,
    /// Rows read.
    pub read: u64,
    /// Messages made.
    pub accepted: u64,
    /// Messages delivered (DONE).
    pub done: u64,
    /// Messages that ended otherwise without a person (NOOP, SKIPPED, SUPERSEDED).
    pub without_effect: u64,
    /// Messages that went to wait or to retry, as often as they did.
    pub deferred: u64,
    /// Messages that need a person now.
    pub dead: u64,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The last progress.
    pub progress: Progress,
    /// Flows whose reading failed, with the reason.
    pub failed_readings: Vec<(String, String)>,
    /// Connections that are halted at the end.
    pub halted: Vec<String>,
    /// Was it stopped before its end?
    pub stopped: bool,
}

/// What the program does otherwise than its spec might suggest, in words.
#[must_use]
pub fn notes(plan: &Plan) -> Vec<String> {
    let hooked = plan.flows.iter().filter(|flow| {
        flow.schedules.iter().any(|schedule| match schedule {
            Schedule::Webhook { .. } => true,
            Schedule::Every { .. } | Schedule::Daily { .. } | Schedule::Cron { .. } | Schedule::OnDemand => false,
        })
    });
    hooked.map(|flow| format!("{}: webhooks make it quicker where the deployment has a `server`; its other schedules hold in any case", flow.name)).collect()
}
