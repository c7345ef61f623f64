//! A doorbell on Redis: one stream, one consumer group; rings of processes that died are claimed by others.
//!
//! In: rings. Out: the same for other processes. A server that has forgotten the stream or its group (it was emptied, or came
//! back without its last second) gets them anew.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamAutoClaimReply, StreamReadReply};
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, TlsCertificates};

use super::{Doorbell, DoorbellFault, Heard, Place};
use crate::backoff;
use crate::connector::Reply;

/// Rings that wait at most, about; the oldest go first.
const RINGS_MAX: u32 = 1_000;
/// How long the server waits for a ring before it is asked anew.
const BLOCK: Duration = Duration::from_secs(5);
/// Longest that connecting or an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The one consumer group.
const GROUP: &str = "workers";
/// A listener that was not there for so long, and owes nothing, is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);

/// A doorbell on Redis.
pub struct RedisDoorbell {
    client: Client,
    host: String,
    name: String,
    /// This process's name in the group.
    consumer: String,
    idle: Duration,
    publisher: tokio::sync::Mutex<Option<MultiplexedConnection>>,
    listener: tokio::sync::Mutex<Option<MultiplexedConnection>>,
}

impl std::fmt::Debug for RedisDoorbell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RedisDoorbell").field("name", &self.name).finish_non_exhaustive()
    }
}

impl RedisDoorbell {
    /// A doorbell at a place; nothing is connected yet.
    ///
    /// # Errors
    /// The address is not understood, or the certificate authority cannot be read.
    pub fn new(place: &Place) -> Result<Self, DoorbellFault> {
        // What stands there may be a password.
        let misread = |_: RedisError| {
            DoorbellFault::new("the doorbell's address is not understood: write `rediss://USER:PASSWORD@HOST:6379/0`")
        };
        // The driver takes the process's way to encrypt, which there is one of.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = match &place.ca_file {
            None => Client::open(place.url.as_str()).map_err(misread)?,
            Some(file) => {
                let root = std::fs::read(file).map_err(|error| {
                    DoorbellFault::new(format!("the certificate authority {} cannot be used: {error}", file.display()))
                })?;
                let trusted = TlsCertificates { client_tls: None, root_cert: Some(root) };
                Client::build_with_tls(place.url.as_str(), trusted).map_err(misread)?
            }
        };
        Ok(Self {
            host: client.get_connection_info().addr().to_string(),
            client,
            name: place.name.clone(),
            consumer: format!("{}-{:08x}{:08x}", std::process::id(), backoff::draw(), backoff::draw()),
            idle: place.idle,
            publisher: tokio::sync::Mutex::default(),
            listener: tokio::sync::Mutex::default(),
        })
    }

    fn failed(&self, doing: &str, error: &RedisError) -> DoorbellFault {
        DoorbellFault::new(format!(
            "Redis at {}, stream `{}`: {doing}: {error}; look whether the server runs and lets this user in",
            self.host, self.name
        ))
    }

    async fn connect(&self) -> Result<MultiplexedConnection, DoorbellFault> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(BLOCK.saturating_add(TIMEOUT)));
        let connected = self.client.get_multiplexed_async_connection_with_config(&config).await;
        connected.map_err(|error| self.failed("it cannot be reached", &error))
    }

    async fn add(&self, connection: &mut MultiplexedConnection, times: u32) -> Result<(), RedisError> {
        let mut rings = redis::pipe();
        for _ in 0..times {
            rings
                .cmd("XADD")
                .arg(&self.name)
                .arg("MAXLEN")
                .arg("~")
                .arg(RINGS_MAX)
                .arg("*")
                .arg("ring")
                .arg(1)
                .ignore();
        }
        rings.query_async(connection).await
    }

    /// Makes stream and group where they are not, and forgets listeners that have been away for long.
    async fn prepare(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let mut create = redis::cmd("XGROUP");
        create.arg("CREATE").arg(&self.name).arg(GROUP).arg("0").arg("MKSTREAM");
        if let Err(error) = create.query_async::<()>(connection).await
            && error.code() != Some("BUSYGROUP")
        {
            return Err(error);
        }
        let known: redis::streams::StreamInfoConsumersReply =
            redis::cmd("XINFO").arg("CONSUMERS").arg(&self.name).arg(GROUP).query_async(connection).await?;
        for consumer in known.consumers {
            if consumer.pending == 0 && consumer.idle as u128 > FORGOTTEN.as_millis() {
                redis::cmd("XGROUP")
                    .arg("DELCONSUMER")
                    .arg(&self.name)
                    .arg(GROUP)
                    .arg(consumer.name)
                    .query_async::<()>(connection)
                    .await?;
            }
        }
        Ok(())
    }

    /// One ring of a process that has not answered it for too long.
    async fn claim(&self, connection: &mut MultiplexedConnection) -> Result<Option<String>, RedisError> {
        let idle = u64::try_from(self.idle.as_millis()).unwrap_or(u64::MAX);
        let claimed: StreamAutoClaimReply = redis::cmd("XAUTOCLAIM")
            .arg(&self.name)
            .arg(GROUP)
            .arg(&self.consumer)
            .arg(idle)
            .arg("0-0")
            .arg("COUNT")
            .arg(1)
            .query_async(connection)
            .await?;
        Ok(claimed.claimed.into_iter().next().map(|entry| entry.id))
    }

    /// The next ring that nobody has heard; `None` = none came while the server waited.
    async fn read(&self, connection: &mut MultiplexedConnection) -> Result<Option<String>, RedisError> {
        let block = u64::try_from(BLOCK.as_millis()).unwrap_or(u64::MAX);
        let read: Option<StreamReadReply> = redis::cmd("XREADGROUP")
            .arg("GROUP")
            .arg(GROUP)
            .arg(&self.consumer)
            .arg("COUNT")
            .arg(1)
            .arg("BLOCK")
            .arg(block)
            .arg("STREAMS")
            .arg(&self.name)
            .arg(">")
            .query_async(connection)
            .await?;
        Ok(read.and_then(|read| read.keys.into_iter().flat_map(|key| key.ids).next()).map(|entry| entry.id))
    }

    async fn wait(&self, connection: &mut MultiplexedConnection) -> Result<Heard, RedisError> {
        loop {
            let next = match self.claim(connection).await {
                Ok(Some(claimed)) => Ok(Some(claimed)),
                Ok(None) => self.read(connection).await,
                Err(error) => Err(error),
            };
            match next {
                Ok(Some(receipt)) => return Ok(Heard { receipt }),
                Ok(None) => {}
                Err(error) if is_forgotten(&error) => self.prepare(connection).await?,
                Err(error) => return Err(error),
            }
        }
    }
}

/// The server was emptied, or its stream removed while it was waited at.
fn is_forgotten(error: &RedisError) -> bool {
    error.code() == Some("NOGROUP")
        || (error.kind() == ErrorKind::Server(redis::ServerErrorKind::ResponseError)
            && error.to_string().contains("no longer exists"))
        || error.code() == Some("UNBLOCKED")
}

impl Doorbell for RedisDoorbell {
    fn kind(&self) -> &'static str {
        "redis"
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn ring(&self, times: u32) -> Reply<'_, Result<(), DoorbellFault>> {
        Box::pin(async move {
            let mut held = self.publisher.lock().await;
            let mut connection = match held.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            self.add(&mut connection, times).await.map_err(|error| self.failed("it cannot be rung", &error))?;
            *held = Some(connection);
            Ok(())
        })
    }

    fn listen(&self) -> Reply<'_, Result<Heard, DoorbellFault>> {
        Box::pin(async move {
            let mut held = self.listener.lock().await;
            let mut connection = match held.take() {
                Some(connection) => connection,
                None => {
                    let mut connection = self.connect().await?;
                    let prepared = self.prepare(&mut connection).await;
                    prepared.map_err(|error| self.failed("its group cannot be made", &error))?;
                    connection
                }
            };
            let heard = self.wait(&mut connection).await;
            let heard = heard.map_err(|error| self.failed("it cannot be listened to", &error))?;
            *held = Some(connection);
            Ok(heard)
        })
    }

    fn answer(&self, heard: Heard) -> Reply<'_, Result<(), DoorbellFault>> {
        Box::pin(async move {
            let mut held = self.publisher.lock().await;
            let mut connection = match held.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let mut answer = redis::pipe();
            answer.cmd("XACK").arg(&self.name).arg(GROUP).arg(&heard.receipt).ignore();
            answer.cmd("XDEL").arg(&self.name).arg(&heard.receipt).ignore();
            let answered: Result<(), RedisError> = answer.query_async(&mut connection).await;
            answered.map_err(|error| self.failed("a ring cannot be answered", &error))?;
            *held = Some(connection);
            Ok(())
        })
    }
}
