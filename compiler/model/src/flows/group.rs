//! Flows whose mappings map groups of records.
//!
//! In: a flow and the groups that its mappings need. Out: a fault where its mappings disagree, or where a group could be
//! read in part: a reading of changes asks for all rows of a group, a full scan has them anyway.

use mapwright_values::Test;

use super::changes::reads_everything;
use super::duties::Duties;
use super::read::Read;
use super::write::Draft;
use super::{faults, manifest};
use crate::context::Context;

/// Checks one flow.
pub(super) fn check(ctx: &mut Context<'_>, duties: &Duties<'_>, read: &Read, writes: &[Draft]) {
    let Some(first) = writes.iter().find(|write| write.group.is_some()) else { return };
    let Some(group) = &first.group else { return };
    let own = |write: &&Draft| write.sources.iter().any(Option::is_none);
    if let Some(other) = writes.iter().filter(own).find(|write| write.group != first.group) {
        let headline = "the mappings of a flow must all map single records, or all the same groups of them".to_owned();
        ctx.report(faults::ungrouped_flow(other.span, headline, "make a flow of its own of this line"));
        return;
    }
    let beside = duties.also.first().map(|also| also.read.entity.span);
    if let Some(span) = beside.or(duties.on_delete.first().map(|(_, span)| *span)) {
        let headline =
            "a flow of groups can neither `also read` nor notice what is gone: no key names a group".to_owned();
        ctx.report(faults::ungrouped_flow(
            span,
            headline,
            "read everything now and then: what is left of a group is mapped anew",
        ));
        return;
    }
    let Some(manifest) = manifest(ctx, &read.entity.system) else { return };
    let scans = manifest.changes(&read.entity.entity).is_none()
        || duties.schedules.iter().filter_map(|(schedule, _)| reads_everything(schedule)).all(|everything| everything);
    if !scans && !manifest.filterable(&read.entity.entity, group, Test::Eq) {
        let headline = format!("`{}` cannot be asked for all rows of one `{group}`", faults::shown(&read.entity));
        let help = "let every schedule say `reading everything`, or add the field to `filter_on` in the manifest";
        ctx.report(faults::ungrouped_flow(first.span, headline, help));
    }
}
