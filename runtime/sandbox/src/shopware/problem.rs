//! Refusals in Shopware's own shape: `{"errors":[{code,status,title,detail,...}]}`.
//!
//! In: what is wrong. Out: an [`Answer`]. Never: a decision that something is wrong.

use crate::server::Answer;
use serde_json::{Value, json};

/// The content type of plain JSON answers.
pub(super) const JSON: &str = "application/json";

/// A refusal with status, vendor code and detail.
#[derive(Debug)]
pub(super) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: u16,
    code: String,
    title: String,
    detail: String,
    pointer: Option<String>,
    parameters: Value,
}

impl Problem {
    /// A refusal; the title is the status's usual name.
    pub(super) fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        let (code, title) = (code.to_owned(), title_of(status).to_owned());
        Self(Box::new(Parts { status, code, title, detail: detail.into(), pointer: None, parameters: json!([]) }))
    }

    /// What the sandbox knows to exist in the vendor's system, but does not play.
    pub(super) fn not_simulated(what: impl std::fmt::Display) -> Self {
        Self::new(501, "SANDBOX__NOT_SIMULATED", format!("The simulated shop does not play {what}."))
    }

    pub(super) fn titled(mut self, title: &str) -> Self {
        self.0.title = title.to_owned();
        self
    }

    /// Names the field, as in `/customFields`.
    pub(super) fn at(mut self, pointer: impl Into<String>) -> Self {
        self.0.pointer = Some(pointer.into());
        self
    }

    pub(super) fn with_parameters(mut self, parameters: Value) -> Self {
        self.0.parameters = parameters;
        self
    }

    /// The answer as it goes over the wire.
    pub(super) fn into_answer(self) -> Answer {
        let Parts { status, code, title, detail, pointer, parameters } = *self.0;
        let mut error = json!({ "code": code, "status": status.to_string(), "title": title, "detail": detail });
        // Shopware's log-in errors carry no `meta`.
        if status != 401
            && let Some(fields) = error.as_object_mut()
        {
            fields.insert("meta".to_owned(), json!({ "parameters": parameters }));
        }
        if let (Some(pointer), Some(fields)) = (pointer, error.as_object_mut()) {
            fields.insert("source".to_owned(), json!({ "pointer": pointer }));
        }
        Answer::new(status, JSON, json!({ "errors": [error] }).to_string())
    }
}

fn title_of(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    }
}
