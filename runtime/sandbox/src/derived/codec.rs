//! How records stand on the wire: plain JSON, wrapped JSON, XML, XML by name, rows of text. In: a manifest's codec and a record
//! in the catalogue's shape. Out: the wire's shape, and back. Written anew here: the drivers' codec is another reading.

use mapwright_manifest::{Codec, JsonCodec, NamedXml};
use mapwright_values::Json;

use super::schema::{FieldType, Shape};
use super::tree::{Value, items, members, plain};
use super::xml::{self, Element, Node};

/// A system's codec.
#[derive(Clone, Debug)]
pub(crate) struct Wire(pub(crate) Codec);

impl Default for Wire {
    fn default() -> Self {
        Self(Codec::Json(JsonCodec::default()))
    }
}

impl Wire {
    /// A document within a text or a body, as the tree that selectors see.
    pub(crate) fn decode(&self, text: &str) -> Result<Value, String> {
        match &self.0 {
            Codec::Hook(hooked) => hooked.decode(text),
            Codec::Json(_) => Json::parse(text).map(Json::into_owned).map_err(|fault| fault.to_string()),
            Codec::Xml(_) => Ok(xml::parse(text)?.to_value()),
            Codec::NamedXml(named) => Ok(by_name(named, &xml::parse(text)?)),
            Codec::Csv { separator } => rows(text, *separator),
        }
    }

    /// The text of a document.
    pub(crate) fn encode(&self, root: &str, value: &Value) -> String {
        match &self.0 {
            Codec::Json(_) => value.to_text(),
            // What cannot be written is no body that anybody could read, and says why.
            Codec::Hook(hooked) => hooked.encode(value).unwrap_or_else(|words| words),
            Codec::Xml(_) => Node::of(root, value).to_text(),
            Codec::NamedXml(named) => named_document(named, root, value).to_text(),
            Codec::Csv { separator } => table(value, *separator),
        }
    }

    /// The head of a table without rows; `None` = this is no table.
    pub(crate) fn head(&self, fields: &[FieldType]) -> Option<String> {
        let Codec::Csv { separator } = &self.0 else { return None };
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        Some(format!("{}\n", names.join(&separator.to_string())))
    }

    /// The content type of bodies.
    pub(crate) fn content_type(&self) -> &'static str {
        match &self.0 {
            Codec::Hook(hooked) => hooked.function.map_or("text/plain; charset=utf-8", |coder| coder.content_type),
            Codec::Json(_) => "application/json; charset=utf-8",
            Codec::Xml(_) | Codec::NamedXml(_) => "application/xml; charset=utf-8",
            Codec::Csv { .. } => "text/csv; charset=utf-8",
        }
    }

    /// A record as the wire shapes it.
    pub(crate) fn outward(&self, fields: &[FieldType], record: Value) -> Value {
        match &self.0 {
            Codec::Json(json) if json.tagged.is_empty() && json.list.is_none() => record,
            Codec::Json(json) => wrapped(json, fields, record),
            Codec::Xml(plain) => match &plain.item {
                Some(item) => listed(item, record),
                None => record,
            },
            Codec::NamedXml(_) | Codec::Csv { .. } | Codec::Hook(_) => record,
        }
    }

    /// A record in the catalogue's shape: typed, where the wire knows texts only.
    pub(crate) fn inward(&self, fields: &[FieldType], record: Value) -> Value {
        match &self.0 {
            Codec::Json(json) if json.tagged.is_empty() && json.list.is_none() => record,
            Codec::Json(json) => unwrapped(json, fields, record),
            Codec::Xml(_) | Codec::NamedXml(_) | Codec::Csv { .. } => typed(fields, record),
            Codec::Hook(_) => record,
        }
    }
}

/// Texts become what the catalogue has; a lone item becomes a list.
fn typed(fields: &[FieldType], record: Value) -> Value {
    let Json::Record(all) = record else { return record };
    let shaped = all.into_iter().map(|(name, value)| {
        let field = fields.iter().find(|field| field.name == name);
        let value = match field {
            Some(field) => typed_value(&field.shape, value),
            None => value,
        };
        (name, value)
    });
    Json::Record(shaped.collect())
}

fn typed_value(shape: &Shape, value: Value) -> Value {
    match (shape, value) {
        (Shape::List(inner, _), value) => {
            let list = match value {
                Json::List(list) => list,
                Json::Null => Vec::new(),
                Json::Text(text) if text.trim().is_empty() => Vec::new(),
                Json::Record(mut all) => match (all.pop(), all.is_empty()) {
                    // `<Lines><Line/><Line/></Lines>`: the one name in it is that of the items.
                    (Some((name, item)), true)
                        if inner.fields().is_none_or(|known| known.iter().all(|field| field.name != name)) =>
                    {
                        match item {
                            Json::List(list) => list,
                            lone => vec![lone],
                        }
                    }
                    (last, _) => {
                        all.extend(last);
                        vec![Json::Record(all)]
                    }
                },
                lone => vec![lone],
            };
            Json::List(list.into_iter().map(|item| typed_value(inner, item)).collect())
        }
        // Where nothing is a word, an empty place is that word.
        (Shape::Boolean(Some((yes, no))), Json::Null) if yes.is_empty() || no.is_empty() => Json::text(""),
        (Shape::Enum(words), Json::Null) if words.iter().any(String::is_empty) => Json::text(""),
        (Shape::Record(fields), record @ Json::Record(_)) => typed(fields, record),
        (Shape::Record(_), Json::Text(text)) if text.trim().is_empty() => Json::Record(Vec::new()),
        (Shape::Integer | Shape::Decimal(..) | Shape::Boolean(None), Json::Text(text)) => {
            if text.is_empty() {
                Json::Null
            } else {
                super::tree::leaf(text.trim())
            }
        }
        // Enums of numbers stay numbers on the wire; everything else is as it stands.
        (_, value) => value,
    }
}

/// `<Lines><Line/><Line/></Lines>`.
fn listed(item: &str, value: Value) -> Value {
    match value {
        Json::Record(all) => Json::Record(all.into_iter().map(|(name, value)| (name, listed(item, value))).collect()),
        Json::List(list) => {
            let list = list.into_iter().map(|value| listed(item, value)).collect();
            Json::Record(vec![(item.to_owned().into(), Json::List(list))])
        }
        other => other,
    }
}

fn word(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text(_) => "text",
        Shape::Integer => "integer",
        Shape::Decimal(..) => "decimal",
        Shape::Boolean(_) => "boolean",
        Shape::Date => "date",
        Shape::Time => "time",
        Shape::Instant => "datetime",
        Shape::Uuid(_) => "uuid",
        Shape::Enum(_) => "enum",
        Shape::Record(_) | Shape::List(..) | Shape::Json => "",
    }
}

/// Each leaf and list in the object that the manifest says.
fn wrapped(codec: &JsonCodec, fields: &[FieldType], record: Value) -> Value {
    let Json::Record(all) = record else { return record };
    let shaped = all.into_iter().map(|(name, value)| {
        let shape = fields.iter().find(|field| field.name == name).map(|field| &field.shape);
        let value = match shape {
            Some(shape) => wrapped_value(codec, shape, value),
            None => value,
        };
        (name, value)
    });
    Json::Record(shaped.collect())
}

fn wrapped_value(codec: &JsonCodec, shape: &Shape, value: Value) -> Value {
    match (shape, value) {
        (_, Json::Null) => Json::Null,
        (Shape::Record(fields), record) => wrapped(codec, fields, record),
        (Shape::List(inner, _), Json::List(list)) => {
            let list = Json::List(list.into_iter().map(|item| wrapped_value(codec, inner, item)).collect());
            match &codec.list {
                Some(member) => Json::Record(vec![(member.clone().into(), list)]),
                None => list,
            }
        }
        (shape, value) => {
            let kind = word(shape);
            let tag = codec.tagged.iter().find(|tag| !kind.is_empty() && (tag.kind == kind || tag.kind == "any"));
            match tag {
                Some(tag) => Json::Record(vec![(tag.member.clone().into(), value)]),
                None => value,
            }
        }
    }
}

fn unwrapped(codec: &JsonCodec, fields: &[FieldType], record: Value) -> Value {
    let Json::Record(all) = record else { return record };
    let shaped = all.into_iter().map(|(name, value)| {
        let shape = fields.iter().find(|field| field.name == name).map(|field| &field.shape);
        let value = match shape {
            Some(shape) => unwrapped_value(codec, shape, value),
            None => value,
        };
        (name, value)
    });
    Json::Record(shaped.collect())
}

fn unwrapped_value(codec: &JsonCodec, shape: &Shape, value: Value) -> Value {
    match (shape, value) {
        (Shape::Record(fields), record) => unwrapped(codec, fields, record),
        (Shape::List(inner, _), value) => {
            let list = match (&codec.list, value) {
                (Some(member), Json::Record(all)) => {
                    all.into_iter().find(|(name, _)| name == member).map_or(Json::Null, |(_, list)| list)
                }
                (_, value) => value,
            };
            match list {
                Json::List(list) => {
                    Json::List(list.into_iter().map(|item| unwrapped_value(codec, inner, item)).collect())
                }
                other => other,
            }
        }
        (shape, Json::Record(all)) => {
            let kind = word(shape);
            let tag = codec.tagged.iter().find(|tag| tag.kind == kind || tag.kind == "any");
            let lone = tag.and_then(|tag| all.iter().find(|(name, _)| *name == tag.member));
            match lone {
                Some((_, leaf)) => leaf.clone(),
                None => Json::Record(all),
            }
        }
        (_, value) => value,
    }
}

/// The record in a document whose elements carry their names in an attribute.
fn by_name(codec: &NamedXml, element: &Element) -> Value {
    let mut all: Vec<(std::borrow::Cow<'static, str>, Value)> = Vec::new();
    let mut lone_rows = Vec::new();
    for child in &element.children {
        let named = |attribute: &str| child.attribute(attribute).map(str::to_owned);
        if child.name == codec.row {
            lone_rows.push(by_name(codec, child));
        } else if child.name == codec.field.0 {
            all.extend(named(&codec.field.1).map(|name| (name.into(), Json::text(child.text.clone()))));
        } else if child.name == codec.group.0 {
            all.extend(named(&codec.group.1).map(|name| (name.into(), by_name(codec, child))));
        } else if child.name == codec.table.0 {
            let rows = child.children.iter().filter(|row| row.name == codec.row).map(|row| by_name(codec, row));
            all.extend(named(&codec.table.1).map(|name| (name.into(), Json::List(rows.collect()))));
        } else if child.name == codec.list.0 {
            let list = child.children.iter().filter(|item| item.name == codec.item);
            let list = list.map(|item| Json::text(item.text.clone())).collect();
            all.extend(named(&codec.list.1).map(|name| (name.into(), Json::List(list))));
        }
    }
    if !lone_rows.is_empty() {
        all.push((codec.row.clone().into(), Json::List(lone_rows)));
    }
    Json::Record(all)
}

/// A document of named elements; a list under the row's own name stands in the outermost element.
fn named_document(codec: &NamedXml, root: &str, value: &Value) -> Node {
    Node { name: root.to_owned(), attributes: Vec::new(), text: String::new(), children: named_members(codec, value) }
}

fn named_members(codec: &NamedXml, value: &Value) -> Vec<Node> {
    let mut nodes = Vec::new();
    for (name, value) in members(value) {
        let named = |kind: &(String, String), text: String, children: Vec<Node>| Node {
            name: kind.0.clone(),
            attributes: vec![(kind.1.clone(), name.clone().into_owned())],
            text,
            children,
        };
        let row = |(index, record): (usize, &Value)| Node {
            name: codec.row.clone(),
            attributes: vec![(codec.number.clone(), (index + 1).to_string())],
            text: String::new(),
            children: named_members(codec, record),
        };
        match value {
            Json::Null => {}
            Json::Record(_) => nodes.push(named(&codec.group, String::new(), named_members(codec, value))),
            Json::List(list) if *name == codec.row => nodes.extend(list.iter().enumerate().map(row)),
            Json::List(list) if list.iter().any(|item| matches!(item, Json::Record(_))) => {
                nodes.push(named(&codec.table, String::new(), list.iter().enumerate().map(row).collect()));
            }
            Json::List(list) => {
                let leaf = |item: &Value| Node {
                    name: codec.item.clone(),
                    attributes: Vec::new(),
                    text: plain(item),
                    children: Vec::new(),
                };
                nodes.push(named(&codec.list, String::new(), list.iter().map(leaf).collect()));
            }
            Json::Boolean(_) | Json::Number(_) | Json::Text(_) => {
                nodes.push(named(&codec.field, plain(value), Vec::new()));
            }
        }
    }
    nodes
}

/// Rows of text, named by the first one.
fn rows(text: &str, separator: char) -> Result<Value, String> {
    let separator = u8::try_from(separator).map_err(|_| "the separator is no plain letter".to_owned())?;
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().map_err(|fault| fault.to_string())?.iter().map(str::to_owned).collect();
    let mut list = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|fault| fault.to_string())?;
        let all = names.iter().zip(row.iter()).map(|(name, value)| {
            let value = if value.is_empty() { Json::Null } else { Json::text(value.to_owned()) };
            (name.clone().into(), value)
        });
        list.push(Json::Record(all.collect()));
    }
    Ok(Json::List(list))
}

fn table(value: &Value, separator: char) -> String {
    let list = items(value);
    let mut names: Vec<&str> = Vec::new();
    for row in &list {
        for (name, _) in members(row) {
            if !names.contains(&name.as_ref()) {
                names.push(name);
            }
        }
    }
    let mut writer =
        csv::WriterBuilder::new().delimiter(u8::try_from(separator).unwrap_or(b';')).from_writer(Vec::new());
    // Writing into memory cannot fail; a row has as many values as there are names.
    let mut written = writer.write_record(&names).is_ok();
    for row in &list {
        let values: Vec<String> = names.iter().map(|name| row.get(name).map(plain).unwrap_or_default()).collect();
        written &= writer.write_record(&values).is_ok();
    }
    match writer.into_inner() {
        Ok(bytes) if written => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(_) | Err(_) => String::new(),
    }
}
