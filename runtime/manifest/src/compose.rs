//! YAML text to a tree. In: text. Out: its [`Node`]s, each with its place, or the first fault.
//!
//! The syntax is read by a library, event by event; here the events become nodes. Plain words are read as serde's YAML
//! crates read them (`yes` and `off` are truths), but a number keeps its digits, as `2024.10` is a version more often
//! than it is a number.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::fault::At;
use crate::node::{Entry, Node, Value};

/// How deep lists and maps may nest: far deeper than any manifest does, and within the stack of every thread.
const DEPTH_MAX: usize = 24;
/// How many values there may be once every alias is written out: far more than any manifest has, and little memory.
const NODES_MAX: usize = 100_000;
/// The number of no anchor.
const UNMARKED: usize = 0;
/// The key that lays its map beneath the map that it stands in.
const MERGE: &str = "<<";

/// Why a text is no tree.
pub(crate) struct NoTree {
    pub(crate) at: At,
    pub(crate) message: String,
}

impl NoTree {
    fn new(at: At, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    fn too_deep(at: At) -> Self {
        Self::new(at, format!("lists and maps nest deeper than {DEPTH_MAX} levels here"))
    }
}

impl From<ScanError> for NoTree {
    fn from(error: ScanError) -> Self {
        let marker = error.marker();
        let at = place(marker.line(), marker.col());
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => Self::too_deep(at),
            _ => Self::new(at, format!("this is not YAML: {}", error.info())),
        }
    }
}

/// Reads one document; of an empty text, nothing.
pub(crate) fn compose(text: &str) -> Result<Node, NoTree> {
    let options = granit_parser::options! { emit_comments: false };
    let events = Parser::new_from_str_with_options(text, options);
    let mut composer = Composer { events, anchors: Vec::new(), nodes: 0 };
    let mut whole = None;
    while let Some((event, at)) = composer.next()? {
        match event {
            Event::DocumentStart(..) if whole.is_some() => {
                return Err(NoTree::new(at, "a second document begins here, and a file holds one"));
            }
            Event::DocumentStart(..) => whole = composer.node(0)?,
            _ => {}
        }
    }
    Ok(whole.unwrap_or(Node { at: place(1, 0), value: Value::Null }))
}

struct Composer<'t> {
    events: Parser<'t, StrInput<'t>>,
    /// What aliases may stand for.
    anchors: Vec<(usize, Node)>,
    /// How many values there are so far.
    nodes: usize,
}

impl<'t> Composer<'t> {
    /// The next event, and where it begins.
    fn next(&mut self) -> Result<Option<(Event<'t>, At)>, NoTree> {
        let Some((event, Span { start, .. })) = self.events.next().transpose()? else { return Ok(None) };
        Ok(Some((event, place(start.line(), start.col()))))
    }

    /// The next value, if one comes before the end of what is around it.
    fn node(&mut self, depth: usize) -> Result<Option<Node>, NoTree> {
        let Some((event, at)) = self.next()? else { return Ok(None) };
        self.count(1, at)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (scalar(&text, style, tag.as_deref(), at)?, anchor),
            Event::SequenceStart(_, anchor, tag) => {
                collection(tag.as_deref(), "seq", at)?;
                (Value::List(self.list(deeper(depth, at)?)?), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                collection(tag.as_deref(), "map", at)?;
                (Value::Map(self.map(deeper(depth, at)?)?), anchor)
            }
            Event::Alias(anchor) => return self.alias(anchor, depth, at).map(Some),
            _ => return Ok(None),
        };
        let node = Node { at, value };
        if anchor != UNMARKED {
            self.anchors.push((anchor, node.clone()));
        }
        Ok(Some(node))
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, NoTree> {
        let mut items = Vec::new();
        while let Some(item) = self.node(depth)? {
            items.push(item);
        }
        Ok(items)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, NoTree> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut beneath = Vec::new();
        while let Some((key, plain, key_at)) = self.key()? {
            let Some(node) = self.node(depth)? else { break };
            if plain && key == MERGE {
                merged(node, &mut beneath)?;
                continue;
            }
            if entries.iter().any(|known| known.key == key) {
                return Err(NoTree::new(key_at, format!("`{key}` stands twice in this map: keep one of them")));
            }
            entries.push(Entry { key: key.into_owned(), key_at, node });
        }
        for entry in beneath {
            if !entries.iter().any(|known| known.key == entry.key) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// The next key of a map, whether it is a plain word, and its place.
    fn key(&mut self) -> Result<Option<(Cow<'t, str>, bool, At)>, NoTree> {
        match self.next()? {
            Some((Event::Scalar(text, style, UNMARKED, _), at)) => Ok(Some((text, style == ScalarStyle::Plain, at))),
            Some((Event::MappingEnd, _)) | None => Ok(None),
            Some((_, at)) => Err(NoTree::new(at, "a key is a word or a text without an anchor, and this is not")),
        }
    }

    /// What the anchor marks, as if it stood here.
    fn alias(&mut self, anchor: usize, depth: usize, at: At) -> Result<Node, NoTree> {
        // What is still being read is not known yet.
        let marked = self.anchors.iter().rfind(|(known, _)| *known == anchor).map(|(_, node)| node);
        let marked = marked.ok_or_else(|| NoTree::new(at, "this alias stands within what it stands for"))?;
        let (nodes, levels) = size(marked);
        if depth + levels > DEPTH_MAX {
            return Err(NoTree::too_deep(at));
        }
        let node = Node { at, value: marked.value.clone() };
        self.count(nodes, at)?;
        Ok(node)
    }

    fn count(&mut self, more: usize, at: At) -> Result<(), NoTree> {
        self.nodes += more;
        if self.nodes > NODES_MAX {
            return Err(NoTree::new(
                at,
                format!("with its aliases written out, this file has more than {NODES_MAX} values"),
            ));
        }
        Ok(())
    }
}

fn place(line: usize, column: usize) -> At {
    let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    At { line: narrow(line), column: narrow(column.saturating_add(1)), layer: 0 }
}

/// The depth within a list or map at that depth.
fn deeper(depth: usize, at: At) -> Result<usize, NoTree> {
    if depth >= DEPTH_MAX {
        return Err(NoTree::too_deep(at));
    }
    Ok(depth + 1)
}

/// How many values there are in a value, and how many lists and maps are around its innermost.
fn size(node: &Node) -> (usize, usize) {
    let sum = |(nodes, levels): (usize, usize), inner: &Node| {
        let (more, deep) = size(inner);
        (nodes + more, levels.max(deep + 1))
    };
    match &node.value {
        Value::List(items) => items.iter().fold((1, 1), sum),
        Value::Map(entries) => entries.iter().map(|entry| &entry.node).fold((1, 1), sum),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) => (1, 0),
    }
}

/// The members of a map, or of the maps of a list, that `<<` lays beneath those around it.
fn merged(node: Node, beneath: &mut Vec<Entry>) -> Result<(), NoTree> {
    match node.value {
        Value::Map(entries) => {
            beneath.extend(entries);
            Ok(())
        }
        Value::List(items) => items.into_iter().try_for_each(|item| merged(item, beneath)),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) => {
            Err(NoTree::new(node.at, format!("`{MERGE}` takes a map, or a list of maps")))
        }
    }
}

/// Whether a list or a map may have that tag: its own, which says nothing new.
fn collection(tag: Option<&Tag>, own: &str, at: At) -> Result<(), NoTree> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema_tag(own) => Err(unknown_tag(at)),
        Some(_) | None => Ok(()),
    }
}

fn unknown_tag(at: At) -> NoTree {
    NoTree::new(at, "this value has a tag that a manifest has no use for: leave out the word with `!`")
}

/// A word, a text or a number.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, at: At) -> Result<Value, NoTree> {
    let plain = |text: &str| word(text).unwrap_or_else(|| Value::Text(text.to_owned()));
    match tag.map(Tag::core_suffix) {
        Some(Some("str")) => Ok(Value::Text(text.to_owned())),
        Some(Some("null" | "bool" | "int" | "float")) => Ok(plain(text)),
        Some(_) => Err(unknown_tag(at)),
        None if style == ScalarStyle::Plain => Ok(plain(text)),
        None => Ok(Value::Text(text.to_owned())),
    }
}

/// What a plain word stands for, if not for itself.
fn word(text: &str) -> Option<Value> {
    let one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match text.as_bytes().first() {
        None | Some(b'~') if text.len() < 2 => Some(Value::Null),
        Some(b'n') if text == "null" => Some(Value::Null),
        Some(b'N') if text == "Null" || text == "NULL" => Some(Value::Null),
        Some(b'T' | b't' | b'Y' | b'y' | b'O' | b'o') if one_of(&["true", "yes", "y", "on"]) => {
            Some(Value::Boolean(true))
        }
        Some(b'F' | b'f' | b'N' | b'n' | b'O' | b'o') if one_of(&["false", "no", "n", "off"]) => {
            Some(Value::Boolean(false))
        }
        Some(b'0'..=b'9' | b'-' | b'+' | b'.') => number(text).map(Value::Number),
        Some(_) | None => None,
    }
}

/// The digits of a number as JSON writes them: without a plus, and with a digit before the dot and behind it.
fn number(text: &str) -> Option<String> {
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => ("-", size),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = size.strip_prefix(prefix).filter(|digits| !digits.starts_with('+')) {
            return u64::from_str_radix(digits, radix).ok().map(|number| format!("{sign}{number}"));
        }
    }
    let (mantissa, exponent) = match size.find(['e', 'E']) {
        Some(at) => (size.get(..at)?, size.get(at..)?),
        None => (size, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = whole.split('_').all(|group| !group.is_empty() && digits(group));
    let power = exponent.get(1..).map(|power| power.strip_prefix(['-', '+']).unwrap_or(power));
    // A number that begins with a nought too many is an article's, a postcode or the like.
    let padded = whole.len() > 1 && whole.starts_with('0');
    let sound = (grouped || whole.is_empty() && !fraction.is_empty())
        && digits(fraction)
        && power.is_none_or(|power| !power.is_empty() && digits(power))
        && !padded;
    let whole = if whole.is_empty() { "0".to_owned() } else { whole.replace('_', "") };
    let point = if fraction.is_empty() { "" } else { "." };
    sound.then(|| format!("{sign}{whole}{point}{fraction}{exponent}"))
}
