//! What no message's own turn finds: time that is spent, and flows that are silent.
//!
//! In: limits and the time. Out: dead letters with their alerts, the alert of a silent flow. It never looks at a record.

use super::super::sql::{Connection, OptionalExtension, params};

use super::alerts::{self, NewAlert};
use super::step::{self, Circumstances};
use super::{Fault, SilenceCheck, StoreError, Sweep, micros};
use crate::clock::earlier;
use crate::state::{Event, Reason, State};

/// Ends what has waited or was tried for too long.
pub(super) fn sweep(tx: &Connection, sweep: &Sweep) -> Result<u64, StoreError> {
    let now = micros(sweep.now);
    let waiting_before = micros(earlier(sweep.now, sweep.wait_max));
    let mut ended = 0;
    for (flow, retry_max) in &sweep.flows {
        let tried_before = micros(earlier(sweep.now, *retry_max));
        // A message that has a turn of its own is told apart by `next_at`: its turn comes first, and decides.
        let spent: Vec<i64> = tx
            .prepare_cached(
                "SELECT id FROM messages WHERE held_since <= ?2 AND flow = ?1 AND state = 'WAITING'
                 UNION ALL
                 SELECT id FROM messages WHERE flow = ?1 AND state = 'WAITING' AND waiting_since <= ?2 AND next_at <= ?4
                 UNION ALL
                 SELECT id FROM messages WHERE flow = ?1 AND state = 'RETRY_WAIT' AND first_attempt_at < ?3 AND next_at <= ?4
                 LIMIT ?5",
            )?
            .query_map(params![flow, waiting_before, tried_before, now, sweep.limit], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in spent {
            let Some(message) = step::load_in_order(tx, id)? else { continue };
            let Some(fault) = spent_fault(message.state) else { continue };
            let with = Circumstances { fault: Some(&fault), overtake: true, ..Default::default() };
            step::take(tx, &message, Event::Die, &with, now)?;
            ended += 1;
        }
    }
    Ok(ended)
}

fn spent_fault(state: State) -> Option<Fault> {
    let (word, message) = match state {
        State::Waiting(Reason::Dependency) => ("dependency", "the record that it waited for never came"),
        State::Waiting(Reason::ConnectionHalted) => {
            ("connection", "the connection that it waited for was not set going again")
        }
        State::Waiting(Reason::KeyBlocked) => ("key", "an earlier record of the same key never came to its end"),
        State::RetryWait => ("retry", "it was tried for as long as its flow allows"),
        State::Queued | State::Leased | State::Intent | State::Ambiguous | State::ParkedAmbiguous => return None,
        State::Done | State::Noop | State::Superseded | State::Skipped | State::Dead | State::Discarded => return None,
    };
    let fault = Fault::own("expired", format!("its time is spent: {message}; mend that, then retry"));
    Some(Fault { cause: format!("expired {word}"), ..fault })
}

/// Raises the alert of a flow to which nothing new came for so long.
pub(super) fn silence(tx: &Connection, check: &SilenceCheck) -> Result<bool, StoreError> {
    let now = micros(check.now);
    let since: Option<(Option<i64>, Option<i64>)> = tx
        .prepare_cached("SELECT coalesce(last_new_at, watched_since), silent_since FROM tallies WHERE flow = ?1")?
        .query_row([&check.flow], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((Some(since), told)) = since else { return Ok(false) };
    if since > micros(earlier(check.now, check.span)) {
        return Ok(false);
    }
    if told.is_none() {
        tx.prepare_cached("UPDATE tallies SET silent_since = ?2 WHERE flow = ?1")?
            .execute(params![check.flow, since])?;
        let text = format!(
            "the flow `{}` has read no new record since {} (its limit is {}): look whether its source still works; see `status`",
            check.flow,
            super::at(since).strftime("%Y-%m-%d %H:%M UTC"),
            span_words(check.span.as_secs())
        );
        let subject = subject(&check.flow);
        let new = NewAlert { subject: &subject, channel: Some(&check.channel), cause: "silence", text: &text };
        alerts::raise(tx, &new, now)?;
    }
    Ok(true)
}

/// Something new came: the flow is not silent.
pub(super) fn heard(tx: &Connection, flow: &str, now: i64) -> Result<(), StoreError> {
    let silent: Option<i64> = tx
        .prepare_cached("SELECT silent_since FROM tallies WHERE flow = ?1")?
        .query_row([flow], |row| row.get(0))
        .optional()?
        .flatten();
    tx.prepare_cached("UPDATE tallies SET last_new_at = ?2, silent_since = NULL WHERE flow = ?1")?
        .execute(params![flow, now])?;
    if silent.is_some() {
        alerts::close_all(tx, &subject(flow), now)?;
    }
    Ok(())
}

fn subject(flow: &str) -> String {
    format!("silence of {flow}")
}

fn span_words(seconds: u64) -> String {
    match seconds {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
