//! Following hints: what a system told of its own accord is fetched and kept like what was read.
//!
//! In: hints in the store. Out: pages in the inbox, without a watermark. A hint is a quicker eye, not a promise: whatever one
//! does not show, the flow's next reading does. INVARIANT: a hint goes only when its record is in the inbox, or there is none.

use std::collections::HashSet;

use jiff::Timestamp;
use mapwright_values::plan::{FlowPlan, Plan, Schedule};

use super::reading::{self, Ended, Extent};
use super::{Core, gathering, gone, halting, turns};
use crate::EngineError;
use crate::clock::{earlier, later};
use crate::connector::{Class, Failure};
use crate::keys;
use crate::store::{CaptureRow, Fault, Hint, HintQuestion, HintsTaken, Notice, Position};

/// Hints that are followed together.
const STEP: u32 = 100;
/// The name under which records are kept that a hint brought.
const WEBHOOK: &str = "webhook";

/// What a system told: one notice of a webhook, believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Alias of the system.
    pub system: String,
    /// What tells this notice from others.
    pub id: Option<String>,
    /// What it is about, in the system's word.
    pub topic: String,
    /// The entity that it is about.
    pub entity: String,
    /// The record's key as text; `None` = changes are to be read.
    pub key: Option<String>,
}

/// The notice as the store keeps it: the flows that listen, each with the key of its own record where that is told.
pub(crate) fn notice(plan: &Plan, told: &Told, now: Timestamp) -> Notice {
    let listens = |flow: &&FlowPlan| {
        flow.schedules.iter().any(|schedule| match schedule {
            // A topic that carries a key in its name is listened to by the entity's name.
            Schedule::Webhook { topic, system } => {
                *system == told.system && (*topic == told.topic || *topic == told.entity)
            }
            Schedule::Every { .. } | Schedule::Daily { .. } | Schedule::Cron { .. } | Schedule::OnDemand => false,
        })
    };
    let hints = plan.flows.iter().filter(listens).map(|flow| {
        let own = flow.read.system == told.system && flow.read.entity == told.entity;
        (flow.name.to_owned(), told.key.clone().filter(|key| own && !keys::is_too_long(key)))
    });
    Notice { system: told.system.clone(), id: told.id.clone(), hints: hints.collect(), now }
}

/// Follows the hints of a flow; answers how many.
pub(crate) async fn follow(core: &Core, flow: &'static FlowPlan) -> Result<u64, EngineError> {
    let mut followed = 0;
    if !flow.schedules.iter().any(|schedule| matches!(schedule, Schedule::Webhook { .. })) {
        return Ok(followed);
    }
    // A record that the source's search does not show yet would look as if there were none.
    let lag = core.connector(flow.read.system)?.reading(flow.read.entity).index_lag;
    while !core.is_stopping() {
        let question = HintQuestion { flow: flow.name.to_owned(), now: earlier(core.now(), lag), limit: STEP };
        let hints = core.store.hints(question).await?;
        if hints.is_empty() || halting::halted(core).await?.iter().any(|(alias, _)| alias == flow.read.system) {
            break;
        }
        // INVARIANT: who keeps a record holds the flow's turn, or a page that another process read before would be kept behind it.
        if !turns::hold(core, flow).await? {
            break;
        }
        followed += hints.len() as u64;
        let failures = hints.iter().map(|hint| hint.failures).max().unwrap_or_default();
        let again_at = later(core.now(), core.options.retry.limit(failures.saturating_add(1)));
        let failed = follow_some(core, flow, &hints).await?.map(|reason| (reason, again_at));
        core.crash.reach("hint.before_taken");
        core.store.hints_taken(HintsTaken { flow: flow.name.to_owned(), hints, failed }).await?;
    }
    if followed > 0 {
        turns::give_back(core, flow).await?;
    }
    Ok(followed)
}

/// Brings the records of these hints into the inbox; answers why that is not possible now.
async fn follow_some(core: &Core, flow: &'static FlowPlan, hints: &[Hint]) -> Result<Option<String>, EngineError> {
    let keys: Vec<String> = hints.iter().filter_map(|hint| hint.key.clone()).collect();
    let mut read_all = keys.len() < hints.len();
    match fetch(core, flow, &keys).await? {
        Ok(rows) if rows.is_empty() => {}
        Ok(rows) => {
            let position = core.store.position(flow.name, WEBHOOK).await?;
            let read = rows.len() as u64;
            let captured = reading::keep(core, flow, WEBHOOK, (rows, 0), position_of(position)).await?;
            core.progress.send_modify(|progress| {
                progress.step = format!("following webhooks of {}", flow.name);
                progress.read += read;
                progress.accepted += captured.accepted;
                progress.dead += captured.dead;
            });
        }
        // The source cannot be asked for a record by its key: its changes are read instead.
        Err(failure) if matches!(failure.class, Class::Permanent | Class::Missing) => read_all = true,
        Err(failure) => {
            let fault = Fault::told(&failure);
            if failure.class == Class::Halt {
                halting::halt(core, flow.read.system, &fault, flow, Some(flow.name)).await?;
            }
            reading::note(core, flow, Some(fault)).await?;
            return Ok(Some(failure.message));
        }
    }
    if !read_all {
        return Ok(None);
    }
    let ended = reading::read_flow(core, flow, Extent::default()).await;
    turns::give_back(core, flow).await?;
    match ended? {
        Ended::Failed(reason) | Ended::Refused(reason) => Ok(Some(reason)),
        Ended::Complete | Ended::Stopped | Ended::Elsewhere => Ok(None),
    }
}

/// A hint moves no watermark.
fn position_of(known: Position) -> Position {
    Position { window: None, ..known }
}

async fn fetch(
    core: &Core,
    flow: &'static FlowPlan,
    keys: &[String],
) -> Result<Result<Vec<CaptureRow>, Failure>, EngineError> {
    let now = core.now();
    let found = match gathering::by_keys(core, flow, keys).await {
        Ok(found) => found,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut rows: Vec<CaptureRow> =
        found.into_iter().filter_map(|row| reading::own_row(core, flow, row, now)).collect();
    let met: HashSet<&str> = rows.iter().map(|row| row.source_key.as_str()).collect();
    let unmet: Vec<String> = keys.iter().filter(|key| !met.contains(key.as_str())).cloned().collect();
    tracing::debug!(flow = flow.name, hints = keys.len(), not_found = unmet.len(), "webhooks are followed");
    if !flow.on_delete.is_empty() && !unmet.is_empty() {
        match gone::look(core, flow, unmet).await? {
            Ok(more) => rows.extend(more),
            Err(failure) => return Ok(Err(failure)),
        }
    }
    Ok(Ok(rows))
}
