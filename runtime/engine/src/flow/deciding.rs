//! What to do about an answer: the one place that chooses between retry, wait, probe, park and dead.
//!
//! In: what a connector told, and the situation of the message. Out: a verdict. Pure: the time and the randomness are given.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use mapwright_values::plan::DeliveryLevel;
use mapwright_values::{Link, Rejection};

use crate::backoff::Backoff;
use crate::clock::{between, later};
use crate::connector::{Class, Failure, Probe};
use crate::state::State;
use crate::store::{Fault, Leased, Verdict};

/// What a decision looks at besides the answer.
#[derive(Clone, Debug)]
pub(crate) struct Situation {
    pub(crate) now: Timestamp,
    pub(crate) random: u32,
    pub(crate) retry: Backoff,
    pub(crate) wait: Backoff,
    pub(crate) wait_max: Duration,
    pub(crate) retry_up_to: Duration,
    pub(crate) settle: Duration,
    pub(crate) level: DeliveryLevel,
    /// Can the effect be asked for?
    pub(crate) probeable: bool,
    pub(crate) failures: u32,
    pub(crate) waits: u32,
    pub(crate) probes: u32,
    pub(crate) first_attempt_at: Option<Timestamp>,
    pub(crate) waiting_since: Option<Timestamp>,
    /// When the last request went out.
    pub(crate) sent_at: Timestamp,
    /// It is not known whether the last request took effect.
    pub(crate) ambiguous: bool,
}

impl Situation {
    /// The counters of a message.
    pub(crate) fn of(mut self, leased: &Leased) -> Self {
        self.failures = leased.failures;
        self.waits = leased.waits;
        self.probes = leased.probes;
        self.first_attempt_at = leased.first_attempt_at;
        self.waiting_since = leased.waiting_since;
        self.ambiguous = leased.state == State::Ambiguous;
        if let Some(sent) = &leased.sent {
            self.sent_at = sent.at;
        }
        self
    }

    /// Was a create that the target takes only once tried before?
    fn repeats_keyed(&self) -> bool {
        self.failures > 0 && self.level == DeliveryLevel::Keyed
    }

    fn settled_at(&self) -> Timestamp {
        later(self.sent_at, self.settle)
    }
}

/// What follows an answer.
#[derive(Clone, Debug)]
pub(crate) enum Decision {
    /// This becomes of the message.
    Conclude(Verdict),
    /// The connection stops; the message waits for it.
    Halt(Fault),
    /// The target says that it is there, and maybe under which key: ask at once.
    Probe(Fault, Option<String>),
    /// The target refuses a create that went out before without an answer, and tells not why finely enough: it may be refused
    /// because it is there. Ask at once; what is not there is refused for good.
    Refused(Fault),
}

/// A request that only asks (page, look-up, record) failed.
pub(crate) fn after_question(failure: &Failure, situation: &Situation) -> Decision {
    let fault = Fault::told(failure);
    match failure.class {
        Class::Halt => Decision::Halt(fault),
        Class::Permanent | Class::Exists => Decision::Conclude(Verdict::Dead { fault }),
        Class::Missing | Class::Dependency => Decision::Conclude(wait_for(fault, Vec::new(), situation)),
        // An unknown answer to a question is harmless: ask again.
        Class::Transient | Class::Throttled | Class::Ambiguous | Class::Conflict | Class::Done => {
            Decision::Conclude(retry(fault, failure.retry_after, None, situation))
        }
    }
}

/// A write failed.
pub(crate) fn after_send(failure: &Failure, situation: &Situation) -> Decision {
    let fault = Fault::told(failure);
    match failure.class {
        Class::Halt => Decision::Halt(fault),
        Class::Transient | Class::Throttled => Decision::Conclude(retry(fault, failure.retry_after, None, situation)),
        // Read, map and write again: look-ups are made anew for each attempt.
        Class::Conflict => Decision::Conclude(retry(fault, failure.retry_after, None, situation)),
        Class::Permanent if situation.probeable && situation.repeats_keyed() => Decision::Refused(fault),
        Class::Permanent => Decision::Conclude(Verdict::Dead { fault }),
        Class::Missing => Decision::Conclude(wait_for_target(fault, Vec::new(), situation)),
        Class::Dependency => Decision::Conclude(wait_for(fault, Vec::new(), situation)),
        Class::Exists if situation.probeable => Decision::Probe(fault, failure.existing.clone()),
        Class::Exists => match situation.level {
            DeliveryLevel::Keyed | DeliveryLevel::Probeable | DeliveryLevel::Unsafe => {
                Decision::Conclude(Verdict::Park { fault })
            }
            DeliveryLevel::Natural => Decision::Conclude(Verdict::Dead { fault }),
        },
        Class::Ambiguous | Class::Done => Decision::Conclude(unproven(fault, situation)),
    }
}

/// No proof either way: right after sending, or found so after a crash.
pub(crate) fn unproven(fault: Fault, situation: &Situation) -> Verdict {
    match situation.level {
        DeliveryLevel::Keyed | DeliveryLevel::Natural => retry(fault, None, Some(situation.settled_at()), situation),
        DeliveryLevel::Probeable | DeliveryLevel::Unsafe if situation.probeable => {
            Verdict::Ambiguous { at: situation.settled_at().max(situation.now), fault, probes: 0 }
        }
        DeliveryLevel::Probeable | DeliveryLevel::Unsafe => Verdict::Park { fault },
    }
}

/// What an ambiguous message is to do when its turn comes.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// Ask the target.
    Probe,
    /// Something else first.
    Conclude(Box<Verdict>),
}

/// An ambiguous message has its turn: the settle time may not be over (found after a crash).
pub(crate) fn ambiguous_turn(situation: &Situation) -> Turn {
    let fault = Fault::own(
        "ambiguous",
        "the program stopped after the request was prepared; whether the target carried it out is being found out",
    );
    let probed = situation.probeable && !matches!(situation.level, DeliveryLevel::Keyed | DeliveryLevel::Natural);
    if probed && situation.now >= situation.settled_at() {
        Turn::Probe
    } else {
        Turn::Conclude(Box::new(unproven(fault, situation)))
    }
}

/// A probe answered. `None` = it found exactly one match that agrees: the effect is there.
pub(crate) fn after_probe(probe: &Probe, situation: &Situation) -> Option<Verdict> {
    match probe {
        Probe::Same { .. } => None,
        Probe::Differs { key, difference } => Some(Verdict::Park {
            fault: Fault::own(
                "exists_differs",
                format!(
                    "the target has a record `{}` with our natural key that differs: {difference}; decide whether it is ours",
                    key.join("/")
                ),
            ),
        }),
        Probe::Several { count } => Some(Verdict::Park {
            fault: Fault::own(
                "duplicate",
                format!("the target has {count} records with our natural key: remove all but one, then retry"),
            ),
        }),
        Probe::Absent if situation.now < situation.settled_at() => Some(Verdict::Ambiguous {
            at: situation.settled_at(),
            fault: absent("the target may still be working on it"),
            probes: 0,
        }),
        Probe::Absent if situation.probes == 0 => Some(Verdict::Ambiguous {
            at: later(situation.now, situation.settle / 2),
            fault: absent("asked once, asking once more"),
            probes: 1,
        }),
        Probe::Absent => Some(retry(absent("asked twice; it is sent again with the same key"), None, None, situation)),
    }
}

fn absent(next: &str) -> Fault {
    Fault::own("absent", format!("the answer to a write was lost and the target does not show the record: {next}"))
}

/// Tries again later, unless its time is up.
pub(crate) fn retry(
    fault: Fault,
    wish: Option<Duration>,
    quiet_until: Option<Timestamp>,
    situation: &Situation,
) -> Verdict {
    let pause = situation.retry.pause(situation.failures.saturating_add(1), wish, situation.random);
    let at = later(situation.now, pause);
    let first = situation.first_attempt_at.unwrap_or(situation.now);
    let over = between(first, at) > situation.retry_up_to;
    if over && situation.ambiguous {
        // INVARIANT: what is ambiguous never becomes dead. It is proved to be absent, or may be sent again; its next turn ends it.
        return Verdict::Retry { at: situation.now, fault, quiet_until, alone: false };
    }
    if over {
        let fault = expired(&fault, situation.retry_up_to, "was tried for");
        return match quiet_until {
            Some(quiet_until) => Verdict::DeadUnproven { fault, quiet_until },
            None => Verdict::Dead { fault },
        };
    }
    Verdict::Retry { at, fault, quiet_until, alone: false }
}

/// Waits for the record that is to be changed, unless its time is up.
pub(crate) fn wait_for_target(fault: Fault, links: Vec<Link>, situation: &Situation) -> Verdict {
    let mut verdict = wait_for(fault, links, situation);
    if let Verdict::WaitDependency { own, .. } = &mut verdict {
        *own = true;
    }
    verdict
}

/// Waits for something to appear, unless its time is up.
pub(crate) fn wait_for(fault: Fault, links: Vec<Link>, situation: &Situation) -> Verdict {
    let since = situation.waiting_since.unwrap_or(situation.now);
    if between(since, situation.now) >= situation.wait_max {
        return Verdict::Dead { fault: expired(&fault, situation.wait_max, "waited for") };
    }
    let pause = situation.wait.limit(situation.waits.saturating_add(1));
    // The deadline itself is a turn: a message must not sleep beyond it.
    let at = later(situation.now, pause).min(later(since, situation.wait_max));
    Verdict::WaitDependency { fault, links, at, own: false }
}

/// Sends it again at once, not in a batch: nothing took effect, and another record of its batch may be to blame.
pub(crate) fn alone(fault: Fault, situation: &Situation) -> Verdict {
    Verdict::Retry { at: situation.now, fault, quiet_until: None, alone: true }
}

fn expired(last: &Fault, limit: Duration, did: &str) -> Fault {
    let hours = limit.as_secs() / 3600;
    let span = if hours > 0 { format!("{hours} h") } else { format!("{} s", limit.as_secs()) };
    Fault {
        class: "expired".to_owned(),
        message: format!("the record {did} {span} without success; last: {}", last.message),
        cause: format!("expired: {}", last.cause),
        ..last.clone()
    }
}

/// The fault of a record that the spec rejects: every rejection is kept, their spec lines are the cause.
pub(crate) fn rejected(rejections: &[Rejection]) -> Fault {
    let first = rejections.first();
    let place = first.map_or_else(String::new, |first| format!("{}:{}", first.at.file, first.at.line));
    let lines: BTreeSet<(&str, u32)> = rejections.iter().map(|one| (one.at.file.as_str(), one.at.line)).collect();
    let lines: Vec<String> = lines.into_iter().map(|(file, line)| format!("{file}:{line}")).collect();
    let more = match rejections.len() {
        0 | 1 => String::new(),
        several => format!(" (and {} more)", several - 1),
    };
    let message = match first {
        Some(first) if first.field.is_empty() => format!("{} ({place}){more}", first.reason),
        Some(first) => format!("{}: {} ({place}){more}", first.field, first.reason),
        None => "the mapping rejected the record without a reason".to_owned(),
    };
    Fault {
        class: "rejected".to_owned(),
        status: None,
        code: None,
        message,
        cause: format!("rejected: {}", lines.join(", ")),
        rejections: serde_json::to_string(rejections).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation(level: DeliveryLevel, probeable: bool) -> Situation {
        let now = Timestamp::from_second(1_000_000).unwrap();
        Situation {
            now,
            random: 0,
            retry: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(900) },
            wait: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
            wait_max: Duration::from_secs(3600),
            retry_up_to: Duration::from_secs(3600),
            settle: Duration::from_secs(120),
            level,
            probeable,
            failures: 0,
            waits: 0,
            probes: 0,
            first_attempt_at: Some(now),
            waiting_since: None,
            sent_at: now,
            ambiguous: false,
        }
    }

    fn failure(class: Class) -> Failure {
        Failure {
            class,
            status: None,
            code: None,
            message: "it failed".to_owned(),
            field: None,
            retry_after: None,
            existing: None,
        }
    }

    fn verdict(class: Class, situation: &Situation) -> Verdict {
        match after_send(&failure(class), situation) {
            Decision::Conclude(verdict) => verdict,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_unsafe_create_is_never_sent_twice() {
        let situation = situation(DeliveryLevel::Unsafe, false);
        assert!(matches!(verdict(Class::Ambiguous, &situation), Verdict::Park { .. }));
        assert!(
            matches!(ambiguous_turn(&situation), Turn::Conclude(verdict) if matches!(*verdict, Verdict::Park { .. }))
        );
    }

    #[test]
    fn a_repeated_keyed_create_that_is_refused_is_looked_for_first() {
        let mut situation = situation(DeliveryLevel::Keyed, true);
        assert!(matches!(verdict(Class::Permanent, &situation), Verdict::Dead { .. }), "the first refusal is final");
        situation.failures = 1;
        assert!(matches!(after_send(&failure(Class::Permanent), &situation), Decision::Refused(_)));
        situation.probeable = false;
        assert!(matches!(verdict(Class::Permanent, &situation), Verdict::Dead { .. }));
    }

    #[test]
    fn a_probe_never_comes_before_the_settle_time() {
        let mut situation = situation(DeliveryLevel::Probeable, true);
        match verdict(Class::Ambiguous, &situation) {
            Verdict::Ambiguous { at, .. } => assert_eq!(at, later(situation.sent_at, situation.settle)),
            other => panic!("{other:?}"),
        }
        assert!(
            matches!(ambiguous_turn(&situation), Turn::Conclude(verdict) if matches!(*verdict, Verdict::Ambiguous { .. }))
        );
        situation.now = later(situation.now, Duration::from_secs(120));
        assert!(matches!(ambiguous_turn(&situation), Turn::Probe));
    }

    #[test]
    fn two_absent_probes_after_settle_send_again_and_one_does_not() {
        let mut situation = situation(DeliveryLevel::Probeable, true);
        assert!(matches!(after_probe(&Probe::Absent, &situation), Some(Verdict::Ambiguous { probes: 0, .. })));
        situation.now = later(situation.now, Duration::from_secs(120));
        assert!(matches!(after_probe(&Probe::Absent, &situation), Some(Verdict::Ambiguous { probes: 1, .. })));
        situation.probes = 1;
        assert!(matches!(after_probe(&Probe::Absent, &situation), Some(Verdict::Retry { .. })));
    }

    #[test]
    fn a_keyed_write_is_repeated_and_keeps_its_successors_quiet() {
        let situation = situation(DeliveryLevel::Keyed, false);
        match verdict(Class::Ambiguous, &situation) {
            Verdict::Retry { quiet_until, .. } => {
                assert_eq!(quiet_until, Some(later(situation.sent_at, situation.settle)))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn age_ends_retrying_and_waiting() {
        let mut situation = situation(DeliveryLevel::Natural, false);
        situation.now = later(situation.now, Duration::from_secs(3601));
        situation.waiting_since = situation.first_attempt_at;
        assert!(matches!(verdict(Class::Transient, &situation), Verdict::Dead { fault } if fault.class == "expired"));
        assert!(matches!(verdict(Class::Dependency, &situation), Verdict::Dead { fault } if fault.class == "expired"));
        match verdict(Class::Ambiguous, &situation) {
            Verdict::DeadUnproven { fault, quiet_until } => {
                assert_eq!((fault.class.as_str(), quiet_until), ("expired", situation.settled_at()));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_ambiguous_is_never_dead_however_old_it_is() {
        for level in [DeliveryLevel::Probeable, DeliveryLevel::Keyed, DeliveryLevel::Natural, DeliveryLevel::Unsafe] {
            let probeable = level == DeliveryLevel::Probeable;
            let mut situation = Situation { ambiguous: true, probes: 1, ..situation(level, probeable) };
            situation.now = later(situation.now, Duration::from_secs(100 * 3600));
            let verdict = match ambiguous_turn(&situation) {
                Turn::Probe => after_probe(&Probe::Absent, &situation).unwrap(),
                Turn::Conclude(verdict) => *verdict,
            };
            // Its next turn ends what may be sent again; only a person ends what may not.
            match verdict {
                Verdict::Retry { at, .. } => assert!(at == situation.now && level != DeliveryLevel::Unsafe),
                Verdict::Park { .. } => assert_eq!(level, DeliveryLevel::Unsafe),
                other => panic!("{level:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_waits_asks_again_at_growing_intervals_and_not_beyond_its_deadline() {
        let mut situation = situation(DeliveryLevel::Natural, false);
        situation.waiting_since = Some(situation.now);
        let mut last = Duration::ZERO;
        for waits in 0..20 {
            situation.waits = waits;
            match verdict(Class::Dependency, &situation) {
                Verdict::WaitDependency { at, .. } => {
                    let pause = between(situation.now, at);
                    assert!(pause >= last && pause <= Duration::from_secs(60), "{waits}: {pause:?}");
                    last = pause;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(last, Duration::from_secs(60));
        situation.now = later(situation.now, Duration::from_secs(3590));
        match verdict(Class::Missing, &situation) {
            Verdict::WaitDependency { at, .. } => assert_eq!(between(situation.now, at), Duration::from_secs(10)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_halt_burns_no_record() {
        let situation = situation(DeliveryLevel::Natural, false);
        assert!(matches!(after_send(&failure(Class::Halt), &situation), Decision::Halt(_)));
        assert!(matches!(after_question(&failure(Class::Halt), &situation), Decision::Halt(_)));
    }
}
