//! Would a flow notice every change that it carries?
//!
//! In: a flow, what its mappings read, what the manifest says of changes. Out: a fault where a change moves no watermark and
//! no schedule reads everything.

use std::collections::BTreeSet;

use mapwright_syntax::Span;
use mapwright_syntax::tree;

use super::duties::Duties;
use super::read::Read;
use super::write::Draft;
use super::{faults, manifest, paths_of};
use crate::checks::usage;
use crate::context::Context;
use crate::ir::Schedule;

/// Checks one flow.
pub(super) fn check(ctx: &mut Context<'_>, tree: &tree::Flow, duties: &Duties<'_>, read: &Read, writes: &[Draft]) {
    let Some(manifest) = manifest(ctx, &read.entity.system) else { return };
    let span = duties.read.map_or(tree.name.span, |duty| duty.entity.span);
    let shown = faults::shown(&read.entity);
    if manifest.entity(&read.entity.entity).is_none() {
        ctx.report(faults::unserved_entity(span, &read.entity));
        return;
    }
    let timed = duties.schedules.iter().filter_map(|(schedule, span)| Some((reads_everything(schedule)?, *span)));
    let timed: Vec<(bool, Span)> = timed.collect();
    let Some(changes) = manifest.changes(&read.entity.entity) else {
        // A flow that runs on demand alone reads everything each time.
        if let Some((_, schedule)) = timed.iter().find(|(everything, _)| !everything) {
            let headline = format!("`{shown}` does not tell what has changed");
            ctx.report(faults::unnoticed_change(span, headline, Some(*schedule)));
        }
        return;
    };
    // Whoever says `also read` has thought of it; what it leads to is fetched whole.
    if timed.is_empty() || timed.iter().any(|(everything, _)| *everything) || !duties.also.is_empty() {
        return;
    }
    if changes.misses.is_empty() {
        return;
    }
    let read_of = writes.iter().flat_map(|write| paths_of(ctx, write, None));
    let mut used: BTreeSet<String> = read_of.map(str::to_owned).collect();
    if let Some(keep) = &read.keep {
        let usage = usage::of_condition(&ctx.model, &read.entity, read.local, keep);
        used.extend(usage.of(&read.entity).into_iter().flat_map(usage::Reading::dotted));
    }
    used.extend(read.filter.iter().map(|term| term.field.clone()));
    let missed = |path: &&String| {
        changes.misses.iter().any(|(miss, _)| {
            path.as_str() == miss || path.strip_prefix(miss.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    };
    let missed: Vec<&String> = used.iter().filter(missed).collect();
    if !missed.is_empty() {
        let headline = format!(
            "the flow `{}` carries {} of `{shown}`, whose changes it would not notice",
            tree.name.text,
            faults::listed(&missed)
        );
        let fault = faults::unnoticed_change(span, headline, timed.first().map(|(_, span)| *span));
        ctx.report(fault.help("where another entity tells of the change: `also read ENTITY as x for x.FIELD`"));
    }
}

/// Does a schedule by the clock read everything? `None` for the others.
pub(super) const fn reads_everything(schedule: &Schedule) -> Option<bool> {
    match schedule {
        Schedule::Every { everything, .. } | Schedule::Daily { everything, .. } | Schedule::Cron { everything, .. } => {
            Some(*everything)
        }
        Schedule::OnDemand | Schedule::Webhook { .. } => None,
    }
}
