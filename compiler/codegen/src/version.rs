//! The version of a mapping: a hash of everything that its result depends on.
//!
//! In: the model. Out: 16 hex digits that change when the mapping, a rule or table that it reaches, or a record type that it makes
//! changes, and do not when the spec is moved, commented or documented.

use std::fmt::Write;

use mapwright_model::ir::{Mapping, Model};
use mapwright_syntax::Files;
use sha2::{Digest, Sha256};

use crate::code::flat;
use crate::context::Project;
use crate::names::Scope;
use crate::visit;

/// The version of each mapping, in order.
pub(crate) fn versions(model: &Model, files: &Files) -> Vec<String> {
    let project = Project::new(model, files, true, &mut Scope::default());
    model.mappings.iter().enumerate().map(|(index, mapping)| version(&project, index, mapping)).collect()
}

fn version(project: &Project<'_>, index: usize, mapping: &Mapping) -> String {
    let mut parts = vec![flat(&project.mapping_item(index, mapping)), flat(&project.settings())];
    let (rules, tables) = visit::reached(project.model, mapping);
    parts.extend(rules.into_iter().map(|id| flat(&project.rule_item(id))));
    parts.extend(tables.into_iter().map(|id| flat(&project.table_item(id))));
    for record in visit::records_made(mapping).into_iter().filter_map(|id| project.model.record(id)) {
        for field in &record.fields {
            parts
                .push(format!("{}.{} {:?} {:?} {:?}", record.name, field.wire, field.ty, field.spelling, field.update));
        }
    }
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps two parts from reading like two others.
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut out = String::with_capacity(16);
    for byte in hash.finalize().iter().take(8) {
        // Writing to a `String` cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}
