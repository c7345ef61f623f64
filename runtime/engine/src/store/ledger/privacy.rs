//! What is delivered once more, what is no longer kept, and what a person has the right to see erased.
//!
//! In: keys, times, an operator's words. Out: messages, or rows that are gone for good. INVARIANT: only what is finished is
//! removed, and what was delivered is known for ever (links, claims, hashes), so that nothing is written twice because of it.

use super::super::sql::{Connection, LockSpace, params};

use super::order::{self, NewMessage};
use super::{Forget, Forgotten, MessageId, Purge, PurgeMark, Purged, Replay, Replayed, StoreError, micros};
use crate::keys;

/// Delivers the newest content of a record once more.
pub(super) fn replay(tx: &Connection, replay: &Replay) -> Result<Replayed, StoreError> {
    let now = micros(replay.now);
    let kept = records(tx, &replay.flow, &replay.source_key)?;
    let Some(record) = kept.last() else { return Ok(Replayed::Unknown) };
    if let Some(open) = open(tx, &kept)?.first() {
        return Ok(Replayed::UnderWay(*open));
    }
    let (gone, erased): (bool, bool) =
        tx.query_row("SELECT gone, body = '' FROM records WHERE id = ?1", [record], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if erased {
        return Ok(Replayed::Unknown);
    }
    let (write_no, target) = match (&replay.on_gone, gone) {
        (Some(first), true) => (i64::try_from(first.write).unwrap_or(i64::MAX), &first.target),
        (None, true) => return Ok(Replayed::Unknown),
        (_, false) => (0, &replay.target),
    };
    // What was last written is forgotten, or the replay would end as a change of nothing.
    tx.execute("DELETE FROM last_written WHERE flow = ?1 AND source_key = ?2", [&replay.flow, &replay.source_key])?;
    let capture_key = keys::digest(&["replay", &record.to_string(), &now.to_string()]);
    let record_id: i64 = tx.query_row(
        "INSERT INTO records
           (flow, pass, system, entity, source_key, capture_key, stamp, hash, body, captured_at, gone)
         SELECT flow, 'replay', system, entity, source_key, ?2, stamp, hash,
           coalesce((SELECT e.body FROM edits e WHERE e.record_id = records.id ORDER BY e.n DESC LIMIT 1), body),
           captured_at, gone FROM records WHERE id = ?1 RETURNING id",
        params![record, capture_key],
        |row| row.get(0),
    )?;
    let (system, entity): (String, String) =
        tx.query_row("SELECT system, entity FROM records WHERE id = ?1", [record_id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let order_key = keys::order_key((&system, &entity), &replay.source_key, (&target.0, &target.1));
    tx.lock(LockSpace::Order, &[&order_key])?;
    let new = NewMessage {
        record_id,
        flow: &replay.flow,
        write_no,
        part: None,
        source_key: &replay.source_key,
        target: (&target.0, &target.1),
        order_key: &order_key,
    };
    let id = order::insert(tx, &new, now)?;
    tx.execute(
        "INSERT INTO operations (message_id, action, operator, reason, at) VALUES (?1, 'replay', ?2, ?3, ?4)",
        params![id, replay.operator, replay.reason, now],
    )?;
    Ok(Replayed::Queued(MessageId(id)))
}

/// Everything that is kept of a record, oldest first.
fn records(tx: &Connection, flow: &str, source_key: &str) -> Result<Vec<i64>, StoreError> {
    let records = tx
        .prepare_cached("SELECT id FROM records WHERE flow = ?1 AND source_key = ?2 ORDER BY id")?
        .query_map([flow, source_key], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(records)
}

/// Messages of these records that are not finished.
fn open(tx: &Connection, records: &[i64]) -> Result<Vec<MessageId>, StoreError> {
    let sql = "SELECT id FROM messages WHERE record_id = ?1 AND ended_at IS NULL ORDER BY id";
    let mut open = Vec::new();
    for record in records {
        let mut statement = tx.prepare_cached(sql)?;
        for id in statement.query_map([record], |row| row.get(0))? {
            open.push(MessageId(id?));
        }
    }
    Ok(open)
}

/// Removes finished records that are old enough. They stay counted: what has ended is counted when it ends.
pub(super) fn purge(tx: &Connection, purge: &Purge) -> Result<Purged, StoreError> {
    let PurgeMark(captured_at, id) = purge.after.unwrap_or(PurgeMark(i64::MIN, 0));
    let old: Vec<(PurgeMark, bool)> = tx
        .prepare_cached(
            "SELECT r.captured_at, r.id, EXISTS
               (SELECT 1 FROM messages m WHERE m.record_id = r.id AND (m.ended_at IS NULL OR m.ended_at >= ?2))
             FROM records r WHERE r.flow = ?1 AND r.captured_at < ?2 AND (r.captured_at, r.id) > (?3, ?4)
             ORDER BY r.captured_at, r.id LIMIT ?5",
        )?
        .query_map(params![purge.flow, micros(purge.before), captured_at, id, purge.limit], |row| {
            Ok((PurgeMark(row.get(0)?, row.get(1)?), row.get(2)?))
        })?
        .collect::<Result<_, _>>()?;
    let mut purged = Purged { removed: 0, next: None };
    for (PurgeMark(_, record), kept) in &old {
        if !kept {
            remove(tx, *record)?;
            purged.removed += 1;
        }
    }
    if old.len() as u64 == u64::from(purge.limit) {
        purged.next = old.last().map(|(mark, _)| *mark);
    }
    Ok(purged)
}

fn remove(tx: &Connection, record: i64) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM attempts WHERE message_id IN (SELECT id FROM messages WHERE record_id = ?1)",
        "DELETE FROM operations WHERE message_id IN (SELECT id FROM messages WHERE record_id = ?1)",
        "DELETE FROM link_waits WHERE message_id IN (SELECT id FROM messages WHERE record_id = ?1)",
        "DELETE FROM lost_claims WHERE message_id IN (SELECT id FROM messages WHERE record_id = ?1)",
        "DELETE FROM messages WHERE record_id = ?1",
        "DELETE FROM edits WHERE record_id = ?1",
        "DELETE FROM records WHERE id = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([record])?;
    }
    Ok(())
}

/// Erases the content of every record with a key; that it was delivered, and under which key, stays known.
pub(super) fn forget(tx: &Connection, forget: &Forget) -> Result<Forgotten, StoreError> {
    let mut forgotten = Forgotten::default();
    for flow in &forget.flows {
        forgotten.open.extend(open(tx, &records(tx, flow, &forget.source_key)?)?);
    }
    if !forgotten.open.is_empty() {
        return Ok(forgotten);
    }
    for flow in &forget.flows {
        let mut erased = 0;
        for record in records(tx, flow, &forget.source_key)? {
            erased += erase(tx, record)?;
        }
        for sql in [
            "UPDATE written SET body = NULL WHERE flow = ?1 AND source_key = ?2",
            "DELETE FROM hints WHERE flow = ?1 AND source_key = ?2",
        ] {
            tx.execute(sql, [flow, &forget.source_key])?;
        }
        forgotten.records += erased;
        tx.execute(
            "INSERT INTO erasures (flow, key_digest, records, operator, reason, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                flow,
                keys::digest(&["forget", flow, &forget.source_key]),
                erased,
                forget.operator,
                forget.reason,
                micros(forget.now)
            ],
        )?;
    }
    Ok(forgotten)
}

/// The messages of the record.
pub(super) const MINE: &str = "(SELECT id FROM messages WHERE record_id = ?1)";

/// Erases the content of one record; answers 1 if there was any.
fn erase(tx: &Connection, record: i64) -> Result<u64, StoreError> {
    for sql in [
        // The state on which both sides agreed is a copy of the record, here and at the target.
        "DELETE FROM agreed WHERE (system, entity, record_key) IN
           (SELECT system, entity, source_key FROM records WHERE id = ?1)",
        "DELETE FROM agreed WHERE (system, entity, record_key) IN
           (SELECT target_system, target_entity, target_key FROM messages WHERE record_id = ?1 AND target_key IS NOT NULL)",
        &format!("UPDATE attempts SET message = NULL, code = NULL WHERE message_id IN {MINE}"),
        &format!("UPDATE operations SET reason = '' WHERE message_id IN {MINE}"),
        "UPDATE edits SET body = '', reason = '' WHERE record_id = ?1",
        "UPDATE messages SET request = NULL, message = NULL, code = NULL, rejections = NULL WHERE record_id = ?1",
    ] {
        tx.execute(sql, [record])?;
    }
    let erased = tx.execute("UPDATE records SET body = '' WHERE id = ?1 AND body <> ''", [record])?;
    Ok(erased as u64)
}
