//! A checked manifest as data. In: nothing. Out: the types that compiler, connectors and sandbox read.

mod access;
mod codec;
mod entity;
mod errors;
mod operation;
mod reading;
mod webhooks;

use std::time::Duration;

use indexmap::IndexMap;
use mapwright_values::hooks::Sign;

use crate::template::{Template, Tree};

pub use access::{Auth, Cost, Jwt, JwtAlgorithm, Lifetime, Limits, Lock, LogIn, Rate, Send};
pub use codec::{Codec, Coder, Embed, Hooked, JsonCodec, NamedXml, Tagged, XmlCodec};
pub use entity::{Action, ActionProbe, CreateProbe, Entity, FilterField, LetterCase, Normalise, ProbeTarget};
pub use errors::{Errors, Extract, ExtractFrom, Rule};
pub use operation::{
    Batch, BatchForm, BatchOutcome, BatchRow, Document, Job, Method, Operation, Repeat, SoapCall, Verb,
};
pub use reading::{
    Changes, Deletes, FieldFilter, FilterForm, Filters, Join, More, Paging, PagingKind, Partition, Pass, Place, Quote,
    Select, Sort, TemplatedFilters,
};
pub use webhooks::{
    Carries, Encoding, Handshake, Hash, Over, Subscribe, Subscribing, Topic, TopicName, Verify, WebhookAnswer, Webhooks,
};

/// A manifest whose every key, template and selector has been read.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// File name for messages, then those of the manifests that it extends.
    pub files: Vec<String>,
    /// The whole text, that of the manifests it extends laid below: what a compiled project carries.
    pub text: String,
    /// The catalogue's folder.
    pub system: String,
    /// Title for people.
    pub title: String,
    /// Protocol.
    pub driver: Driver,
    /// OData spellings.
    pub odata: OdataStyle,
    /// SOAP spellings.
    pub soap: SoapStyle,
    /// URL prefix of every request.
    pub base: Template,
    /// What the deployment file may or must give.
    pub config: IndexMap<String, ConfigEntry>,
    /// Credentials by name: `true` = required.
    pub secrets: IndexMap<String, bool>,
    /// Headers of every request.
    pub headers: Vec<(String, Template)>,
    /// Groups of arguments that SOAP calls include by `with`.
    pub shared: IndexMap<String, Tree>,
    /// How records are written on the wire.
    pub codec: Codec,
    /// File with certificates to trust besides the system's.
    pub tls_ca: Option<Template>,
    /// How to log in.
    pub auth: Auth,
    /// What signs every request.
    pub sign: Option<Hooked<Sign>>,
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
    /// What the system tells of its own accord.
    pub webhooks: Option<Webhooks>,
}

/// Protocol driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// JSON over HTTP.
    Rest,
    /// OData, versions 2 to 4.
    Odata,
    /// SOAP 1.1 and 1.2.
    Soap,
    /// GraphQL.
    Graphql,
}

/// How OData literals are spelled where the vendor differs from the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OdataStyle {
    /// Major version: 4, or 3 (and 2, which is spelled the same).
    pub version: u8,
    /// Days and instants in quotes, as Business One wants them; the standard has none.
    pub dates_quoted: bool,
}

/// How a SOAP service wants to be spoken to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoapStyle {
    /// 1.2 instead of 1.1.
    pub twelve: bool,
    /// `rpc_encoded`: types are written, and arguments carry no namespace.
    pub rpc_encoded: bool,
    /// The service's namespace.
    pub namespace: String,
    /// `SOAPAction`; `None` = namespace, `/` and the call's name; empty = an empty one.
    pub action: Option<String>,
    /// Named types of arguments, for `rpc_encoded`: `CAdxParamKeyValue[]` is a list of them.
    pub types: IndexMap<String, String>,
    /// User name and password in the header, as WS-Security says.
    pub security: Option<(Template, Template)>,
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
    /// Named values, each with its text.
    Map(Vec<(String, String)>),
}
