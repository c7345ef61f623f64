//! Entities, records and their fields; `extend`.

use foldhash::{HashSet, HashSetExt};
use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, GroupKind, Name};

use super::types::{record_of, resolve_type};
use super::{marks, types};
use crate::context::Context;
use crate::faults;
use crate::ir::{Entity, Field, Record, RecordId, Type};

/// Resolves every type and entity of a system.
pub(super) fn resolve_entities(ctx: &mut Context<'_>, system: usize) {
    let Some(tree) = ctx.homes.get(system).and_then(|home| home.tree) else { return };
    let mut names: Vec<&Name> = Vec::new();
    for name in tree.types.iter().map(|declared| &declared.name).chain(tree.entities.iter().map(|entity| &entity.name))
    {
        if let Some(first) = names.iter().find(|known| known.text == name.text) {
            let fault = faults::duplicate_name("type or entity", &name.text, name.span, first.span);
            ctx.report(fault);
        }
        names.push(name);
    }
    for declared in &tree.types {
        let known = ctx.homes.get(system).is_some_and(|home| home.types.contains_key(&declared.name.text));
        if !known {
            types::declare(ctx, system, declared);
        }
    }
    for entity in &tree.entities {
        let record = resolve_entity(ctx, system, entity);
        let resolved = Entity {
            name: entity.name.text.clone(),
            action: entity.action,
            doc: entity.doc.as_ref().map(|doc| doc.text.clone()).unwrap_or_default(),
            record,
            key: Vec::new(),
            natural_keys: Vec::new(),
            changed: Vec::new(),
            probed_in: probed_in(ctx, system, &entity.name.text),
            span: entity.name.span,
        };
        if let Some(system) = ctx.model.systems.get_mut(system) {
            system.entities.push(resolved);
        }
    }
}

/// Entities that the connector asks besides when it serves this one: those where a probe for a create or an action looks,
/// and the one whose records these belong to.
fn probed_in(ctx: &Context<'_>, system: usize, entity: &str) -> Vec<String> {
    let name = ctx.model.systems.get(system).map(|system| system.name.as_str());
    let source = ctx.project.systems.iter().find(|source| Some(source.name.as_str()) == name);
    let manifest = source.and_then(|source| source.manifest.1.as_ref());
    let known = manifest.and_then(|manifest| manifest.entity(entity));
    let probe = known.and_then(|entity| entity.probe.as_ref());
    let mut besides: Vec<String> =
        probe.map(|probe| probe.also_in.iter().map(|(other, _)| other.clone()).collect()).unwrap_or_default();
    besides.extend(known.and_then(|entity| entity.parent.as_ref()).map(|(parent, _)| parent.clone()));
    let action = manifest.and_then(|manifest| manifest.action(entity)).and_then(|action| action.probe.as_ref());
    besides.extend(action.map(|probe| probe.entity.clone()));
    besides
}

/// The record of an entity; its fields are resolved at the first call.
pub(super) fn resolve_entity(ctx: &mut Context<'_>, system: usize, entity: &tree::Entity) -> RecordId {
    let known = ctx.homes.get(system).and_then(|home| home.entities.get(&entity.name.text)).copied();
    if let Some(known) = known {
        return known;
    }
    let alias = ctx.model.systems.get(system).map(|system| system.alias.clone()).unwrap_or_default();
    let record = begin_record(ctx, format!("{alias}.{}", entity.name.text));
    if let Some(home) = ctx.homes.get_mut(system) {
        home.entities.insert(entity.name.text.clone(), record);
    }
    resolve_fields(ctx, record, &entity.fields, Some(system));
    record
}

/// A record type without fields yet.
pub(super) fn begin_record(ctx: &mut Context<'_>, name: String) -> RecordId {
    ctx.add_record(Record::new(name, []))
}

/// Adds fields to a record.
pub(super) fn resolve_fields(ctx: &mut Context<'_>, record: RecordId, fields: &tree::Fields, home: Option<usize>) {
    let place = ctx.model.record(record).map(|record| record.name.clone()).unwrap_or_default();
    if let Some(record) = ctx.model.records.get_mut(record.0) {
        record.reserve(fields.fields.len());
    }
    for written in &fields.fields {
        let name = &written.name.text;
        let first = ctx.model.record(record).and_then(|record| record.field(name)).map(|field| field.span);
        if let Some(first) = first {
            let fault = faults::duplicate_name("field", name, written.name.span, first);
            ctx.report(fault);
            continue;
        }
        let typed = resolve_type(ctx, &written.ty, home, &|| format!("{place}.{name}"));
        let mut field = plain_field(name, typed, written.name.span);
        field.doc = written.doc.as_ref().map(|doc| doc.text.clone()).unwrap_or_default();
        marks::apply(&mut field, &written.marks);
        if let Some(record) = ctx.model.records.get_mut(record.0) {
            record.add(field);
        }
    }
    for group in &fields.groups {
        resolve_group(ctx, record, group);
    }
}

/// A field without marks.
pub(crate) fn plain_field(name: &str, typed: types::Typed, span: Span) -> Field {
    Field {
        name: name.to_owned(),
        wire: name.to_owned(),
        ty: typed.ty,
        spelling: typed.spelling,
        optional: typed.optional,
        missing_as: typed.missing_as,
        key: false,
        natural_key: false,
        required: false,
        read_only: false,
        write_only: false,
        create_only: false,
        changed: false,
        personal: false,
        update: None,
        refers_to: None,
        deprecated: None,
        doc: String::new(),
        span,
    }
}

/// `key(a, b)`: marks each field; a natural key of several fields is collected from the tree later.
fn resolve_group(ctx: &mut Context<'_>, record: RecordId, group: &tree::KeyGroup) {
    for name in &group.names {
        let Some(known) = ctx.model.record(record) else { return };
        if known.field(&name.text).is_none() {
            let fault = faults::unknown_field(known, name);
            ctx.report(fault);
            continue;
        }
        let Some(field) = ctx.model.records.get_mut(record.0).and_then(|record| record.field_mut(&name.text)) else {
            continue;
        };
        match group.kind {
            GroupKind::Key => field.key = true,
            GroupKind::NaturalKey => field.natural_key = true,
            GroupKind::Changed => field.changed = true,
        }
    }
}

/// `extend erp.BusinessPartners.BPAddresses { ... }`.
pub(super) fn extend(ctx: &mut Context<'_>, extend: &tree::Extend) {
    let Some((first, rest)) = extend.path.names.split_first() else { return };
    let Some(system) = ctx.system(&first.text) else {
        let fault = faults::unknown_system(ctx, first);
        ctx.report(fault);
        return;
    };
    if ctx.homes.get(system).is_none_or(|home| home.tree.is_none()) {
        return;
    }
    let Some((second, rest)) = rest.split_first() else {
        ctx.report(faults::malformed_type(extend.path.span, &first.text, "name the entity to extend: `erp.Orders`"));
        return;
    };
    let entity = ctx.homes.get(system).and_then(|home| home.entities.get(&second.text)).copied();
    let Some(mut record) = entity else {
        let fault = faults::unknown_entity(ctx, system, second);
        ctx.report(fault);
        return;
    };
    for name in rest {
        let Some(known) = ctx.model.record(record) else { return };
        let Some(field) = known.field(&name.text) else {
            let fault = faults::unknown_field(known, name);
            ctx.report(fault);
            return;
        };
        let Some(inner) = record_of(&field.ty) else {
            ctx.report(faults::malformed_type(
                name.span,
                &name.text,
                "only entities, records and lists of records are extended",
            ));
            return;
        };
        record = inner;
    }
    resolve_fields(ctx, record, &extend.fields, Some(system));
}

/// Keys, natural keys and change stamps of every entity, once all fields are known.
pub(super) fn collect_keys(ctx: &mut Context<'_>) {
    for system in 0..ctx.model.systems.len() {
        let entities = ctx.model.systems.get(system).map(|system| system.entities.clone()).unwrap_or_default();
        let mut resolved = Vec::with_capacity(entities.len());
        for mut entity in entities {
            let mut seen = HashSet::new();
            key_fields(ctx, entity.record, "", &mut seen, &mut entity.key);
            let groups = natural_groups(ctx, system, &entity.name);
            let Some(record) = ctx.model.record(entity.record) else { continue };
            if !entity.action && in_screens(record) {
                for (path, _) in nested(ctx, record).into_iter().filter(|(_, field)| field.natural_key) {
                    entity.natural_keys.push(vec![path]);
                }
            }
            for field in record.fields() {
                let grouped = groups.iter().any(|group| group.contains(&field.wire));
                if field.natural_key && !grouped {
                    entity.natural_keys.push(vec![field.wire.clone()]);
                }
                if field.changed {
                    entity.changed.push(field.wire.clone());
                }
            }
            entity.natural_keys.extend(groups);
            resolved.push(entity);
        }
        if let Some(system) = ctx.model.systems.get_mut(system) {
            system.entities = resolved;
        }
    }
}

/// Does the record keep its keys in nested records? Some systems part a record into screens, and its key is in one of them.
fn in_screens(record: &Record) -> bool {
    record.fields().all(|field| !field.key)
}

/// The fields of the records nested in a record (not of lists), with their paths.
fn nested<'c>(ctx: &'c Context<'_>, record: &'c Record) -> Vec<(String, &'c Field)> {
    let screens = record.fields().filter_map(|field| match field.ty {
        Type::Record(inner) => Some((field, ctx.model.record(inner)?)),
        _ => None,
    });
    let within = |(screen, inner): (&'c Field, &'c Record)| {
        inner.fields().map(move |field| (format!("{}.{}", screen.wire, field.wire), field))
    };
    screens.flat_map(within).collect()
}

/// Key fields of a record and of the records nested in it (not of lists), dots between steps.
fn key_fields(ctx: &Context<'_>, record: RecordId, prefix: &str, seen: &mut HashSet<RecordId>, keys: &mut Vec<String>) {
    let Some(known) = ctx.model.record(record) else { return };
    if !seen.insert(record) {
        return;
    }
    for field in known.fields() {
        let path = || if prefix.is_empty() { field.wire.clone() } else { format!("{prefix}.{}", field.wire) };
        if let Type::Record(inner) = field.ty {
            // Only an action, or an entity without a key of its own, has a key inside a nested record; elsewhere such a mark
            // speaks of the nested record alone.
            let searched = prefix.is_empty() && (is_action(ctx, record) || in_screens(known));
            if searched {
                key_fields(ctx, inner, &path(), seen, keys);
            }
        } else if field.key {
            keys.push(path());
        }
    }
}

fn is_action(ctx: &Context<'_>, record: RecordId) -> bool {
    let entities = ctx.model.systems.iter().flat_map(|system| system.entities.iter());
    entities.into_iter().any(|entity| entity.record == record && entity.action)
}

/// `natural key(a, b)` of an entity and of its extensions.
fn natural_groups(ctx: &Context<'_>, system: usize, entity: &str) -> Vec<Vec<String>> {
    let Some(tree) = ctx.homes.get(system).and_then(|home| home.tree) else { return Vec::new() };
    let own =
        tree.entities.iter().filter(|known| known.name.text == entity).flat_map(|known| known.fields.groups.iter());
    let alias = ctx.model.systems.get(system).map(|system| system.alias.as_str()).unwrap_or_default();
    let extended = ctx.definitions().filter_map(|definition| match definition {
        tree::Definition::Extend(extend) => Some(extend),
        tree::Definition::Use(_)
        | tree::Definition::System(_)
        | tree::Definition::Rounding(_)
        | tree::Definition::Dismissal(_)
        | tree::Definition::Setting(_)
        | tree::Definition::Table(_)
        | tree::Definition::Rule(_)
        | tree::Definition::Example(_)
        | tree::Definition::Mapping(_)
        | tree::Definition::Flow(_) => None,
    });
    let extended = extended.filter(|extend| {
        let names: Vec<&str> = extend.path.names.iter().map(|name| name.text.as_str()).collect();
        names == [alias, entity]
    });
    let groups = own.chain(extended.flat_map(|extend| extend.fields.groups.iter()));
    let natural = groups.filter(|group| group.kind == GroupKind::NaturalKey);
    natural.map(|group| group.names.iter().map(|name| wire_name(ctx, system, entity, &name.text)).collect()).collect()
}

fn wire_name(ctx: &Context<'_>, system: usize, entity: &str, name: &str) -> String {
    let record = ctx.homes.get(system).and_then(|home| home.entities.get(entity));
    let field = record.and_then(|record| ctx.model.record(*record)).and_then(|record| record.field(name));
    field.map_or_else(|| name.to_owned(), |field| field.wire.clone())
}
