//! What a flow writes.
//!
//! In: a `write` duty, the mappings, what the flow has read and written so far. Out: a write with its manner, the records
//! that its mapping is given, and how safely it is delivered.

use mapwright_manifest::{Batch, BatchOutcome, Manifest, Verb};
use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, WriteDuty, WriteManner};
use mapwright_values::Test;

use super::{faults, level};
use crate::beneath;
use crate::checks::written::Written;
use crate::context::Context;
use crate::faults::{duplicate_name, unled_look_up};
use crate::ir::{DeliveryLevel, Entity, EntityRef, Manner};
use crate::resolve::scope::Body;

/// A `write`, resolved as far as it could be.
#[derive(Debug)]
pub(super) struct Draft {
    /// Position in `ctx.mappings`.
    pub(super) mapping: usize,
    pub(super) target: EntityRef,
    pub(super) manner: Manner,
    pub(super) level: DeliveryLevel,
    pub(super) named: Option<String>,
    /// For each source of the mapping: the flow's record, or an earlier write's.
    pub(super) sources: Vec<Option<String>>,
    /// The flow's record is a group of them by this field.
    pub(super) group: Option<String>,
    pub(super) written: std::sync::Arc<Written>,
    /// `in batches of`.
    pub(super) batch: Option<u32>,
    /// `together`.
    pub(super) together: bool,
    pub(super) span: Span,
}

/// What the flow has by then.
#[derive(Debug)]
pub(super) struct Had<'f> {
    /// What it reads.
    pub(super) read: Option<&'f EntityRef>,
    /// What it has written.
    pub(super) writes: &'f [&'f Draft],
    /// What it reads is gone.
    pub(super) gone: bool,
}

/// Resolves one `write`.
pub(super) fn resolve(ctx: &mut Context<'_>, duty: &WriteDuty, span: Span, had: &Had<'_>) -> Option<Draft> {
    let batch = duty.batch.as_ref().and_then(|(digits, span)| batch_size(ctx, digits, *span));
    let position = ctx.mappings.iter().position(|checked| checked.mapping.name == duty.mapping.text);
    let Some(position) = position else {
        let known: Vec<String> = ctx.mappings.iter().map(|checked| checked.mapping.name.clone()).collect();
        ctx.report(faults::unknown_mapping(&duty.mapping, known.iter().map(String::as_str)));
        return None;
    };
    let checked = ctx.mappings.get(position)?;
    let (tree, target, part) = (checked.tree, checked.mapping.target.clone(), checked.mapping.part);
    let written = std::sync::Arc::clone(checked.written(&ctx.model));
    // A target that could not be resolved is told already.
    let entity = ctx.model.entity(&target)?.clone();
    let together = duty.together && check_together(ctx, duty, position, span);
    let sources = match_sources(ctx, duty, tree, position, had);
    let manner = manner(ctx, duty, tree, part, &entity, &target)?;
    check_key(ctx, &manner, duty, tree, (&entity, &target), &written);
    check_on_create(ctx, &manner, duty, position, &target);
    let mut level = DeliveryLevel::Unsafe;
    if let Some(manifest) = super::manifest(ctx, &target.system) {
        level = level::of_write(manifest, &entity, &manner, &written);
        let above = beneath::parent_key(&ctx.model, manifest, &target);
        let faults = operation_faults(manifest, &entity, &target, (&manner, above), duty.mapping.span);
        let possible = faults.is_empty();
        let batches = duty.batch.as_ref().filter(|_| possible);
        let batch_fault = match batches {
            Some((_, span)) => batch_fault(manifest, &entity, &target, &manner, *span).err().map(|fault| *fault),
            None if possible && together => not_together(manifest, &entity, &target, &manner, span),
            None => None,
        };
        for fault in faults.into_iter().chain(batch_fault) {
            ctx.report(fault);
        }
        if level == DeliveryLevel::Unsafe && possible {
            ctx.report(faults::unsafe_write(span, &duty.mapping.text, &target, entity.action));
        }
    }
    if let Some(name) = &duty.name {
        let earlier = had.writes.iter().find(|write| write.named.as_ref() == Some(&name.text));
        if let Some(earlier) = earlier {
            ctx.report(duplicate_name("written record", &name.text, name.span, earlier.span));
        }
    }
    let named = duty.name.as_ref().map(|name| name.text.clone());
    let sources = sources?;
    let group = group_of(ctx, position, &sources);
    Some(Draft { mapping: position, target, manner, level, named, sources, group, written, batch, together, span })
}

/// What is written once must be kept out of later writes: where an upsert does not tell which it is, the record is looked
/// for first.
fn check_on_create(ctx: &mut Context<'_>, manner: &Manner, duty: &WriteDuty, position: usize, target: &EntityRef) {
    let Some(checked) = ctx.mappings.get(position).filter(|checked| !checked.mapping.create_only.is_empty()) else {
        return;
    };
    let key = ctx.model.entity(&checked.mapping.target).map(|entity| entity.key.clone()).unwrap_or_default();
    match manner {
        Manner::Upsert(by) if *by == key => {}
        Manner::Upsert(_) | Manner::Update(_) | Manner::CreateOnce(_) | Manner::Delete(_) | Manner::Action => return,
    }
    let Some(manifest) = super::manifest(ctx, &target.system) else { return };
    let Some(known) = manifest.entity(&target.entity) else { return };
    if !known.can.contains(&Verb::Get) {
        let can: Vec<&str> = known.can.iter().map(|verb| verb.word()).collect();
        let fault = faults::impossible_operation(duty.mapping.span, target, "fetch", &can);
        ctx.report(fault.help("the mapping has fields that are written `on create` only, so an upsert must know whether the record is there"));
    }
}

/// For each source of the mapping, the one record of the flow that it can be.
fn match_sources(
    ctx: &mut Context<'_>,
    duty: &WriteDuty,
    tree: &tree::Mapping,
    position: usize,
    had: &Had<'_>,
) -> Option<Vec<Option<String>>> {
    let checked = ctx.mappings.get(position)?;
    let entities: Vec<EntityRef> = checked.mapping.sources.iter().map(|source| source.entity.clone()).collect();
    if entities.len() != tree.sources.len() {
        return None;
    }
    let mut available: Vec<(Option<String>, EntityRef, String)> = Vec::new();
    // What a flow reads could not be resolved: that is told already.
    let read = had.read?;
    available.push((None, read.clone(), format!("the record that it reads (`{}`)", faults::shown(read))));
    for write in had.writes {
        if let Some(name) = &write.named {
            let words = format!("`{name}` (`{}`)", faults::shown(&write.target));
            available.push((Some(name.clone()), write.target.clone(), words));
        }
    }
    let mut matched = Vec::new();
    let mut sound = true;
    for (source, entity) in tree.sources.iter().zip(&entities) {
        let candidates: Vec<_> = available.iter().filter(|(_, candidate, _)| candidate == entity).collect();
        // Of what the flow reads, and of nothing else, the line itself tells whether it is gone.
        let own = candidates.iter().any(|(name, _, _)| name.is_none());
        if source.deleted != (own && had.gone) && (own || source.deleted) {
            ctx.report(faults::gone_out_of_place(duty.mapping.span, &duty.mapping.text, source));
            sound = false;
            continue;
        }
        match candidates.as_slice() {
            [(name, _, _)] => matched.push(name.clone()),
            [] => {
                let had: Vec<String> = available.iter().map(|(_, _, words)| words.clone()).collect();
                ctx.report(faults::no_source(duty.mapping.span, &duty.mapping.text, source, &had));
                sound = false;
            }
            several => {
                let words: Vec<String> = several.iter().map(|(_, _, words)| words.clone()).collect();
                ctx.report(faults::several_sources(duty.mapping.span, &duty.mapping.text, source, &words));
                sound = false;
            }
        }
    }
    sound.then_some(matched)
}

/// How it is written, with wire names.
fn manner(
    ctx: &mut Context<'_>,
    duty: &WriteDuty,
    tree: &tree::Mapping,
    part: bool,
    entity: &Entity,
    target: &EntityRef,
) -> Option<Manner> {
    let mapping = (tree.name.text.as_str(), tree.target.span);
    let fields = match &duty.manner {
        WriteManner::Action if !entity.action => {
            let headline = format!("`{}` is an entity, not an action", faults::shown(target));
            let help = "say how it is written: `create once by F`, `upsert by F`, `update by F` or `delete by F`";
            ctx.report(faults::wrong_manner(duty.mapping.span, headline, mapping, help));
            return None;
        }
        WriteManner::Action => return Some(Manner::Action),
        WriteManner::CreateOnce(fields)
        | WriteManner::Upsert(fields)
        | WriteManner::Update(fields)
        | WriteManner::Delete(fields) => fields,
    };
    if entity.action {
        let headline = format!("`{}` is an action: it is neither created nor changed", faults::shown(target));
        let help = format!("write `write {} action`", duty.mapping.text);
        ctx.report(faults::wrong_manner(duty.mapping.span, headline, mapping, &help));
        return None;
    }
    if part && matches!(duty.manner, WriteManner::CreateOnce(_)) {
        let headline = format!("`{}` writes a part of a record, so it cannot create one", tree.name.text);
        let help = "use `update by F`, or let the mapping make the whole record: `to ENTITY` without `part of`";
        ctx.report(faults::wrong_manner(duty.mapping.span, headline, mapping, help));
        return None;
    }
    let mut body = Body::new(ctx);
    let paths: Option<Vec<String>> =
        fields.iter().map(|field| body.wire_path(entity.record, &field.names).map(|steps| steps.join("."))).collect();
    let paths = paths?;
    Some(match &duty.manner {
        WriteManner::Action => Manner::Action,
        WriteManner::CreateOnce(_) => Manner::CreateOnce(paths),
        WriteManner::Upsert(_) => Manner::Upsert(paths),
        WriteManner::Update(_) => Manner::Update(paths),
        WriteManner::Delete(_) => Manner::Delete(paths),
    })
}

/// The fields behind `by`.
pub(super) fn by(manner: &Manner) -> &[String] {
    match manner {
        Manner::Action => &[],
        Manner::CreateOnce(by) | Manner::Upsert(by) | Manner::Update(by) | Manner::Delete(by) => by,
    }
}

/// `by F`: F tells records apart, and the mapping sets it.
fn check_key(
    ctx: &mut Context<'_>,
    manner: &Manner,
    duty: &WriteDuty,
    tree: &tree::Mapping,
    (entity, target): (&Entity, &EntityRef),
    written: &Written,
) {
    let (fields, paths) = match &duty.manner {
        WriteManner::Action => return,
        WriteManner::CreateOnce(fields)
        | WriteManner::Upsert(fields)
        | WriteManner::Update(fields)
        | WriteManner::Delete(fields) => (fields, by(manner)),
    };
    let (Some(first), Some(last)) = (fields.first(), fields.last()) else { return };
    let span = first.span.to(last.span);
    let same = |key: &[String]| key.len() == paths.len() && key.iter().all(|field| paths.contains(field));
    let creates = matches!(manner, Manner::CreateOnce(_));
    let keys = usable_keys(ctx, entity, target, creates);
    if !keys.iter().any(|key| same(key)) {
        let declared = match paths {
            [only] => ctx.model.field_at(entity.record, only).map(|field| field.span),
            _ => None,
        };
        let why = if same(&entity.key) {
            WhyNot::GivenBySystem
        } else if entity.natural_keys.iter().any(|key| same(key)) {
            WhyNot::Unaskable
        } else {
            WhyNot::NoKey
        };
        let mapped: Vec<&Vec<String>> =
            keys.iter().filter(|key| key.iter().all(|field| level::is_written(written, field))).collect();
        let offer = match mapped.as_slice() {
            [key] => Some(key.join(", ")),
            _ => None,
        };
        let keys: Vec<String> = keys.iter().map(|key| key.join(", ")).collect();
        ctx.report(faults::not_a_key(span, (&faults::listed(paths), why), target, (&keys, offer), declared));
        return;
    }
    for (field, path) in fields.iter().zip(paths) {
        if !level::is_written(written, path) {
            ctx.report(faults::unmapped_key(field.span, path, tree));
        }
    }
}

/// Why a record cannot be written by a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum WhyNot {
    /// It does not tell records apart.
    NoKey,
    /// The connector cannot be asked by it.
    Unaskable,
    /// The system gives it when the record is made.
    GivenBySystem,
}

/// The keys that a record can be written by: for a create those that we choose, otherwise those that the system knows.
fn usable_keys(ctx: &Context<'_>, entity: &Entity, target: &EntityRef, creates: bool) -> Vec<Vec<String>> {
    let given =
        entity.key.iter().any(|key| ctx.model.field_at(entity.record, key).is_some_and(|field| field.read_only));
    let askable = |key: &&Vec<String>| {
        let manifest = super::manifest(ctx, &target.system);
        let asked = |known| key.iter().all(|field| beneath::askable(&ctx.model, known, target, field, Test::Eq));
        creates || manifest.is_none_or(asked)
    };
    let chosen = !(creates && given);
    let own = Some(&entity.key).filter(|key| !key.is_empty() && chosen).cloned();
    own.into_iter().chain(entity.natural_keys.iter().filter(askable).cloned()).collect()
}

/// What the connector cannot do of it.
fn operation_faults(
    manifest: &Manifest,
    entity: &Entity,
    target: &EntityRef,
    (manner, above): (&Manner, &[String]),
    span: Span,
) -> Vec<mapwright_syntax::Diagnostic> {
    let mut found = Vec::new();
    if *manner == Manner::Action {
        let unserved = manifest.action(&entity.name).is_none();
        return unserved.then(|| faults::unserved_entity(span, target)).into_iter().collect();
    }
    let Some(known) = manifest.entity(&entity.name) else { return vec![faults::unserved_entity(span, target)] };
    for verb in verbs(manner, entity) {
        // A look-up has a door of its own in some systems.
        let able = manifest.can(&entity.name, *verb) || (*verb == Verb::List && manifest.can(&entity.name, Verb::Find));
        if !able {
            let can: Vec<&str> = known.can.iter().map(|verb| verb.word()).collect();
            found.push(faults::impossible_operation(span, target, verb.word(), &can));
        }
    }
    // What is found by another key than its own is looked up.
    let looks_up = verbs(manner, entity).contains(&Verb::List);
    let unled = above.iter().find(|field| looks_up && !by(manner).contains(field));
    found.extend(unled.map(|field| unled_look_up(span, target, field)));
    found
}

/// What the connector is asked to do.
fn verbs(manner: &Manner, entity: &Entity) -> &'static [Verb] {
    let by_key = by(manner) == entity.key.as_slice();
    match manner {
        Manner::Action => &[],
        Manner::CreateOnce(_) => &[Verb::Create],
        Manner::Upsert(_) if by_key => &[Verb::Upsert],
        Manner::Upsert(_) => &[Verb::List, Verb::Create, Verb::Update],
        Manner::Update(_) if by_key => &[Verb::Update],
        Manner::Update(_) => &[Verb::List, Verb::Update],
        Manner::Delete(_) if by_key => &[Verb::Delete],
        Manner::Delete(_) => &[Verb::List, Verb::Delete],
    }
}

/// `in batches of 100`: more than the connector takes at once is cut to that by the runtime.
fn batch_size(ctx: &mut Context<'_>, digits: &str, span: Span) -> Option<u32> {
    let size = digits.parse::<u32>().ok().filter(|size| *size >= 2);
    if size.is_none() {
        ctx.report(faults::malformed_batch(span, digits));
    }
    size
}

/// The field by which the mapping wants the flow's records grouped.
fn group_of(ctx: &Context<'_>, position: usize, given: &[Option<String>]) -> Option<String> {
    let sources = ctx.mappings.get(position).map(|checked| checked.mapping.sources.as_slice()).unwrap_or_default();
    sources.iter().zip(given).filter(|(_, name)| name.is_none()).find_map(|(source, _)| source.grouped.clone())
}

/// `together` speaks of the parts that a mapping makes of one record.
fn check_together(ctx: &mut Context<'_>, duty: &WriteDuty, position: usize, span: Span) -> bool {
    let mapping = &duty.mapping.text;
    let parts = ctx.mappings.get(position).is_some_and(|checked| checked.mapping.one_per.is_some());
    let (headline, help) = if !parts {
        let headline = format!("`{mapping}` makes one record, so there is nothing to be written together");
        (headline, "leave `together` out; records of different sources go `in batches of n`")
    } else if duty.batch.is_some() {
        let headline = "the parts of one record go together, or records go in batches, but not both".to_owned();
        (headline, "take one of the two out")
    } else if duty.name.is_some() {
        let headline = format!("`{mapping}` makes several records, and `as` can name only one");
        (headline, "let later lines find what they need by a look-up")
    } else {
        return true;
    };
    ctx.report(faults::not_together(span, headline, help));
    false
}

/// Why the parts of a record cannot be written all or none.
fn not_together(
    manifest: &Manifest,
    entity: &Entity,
    target: &EntityRef,
    manner: &Manner,
    span: Span,
) -> Option<mapwright_syntax::Diagnostic> {
    let atomic = match batch_fault(manifest, entity, target, manner, span) {
        Ok(batch) => batch.outcome == BatchOutcome::Atomic,
        Err(_) => false,
    };
    let headline =
        format!("the connector cannot write several `{}` so that all of them arrive or none", faults::shown(target));
    let help = "leave `together` out: then each part is a message of its own, and one that fails holds the others up";
    (!atomic).then(|| faults::not_together(span, headline, help))
}

/// How the records are written several at once, or why they cannot be.
fn batch_fault<'m>(
    manifest: &'m Manifest,
    entity: &Entity,
    target: &EntityRef,
    manner: &Manner,
    span: Span,
) -> Result<&'m Batch, Box<mapwright_syntax::Diagnostic>> {
    let operation = match manner {
        Manner::Action => manifest.action(&entity.name).map(|action| &action.operation),
        Manner::CreateOnce(_) | Manner::Upsert(_) | Manner::Update(_) | Manner::Delete(_) => {
            let known = manifest.entity(&entity.name).filter(|known| known.can.contains(&Verb::Batch));
            known.and_then(|known| known.operation(Verb::Batch))
        }
    };
    let Some(batch) = operation.and_then(|operation| operation.batch.as_ref()) else {
        return Err(Box::new(faults::no_batches(span, target, None)));
    };
    let asked = verbs(manner, entity).iter().filter(|verb| **verb != Verb::List);
    let unable = asked.into_iter().find(|verb| !batch.of.is_empty() && !batch.of.contains(verb));
    match unable {
        Some(verb) => {
            let able = batch.of.iter().map(|verb| verb.word()).collect();
            Err(Box::new(faults::no_batches(span, target, Some((verb.word(), able)))))
        }
        None => Ok(batch),
    }
}
