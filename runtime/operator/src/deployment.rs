//! The deployment file: where the systems are, what the analysts left open, whom to alert.
//!
//! In: YAML text and a way to look up secrets. Out: a [`Deployment`], or every fault of the file at once. Secrets stand in
//! the environment or in files, never in the deployment file itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mapwright_connectors::WebhookSettings;
use mapwright_values::Json;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::sections::{self, DoorbellFile, MailFile, ServerFile, TelemetryFile};
pub use crate::sections::{
    DoorbellDeployment, DoorbellKind, MailDeployment, MailTls, Retention, ServerDeployment, TelemetryDeployment,
};

/// Names the file that is looked for when none is given.
pub const DEFAULT_FILE: &str = "deployment.yaml";

/// A deployment, with its secrets resolved.
#[derive(Debug)]
pub struct Deployment {
    /// By the alias of the project (`shop`, `erp`).
    pub systems: BTreeMap<String, SystemDeployment>,
    /// Where the embedded store lives.
    pub store: StoreDeployment,
    /// What wakes other processes on the store; `None` = each looks by itself.
    pub doorbell: Option<DoorbellDeployment>,
    /// Values of the settings, as one record.
    pub settings: Json<'static>,
    /// Channels by name.
    pub alerts: BTreeMap<String, Vec<ChannelDeployment>>,
    /// Bounds of the engine that differ from the defaults.
    pub engine: EngineDeployment,
    /// Where `run` listens; `None` = nowhere.
    pub server: Option<ServerDeployment>,
    /// How mail is sent.
    pub mail: Option<MailDeployment>,
    /// Where traces go.
    pub telemetry: Option<TelemetryDeployment>,
    /// How long finished records are kept.
    pub retention: Retention,
    /// Where credentials that rotate are kept; needed by systems whose log-in has some.
    pub vault: Option<VaultDeployment>,
}

/// Bounds of the engine. What is not given keeps its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineDeployment {
    /// Records in work at once.
    pub workers: Option<usize>,
    /// First pause after a failure that may pass, in milliseconds.
    pub retry_base_ms: Option<u64>,
    /// Longest such pause, in milliseconds.
    pub retry_cap_ms: Option<u64>,
    /// Longest time that a write whose answer was lost may still work at the target, in milliseconds; replaces the
    /// manifest's. Too short a time makes a probe look too early.
    pub settle_ms: Option<u64>,
    /// How often a halted connection is tried, in milliseconds.
    pub canary_every_ms: Option<u64>,
    /// How often a flow that reads changes reads everything, in hours; 0 = never.
    pub sweep_every_hours: Option<u64>,
    /// How long a process's claim on a record lasts, in seconds, from [`LEASE_MIN_S`] on; raised to twice the longest request.
    pub lease_seconds: Option<u64>,
    /// How long after an alert what has grown since is told again, in minutes, from 1 on.
    pub alert_repeat_minutes: Option<u64>,
}

/// Shortest claim: a process that is only slow must not lose what it works on.
pub const LEASE_MIN_S: u64 = 5;

/// Where the store is.
#[derive(Debug)]
pub enum StoreDeployment {
    /// A file of SQLite: one process at a time.
    File(PathBuf),
    /// The address of a database of PostgreSQL: any number of processes.
    Postgres(SecretString),
}

impl std::fmt::Display for StoreDeployment {
    /// Without anything that could be a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Postgres(_) => write!(formatter, "in PostgreSQL"),
        }
    }
}

/// One system.
#[derive(Debug)]
pub struct SystemDeployment {
    /// The connector's name; must be the one that the project was compiled with.
    pub connector: String,
    /// The address that the manifest's `base` is built from.
    pub url: String,
    /// Values that the manifest declares under `config`; those of a map as `NAME.KEY`.
    pub config: BTreeMap<String, String>,
    /// Values that the manifest declares under `secrets`.
    pub credentials: BTreeMap<String, SecretString>,
    /// A private certificate authority.
    pub ca_file: Option<PathBuf>,
    /// A proxy for all requests.
    pub proxy: Option<String>,
    /// Longest that a request may take; the manifest's where it is not given.
    pub timeout: Option<Duration>,
    /// How many of its webhooks are taken, and how its subscriptions are watched; as the manifest says where it is not given.
    pub webhooks: WebhookSettings,
}

/// Where credentials that rotate are kept.
#[derive(Debug)]
pub struct VaultDeployment {
    /// The folder with the sealed files.
    pub folder: PathBuf,
    /// What they are sealed with.
    pub key: SecretString,
}

/// One way to a person.
#[derive(Debug)]
pub enum ChannelDeployment {
    /// A URL that takes Slack- or Teams-compatible JSON.
    Webhook(SecretString),
    /// An address for mail.
    Mail(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    systems: BTreeMap<String, SystemFile>,
    store: Option<String>,
    doorbell: Option<DoorbellFile>,
    queue: Option<String>,
    settings: Option<serde_json::Value>,
    alerts: Option<BTreeMap<String, Vec<ChannelFile>>>,
    engine: Option<EngineDeployment>,
    telemetry: Option<TelemetryFile>,
    vault: Option<VaultFile>,
    server: Option<ServerFile>,
    mail: Option<MailFile>,
    retention: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VaultFile {
    folder: PathBuf,
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemFile {
    connector: String,
    url: String,
    #[serde(default)]
    config: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    credentials: BTreeMap<String, String>,
    ca_file: Option<PathBuf>,
    proxy: Option<String>,
    timeout_seconds: Option<u64>,
    #[serde(default)]
    webhooks: WebhooksFile,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhooksFile {
    calls_per_minute: Option<u32>,
    body_max_kib: Option<usize>,
    look_every_minutes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelFile {
    webhook: Option<String>,
    mail: Option<String>,
}

impl Deployment {
    /// Reads the file and the secrets that it names.
    ///
    /// # Errors
    /// Lists everything that is wrong, each with what to do.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        Self::parse(&read(path)?, &path.display().to_string(), folder_of(path))
    }

    /// Where the store is, without a look at secrets: enough for questions about it.
    ///
    /// # Errors
    /// The file cannot be read, or names a store that this program does not have.
    pub fn store_of(path: &Path) -> Result<StoreDeployment, Vec<String>> {
        part_of(path, |file, name, faults| resolve_store(file.store.as_deref(), folder_of(path), name, faults))
    }

    /// The doorbell, without a look at other secrets.
    ///
    /// # Errors
    /// The file cannot be read, or what it says of the doorbell is wrong.
    pub fn doorbell_of(path: &Path) -> Result<Option<DoorbellDeployment>, Vec<String>> {
        part_of(path, |file, name, faults| sections::doorbell(file.doorbell?, folder_of(path), name, faults))
    }

    /// Where traces go, without a look at other secrets.
    ///
    /// # Errors
    /// The file cannot be read, or what it says of telemetry is wrong.
    pub fn telemetry_of(path: &Path) -> Result<Option<TelemetryDeployment>, Vec<String>> {
        part_of(path, |file, name, faults| sections::telemetry(file.telemetry?, folder_of(path), name, faults))
    }

    fn parse(text: &str, name: &str, folder: &Path) -> Result<Self, Vec<String>> {
        let file = understand(text, name)?;
        let mut faults = Vec::new();
        let store = resolve_store(file.store.as_deref(), folder, name, &mut faults);
        if let Some(queue) = file.queue.as_deref().filter(|queue| *queue != "embedded") {
            faults.push(format!(
                "{name}: queue `{}:`: a queue only wakes workers, the store is the ledger: write `doorbell: {{ url: \"env:DOORBELL_URL\" }}` instead",
                queue.split(':').next().unwrap_or_default()
            ));
        }
        let doorbell = file.doorbell.and_then(|doorbell| sections::doorbell(doorbell, folder, name, &mut faults));
        let mut systems = BTreeMap::new();
        for (alias, system) in file.systems {
            systems.insert(alias.clone(), resolve_system(&alias, system, folder, name, &mut faults));
        }
        let mut alerts: BTreeMap<String, Vec<ChannelDeployment>> = BTreeMap::new();
        for (channel, ways) in file.alerts.unwrap_or_default() {
            if ways.is_empty() {
                faults.push(format!(
                    "{name}: alerts.{channel}: nobody would be told: add for example {{ webhook: \"env:OPS_HOOK\" }}"
                ));
            }
            let ways = ways.into_iter().filter_map(|way| resolve_channel(&channel, &way, folder, name, &mut faults));
            alerts.insert(channel.clone(), ways.collect());
        }
        let settings = file.settings.unwrap_or_else(|| serde_json::Value::Object(serde_json::Map::new()));
        let settings = settings.to_string();
        let settings = match Json::parse(&settings) {
            Ok(settings) => settings.into_owned(),
            Err(error) => {
                faults.push(format!("{name}: settings: {}", error.message));
                Json::Null
            }
        };
        let engine = file.engine.unwrap_or_default();
        if engine.lease_seconds.is_some_and(|seconds| !(LEASE_MIN_S..=86_400).contains(&seconds)) {
            faults.push(format!(
                "{name}: engine.lease_seconds: a claim lasts from {LEASE_MIN_S} to 86400 seconds; leave it out for 120"
            ));
        }
        if engine.alert_repeat_minutes.is_some_and(|minutes| !(1..=10_080).contains(&minutes)) {
            faults.push(format!(
                "{name}: engine.alert_repeat_minutes: an alert is repeated after 1 to 10080 minutes; leave it out for 60"
            ));
        }
        let vault = file.vault.and_then(|vault| match resolve_secret(&vault.key, folder) {
            Ok(key) => Some(VaultDeployment { folder: folder.join(vault.folder), key }),
            Err(fault) => {
                faults.push(format!("{name}: vault.key: {fault}"));
                None
            }
        });
        let server = file.server.and_then(|server| sections::server(server, folder, name, &mut faults));
        let mail = file.mail.and_then(|mail| sections::mail(mail, folder, name, &mut faults));
        let telemetry = file.telemetry.and_then(|wanted| sections::telemetry(wanted, folder, name, &mut faults));
        let retention = sections::retention(file.retention.unwrap_or_default(), name, &mut faults);
        let mailed = alerts.values().flatten().any(|way| matches!(way, ChannelDeployment::Mail(_)));
        if mailed && mail.is_none() {
            faults.push(format!(
                "{name}: an alert goes by mail: add `mail: {{ server: \"smtp.example\", from: \"mapwright@example\" }}`"
            ));
        }
        if faults.is_empty() {
            Ok(Self { systems, store, doorbell, settings, alerts, engine, server, mail, telemetry, retention, vault })
        } else {
            Err(faults)
        }
    }
}

/// One part of a deployment file.
fn part_of<T>(path: &Path, part: impl FnOnce(File, &str, &mut Vec<String>) -> T) -> Result<T, Vec<String>> {
    let name = path.display().to_string();
    let file = understand(&read(path)?, &name)?;
    let mut faults = Vec::new();
    let part = part(file, &name, &mut faults);
    if faults.is_empty() { Ok(part) } else { Err(faults) }
}

fn read(path: &Path) -> Result<String, Vec<String>> {
    std::fs::read_to_string(path).map_err(|error| {
        vec![format!(
            "cannot read the deployment file {}: {error}; name one with --deployment, or start from the example beside the specs",
            path.display()
        )]
    })
}

/// The file as YAML. A fault is told by its place, never by the lines around it: a secret may stand there by mistake.
fn understand(text: &str, name: &str) -> Result<File, Vec<String>> {
    if text.trim().is_empty() {
        return Err(vec![format!("{name} is empty: start from the example beside the specs")]);
    }
    serde_yaml::from_str(text).map_err(|error| {
        let place = error.location().map(|at| format!(":{}:{}", at.line(), at.column())).unwrap_or_default();
        let said = error.without_snippet().to_string();
        let said = said.lines().next().unwrap_or_default();
        let said = said.strip_prefix("error: ").unwrap_or(said);
        let said = match said.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
            Some((_, said)) => said,
            None => said,
        };
        vec![format!("{name}{place}: {}", plainly(said))]
    })
}

/// The parser's words where they are not an operator's.
fn plainly(said: &str) -> String {
    let known = [
        ("duplicate mapping key: ", "this key is there twice, leave one out: "),
        ("expected mapping start", "names with values are expected here, as in `{ name: value }`"),
        ("expected sequence start", "a list is expected here, as in `[ one, another ]`"),
        ("expected string scalar", "a text is expected here"),
        ("tabs disallowed within this context", "a tab stands here: indent with spaces"),
        ("invalid u64", "a whole number that is not negative is expected here"),
    ];
    match known.iter().find_map(|(theirs, ours)| Some((said.strip_prefix(theirs)?, ours))) {
        Some((rest, ours)) if ours.ends_with(": ") => {
            format!("{ours}{}", rest.split_once(',').map_or(rest, |(key, _)| key))
        }
        Some((_, ours)) => (*ours).to_owned(),
        None => said.split(", set ").next().unwrap_or(said).to_owned(),
    }
}

/// Paths in the file are relative to its own folder.
fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

fn resolve_store(store: Option<&str>, folder: &Path, name: &str, faults: &mut Vec<String>) -> StoreDeployment {
    let written = store.unwrap_or("sqlite:state.db");
    let named = ["env:", "file:"].iter().any(|scheme| written.starts_with(scheme));
    let store = match named.then(|| resolve_secret(written, folder)) {
        Some(Ok(secret)) => secret,
        Some(Err(fault)) => {
            faults.push(format!("{name}: store: {fault}"));
            return StoreDeployment::File(PathBuf::new());
        }
        None => SecretString::from(written.to_owned()),
    };
    if ["postgres://", "postgresql://"].iter().any(|scheme| store.expose_secret().starts_with(scheme)) {
        let user =
            store.expose_secret().split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(user, _)| user);
        if !named && user.is_some_and(|user| user.contains(':')) {
            faults.push(format!(
                "{name}: store: a password stands in this file: move the whole address into the environment and write `store: \"env:STORE_URL\"`"
            ));
        }
        return StoreDeployment::Postgres(store);
    }
    let Some(path) = store.expose_secret().strip_prefix("sqlite:") else {
        // What follows the scheme may hold a password.
        let scheme = store.expose_secret().split(':').next().unwrap_or_default().to_owned();
        let scheme = if named { String::new() } else { format!(" `{scheme}:`") };
        faults.push(format!(
            "{name}: there is no store of the kind{scheme}; write `store: \"sqlite:FILE\"` or `store: \"postgres://USER@HOST/DATABASE\"`"
        ));
        return StoreDeployment::File(PathBuf::new());
    };
    // SQLite takes an empty name for a file that is deleted at the end, and `:memory:` for none at all.
    if path.is_empty() || path == ":memory:" {
        faults.push(format!("{name}: the store needs a file that stays; write `store: \"sqlite:state.db\"`"));
    }
    StoreDeployment::File(folder.join(path))
}

fn resolve_system(
    alias: &str,
    system: SystemFile,
    folder: &Path,
    name: &str,
    faults: &mut Vec<String>,
) -> SystemDeployment {
    let mut credentials = BTreeMap::new();
    for (key, value) in system.credentials {
        match resolve_secret(&value, folder) {
            Ok(secret) => {
                credentials.insert(key, secret);
            }
            Err(fault) => faults.push(format!("{name}: systems.{alias}.credentials.{key}: {fault}")),
        }
    }
    if system.timeout_seconds.is_some_and(|seconds| !(1..=3600).contains(&seconds)) {
        faults.push(format!("{name}: systems.{alias}.timeout_seconds: a request may take from 1 to 3600 seconds"));
    }
    let WebhooksFile { calls_per_minute: calls, body_max_kib: body_kib, look_every_minutes: look } = system.webhooks;
    if calls == Some(0) || body_kib.is_some_and(|kib| !(1..=16 * 1024).contains(&kib)) {
        faults.push(format!(
            "{name}: systems.{alias}.webhooks: at least one of `calls_per_minute`, and 1 to 16384 of `body_max_kib`"
        ));
    }
    if look.is_some_and(|minutes| !(1..=24 * 60).contains(&minutes)) {
        faults.push(format!("{name}: systems.{alias}.webhooks: `look_every_minutes` is from 1 to 1440"));
    }
    let mut config = BTreeMap::new();
    for (key, value) in system.config {
        match value {
            serde_json::Value::Object(members) => {
                config.extend(members.iter().map(|(name, value)| (format!("{key}.{name}"), plain(value))));
            }
            value => {
                config.insert(key, plain(&value));
            }
        }
    }
    SystemDeployment {
        connector: system.connector,
        url: system.url,
        config,
        credentials,
        ca_file: system.ca_file.map(|file| folder.join(file)),
        proxy: system.proxy,
        timeout: system.timeout_seconds.map(Duration::from_secs),
        webhooks: WebhookSettings {
            calls_per_minute: calls,
            body_bytes_max: body_kib.map(|kib| kib.saturating_mul(1024)),
            look_every: look.map(|minutes| Duration::from_secs(minutes.saturating_mul(60))),
        },
    }
}

fn resolve_channel(
    channel: &str,
    way: &ChannelFile,
    folder: &Path,
    name: &str,
    faults: &mut Vec<String>,
) -> Option<ChannelDeployment> {
    if let Some(mail) = &way.mail {
        if way.webhook.is_some() {
            faults.push(format!(
                "{name}: alerts.{channel}: one entry is one way: write {{ webhook: ... }} and {{ mail: ... }} side by side"
            ));
        }
        return Some(ChannelDeployment::Mail(mail.clone()));
    }
    let Some(webhook) = &way.webhook else {
        faults.push(format!("{name}: alerts.{channel}: say where to, for example {{ webhook: \"env:OPS_HOOK\" }} or {{ mail: \"ops@example.com\" }}"));
        return None;
    };
    match resolve_secret(webhook, folder) {
        Ok(url) => Some(ChannelDeployment::Webhook(url)),
        Err(fault) => {
            faults.push(format!("{name}: alerts.{channel}.webhook: {fault}"));
            None
        }
    }
}

/// `env:NAME` or `file:PATH`; anything else is refused, so that no secret stands in the file.
pub(crate) fn resolve_secret(value: &str, folder: &Path) -> Result<SecretString, String> {
    if let Some(variable) = value.strip_prefix("env:") {
        return match std::env::var(variable) {
            Ok(secret) if !secret.is_empty() => Ok(SecretString::from(secret)),
            Ok(_) => Err(format!("the environment variable {variable} is empty")),
            Err(_) => Err(format!("the environment variable {variable} is not set")),
        };
    }
    if let Some(path) = value.strip_prefix("file:") {
        let path = folder.join(path);
        return match std::fs::read_to_string(&path) {
            Ok(secret) => {
                let secret = secret.trim_end_matches(['\r', '\n']);
                match secret {
                    "" => Err(format!("the file {} is empty", path.display())),
                    secret => Ok(SecretString::from(secret.to_owned())),
                }
            }
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        };
    }
    Err("write env:NAME or file:PATH; a secret never stands in this file itself".to_owned())
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        Deployment::parse(text, "deployment.yaml", Path::new("/nowhere")).expect_err("it is wrong")
    }

    #[test]
    fn every_fault_is_told_at_once_and_no_secret_is_taken_from_the_file() {
        let faults = faults(
            "systems:\n  shop:\n    connector: shopware-6\n    url: http://shop\n    credentials: { client_id: env:MAPWRIGHT_NOT_SET, client_secret: plain }\nstore: \"postgres://u:hunter2@db/d\"\nqueue: redis://q\ndoorbell: { url: \"amqp://u:hunter2@q\" }\n",
        );
        assert_eq!(
            faults,
            [
                "deployment.yaml: store: a password stands in this file: move the whole address into the environment and write `store: \"env:STORE_URL\"`",
                "deployment.yaml: queue `redis:`: a queue only wakes workers, the store is the ledger: write `doorbell: { url: \"env:DOORBELL_URL\" }` instead",
                "deployment.yaml: doorbell.url: a password stands in this file: move the whole address into the environment and write `doorbell: { url: \"env:DOORBELL_URL\" }`",
                "deployment.yaml: systems.shop.credentials.client_id: the environment variable MAPWRIGHT_NOT_SET is not set",
                "deployment.yaml: systems.shop.credentials.client_secret: write env:NAME or file:PATH; a secret never stands in this file itself",
            ]
        );
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let faults = faults("systems: {}\nstroe: x\n");
        assert_eq!(faults.len(), 1);
        assert!(faults.iter().all(|fault| fault.contains("stroe")), "{faults:?}");
    }

    #[test]
    fn a_fault_of_the_file_is_told_by_its_place_and_shows_nothing_of_its_lines() {
        let text = "systems:\n  shop:\n    connector: c\n    url: u\n    credentials: { secret: [hunter2] }\n";
        assert_eq!(faults(text), ["deployment.yaml:5:28: a text is expected here"]);
        assert_eq!(
            faults("store: a\nstore: b\n"),
            ["deployment.yaml:2:1: this key is there twice, leave one out: store"]
        );
        assert_eq!(faults("systems:\n\tshop: 1\n"), ["deployment.yaml:2:2: a tab stands here: indent with spaces"]);
        assert_eq!(faults(" \n"), ["deployment.yaml is empty: start from the example beside the specs"]);
    }

    #[test]
    fn a_store_that_would_not_stay_and_a_channel_that_reaches_nobody_are_refused() {
        assert_eq!(
            faults("systems: {}\nstore: \"sqlite:\"\nalerts: { ops: [] }\n"),
            [
                "deployment.yaml: the store needs a file that stays; write `store: \"sqlite:state.db\"`",
                "deployment.yaml: alerts.ops: nobody would be told: add for example { webhook: \"env:OPS_HOOK\" }",
            ]
        );
    }

    #[test]
    fn a_store_that_processes_share_is_named_without_its_password() {
        let mut faults = Vec::new();
        let store = resolve_store(Some("postgres://u@db.example/d"), Path::new("/"), "x", &mut faults);
        assert!(faults.is_empty() && matches!(store, StoreDeployment::Postgres(_)), "{faults:?}");
        resolve_store(Some("mysql://u:hunter2@db/d"), Path::new("/"), "x", &mut faults);
        resolve_store(Some("env:MAPWRIGHT_NOT_SET"), Path::new("/"), "x", &mut faults);
        assert_eq!(
            faults,
            [
                "x: there is no store of the kind `mysql:`; write `store: \"sqlite:FILE\"` or `store: \"postgres://USER@HOST/DATABASE\"`",
                "x: store: the environment variable MAPWRIGHT_NOT_SET is not set",
            ]
        );
    }

    #[test]
    fn a_secret_file_that_is_empty_is_no_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("secret"), "\n").expect("write");
        let fault = resolve_secret("file:secret", folder.path()).expect_err("empty");
        assert!(fault.ends_with("secret is empty"), "{fault}");
    }

    #[test]
    fn what_is_said_of_webhooks_has_bounds() {
        let system = |webhooks: &str| {
            format!("systems:\n  shop: {{ connector: shopify, url: http://shop, webhooks: {{ {webhooks} }} }}\n")
        };
        let sound =
            Deployment::parse(&system("look_every_minutes: 5"), "deployment.yaml", Path::new("/srv")).expect("sound");
        let webhooks = sound.systems.get("shop").expect("shop").webhooks;
        assert_eq!(webhooks.look_every, Some(Duration::from_secs(300)));
        let faults = faults(&system("calls_per_minute: 0, look_every_minutes: 1441"));
        assert_eq!(faults.len(), 2);
        assert!(faults.iter().any(|fault| fault.ends_with("`look_every_minutes` is from 1 to 1440")), "{faults:?}");
    }

    #[test]
    fn a_sound_file_is_read() {
        let text = "systems:\n  erp: { connector: b1, url: http://erp, config: { company: C, page_size: 50, objects: { SOH: YSOH } } }\nsettings: { price: 1.10 }\n";
        let deployment = Deployment::parse(text, "deployment.yaml", Path::new("/srv")).expect("it is sound");
        let erp = deployment.systems.get("erp").expect("erp");
        assert_eq!(erp.config.get("page_size").map(String::as_str), Some("50"));
        assert_eq!(erp.config.get("objects.SOH").map(String::as_str), Some("YSOH"));
        assert!(matches!(deployment.store, StoreDeployment::File(path) if path == Path::new("/srv/state.db")));
    }
}
