//! Sets the stage: sandbox, connections to it, and an engine with short pauses.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use mapwright_connectors::{ConnectionSettings, Connectors, WebhookAlert};
use mapwright_engine::alert::AlertChannel;
use mapwright_engine::backoff::Backoff;
use mapwright_engine::store::Store;
use mapwright_engine::{Engine, Options};
use mapwright_sandbox::seed::SeedConfig;
use mapwright_sandbox::{ErpConfig, Sandbox, SandboxConfig, ShopConfig};
use mapwright_values::settings::check_settings;
use mapwright_values::{Integration, Json};
use secrecy::SecretString;

use super::inbox::Inbox;
use crate::Faults;
use crate::command::RehearseArguments;
use crate::connect::Connections;

/// A request that takes longer is given up; the sandbox holds lost answers back for longer than that.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_millis(1_000);
pub(super) const HOLD: Duration = Duration::from_millis(1_300);

/// The simulated ERP has finished a request long before this.
const SETTLE: Duration = Duration::from_millis(400);

/// A day's pauses, in fractions of a second.
const PAUSES: Backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_millis(800) };

/// Rows a page, so that a reading has several pages.
const PAGE_ROWS: &str = "100";

const WORKERS: usize = 8;

/// Orders of a rehearsal, where nobody says.
const ORDERS: usize = 1_000;

pub(super) async fn start(wanted: &RehearseArguments) -> Result<Sandbox, Faults> {
    let config = SandboxConfig {
        seed: SeedConfig { orders: wanted.orders.unwrap_or(ORDERS), seed: wanted.seed, ..SeedConfig::default() },
        shop: ShopConfig { hold: HOLD, ..ShopConfig::default() },
        erp: ErpConfig { hold: HOLD, ..ErpConfig::default() },
    };
    Ok(Sandbox::start(config).await?)
}

pub(super) fn engine(
    integration: &'static Integration,
    sandbox: &Sandbox,
    inbox: &Inbox,
    store: Arc<dyn Store>,
) -> Result<(Engine, Connections), Faults> {
    let settings = check_settings(integration.plan.settings, &Json::Record(Vec::new())).map_err(Faults)?;
    let mut connections = Connections::new();
    let mut faults = Vec::new();
    for system in integration.plan.systems {
        let Some(settings) = connection(system.name, sandbox) else {
            faults.push(format!(
                "{} cannot be played without a scene: put a `rehearsal.yaml` beside the specs and hand it to `main_with_scene` in \
                 main.rs (docs/operation.md)",
                system.name
            ));
            continue;
        };
        match Connectors::open(system, settings) {
            Ok(connection) => {
                connections.insert(system.alias.to_owned(), connection);
            }
            Err(found) => faults.extend(found),
        }
    }
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let engine = Engine::new(*integration, connections.clone(), store, settings, options(integration, inbox)?)?;
    Ok((engine, connections))
}

/// An engine's options with pauses of fractions of a second.
pub(super) fn options(integration: &Integration, inbox: &Inbox) -> Result<Options, Faults> {
    Ok(Options {
        channels: channels(integration, inbox)?,
        workers: WORKERS,
        retry: PAUSES,
        wait: PAUSES,
        canary_every: Duration::from_millis(300),
        canaries_max: 50,
        settle: Some(SETTLE),
        // Items that are added between the acts must be found: nothing is remembered for long.
        cache_age: Duration::from_secs(5),
        alert_retry: PAUSES,
        ..Options::default()
    })
}

/// Every channel that a flow names leads to the rehearsal's own inbox.
fn channels(integration: &Integration, inbox: &Inbox) -> Result<HashMap<String, Arc<dyn AlertChannel>>, Faults> {
    let mut channels: HashMap<String, Arc<dyn AlertChannel>> = HashMap::new();
    for flow in integration.plan.flows {
        for name in flow.on_failure.into_iter().chain(flow.on_silence.map(|(_, channel)| channel)) {
            let channel = WebhookAlert::new(name, SecretString::from(inbox.url()))?;
            channels.insert(name.to_owned(), Arc::new(channel));
        }
    }
    Ok(channels)
}

fn connection(system: &str, sandbox: &Sandbox) -> Option<ConnectionSettings> {
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let secrets = |pairs: &[(&str, &str)]| -> BTreeMap<String, SecretString> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from((*value).to_owned()))).collect()
    };
    let shop = ShopConfig::default();
    let erp = ErpConfig::default();
    let (url, config, credentials) = match system {
        "shopware-6" => (
            sandbox.shop.url(),
            pairs(&[("page_size", PAGE_ROWS)]),
            secrets(&[("client_id", &shop.client_id), ("client_secret", &shop.client_secret)]),
        ),
        "sap-business-one" => (
            sandbox.erp.url(),
            pairs(&[("company", &erp.company), ("zone", &erp.zone), ("page_size", PAGE_ROWS)]),
            secrets(&[("user", &erp.user), ("password", &erp.password)]),
        ),
        _ => return None,
    };
    Some(ConnectionSettings {
        url,
        config,
        credentials,
        request_timeout: Some(REQUEST_TIMEOUT),
        ..ConnectionSettings::default()
    })
}
