//! A JSON Schema to the draft: the record that it describes is the entity, its definitions are types.

use crate::draft::{Draft, Role, guess_change_stamp, guess_key};
use crate::fault::Fault;
use crate::node::Node;
use crate::schema::Schemas;

/// Reads a schema.
pub(crate) fn read(file: &str, source: usize, root: &Node, stem: &str) -> Result<Draft, Fault> {
    let mut schemas = Schemas::new(file, source, root);
    if root.text_of("type") == Some("array") && root.get("items").is_some() {
        schemas.ask("/items", Role::Entity);
        schemas.name("/items", root.text_of("title").unwrap_or(stem));
    } else if schemas.is_record(root) {
        schemas.ask("", Role::Entity);
        schemas.name("", root.text_of("title").unwrap_or(stem));
    } else {
        for group in ["$defs", "definitions"] {
            for (name, node) in root.get(group).and_then(Node::map).into_iter().flatten() {
                let pointer = format!("/{group}/{}", name.replace('~', "~0").replace('/', "~1"));
                if schemas.is_record(node) {
                    schemas.ask(&pointer, Role::Entity);
                }
            }
        }
    }
    schemas.read_asked()?;
    let mut draft = schemas.draft;
    finish(&mut draft);
    Ok(draft)
}

/// Keys and change stamps, as far as names tell them.
pub(crate) fn finish(draft: &mut Draft) {
    for definition in draft.definitions.values_mut() {
        if definition.role == Role::Entity
            && let crate::draft::Shape::Record(fields) = &mut definition.body
        {
            guess_key(&definition.name, fields, definition.place, &mut definition.notes);
            guess_change_stamp(&definition.name, fields, &mut definition.notes);
        }
    }
}
