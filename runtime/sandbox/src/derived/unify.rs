//! Templates read backwards. In: a template (or a tree of them) and what a client sent in its place. Out: what the slots must
//! have held. What the manifest itself knows (`config`, `secret`, `entity`) is compared, everything else is bound.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mapwright_manifest::{Pipe, Quote, Slot, Template, TemplatePart, Tree, TreeItem, TreeMember};
use mapwright_values::Json;

use super::codec::Wire;
use super::tree::{Value, plain};

/// Stands for a `/` that was escaped, so that a slot may hold one and a path may not.
const ESCAPED_SLASH: char = '\u{E000}';
/// How deep a `let` may name another.
const DEPTH_MAX: usize = 4;

/// What the slots held, by `root.path`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound(Vec<(String, Value)>);

impl Bound {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(plain)
    }

    /// All that was bound under a root: the root itself, or its members.
    pub(crate) fn under(&self, root: &str) -> Option<Value> {
        if let Some(whole) = self.get(root) {
            return Some(whole.clone());
        }
        let mut record = Json::Null;
        for (name, value) in &self.0 {
            if let Some(path) = name.strip_prefix(root).and_then(|rest| rest.strip_prefix('.')) {
                super::tree::put(&mut record, &path.split('.').collect::<Vec<_>>(), value.clone());
            }
        }
        (!record.is_null()).then_some(record)
    }

    pub(crate) fn put(&mut self, name: impl Into<String>, value: Value) {
        self.0.push((name.into(), value));
    }

    /// Adds what another part of the request held.
    pub(crate) fn add(&mut self, more: Self) {
        self.extend(more);
    }

    fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

/// What is known when templates are read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'r> {
    /// Roots whose values are known.
    pub(crate) known: &'r [(&'r str, &'r Value)],
    /// Trees beside the request.
    pub(crate) lets: &'r [(String, Tree)],
    /// How `quoted` quotes.
    pub(crate) quote: Option<&'r Quote>,
    /// How `encode` writes.
    pub(crate) wire: &'r Wire,
    /// `null` in a tree stands for an argument that may be left out.
    pub(crate) null_is_open: bool,
}

impl Reader<'_> {
    /// Reads a tree; `given` = what was sent in its place. `None` = it was not made by this tree.
    pub(crate) fn tree(&self, tree: &Tree, given: Option<&Value>) -> Option<Bound> {
        self.tree_at(tree, given, DEPTH_MAX)
    }

    fn tree_at(&self, tree: &Tree, given: Option<&Value>, depth: usize) -> Option<Bound> {
        match tree {
            Tree::Null => (self.null_is_open || given.is_none_or(Json::is_null)).then(Bound::default),
            Tree::Boolean(wanted) => same(given, &wanted.to_string()),
            Tree::Number(digits) => same(given, digits),
            Tree::Text(template) => match template.single() {
                Some(slot) => self.slot(slot, given, depth),
                None => match given {
                    Some(Json::Text(text)) => self.text(template, text, None),
                    Some(Json::Number(digits)) => self.text(template, digits, None),
                    Some(Json::Null | Json::Boolean(_) | Json::List(_) | Json::Record(_)) => None,
                    None => template.slots().any(|slot| slot.optional).then(Bound::default),
                },
            },
            Tree::List(items) => self.list(items, given, depth),
            Tree::Map(members) => self.map(members, given, depth),
        }
    }

    fn list(&self, items: &[TreeItem], given: Option<&Value>, depth: usize) -> Option<Bound> {
        let Some(Json::List(list)) = given else { return None };
        let mut rest = list.iter();
        let mut bound = Bound::default();
        for item in items {
            match item {
                TreeItem::One(tree) => bound.extend(self.tree_at(tree, rest.next(), depth)?),
                TreeItem::Spread(template) => {
                    let all = Json::List(rest.by_ref().cloned().collect());
                    bound.extend(self.slot(template.single()?, Some(&all), depth)?);
                }
            }
        }
        rest.next().is_none().then_some(bound)
    }

    fn map(&self, tree: &[TreeMember], given: Option<&Value>, depth: usize) -> Option<Bound> {
        let Some(Json::Record(members)) = given else { return None };
        let mut bound = Bound::default();
        let mut named: Vec<&str> = Vec::new();
        for member in tree {
            if let TreeMember::One(name, tree) = member {
                let found = members.iter().find(|(known, _)| known == name).map(|(_, value)| value);
                named.push(name);
                bound.extend(self.tree_at(tree, found, depth)?);
            }
        }
        for member in tree {
            if let TreeMember::Spread(template) = member {
                let others = members.iter().filter(|(name, _)| !named.contains(&name.as_ref())).cloned().collect();
                bound.extend(self.slot(template.single()?, Some(&Json::Record(others)), depth)?);
            }
        }
        Some(bound)
    }

    /// The value of a slot that is known beforehand: `Some(None)` = known to be missing.
    fn known(&self, slot: &Slot) -> Option<Option<Value>> {
        let (_, root) = self.known.iter().find(|(name, _)| *name == slot.root)?;
        let found = slot.path.iter().try_fold(*root, |value, step| value.get(step));
        Some(found.filter(|value| !value.is_null()).cloned())
    }

    fn slot(&self, slot: &Slot, given: Option<&Value>, depth: usize) -> Option<Bound> {
        let given = given.filter(|value| !value.is_null() || slot.root == "record");
        if let Some(known) = self.known(slot) {
            return match (known, given) {
                (Some(known), Some(given)) => (plain(&known) == plain(given)).then(Bound::default),
                (None, None) => Some(Bound::default()),
                (Some(_), None) => slot.optional.then(Bound::default),
                (None, Some(_)) => None,
            };
        }
        let Some(given) = given else { return slot.optional.then(Bound::default) };
        let value = slot.pipes.iter().rev().try_fold(given.clone(), |value, pipe| self.unpiped(value, pipe))?;
        if let Some((_, tree)) = self.lets.iter().find(|(name, _)| *name == slot.root) {
            return self.tree_at(tree, Some(&value), depth.checked_sub(1)?);
        }
        let mut bound = Bound::default();
        bound.put(name_of(slot), value);
        Some(bound)
    }

    fn unpiped(&self, value: Value, pipe: &Pipe) -> Option<Value> {
        let text = plain(&value);
        match pipe {
            Pipe::Json => Json::parse(&text).ok().map(Json::into_owned),
            Pipe::Base64 => decoded(STANDARD.decode(text).ok()?),
            Pipe::Base64Url => decoded(URL_SAFE_NO_PAD.decode(text).ok()?),
            Pipe::Text => Some(value),
            Pipe::Quoted => {
                let (inner, rest) = self.unquoted(&text)?;
                rest.is_empty().then(|| Json::text(inner))
            }
            Pipe::Encode => self.wire.decode(&text).ok(),
            Pipe::Join(between) => {
                Some(Json::List(text.split(between.as_str()).map(|part| Json::text(part.to_owned())).collect()))
            }
        }
    }

    /// A text in quotes at the beginning, and what follows it.
    fn unquoted<'t>(&self, text: &'t str) -> Option<(String, &'t str)> {
        let standard = Quote {
            open: "\"".to_owned(),
            close: "\"".to_owned(),
            escape: vec![("\\".to_owned(), "\\\\".to_owned()), ("\"".to_owned(), "\\\"".to_owned())],
        };
        let quote = self.quote.unwrap_or(&standard);
        let mut rest = text.strip_prefix(quote.open.as_str())?;
        let mut inner = String::new();
        loop {
            let escaped = quote.escape.iter().find(|(_, to)| rest.starts_with(to.as_str()));
            if let Some((from, to)) = escaped {
                inner.push_str(from);
                rest = rest.strip_prefix(to.as_str())?;
            } else if let Some(after) = rest.strip_prefix(quote.close.as_str()) {
                return Some((inner, after));
            } else {
                let letter = rest.chars().next()?;
                inner.push(letter);
                rest = rest.strip_prefix(letter)?;
            }
        }
    }

    /// Reads a text; a slot holds nothing that contains `barrier`.
    pub(crate) fn text(&self, template: &Template, text: &str, barrier: Option<char>) -> Option<Bound> {
        self.parts(&template.parts, text, barrier)
    }

    /// Reads the path of an address, as it was sent.
    pub(crate) fn path(&self, template: &Template, raw: &str) -> Option<Bound> {
        let marked = unescape_marked(raw);
        let bound = self.text(template, &marked, Some('/'))?;
        let back = |value: Value| match value {
            Json::Text(text) if text.contains(ESCAPED_SLASH) => Json::text(text.replace(ESCAPED_SLASH, "/")),
            other => other,
        };
        Some(Bound(bound.0.into_iter().map(|(name, value)| (name, back(value))).collect()))
    }

    fn parts(&self, parts: &[TemplatePart], text: &str, barrier: Option<char>) -> Option<Bound> {
        let Some((first, rest)) = parts.split_first() else { return text.is_empty().then(Bound::default) };
        let slot = match first {
            TemplatePart::Literal(literal) => return self.parts(rest, text.strip_prefix(literal.as_str())?, barrier),
            TemplatePart::Slot(slot) => slot,
        };
        if let Some(known) = self.known(slot) {
            let known = known.as_ref().map(plain).unwrap_or_default();
            return self.parts(rest, text.strip_prefix(known.as_str())?, barrier);
        }
        if slot.pipes.last() == Some(&Pipe::Quoted) {
            let (inner, after) = self.unquoted(text)?;
            let others = slot.pipes.split_last().map_or(&[][..], |(_, others)| others);
            let value = others.iter().rev().try_fold(Json::text(inner), |value, pipe| self.unpiped(value, pipe))?;
            let mut bound = Bound::default();
            bound.put(name_of(slot), value);
            bound.extend(self.parts(rest, after, barrier)?);
            return Some(bound);
        }
        let ends = text.char_indices().map(|(at, letter)| at + letter.len_utf8());
        let ends: Vec<usize> = ends.collect();
        // The longest first where nothing follows, else the shortest: a slot ends where what follows begins.
        let order: Box<dyn Iterator<Item = usize>> =
            if rest.is_empty() { Box::new(ends.into_iter().rev()) } else { Box::new(ends.into_iter()) };
        for end in order {
            let Some((taken, after)) = text.split_at_checked(end) else { continue };
            if barrier.is_some_and(|barrier| taken.contains(barrier)) {
                continue;
            }
            let taken = Json::text(taken.to_owned());
            if let (Some(mut bound), Some(more)) =
                (self.slot(slot, Some(&taken), DEPTH_MAX), self.parts(rest, after, barrier))
            {
                bound.extend(more);
                return Some(bound);
            }
        }
        None
    }

    /// A template with the known values filled in, as far as all of them are known.
    pub(crate) fn filled(&self, template: &Template) -> Option<String> {
        template.parts.iter().try_fold(String::new(), |text, part| match part {
            TemplatePart::Literal(literal) => Some(text + literal),
            TemplatePart::Slot(slot) => {
                let value = self.known(slot)?.filter(|_| slot.pipes.is_empty())?;
                Some(text + &plain(&value))
            }
        })
    }
}

fn name_of(slot: &Slot) -> String {
    std::iter::once(slot.root.as_str()).chain(slot.path.iter().map(String::as_str)).collect::<Vec<_>>().join(".")
}

fn same(given: Option<&Value>, wanted: &str) -> Option<Bound> {
    given.is_some_and(|given| plain(given) == wanted).then(Bound::default)
}

fn decoded(bytes: Vec<u8>) -> Option<Value> {
    String::from_utf8(bytes).ok().map(Json::text)
}

/// Undoes percent escapes, but keeps a mark where a `/` was escaped.
fn unescape_marked(raw: &str) -> String {
    let kept: Cow<'_, str> = if raw.to_ascii_uppercase().contains("%2F") {
        raw.replace("%2F", "\u{E000}").replace("%2f", "\u{E000}").into()
    } else {
        raw.into()
    };
    crate::text::unescape(&kept, false)
}

/// How much of a template is fixed, so that the more exact of two comes first.
pub(crate) fn weight(template: &Template) -> usize {
    template
        .parts
        .iter()
        .map(|part| match part {
            TemplatePart::Literal(text) => text.len() * 4,
            TemplatePart::Slot(slot) => usize::from(matches!(slot.root.as_str(), "config" | "entity" | "secret")),
        })
        .sum()
}

/// The same of a tree.
pub(crate) fn tree_weight(tree: &Tree) -> usize {
    match tree {
        Tree::Null | Tree::Boolean(_) | Tree::Number(_) => 2,
        Tree::Text(template) => weight(template),
        Tree::List(items) => {
            1 + items
                .iter()
                .map(|item| match item {
                    TreeItem::One(tree) => 1 + tree_weight(tree),
                    TreeItem::Spread(_) => 0,
                })
                .sum::<usize>()
        }
        Tree::Map(members) => members
            .iter()
            .map(|member| match member {
                TreeMember::One(_, tree) => 1 + tree_weight(tree),
                TreeMember::Spread(_) => 0,
            })
            .sum(),
    }
}

#[cfg(test)]
mod tests {
    use mapwright_manifest::At;

    use super::*;

    fn slot(root: &str, pipes: Vec<Pipe>) -> TemplatePart {
        TemplatePart::Slot(Slot { root: root.to_owned(), path: Vec::new(), optional: false, pipes })
    }

    fn literal(text: &str) -> TemplatePart {
        TemplatePart::Literal(text.to_owned())
    }

    fn template(parts: Vec<TemplatePart>) -> Template {
        Template { at: At::default(), parts }
    }

    #[test]
    fn a_path_gives_back_its_key_even_with_slashes_in_it() {
        let wire = Wire::default();
        let reader = Reader { known: &[], lets: &[], quote: None, wire: &wire, null_is_open: false };
        let path = template(vec![literal("/items/"), slot("key", Vec::new()), literal("/lines")]);
        let bound = reader.path(&path, "/items/A%2FB%20C/lines").unwrap();
        assert_eq!(bound.text("key").as_deref(), Some("A/B C"));
        assert!(reader.path(&path, "/items/A/B/lines").is_none());
    }

    #[test]
    fn quoted_values_may_hold_what_separates() {
        let wire = Wire::default();
        let quote =
            Quote { open: "'".to_owned(), close: "'".to_owned(), escape: vec![("'".to_owned(), "''".to_owned())] };
        let reader = Reader { known: &[], lets: &[], quote: Some(&quote), wire: &wire, null_is_open: false };
        let form = template(vec![slot("field", Vec::new()), literal(">="), slot("value", vec![Pipe::Quoted])]);
        let bound = reader.text(&form, "name>='O''Hara; x'", None).unwrap();
        assert_eq!(bound.text("field").as_deref(), Some("name"));
        assert_eq!(bound.text("value").as_deref(), Some("O'Hara; x"));
    }
}
