//! `replay` and `forget`: one record delivered once more, a person's records erased.

use std::path::Path;

use mapwright_engine::clock::{Clock, SystemClock};
use mapwright_engine::records::{self, Decision};
use mapwright_engine::store::Replayed;
use mapwright_values::Integration;

use crate::command::{ForgetArguments, ReplayArguments};
use crate::connect::open_store;
use crate::dead_letters::known_flow;
use crate::deployment::Deployment;
use crate::say::say;
use crate::{Ending, Faults};

/// Who decides: the user of the machine.
pub(crate) fn operator() -> String {
    std::env::var("USER").ok().filter(|user| !user.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

fn decision(reason: String) -> Decision {
    Decision { operator: operator(), reason, now: SystemClock.now() }
}

pub(crate) async fn replay(
    integration: &'static Integration,
    file: &Path,
    wanted: ReplayArguments,
) -> Result<Ending, Faults> {
    known_flow(integration, Some(&wanted.flow))?;
    let Some(flow) = integration.plan.flow(&wanted.flow) else { return Ok(Ending::Well) };
    let store = open_store(&Deployment::store_of(file).map_err(Faults)?)?;
    let key = &wanted.key;
    match records::replay(store.as_ref(), integration.plan, flow, key, decision(wanted.reason)).await? {
        Replayed::Queued(id) => {
            say!("{key} goes back to the queue as message {id}: `sync` or `run` delivers it");
            Ok(Ending::Well)
        }
        Replayed::UnderWay(id) => {
            Err(format!("message {id} of {key} is not finished: nothing was done; see `status` and `dead-letters`").into())
        }
        Replayed::Unknown => Err(format!(
            "nothing is kept of the record {key} in the flow `{}`: look at its key, or read it anew with `backfill {} --since ...`",
            wanted.flow, wanted.flow
        )
        .into()),
    }
}

pub(crate) async fn forget(
    integration: &'static Integration,
    file: &Path,
    wanted: ForgetArguments,
) -> Result<Ending, Faults> {
    for flow in &wanted.flow {
        known_flow(integration, Some(flow))?;
    }
    let flows = match wanted.flow.is_empty() {
        true => integration.plan.flows.iter().map(|flow| flow.name.to_owned()).collect(),
        false => wanted.flow,
    };
    let store = open_store(&Deployment::store_of(file).map_err(Faults)?)?;
    let forgotten = records::forget(store.as_ref(), flows, &wanted.key, decision(wanted.reason)).await?;
    if !forgotten.open.is_empty() {
        let open: Vec<String> = forgotten.open.iter().map(ToString::to_string).collect();
        return Err(format!(
            "nothing was erased: the messages {} are not finished; deliver or discard them first",
            open.join(", ")
        )
        .into());
    }
    say!("the content of {} records is erased; that they were delivered stays known", forgotten.records);
    Ok(Ending::Well)
}
