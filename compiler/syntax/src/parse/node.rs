//! What a rule has found, with its place in the file.

use super::grammar::Rule;
use super::matcher::Token;
use crate::span::{FileId, Span};

/// Where a chunk stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) file: FileId,
    /// Its first byte in the file.
    pub(super) base: usize,
    /// Behind its last byte in the file.
    pub(super) end: usize,
}

/// Everything found in a chunk.
pub(super) struct Found<'a> {
    pub(super) tokens: Vec<Token>,
    pub(super) chunk: &'a str,
    pub(super) place: Place,
}

/// A piece of the parse.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    found: &'a Found<'a>,
    token: Token,
    /// Where its token stands among them.
    at: u32,
}

impl<'a> Node<'a> {
    /// Everything directly within the whole of what was found in a chunk.
    pub(super) fn all_of(found: &'a Found<'a>) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let whole = found.tokens.first().map(|token| Node { found, token: *token, at: 0 });
        whole.into_iter().flat_map(|whole| whole.children())
    }

    pub(super) fn rule(&self) -> Rule {
        self.token.rule
    }

    /// Its text; blanks behind a node are found with it, which are no part of it.
    pub(super) fn text(&self) -> &'a str {
        let raw = self.raw();
        match raw.as_bytes().last() {
            Some(byte) if byte.is_ascii_graphic() => raw,
            Some(_) | None => raw.trim_end(),
        }
    }

    /// Its text and its place.
    pub(super) fn said(&self) -> (&'a str, Span) {
        let text = self.text();
        (text, self.span_of(text.len()))
    }

    /// Its text with the blanks behind it.
    pub(super) fn raw(&self) -> &'a str {
        self.found.chunk.get(self.token.start as usize..self.token.end as usize).unwrap_or_default()
    }

    /// Its place in the file.
    pub(super) fn span(&self) -> Span {
        self.span_of(self.text().len())
    }

    /// Its place in the file, with the blanks behind it.
    pub(super) fn raw_span(&self) -> Span {
        self.span_of(self.raw().len())
    }

    fn span_of(&self, length: usize) -> Span {
        let start = (self.found.place.base + self.token.start as usize).min(self.found.place.end);
        let end = (start + length).min(self.found.place.end);
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file: self.found.place.file, start: narrow(start), end: narrow(end) }
    }

    pub(super) fn children(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let Node { found, token, at } = *self;
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let child = *found.tokens.get(next as usize).filter(|_| next < token.behind)?;
            let node = Node { found, token: child, at: next };
            next = child.behind;
            Some(node)
        })
    }

    /// The first child of that rule.
    pub(super) fn child(&self, rule: Rule) -> Option<Node<'a>> {
        self.children().find(|child| child.rule() == rule)
    }

    /// All children of that rule.
    pub(super) fn all(&self, rule: Rule) -> impl Iterator<Item = Node<'a>> + use<'a> {
        self.children().filter(move |child| child.rule() == rule)
    }

    /// What is read of each child of that rule, with room for just as many: thousands of short lists stand in a file. `None` if one cannot be
    /// read.
    pub(super) fn read_all<T>(&self, rule: Rule, read: impl FnMut(Node<'a>) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::with_capacity(self.all(rule).count());
        for found in self.all(rule).map(read) {
            all.push(found?);
        }
        Some(all)
    }

    pub(super) fn has(&self, rule: Rule) -> bool {
        self.child(rule).is_some()
    }
}
