//! Turns: what of all processes that share a store one does at a time: reading a flow, telling alerts, trying a connection.
//!
//! In: what is due. Out: whether this process does it. On a store that is not shared nobody else can. A turn that is not
//! prolonged ends by itself, so that a dead process holds up nothing for long.

use std::time::Duration;

use mapwright_values::plan::FlowPlan;

use super::Core;
use crate::EngineError;
use crate::clock::{between, later};
use crate::store::TurnRequest;

/// The turn to tell alerts. The name of no flow holds a space.
const ALERTS: &str = "tell alerts";

fn request(core: &Core, what: &str, held: Option<Duration>) -> TurnRequest {
    let now = core.now();
    TurnRequest { flow: what.to_owned(), owner: core.owner.clone(), now, until: held.map(|held| later(now, held)) }
}

async fn take(core: &Core, what: &str, held: Option<Duration>) -> Result<bool, EngineError> {
    Ok(!core.store.is_shared() || core.store.turn(request(core, what, held)).await?)
}

/// Takes the turn to tell alerts, for one alert; answers whether it is ours.
pub(crate) async fn hold_alerts(core: &Core) -> Result<bool, EngineError> {
    let one = core.options.alert_timeout.saturating_add(core.options.request_margin);
    take(core, ALERTS, Some(one)).await
}

/// Gives back the turn to tell alerts.
pub(crate) async fn give_back_alerts(core: &Core) -> Result<(), EngineError> {
    take(core, ALERTS, None).await.map(|_| ())
}

/// The turn to look after subscriptions.
const SUBSCRIPTIONS: &str = "keep subscriptions";

/// Takes the turn to look after subscriptions; answers whether it is ours.
pub(crate) async fn hold_subscriptions(core: &Core) -> Result<bool, EngineError> {
    take(core, SUBSCRIPTIONS, Some(core.lease)).await
}

/// Gives back the turn to look after subscriptions.
pub(crate) async fn give_back_subscriptions(core: &Core) -> Result<(), EngineError> {
    take(core, SUBSCRIPTIONS, None).await.map(|_| ())
}

fn canary(alias: &str) -> String {
    format!("try {alias}")
}

/// Takes the turn to try a halted connection; answers whether it is ours.
pub(crate) async fn hold_canary(core: &Core, alias: &str) -> Result<bool, EngineError> {
    take(core, &canary(alias), Some(core.lease)).await
}

/// Gives back the turn to try a halted connection.
pub(crate) async fn give_back_canary(core: &Core, alias: &str) -> Result<(), EngineError> {
    take(core, &canary(alias), None).await.map(|_| ())
}

/// Takes the turn to read a flow, or prolongs it once half of its time is over; answers whether it is ours.
pub(crate) async fn hold(core: &Core, flow: &'static FlowPlan) -> Result<bool, EngineError> {
    if !core.store.is_shared() {
        return Ok(true);
    }
    let now = core.now();
    let known = core.turns.lock().ok().and_then(|turns| turns.get(flow.name).copied());
    if known.is_some_and(|until| between(now, until) > core.lease / 2) {
        return Ok(true);
    }
    let request = request(core, flow.name, Some(core.lease));
    let until = request.until;
    let ours = core.store.turn(request).await?;
    if let Ok(mut turns) = core.turns.lock() {
        turns.remove(flow.name);
        turns.extend(until.filter(|_| ours).map(|until| (flow.name, until)));
    }
    Ok(ours)
}

/// Gives back the turn to read a flow.
pub(crate) async fn give_back(core: &Core, flow: &'static FlowPlan) -> Result<(), EngineError> {
    if let Ok(mut turns) = core.turns.lock() {
        turns.remove(flow.name);
    }
    take(core, flow.name, None).await.map(|_| ())
}
