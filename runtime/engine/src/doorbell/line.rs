//! An engine's line to its doorbell: rings, listening, and whether it works.
//!
//! In: the doorbell, what was captured. Out: rings that hold nothing up, an engine that wakes, a state for status and metrics.
//! INVARIANT: nothing here decides about a record; without a doorbell everything happens, only later.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::{Doorbell, DoorbellFault, Heard, PATIENCE};
use crate::clock::{Clock, between};
use crate::status::DoorbellStatus;

/// How long a doorbell that does not work is not rung: every page would wait for it.
const REST: Duration = Duration::from_secs(10);
/// Pauses between two tries to listen grow to this.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// More rings at once wake nobody that the first ones have not woken.
const RINGS_MAX: u32 = 32;
/// A ring is answered after so long even if the work that it woke for goes on: RabbitMQ ends a listener that owes one for 30 minutes.
const ANSWER_AFTER: Duration = Duration::from_secs(10 * 60);
/// How long an engine whose doorbell works may go without a look into the store.
const LOOK_WITH: Duration = Duration::from_secs(30);
/// The same without a doorbell that others ring, or while it does not work.
const LOOK_WITHOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Default)]
struct Known {
    /// Since when it does not work, with the reason.
    fault: Option<(Timestamp, DoorbellFault)>,
    /// When it was last tried in vain.
    tried_at: Option<Timestamp>,
    rung: u64,
    heard: u64,
}

/// An engine's line to its doorbell.
pub(crate) struct Line {
    doorbell: Arc<dyn Doorbell>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Rounds of the engine that have begun ...
    begun: AtomicU64,
    /// ... and the newest that came to its end.
    ended: watch::Sender<u64>,
}

impl Line {
    pub(crate) fn new(doorbell: Arc<dyn Doorbell>, clock: Arc<dyn Clock>) -> Self {
        Self { doorbell, clock, known: Mutex::default(), begun: AtomicU64::new(0), ended: watch::channel(0).0 }
    }

    /// How long the engine may go without a look into the store.
    pub(crate) fn look_every(&self) -> Duration {
        let works = self.known.lock().is_ok_and(|known| known.fault.is_none());
        if self.doorbell.is_shared() && works { LOOK_WITH } else { LOOK_WITHOUT }
    }

    /// How it stands.
    pub(crate) fn status(&self) -> DoorbellStatus {
        let known = self.known.lock().map(|known| known.clone()).unwrap_or_default();
        let (since, fault) = known.fault.map(|(since, fault)| (since, fault.message)).unzip();
        DoorbellStatus {
            kind: self.doorbell.kind().to_owned(),
            down_since: since,
            fault,
            rung: known.rung,
            heard: known.heard,
        }
    }

    /// Wakes other processes for so many new messages, each of which claims so many at once.
    pub(crate) async fn ring(&self, messages: u64, claim: u32) {
        if !self.doorbell.is_shared() || messages == 0 || self.rests() {
            return;
        }
        let times = messages.div_ceil(u64::from(claim.max(1)));
        let times = u32::try_from(times).unwrap_or(RINGS_MAX).min(RINGS_MAX);
        let rung = match tokio::time::timeout(PATIENCE, self.doorbell.ring(times)).await {
            Ok(rung) => rung,
            Err(_) => Err(late(self.doorbell.kind())),
        };
        if rung.is_ok()
            && let Ok(mut known) = self.known.lock()
        {
            known.rung = known.rung.saturating_add(u64::from(times));
        }
        self.note(rung.err());
    }

    fn rests(&self) -> bool {
        let now = self.clock.now();
        let known = self.known.lock().map(|known| known.clone()).unwrap_or_default();
        known.fault.is_some() && known.tried_at.is_some_and(|at| between(at, now) < REST)
    }

    /// Notes that it works, or why not; answers whether that is news.
    fn note(&self, fault: Option<DoorbellFault>) -> bool {
        let now = self.clock.now();
        let Ok(mut known) = self.known.lock() else { return false };
        let news = known.fault.is_some() != fault.is_some();
        match fault {
            None if news => {
                tracing::info!(doorbell = self.doorbell.kind(), "the doorbell works again");
                known.fault = None;
            }
            None => {}
            Some(fault) => {
                known.tried_at = Some(now);
                if news {
                    tracing::error!(doorbell = self.doorbell.kind(), %fault, "the doorbell does not work; the store is looked into instead, nothing is lost");
                }
                let since = known.fault.take().map_or(now, |(since, _)| since);
                known.fault = Some((since, fault));
            }
        }
        news
    }

    /// A round of the engine begins; answers its number.
    pub(crate) fn round_begins(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst).saturating_add(1)
    }

    /// A round came to its end: what woke the engine before it began is done.
    pub(crate) fn round_ended(&self, round: u64) {
        self.ended.send_replace(round);
    }

    /// Listens as long as it is let: each ring wakes the engine and is answered when a round that began after it has ended.
    pub(crate) async fn listen(&self, bell: &Notify) -> Infallible {
        if !self.doorbell.is_shared() {
            return std::future::pending().await;
        }
        let mut failures: u32 = 0;
        loop {
            let fault = match self.doorbell.listen().await {
                Ok(heard) => {
                    failures = 0;
                    self.note(None);
                    self.serve(heard, bell).await.err()
                }
                Err(fault) => Some(fault),
            };
            if let Some(fault) = fault {
                failures = failures.saturating_add(1);
                if self.note(Some(fault)) {
                    // The engine has gone to sleep for longer than it may now.
                    bell.notify_one();
                }
                let pause = Duration::from_millis(250).saturating_mul(1 << failures.min(6)).min(PAUSE_MAX);
                tokio::time::sleep(pause).await;
                self.try_again(bell).await;
            }
        }
    }

    async fn serve(&self, heard: Heard, bell: &Notify) -> Result<(), DoorbellFault> {
        if let Ok(mut known) = self.known.lock() {
            known.heard = known.heard.saturating_add(1);
        }
        let after = self.begun.load(Ordering::SeqCst);
        let mut ended = self.ended.subscribe();
        bell.notify_one();
        // The engine is gone: whoever hears the ring next does its work.
        if let Ok(Err(_)) = tokio::time::timeout(ANSWER_AFTER, ended.wait_for(|ended| *ended > after)).await {
            return Ok(());
        }
        match tokio::time::timeout(PATIENCE, self.doorbell.answer(heard)).await {
            Ok(answered) => answered,
            Err(_) => Err(late(self.doorbell.kind())),
        }
    }

    /// A ring to oneself shows whether it works again, and makes up for those that nobody heard.
    async fn try_again(&self, bell: &Notify) {
        let rung = match tokio::time::timeout(PATIENCE, self.doorbell.ring(1)).await {
            Ok(rung) => rung,
            Err(_) => Err(late(self.doorbell.kind())),
        };
        if self.note(rung.err()) {
            bell.notify_one();
        }
    }
}

fn late(kind: &str) -> DoorbellFault {
    DoorbellFault::new(format!("the doorbell ({kind}) did not answer in time"))
}
