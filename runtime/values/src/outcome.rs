//! What a mapping is given and what it answers: the seam between generated code and engine.
//!
//! A mapping is a pure function of its source records, the resolved references, the settings and the time of capture.
//! References are asked for in rounds: while one that the record needs is unresolved the answer is [`Outcome::Wants`];
//! the engine resolves those and asks again. So one function serves both as "what do you need" and as "map".

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::hooks::Hook;
use crate::json::Json;
use crate::picked::Picked;
use crate::plan::Plan;
use crate::reference::{Reference, References};

/// The source records of a mapping.
#[derive(Clone, Copy)]
pub enum Sources<'r> {
    /// All of each.
    Whole(&'r [Json<'r>]),
    /// Of each what the mapping uses.
    Picked(&'r [Picked<'r>]),
}

impl<'r> Sources<'r> {
    /// The records of which all was read.
    #[must_use]
    pub fn whole(self) -> &'r [Json<'r>] {
        match self {
            Sources::Whole(records) => records,
            Sources::Picked(_) => &[],
        }
    }
}

/// Everything that a mapping may look at.
#[derive(Clone, Copy)]
pub struct Input<'r> {
    /// The source records, in the order of the mapping's `from`.
    pub sources: Sources<'r>,
    /// What has been resolved so far.
    pub references: &'r References,
    /// The settings as one record, every default filled in (`settings::check_settings`).
    pub settings: &'r Json<'r>,
    /// When the record was first captured: the `now()` of the language, the same in every attempt.
    pub captured_at: Timestamp,
}

/// A compiled mapping.
pub type Map = for<'r> fn(&Input<'r>) -> Outcome<Json<'r>>;

/// A `read ... where` that the connector cannot ask for, evaluated after reading: keep this record?
/// `Err` lists why that cannot be said of the record.
pub type Keep = for<'r> fn(&Input<'r>) -> Result<bool, Vec<Rejection>>;

/// A mapping as the engine calls it.
#[derive(Clone, Copy)]
pub struct Mapping {
    /// The mapping's name in the spec.
    pub name: &'static str,
    /// The generated function.
    pub map: Map,
}

/// A whole compiled project: data and functions.
#[derive(Clone, Copy)]
pub struct Integration {
    /// Data about systems, mappings and flows.
    pub plan: &'static Plan,
    /// The generated functions, one a mapping, in spec order.
    pub mappings: &'static [Mapping],
    /// Residual read conditions by flow name.
    pub keeps: &'static [(&'static str, Keep)],
    /// What manifests call by name; a program's `main.rs` gives them.
    pub hooks: &'static [Hook],
}

impl Integration {
    /// The mapping of that name.
    #[must_use]
    pub fn mapping(&self, name: &str) -> Option<&Mapping> {
        self.mappings.iter().find(|mapping| mapping.name == name)
    }
}

/// A place in a spec.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SpecLine {
    /// File name relative to the project's folder.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

/// One reason why a record could not be mapped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rejection {
    /// Target path, elements counted from 1 (`DocumentLines[2].VatGroup`); empty for a `check` or a `let`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// What is wrong, in the analyst's words.
    pub reason: String,
    /// The source path whose value is at fault, where there is one (`order.lineItems[2].label`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The value at fault, as text, cut to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The spec line that rejected.
    #[serde(flatten)]
    pub at: SpecLine,
}

impl Rejection {
    /// Is the value at fault a record or a list? Then it is shown with all its fields, those too that the mapping does not use: a record
    /// of which only used fields were read must be read whole and mapped again before this is shown.
    #[must_use]
    pub fn shows_a_whole(&self) -> bool {
        self.value.as_ref().is_some_and(|value| value.starts_with(['{', '[']))
    }
}

/// One target record that a mapping made.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<J = Json<'static>> {
    /// The part key where one source record makes several target records (`one per`).
    pub key: Option<String>,
    /// The record in the catalogue's shape.
    pub record: J,
}

/// What a mapping answers. Its records borrow from what the mapping was given, or are independent of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<J = Json<'static>> {
    /// The record is wanted: one part, or several with `one per`.
    Mapped(Vec<Part<J>>),
    /// These references must be resolved first; then ask again. Never empty.
    Wants(Vec<Reference>),
    /// The record cannot be mapped: every problem of the record at once, in spec order, without repeats. Never empty.
    Rejected(Vec<Rejection>),
    /// The spec does not want the record delivered, for this reason: no error.
    Skipped {
        /// The reason given after `skip`.
        reason: String,
        /// The line that says `skip`.
        at: SpecLine,
    },
    /// `otherwise wait`: park the record until one of these appears. Never empty.
    Waiting(Vec<Reference>),
}

impl Outcome<Json<'_>> {
    /// The same, independent of what the mapping was given.
    #[must_use]
    pub fn into_owned(self) -> Outcome {
        match self {
            Outcome::Mapped(parts) => {
                let part = |part: Part<Json<'_>>| Part { key: part.key, record: part.record.into_owned() };
                Outcome::Mapped(parts.into_iter().map(part).collect())
            }
            Outcome::Wants(references) => Outcome::Wants(references),
            Outcome::Rejected(rejections) => Outcome::Rejected(rejections),
            Outcome::Skipped { reason, at } => Outcome::Skipped { reason, at },
            Outcome::Waiting(references) => Outcome::Waiting(references),
        }
    }
}
