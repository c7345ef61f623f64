//! What is found by looking at the clock: messages whose time is spent, flows that have gone silent.
//!
//! In: the flows in operation. Out: dead letters and alerts, made by the store. It never reads and never sends.

use std::time::Duration;

use mapwright_values::plan::FlowPlan;

use super::Core;
use crate::EngineError;
use crate::store::{SilenceCheck, Sweep};

/// Messages in one transaction.
const STEP: u32 = 200;

/// Ends what has waited, or was tried, for too long; answers how many messages that were.
pub(crate) async fn sweep(core: &Core, names: &[String]) -> Result<u64, EngineError> {
    let flows: Vec<(String, Duration)> = names
        .iter()
        .filter_map(|name| core.plan().flow(name))
        .map(|flow| (flow.name.to_owned(), Duration::from_secs(flow.retry_up_to_s)))
        .collect();
    let mut ended = 0;
    loop {
        let sweep = Sweep { flows: flows.clone(), wait_max: core.options.wait_max, now: core.now(), limit: STEP };
        let now = core.store.sweep(sweep).await?;
        ended += now;
        if now == 0 || core.is_stopping() {
            return Ok(ended);
        }
    }
}

/// `on silence of SPAN alert CHANNEL`: looked at after the flow's reading, so that a long stop alone is no silence.
pub(crate) async fn listen(core: &Core, flows: &[&'static FlowPlan]) -> Result<(), EngineError> {
    for flow in flows {
        let Some((seconds, channel)) = flow.on_silence else { continue };
        let check = SilenceCheck {
            flow: flow.name.to_owned(),
            span: Duration::from_secs(seconds),
            channel: channel.to_owned(),
            now: core.now(),
        };
        if core.store.silence(check).await? {
            tracing::debug!(flow = flow.name, "the flow is silent");
        }
    }
    Ok(())
}
