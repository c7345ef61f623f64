//! From a mapped record to a verdict: intent, request, answer, probe.
//!
//! In: prepared messages. Out: conclusions in the store. INVARIANT: no byte of a write leaves before its intent is
//! committed, and nothing that may be at the target is sent again unless a key, a probe or a person allows it.

use std::borrow::Cow;
use std::time::Duration;

use mapwright_values::plan::Manner;
use mapwright_values::{Json, Link};
use tracing::Instrument;

use super::addressing::{by, claim, deed, key_in_use, repeat_key};
use super::deciding::{self, Decision, Turn};
use super::guarding::{self, Standing};
use super::resolving::{Prepared, Work};
use super::together::Part;
use super::{Core, halting, record, together, working};
use crate::EngineError;
use crate::clock::later;
use crate::connector::{Class, Connector, Deed, Failure, Probe, WriteRequest, Written};
use crate::keys;
use crate::state::State;
use crate::store::{
    Claim, Concluded, Conclusion, ConnectionChange, Delivery, Fault, Intended, Intent, NewLink, Sent, Verdict,
    WrittenRecord,
};
use crate::trace;

/// How the work on one message ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finished {
    /// Was anything sent that its system answered, or did not?
    pub(crate) sent: bool,
    /// Where the message stands; `None` = somebody else has it.
    pub(crate) state: Option<State>,
    /// Why it is not done.
    pub(crate) fault: Option<Fault>,
    /// The halted connection that it waits for: its target, or one that it asks.
    pub(crate) waits_for: Option<String>,
}

/// Brings one message to its verdict.
pub(crate) async fn finish(core: &Core, work: Work, lease_until: jiff::Timestamp) -> Result<Finished, EngineError> {
    let span = work.span.clone();
    dispatch(core, work, lease_until).instrument(span).await
}

async fn dispatch(core: &Core, mut work: Work, lease_until: jiff::Timestamp) -> Result<Finished, EngineError> {
    let attempts = work.leased.attempts;
    let finished = match work.result.take() {
        None => probe_turn(core, &mut work).await,
        Some(Prepared::Conclude(verdict)) => conclude(core, &work, verdict, None).await,
        Some(Prepared::Halt { alias, fault }) => halt(core, &work, &alias, fault).await,
        Some(Prepared::Record(record)) => send(core, &mut work, record, lease_until).await,
        Some(Prepared::Together(parts)) => match together::prepare(core, &mut work, parts).await? {
            Readied::Ready(ready) => send_ready(core, &mut work, *ready, lease_until).await,
            Readied::Finished(finished) => Ok(finished),
        },
    };
    let sent = work.leased.attempts > attempts;
    if work.leased.trial && !sent {
        let change = ConnectionChange::Untried { alias: work.mapping.system.to_owned(), now: core.now() };
        core.store.connection(change).await?;
    }
    Ok(Finished { sent, ..finished? })
}

/// A write that may go out.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) sent: Sent,
    pub(super) version: Option<String>,
    pub(super) claims: Vec<Claim>,
    /// `together`: one request for each part, all of them sent at once.
    pub(super) parts: Vec<Part>,
}

/// What came of getting a write ready.
#[derive(Debug)]
pub(super) enum Readied {
    /// It may go out.
    Ready(Box<Ready>),
    /// It came to an end without.
    Finished(Finished),
}

/// `on create`: what is written once makes no difference to what is written again.
pub(super) fn written_once(work: &Work) -> &'static [&'static str] {
    match work.write.manner {
        Manner::Update { .. } | Manner::Upsert { .. } => work.mapping.create_only,
        Manner::CreateOnce { .. } | Manner::Delete { .. } | Manner::Action => &[],
    }
}

/// What of a record lasts: all but what is written once.
pub(super) fn lasting<'j>(json: &'j Json<'static>, once: &[&str]) -> Cow<'j, Json<'static>> {
    match once.is_empty() {
        true => Cow::Borrowed(json),
        false => Cow::Owned(record::without(json.clone(), once)),
    }
}

/// Where nobody had to ask the target: does the write change a record that is there?
pub(super) const fn changes(work: &Work, deed: &Deed) -> bool {
    matches!(work.write.manner, Manner::Update { .. }) || matches!(deed, Deed::Update { .. })
}

/// Finds out what is to be done to which record, and whether it must be done at all.
pub(super) async fn prepare(core: &Core, work: &mut Work, json: Json<'static>) -> Result<Readied, EngineError> {
    let once = written_once(work);
    let lasting = lasting(&json, once);
    let lasting_text = lasting.to_text();
    let hash = keys::digest(&[&lasting_text]);
    // Where another flow writes the target too, only the target itself can say what it holds.
    if work.flow.conflict.is_none() && work.leased.last_written.as_deref() == Some(hash.as_str()) {
        let verdict = unchanged(core, work, "the target was given the same content before", Vec::new(), None);
        return Ok(Readied::Finished(conclude(core, work, verdict, None).await?));
    }
    let deed = match deed(core, work, &json).await? {
        Ok(deed) => deed,
        Err(decision) => return Ok(Readied::Finished(decided(core, work, decision).await?)),
    };
    let (exists, version) = match guarding::look(core, work, &deed, &lasting).await? {
        Ok(Standing::Unasked) => (changes(work, &deed), None),
        Ok(Standing::Absent) => (false, None),
        Ok(Standing::Free { version }) => (true, version),
        Ok(Standing::Settled { reason, key, agreed }) => {
            let verdict = unchanged(core, work, &reason, agreed, Some(key));
            return Ok(Readied::Finished(conclude(core, work, verdict, None).await?));
        }
        Err(decision) => return Ok(Readied::Finished(decided(core, work, decision).await?)),
    };
    let claims = claim(work, &json, None).into_iter().collect();
    let record = if exists || once.is_empty() { lasting_text } else { json.to_text() };
    let sent = Sent { deed, record, create_key: repeat_key(work, None), hash, at: core.now() };
    Ok(Readied::Ready(Box::new(Ready { sent, version, claims, parts: Vec::new() })))
}

/// T4: there is nothing to write.
pub(super) fn unchanged(
    core: &Core,
    work: &Work,
    reason: &str,
    agreed: Vec<crate::store::Agreed>,
    key: Option<Vec<String>>,
) -> Verdict {
    let key = key.map(|key| keys::key_text(&key));
    Verdict::Noop {
        reason: reason.to_owned(),
        written: key.and_then(|key| written_record(work, key, None)),
        next: core.next_write(work.flow, work.leased.write),
        agreed,
        removed: false,
    }
}

/// How long a request to this target may take before it is given up.
pub(super) fn give_up(core: &Core, work: &Work) -> Result<Duration, EngineError> {
    let writing = core.connector(work.mapping.system)?.writing(work.mapping.entity);
    Ok(writing.request_timeout.saturating_add(core.options.request_margin))
}

/// May a request go out now? One that would not be given up before its lease ends is left to a later claim.
pub(super) fn may_go(core: &Core, work: &Work, give_up: Duration, lease_until: jiff::Timestamp) -> bool {
    let passes = work.leased.trial || work.leased.canary || halting::lets_pass(core, work.mapping.system);
    !core.is_stopping() && passes && later(core.now(), give_up) <= lease_until
}

/// What the store is told before the first byte goes out.
pub(super) fn intent(work: &Work, ready: &Ready, batch: Option<&str>) -> Intent {
    Intent {
        id: work.leased.id,
        fence: work.leased.fence,
        sent: ready.sent.clone(),
        version: work.mapping.version.to_owned(),
        claims: ready.claims.clone(),
        batch: batch.map(str::to_owned),
    }
}

/// What the connector is asked.
pub(super) fn request(work: &Work, ready: &Ready) -> WriteRequest {
    WriteRequest {
        entity: work.mapping.entity.to_owned(),
        deed: ready.sent.deed.clone(),
        record: ready.sent.record.clone(),
        create_key: ready.sent.create_key.clone(),
        version: ready.version.clone(),
    }
}

async fn send(
    core: &Core,
    work: &mut Work,
    json: Json<'static>,
    lease_until: jiff::Timestamp,
) -> Result<Finished, EngineError> {
    match prepare(core, work, json).await? {
        Readied::Ready(ready) => send_ready(core, work, *ready, lease_until).await,
        Readied::Finished(finished) => Ok(finished),
    }
}

/// Sends one write by itself.
pub(super) async fn send_ready(
    core: &Core,
    work: &mut Work,
    mut ready: Ready,
    lease_until: jiff::Timestamp,
) -> Result<Finished, EngineError> {
    let gate = core.gates.get(work.mapping.system).cloned();
    let _permit = match &gate {
        Some(gate) => Some(gate.acquire().await.map_err(|_| EngineError::Fault("a gate was closed".to_owned()))?),
        None => None,
    };
    let give_up = give_up(core, work)?;
    if !may_go(core, work, give_up, lease_until) {
        return conclude(core, work, Verdict::HandBack, None).await;
    }
    ready.sent.at = core.now();
    core.crash.reach("intent.before_commit");
    let intended = core.store.intend(intent(work, &ready, None)).await?;
    core.crash.reach("intent.after_commit");
    match intended {
        // A process that stood still meanwhile may have lost its claim: nothing was sent, and nothing is.
        Intended::Granted if later(core.now(), give_up) > lease_until => too_late(core, work).await,
        Intended::Granted => transmit(core, work, ready, give_up).await,
        refused @ (Intended::LeaseLost | Intended::KeyInUse) => not_intended(core, work, &refused).await,
    }
}

/// The intent is kept, and its claim has no time left in which a request could end: proof of no effect.
pub(super) async fn too_late(core: &Core, work: &Work) -> Result<Finished, EngineError> {
    let fault = Fault::own("late", "the claim was nearly over before anything was sent");
    let verdict = Verdict::Retry { at: core.now(), fault, quiet_until: None, alone: false };
    conclude(core, work, verdict, None).await
}

/// The store did not allow a write.
pub(super) async fn not_intended(core: &Core, work: &Work, refused: &Intended) -> Result<Finished, EngineError> {
    match refused {
        Intended::KeyInUse => conclude(core, work, Verdict::Dead { fault: key_in_use(work) }, None).await,
        Intended::LeaseLost | Intended::Granted => {
            tracing::warn!(message = work.leased.id.0, "another worker has the message; its result is left to it");
            Ok(Finished::default())
        }
    }
}

async fn transmit(core: &Core, work: &mut Work, ready: Ready, give_up: Duration) -> Result<Finished, EngineError> {
    let connector = core.connector(work.mapping.system)?;
    let sending = trace::send(&work.span, work.mapping, &ready.sent, work.leased.attempts.saturating_add(1));
    core.crash.reach("send.before");
    let answer = if ready.parts.is_empty() {
        let request = request(work, &ready);
        tokio::time::timeout(give_up, connector.send(&request)).instrument(sending).await
    } else {
        tokio::time::timeout(give_up, together::transmit(connector.as_ref(), work, &ready)).instrument(sending).await
    };
    core.crash.reach("send.after");
    let result = match answer {
        Ok(result) => result,
        Err(_) => Err(no_answer(work)),
    };
    let result = result.and_then(|written| together::note_keys(work, &ready, written));
    settle(core, work, ready.sent, result, Shared::default()).await
}

/// What a message shares with the others of its batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shared {
    /// It failed with all of them, and one of them is to blame.
    pub(super) blamed: bool,
    /// Its outcome is that of the whole request and was noted with another one of them.
    pub(super) noted: bool,
}

/// An answer was had, or was not: what becomes of the message.
pub(super) async fn settle(
    core: &Core,
    work: &mut Work,
    sent: Sent,
    result: Result<Written, Failure>,
    shared: Shared,
) -> Result<Finished, EngineError> {
    // Whether it was done or refused: what is known of the system is from before.
    if let Ok(mut cache) = core.cache.lock() {
        cache.forget(work.mapping.system);
    }
    work.situation.sent_at = sent.at;
    work.situation.now = core.now();
    work.situation.first_attempt_at = work.situation.first_attempt_at.or(Some(sent.at));
    work.leased.attempts = work.leased.attempts.saturating_add(1);
    let result = result.and_then(|written| promised_key(work, written)).or_else(|failure| gone_before(&sent, failure));
    work.leased.sent = Some(sent);
    if shared.blamed
        && let Err(failure) = &result
    {
        // Which of them was at fault is found out by sending each by itself; nothing of the batch took effect.
        let verdict = deciding::alone(Fault::told(failure), &work.situation);
        return conclude(core, work, verdict, None).await;
    }
    let drift = match shared.noted {
        true => None,
        false => halting::note_outcome(core, work, result.as_ref().err()).await?,
    };
    match result {
        Ok(written) => {
            let verdict = delivered(core, work, written, false);
            conclude(core, work, verdict, None).await
        }
        Err(failure) => match drift {
            Some(fault) => decided(core, work, Decision::Halt(fault)).await,
            None => decided(core, work, deciding::after_send(&failure, &work.situation)).await,
        },
    }
}

pub(super) fn no_answer(work: &Work) -> Failure {
    Failure {
        class: Class::Ambiguous,
        status: None,
        code: Some("no_answer".to_owned()),
        message: format!("{} did not answer a write to {} in time", work.mapping.system, work.mapping.entity),
        field: None,
        retry_after: None,
        existing: None,
    }
}

/// A create that does not tell the key of what it made has proved nothing.
fn promised_key(work: &Work, written: Written) -> Result<Written, Failure> {
    let creates = matches!(work.write.manner, Manner::CreateOnce { .. }) && work.part_keys.is_empty();
    if creates && written.key.iter().all(String::is_empty) {
        return Err(Failure {
            code: Some("no_key".to_owned()),
            message: format!(
                "{} accepted a create of {} without telling its key",
                work.mapping.system, work.mapping.entity
            ),
            ..no_answer(work)
        });
    }
    if work.part_keys.is_empty() && keys::is_too_long(&keys::key_text(&written.key)) {
        let fault = Fault::too_long(&format!("what {} told", work.mapping.system));
        return Err(Failure { code: Some(fault.class), message: fault.message, ..no_answer(work) });
    }
    Ok(written)
}

/// What is to be removed and is not there has been removed: by our own lost request, or by somebody else.
fn gone_before(sent: &Sent, failure: Failure) -> Result<Written, Failure> {
    match &sent.deed {
        Deed::Delete { key } if failure.class == Class::Missing => Ok(Written { key: key.clone(), record: None }),
        Deed::Delete { .. } | Deed::Create | Deed::Update { .. } | Deed::Upsert { .. } | Deed::Act => Err(failure),
    }
}

pub(super) async fn decided(core: &Core, work: &mut Work, decision: Decision) -> Result<Finished, EngineError> {
    match decision {
        Decision::Conclude(verdict) => conclude(core, work, verdict, None).await,
        Decision::Halt(fault) => halt(core, work, work.mapping.system, fault).await,
        Decision::Probe(_, existing) => probe(core, work, None, existing).await,
        Decision::Refused(fault) => probe(core, work, Some(fault), None).await,
    }
}

async fn halt(core: &Core, work: &Work, alias: &str, fault: Fault) -> Result<Finished, EngineError> {
    halting::halt(core, alias, &fault, work.flow, None).await?;
    let verdict = match work.leased.state {
        // What may be at the target stays ambiguous; a halted system's messages are not claimed, so nothing is lost.
        State::Ambiguous => Verdict::Ambiguous { at: core.now(), fault, probes: work.leased.probes },
        State::Queued
        | State::Leased
        | State::Intent
        | State::RetryWait
        | State::Waiting(_)
        | State::ParkedAmbiguous
        | State::Done
        | State::Noop
        | State::Superseded
        | State::Skipped
        | State::Dead
        | State::Discarded => Verdict::WaitConnection { alias: alias.to_owned(), fault },
    };
    conclude(core, work, verdict, None).await
}

async fn probe_turn(core: &Core, work: &mut Work) -> Result<Finished, EngineError> {
    match deciding::ambiguous_turn(&work.situation) {
        Turn::Probe => probe(core, work, None, None).await,
        Turn::Conclude(verdict) => conclude(core, work, *verdict, None).await,
    }
}

/// Asks the target whether the effect is there; `refused` = why it is dead if it is not, `existing` = the key that the target named.
async fn probe(
    core: &Core,
    work: &mut Work,
    refused: Option<Fault>,
    existing: Option<String>,
) -> Result<Finished, EngineError> {
    let Some(sent) = &work.leased.sent else {
        let fault = Fault::own("program", "an ambiguous message without a request: a fault of the program");
        return conclude(core, work, Verdict::Park { fault }, None).await;
    };
    let names: Vec<String> = by(work.write).iter().map(|field| (*field).to_owned()).collect();
    let connector = core.connector(work.mapping.system)?;
    let asking = trace::probe(&work.span, work.mapping);
    core.crash.reach("probe.inside");
    let answer = match together::parts_of(&sent.record).filter(|_| work.write.together) {
        Some(parts) => together::probe(connector.as_ref(), work, &names, parts).instrument(asking).await,
        None => asked(connector.as_ref(), work.mapping.entity, (&names, &sent.record), existing.as_deref())
            .instrument(asking)
            .await
            .map(|found| (found, Vec::new())),
    };
    core.crash.reach("probe.before_commit");
    let mut situation = work.situation.clone();
    situation.now = core.now();
    let found = match answer {
        Ok((found, keys)) => {
            work.part_keys = keys;
            found
        }
        Err(failure) if failure.class == Class::Halt => {
            return halt(core, work, work.mapping.system, Fault::told(&failure)).await;
        }
        Err(failure) => {
            let pause =
                situation.retry.pause(situation.failures.saturating_add(1), failure.retry_after, situation.random);
            let at = later(situation.now, pause);
            let verdict = Verdict::Ambiguous { at, fault: Fault::told(&failure), probes: work.leased.probes };
            return conclude(core, work, verdict, Some("the probe failed".to_owned())).await;
        }
    };
    let words = match &found {
        Probe::Absent => "absent",
        Probe::Same { .. } => "there, and the same",
        Probe::Differs { .. } => "there, but different",
        Probe::Several { .. } => "there more than once",
    };
    let verdict = match (deciding::after_probe(&found, &situation), found, refused) {
        (_, Probe::Absent, Some(fault)) => Verdict::Dead { fault },
        (Some(verdict), _, _) => verdict,
        (None, Probe::Same { key, .. }, _) if keys::is_too_long(&keys::key_text(&key)) => {
            Verdict::Park { fault: Fault::too_long(&format!("what {} told", work.mapping.system)) }
        }
        (None, Probe::Same { key, record }, _) => delivered(core, work, Written { key, record: Some(record) }, true),
        (None, Probe::Absent | Probe::Differs { .. } | Probe::Several { .. }, _) => {
            Verdict::Park { fault: Fault::own("program", "a probe was not understood: a fault of the program") }
        }
    };
    conclude(core, work, verdict, Some(words.to_owned())).await
}

/// Asks for the record that the target named, else by the natural key.
async fn asked(
    connector: &dyn Connector,
    entity: &str,
    (by, record): (&[String], &str),
    existing: Option<&str>,
) -> Result<Probe, Failure> {
    if let Some(existing) = existing
        && let Some(found) = connector.probe_existing(entity, existing, record).await?
    {
        return Ok(found);
    }
    connector.probe(entity, by, record).await
}

/// T6: everything that belongs to a delivery.
fn delivered(core: &Core, work: &Work, written: Written, by_probe: bool) -> Verdict {
    let target_key = (!written.key.is_empty()).then(|| keys::key_text(&written.key));
    let exclusive = match work.write.manner {
        Manner::CreateOnce { .. } => Some(true),
        Manner::Upsert { .. } => Some(false),
        Manner::Update { .. } | Manner::Delete { .. } | Manner::Action => None,
    };
    let whole = target_key.clone().map(|key| (None, key));
    let parts = work.part_keys.iter().map(|(part, key)| (Some(part.clone()), keys::key_text(key)));
    let links = exclusive.into_iter().flat_map(|exclusive| {
        let made = whole.clone().into_iter().chain(parts.clone());
        made.map(move |(part, target_key)| NewLink { link: own_link(work), target_key, exclusive, part })
    });
    let links: Vec<NewLink> = links.collect();
    let body = written.record.clone().filter(|body| working::enough(body, work.write));
    let record = target_key.clone().and_then(|key| written_record(work, key, body));
    let removed = match &work.leased.sent {
        Some(sent) => matches!(sent.deed, Deed::Delete { .. }),
        None => false,
    };
    Verdict::Done(Box::new(Delivery {
        links,
        hash: work.leased.sent.as_ref().map(|sent| sent.hash.clone()).unwrap_or_default(),
        response_digest: written.record.as_ref().map(|record| keys::digest(&[record])),
        written: record,
        next: core.next_write(work.flow, work.leased.write),
        by_probe,
        agreed: guarding::agreed_by_writing(work, target_key.as_deref()),
        removed,
        target_key,
    }))
}

/// The link between the source record and what is made of it.
pub(super) fn own_link(work: &Work) -> Link {
    Link {
        system: work.mapping.system.to_owned(),
        entity: work.mapping.entity.to_owned(),
        of_system: work.flow.read.system.to_owned(),
        of_entity: work.flow.read.entity.to_owned(),
        key: work.leased.source_key.clone(),
    }
}

/// `as NAME`: the record for the flow's later writes.
pub(super) fn written_record(work: &Work, key: String, body: Option<String>) -> Option<WrittenRecord> {
    work.write.named.map(|name| WrittenRecord {
        name: name.to_owned(),
        system: work.mapping.system.to_owned(),
        entity: work.mapping.entity.to_owned(),
        key,
        body,
    })
}

/// The crash points around a verdict's commit.
fn points(verdict: &Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Done(_) => ("done.before_commit", "done.after_commit"),
        Verdict::Noop { .. } | Verdict::Skipped { .. } | Verdict::HandBack | Verdict::Split { .. } => {
            ("noop.before_commit", "noop.after_commit")
        }
        Verdict::Retry { .. } => ("retry.before_commit", "retry.after_commit"),
        Verdict::Ambiguous { .. } => ("ambiguous.before_commit", "ambiguous.after_commit"),
        Verdict::Park { .. } => ("park.before_commit", "park.after_commit"),
        Verdict::WaitDependency { .. } | Verdict::WaitConnection { .. } => ("wait.before_commit", "wait.after_commit"),
        Verdict::Dead { .. } | Verdict::DeadUnproven { .. } => ("dead.before_commit", "dead.after_commit"),
    }
}

pub(super) async fn conclude(
    core: &Core,
    work: &Work,
    verdict: Verdict,
    probe: Option<String>,
) -> Result<Finished, EngineError> {
    let fault = verdict.fault().cloned();
    let waits_for = match &verdict {
        Verdict::WaitConnection { alias, .. } => Some(alias.clone()),
        Verdict::Done(_) | Verdict::Noop { .. } | Verdict::Skipped { .. } | Verdict::Retry { .. } => None,
        Verdict::Ambiguous { .. } | Verdict::Park { .. } | Verdict::Dead { .. } | Verdict::DeadUnproven { .. } => None,
        Verdict::WaitDependency { .. } | Verdict::HandBack | Verdict::Split { .. } => None,
    };
    let (before, after) = points(&verdict);
    let target = match &verdict {
        Verdict::Done(delivery) => delivery.target_key.clone(),
        Verdict::Noop { .. } | Verdict::Skipped { .. } | Verdict::Retry { .. } | Verdict::Ambiguous { .. } => None,
        Verdict::Park { .. } | Verdict::Dead { .. } | Verdict::DeadUnproven { .. } => None,
        Verdict::WaitDependency { .. } | Verdict::WaitConnection { .. } | Verdict::HandBack | Verdict::Split { .. } => {
            None
        }
    };
    let conclusion = Conclusion {
        id: work.leased.id,
        fence: work.leased.fence,
        order_key: work.leased.order_key.clone(),
        now: core.now(),
        verdict,
        probe,
    };
    core.crash.reach(before);
    let concluded = core.store.conclude(conclusion).await?;
    core.crash.reach(after);
    match concluded {
        Concluded::LeaseLost => {
            tracing::warn!(message = work.leased.id.0, "the claim on the message was lost; its result is refused");
            Ok(Finished { fault, ..Finished::default() })
        }
        Concluded::Applied(state) => {
            tracing::debug!(
                message = work.leased.id.0,
                trace = %work.leased.capture_key,
                source = work.leased.source_key,
                target = target.as_deref(),
                state = state.name(),
                "concluded"
            );
            let key = work.write.key;
            let shown = target
                .as_deref()
                .and_then(|target| trace::shown(core.plan(), (work.mapping.system, work.mapping.entity), key, target));
            trace::concluded(&work.span, state, fault.as_ref(), shown);
            count(core, work, state);
            Ok(Finished { sent: false, state: Some(state), fault, waits_for })
        }
    }
}

fn count(core: &Core, work: &Work, state: State) {
    core.progress.send_modify(|progress| {
        progress.step = format!("delivering {}", work.flow.name);
        match state {
            State::Done => progress.done += 1,
            State::Noop | State::Skipped | State::Superseded => progress.without_effect += 1,
            State::Dead | State::ParkedAmbiguous | State::Discarded => progress.dead += 1,
            State::Queued | State::Leased | State::Intent | State::Ambiguous | State::RetryWait | State::Waiting(_) => {
                progress.deferred += 1;
            }
        }
        if matches!(state, State::Done | State::Noop) && core.next_write(work.flow, work.leased.write).is_some() {
            progress.accepted += 1;
        }
    });
}
