//! The rehearsal's own alert inbox: a web address on this machine that keeps what it is sent.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

type Letters = Arc<Mutex<Vec<serde_json::Value>>>;

/// A running inbox.
pub(super) struct Inbox {
    url: String,
    letters: Letters,
    server: JoinHandle<()>,
}

impl Inbox {
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/alerts", listener.local_addr()?);
        let letters = Letters::default();
        let router = Router::new().route("/alerts", post(take)).with_state(Arc::clone(&letters));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the alert inbox ended");
            }
        });
        Ok(Self { url, letters, server })
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    /// The texts of the alerts that came in, in order.
    pub(super) fn texts(&self) -> Vec<String> {
        let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.iter().filter_map(|letter| letter.get("text")?.as_str().map(str::to_owned)).collect()
    }

    pub(super) fn stop(self) {
        self.server.abort();
    }
}

async fn take(State(letters): State<Letters>, body: axum::Json<serde_json::Value>) {
    letters.lock().unwrap_or_else(PoisonError::into_inner).push(body.0);
}
