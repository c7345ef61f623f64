//! What a deployment says of one connection, and what must be true of it. In: plan and settings. Out: every fault at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mapwright_manifest::{Auth, ConfigDefault, Manifest};
use mapwright_values::{Hook, Json};
use secrecy::SecretString;

use crate::vault::Vault;

/// One system of the deployment file.
#[derive(Default)]
pub struct ConnectionSettings {
    /// The system's address.
    pub url: String,
    /// Values that the manifest declares under `config`; of one that is a map, `NAME.KEY`.
    pub config: BTreeMap<String, String>,
    /// Credentials that the manifest declares under `secrets`.
    pub credentials: BTreeMap<String, SecretString>,
    /// A PEM file with certificates to trust besides the machine's.
    pub ca_file: Option<PathBuf>,
    /// A proxy for all requests; without one none is used, whatever the environment says.
    pub proxy: Option<String>,
    /// Longest time for a connection to stand; 10 s if not given.
    pub connect_timeout: Option<Duration>,
    /// Longest time for a whole request; the manifest's if not given.
    pub request_timeout: Option<Duration>,
    /// Where credentials that rotate are kept; needed by systems whose log-in has some.
    pub vault: Option<Arc<dyn Vault>>,
    /// What the deployment says of the system's webhooks.
    pub webhooks: WebhookSettings,
    /// The hooks of the program.
    pub hooks: &'static [Hook],
}

/// Bounds of what a system may call, and how its subscriptions are watched, where they are not the manifest's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Calls in a minute.
    pub calls_per_minute: Option<u32>,
    /// Largest body, in bytes.
    pub body_bytes_max: Option<usize>,
    /// How often it is looked whether its subscriptions still stand.
    pub look_every: Option<Duration>,
}

impl std::fmt::Debug for ConnectionSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionSettings").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The values of `config`, defaults filled in, as templates see them.
pub(crate) fn config_values(manifest: &Manifest, settings: &ConnectionSettings) -> Json<'static> {
    let mut members = vec![("url".into(), Json::text(settings.url.trim_end_matches('/').to_owned()))];
    for (name, entry) in &manifest.config {
        let value = match (settings.config.get(name), &entry.default) {
            (Some(given), Some(ConfigDefault::Number(_))) => Json::Number(given.clone().into()),
            (Some(given), Some(ConfigDefault::Boolean(_))) => Json::Boolean(given == "true"),
            (Some(given), Some(ConfigDefault::Text(_) | ConfigDefault::Map(_)) | None) => Json::text(given.clone()),
            (None, Some(ConfigDefault::Text(text))) => Json::text(text.clone()),
            (None, Some(ConfigDefault::Number(digits))) => Json::Number(digits.clone().into()),
            (None, Some(ConfigDefault::Boolean(value))) => Json::Boolean(*value),
            (None, default @ (Some(ConfigDefault::Map(_)) | None)) => match map(name, default.as_ref(), settings) {
                Some(map) => map,
                None => continue,
            },
        };
        members.push((name.clone().into(), value));
    }
    Json::Record(members)
}

/// A value that is a map: the given `NAME.KEY`, over the default's.
fn map(name: &str, default: Option<&ConfigDefault>, settings: &ConnectionSettings) -> Option<Json<'static>> {
    let mut members: BTreeMap<String, String> = match default {
        Some(ConfigDefault::Map(entries)) => entries.iter().cloned().collect(),
        Some(ConfigDefault::Text(_) | ConfigDefault::Number(_) | ConfigDefault::Boolean(_)) | None => BTreeMap::new(),
    };
    for (key, value) in &settings.config {
        if let Some(key) = key.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) {
            members.insert(key.to_owned(), value.clone());
        }
    }
    if members.is_empty() {
        return None;
    }
    Some(Json::Record(members.into_iter().map(|(key, value)| (key.into(), Json::text(value))).collect()))
}

/// Everything that the settings lack, hold too much of, or hold wrongly.
pub(crate) fn faults(alias: &str, manifest: &Manifest, settings: &ConnectionSettings) -> Vec<String> {
    let mut faults = Vec::new();
    match reqwest::Url::parse(&settings.url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            if !url.username().is_empty() || url.password().is_some() {
                faults.push(format!("{alias}: the url holds credentials: give them under `credentials`"));
            }
        }
        Ok(_) | Err(_) if settings.url.is_empty() => faults.push(format!("{alias}: no url is given")),
        Ok(_) | Err(_) => {
            faults.push(format!("{alias}: the url is no http or https address: write for example https://erp.example"));
        }
    }
    for (name, entry) in &manifest.config {
        match settings.config.get(name) {
            None if entry.required && map(name, None, settings).is_none() => {
                faults.push(format!("{alias}: config `{name}` is missing ({})", entry.about))
            }
            Some(given) if matches!(entry.default, Some(ConfigDefault::Number(_))) && given.parse::<u64>().is_err() => {
                faults.push(format!("{alias}: config `{name}` must be a whole number"));
            }
            Some(_) | None => {}
        }
    }
    let known = |name: &&String| {
        manifest.config.contains_key(*name)
            || name.split_once('.').is_some_and(|(name, _)| manifest.config.contains_key(name))
    };
    for name in settings.config.keys().filter(|name| !known(name)) {
        faults.push(format!(
            "{alias}: `{}` knows no config `{name}`; it knows {}",
            manifest.system,
            names(manifest.config.keys())
        ));
    }
    if let Auth::LogIn(login) = &manifest.auth
        && !login.durable.is_empty()
        && settings.vault.is_none()
    {
        faults.push(format!(
            "{alias}: `{}` rotates {}, so the deployment must say where it is kept: `vault`",
            manifest.system,
            names(login.durable.iter())
        ));
    }
    if let Auth::Basic { https_only: true, .. } = &manifest.auth
        && let Ok(url) = reqwest::Url::parse(&settings.url)
        && url.scheme() == "http"
        && !matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
    {
        faults.push(format!("{alias}: credentials may not travel over plain http: give an https address"));
    }
    for (name, required) in &manifest.secrets {
        if *required && !settings.credentials.contains_key(name) {
            faults.push(format!("{alias}: credential `{name}` is missing"));
        }
    }
    for name in settings.credentials.keys().filter(|name| !manifest.secrets.contains_key(*name)) {
        faults.push(format!(
            "{alias}: `{}` knows no credential `{name}`; it knows {}",
            manifest.system,
            names(manifest.secrets.keys())
        ));
    }
    faults
}

fn names<'n>(all: impl Iterator<Item = &'n String>) -> String {
    let all: Vec<&str> = all.map(String::as_str).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
