//! A saved answer of a system, read as its manifest says and compared with its catalogue. In: the text, and what was asked. Out: how
//! many records it holds, and everything in them for which the catalogue has no place, each by its JSON pointer.
//! Never: a judgement on what class an answer is of; that is the drivers'.

use std::collections::BTreeSet;

use mapwright_manifest::{Driver, Manifest, Selector, SelectorRoot, SelectorStep, Verb};
use mapwright_values::Json;

use super::codec::Wire;
use super::schema::{FieldType, Schema, Shape};
use super::tree::{Names, Value, items, plain};
use super::{check, xml};

/// An answer that was saved, and what had been asked.
#[derive(Clone, Copy, Debug)]
pub struct SavedAnswer<'a> {
    /// `list`, `get`, `create`...
    pub verb: Verb,
    /// The entity in the catalogue.
    pub entity: &'a str,
    /// The body as it came.
    pub text: &'a str,
    /// Fields that the catalogue leaves out on purpose, by the end of their paths.
    pub left_out: &'a [String],
}

/// What is in an answer and has no place in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where, as a JSON pointer into the body; into the document within it, where the manifest says `decode`.
    pub pointer: String,
    /// What is wrong, as a sentence without its end.
    pub words: String,
}

/// What an answer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedRecords {
    /// How many records were found.
    pub count: usize,
    /// All that does not fit.
    pub misfits: Vec<Misfit>,
}

impl Schema {
    /// Reads a saved answer.
    ///
    /// # Errors
    /// It cannot be read as the manifest says, in words.
    pub fn read_saved(&self, manifest: &Manifest, saved: &SavedAnswer<'_>) -> Result<SavedRecords, String> {
        let word = saved.verb.word();
        let entity = self.entity(saved.entity).filter(|entity| !entity.action);
        let entity = entity.ok_or_else(|| format!("the catalogue has no entity `{}`", saved.entity))?;
        let operation = manifest.entity(saved.entity).and_then(|entity| entity.operation(saved.verb));
        let operation =
            operation.ok_or_else(|| format!("the manifest does not say how to `{word}` {}", saved.entity))?;
        if operation.gives_keys {
            return Err(format!("a list of {} tells keys alone: save what `get` answers", saved.entity));
        }
        let wire = Wire(manifest.codec.clone());
        let body = body(manifest, &wire, saved.text)?;
        let names = Names { any: "", entity: &Json::Null };
        let decoded = match operation.decode.iter().find_map(|selector| found(&body, None, selector, names).pop()) {
            Some((pointer, value)) => {
                let text = plain(value);
                let decoded = wire.decode(&text);
                Some(decoded.map_err(|words| format!("the document at `{pointer}` cannot be read: {words}"))?)
            }
            None => None,
        };
        let selectors = if operation.records.is_empty() { &operation.record } else { &operation.records };
        let selected = selectors.iter().map(|selector| found(&body, decoded.as_ref(), selector, names));
        let selected = selected.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
        let patterns = open_names(manifest);
        let graph = manifest.driver == Driver::Graphql;
        let mut comparing =
            Comparing { left_out: saved.left_out, patterns, told: BTreeSet::new(), misfits: Vec::new() };
        for (pointer, record) in &selected {
            let record = if graph { flattened(&entity.fields, (*record).clone()) } else { (*record).clone() };
            let mut path = vec![entity.name.clone()];
            comparing.record(&entity.fields, pointer, &mut path, &wire.inward(&entity.fields, record));
        }
        let count = if operation.returns_nothing { 0 } else { selected.len() };
        Ok(SavedRecords { count, misfits: comparing.misfits })
    }
}

/// The body as the tree that selectors read.
fn body(manifest: &Manifest, wire: &Wire, text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    match manifest.driver {
        Driver::Soap => {
            let root = xml::parse(text)?;
            let body = root.child("Body").filter(|_| root.name == "Envelope").ok_or("this is no SOAP envelope")?;
            let response = body.children.first().ok_or("the envelope's body is empty")?;
            Ok(response.to_value())
        }
        Driver::Graphql => Json::parse(text).map(Json::into_owned).map_err(|fault| format!("it is no JSON: {fault}")),
        Driver::Rest | Driver::Odata => wire.decode(text).map_err(|fault| format!("it cannot be read: {fault}")),
    }
}

/// Everything that a selector finds, each with its JSON pointer.
fn found<'v>(
    body: &'v Value,
    decoded: Option<&'v Value>,
    selector: &Selector,
    names: Names<'_>,
) -> Vec<(String, &'v Value)> {
    let root = match selector.root {
        SelectorRoot::Body => Some(body),
        SelectorRoot::Decoded => decoded,
        SelectorRoot::Header
        | SelectorRoot::Cookie
        | SelectorRoot::Status
        | SelectorRoot::Record
        | SelectorRoot::Each
        | SelectorRoot::Query
        | SelectorRoot::Form => None,
    };
    let mut places: Vec<(String, &'v Value)> = root.map(|root| (String::new(), root)).into_iter().collect();
    for step in &selector.steps {
        places = places.into_iter().flat_map(|(pointer, value)| stepped(&pointer, value, step, names)).collect();
    }
    places.retain(|(_, value)| !value.is_null());
    places
}

fn stepped<'v>(pointer: &str, value: &'v Value, step: &SelectorStep, names: Names<'_>) -> Vec<(String, &'v Value)> {
    let one = |name: &str| value.get(name).map(|inner| (format!("{pointer}/{}", escaped(name)), inner));
    let numbered = || items(value).into_iter().enumerate().map(|(at, item)| (format!("{pointer}/{at}"), item));
    match step {
        SelectorStep::Member(name) => one(name).into_iter().collect(),
        SelectorStep::EntityMember(own) => names.entity.get(own).and_then(|own| one(&plain(own))).into_iter().collect(),
        SelectorStep::Any => super::tree::members(value).first().and_then(|(name, _)| one(name)).into_iter().collect(),
        SelectorStep::Each => numbered().collect(),
        SelectorStep::Item(index) => numbered().nth(*index).into_iter().collect(),
    }
}

/// A name as a JSON pointer spells it.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Beginnings of names that each project declares for itself (`U_*`).
fn open_names(manifest: &Manifest) -> BTreeSet<String> {
    let fields = manifest.entities.values().flat_map(|entity| &entity.filter_on);
    fields.filter_map(|field| field.pattern.strip_suffix('*')).map(str::to_owned).collect()
}

/// Connections (`edges`, `nodes`) as the lists that the catalogue has.
fn flattened(fields: &[FieldType], record: Value) -> Value {
    let Json::Record(members) = record else { return record };
    let members = members.into_iter().map(|(name, value)| {
        let shape = fields.iter().find(|field| field.name == name).map(|field| &field.shape);
        let value = match (shape, value) {
            (Some(Shape::List(inner, _)), Json::Record(page)) => {
                let page = Json::Record(page);
                let nodes: Vec<Value> = match page.get("edges") {
                    Some(edges) => items(edges).into_iter().filter_map(|edge| edge.get("node").cloned()).collect(),
                    None => page.get("nodes").map(items).unwrap_or_default().into_iter().cloned().collect(),
                };
                Json::List(nodes.into_iter().map(|node| flattened(inner.fields().unwrap_or_default(), node)).collect())
            }
            (Some(Shape::List(inner, _)), Json::List(list)) => {
                Json::List(list.into_iter().map(|item| flattened(inner.fields().unwrap_or_default(), item)).collect())
            }
            (Some(Shape::Record(inner)), value) => flattened(inner, value),
            (_, value) => value,
        };
        (name, value)
    });
    Json::Record(members.collect())
}

/// A comparison under way.
struct Comparing<'l> {
    left_out: &'l [String],
    patterns: BTreeSet<String>,
    /// Fields of which something was told: what is wrong in a hundred rows is one fault.
    told: BTreeSet<String>,
    misfits: Vec<Misfit>,
}

impl Comparing<'_> {
    fn wrong(&mut self, pointer: &str, path: &[String], words: String) {
        if self.told.insert(path.join(".")) {
            self.misfits.push(Misfit { pointer: pointer.to_owned(), words });
        }
    }

    /// `path` = the names that lead there, the entity's first.
    fn record(&mut self, fields: &[FieldType], pointer: &str, path: &mut Vec<String>, value: &Value) {
        let Json::Record(members) = value else {
            return self.wrong(pointer, path, format!("an object is expected, and this is {}", shortened(value)));
        };
        for (name, value) in members {
            // What describes a record in the protocol's own words is no data.
            if name.starts_with('@') || name.contains("@odata") || name.starts_with("odata.") || name == "__typename" {
                continue;
            }
            let here = format!("{pointer}/{}", escaped(name));
            path.push(name.clone().into_owned());
            match fields.iter().find(|field| field.name == *name) {
                Some(field) => self.field(field, &here, path, value),
                None if value.is_null() || self.is_left_out(fields, path, name) => {}
                None => self.wrong(
                    &here,
                    path,
                    format!("the catalogue has no field `{}` for {}", path.join("."), shortened(value)),
                ),
            }
            path.pop();
        }
    }

    /// Is it left to each project, or left out on purpose?
    fn is_left_out(&self, fields: &[FieldType], path: &[String], name: &str) -> bool {
        // A record without fields of its own is each project's to extend; one that holds something has places of its own.
        let open = path.len() > 2 && fields.is_empty();
        let ends_so = |end: &String| path.ends_with(&end.split('.').map(str::to_owned).collect::<Vec<_>>());
        open || self.patterns.iter().any(|beginning| name.starts_with(beginning.as_str()))
            || self.left_out.iter().any(ends_so)
    }

    fn field(&mut self, field: &FieldType, pointer: &str, path: &mut Vec<String>, value: &Value) {
        if value.is_null() {
            if !field.optional {
                self.wrong(
                    pointer,
                    path,
                    format!("it is null, and the catalogue promises a value: write `{}` with a `?`", field.name),
                );
            }
            return;
        }
        let blank = matches!(value, Json::Text(text) if text.trim().is_empty());
        if field.missing_as.as_ref() == Some(value) || (field.optional && blank) {
            return;
        }
        self.shape(&field.shape, pointer, path, value);
    }

    fn shape(&mut self, shape: &Shape, pointer: &str, path: &mut Vec<String>, value: &Value) {
        match (shape, value) {
            (Shape::Record(fields), _) => self.record(fields, pointer, path, value),
            (Shape::List(inner, _), Json::List(list)) => {
                for (index, item) in list.iter().enumerate() {
                    self.shape(inner, &format!("{pointer}/{index}"), path, item);
                }
            }
            (other, _) => {
                if let Err(words) = check::leaf(other, &path.join("."), value) {
                    self.wrong(pointer, path, words);
                }
            }
        }
    }
}

/// A value as a message shows it.
fn shortened(value: &Value) -> String {
    const LETTERS_MAX: usize = 40;
    let text = value.to_text();
    if text.chars().count() <= LETTERS_MAX {
        return text;
    }
    format!("{}...", text.chars().take(LETTERS_MAX).collect::<String>())
}
