//! Puts an engine together from a deployment.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mapwright_connectors::{ConnectionSettings, Connectors, Receiver, SealedFiles, Vault, WebhookAlert};
use mapwright_engine::alert::AlertChannel;
use mapwright_engine::backoff::Backoff;
use mapwright_engine::connector::Connector;
use mapwright_engine::crash::CrashPoint;
use mapwright_engine::store::Store;
use mapwright_engine::store::sqlite::SqliteStore;
use mapwright_engine::{Engine, Options};
use mapwright_values::Integration;
use mapwright_values::plan::Schedule;
use mapwright_values::settings::check_settings;
#[cfg(feature = "postgres")]
use secrecy::ExposeSecret;

use crate::Faults;
use crate::deployment::{
    ChannelDeployment, Deployment, EngineDeployment, Retention, ServerDeployment, StoreDeployment,
};
use crate::doorbell;

/// Connections by alias.
pub(crate) type Connections = HashMap<String, Arc<dyn Connector>>;

/// The environment variable by which a test lets the process die at a named point: `POINT` or `POINT:PASSAGE`.
const CRASH_AT: &str = "MAPWRIGHT_CRASH_AT";

/// Opens every system of the project; sends nothing yet.
pub(crate) fn open_systems(integration: &Integration, deployment: &mut Deployment) -> Result<Connections, Faults> {
    let mut faults = Vec::new();
    let mut connections = Connections::new();
    let vault: Option<Arc<dyn Vault>> = match deployment.vault.take() {
        Some(vault) => match SealedFiles::open(vault.folder, &vault.key) {
            Ok(vault) => Some(Arc::new(vault)),
            Err(words) => {
                faults.push(format!("vault: {words}"));
                None
            }
        },
        None => None,
    };
    for system in integration.plan.systems {
        let Some(found) = deployment.systems.remove(system.alias) else {
            faults.push(format!(
                "the deployment has no system `{}`: add it under `systems`, with `connector: {}` and a `url`",
                system.alias, system.name
            ));
            continue;
        };
        if found.connector != system.name {
            faults.push(format!(
                "systems.{}: the deployment names connector `{}`, but the specs were compiled with `{}`",
                system.alias, found.connector, system.name
            ));
            continue;
        }
        let settings = ConnectionSettings {
            url: found.url,
            config: found.config,
            credentials: found.credentials,
            ca_file: found.ca_file,
            proxy: found.proxy,
            request_timeout: found.timeout,
            vault: vault.clone(),
            hooks: integration.hooks,
            ..ConnectionSettings::default()
        };
        match Connectors::open(system, settings) {
            Ok(connection) => {
                connections.insert(system.alias.to_owned(), connection);
            }
            Err(found) => faults.extend(found),
        }
    }
    let unknown = deployment
        .systems
        .keys()
        .map(|alias| format!("systems.{alias}: the specs use no such system: take it out, or mend its name"));
    faults.extend(unknown);
    if faults.is_empty() { Ok(connections) } else { Err(Faults(faults)) }
}

/// Opens the store alone, for questions and a person's decisions.
pub(crate) fn open_store(store: &StoreDeployment) -> Result<Arc<dyn Store>, Faults> {
    let crash = Arc::new(CrashPoint::new(crash_at()));
    match store {
        StoreDeployment::File(path) => Ok(Arc::new(SqliteStore::open_with(path, crash)?)),
        #[cfg(feature = "postgres")]
        StoreDeployment::Postgres(url) => {
            Ok(Arc::new(mapwright_engine::store::postgres::PostgresStore::open_with(url.expose_secret(), crash)?))
        }
        #[cfg(not(feature = "postgres"))]
        StoreDeployment::Postgres(_) => Err(without_postgres()),
    }
}

/// Copies the store as it stands at one moment into a new file, whoever works on it. One that was never begun leaves no file.
pub(crate) fn copy_store(store: &StoreDeployment, to: &Path) -> Result<(), Faults> {
    match store {
        StoreDeployment::File(path) if path.exists() => Ok(SqliteStore::copy(path, to)?),
        StoreDeployment::File(_) => Ok(()),
        #[cfg(feature = "postgres")]
        StoreDeployment::Postgres(url) => {
            Ok(mapwright_engine::store::postgres::PostgresStore::copy(url.expose_secret(), to)?)
        }
        #[cfg(not(feature = "postgres"))]
        StoreDeployment::Postgres(_) => Err(without_postgres()),
    }
}

#[cfg(not(feature = "postgres"))]
fn without_postgres() -> Faults {
    let words = "store: this program was built without PostgreSQL: build the integration with the feature `postgres` of mapwright-operator, or write `store: \"sqlite:FILE\"`";
    Faults(vec![words.to_owned()])
}

/// An engine with all that a service needs besides.
pub(crate) struct Opened {
    pub(crate) engine: Engine,
    pub(crate) connections: Connections,
    pub(crate) server: Option<ServerDeployment>,
    pub(crate) receivers: HashMap<String, Receiver>,
    pub(crate) retention: Retention,
}

/// The whole engine of a deployment.
pub(crate) fn open_engine(integration: &'static Integration, file: &Path) -> Result<Opened, Faults> {
    let mut deployment = Deployment::load(file).map_err(Faults)?;
    let settings = check_settings(integration.plan.settings, &deployment.settings).map_err(Faults)?;
    let receivers = open_receivers(integration, &deployment)?;
    let margin = margin(&deployment);
    let connections = open_systems(integration, &mut deployment)?;
    let channels = open_channels(integration, &deployment)?;
    check_retention(integration, &deployment)?;
    let store = open_store(&deployment.store)?;
    let doorbell = doorbell::open(deployment.doorbell.as_ref(), integration.plan.name)?;
    let mut options = Options { doorbell, ..options(&deployment.engine, channels) };
    options.request_margin = options.request_margin.min(margin);
    let engine = Engine::new(*integration, connections.clone(), store, settings, options)?;
    let Deployment { server, retention, .. } = deployment;
    Ok(Opened { engine, connections, server, receivers, retention })
}

/// The systems whose webhooks a flow listens to.
pub(crate) fn listened(integration: &Integration) -> BTreeSet<&'static str> {
    let schedules = integration.plan.flows.iter().flat_map(|flow| flow.schedules);
    let systems = schedules.filter_map(|schedule| match schedule {
        Schedule::Webhook { system, .. } => Some(*system),
        Schedule::Every { .. } | Schedule::Daily { .. } | Schedule::Cron { .. } | Schedule::OnDemand => None,
    });
    systems.collect()
}

/// Receivers of webhooks, where the deployment says where to listen.
pub(crate) fn open_receivers(
    integration: &Integration,
    deployment: &Deployment,
) -> Result<HashMap<String, Receiver>, Faults> {
    let mut receivers = HashMap::new();
    let mut faults = Vec::new();
    let listened = if deployment.server.is_some() { listened(integration) } else { BTreeSet::new() };
    for alias in listened {
        let (Some(system), Some(found)) = (integration.plan.system(alias), deployment.systems.get(alias)) else {
            // What is missing is told when the systems are opened.
            continue;
        };
        let settings = ConnectionSettings {
            config: found.config.clone(),
            credentials: found.credentials.clone(),
            webhooks: found.webhooks,
            ..ConnectionSettings::default()
        };
        match Receiver::of(system, &settings) {
            Ok(Some(receiver)) => {
                receivers.insert(alias.to_owned(), receiver);
            }
            Ok(None) => faults.push(format!("{alias}: the manifest of {} describes no webhooks", system.name)),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(receivers) } else { Err(Faults(faults)) }
}

/// Every flow that `retention` names is there.
pub(crate) fn check_retention(integration: &Integration, deployment: &Deployment) -> Result<(), Faults> {
    let known = |flow: &&String| integration.plan.flow(flow).is_none();
    let faults: Vec<String> = deployment
        .retention
        .flows
        .keys()
        .filter(known)
        .map(|flow| format!("retention.{flow}: there is no such flow: mend its name, or write `all`"))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
}

/// The engine's bounds as the deployment wants them.
pub(crate) fn options(wanted: &EngineDeployment, channels: HashMap<String, Arc<dyn AlertChannel>>) -> Options {
    let standard = Options::default();
    let retry = Backoff {
        base: wanted.retry_base_ms.map_or(standard.retry.base, Duration::from_millis),
        cap: wanted.retry_cap_ms.map_or(standard.retry.cap, Duration::from_millis),
    };
    Options {
        channels,
        retry,
        wait: if wanted.retry_base_ms.is_some() { retry } else { standard.wait },
        workers: wanted.workers.unwrap_or(standard.workers).max(1),
        settle: wanted.settle_ms.map(Duration::from_millis),
        canary_every: wanted.canary_every_ms.map_or(standard.canary_every, Duration::from_millis),
        sweep_every: wanted.sweep_every_hours.map_or(standard.sweep_every, sweep_every),
        lease: wanted.lease_seconds.map_or(standard.lease, Duration::from_secs),
        alert_repeat: wanted
            .alert_repeat_minutes
            .map_or(standard.alert_repeat, |minutes| Duration::from_secs(minutes.saturating_mul(60))),
        crash_at: crash_at(),
        ..standard
    }
}

/// What a request may take beyond its time: no more than that time itself, where the deployment sets one for every system.
fn margin(deployment: &Deployment) -> Duration {
    let longest = deployment.systems.values().map(|system| system.timeout.unwrap_or(Duration::MAX)).max();
    longest.unwrap_or(Duration::MAX)
}

/// Hours between two full scans; none = never.
fn sweep_every(hours: u64) -> Duration {
    if hours == 0 { Duration::MAX } else { Duration::from_secs(hours.saturating_mul(3600)) }
}

/// One channel may have several ways; the engine knows them by `NAME`, the further ones are told by the first.
pub(crate) fn open_channels(
    integration: &Integration,
    deployment: &Deployment,
) -> Result<HashMap<String, Arc<dyn AlertChannel>>, Faults> {
    let mut channels: HashMap<String, Arc<dyn AlertChannel>> = HashMap::new();
    let mut faults = Vec::new();
    for (name, ways) in &deployment.alerts {
        let mut opened = Vec::new();
        for way in ways {
            let channel = match way {
                ChannelDeployment::Webhook(url) => {
                    WebhookAlert::new(name, url.clone()).map(|channel| Arc::new(channel) as Arc<dyn AlertChannel>)
                }
                ChannelDeployment::Mail(to) => crate::mail::open(name, to, deployment.mail.as_ref()),
            };
            match channel {
                Ok(channel) => opened.push(channel),
                Err(fault) => faults.push(fault),
            }
        }
        channels.insert(name.clone(), Arc::new(Everyone(opened)));
    }
    for flow in integration.plan.flows {
        let named = flow.on_failure.into_iter().chain(flow.on_silence.map(|(_, channel)| channel));
        for channel in named.filter(|channel| !deployment.alerts.contains_key(*channel)) {
            faults.push(format!(
                "flow {} alerts `{channel}`, which the deployment does not have: add it under `alerts`",
                flow.name
            ));
        }
    }
    faults.sort();
    faults.dedup();
    if faults.is_empty() { Ok(channels) } else { Err(Faults(faults)) }
}

/// A channel of several ways: an alert is told when every one of them took it.
struct Everyone(Vec<Arc<dyn AlertChannel>>);

impl AlertChannel for Everyone {
    fn send<'a>(
        &'a self,
        alert: &'a mapwright_engine::alert::Alert,
    ) -> mapwright_engine::connector::Reply<'a, Result<(), mapwright_engine::connector::Failure>> {
        Box::pin(async move {
            for way in &self.0 {
                way.send(alert).await?;
            }
            Ok(())
        })
    }
}

fn crash_at() -> Option<(String, u64)> {
    let wanted = std::env::var(CRASH_AT).ok()?;
    let (point, passage) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    Some((point.to_owned(), passage.parse().unwrap_or(1)))
}
