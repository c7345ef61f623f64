//! A writable target field that is neither mapped nor left with a reason.
//!
//! In: all mappings to an entity of which at least one makes whole records. Out: one diagnostic an entity, with all fields.

use mapwright_syntax::Diagnostic;

use super::coverage::{self, Questions, Step};
use super::dismissed::Dismissals;
use super::written::Written;
use crate::context::Context;
use crate::ir::EntityRef;

/// Checks every entity that some mapping makes records of.
pub(crate) fn check(ctx: &Context<'_>, earlier: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    let mut seen: Vec<&EntityRef> = Vec::new();
    for checked in ctx.mappings.iter().filter(|checked| !checked.mapping.part) {
        let target = &checked.mapping.target;
        if !seen.contains(&target) {
            seen.push(target);
            found.extend(check_entity(ctx, target, earlier));
        }
    }
}

fn check_entity(ctx: &Context<'_>, target: &EntityRef, earlier: &[Diagnostic]) -> Option<Diagnostic> {
    let entity = ctx.model.entity(target)?;
    let to_it = || ctx.mappings.iter().enumerate().filter(|(_, checked)| checked.mapping.target == *target);
    if !to_it().all(|(number, _)| coverage::judged(ctx, number, earlier)) {
        return None;
    }
    let written: Vec<&Written> = to_it().map(|(_, checked)| &**checked.written(&ctx.model)).collect();
    let left = Dismissals::of(ctx, target, false);
    let open = coverage::open_fields(
        &ctx.model,
        entity.record,
        &Questions {
            // What is required and not mapped is told by a check of its own.
            exempt: &|step| step.field.read_only || (step.field.required && is_demanded(step, &written)),
            settled: &|step| {
                let leaf_or_whole = |written: &&Written| match crate::catalogue::record_of(&step.field.ty) {
                    Some(_) => written.wholes.keys().any(|whole| step.path.starts_with(whole)),
                    None => written.at(step.path).is_some(),
                };
                written.iter().any(leaf_or_whole) || left.settles(step.path).is_some() || is_left_by_a_rule(&left, step)
            },
            begun: &|path| written.iter().any(|written| written.beneath(path).is_some()) || left.speak_beneath(path),
        },
    );
    let (_, first) = to_it().find(|(_, checked)| !checked.mapping.part)?;
    if open.is_empty() {
        return None;
    }
    let shown = coverage::shown(target);
    let headline = match open.as_slice() {
        [only] => format!("`{}` of `{shown}` is neither mapped nor left with a reason", only.name),
        several => format!("{} fields of `{shown}` are neither mapped nor left with a reason", several.len()),
    };
    let fault = Diagnostic::error("E0402", first.mapping.span, headline)
        .here("map them here, or leave them and say why".replace("them", if open.len() == 1 { "it" } else { "them" }));
    Some(coverage::tell(ctx, fault, &open, "leave", None, &first.tree.body))
}

/// Is it required of a record that is made?
fn is_demanded(step: &Step<'_>, written: &[&Written]) -> bool {
    let (holder, before) = step.path.split_last().map_or((&[][..], None), |(last, before)| (before, Some(last)));
    before.is_some() && written.iter().any(|written| written.made.iter().any(|made| made.path == holder))
}

/// A rule that makes one of the records on the way leaves it.
fn is_left_by_a_rule(left: &Dismissals<'_>, step: &Step<'_>) -> bool {
    step.records.iter().any(|(record, depth)| {
        let path = step.path.get(*depth..).unwrap_or_default();
        left.settles_made(*record, path)
    })
}
