//! What a project does with the fields of its systems: for those who must know whom a change concerns.
//!
//! In: a checked model. Out: every field that a mapping or flow reads, writes or asks by, with its place and owner.

use mapwright_syntax::Span;

use crate::checks::usage::{self, Reading};
use crate::checks::written;
use crate::ir::{EntityRef, Manner, Mapping, Model};

/// What is done with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Its value is read, looked for or asked by.
    Reads,
    /// It is written.
    Writes,
}

/// One use of a field, or of an entity as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The entity.
    pub entity: EntityRef,
    /// Wire names that lead to the field; empty for the entity itself.
    pub path: Vec<String>,
    /// What is done.
    pub how: How,
    /// Everything beneath it too.
    pub whole: bool,
    /// By whom: "mapping `orders`", "flow `orders`".
    pub by: String,
    /// Who answers for it; may be empty.
    pub owner: String,
    /// Where.
    pub span: Span,
}

/// All uses, in the order of the project.
#[must_use]
pub fn uses(model: &Model) -> Vec<Use> {
    let mut found = Vec::new();
    for mapping in &model.mappings {
        of_mapping(model, mapping, &mut found);
    }
    for flow in &model.flows {
        let by = format!("flow `{}`", flow.name);
        let mut add = |entity: &EntityRef, path: &str, how: How| {
            let path = path.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect();
            let (by, owner) = (by.clone(), flow.owner.clone());
            found.push(Use { entity: entity.clone(), path, how, whole: false, by, owner, span: flow.span });
        };
        add(&flow.entity, "", How::Reads);
        flow.filter.iter().for_each(|term| add(&flow.entity, &term.field, How::Reads));
        for also in &flow.also {
            add(&also.entity, "", How::Reads);
            add(&also.entity, &also.parent, How::Reads);
            also.filter.iter().for_each(|term| add(&also.entity, &term.field, How::Reads));
        }
        for write in flow.writes.iter().chain(&flow.on_delete) {
            let Some(mapping) = model.mappings.get(write.mapping.0) else { continue };
            let keys = match &write.manner {
                Manner::CreateOnce(keys) | Manner::Upsert(keys) | Manner::Update(keys) | Manner::Delete(keys) => {
                    keys.as_slice()
                }
                Manner::Action => &[],
            };
            keys.iter().for_each(|key| add(&mapping.target, key, How::Writes));
        }
        if let Some(keep) = &flow.keep {
            let usage = usage::of_condition(model, &flow.entity, flow.local, keep);
            usage.all().for_each(|(entity, reading)| {
                of_reading(entity, reading, &by, &flow.owner, &mut found);
            });
        }
    }
    found
}

fn of_mapping(model: &Model, mapping: &Mapping, found: &mut Vec<Use>) {
    let (by, owner) = (format!("mapping `{}`", mapping.name), mapping.owner.as_str());
    let usage = usage::of_mapping(model, mapping);
    let mut read: Vec<(&EntityRef, &Reading)> = usage.all().collect();
    read.sort_by_key(|(entity, _)| (&entity.system, &entity.entity));
    for (entity, reading) in read {
        of_reading(entity, reading, &by, owner, found);
    }
    let entities = mapping.sources.iter().map(|source| (&source.entity, How::Reads));
    for (entity, how) in entities.chain(std::iter::once((&mapping.target, How::Writes))) {
        let (entity, owner) = (entity.clone(), owner.to_owned());
        found.push(Use { entity, path: Vec::new(), how, whole: false, by: by.clone(), owner, span: mapping.span });
    }
    let written = written::of_mapping(model, mapping);
    for (paths, whole) in [(&written.paths, false), (&written.wholes, true)] {
        for (path, span) in paths {
            let (entity, owner) = (mapping.target.clone(), owner.to_owned());
            found.push(Use { entity, path: path.clone(), how: How::Writes, whole, by: by.clone(), owner, span: *span });
        }
    }
}

fn of_reading(entity: &EntityRef, reading: &Reading, by: &str, owner: &str, found: &mut Vec<Use>) {
    for (paths, whole) in [(&reading.leaves, false), (&reading.nodes, false), (&reading.wholes, true)] {
        for (path, span) in paths {
            found.push(Use {
                entity: entity.clone(),
                path: path.clone(),
                how: How::Reads,
                whole,
                by: by.to_owned(),
                owner: owner.to_owned(),
                span: *span,
            });
        }
    }
}
