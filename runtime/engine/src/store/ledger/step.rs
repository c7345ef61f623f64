//! One step of one message: asks the state machine, writes the new state and what it brings with it.
//!
//! In: a message's row and an event. Out: its new state, the key freed, the next write made, the alert in the outbox.
//! It never decides which event it is.

use super::super::sql::{Connection, LockSpace, OptionalExtension, Row, SqlError, Value, params};

use super::alerts::{self, NewAlert};
use super::{Fault, MessageId, NextWrite, StoreError, order};
use crate::alert;
use crate::keys;
use crate::state::{Event, State, advance};

/// What a step needs to know of a message.
#[derive(Clone, Debug)]
pub(super) struct MessageRow {
    pub(super) id: i64,
    pub(super) record_id: i64,
    pub(super) flow: String,
    pub(super) write_no: i64,
    pub(super) part: Option<String>,
    pub(super) source_key: String,
    pub(super) order_key: String,
    /// Target system and entity.
    pub(super) target: (String, String),
    pub(super) state: State,
    pub(super) fence: i64,
    /// Somebody holds it, or held it when the claim was over.
    pub(super) claimed: bool,
    /// Claims whose owner has not reported, the present one included.
    pub(super) deliveries: u32,
    pub(super) cause: Option<String>,
    pub(super) latest_wins: bool,
    pub(super) channel: Option<String>,
    /// The record is gone from the source.
    pub(super) gone: bool,
    /// When it is due, or its claim ends.
    pub(super) next_at: Option<i64>,
    pub(super) attempts: i64,
    pub(super) generation: i64,
    /// Nothing else of its key is open. INVARIANT: never true where the key is not locked, for then it may be so no longer.
    pub(super) only: bool,
}

/// Keeps others away from the sequence of a message's key, and reads its row: for whatever may end it or set it going.
pub(super) fn load_in_order(tx: &Connection, id: i64) -> Result<Option<MessageRow>, StoreError> {
    if tx.is_shared() {
        let key: Option<String> =
            tx.query_row("SELECT order_key FROM messages WHERE id = ?1", [id], |row| row.get(0)).optional()?;
        let Some(key) = key else { return Ok(None) };
        tx.lock(LockSpace::Order, &[&key])?;
    }
    load_locked(tx, id)
}

/// The columns of [`message_row`].
pub(super) const ROW: &str =
    "m.id, m.record_id, m.flow, m.write_no, m.part, m.source_key, m.order_key, m.state, m.reason, m.fence, m.cause, m.target_system,
     m.target_entity, coalesce(p.latest_wins, 0), p.channel, (SELECT r.gone FROM records r WHERE r.id = m.record_id),
     m.owner IS NOT NULL, m.deliveries, m.next_at, m.attempts, m.generation";

/// Reads the row of a message whose key is locked.
pub(super) fn load_locked(tx: &Connection, id: i64) -> Result<Option<MessageRow>, StoreError> {
    let sql = format!(
        "SELECT {ROW},
           NOT EXISTS (SELECT 1 FROM messages o WHERE o.order_key = m.order_key AND o.ended_at IS NULL AND o.id <> m.id)
         FROM messages m LEFT JOIN policies p ON p.flow = m.flow WHERE m.id = ?1 FOR UPDATE OF m"
    );
    let row = tx
        .prepare_cached(&sql)?
        .query_row([id], |row| Ok(MessageRow { only: row.get(21)?, ..message_row(row)? }))
        .optional()?;
    Ok(row)
}

/// Reads the row of a message and keeps it until the transaction ends.
pub(super) fn load(tx: &Connection, id: i64) -> Result<Option<MessageRow>, StoreError> {
    let sql =
        format!("SELECT {ROW} FROM messages m LEFT JOIN policies p ON p.flow = m.flow WHERE m.id = ?1 FOR UPDATE OF m");
    Ok(tx.prepare_cached(&sql)?.query_row([id], message_row).optional()?)
}

/// Reads the rows of messages and keeps them until the transaction ends.
pub(super) fn load_all(tx: &Connection, ids: &[i64]) -> Result<Vec<MessageRow>, StoreError> {
    let sql = format!(
        "SELECT {ROW} FROM messages m LEFT JOIN policies p ON p.flow = m.flow
         WHERE m.id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1)) FOR UPDATE OF m"
    );
    Ok(tx.prepare_cached(&sql)?.query_map([numbers(ids)], message_row)?.collect::<Result<_, _>>()?)
}

/// Numbers as a list that a statement takes.
pub(super) fn numbers(ids: &[i64]) -> String {
    let numbers: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(","))
}

fn message_row(row: &Row<'_>) -> Result<MessageRow, SqlError> {
    let state: String = row.get(7)?;
    let reason: Option<String> = row.get(8)?;
    Ok(MessageRow {
        id: row.get(0)?,
        record_id: row.get(1)?,
        flow: row.get(2)?,
        write_no: row.get(3)?,
        part: row.get(4)?,
        source_key: row.get(5)?,
        order_key: row.get(6)?,
        state: named_state(&state, reason.as_deref())?,
        fence: row.get(9)?,
        cause: row.get(10)?,
        target: (row.get(11)?, row.get(12)?),
        latest_wins: row.get(13)?,
        channel: row.get(14)?,
        gone: row.get::<_, Option<bool>>(15)?.unwrap_or_default(),
        claimed: row.get(16)?,
        deliveries: row.get(17)?,
        next_at: row.get(18)?,
        attempts: row.get(19)?,
        generation: row.get(20)?,
        only: false,
    })
}

/// The state behind its kept names.
pub(super) fn named_state(name: &str, reason: Option<&str>) -> Result<State, SqlError> {
    State::from_names(name, reason)
        .ok_or_else(|| SqlError::Column(format!("unknown state {name} {}", reason.unwrap_or(""))))
}

/// What comes with an event.
#[derive(Default)]
pub(super) struct Circumstances<'a> {
    /// When the message is due again.
    pub(super) next_at: Option<i64>,
    /// Why.
    pub(super) fault: Option<&'a Fault>,
    /// What it waits for: the alias of a connection.
    pub(super) waits_for: Option<&'a str>,
    /// The flow's next write.
    pub(super) next: Option<&'a NextWrite>,
    /// A later message of the key may take its place, if the flow wants the latest only and the new state allows it.
    pub(super) overtake: bool,
    /// Further columns that are written with the state, and their values from `?8` on.
    pub(super) also: (&'static str, Vec<Value<'a>>),
}

/// Takes one step and does what it brings with it.
pub(super) fn take(
    tx: &Connection,
    message: &MessageRow,
    event: Event,
    with: &Circumstances<'_>,
    now: i64,
) -> Result<State, StoreError> {
    let (state, effects) = advance(message.state, event)
        .map_err(|refused| StoreError::new(format!("message {}: {refused}", MessageId(message.id))))?;
    write_state(tx, message.id, state, with, now)?;
    if state.is_final() {
        count_ended(tx, message, state)?;
    }
    if let Some(fault) = with.fault {
        write_fault(tx, message.id, fault)?;
        if effects.alert {
            need_person(tx, message, fault, now)?;
        }
    }
    if effects.new_generation {
        tx.prepare_cached(
            "UPDATE messages SET generation = generation + 1, deliveries = 0, failures = 0, waits = 0, probes = 0,
                    first_attempt_at = NULL, waiting_since = NULL WHERE id = ?1",
        )?
        .put([message.id])?;
    }
    let mut only = message.only;
    if effects.next_write {
        match with.next {
            Some(next) if !order::has_open_parts(tx, message)? => {
                order::insert_next_write(tx, message, next, now)?;
                only = false;
            }
            Some(_) | None => {}
        }
    }
    // INVARIANT: an alert is closed in the transaction that ends the last message of its cause.
    if state.is_terminal()
        && !effects.alert
        && let Some(cause) = &message.cause
    {
        alerts::close_if_over(tx, &message.flow, cause, now)?;
    }
    // What may be at the target already is not overtaken: it must be asked for first.
    if with.overtake && message.latest_wins && advance(state, Event::Overtaken).is_ok() {
        // Whoever is overtaken frees the key. A dead one too: sent again later it would undo the newer state.
        let overtaken = order::overtake(tx, message.id, now, state)?;
        if overtaken != state {
            return Ok(overtaken);
        }
    }
    if effects.frees_key && !only {
        order::wake_next(tx, &message.order_key, now)?;
    }
    Ok(state)
}

fn write_state(tx: &Connection, id: i64, state: State, with: &Circumstances<'_>, now: i64) -> Result<(), StoreError> {
    let reason = match state {
        State::Waiting(reason) => Some(reason.name()),
        State::Queued | State::Leased | State::Intent | State::Ambiguous | State::RetryWait => None,
        State::ParkedAmbiguous | State::Done | State::Noop | State::Superseded | State::Skipped => None,
        State::Dead | State::Discarded => None,
    };
    // What has ended leaves every index of what is open.
    let ended = state.is_final().then_some(now);
    let (also, values) = &with.also;
    let sql = format!(
        "UPDATE messages SET state = ?2, reason = ?3, waits_for = ?4, next_at = ?5, changed_at = ?6, ended_at = coalesce(?7, ended_at),
                held_since = CASE WHEN ?3 IN ('key_blocked', 'connection_halted') THEN coalesce(held_since, ?6)
                                  WHEN ?2 IN ('LEASED', 'INTENT', 'AMBIGUOUS') THEN held_since END{also}
         WHERE id = ?1"
    );
    let name = state.name();
    let mut all = params![id, name, reason, with.waits_for, with.next_at, now, ended];
    all.0.extend_from_slice(values);
    tx.prepare_cached(&sql)?.put(all)?;
    Ok(())
}

/// What has ended is counted here, once and for ever.
fn count_ended(tx: &Connection, message: &MessageRow, state: State) -> Result<(), StoreError> {
    tx.add(
        "INSERT INTO ended (flow, write_no, state, shard, messages) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (flow, write_no, state, shard) DO UPDATE SET messages = ended.messages + ?5",
        params![message.flow, message.write_no, state.name(), tx.shard()],
        1,
    )?;
    Ok(())
}

fn write_fault(tx: &Connection, id: i64, fault: &Fault) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE messages SET class = ?2, status = ?3, code = ?4, message = ?5, rejections = ?6 WHERE id = ?1",
    )?
    .put(params![id, fault.class, fault.status, fault.code, fault.message, fault.rejections])?;
    Ok(())
}

/// The cause of a letter and its alert. INVARIANT: without values and without numbers of records, so that many records
/// with one thing wrong are one cause; what the spec rejects is told apart by its lines alone.
fn need_person(tx: &Connection, message: &MessageRow, fault: &Fault, now: i64) -> Result<(), StoreError> {
    let cause = match fault.rejections {
        Some(_) => fault.cause.clone(),
        None => format!("{}/{}: {}", message.flow, message.write_no.saturating_add(1), fault.cause),
    };
    let cause = bounded(cause);
    alerts::lock(tx, &message.flow, &cause)?;
    change_cause(tx, message, &cause, now)?;
    let text = alert::of_letters(fault, &cause);
    let new = NewAlert { subject: &message.flow, channel: message.channel.as_deref(), cause: &cause, text: &text };
    alerts::raise(tx, &new, now)
}

/// A cause that is rejected by very many lines is told apart by a digest of what is left out.
fn bounded(cause: String) -> String {
    const LENGTH_MAX: usize = 600;
    if cause.len() <= LENGTH_MAX {
        return cause;
    }
    let end = cause.floor_char_boundary(LENGTH_MAX);
    let (head, _) = cause.split_at(end);
    format!("{head}... ({})", keys::digest(&[&cause]))
}

/// The cause is that of the last time a person was needed; the alert of an older one closes with its last message.
fn change_cause(tx: &Connection, message: &MessageRow, cause: &str, now: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE messages SET cause = ?2 WHERE id = ?1")?.put(params![message.id, cause])?;
    match &message.cause {
        Some(old) if old != cause => alerts::close_if_over(tx, &message.flow, old, now),
        Some(_) | None => Ok(()),
    }
}
