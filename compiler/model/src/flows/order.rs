//! Which flow stands behind which.
//!
//! In: flows and their `after flows`. Out: an order in which each stands behind those it comes after. Flows that wait for
//! one another in a circle are a fault and have no place in it.

use mapwright_syntax::Span;

use super::{Drafted, faults};
use crate::context::Context;

/// Sorts flows, by position.
pub(super) fn sort(ctx: &mut Context<'_>, drafts: &[Drafted<'_>]) -> Vec<usize> {
    let names: Vec<&str> = drafts.iter().map(|draft| draft.tree.name.text.as_str()).collect();
    let mut waits: Vec<Vec<(usize, Span)>> = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.iter().enumerate() {
        let mut before = Vec::new();
        for name in &draft.duties.after {
            match names.iter().position(|known| *known == name.text) {
                Some(other) => before.push((other, name.span)),
                None => {
                    let others = names.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, name)| *name);
                    ctx.report(faults::unknown_flow(name, others));
                }
            }
        }
        waits.push(before);
    }
    let mut order: Vec<usize> = Vec::with_capacity(drafts.len());
    loop {
        let ready = |index: &usize| {
            let before = waits.get(*index).map(Vec::as_slice).unwrap_or_default();
            !order.contains(index) && before.iter().all(|(other, _)| order.contains(other))
        };
        match (0..drafts.len()).find(ready) {
            Some(next) => order.push(next),
            None => break,
        }
    }
    let stuck: Vec<usize> = (0..drafts.len()).filter(|index| !order.contains(index)).collect();
    if let Some(circle) = circle(&waits, &stuck) {
        let members: Vec<(&str, Span)> =
            circle.into_iter().filter_map(|(index, span)| Some((*names.get(index)?, span))).collect();
        ctx.report(faults::circular_flows(&members));
    }
    order
}

/// One circle among flows of which none can be first: each with the place where it waits for the next.
fn circle(waits: &[Vec<(usize, Span)>], stuck: &[usize]) -> Option<Vec<(usize, Span)>> {
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
