//! Halting a connection, and the canary that sets it going again.
//!
//! In: a failure of the class halt. Out: a halted connection in the store, an alert, one cheap call a minute.

use jiff::Timestamp;

use super::Core;
use crate::EngineError;
use crate::clock::later;
use crate::store::{ConnectionChange, Fault};

/// Stops everything that goes to a system.
pub(crate) async fn halt(core: &Core, alias: &str, fault: &Fault, channel: Option<&str>) -> Result<(), EngineError> {
    tracing::error!(system = alias, class = %fault.class, code = ?fault.code, "the connection is halted");
    let now = core.now();
    let change = ConnectionChange::Halt {
        alias: alias.to_owned(),
        fault: Fault { cause: format!("halted: {}", fault.cause), ..fault.clone() },
        channel: channel.map(str::to_owned),
        canary_at: later(now, core.options.canary_every),
        now,
    };
    Ok(core.store.connection(change).await?)
}

/// Sends the canaries that are due; answers how many were sent.
pub(crate) async fn send_canaries(core: &Core) -> Result<u32, EngineError> {
    let mut sent = 0;
    for connection in core.store.status(core.now()).await?.connections {
        let due = connection.canary_at.is_some_and(|at| at <= core.now());
        if connection.halted_since.is_none() || !due {
            continue;
        }
        sent += 1;
        let answer = core.connector(&connection.alias)?.check().await;
        let now = core.now();
        let change = match answer {
            Ok(_) => {
                tracing::info!(system = %connection.alias, "the connection answers again");
                ConnectionChange::Resume { alias: connection.alias, now }
            }
            Err(failure) => ConnectionChange::StillHalted {
                alias: connection.alias,
                fault: Fault::told(&failure),
                canary_at: later(now, core.options.canary_every),
            },
        };
        core.store.connection(change).await?;
    }
    Ok(sent)
}

/// The halted connections, with the time of the next canary.
pub(crate) async fn halted(core: &Core) -> Result<Vec<(String, Option<Timestamp>)>, EngineError> {
    let status = core.store.status(core.now()).await?;
    Ok(status
        .connections
        .into_iter()
        .filter(|connection| connection.halted_since.is_some())
        .map(|connection| (connection.alias, connection.canary_at))
        .collect())
}
