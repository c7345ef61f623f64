//! Connector manifests: how a system is reached, as checked data.
//!
//! In: the YAML text of a manifest (`manifest.md`). Out: a [`Manifest`] that answers the compiler's and the runtime's
//! questions, or every fault with its line. It never opens a file, sends a request or fills in a template.

mod catalogue;
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
    Action, ActionProbe, Auth, Changes, ConfigDefault, ConfigEntry, CreateProbe, Deletes, Driver, Entity, Errors,
    Extract, ExtractFrom, FilterField, FilterForm, Filters, LetterCase, Lifetime, Limits, Lock, LogIn, Manifest,
    Method, Normalise, OdataStyle, Operation, Paging, PagingKind, Pass, ProbeTarget, Repeat, Rule, RuleClass, Select,
    Send, Sort, TemplatedFilters, Unbuilt, Verb,
};
pub use questions::{CreateRepeat, comparison};
pub use selector::{Selector, SelectorRoot, SelectorStep};
pub use template::{Pipe, Slot, Template, TemplatePart, Tree, TreeItem, TreeMember};
