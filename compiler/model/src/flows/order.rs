//! Which flow stands behind which.
//!
//! In: flows and their `after flows`. Out: an order in which each stands behind those it comes after. Flows that wait for
//! one another in a circle are a fault and have no place in it.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};
use mapwright_syntax::Span;

use super::{Drafted, faults};
use crate::context::Context;

/// Sorts flows, by position.
pub(super) fn sort(ctx: &mut Context<'_>, drafts: &[Drafted<'_>]) -> Vec<usize> {
    let names: Vec<&str> = drafts.iter().map(|draft| draft.tree.name.text.as_str()).collect();
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        places.entry(name).or_insert(index);
    }
    let mut waits: Vec<Vec<(usize, Span)>> = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.iter().enumerate() {
        let mut before = Vec::new();
        for name in &draft.duties.after {
            match places.get(name.text.as_str()).copied() {
                Some(other) => before.push((other, name.span)),
                None => {
                    let others = names.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, name)| *name);
                    ctx.report(faults::unknown_flow(name, others));
                }
            }
        }
        waits.push(before);
    }
    let order = first_come(&waits);
    let placed: BTreeSet<usize> = order.iter().copied().collect();
    let stuck: BTreeSet<usize> = (0..drafts.len()).filter(|index| !placed.contains(index)).collect();
    if let Some(circle) = circle(&waits, &stuck) {
        let members: Vec<(&str, Span)> =
            circle.into_iter().filter_map(|(index, span)| Some((*names.get(index)?, span))).collect();
        ctx.report(faults::circular_flows(&members));
    }
    order
}

/// Each behind those it waits for; of several that could be next, the first as written.
fn first_come(waits: &[Vec<(usize, Span)>]) -> Vec<usize> {
    let mut behind: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, before) in waits.iter().enumerate() {
        for (other, _) in before {
            behind.entry(*other).or_default().push(index);
        }
    }
    let mut open: Vec<usize> = waits.iter().map(Vec::len).collect();
    let mut ready: BTreeSet<usize> = (0..waits.len()).filter(|index| open.get(*index) == Some(&0)).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for index in behind.get(&next).into_iter().flatten() {
            if let Some(left) = open.get_mut(*index) {
                *left -= 1;
                if *left == 0 {
                    ready.insert(*index);
                }
            }
        }
    }
    order
}

/// One circle among flows of which none can be first: each with the place where it waits for the next.
fn circle(waits: &[Vec<(usize, Span)>], stuck: &BTreeSet<usize>) -> Option<Vec<(usize, Span)>> {
    let mut at = *stuck.first()?;
    let mut walked: Vec<(usize, Span)> = Vec::new();
    loop {
        if let Some(start) = walked.iter().position(|(known, _)| *known == at) {
            return Some(walked.split_off(start));
        }
        let (next, span) = *waits.get(at)?.iter().find(|(other, _)| stuck.contains(other))?;
        walked.push((at, span));
        at = next;
    }
}
