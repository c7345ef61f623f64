//! Records that are gone, at the source or at the target.
//!
//! In: a sweep that has ended, a delete that was delivered. Out: keys that the sweep did not meet; what is forgotten with
//! a target record, so that a record which comes back is a new one.

use super::super::sql::{Connection, params};

use super::step::MessageRow;
use super::{StoreError, Unseen, UnseenQuestion, micros};

/// The flow's records that were not met since the sweep began. They are counted with the first of them alone.
pub(super) fn unseen(tx: &Connection, question: &UnseenQuestion) -> Result<Unseen, StoreError> {
    let since = micros(question.since);
    let keys = tx
        .prepare_cached(
            "SELECT source_key FROM seen WHERE flow = ?1 AND gone = 0 AND last_at < ?2 AND source_key > coalesce(?3, '')
             ORDER BY source_key LIMIT ?4",
        )?
        .query_map(params![question.flow, since, question.after, question.limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if question.after.is_some() {
        return Ok(Unseen { keys, unseen: 0, known: 0 });
    }
    let (unseen, known) = tx
        .prepare_cached("SELECT count(*) FILTER (WHERE last_at < ?2), count(*) FROM seen WHERE flow = ?1 AND gone = 0")?
        .query_row(params![question.flow, since], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Unseen { keys, unseen, known })
}

/// Forgets what was known of a target record that a message has removed.
pub(super) fn forget(tx: &Connection, message: &MessageRow, target_key: Option<&str>) -> Result<(), StoreError> {
    let (system, entity) = &message.target;
    // `|| ''`: by their creates, never among all that the entity has.
    tx.prepare_cached(
        "DELETE FROM claims WHERE system || '' = ?1 AND entity || '' = ?2 AND create_key IN
           (SELECT m.create_key FROM records r JOIN messages m ON m.record_id = r.id
            WHERE r.flow = ?3 AND r.source_key = ?4 AND m.create_key IS NOT NULL)",
    )?
    .put(params![system, entity, message.flow, message.source_key])?;
    // Two statements: each leads to its links by an index of its own.
    tx.prepare_cached("DELETE FROM links WHERE system = ?1 AND entity = ?2 AND target_key = ?3")?
        .put(params![system, entity, target_key])?;
    tx.prepare_cached(
        "DELETE FROM links WHERE of_system = (SELECT system FROM records WHERE id = ?3)
           AND of_entity = (SELECT entity FROM records WHERE id = ?3) AND source_key = ?4 AND system = ?1 AND entity = ?2
           AND part = coalesce(?5, '')",
    )?
    .put(params![system, entity, message.record_id, message.source_key, message.part])?;
    tx.prepare_cached("DELETE FROM agreed WHERE system = ?1 AND entity = ?2 AND record_key = ?3")?
        .put(params![system, entity, target_key])?;
    Ok(())
}

/// Whatever a flow wrote of a record that is gone is no longer what the target holds.
pub(super) fn forget_written(tx: &Connection, message: &MessageRow) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM last_written WHERE flow = ?1 AND source_key = ?2")?
        .put([&message.flow, &message.source_key])?;
    Ok(())
}
