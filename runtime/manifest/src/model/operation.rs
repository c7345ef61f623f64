//! Requests, and what they answer. Plain data; it judges nothing.

use std::time::Duration;

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

/// A call of a SOAP service.
#[derive(Clone, Debug)]
pub struct SoapCall {
    /// Name of the operation.
    pub name: String,
    /// Groups of arguments that stand in front (`shared`).
    pub with: Vec<String>,
    /// Arguments in order.
    pub args: Option<Tree>,
}

/// A GraphQL document and its variables.
#[derive(Clone, Debug)]
pub struct Document {
    /// Sent as it stands, the fragment `Record` added where it names it.
    pub text: String,
    /// Variables.
    pub variables: Option<Tree>,
}

/// How an answer of 202 is followed until its work is done.
#[derive(Clone, Debug)]
pub struct Job {
    /// The request that tells its state; `{job.id}` is its id.
    pub poll: (Method, Template),
    /// Where its id is.
    pub id: Vec<Selector>,
    /// How often it is asked for.
    pub every: Duration,
    /// It is done.
    pub done: Vec<Condition>,
    /// It has failed.
    pub failed: Vec<Condition>,
    /// Nothing is known of it after this time: ambiguous.
    pub lost_after: Duration,
    /// Where the record or the records are when it is done.
    pub results: Vec<Selector>,
}

/// Several records in one request.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Which operations; empty = the action itself.
    pub of: Vec<Verb>,
    /// How they are put together.
    pub form: BatchForm,
    /// Records at once, at most.
    pub size: usize,
    /// What one bad row does.
    pub outcome: BatchOutcome,
    /// In an atomic batch: halve until the bad row is alone.
    pub split: bool,
    /// Where the rows of the answer are, of all or of each operation.
    pub results: Vec<(Option<Verb>, Vec<Selector>)>,
    /// Which row answers which record; `None` = by position.
    pub matched: Option<Selector>,
    /// How a row is read.
    pub row: BatchRow,
}

/// Forms of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchForm {
    /// The body of the operation, with `records`.
    Body,
    /// OData 4.01 JSON batch.
    OdataJson,
    /// OData multipart batch: one change set.
    OdataMultipart,
}

/// What one bad row of a batch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOutcome {
    /// Nothing to the others.
    PerRow,
    /// It fails all.
    Atomic,
}

/// How a row of a batch's answer is read; paths into the row.
#[derive(Clone, Debug, Default)]
pub struct BatchRow {
    /// There and not null = it failed.
    pub failed: Option<Selector>,
    /// Vendor's code.
    pub code: Option<Selector>,
    /// Vendor's words.
    pub message: Option<Selector>,
    /// HTTP status.
    pub status: Option<Selector>,
    /// Key of what was made.
    pub key: Option<Selector>,
    /// The answer that the operation alone would have had.
    pub body: Option<Selector>,
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
    /// SOAP: the call.
    pub call: Option<SoapCall>,
    /// GraphQL: the document.
    pub document: Option<Document>,
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
    /// Where the text is that holds another document (`decoded`).
    pub decode: Vec<Selector>,
    /// Where a list's records are.
    pub records: Vec<Selector>,
    /// Where the one record is.
    pub record: Vec<Selector>,
    /// Where a create's key is, if not in the record.
    pub key: Vec<Selector>,
    /// A list tells keys only: each record is fetched by itself.
    pub gives_keys: bool,
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
    /// `merge: whole`: an update replaces, so the record is read, overlaid and written whole.
    pub whole: bool,
    /// How an answer of 202 is followed.
    pub job: Option<Job>,
    /// Several records at once.
    pub batch: Option<Batch>,
}

impl Operation {
    /// The request that asks how a job of this operation stands: the same headers, no body, no assertion but the status.
    #[must_use]
    pub fn polling(&self) -> Self {
        Self {
            body: None,
            form: Vec::new(),
            query: Vec::new(),
            records: Vec::new(),
            success: Vec::new(),
            gone: Vec::new(),
            job: None,
            ..self.clone()
        }
    }
}
