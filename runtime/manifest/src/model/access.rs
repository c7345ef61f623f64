//! How a system is entered and how hard it may be driven: log-in, limits, locks. Plain data; it judges nothing.

use std::time::Duration;

use super::{Method, Operation};
use crate::selector::Selector;
use crate::template::{Template, Tree};

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
        /// `over: https`: never over an address without encryption.
        https_only: bool,
    },
    /// A fixed token in each request.
    Token(Send),
    /// A log-in whose answer is kept for a while (`oauth2`, `session`), or a token that we sign ourselves (`jwt`).
    LogIn(Box<LogIn>),
}

/// A token that is signed here (RFC 7519). `iat` and `exp` are added to the claims.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// How it is signed.
    pub algorithm: JwtAlgorithm,
    /// Shared secret (`HS256`), or a private key as PEM (`RS256`).
    pub key: Template,
    /// What it claims.
    pub claims: Tree,
    /// How long it holds.
    pub life: Duration,
}

/// Signatures of a [`Jwt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// RSA (PKCS #1 v1.5) with SHA-256.
    Rs256,
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
    /// The request; `None` = a signed token is used as it is.
    pub operation: Option<Operation>,
    /// A token that we sign: `{session.jwt}` in the request and in what is sent.
    pub jwt: Option<Jwt>,
    /// Where kept values come from before the first log-in.
    pub first: Vec<(String, Template)>,
    /// Kept values that rotate: each new one is stored before anything that came with it is used.
    pub durable: Vec<String>,
    /// Sessions at once, at most.
    pub pool: usize,
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
    /// Requests in a time, at most.
    pub rate: Option<Rate>,
    /// A bucket that the system itself reports.
    pub cost: Option<Cost>,
}

/// `600 per 1 min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests.
    pub requests: u32,
    /// In this time.
    pub per: Duration,
}

/// A cost bucket, read from each answer.
#[derive(Clone, Debug)]
pub struct Cost {
    /// What the request cost.
    pub requested: Vec<Selector>,
    /// What is left.
    pub available: Vec<Selector>,
    /// What comes back in a second.
    pub restore_per_second: Vec<Selector>,
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
