//! Flows: mappings in operation.
//!
//! In: `flow` definitions, resolved mappings, manifests. Out: flows of the model, each behind those it comes after, and
//! what is wrong with them by themselves and with one another. Nothing is read or written here.

mod changes;
mod conflict;
mod cron;
mod duties;
mod echo;
mod faults;
mod gone;
mod group;
mod level;
mod linked;
mod order;
mod owners;
mod read;
mod write;

use std::collections::BTreeSet;

use mapwright_manifest::Manifest;
use mapwright_syntax::tree::{self, Definition};

use crate::checks::usage;
use crate::context::Context;
use crate::ir::{AlsoRead, EntityRef, Flow, Write};
use duties::Duties;
use read::Read;
use write::{Draft, Had};

/// A flow, resolved as far as it could be.
#[derive(Debug)]
struct Drafted<'p> {
    tree: &'p tree::Flow,
    duties: Duties<'p>,
    read: Option<Read>,
    also: Vec<AlsoRead>,
    writes: Vec<Draft>,
    on_delete: Vec<Draft>,
    /// Who wins where both sides have changed.
    conflict: Option<String>,
    /// Every write could be resolved.
    whole: bool,
    /// Without an error: it becomes part of the model.
    sound: bool,
}

impl Drafted<'_> {
    /// What it writes, and behind that what it writes of records that are gone.
    fn all_writes(&self) -> impl Iterator<Item = &Draft> {
        self.writes.iter().chain(&self.on_delete)
    }
}

/// Resolves and checks all flows.
pub(crate) fn resolve_flows(ctx: &mut Context<'_>) {
    let trees: Vec<&tree::Flow> = ctx
        .definitions()
        .filter_map(|definition| match definition {
            Definition::Flow(flow) => Some(flow),
            Definition::Use(_)
            | Definition::Rounding(_)
            | Definition::Dismissal(_)
            | Definition::System(_)
            | Definition::Extend(_)
            | Definition::Setting(_)
            | Definition::Table(_)
            | Definition::Rule(_)
            | Definition::Example(_)
            | Definition::Mapping(_) => None,
        })
        .collect();
    let mut drafts: Vec<Drafted<'_>> = trees.into_iter().map(|tree| draft(ctx, tree)).collect();
    owners::check(ctx, &drafts);
    let winners = echo::check(ctx, &drafts);
    for (draft, winner) in drafts.iter_mut().zip(winners) {
        draft.conflict = winner;
    }
    linked::check(ctx, &drafts);
    let order = order::sort(ctx, &drafts);
    for draft in &mut drafts {
        // A flow over a mapping that is not in the model cannot be in it either; the mapping's own fault is told.
        let mappings_sound =
            draft.all_writes().all(|write| ctx.mappings.get(write.mapping).is_some_and(|known| known.sound));
        draft.sound &= mappings_sound;
    }
    let kept: Vec<String> =
        drafts.iter().filter(|draft| draft.sound).map(|draft| draft.tree.name.text.clone()).collect();
    for index in order {
        let flow = drafts.get(index).filter(|draft| draft.sound).and_then(|draft| lower(ctx, draft, &kept));
        ctx.model.flows.extend(flow);
    }
}

fn draft<'p>(ctx: &mut Context<'p>, tree: &'p tree::Flow) -> Drafted<'p> {
    let before = ctx.errors();
    let duties = duties::collect(ctx, tree);
    let read = duties.read.as_ref().and_then(|duty| read::resolve(ctx, duty));
    let entity = read.as_ref().map(|read| &read.entity);
    let also: Vec<AlsoRead> = duties.also.iter().filter_map(|duty| read::resolve_also(ctx, duty, entity)).collect();
    let mut writes: Vec<Draft> = Vec::new();
    for (duty, span) in &duties.writes {
        let earlier: Vec<&Draft> = writes.iter().collect();
        let had = Had { read: entity, writes: &earlier, gone: false };
        writes.extend(write::resolve(ctx, duty, *span, &had));
    }
    let mut on_delete: Vec<Draft> = Vec::new();
    for (duty, span) in &duties.on_delete {
        let earlier: Vec<&Draft> = writes.iter().chain(&on_delete).collect();
        let had = Had { read: entity, writes: &earlier, gone: true };
        on_delete.extend(write::resolve(ctx, duty, *span, &had));
    }
    let whole = writes.len() == duties.writes.len() && on_delete.len() == duties.on_delete.len();
    if let Some(read) = &read {
        changes::check(ctx, tree, &duties, read, &writes);
        gone::check(ctx, &duties, read);
        conflict::check(ctx, &duties, read, &writes);
        group::check(ctx, &duties, read, &writes);
    }
    let sound = whole
        && also.len() == duties.also.len()
        && !ctx.unread.is_in(tree.span)
        && read.as_ref().is_some_and(|read| read.sound)
        && ctx.errors() == before;
    if sound {
        tell_levels(ctx, tree, &writes, &on_delete);
    }
    Drafted { tree, duties, read, also, writes, on_delete, conflict: None, whole, sound }
}

/// A note for each flow: what becomes of each write when its answer is lost.
fn tell_levels(ctx: &mut Context<'_>, tree: &tree::Flow, writes: &[Draft], on_delete: &[Draft]) {
    let lines = writes.iter().chain(on_delete).filter_map(|write| {
        let mapping = &ctx.mappings.get(write.mapping)?.mapping.name;
        let by = write::by(&write.manner).join(", ");
        Some(format!("`{mapping}` is {}", faults::level_words(write.level, &by, &faults::shown(&write.target))))
    });
    let lines: Vec<String> = lines.collect();
    ctx.report(faults::delivery_levels(&tree.name, lines));
}

/// The flow as the model has it.
fn lower(ctx: &Context<'_>, draft: &Drafted<'_>, kept: &[String]) -> Option<Flow> {
    let read = draft.read.as_ref()?;
    let first = draft.writes.first().and_then(|write| ctx.mappings.get(write.mapping));
    let owner = draft.duties.owner.clone().or_else(|| first.map(|first| first.mapping.owner.clone()));
    let names = draft.duties.after.iter().map(|name| name.text.clone());
    Some(Flow {
        name: draft.tree.name.text.clone(),
        doc: draft.tree.doc.as_ref().map(|doc| doc.text.clone()).unwrap_or_default(),
        owner: owner.unwrap_or_default(),
        schedules: draft.duties.schedules.iter().map(|(schedule, _)| schedule.clone()).collect(),
        entity: read.entity.clone(),
        locals: read.locals.clone(),
        local: read.local,
        filter: read.filter.clone(),
        keep: read.keep.clone(),
        group: draft.writes.iter().find_map(|write| write.group.clone()),
        select: select(ctx, read, &draft.writes).into_iter().collect(),
        also: draft.also.clone(),
        on_delete: draft
            .on_delete
            .iter()
            .enumerate()
            .filter_map(|(index, write)| lower_write(ctx, draft, draft.writes.len() + index, write))
            .collect(),
        conflict: draft.conflict.clone(),
        writes: draft
            .writes
            .iter()
            .enumerate()
            .filter_map(|(index, write)| lower_write(ctx, draft, index, write))
            .collect(),
        after: names.filter(|name| kept.contains(name)).collect(),
        latest_wins: draft.duties.latest_wins,
        retry_up_to_s: draft.duties.retry_up_to_s,
        on_failure: draft.duties.on_failure.clone(),
        on_silence: draft.duties.on_silence.clone(),
        span: draft.tree.name.span,
    })
}

fn lower_write(ctx: &Context<'_>, draft: &Drafted<'_>, index: usize, write: &Draft) -> Option<Write> {
    let mapping = &ctx.mappings.get(write.mapping)?.mapping;
    let mut select = BTreeSet::new();
    if write.named.is_some() {
        for later in draft.all_writes().skip(index + 1) {
            select.extend(paths_of(ctx, later, write.named.as_ref()).map(str::to_owned));
        }
    }
    Some(Write {
        mapping: ctx.mapping_id(&mapping.name)?,
        manner: write.manner.clone(),
        level: write.level,
        named: write.named.clone(),
        sources: write.sources.clone(),
        select: select.into_iter().collect(),
        batch: write.batch,
        together: write.together,
        span: write.span,
    })
}

/// What a write's mapping reads of the flow's record (`None`) or of an earlier write's.
fn paths_of<'c>(ctx: &'c Context<'_>, write: &'c Draft, of: Option<&'c String>) -> impl Iterator<Item = &'c str> {
    let sources = ctx.mappings.get(write.mapping).map(|checked| checked.mapping.sources.as_slice()).unwrap_or_default();
    let given = sources.iter().zip(&write.sources).filter(move |(_, name)| name.as_ref() == of);
    given.flat_map(|(source, _)| source.select.iter().map(String::as_str))
}

/// Everything that must be asked of the source: what mappings and conditions read, keys, change stamps.
fn select(ctx: &Context<'_>, read: &Read, writes: &[Draft]) -> BTreeSet<String> {
    let read_of = writes.iter().flat_map(|write| paths_of(ctx, write, None));
    let mut paths: BTreeSet<String> = read_of.map(str::to_owned).collect();
    if let Some(keep) = &read.keep {
        let usage = usage::of_condition(&ctx.model, &read.entity, read.local, keep);
        paths.extend(usage.of(&read.entity).into_iter().flat_map(usage::Reading::dotted));
    }
    paths.extend(ctx.model.entity(&read.entity).into_iter().flat_map(|entity| entity.key.iter().cloned()));
    paths.extend(stamps(ctx, &read.entity));
    paths
}

/// The fields that tell when a record was changed.
fn stamps(ctx: &Context<'_>, entity: &EntityRef) -> Vec<String> {
    let known = ctx.model.entity(entity);
    let mut fields: Vec<String> = known.into_iter().flat_map(|known| known.changed.iter().cloned()).collect();
    if let Some(changes) = manifest(ctx, &entity.system).and_then(|manifest| manifest.changes(&entity.entity)) {
        fields.extend(changes.passes.iter().flat_map(|pass| pass.fields()).map(str::to_owned));
    }
    fields
}

/// The manifest of a system, if it could be read.
fn manifest<'c>(ctx: &'c Context<'_>, alias: &str) -> Option<&'c Manifest> {
    let system = ctx.model.systems.iter().find(|system| system.alias == alias)?;
    ctx.project.systems.iter().find(|source| source.name == system.name)?.manifest.1.as_ref()
}
