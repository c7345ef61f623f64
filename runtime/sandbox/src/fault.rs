//! Faults on demand: which request fails, and how.
//!
//! In: a script ("the nth POST /Orders"), or rates per kind from a seed. Out: for every request at most one [`Fault`].
//! Never: the deed itself (see `server.rs`), and never a log-in or token request unless the script names it.

use crate::text::mix;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// This status at once; nothing happens in the system.
    Status {
        /// HTTP status, for instance 500, 502 or 503.
        status: u16,
        /// `Retry-After` in seconds, when the answer carries one.
        retry_after_s: Option<u32>,
    },
    /// The request is carried out, but the answer is this status.
    StatusAfterEffect {
        /// HTTP status, usually 500.
        status: u16,
    },
    /// Nothing happens, the connection is held and then closed without an answer.
    TimeoutBeforeEffect,
    /// The request is carried out, the connection is held and then closed without an answer.
    TimeoutAfterEffect,
    /// Nothing happens and the connection is reset.
    ResetBeforeEffect,
    /// The request is carried out and the connection is reset before the answer.
    ResetAfterEffect,
    /// The request is carried out, but only half of the answer arrives.
    TruncatedBody,
    /// Nothing happens; the answer is an HTML page with status 200.
    HtmlPage,
    /// The session or token of the request is forgotten first, so the system answers as it does then.
    SessionExpired,
    /// Status 429; nothing happens.
    Throttled {
        /// `Retry-After` in seconds.
        retry_after_s: u32,
    },
}

impl Fault {
    /// A short name for reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status before the effect",
            Self::StatusAfterEffect { .. } => "status after the effect",
            Self::TimeoutBeforeEffect => "time-out before the effect",
            Self::TimeoutAfterEffect => "time-out after the effect",
            Self::ResetBeforeEffect => "reset before the effect",
            Self::ResetAfterEffect => "reset after the effect",
            Self::TruncatedBody => "truncated body",
            Self::HtmlPage => "HTML page",
            Self::SessionExpired => "session expired",
            Self::Throttled { .. } => "throttled",
        }
    }

    /// Whether the request is carried out although the client gets no proper answer.
    #[must_use]
    pub fn commits(&self) -> bool {
        match self {
            Self::StatusAfterEffect { .. }
            | Self::TimeoutAfterEffect
            | Self::ResetAfterEffect
            | Self::TruncatedBody => true,
            Self::Status { .. }
            | Self::TimeoutBeforeEffect
            | Self::ResetBeforeEffect
            | Self::HtmlPage
            | Self::SessionExpired
            | Self::Throttled { .. } => false,
        }
    }
}

/// One line of a fault script.
#[derive(Clone, Debug)]
pub struct FaultRule {
    method: Option<String>,
    path_prefix: String,
    nth: u64,
    times: u64,
    fault: Fault,
    seen: u64,
}

impl FaultRule {
    /// The first request with `method` (any, when empty) whose path, without the system's base, starts with `path_prefix`.
    #[must_use]
    pub fn new(method: &str, path_prefix: &str, fault: Fault) -> Self {
        let method = (!method.is_empty()).then(|| method.to_owned());
        Self { method, path_prefix: path_prefix.to_owned(), nth: 1, times: 1, fault, seen: 0 }
    }

    /// The nth matching request instead of the first, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth.max(1);
        self
    }

    /// That many matching requests in a row instead of one.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    fn strikes(&mut self, method: &str, path: &str) -> bool {
        let fits = self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && path.starts_with(&self.path_prefix);
        if !fits {
            return false;
        }
        self.seen = self.seen.saturating_add(1);
        self.seen >= self.nth && self.seen - self.nth < self.times
    }
}

/// Random faults: a rate for each kind, in thousandths of the requests, decided by a seed.
///
/// The same sequence of requests meets the same faults. Requests that arrive at the same time may swap theirs.
#[derive(Clone, Debug, Default)]
pub struct RandomFaults {
    /// Where the draws start.
    pub seed: u64,
    /// Fault and its rate in thousandths. Their sum should stay well below 1,000.
    pub rates: Vec<(Fault, u32)>,
}

impl RandomFaults {
    /// A rough day: every kind, about one request in ten.
    #[must_use]
    pub fn rough_day(seed: u64) -> Self {
        let rates = vec![
            (Fault::Status { status: 500, retry_after_s: None }, 10),
            (Fault::Status { status: 502, retry_after_s: None }, 10),
            (Fault::Status { status: 503, retry_after_s: None }, 10),
            (Fault::Status { status: 503, retry_after_s: Some(1) }, 5),
            (Fault::StatusAfterEffect { status: 500 }, 10),
            (Fault::TimeoutBeforeEffect, 5),
            (Fault::TimeoutAfterEffect, 10),
            (Fault::ResetBeforeEffect, 10),
            (Fault::ResetAfterEffect, 10),
            (Fault::TruncatedBody, 10),
            (Fault::HtmlPage, 5),
            (Fault::SessionExpired, 5),
            (Fault::Throttled { retry_after_s: 1 }, 5),
        ];
        Self { seed, rates }
    }

    fn draw(&self, request: u64) -> Option<Fault> {
        let mut point = u32::try_from(mix(self.seed ^ mix(request)) % 1000).unwrap_or(0);
        for (fault, rate) in &self.rates {
            if point < *rate {
                return Some(*fault);
            }
            point -= rate;
        }
        None
    }
}

#[derive(Debug, Default)]
struct Plan {
    off: bool,
    budget: Option<u64>,
    script: Vec<FaultRule>,
    random: RandomFaults,
    drawn: u64,
    applied: BTreeMap<Fault, u64>,
}

/// The fault plan of one system. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

impl Faults {
    /// Adds a line to the script; the first line that strikes decides.
    pub fn script(&self, rule: FaultRule) {
        self.plan().script.push(rule);
    }

    /// Sets the random faults; they start from the beginning of their seed.
    pub fn random(&self, random: RandomFaults) {
        let mut plan = self.plan();
        plan.random = random;
        plan.drawn = 0;
    }

    /// Switches every fault off, keeping the plan.
    pub fn switch_off(&self) {
        self.plan().off = true;
    }

    /// Switches the plan on again.
    pub fn switch_on(&self) {
        self.plan().off = false;
    }

    /// From now on at most `budget` faults more; `None` lifts the limit.
    pub fn set_budget(&self, budget: Option<u64>) {
        self.plan().budget = budget;
    }

    /// How often each fault struck.
    #[must_use]
    pub fn applied(&self) -> BTreeMap<Fault, u64> {
        self.plan().applied.clone()
    }

    /// How many faults struck in all.
    #[must_use]
    pub fn applied_total(&self) -> u64 {
        self.plan().applied.values().sum()
    }

    /// The fault of this request, if any. `path` is without the system's base.
    pub(crate) fn choose(&self, method: &str, path: &str, is_login: bool) -> Option<Fault> {
        let mut plan = self.plan();
        if plan.off || plan.budget == Some(0) {
            return None;
        }
        let mut chosen = None;
        // Every line counts the requests that match it, also when an earlier line has struck.
        for rule in &mut plan.script {
            if rule.strikes(method, path) && chosen.is_none() {
                chosen = Some(rule.fault);
            }
        }
        if chosen.is_none() && !is_login {
            plan.drawn += 1;
            chosen = plan.random.draw(plan.drawn);
        }
        let fault = chosen?;
        plan.budget = plan.budget.map(|left| left.saturating_sub(1));
        *plan.applied.entry(fault).or_default() += 1;
        Some(fault)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultRule, Faults, RandomFaults};

    #[test]
    fn the_script_strikes_the_nth_match_only() {
        let faults = Faults::default();
        faults.script(FaultRule::new("POST", "/Orders", Fault::HtmlPage).nth(2));
        let struck: Vec<bool> = (0..4).map(|_| faults.choose("POST", "/Orders", false).is_some()).collect();
        assert_eq!(struck, [false, true, false, false]);
        assert_eq!(faults.choose("GET", "/Orders", false), None);
    }

    #[test]
    fn random_faults_repeat_themselves_and_spare_the_log_in() {
        let run = || {
            let faults = Faults::default();
            faults.random(RandomFaults::rough_day(7));
            (0..500).map(|_| faults.choose("GET", "/Items", false)).collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
        assert!(run().iter().flatten().count() > 20);
        let faults = Faults::default();
        faults.random(RandomFaults { seed: 1, rates: vec![(Fault::HtmlPage, 1000)] });
        assert_eq!(faults.choose("POST", "/Login", true), None);
        faults.set_budget(Some(1));
        assert!(faults.choose("GET", "/Items", false).is_some());
        assert_eq!(faults.choose("GET", "/Items", false), None);
    }
}
