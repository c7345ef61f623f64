//! Alerts: one a cause, not one a record.
//!
//! In: the outbox of the store, written in the same transaction as what it tells of. Out: calls of an [`AlertChannel`].
//! A channel that fails is tried again and shown in the status; it never holds up a delivery. No value of a record is told.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::connector::{Failure, Reply};

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
