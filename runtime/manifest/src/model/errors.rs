//! Which answer is of which class. Plain data; it judges nothing.

use mapwright_values::hooks::{AnswerClass, Classify};

use super::Hooked;
use crate::condition::{Condition, Matcher};
use crate::fault::At;
use crate::selector::Selector;

/// How error answers are read.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    /// Vendor's code.
    pub code: Option<Extract>,
    /// Vendor's words.
    pub message: Option<Extract>,
    /// Vendor's word for the field.
    pub field: Option<Extract>,
    /// What the vendor can find the request by; it is told with every failure.
    pub trace: Option<Extract>,
    /// Where the values are of the words' gaps: a list fills `%1`, `%2`..., a record `%name`.
    pub parameters: Vec<Selector>,
    /// First match wins.
    pub rules: Vec<Rule>,
    /// What judges an answer that no rule knows.
    pub classify: Option<Hooked<Classify>>,
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
    pub class: AnswerClass,
    /// How long to wait.
    pub wait: Vec<Selector>,
    /// The key of the record that is there already.
    pub existing: Vec<Selector>,
}
