//! Calls to subscribers. In: calls that were made up. Out: they are sent one after the other, repeated as systems repeat them, and
//! a subscription whose subscriber answers wrongly is ended. Never: what a call says.

use std::sync::Weak;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, Request, Uri, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::system::System;

/// Calls that wait to be sent; further ones are lost, as a system loses them.
const WAITING_MAX: usize = 10_000;
/// How often a call is sent, and the pause between.
const TRIES_MAX: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// Longest time for an answer: systems give up after 5 to 20 seconds.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// The subscription that it is of, by its number.
    pub(crate) subscription: u64,
    pub(crate) address: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Where calls are put.
pub(crate) type Outbox = mpsc::Sender<Outgoing>;

pub(crate) fn outbox() -> (Outbox, mpsc::Receiver<Outgoing>) {
    mpsc::channel(WAITING_MAX)
}

/// Sends calls until the system is gone.
pub(crate) async fn deliver(mut calls: mpsc::Receiver<Outgoing>, system: Weak<System>) {
    while let Some(call) = calls.recv().await {
        let Some(never) = system.upgrade().map(|system| system.ending_answers()) else { return };
        let mut ended = true;
        for _ in 0..TRIES_MAX {
            match post(&call.address, &call.headers, call.body.clone()).await {
                Ok((status, _)) if (200..300).contains(&status) => {
                    ended = false;
                    break;
                }
                Ok((status, _)) => {
                    tracing::info!(address = %call.address, status, "a subscriber refuses a call");
                    if never.contains(&status) {
                        break;
                    }
                }
                Err(words) => tracing::info!(address = %call.address, %words, "a subscriber cannot be reached"),
            }
            tokio::time::sleep(PAUSE).await;
        }
        if let (true, Some(system)) = (ended, system.upgrade()) {
            system.state().subscriptions.retain(|one| one.number != call.subscription);
        }
    }
}

/// Sends one call; answers status and body.
///
/// # Errors
/// Why there is no answer, in words.
pub(crate) async fn post(address: &str, headers: &[(String, String)], body: String) -> Result<(u16, String), String> {
    match tokio::time::timeout(TIMEOUT, sent(address, headers, body)).await {
        Ok(answer) => answer,
        Err(_) => Err("no answer in time".to_owned()),
    }
}

async fn sent(address: &str, headers: &[(String, String)], body: String) -> Result<(u16, String), String> {
    let uri: Uri = address.parse().map_err(|_| format!("{address} is no address"))?;
    let (Some("http"), Some(host)) = (uri.scheme_str(), uri.authority()) else {
        return Err(format!("{address}: a sandbox calls http addresses only"));
    };
    let port = host.port_u16().unwrap_or(80);
    let words = |error: &dyn std::fmt::Display| format!("{host}: {error}");
    let stream = TcpStream::connect((host.host(), port)).await.map_err(|error| words(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| words(&error))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection to a subscriber broke off");
        }
    });
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut request = Request::post(target).header(header::HOST, host.as_str());
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).map_err(|error| words(&error))?;
        request = request.header(name.as_str(), value);
    }
    let request = request.body(Body::from(Bytes::from(body))).map_err(|error| words(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| words(&error))?;
    let status = answer.status().as_u16();
    let body = to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await.map_err(|error| words(&error))?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
