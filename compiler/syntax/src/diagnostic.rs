//! A diagnostic: plain data; terminal, JSON and editor each render the same value.

use crate::span::Span;

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The project cannot be compiled.
    Error,
    /// It can, but should not stay so.
    Warning,
    /// Worth knowing (delivery levels, open questions).
    Note,
}

/// A marked stretch of source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What there is to say of it; may be empty for the primary label.
    pub text: String,
    /// Is this the place to change?
    pub primary: bool,
}

/// One replacement of text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Edit {
    /// What is replaced; empty = insertion.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// A mend that compiles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fix {
    /// What it does: `write CardCode`.
    pub title: String,
    /// The edits, which do not overlap.
    pub edits: Vec<Edit>,
}

/// One fault, warning or note.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// `E0401`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Makes sense alone; lower case, no full stop, the analyst's words.
    pub headline: String,
    /// Marked places; the first primary one is the diagnostic's place.
    pub labels: Vec<Label>,
    /// Lines of help.
    pub help: Vec<String>,
    /// A mend, where one exists.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// An error at a place.
    #[must_use]
    #[cold]
    pub fn error(code: &'static str, span: Span, headline: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, span, headline)
    }

    /// A warning at a place.
    #[must_use]
    #[cold]
    pub fn warning(code: &'static str, span: Span, headline: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, span, headline)
    }

    /// A diagnostic at a place.
    #[must_use]
    #[cold]
    pub fn new(code: &'static str, severity: Severity, span: Span, headline: impl Into<String>) -> Self {
        let label = Label { span, text: String::new(), primary: true };
        Self { code, severity, headline: headline.into(), labels: vec![label], help: Vec::new(), fix: None }
    }

    /// Says something at the primary place.
    #[must_use]
    pub fn here(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = self.labels.iter_mut().find(|label| label.primary) {
            label.text = text.into();
        }
        self
    }

    /// Marks another place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), primary: false });
        self
    }

    /// Adds a line of help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Offers a mend.
    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.fix = Some(Fix { title: title.into(), edits });
        self
    }

    /// The primary place.
    #[must_use]
    pub fn span(&self) -> Span {
        self.labels.iter().find(|label| label.primary).map(|label| label.span).unwrap_or_default()
    }
}
