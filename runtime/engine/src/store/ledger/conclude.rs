//! T4, T6 to T12 and T16: what became of a claimed message, with all that belongs to it, in one transaction.
//!
//! In: a verdict and the fence under which it was reached. Out: the message's new state, or that the claim was lost.

use super::super::sql::{Connection, Lock, LockSpace, params};
use mapwright_values::Link;

use super::order::{self, NewMessage};
use super::step::{self, Circumstances, MessageRow};
use super::{Concluded, Conclusion, Delivery, Fault, NewLink, StoreError, Verdict, WrittenRecord, micros, query};
use super::{agreed, gone, lease};
use crate::keys;
use crate::state::{Event, Reason, State};

/// What a verdict locks, as far as it shows by itself.
pub(super) fn locks(conclusion: &Conclusion) -> Vec<Lock> {
    let mut locks = vec![(LockSpace::Order, conclusion.order_key.clone())];
    match &conclusion.verdict {
        Verdict::Done(delivery) => {
            for new in &delivery.links {
                if new.exclusive {
                    locks.push((LockSpace::Target, target_name(new)));
                }
                locks.extend(both_ways(new).map(|name| (LockSpace::Link, name)));
            }
        }
        Verdict::WaitDependency { links, .. } => {
            locks.extend(links.iter().map(|link| (LockSpace::Link, asked_for(link))));
        }
        Verdict::Noop { .. } | Verdict::Skipped { .. } | Verdict::Retry { .. } | Verdict::Ambiguous { .. } => {}
        Verdict::Park { .. } | Verdict::WaitConnection { .. } | Verdict::Dead { .. } => {}
        Verdict::DeadUnproven { .. } | Verdict::HandBack | Verdict::Split { .. } => {}
    }
    locks
}

/// Applies a verdict.
pub(super) fn conclude(tx: &Connection, conclusion: &Conclusion) -> Result<Concluded, StoreError> {
    tx.lock(LockSpace::Order, &[&conclusion.order_key])?;
    let Some(message) = step::load_locked(tx, conclusion.id.0)? else { return Ok(Concluded::LeaseLost) };
    if message.order_key != conclusion.order_key {
        return Err(StoreError::new(format!(
            "message {}: a verdict on another key: a fault of the program",
            message.id
        )));
    }
    // INVARIANT (I9): nothing is taken under an old fence.
    if message.fence != conclusion.fence || !matches!(message.state, State::Leased | State::Intent | State::Ambiguous) {
        lease::came_back(tx, message.id, conclusion.fence)?;
        return Ok(Concluded::LeaseLost);
    }
    let now = micros(conclusion.now);
    if let Some(probe) = &conclusion.probe {
        note_probe(tx, message.id, probe, now)?;
    }
    finish_attempt(tx, &message, &conclusion.verdict, now)?;
    // A claim that came to an outcome was not poison; one that was handed back is as if it had never been.
    lease::settle(tx, &message)?;
    let state = apply(tx, &message, &conclusion.verdict, now)?;
    Ok(Concluded::Applied(state))
}

fn apply(tx: &Connection, message: &MessageRow, verdict: &Verdict, now: i64) -> Result<State, StoreError> {
    match verdict {
        Verdict::Done(delivery) => deliver(tx, message, delivery, now),
        Verdict::Noop { reason, written, next, agreed, removed } => {
            if *removed {
                gone::forget(tx, message, None)?;
                gone::forget_written(tx, message)?;
            }
            if let Some(written) = written {
                keep_written(tx, message, written)?;
            }
            agreed::keep(tx, agreed, now)?;
            note(tx, message.id, reason)?;
            let with = Circumstances { next: next.as_ref(), ..settled() };
            step::take(tx, message, Event::Unchanged, &with, now)
        }
        Verdict::Skipped { reason } => {
            note(tx, message.id, reason)?;
            step::take(tx, message, Event::Skip, &settled(), now)
        }
        Verdict::Retry { at, fault, quiet_until, alone } => {
            tx.prepare_cached(
                "UPDATE messages SET failures = failures + 1, quiet_until = coalesce(?2, quiet_until),
                        first_attempt_at = coalesce(first_attempt_at, ?3), alone = CASE WHEN alone = 1 THEN 1 ELSE ?4 END WHERE id = ?1",
            )?
            .put(params![message.id, quiet_until.map(micros), now, alone])?;
            later(tx, message, Event::Retry, (micros(*at), fault), now)
        }
        Verdict::Ambiguous { at, fault, probes } => {
            tx.prepare_cached("UPDATE messages SET probes = ?2 WHERE id = ?1")?.put(params![message.id, probes])?;
            later(tx, message, Event::Ambiguous, (micros(*at), fault), now)
        }
        Verdict::Park { fault } => end(tx, message, Event::Park, fault, now),
        Verdict::Dead { fault } => end(tx, message, Event::Die, fault, now),
        Verdict::DeadUnproven { fault, quiet_until } => {
            tx.prepare_cached("UPDATE messages SET quiet_until = ?2 WHERE id = ?1")?
                .execute(params![message.id, micros(*quiet_until)])?;
            end(tx, message, Event::Die, fault, now)
        }
        Verdict::WaitDependency { fault, links, at, own } => {
            if *own && let Some(next) = order::may_go_first(tx, message)? {
                return give_way(tx, message, (fault, &next), now);
            }
            wait_dependency(tx, message, (fault, links, micros(*at)), now)
        }
        Verdict::WaitConnection { alias, fault } => {
            if !query::is_halted(tx, alias)? {
                return later(tx, message, Event::Wait(Reason::Dependency), (now, fault), now);
            }
            let with = Circumstances { fault: Some(fault), waits_for: Some(alias), overtake: true, ..settled() };
            step::take(tx, message, Event::Wait(Reason::ConnectionHalted), &with, now)
        }
        Verdict::HandBack => {
            let with = Circumstances { next_at: Some(now), overtake: true, ..settled() };
            step::take(tx, message, Event::HandBack, &with, now)
        }
        Verdict::Split { parts } => split(tx, message, parts, now),
    }
}

/// What comes with every outcome.
fn settled<'a>() -> Circumstances<'a> {
    Circumstances { also: (", owner = NULL, deliveries = 0", Vec::new()), ..Default::default() }
}

fn later(
    tx: &Connection,
    message: &MessageRow,
    event: Event,
    (due, fault): (i64, &Fault),
    now: i64,
) -> Result<State, StoreError> {
    let with = Circumstances { next_at: Some(due), fault: Some(fault), overtake: true, ..settled() };
    step::take(tx, message, event, &with, now)
}

fn end(tx: &Connection, message: &MessageRow, event: Event, fault: &Fault, now: i64) -> Result<State, StoreError> {
    let with = Circumstances { fault: Some(fault), overtake: true, ..settled() };
    step::take(tx, message, event, &with, now)
}

/// T6, T9: the effect, the link, the hash, the flow's next write and whoever waited, all at once.
fn deliver(tx: &Connection, message: &MessageRow, delivery: &Delivery, now: i64) -> Result<State, StoreError> {
    let mut found = Vec::with_capacity(delivery.links.len());
    for link in &delivery.links {
        let around = around(tx, link)?;
        if let Some(owner) = &around.owner {
            let fault = Fault::own(
                "link_in_use",
                format!(
                    "{}.{} answered a key that belongs to another source record (`{owner}`): compare both and decide which one it is",
                    link.link.system, link.link.entity
                ),
            );
            return end(tx, message, Event::Park, &fault, now);
        }
        found.push(around);
    }
    for (link, around) in delivery.links.iter().zip(&found) {
        write_link(tx, message, link, now)?;
        wake(tx, &around.waiters, now)?;
    }
    keep_hash(tx, message, &delivery.hash)?;
    agreed::keep(tx, &delivery.agreed, now)?;
    if delivery.removed {
        gone::forget(tx, message, delivery.target_key.as_deref())?;
    }
    if let Some(written) = &delivery.written {
        keep_written(tx, message, written)?;
    }
    let also = (
        ", owner = NULL, deliveries = 0, target_key = ?8, response_digest = ?9, by_probe = ?10, rejections = NULL",
        params![delivery.target_key, delivery.response_digest, delivery.by_probe].0,
    );
    let with = Circumstances { next: delivery.next.as_ref(), also, ..Default::default() };
    step::take(tx, message, Event::Done, &with, now)
}

/// The hash of what was written, so that the same content is not sent twice. A record that is gone from the source has
/// changed the target by another write: should it come back, it is written whatever it was before.
fn keep_hash(tx: &Connection, message: &MessageRow, hash: &str) -> Result<(), StoreError> {
    if message.gone {
        return gone::forget_written(tx, message);
    }
    tx.prepare_cached(
        "INSERT INTO last_written (flow, write_no, source_key, part, hash) VALUES (?1, ?2, ?3, coalesce(?4, ''), ?5)
         ON CONFLICT (flow, write_no, source_key, part) DO UPDATE SET hash = ?5",
    )?
    .put(params![message.flow, message.write_no, message.source_key, message.part, hash])?;
    Ok(())
}

/// What stands around a link.
struct Around {
    /// I6: a target record belongs to one source record, and this one belongs to another.
    owner: Option<String>,
    /// Whoever waits for the link, asked for in either direction.
    waiters: Vec<i64>,
}

/// INVARIANT: the target and the link are locked before they are looked at, or two would see nothing of each other.
fn around(tx: &Connection, new: &NewLink) -> Result<Around, StoreError> {
    let link = &new.link;
    if new.exclusive {
        tx.lock(LockSpace::Target, &[&target_name(new)])?;
    }
    let [forwards, backwards] = both_ways(new);
    tx.lock(LockSpace::Link, &[&forwards, &backwards])?;
    let found: Vec<(Option<String>, Option<i64>)> = tx
        .prepare_cached(
            "SELECT source_key, NULL FROM links WHERE ?7 = 1 AND system = ?4 AND entity = ?5 AND target_key = ?6
               AND of_system || '' = ?1 AND of_entity = ?2 AND source_key <> ?3
             UNION ALL
             SELECT NULL, message_id FROM link_waits WHERE of_system = ?1 AND of_entity = ?2 AND source_key = ?3
               AND system = ?4 AND entity = ?5
             UNION ALL
             SELECT NULL, message_id FROM link_waits WHERE of_system = ?4 AND of_entity = ?5 AND source_key = ?6
               AND system = ?1 AND entity = ?2",
        )?
        .query_map(
            params![link.of_system, link.of_entity, link.key, link.system, link.entity, new.target_key, new.exclusive],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .collect::<Result<_, _>>()?;
    let mut around = Around { owner: None, waiters: Vec::new() };
    for (owner, waiter) in found {
        around.owner = around.owner.or(owner);
        around.waiters.extend(waiter);
    }
    Ok(around)
}

pub(super) fn keep_link(tx: &Connection, message: &MessageRow, new: &NewLink, now: i64) -> Result<(), StoreError> {
    let waiters = around(tx, new)?.waiters;
    write_link(tx, message, new, now)?;
    wake(tx, &waiters, now)
}

fn write_link(tx: &Connection, message: &MessageRow, new: &NewLink, now: i64) -> Result<(), StoreError> {
    let link = &new.link;
    tx.prepare_cached(
        "INSERT INTO links (of_system, of_entity, source_key, system, entity, part, target_key, at)
         VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, ''), ?7, ?8)
         ON CONFLICT (of_system, of_entity, source_key, system, entity, part) DO UPDATE SET target_key = ?7",
    )?
    .put(params![
        link.of_system,
        link.of_entity,
        link.key,
        link.system,
        link.entity,
        new.part.as_ref().or(message.part.as_ref()),
        new.target_key,
        now
    ])?;
    Ok(())
}

/// The target record that a link leads to.
fn target_name(new: &NewLink) -> String {
    format!("{} {} {}", new.link.system, new.link.entity, new.target_key)
}

fn both_ways(new: &NewLink) -> [String; 2] {
    let link = &new.link;
    [asked_for(link), asked((&link.system, &link.entity, &new.target_key), (&link.of_system, &link.of_entity))]
}

fn asked_for(link: &Link) -> String {
    asked((&link.of_system, &link.of_entity, &link.key), (&link.system, &link.entity))
}

/// A link as it is asked for. INVARIANT: whoever keeps a link and whoever begins to wait for it do so one after the
/// other, or the waiter would miss it.
fn asked(of: (&str, &str, &str), target: (&str, &str)) -> String {
    format!("{} {} {} {} {}", of.0, of.1, target.0, target.1, of.2)
}

/// Wakes whoever waited for a link.
fn wake(tx: &Connection, waiters: &[i64], now: i64) -> Result<(), StoreError> {
    for id in waiters {
        if let Some(message) = step::load(tx, *id)?
            && message.state == State::Waiting(Reason::Dependency)
        {
            step::take(tx, &message, Event::Wake, &Circumstances { next_at: Some(now), ..Default::default() }, now)?;
        }
        tx.prepare_cached("DELETE FROM link_waits WHERE message_id = ?1")?.put([*id])?;
    }
    Ok(())
}

pub(super) fn keep_written(tx: &Connection, message: &MessageRow, written: &WrittenRecord) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO written (flow, source_key, name, system, entity, target_key, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (flow, source_key, name) DO UPDATE SET target_key = ?6, body = ?7",
    )?
    .put(params![
        message.flow,
        message.source_key,
        written.name,
        written.system,
        written.entity,
        written.key,
        written.body
    ])?;
    Ok(())
}

/// T16. INVARIANT: a link that appeared since the mapping ran wakes the message in this very transaction.
fn wait_dependency(
    tx: &Connection,
    message: &MessageRow,
    (fault, links, due): (&Fault, &[Link], i64),
    now: i64,
) -> Result<State, StoreError> {
    note_wait(tx, message.id, now)?;
    tx.prepare_cached("DELETE FROM link_waits WHERE message_id = ?1")?.put([message.id])?;
    let asked: Vec<String> = links.iter().map(asked_for).collect();
    tx.lock(LockSpace::Link, &asked.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut there = false;
    // A record whose key is too long is never kept: there is nothing that could wake who waits for it.
    for link in links.iter().filter(|link| !keys::is_too_long(&link.key)) {
        there |= query::link(tx, link)?.is_some();
        tx.prepare_cached(
            "INSERT OR IGNORE INTO link_waits (system, entity, of_system, of_entity, source_key, message_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .put(params![link.system, link.entity, link.of_system, link.of_entity, link.key, message.id])?;
    }
    later(tx, message, Event::Wait(Reason::Dependency), (if there { now } else { due }, fault), now)
}

/// T16: another flow's message may make what this one is to change. It goes first, and wakes this one when it has ended.
fn give_way(
    tx: &Connection,
    message: &MessageRow,
    (fault, next): (&Fault, &MessageRow),
    now: i64,
) -> Result<State, StoreError> {
    note_wait(tx, message.id, now)?;
    let with = Circumstances { fault: Some(fault), overtake: true, ..settled() };
    let state = step::take(tx, message, Event::Wait(Reason::KeyBlocked), &with, now)?;
    if state == State::Waiting(Reason::KeyBlocked) {
        order::let_go(tx, next, now)?;
    }
    Ok(state)
}

fn note_wait(tx: &Connection, id: i64, now: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE messages SET waits = waits + 1, waiting_since = coalesce(waiting_since, ?2) WHERE id = ?1",
    )?
    .put(params![id, now])?;
    Ok(())
}

/// One message for each part; the one that was claimed becomes the first.
fn split(tx: &Connection, message: &MessageRow, parts: &[String], now: i64) -> Result<State, StoreError> {
    let Some((first, others)) = parts.split_first() else {
        return Err(StoreError::new(format!("message {}: a split without parts", message.id)));
    };
    let target: (String, String) = tx
        .prepare_cached("UPDATE messages SET part = ?2 WHERE id = ?1 RETURNING target_system, target_entity")?
        .query_row(params![message.id, first], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for part in others {
        let new = NewMessage {
            record_id: message.record_id,
            flow: &message.flow,
            write_no: message.write_no,
            part: Some(part),
            source_key: &message.source_key,
            target: (&target.0, &target.1),
            order_key: &message.order_key,
        };
        order::insert(tx, &new, now)?;
    }
    step::take(tx, message, Event::HandBack, &Circumstances { next_at: Some(now), ..settled() }, now)
}

fn note(tx: &Connection, id: i64, reason: &str) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE messages SET message = ?2 WHERE id = ?1")?.put(params![id, reason])?;
    Ok(())
}

fn note_probe(tx: &Connection, id: i64, probe: &str, now: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO attempts (message_id, n, kind, generation, started_at, finished_at, message)
         SELECT id, attempts, 'probe', generation, ?2, ?2, ?3 FROM messages WHERE id = ?1",
    )?
    .put(params![id, now, probe])?;
    Ok(())
}

/// Writes the outcome of the attempt that is under way, if one is.
fn finish_attempt(tx: &Connection, message: &MessageRow, verdict: &Verdict, now: i64) -> Result<(), StoreError> {
    let fault = match verdict {
        Verdict::Done(_) => None,
        Verdict::Retry { fault, .. } | Verdict::Ambiguous { fault, .. } | Verdict::Park { fault } => Some(fault),
        Verdict::WaitDependency { fault, .. } | Verdict::WaitConnection { fault, .. } => Some(fault),
        Verdict::Dead { fault } | Verdict::DeadUnproven { fault, .. } => Some(fault),
        Verdict::Noop { .. } | Verdict::Skipped { .. } | Verdict::HandBack | Verdict::Split { .. } => return Ok(()),
    };
    tx.prepare_cached(
        "UPDATE attempts SET finished_at = ?2, class = ?3, status = ?4, code = ?5, message = ?6
         WHERE id = (SELECT max(id) FROM attempts WHERE message_id = ?1 AND kind = 'send') AND finished_at IS NULL",
    )?
    .put(params![
        message.id,
        now,
        fault.map_or("done", |fault| fault.class.as_str()),
        fault.and_then(|fault| fault.status),
        fault.and_then(|fault| fault.code.as_deref()),
        fault.map(|fault| fault.message.as_str()),
    ])?;
    Ok(())
}
