//! How a system is entered and how hard it may be driven: log-in, limits, locks. Plain data; it judges nothing.

use std::time::Duration;

use super::{Method, Operation};
use crate::selector::Selector;
use crate::template::Template;

/// Authentication.
#[derive(Clone, Debug)]
pub enum Auth {
    /// No credentials.
    None,
    /// User name and password in each request.
    Basic {
        /// User name.
        user: Template,
        /// Password.
        password: Template,
    },
    /// A fixed token in each request.
    Token(Send),
    /// A log-in whose answer is kept for a while (`oauth2`, `session`).
    LogIn(Box<LogIn>),
}

/// What is added to each request.
#[derive(Clone, Debug, Default)]
pub struct Send {
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// Query values.
    pub query: Vec<(String, Template)>,
    /// Cookies, written by hand.
    pub cookies: Vec<(String, Template)>,
}

/// A log-in.
#[derive(Clone, Debug)]
pub struct LogIn {
    /// `oauth2`: a refused log-in speaks of client credentials.
    pub oauth2: bool,
    /// The request.
    pub operation: Operation,
    /// What to keep of the answer, by name.
    pub keep: Vec<(String, Vec<Selector>)>,
    /// For how long.
    pub lifetime: Option<Lifetime>,
    /// How long before the end a new one is fetched.
    pub early: Option<Duration>,
    /// What is added to each request.
    pub send: Send,
    /// Gives the session back.
    pub logout: Option<(Method, Template)>,
}

/// How long what a log-in gave may be used.
#[derive(Clone, Debug)]
pub enum Lifetime {
    /// Seconds from the log-in on, read from the answer.
    Seconds(Vec<Selector>),
    /// Minutes since the last use, read from the answer.
    IdleMinutesOf(Vec<Selector>),
    /// Minutes since the last use.
    IdleMinutes(u64),
    /// A fixed time from the log-in on.
    After(Duration),
}

/// Bounds of a connection.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests under way at once.
    pub parallel: usize,
    /// Longest one request may take.
    pub request_timeout: Duration,
    /// Largest answer, in bytes.
    pub body_bytes_max: usize,
}

/// Optimistic locking: what tells that a record has changed since it was read.
#[derive(Clone, Debug)]
pub enum Lock {
    /// None; `compare` names a field to compare by.
    None {
        /// Field.
        compare: Option<String>,
    },
    /// An entity tag.
    Etag {
        /// Where the tag is read.
        from: Vec<Selector>,
        /// The header that sends it.
        send: String,
        /// May be missing.
        optional: bool,
    },
    /// A version field.
    Field(String),
}
