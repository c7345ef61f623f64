//! One owner a field.
//!
//! In: flows and what they write. Out: a fault where two flows update one field of one entity. Creating is not updating:
//! what `create once` writes may be changed later by a flow of its own. Elements of a list that is merged or added to are
//! told apart by their keys, so they may come from several flows.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};
use mapwright_syntax::Span;

use super::{Drafted, faults, write};
use crate::catalogue::record_of;
use crate::context::Context;
use crate::ir::{EntityRef, ListUpdate, Manner, RecordId};

/// Checks every pair of flows.
pub(super) fn check(ctx: &mut Context<'_>, drafts: &[Drafted<'_>]) {
    let mut updates: Vec<(usize, &write::Draft)> = Vec::new();
    for (index, draft) in drafts.iter().enumerate() {
        updates.extend(draft.all_writes().filter(|write| updates_records(&write.manner)).map(|write| (index, write)));
    }
    let mut of_target: HashMap<&EntityRef, Vec<usize>> = HashMap::new();
    for (position, (_, write)) in updates.iter().enumerate() {
        of_target.entry(&write.target).or_default().push(position);
    }
    // What a write owns is worked out where another one writes to the same target.
    let updates: Vec<(usize, &write::Draft, BTreeSet<String>)> = updates
        .into_iter()
        .map(|(flow, write)| {
            let alone = of_target.get(&write.target).is_none_or(|others| others.len() < 2);
            (flow, write, if alone { BTreeSet::new() } else { owned(ctx, write) })
        })
        .collect();
    let mut found = Vec::new();
    for (position, (flow, write, fields)) in updates.iter().enumerate() {
        let beside = of_target.get(&write.target).into_iter().flatten().filter(|other| **other > position);
        for (other_flow, other, other_fields) in beside.filter_map(|other| updates.get(*other)) {
            let shared: Vec<String> = fields.intersection(other_fields).cloned().collect();
            if flow == other_flow || shared.is_empty() {
                continue;
            }
            let name = |index: usize| drafts.get(index).map(|draft| draft.tree.name.text.as_str()).unwrap_or_default();
            let (one, two): ((&str, Span), (&str, Span)) = ((name(*flow), write.span), (name(*other_flow), other.span));
            found.push(faults::shared_field(&write.target, &shared, one, two));
        }
    }
    for fault in found {
        ctx.report(fault);
    }
}

/// Does it change records that are there?
pub(super) const fn updates_records(manner: &Manner) -> bool {
    match manner {
        Manner::Upsert(_) | Manner::Update(_) => true,
        Manner::CreateOnce(_) | Manner::Delete(_) | Manner::Action => false,
    }
}

/// The fields that a write decides: what it sets but for the keys that it addresses the record by, and for what is
/// written once, which whoever owns the field may change later.
pub(super) fn owned(ctx: &Context<'_>, write: &write::Draft) -> BTreeSet<String> {
    let Some(entity) = ctx.model.entity(&write.target) else { return BTreeSet::new() };
    let by = write::by(&write.manner);
    let all = write.written.paths.keys().filter(|path| !is_walked(ctx, &write.target, path, write));
    let dotted = all.map(|path| path.join("."));
    let once =
        ctx.mappings.get(write.mapping).map(|checked| checked.mapping.create_only.as_slice()).unwrap_or_default();
    let is_once = |field: &String| {
        once.iter()
            .any(|path| field.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    dotted.filter(|field| !by.contains(field) && !entity.key.contains(field) && !is_once(field)).collect()
}

/// Is it a record that is written field by field, or a part of a list whose elements have owners of their own?
fn is_walked(ctx: &Context<'_>, target: &EntityRef, path: &[String], write: &write::Draft) -> bool {
    let mut record: Option<RecordId> = ctx.model.entity(target).map(|entity| entity.record);
    for (depth, step) in path.iter().enumerate() {
        let known = record.and_then(|record| ctx.model.record(record));
        let Some(field) = known.and_then(|known| known.fields().find(|field| field.wire == *step)) else {
            return false;
        };
        if matches!(field.update, Some(ListUpdate::Merged | ListUpdate::Added)) {
            return true;
        }
        record = record_of(&field.ty);
        if depth + 1 == path.len() && record.is_some() {
            return write.written.paths.keys().any(|other| other.len() > path.len() && other.starts_with(path));
        }
    }
    false
}
