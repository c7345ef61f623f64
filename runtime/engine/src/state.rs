//! The state machine of one message: a pure table from (state, event) to (state, effects).
//!
//! In: where a message stands and what happened to it. Out: where it stands now and what the same transaction must do
//! besides, or a refusal. It never reads a clock, a store or a network; engine, store and tests all ask this one table.
//!
//! | # | from | event | to |
//! |---|---|---|---|
//! | T3 | QUEUED, RETRY_WAIT, WAITING (dependency) | lease | LEASED |
//! | T4 | LEASED | unchanged | NOOP |
//! | T4 | QUEUED, LEASED, RETRY_WAIT, WAITING, DEAD | overtaken by a newer state | SUPERSEDED |
//! | T4 | LEASED | skipped by the spec | SKIPPED |
//! | T5 | LEASED | intent | INTENT |
//! | T6 | INTENT | done | DONE |
//! | T7 | LEASED, INTENT | retry (proof of no effect) | RETRY_WAIT |
//! | T8 | INTENT | ambiguous, or lease expired | AMBIGUOUS |
//! | T9 | AMBIGUOUS | done (probe) | DONE |
//! | T10 | AMBIGUOUS | retry (same key, or absent twice) | RETRY_WAIT |
//! | T11 | INTENT, AMBIGUOUS | park | PARKED_AMBIGUOUS |
//! | T12 | all that are open, but for AMBIGUOUS and PARKED_AMBIGUOUS | die | DEAD |
//! | T13 | DEAD | redrive | QUEUED |
//! | T13 | PARKED_AMBIGUOUS | redrive | AMBIGUOUS (asks again; sending again is forbidden there) |
//! | T13 | PARKED_AMBIGUOUS | a person says: absent / there | QUEUED / DONE |
//! | T14 | DEAD, PARKED_AMBIGUOUS | discard | DISCARDED |
//! | T15 | LEASED | lease expired, handed back | QUEUED |
//! | T16 | QUEUED, LEASED, INTENT, RETRY_WAIT, WAITING | wait | WAITING; woken: QUEUED |
//!
//! SKIPPED is a state of its own and not a NOOP with a reason: NOOP says "the target already has this", SKIPPED says
//! "the spec does not want this delivered"; the two are different numbers to an analyst and differ in what follows
//! (after a NOOP the flow's next write runs, after a SKIPPED it does not).
//!
//! T12 counts claims that were lost (T15) against a record only as long as their owners have not come back: see [`is_poison`]. From the
//! second loss on only what was begun counts: see [`is_suspect`].
//!
//! An AMBIGUOUS message never becomes DEAD: a dead letter may be sent again, an ambiguous one must be asked for first.

use serde::{Deserialize, Serialize};

/// Why a message waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A record that it needs is not there yet.
    Dependency,
    /// The connection that it needs is halted, or its circuit is open.
    ConnectionHalted,
    /// An earlier message of the same key is not finished.
    KeyBlocked,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Ready to be worked on.
    Queued,
    /// A worker has it; nothing was sent.
    Leased,
    /// A request may be on its way.
    Intent,
    /// A request was sent and nothing proves whether it worked.
    Ambiguous,
    /// Proof of no effect; to be tried again later.
    RetryWait,
    /// Waits for something that has a name.
    Waiting(Reason),
    /// Ambiguous, and only a person can tell.
    ParkedAmbiguous,
    /// Delivered.
    Done,
    /// The target already holds this.
    Noop,
    /// A newer state of the same record took its place.
    Superseded,
    /// The spec does not want it delivered.
    Skipped,
    /// Needs a person.
    Dead,
    /// A person gave it up, with a reason.
    Discarded,
}

/// Every state, for tests and reports.
pub const STATES: [State; 15] = [
    State::Queued,
    State::Leased,
    State::Intent,
    State::Ambiguous,
    State::RetryWait,
    State::Waiting(Reason::Dependency),
    State::Waiting(Reason::ConnectionHalted),
    State::Waiting(Reason::KeyBlocked),
    State::ParkedAmbiguous,
    State::Done,
    State::Noop,
    State::Superseded,
    State::Skipped,
    State::Dead,
    State::Discarded,
];

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A worker claims it.
    Lease,
    /// The worker that had it is gone.
    LeaseExpired,
    /// The worker gives it back untouched.
    HandBack,
    /// What was mapped is what was last written.
    Unchanged,
    /// A newer state of its record takes its place.
    Overtaken,
    /// The mapping answered `skip`.
    Skip,
    /// Mapped; about to be sent.
    Intend,
    /// Proof of success.
    Done,
    /// Proof of no effect (or a repeat is harmless); try later.
    Retry,
    /// No proof either way.
    Ambiguous,
    /// Only a person can tell.
    Park,
    /// It must wait.
    Wait(Reason),
    /// What it waited for may be there.
    Wake,
    /// Permanent, or its attempts or its age are spent.
    Die,
    /// A person asks for another try.
    Redrive,
    /// A person found that the effect is not there.
    AnsweredAbsent,
    /// A person found that the effect is there.
    AnsweredThere,
    /// A person gives it up.
    Discard,
}

/// Every event, for tests.
pub const EVENTS: [Event; 20] = [
    Event::Lease,
    Event::LeaseExpired,
    Event::HandBack,
    Event::Unchanged,
    Event::Overtaken,
    Event::Skip,
    Event::Intend,
    Event::Done,
    Event::Retry,
    Event::Ambiguous,
    Event::Park,
    Event::Wait(Reason::Dependency),
    Event::Wait(Reason::ConnectionHalted),
    Event::Wait(Reason::KeyBlocked),
    Event::Wake,
    Event::Die,
    Event::Redrive,
    Event::AnsweredAbsent,
    Event::AnsweredThere,
    Event::Discard,
];

/// What the same transaction does besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effects {
    /// The next message of the key is looked for. A dead one of strict order still holds up what is later than it.
    pub frees_key: bool,
    /// The flow's next write becomes a message.
    pub next_write: bool,
    /// An alert goes into the outbox.
    pub alert: bool,
    /// The generation grows: a person set it going again.
    pub new_generation: bool,
}

/// Nothing besides.
pub(crate) const HELD: Effects = Effects { frees_key: false, next_write: false, alert: false, new_generation: false };
const FREED: Effects = Effects { frees_key: true, ..HELD };
const DELIVERED: Effects = Effects { next_write: true, ..FREED };
const ALARMED: Effects = Effects { alert: true, ..FREED };
const PARKED: Effects = Effects { alert: true, ..HELD };
const RENEWED: Effects = Effects { new_generation: true, ..HELD };

/// The event does not fit the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message that is {state} cannot take the event {event:?}", state = .state.name())]
pub struct Refused {
    /// Where the message stands.
    pub state: State,
    /// What was asked of it.
    pub event: Event,
}

/// T12: is the record poison? So many claims of it were lost, and of none has the owner come back: whoever works on it dies.
/// INVARIANT: an owner that was slow and reports after its claim was over takes that claim off the record's account.
#[must_use]
pub const fn is_poison(unanswered: u32, most: u32) -> bool {
    unanswered >= most
}

/// May the record be poison? Two claims of it were lost in a row. It is worked on alone, so that it takes no other record with it and is
/// not taken for the one that killed them, and its next claims count from when it is begun: many are claimed together, and those whose
/// turn had not come when the program ended are not to blame.
#[must_use]
pub const fn is_suspect(unanswered: u32) -> bool {
    unanswered >= 2
}

/// The table.
///
/// # Errors
/// [`Refused`] when the event does not fit the state.
pub fn advance(state: State, event: Event) -> Result<(State, Effects), Refused> {
    let next = match state {
        State::Queued => from_queued(event),
        State::Leased => from_leased(event),
        State::Intent => from_intent(event),
        State::Ambiguous => from_ambiguous(event),
        State::RetryWait => from_retry_wait(event),
        State::Waiting(reason) => from_waiting(reason, event),
        State::ParkedAmbiguous => from_parked(event),
        State::Dead => from_dead(event),
        State::Done | State::Noop | State::Superseded | State::Skipped | State::Discarded => None,
    };
    next.ok_or(Refused { state, event })
}

type Next = Option<(State, Effects)>;

fn from_queued(event: Event) -> Next {
    match event {
        Event::Lease => Some((State::Leased, HELD)),
        Event::Overtaken => Some((State::Superseded, FREED)),
        Event::Wait(reason) => Some((State::Waiting(reason), HELD)),
        Event::Die => Some((State::Dead, ALARMED)),
        Event::LeaseExpired | Event::HandBack | Event::Unchanged | Event::Skip | Event::Intend | Event::Done => None,
        Event::Retry | Event::Ambiguous | Event::Park | Event::Wake | Event::Redrive => None,
        Event::AnsweredAbsent | Event::AnsweredThere | Event::Discard => None,
    }
}

fn from_leased(event: Event) -> Next {
    match event {
        Event::LeaseExpired | Event::HandBack => Some((State::Queued, HELD)),
        Event::Unchanged => Some((State::Noop, DELIVERED)),
        Event::Overtaken => Some((State::Superseded, FREED)),
        Event::Skip => Some((State::Skipped, FREED)),
        Event::Intend => Some((State::Intent, HELD)),
        Event::Retry => Some((State::RetryWait, HELD)),
        Event::Wait(reason) => Some((State::Waiting(reason), HELD)),
        Event::Die => Some((State::Dead, ALARMED)),
        Event::Lease | Event::Done | Event::Ambiguous | Event::Park | Event::Wake | Event::Redrive => None,
        Event::AnsweredAbsent | Event::AnsweredThere | Event::Discard => None,
    }
}

fn from_intent(event: Event) -> Next {
    match event {
        Event::Done => Some((State::Done, DELIVERED)),
        Event::Retry => Some((State::RetryWait, HELD)),
        Event::Ambiguous | Event::LeaseExpired => Some((State::Ambiguous, HELD)),
        Event::Park => Some((State::ParkedAmbiguous, PARKED)),
        Event::Wait(reason) => Some((State::Waiting(reason), HELD)),
        Event::Die => Some((State::Dead, ALARMED)),
        Event::Lease | Event::HandBack | Event::Unchanged | Event::Overtaken | Event::Skip | Event::Intend => None,
        Event::Wake | Event::Redrive | Event::AnsweredAbsent | Event::AnsweredThere | Event::Discard => None,
    }
}

fn from_ambiguous(event: Event) -> Next {
    match event {
        // The lease of an ambiguous message is for its probe: it stays ambiguous whatever becomes of the worker.
        Event::Lease | Event::LeaseExpired | Event::HandBack | Event::Ambiguous => Some((State::Ambiguous, HELD)),
        Event::Done => Some((State::Done, DELIVERED)),
        Event::Retry => Some((State::RetryWait, HELD)),
        Event::Park => Some((State::ParkedAmbiguous, PARKED)),
        Event::Unchanged | Event::Overtaken | Event::Skip | Event::Intend | Event::Wait(_) | Event::Wake => None,
        Event::Die | Event::Redrive | Event::AnsweredAbsent | Event::AnsweredThere | Event::Discard => None,
    }
}

fn from_retry_wait(event: Event) -> Next {
    match event {
        Event::Lease => Some((State::Leased, HELD)),
        Event::Overtaken => Some((State::Superseded, FREED)),
        Event::Wait(reason) => Some((State::Waiting(reason), HELD)),
        Event::Die => Some((State::Dead, ALARMED)),
        Event::LeaseExpired | Event::HandBack | Event::Unchanged | Event::Skip | Event::Intend | Event::Done => None,
        Event::Retry | Event::Ambiguous | Event::Park | Event::Wake | Event::Redrive => None,
        Event::AnsweredAbsent | Event::AnsweredThere | Event::Discard => None,
    }
}

fn from_waiting(reason: Reason, event: Event) -> Next {
    match event {
        // Only a dependency is asked for again by itself; a key and a connection wake what they hold.
        Event::Lease if reason == Reason::Dependency => Some((State::Leased, HELD)),
        Event::Wake => Some((State::Queued, HELD)),
        Event::Overtaken => Some((State::Superseded, FREED)),
        Event::Wait(reason) => Some((State::Waiting(reason), HELD)),
        Event::Die => Some((State::Dead, ALARMED)),
        Event::Lease | Event::LeaseExpired | Event::HandBack | Event::Unchanged | Event::Skip | Event::Intend => None,
        Event::Done | Event::Retry | Event::Ambiguous | Event::Park | Event::Redrive => None,
        Event::AnsweredAbsent | Event::AnsweredThere | Event::Discard => None,
    }
}

fn from_parked(event: Event) -> Next {
    match event {
        Event::Redrive => Some((State::Ambiguous, RENEWED)),
        Event::AnsweredAbsent => Some((State::Queued, RENEWED)),
        Event::AnsweredThere => Some((State::Done, DELIVERED)),
        Event::Discard => Some((State::Discarded, FREED)),
        Event::Lease | Event::LeaseExpired | Event::HandBack | Event::Unchanged | Event::Overtaken => None,
        Event::Skip | Event::Intend | Event::Done | Event::Retry | Event::Ambiguous | Event::Park => None,
        Event::Wait(_) | Event::Wake | Event::Die => None,
    }
}

fn from_dead(event: Event) -> Next {
    match event {
        Event::Redrive => Some((State::Queued, RENEWED)),
        Event::Discard => Some((State::Discarded, FREED)),
        Event::Overtaken => Some((State::Superseded, FREED)),
        Event::Lease | Event::LeaseExpired | Event::HandBack | Event::Unchanged => None,
        Event::Skip | Event::Intend | Event::Done | Event::Retry | Event::Ambiguous | Event::Park => None,
        Event::Wait(_) | Event::Wake | Event::Die | Event::AnsweredAbsent | Event::AnsweredThere => None,
    }
}

impl State {
    /// The state's name, as the store and reports spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Leased => "LEASED",
            Self::Intent => "INTENT",
            Self::Ambiguous => "AMBIGUOUS",
            Self::RetryWait => "RETRY_WAIT",
            Self::Waiting(_) => "WAITING",
            Self::ParkedAmbiguous => "PARKED_AMBIGUOUS",
            Self::Done => "DONE",
            Self::Noop => "NOOP",
            Self::Superseded => "SUPERSEDED",
            Self::Skipped => "SKIPPED",
            Self::Dead => "DEAD",
            Self::Discarded => "DISCARDED",
        }
    }

    /// The state of that name; a waiting one also needs its reason's name.
    #[must_use]
    pub fn from_names(name: &str, reason: Option<&str>) -> Option<Self> {
        let reason = reason.and_then(|reason| REASONS.into_iter().find(|known| known.name() == reason));
        STATES.into_iter().find(|state| {
            state.name() == name
                && match state {
                    Self::Waiting(known) => Some(*known) == reason,
                    Self::Queued | Self::Leased | Self::Intent | Self::Ambiguous | Self::RetryWait => true,
                    Self::ParkedAmbiguous | Self::Done | Self::Noop | Self::Superseded | Self::Skipped => true,
                    Self::Dead | Self::Discarded => true,
                }
        })
    }

    /// Does no event lead out of it, a person's decision included?
    #[must_use]
    pub fn is_final(self) -> bool {
        self.is_terminal() && self != Self::Dead
    }

    /// Has it ended (G1)? A dead or discarded one has; a parked one has not: a person must still answer it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Done | Self::Noop | Self::Superseded | Self::Skipped | Self::Dead | Self::Discarded => true,
            Self::Queued | Self::Leased | Self::Intent | Self::Ambiguous | Self::RetryWait => false,
            Self::Waiting(_) | Self::ParkedAmbiguous => false,
        }
    }
}

const REASONS: [Reason; 3] = [Reason::Dependency, Reason::ConnectionHalted, Reason::KeyBlocked];

impl Reason {
    /// The reason's name, as the store and reports spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dependency => "dependency",
            Self::ConnectionHalted => "connection_halted",
            Self::KeyBlocked => "key_blocked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each state takes, spelt out once more by hand: event and the state it leads to.
    fn allowed(state: State) -> Vec<(Event, State)> {
        use Event as E;
        use State as S;
        let waits = |list: &mut Vec<(Event, State)>| {
            for reason in REASONS {
                list.push((E::Wait(reason), S::Waiting(reason)));
            }
        };
        let mut list = match state {
            S::Queued | S::RetryWait => {
                vec![(E::Lease, S::Leased), (E::Overtaken, S::Superseded), (E::Die, S::Dead)]
            }
            S::Leased => vec![
                (E::LeaseExpired, S::Queued),
                (E::HandBack, S::Queued),
                (E::Unchanged, S::Noop),
                (E::Overtaken, S::Superseded),
                (E::Skip, S::Skipped),
                (E::Intend, S::Intent),
                (E::Retry, S::RetryWait),
                (E::Die, S::Dead),
            ],
            S::Intent => vec![
                (E::Done, S::Done),
                (E::Retry, S::RetryWait),
                (E::Ambiguous, S::Ambiguous),
                (E::LeaseExpired, S::Ambiguous),
                (E::Park, S::ParkedAmbiguous),
                (E::Die, S::Dead),
            ],
            S::Ambiguous => vec![
                (E::Lease, S::Ambiguous),
                (E::LeaseExpired, S::Ambiguous),
                (E::HandBack, S::Ambiguous),
                (E::Ambiguous, S::Ambiguous),
                (E::Done, S::Done),
                (E::Retry, S::RetryWait),
                (E::Park, S::ParkedAmbiguous),
            ],
            S::Waiting(reason) => {
                let mut list = vec![(E::Wake, S::Queued), (E::Overtaken, S::Superseded), (E::Die, S::Dead)];
                if reason == Reason::Dependency {
                    list.push((E::Lease, S::Leased));
                }
                list
            }
            S::ParkedAmbiguous => vec![
                (E::Redrive, S::Ambiguous),
                (E::AnsweredAbsent, S::Queued),
                (E::AnsweredThere, S::Done),
                (E::Discard, S::Discarded),
            ],
            S::Dead => {
                vec![(E::Redrive, S::Queued), (E::Discard, S::Discarded), (E::Overtaken, S::Superseded)]
            }
            S::Done | S::Noop | S::Superseded | S::Skipped | S::Discarded => vec![],
        };
        match state {
            S::Queued | S::Leased | S::Intent | S::RetryWait | S::Waiting(_) => waits(&mut list),
            S::Ambiguous | S::ParkedAmbiguous | S::Done | S::Noop => {}
            S::Superseded | S::Skipped | S::Dead | S::Discarded => {}
        }
        list
    }

    #[test]
    fn every_pair_of_state_and_event_is_decided() {
        for state in STATES {
            let allowed = allowed(state);
            for event in EVENTS {
                let expected = allowed.iter().find(|(known, _)| *known == event).map(|(_, next)| *next);
                match advance(state, event) {
                    Ok((next, _)) => assert_eq!(Some(next), expected, "{state:?} + {event:?}"),
                    Err(refused) => {
                        assert_eq!(None, expected, "{state:?} + {event:?} was refused");
                        assert_eq!((refused.state, refused.event), (state, event));
                    }
                }
            }
        }
    }

    #[test]
    fn dead_and_parked_always_alert_and_nothing_else_does() {
        for state in STATES {
            for event in EVENTS {
                if let Ok((next, effects)) = advance(state, event) {
                    let needs_person = matches!(next, State::Dead | State::ParkedAmbiguous);
                    assert_eq!(effects.alert, needs_person, "{state:?} + {event:?}");
                }
            }
        }
    }

    #[test]
    fn what_may_be_at_the_target_is_never_sent_again_without_an_answer() {
        for event in EVENTS {
            if let Ok((next, _)) = advance(State::Ambiguous, event) {
                assert!(!matches!(next, State::Queued | State::Leased | State::Dead), "AMBIGUOUS + {event:?}");
            }
            if let Ok((next, _)) = advance(State::ParkedAmbiguous, event) {
                assert!(next != State::Queued || event == Event::AnsweredAbsent, "PARKED + {event:?}");
            }
        }
    }

    #[test]
    fn the_next_write_follows_delivery_alone() {
        for state in STATES {
            for event in EVENTS {
                if let Ok((next, effects)) = advance(state, event) {
                    assert_eq!(effects.next_write, matches!(next, State::Done | State::Noop), "{state:?} + {event:?}");
                }
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        for state in STATES {
            let reason = match state {
                State::Waiting(reason) => Some(reason.name()),
                _ => None,
            };
            assert_eq!(State::from_names(state.name(), reason), Some(state));
        }
    }
}
