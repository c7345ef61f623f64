//! Reports: what stands where. Reads only.

use super::super::sql::{Connection, OptionalExtension, Row, SqlError, params};
use mapwright_values::Link;

use super::{MessageId, Selection, StoreError, alerts, at, hints, lanes, micros, step, subscriptions};
use crate::status::{Attempt, ConnectionStatus, Count, DeadLetter, DeadLetterDetail, Edit, FlowStatus, StoreStatus};

/// The key behind a link; asked the other way round, the key of the source record from which ours was made. `|| ''` leads each to
/// the index of what is known, also where the database knows nothing of its tables yet.
pub(super) fn link(tx: &Connection, link: &Link) -> Result<Option<String>, StoreError> {
    let key = tx
        .prepare_cached(
            "SELECT found FROM (
               SELECT 0 AS reversed, part, target_key AS found FROM links
                 WHERE of_system = ?1 AND of_entity = ?2 AND source_key = ?3 AND system || '' = ?4 AND entity = ?5
               UNION ALL
               SELECT 1, part, source_key FROM links
                 WHERE system = ?1 AND entity = ?2 AND target_key = ?3 AND of_system || '' = ?4 AND of_entity = ?5) AS both_ways
             ORDER BY reversed, part, found LIMIT 1",
        )?
        .query_row([&link.of_system, &link.of_entity, &link.key, &link.system, &link.entity], |row| row.get(0))
        .optional()?;
    Ok(key)
}

/// Is the connection halted?
pub(super) fn is_halted(tx: &Connection, alias: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = tx
        .prepare_cached("SELECT 1 FROM connections WHERE alias = ?1 AND halted_since IS NOT NULL")?
        .query_row([alias], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}

/// When the next message is due. `settled` leaves out what waits for a dependency and may wait for long.
pub(super) fn next_due(tx: &Connection, settled: bool) -> Result<Option<jiff::Timestamp>, StoreError> {
    let connections = connections(tx)?;
    let mut earliest: Option<i64> = None;
    for lane in lanes::all(tx)? {
        let connection = connections.iter().find(|connection| connection.alias == lane.system);
        if connection.is_some_and(|connection| connection.halted_since.is_some()) {
            continue;
        }
        let first = match settled {
            true => first_settled(tx, &lane)?,
            false => Some(lane.first_at),
        };
        let open_until = connection.and_then(|connection| connection.open_until).map(micros);
        let due = first.map(|first| open_until.map_or(first, |open_until| first.max(open_until)));
        earliest = earliest.into_iter().chain(due).min();
    }
    Ok(earliest.map(at))
}

/// When the first message of a lane is due that does not wait for a dependency.
fn first_settled(tx: &Connection, lane: &lanes::Lane) -> Result<Option<i64>, StoreError> {
    let first = tx
        .prepare_cached(
            "SELECT next_at FROM messages WHERE flow = ?1 AND target_system = ?2 AND next_at IS NOT NULL AND state <> 'WAITING'
             ORDER BY next_at, id LIMIT 1",
        )?
        .query_row([&lane.flow, &lane.system], |row| row.get(0))
        .optional()?;
    Ok(first)
}

/// Everything of a status report.
pub(super) fn status(tx: &Connection) -> Result<StoreStatus, StoreError> {
    let mut flows: Vec<FlowStatus> = tx
        .prepare_cached(
            "SELECT t.flow, t.read, t.unchanged, t.filtered,
                    (SELECT CAST(coalesce(sum(a.messages), 0) AS BIGINT) FROM accepted a WHERE a.flow = t.flow), t.last_read_at, t.last_error,
                    coalesce((SELECT min(p.read_wm) FROM positions p WHERE p.flow = t.flow AND p.pass NOT IN ('everything', 'keys')),
                             (SELECT min(p.read_wm) FROM positions p WHERE p.flow = t.flow AND p.pass = 'everything')),
                    (SELECT m.message FROM messages m WHERE m.flow = t.flow AND m.state IN ('DEAD','PARKED_AMBIGUOUS')
                       ORDER BY m.changed_at DESC LIMIT 1),
                    t.last_new_at, t.silent_since
             FROM tallies t ORDER BY t.flow",
        )?
        .query_map([], |row| {
            let reading_error: Option<String> = row.get(6)?;
            let newest_dead: Option<String> = row.get(8)?;
            Ok(FlowStatus {
                flow: row.get(0)?,
                read: row.get(1)?,
                unchanged: row.get(2)?,
                filtered: row.get(3)?,
                accepted: row.get(4)?,
                counts: Vec::new(),
                read_wm: row.get::<_, Option<i64>>(7)?.map(at),
                done_wm: None,
                last_error: reading_error.or(newest_dead),
                last_read_at: row.get::<_, Option<i64>>(5)?.map(at),
                last_new_at: row.get::<_, Option<i64>>(9)?.map(at),
                silent_since: row.get::<_, Option<i64>>(10)?.map(at),
                hints: 0,
                hinted_since: None,
            })
        })?
        .collect::<Result<_, _>>()?;
    for flow in &mut flows {
        flow.counts = counts(tx, &flow.flow)?;
        flow.done_wm = done_wm(tx, flow)?;
        (flow.hints, flow.hinted_since) = hints::waiting(tx, &flow.flow)?;
    }
    let (connections, alerts) = (connections(tx)?, alerts::open(tx)?);
    Ok(StoreStatus { flows, connections, alerts, subscriptions: subscriptions::all(tx)? })
}

fn counts(tx: &Connection, flow: &str) -> Result<Vec<Count>, StoreError> {
    let counts = tx
        .prepare_cached(
            "SELECT write_no, shown, why, CAST(sum(messages) AS BIGINT), min(changed_at) FROM (
               SELECT write_no, NULL AS changed_at, state AS shown, NULL AS why, messages FROM ended WHERE flow = ?1
               UNION ALL
               SELECT m.write_no, m.changed_at,
                 CASE WHEN halted AND m.state IN ('QUEUED','RETRY_WAIT') THEN 'WAITING' ELSE m.state END AS shown,
                 CASE WHEN halted AND m.state IN ('QUEUED','RETRY_WAIT') THEN 'connection_halted' ELSE m.reason END AS why,
                 1 AS messages
               FROM (SELECT write_no, state, reason, changed_at,
                       target_system IN
                         (SELECT alias FROM connections WHERE halted_since IS NOT NULL OR opened_at IS NOT NULL) AS halted
                     FROM messages WHERE flow = ?1 AND ended_at IS NULL) m) AS shown_so
             GROUP BY write_no, shown, why ORDER BY write_no, shown, why",
        )?
        .query_map([flow], |row| {
            let state: String = row.get(1)?;
            let reason: Option<String> = row.get(2)?;
            Ok(Count {
                write: row.get(0)?,
                state: step::named_state(&state, reason.as_deref())?,
                messages: row.get(3)?,
                oldest_at: row.get::<_, Option<i64>>(4)?.map(at),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(counts)
}

/// INVARIANT (I3): below every open record; without open records what was read is done.
fn done_wm(tx: &Connection, flow: &FlowStatus) -> Result<Option<jiff::Timestamp>, StoreError> {
    let open: Option<i64> = tx
        .prepare_cached(
            "SELECT min(coalesce(r.stamp, r.captured_at)) FROM messages m JOIN records r ON r.id = m.record_id
             WHERE m.flow = ?1 AND m.ended_at IS NULL AND m.state IN ('QUEUED','LEASED','INTENT','AMBIGUOUS','RETRY_WAIT','WAITING','PARKED_AMBIGUOUS')",
        )?
        .query_row([&flow.flow], |row| row.get(0))?;
    let below = open.map(|oldest| at(oldest.saturating_sub(1)));
    Ok(match (flow.read_wm, below) {
        (Some(read), Some(below)) => Some(read.min(below)),
        (Some(read), None) => Some(read),
        (None, Some(_) | None) => None,
    })
}

/// When each flow's reading last came to its end.
pub(super) fn last_read(tx: &Connection) -> Result<Vec<(String, Option<jiff::Timestamp>)>, StoreError> {
    let read = tx
        .prepare_cached("SELECT flow, last_read_at FROM tallies")?
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(at))))?
        .collect::<Result<_, _>>()?;
    Ok(read)
}

pub(super) fn connections(tx: &Connection) -> Result<Vec<ConnectionStatus>, StoreError> {
    let connections = tx
        .prepare_cached(
            "SELECT alias, halted_since, reason, canary_at, halted_flow, halted_code, opened_at, open_until, open_reason
             FROM connections ORDER BY alias",
        )?
        .query_map([], |row| {
            Ok(ConnectionStatus {
                alias: row.get(0)?,
                halted_since: row.get::<_, Option<i64>>(1)?.map(at),
                reason: row.get(2)?,
                canary_at: row.get::<_, Option<i64>>(3)?.map(at),
                halted_flow: row.get(4)?,
                halted_code: row.get(5)?,
                open_since: row.get::<_, Option<i64>>(6)?.map(at),
                open_until: row.get::<_, Option<i64>>(7)?.map(at),
                open_reason: row.get(8)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(connections)
}

pub(super) const NEEDS_PERSON: &str = "state IN ('DEAD','PARKED_AMBIGUOUS')
     AND (?1 = '[]' OR id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1)))
     AND (?2 IS NULL OR flow = ?2) AND (?3 IS NULL OR cause = ?3) AND (?4 IS NULL OR changed_at <= ?4)
     AND (?6 IS NULL OR changed_at >= ?6)";

fn ids(selection: &Selection) -> Result<String, StoreError> {
    serde_json::to_string(&selection.ids).map_err(|error| StoreError::new(error.to_string()))
}

/// The numbers of the messages that an operator means, oldest first.
pub(super) fn selected(tx: &Connection, selection: &Selection, limit: u32) -> Result<Vec<i64>, StoreError> {
    let sql = format!("SELECT id FROM messages WHERE {NEEDS_PERSON} ORDER BY id LIMIT ?5");
    let found = tx
        .prepare_cached(&sql)?
        .query_map(
            params![
                ids(selection)?,
                selection.flow,
                selection.cause,
                selection.before.map(micros),
                limit,
                selection.since.map(micros)
            ],
            |row| row.get(0),
        )?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

pub(super) const LETTER: &str =
    "id, flow, write_no, state, source_key, coalesce(class, ''), coalesce(cause, ''), coalesce(message, ''),
     attempts, changed_at";

fn letter(row: &Row<'_>) -> Result<DeadLetter, SqlError> {
    let state: String = row.get(3)?;
    Ok(DeadLetter {
        id: MessageId(row.get(0)?),
        flow: row.get(1)?,
        write: row.get(2)?,
        state: step::named_state(&state, Some("key_blocked"))?,
        source_key: row.get(4)?,
        class: row.get(5)?,
        cause: row.get(6)?,
        message: row.get(7)?,
        attempts: row.get(8)?,
        since: at(row.get(9)?),
    })
}

/// Messages that need a person.
pub(super) fn dead_letters(tx: &Connection, selection: &Selection, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
    let sql = format!("SELECT {LETTER} FROM messages WHERE {NEEDS_PERSON} ORDER BY id LIMIT ?5");
    let found = tx
        .prepare_cached(&sql)?
        .query_map(
            params![
                ids(selection)?,
                selection.flow,
                selection.cause,
                selection.before.map(micros),
                limit,
                selection.since.map(micros)
            ],
            letter,
        )?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// One message with everything known of it, whatever its state.
pub(super) fn dead_letter(tx: &Connection, id: MessageId) -> Result<Option<DeadLetterDetail>, StoreError> {
    let sql = format!(
        "SELECT {LETTER}, request, rejections, mapping_version, create_key, record_id, target_system, target_entity
         FROM messages WHERE id = ?1"
    );
    let found = tx
        .prepare_cached(&sql)?
        .query_row([id.0], |row| {
            let record_id: i64 = row.get(14)?;
            let detail = DeadLetterDetail {
                letter: letter(row)?,
                target_system: row.get(15)?,
                target_entity: row.get(16)?,
                gone: false,
                original: String::new(),
                edits: Vec::new(),
                mapped: row.get(10)?,
                rejections: row.get(11)?,
                mapping_version: row.get(12)?,
                trace_id: String::new(),
                create_key: row.get(13)?,
                captured_at: jiff::Timestamp::UNIX_EPOCH,
                attempts: Vec::new(),
            };
            Ok((record_id, detail))
        })
        .optional()?;
    let Some((record_id, mut detail)) = found else { return Ok(None) };
    let (original, trace_id, captured_at, gone): (String, String, i64, bool) = tx
        .prepare_cached("SELECT body, capture_key, captured_at, gone FROM records WHERE id = ?1")?
        .query_row([record_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    detail.original = original;
    detail.trace_id = trace_id;
    detail.gone = gone;
    detail.captured_at = at(captured_at);
    detail.edits = edits(tx, record_id)?;
    detail.attempts = attempts(tx, id)?;
    Ok(Some(detail))
}

fn edits(tx: &Connection, record_id: i64) -> Result<Vec<Edit>, StoreError> {
    let edits = tx
        .prepare_cached("SELECT operator, reason, at, body FROM edits WHERE record_id = ?1 ORDER BY n")?
        .query_map([record_id], |row| {
            Ok(Edit { operator: row.get(0)?, reason: row.get(1)?, at: at(row.get(2)?), body: row.get(3)? })
        })?
        .collect::<Result<_, _>>()?;
    Ok(edits)
}

fn attempts(tx: &Connection, id: MessageId) -> Result<Vec<Attempt>, StoreError> {
    let attempts = tx
        .prepare_cached(
            "SELECT n, kind, started_at, finished_at, class, status, code, message FROM attempts
             WHERE message_id = ?1 ORDER BY id",
        )?
        .query_map([id.0], |row| {
            Ok(Attempt {
                number: row.get(0)?,
                kind: row.get(1)?,
                started_at: at(row.get(2)?),
                finished_at: row.get::<_, Option<i64>>(3)?.map(at),
                class: row.get(4)?,
                status: row.get(5)?,
                code: row.get(6)?,
                message: row.get(7)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(attempts)
}
