//! Halting a connection, opening its circuit, and the canary that sets it going again.
//!
//! In: outcomes of writes, failures of the class halt. Out: the connection's state in the store, an alert, one canary a
//! minute: a reading where a reading was refused, otherwise one of the waiting messages, while all others wait.

use std::sync::Arc;

use jiff::Timestamp;
use mapwright_values::plan::FlowPlan;

use super::health::{Bounds, Finding, Health};
use super::resolving::Work;
use super::sending::Finished;
use super::{Core, reading, turns, working};
use crate::EngineError;
use crate::clock::later;
use crate::connector::{Class, Failure};
use crate::state::{Reason, State};
use crate::status::ConnectionStatus;
use crate::store::{ConnectionChange, Fault, LeaseRequest, refusal_word};

/// Stops everything that goes to a system. `reading` = the flow whose reading was refused.
pub(crate) async fn halt(
    core: &Core,
    alias: &str,
    fault: &Fault,
    flow: &FlowPlan,
    reading: Option<&str>,
) -> Result<(), EngineError> {
    tracing::error!(system = alias, class = %fault.class, code = ?fault.code, "the connection is halted");
    let now = core.now();
    let change = ConnectionChange::Halt {
        alias: alias.to_owned(),
        fault: Fault { cause: format!("halted: {}", fault.cause), ..fault.clone() },
        channel: flow.on_failure.map(str::to_owned),
        flow: reading.map(str::to_owned),
        canary_at: later(now, core.options.canary_every),
        now,
    };
    Ok(core.store.connection(change).await?)
}

/// May a message go to this system, that is not the one which tries it?
pub(crate) fn lets_pass(core: &Core, alias: &str) -> bool {
    let now = core.now();
    core.healths.lock().is_ok_and(|healths| healths.get(alias).is_none_or(|health| health.lets_pass(now)))
}

/// Takes over what an earlier process knew of the circuits.
pub(crate) async fn take_over(core: &Core) -> Result<(), EngineError> {
    let connections = core.store.connections().await?;
    if let Ok(mut healths) = core.healths.lock() {
        for connection in connections {
            healths.insert(connection.alias, Health::left(connection.open_since.is_some()));
        }
    }
    Ok(())
}

/// Learns which circuits other processes have closed meanwhile: what is claimed then is no trial, and must not be handed back
/// for ever.
pub(crate) async fn learn(core: &Core) -> Result<(), EngineError> {
    let open = |core: &Core| core.healths.lock().is_ok_and(|healths| healths.values().any(Health::is_open));
    if !core.store.is_shared() || !open(core) {
        return Ok(());
    }
    let connections = core.store.connections().await?;
    if let Ok(mut healths) = core.healths.lock() {
        for (alias, health) in healths.iter_mut().filter(|(_, health)| health.is_open()) {
            if !connections.iter().any(|known| known.alias == *alias && known.open_since.is_some()) {
                health.closed_elsewhere();
            }
        }
    }
    Ok(())
}

/// Notes how a write ended; answers the fault that halts the connection, where the outcome shows a drift.
pub(crate) async fn note_outcome(
    core: &Core,
    work: &Work,
    failure: Option<&Failure>,
) -> Result<Option<Fault>, EngineError> {
    let alias = work.mapping.system.to_owned();
    let now = core.now();
    let bounds = Bounds::of(&core.options);
    let finding = match core.healths.lock() {
        Ok(mut healths) => healths.entry(alias.clone()).or_default().note(failure, work.leased.trial, now, &bounds),
        Err(_) => Finding::Nothing,
    };
    let change = match finding {
        Finding::Nothing => None,
        Finding::Close => {
            tracing::info!(system = %alias, "the connection's circuit closes");
            Some(ConnectionChange::Close { alias, now })
        }
        Finding::Pause { until } => Some(ConnectionChange::Pause { alias, until }),
        Finding::Open { until, failures } => failure.map(|failure| {
            tracing::error!(system = %alias, failures, %until, "the connection's circuit is open");
            let channel = work.flow.on_failure.map(str::to_owned);
            ConnectionChange::Open { alias, fault: Fault::told(failure), failures, channel, until, now }
        }),
        Finding::Drift { code, refused } => return Ok(Some(drift(core, &alias, code, refused))),
    };
    if let Some(change) = change {
        core.store.connection(change).await?;
    }
    canary_refused(core, work, failure).await
}

fn drift(core: &Core, alias: &str, code: String, refused: usize) -> Fault {
    let message = format!(
        "{refused} of the newest {} records within {} s were refused by {alias} with the code {code}: the mapping or the target's schema has changed; mend it, and the next canary sets the connection going",
        core.options.drift_records,
        core.options.drift_span.as_secs()
    );
    Fault { cause: format!("drift {code}"), code: Some(code), ..Fault::own("drift", message) }
}

/// A canary that is refused with the code of the drift that halted its connection keeps it halted.
async fn canary_refused(core: &Core, work: &Work, failure: Option<&Failure>) -> Result<Option<Fault>, EngineError> {
    let Some(failure) = failure.filter(|failure| work.leased.canary && failure.class == Class::Permanent) else {
        return Ok(None);
    };
    let connections = core.store.connections().await?;
    let halted = connections.into_iter().find(|connection| connection.alias == work.mapping.system);
    let code = halted.and_then(|connection| connection.halted_code);
    let same = code.is_some() && code == refusal_word(failure.status, failure.code.as_deref());
    Ok(same.then(|| Fault { cause: "drift".to_owned(), ..Fault::told(failure) }))
}

/// Sends the canaries that are due; answers how many were sent.
pub(crate) async fn send_canaries(core: &Arc<Core>) -> Result<u32, EngineError> {
    let mut sent = 0;
    for connection in core.store.connections().await? {
        if !canary_is_due(core, &connection) || !turns::hold_canary(core, &connection.alias).await? {
            continue;
        }
        let tried = send_canary(core, &connection.alias).await;
        turns::give_back_canary(core, &connection.alias).await?;
        sent += u32::from(tried?);
    }
    Ok(sent)
}

fn canary_is_due(core: &Core, connection: &ConnectionStatus) -> bool {
    connection.halted_since.is_some() && connection.canary_at.is_some_and(|at| at <= core.now())
}

/// Sends the canary of a connection; answers whether one was due still: another process may have been quicker.
async fn send_canary(core: &Arc<Core>, alias: &str) -> Result<bool, EngineError> {
    let mut connections = core.store.connections().await?.into_iter();
    let Some(connection) = connections.find(|known| known.alias == alias && canary_is_due(core, known)) else {
        return Ok(false);
    };
    let tried = try_connection(core, &connection).await?;
    let now = core.now();
    let still = |alias, fault, canary_at| ConnectionChange::StillHalted { alias, fault, canary_at };
    let change = match tried {
        Tried::Works => {
            tracing::info!(system = %connection.alias, "the connection works again");
            ConnectionChange::Resume { alias: connection.alias, now }
        }
        Tried::Refused(fault) => still(connection.alias, fault, later(now, core.options.canary_every)),
        Tried::Unproven => still(connection.alias, unproven(), now),
    };
    core.store.connection(change).await?;
    Ok(true)
}

/// What came of trying a halted connection.
enum Tried {
    /// It works, or nothing is left that it would have to work for.
    Works,
    /// It does not work yet.
    Refused(Fault),
    /// Nothing was sent yet that shows it; more waits.
    Unproven,
}

impl Tried {
    fn of(answer: Result<(), Failure>) -> Self {
        answer.map_or_else(|failure| Self::Refused(Fault::told(&failure)), |()| Self::Works)
    }
}

/// Tries a halted connection by what halted it. Of the records that were due when it began, one after the other is tried until one
/// was sent: those that end without tell nothing, and must not keep the connection halted for ever.
async fn try_connection(core: &Arc<Core>, connection: &ConnectionStatus) -> Result<Tried, EngineError> {
    if let Err(failure) = core.connector(&connection.alias)?.check().await {
        return Ok(Tried::Refused(Fault::told(&failure)));
    }
    if let Some(flow) = connection.halted_flow.as_deref().and_then(|name| core.plan().flow(name)) {
        return Ok(Tried::of(reading::try_page(core, flow).await?));
    }
    let due_by = core.now();
    for _ in 0..core.options.canary_messages_max.max(1) {
        let request = LeaseRequest {
            owner: core.owner.clone(),
            now: core.now(),
            due_by,
            until: core.lease_end(),
            limit: 1,
            flows: Vec::new(),
            deliveries_max: core.options.deliveries_max,
            canary: Some(connection.alias.clone()),
        };
        let until = request.until;
        let leased = core.store.lease(request).await?;
        if leased.is_empty() {
            return Ok(Tried::Works);
        }
        for finished in working::process(core, leased, until).await? {
            if let Some(tried) = shown_by(&finished, &connection.alias) {
                return Ok(tried);
            }
        }
        if core.is_stopping() {
            break;
        }
    }
    Ok(Tried::Unproven)
}

/// What a record shows of the connection to its target. One that waits for another connection, which it asks, shows nothing.
fn shown_by(finished: &Finished, alias: &str) -> Option<Tried> {
    let refused = || Some(Tried::Refused(finished.fault.clone().unwrap_or_else(unproven)));
    match finished.state {
        Some(State::Waiting(Reason::ConnectionHalted)) if finished.waits_for.as_deref() == Some(alias) => refused(),
        Some(State::RetryWait) if finished.sent => refused(),
        Some(State::Ambiguous) => refused(),
        // An answer was had, whatever it said of the record.
        Some(_) | None => finished.sent.then_some(Tried::Works),
    }
}

fn unproven() -> Fault {
    Fault::own("halt", "the system answers a check, but no waiting record has proved yet that it takes writes")
}

/// The halted connections, with the time of the next canary.
pub(crate) async fn halted(core: &Core) -> Result<Vec<(String, Option<Timestamp>)>, EngineError> {
    let connections = core.store.connections().await?;
    Ok(connections
        .into_iter()
        .filter(|connection| connection.halted_since.is_some())
        .map(|connection| (connection.alias, connection.canary_at))
        .collect())
}
