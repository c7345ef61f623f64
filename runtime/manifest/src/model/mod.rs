//! A checked manifest as data. In: nothing. Out: the types that compiler, connectors and sandbox read.

mod access;
mod entity;
mod errors;
mod operation;
mod reading;

use std::time::Duration;

use indexmap::IndexMap;

use crate::fault::At;
use crate::template::Template;

pub use access::{Auth, Lifetime, Limits, Lock, LogIn, Send};
pub use entity::{Action, ActionProbe, CreateProbe, Entity, FilterField, LetterCase, Normalise, ProbeTarget};
pub use errors::{Errors, Extract, ExtractFrom, Rule, RuleClass};
pub use operation::{Method, Operation, Repeat, Verb};
pub use reading::{Changes, Deletes, FilterForm, Filters, Paging, PagingKind, Pass, Select, Sort, TemplatedFilters};

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
