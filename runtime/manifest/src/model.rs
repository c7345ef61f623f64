//! A checked manifest as data. In: nothing. Out: the types that compiler, connectors and sandbox read.

use std::time::Duration;

use indexmap::IndexMap;

use crate::condition::{Condition, Matcher};
use crate::fault::At;
use crate::selector::Selector;
use crate::template::{Template, Tree};

/// A manifest whose every key, template and selector has been read.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// File name, for messages.
    pub file: String,
    /// The catalogue's folder.
    pub system: String,
    /// Title for people.
    pub title: String,
    /// Protocol.
    pub driver: Driver,
    /// OData spellings.
    pub odata: OdataStyle,
    /// URL prefix of every request.
    pub base: Template,
    /// What the deployment file may or must give.
    pub config: IndexMap<String, ConfigEntry>,
    /// Credentials by name: `true` = required.
    pub secrets: IndexMap<String, bool>,
    /// Headers of every request.
    pub headers: Vec<(String, Template)>,
    /// File with certificates to trust besides the system's.
    pub tls_ca: Option<Template>,
    /// How to log in.
    pub auth: Auth,
    /// Bounds.
    pub limits: Limits,
    /// Longest time a write may still work after its answer was lost.
    pub settle: Duration,
    /// How far the system's search lags behind its writes.
    pub index_lag: Duration,
    /// How a lost update is prevented.
    pub lock: Lock,
    /// How conditions are spelled.
    pub filters: Filters,
    /// How only the used fields are asked for.
    pub select: Select,
    /// How an order of rows is asked for.
    pub sort: Sort,
    /// How lists are cut.
    pub paging: Paging,
    /// Entities by name.
    pub entities: IndexMap<String, Entity>,
    /// Actions by name.
    pub actions: IndexMap<String, Action>,
    /// How error answers are read.
    pub errors: Errors,
    /// The cheap call of `doctor`.
    pub check: Option<Operation>,
    /// Does the manifest describe webhooks?
    pub webhooks: bool,
    /// What the manifest says of the whole connection that is not built yet: using the system is an error.
    pub unbuilt: Vec<Unbuilt>,
}

/// Something that the vocabulary knows but this version cannot do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbuilt {
    /// What, as the manifest writes it.
    pub what: String,
    /// Where.
    pub at: At,
}

/// Protocol driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// JSON over HTTP.
    Rest,
    /// OData v4.
    Odata,
    /// SOAP: not built yet.
    Soap,
    /// GraphQL: not built yet.
    Graphql,
}

/// How OData literals are spelled where the vendor differs from the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OdataStyle {
    /// Days and instants in quotes, as Business One wants them; the standard has none.
    pub dates_quoted: bool,
}

/// A value of the deployment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Must it be given?
    pub required: bool,
    /// Its default, digits or text.
    pub default: Option<ConfigDefault>,
    /// What it is for.
    pub about: String,
}

/// A default of a [`ConfigEntry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigDefault {
    /// A text.
    Text(String),
    /// A number's digits.
    Number(String),
    /// `true`, `false`.
    Boolean(bool),
}

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

/// Optimistic locking. Read by the compiler; the connector sends no lock yet.
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

/// How conditions are spelled.
#[derive(Clone, Debug)]
pub struct Filters {
    /// Spelling.
    pub form: FilterForm,
    /// Most values of one `in`.
    pub in_max: usize,
}

/// Spelling of conditions.
#[derive(Clone, Debug)]
pub enum FilterForm {
    /// The system takes no conditions.
    None,
    /// `$filter`.
    Odata,
    /// Trees, collected in a list.
    Templated(Box<TemplatedFilters>),
}

/// Templated conditions.
#[derive(Clone, Debug)]
pub struct TemplatedFilters {
    /// Where the list goes: path in the body (`["filter"]`) .
    pub into: Vec<String>,
    /// By comparison (`eq`, `ge`, ...).
    pub forms: IndexMap<String, Tree>,
}

/// How only the used fields are asked for.
#[derive(Clone, Debug)]
pub enum Select {
    /// Not at all.
    None,
    /// `$select`.
    Odata,
    /// Associations of the used paths, nested.
    Nested {
        /// Path in the body.
        into: Vec<String>,
        /// The member under which each level nests.
        nest: String,
    },
}

/// How an order of rows is asked for.
#[derive(Clone, Debug)]
pub enum Sort {
    /// Not at all.
    None,
    /// `$orderby`.
    Odata,
    /// A list of trees.
    Templated {
        /// Path in the body.
        into: Vec<String>,
        /// One entry.
        form: Tree,
    },
}

/// How lists are cut into pages.
#[derive(Clone, Debug)]
pub struct Paging {
    /// Kind.
    pub kind: PagingKind,
    /// Rows a page.
    pub size: Option<Tree>,
    /// Headers of list requests.
    pub headers: Vec<(String, Template)>,
    /// Are they sent with the following pages too?
    pub resend_headers: bool,
}

/// Kinds of paging.
#[derive(Clone, Debug)]
pub enum PagingKind {
    /// One answer holds everything.
    None,
    /// Numbered pages; goes on while a page was full.
    Page {
        /// Number of the first page.
        first: u64,
    },
    /// Skipping rows; goes on while a page was full.
    Offset,
    /// From the last row's value of a field that never changes and is never null, so that rows which leave the
    /// condition while pages are read move nobody else off a page. Rows of one value are told apart by page number.
    Keyset {
        /// The field.
        by: String,
        /// Number of the first page.
        first: u64,
    },
    /// A link in the answer.
    NextLink {
        /// Where the link is.
        next: Vec<Selector>,
    },
}

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

/// An entity, defaults merged in.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Name in the catalogue.
    pub name: String,
    /// Where it stands.
    pub at: At,
    /// Its own entries that templates may name (`path`, `name`, `public`, `type`, `key`).
    pub entries: IndexMap<String, String>,
    /// What can be done.
    pub can: Vec<Verb>,
    /// Fields that conditions may name.
    pub filter_on: Vec<FilterField>,
    /// Paths that are absent unless asked for.
    pub expand: Vec<(String, At)>,
    /// How changes are read; `None` = they are not.
    pub changes: Option<Changes>,
    /// How a create is proved.
    pub probe: Option<CreateProbe>,
    /// Own settle time.
    pub settle: Option<Duration>,
    /// Operations by verb.
    pub operations: Vec<(Verb, Operation)>,
}

impl Entity {
    /// The operation, if the entity can do it.
    #[must_use]
    pub fn operation(&self, verb: Verb) -> Option<&Operation> {
        self.operations.iter().find(|(known, _)| *known == verb).map(|(_, operation)| operation)
    }
}

/// A field that conditions may name.
#[derive(Clone, Debug)]
pub struct FilterField {
    /// Path, or a beginning with `*`.
    pub pattern: String,
    /// The comparisons, as words; `None` = all that the filters spell.
    pub tests: Option<Vec<String>>,
    /// Where it stands.
    pub at: At,
}

/// How changes are read.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Where it stands.
    pub at: At,
    /// Rows come ordered by stamp, so the watermark moves with each page.
    pub ordered_by_time: bool,
    /// One watermark each.
    pub passes: Vec<Pass>,
    /// The stamp's resolution.
    pub resolution: Duration,
    /// How far each window reaches back.
    pub overlap: Duration,
    /// How deletes are noticed.
    pub deletes: Deletes,
    /// Fields whose change moves no stamp.
    pub misses: Vec<(String, At)>,
}

/// How deletes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletes {
    /// By comparing all keys now and then.
    Sweep,
    /// By events.
    Event,
    /// Not at all.
    None,
}

/// One watermark.
#[derive(Clone, Debug)]
pub enum Pass {
    /// An instant in one field.
    Field(String),
    /// A day and a time of day in the system's zone.
    DateAndTime {
        /// Day.
        date: String,
        /// Time of day.
        time: Option<String>,
        /// Zone name.
        zone: Template,
    },
}

impl Pass {
    /// Its name: the field that it goes by.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Field(field) => field,
            Self::DateAndTime { date, .. } => date,
        }
    }

    /// The fields that it reads.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::Field(field) => vec![field],
            Self::DateAndTime { date, time, .. } => std::iter::once(date.as_str()).chain(time.as_deref()).collect(),
        }
    }
}

/// How a create is proved by a natural key.
#[derive(Clone, Debug)]
pub struct CreateProbe {
    /// Where it stands.
    pub at: At,
    /// Fields that may serve; `U_*` = a beginning.
    pub by: Vec<(String, At)>,
    /// Other entities where the effect may be.
    pub also_in: Vec<(String, At)>,
    /// Further conditions on the entity itself: field and literal.
    pub conditions: Vec<(String, Tree)>,
    /// What must agree, as far as our record carries it.
    pub compare: Vec<Selector>,
    /// What the system does to the key.
    pub normalise: Normalise,
}

/// What a system does to a text that it stores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Normalise {
    /// Blanks cut at the start.
    pub trim_start: bool,
    /// Blanks cut at the end.
    pub trim_end: bool,
    /// Letters changed.
    pub case: Option<LetterCase>,
    /// Cut to so many characters.
    pub cut: Option<usize>,
}

/// Letter case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterCase {
    /// Upper.
    Upper,
    /// Lower.
    Lower,
}

impl Normalise {
    /// The text as the system would store it.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let text = if self.trim_start { text.trim_start() } else { text };
        let text = if self.trim_end { text.trim_end() } else { text };
        let text = match self.case {
            Some(LetterCase::Upper) => text.to_uppercase(),
            Some(LetterCase::Lower) => text.to_lowercase(),
            None => text.to_owned(),
        };
        match self.cut {
            Some(cut) => text.chars().take(cut).collect(),
            None => text,
        }
    }
}

/// An action.
#[derive(Clone, Debug)]
pub struct Action {
    /// Its request.
    pub operation: Operation,
    /// How its effect is proved.
    pub probe: Option<ActionProbe>,
}

/// How an action's effect is proved.
#[derive(Clone, Debug)]
pub struct ActionProbe {
    /// Where it stands.
    pub at: At,
    /// The entity that shows it.
    pub entity: String,
    /// How the record is found.
    pub target: ProbeTarget,
    /// What it must then be: path in the record and expectation.
    pub expect: Vec<(Selector, Matcher)>,
}

/// How a probe finds the record.
#[derive(Clone, Debug)]
pub enum ProbeTarget {
    /// By key.
    Key(Template),
    /// By conditions.
    Conditions(Vec<(String, Tree)>),
}

/// How error answers are read.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    /// Vendor's code.
    pub code: Option<Extract>,
    /// Vendor's words.
    pub message: Option<Extract>,
    /// Vendor's word for the field.
    pub field: Option<Extract>,
    /// Vendor's trace id.
    pub trace: Option<Extract>,
    /// First match wins.
    pub rules: Vec<Rule>,
}

/// How a text is taken out of an error answer.
#[derive(Clone, Debug)]
pub struct Extract {
    /// Where from.
    pub from: ExtractFrom,
    /// The part of it: the first group, else the whole match.
    pub regex: Option<crate::condition::Pattern>,
}

/// Source of an [`Extract`].
#[derive(Clone, Debug)]
pub enum ExtractFrom {
    /// The first of these that is present.
    Selectors(Vec<Selector>),
    /// What `code` gave.
    Code,
    /// What `message` gave.
    Message,
}

/// One rule of an error table.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where it stands.
    pub at: At,
    /// What the answer must be.
    pub conditions: Vec<Condition>,
    /// Vendor's code must match.
    pub code: Option<Matcher>,
    /// Vendor's words must match.
    pub message: Option<Matcher>,
    /// Verbs, actions' names or `action`; empty = all.
    pub operations: Vec<String>,
    /// What it means.
    pub class: RuleClass,
    /// How long to wait.
    pub wait: Vec<Selector>,
}

/// The classes of `manifest.md` 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleClass {
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
}
