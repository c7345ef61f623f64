//! How well a connection works, told from the outcomes of its writes. Pure.
//!
//! In: the outcome of each write. Out: what follows for the connection: nothing, an open circuit, a halt. Look-ups and
//! readings are not counted: they do no harm, and a reading that fails has its own alert.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::backoff::Backoff;
use crate::clock::{earlier, later};
use crate::connector::{Class, Failure};
use crate::options::Options;
use crate::store::refusal_word;

/// The bounds of a connection's health.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    drift_records: usize,
    drift_span: Duration,
    drift_percent: usize,
    circuit_failures: u32,
    circuit: Backoff,
}

impl Bounds {
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            drift_records: options.drift_records,
            drift_span: options.drift_span,
            drift_percent: options.drift_percent,
            circuit_failures: options.circuit_failures.max(1),
            circuit: options.circuit,
        }
    }
}

/// What follows an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Nothing.
    Nothing,
    /// Nothing is sent until then, and then one message alone.
    Open { until: Timestamp, failures: u32 },
    /// The circuit closes.
    Close,
    /// The system wants to be left alone.
    Pause { until: Timestamp },
    /// Too many refusals with one code: the mapping or the target's schema has changed.
    Drift { code: String, refused: usize },
}

/// One connection's newest outcomes.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// When, and the code of a permanent refusal.
    outcomes: VecDeque<(Timestamp, Option<String>)>,
    failures: u32,
    /// How often one message tried the open circuit in vain; `None` = it is closed.
    open: Option<u32>,
    paused_until: Option<Timestamp>,
}

impl Health {
    /// A connection as an earlier process left it.
    pub(crate) fn left(open: bool) -> Self {
        Self { open: open.then_some(0), ..Self::default() }
    }

    /// May a message be sent that is not the one which tries the circuit?
    pub(crate) fn lets_pass(&self, now: Timestamp) -> bool {
        self.open.is_none() && self.paused_until.is_none_or(|until| until <= now)
    }

    /// Notes an outcome. `trial` = it was the message that tried an open circuit.
    pub(crate) fn note(&mut self, failure: Option<&Failure>, trial: bool, now: Timestamp, bounds: &Bounds) -> Finding {
        let Some(failure) = failure else { return self.answered(None, trial, now, bounds) };
        match failure.class {
            Class::Transient | Class::Ambiguous => self.failed(trial, now, bounds),
            Class::Throttled => match failure.retry_after {
                Some(wish) => {
                    let until = later(now, wish);
                    self.paused_until = self.paused_until.max(Some(until));
                    Finding::Pause { until }
                }
                // The system works; how slowly, the message's own pause finds out.
                None => Finding::Nothing,
            },
            Class::Permanent => {
                self.answered(refusal_word(failure.status, failure.code.as_deref()), trial, now, bounds)
            }
            Class::Halt | Class::Conflict | Class::Exists | Class::Missing | Class::Dependency | Class::Done => {
                self.answered(None, trial, now, bounds)
            }
        }
    }

    fn failed(&mut self, trial: bool, now: Timestamp, bounds: &Bounds) -> Finding {
        self.failures = self.failures.saturating_add(1);
        let tried = match self.open {
            // What was sent before the circuit opened says nothing new.
            Some(_) if !trial => return Finding::Nothing,
            Some(tried) => tried.saturating_add(1),
            // Another process has opened it, and this message tried it.
            None if trial => 1,
            None if self.failures < bounds.circuit_failures => return Finding::Nothing,
            None => 1,
        };
        self.open = Some(tried);
        Finding::Open { until: later(now, bounds.circuit.limit(tried)), failures: self.failures }
    }

    fn answered(&mut self, refused: Option<String>, trial: bool, now: Timestamp, bounds: &Bounds) -> Finding {
        self.failures = 0;
        self.outcomes.push_back((now, refused.clone()));
        let oldest = earlier(now, bounds.drift_span);
        while self.outcomes.len() > bounds.drift_records || self.outcomes.front().is_some_and(|(at, _)| *at < oldest) {
            self.outcomes.pop_front();
        }
        if let Some(code) = refused {
            let same = self.outcomes.iter().filter(|(_, known)| known.as_ref() == Some(&code)).count();
            // More than the share of a full window: what is still to come in it cannot make it less.
            if same.saturating_mul(100) > bounds.drift_percent.saturating_mul(bounds.drift_records) {
                self.outcomes.clear();
                return Finding::Drift { code, refused: same };
            }
        }
        match self.open.take() {
            Some(_) => Finding::Close,
            None if trial => Finding::Close,
            None => Finding::Nothing,
        }
    }

    /// Is the circuit open, as far as this process knows?
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Another process has found that the system answers again.
    pub(crate) fn closed_elsewhere(&mut self) {
        self.open = None;
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds() -> Bounds {
        Bounds::of(&Options::default())
    }

    fn failure(class: Class) -> Failure {
        let code = Some("-5002".to_owned());
        Failure {
            class,
            status: Some(400),
            code,
            message: String::new(),
            field: None,
            retry_after: None,
            existing: None,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn a_circuit_that_another_process_opened_is_closed_or_held_open_by_whoever_tries_it() {
        let mut health = Health::default();
        assert_eq!(health.note(None, true, at(1), &bounds()), Finding::Close);
        let until = later(at(2), bounds().circuit.limit(1));
        let failed = health.note(Some(&failure(Class::Transient)), true, at(2), &bounds());
        assert_eq!(failed, Finding::Open { until, failures: 1 });
        assert!(health.is_open() && !health.lets_pass(at(3)));
        health.closed_elsewhere();
        assert!(health.lets_pass(at(3)));
    }

    #[test]
    fn ten_failures_in_a_row_open_and_an_answer_closes() {
        let mut health = Health::default();
        for _ in 0..9 {
            assert_eq!(health.note(Some(&failure(Class::Ambiguous)), false, at(0), &bounds()), Finding::Nothing);
        }
        let opened = health.note(Some(&failure(Class::Transient)), false, at(0), &bounds());
        assert_eq!(opened, Finding::Open { until: at(5), failures: 10 });
        assert!(!health.lets_pass(at(99)), "only the message that tries it passes");
        assert_eq!(health.note(Some(&failure(Class::Transient)), false, at(1), &bounds()), Finding::Nothing);
        let again = health.note(Some(&failure(Class::Transient)), true, at(5), &bounds());
        assert_eq!(again, Finding::Open { until: at(15), failures: 12 });
        assert_eq!(health.note(None, true, at(15), &bounds()), Finding::Close);
        assert!(health.lets_pass(at(15)));
    }

    #[test]
    fn an_answer_between_failures_keeps_it_closed() {
        let mut health = Health::default();
        for _ in 0..50 {
            assert_eq!(health.note(Some(&failure(Class::Ambiguous)), false, at(0), &bounds()), Finding::Nothing);
            assert_eq!(health.note(Some(&failure(Class::Conflict)), false, at(0), &bounds()), Finding::Nothing);
        }
    }

    #[test]
    fn more_than_a_fifth_of_a_window_is_drift_and_a_fifth_is_not() {
        let mut health = Health::default();
        for _ in 0..10 {
            assert_eq!(health.note(Some(&failure(Class::Permanent)), false, at(0), &bounds()), Finding::Nothing);
        }
        for _ in 0..40 {
            assert_eq!(health.note(None, false, at(0), &bounds()), Finding::Nothing);
        }
        // The eleventh pushes the first out of the window of fifty.
        assert_eq!(health.note(Some(&failure(Class::Permanent)), false, at(0), &bounds()), Finding::Nothing);
        let mut fresh = Health::default();
        let found: Vec<Finding> =
            (0..11).map(|_| fresh.note(Some(&failure(Class::Permanent)), false, at(0), &bounds())).collect();
        assert_eq!(found.last(), Some(&Finding::Drift { code: "-5002".to_owned(), refused: 11 }));
    }

    #[test]
    fn refusals_long_ago_do_not_count() {
        let mut health = Health::default();
        for minute in 0..30 {
            let found = health.note(Some(&failure(Class::Permanent)), false, at(minute * 60), &bounds());
            assert_eq!(found, Finding::Nothing);
        }
    }

    #[test]
    fn a_wish_to_be_left_alone_is_kept() {
        let mut health = Health::default();
        let wish = Failure { retry_after: Some(Duration::from_secs(30)), ..failure(Class::Throttled) };
        assert_eq!(health.note(Some(&wish), false, at(0), &bounds()), Finding::Pause { until: at(30) });
        assert!(!health.lets_pass(at(29)) && health.lets_pass(at(30)));
    }
}
