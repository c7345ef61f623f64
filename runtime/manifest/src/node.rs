//! YAML as a tree that knows where everything stands. In: text. Out: [`Node`]s, or the one syntax fault; and back.

use std::fmt;

use mapwright_values::Json;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use crate::fault::{At, ManifestFault};

/// How deep lists and maps may nest: far deeper than any manifest does, and within the stack of every thread.
const DEPTH_MAX: usize = 24;

/// A YAML value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

/// A YAML value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    /// Digits as text.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One member of a map.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: At,
    pub(crate) node: Node,
}

impl Node {
    /// Reads one document.
    pub(crate) fn parse(text: &str, file: &str) -> Result<Self, ManifestFault> {
        let options = serde_yaml::options! { budget: serde_yaml::budget! { max_depth: DEPTH_MAX } };
        match serde_yaml::from_str_with_options::<Spanned<Value>>(text, options) {
            Ok(spanned) => Ok(spanned.into()),
            Err(error) => {
                let location = error.location();
                let said = error.without_snippet().to_string();
                let deep = ["depth", "recursion"].iter().any(|word| said.to_lowercase().contains(word));
                let message = if deep {
                    format!("lists and maps nest deeper than {DEPTH_MAX} levels here")
                } else {
                    format!("this is not YAML: {said}")
                };
                Err(ManifestFault {
                    file: file.to_owned(),
                    line: location.map_or(1, |at| u32::try_from(at.line()).unwrap_or(u32::MAX)),
                    column: location.map_or(1, |at| u32::try_from(at.column()).unwrap_or(u32::MAX)),
                    message,
                    help: None,
                })
            }
        }
    }

    /// The member of that key, if this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node),
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => None,
        }
    }

    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Boolean(_) => "true/false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// A leaf as text: texts, numbers and booleans.
    pub(crate) fn leaf(&self) -> Option<String> {
        match &self.value {
            Value::Boolean(value) => Some(value.to_string()),
            Value::Number(value) | Value::Text(value) => Some(value.clone()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// `over` laid over `self`, key by key: one level deep, members that are not maps are replaced.
    pub(crate) fn overlaid(&self, over: &Self) -> Self {
        let (Value::Map(below), Value::Map(above)) = (&self.value, &over.value) else { return over.clone() };
        let mut entries: Vec<Entry> = below.clone();
        for entry in above {
            match entries.iter_mut().find(|known| known.key == entry.key) {
                Some(known) => *known = entry.clone(),
                None => entries.push(entry.clone()),
            }
        }
        Self { at: over.at, value: Value::Map(entries) }
    }

    /// `over` laid over `self` at every level (`extends`): maps are merged, all else is replaced, `null` removes.
    pub(crate) fn extended(&self, over: &Self) -> Self {
        let (Value::Map(below), Value::Map(above)) = (&self.value, &over.value) else { return over.clone() };
        let mut entries: Vec<Entry> = below.clone();
        for entry in above {
            let removes = matches!(entry.node.value, Value::Null);
            match entries.iter().position(|known| known.key == entry.key) {
                Some(place) if removes => {
                    entries.remove(place);
                }
                Some(place) => {
                    if let Some(known) = entries.get_mut(place) {
                        known.node = known.node.extended(&entry.node);
                        known.key_at = entry.key_at;
                    }
                }
                None if removes => {}
                None => entries.push(entry.clone()),
            }
        }
        Self { at: over.at, value: Value::Map(entries) }
    }

    /// Marks every place as so many `extends` away.
    pub(crate) fn in_layer(mut self, layer: u8) -> Self {
        self.at.layer = layer;
        self.value = match self.value {
            Value::List(items) => Value::List(items.into_iter().map(|item| item.in_layer(layer)).collect()),
            Value::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|entry| Entry {
                        key_at: At { layer, ..entry.key_at },
                        key: entry.key,
                        node: entry.node.in_layer(layer),
                    })
                    .collect(),
            ),
            leaf @ (Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_)) => leaf,
        };
        self
    }

    /// As JSON text, which every YAML reader reads.
    pub(crate) fn to_json(&self) -> Json<'static> {
        match &self.value {
            Value::Null => Json::Null,
            Value::Boolean(value) => Json::Boolean(*value),
            // Digits that are no JSON number (`.5`, `1_000`) are written as the text that they were.
            Value::Number(digits) => match Json::parse(digits) {
                Ok(number @ Json::Number(_)) => number.into_owned(),
                Ok(_) | Err(_) => Json::text(digits.clone()),
            },
            Value::Text(text) => Json::text(text.clone()),
            Value::List(items) => Json::List(items.iter().map(Self::to_json).collect()),
            Value::Map(entries) => {
                Json::Record(entries.iter().map(|entry| (entry.key.clone().into(), entry.node.to_json())).collect())
            }
        }
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { at: place(&spanned.referenced), value: spanned.value }
    }
}

fn place(location: &serde_yaml::Location) -> At {
    At {
        line: u32::try_from(location.line()).unwrap_or(u32::MAX),
        column: u32::try_from(location.column()).unwrap_or(u32::MAX),
        layer: 0,
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
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
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(item.into());
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = members.next_entry::<Spanned<String>, Spanned<Value>>()? {
            entries.push(Entry { key_at: place(&key.referenced), key: key.value, node: value.into() });
        }
        Ok(Value::Map(entries))
    }
}
