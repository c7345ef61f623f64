//! The receiver of webhooks: verified over the raw body, durable before it is answered.
//!
//! INVARIANT: a 2xx says that the notices are committed. Our own faults are answered 5xx, never 401, 404 or 410, for which
//! systems end subscriptions. What it refuses it says in a word, without a secret.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mapwright_connectors::{Incoming, Received};

use super::{Counts, Listening, Shared, now, plain};

/// Bodies that are held at once: with the largest body that a manifest allows the bound of what calls of strangers take in memory.
pub(super) const BODIES_MAX: usize = 64;
/// Of these, bodies of one system: whoever sends slowly in its name holds up no other.
pub(super) const BODIES_OF_ONE_MAX: usize = 32;
/// Longest time for a body to come in.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest that a call waits for one of the places for bodies; then its sender is asked to come again.
const PLACE_WAIT: Duration = Duration::from_secs(5);
/// Longest wait for the store: senders give up after 5 to 20 seconds.
const STORE_TIMEOUT: Duration = Duration::from_secs(4);

pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    Path(system): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(listening) = shared.listening.get(&system) else {
        // A slip in our deployment, perhaps: an answer that ends no subscription.
        tracing::warn!(system = %system.chars().take(60).collect::<String>(), "a webhook of a system that none is received of");
        return plain(StatusCode::SERVICE_UNAVAILABLE, "no webhooks are received here\n".to_owned());
    };
    if let Err(wait) = listening.receiver.admit() {
        Counts::add(&listening.counts.limited, 1);
        return too_many(listening, wait);
    }
    let place = async { (listening.bodies.acquire().await, shared.bodies.acquire().await) };
    let Ok((Ok(_own), Ok(_place))) = tokio::time::timeout(PLACE_WAIT, place).await else {
        Counts::add(&listening.counts.refused, 1);
        return again_later("too many calls at once\n");
    };
    let largest = listening.receiver.largest_body();
    let raw = match tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, largest)).await {
        Ok(Ok(raw)) => raw,
        Ok(Err(_)) => {
            Counts::add(&listening.counts.refused, 1);
            let words = format!("the body is larger than {largest} bytes or broke off\n");
            return answer(listening, StatusCode::PAYLOAD_TOO_LARGE, &words);
        }
        Err(_) => {
            Counts::add(&listening.counts.refused, 1);
            return answer(listening, StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n");
        }
    };
    let began = Instant::now();
    let named: Vec<(String, String)> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let incoming = Incoming { headers: &named, query: query.as_deref(), body: &raw };
    let response = match listening.receiver.receive(&incoming, now()) {
        Received::Handshake { status, text } => {
            Counts::add(&listening.counts.handshakes, 1);
            plain(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), text)
        }
        Received::NotBelieved(reason) => not_believed(listening, &system, &reason),
        Received::Unreadable(reason) => {
            Counts::add(&listening.counts.unreadable, 1);
            tracing::warn!(system, %reason, "a webhook cannot be read; what it told of is found by the next reading");
            answer(listening, StatusCode::BAD_REQUEST, "the call cannot be read\n")
        }
        Received::Told(told) => {
            listening.believed.store(true, Ordering::Relaxed);
            keep(&shared, listening, &system, &told).await
        }
    };
    Counts::add(&listening.counts.micros, u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
    response
}

async fn keep(shared: &Shared, listening: &Listening, system: &str, told: &[mapwright_engine::Told]) -> Response {
    let noticed = match tokio::time::timeout(STORE_TIMEOUT, shared.engine.notice(told)).await {
        Ok(Ok(noticed)) => noticed,
        Ok(Err(error)) => {
            Counts::add(&listening.counts.failed, 1);
            tracing::error!(system, %error, "a webhook could not be kept; its sender is asked to send it again");
            return again_later("the call could not be kept\n");
        }
        Err(_) => {
            Counts::add(&listening.counts.failed, 1);
            tracing::error!(system, "the store did not take a webhook in time; its sender is asked to send it again");
            return again_later("the call could not be kept in time\n");
        }
    };
    for (noticed, told) in noticed.iter().zip(told) {
        let counter = match (noticed.repeated, noticed.kept) {
            (true, _) => &listening.counts.repeated,
            (false, 0) => &listening.counts.unlistened,
            (false, _) => &listening.counts.kept,
        };
        Counts::add(counter, 1);
        tracing::info!(system, topic = %told.topic, repeated = noticed.repeated, flows = noticed.kept, "a webhook is kept");
    }
    StatusCode::from_u16(listening.receiver.accepted()).unwrap_or(StatusCode::OK).into_response()
}

/// Until one call was believed, the fault may be ours: a wrong secret must not end the subscription.
fn not_believed(listening: &Listening, system: &str, reason: &str) -> Response {
    Counts::add(&listening.counts.not_believed, 1);
    match listening.believed.load(Ordering::Relaxed) {
        true => {
            tracing::warn!(system, reason, "a webhook is not believed");
            answer(listening, StatusCode::UNAUTHORIZED, "the call is not believed\n")
        }
        false => {
            tracing::error!(
                system,
                reason,
                "a webhook is not believed, and none was since the start: is the secret that of the system?"
            );
            again_later("the call is not believed yet\n")
        }
    }
}

/// An answer that the system can stand; otherwise one that only asks to come again.
fn answer(listening: &Listening, status: StatusCode, words: &str) -> Response {
    match listening.receiver.may_answer(status.as_u16()) {
        true => plain(status, words.to_owned()),
        false => again_later(words),
    }
}

/// More calls than the manifest allows: the poll finds what they told, and the sender may come again.
fn too_many(listening: &Listening, wait: Duration) -> Response {
    let mut response = answer(listening, StatusCode::TOO_MANY_REQUESTS, "too many calls in a short time\n");
    let seconds = wait.as_secs().saturating_add(1);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    response
}

fn again_later(words: &str) -> Response {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, words.to_owned());
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("30"));
    response
}
