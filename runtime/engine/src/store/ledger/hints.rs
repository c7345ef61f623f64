//! Notices of systems: kept before they are answered, followed later.
//!
//! In: notices with what they concern. Out: hints whose turn has come. A hint that is told again while it is followed stays.

use super::super::sql::{Connection, OptionalExtension, params};

use super::{Hint, HintQuestion, HintsTaken, Notice, Noticed, StoreError, micros};
use crate::clock::earlier;

/// How long a notice's own id is remembered, to know it again: longer than any system repeats one.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 3600);
/// Old ids that one call forgets at most.
const FORGOTTEN_MAX: u32 = 200;

/// Keeps notices.
pub(super) fn keep(tx: &Connection, notices: &[Notice]) -> Result<Vec<Noticed>, StoreError> {
    notices.iter().map(|notice| keep_one(tx, notice)).collect()
}

fn keep_one(tx: &Connection, notice: &Notice) -> Result<Noticed, StoreError> {
    let now = micros(notice.now);
    if let Some(id) = &notice.id {
        tx.prepare_cached("DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE at < ?1 LIMIT ?2)")?
            .execute(params![micros(earlier(notice.now, REMEMBERED)), FORGOTTEN_MAX])?;
        let new = tx
            .prepare_cached("INSERT OR IGNORE INTO notices (id, at) VALUES (?1, ?2)")?
            .execute(params![crate::keys::digest(&["notice", &notice.system, id]), now])?;
        if new == 0 {
            return Ok(Noticed { repeated: true, kept: 0 });
        }
    }
    let mut noticed = Noticed::default();
    for (flow, key) in &notice.hints {
        let key = key.as_deref().unwrap_or_default();
        let known: Option<i64> = tx
            .prepare_cached("SELECT told FROM hints WHERE flow = ?1 AND source_key = ?2")?
            .query_row([flow, key], |row| row.get(0))
            .optional()?;
        tx.prepare_cached(
            "INSERT INTO hints (flow, source_key, told, first_at, next_at) VALUES (?1, ?2, 1, ?3, ?3)
             ON CONFLICT (flow, source_key) DO UPDATE SET told = hints.told + 1",
        )?
        .execute(params![flow, key, now])?;
        noticed.kept += u64::from(known.is_none());
    }
    Ok(noticed)
}

/// Hints whose turn has come, oldest first.
pub(super) fn due(tx: &Connection, question: &HintQuestion) -> Result<Vec<Hint>, StoreError> {
    let found = tx
        .prepare_cached(
            "SELECT source_key, told, failures FROM hints WHERE flow = ?1 AND next_at <= ?2 ORDER BY next_at, source_key
             LIMIT ?3",
        )?
        .query_map(params![question.flow, micros(question.now), question.limit], |row| {
            let key: String = row.get(0)?;
            Ok(Hint { key: (!key.is_empty()).then_some(key), told: row.get(1)?, failures: row.get(2)? })
        })?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// Notes what became of hints.
pub(super) fn taken(tx: &Connection, taken: &HintsTaken) -> Result<(), StoreError> {
    for hint in &taken.hints {
        let key = hint.key.as_deref().unwrap_or_default();
        match &taken.failed {
            Some((error, again_at)) => tx
                .prepare_cached(
                    "UPDATE hints SET failures = failures + 1, error = ?3, next_at = ?4 WHERE flow = ?1 AND source_key = ?2",
                )?
                .execute(params![taken.flow, key, error, micros(*again_at)])?,
            // Told once more since: what was fetched may be older than that.
            None => tx
                .prepare_cached("DELETE FROM hints WHERE flow = ?1 AND source_key = ?2 AND told = ?3")?
                .execute(params![taken.flow, key, hint.told])?,
        };
    }
    Ok(())
}

/// How many hints of a flow are not followed yet, and since when the oldest waits.
pub(super) fn waiting(tx: &Connection, flow: &str) -> Result<(u64, Option<jiff::Timestamp>), StoreError> {
    let waiting = tx
        .prepare_cached("SELECT count(*), min(first_at) FROM hints WHERE flow = ?1")?
        .query_row([flow], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(super::at))))?;
    Ok(waiting)
}
