//! Alerts over HTTP. In: one alert of the engine. Out: one POST of JSON that Slack and Teams show as a message and that
//! other receivers can read field by field. The address is a credential: it appears in no message.

use std::time::Duration;

use mapwright_engine::alert::{Alert, AlertChannel, AlertState};
use mapwright_engine::connector::{Class, Failure, Reply};
use mapwright_manifest::Method;
use secrecy::{ExposeSecret, SecretString};

use crate::answer::Answer;
use crate::http::{Body, Http, Prepared, Trouble};
use crate::settings::ConnectionSettings;

/// Longest time for one alert to be taken.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// An answer to an alert says nothing that is needed.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// A channel that posts alerts to an address.
pub struct WebhookAlert {
    channel: String,
    url: SecretString,
    http: Http,
}

impl std::fmt::Debug for WebhookAlert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookAlert").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// What is posted: `text` for people, the rest for programs.
#[derive(serde::Serialize)]
struct Message<'a> {
    text: String,
    id: i64,
    state: AlertState,
    subject: &'a str,
    cause: &'a str,
    message: &'a str,
    count: u64,
    first_at: String,
    last_at: String,
}

impl WebhookAlert {
    /// A channel of this name (as the deployment calls it) that posts to this address.
    ///
    /// # Errors
    /// The address is none, in words.
    pub fn new(channel: &str, url: SecretString) -> Result<Self, String> {
        let usable = reqwest::Url::parse(url.expose_secret())
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !usable {
            return Err(format!("alerts {channel}: the webhook is no http or https address"));
        }
        let http = Http::new(&ConnectionSettings::default(), REQUEST_TIMEOUT, BODY_BYTES_MAX)
            .map_err(|words| format!("alerts {channel}: {words}"))?;
        Ok(Self { channel: channel.to_owned(), url, http })
    }

    async fn post(&self, alert: &Alert) -> Result<(), Failure> {
        let body = serde_json::to_string(&message(alert))
            .map_err(|error| self.failure(Class::Permanent, None, &error.to_string()))?;
        let prepared = Prepared {
            method: Method::Post,
            url: self.url.expose_secret().to_owned(),
            headers: Vec::new(),
            body: Body::Json(body),
        };
        match self.http.send(&prepared, &[]).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(self.refused(&answer)),
            // An alert that is shown twice does no harm, one that is lost does: whatever is unproven is sent again.
            Err(
                Trouble::NotSent(reason)
                | Trouble::Unsigned(reason)
                | Trouble::Unanswered(reason)
                | Trouble::Truncated { reason, .. },
            ) => Err(self.failure(Class::Transient, None, &format!("cannot reach the webhook ({reason})"))),
            Err(Trouble::Untrusted(reason)) => Err(self.failure(
                Class::Halt,
                None,
                &format!("the certificate of the webhook's host is not trusted ({reason})"),
            )),
            Err(Trouble::ProxyCredentials) => {
                Err(self.failure(Class::Halt, None, "the proxy before the webhook asks for credentials"))
            }
            Err(Trouble::TooLarge { status, .. }) if (200..300).contains(&status) => Ok(()),
            Err(Trouble::TooLarge { status, .. }) => {
                Err(self.failure(Class::Transient, Some(status), &format!("the webhook answered {status}")))
            }
        }
    }

    fn refused(&self, answer: &Answer) -> Failure {
        let status = answer.status;
        let (class, words) = match status {
            408 | 425 | 429 | 500.. => (Class::Transient, format!("the webhook answered {status}")),
            _ => (Class::Halt, format!("the webhook refused the alert ({status}): is its address still valid?")),
        };
        let wait = answer.header("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        Failure { retry_after: wait, ..self.failure(class, Some(status), &words) }
    }

    fn failure(&self, class: Class, status: Option<u16>, words: &str) -> Failure {
        Failure {
            class,
            status,
            code: None,
            message: format!("alerts {}: {words}", self.channel),
            field: None,
            retry_after: None,
            existing: None,
        }
    }
}

fn message(alert: &Alert) -> Message<'_> {
    let state = match alert.state {
        AlertState::Open => "Attention",
        AlertState::Closed => "Over",
    };
    let times =
        if alert.count == 1 { String::new() } else { format!(" ({} times since {})", alert.count, alert.first_at) };
    // The engine says "over" in the message too, for channels that show nothing else.
    let said = alert.message.strip_prefix("over: ").unwrap_or(&alert.message);
    Message {
        text: format!("{state}: {}: {said}{times}", alert.subject),
        id: alert.id,
        state: alert.state,
        subject: &alert.subject,
        cause: &alert.cause,
        message: &alert.message,
        count: alert.count,
        first_at: alert.first_at.to_string(),
        last_at: alert.last_at.to_string(),
    }
}

impl AlertChannel for WebhookAlert {
    fn send<'a>(&'a self, alert: &'a Alert) -> Reply<'a, Result<(), Failure>> {
        Box::pin(self.post(alert))
    }
}
