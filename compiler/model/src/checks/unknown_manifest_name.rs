//! A manifest that names an entity, action or field that its catalogue does not have.
//!
//! In: manifests and catalogues of the systems that the project uses. Out: faults at the manifest's own lines.

use std::borrow::Cow;

use mapwright_manifest::CatalogueEntity;
use mapwright_syntax::{Diagnostic, FileId, Span};

use crate::catalogue::record_of;
use crate::context::Context;
use crate::ir::{Model, RecordId};

/// Checks every system.
pub(crate) fn check(ctx: &Context<'_>, _: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    for (position, system) in ctx.model.systems.iter().enumerate() {
        // Two aliases of one system are told once.
        let repeated = ctx.model.systems.iter().take(position).any(|known| known.name == system.name);
        let source = ctx.project.systems.iter().find(|source| source.name == system.name);
        let Some((file, Some(manifest))) = source.map(|source| &source.manifest) else { continue };
        if repeated {
            continue;
        }
        let entities: Vec<CatalogueEntity<'_>> = system
            .entities
            .iter()
            .map(|entity| CatalogueEntity {
                name: &entity.name,
                action: entity.action,
                paths: paths(&ctx.model, entity.record),
            })
            .collect();
        for fault in manifest.check_against(&entities) {
            let span = place(ctx, *file, fault.line, fault.column);
            let told = Diagnostic::error("E0703", span, fault.message);
            found.push(fault.help.into_iter().fold(told, Diagnostic::help));
        }
    }
}

/// All paths of a record, dots between steps.
fn paths(model: &Model, record: RecordId) -> Vec<Cow<'_, str>> {
    let mut found = Vec::new();
    walk(model, record, "", &mut vec![record], &mut found);
    found
}

fn walk<'m>(
    model: &'m Model,
    record: RecordId,
    prefix: &str,
    within: &mut Vec<RecordId>,
    found: &mut Vec<Cow<'m, str>>,
) {
    for field in model.record(record).into_iter().flat_map(|record| record.fields()) {
        let path = match prefix {
            "" => Cow::Borrowed(field.wire.as_str()),
            _ => Cow::Owned([prefix, ".", &field.wire].concat()),
        };
        if let Some(inner) = record_of(&field.ty).filter(|inner| !within.contains(inner)) {
            within.push(inner);
            walk(model, inner, &path, within, found);
            within.pop();
        }
        found.push(path);
    }
}

/// The word at a line and column, both from 1.
fn place(ctx: &Context<'_>, file: FileId, line: u32, column: u32) -> Span {
    let text = ctx.project.files.get(file).map(|file| file.text.as_str()).unwrap_or_default();
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1) as usize).map(str::len).sum();
    let line = text.get(before..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let offset: usize = line.chars().take(column.saturating_sub(1) as usize).map(char::len_utf8).sum();
    let rest = line.get(offset..).unwrap_or_default();
    let length = rest.find([' ', ',', ':', ']', '}']).unwrap_or(rest.len()).max(usize::from(!rest.is_empty()));
    let at = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    Span { file, start: at(before + offset), end: at(before + offset + length) }
}
