//! Requests, and what they answer. Plain data; it judges nothing.

use std::time::Duration;

use super::Unbuilt;
use crate::condition::Condition;
use crate::fault::At;
use crate::selector::Selector;
use crate::template::{Template, Tree};

/// An operation's verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Many by condition.
    List,
    /// As `list`, where look-ups have a door of their own.
    Find,
    /// One by key.
    Get,
    /// Make.
    Create,
    /// Change.
    Update,
    /// Make or change.
    Upsert,
    /// Remove.
    Delete,
    /// Several at once.
    Batch,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::List, Self::Find, Self::Get, Self::Create, Self::Update, Self::Upsert, Self::Delete, Self::Batch];

    /// As the manifest writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Find => "find",
            Self::Get => "get",
            Self::Create => "create",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::Batch => "batch",
        }
    }

    /// The verb of that word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }
}

/// HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Method {
    /// As it stands in a request.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What a second sending does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The same state again.
    Safe,
    /// Refused, or answered with the first.
    Keyed,
    /// A second record.
    Unsafe,
}

/// One request and how its answer is read.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Where it stands.
    pub at: At,
    /// Method.
    pub method: Method,
    /// Path after the base, with its query if it has one.
    pub path: Template,
    /// Named trees.
    pub lets: Vec<(String, Tree)>,
    /// Query values.
    pub query: Vec<(String, Template)>,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// JSON body.
    pub body: Option<Tree>,
    /// Form body.
    pub form: Vec<(String, Template)>,
    /// Where a list's records are.
    pub records: Vec<Selector>,
    /// Where the one record is.
    pub record: Vec<Selector>,
    /// Where a create's key is, if not in the record.
    pub key: Vec<Selector>,
    /// The answer holds nothing.
    pub returns_nothing: bool,
    /// What an answer must be to be a success; empty = status 2xx.
    pub success: Vec<Condition>,
    /// What tells that a delete's target had already gone.
    pub gone: Vec<Condition>,
    /// What a second sending does.
    pub repeat: Option<Repeat>,
    /// The unique field of a keyed create, where it is not the catalogue's key.
    pub keyed_by: Option<String>,
    /// Own settle time.
    pub settle: Option<Duration>,
    /// What it says that is not built yet: using the operation is an error.
    pub unbuilt: Vec<Unbuilt>,
}
