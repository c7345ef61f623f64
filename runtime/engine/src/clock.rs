//! The clock that the engine reads and sleeps by.
//!
//! In: nothing. Out: the time, and pauses. No other file of the engine reads the system's time, so that a test may
//! let hours pass at once.

use std::time::Duration;

use jiff::Timestamp;

use crate::connector::Reply;

/// A source of time.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Ends when so much time has passed.
    fn sleep(&self, pause: Duration) -> Reply<'_, ()>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, pause: Duration) -> Reply<'_, ()> {
        Box::pin(tokio::time::sleep(pause))
    }
}

/// `at` moved by a pause; ends at the calendar's end instead of failing.
#[must_use]
pub fn later(at: Timestamp, pause: Duration) -> Timestamp {
    at.checked_add(pause).unwrap_or(Timestamp::MAX)
}

/// `at` moved back by a pause; ends at the calendar's beginning instead of failing.
#[must_use]
pub fn earlier(at: Timestamp, pause: Duration) -> Timestamp {
    at.checked_sub(pause).unwrap_or(Timestamp::MIN)
}

/// The time from `from` to `to`; nothing when `to` lies before `from`.
#[must_use]
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}
