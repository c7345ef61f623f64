//! Hooks: the few things that a connector's manifest cannot say, as functions that an integration's `main.rs` gives.
//!
//! In: a request, an answer, a record or a body. Out: headers, a class, a body or a tree. A hook is a plain function: it
//! holds nothing, sends nothing and is given the time and a number that is used once. There is no hook that sends.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;

use crate::json::Json;

/// Signs a request: the headers to add to it, or why it cannot be signed.
pub type Sign = for<'r> fn(&Outgoing<'r>) -> Result<Vec<(String, String)>, String>;

/// Writes a request's tree as the body's text, or says why it cannot be written.
pub type Encode = for<'r> fn(&Json<'r>) -> Result<String, String>;

/// Reads a body's text as the tree that selectors read, or says what is wrong with it.
pub type Decode = for<'r> fn(&'r str) -> Result<Json<'static>, String>;

/// Judges an answer that is no success and that no rule knows; `None` = as plain HTTP says.
pub type Classify = for<'r> fn(&Answered<'r>) -> Option<AnswerClass>;

/// A hook under the name by which manifests call it.
#[derive(Clone, Copy, Debug)]
pub enum Hook {
    /// `hooks: { sign: NAME }`.
    Sign {
        /// Its name.
        name: &'static str,
        /// The function.
        sign: Sign,
    },
    /// `codec: { kind: hook, hook: NAME }`: a pair, each undoing the other.
    Codec {
        /// Its name.
        name: &'static str,
        /// The content type of the bodies that it writes.
        content_type: &'static str,
        /// The function that writes.
        encode: Encode,
        /// The function that reads.
        decode: Decode,
    },
    /// `hooks: { classify: NAME }`.
    Classify {
        /// Its name.
        name: &'static str,
        /// The function.
        classify: Classify,
    },
}

/// A request that is ready but for its signature. Has no `Debug`: it holds credentials.
#[derive(Clone, Copy)]
pub struct Outgoing<'r> {
    /// `GET`, `POST`, ...
    pub method: &'r str,
    /// The whole address, its query included.
    pub url: &'r str,
    /// The headers so far.
    pub headers: &'r [(&'r str, &'r str)],
    /// The body's text; empty = none.
    pub body: &'r str,
    /// Is the body a form?
    pub form: bool,
    /// The deployment's values, those that the manifest declares under `config`.
    pub config: &'r Json<'r>,
    /// The credentials, those that the manifest declares under `secrets`.
    pub secrets: &'r [(&'r str, &'r str)],
    /// 32 hex digits that no other request has.
    pub nonce: &'r str,
    /// Now.
    pub at: Timestamp,
}

impl<'r> Outgoing<'r> {
    /// A credential; `None` = the deployment does not give it.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&'r str> {
        self.secrets.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// An answer that is no success.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'r> {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, in the order of the answer.
    pub headers: &'r [(String, String)],
    /// The body's text.
    pub body: &'r str,
    /// Could the request have an effect?
    pub writes: bool,
}

/// The classes of answers, see the book's chapter on connectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerClass {
    /// Success.
    Done,
    /// No effect, may work later.
    Transient,
    /// Never for this payload.
    Permanent,
    /// No proof.
    Ambiguous,
    /// The connection's fault.
    Halt,
    /// Log in and repeat once.
    Login,
    /// Changed since read.
    Conflict,
    /// There already.
    Exists,
    /// The addressed record is not there.
    Missing,
    /// One that it refers to is not there.
    Dependency,
    /// Slow down.
    Throttled,
    /// Taken on, to be done later: see the operation's `job`.
    Pending,
}

/// What a hook answers; one that panics has answered nothing, which is told in words.
///
/// # Errors
/// It panicked.
pub fn guarded<T>(name: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| format!("the hook `{name}` broke down: a fault of this program"))
}
