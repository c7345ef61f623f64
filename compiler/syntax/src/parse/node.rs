//! A pair of pest with its place in the file.

use pest::iterators::Pair;

use super::grammar::Rule;
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
#[derive(Clone)]
pub(super) struct Node<'a> {
    pair: Pair<'a, Rule>,
    place: Place,
}

impl<'a> Node<'a> {
    pub(super) fn new(pair: Pair<'a, Rule>, place: Place) -> Self {
        Self { pair, place }
    }

    pub(super) fn rule(&self) -> Rule {
        self.pair.as_rule()
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Its text; pest takes blanks behind a node for a part of it, which they are not.
    pub(super) fn text(&self) -> &'a str {
        self.pair.as_str().trim_end()
    }

    /// Its place in the file.
    pub(super) fn span(&self) -> Span {
        let start = (self.place.base + self.pair.as_span().start()).min(self.place.end);
        let end = (start + self.text().len()).min(self.place.end);
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file: self.place.file, start: narrow(start), end: narrow(end) }
    }

    pub(super) fn children(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let place = self.place;
        self.pair.clone().into_inner().map(move |pair| Node { pair, place })
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

    pub(super) fn pair(&self) -> &Pair<'a, Rule> {
        &self.pair
    }
}
