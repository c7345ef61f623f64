//! The shop's token endpoint and the check of every other request.
//!
//! In: client credentials, bearer tokens. Out: tokens with a life, or the vendor's refusal. Never: a token in a log.

use super::problem::{JSON, Problem};
use crate::server::{Answer, Call};
use crate::text::mix;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Older tokens are dropped beyond this number.
const TOKENS_KEPT_MAX: usize = 1_000;

const DENIED: &str = "The resource owner or authorization server denied the request.";

/// The tokens that were handed out.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    issued: u64,
    alive: BTreeMap<u64, (String, Instant)>,
}

impl Tokens {
    /// `POST /api/oauth/token`.
    pub(super) fn issue(&mut self, call: &Call, client: (&str, &str), life: Duration) -> Result<Answer, Problem> {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        if text("grant_type") != Some("client_credentials") {
            let title = "The authorization grant type is not supported by the authorization server.";
            return Err(Problem::new(400, "2", "Check that all required parameters have been provided").titled(title));
        }
        let (Some(id), Some(secret)) = (text("client_id"), text("client_secret")) else {
            let title = "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed.";
            return Err(Problem::new(400, "3", "Check the `client_id` and `client_secret` parameters").titled(title));
        };
        if (id, secret) != client {
            return Err(Problem::new(401, "4", "Client authentication failed").titled("Client authentication failed"));
        }
        self.issued += 1;
        let token =
            format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.{:016x}.{:016x}", mix(self.issued), mix(!self.issued));
        self.alive.insert(self.issued, (token.clone(), Instant::now() + life));
        if self.alive.len() > TOKENS_KEPT_MAX {
            self.alive.pop_first();
        }
        let answer = json!({ "token_type": "Bearer", "expires_in": life.as_secs(), "access_token": token });
        Ok(Answer::new(200, JSON, answer.to_string()))
    }

    /// Whether the request carries a token that is still alive.
    pub(super) fn check(&self, call: &Call) -> Result<(), Problem> {
        let Some(token) = bearer(call) else {
            return Err(Problem::new(401, "9", "Missing \"Authorization\" header").titled(DENIED));
        };
        let alive = self.alive.values().any(|(known, until)| known == token && *until > Instant::now());
        if alive { Ok(()) } else { Err(Problem::new(401, "9", "Access token could not be verified").titled(DENIED)) }
    }

    /// Forgets the token of this request.
    pub(super) fn forget(&mut self, call: &Call) {
        if let Some(token) = bearer(call) {
            self.alive.retain(|_, (known, _)| known != token);
        }
    }

    /// Forgets every token.
    pub(super) fn forget_all(&mut self) {
        self.alive.clear();
    }
}

fn bearer(call: &Call) -> Option<&str> {
    call.header("authorization").strip_prefix("Bearer ").filter(|token| !token.is_empty())
}
