//! Flows that would send a change back to where it came from.
//!
//! In: flows, what they read and what they update. Out: a fault for each pair of which each updates what the other reads. A
//! flow that writes back what no mapping reads (an ERP's number into a custom field) is none; nor is one that only creates.

use std::collections::{BTreeSet, HashMap};

use mapwright_syntax::Span;

use super::{Drafted, faults, owners, paths_of};
use crate::context::Context;
use crate::ir::EntityRef;

/// Checks every pair of flows.
pub(super) fn check(ctx: &mut Context<'_>, drafts: &[Drafted<'_>]) {
    let mut found = Vec::new();
    let mut readers: HashMap<&EntityRef, Vec<usize>> = HashMap::new();
    for (position, draft) in drafts.iter().enumerate() {
        if let Some(read) = &draft.read {
            readers.entry(&read.entity).or_default().push(position);
        }
    }
    for (position, one) in drafts.iter().enumerate() {
        let updates = one.writes.iter().filter(|write| owners::updates_records(&write.manner));
        let others: BTreeSet<usize> =
            updates.filter_map(|write| readers.get(&write.target)).flatten().copied().collect();
        for other in others.range(position + 1..).filter_map(|other| drafts.get(*other)) {
            if one.duties.settles_conflicts || other.duties.settles_conflicts {
                continue;
            }
            let (Some((there, there_span)), Some((back, back_span))) =
                (carried(ctx, one, other), carried(ctx, other, one))
            else {
                continue;
            };
            found.push(faults::echoing_flows(
                (one.tree.name.text.as_str(), there_span, &there),
                (other.tree.name.text.as_str(), back_span, &back),
            ));
        }
    }
    for fault in found {
        ctx.report(fault);
    }
}

/// The fields that `from` updates and `to` reads, and the first write that does so.
fn carried(ctx: &Context<'_>, from: &Drafted<'_>, to: &Drafted<'_>) -> Option<(Vec<String>, Span)> {
    let read = &to.read.as_ref()?.entity;
    let entity = ctx.model.entity(read)?;
    let mut used: BTreeSet<String> = to.writes.iter().flat_map(|write| paths_of(ctx, write, None)).collect();
    // A key is read to address the record, not to carry it.
    used.retain(|path| !entity.key.contains(path));
    let mut fields = Vec::new();
    let mut first = None;
    for write in from.writes.iter().filter(|write| write.target == *read && owners::updates_records(&write.manner)) {
        let carried: Vec<String> =
            owners::owned(ctx, write).into_iter().filter(|field| overlaps(&used, field)).collect();
        if !carried.is_empty() {
            first.get_or_insert(write.span);
            fields.extend(carried);
        }
    }
    first.map(|span| (fields, span))
}

/// Is the field, or something in it, or what it stands in, among them?
fn overlaps(used: &BTreeSet<String>, field: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
    };
    used.iter().any(|path| within(path, field) || within(field, path))
}
