//! Log-in, sessions that end after idle time, log-out.
//!
//! In: credentials, the `B1SESSION` cookie. Out: sessions, or the vendor's refusal. Never: a second way in.

use super::refusal::{JSON, Refusal};
use crate::server::{Answer, Call};
use crate::text::{cookie, mix};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Each session counts against the licence; beyond this number the log-in is refused.
const SESSIONS_MAX: usize = 100;

/// Who may log in, and for how long.
pub(super) struct Door<'a> {
    pub(super) company: &'a str,
    pub(super) user: &'a str,
    pub(super) password: &'a str,
    pub(super) idle: Duration,
    pub(super) version: &'a str,
    pub(super) context: String,
}

/// The sessions that are open, with the time of their last request.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    opened: u64,
    alive: BTreeMap<String, Instant>,
}

impl Sessions {
    /// `POST /Login`.
    pub(super) fn log_in(&mut self, call: &Call, door: &Door<'_>) -> Result<Answer, Refusal> {
        let body: Value =
            serde_json::from_slice(&call.body).map_err(|_| Refusal::malformed("The log-in is no JSON"))?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("CompanyDB") != door.company {
            return Err(Refusal::new(
                401,
                -304,
                format!("Fail to get DB Credentials from SLD for company '{}'", text("CompanyDB")),
            ));
        }
        if text("UserName") != door.user || text("Password") != door.password {
            return Err(Refusal::new(401, -304, "Error during SBO user authentication"));
        }
        self.alive.retain(|_, last| last.elapsed() < door.idle);
        if self.alive.len() >= SESSIONS_MAX {
            return Err(Refusal::new(401, 100_000_027, "The number of sessions exceeds the licence"));
        }
        self.opened += 1;
        let id = format!("{:08x}-0000-11f1-8000-{:012x}", self.opened, mix(self.opened) & 0xFFFF_FFFF_FFFF);
        self.alive.insert(id.clone(), Instant::now());
        let minutes = (door.idle.as_secs() / 60).max(1);
        let answer = json!({ "@odata.context": door.context, "SessionId": id, "Version": door.version, "SessionTimeout": minutes });
        let answer = Answer::new(200, JSON, answer.to_string()).with("odata-version", "4.0");
        // Without a path and with a trailing semicolon, as the vendor sends it.
        Ok(answer
            .with("set-cookie", format!("B1SESSION={id};HttpOnly;"))
            .with("set-cookie", "ROUTEID=.node1; path=/b1s"))
    }

    /// Whether the request's session is alive; if so its idle time starts anew.
    pub(super) fn check(&mut self, call: &Call, idle: Duration) -> Result<(), Refusal> {
        let id = session_of(call).ok_or_else(Refusal::session)?;
        let last = self.alive.get_mut(&id).ok_or_else(Refusal::session)?;
        if last.elapsed() >= idle {
            self.alive.remove(&id);
            return Err(Refusal::session());
        }
        *last = Instant::now();
        Ok(())
    }

    /// Ends the request's session.
    pub(super) fn forget(&mut self, call: &Call) {
        if let Some(id) = session_of(call) {
            self.alive.remove(&id);
        }
    }

    /// Ends every session.
    pub(super) fn forget_all(&mut self) {
        self.alive.clear();
    }

    /// How many sessions are open.
    pub(super) fn count(&self) -> usize {
        self.alive.len()
    }
}

fn session_of(call: &Call) -> Option<String> {
    call.headers
        .get_all("cookie")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(|header| cookie(header, "B1SESSION"))
}
