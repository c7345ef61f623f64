//! T3, T15, T5: claiming work, and noting what is about to be sent.
//!
//! In: a worker's request. Out: messages with all that is needed to work on them. A message that was claimed too often
//! without an outcome ends here, so that a poisonous record cannot stop its neighbours.

use std::collections::{HashMap, HashSet};

use super::super::sql::{Connection, LockSpace, Row, SqlError, ToValue, params};

use super::lanes;
use super::step::{self, Circumstances, MessageRow};
use super::{
    Beginning, Claim, Fault, Intended, Intent, LeaseRequest, Leased, MessageId, Sent, StoreError, TakeUp,
    WrittenRecord, at, micros,
};
use crate::connector::Deed;
use crate::state::{Event, HELD, Reason, State, advance, is_poison, is_suspect};

/// Registers the flows' policies and frees what a dead owner had leased.
pub(super) fn begin(tx: &Connection, beginning: &Beginning) -> Result<(), StoreError> {
    for policy in &beginning.flows {
        tx.execute(
            "INSERT INTO policies (flow, latest_wins, channel) VALUES (?1, ?2, ?3)
             ON CONFLICT (flow) DO UPDATE SET latest_wins = ?2, channel = ?3",
            params![policy.flow, policy.latest_wins, policy.channel],
        )?;
        tx.execute("INSERT OR IGNORE INTO tallies (flow) VALUES (?1)", [&policy.flow])?;
        tx.execute(
            "UPDATE tallies SET watched_since = coalesce(watched_since, ?2) WHERE flow = ?1",
            params![policy.flow, micros(beginning.now)],
        )?;
    }
    if tx.is_shared() {
        // Others may be at work: only what is ours from before a failed call is free; theirs is when its lease ends.
        tx.execute(
            "UPDATE messages SET next_at = ?1, owner = NULL, fence = fence + 1 WHERE owner = ?2",
            params![micros(beginning.now), beginning.owner],
        )?;
        tx.execute("DELETE FROM turns WHERE owner = ?1", [&beginning.owner])?;
        return Ok(());
    }
    tx.execute("DELETE FROM turns", params![])?;
    // The message that tried an open circuit died with its owner: another one may try.
    tx.execute("UPDATE connections SET open_until = ?1 WHERE opened_at IS NOT NULL", [micros(beginning.now)])?;
    // Whoever begins holds the file alone: every lease is a dead owner's, or our own from before a failed call.
    tx.execute(
        "UPDATE messages SET next_at = ?1, owner = NULL, fence = fence + 1 WHERE owner IS NOT NULL",
        [micros(beginning.now)],
    )?;
    Ok(())
}

/// Claims due messages.
pub(super) fn lease(tx: &Connection, request: &LeaseRequest) -> Result<Vec<Leased>, StoreError> {
    if let Some(alias) = &request.canary {
        return lease_canary(tx, request, alias);
    }
    let now = micros(request.now);
    let connections = connections(tx, now)?;
    let due = due(tx, request, &connections)?;
    let mut messages: HashMap<i64, MessageRow> =
        step::load_all(tx, &due)?.into_iter().map(|message| (message.id, message)).collect();
    let mut open: HashMap<&str, bool> = connections.open.iter().map(|alias| (alias.as_str(), false)).collect();
    let (mut plain, mut claimed, mut trials, mut suspects) =
        (Vec::new(), Vec::with_capacity(due.len()), HashSet::new(), HashSet::new());
    for message in due.iter().filter_map(|id| messages.remove(id)) {
        let (id, system) = (message.id, message.target.0.clone());
        if is_suspect(message.deliveries) {
            suspects.insert(id);
        }
        let tried = open.get_mut(system.as_str());
        if tried.as_ref().is_some_and(|tried| **tried) {
            continue;
        }
        let Some(tried) = tried else {
            if is_plain(&message, request) {
                plain.push(id);
                claimed.push(id);
            } else if claim(tx, request, message, now)? {
                claimed.push(id);
            }
            continue;
        };
        if claim(tx, request, message, now)? {
            begin_trial(tx, &system, micros(request.until))?;
            *tried = true;
            claimed.push(id);
            trials.insert(id);
        }
    }
    claim_plain(tx, request, &plain, now)?;
    let leased = read(tx, &claimed)?;
    let marked = leased.into_iter().map(|leased| {
        let id = leased.id.0;
        Leased { trial: trials.contains(&id), suspect: suspects.contains(&id), ..leased }
    });
    Ok(marked.collect())
}

/// How the connections stand.
#[derive(Default)]
struct Connections {
    /// Nothing goes to them now.
    closed: Vec<String>,
    /// Their circuits are open: one message at a time tries them.
    open: Vec<String>,
}

fn connections(tx: &Connection, now: i64) -> Result<Connections, StoreError> {
    let rows: Vec<(String, [Option<i64>; 3])> = tx
        .prepare_cached("SELECT alias, halted_since, opened_at, open_until FROM connections")?
        .query_map([], |row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?])))?
        .collect::<Result<_, _>>()?;
    let mut connections = Connections::default();
    for (alias, [halted_since, opened_at, open_until]) in rows {
        if opened_at.is_none() && open_until.is_some_and(|until| until <= now) {
            // A pause that a system asked for is over by itself.
            tx.prepare_cached(
                "UPDATE connections SET open_until = NULL WHERE alias = ?1 AND opened_at IS NULL AND open_until <= ?2",
            )?
            .put(params![alias, now])?;
        }
        if halted_since.is_some() || open_until.is_some_and(|until| until > now) {
            connections.closed.push(alias.clone());
        }
        if opened_at.is_some() {
            connections.open.push(alias);
        }
    }
    Ok(connections)
}

/// The messages whose turn has come: lane by lane, the one that has waited longest first.
fn due(tx: &Connection, request: &LeaseRequest, connections: &Connections) -> Result<Vec<i64>, StoreError> {
    let (limit, due_by) = (usize::try_from(request.limit).unwrap_or(usize::MAX), micros(request.due_by));
    let mut due = Vec::new();
    for lane in lanes::all(tx)? {
        if due.len() >= limit || lane.first_at > due_by {
            break;
        }
        if request.flows.contains(&lane.flow) && !connections.closed.contains(&lane.system) {
            due.extend(lanes::due(tx, &lane, due_by, limit.saturating_sub(due.len()))?);
        }
    }
    Ok(due)
}

/// Nothing is to be looked at before it is claimed: nobody has it, and it is no suspect.
fn is_plain(message: &MessageRow, request: &LeaseRequest) -> bool {
    let may_be_poison = is_suspect(message.deliveries) || is_poison(message.deliveries, request.deliveries_max);
    !message.claimed && !may_be_poison && advance(message.state, Event::Lease) == Ok((State::Leased, HELD))
}

/// T3 of many at once.
fn claim_plain(tx: &Connection, request: &LeaseRequest, ids: &[i64], now: i64) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    tx.prepare_cached(
        "UPDATE messages SET state = 'LEASED', reason = NULL, waits_for = NULL, next_at = ?2, changed_at = ?3,
                deliveries = deliveries + 1, fence = fence + 1, owner = ?4
         WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))",
    )?
    .put(params![step::numbers(ids), micros(request.until), now, request.owner])?;
    Ok(())
}

/// An open circuit lets one message pass; until that one has its outcome, or its lease is over, no other.
fn begin_trial(tx: &Connection, system: &str, until: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE connections SET open_until = ?2 WHERE alias = ?1")?.put(params![system, until])?;
    Ok(())
}

/// Claims the one message that tries a halted connection: the one that has been tried longest ago.
fn lease_canary(tx: &Connection, request: &LeaseRequest, alias: &str) -> Result<Vec<Leased>, StoreError> {
    let now = micros(request.now);
    let Some(id) = canary(tx, alias, micros(request.due_by))? else { return Ok(Vec::new()) };
    let Some(mut message) = step::load(tx, id)? else { return Ok(Vec::new()) };
    if matches!(message.state, State::Waiting(_)) && message.state != State::Waiting(Reason::Dependency) {
        let since: Option<i64> =
            tx.prepare_cached("SELECT held_since FROM messages WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
        message.state =
            step::take(tx, &message, Event::Wake, &Circumstances { next_at: Some(now), ..Default::default() }, now)?;
        // A canary that comes back goes on waiting: its deadline stays where it was.
        tx.prepare_cached("UPDATE messages SET held_since = ?2 WHERE id = ?1")?.put(params![id, since])?;
    }
    let suspect = is_suspect(message.deliveries);
    let claimed = if claim(tx, request, message, now)? { read(tx, &[id])? } else { Vec::new() };
    Ok(claimed.into_iter().map(|claimed| Leased { canary: true, suspect, ..claimed }).collect())
}

fn canary(tx: &Connection, alias: &str, due_by: i64) -> Result<Option<i64>, StoreError> {
    let mut found: Vec<(i64, i64)> = tx
        .prepare_cached(
            "SELECT changed_at, id FROM messages
             WHERE waits_for = ?1 AND state = 'WAITING' AND reason = 'connection_halted'
             ORDER BY changed_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        )?
        .query_map([alias], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for lane in lanes::all(tx)?.into_iter().filter(|lane| lane.system == alias) {
        for id in lanes::due(tx, &lane, due_by, 1)? {
            let changed_at = tx
                .prepare_cached("SELECT changed_at FROM messages WHERE id = ?1")?
                .query_row([id], |row| row.get(0))?;
            found.push((changed_at, id));
        }
    }
    Ok(found.into_iter().min().map(|(_, id)| id))
}

/// Answers whether it is claimed now.
fn claim(tx: &Connection, request: &LeaseRequest, mut message: MessageRow, now: i64) -> Result<bool, StoreError> {
    if message.claimed {
        tx.prepare_cached("INSERT OR IGNORE INTO lost_claims (message_id, fence) VALUES (?1, ?2)")?
            .put([message.id, message.fence])?;
    }
    let until = Circumstances { next_at: Some(micros(request.until)), ..Default::default() };
    if matches!(message.state, State::Leased | State::Intent) {
        message.state = step::take(tx, &message, Event::LeaseExpired, &until, now)?;
    }
    if is_poison(message.deliveries, request.deliveries_max) {
        spend(tx, &message, now)?;
        return Ok(false);
    }
    // The claim of a suspect counts when it is taken up.
    let also = if is_suspect(message.deliveries) {
        ", fence = fence + 1, owner = ?8"
    } else {
        ", deliveries = deliveries + 1, fence = fence + 1, owner = ?8"
    };
    let also = (also, vec![request.owner.to_value()]);
    step::take(tx, &message, Event::Lease, &Circumstances { also, ..until }, now)?;
    Ok(true)
}

/// T3: a suspect is begun. Answers whether it is still its worker's, which has it for a whole lease from now.
pub(super) fn take_up(tx: &Connection, request: &TakeUp) -> Result<bool, StoreError> {
    let taken = tx
        .prepare_cached(
            "UPDATE messages SET deliveries = deliveries + 1, next_at = ?3 WHERE id = ?1 AND fence = ?2 AND owner IS NOT NULL",
        )?
        .execute(params![request.id.0, request.fence, micros(request.until)])?;
    Ok(taken > 0)
}

/// The owner of a claim reports after the claim was lost: it was slow, the record has not killed it.
pub(super) fn came_back(tx: &Connection, id: i64, fence: i64) -> Result<(), StoreError> {
    let lost =
        tx.prepare_cached("DELETE FROM lost_claims WHERE message_id = ?1 AND fence = ?2")?.execute([id, fence])?;
    if lost > 0 {
        tx.prepare_cached("UPDATE messages SET deliveries = deliveries - 1 WHERE id = ?1 AND deliveries > 0")?
            .put([id])?;
    }
    Ok(())
}

/// The claim came to an outcome: whatever was lost before is of no account any more.
pub(super) fn settle(tx: &Connection, message: &MessageRow) -> Result<(), StoreError> {
    if message.deliveries > 1 {
        tx.prepare_cached("DELETE FROM lost_claims WHERE message_id = ?1")?.put([message.id])?;
    }
    Ok(())
}

/// T12: too many claims without an outcome. What may be at the target is parked, for it must not be sent again.
fn spend(tx: &Connection, message: &MessageRow, now: i64) -> Result<(), StoreError> {
    let unanswered = message.deliveries;
    let fault = Fault::own(
        "poison",
        format!(
            "the record was begun {unanswered} times and never came to an end (the program stopped on it); look at the record and at the program's log"
        ),
    );
    tx.lock(LockSpace::Order, &[&message.order_key])?;
    let event = if message.state == State::Ambiguous { Event::Park } else { Event::Die };
    let also = (", deliveries = deliveries + 1, fence = fence + 1, owner = NULL", Vec::new());
    let with = Circumstances { fault: Some(&fault), overtake: true, also, ..Default::default() };
    step::take(tx, message, event, &with, now)?;
    tx.prepare_cached("DELETE FROM lost_claims WHERE message_id = ?1")?.put([message.id])?;
    Ok(())
}

/// What was claimed, in the order of its turns. `|| ''` keeps a database that knows nothing of its tables yet from looking for a
/// link among all that lead to the target's entity.
fn read(tx: &Connection, ids: &[i64]) -> Result<Vec<Leased>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut leased: HashMap<i64, Leased> = tx
        .prepare_cached(
            "SELECT m.id, m.fence, m.state, m.flow, m.write_no, m.part, m.source_key,
                    coalesce((SELECT e.body FROM edits e WHERE e.record_id = r.id ORDER BY e.n DESC LIMIT 1), r.body),
                    r.captured_at, r.capture_key, m.attempts, m.failures, m.waits, m.probes, m.generation,
                    m.first_attempt_at, m.waiting_since,
                    m.deed, m.request, m.create_key, m.request_hash, m.sent_at,
                    (SELECT target_key FROM links l WHERE l.of_system = r.system AND l.of_entity = r.entity
                       AND l.source_key = m.source_key AND l.system || '' = m.target_system AND l.entity = m.target_entity
                       AND l.part = coalesce(m.part, '')),
                    (SELECT hash FROM last_written w WHERE w.flow = m.flow AND w.write_no = m.write_no
                       AND w.source_key = m.source_key AND w.part = coalesce(m.part, '')),
                    r.gone, m.alone, m.order_key, m.target_system, m.target_entity
             FROM messages m JOIN records r ON r.id = m.record_id
             WHERE m.id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))",
        )?
        .query_map([step::numbers(ids)], |row| leased_row(row).map(|leased| (leased.id.0, leased)))?
        .collect::<Result<_, _>>()?;
    let written: Vec<(i64, WrittenRecord)> = tx
        .prepare_cached(
            "SELECT m.id, w.name, w.system, w.entity, w.target_key, w.body
             FROM messages m JOIN written w ON w.flow = m.flow AND w.source_key = m.source_key
             WHERE m.id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))",
        )?
        .query_map([step::numbers(ids)], |row| {
            Ok((
                row.get(0)?,
                WrittenRecord {
                    name: row.get(1)?,
                    system: row.get(2)?,
                    entity: row.get(3)?,
                    key: row.get(4)?,
                    body: row.get(5)?,
                },
            ))
        })?
        .collect::<Result<_, _>>()?;
    for (id, written) in written {
        if let Some(leased) = leased.get_mut(&id) {
            leased.written.push(written);
        }
    }
    Ok(ids.iter().filter_map(|id| leased.remove(id)).collect())
}

fn leased_row(row: &Row<'_>) -> Result<Leased, SqlError> {
    let state: String = row.get(2)?;
    Ok(Leased {
        id: MessageId(row.get(0)?),
        fence: row.get(1)?,
        state: step::named_state(&state, None)?,
        flow: row.get(3)?,
        write: row.get(4)?,
        part: row.get(5)?,
        source_key: row.get(6)?,
        body: row.get(7)?,
        captured_at: at(row.get(8)?),
        capture_key: row.get(9)?,
        gone: row.get(24)?,
        alone: row.get(25)?,
        order_key: row.get(26)?,
        target: (row.get(27)?, row.get(28)?),
        attempts: row.get(10)?,
        failures: row.get(11)?,
        waits: row.get(12)?,
        probes: row.get(13)?,
        generation: row.get(14)?,
        first_attempt_at: row.get::<_, Option<i64>>(15)?.map(at),
        waiting_since: row.get::<_, Option<i64>>(16)?.map(at),
        sent: sent_row(row)?,
        link: row.get(22)?,
        last_written: row.get(23)?,
        written: Vec::new(),
        trial: false,
        canary: false,
        suspect: false,
    })
}

fn sent_row(row: &Row<'_>) -> Result<Option<Sent>, SqlError> {
    let Some(deed) = row.get::<_, Option<String>>(17)? else { return Ok(None) };
    let deed: Deed = serde_json::from_str(&deed)
        .map_err(|error| SqlError::Column(format!("a deed that cannot be read: {error}")))?;
    Ok(Some(Sent { deed, record: row.get(18)?, create_key: row.get(19)?, hash: row.get(20)?, at: at(row.get(21)?) }))
}

/// T5: claims the natural key and notes the attempt; the caller sends only after this is committed.
pub(super) fn intend(tx: &Connection, intent: &Intent) -> Result<Intended, StoreError> {
    let id = intent.id.0;
    let Some(message) = step::load(tx, id)? else { return Ok(Intended::LeaseLost) };
    if message.fence != intent.fence || message.state != State::Leased {
        came_back(tx, id, intent.fence)?;
        return Ok(Intended::LeaseLost);
    }
    let now = micros(intent.sent.at);
    for Claim { system, entity, value, create_key } in &intent.claims {
        // Whoever had it first keeps it, and is told.
        let owner: String = tx
            .prepare_cached(
                "INSERT INTO claims (system, entity, value, create_key, at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (system, entity, value) DO UPDATE SET at = claims.at RETURNING create_key",
            )?
            .query_row(params![system, entity, value, create_key, now], |row| row.get(0))?;
        if owner != *create_key {
            return Ok(Intended::KeyInUse);
        }
    }
    let deed = serde_json::to_string(&intent.sent.deed).map_err(|error| StoreError::new(error.to_string()))?;
    let also = (
        ", attempts = attempts + 1, probes = 0, mapping_version = ?8, deed = ?9, request = ?10, request_hash = ?11, create_key = ?12,
           sent_at = ?6, first_attempt_at = coalesce(first_attempt_at, ?6), batch = ?13",
        params![intent.version, deed, intent.sent.record, intent.sent.hash, intent.sent.create_key, intent.batch].0,
    );
    step::take(
        tx,
        &message,
        Event::Intend,
        &Circumstances { next_at: message.next_at, also, ..Default::default() },
        now,
    )?;
    tx.prepare_cached(
        "INSERT INTO attempts (message_id, n, kind, generation, started_at, request_hash) VALUES (?1, ?2, 'send', ?3, ?4, ?5)",
    )?
    .put(params![id, message.attempts.saturating_add(1), message.generation, now, intent.sent.hash])?;
    Ok(Intended::Granted)
}
