//! `doctor`: reaches and authenticates every system, and says what is wrong.

use std::path::Path;

use mapwright_values::Integration;
use mapwright_values::settings::check_settings;

use crate::connect::{open_channels, open_store, open_systems};
use crate::deployment::Deployment;
use crate::doorbell;
use crate::say::say;
use crate::{Ending, Faults};

pub(crate) async fn examine(integration: &Integration, file: &Path) -> Result<Ending, Faults> {
    let mut deployment = Deployment::load(file).map_err(Faults)?;
    say!("deployment  {} can be read, every secret is there", file.display());
    check_settings(integration.plan.settings, &deployment.settings).map_err(Faults)?;
    say!("settings    {} settings are complete", integration.plan.settings.len());
    open_channels(integration, &deployment)?;
    say!("alerts      every channel that a flow names is there (nothing is sent)");
    open_store(&deployment.store)?;
    say!("store       {} can be read and written", deployment.store);
    let mut sick = false;
    let bell = doorbell::open(deployment.doorbell.as_ref(), integration.plan.name)?;
    match (deployment.doorbell.is_some(), doorbell::try_out(bell.as_ref()).await) {
        (false, _) => say!("doorbell    none: processes look into the store every 5 seconds"),
        (true, Ok(kind)) => say!("doorbell    {kind} answers"),
        (true, Err(fault)) => {
            sick = true;
            say!("doorbell    FAILED: {fault} (nothing is lost: processes look into the store every 5 seconds)");
        }
    }
    let connections = open_systems(integration, &mut deployment)?;
    for system in integration.plan.systems {
        let Some(connection) = connections.get(system.alias) else { continue };
        match connection.check().await {
            Ok(answer) => say!("{:<11} {answer}", system.alias),
            Err(failure) => {
                sick = true;
                say!("{:<11} FAILED: {failure}", system.alias);
            }
        }
        connection.close().await;
    }
    Ok(if sick { Ending::NeedsAPerson } else { Ending::Well })
}
