//! What a [`super::Store`] is told of connections, readings and the clock: plain data.

use std::time::Duration;

use jiff::Timestamp;

use super::Fault;

/// A change of a connection.
#[derive(Clone, Debug)]
pub enum ConnectionChange {
    /// Stop: nothing more is sent there.
    Halt {
        /// Alias.
        alias: String,
        /// Why.
        fault: Fault,
        /// Alert channel.
        channel: Option<String>,
        /// The flow whose reading was refused: its canary is a reading. `None` = a write or a look-up was.
        flow: Option<String>,
        /// When the canary goes.
        canary_at: Timestamp,
        /// When.
        now: Timestamp,
    },
    /// The canary failed.
    StillHalted {
        /// Alias.
        alias: String,
        /// Why.
        fault: Fault,
        /// When the canary goes again.
        canary_at: Timestamp,
    },
    /// Too many failures in a row: nothing is sent until then, and then one message alone.
    Open {
        /// Alias.
        alias: String,
        /// The newest failure.
        fault: Fault,
        /// How many failures there were in a row.
        failures: u32,
        /// Alert channel.
        channel: Option<String>,
        /// Until when nothing is sent.
        until: Timestamp,
        /// When.
        now: Timestamp,
    },
    /// The one message of an open circuit came to its end without a request: another one may try.
    Untried {
        /// Alias.
        alias: String,
        /// When.
        now: Timestamp,
    },
    /// The system answers again: its circuit closes.
    Close {
        /// Alias.
        alias: String,
        /// When.
        now: Timestamp,
    },
    /// The system wants to be left alone for a while.
    Pause {
        /// Alias.
        alias: String,
        /// Until when nothing is sent.
        until: Timestamp,
    },
    /// The canary came back: everything that waited for it goes on.
    Resume {
        /// Alias.
        alias: String,
        /// When.
        now: Timestamp,
    },
}

/// Ends what has waited, or was tried, for too long and has no turn of its own.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// These flows, with how long each tries.
    pub flows: Vec<(String, Duration)>,
    /// Longest wait, whatever is waited for.
    pub wait_max: Duration,
    /// When.
    pub now: Timestamp,
    /// Ends at most so many in this transaction.
    pub limit: u32,
}

/// Is a flow silent?
#[derive(Clone, Debug)]
pub struct SilenceCheck {
    /// Flow.
    pub flow: String,
    /// Silent when nothing new came for so long.
    pub span: Duration,
    /// Alert channel.
    pub channel: String,
    /// When.
    pub now: Timestamp,
}

/// How the reading of a flow went.
#[derive(Clone, Debug)]
pub struct ReadingNote {
    /// Flow.
    pub flow: String,
    /// When.
    pub now: Timestamp,
    /// Why it failed; `None` = it came to its end.
    pub fault: Option<Fault>,
    /// Alert channel.
    pub channel: Option<String>,
}

/// Asks for the turn to read a flow: of all processes one reads it at a time.
#[derive(Clone, Debug)]
pub struct TurnRequest {
    /// Flow.
    pub flow: String,
    /// Who asks.
    pub owner: String,
    /// When.
    pub now: Timestamp,
    /// Until when it is held if it is not prolonged; `None` = it is given back.
    pub until: Option<Timestamp>,
}
