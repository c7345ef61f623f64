//! Calls of OpenAPI that only tell the system to do something: `POST /orders/{id}/ship`. In: paths. Out: an action each, of the
//! parameters of its path and the fields of its body, to be drafted where it is asked for.

use std::collections::HashSet;

use crate::draft::{Definition, Draft, Field, Marks, Role, Shape};
use crate::fault::Fault;
use crate::names;
use crate::node::Node;
use crate::openapi::last_word;
use crate::schema::{Schemas, documentation};

/// A call, whose body may be described elsewhere.
pub(crate) struct Call {
    pub(crate) definition: Definition,
    /// The key of the definition whose fields are its body's.
    body: Option<String>,
}

/// Does posting to this address tell the system to do something to a record? What can be read there is a list, and posting to it
/// makes a record.
pub(crate) fn is_call(path: &str, item: &Node) -> bool {
    let verb = path.rsplit('/').find(|step| !step.is_empty()).unwrap_or_default();
    item.get("get").is_none() && !verb.contains('{') && path.contains('{')
}

/// Reads every call.
pub(crate) fn read(schemas: &mut Schemas<'_>, root: &Node) -> Result<Vec<Call>, Fault> {
    let mut calls = Vec::new();
    let mut taken = HashSet::new();
    for (path, item) in root.get("paths").and_then(Node::map).into_iter().flatten() {
        let Some(operation) = item.get("post") else { continue };
        if !is_call(path, item) {
            continue;
        }
        let escaped = path.replace('~', "~0").replace('/', "~1");
        let at = format!("/paths/{escaped}/post");
        let name = names::unique(&named(path, operation), &mut taken);
        let mut fields = Vec::new();
        let own = operation.get("parameters").map(Node::list).unwrap_or_default();
        let shared = item.get("parameters").map(Node::list).unwrap_or_default();
        for parameter in own.iter().chain(shared).filter(|parameter| parameter.text_of("in") == Some("path")) {
            let Some(wire) = parameter.text_of("name") else { continue };
            let subject = format!("{name}.{wire}");
            let mut typed = schemas.typed(parameter.get("schema").unwrap_or(parameter), &subject, 1)?;
            typed.optional = false;
            let marks = Marks { key: true, required: true, ..Marks::default() };
            let place = schemas.place(parameter);
            fields.push(Field { wire: wire.to_owned(), typed, marks, doc: documentation(parameter), place });
        }
        let mut body = None;
        if let Some(pointer) = sent(root, &at)
            && let Some((pointer, node)) = schemas.followed(&pointer)
            && schemas.is_record(node)
        {
            schemas.ask(&pointer, Role::Type);
            if pointer.starts_with("/paths/") {
                schemas.name(&pointer, &name);
            }
            body = Some(schemas.key(&pointer));
        }
        let place = schemas.place(operation);
        let (doc, role) = (documentation(operation), Role::Call);
        let shape = Shape::Record(fields);
        let definition = Definition { name, role, doc, body: shape, place, notes: Vec::new() };
        calls.push(Call { definition, body });
    }
    Ok(calls)
}

/// Adds the fields of bodies, now that they are read; a call of no fields at all is none.
pub(crate) fn complete(calls: &mut Vec<Call>, draft: &Draft) {
    for call in &mut *calls {
        let described = call.body.as_ref().and_then(|key| draft.definitions.get(key));
        if let (Some(described), Shape::Record(fields)) = (described, &mut call.definition.body)
            && let Shape::Record(more) = &described.body
        {
            let known: HashSet<String> = fields.iter().map(|field| field.wire.clone()).collect();
            fields.extend(more.iter().filter(|field| !known.contains(&field.wire)).cloned());
        }
    }
    calls.retain(|call| matches!(&call.definition.body, Shape::Record(fields) if !fields.is_empty()));
}

/// The schema of what a call takes.
fn sent(root: &Node, at: &str) -> Option<String> {
    let carrier = format!("{at}/requestBody");
    let reference = root.pointer(&carrier)?.text_of("$ref").and_then(|reference| reference.strip_prefix('#'));
    let carrier = reference.map_or(carrier, str::to_owned);
    let media = root.pointer(&carrier)?.get("content").and_then(Node::map)?;
    let (kind, _) = media.iter().find(|(kind, content)| kind.contains("json") && content.get("schema").is_some())?;
    Some(format!("{carrier}/content/{}/schema", kind.replace('/', "~1")))
}

/// The name that the description gives, else what it is done to and what is done: `orders_ship`.
fn named(path: &str, operation: &Node) -> String {
    if let Some(id) = operation.text_of("operationId").filter(|id| id.len() <= 60) {
        return id.to_owned();
    }
    let above = path.rsplit_once('/').map_or("", |(above, _)| above);
    format!("{}_{}", last_word(above), last_word(path))
}
