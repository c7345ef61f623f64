//! T1 and T2: one page of rows, their keys, and the position behind them, in one transaction.
//!
//! In: a page. Out: how many rows were new. A row whose content is what was last seen of its record ends here, counted.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::sql::{Connection, LockSpace, OptionalExtension, Row, SqlError, params};

use super::order::{self, NewMessage};
use super::step::{self, Circumstances};
use super::{CapturePage, CaptureRow, Captured, OpenWindow, Position, RowKind, StoreError, at, micros};
use super::{late, sweeping};
use crate::keys;
use crate::state::{Event, State};

/// Keeps a page.
pub(super) fn capture(tx: &Connection, page: &CapturePage) -> Result<Captured, StoreError> {
    let mut captured = Captured::default();
    let mut read = page.filtered;
    let keys: Vec<String> = page.rows.iter().map(|row| order_key(page, &row.source_key)).collect();
    tx.lock(LockSpace::Order, &keys.iter().map(String::as_str).collect::<Vec<_>>())?;
    tx.prepare_cached("INSERT OR IGNORE INTO tallies (flow) VALUES (?1)")?.put([&page.flow])?;
    let mut known = Known {
        seen: seen_before(tx, page)?,
        busy: order::busy(tx, &keys)?,
        latest_wins: latest_wins(tx, &page.flow)?,
        first: Vec::new(),
        met: BTreeSet::new(),
        free: Vec::new(),
    };
    let (bound, mut late) = (late::bound(tx, page)?, 0);
    for row in &page.rows {
        let comes_late = row.kind == RowKind::State && late::is_late(tx, page, row, bound)?;
        let kept = match row.kind {
            RowKind::State => keep_state(tx, page, row, &mut known)?,
            RowKind::Gone => keep_gone(tx, page, row, &mut known)?,
            RowKind::There => {
                meet(tx, page, row, &mut known)?;
                continue;
            }
        };
        read += 1;
        let Some(key) = kept else {
            captured.unchanged += 1;
            continue;
        };
        captured.accepted += 1;
        captured.keys.push(key);
        late += u64::from(comes_late);
        captured.dead += u64::from(row.fault.is_some());
    }
    flush(tx, page, &mut known)?;
    tx.prepare_cached(
        "UPDATE tallies SET read = read + ?2, unchanged = unchanged + ?3, filtered = filtered + ?4 WHERE flow = ?1",
    )?
    .put(params![page.flow, read, captured.unchanged, page.filtered])?;
    if captured.accepted > 0 {
        sweeping::heard(tx, &page.flow, micros(page.now))?;
    }
    late::note(tx, page, late)?;
    write_position(tx, page)?;
    Ok(captured)
}

/// What is known of a page before its first row.
struct Known {
    /// What was last seen of its records, by their keys; `None` = nothing.
    seen: HashMap<String, Option<Seen>>,
    /// Keys that may hold a new message up.
    busy: HashSet<String>,
    /// The flow wants the newest state only.
    latest_wins: bool,
    /// Records that were never seen before, whose being seen is not written yet.
    first: Vec<i64>,
    /// Keys that were met with nothing new, which is not written yet.
    met: BTreeSet<String>,
    /// Records whose key is free, and that key: their messages are not written yet.
    free: Vec<(i64, String)>,
}

/// Writes together what waits to be written. INVARIANT: nothing that looks at what is known of a record, or at the messages of its
/// key, is written before.
fn flush(tx: &Connection, page: &CapturePage, known: &mut Known) -> Result<(), StoreError> {
    let first = std::mem::take(&mut known.first);
    if !first.is_empty() {
        tx.prepare_cached(
            "INSERT INTO seen (flow, source_key, hash, changes, repeats, last_at)
             SELECT r.flow, r.source_key, r.hash, 1, 0, r.captured_at FROM json_each(?1)
             JOIN records r ON r.id = CAST(value AS BIGINT)",
        )?
        .put([step::numbers(&first)])?;
    }
    let met = std::mem::take(&mut known.met);
    if !met.is_empty() {
        let list = serde_json::to_string(&met).map_err(|error| StoreError::new(error.to_string()))?;
        tx.prepare_cached(
            "UPDATE seen SET repeats = repeats + 1, last_at = ?3
             WHERE flow = ?1 AND source_key IN (SELECT value FROM json_each(?2))",
        )?
        .put(params![page.flow, list, micros(page.now)])?;
    }
    let free = std::mem::take(&mut known.free);
    if !free.is_empty() {
        order::insert_free(tx, &page.target, &free, micros(page.now))?;
        order::count_accepted(tx, &page.flow, i64::try_from(free.len()).unwrap_or(i64::MAX))?;
    }
    Ok(())
}

impl Known {
    /// A later row of the page may be of the same record.
    fn note(&mut self, row: &CaptureRow, seen: Seen) {
        if let Some(known) = self.seen.get_mut(&row.source_key) {
            *known = Some(seen);
        }
    }
}

fn latest_wins(tx: &Connection, flow: &str) -> Result<bool, StoreError> {
    let latest_wins = tx
        .prepare_cached("SELECT latest_wins FROM policies WHERE flow = ?1")?
        .query_row([flow], |row| row.get(0))
        .optional()?;
    Ok(latest_wins.unwrap_or_default())
}

/// What was last seen of a record.
#[derive(Clone)]
struct Seen {
    hash: String,
    changes: i64,
    gone: bool,
}

/// What was last seen of the records of a page. Keys that a database may spell otherwise within a list are left out.
fn seen_before(tx: &Connection, page: &CapturePage) -> Result<HashMap<String, Option<Seen>>, StoreError> {
    let plain = |key: &&String| key.chars().all(|letter| !letter.is_control() && letter < '\u{e000}');
    let keys: Vec<&String> = page.rows.iter().map(|row| &row.source_key).filter(plain).collect();
    let list = serde_json::to_string(&keys).map_err(|error| StoreError::new(error.to_string()))?;
    let mut known: HashMap<String, Option<Seen>> = keys.into_iter().map(|key| (key.clone(), None)).collect();
    let found: Vec<(String, Seen)> = tx
        .prepare_cached(
            "SELECT hash, changes, gone, source_key FROM seen
             WHERE flow = ?1 AND source_key IN (SELECT value FROM json_each(?2))",
        )?
        .query_map([&page.flow, &list], |row| Ok((row.get(3)?, seen_row(row)?)))?
        .collect::<Result<_, _>>()?;
    known.extend(found.into_iter().map(|(key, seen)| (key, Some(seen))));
    Ok(known)
}

fn seen_row(row: &Row<'_>) -> Result<Seen, SqlError> {
    Ok(Seen { hash: row.get(0)?, changes: row.get(1)?, gone: row.get(2)? })
}

fn seen(tx: &Connection, page: &CapturePage, row: &CaptureRow, known: &Known) -> Result<Option<Seen>, StoreError> {
    if let Some(seen) = known.seen.get(&row.source_key) {
        return Ok(seen.clone());
    }
    let seen = tx
        .prepare_cached("SELECT hash, changes, gone FROM seen WHERE flow = ?1 AND source_key = ?2")?
        .query_row([&page.flow, &row.source_key], seen_row)
        .optional()?;
    Ok(seen)
}

/// A record was met, with nothing new of it.
fn meet(tx: &Connection, page: &CapturePage, row: &CaptureRow, known: &mut Known) -> Result<(), StoreError> {
    if known.seen.contains_key(&row.source_key) && known.met.insert(row.source_key.clone()) {
        return Ok(());
    }
    flush(tx, page, known)?;
    tx.prepare_cached("UPDATE seen SET repeats = repeats + 1, last_at = ?3 WHERE flow = ?1 AND source_key = ?2")?
        .put(params![page.flow, row.source_key, micros(page.now)])?;
    Ok(())
}

/// Keeps a row unless it is known; answers its capture key if it is new.
fn keep_state(
    tx: &Connection,
    page: &CapturePage,
    row: &CaptureRow,
    known: &mut Known,
) -> Result<Option<String>, StoreError> {
    let now = micros(page.now);
    let seen = seen(tx, page, row, known)?;
    let changes = seen.as_ref().map_or(0, |seen| seen.changes);
    let mut new = None;
    // A record that has come back has the hash of none.
    if seen.is_none_or(|seen| seen.gone || seen.hash != row.hash) {
        // Without a stamp the count of changes tells a state that has come back from a repeat.
        let version = row.stamp.map_or_else(|| format!("#{changes}"), |stamp| stamp.to_string());
        let (system, entity) = &page.source;
        let capture_key = keys::capture_key(&page.flow, system, entity, &row.source_key, &version, &row.hash);
        new = insert_record(tx, page, row, &capture_key, now)?.map(|record_id| (record_id, capture_key));
    }
    let Some((record_id, capture_key)) = new else {
        meet(tx, page, row, known)?;
        return Ok(None);
    };
    if matches!(known.seen.get(&row.source_key), Some(None)) {
        known.first.push(record_id);
    } else {
        flush(tx, page, known)?;
        tx.prepare_cached(
            "INSERT INTO seen (flow, source_key, hash, changes, repeats, last_at) VALUES (?1, ?2, ?3, 1, 0, ?4)
             ON CONFLICT (flow, source_key) DO UPDATE SET hash = ?3, changes = seen.changes + 1, last_at = ?4, gone = 0",
        )?
        .put(params![page.flow, row.source_key, row.hash, now])?;
    }
    known.note(row, Seen { hash: row.hash.clone(), changes: changes.saturating_add(1), gone: false });
    insert_message(tx, page, row, (record_id, 0, &page.target), known)?;
    Ok(Some(capture_key))
}

/// Keeps that a record is gone, if the flow carried it and does something about it; answers its capture key if that is new.
fn keep_gone(
    tx: &Connection,
    page: &CapturePage,
    row: &CaptureRow,
    known: &mut Known,
) -> Result<Option<String>, StoreError> {
    let now = micros(page.now);
    let (Some(first), Some(seen)) = (&page.on_gone, seen(tx, page, row, known)?) else { return Ok(None) };
    if seen.gone {
        return Ok(None);
    }
    let (system, entity) = &page.source;
    let version = format!("gone #{}", seen.changes);
    let capture_key = keys::capture_key(&page.flow, system, entity, &row.source_key, &version, &row.hash);
    let Some(record_id) = insert_record(tx, page, row, &capture_key, now)? else { return Ok(None) };
    flush(tx, page, known)?;
    tx.prepare_cached(
        "UPDATE seen SET gone = 1, hash = '', changes = changes + 1, last_at = ?3 WHERE flow = ?1 AND source_key = ?2",
    )?
    .put(params![page.flow, row.source_key, now])?;
    known.note(row, Seen { hash: String::new(), changes: seen.changes.saturating_add(1), gone: true });
    let write_no = i64::try_from(first.write).unwrap_or(i64::MAX);
    insert_message(tx, page, row, (record_id, write_no, &first.target), known)?;
    Ok(Some(capture_key))
}

fn insert_record(
    tx: &Connection,
    page: &CapturePage,
    row: &CaptureRow,
    capture_key: &str,
    now: i64,
) -> Result<Option<i64>, StoreError> {
    let (system, entity) = &page.source;
    let inserted = tx
        .prepare_cached(
            "INSERT OR IGNORE INTO records
               (flow, pass, system, entity, source_key, capture_key, stamp, hash, body, captured_at, gone)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING id",
        )?
        .query_row(
            params![
                page.flow,
                page.pass,
                system,
                entity,
                row.source_key,
                capture_key,
                row.stamp.map(micros),
                row.hash,
                row.body,
                now,
                row.kind == RowKind::Gone
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(inserted)
}

fn order_key(page: &CapturePage, source_key: &str) -> String {
    keys::order_key((&page.source.0, &page.source.1), source_key, (&page.target.0, &page.target.1))
}

fn insert_message(
    tx: &Connection,
    page: &CapturePage,
    row: &CaptureRow,
    (record_id, write_no, target): (i64, i64, &(String, String)),
    known: &mut Known,
) -> Result<(), StoreError> {
    let now = micros(page.now);
    // One sequence for all that happens to a record, whatever is written first.
    let order_key = order_key(page, &row.source_key);
    // The first message of a key that was free holds the next one up.
    if known.busy.insert(order_key.clone()) && row.fault.is_none() && row.kind == RowKind::State {
        known.free.push((record_id, order_key));
        return Ok(());
    }
    flush(tx, page, known)?;
    let new = NewMessage {
        record_id,
        flow: &page.flow,
        write_no,
        part: None,
        source_key: &row.source_key,
        target: (&target.0, &target.1),
        order_key: &order_key,
    };
    let id = order::insert(tx, &new, now)?;
    if row.fault.is_none() && !known.latest_wins {
        return Ok(());
    }
    let Some(message) = step::load(tx, id)? else { return Ok(()) };
    if let Some(fault) = &row.fault {
        step::take(tx, &message, Event::Die, &Circumstances { fault: Some(fault), ..Default::default() }, now)?;
        return Ok(());
    }
    if message.latest_wins {
        overtake_older(tx, &message, now)?;
    }
    Ok(())
}

/// Ends what is older and not under way; one that is under way is overtaken when it comes back.
fn overtake_older(tx: &Connection, newer: &step::MessageRow, now: i64) -> Result<(), StoreError> {
    let older: Vec<i64> = tx
        .prepare_cached(
            "SELECT id FROM messages WHERE order_key = ?1 AND ended_at IS NULL AND flow = ?2 AND record_id < ?3
               AND state IN ('QUEUED','RETRY_WAIT','WAITING','DEAD') ORDER BY record_id",
        )?
        .query_map(params![newer.order_key, newer.flow, newer.record_id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in older {
        // On a shared store a worker may have claimed it meanwhile.
        if let Some(message) = step::load(tx, id)?
            && matches!(message.state, State::Queued | State::RetryWait | State::Waiting(_) | State::Dead)
            && order::may_be_overtaken(tx, &message, newer.gone)?
        {
            order::supersede(tx, &message, newer.id, now)?;
        }
    }
    // Whatever came of the older ones: if nothing is under way, the newest is next.
    let still = step::load(tx, newer.id)?.map(|message| message.state);
    if matches!(still, Some(State::Waiting(_))) {
        order::wake_next(tx, &newer.order_key, now)?;
    }
    Ok(())
}

fn write_position(tx: &Connection, page: &CapturePage) -> Result<(), StoreError> {
    let window = page.position.window.as_ref();
    tx.prepare_cached(
        "INSERT INTO positions (flow, pass, read_wm, open, since, until, cursor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (flow, pass) DO UPDATE SET read_wm = ?3, open = ?4, since = ?5, until = ?6, cursor = ?7",
    )?
    .put(params![
        page.flow,
        page.pass,
        page.position.read_wm.map(micros),
        window.is_some(),
        window.and_then(|window| window.since).map(micros),
        window.and_then(|window| window.until).map(micros),
        window.and_then(|window| window.cursor.as_deref()),
    ])?;
    Ok(())
}

/// Where a pass stands.
pub(super) fn position(tx: &Connection, flow: &str, pass: &str) -> Result<Position, StoreError> {
    let position = tx
        .prepare_cached("SELECT read_wm, open, since, until, cursor FROM positions WHERE flow = ?1 AND pass = ?2")?
        .query_row([flow, pass], |row| {
            let open: bool = row.get(1)?;
            let window = OpenWindow {
                since: row.get::<_, Option<i64>>(2)?.map(at),
                until: row.get::<_, Option<i64>>(3)?.map(at),
                cursor: row.get(4)?,
            };
            Ok(Position { read_wm: row.get::<_, Option<i64>>(0)?.map(at), window: open.then_some(window) })
        })
        .optional()?;
    Ok(position.unwrap_or_default())
}
