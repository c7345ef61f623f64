//! References: what a mapping looks up in a system or in the link store, and what was found.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::json::Json;

/// How a term compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// One of a list: the value is a JSON list.
    In,
    /// Absent; the value is JSON null.
    Missing,
}

impl Test {
    /// How the comparison is written for people.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Test::Eq => "=",
            Test::Ne => "<>",
            Test::Lt => "<",
            Test::Le => "<=",
            Test::Gt => ">",
            Test::Ge => ">=",
            Test::In => "in",
            Test::Missing => "is missing",
        }
    }
}

/// `field test value`: one condition of a question to a system.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Term {
    /// Path in the entity, dots between steps.
    pub field: String,
    /// Comparison.
    pub test: Test,
    /// The value as JSON text in the catalogue's spelling (`"tYES"`, `22`, `"2026-03-14"`).
    pub value: String,
}

/// `find SYSTEM.ENTITY as x where ...`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Find {
    /// Alias of the system in the project (`erp`).
    pub system: String,
    /// Entity.
    pub entity: String,
    /// All of these hold.
    pub terms: Vec<Term>,
    /// The paths of the found record that the mapping reads, sorted.
    pub select: Vec<String>,
}

/// `linked SYSTEM.ENTITY of SYSTEM.ENTITY by KEY`: the target's key that a flow stored when it wrote the source record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Link {
    /// Alias of the target's system.
    pub system: String,
    /// The target's entity.
    pub entity: String,
    /// Alias of the source's system.
    pub of_system: String,
    /// The source's entity.
    pub of_entity: String,
    /// The source record's key as text.
    pub key: String,
}

/// A question that must be answered before a record can be mapped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// Asked of a system.
    Find(Find),
    /// Asked of the link store.
    Link(Link),
}

/// The answer to a [`Reference`].
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// The records found; empty = none.
    Found(Vec<Json<'static>>),
    /// The target's key; `None` = no link yet.
    Linked(Option<String>),
}

/// The answers known so far.
#[derive(Clone, Debug, Default)]
pub struct References {
    answers: HashMap<Reference, Resolved>,
}

impl References {
    /// No answer yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes an answer; a later one for the same question replaces it.
    pub fn insert(&mut self, reference: Reference, resolved: Resolved) {
        self.answers.insert(reference, resolved);
    }

    /// The answer, if it is known.
    #[must_use]
    pub fn get(&self, reference: &Reference) -> Option<&Resolved> {
        self.answers.get(reference)
    }

    /// How many answers are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Is nothing known?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }
}
