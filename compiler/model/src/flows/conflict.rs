//! `on conflict SYSTEM wins`: who can win, and can both sides be compared?
//!
//! In: a flow that settles conflicts. Out: a fault where the system is none of the flow's, or where a record that is
//! changed cannot be fetched first, or is changed together with others.

use mapwright_manifest::Verb;

use super::duties::Duties;
use super::read::Read;
use super::write::Draft;
use super::{faults, manifest, owners};
use crate::context::Context;
use crate::faults::unknown_system;

/// Checks one flow.
pub(super) fn check(ctx: &mut Context<'_>, duties: &Duties<'_>, read: &Read, writes: &[Draft]) {
    let Some(winner) = duties.conflict else { return };
    if ctx.system(&winner.text).is_none() {
        let fault = unknown_system(ctx, winner);
        ctx.report(fault);
        return;
    }
    let mut own = vec![format!("`{}`", read.entity.system)];
    for write in writes {
        let system = format!("`{}`", write.target.system);
        if !own.contains(&system) {
            own.push(system);
        }
    }
    if !own.contains(&format!("`{}`", winner.text)) {
        ctx.report(faults::stranger_wins(winner, &own));
        return;
    }
    check_targets(ctx, writes);
}

/// Can each record that is changed be fetched first?
pub(super) fn check_targets(ctx: &mut Context<'_>, writes: &[Draft]) {
    for write in writes.iter().filter(|write| owners::updates_records(&write.manner)) {
        if write.together {
            let headline = "a flow that settles conflicts compares record by record, not all parts of one at once";
            let help = "leave `together` out: then each part is compared, and written, by itself";
            ctx.report(faults::not_together(write.span, headline.to_owned(), help));
        }
        let Some(manifest) = manifest(ctx, &write.target.system) else { continue };
        let Some(known) = manifest.entity(&write.target.entity) else { continue };
        if !known.can.contains(&Verb::Get) {
            let can: Vec<&str> = known.can.iter().map(|verb| verb.word()).collect();
            let fault = faults::impossible_operation(write.span, &write.target, "get", &can);
            ctx.report(fault.help("`on conflict` compares a record before it changes it"));
        }
    }
}
