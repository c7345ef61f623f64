//! OpenAPI 3.0 and 3.1, and Swagger 2.0, to the draft.
//!
//! Entities are the records that requests take and answers give: through lists, and through the covers that carry a page of
//! them. A parameter at the end of a path tells the key.

use indexmap::IndexMap;

use crate::calls;
use crate::draft::{Draft, Role, Shape, folded, one_line};
use crate::fault::{Fault, Note, Place};
use crate::json_schema::finish;
use crate::manifest;
use crate::node::Node;
use crate::schema::Schemas;

/// How many calls a note names.
const NAMED_MAX: usize = 12;

/// Fields of a cover that hold the records themselves.
const COVERED: [&str; 12] = [
    "data", "value", "items", "results", "result", "records", "content", "rows", "elements", "entries", "entity",
    "list",
];
/// A cover has no more fields than this.
const COVER_FIELDS_MAX: usize = 8;
/// How many covers and lists may lie around a record.
const COVERS_MAX: usize = 6;

/// Reads a description.
pub(crate) fn read(file: &str, source: usize, root: &Node) -> Result<Draft, Fault> {
    let mut schemas = Schemas::new(file, source, root);
    let mut keys: IndexMap<String, String> = IndexMap::new();
    for (path, item) in root.get("paths").and_then(Node::map).into_iter().flatten() {
        let at = format!("/paths/{}", path.replace('~', "~0").replace('/', "~1"));
        for method in ["get", "post", "put", "patch"] {
            if item.get(method).is_none() || (method == "post" && calls::is_call(path, item)) {
                continue;
            }
            for schema in bodies(root, &format!("{at}/{method}")) {
                let Some(Found { pointer, listed, .. }) = record(&schemas, &schema) else { continue };
                schemas.ask(&pointer, Role::Entity);
                if pointer.starts_with("/paths/") {
                    schemas.name(&pointer, last_word(path));
                }
                if !listed && let Some(parameter) = last_parameter(path) {
                    keys.entry(pointer).or_insert_with(|| parameter.to_owned());
                }
            }
        }
    }
    let groups = ["/components/schemas", "/definitions"];
    let any = groups.iter().any(|group| root.pointer(group).is_some());
    for group in groups {
        let role = if root.get("paths").and_then(Node::map).is_some_and(|paths| !paths.is_empty()) {
            Role::Type
        } else {
            Role::Entity
        };
        for (name, node) in root.pointer(group).and_then(Node::map).into_iter().flatten() {
            let pointer = format!("{group}/{}", name.replace('~', "~0").replace('/', "~1"));
            if schemas.is_record(node) {
                schemas.ask(&pointer, role);
            }
        }
    }
    if !any && keys.is_empty() && root.get("paths").is_none() {
        return Err(Fault::at(file, 1, "it has neither `paths` nor schemas", "name a whole OpenAPI description"));
    }
    let mut calls = calls::read(&mut schemas, root)?;
    schemas.read_asked()?;
    let told: Vec<(String, String)> =
        keys.iter().map(|(pointer, parameter)| (schemas.key(pointer), parameter.clone())).collect();
    let connection = manifest::read(&schemas, root);
    let mut draft = schemas.draft;
    draft.connection = Some(connection);
    for (key, parameter) in told {
        mark_key(&mut draft, &key, &parameter);
    }
    draft.title = root.pointer("/info/title").and_then(Node::text).map(one_line);
    if !calls.is_empty() {
        calls::complete(&mut calls, &draft);
        let named: Vec<&str> = calls.iter().map(|call| call.definition.name.as_str()).collect();
        let more = if named.len() > NAMED_MAX { ", ..." } else { "" };
        let text = format!(
            "calls that only tell the system to do something are drafted as actions where --entity names them: {}{more}",
            named.get(..NAMED_MAX).unwrap_or(&named).join(", ")
        );
        let place = Place { source, line: root.get("paths").map_or(1, |paths| paths.line) };
        draft.notes.push(Note { place, subject: String::new(), text });
        for call in calls {
            draft.definitions.insert(format!("call {}", call.definition.name), call.definition);
        }
    }
    finish(&mut draft);
    Ok(draft)
}

/// The pointers of all schemas that a call takes or gives.
pub(crate) fn bodies(root: &Node, call: &str) -> Vec<String> {
    let mut found = of_carriers(root, &[format!("{call}/requestBody")]);
    found.extend(answers(root, call));
    found.extend(in_parameters(root, call));
    found
}

/// The pointers of the schemas that a call takes.
pub(crate) fn requests(root: &Node, call: &str) -> Vec<String> {
    let mut found = of_carriers(root, &[format!("{call}/requestBody")]);
    found.extend(in_parameters(root, call));
    found
}

/// The pointers of the schemas that a call gives.
pub(crate) fn answers(root: &Node, call: &str) -> Vec<String> {
    of_answers(root, call, |status| status.starts_with('2'))
}

/// The pointers of the schemas by which a call is refused.
pub(crate) fn refusals(root: &Node, call: &str) -> Vec<String> {
    of_answers(root, call, |status| status.starts_with('4') || status == "default")
}

fn of_answers(root: &Node, call: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let answers = root.pointer(&format!("{call}/responses")).and_then(Node::map);
    let wanted = answers.into_iter().flatten().filter(|(status, _)| wanted(status));
    let carriers: Vec<String> = wanted.map(|(status, _)| format!("{call}/responses/{status}")).collect();
    of_carriers(root, &carriers)
}

/// The schemas of bodies; Swagger has them at the answer itself.
fn of_carriers(root: &Node, carriers: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for carrier in carriers {
        let reference = root.pointer(carrier).and_then(|node| node.text_of("$ref"));
        let carrier = reference.and_then(|reference| reference.strip_prefix('#')).unwrap_or(carrier);
        let Some(node) = root.pointer(carrier) else { continue };
        if node.get("schema").is_some() {
            found.push(format!("{carrier}/schema"));
        }
        let media = node.get("content").and_then(Node::map);
        // Beside plain JSON some systems offer covers of their own (`application/vnd.api+json`).
        let plain = media.and_then(|media| media.get_key_value("application/json"));
        let other = || media.into_iter().flatten().find(|(kind, _)| kind.contains("json") || *kind == "*/*");
        let json = plain.or_else(other);
        if let Some((kind, content)) = json
            && content.get("schema").is_some()
        {
            found.push(format!("{carrier}/content/{}/schema", kind.replace('/', "~1")));
        }
    }
    found
}

/// Swagger has the body among the parameters.
fn in_parameters(root: &Node, call: &str) -> Vec<String> {
    let parameters = root.pointer(&format!("{call}/parameters")).map(Node::list).unwrap_or_default().iter().enumerate();
    let bodies = parameters.filter(|(_, one)| one.text_of("in") == Some("body") && one.get("schema").is_some());
    bodies.map(|(number, _)| format!("{call}/parameters/{number}/schema")).collect()
}

/// A record within lists and covers.
pub(crate) struct Found {
    pub(crate) pointer: String,
    /// Was there a list?
    pub(crate) listed: bool,
    /// Where it is in the body.
    pub(crate) selector: String,
}

/// The record within lists and covers.
pub(crate) fn record(schemas: &Schemas<'_>, schema: &str) -> Option<Found> {
    let (mut pointer, mut node) = schemas.followed(schema)?;
    let (mut listed, mut selector) = (false, "body".to_owned());
    for _ in 0..COVERS_MAX {
        if node.get("items").is_some() && node.get("properties").is_none() {
            listed = true;
            selector.push_str("[]");
            (pointer, node) = schemas.followed(&format!("{pointer}/items"))?;
            continue;
        }
        let Some(inner) = covered(schemas, &pointer, node) else { break };
        let name = inner.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        selector.push_str(&manifest::step(&name));
        (pointer, node) = schemas.followed(&inner)?;
    }
    schemas.is_record(node).then_some(Found { pointer, listed, selector })
}

/// The field of a cover that carries the records.
fn covered(schemas: &Schemas<'_>, pointer: &str, node: &Node) -> Option<String> {
    let parts = node.get("allOf").map(Node::list).unwrap_or_default();
    for (number, part) in parts.iter().enumerate() {
        if part.get("properties").is_some()
            && let Some(inner) = covered(schemas, &format!("{pointer}/allOf/{number}"), part)
        {
            return Some(inner);
        }
    }
    let fields = node.get("properties").and_then(Node::map)?;
    let has_key = fields.keys().any(|name| {
        let name = folded(name);
        name == "id" || name.ends_with("id") || name.ends_with("number") || name == "code"
    });
    if has_key || fields.len() > COVER_FIELDS_MAX {
        return None;
    }
    let holds = |name: &str| {
        let (_, target) = schemas.followed(&format!("{pointer}/properties/{}", name.replace('/', "~1")))?;
        let target = match target.get("items") {
            Some(_) => {
                let items = format!("{pointer}/properties/{name}");
                let (items, _) = schemas.followed(&items)?;
                schemas.followed(&format!("{items}/items"))?.1
            }
            None => target,
        };
        schemas.is_record(target).then_some(())
    };
    let named = fields.keys().find(|name| COVERED.contains(&folded(name).as_str()) && holds(name).is_some());
    let only = || if fields.len() == 1 { fields.keys().find(|name| holds(name).is_some()) } else { None };
    let name = named.or_else(only)?;
    Some(format!("{pointer}/properties/{}", name.replace('~', "~0").replace('/', "~1")))
}

/// The parameter that a path ends with: `/orders/{id}`, `/orders({id})`.
pub(crate) fn last_parameter(path: &str) -> Option<&str> {
    let last = path.rsplit('/').next()?;
    let (_, behind) = last.split_once('{')?;
    let (name, rest) = behind.split_once('}')?;
    (rest.is_empty() || rest == ")").then_some(name)
}

/// The last word of a path that is no parameter.
pub(crate) fn last_word(path: &str) -> &str {
    path.rsplit('/').find(|step| !step.is_empty() && !step.contains('{')).unwrap_or("record")
}

/// Marks the field that a path's parameter names.
fn mark_key(draft: &mut Draft, key: &str, parameter: &str) {
    let Some(definition) = draft.definitions.get_mut(key) else { return };
    let Shape::Record(fields) = &mut definition.body else { return };
    let (asked, own) = (folded(parameter), folded(&definition.name));
    let leaf = |shape: &Shape| matches!(shape, Shape::Text(_) | Shape::Integer { .. } | Shape::Uuid);
    let wanted = [asked.clone(), asked.strip_prefix(&own).unwrap_or(&asked).to_owned()];
    let mut position =
        fields.iter().position(|field| leaf(&field.typed.shape) && wanted.contains(&folded(&field.wire)));
    if position.is_none() && asked.ends_with("id") {
        position = fields.iter().position(|field| leaf(&field.typed.shape) && folded(&field.wire) == "id");
    }
    if let Some(field) = position.and_then(|position| fields.get_mut(position)) {
        field.marks.key = true;
        field.typed.optional = false;
    }
}
