//! `doctor`: reaches and authenticates every system, reads a page of everything that a flow reads, compares clocks, and says
//! what is wrong and what to do about it.

mod reading;

use std::collections::BTreeMap;
use std::path::Path;

use mapwright_engine::connector::{Class, Connector, Failure, SubscriptionRequest};
use mapwright_engine::{hook_address, subscriptions_of};
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
    let url = deployment.server.as_ref().and_then(|server| server.url.clone());
    let connections = open_systems(integration, &mut deployment)?;
    for system in integration.plan.systems {
        let Some(connection) = connections.get(system.alias) else { continue };
        let findings = match connection.check().await {
            Ok(answer) => {
                let mut findings = vec![Finding::fine(system.alias, answer)];
                findings.extend(reading::examine(integration.plan, system, connection.as_ref()).await);
                findings
            }
            Err(failure) => vec![Finding::failed(system.alias, &failure)],
        };
        for finding in findings {
            sick |= finding.sick;
            let failed = if finding.sick { "FAILED: " } else { "" };
            say!("{:<11} {failed}{}", finding.place, finding.words);
        }
        sick |= !subscriptions_stand(connection.as_ref(), integration, url.as_deref()).await;
        connection.close().await;
    }
    Ok(if sick { Ending::NeedsAPerson } else { Ending::Well })
}

/// Looks for the subscriptions that flows need of a system; makes none. Answers whether it could look.
async fn subscriptions_stand(connection: &dyn Connector, integration: &Integration, url: Option<&str>) -> bool {
    let alias = connection.alias();
    let names = subscriptions_of(integration.plan, connection);
    let Some(url) = url.filter(|_| !names.is_empty()) else {
        if !names.is_empty() {
            say!(
                "{alias:<11} webhooks are not subscribed to: `server.url` is not given (the flows run by their schedules)"
            );
        }
        return true;
    };
    if connection.subscribing().is_none_or(|how| how.look_every.is_none()) {
        say!("{alias:<11} subscriptions cannot be looked for: see `status` for what was made");
        return true;
    }
    let mut well = true;
    for name in names {
        let address = hook_address(url, alias);
        let request = SubscriptionRequest { name, address, held: BTreeMap::new(), renew: false };
        match connection.look_for_subscription(&request).await {
            Ok(Some(_)) => say!("{alias:<11} subscription {} stands at {}", request.name, request.address),
            Ok(None) => say!("{alias:<11} subscription {} is not made yet: `run` makes it", request.name),
            Err(failure) => {
                well = false;
                say!("{alias:<11} FAILED: subscription {}: {failure}", request.name);
            }
        }
    }
    well
}

/// What was found at one place.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    place: String,
    words: String,
    /// Somebody must do something.
    sick: bool,
}

impl Finding {
    fn fine(place: impl Into<String>, words: impl Into<String>) -> Self {
        Self { place: place.into(), words: words.into(), sick: false }
    }

    fn sick(place: impl Into<String>, words: impl Into<String>) -> Self {
        Self { sick: true, ..Self::fine(place, words) }
    }

    fn failed(place: impl Into<String>, failure: &Failure) -> Self {
        Self::sick(place, format!("{failure}; {}", advice(failure.class)))
    }
}

/// What an operator does about a question that failed.
fn advice(class: Class) -> &'static str {
    match class {
        Class::Halt => {
            "look at the system's credentials, at what its user may see, and at `url` and `config` in the deployment"
        }
        Class::Transient | Class::Ambiguous => {
            "look whether the system runs and can be reached from here (`url`, proxy, firewall)"
        }
        Class::Throttled => "the system asks for rest: ask again later, and look what else uses its interface",
        Class::Permanent | Class::Missing | Class::Dependency | Class::Conflict | Class::Exists | Class::Done => {
            "the system does not know what is asked for: compare its catalogue with its own description (`mapwright drift`), and look at what its user may see"
        }
    }
}
