//! `linked` over two entities between which no flow makes links.
//!
//! In: every `linked` of mappings and rules, what flows write. Out: a fault where it would never find anything. A project
//! without flows is not in operation and promises nothing.

use mapwright_syntax::Span;

use super::{Drafted, faults};
use crate::checks::finds;
use crate::context::Context;
use crate::ir::{EntityRef, Manner};

/// Checks every `linked`.
pub(super) fn check(ctx: &mut Context<'_>, drafts: &[Drafted<'_>]) {
    // What a line that could not be resolved would write is not known.
    if drafts.is_empty()
        || !ctx.project.unread.is_empty()
        || drafts.iter().any(|draft| !draft.whole || draft.read.is_none())
    {
        return;
    }
    let mut made: Vec<(&EntityRef, &EntityRef)> = Vec::new();
    for draft in drafts {
        let Some(read) = &draft.read else { continue };
        let links = draft.writes.iter().filter(|write| keeps_link(&write.manner));
        made.extend(links.map(|write| (&read.entity, &write.target)));
    }
    let mut missing: Vec<(Span, EntityRef, EntityRef)> = Vec::new();
    let mut see = |entity: &EntityRef, of: &EntityRef, span: Span| {
        let known = made.iter().any(|pair| *pair == (of, entity) || *pair == (entity, of));
        if !known && !missing.iter().any(|(place, _, _)| *place == span) {
            missing.push((span, entity.clone(), of.clone()));
        }
    };
    for checked in ctx.mappings.iter().filter(|checked| checked.refers) {
        finds::links_of_block(&checked.mapping.body, &mut |linked, span| see(&linked.entity, &linked.of, span));
    }
    for rule in &ctx.model.rules {
        finds::links_of_expr(&rule.body, &mut |linked, span| see(&linked.entity, &linked.of, span));
    }
    for (span, entity, of) in missing {
        ctx.report(faults::unlinked_pair(span, &entity, &of));
    }
}

/// Does the runtime keep whose record it wrote?
const fn keeps_link(manner: &Manner) -> bool {
    match manner {
        Manner::CreateOnce(_) | Manner::Upsert(_) => true,
        Manner::Update(_) | Manner::Delete(_) | Manner::Action => false,
    }
}
