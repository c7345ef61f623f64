//! Halted connections, open circuits and the reading's own troubles.
//!
//! In: what the engine found out about a connection or a reading. Out: what waits is woken, an alert is raised or closed.

use super::super::sql::{Connection, params};

use super::alerts::{self, NewAlert};
use super::step::{self, Circumstances};
use super::{ConnectionChange, ReadingNote, StoreError, micros, order};
use crate::alert;
use crate::state::{Event, Reason, State};

/// Halts, delays or resumes a connection; opens or closes its circuit.
pub(super) fn change(tx: &Connection, change: &ConnectionChange) -> Result<(), StoreError> {
    match change {
        ConnectionChange::Halt { alias, fault, channel, flow, canary_at, now } => {
            let (now, canary_at) = (micros(*now), micros(*canary_at));
            tx.execute(
                "INSERT INTO connections (alias, halted_since, reason, canary_at, halted_flow, halted_code)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (alias) DO UPDATE SET reason = ?3,
                   canary_at = CASE WHEN connections.halted_since IS NULL THEN ?4 ELSE connections.canary_at END,
                   halted_flow = CASE WHEN connections.halted_since IS NULL THEN ?5 ELSE connections.halted_flow END,
                   halted_code = CASE WHEN connections.halted_since IS NULL THEN ?6 ELSE connections.halted_code END,
                   halted_since = coalesce(connections.halted_since, ?2)",
                params![alias, now, fault.message, canary_at, flow, fault.word()],
            )?;
            let text = alert::of_connection(alias, fault);
            tell(tx, alias, (&fault.cause, &text), channel.as_deref(), now)
        }
        ConnectionChange::StillHalted { alias, fault, canary_at } => {
            tx.execute(
                "UPDATE connections SET reason = ?2, canary_at = ?3 WHERE alias = ?1",
                params![alias, fault.message, micros(*canary_at)],
            )?;
            Ok(())
        }
        ConnectionChange::Open { alias, fault, failures, channel, until, now } => {
            let now = micros(*now);
            tx.execute(
                "INSERT INTO connections (alias, opened_at, open_until, open_reason) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (alias) DO UPDATE SET opened_at = coalesce(connections.opened_at, ?2), open_until = ?3, open_reason = ?4",
                params![alias, now, micros(*until), fault.message],
            )?;
            let text = format!(
                "the connection `{alias}` does not work: {failures} failures in a row, the last {}; one message at a time tries it, the others wait; see `status`",
                fault.cause
            );
            tell(tx, alias, (CIRCUIT, &text), channel.as_deref(), now)
        }
        ConnectionChange::Untried { alias, now } => {
            tx.execute(
                "UPDATE connections SET open_until = ?2 WHERE alias = ?1 AND opened_at IS NOT NULL",
                params![alias, micros(*now)],
            )?;
            Ok(())
        }
        ConnectionChange::Close { alias, now } => {
            tx.execute(
                "UPDATE connections SET opened_at = NULL, open_until = NULL, open_reason = NULL WHERE alias = ?1",
                [alias],
            )?;
            alerts::close(tx, &subject(alias), CIRCUIT, micros(*now))
        }
        ConnectionChange::Pause { alias, until } => {
            tx.execute(
                "INSERT INTO connections (alias, open_until) VALUES (?1, ?2)
                 ON CONFLICT (alias) DO UPDATE SET open_until =
                   CASE WHEN coalesce(connections.open_until, 0) > ?2 THEN connections.open_until ELSE ?2 END",
                params![alias, micros(*until)],
            )?;
            Ok(())
        }
        ConnectionChange::Resume { alias, now } => {
            let now = micros(*now);
            tx.execute(
                "UPDATE connections SET halted_since = NULL, canary_at = NULL, halted_flow = NULL, halted_code = NULL
                 WHERE alias = ?1",
                [alias],
            )?;
            wake_all(tx, alias, now)?;
            alerts::close_all_but(tx, &subject(alias), CIRCUIT, now)
        }
    }
}

/// The cause of an open circuit's alert.
const CIRCUIT: &str = "circuit open";

fn subject(alias: &str) -> String {
    format!("connection {alias}")
}

fn tell(
    tx: &Connection,
    alias: &str,
    (cause, text): (&str, &str),
    channel: Option<&str>,
    now: i64,
) -> Result<(), StoreError> {
    alerts::raise(tx, &NewAlert { subject: &subject(alias), channel, cause, text }, now)
}

fn wake_all(tx: &Connection, alias: &str, now: i64) -> Result<(), StoreError> {
    let waiting: Vec<i64> = tx
        .prepare("SELECT id FROM messages WHERE state = 'WAITING' AND reason = 'connection_halted' AND waits_for = ?1")?
        .query_map([alias], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in waiting {
        if let Some(message) = step::load(tx, id)?
            && message.state == State::Waiting(Reason::ConnectionHalted)
        {
            let due = order::quiet_until(tx, &message.order_key, (&message.target.0, &message.target.1), now)?;
            step::take(tx, &message, Event::Wake, &Circumstances { next_at: Some(due), ..Default::default() }, now)?;
        }
    }
    Ok(())
}

/// Notes how the reading of a flow went.
pub(super) fn note_reading(tx: &Connection, note: &ReadingNote) -> Result<(), StoreError> {
    let now = micros(note.now);
    tx.execute("INSERT OR IGNORE INTO tallies (flow) VALUES (?1)", [&note.flow])?;
    let subject = format!("reading {}", note.flow);
    match &note.fault {
        None => {
            tx.execute(
                "UPDATE tallies SET last_read_at = ?2, last_error = NULL WHERE flow = ?1",
                params![note.flow, now],
            )?;
            alerts::close_all(tx, &subject, now)
        }
        Some(fault) => {
            tx.execute("UPDATE tallies SET last_error = ?2 WHERE flow = ?1", params![note.flow, fault.message])?;
            let text = alert::of_reading(&note.flow, fault);
            let new =
                NewAlert { subject: &subject, channel: note.channel.as_deref(), cause: &fault.cause, text: &text };
            alerts::raise(tx, &new, now)
        }
    }
}
