//! What an operator does with records that are not dead: deliver one once more, keep them no longer, erase a person's.
//!
//! In: keys and reasons. Out: messages, or rows that are gone for good. It needs no connection to any system.

use std::time::Duration;

use jiff::Timestamp;
use mapwright_values::plan::{FlowPlan, Plan};

use crate::clock::earlier;
use crate::engine::EngineError;
use crate::flow::first_on_gone;
use crate::store::{Forget, Forgotten, Purge, Replay, Replayed, Store};

/// Records in one transaction.
const STEP: u32 = 200;

/// Nothing younger is removed: what a source may still repeat must be known.
pub const KEPT_AT_LEAST: Duration = Duration::from_secs(24 * 3600);

/// Who does something, why and when.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Who.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// When.
    pub now: Timestamp,
}

/// Delivers what was last captured of a record once more, as it was captured: its create key stays, so that nothing is
/// made twice; what was last written of it is written again.
///
/// # Errors
/// When the flow writes nothing, or the store fails.
pub async fn replay(
    store: &dyn Store,
    plan: &'static Plan,
    flow: &'static FlowPlan,
    source_key: &str,
    decision: Decision,
) -> Result<Replayed, EngineError> {
    let mapping = flow.writes.first().and_then(|write| plan.mapping(write.mapping));
    let mapping = mapping.ok_or_else(|| EngineError::Setup(format!("the flow `{}` writes nothing", flow.name)))?;
    let replay = Replay {
        flow: flow.name.to_owned(),
        source_key: source_key.to_owned(),
        target: (mapping.system.to_owned(), mapping.entity.to_owned()),
        on_gone: first_on_gone(plan, flow),
        operator: decision.operator,
        reason: decision.reason,
        now: decision.now,
    };
    Ok(store.replay(replay).await?)
}

/// Removes what finished longer ago than it is kept (never less than [`KEPT_AT_LEAST`]); answers how many records.
///
/// # Errors
/// When the store fails; what was removed before stays so.
pub async fn purge(store: &dyn Store, flow: &str, kept: Duration, now: Timestamp) -> Result<u64, EngineError> {
    let before = earlier(now, kept.max(KEPT_AT_LEAST));
    let mut removed = 0;
    let mut after = None;
    loop {
        let step = store.purge(Purge { flow: flow.to_owned(), before, limit: STEP, after }).await?;
        removed += step.removed;
        if step.next.is_none() {
            return Ok(removed);
        }
        after = step.next;
    }
}

/// Erases the content of every record of these flows with this key. While one is not finished, nothing is erased.
///
/// # Errors
/// Without a reason, or when the store fails.
pub async fn forget(
    store: &dyn Store,
    flows: Vec<String>,
    source_key: &str,
    decision: Decision,
) -> Result<Forgotten, EngineError> {
    if decision.reason.trim().is_empty() {
        return Err(EngineError::Setup("an erasure is noted with its reason: give one".to_owned()));
    }
    let forget = Forget {
        flows,
        source_key: source_key.to_owned(),
        operator: decision.operator,
        reason: decision.reason,
        now: decision.now,
    };
    Ok(store.forget(forget).await?)
}
