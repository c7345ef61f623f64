//! Conditions: maps that must all hold. In: YAML. Out: subjects and what they must be; evaluated elsewhere.

use regex_lite::Regex;

use crate::selector::Selector;
use crate::template::Template;

/// One line of a condition: a part of an answer and what it must be.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What is looked at.
    pub subject: Selector,
    /// What it must be.
    pub matcher: Matcher,
}

/// What a value must be.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// One of these.
    AnyOf(Vec<Expected>),
    /// There, and not null.
    Present,
    /// Not there, or null.
    Absent,
    /// Not there, null, or without content.
    Empty,
    /// There, with content.
    NotEmpty,
    /// By a value of the record: `{ of: record.transition, ship: shipped }`.
    Table {
        /// Path in the record.
        of: Vec<String>,
        /// Value and what is then expected.
        rows: Vec<(String, String)>,
    },
}

/// One expected value.
#[derive(Clone, Debug)]
pub enum Expected {
    /// This text; numbers and booleans are compared as text.
    Text(String),
    /// A match of this.
    Pattern(Pattern),
    /// What the template gives.
    Template(Template),
}

impl Expected {
    /// Is it this text? `render` fills in a template.
    pub fn is(&self, text: &str, render: impl FnOnce(&Template) -> Option<String>) -> bool {
        match self {
            Self::Text(expected) => expected == text,
            Self::Pattern(pattern) => pattern.is_match(text),
            Self::Template(template) => render(template).as_deref() == Some(text),
        }
    }
}

/// A regular expression of a manifest.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Reads an expression (without slashes).
    pub(crate) fn new(expression: &str) -> Result<Self, String> {
        Regex::new(expression).map(Self).map_err(|error| error.to_string())
    }

    /// The expression, without slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Does it match somewhere in the text?
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The first group of the first match, or the whole match.
    #[must_use]
    pub fn extract(&self, text: &str) -> Option<String> {
        let found = self.0.captures(text)?;
        found.get(1).or_else(|| found.get(0)).map(|part| part.as_str().to_owned())
    }
}
