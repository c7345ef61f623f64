//! Refusals in the Service Layer's own shapes.
//!
//! In: what is wrong. Out: an [`Answer`]. Never: a decision that something is wrong.
//!
//! OData v4 errors carry the code as text and a plain message; session and look-up errors come in the older shape, with a number
//! and a message in a language. A client must read both.

use crate::server::Answer;
use serde_json::json;

/// The content type of the Service Layer's answers.
pub(super) const JSON: &str = "application/json;odata.metadata=minimal;charset=utf-8";

/// A refusal.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    code: i64,
    message: String,
    older_shape: bool,
}

impl Refusal {
    pub(super) fn new(status: u16, code: i64, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), older_shape: false }
    }

    /// A business rule is broken; `message` names the field in brackets.
    pub(super) fn rule(message: impl Into<String>) -> Self {
        Self::new(400, -5002, message)
    }

    /// A rule broken by a field: `text  [ORDR.CardCode] , 'C99999'`.
    pub(super) fn field(text: &str, bracket: &str, value: &str) -> Self {
        Self::rule(format!("{text}  [{bracket}] , '{value}'"))
    }

    /// A rule broken by a line, which is counted from 1.
    pub(super) fn line(text: &str, bracket: &str, index: usize, value: &str) -> Self {
        Self::rule(format!("{text}  [{bracket}][line: {}] , '{value}'", index + 1))
    }

    /// The request does not fit the service's metadata.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(400, -1000, message)
    }

    pub(super) fn unknown_property(property: &str, entity: &str) -> Self {
        Self::malformed(format!("Property '{property}' of '{entity}' is invalid"))
    }

    /// 401 with code 301: the session is unknown or was idle for too long.
    pub(super) fn session() -> Self {
        Self {
            status: 401,
            code: 301,
            message: "Invalid session or session already timeout.".to_owned(),
            older_shape: true,
        }
    }

    /// 404 with code -2028.
    pub(super) fn no_record() -> Self {
        Self {
            status: 404,
            code: -2028,
            message: "No matching records found (ODBC -2028)".to_owned(),
            older_shape: true,
        }
    }

    /// 412 with code -2039: the ETag is not the present one.
    pub(super) fn changed_meanwhile() -> Self {
        let text = "Another user or another operation modified data; to continue, open the window again (ODBC -2039)";
        Self::new(412, -2039, text)
    }

    /// What the sandbox knows to exist in the vendor's system, but does not play.
    pub(super) fn not_simulated(what: impl std::fmt::Display) -> Self {
        Self::new(501, -1, format!("The simulated Service Layer does not play {what}."))
    }

    /// The answer as it goes over the wire.
    pub(super) fn into_answer(self) -> Answer {
        let body = if self.older_shape {
            json!({ "error": { "code": self.code, "message": { "lang": "en-us", "value": self.message } } })
        } else {
            let details = json!([{ "code": "", "message": "" }]);
            json!({ "error": { "code": self.code.to_string(), "message": self.message, "details": details } })
        };
        Answer::new(self.status, JSON, body.to_string()).with("odata-version", "4.0")
    }
}
