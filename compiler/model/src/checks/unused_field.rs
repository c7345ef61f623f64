//! A source field that is neither used nor ignored with a reason.
//!
//! In: all mappings of an entity that is the first source of one of them. Out: one diagnostic an entity, with all fields.
//! Records that are looked up or written before need no coverage. A field that some mapping writes back counts as used.

use mapwright_syntax::Diagnostic;

use super::coverage::{self, Questions};
use super::dismissed::Dismissals;
use super::usage::{self, Reading, Usage};
use super::written::Written;
use crate::catalogue::record_of;
use crate::context::Context;
use crate::ir::EntityRef;

/// Checks every entity that is the first source of a mapping.
pub(crate) fn check(ctx: &Context<'_>, _: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    let mut seen: Vec<&EntityRef> = Vec::new();
    let usages: Vec<&Usage> = ctx.mappings.iter().map(|checked| checked.usage(&ctx.model)).collect();
    for (number, checked) in ctx.mappings.iter().enumerate() {
        let Some(source) = checked.mapping.sources.first().filter(|source| !source.deleted) else { continue };
        if !seen.contains(&&source.entity) {
            seen.push(&source.entity);
            if !is_known(ctx, &source.entity) {
                continue;
            }
            found.extend(check_entity(ctx, &source.entity, number, &usages));
        }
    }
}

/// Is all that is read of an entity known? An expression with an error does not tell what it reads.
fn is_known(ctx: &Context<'_>, entity: &EntityRef) -> bool {
    !ctx.unread.hides_a_definition()
        && ctx.mappings.iter().filter(|checked| !checked.sound).all(|checked| {
            let sources = &checked.mapping.sources;
            sources.len() == checked.tree.sources.len() && sources.iter().all(|source| source.entity != *entity)
        })
}

fn check_entity(ctx: &Context<'_>, source: &EntityRef, first: usize, usages: &[&Usage]) -> Option<Diagnostic> {
    let entity = ctx.model.entity(source)?;
    let readings: Vec<&Reading> = usages.iter().filter_map(|usage| usage.of(source)).collect();
    let back = ctx.mappings.iter().filter(|checked| checked.mapping.target == *source);
    let back: Vec<&Written> = back.map(|checked| &**checked.written(&ctx.model)).collect();
    let asked = asked_by_flows(ctx, source);
    let ignored = Dismissals::of(ctx, source, true);
    let open = coverage::open_fields(
        &ctx.model,
        entity.record,
        &Questions {
            exempt: &|step| step.field.write_only,
            settled: &|step| {
                let leaf = record_of(&step.field.ty).is_none();
                let read = |reading: &&Reading| {
                    if leaf {
                        reading.used_at(step.path).is_some()
                    } else {
                        reading.wholes.keys().any(|whole| step.path.starts_with(whole))
                    }
                };
                readings.iter().any(read)
                    || (leaf && back.iter().any(|written| written.at(step.path).is_some()))
                    || (leaf && asked.contains(&step.path.join(".")))
                    || ignored.settles(step.path).is_some()
            },
            begun: &|path| {
                readings.iter().any(|reading| reading.beneath(path).is_some())
                    || back
                        .iter()
                        .any(|written| written.beneath(path).is_some_and(|(known, _)| known.len() > path.len()))
                    || asked.iter().any(|field| field.starts_with(&format!("{}.", path.join("."))))
                    || ignored.speak_beneath(path)
            },
        },
    );
    let checked = ctx.mappings.get(first)?;
    if open.is_empty() {
        return None;
    }
    let shown = coverage::shown(source);
    let headline = match open.as_slice() {
        [only] => format!("`{}` of `{shown}` is neither used nor ignored with a reason", only.name),
        several => format!("{} fields of `{shown}` are neither used nor ignored with a reason", several.len()),
    };
    let (span, name) = checked.tree.sources.first().map(|source| (source.entity.span, source.name.text.as_str()))?;
    let fault = Diagnostic::error("E0403", span, headline).here("read here");
    Some(coverage::tell(ctx, fault, &open, "ignore", Some(name), &checked.tree.body))
}

/// What the conditions of flows ask of an entity, dots between steps.
fn asked_by_flows(ctx: &Context<'_>, source: &EntityRef) -> Vec<String> {
    let mut asked = Vec::new();
    for flow in ctx.model.flows.iter().filter(|flow| flow.entity == *source) {
        asked.extend(flow.filter.iter().map(|term| term.field.clone()));
        if let Some(keep) = &flow.keep {
            let usage = usage::of_condition(&ctx.model, source, flow.local, keep);
            asked.extend(usage.of(source).into_iter().flat_map(Reading::dotted));
        }
    }
    asked
}
