//! The turn to read a flow: of all processes that share a store one reads it at a time.
//!
//! In: flows that are due. Out: whether this process reads them. On a store that is not shared nobody else can.

use mapwright_values::plan::FlowPlan;

use super::Core;
use crate::EngineError;
use crate::clock::{between, later};
use crate::store::TurnRequest;

fn request(core: &Core, flow: &FlowPlan, held: bool) -> TurnRequest {
    let now = core.now();
    TurnRequest {
        flow: flow.name.to_owned(),
        owner: core.owner.clone(),
        now,
        until: held.then(|| later(now, core.lease)),
    }
}

/// Takes the turn, or prolongs it once half of its time is over; answers whether it is ours.
pub(crate) async fn hold(core: &Core, flow: &'static FlowPlan) -> Result<bool, EngineError> {
    if !core.store.is_shared() {
        return Ok(true);
    }
    let now = core.now();
    let known = core.turns.lock().ok().and_then(|turns| turns.get(flow.name).copied());
    if known.is_some_and(|until| between(now, until) > core.lease / 2) {
        return Ok(true);
    }
    let request = request(core, flow, true);
    let until = request.until;
    let ours = core.store.turn(request).await?;
    if let Ok(mut turns) = core.turns.lock() {
        turns.remove(flow.name);
        turns.extend(until.filter(|_| ours).map(|until| (flow.name, until)));
    }
    Ok(ours)
}

/// Gives the turn back.
pub(crate) async fn give_back(core: &Core, flow: &'static FlowPlan) -> Result<(), EngineError> {
    if !core.store.is_shared() {
        return Ok(());
    }
    if let Ok(mut turns) = core.turns.lock() {
        turns.remove(flow.name);
    }
    core.store.turn(request(core, flow, false)).await?;
    Ok(())
}
