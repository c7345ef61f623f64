//! Flows that would send a change back to where it came from, or round in a circle.
//!
//! In: flows, what they read and what they update. Out: a fault for each shortest circle in which every flow updates what
//! the next one reads, unless a flow of it says `on conflict`; a warning for a flow that reads what it updates itself. A
//! flow that writes back what no mapping reads (an ERP's number into a custom field) is none; nor is one that only creates. An action
//! changes what its system's manifest says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foldhash::{HashMap, HashMapExt};
use mapwright_manifest::Action;
use mapwright_syntax::Span;

use super::{Drafted, conflict, faults, manifest, owners, paths_of, write};
use crate::context::Context;
use crate::ir::{EntityRef, Manner};

/// The fields that one flow updates and another reads, and the first write that does so.
type Carried = (Vec<String>, Span);

/// Which flow updates what which other one reads.
type Edges = BTreeMap<usize, BTreeMap<usize, Carried>>;

/// Checks all flows together; answers for each who wins where both sides have changed. What one flow of a circle says
/// holds for all of them: a flow that did not compare would write over what the others keep.
pub(super) fn check(ctx: &mut Context<'_>, drafts: &[Drafted<'_>]) -> Vec<Option<String>> {
    let edges = edges(ctx, drafts);
    let said: Vec<Option<String>> =
        drafts.iter().map(|draft| draft.duties.conflict.map(|system| system.text.clone())).collect();
    let loose = |flow: &usize| said.get(*flow).is_some_and(Option::is_none);
    // A circle in which one flow settles conflicts is none.
    let unsettled: Edges = edges
        .iter()
        .filter(|(from, _)| loose(from))
        .map(|(from, next)| {
            (*from, next.iter().filter(|(to, _)| loose(to)).map(|(to, at)| (*to, at.clone())).collect())
        })
        .filter(|(_, next): &(usize, BTreeMap<usize, Carried>)| !next.is_empty())
        .collect();
    let mut told: BTreeSet<Vec<usize>> = BTreeSet::new();
    for start in 0..drafts.len() {
        let Some(circle) = shortest(&unsettled, start) else { continue };
        let mut members = circle.clone();
        members.sort_unstable();
        if told.insert(members) {
            tell(ctx, drafts, &unsettled, &circle);
        }
    }
    refuse_disagreement(ctx, drafts, &edges);
    let winners: Vec<Option<String>> =
        said.iter().enumerate().map(|(flow, own)| own.clone().or_else(|| inherited(&edges, &said, flow))).collect();
    for ((draft, own), winner) in drafts.iter().zip(&said).zip(&winners) {
        if own.is_none() && winner.is_some() {
            conflict::check_targets(ctx, &draft.writes);
        }
    }
    winners
}

fn edges(ctx: &mut Context<'_>, drafts: &[Drafted<'_>]) -> Edges {
    let mut readers: HashMap<&EntityRef, Vec<usize>> = HashMap::new();
    for (position, draft) in drafts.iter().enumerate() {
        if let Some(read) = &draft.read {
            readers.entry(&read.entity).or_default().push(position);
        }
    }
    let mut edges = Edges::new();
    for (from, one) in drafts.iter().enumerate() {
        feed_themselves(ctx, one);
        let updates = one.all_writes().flat_map(|write| entities_changed(ctx, write));
        let others: BTreeSet<usize> = updates.filter_map(|entity| readers.get(&entity)).flatten().copied().collect();
        for to in others.into_iter().filter(|to| *to != from) {
            if let Some(fields) = drafts.get(to).and_then(|other| carried(ctx, one, other)) {
                edges.entry(from).or_default().insert(to, fields);
            }
        }
    }
    edges
}

/// Two flows that carry back to each other and say different winners would give each side the other's value.
fn refuse_disagreement(ctx: &mut Context<'_>, drafts: &[Drafted<'_>], edges: &Edges) {
    let leads = |from: usize, to: usize| edges.get(&from).is_some_and(|next| next.contains_key(&to));
    let mut found = Vec::new();
    for (position, one) in drafts.iter().enumerate() {
        for (other_position, other) in drafts.iter().enumerate().skip(position + 1) {
            if let (Some(here), Some(there)) = (one.duties.conflict, other.duties.conflict)
                && here.text != there.text
                && leads(position, other_position)
                && leads(other_position, position)
            {
                found.push(faults::winners_disagree((&one.tree.name.text, here), (&other.tree.name.text, there)));
            }
        }
    }
    for fault in found {
        ctx.report(fault);
    }
}

/// Who wins in the circles in which a flow stands, if the others say one and the same.
fn inherited(edges: &Edges, said: &[Option<String>], flow: usize) -> Option<String> {
    if said.iter().all(Option::is_none) {
        return None;
    }
    let ahead = reached(edges, flow);
    let circle = ahead.into_iter().filter(|other| reached(edges, *other).contains(&flow));
    let mut winners: Vec<&String> = circle.filter_map(|other| said.get(other)?.as_ref()).collect();
    winners.dedup();
    match winners.as_slice() {
        [only] => Some((*only).clone()),
        [] | [_, ..] => None,
    }
}

fn reached(edges: &Edges, start: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut ahead = vec![start];
    while let Some(at) = ahead.pop() {
        for next in edges.get(&at).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(*next) {
                ahead.push(*next);
            }
        }
    }
    found
}

/// The shortest circle through a flow.
fn shortest(edges: &Edges, start: usize) -> Option<Vec<usize>> {
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

fn tell(ctx: &mut Context<'_>, drafts: &[Drafted<'_>], edges: &Edges, circle: &[usize]) {
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
    let read_of = to.writes.iter().flat_map(|write| paths_of(ctx, write, None));
    // A key is read to address the record, not to carry it.
    let used: BTreeSet<&str> = read_of.filter(|path| entity.key.iter().all(|key| key != path)).collect();
    let mut fields = Vec::new();
    let mut first = None;
    for write in from.all_writes() {
        let carried = overlapping(ctx, write, read, &used);
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
    for write in flow.writes.iter().filter(|write| entities_changed(ctx, write).contains(&read.entity)) {
        let used: BTreeSet<&str> = paths_of(ctx, write, None).collect();
        let fields = overlapping(ctx, write, &read.entity, &used);
        if !fields.is_empty() {
            found.push(faults::self_feeding(write.span, &flow.tree.name.text, &fields, &read.entity));
        }
    }
    for fault in found {
        ctx.report(fault);
    }
}

/// The entities that show what a write changes.
fn entities_changed(ctx: &Context<'_>, write: &write::Draft) -> Vec<EntityRef> {
    match &write.manner {
        Manner::Upsert(_) | Manner::Update(_) => vec![write.target.clone()],
        Manner::CreateOnce(_) | Manner::Delete(_) => Vec::new(),
        Manner::Action => {
            let system = &write.target.system;
            let entities = action_of(ctx, write).into_iter().flat_map(Action::changed).map(|(entity, _)| entity);
            entities.map(|entity| EntityRef { system: system.clone(), entity: entity.to_owned() }).collect()
        }
    }
}

/// The fields of an entity that a write changes: those that it decides, or those that the manifest says of an action.
fn changed(ctx: &Context<'_>, write: &write::Draft, of: &EntityRef) -> BTreeSet<String> {
    match &write.manner {
        Manner::Upsert(_) | Manner::Update(_) if write.target == *of => owners::owned(ctx, write),
        Manner::Action if write.target.system == of.system => {
            let all = action_of(ctx, write).into_iter().flat_map(Action::changed);
            all.filter(|(entity, _)| *entity == of.entity).map(|(_, field)| field).collect()
        }
        Manner::Upsert(_) | Manner::Update(_) | Manner::Action | Manner::CreateOnce(_) | Manner::Delete(_) => {
            BTreeSet::new()
        }
    }
}

fn action_of<'c>(ctx: &'c Context<'_>, write: &write::Draft) -> Option<&'c Action> {
    manifest(ctx, &write.target.system)?.action(&write.target.entity)
}

/// The fields of an entity that a write changes and that are among those.
fn overlapping(ctx: &Context<'_>, write: &write::Draft, of: &EntityRef, used: &BTreeSet<&str>) -> Vec<String> {
    changed(ctx, write, of).into_iter().filter(|field| overlaps(used, field)).collect()
}

/// Is the field, or something in it, or what it stands in, among them?
fn overlaps(used: &BTreeSet<&str>, field: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
    };
    used.iter().any(|path| within(path, field) || within(field, path))
}
