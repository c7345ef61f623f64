//! From a mapped record to a verdict: intent, request, answer, probe.
//!
//! In: prepared messages. Out: conclusions in the store. INVARIANT: no byte of a write leaves before its intent is
//! committed, and nothing that may be at the target is sent again unless a key, a probe or a person allows it.

use std::time::Duration;

use mapwright_values::plan::{Manner, WritePlan};
use mapwright_values::{Find, Json, Link, Term, Test};
use tracing::Instrument;

use super::deciding::{self, Decision, Turn};
use super::resolving::{Prepared, Work};
use super::{Core, halting, record, working};
use crate::EngineError;
use crate::clock::later;
use crate::connector::{Class, Deed, Failure, Probe, WriteRequest, Written};
use crate::keys;
use crate::state::State;
use crate::store::{
    Concluded, Conclusion, ConnectionChange, Delivery, Fault, Intended, Intent, NewLink, Sent, Verdict, WrittenRecord,
};

/// How the work on one message ended.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// Was anything sent that its system answered, or did not?
    pub(crate) sent: bool,
    /// Where the message stands; `None` = somebody else has it.
    pub(crate) state: Option<State>,
    /// Why it is not done.
    pub(crate) fault: Option<Fault>,
}

/// Brings one message to its verdict.
pub(crate) async fn finish(core: &Core, work: Work, lease_until: jiff::Timestamp) -> Result<Finished, EngineError> {
    let span = tracing::info_span!(
        "message", id = work.leased.id.0, trace = %work.leased.capture_key, flow = work.flow.name, write = work.leased.write
    );
    dispatch(core, work, lease_until).instrument(span).await
}

async fn dispatch(core: &Core, mut work: Work, lease_until: jiff::Timestamp) -> Result<Finished, EngineError> {
    let attempts = work.leased.attempts;
    let finished = match work.result.take() {
        None => probe_turn(core, &work).await,
        Some(Prepared::Conclude(verdict)) => conclude(core, &work, verdict, None).await,
        Some(Prepared::Halt { alias, fault }) => halt(core, &work, &alias, fault).await,
        Some(Prepared::Record(record)) => send(core, &mut work, &record, lease_until).await,
    };
    let sent = work.leased.attempts > attempts;
    if work.leased.trial && !sent {
        let change = ConnectionChange::Untried { alias: work.mapping.system.to_owned(), now: core.now() };
        core.store.connection(change).await?;
    }
    Ok(Finished { sent, ..finished? })
}

/// The fields by which a write finds its record.
pub(crate) fn by(write: &WritePlan) -> &'static [&'static str] {
    match write.manner {
        Manner::CreateOnce { by } | Manner::Upsert { by } | Manner::Update { by } | Manner::Delete { by } => by,
        Manner::Action => &[],
    }
}

fn op(write: &WritePlan) -> &'static str {
    match write.manner {
        Manner::CreateOnce { .. } => "create",
        Manner::Upsert { .. } => "upsert",
        Manner::Update { .. } => "update",
        Manner::Delete { .. } => "delete",
        Manner::Action => "act",
    }
}

/// The same in every attempt: of a create without its version, of everything else with it.
fn repeat_key(work: &Work) -> String {
    let op = format!(
        "{} {}",
        op(work.write),
        if matches!(work.write.manner, Manner::Action) { work.mapping.name } else { "" }
    );
    let key = keys::WriteKey {
        source: (work.flow.read.system, work.flow.read.entity),
        id: &work.leased.source_key,
        target: (work.mapping.system, work.mapping.entity),
        op: op.trim_end(),
        part: work.leased.part.as_deref(),
    };
    match work.write.manner {
        Manner::CreateOnce { .. } => keys::create_key(&key),
        Manner::Upsert { .. } | Manner::Update { .. } | Manner::Delete { .. } | Manner::Action => {
            keys::update_key(&key, &work.leased.capture_key)
        }
    }
}

async fn send(
    core: &Core,
    work: &mut Work,
    json: &Json<'_>,
    lease_until: jiff::Timestamp,
) -> Result<Finished, EngineError> {
    let record = json.to_text();
    let hash = keys::digest(&[&record]);
    if work.leased.last_written.as_deref() == Some(hash.as_str()) {
        let verdict = Verdict::Noop {
            reason: "the target was given the same content before".to_owned(),
            written: None,
            next: core.next_write(work.flow, work.leased.write),
        };
        return conclude(core, work, verdict, None).await;
    }
    let deed = match deed(core, work, json).await? {
        Ok(deed) => deed,
        Err(decision) => return decided(core, work, decision).await,
    };
    let gate = core.gates.get(work.mapping.system).cloned();
    let _permit = match &gate {
        Some(gate) => Some(gate.acquire().await.map_err(|_| EngineError::Fault("a gate was closed".to_owned()))?),
        None => None,
    };
    let writing = core.connector(work.mapping.system)?.writing(work.mapping.entity);
    let give_up = writing.request_timeout.saturating_add(core.options.request_margin);
    let now = core.now();
    // A request must be given up before its lease ends; one that would not be is left to a later claim.
    let passes = work.leased.trial || work.leased.canary || halting::lets_pass(core, work.mapping.system);
    if core.is_stopping() || !passes || later(now, give_up) > lease_until {
        return conclude(core, work, Verdict::HandBack, None).await;
    }
    let sent = Sent { deed, record, create_key: repeat_key(work), hash, at: now };
    let intent = Intent {
        id: work.leased.id,
        fence: work.leased.fence,
        sent: sent.clone(),
        version: work.mapping.version.to_owned(),
        claim: claim(work, json),
    };
    core.crash.reach("intent.before_commit");
    let intended = core.store.intend(intent).await?;
    core.crash.reach("intent.after_commit");
    match intended {
        Intended::LeaseLost => {
            tracing::warn!(message = work.leased.id.0, "another worker has the message; its result is left to it");
            Ok(Finished { sent: false, state: None, fault: None })
        }
        Intended::KeyInUse => conclude(core, work, Verdict::Dead { fault: key_in_use(work) }, None).await,
        Intended::Granted => transmit(core, work, sent, give_up).await,
    }
}

fn key_in_use(work: &Work) -> Fault {
    Fault::own(
        "key_in_use",
        format!(
            "another source record has already claimed the same {} in {}.{}: two records must not share it; correct one at the source, then retry",
            by(work.write).join(", "),
            work.mapping.system,
            work.mapping.entity
        ),
    )
}

/// The natural key that a create claims.
fn claim(work: &Work, json: &Json<'_>) -> Option<(String, String, String)> {
    match work.write.manner {
        Manner::CreateOnce { by } => {
            let value = keys::key_text(&record::fields_text(json, by)?);
            Some((work.mapping.system.to_owned(), work.mapping.entity.to_owned(), value))
        }
        Manner::Upsert { .. } | Manner::Update { .. } | Manner::Delete { .. } | Manner::Action => None,
    }
}

/// What is to be done to which record; an inner error is what becomes of the message instead.
async fn deed(core: &Core, work: &Work, json: &Json<'_>) -> Result<Result<Deed, Decision>, EngineError> {
    let by = by(work.write);
    let key = record::fields_text(json, by);
    let Some(values) = key else {
        let fault = Fault::own(
            "no_key",
            format!("the mapped record has no `{}`, by which the flow `{}` writes it", by.join(", "), work.flow.name),
        );
        return Ok(Err(Decision::Conclude(Verdict::Dead { fault })));
    };
    match work.write.manner {
        Manner::CreateOnce { .. } => Ok(Ok(Deed::Create)),
        Manner::Action => Ok(Ok(Deed::Act)),
        Manner::Upsert { .. } if by == work.write.key => Ok(Ok(Deed::Upsert { key: values })),
        Manner::Update { .. } if by == work.write.key => Ok(Ok(Deed::Update { key: values })),
        Manner::Delete { .. } if by == work.write.key => Ok(Ok(Deed::Delete { key: values })),
        Manner::Upsert { .. } | Manner::Update { .. } | Manner::Delete { .. } => by_other_key(core, work, json).await,
    }
}

/// The flow names its record by another field than the target's key: the key is looked up.
async fn by_other_key(core: &Core, work: &Work, json: &Json<'_>) -> Result<Result<Deed, Decision>, EngineError> {
    let terms = by(work.write).iter().map(|field| Term {
        field: (*field).to_owned(),
        test: Test::Eq,
        value: field.split('.').try_fold(json, |at, step| at.get(step)).map(Json::to_text).unwrap_or_default(),
    });
    let find = Find {
        system: work.mapping.system.to_owned(),
        entity: work.mapping.entity.to_owned(),
        terms: terms.collect(),
        select: work.write.key.iter().map(|field| (*field).to_owned()).collect(),
    };
    let found = match core.connector(work.mapping.system)?.find(std::slice::from_ref(&find)).await {
        Ok(found) => found.into_iter().next().unwrap_or_default(),
        Err(failure) => return Ok(Err(deciding::after_question(&failure, &work.situation))),
    };
    let mut keys = Vec::new();
    for text in &found {
        keys.extend(Json::parse(text).ok().and_then(|json| record::fields_text(&json, work.write.key)));
    }
    let place = format!("{}.{} by {}", work.mapping.system, work.mapping.entity, by(work.write).join(", "));
    match (keys.len(), keys.pop(), work.write.manner) {
        (1, Some(key), Manner::Delete { .. }) => Ok(Ok(Deed::Delete { key })),
        (1, Some(key), _) => Ok(Ok(Deed::Update { key })),
        (0, _, Manner::Upsert { .. }) if found.is_empty() => Ok(Ok(Deed::Create)),
        (0, _, _) if found.is_empty() => {
            let fault = Fault::own("missing", format!("the record to be changed is not there: {place}"));
            Ok(Err(Decision::Conclude(deciding::wait_for(fault, Vec::new(), &work.situation))))
        }
        (_, _, _) => {
            let fault = Fault::own("several", format!("{} records answer to {place}: make it one", found.len()));
            Ok(Err(Decision::Conclude(Verdict::Dead { fault })))
        }
    }
}

async fn transmit(core: &Core, work: &mut Work, sent: Sent, give_up: Duration) -> Result<Finished, EngineError> {
    let request = WriteRequest {
        entity: work.mapping.entity.to_owned(),
        deed: sent.deed.clone(),
        record: sent.record.clone(),
        create_key: sent.create_key.clone(),
    };
    core.crash.reach("send.before");
    let connector = core.connector(work.mapping.system)?;
    let answer = tokio::time::timeout(give_up, connector.send(&request)).await;
    core.crash.reach("send.after");
    work.situation.sent_at = sent.at;
    work.situation.now = core.now();
    work.situation.first_attempt_at = work.situation.first_attempt_at.or(Some(sent.at));
    work.leased.attempts = work.leased.attempts.saturating_add(1);
    let result = match answer {
        Ok(result) => result,
        Err(_) => Err(no_answer(work)),
    };
    let result = result.and_then(|written| promised_key(work, written));
    work.leased.sent = Some(sent);
    let drift = halting::note_outcome(core, work, result.as_ref().err()).await?;
    match result {
        Ok(written) => {
            let verdict = delivered(core, work, written, false);
            conclude(core, work, verdict, None).await
        }
        Err(failure) => {
            if failure.class == Class::Conflict
                && let Ok(mut cache) = core.cache.lock()
            {
                cache.forget(work.mapping.system);
            }
            match drift {
                Some(fault) => decided(core, work, Decision::Halt(fault)).await,
                None => decided(core, work, deciding::after_send(&failure, &work.situation)).await,
            }
        }
    }
}

fn no_answer(work: &Work) -> Failure {
    Failure {
        class: Class::Ambiguous,
        status: None,
        code: Some("no_answer".to_owned()),
        message: format!("{} did not answer a write to {} in time", work.mapping.system, work.mapping.entity),
        field: None,
        retry_after: None,
    }
}

/// A create that does not tell the key of what it made has proved nothing.
fn promised_key(work: &Work, written: Written) -> Result<Written, Failure> {
    let creates = matches!(work.write.manner, Manner::CreateOnce { .. });
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
    Ok(written)
}

async fn decided(core: &Core, work: &Work, decision: Decision) -> Result<Finished, EngineError> {
    match decision {
        Decision::Conclude(verdict) => conclude(core, work, verdict, None).await,
        Decision::Halt(fault) => halt(core, work, work.mapping.system, fault).await,
        Decision::Probe(_) => probe(core, work).await,
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

async fn probe_turn(core: &Core, work: &Work) -> Result<Finished, EngineError> {
    match deciding::ambiguous_turn(&work.situation) {
        Turn::Probe => probe(core, work).await,
        Turn::Conclude(verdict) => conclude(core, work, verdict, None).await,
    }
}

/// Asks the target whether the effect is there.
async fn probe(core: &Core, work: &Work) -> Result<Finished, EngineError> {
    let Some(sent) = &work.leased.sent else {
        let fault = Fault::own("program", "an ambiguous message without a request: a fault of the program");
        return conclude(core, work, Verdict::Park { fault }, None).await;
    };
    let names: Vec<String> = by(work.write).iter().map(|field| (*field).to_owned()).collect();
    let connector = core.connector(work.mapping.system)?;
    core.crash.reach("probe.inside");
    let answer = connector.probe(work.mapping.entity, &names, &sent.record).await;
    core.crash.reach("probe.before_commit");
    let mut situation = work.situation.clone();
    situation.now = core.now();
    let found = match answer {
        Ok(found) => found,
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
    let verdict = match (deciding::after_probe(&found, &situation), found) {
        (Some(verdict), _) => verdict,
        (None, Probe::Same { key, record }) => delivered(core, work, Written { key, record: Some(record) }, true),
        (None, Probe::Absent | Probe::Differs { .. } | Probe::Several { .. }) => {
            Verdict::Park { fault: Fault::own("program", "a probe was not understood: a fault of the program") }
        }
    };
    conclude(core, work, verdict, Some(words.to_owned())).await
}

/// T6: everything that belongs to a delivery.
fn delivered(core: &Core, work: &Work, written: Written, by_probe: bool) -> Verdict {
    let target_key = (!written.key.is_empty()).then(|| keys::key_text(&written.key));
    let link = |exclusive: bool| {
        target_key.clone().map(|target_key| NewLink {
            link: Link {
                system: work.mapping.system.to_owned(),
                entity: work.mapping.entity.to_owned(),
                of_system: work.flow.read.system.to_owned(),
                of_entity: work.flow.read.entity.to_owned(),
                key: work.leased.source_key.clone(),
            },
            target_key,
            exclusive,
        })
    };
    let link = match work.write.manner {
        Manner::CreateOnce { .. } => link(true),
        Manner::Upsert { .. } => link(false),
        Manner::Update { .. } | Manner::Delete { .. } | Manner::Action => None,
    };
    let record = match (work.write.named, &target_key) {
        (Some(name), Some(key)) => Some(WrittenRecord {
            name: name.to_owned(),
            system: work.mapping.system.to_owned(),
            entity: work.mapping.entity.to_owned(),
            key: key.clone(),
            body: written.record.clone().filter(|body| working::enough(body, work.write)),
        }),
        (Some(_), None) | (None, _) => None,
    };
    Verdict::Done(Box::new(Delivery {
        target_key,
        link,
        hash: work.leased.sent.as_ref().map(|sent| sent.hash.clone()).unwrap_or_default(),
        response_digest: written.record.as_ref().map(|record| keys::digest(&[record])),
        written: record,
        next: core.next_write(work.flow, work.leased.write),
        by_probe,
    }))
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
        Verdict::Dead { .. } => ("dead.before_commit", "dead.after_commit"),
    }
}

async fn conclude(core: &Core, work: &Work, verdict: Verdict, probe: Option<String>) -> Result<Finished, EngineError> {
    let fault = verdict.fault().cloned();
    let (before, after) = points(&verdict);
    let conclusion = Conclusion { id: work.leased.id, fence: work.leased.fence, now: core.now(), verdict, probe };
    core.crash.reach(before);
    let concluded = core.store.conclude(conclusion).await?;
    core.crash.reach(after);
    match concluded {
        Concluded::LeaseLost => {
            tracing::warn!(message = work.leased.id.0, "the claim on the message was lost; its result is refused");
            Ok(Finished { sent: false, state: None, fault })
        }
        Concluded::Applied(state) => {
            tracing::debug!(message = work.leased.id.0, trace = %work.leased.capture_key, state = state.name(), "concluded");
            count(core, work, state);
            Ok(Finished { sent: false, state: Some(state), fault })
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
