//! The order of messages within one key.
//!
//! INVARIANT: of the unfinished messages of one key at most one is not WAITING(key blocked): the first by (record,
//! write, part). Whoever ends it wakes the next in the same transaction. One that is to change what is not there gives way
//! to one of another flow, which may make it; each flow's own messages keep their order.

use std::collections::HashSet;

use super::super::sql::{Connection, OptionalExtension, params};

use super::step::{self, Circumstances, MessageRow};
use super::{NextWrite, StoreError};
use crate::state::{Event, Reason, State};

/// States of a message that may be worked on or is being worked on.
pub(super) const ACTIVE: &str = "(m.state IN ('QUEUED','LEASED','INTENT','AMBIGUOUS','RETRY_WAIT','PARKED_AMBIGUOUS')
     OR (m.state = 'WAITING' AND m.reason <> 'key_blocked'))";

/// A dead one whose write may be at the target holds back the end of its record, and a record that comes back: see
/// [`may_be_overtaken`].
pub(super) const UNPROVEN_BEFORE: &str =
    "(m.quiet_until IS NOT NULL AND (SELECT r.gone FROM records r WHERE r.id = m.record_id)
       <> (SELECT r.gone FROM records r WHERE r.id = ?2))";

/// Must a message of this key and record wait for another one?
pub(super) fn is_blocked(tx: &Connection, order_key: &str, record_id: i64, me: i64) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT 1 FROM messages m LEFT JOIN policies p ON p.flow = m.flow
         WHERE m.order_key = ?1 AND m.ended_at IS NULL AND m.id <> ?3 AND ({ACTIVE}
           OR (m.record_id < ?2 AND m.state = 'WAITING')
           OR (m.record_id < ?2 AND m.state = 'DEAD' AND (coalesce(p.latest_wins, 0) = 0 OR {UNPROVEN_BEFORE}))) LIMIT 1"
    );
    let found: Option<i64> =
        tx.prepare_cached(&sql)?.query_row(params![order_key, record_id, me], |row| row.get(0)).optional()?;
    Ok(found.is_some())
}

/// From when on another state of this record may be sent: not before a lost one can no longer take effect. INVARIANT:
/// this holds although the lost one was proved since, for its first sending may still be on its way.
pub(super) fn quiet_until(tx: &Connection, order_key: &str, target: (&str, &str), now: i64) -> Result<i64, StoreError> {
    let quiet: Option<i64> = tx
        .prepare_cached(
            "SELECT max(quiet_until) FROM messages
             WHERE order_key = ?1 AND target_system = ?2 AND target_entity = ?3 AND quiet_until IS NOT NULL",
        )?
        .query_row(params![order_key, target.0, target.1], |row| row.get(0))?;
    Ok(quiet.map_or(now, |quiet| quiet.max(now)))
}

/// Wakes the first unfinished message of the key, if it is blocked by nothing but its place.
pub(super) fn wake_next(tx: &Connection, order_key: &str, now: i64) -> Result<(), StoreError> {
    let next: Option<i64> = tx
        .prepare_cached(
            "SELECT m.id FROM messages m LEFT JOIN policies p ON p.flow = m.flow
             WHERE m.order_key = ?1 AND m.ended_at IS NULL
               AND NOT (m.state = 'DEAD' AND coalesce(p.latest_wins, 0) = 1)
             ORDER BY m.record_id, m.write_no, m.part LIMIT 1",
        )?
        .query_row([order_key], |row| row.get(0))
        .optional()?;
    let Some(id) = next else { return Ok(()) };
    let Some(message) = step::load(tx, id)? else { return Ok(()) };
    if message.state == State::Waiting(Reason::KeyBlocked) && !is_blocked(tx, order_key, message.record_id, id)? {
        let_go(tx, &message, now)?;
    }
    Ok(())
}

/// It is this message's turn.
pub(super) fn let_go(tx: &Connection, message: &MessageRow, now: i64) -> Result<(), StoreError> {
    let due = quiet_until(tx, &message.order_key, (&message.target.0, &message.target.1), now)?;
    step::take(tx, message, Event::Wake, &Circumstances { next_at: Some(due), ..Default::default() }, now)?;
    Ok(())
}

/// The message of another flow that is held up by this one alone: the first of its flow. INVARIANT: one that has waited
/// already is none, or two that wait for one record would give way to each other for ever.
pub(super) fn may_go_first(tx: &Connection, message: &MessageRow) -> Result<Option<MessageRow>, StoreError> {
    if message.only {
        return Ok(None);
    }
    let id: Option<i64> = tx
        .prepare_cached(
            "SELECT m.id FROM messages m
             WHERE m.order_key = ?1 AND m.ended_at IS NULL AND m.flow || '' <> ?2
               AND m.state = 'WAITING' AND m.reason = 'key_blocked' AND m.waiting_since IS NULL
               AND NOT EXISTS (
                 SELECT 1 FROM messages o LEFT JOIN policies p ON p.flow = o.flow
                 WHERE o.order_key = m.order_key AND o.ended_at IS NULL AND o.record_id < m.record_id
                   AND CASE WHEN o.state = 'DEAD' THEN coalesce(p.latest_wins, 0) = 0 OR o.quiet_until IS NOT NULL
                            ELSE o.flow = m.flow END)
             ORDER BY m.record_id, m.write_no, m.part LIMIT 1",
        )?
        .query_row([&message.order_key, &message.flow], |row| row.get(0))
        .optional()?;
    id.map_or(Ok(None), |id| step::load(tx, id))
}

/// A message has to wait: another flow's that waits for a record looks again, for it may be this one that makes it.
pub(super) fn hurry(tx: &Connection, order_key: &str, flow: &str, now: i64) -> Result<(), StoreError> {
    let waiting: Vec<i64> = tx
        .prepare_cached(
            "SELECT id FROM messages WHERE order_key = ?1 AND ended_at IS NULL AND flow || '' <> ?2
               AND state = 'WAITING' AND reason = 'dependency'",
        )?
        .query_map([order_key, flow], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in waiting {
        // On a shared store a worker may have claimed it meanwhile.
        if let Some(message) = step::load(tx, id)?
            && message.state == State::Waiting(Reason::Dependency)
        {
            let_go(tx, &message, now)?;
        }
    }
    Ok(())
}

/// Does another part of the same record and write still wait to be written?
pub(super) fn has_open_parts(tx: &Connection, message: &MessageRow) -> Result<bool, StoreError> {
    if message.part.is_none() {
        return Ok(false);
    }
    let found: Option<i64> = tx
        .prepare_cached(
            "SELECT 1 FROM messages WHERE record_id = ?1 AND write_no = ?2 AND id <> ?3
               AND ended_at IS NULL LIMIT 1",
        )?
        .query_row(params![message.record_id, message.write_no, message.id], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}

/// A new message of the flow, ready.
pub(super) struct NewMessage<'a> {
    pub(super) record_id: i64,
    pub(super) flow: &'a str,
    pub(super) write_no: i64,
    pub(super) part: Option<&'a str>,
    pub(super) source_key: &'a str,
    pub(super) target: (&'a str, &'a str),
    pub(super) order_key: &'a str,
}

/// Of these keys those that may hold a new message up.
pub(super) fn busy(tx: &Connection, keys: &[String]) -> Result<HashSet<String>, StoreError> {
    let list = serde_json::to_string(keys).map_err(|error| StoreError::new(error.to_string()))?;
    let busy = tx
        .prepare_cached(
            "SELECT coalesce(
               (SELECT m.order_key FROM messages m WHERE m.order_key = value AND m.ended_at IS NULL LIMIT 1),
               (SELECT m.order_key FROM messages m WHERE m.order_key = value AND m.quiet_until IS NOT NULL LIMIT 1))
             FROM json_each(?1)",
        )?
        .query_map([list], |row| row.get(0))?
        .collect::<Result<Vec<Option<String>>, _>>()?;
    Ok(busy.into_iter().flatten().collect())
}

/// Inserts a message, ready or blocked by its key, and counts it.
pub(super) fn insert(tx: &Connection, new: &NewMessage<'_>, now: i64) -> Result<i64, StoreError> {
    count_accepted(tx, new.flow, 1)?;
    let blocked = is_blocked(tx, new.order_key, new.record_id, -1)?;
    let (state, reason, due) = if blocked {
        hurry(tx, new.order_key, new.flow, now)?;
        ("WAITING", Some(Reason::KeyBlocked.name()), None)
    } else {
        ("QUEUED", None, Some(quiet_until(tx, new.order_key, new.target, now)?))
    };
    let id = tx.prepare_cached(
        "INSERT INTO messages (record_id, flow, write_no, part, source_key, target_system, target_entity, order_key,
                               state, reason, next_at, created_at, changed_at, held_since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, CASE WHEN ?10 IS NOT NULL THEN ?12 END) RETURNING id",
    )?
    .query_row(params![
        new.record_id,
        new.flow,
        new.write_no,
        new.part,
        new.source_key,
        new.target.0,
        new.target.1,
        new.order_key,
        state,
        reason,
        due,
        now
    ], |row| row.get(0))?;
    Ok(id)
}

/// Inserts a first write's message for each of these records, whose keys are not busy: they are ready, and older ones of their keys
/// have ended. The caller counts them.
pub(super) fn insert_free(
    tx: &Connection,
    target: &(String, String),
    records: &[(i64, String)],
    now: i64,
) -> Result<(), StoreError> {
    // A number of twenty digits, a blank, a key.
    let records: Vec<String> = records.iter().map(|(id, order_key)| format!("{id:020} {order_key}")).collect();
    let list = serde_json::to_string(&records).map_err(|error| StoreError::new(error.to_string()))?;
    tx.prepare_cached(
        "INSERT INTO messages (record_id, flow, write_no, source_key, target_system, target_entity, order_key,
                               state, next_at, created_at, changed_at)
         SELECT r.id, r.flow, 0, r.source_key, ?2, ?3, substr(value, 22), 'QUEUED', ?4, ?4, ?4
         FROM json_each(?1) JOIN records r ON r.id = CAST(substr(value, 1, 20) AS BIGINT)",
    )?
    .put(params![list, target.0, target.1, now])?;
    Ok(())
}

/// Counts new messages.
pub(super) fn count_accepted(tx: &Connection, flow: &str, messages: i64) -> Result<(), StoreError> {
    tx.add(
        "INSERT INTO accepted (flow, shard, messages) VALUES (?1, ?2, ?3)
         ON CONFLICT (flow, shard) DO UPDATE SET messages = accepted.messages + ?3",
        params![flow, tx.shard()],
        messages,
    )?;
    Ok(())
}

/// The flow's next write becomes a message of its own.
pub(super) fn insert_next_write(
    tx: &Connection,
    message: &MessageRow,
    next: &NextWrite,
    now: i64,
) -> Result<(), StoreError> {
    let new = NewMessage {
        record_id: message.record_id,
        flow: &message.flow,
        write_no: i64::try_from(next.write).unwrap_or(i64::MAX),
        part: None,
        source_key: &message.source_key,
        target: (&next.target.0, &next.target.1),
        order_key: &message.order_key,
    };
    insert(tx, &new, now)?;
    Ok(())
}

/// `latest wins`: when a newer state of the record waits, the older one ends and the newest goes on.
pub(super) fn overtake(tx: &Connection, id: i64, now: i64, state: State) -> Result<State, StoreError> {
    let Some(message) = step::load(tx, id)? else { return Ok(state) };
    let newer: Option<(i64, bool)> = tx
        .prepare_cached(
            "SELECT m.id, r.gone FROM records r JOIN messages m ON m.record_id = r.id
             WHERE r.flow = ?1 AND r.source_key = ?2 AND r.id > ?3 AND m.order_key = ?4 ORDER BY r.id DESC, m.id LIMIT 1",
        )?
        .query_row(params![message.flow, message.source_key, message.record_id, message.order_key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    match newer {
        Some((newer, gone)) if may_be_overtaken(tx, &message, gone)? => supersede(tx, &message, newer, now),
        Some(_) | None => Ok(state),
    }
}

/// A write that may be at the target although nothing proves it, dead or not, makes way for a newer one that writes over it;
/// not for the end of its record, which removes what is known to be there, nor for a record that comes back, which leaves
/// alone what is.
pub(super) fn may_be_overtaken(tx: &Connection, older: &MessageRow, newer_gone: bool) -> Result<bool, StoreError> {
    if older.gone == newer_gone {
        return Ok(true);
    }
    let unproven: Option<i64> =
        tx.prepare_cached("SELECT quiet_until FROM messages WHERE id = ?1")?.query_row([older.id], |row| row.get(0))?;
    Ok(unproven.is_none())
}

/// Ends a message in favour of a newer one.
pub(super) fn supersede(tx: &Connection, message: &MessageRow, newer: i64, now: i64) -> Result<State, StoreError> {
    tx.prepare_cached("UPDATE messages SET superseded_by = ?2 WHERE id = ?1")?.put([message.id, newer])?;
    // What may be at the target of the older one is the newer one's matter from now on.
    tx.prepare_cached(
        "UPDATE messages SET quiet_until = coalesce(quiet_until, (SELECT o.quiet_until FROM messages o WHERE o.id = ?2))
         WHERE id = ?1",
    )?
    .put([newer, message.id])?;
    step::take(tx, message, Event::Overtaken, &Circumstances::default(), now)
}
