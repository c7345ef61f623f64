//! Connector manifests: how a system is reached, as checked data.
//!
//! In: the YAML text of a manifest (`manifest.md`). Out: a [`Manifest`] that answers the compiler's and the runtime's
//! questions, or every fault with its line. It never opens a file, sends a request or fills in a template.

mod bind;
mod catalogue;
mod compose;
mod condition;
mod decode;
mod fault;
mod model;
mod node;
mod questions;
mod selector;
mod template;
#[cfg(test)]
mod tests;

pub use catalogue::CatalogueEntity;
pub use condition::{Condition, Expected, Matcher, Pattern};
pub use fault::{At, ManifestFault};
pub use model::{
    Action, ActionProbe, Auth, Batch, BatchForm, BatchOutcome, BatchRow, Carries, Changes, Codec, Coder, ConfigDefault,
    ConfigEntry, Cost, CreateProbe, Deletes, Document, Driver, Embed, Encoding, Entity, Errors, Extract, ExtractFrom,
    FieldFilter, FilterField, FilterForm, Filters, Handshake, Hash, Hooked, Job, Join, JsonCodec, Jwt, JwtAlgorithm,
    LetterCase, Lifetime, Limits, Lock, LogIn, Manifest, Method, More, NamedXml, Normalise, OdataStyle, Operation,
    Over, Paging, PagingKind, Partition, Pass, Place, ProbeTarget, Quote, Rate, Repeat, Rule, Select, Send, SoapCall,
    SoapStyle, Sort, Subscribe, Subscribing, Tagged, TemplatedFilters, Topic, TopicName, Verb, Verify, WebhookAnswer,
    Webhooks, XmlCodec,
};
pub use questions::{CreateRepeat, comparison};
pub use selector::{Selector, SelectorRoot, SelectorStep};
pub use template::{Pipe, Slot, Template, TemplatePart, Tree, TreeItem, TreeMember};
