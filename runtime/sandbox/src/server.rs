//! One simulated system behind one port: reads a request, asks for its fault, lets the system answer, writes the ledger.
//!
//! In: HTTP requests with bounded bodies. Out: the system's answer, or what the fault makes of it.
//! Never: knowledge of a vendor; that is behind [`Simulated`].

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::fault::{Fault, Faults};
use crate::ledger::{Ledger, WholeRequest};
use crate::wire::{Cut, CuttableListener, TornBody};

/// How long a graceful stop waits for requests under way.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// The page that a misconfigured proxy sends instead of JSON.
const HTML_PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>\n";

/// A request, read completely.
pub(crate) struct Call {
    /// Its number in the ledger.
    pub(crate) sequence: u64,
    pub(crate) method: String,
    /// The path without the system's base, still escaped.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// A header's text, empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// An answer before it reaches the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(Cow<'static, str>, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer with a body of this content type.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type".into(), content_type.to_owned())], body: body.into() }
    }

    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// The same answer with one more header.
    pub(crate) fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A vendor's system: what it answers, without faults and without a network.
pub(crate) trait Simulated: Send + Sync + 'static {
    /// The path every request starts with, for instance `/api`.
    fn base(&self) -> &str;
    /// Whether the path (without the base) is the log-in.
    fn is_login(&self, path: &str) -> bool;
    /// Carries the request out.
    fn answer(&self, call: &Call) -> Answer;
    /// What must happen before it is: a call to a subscriber, for instance. `Some` = the refusal that follows from it.
    fn before<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>> {
        let _ = call;
        Box::pin(async { None })
    }
    /// An error of the server in the vendor's shape.
    fn failure(&self, status: u16) -> Answer;
    /// Forgets the session or token that the request carries.
    fn expire_session_of(&self, call: &Call);
}

struct Host<S> {
    system: Arc<S>,
    faults: Faults,
    ledger: Ledger,
    limits: Limits,
}

/// Bounds of one simulated server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Larger request bodies are refused with 413.
    pub(crate) body_bytes_max: usize,
    /// How long a time-out fault holds the connection.
    pub(crate) hold: Duration,
}

/// Why a simulated endpoint could not start.
#[derive(Debug)]
pub struct StartError {
    system: String,
    address: SocketAddr,
    cause: io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system, address, cause } = self;
        write!(f, "the simulated {system} cannot listen on {address}: {cause}; free the port or choose port 0")
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// A running server. Clones share it.
#[derive(Clone)]
pub(crate) struct Running {
    address: SocketAddr,
    task: Arc<Mutex<Option<Task>>>,
}

/// The server's task and the signal that ends it.
struct Task {
    signal: oneshot::Sender<()>,
    handle: JoinHandle<()>,
}

impl Running {
    /// `http://127.0.0.1:port`, without a path.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops accepting, waits for requests under way (bounded), then ends. A second call does nothing.
    pub(crate) async fn stop(&self) {
        let taken = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Task { signal, mut handle }) = taken else { return };
        // The receiver is gone only when the server has ended by itself.
        let _ended = signal.send(());
        if tokio::time::timeout(STOP_WAIT, &mut handle).await.is_err() {
            handle.abort();
        }
    }
}

/// Binds a free (or the given) port on the loopback, so that the system can know its own address before it answers.
pub(crate) async fn bind(system: &str, port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    bind_at(system, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Binds the given address.
pub(crate) async fn bind_at(system: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |cause| StartError { system: system.to_owned(), address, cause };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Serves `system` on a bound listener until it is stopped.
pub(crate) fn serve<S: Simulated>(
    (listener, address): (TcpListener, SocketAddr),
    system: Arc<S>,
    faults: Faults,
    ledger: Ledger,
    limits: Limits,
) -> Running {
    let host = Arc::new(Host { system, faults, ledger, limits });
    let service = Router::new().fallback(handle::<S>).with_state(host).into_make_service_with_connect_info::<Cut>();
    let (signal, stopped) = oneshot::channel::<()>();
    let handle = tokio::spawn(async move {
        let shutdown = async move {
            // A dropped sender means the last handle is gone: that is a stop as well.
            let _stopped = stopped.await;
        };
        if let Err(error) = axum::serve(CuttableListener(listener), service).with_graceful_shutdown(shutdown).await {
            tracing::error!(%error, "a simulated endpoint ended");
        }
    });
    Running { address, task: Arc::new(Mutex::new(Some(Task { signal, handle }))) }
}

async fn handle<S: Simulated>(
    State(host): State<Arc<Host<S>>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or_else(|| parts.uri.path().to_owned(), ToString::to_string);
    let method = parts.method.as_str().to_owned();
    let Ok(body) = axum::body::to_bytes(body, host.limits.body_bytes_max).await else {
        let sequence = host.ledger.open(&method, &target, None);
        let refusal = host.system.failure(413);
        host.ledger.close(sequence, Some(refusal.status), Some(refusal.status));
        return respond(refusal);
    };
    let full_path = parts.uri.path();
    let path = full_path.strip_prefix(host.system.base()).unwrap_or(full_path).to_owned();
    let fault = host.faults.choose(&method, &path, host.system.is_login(&path));
    let sequence = host.ledger.open(&method, &target, fault);
    let known_base = full_path.starts_with(host.system.base());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let call = Call { sequence, method, path, query, headers: parts.headers, body };
    host.ledger.note_whole(|| WholeRequest {
        method: call.method.clone(),
        target: target.clone(),
        headers: call
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: String::from_utf8_lossy(&call.body).into_owned(),
    });
    if !known_base {
        let refusal = host.system.failure(404);
        host.ledger.close(sequence, Some(404), Some(404));
        return respond(refusal);
    }
    match fault {
        None => {
            let answer = match host.system.before(&call).await {
                Some(refusal) => refusal,
                None => host.system.answer(&call),
            };
            host.ledger.close(sequence, Some(answer.status), Some(answer.status));
            respond(answer)
        }
        Some(fault) => strike(&host, &cut, &call, fault).await,
    }
}

/// Lets a fault have its way with a request.
async fn strike<S: Simulated>(host: &Host<S>, cut: &Cut, call: &Call, fault: Fault) -> Response {
    let carried_out = if fault.commits() { Some(host.system.answer(call)) } else { None };
    let result = carried_out.as_ref().map(|answer| answer.status);
    let close = |sent| host.ledger.close(call.sequence, result, sent);
    match fault {
        Fault::Status { status, retry_after_s } => {
            let mut answer = host.system.failure(status);
            if let Some(seconds) = retry_after_s {
                answer = answer.with("retry-after", seconds.to_string());
            }
            close(Some(status));
            respond(answer)
        }
        Fault::StatusAfterEffect { status } => {
            close(Some(status));
            respond(host.system.failure(status))
        }
        Fault::TimeoutBeforeEffect | Fault::TimeoutAfterEffect => {
            // The ledger is written first: a client that gives up cancels this future.
            close(None);
            tokio::time::sleep(host.limits.hold).await;
            cut.close();
            respond(Answer::empty(504))
        }
        Fault::ResetBeforeEffect | Fault::ResetAfterEffect => {
            close(None);
            cut.reset();
            respond(Answer::empty(500))
        }
        Fault::TruncatedBody => {
            let answer = carried_out.unwrap_or_else(|| Answer::empty(204));
            if answer.body.len() < 2 {
                close(None);
                cut.close();
                return respond(answer);
            }
            close(Some(answer.status));
            respond_torn(answer)
        }
        Fault::HtmlPage => {
            close(Some(200));
            respond(Answer::new(200, "text/html; charset=utf-8", HTML_PAGE))
        }
        Fault::SessionExpired => {
            host.system.expire_session_of(call);
            let answer = host.system.answer(call);
            host.ledger.close(call.sequence, Some(answer.status), Some(answer.status));
            respond(answer)
        }
        Fault::Throttled { retry_after_s } => {
            close(Some(429));
            respond(host.system.failure(429).with("retry-after", retry_after_s.to_string()))
        }
    }
}

fn respond(answer: Answer) -> Response {
    let Answer { status, headers, body } = answer;
    head(status, headers, Body::from(body))
}

fn respond_torn(answer: Answer) -> Response {
    let Answer { status, mut headers, body } = answer;
    headers.push(("content-length".into(), body.len().to_string()));
    head(status, headers, Body::new(TornBody::of(&body)))
}

fn head(status: u16, headers: Vec<(Cow<'static, str>, String)>, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
