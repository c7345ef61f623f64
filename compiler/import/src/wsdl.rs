//! WSDL 1.1 to the draft: records that operations take and give are entities, operations of values alone are actions.

use std::collections::{HashMap, HashSet};

use crate::draft::{Definition, Draft, Field, Marks, Role, Shape, Typed, guess_change_stamp, guess_key, one_line};
use crate::fault::{Fault, Note, Place};
use crate::xml::Element;
use crate::xsd::{Schema, Types};

/// How many covers may lie around a record.
const COVERS_MAX: usize = 6;

/// A WSDL with the file that it stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service<'x> {
    pub(crate) file: &'x str,
    pub(crate) source: usize,
    pub(crate) root: &'x Element,
}

/// Reads descriptions of services, with the schemas in them and those beside them.
pub(crate) fn read<'x>(services: &[Service<'x>], beside: &[Schema<'x>]) -> Result<Draft, Fault> {
    let mut schemas: Vec<Schema<'x>> = beside.to_vec();
    for Service { file, source, root } in services {
        let inside = root.all("types").flat_map(|types| types.all("schema"));
        schemas.extend(inside.map(|element| Schema { file, source: *source, element }));
    }
    let mut types = Types::read(&schemas)?;
    let mut entities: Vec<String> = Vec::new();
    let mut actions: Vec<(String, Definition)> = Vec::new();
    let mut seen = HashSet::new();
    for service in services {
        let messages: HashMap<&str, &'x Element> =
            service.root.all("message").filter_map(|message| Some((message.attribute("name")?, message))).collect();
        let ports = service.root.all("portType").flat_map(|port| port.all("operation"));
        for operation in ports {
            let name = operation.attribute("name").unwrap_or_default();
            if !seen.insert(name.to_owned()) {
                continue;
            }
            let mut carried = |direction: &str| {
                let message = operation.child(direction)?.attribute("message")?;
                let message = messages.get(message.rsplit(':').next()?)?;
                Some(carried(&mut types, message, service.source))
            };
            let (input, output) = (carried("input").unwrap_or_default(), carried("output").unwrap_or_default());
            let found: Vec<String> =
                input.iter().chain(&output).filter_map(|field| record_in(&types.draft, &field.typed.shape)).collect();
            let place = Place { source: service.source, line: operation.line };
            if found.is_empty() && !input.is_empty() {
                let doc = operation.told(&["documentation"]);
                let body = Shape::Record(input);
                let note = Note {
                    place,
                    subject: name.to_owned(),
                    text: "drafted as an action, for it takes no record: remove it if it only reads".to_owned(),
                };
                let action =
                    Definition { name: name.to_owned(), role: Role::Action, doc, body, place, notes: vec![note] };
                actions.push((format!("action {name}"), action));
            }
            entities.extend(found);
        }
    }
    let title = services.iter().find_map(|service| {
        let named = service.root.child("service").and_then(|service| service.attribute("name"));
        named.or_else(|| service.root.attribute("name")).map(one_line)
    });
    let mut draft = types.draft;
    draft.title = title;
    make_entities(&mut draft, &entities);
    draft.definitions.extend(actions);
    if draft.definitions.is_empty() {
        let (file, line) = services.first().map_or(("", 0), |service| (service.file, service.root.line));
        return Err(Fault::at(
            file,
            line,
            "it describes neither types nor operations",
            "name the files that it imports too",
        ));
    }
    Ok(draft)
}

/// What a message carries: the parts, or the fields of the one element around them.
fn carried<'x>(types: &mut Types<'x>, message: &'x Element, source: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    for part in message.all("part") {
        let place = Place { source, line: part.line };
        let name = part.attribute("name").unwrap_or_default();
        if let Some(element) = part.attribute("element") {
            let element = part.resolved(element);
            let Some(typed) = types.of_element(&element) else { continue };
            match &typed.shape {
                Shape::Named(key) => match types.draft.definitions.get(key).map(|known| &known.body) {
                    Some(Shape::Record(inner)) if key.starts_with("element ") => fields.extend(inner.iter().cloned()),
                    Some(_) | None => fields.push(field(&element.1, typed, place)),
                },
                _ => fields.push(field(&element.1, typed, place)),
            }
        } else if let Some(named) = part.attribute("type") {
            let named = part.resolved(named);
            if let Some(typed) = types.of_type(&named, part, source) {
                fields.push(field(name, typed, place));
            }
        }
    }
    fields
}

fn field(wire: &str, typed: Typed, place: Place) -> Field {
    let marks = Marks { required: !typed.optional, ..Marks::default() };
    Field { wire: wire.to_owned(), typed, marks, doc: String::new(), place }
}

/// The record within lists and covers.
fn record_in(draft: &Draft, shape: &Shape) -> Option<String> {
    let mut at = shape;
    for _ in 0..COVERS_MAX {
        match at {
            Shape::List { element, .. } => at = &element.shape,
            Shape::Named(key) => match draft.definitions.get(key).map(|known| &known.body) {
                Some(Shape::Record(fields)) => match fields.as_slice() {
                    [only] if matches!(only.typed.shape, Shape::List { .. }) => at = &only.typed.shape,
                    _ => return Some(key.clone()),
                },
                Some(list @ Shape::List { .. }) => at = list,
                Some(_) | None => return None,
            },
            _ => return None,
        }
    }
    None
}

/// Makes definitions entities, with keys and change stamps as far as names tell them.
pub(crate) fn make_entities(draft: &mut Draft, keys: &[String]) {
    for key in keys {
        let Some(definition) = draft.definitions.get_mut(key).filter(|known| known.role != Role::Entity) else {
            continue;
        };
        definition.role = Role::Entity;
        if let Shape::Record(fields) = &mut definition.body {
            guess_key(&definition.name, fields, definition.place, &mut definition.notes);
            guess_change_stamp(&definition.name, fields, &mut definition.notes);
        }
    }
}
