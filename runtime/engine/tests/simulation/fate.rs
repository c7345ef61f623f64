//! What a number decides: the dice, what happened, and when each program dies.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::Class;
use mapwright_engine::store::StoreError;

use crate::common::JumpingClock;
use crate::common::world::Trouble;

/// Splitmix64: a number makes a sequence, the same on every machine.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// True in so many of a hundred.
    pub(crate) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

/// A promise that is broken on purpose: the simulator must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    ProbeWithoutSettle,
    NoQuietAfterUnproven,
    RejectionSkipped,
    WatermarkAhead,
    /// What is gone is not told.
    GoneForgotten,
}

/// What all parts of one seed share.
pub(crate) struct Fate {
    pub(crate) dice: Mutex<Dice>,
    pub(crate) trace: Mutex<Vec<String>>,
    pub(crate) clock: Arc<JumpingClock>,
    /// Things still go wrong.
    pub(crate) troubled: Mutex<bool>,
    /// Calls let others go before they answer.
    pub(crate) crowded: bool,
    pub(crate) mutant: Option<Mutant>,
    /// Message and fence of every claim.
    pub(crate) fences: Mutex<HashSet<(i64, i64)>>,
}

impl Fate {
    pub(crate) fn note(&self, what: impl Into<String>) {
        let line = format!("{} {}", self.clock.now(), what.into());
        if std::env::var("MAPWRIGHT_SIMULATION_TRACE").is_ok_and(|shown| shown == "2") {
            println!("{line}");
        }
        self.trace.lock().unwrap().push(line);
    }

    pub(crate) fn percent(&self, share: u64) -> bool {
        *self.troubled.lock().unwrap() && self.dice.lock().unwrap().percent(share)
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.dice.lock().unwrap().below(bound)
    }

    /// How often a call lets others go before it answers.
    pub(crate) fn waits(&self) -> u64 {
        if self.crowded { self.below(3) } else { 0 }
    }

    pub(crate) fn later(&self, seconds: u64) -> Timestamp {
        self.clock.now().checked_add(Duration::from_secs(seconds)).unwrap()
    }

    /// What goes wrong with the next write.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        if !self.percent(30) {
            return None;
        }
        Some(match self.below(6) {
            0 => Trouble::LostReply,
            1 => Trouble::LostRequest,
            2 => Trouble::Late(Duration::from_secs(1 + self.below(119))),
            3 => Trouble::Refused(Class::Throttled),
            4 => Trouble::Refused(Class::Permanent),
            _ => Trouble::Refused(Class::Transient),
        })
    }
}

/// The life of one program: it may end before or after any call of the store, and nothing it does then has an effect.
pub(crate) struct Life {
    name: &'static str,
    fate: Arc<Fate>,
    /// The call at which it ends, counted down; and whether that call takes effect.
    ends_in: Mutex<Option<(u64, bool)>>,
    over: AtomicBool,
}

impl Life {
    pub(crate) fn new(name: &'static str, fate: &Arc<Fate>, ends_in: Option<(u64, bool)>) -> Arc<Self> {
        Arc::new(Self { name, fate: Arc::clone(fate), ends_in: Mutex::new(ends_in), over: AtomicBool::new(false) })
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(crate) fn note(&self, what: impl AsRef<str>) {
        self.fate.note(format!("{} {}", self.name, what.as_ref()));
    }

    /// A call of the store comes by, before (or after) it takes effect.
    pub(crate) fn passes(&self, after: bool, call: &str) -> Result<(), StoreError> {
        let died = || StoreError::new("the program died");
        if self.is_over() {
            return Err(died());
        }
        let mut ends_in = self.ends_in.lock().unwrap();
        match *ends_in {
            Some((0, when)) if when == after => {
                self.over.store(true, Ordering::SeqCst);
                self.note(format!("dies {} {call}", if after { "after" } else { "before" }));
                Err(died())
            }
            Some((left, when)) if left > 0 && !after => {
                *ends_in = Some((left - 1, when));
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }
}
