//! Records that are gone from their source: the sweep by set difference.
//!
//! In: a full scan that has just ended. Out: for each record that it did not meet, and that the source does not know by its
//! key either, a message of the flow's `on delete`. INVARIANT: no record counts as gone because a list left it out; each is
//! asked for by its key. Where very many would be gone at once, none is: that is a source that hides its records.

use std::time::Duration;

use jiff::Timestamp;
use mapwright_values::Json;
use mapwright_values::plan::FlowPlan;

use super::reading::{self, EVERYTHING, Ended, Extent, Over, Pass};
use super::{Core, gathering, halting, record};
use crate::EngineError;
use crate::clock::between;
use crate::connector::{Class, Failure, Row};
use crate::keys;
use crate::store::{CaptureRow, Fault, Position, RowKind, UnseenQuestion};

/// The name under which the position of a list of keys is kept.
const KEYS: &str = "keys";
/// The name under which it is kept up to which scan the records that are gone have been found.
const GONE: &str = "gone";
/// Records that are looked for at once.
const STEP: u32 = 100;

/// Is it time to compare everything, for what no window shows?
pub(crate) async fn is_due(core: &Core, flow: &FlowPlan) -> Result<bool, EngineError> {
    let passes = core.connector(flow.read.system)?.reading(flow.read.entity).passes;
    let last = core.store.position(flow.name, EVERYTHING).await?;
    let over = |at: Timestamp| between(at, core.now()) >= core.options.sweep_every;
    Ok(!passes.is_empty() && (last.window.is_some() || last.read_wm.is_some_and(over)))
}

/// Notes that everything has been read up to then.
pub(crate) async fn mark(core: &Core, flow: &FlowPlan, pass: &str, at: Timestamp) -> Result<(), EngineError> {
    let position = Position { read_wm: Some(at), window: None };
    reading::keep(core, flow, pass, (Vec::new(), 0), position).await?;
    Ok(())
}

/// A key that was met; what has none was told when it was read.
pub(crate) fn met(flow: &FlowPlan, row: &Row) -> Option<CaptureRow> {
    let key = record::fields_text(&Json::parse(&row.record).ok()?, flow.read.key)?;
    Some(row_of(RowKind::There, keys::key_text(&key), String::new()))
}

fn row_of(kind: RowKind, source_key: String, body: String) -> CaptureRow {
    CaptureRow { kind, source_key, hash: keys::digest(&[&body]), body, stamp: None, fault: None }
}

/// Finds the records that are gone, if the flow does something about them.
pub(crate) async fn sweep(core: &Core, flow: &'static FlowPlan, extent: Extent) -> Result<Ended, EngineError> {
    if flow.on_delete.is_empty() {
        return Ok(Ended::Complete);
    }
    // A record that a condition left out of the scan is there all the same.
    let pass = match flow.read.filter.is_empty() && !flow.read.keep {
        true => EVERYTHING,
        false => KEYS,
    };
    if pass == KEYS {
        let ended = Pass::new(core, flow, Over::Keys, (None, KEYS.to_owned()))?.read(Extent::default()).await?;
        if ended != Ended::Complete {
            return Ok(ended);
        }
    }
    let Some(since) = core.store.position(flow.name, pass).await?.read_wm else { return Ok(Ended::Complete) };
    let mut question = UnseenQuestion { flow: flow.name.to_owned(), since, after: None, limit: STEP };
    let mut first = true;
    loop {
        let unseen = core.store.unseen(question.clone()).await?;
        if std::mem::take(&mut first) && !extent.accept_gone && too_many(core, unseen.unseen, unseen.known) {
            return refuse(core, flow, unseen.unseen, unseen.known).await;
        }
        let Some(last) = unseen.keys.last().cloned() else { break };
        let rows = match look(core, flow, unseen.keys).await? {
            Ok(rows) => rows,
            Err(failure) => return fail(core, flow, &failure).await,
        };
        let position = core.store.position(flow.name, GONE).await?;
        let captured = reading::keep(core, flow, GONE, (rows, 0), position).await?;
        core.progress.send_modify(|progress| progress.accepted += captured.accepted);
        question.after = Some(last);
        if core.is_stopping() {
            return Ok(Ended::Stopped);
        }
    }
    mark(core, flow, GONE, since).await?;
    Ok(Ended::Complete)
}

/// Asks for each by its key.
pub(crate) async fn look(
    core: &Core,
    flow: &'static FlowPlan,
    unseen: Vec<String>,
) -> Result<Result<Vec<CaptureRow>, Failure>, EngineError> {
    let connector = core.connector(flow.read.system)?;
    let select: Vec<String> = flow.read.key.iter().map(|field| (*field).to_owned()).collect();
    let mut rows = Vec::with_capacity(unseen.len());
    for key in unseen {
        let fields = keys::key_fields(&key, flow.read.key.len());
        let mut failures = 0;
        let found = loop {
            let failed = match connector.fetch_record(flow.read.entity, &fields, &select).await {
                Ok(found) => break found.is_some(),
                Err(failed) => failed,
            };
            failures += 1;
            let again = matches!(failed.class, Class::Transient | Class::Throttled | Class::Ambiguous);
            if !again || failures >= core.options.page_attempts_max || core.is_stopping() {
                return Ok(Err(failed));
            }
            core.pause(core.options.retry.pause(failures, failed.retry_after, core.random())).await;
        };
        rows.push(match found {
            true => row_of(RowKind::There, key, String::new()),
            false => {
                let body = gathering::key_record(core, flow, &key).to_text();
                row_of(RowKind::Gone, key, body)
            }
        });
    }
    Ok(Ok(rows))
}

async fn fail(core: &Core, flow: &'static FlowPlan, failure: &Failure) -> Result<Ended, EngineError> {
    let fault = Fault::told(failure);
    if failure.class == Class::Halt {
        halting::halt(core, flow.read.system, &fault, flow, Some(flow.name)).await?;
    }
    reading::note(core, flow, Some(fault.clone())).await?;
    Ok(Ended::Failed(fault.message))
}

/// A few records may always go; a good part of all of them at once looks like a lost permission or an emptied system.
fn too_many(core: &Core, unseen: u64, known: u64) -> bool {
    let share = known.saturating_mul(core.options.gone_percent_max);
    unseen > core.options.gone_always && unseen.saturating_mul(100) > share
}

async fn refuse(core: &Core, flow: &'static FlowPlan, unseen: u64, known: u64) -> Result<Ended, EngineError> {
    let message = format!(
        "{unseen} of the {known} known records of the flow `{}` are not at their source any more: nothing is deleted because of that; look whether the source shows all its records, and if they are really gone, say so with `sync {} --everything --accept-deletes`",
        flow.name, flow.name
    );
    let fault = Fault::own("many_gone", message);
    tracing::error!(flow = flow.name, unseen, known, "too many records would be gone at once");
    reading::note(core, flow, Some(fault.clone())).await?;
    Ok(Ended::Refused(fault.message))
}

/// How often everything is compared, unless a flow does so itself.
pub(crate) const SWEEP_EVERY: Duration = Duration::from_secs(7 * 24 * 3600);
