//! Parts of the deployment file that `run` alone needs: the web address, mail, how long records are kept.
//!
//! In: what stands in the file, and a way to look up secrets. Out: checked values, or every fault with what to do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use mapwright_engine::records::KEPT_AT_LEAST;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::deployment::resolve_secret;

/// Where webhooks, health, metrics and the console are served.
#[derive(Debug)]
pub struct ServerDeployment {
    /// Address and port.
    pub listen: SocketAddr,
    /// What opens console and metrics; needed where other machines can reach the address.
    pub token: Option<SecretString>,
    /// The address by which systems reach it, without the path; `None` = no subscriptions are made.
    pub url: Option<String>,
}

/// How long finished records are kept, by flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Of flows that are not named.
    pub others: Option<Duration>,
    /// Of these flows.
    pub flows: BTreeMap<String, Duration>,
}

impl Retention {
    /// How long records of this flow are kept; `None` = for ever.
    #[must_use]
    pub fn of(&self, flow: &str) -> Option<Duration> {
        self.flows.get(flow).copied().or(self.others)
    }
}

/// How mail is sent.
#[derive(Debug)]
pub struct MailDeployment {
    /// The mail server.
    pub host: String,
    /// Its port.
    pub port: Option<u16>,
    /// How the connection is made secret.
    pub tls: MailTls,
    /// User and password, where the server wants them.
    pub login: Option<(SecretString, SecretString)>,
    /// Who sends.
    pub from: String,
    /// A private certificate authority.
    pub ca_file: Option<std::path::PathBuf>,
}

/// How a connection to a mail server is made secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// Plain at first, then STARTTLS, or nothing is sent.
    #[default]
    Starttls,
    /// From the first byte.
    Tls,
    /// Not at all: for a server on this machine.
    None,
}

/// What wakes the processes that share a store.
#[derive(Debug)]
pub struct DoorbellDeployment {
    /// Which one.
    pub kind: DoorbellKind,
    /// Its address, with a password where there is one.
    pub url: SecretString,
    /// The queue's or stream's name; the project's where it is not given.
    pub name: Option<String>,
    /// A private certificate authority.
    pub ca_file: Option<std::path::PathBuf>,
}

/// Kinds of doorbells that are not within the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoorbellKind {
    /// A queue of RabbitMQ.
    RabbitMq,
    /// A stream of Redis.
    Redis,
}

/// Where traces go.
#[derive(Debug)]
pub struct TelemetryDeployment {
    /// The collector's address, without a path for traces.
    pub otlp: String,
    /// Sent with every request.
    pub headers: BTreeMap<String, SecretString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetryFile {
    otlp: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

pub(crate) fn telemetry(
    file: TelemetryFile,
    folder: &Path,
    name: &str,
    faults: &mut Vec<String>,
) -> Option<TelemetryDeployment> {
    let before = faults.len();
    if cfg!(not(feature = "otlp")) {
        faults.push(format!(
            "{name}: telemetry: this program exports no traces: build it with the feature `otlp` of `mapwright-operator`"
        ));
    }
    if !["http://", "https://"].iter().any(|scheme| file.otlp.starts_with(scheme)) {
        faults.push(format!(
            "{name}: telemetry.otlp: the address of a collector that takes OTLP by HTTP is expected, as in \"http://127.0.0.1:4318\""
        ));
    }
    let mut headers = BTreeMap::new();
    for (header, reference) in file.headers {
        match resolve_secret(&reference, folder) {
            Ok(value) => drop(headers.insert(header, value)),
            Err(fault) => faults.push(format!("{name}: telemetry.headers.{header}: {fault}")),
        }
    }
    (faults.len() == before).then(|| TelemetryDeployment { otlp: file.otlp.trim_end_matches('/').to_owned(), headers })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DoorbellFile {
    url: String,
    name: Option<String>,
    ca_file: Option<std::path::PathBuf>,
}

pub(crate) fn doorbell(
    file: DoorbellFile,
    folder: &Path,
    name: &str,
    faults: &mut Vec<String>,
) -> Option<DoorbellDeployment> {
    let named = ["env:", "file:"].iter().any(|scheme| file.url.starts_with(scheme));
    let url = match named.then(|| resolve_secret(&file.url, folder)) {
        Some(Ok(url)) => url,
        Some(Err(fault)) => {
            faults.push(format!("{name}: doorbell.url: {fault}"));
            return None;
        }
        None => SecretString::from(file.url),
    };
    let (scheme, rest) = url.expose_secret().split_once("://").unwrap_or_default();
    let kind = match scheme {
        "amqp" | "amqps" => DoorbellKind::RabbitMq,
        "redis" | "rediss" => DoorbellKind::Redis,
        _ => {
            faults.push(format!(
                "{name}: doorbell.url: write `amqps://USER:PASSWORD@HOST:5671/VHOST` for RabbitMQ or `rediss://USER:PASSWORD@HOST:6379/0` for Redis (amqp, redis: not encrypted)"
            ));
            return None;
        }
    };
    if !named && rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
        faults.push(format!(
            "{name}: doorbell.url: a password stands in this file: move the whole address into the environment and write `doorbell: {{ url: \"env:DOORBELL_URL\" }}`"
        ));
        return None;
    }
    if file.name.as_ref().is_some_and(|name| name.trim().is_empty() || name.len() > 200) {
        faults.push(format!("{name}: doorbell.name: write a name of up to 200 characters, or leave it out"));
        return None;
    }
    Some(DoorbellDeployment { kind, url, name: file.name, ca_file: file.ca_file.map(|file| folder.join(file)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerFile {
    listen: String,
    token: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailFile {
    server: String,
    port: Option<u16>,
    #[serde(default)]
    tls: MailTls,
    user: Option<String>,
    password: Option<String>,
    from: String,
    ca_file: Option<std::path::PathBuf>,
}

pub(crate) fn server(
    file: ServerFile,
    folder: &Path,
    name: &str,
    faults: &mut Vec<String>,
) -> Option<ServerDeployment> {
    let token = match file.token.map(|token| resolve_secret(&token, folder)) {
        Some(Ok(token)) => Some(token),
        Some(Err(fault)) => {
            faults.push(format!("{name}: server.token: {fault}"));
            return None;
        }
        None => None,
    };
    let Ok(listen) = file.listen.parse::<SocketAddr>() else {
        faults.push(format!("{name}: server.listen: write an address with its port, for example \"127.0.0.1:8080\""));
        return None;
    };
    if !listen.ip().is_loopback() && token.is_none() {
        faults.push(format!(
            "{name}: server.listen: other machines can reach {listen}: add `token: \"env:CONSOLE_TOKEN\"`, or listen on 127.0.0.1"
        ));
        return None;
    }
    let url = match file.url.as_deref().map(public) {
        Some(Ok(url)) => Some(url),
        Some(Err(fault)) => {
            faults.push(format!("{name}: server.url: {fault}"));
            return None;
        }
        None => None,
    };
    Some(ServerDeployment { listen, token, url })
}

/// The address by which systems reach the program, through whatever stands before it.
fn public(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let sound =
        rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', '@', ' ']));
    match sound {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err(
            "write the address by which systems reach this program, without query and credentials, for example \"https://hooks.example.com\""
                .to_owned(),
        ),
    }
}

pub(crate) fn mail(file: MailFile, folder: &Path, name: &str, faults: &mut Vec<String>) -> Option<MailDeployment> {
    let mut secret = |key: &str, value: Option<String>| match value.map(|value| resolve_secret(&value, folder)) {
        Some(Ok(secret)) => Some(secret),
        Some(Err(fault)) => {
            faults.push(format!("{name}: mail.{key}: {fault}"));
            None
        }
        None => None,
    };
    let (named, known) = (file.user.is_some(), file.password.is_some());
    let login = secret("user", file.user).zip(secret("password", file.password));
    if named != known {
        faults.push(format!("{name}: mail: `user` and `password` go together"));
    }
    Some(MailDeployment {
        host: file.server,
        port: file.port,
        tls: file.tls,
        login,
        from: file.from,
        ca_file: file.ca_file.map(|file| folder.join(file)),
    })
}

/// `{ all: 365 days, orders: 90 days }`.
pub(crate) fn retention(file: BTreeMap<String, String>, name: &str, faults: &mut Vec<String>) -> Retention {
    let mut retention = Retention::default();
    for (flow, text) in file {
        let days = text
            .strip_suffix(" days")
            .or_else(|| text.strip_suffix(" day"))
            .and_then(|days| days.trim().parse::<u64>().ok());
        let span = days.and_then(|days| days.checked_mul(24 * 3600)).map(Duration::from_secs);
        match span.filter(|span| *span >= KEPT_AT_LEAST) {
            Some(span) if flow == "all" => retention.others = Some(span),
            Some(span) => {
                retention.flows.insert(flow, span);
            }
            None => faults.push(format!(
                "{name}: retention.{flow}: write whole days, at least `1 day`, for example `90 days`: what a source may still repeat must be known"
            )),
        }
    }
    retention
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_others_reach_needs_a_token() {
        let mut faults = Vec::new();
        for (listen, faults_wanted) in [("127.0.0.1:0", 0), ("[::1]:80", 0), ("0.0.0.0:80", 1), ("localhost", 1)] {
            let file = ServerFile { listen: listen.to_owned(), token: None, url: None };
            server(file, Path::new("."), "d", &mut faults);
            assert_eq!(faults.len(), faults_wanted, "{listen}: {faults:?}");
            faults.clear();
        }
    }

    #[test]
    fn retention_is_told_in_days_and_not_too_short() {
        let mut faults = Vec::new();
        let file = [("all", "365 days"), ("orders", "1 day"), ("items", "0 days"), ("stock", "soon")];
        let file = file.into_iter().map(|(flow, text)| (flow.to_owned(), text.to_owned())).collect();
        let retention = retention(file, "d", &mut faults);
        assert_eq!(retention.of("orders"), Some(Duration::from_secs(86_400)));
        assert_eq!(retention.of("customers"), Some(Duration::from_secs(365 * 86_400)));
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert_eq!(Retention::default().of("orders"), None);
    }
}
