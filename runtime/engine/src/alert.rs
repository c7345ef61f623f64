//! Alerts: one a cause, not one a record.
//!
//! In: the outbox of the store, written in the same transaction as what it tells of. Out: calls of an [`AlertChannel`].
//! A channel that fails is tried again and shown in the status; it never holds up a delivery. No value of a record is told.

use jiff::Timestamp;
use mapwright_values::Rejection;
use serde::{Deserialize, Serialize};

use crate::connector::{Failure, Reply};
use crate::store::Fault;

/// Is it still so?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Somebody must act.
    Open,
    /// It is over.
    Closed,
}

/// One cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Number in the store.
    pub id: i64,
    /// The flow, or the connection's alias.
    pub subject: String,
    /// The channel's name in the deployment.
    pub channel: String,
    /// What makes it one cause.
    pub cause: String,
    /// What happened, where, and what to do: the newest of the cause.
    pub message: String,
    /// How many records (or how often).
    pub count: u64,
    /// Since when.
    pub first_at: Timestamp,
    /// The newest.
    pub last_at: Timestamp,
    /// Open or closed.
    pub state: AlertState,
    /// Why the channel refused it last.
    pub channel_error: Option<String>,
    /// How often sending failed in a row.
    pub failures: u32,
}

/// A way to a person: implemented over HTTP or mail outside this crate.
pub trait AlertChannel: Send + Sync {
    /// Sends one alert, once.
    fn send<'a>(&'a self, alert: &'a Alert) -> Reply<'a, Result<(), Failure>>;
}

/// What an alert says of records that need a person: class, code, fields and spec lines, never a record's value. The
/// vendor's words and the reasons of the spec may hold values; `dead-letters` shows them to whoever may see them.
#[must_use]
pub fn of_letters(fault: &Fault, cause: &str) -> String {
    let what = match rejected_at(fault) {
        Some(places) => format!("the spec rejects the record ({places})"),
        None => match fault.word() {
            Some(word) => format!("{} ({} {word})", advice(&fault.class), fault.class),
            None => format!("{} ({})", advice(&fault.class), fault.class),
        },
    };
    format!("{what}; see `dead-letters list --cause \"{cause}\"`")
}

/// What an alert says of a connection that is stopped.
#[must_use]
pub fn of_connection(alias: &str, fault: &Fault) -> String {
    match fault.word() {
        Some(word) => format!(
            "the connection `{alias}` is halted ({} {word}): {}; nothing is lost, see `status`",
            fault.class,
            advice(&fault.class)
        ),
        None => format!("the connection `{alias}` is halted: {}; nothing is lost, see `status`", advice(&fault.class)),
    }
}

/// What an alert says of a flow that cannot read.
#[must_use]
pub fn of_reading(flow: &str, fault: &Fault) -> String {
    match fault.word() {
        Some(word) => {
            format!("the flow `{flow}` cannot read its source ({} {word}): it tries again, see `status`", fault.class)
        }
        None => format!("the flow `{flow}` cannot read its source ({}): it tries again, see `status`", fault.class),
    }
}

/// What an alert says of records that no window of changes has shown.
#[must_use]
pub fn of_late(flow: &str) -> String {
    format!(
        "a full scan of the flow `{flow}` found records that were changed before what was read already, and that no reading of changes has shown: they are delivered now; the source shows changes later than the connector's `overlap` allows for, or the flow's conditions were widened"
    )
}

/// Fields and lines of the spec, each once, in order.
fn rejected_at(fault: &Fault) -> Option<String> {
    const PLACES_MAX: usize = 5;
    let rejections: Vec<Rejection> = serde_json::from_str(fault.rejections.as_deref()?).ok()?;
    let mut places: Vec<String> = Vec::new();
    for rejection in &rejections {
        let line = format!("{}:{}", rejection.at.file, rejection.at.line);
        let place = match rejection.field.as_str() {
            "" => line,
            field => format!("field {} at {line}", without_numbers(field)),
        };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let more = places.len().saturating_sub(PLACES_MAX);
    places.truncate(PLACES_MAX);
    let listed = places.join("; ");
    match more {
        0 => Some(listed),
        more => Some(format!("{listed}; and {more} more")),
    }
}

/// `Lines[2].Tax` as `Lines[].Tax`: which element it was differs from record to record.
fn without_numbers(field: &str) -> String {
    let mut inside = false;
    field
        .chars()
        .filter(|letter| {
            match letter {
                '[' => inside = true,
                ']' => inside = false,
                _ => {}
            }
            !inside || *letter == '['
        })
        .collect()
}

/// What happened and what to do, by the class of the fault: every class that an alert may tell of. The operation chapter of
/// the book has a row for each, which a test demands.
pub const ADVICE: &[(&[&str], &str)] = &[
    (&["permanent"], "the target refuses the record for good: correct the record or the mapping, then retry"),
    (&["exists"], "the target says that it has the record already: compare both, then retry or discard"),
    (&["expired"], "the time for trying or waiting is spent: mend what it waited for, then retry"),
    (&["poison"], "the program stopped on the record again and again: look at the record and at the program's log"),
    (
        &["key_in_use", "link_in_use"],
        "two source records share one key at the target: correct one at the source, then retry",
    ),
    (&["exists_differs"], "the target has a record with our natural key that differs: decide whether it is ours"),
    (&["duplicate"], "the target has several records with our natural key: remove all but one, then retry"),
    (&["ambiguous"], "an answer was lost and nothing proves the effect: look at the target and say what is there"),
    (
        &["no_key", "part_key", "several", "long_key"],
        "a key is missing, too long or not unique: correct the record, then retry",
    ),
    (
        &["changed"],
        "the flow was changed while the record was on its way: let the former program finish it, or discard it and replay the record",
    ),
    (&["unreadable"], "the source sent what is no record: correct it at the source"),
    (&["halt"], "the system refuses us: check credentials, rights and configuration"),
    (&["drift"], "the target refuses too many records for one reason: the mapping or the target's schema has changed"),
    (
        &["too_many_parts", "mixed_parts"],
        "a record's parts do not fit into one request: change the record or the flow's `together`, then retry",
    ),
    (
        &["program", "panic", "references"],
        "the program cannot go on with the record, which is a fault of the program or its specs: report it with `dead-letters show`",
    ),
];

/// What happened and what to do, by the class of the fault.
fn advice(class: &str) -> &'static str {
    let known = ADVICE.iter().find(|(classes, _)| classes.contains(&class));
    known.map_or("a record needs a person", |(_, advice)| advice)
}
