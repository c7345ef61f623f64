//! Halted connections and the reading's own troubles.
//!
//! In: what the engine found out about a connection or a reading. Out: what waits is woken, an alert is raised or closed.

use rusqlite::{Connection, params};

use super::step::{self, Circumstances};
use super::{ConnectionChange, ReadingNote, StoreError, alerts, micros};
use crate::state::{Event, Reason, State};

/// Halts, delays or resumes a connection.
pub(super) fn change(tx: &Connection, change: &ConnectionChange) -> Result<(), StoreError> {
    match change {
        ConnectionChange::Halt { alias, fault, channel, canary_at, now } => {
            let now = micros(*now);
            tx.execute(
                "INSERT INTO connections (alias, halted_since, reason, canary_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (alias) DO UPDATE SET halted_since = coalesce(halted_since, ?2), reason = ?3,
                   canary_at = CASE WHEN halted_since IS NULL THEN ?4 ELSE canary_at END",
                params![alias, now, fault.message, micros(*canary_at)],
            )?;
            alerts::raise(tx, &format!("connection {alias}"), channel.as_deref(), fault, now)
        }
        ConnectionChange::StillHalted { alias, fault, canary_at } => {
            tx.execute(
                "UPDATE connections SET reason = ?2, canary_at = ?3 WHERE alias = ?1",
                params![alias, fault.message, micros(*canary_at)],
            )?;
            Ok(())
        }
        ConnectionChange::Resume { alias, now } => {
            let now = micros(*now);
            tx.execute("UPDATE connections SET halted_since = NULL, canary_at = NULL WHERE alias = ?1", [alias])?;
            wake_all(tx, alias, now)?;
            alerts::close_all(tx, &format!("connection {alias}"), now)
        }
    }
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
            step::take(tx, &message, Event::Wake, &Circumstances { next_at: Some(now), ..Default::default() }, now)?;
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
            alerts::raise(tx, &subject, note.channel.as_deref(), fault, now)
        }
    }
}
