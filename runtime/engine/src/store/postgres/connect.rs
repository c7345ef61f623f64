//! Where the server is and how a session begins.
//!
//! In: the URL of the deployment. Out: sessions with our settings. A password is in no message.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::StoreError;
use super::super::sql::SqlError;
use super::super::sql::postgres::{Session, failed};
use crate::tls;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What each session asks of the server. A frozen process must not keep others waiting for its locks: its transaction is
/// ended for it. Every statement is short: to compile one (`jit`) takes hundreds of times as long as to run it, and the server
/// would, for it takes the search for work, which walks the lanes one by one, for an expensive one.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '15s'; SET lock_timeout = '30s';
    SET statement_timeout = '120s'; SET client_min_messages = warning; SET jit = off; SET TimeZone = 'UTC'";

/// What a session asks besides that works and makes no reports. Each of its statements leads to a few rows by an index, whatever
/// the tables hold: it is planned once, and not as if they stayed as small as they were then.
const BY_INDEX: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;
    SET enable_mergejoin = off";

/// Commits are on the disk before they are told, whatever the server's own default is.
const SYNCHRONOUS: &str = "SET synchronous_commit = on";
const NOT_SYNCHRONOUS: &str = "SET synchronous_commit = off";

/// A server, a database, and how to speak to it.
pub(super) struct Address {
    synchronous: bool,
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Address").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

impl Address {
    /// Understands the URL.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (url, root) = without_root(url);
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            // The parser's words name the part at fault; what stands there may be a password.
            let part = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            let part = part.split('`').next().unwrap_or_default().trim_end().to_owned();
            StoreError::new(format!(
                "the store's address is not understood ({part}): write `postgres://USER:PASSWORD@HOST:5432/DATABASE`"
            ))
        })?;
        if config.get_dbname().is_none() {
            return Err(StoreError::new(
                "the store's address names no database: write `postgres://USER:PASSWORD@HOST:5432/DATABASE`",
            ));
        }
        config.application_name("mapwright").connect_timeout(CONNECT_TIMEOUT).keepalives_idle(Duration::from_secs(30));
        let asked = url.contains("sslmode=");
        let near = config.get_hosts().iter().all(is_near);
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            SslMode::Prefer if near && !asked => {
                config.ssl_mode(SslMode::Disable);
                None
            }
            _ => {
                config.ssl_mode(SslMode::Require);
                let tls = tls::client(root.as_deref().map(Path::new)).map_err(|fault| {
                    StoreError::new(format!(
                        "the store's connection: {fault}; a private authority is named with `sslrootcert=FILE`"
                    ))
                })?;
                Some(MakeRustlsConnect::new(tls))
            }
        };
        Ok(Self { synchronous: true, config, tls })
    }

    /// With commits that are told before they are on the disk, to measure what waiting for it costs.
    pub(super) fn synchronous(self, synchronous: bool) -> Self {
        Self { synchronous, ..self }
    }

    /// Begins a session; `works`: it makes no reports.
    pub(super) fn connect(&self, works: bool) -> Result<Session, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::new(format!("the store's connection cannot be made: {error}")))?;
        let client = runtime.block_on(async {
            match &self.tls {
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    drive(connection);
                    Ok(client)
                }
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    drive(connection);
                    Ok::<Client, tokio_postgres::Error>(client)
                }
            }
        });
        let client = client.map_err(|error| failed(&error))?;
        let synchronous = if self.synchronous { SYNCHRONOUS } else { NOT_SYNCHRONOUS };
        for settings in [SETTINGS, synchronous].into_iter().chain(works.then_some(BY_INDEX)) {
            runtime.block_on(client.batch_execute(settings)).map_err(|error| failed(&error))?;
        }
        Session::new(runtime, client).map_err(|error: SqlError| error.into())
    }
}

fn drive<S, T>(connection: Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a session of the store has ended");
        }
    });
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

/// `sslrootcert=FILE` is ours to read: the driver does not know it.
fn without_root(url: &str) -> (String, Option<String>) {
    let Some((address, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut root = None;
    let mut kept = Vec::new();
    for part in query.split('&') {
        match part.strip_prefix("sslrootcert=") {
            Some(file) => root = Some(file.to_owned()),
            // Every certificate is checked: to the driver these are one.
            None if matches!(part, "sslmode=verify-full" | "sslmode=verify-ca") => kept.push("sslmode=require"),
            None => kept.push(part),
        }
    }
    match kept.is_empty() {
        true => (address.to_owned(), root),
        false => (format!("{address}?{}", kept.join("&")), root),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_not_understood_shows_no_password() {
        for url in
            ["postgres://u:hunter2@h:port/db", "postgres://u:hunter2@h", "postgres://u:hunter2@h/db?nonsense=hunter2"]
        {
            let said = Address::parse(url).unwrap_err().message;
            assert!(said.contains("postgres://USER") && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        let encrypted = |url: &str| Address::parse(url).unwrap().tls.is_some();
        assert!(!encrypted("postgres://u@127.0.0.1/db") && !encrypted("postgres://u@localhost/db"));
        assert!(!encrypted("postgres://u@db.example/db?sslmode=disable"));
        assert!(without_root("postgres://h/db?sslmode=verify-full&sslrootcert=/ca.pem").1.is_some());
    }
}
