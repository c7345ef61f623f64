//! The outbox of alerts: raised, counted and closed in the transaction of what they tell of.
//!
//! In: texts without values. Out: rows that are due to be sent. An alert without a channel is kept and shown, never sent.

use super::super::sql::{Connection, LockSpace, OptionalExtension, Params, params};

use super::{AlertSent, StoreError, at, micros};
use crate::alert::{Alert, AlertState};

/// What is told to a channel about a subject.
pub(super) struct NewAlert<'a> {
    pub(super) subject: &'a str,
    pub(super) channel: Option<&'a str>,
    pub(super) cause: &'a str,
    /// Holds no value of a record.
    pub(super) text: &'a str,
}

/// Raises an alert or counts one more on the open one of the same cause.
pub(super) fn raise(tx: &Connection, new: &NewAlert<'_>, now: i64) -> Result<(), StoreError> {
    let channel = new.channel.unwrap_or("");
    let due = (!channel.is_empty()).then_some(now);
    tx.prepare_cached(
        "INSERT INTO alerts (subject, channel, cause, message, count, first_at, last_at, closed, next_at)
         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, 0, ?6)
         ON CONFLICT (subject, channel, cause) WHERE closed = 0
         DO UPDATE SET count = alerts.count + 1, last_at = ?5, message = ?4",
    )?
    .put(params![new.subject, channel, new.cause, new.text, now, due])?;
    Ok(())
}

/// Of two that end the last messages of one cause at the same time, one must see the other's.
pub(super) fn lock(tx: &Connection, subject: &str, cause: &str) -> Result<(), StoreError> {
    Ok(tx.lock(LockSpace::Cause, &[&format!("{subject} {cause}")])?)
}

/// Closes the alert of a cause when no message of that cause needs a person or is on its way any more.
pub(super) fn close_if_over(tx: &Connection, subject: &str, cause: &str, now: i64) -> Result<(), StoreError> {
    lock(tx, subject, cause)?;
    let left: Option<i64> = tx
        .prepare_cached("SELECT 1 FROM messages WHERE flow = ?1 AND cause = ?2 AND ended_at IS NULL LIMIT 1")?
        .query_row([subject, cause], |row| row.get(0))
        .optional()?;
    match left {
        Some(_) => Ok(()),
        None => close(tx, subject, cause, now),
    }
}

/// Closes the alert of a cause.
pub(super) fn close(tx: &Connection, subject: &str, cause: &str, now: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE alerts SET closed = 1, last_at = ?3, message = 'over: ' || message,
                next_at = CASE WHEN channel = '' THEN NULL ELSE ?3 END
         WHERE subject = ?1 AND cause = ?2 AND closed = 0",
    )?
    .put(params![subject, cause, now])?;
    Ok(())
}

/// Closes every alert of a subject.
pub(super) fn close_all(tx: &Connection, subject: &str, now: i64) -> Result<(), StoreError> {
    close_all_but(tx, subject, "", now)
}

/// Closes every alert of a subject but that of one cause.
pub(super) fn close_all_but(tx: &Connection, subject: &str, spared: &str, now: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE alerts SET closed = 1, last_at = ?2, message = 'over: ' || message,
                next_at = CASE WHEN channel = '' THEN NULL ELSE ?2 END
         WHERE subject = ?1 AND cause <> ?3 AND closed = 0",
    )?
    .put(params![subject, now, spared])?;
    Ok(())
}

/// Alerts that are to be sent now: new ones, grown ones whose repeat is due, closed ones that were told as open.
pub(super) fn due(tx: &Connection, now: jiff::Timestamp, limit: u32) -> Result<Vec<Alert>, StoreError> {
    select(tx, DUE, params![micros(now), limit])
}

/// Alerts that are open or not yet told, for the status.
pub(super) fn open(tx: &Connection) -> Result<Vec<Alert>, StoreError> {
    select(tx, OPEN, [])
}

pub(super) const DUE: &str =
    "WHERE next_at <= ?1 AND (count > told OR closed > told_closed) ORDER BY next_at, id LIMIT ?2";
pub(super) const OPEN: &str = "WHERE closed = 0 OR next_at IS NOT NULL ORDER BY id";

fn select(tx: &Connection, condition: &str, parameters: impl Params) -> Result<Vec<Alert>, StoreError> {
    let sql = format!(
        "SELECT id, subject, channel, cause, message, count, first_at, last_at, closed, error, failures FROM alerts {condition}"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let rows = statement.query_map(parameters, |row| {
        let closed: bool = row.get(8)?;
        Ok(Alert {
            id: row.get(0)?,
            subject: row.get(1)?,
            channel: row.get(2)?,
            cause: row.get(3)?,
            message: row.get(4)?,
            count: row.get(5)?,
            first_at: at(row.get(6)?),
            last_at: at(row.get(7)?),
            state: if closed { AlertState::Closed } else { AlertState::Open },
            channel_error: row.get(9)?,
            failures: row.get(10)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes what became of sending an alert.
pub(super) fn sent(tx: &Connection, sent: &AlertSent) -> Result<(), StoreError> {
    let again = micros(crate::clock::later(sent.now, sent.again_in));
    match &sent.error {
        Some(error) => tx.execute(
            "UPDATE alerts SET failures = failures + 1, error = ?2, next_at = ?3 WHERE id = ?1",
            params![sent.id, error, again],
        )?,
        // An alert that was closed while it was told as open is due at once; an open one when its repeat is.
        None => tx.execute(
            "UPDATE alerts SET failures = 0, error = NULL, told = ?2, told_closed = ?3,
                    next_at = CASE WHEN closed = 0 THEN CAST(?4 AS BIGINT) WHEN ?3 = 1 THEN NULL ELSE CAST(?5 AS BIGINT) END WHERE id = ?1",
            params![sent.id, sent.count, sent.closed, again, micros(sent.now)],
        )?,
    };
    Ok(())
}
