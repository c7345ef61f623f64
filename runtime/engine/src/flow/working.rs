//! Workers: claim, prepare, send, conclude, until nothing is left of what was due at the beginning.
//!
//! In: the flows to be worked on. Out: messages moved on. A failure of the store ends all workers; what they held is
//! taken up again at the next beginning.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mapwright_values::plan::{DeliveryLevel, FlowPlan, Manner, MappingPlan, WritePlan};
use tokio::task::JoinSet;

use super::deciding::{self, Situation};
use super::resolving::{self, Prepared, Work};
use super::sending::Finished;
use super::{Core, addressing, batching, guarding, halting, makes, record, sending, write_plan};
use crate::EngineError;
use crate::clock::between;
use crate::keys;
use crate::state::{Reason, State};
use crate::store::{Concluded, Conclusion, Fault, LeaseRequest, Leased, TakeUp, Verdict, WrittenRecord};

/// Works until nothing is left that was due at the beginning; answers how many messages have moved on. One that has looked for the
/// record it waits for, and goes on waiting, has not: many that look again and again would never come to rest.
pub(crate) async fn work(core: &Arc<Core>, flows: &[String]) -> Result<u64, EngineError> {
    // What becomes due meanwhile is the next round's: records that wait and look again and again must not keep flows behind
    // them, alerts and readings from their turn.
    let due_by = core.now();
    let broken = Arc::new(AtomicBool::new(false));
    let moved = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..core.options.workers.max(1) {
        let (core, flows) = (Arc::clone(core), flows.to_vec());
        let (broken, moved) = (Arc::clone(&broken), Arc::clone(&moved));
        workers.spawn(async move {
            let result = work_alone(&core, &flows, due_by, &broken, &moved).await;
            if result.is_err() {
                broken.store(true, Ordering::SeqCst);
            }
            result
        });
    }
    let mut first_error = None;
    while let Some(joined) = workers.join_next().await {
        let result = joined.unwrap_or_else(|error| Err(EngineError::Fault(format!("a worker broke down: {error}"))));
        first_error = first_error.or(result.err());
    }
    match first_error {
        Some(error) => Err(error),
        None => Ok(moved.load(Ordering::SeqCst)),
    }
}

async fn work_alone(
    core: &Arc<Core>,
    flows: &[String],
    due_by: jiff::Timestamp,
    broken: &AtomicBool,
    moved: &AtomicU64,
) -> Result<(), EngineError> {
    let limit = batching::claims_max(core, flows);
    while !core.is_stopping() && !broken.load(Ordering::SeqCst) {
        let request = LeaseRequest {
            owner: core.owner.clone(),
            now: core.now(),
            due_by,
            until: core.lease_end(),
            limit,
            flows: flows.to_vec(),
            deliveries_max: core.options.deliveries_max,
            canary: None,
        };
        let until = request.until;
        halting::learn(core).await?;
        core.crash.reach("lease.before_commit");
        let leased = core.store.lease(request).await?;
        core.crash.reach("lease.after_commit");
        if leased.is_empty() {
            return Ok(());
        }
        let finished = process(core, leased, until).await?;
        let on = finished.iter().filter(|one| one.state != Some(State::Waiting(Reason::Dependency))).count();
        moved.fetch_add(on as u64, Ordering::SeqCst);
    }
    Ok(())
}

/// Brings claimed messages to a verdict: suspects one after the other, the rest together.
pub(crate) async fn process(
    core: &Arc<Core>,
    leased: Vec<Leased>,
    until: jiff::Timestamp,
) -> Result<Vec<Finished>, EngineError> {
    let (suspects, sound): (Vec<Leased>, Vec<Leased>) = leased.into_iter().partition(|leased| leased.suspect);
    let mut finished = together(core, sound, until).await?;
    for suspect in suspects {
        // Should the program end here, it was this record or none.
        let _alone = core.suspects.lock().await;
        let until = core.lease_end();
        core.crash.reach("take_up.before_commit");
        let taken = core.store.take_up(TakeUp { id: suspect.id, fence: suspect.fence, until }).await?;
        core.crash.reach("take_up.after_commit");
        if taken {
            finished.extend(together(core, vec![suspect], until).await?);
        }
    }
    Ok(finished)
}

/// All look-ups together, all writes side by side.
async fn together(core: &Arc<Core>, leased: Vec<Leased>, until: jiff::Timestamp) -> Result<Vec<Finished>, EngineError> {
    let mut works = Vec::with_capacity(leased.len());
    let mut finished = Vec::new();
    for leased in leased {
        if let Some(fault) = changed(core, &leased)? {
            finished.push(refuse(core, &leased, fault).await?);
            continue;
        }
        let mut work = begin(core, leased)?;
        if work.leased.state == State::Leased {
            gather(core, &mut work).await?;
        }
        works.push(work);
    }
    let (mut fresh, ambiguous): (Vec<Work>, Vec<Work>) =
        works.into_iter().partition(|work| work.leased.state == State::Leased);
    resolving::map_all(core, &mut fresh).await?;
    core.crash.reach("map.done");
    let (batches, single) = batching::sort(core, fresh)?;
    let mut sendings = JoinSet::new();
    for batch in batches {
        let core = Arc::clone(core);
        sendings.spawn(async move { batching::finish(&core, batch, until).await });
    }
    for work in single.into_iter().chain(ambiguous) {
        let core = Arc::clone(core);
        sendings.spawn(async move { sending::finish(&core, work, until).await.map(|one| vec![one]) });
    }
    let mut first_error = None;
    while let Some(joined) = sendings.join_next().await {
        match joined.unwrap_or_else(|error| Err(EngineError::Fault(format!("a delivery broke down: {error}")))) {
            Ok(more) => finished.extend(more),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(finished), Err)
}

/// Why this program must not work on a message: an older one made it of a flow that writes something else there by now.
fn changed(core: &Core, leased: &Leased) -> Result<Option<Fault>, EngineError> {
    let flow = core.flow(&leased.flow)?;
    let (system, entity) = &leased.target;
    let same = makes(core.plan(), flow, leased.write, (system, entity, leased.gone));
    Ok((!same).then(|| {
        let words = format!(
            "the flow `{}` was changed while this was on its way: it was write {}, to {system}.{entity}, and that is another one now; let the program that made it finish it, or discard it and `replay` the record",
            flow.name,
            leased.write.saturating_add(1)
        );
        Fault::own("changed", words)
    }))
}

/// Leaves it to a person. What may be at the target is parked, for it must not be sent again.
async fn refuse(core: &Core, leased: &Leased, fault: Fault) -> Result<Finished, EngineError> {
    let (verdict, state) = match leased.state {
        State::Ambiguous => (Verdict::Park { fault: fault.clone() }, State::ParkedAmbiguous),
        State::Queued
        | State::Leased
        | State::Intent
        | State::RetryWait
        | State::Waiting(_)
        | State::ParkedAmbiguous => (Verdict::Dead { fault: fault.clone() }, State::Dead),
        State::Done | State::Noop | State::Superseded | State::Skipped | State::Dead | State::Discarded => {
            return Ok(Finished::default());
        }
    };
    let (id, fence, order_key) = (leased.id, leased.fence, leased.order_key.clone());
    let conclusion = Conclusion { id, fence, order_key, now: core.now(), verdict, probe: None };
    let concluded = core.store.conclude(conclusion).await?;
    let state = (concluded == Concluded::Applied(state)).then_some(state);
    Ok(Finished { state, fault: Some(fault), ..Finished::default() })
}

fn begin(core: &Core, leased: Leased) -> Result<Work, EngineError> {
    let flow = core.flow(&leased.flow)?;
    let write = write_plan(flow, leased.write)?;
    let mapping = core.plan().mapping(write.mapping).ok_or_else(|| {
        EngineError::Setup(format!(
            "the flow `{}` names the mapping `{}`, which does not exist",
            flow.name, write.mapping
        ))
    })?;
    let situation = situation(core, (flow, write, mapping))?.of(&leased);
    Ok(Work::new(core.plan(), leased, (flow, write, mapping), situation))
}

fn situation(
    core: &Core,
    (flow, write, mapping): (&FlowPlan, &WritePlan, &MappingPlan),
) -> Result<Situation, EngineError> {
    let writing = core.connector(mapping.system)?.writing(mapping.entity);
    let by = addressing::by(write);
    let probeable = match write.manner {
        Manner::CreateOnce { .. } => {
            write.level == DeliveryLevel::Probeable
                || (!by.is_empty() && by.iter().all(|field| writing.probe_by.iter().any(|known| known == field)))
        }
        Manner::Upsert { .. } | Manner::Update { .. } | Manner::Delete { .. } | Manner::Action => {
            write.level == DeliveryLevel::Probeable
        }
    };
    Ok(Situation {
        now: core.now(),
        random: core.random(),
        retry: core.options.retry,
        wait: core.options.wait,
        wait_max: core.options.wait_max,
        retry_up_to: Duration::from_secs(flow.retry_up_to_s),
        settle: core.options.settle.unwrap_or(writing.settle),
        level: write.level,
        probeable,
        failures: 0,
        waits: 0,
        probes: 0,
        first_attempt_at: None,
        waiting_since: None,
        sent_at: core.now(),
        ambiguous: false,
    })
}

/// Collects the mapping's sources, or finds out that nothing is to be mapped.
async fn gather(core: &Core, work: &mut Work) -> Result<(), EngineError> {
    if let Some(first) = work.leased.first_attempt_at
        && between(first, work.situation.now) > work.situation.retry_up_to
    {
        let last = Fault::own("expired", "its time was up before its turn came");
        work.result = Some(Prepared::Conclude(deciding::retry(last, None, None, &work.situation)));
        return Ok(());
    }
    if let (Manner::CreateOnce { .. }, Some(key)) = (work.write.manner, &work.leased.link) {
        work.result = Some(Prepared::Conclude(already_created(core, work, key.clone())));
        return Ok(());
    }
    if let Some(writer) = guarding::echo(core, work).await? {
        work.result = Some(Prepared::Conclude(echoed(core, work, &writer)));
        return Ok(());
    }
    for source in work.write.sources {
        match source {
            None => work.sources.push(work.leased.body.clone()),
            Some(name) => match written(core, work, name).await? {
                Ok(body) => work.sources.push(body),
                Err(prepared) => {
                    work.result = Some(prepared);
                    return Ok(());
                }
            },
        }
    }
    Ok(())
}

fn already_created(core: &Core, work: &Work, key: String) -> Verdict {
    let known = |name: &str| work.leased.written.iter().any(|written| written.name == name);
    let written = work.write.named.filter(|name| !known(name)).map(|name| WrittenRecord {
        name: name.to_owned(),
        system: work.mapping.system.to_owned(),
        entity: work.mapping.entity.to_owned(),
        key,
        body: None,
    });
    Verdict::Noop {
        reason: "created before; `create once` changes nothing".to_owned(),
        written,
        next: core.next_write(work.flow, work.leased.write),
        agreed: Vec::new(),
        removed: false,
    }
}

fn echoed(core: &Core, work: &Work, writer: &str) -> Verdict {
    Verdict::Noop {
        reason: format!("nothing but what the flow `{writer}` has written"),
        written: None,
        next: core.next_write(work.flow, work.leased.write),
        agreed: Vec::new(),
        removed: false,
    }
}

/// The record that an earlier write of the flow made; fetched where the target's answer did not hold it.
async fn written(core: &Core, work: &Work, name: &str) -> Result<Result<String, Prepared>, EngineError> {
    let dead = |message: String| Ok(Err(Prepared::Conclude(Verdict::Dead { fault: Fault::own("program", message) })));
    let Some(written) = work.leased.written.iter().find(|written| written.name == name) else {
        return dead(format!("no record `{name}` was written before this write: a fault of the program"));
    };
    if let Some(body) = &written.body {
        return Ok(Ok(body.clone()));
    }
    let Some(maker) = work.flow.writes.iter().chain(work.flow.on_delete).find(|write| write.named == Some(name)) else {
        return dead(format!("no write of the flow `{}` is named `{name}`", work.flow.name));
    };
    let key = keys::key_fields(&written.key, maker.key.len());
    let select: Vec<String> = maker.select.iter().map(|path| (*path).to_owned()).collect();
    match core.connector(&written.system)?.fetch_record(&written.entity, &key, &select).await {
        Ok(Some(body)) => Ok(Ok(body)),
        Ok(None) => {
            let fault = Fault::own(
                "missing",
                format!("the {}.{} that was written before is gone", written.system, written.entity),
            );
            Ok(Err(Prepared::Conclude(deciding::wait_for(fault, Vec::new(), &work.situation))))
        }
        Err(failure) => Ok(Err(match deciding::after_question(&failure, &work.situation) {
            deciding::Decision::Conclude(verdict) => Prepared::Conclude(verdict),
            deciding::Decision::Halt(fault)
            | deciding::Decision::Probe(fault, _)
            | deciding::Decision::Refused(fault) => Prepared::Halt { alias: written.system.clone(), fault },
        })),
    }
}

/// Does the target's answer hold all that later writes read?
pub(crate) fn enough(body: &str, write: &WritePlan) -> bool {
    mapwright_values::Json::parse(body).is_ok_and(|json| record::holds_all(&json, write.select))
}
