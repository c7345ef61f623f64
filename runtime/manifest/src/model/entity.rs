//! What a manifest says of one entity or action. Plain data; it judges nothing.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::{Changes, Operation, Verb};
use crate::condition::Matcher;
use crate::fault::At;
use crate::selector::Selector;
use crate::template::{Template, Tree};

/// An entity, defaults merged in.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Name in the catalogue.
    pub name: String,
    /// Where it stands.
    pub at: At,
    /// Its own entries that templates may name (`path`, `name`, `public`, `type`, `key`).
    pub entries: IndexMap<String, Template>,
    /// What can be done.
    pub can: Vec<Verb>,
    /// Fields that conditions may name.
    pub filter_on: Vec<FilterField>,
    /// Paths that are absent unless asked for.
    pub expand: Vec<(String, At)>,
    /// Paths of `expand` that are lists of their own, read by so many items at once.
    pub connections: IndexMap<String, u64>,
    /// GraphQL: paths whose value is one of several types, and which of their fields only one of these has.
    pub types: IndexMap<String, IndexMap<String, Vec<(String, At)>>>,
    /// The entity whose record each of these belongs to, and whose key their requests need.
    pub parent: Option<(String, At)>,
    /// How changes are read; `None` = they are not.
    pub changes: Option<Changes>,
    /// How a create is proved.
    pub probe: Option<CreateProbe>,
    /// Own settle time.
    pub settle: Option<Duration>,
    /// Operations by verb. Entities share what `operations` describes for all of them.
    pub operations: Vec<(Verb, Arc<Operation>)>,
}

impl Entity {
    /// The operation, if the entity can do it.
    #[must_use]
    pub fn operation(&self, verb: Verb) -> Option<&Operation> {
        self.operations.iter().find(|(known, _)| *known == verb).map(|(_, operation)| &**operation)
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

/// How a create is proved by a natural key.
#[derive(Clone, Debug)]
pub struct CreateProbe {
    /// Where it stands.
    pub at: At,
    /// Fields that may serve; `U_*` = a beginning.
    pub by: Vec<(String, At)>,
    /// How conditions call the field, where they have another name for it.
    pub asked_as: Option<String>,
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
    /// Its own entries that templates may name (`path`, `name`, `public`, `type`, `key`).
    pub entries: IndexMap<String, Template>,
    /// What it changes besides what its probe expects: fields, by the entity that shows them.
    pub changes: IndexMap<String, Vec<(String, At)>>,
    /// How its effect is proved.
    pub probe: Option<ActionProbe>,
}

impl Action {
    /// The fields that it changes, each with the entity that shows it: those that the manifest says, and those that its probe expects.
    pub fn changed(&self) -> impl Iterator<Item = (&str, String)> {
        let said = self
            .changes
            .iter()
            .flat_map(|(entity, fields)| fields.iter().map(move |(field, _)| (entity.as_str(), field.clone())));
        let shown = self
            .probe
            .iter()
            .flat_map(|probe| probe.expect.iter().map(move |(path, _)| (probe.entity.as_str(), path.field_path())));
        said.chain(shown)
    }
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
    /// By key: it must have gone.
    Gone(Template),
    /// By conditions.
    Conditions(Vec<(String, Tree)>),
}
