//! Lanes: the messages of one flow for one target, in the order of their turns.
//!
//! In: nothing. Out: which lanes there are, and when the first of each is due. INVARIANT: it costs a few look-ups for each
//! lane, however many messages wait, so that a lane whose connection is halted holds up no other.

use super::super::sql::{Connection, params};

use super::StoreError;

/// A flow's messages for one target system that have a turn.
pub(super) struct Lane {
    pub(super) flow: String,
    pub(super) system: String,
    /// When the first of them is due.
    pub(super) first_at: i64,
}

/// Every lane, the one that has been due for longest first.
pub(super) fn all(tx: &Connection) -> Result<Vec<Lane>, StoreError> {
    let mut lanes: Vec<Lane> = tx
        .prepare_cached(
            "WITH RECURSIVE lane (flow, system) AS (
               SELECT t.flow, (SELECT m.target_system FROM messages m WHERE m.flow = t.flow AND m.next_at IS NOT NULL
                               ORDER BY m.target_system LIMIT 1)
               FROM tallies t
               UNION ALL
               SELECT l.flow, (SELECT m.target_system FROM messages m
                               WHERE m.flow = l.flow AND m.target_system > l.system AND m.next_at IS NOT NULL
                               ORDER BY m.target_system LIMIT 1)
               FROM lane l WHERE l.system IS NOT NULL)
             SELECT flow, system, (SELECT m.next_at FROM messages m
                                   WHERE m.flow = lane.flow AND m.target_system = lane.system AND m.next_at IS NOT NULL
                                   ORDER BY m.next_at LIMIT 1)
             FROM lane WHERE system IS NOT NULL",
        )?
        .query_map([], |row| Ok(Lane { flow: row.get(0)?, system: row.get(1)?, first_at: row.get(2)? }))?
        .collect::<Result<_, _>>()?;
    lanes.sort_by(|one, other| {
        (one.first_at, &one.flow, &one.system).cmp(&(other.first_at, &other.flow, &other.system))
    });
    Ok(lanes)
}

/// The first due messages of a lane; what another process holds is passed over.
pub(super) fn due(tx: &Connection, lane: &Lane, due_by: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
    let due = tx
        .prepare_cached(
            "SELECT id FROM messages WHERE flow = ?1 AND target_system = ?2 AND next_at <= ?3
             ORDER BY next_at, id LIMIT ?4 FOR UPDATE SKIP LOCKED",
        )?
        .query_map(params![lane.flow, lane.system, due_by, i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(due)
}
