//! JSON and YAML as one tree that knows in which line everything stands. In: text. Out: [`Node`]s, or the one fault of syntax.

use std::cell::Cell;
use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use crate::fault::Fault;

/// How deep lists and records of JSON may nest, and lists and maps of YAML, whose reader takes more of the stack for each level: deeper
/// than any description, and within the stack of every thread.
const JSON_DEPTH_MAX: usize = 64;
const DEPTH_MAX: usize = 40;
/// How many values a YAML file may hold.
const NODES_MAX: usize = 1_000_000;

/// How many values aliases of a YAML file may repeat.
const REPEATED_MAX: usize = 50_000;

/// A value with its line.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) line: u32,
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    /// Digits as they were written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(IndexMap<String, Node>),
}

impl Node {
    /// The member of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.map().and_then(|members| members.get(name))
    }

    pub(crate) fn map(&self) -> Option<&IndexMap<String, Self>> {
        match &self.value {
            Value::Map(members) => Some(members),
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => None,
        }
    }

    pub(crate) fn list(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Text, number or truth as text.
    pub(crate) fn leaf(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Boolean(value) => Some(value.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self.value, Value::Boolean(true))
    }

    /// The text of a member.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Self::text)
    }

    /// Is a member `true`?
    pub(crate) fn says(&self, name: &str) -> bool {
        self.get(name).is_some_and(Self::is_true)
    }

    /// Follows `/a/b/0` from here.
    pub(crate) fn pointer(&self, pointer: &str) -> Option<&Self> {
        let mut at = self;
        for step in pointer.split('/').skip(1) {
            let step = unescaped(step);
            at = match &at.value {
                Value::Map(members) => members.get(&step)?,
                Value::List(items) => items.get(step.parse::<usize>().ok()?)?,
                Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) => return None,
            };
        }
        Some(at)
    }
}

/// A step of a JSON pointer that may have come through a URI.
fn unescaped(step: &str) -> String {
    let mut bytes = Vec::with_capacity(step.len());
    let mut rest = step.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        rest = behind;
        match (*first, behind) {
            (b'%', [high, low, more @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = more;
                }
                _ => bytes.push(b'%'),
            },
            (other, _) => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).replace("~1", "/").replace("~0", "~")
}

/// Reads JSON values, one behind the other.
pub(crate) fn from_json_lines(file: &str, text: &str) -> Result<Vec<Node>, Fault> {
    let (places, deep) = places(text);
    if let Some(line) = deep {
        let message = format!("lists and records nest too deeply here: at most {JSON_DEPTH_MAX} levels are read");
        return Err(Fault::at(file, line, message, "mend the file, or fetch it again"));
    }
    let reading = Reading { places: &places, next: Cell::new(0) };
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.trim_start().is_empty() {
        let mut reader = serde_json::Deserializer::from_str(rest);
        let node = (&reading).deserialize(&mut reader).map_err(|fault| {
            let begun = text.get(..text.len() - rest.len()).unwrap_or_default();
            let line = begun.matches('\n').count() + fault.line();
            let said = fault.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            let message = if said.contains("recursion") {
                "lists and records nest too deeply here".to_owned()
            } else {
                format!("this is not JSON: {said}")
            };
            Fault::at(file, u32::try_from(line).unwrap_or(u32::MAX), message, "mend the file, or fetch it again")
        })?;
        found.push(node);
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<serde::de::IgnoredAny>();
        let _read = stream.next();
        let read = stream.byte_offset().max(1);
        rest = rest.get(read..).unwrap_or_default();
    }
    Ok(found)
}

/// A value's line, and its digits if it is a number.
#[derive(Clone, Copy, Debug)]
struct ValuePlace<'t> {
    line: u32,
    digits: &'t str,
}

/// The places of all values of a JSON text, in its order, and the line where it nests too deeply. Of a text that is no JSON it gives some
/// places or other.
fn places(text: &str) -> (Vec<ValuePlace<'_>>, Option<u32>) {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut line, mut depth, mut deep) = (0_usize, 1_u32, 0_usize, None);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' => line += 1,
            b'{' | b'[' => {
                depth += 1;
                if depth > JSON_DEPTH_MAX {
                    deep = deep.or(Some(line));
                }
                found.push(ValuePlace { line, digits: "" });
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let begun = line;
                at = behind_string(bytes, at);
                let next = bytes.get(at..).unwrap_or_default().iter().find(|byte| !byte.is_ascii_whitespace());
                if next != Some(&b':') {
                    found.push(ValuePlace { line: begun, digits: "" });
                }
                continue;
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                let rest = bytes.get(at..).unwrap_or_default();
                let length = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"+-.".contains(byte)));
                let end = at + length.unwrap_or(rest.len());
                found.push(ValuePlace { line, digits: text.get(at..end).unwrap_or_default() });
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    (found, deep)
}

/// The byte behind a string that begins at a byte.
fn behind_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Reads values in the order of the text, so that the next place is always that of the next value.
struct Reading<'p> {
    places: &'p [ValuePlace<'p>],
    next: Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for &Reading<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let at = self.next.get();
        self.next.set(at + 1);
        let place = self.places.get(at).copied().unwrap_or(ValuePlace { line: 0, digits: "" });
        let value = deserializer.deserialize_any(AnyValue { children: self })?;
        let value = match value {
            Value::Number(_) => Value::Number(place.digits.to_owned()),
            other => other,
        };
        Ok(Node { line: place.line, value })
    }
}

/// How the values within lists and maps are read.
trait Children<'de>: Copy {
    fn next_item<A: SeqAccess<'de>>(self, items: &mut A) -> Result<Option<Node>, A::Error>;
    fn next_value<A: MapAccess<'de>>(self, members: &mut A) -> Result<Node, A::Error>;
}

impl<'de> Children<'de> for &Reading<'_> {
    fn next_item<A: SeqAccess<'de>>(self, items: &mut A) -> Result<Option<Node>, A::Error> {
        items.next_element_seed(self)
    }

    fn next_value<A: MapAccess<'de>>(self, members: &mut A) -> Result<Node, A::Error> {
        members.next_value_seed(self)
    }
}

/// Values that tell their places themselves.
#[derive(Clone, Copy)]
struct Telling;

impl<'de> Children<'de> for Telling {
    fn next_item<A: SeqAccess<'de>>(self, items: &mut A) -> Result<Option<Node>, A::Error> {
        Ok(items.next_element::<Spanned<Value>>()?.map(Node::from))
    }

    fn next_value<A: MapAccess<'de>>(self, members: &mut A) -> Result<Node, A::Error> {
        members.next_value::<Spanned<Value>>().map(Node::from)
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { line: u32::try_from(spanned.referenced.line()).unwrap_or(u32::MAX), value: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue { children: Telling })
    }
}

struct AnyValue<C> {
    children: C,
}

impl<'de, C: Children<'de>> Visitor<'de> for AnyValue<C> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = self.children.next_item(&mut items)? {
            found.push(item);
        }
        Ok(Value::List(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut found = IndexMap::new();
        while let Some(Key(key)) = members.next_key::<Key>()? {
            let node = self.children.next_value(&mut members)?;
            found.insert(key, node);
        }
        Ok(Value::Map(found))
    }
}

/// A key: status codes of answers are numbers in YAML, and `on` a truth.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyKey;
        impl Visitor<'_> for AnyKey {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, value: &str) -> Result<Key, E> {
                Ok(Key(value.to_owned()))
            }
        }
        deserializer.deserialize_str(AnyKey)
    }
}

/// Reads YAML.
pub(crate) fn from_yaml(file: &str, text: &str) -> Result<Node, Fault> {
    let budget = serde_yaml::budget! { max_depth: DEPTH_MAX, max_nodes: NODES_MAX, max_events: 3 * NODES_MAX };
    let options = serde_yaml::options! {
        budget: budget,
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: REPEATED_MAX },
    };
    serde_yaml::from_str_with_options::<Spanned<Value>>(text, options).map(Node::from).map_err(|error| {
        let line = error.location().map_or(0, |at| u32::try_from(at.line()).unwrap_or(u32::MAX));
        let said = error.without_snippet().to_string();
        let hostile = ["depth", "recursion", "budget", "alias"].iter().any(|word| said.to_lowercase().contains(word));
        let message = if hostile {
            "lists and maps nest too deeply here, or aliases repeat too much".to_owned()
        } else {
            format!("this is not YAML: {said}")
        };
        Fault::at(file, line, message, "mend the file, or fetch it again")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_json(file: &str, text: &str) -> Result<Node, Fault> {
        from_json_lines(file, text).map(|values| values.into_iter().next().unwrap())
    }

    #[test]
    fn every_json_value_knows_its_line() {
        let text = "{\n  \"a\": [1.50,\n \"x: \\\"y\\\"\", {\"b\" :\n true}],\n\n \"c\": null}";
        let node = from_json("a.json", text).unwrap();
        let line = |pointer: &str| node.pointer(pointer).unwrap().line;
        assert_eq!(
            [line(""), line("/a"), line("/a/0"), line("/a/1"), line("/a/2"), line("/a/2/b"), line("/c")],
            [1, 2, 2, 3, 3, 4, 6]
        );
        assert_eq!(node.pointer("/a/0").unwrap().leaf().as_deref(), Some("1.50"));
        assert_eq!(from_json("a.json", "{\n\"a\": ,\n}").unwrap_err().line, 2);
        let lines = from_json_lines("a.json", "{\"a\":1}\n{\"a\":2}\n").unwrap();
        assert_eq!(lines.iter().map(|node| node.line).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(from_json_lines("a.json", "{\"a\":1}\n{\"a\":}\n").unwrap_err().line, 2);
    }

    #[test]
    fn yaml_knows_its_lines_too() {
        let node = from_yaml("a.yaml", "a:\n  b: 1\n  200:\n    on: x\n").unwrap();
        assert_eq!(node.pointer("/a/200/on").unwrap().line, 4);
        assert!(from_yaml("a.yaml", "a: [1\nb: 2").is_err());
    }

    #[test]
    fn what_is_just_not_too_deep_is_read_within_the_stack_of_a_thread() {
        let nested = |depth: usize| format!("{}1{}", "{\"a\": [".repeat(depth / 2), "]}".repeat(depth / 2));
        assert!(from_json("a.json", &nested(JSON_DEPTH_MAX)).is_ok());
        assert!(from_json("a.json", &nested(JSON_DEPTH_MAX + 2)).is_err());
        assert!(from_yaml("a.yaml", &nested(DEPTH_MAX - 2)).is_ok());
        assert!(from_yaml("a.yaml", &nested(DEPTH_MAX + 2)).is_err());
    }

    #[test]
    fn hostile_trees_are_refused() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(from_json("a.json", &deep).unwrap_err().message.contains("too deeply"));
        assert!(from_yaml("a.yaml", &deep).is_err());
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for step in 1..12 {
            let last = format!("*a{}, ", step - 1).repeat(9);
            bomb.push_str(&format!("a{step}: &a{step} [{}]\n", last.trim_end_matches(", ")));
        }
        assert!(from_yaml("a.yaml", &bomb).unwrap_err().message.contains("aliases"));
    }
}
