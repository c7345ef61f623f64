//! Doorbells: what wakes workers before their next look into the store.
//!
//! In: rings. Out: one process that wakes for each. A ring carries nothing: whoever hears it claims whatever is due. So the store
//! stays the ledger, and a doorbell may lose, repeat or forget every ring: workers look by themselves, only later. A ring is
//! answered when the work that it woke for is committed; one that is not (its process died) is heard by another process.

mod embedded;
pub(crate) mod line;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
#[cfg(feature = "rabbitmq")]
mod reactor;
#[cfg(feature = "redis")]
pub mod redis;

use std::time::Duration;

pub use embedded::EmbeddedDoorbell;

use crate::connector::Reply;

/// Longest that a ring, or the answer to one, may take: it is only a convenience.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// A doorbell does not work. Says what, where and what to do; holds no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DoorbellFault {
    /// One sentence for the operator.
    pub message: String,
}

impl DoorbellFault {
    /// A fault in words.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// A ring that was heard and is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The doorbell's own word for it.
    pub receipt: String,
}

/// Where a doorbell is and what it is called there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `amqp://USER:PASSWORD@HOST/VHOST`, `redis://...`, with an `s` behind the scheme where it is encrypted.
    pub url: String,
    /// The queue's or stream's name; those of one name share their rings.
    pub name: String,
    /// A private certificate authority.
    pub ca_file: Option<std::path::PathBuf>,
    /// After so long a ring that was not answered goes to another process; longer than any work.
    pub idle: Duration,
}

/// A way to wake processes that work on one store. Every implementation passes the same tests.
pub trait Doorbell: Send + Sync {
    /// Its kind, as status and metrics name it.
    fn kind(&self) -> &'static str;

    /// Do other processes hear it?
    fn is_shared(&self) -> bool;

    /// Rings so many times; each wakes one process. Answers when the doorbell has confirmed that it keeps them.
    fn ring(&self, times: u32) -> Reply<'_, Result<(), DoorbellFault>>;

    /// Waits for a ring. One process has one ring at a time: the next comes when this one is answered.
    fn listen(&self) -> Reply<'_, Result<Heard, DoorbellFault>>;

    /// The work that a ring woke for is committed.
    fn answer(&self, heard: Heard) -> Reply<'_, Result<(), DoorbellFault>>;
}
