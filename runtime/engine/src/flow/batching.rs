//! `in batches of n`: several records in one request.
//!
//! In: claimed and mapped messages. Out: those of one flow and write in batches, sent and settled. INVARIANT: each record
//! has an intent of its own, committed before the request goes out, and an outcome of its own; an answer that is lost makes
//! each of them ambiguous. A record that failed with its whole batch goes by itself from then on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mapwright_values::Json;
use tokio::task::JoinSet;

use super::Core;
use super::resolving::{Prepared, Work};
use super::sending::{self, Finished, Readied, Ready, Shared};
use crate::EngineError;
use crate::backoff;
use crate::clock::later;
use crate::connector::{Class, Deed, Failure, Written};
use crate::store::{Intended, Verdict};
use crate::trace;

/// Records that go out together, with room for so many in one request.
pub(crate) struct Batch {
    works: Vec<(Work, Json<'static>)>,
    size_max: usize,
    atomic: bool,
}

/// How many messages a worker claims at once: a batch must be able to fill.
pub(crate) fn claims_max(core: &Core, flows: &[String]) -> u32 {
    let named = flows.iter().filter_map(|name| core.plan().flow(name));
    let batches = named.flat_map(|flow| flow.writes.iter().chain(flow.on_delete)).filter_map(|write| write.batch);
    batches.max().unwrap_or_default().max(core.options.batch)
}

/// Parts what goes in batches from what goes by itself.
pub(crate) fn sort(core: &Core, works: Vec<Work>) -> Result<(Vec<Batch>, Vec<Work>), EngineError> {
    let mut batches: BTreeMap<(&'static str, usize), Batch> = BTreeMap::new();
    let mut single = Vec::new();
    for mut work in works {
        let alone = work.leased.alone || work.leased.trial || work.leased.canary;
        let batching = core.connector(work.mapping.system)?.writing(work.mapping.entity).batching;
        let (Some(most), Some(batching), false) = (work.write.batch, batching, alone) else {
            single.push(work);
            continue;
        };
        match work.result.take() {
            Some(Prepared::Record(record)) => {
                let most = usize::try_from(most).unwrap_or(usize::MAX).min(batching.size_max).max(1);
                let batch = batches.entry((work.flow.name, work.leased.write)).or_insert_with(|| Batch {
                    works: Vec::new(),
                    size_max: most,
                    atomic: batching.atomic,
                });
                batch.works.push((work, record));
            }
            other => {
                work.result = other;
                single.push(work);
            }
        }
    }
    Ok((batches.into_values().collect(), single))
}

/// Brings the records of a batch to their verdicts.
pub(crate) async fn finish(
    core: &Arc<Core>,
    batch: Batch,
    lease_until: jiff::Timestamp,
) -> Result<Vec<Finished>, EngineError> {
    let mut preparing = JoinSet::new();
    for (mut work, record) in batch.works {
        let core = Arc::clone(core);
        preparing.spawn(async move {
            let readied = sending::prepare(&core, &mut work, record).await?;
            Ok::<_, EngineError>((work, readied))
        });
    }
    let mut finished = Vec::new();
    // One request does one thing.
    let mut by_deed: BTreeMap<u8, Vec<(Work, Ready)>> = BTreeMap::new();
    for (work, readied) in all(preparing).await? {
        match readied {
            Readied::Ready(ready) => by_deed.entry(kind(&ready.sent.deed)).or_default().push((work, *ready)),
            Readied::Finished(one) => finished.push(one),
        }
    }
    for mut members in by_deed.into_values() {
        members.sort_by_key(|(work, _)| work.leased.id);
        while !members.is_empty() {
            let rest = members.split_off(members.len().min(batch.size_max));
            let chunk = std::mem::replace(&mut members, rest);
            finished.extend(send(core, chunk, batch.atomic, lease_until).await?);
        }
    }
    Ok(finished)
}

const fn kind(deed: &Deed) -> u8 {
    match deed {
        Deed::Create => 0,
        Deed::Update { .. } => 1,
        Deed::Upsert { .. } => 2,
        Deed::Delete { .. } => 3,
        Deed::Act => 4,
    }
}

async fn send(
    core: &Arc<Core>,
    mut members: Vec<(Work, Ready)>,
    atomic: bool,
    lease_until: jiff::Timestamp,
) -> Result<Vec<Finished>, EngineError> {
    if members.len() == 1
        && let Some((mut work, ready)) = members.pop()
    {
        return Ok(vec![sending::send_ready(core, &mut work, ready, lease_until).await?]);
    }
    let Some((first, _)) = members.first() else { return Ok(Vec::new()) };
    let system = first.mapping.system;
    let give_up = sending::give_up(core, first)?;
    let gate = core.gates.get(system).cloned();
    let _permit = match &gate {
        Some(gate) => Some(gate.acquire().await.map_err(|_| EngineError::Fault("a gate was closed".to_owned()))?),
        None => None,
    };
    if !sending::may_go(core, first, give_up, lease_until) {
        return hand_back(core, members).await;
    }
    let name = format!("{:08x}{:08x}", backoff::draw(), backoff::draw());
    let (members, mut finished) = intend(core, members, &name).await?;
    if later(core.now(), give_up) > lease_until {
        // A process that stood still meanwhile may have lost its claims: nothing was sent, and nothing is.
        for (work, _) in members {
            finished.push(sending::too_late(core, &work).await?);
        }
        return Ok(finished);
    }
    if members.is_empty() {
        return Ok(finished);
    }
    let outcomes = transmit(core, system, &members, give_up).await?;
    let mut settling = JoinSet::new();
    for (index, ((mut work, ready), (result, whole))) in members.into_iter().zip(outcomes).enumerate() {
        let core = Arc::clone(core);
        settling.spawn(async move {
            let blamed = atomic && whole && result.as_ref().is_err_and(blames_a_record);
            let shared = Shared { blamed, noted: whole && index > 0 };
            sending::settle(&core, &mut work, ready.sent, result, shared).await
        });
    }
    finished.extend(all(settling).await?);
    Ok(finished)
}

/// Commits an intent for each; those that may go stay.
async fn intend(
    core: &Arc<Core>,
    members: Vec<(Work, Ready)>,
    name: &str,
) -> Result<(Vec<(Work, Ready)>, Vec<Finished>), EngineError> {
    core.crash.reach("intent.before_commit");
    let mut intending = JoinSet::new();
    for (work, mut ready) in members {
        ready.sent.at = core.now();
        let intent = sending::intent(&work, &ready, Some(name));
        let store = Arc::clone(&core.store);
        intending.spawn(async move { Ok::<_, EngineError>((work, ready, store.intend(intent).await?)) });
    }
    let mut granted = Vec::new();
    let mut finished = Vec::new();
    for (work, ready, intended) in all(intending).await? {
        match intended {
            Intended::Granted => granted.push((work, ready)),
            Intended::KeyInUse | Intended::LeaseLost => {
                finished.push(sending::not_intended(core, &work, &intended).await?);
            }
        }
    }
    core.crash.reach("intent.after_commit");
    granted.sort_by_key(|(work, _)| work.leased.id);
    Ok((granted, finished))
}

/// Sends them; each has its own outcome, and whether it is that of the whole request.
async fn transmit(
    core: &Core,
    system: &str,
    members: &[(Work, Ready)],
    give_up: Duration,
) -> Result<Vec<(Result<Written, Failure>, bool)>, EngineError> {
    let requests: Vec<_> = members.iter().map(|(work, ready)| sending::request(work, ready)).collect();
    let sending: Vec<tracing::Span> = members
        .iter()
        .map(|(work, ready)| trace::send(&work.span, work.mapping, &ready.sent, work.leased.attempts.saturating_add(1)))
        .collect();
    core.crash.reach("send.before");
    let answer = tokio::time::timeout(give_up, core.connector(system)?.send_batch(&requests)).await;
    drop(sending);
    core.crash.reach("send.after");
    let each = |failure: &dyn Fn(&Work) -> Failure| {
        members.iter().map(|(work, _)| (Err(failure(work)), true)).collect::<Vec<_>>()
    };
    Ok(match answer {
        Ok(Ok(outcomes)) if outcomes.len() == members.len() => {
            outcomes.into_iter().map(|outcome| (outcome, false)).collect()
        }
        Ok(Ok(outcomes)) => each(&|work| Failure {
            code: Some("outcomes".to_owned()),
            message: format!("{system} told {} outcomes of a batch of {}", outcomes.len(), members.len()),
            ..sending::no_answer(work)
        }),
        Ok(Err(failure)) => each(&|_| failure.clone()),
        Err(_) => each(&sending::no_answer),
    })
}

/// Does it blame a record, and not the connection or the moment?
fn blames_a_record(failure: &Failure) -> bool {
    match failure.class {
        Class::Permanent | Class::Missing | Class::Dependency | Class::Conflict | Class::Exists => true,
        Class::Done | Class::Transient | Class::Throttled | Class::Ambiguous | Class::Halt => false,
    }
}

async fn hand_back(core: &Arc<Core>, members: Vec<(Work, Ready)>) -> Result<Vec<Finished>, EngineError> {
    let mut finished = Vec::new();
    for (work, _) in members {
        finished.push(sending::conclude(core, &work, Verdict::HandBack, None).await?);
    }
    Ok(finished)
}

/// Every result; the first failure is the failure of all, told once none is under way any more.
async fn all<T: 'static>(mut tasks: JoinSet<Result<T, EngineError>>) -> Result<Vec<T>, EngineError> {
    let mut results = Vec::new();
    let mut first_error = None;
    while let Some(joined) = tasks.join_next().await {
        match joined.unwrap_or_else(|error| Err(EngineError::Fault(format!("a delivery broke down: {error}")))) {
            Ok(result) => results.push(result),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(results), Err)
}
