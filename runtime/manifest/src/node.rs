//! YAML as a tree that knows where everything stands. In: text. Out: [`Node`]s, or the one fault of syntax; and JSON.

use mapwright_values::Json;

use crate::compose::{NoTree, compose};
use crate::fault::{At, ManifestFault};

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
        compose(text).map_err(|NoTree { at, message }| ManifestFault {
            file: file.to_owned(),
            line: at.line,
            column: at.column,
            message,
            help: None,
        })
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
            // Digits are written as JSON writes them; a number of another form would be a text.
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
