//! The web address of `run`: webhooks, health, metrics, and the operator's console.
//!
//! In: connections of strangers. Out: answers. Everything that a stranger may use up has a bound: connections, the time for
//! a request's head and body, the size of a body, bodies held at once. It decides nothing about records.

mod auth;
mod console;
mod hooks;
mod metrics;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use mapwright_connectors::Receiver;
use mapwright_engine::Engine;
use mapwright_engine::clock::{Clock, SystemClock};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 512;
/// Longest time for the head of a request, and for a connection that asks nothing.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time that requests under way are waited for at the end.
const STOP_WAIT: Duration = Duration::from_secs(10);

/// What the pages and the receiver share.
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) listening: HashMap<String, Listening>,
    pub(crate) guard: auth::Guard,
    /// Bodies of webhooks that are held at once.
    pub(crate) bodies: Semaphore,
}

/// A system whose webhooks are received, and what became of them.
pub(crate) struct Listening {
    pub(crate) receiver: Receiver,
    /// A call was believed since the start: our secret is the right one.
    pub(crate) believed: AtomicBool,
    pub(crate) counts: Counts,
    /// Its bodies that are held at once.
    pub(crate) bodies: Semaphore,
}

/// How calls of a system ended.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) kept: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) unlistened: AtomicU64,
    pub(crate) not_believed: AtomicU64,
    pub(crate) unreadable: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// Beyond the rate that the manifest allows.
    pub(crate) limited: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) handshakes: AtomicU64,
    /// Time from a call's body to its durable answer.
    pub(crate) micros: AtomicU64,
}

impl Counts {
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

/// A server that listens.
pub(crate) struct Server {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Server {
    /// Binds the address and serves.
    ///
    /// # Errors
    /// Why the address cannot be had.
    pub(crate) async fn start(
        address: SocketAddr,
        token: Option<SecretString>,
        engine: Arc<Engine>,
        receivers: HashMap<String, Receiver>,
    ) -> Result<Self, String> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("cannot listen on {address}: {error}; give `server.listen` another address"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let listen = |(alias, receiver): (String, Receiver)| {
            let bodies = Semaphore::new(hooks::BODIES_OF_ONE_MAX);
            (alias, Listening { receiver, believed: AtomicBool::new(false), counts: Counts::default(), bodies })
        };
        let shared = Arc::new(Shared {
            engine,
            listening: receivers.into_iter().map(listen).collect(),
            guard: auth::Guard::new(token),
            bodies: Semaphore::new(hooks::BODIES_MAX),
        });
        let stop = tokio::sync::watch::channel(false).0;
        let task = tokio::spawn(accept(listener, routes(shared), stop.subscribe()));
        Ok(Self { address, task, stop })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new call, ends those under way, and returns when they are.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(STOP_WAIT, self.task).await.is_err() {
            tracing::warn!("requests under way did not end in time");
        }
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/hooks/{system}", post(hooks::receive))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics::show))
        .merge(console::routes())
        .with_state(shared)
}

/// Accepts until it is told to stop. A head that comes too slowly ends its connection.
async fn accept(listener: TcpListener, routes: Router, mut stop: tokio::sync::watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Mostly too many open files: others end, then there is room.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = told_to_stop(&mut stop) => break,
        };
        let service = TowerToHyperService::new(routes.clone());
        let mut stop = stop.clone();
        connections.spawn(async move {
            let _place = place;
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(64 * 1024);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = told_to_stop(&mut stop) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke off");
            }
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Returns when the server is told to stop.
async fn told_to_stop(stop: &mut tokio::sync::watch::Receiver<bool>) {
    // Whoever tells it is gone: that is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The process lives.
async fn health() -> &'static str {
    "alive\n"
}

/// The store answers, so that webhooks can be kept and flows can work.
async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    match shared.engine.store().next_due(false).await {
        Ok(_) => match shared.engine.doorbell().down_since {
            None => "ready\n".into_response(),
            // It does its work all the same, so it is ready; only a few seconds later.
            Some(_) => "ready; the doorbell does not work: the store is looked into every 5 seconds\n".into_response(),
        },
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer: the log says why\n").into_response()
        }
    }
}

/// Plain text that no browser takes for something else.
pub(crate) fn plain(status: StatusCode, text: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, headers, text).into_response()
}

pub(crate) fn now() -> jiff::Timestamp {
    SystemClock.now()
}
