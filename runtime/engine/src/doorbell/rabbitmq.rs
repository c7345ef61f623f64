//! A doorbell on RabbitMQ: one quorum queue, publisher confirms, manual acknowledgement, one ring at a time for each process.
//!
//! In: rings. Out: the same for other processes. A connection that is lost, or a queue that somebody has removed, fails the call;
//! the next one connects and declares anew.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_rs::Runtime;
use futures_core::Stream;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions};
use lapin::options::{ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Acker, BasicProperties, Channel, Connection, ConnectionProperties, Consumer};

use super::reactor::{self, Tls};
use super::{Doorbell, DoorbellFault, Heard, Place};
use crate::connector::Reply;

/// Rings that wait at most; the oldest goes first, for each wakes alike.
const RINGS_MAX: i32 = 1_000;
/// A server that says nothing for twice so long is gone.
const HEARTBEAT_S: u16 = 10;
/// Longest that connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A doorbell on RabbitMQ.
pub struct RabbitDoorbell {
    uri: AMQPUri,
    name: String,
    tls: Option<Tls>,
    publisher: tokio::sync::Mutex<Option<(Connection, Channel)>>,
    listener: tokio::sync::Mutex<Option<(Connection, Consumer)>>,
    unanswered: Mutex<HashMap<String, Acker>>,
}

impl std::fmt::Debug for RabbitDoorbell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RabbitDoorbell").field("name", &self.name).finish_non_exhaustive()
    }
}

impl RabbitDoorbell {
    /// A doorbell at a place; nothing is connected yet.
    ///
    /// # Errors
    /// The address is not understood, or encryption cannot be set up.
    pub fn new(place: &Place) -> Result<Self, DoorbellFault> {
        let mut uri: AMQPUri = place.url.parse().map_err(|_: String| {
            // What stands there may be a password.
            DoorbellFault::new(
                "the doorbell's address is not understood: write `amqps://USER:PASSWORD@HOST:5671/VHOST`",
            )
        })?;
        let tls = match uri.scheme {
            AMQPScheme::AMQP => None,
            AMQPScheme::AMQPS => {
                let tls = crate::tls::client(place.ca_file.as_deref())
                    .map_err(|fault| DoorbellFault::new(format!("the doorbell: {fault}")))?;
                Some((Arc::new(tls), uri.authority.host.clone()))
            }
        };
        // Encryption is the reactor's: the driver is built without any, and would leave `amqps` in the clear.
        uri.scheme = AMQPScheme::AMQP;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        Ok(Self {
            uri,
            name: place.name.clone(),
            tls,
            publisher: tokio::sync::Mutex::default(),
            listener: tokio::sync::Mutex::default(),
            unanswered: Mutex::default(),
        })
    }

    fn failed(&self, doing: &str, error: &lapin::Error) -> DoorbellFault {
        DoorbellFault::new(format!(
            "RabbitMQ at {}:{}, queue `{}`: {doing}: {error}; look whether the server runs and lets this user in",
            self.uri.authority.host, self.uri.authority.port, self.name
        ))
    }

    async fn connect(&self) -> Result<(Connection, Channel), DoorbellFault> {
        let properties = ConnectionProperties::default().with_connection_name("mapwright".into());
        let runtime = Runtime::new(reactor::kit(self.tls.clone()));
        let connecting = Connection::connect_uri_with_runtime(self.uri.clone(), properties, runtime);
        let connection = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(connected) => connected.map_err(|error| self.failed("it cannot be reached", &error))?,
            Err(_) => {
                return Err(DoorbellFault::new(format!(
                    "RabbitMQ at {}:{} did not answer in time",
                    self.uri.authority.host, self.uri.authority.port
                )));
            }
        };
        let channel =
            connection.create_channel().await.map_err(|error| self.failed("no channel can be had", &error))?;
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(RINGS_MAX));
        channel
            .queue_declare(
                self.name.as_str().into(),
                QueueDeclareOptions { durable: true, ..Default::default() },
                arguments,
            )
            .await
            .map_err(|error| self.failed("the queue cannot be declared", &error))?;
        Ok((connection, channel))
    }

    async fn publisher(&self) -> Result<(Connection, Channel), DoorbellFault> {
        let (connection, channel) = self.connect().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .map_err(|error| self.failed("it gives no confirms", &error))?;
        Ok((connection, channel))
    }

    async fn publish(&self, channel: &Channel, times: u32) -> Result<(), DoorbellFault> {
        let mut confirms = Vec::new();
        for _ in 0..times {
            // Mandatory: a queue that is gone sends the ring back.
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let properties = BasicProperties::default().with_delivery_mode(2);
            let confirm = channel
                .basic_publish("".into(), self.name.as_str().into(), options, b"ring", properties)
                .await
                .map_err(|error| self.failed("it cannot be rung", &error))?;
            confirms.push(confirm);
        }
        for confirm in confirms {
            let confirmed = confirm.await.map_err(|error| self.failed("a ring was not confirmed", &error))?;
            if !confirmed.is_ack() || confirmed.take_message().is_some() {
                return Err(DoorbellFault::new(format!(
                    "RabbitMQ does not keep a ring: is the queue `{}` gone?",
                    self.name
                )));
            }
        }
        Ok(())
    }

    async fn consumer(&self) -> Result<(Connection, Consumer), DoorbellFault> {
        let (connection, channel) = self.connect().await?;
        channel
            .basic_qos(1, BasicQosOptions::default())
            .await
            .map_err(|error| self.failed("rings cannot be had one at a time", &error))?;
        let consumer = channel
            .basic_consume(self.name.as_str().into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
            .await
            .map_err(|error| self.failed("it cannot be listened to", &error))?;
        Ok((connection, consumer))
    }
}

impl Doorbell for RabbitDoorbell {
    fn kind(&self) -> &'static str {
        "rabbitmq"
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn ring(&self, times: u32) -> Reply<'_, Result<(), DoorbellFault>> {
        Box::pin(async move {
            let mut held = self.publisher.lock().await;
            // A call that is given up on the way leaves nothing behind that the next one would take for sound.
            let (connection, channel) = match held.take() {
                Some((connection, channel)) if channel.status().connected() => (connection, channel),
                Some(_) | None => self.publisher().await?,
            };
            self.publish(&channel, times).await?;
            *held = Some((connection, channel));
            Ok(())
        })
    }

    fn listen(&self) -> Reply<'_, Result<Heard, DoorbellFault>> {
        Box::pin(async move {
            let mut held = self.listener.lock().await;
            let (connection, mut consumer) = match held.take() {
                Some(listener) => listener,
                None => self.consumer().await?,
            };
            let delivery = std::future::poll_fn(|context| Pin::new(&mut consumer).poll_next(context)).await;
            let delivery = match delivery {
                Some(Ok(delivery)) => delivery,
                Some(Err(error)) => return Err(self.failed("it can no longer be listened to", &error)),
                None => {
                    return Err(DoorbellFault::new(format!(
                        "RabbitMQ ended the listening: is the queue `{}` gone?",
                        self.name
                    )));
                }
            };
            let receipt = delivery.delivery_tag.to_string();
            if let Ok(mut unanswered) = self.unanswered.lock() {
                // There is one at a time; an older one went with its connection.
                unanswered.clear();
                unanswered.insert(receipt.clone(), delivery.acker);
            }
            *held = Some((connection, consumer));
            Ok(Heard { receipt })
        })
    }

    fn answer(&self, heard: Heard) -> Reply<'_, Result<(), DoorbellFault>> {
        Box::pin(async move {
            let acker = self.unanswered.lock().ok().and_then(|mut unanswered| unanswered.remove(&heard.receipt));
            let Some(acker) = acker else { return Ok(()) };
            // What cannot be acknowledged comes again: somebody wakes once more.
            let answered = acker.ack(BasicAckOptions::default()).await;
            answered.map(|_| ()).map_err(|error| self.failed("a ring cannot be answered", &error))
        })
    }
}
