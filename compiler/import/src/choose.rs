//! Which definitions of a description go into the draft. In: all of them, and what was asked for. Out: those, with what they hold.

use std::collections::{HashMap, HashSet};

use crate::draft::{Definition, Draft, Field, Role, Shape};
use crate::fault::{Fault, Note};
use crate::names;

/// How many names a message lists.
const NAMED_MAX: usize = 12;

/// A definition that goes into the draft.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// Its name in the catalogue.
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) definition: Definition,
}

/// What was chosen, in the order of the description, and how the keys of definitions are called.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) chosen: Vec<Chosen>,
    pub(crate) names: HashMap<String, String>,
    pub(crate) notes: Vec<Note>,
}

/// Calls `each` with the key of every definition that a type names.
pub(crate) fn named_in(shape: &Shape, each: &mut dyn FnMut(&str)) {
    match shape {
        Shape::Named(key) => each(key),
        Shape::Record(fields) => fields.iter().for_each(|field| named_in(&field.typed.shape, each)),
        Shape::List { element, .. } | Shape::Map(element) => named_in(&element.shape, each),
        Shape::Text(_)
        | Shape::Integer { .. }
        | Shape::Decimal { .. }
        | Shape::Boolean
        | Shape::Date
        | Shape::Time
        | Shape::Instant
        | Shape::Uuid
        | Shape::Json
        | Shape::File
        | Shape::Enum(_) => {}
    }
}

/// Names that can be chosen: entities first, then other records.
pub(crate) fn offered(draft: &Draft) -> Vec<&str> {
    let of = |role: Role| {
        let records = draft.definitions.values().filter(move |known| known.role == role);
        records.filter(|known| matches!(known.body, Shape::Record(_))).map(|known| known.name.as_str())
    };
    of(Role::Entity).chain(of(Role::Action)).chain(of(Role::Call)).chain(of(Role::Type)).collect()
}

/// Chooses by name; without names all entities and actions.
pub(crate) fn choose(mut draft: Draft, wanted: &[String], file: &str) -> Result<Choice, Fault> {
    let mut roots: Vec<String> = Vec::new();
    for name in wanted {
        let found = |known: &&String| {
            draft.definitions.get(*known).is_some_and(|known| {
                (known.name == *name || names::plain(&known.name) == *name) && matches!(known.body, Shape::Record(_))
            })
        };
        match draft.definitions.keys().find(found) {
            Some(key) => roots.push(key.clone()),
            None => return Err(unknown(&draft, name, file)),
        }
    }
    if wanted.is_empty() {
        let own = draft.definitions.iter().filter(|(_, known)| known.role.is_drafted_unasked());
        roots.extend(own.map(|(key, _)| key.clone()));
    }
    if roots.is_empty() {
        let help = match offered(&draft).as_slice() {
            [] => "name a file that describes records".to_owned(),
            some => format!("choose some with --entity: {}", listed(some)),
        };
        return Err(Fault::at(file, 0, "nothing in it is told to be an entity", help));
    }
    let mut notes = std::mem::take(&mut draft.notes);
    let asked: HashSet<String> = roots.iter().cloned().collect();
    let apart: HashSet<String> = match wanted {
        [] => HashSet::new(),
        _ => {
            let entities = draft.definitions.iter().filter(|(_, known)| known.role == Role::Entity);
            entities.map(|(key, _)| key.clone()).filter(|key| !asked.contains(key)).collect()
        }
    };
    let names: HashMap<String, String> =
        draft.definitions.iter().map(|(key, known)| (key.clone(), known.name.clone())).collect();
    let reached = reach(&mut draft, roots, &apart, &names, &mut notes);
    let mut chosen = Vec::with_capacity(reached.len());
    let mut taken = HashSet::new();
    let mut called = HashMap::with_capacity(reached.len());
    for (key, definition) in draft.definitions {
        if !reached.contains(&key) {
            continue;
        }
        let role = match (asked.contains(&key), definition.role) {
            (true, Role::Action | Role::Call) => Role::Action,
            (true, Role::Entity | Role::Type) => Role::Entity,
            (false, _) => Role::Type,
        };
        let name = names::unique(&definition.name, &mut taken);
        called.insert(key, name.clone());
        chosen.push(Chosen { name, role, definition });
    }
    Ok(Choice { chosen, names: called, notes })
}

/// Everything that the roots hold; other entities are left out where they were not asked for.
fn reach(
    draft: &mut Draft,
    roots: Vec<String>,
    apart: &HashSet<String>,
    names: &HashMap<String, String>,
    notes: &mut Vec<Note>,
) -> HashSet<String> {
    let mut reached: HashSet<String> = roots.iter().cloned().collect();
    let mut open = roots;
    while let Some(key) = open.pop() {
        let Some(definition) = draft.definitions.get_mut(&key) else { continue };
        if !apart.is_empty() {
            let owner = definition.name.clone();
            leave_out(&mut definition.body, &owner, apart, names, notes);
        }
        named_in(&definition.body, &mut |name| {
            if !reached.contains(name) {
                reached.insert(name.to_owned());
                open.push(name.to_owned());
            }
        });
    }
    reached
}

fn leave_out(
    shape: &mut Shape,
    owner: &str,
    apart: &HashSet<String>,
    names: &HashMap<String, String>,
    notes: &mut Vec<Note>,
) {
    match shape {
        Shape::Record(fields) => {
            fields.retain(|field: &Field| match entity_of(&field.typed.shape).filter(|key| apart.contains(*key)) {
                Some(key) => {
                    let name = names.get(key).map_or(key, String::as_str);
                    let text =
                        format!("left out: it holds `{name}`, an entity of its own; add --entity {name} to keep it");
                    notes.push(Note { place: field.place, subject: format!("{owner}.{}", field.wire), text });
                    false
                }
                None => true,
            });
            for field in fields {
                let inner = format!("{owner}.{}", field.wire);
                leave_out(&mut field.typed.shape, &inner, apart, names, notes);
            }
        }
        Shape::List { element, .. } | Shape::Map(element) => leave_out(&mut element.shape, owner, apart, names, notes),
        Shape::Text(_)
        | Shape::Integer { .. }
        | Shape::Decimal { .. }
        | Shape::Boolean
        | Shape::Date
        | Shape::Time
        | Shape::Instant
        | Shape::Uuid
        | Shape::Json
        | Shape::File
        | Shape::Enum(_)
        | Shape::Named(_) => {}
    }
}

/// The definition that a field holds, itself or as a list.
fn entity_of(shape: &Shape) -> Option<&str> {
    match shape {
        Shape::Named(key) => Some(key),
        Shape::List { element, .. } | Shape::Map(element) => entity_of(&element.shape),
        Shape::Text(_)
        | Shape::Integer { .. }
        | Shape::Decimal { .. }
        | Shape::Boolean
        | Shape::Date
        | Shape::Time
        | Shape::Instant
        | Shape::Uuid
        | Shape::Json
        | Shape::File
        | Shape::Enum(_)
        | Shape::Record(_) => None,
    }
}

fn unknown(draft: &Draft, name: &str, file: &str) -> Fault {
    let offered = offered(draft);
    let help = match mapwright_values::names::closest(name, offered.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", listed(&offered)),
    };
    Fault::at(file, 0, format!("it describes no record `{name}`"), help)
}

fn listed(names: &[&str]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED_MAX).copied().collect();
    let more = names.len().saturating_sub(NAMED_MAX);
    let list = first.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more (--list shows all)") }
}
