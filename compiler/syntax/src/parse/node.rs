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

/// A piece of the parse.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    /// Everything found in the chunk.
    found: &'a [Token],
    /// The chunk.
    chunk: &'a str,
    place: Place,
    token: Token,
    /// Where its token stands among them.
    at: usize,
}

impl<'a> Node<'a> {
    /// Everything directly within the whole of what was found in a chunk.
    pub(super) fn all_of(found: &'a [Token], chunk: &'a str, place: Place) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let whole = found.first().map(|token| Node { found, chunk, place, token: *token, at: 0 });
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

    /// Its text with the blanks behind it.
    pub(super) fn raw(&self) -> &'a str {
        self.chunk.get(self.token.start as usize..self.token.end as usize).unwrap_or_default()
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
        let start = (self.place.base + self.token.start as usize).min(self.place.end);
        let end = (start + length).min(self.place.end);
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file: self.place.file, start: narrow(start), end: narrow(end) }
    }

    pub(super) fn children(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let Node { found, chunk, place, token, at } = *self;
        let behind = token.behind as usize;
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let token = *found.get(next).filter(|_| next < behind)?;
            let node = Node { found, chunk, place, token, at: next };
            next = token.behind as usize;
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

    pub(super) fn has(&self, rule: Rule) -> bool {
        self.child(rule).is_some()
    }
}
