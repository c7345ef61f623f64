//! What is said to people: why a description cannot be read, and what of it a catalogue cannot say.

use std::fmt;

/// A place in one of the sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which source, in the order given.
    pub source: usize,
    /// The line, from 1.
    pub line: u32,
}

/// Why no draft could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file as it was named.
    pub file: String,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Fault {
    /// A fault at a line of a file.
    pub(crate) fn at(file: &str, line: u32, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, message: message.into(), help: help.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}: {}", self.message, self.help)
    }
}

impl std::error::Error for Fault {}

/// What a catalogue cannot say, or what was guessed, of one field, entity or file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where in the description.
    pub place: Place,
    /// Of what: `orders.total`; empty for the whole description.
    pub subject: String,
    /// What there is to know.
    pub text: String,
}
