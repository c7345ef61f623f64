//! Flows that would send a change back to where it came from, or round in a circle.
//!
//! In: flows, what they read and what they update. Out: a fault for each shortest circle in which every flow updates what
//! the next one reads, unless a flow of it says `on conflict`; a warning for a flow that reads what it updates itself. A
//! flow that writes back what no mapping reads (an ERP's number into a custom field) is none; nor is one that only creates.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use mapwright_syntax::Span;

use super::{Drafted, faults, owners, paths_of, write};
use crate::context::Context;
use crate::ir::EntityRef;

/// The fields that one flow updates and another reads, and the first write that does so.
type Carried = (Vec<String>, Span);

/// Checks all flows together.
pub(super) fn check(ctx: &mut Context<'_>, drafts: &[Drafted<'_>]) {
    let mut readers: HashMap<&EntityRef, Vec<usize>> = HashMap::new();
    for (position, draft) in drafts.iter().enumerate() {
        if let Some(read) = &draft.read {
            readers.entry(&read.entity).or_default().push(position);
        }
    }
    let mut edges: BTreeMap<usize, BTreeMap<usize, Carried>> = BTreeMap::new();
    // A circle in which one flow settles conflicts is none.
    let loose = |draft: &&Drafted<'_>| draft.duties.conflict.is_none();
    for (from, one) in drafts.iter().enumerate() {
        feed_themselves(ctx, one);
        let updates = one.all_writes().filter(|write| loose(&one) && owners::updates_records(&write.manner));
        let others: BTreeSet<usize> =
            updates.filter_map(|write| readers.get(&write.target)).flatten().copied().collect();
        for to in others.into_iter().filter(|to| *to != from) {
            let other = drafts.get(to).filter(loose);
            if let Some(fields) = other.and_then(|other| carried(ctx, one, other)) {
                edges.entry(from).or_default().insert(to, fields);
            }
        }
    }
    let mut told: BTreeSet<Vec<usize>> = BTreeSet::new();
    for start in 0..drafts.len() {
        let Some(circle) = shortest(&edges, start) else { continue };
        let mut members = circle.clone();
        members.sort_unstable();
        if told.insert(members) {
            tell(ctx, drafts, &edges, &circle);
        }
    }
}

/// The shortest circle through a flow.
fn shortest(edges: &BTreeMap<usize, BTreeMap<usize, Carried>>, start: usize) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut ahead = VecDeque::from([start]);
    while let Some(at) = ahead.pop_front() {
        for next in edges.get(&at)?.keys().copied().collect::<Vec<_>>() {
            if next == start {
                let mut circle = vec![at];
                let mut back = at;
                while back != start {
                    back = *came_from.get(&back)?;
                    circle.push(back);
                }
                circle.reverse();
                return Some(circle);
            }
            if edges.contains_key(&next) && !came_from.contains_key(&next) {
                came_from.insert(next, at);
                ahead.push_back(next);
            }
        }
    }
    None
}

fn tell(
    ctx: &mut Context<'_>,
    drafts: &[Drafted<'_>],
    edges: &BTreeMap<usize, BTreeMap<usize, Carried>>,
    circle: &[usize],
) {
    let next = circle.iter().cycle().skip(1);
    let members: Vec<(&str, Span, Vec<String>)> = circle
        .iter()
        .zip(next)
        .filter_map(|(from, to)| {
            let (fields, span) = edges.get(from)?.get(to)?;
            Some((drafts.get(*from)?.tree.name.text.as_str(), *span, fields.clone()))
        })
        .collect();
    let fault = match members.as_slice() {
        [(one, there, out), (other, back, home)] => faults::echoing_flows((one, *there, out), (other, *back, home)),
        several => faults::circling_flows(several),
    };
    ctx.report(fault);
}

/// The fields that `from` updates and `to` reads.
fn carried(ctx: &Context<'_>, from: &Drafted<'_>, to: &Drafted<'_>) -> Option<Carried> {
    let read = &to.read.as_ref()?.entity;
    let entity = ctx.model.entity(read)?;
    let mut used: BTreeSet<String> = to.writes.iter().flat_map(|write| paths_of(ctx, write, None)).collect();
    // A key is read to address the record, not to carry it.
    used.retain(|path| !entity.key.contains(path));
    let mut fields = Vec::new();
    let mut first = None;
    for write in from.all_writes().filter(|write| write.target == *read && owners::updates_records(&write.manner)) {
        let carried = overlapping(ctx, write, &used);
        if !carried.is_empty() {
            first.get_or_insert(write.span);
            fields.extend(carried);
        }
    }
    first.map(|span| (fields, span))
}

/// A mapping that sets a field of the record from which it is made.
fn feed_themselves(ctx: &mut Context<'_>, flow: &Drafted<'_>) {
    let Some(read) = &flow.read else { return };
    let mut found = Vec::new();
    for write in
        flow.writes.iter().filter(|write| write.target == read.entity && owners::updates_records(&write.manner))
    {
        let used: BTreeSet<String> = paths_of(ctx, write, None).into_iter().collect();
        let fields = overlapping(ctx, write, &used);
        if !fields.is_empty() {
            found.push(faults::self_feeding(write.span, &flow.tree.name.text, &fields, &read.entity));
        }
    }
    for fault in found {
        ctx.report(fault);
    }
}

/// The fields that a write decides and that are among those.
fn overlapping(ctx: &Context<'_>, write: &write::Draft, used: &BTreeSet<String>) -> Vec<String> {
    owners::owned(ctx, write).into_iter().filter(|field| overlaps(used, field)).collect()
}

/// Is the field, or something in it, or what it stands in, among them?
fn overlaps(used: &BTreeSet<String>, field: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
    };
    used.iter().any(|path| within(path, field) || within(field, path))
}
