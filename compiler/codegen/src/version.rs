//! The version of a mapping: a hash of everything that its result depends on.
//!
//! In: the model. Out: 16 hex digits that change when the mapping, a rule or table that it reaches, or a record type that it makes
//! changes, and do not when the spec is moved, commented or documented.

use std::borrow::Cow;
use std::cell::OnceCell;
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
    let shared = Shared {
        settings: flat(&project.settings()),
        rules: model.rules.iter().map(|_| OnceCell::new()).collect(),
        tables: model.tables.iter().map(|_| OnceCell::new()).collect(),
    };
    model.mappings.iter().enumerate().map(|(index, mapping)| version(&project, &shared, index, mapping)).collect()
}

/// What many mappings reach, as text: made once, for a table may have many rows.
struct Shared {
    settings: String,
    rules: Vec<OnceCell<String>>,
    tables: Vec<OnceCell<String>>,
}

fn version(project: &Project<'_>, shared: &Shared, index: usize, mapping: &Mapping) -> String {
    let own = flat(&project.mapping_item(index, mapping));
    let mut parts: Vec<Cow<'_, str>> = vec![own.into(), shared.settings.as_str().into()];
    let (rules, tables) = visit::reached(project.model, mapping);
    for id in rules {
        let text = shared.rules.get(id.0).map(|text| text.get_or_init(|| flat(&project.rule_item(id))).as_str());
        parts.extend(text.map(Cow::from));
    }
    for id in tables {
        let text = shared.tables.get(id.0).map(|text| text.get_or_init(|| flat(&project.table_item(id))).as_str());
        parts.extend(text.map(Cow::from));
    }
    for record in visit::records_made(mapping).into_iter().filter_map(|id| project.model.record(id)) {
        for field in record.fields() {
            let told = format!("{}.{} {:?} {:?} {:?}", record.name, field.wire, field.ty, field.spelling, field.update);
            parts.push(told.into());
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
