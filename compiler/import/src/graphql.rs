//! The answer to GraphQL's introspection query to the draft.
//!
//! Entities are the objects that the query's fields lead to, through connections and lists; inputs can be chosen by name and
//! then tell what a new record must have.

use indexmap::{IndexMap, IndexSet};

use crate::draft::{
    DIGITS_UNKNOWN, Definition, Draft, FIELDS_MAX, Field, Marks, Role, Shape, Typed, guess_change_stamp, guess_key,
    one_line,
};
use crate::fault::{Fault, Note, Place};
use crate::node::Node;

/// How many `NON_NULL` and `LIST` may lie around a type.
const WRAPS_MAX: usize = 8;

/// The schema within an introspection's answer.
pub(crate) fn schema(root: &Node) -> Option<&Node> {
    root.get("__schema").or_else(|| root.pointer("/data/__schema"))
}

/// Reads an introspection's answer.
pub(crate) fn read(file: &str, source: usize, root: &Node) -> Result<Draft, Fault> {
    let types = schema(root).and_then(|schema| schema.get("types")).map(Node::list).unwrap_or_default();
    let named = types.iter().filter_map(|known| Some((known.text_of("name")?, known)));
    let mut reading = Reading { source, types: named.collect(), fields: 0 };
    let mut draft = Draft::default();
    let roots: Vec<&str> = ["queryType", "mutationType", "subscriptionType"]
        .iter()
        .filter_map(|word| schema(root)?.get(word)?.text_of("name"))
        .collect();
    let entities = reading.entities(roots.first().copied().unwrap_or("Query"));
    for known in types {
        let Some(name) = known.text_of("name").filter(|name| !name.starts_with("__") && !roots.contains(name)) else {
            continue;
        };
        let place = Place { source, line: known.line };
        let doc = one_line(known.text_of("description").unwrap_or_default());
        let kind = known.text_of("kind").unwrap_or_default();
        let mut notes = Vec::new();
        let body = match kind {
            "ENUM" => {
                let values = known.get("enumValues").map(Node::list).unwrap_or_default();
                let words: Vec<String> =
                    values.iter().filter_map(|value| value.text_of("name")).map(str::to_owned).collect();
                if words.is_empty() { Shape::TEXT } else { Shape::Enum(words) }
            }
            "OBJECT" | "INTERFACE" | "INPUT_OBJECT" => {
                let mut fields = reading.record(name, known, &mut notes);
                if entities.contains(name) {
                    guess_key(name, &mut fields, place, &mut notes);
                    guess_change_stamp(name, &mut fields, &mut notes);
                }
                Shape::Record(fields)
            }
            "UNION" => reading.union(name, known, &mut notes),
            _ => continue,
        };
        if reading.fields > FIELDS_MAX {
            let message = format!("it has more than {FIELDS_MAX} fields");
            return Err(Fault::at(file, known.line, message, "cut it down to the types that you need"));
        }
        let role = if entities.contains(name) { Role::Entity } else { Role::Type };
        draft.definitions.insert(name.to_owned(), Definition { name: name.to_owned(), role, doc, body, place, notes });
    }
    let mutation = schema(root).and_then(|schema| schema.get("mutationType")).and_then(|named| named.text_of("name"));
    let mutations = mutation.map(|mutation| reading.mutations(mutation)).unwrap_or_default();
    let called = !mutations.is_empty();
    for definition in mutations {
        draft.definitions.insert(format!("mutation {}", definition.name), definition);
    }
    if draft.definitions.is_empty() {
        return Err(Fault::at(file, 1, "its `__schema` holds no types", "send the whole introspection query"));
    }
    if called {
        draft.notes.push(Note {
            place: Place { source, line: schema(root).map_or(1, |schema| schema.line) },
            subject: String::new(),
            text: "what a new record must have stands in the inputs of mutations: choose a mutation with --entity to draft it as an action"
                .to_owned(),
        });
    }
    Ok(draft)
}

/// A type as it is written, without its wraps.
struct Reference<'n> {
    name: &'n str,
    /// Never null.
    present: bool,
    list: bool,
    /// No element is null.
    elements_present: bool,
}

struct Reading<'n> {
    source: usize,
    types: IndexMap<&'n str, &'n Node>,
    fields: usize,
}

impl<'n> Reading<'n> {
    /// Objects that the query's fields lead to.
    fn entities(&self, query: &str) -> IndexSet<&'n str> {
        let fields = self.types.get(query).and_then(|query| query.get("fields")).map(Node::list).unwrap_or_default();
        let reached = fields.iter().filter_map(|field| {
            let found = reference(field.get("type")?)?;
            self.nodes(found.name).or(Some(found.name))
        });
        reached.filter(|name| self.is_object(name)).collect()
    }

    fn is_object(&self, name: &str) -> bool {
        self.types.get(name).is_some_and(|known| known.text_of("kind") == Some("OBJECT"))
    }

    fn field_of(&self, name: &str, field: &str) -> Option<&'n Node> {
        let fields = self.types.get(name)?.get("fields")?.list();
        fields.iter().find(|known| known.text_of("name") == Some(field))
    }

    /// What a connection pages through.
    fn nodes(&self, name: &str) -> Option<&'n str> {
        self.field_of(name, "pageInfo")?;
        let direct = self.field_of(name, "nodes").and_then(|field| reference(field.get("type")?));
        let through_edges = || {
            let edge = reference(self.field_of(name, "edges")?.get("type")?)?;
            reference(self.field_of(edge.name, "node")?.get("type")?)
        };
        direct.or_else(through_edges).map(|found| found.name)
    }

    fn record(&mut self, owner: &str, known: &'n Node, notes: &mut Vec<Note>) -> Vec<Field> {
        let input = known.text_of("kind") == Some("INPUT_OBJECT");
        let listed = known.get(if input { "inputFields" } else { "fields" }).map(Node::list).unwrap_or_default();
        self.fields_of(owner, listed, input, notes)
    }

    /// Mutations: each an action of its arguments.
    fn mutations(&mut self, mutation: &str) -> Vec<Definition> {
        let listed = self.types.get(mutation).and_then(|known| known.get("fields")).map(Node::list).unwrap_or_default();
        let mut found = Vec::with_capacity(listed.len());
        for field in listed {
            let Some(name) = field.text_of("name") else { continue };
            let arguments = field.get("args").map(Node::list).unwrap_or_default();
            let mut notes = Vec::new();
            let fields = self.fields_of(name, arguments, true, &mut notes);
            if fields.is_empty() {
                continue;
            }
            let doc = one_line(field.text_of("description").unwrap_or_default());
            let (body, place) = (Shape::Record(fields), Place { source: self.source, line: field.line });
            found.push(Definition { name: name.to_owned(), role: Role::Call, doc, body, place, notes });
        }
        found
    }

    /// One of several types: the fields of all of them, each of which may be missing, and the type's name.
    fn union(&mut self, owner: &str, known: &'n Node, notes: &mut Vec<Note>) -> Shape {
        let place = Place { source: self.source, line: known.line };
        let mut note = |text: String| notes.push(Note { place, subject: owner.to_owned(), text });
        let possible = known.get("possibleTypes").map(Node::list).unwrap_or_default();
        let names: Vec<&'n str> = possible.iter().filter_map(|kind| kind.text_of("name")).collect();
        let (mut fields, mut manifest): (Vec<Field>, Vec<(&str, Vec<String>)>) = (Vec::new(), Vec::new());
        let mut unlike: IndexSet<String> = IndexSet::new();
        for name in &names {
            let Some(kind) = self.types.get(name).copied() else { continue };
            let own = self.record(name, kind, &mut Vec::new());
            manifest.push((*name, own.iter().map(|field| field.wire.clone()).collect()));
            for mut field in own {
                field.typed.optional = true;
                match fields.iter().find(|known| known.wire == field.wire) {
                    Some(same) if same.typed == field.typed => {}
                    Some(_) => drop(unlike.insert(field.wire)),
                    None => fields.push(field),
                }
            }
        }
        if fields.is_empty() {
            note("none of its types is described; drafted as `json`, which is passed on unread".to_owned());
            return Shape::Json;
        }
        fields.retain(|field| !unlike.contains(&field.wire));
        if !unlike.is_empty() {
            let unlike: Vec<&str> = unlike.iter().map(String::as_str).collect();
            note(format!("not drafted: {}, of which its types have fields that differ", unlike.join(", ")));
        }
        let whose = manifest.iter().map(|(name, own)| {
            let own: Vec<&str> = own.iter().filter(|wire| !unlike.contains(*wire)).map(String::as_str).collect();
            format!("{name}: [{}]", own.join(", "))
        });
        let whose = whose.collect::<Vec<String>>().join(", ");
        note(format!(
            "it is one of several types: where a field leads to it, the manifest says at the entity which fields are whose: types: {{ FIELD: {{ {whose} }} }}"
        ));
        let words = names.iter().map(|name| (*name).to_owned()).collect();
        let typed = Typed::plain(Shape::Enum(words));
        let doc = "Which of the types it is".to_owned();
        fields.insert(0, Field { wire: "__typename".to_owned(), typed, marks: Marks::default(), doc, place });
        Shape::Record(fields)
    }

    /// Fields of a type, or arguments of a call.
    fn fields_of(&mut self, owner: &str, listed: &'n [Node], input: bool, notes: &mut Vec<Note>) -> Vec<Field> {
        let mut fields = Vec::with_capacity(listed.len());
        for field in listed {
            let Some(wire) = field.text_of("name") else { continue };
            let place = Place { source: self.source, line: field.line };
            let subject = format!("{owner}.{wire}");
            let mut note = |text: String| notes.push(Note { place, subject: subject.clone(), text });
            let asked = field.get("args").map(Node::list).unwrap_or_default().iter().find(|argument| {
                let required = argument.get("type").and_then(|named| named.text_of("kind")) == Some("NON_NULL");
                required && argument.get("defaultValue").and_then(Node::leaf).is_none()
            });
            if let Some(argument) = asked.and_then(|argument| argument.text_of("name")) {
                note(format!("not drafted: it is only given with the argument `{argument}`"));
                continue;
            }
            let Some(found) = field.get("type").and_then(reference) else {
                note("not drafted: its type cannot be read".to_owned());
                continue;
            };
            self.fields += 1;
            let typed = self.typed(&found, &mut note);
            let default = field.get("defaultValue").and_then(Node::leaf);
            if let Some(default) = &default {
                note(format!(
                    "what the system takes where nothing is sent is not carried over ({})",
                    one_line(default)
                ));
            }
            let deprecated = field.says("isDeprecated");
            let required = input && found.present && default.is_none();
            let marks = Marks { required, write_only: input, deprecated, ..Marks::default() };
            let doc = one_line(field.text_of("description").unwrap_or_default());
            fields.push(Field { wire: wire.to_owned(), typed, marks, doc, place });
        }
        fields
    }

    fn typed(&self, found: &Reference<'n>, note: &mut dyn FnMut(String)) -> Typed {
        let paged = self.nodes(found.name);
        let list = found.list || paged.is_some();
        let mut one = match paged {
            Some(node) => Typed::plain(Shape::Named(node.to_owned())),
            None => self.leaf(found.name, note),
        };
        if !list {
            one.optional = !found.present;
            return one;
        }
        one.optional = paged.is_none() && !found.elements_present && !matches!(one.shape, Shape::Named(_));
        Typed { optional: !found.present, ..Typed::plain(Shape::list(one)) }
    }

    fn leaf(&self, name: &'n str, note: &mut dyn FnMut(String)) -> Typed {
        match name {
            "String" | "ID" | "URL" | "HTML" => Typed::plain(Shape::TEXT),
            "Int" => Typed::plain(Shape::WHOLE),
            "Boolean" => Typed::plain(Shape::Boolean),
            "Float" => {
                note(DIGITS_UNKNOWN.to_owned());
                Typed::plain(Shape::NUMBER)
            }
            "DateTime" => Typed::plain(Shape::Instant),
            "Date" => Typed::plain(Shape::Date),
            "Time" => Typed::plain(Shape::Time),
            "UUID" | "Guid" => Typed::plain(Shape::Uuid),
            "JSON" => Typed::plain(Shape::Json),
            "Decimal" | "Money" | "BigDecimal" => {
                note(format!("{DIGITS_UNKNOWN}, written as a text"));
                Typed::as_text(Shape::NUMBER)
            }
            "Long" | "BigInt" | "UnsignedInt64" => Typed::as_text(Shape::WHOLE),
            other => match self.types.get(other).and_then(|known| known.text_of("kind")) {
                Some("OBJECT" | "INTERFACE" | "INPUT_OBJECT" | "ENUM" | "UNION") => {
                    Typed::plain(Shape::Named(other.to_owned()))
                }
                Some(_) | None => {
                    note(format!("its type `{}` is the system's own; drafted as a text", one_line(other)));
                    Typed::plain(Shape::TEXT)
                }
            },
        }
    }
}

/// A type's name and what lies around it.
fn reference(node: &Node) -> Option<Reference<'_>> {
    let mut at = node;
    let mut found = Reference { name: "", present: false, list: false, elements_present: false };
    for _ in 0..WRAPS_MAX {
        match at.text_of("kind") {
            Some("NON_NULL") if found.list => found.elements_present = true,
            Some("NON_NULL") => found.present = true,
            Some("LIST") => found.list = true,
            Some(_) => {
                found.name = at.text_of("name")?;
                return Some(found);
            }
            None => return None,
        }
        at = at.get("ofType")?;
    }
    None
}
