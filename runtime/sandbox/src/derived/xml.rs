//! XML, read and written. In: text. Out: elements without prefixes; a tree as text. A document type is refused.

use mapwright_values::Json;
use quick_xml::escape::{escape, partial_escape, resolve_xml_entity};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::tree::{Value, members, plain};

/// How deep elements may be nested.
const DEPTH_MAX: usize = 64;

/// An element that was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    /// Without namespaces and what says how it is encoded.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
    /// A SOAP array.
    array: bool,
    nil: bool,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// As a tree: children by name, a name that comes again as a list, an array as a list of its children.
    pub(crate) fn to_value(&self) -> Value {
        if self.nil {
            return Json::Null;
        }
        if self.array {
            return Json::List(self.children.iter().map(Self::to_value).collect());
        }
        if self.children.is_empty() {
            return Json::text(self.text.clone());
        }
        let mut all: Vec<(std::borrow::Cow<'static, str>, Value)> = Vec::new();
        for child in &self.children {
            let value = child.to_value();
            match all.iter_mut().find(|(name, _)| *name == child.name) {
                Some((_, Json::List(list))) if !child.array => list.push(value),
                Some((_, known)) => *known = Json::List(vec![std::mem::replace(known, Json::Null), value]),
                None => all.push((child.name.clone().into(), value)),
            }
        }
        Json::Record(all)
    }
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|error| format!("{error} (byte {})", reader.error_position()))?;
        let closed = match event {
            Event::Start(start) => {
                if open.len() >= DEPTH_MAX {
                    return Err(format!("elements are nested more than {DEPTH_MAX} deep"));
                }
                open.push(element(&start)?);
                None
            }
            Event::Empty(start) => Some(element(&start)?),
            Event::End(_) => Some(open.pop().ok_or("an element ends that did not begin")?),
            Event::Text(text) => {
                push_text(&mut open, &text.xml10_content());
                None
            }
            Event::CData(text) => {
                push_text(&mut open, &text.xml10_content());
                None
            }
            Event::GeneralRef(reference) => {
                let letter = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                let name = reference.into_inner();
                let resolved = match letter {
                    Some(letter) => letter.to_string(),
                    None => resolve_xml_entity(&name).ok_or("an entity of the document's own is refused")?.to_owned(),
                };
                push_text(&mut open, &resolved);
                None
            }
            Event::DocType(_) => return Err("a document type is refused".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => None,
            Event::Eof => return Err("the document ends within an element".to_owned()),
        };
        if let Some(element) = closed {
            match open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => return Ok(element),
            }
        }
    }
}

fn push_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn bare(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut found = Element { name: bare(start.name().as_ref()), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let name = attribute.key.as_ref().to_owned();
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?.into_owned();
        match bare(&name).as_str() {
            "nil" => found.nil = value == "true" || value == "1",
            "arrayType" => found.array = true,
            _ if name.contains(':') || name == "xmlns" => {}
            other => found.attributes.push((other.to_owned(), value)),
        }
    }
    Ok(found)
}

/// An element to write.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// An element with only children.
    pub(crate) fn around(name: &str, children: Vec<Self>) -> Self {
        Self { name: name.to_owned(), children, ..Self::default() }
    }

    /// An element with only text.
    pub(crate) fn leaf(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), ..Self::default() }
    }

    /// The same with one more attribute.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.attributes.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A tree as an element; a list within a record is its element again and again.
    pub(crate) fn of(name: &str, value: &Value) -> Self {
        let mut node = Self { name: name.to_owned(), ..Self::default() };
        match value {
            Json::Record(_) => node.children = Self::members(value),
            Json::List(list) => node.children = list.iter().map(|item| Self::of("item", item)).collect(),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => node.text = plain(value),
        }
        node
    }

    /// The members of a record as elements.
    pub(crate) fn members(value: &Value) -> Vec<Self> {
        members(value)
            .iter()
            .flat_map(|(name, value)| match value {
                Json::List(list) => list.iter().map(|item| Self::of(name, item)).collect(),
                Json::Null => Vec::new(),
                Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => vec![Self::of(name, value)],
            })
            .collect()
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        text.push('<');
        text.push_str(&self.name);
        for (name, value) in &self.attributes {
            text.push_str(&format!(" {name}=\"{}\"", escape(value.as_str())));
        }
        if self.children.is_empty() && self.text.is_empty() {
            text.push_str("/>");
            return;
        }
        text.push('>');
        text.push_str(&partial_escape(self.text.as_str()));
        for child in &self.children {
            child.write(text);
        }
        text.push_str(&format!("</{}>", self.name));
    }
}
