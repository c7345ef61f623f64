//! References: what a mapping looks up in a system or in the link store, and what was found.

use std::borrow::Cow;

use hashbrown::{Equivalent, HashMap};
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

/// A [`Find`] as a mapping asks it: nothing of it is copied where the answer is known.
///
/// INVARIANT: its fields are those of [`Find`], in the same order, so that both hash alike.
#[derive(Clone, Debug, Hash)]
pub struct AskedFind<'q> {
    pub(crate) system: &'q str,
    pub(crate) entity: &'q str,
    pub(crate) terms: Vec<AskedTerm<'q>>,
    pub(crate) select: Cow<'q, [&'q str]>,
}

/// A [`Term`] as a mapping asks it, its fields in the same order.
#[derive(Clone, Debug, Hash)]
pub struct AskedTerm<'q> {
    pub(crate) field: &'q str,
    pub(crate) test: Test,
    pub(crate) value: String,
}

/// A [`Link`] as a mapping asks it, its fields in the same order.
#[derive(Clone, Debug, Hash)]
pub struct AskedLink<'q> {
    pub(crate) system: &'q str,
    pub(crate) entity: &'q str,
    pub(crate) of_system: &'q str,
    pub(crate) of_entity: &'q str,
    pub(crate) key: Cow<'q, str>,
}

impl From<AskedFind<'_>> for Find {
    fn from(asked: AskedFind<'_>) -> Self {
        let term = |term: AskedTerm<'_>| Term { field: term.field.to_owned(), test: term.test, value: term.value };
        Find {
            system: asked.system.to_owned(),
            entity: asked.entity.to_owned(),
            terms: asked.terms.into_iter().map(term).collect(),
            select: asked.select.iter().map(|path| (*path).to_owned()).collect(),
        }
    }
}

impl From<AskedLink<'_>> for Link {
    fn from(asked: AskedLink<'_>) -> Self {
        Link {
            system: asked.system.to_owned(),
            entity: asked.entity.to_owned(),
            of_system: asked.of_system.to_owned(),
            of_entity: asked.of_entity.to_owned(),
            key: asked.key.into_owned(),
        }
    }
}

impl From<AskedFind<'_>> for Reference {
    fn from(asked: AskedFind<'_>) -> Self {
        Reference::Find(asked.into())
    }
}

impl From<AskedLink<'_>> for Reference {
    fn from(asked: AskedLink<'_>) -> Self {
        Reference::Link(asked.into())
    }
}

/// What hashes as the [`Reference`] that it stands for, and is compared with it.
#[derive(Hash)]
enum Asked<'a, 'q> {
    Find(&'a AskedFind<'q>),
    Link(&'a AskedLink<'q>),
}

impl Equivalent<Reference> for Asked<'_, '_> {
    fn equivalent(&self, reference: &Reference) -> bool {
        match (self, reference) {
            (Asked::Find(asked), Reference::Find(find)) => {
                let same = |(asked, term): (&AskedTerm<'_>, &Term)| {
                    (asked.field, asked.test, &asked.value) == (&term.field, term.test, &term.value)
                };
                asked.terms.len() == find.terms.len()
                    && asked.terms.iter().zip(&find.terms).all(same)
                    && asked.system == find.system
                    && asked.entity == find.entity
                    && asked.select.iter().eq(&find.select)
            }
            (Asked::Link(asked), Reference::Link(link)) => {
                (&*asked.key, asked.entity, asked.of_entity) == (&link.key, &link.entity, &link.of_entity)
                    && (asked.system, asked.of_system) == (&link.system, &link.of_system)
            }
            (Asked::Find(_), Reference::Link(_)) | (Asked::Link(_), Reference::Find(_)) => false,
        }
    }
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

    /// The answer to a `find`, if it is known.
    pub(crate) fn found(&self, asked: &AskedFind<'_>) -> Option<&Resolved> {
        self.answers.get(&Asked::Find(asked))
    }

    /// The answer to a `linked`, if it is known.
    pub(crate) fn linked(&self, asked: &AskedLink<'_>) -> Option<&Resolved> {
        self.answers.get(&Asked::Link(asked))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_finds_the_answer_to_what_was_wanted() {
        let find = |value: &str, test| AskedFind {
            system: "erp",
            entity: "Items",
            terms: vec![AskedTerm { field: "Code", test, value: value.to_owned() }],
            select: Cow::Borrowed(&["Code", "Valid"]),
        };
        let link = |key: &'static str| AskedLink {
            system: "erp",
            entity: "Partners",
            of_system: "shop",
            of_entity: "customer",
            key: Cow::Borrowed(key),
        };
        let mut references = References::new();
        references.insert(Reference::Find(find("1", Test::Eq).into()), Resolved::Found(Vec::new()));
        references.insert(Reference::Link(link("K").into()), Resolved::Linked(None));
        assert_eq!(references.found(&find("1", Test::Eq)), Some(&Resolved::Found(Vec::new())));
        assert_eq!(references.found(&find("1", Test::Ne)), None);
        assert_eq!(references.found(&find("2", Test::Eq)), None);
        assert_eq!(references.found(&AskedFind { select: Cow::Borrowed(&["Code"]), ..find("1", Test::Eq) }), None);
        assert_eq!(references.linked(&link("K")), Some(&Resolved::Linked(None)));
        assert_eq!(references.linked(&link("L")), None);
    }
}
