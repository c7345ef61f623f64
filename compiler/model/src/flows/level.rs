//! The delivery level of a write.
//!
//! In: how it is written, what its mapping sets, what the connector promises. Out: what a second sending does.

use mapwright_manifest::{Manifest, Repeat, Verb};
use mapwright_values::Test;

use crate::checks::written::Written;
use crate::ir::{DeliveryLevel, Entity, Manner};

/// The level, derived from what catalogue, manifest and mapping prove together.
pub(super) fn of_write(manifest: &Manifest, entity: &Entity, manner: &Manner, written: &Written) -> DeliveryLevel {
    match manner {
        Manner::Action => of_action(manifest, entity),
        Manner::CreateOnce(by) => of_create(manifest, entity, by, written),
        Manner::Upsert(by) if *by == entity.key => of_repeat(manifest, entity, Verb::Upsert),
        // Looked up by another field, then created or changed.
        Manner::Upsert(by) => of_create(manifest, entity, by, written),
        Manner::Update(_) => of_repeat(manifest, entity, Verb::Update),
        Manner::Delete(_) => of_repeat(manifest, entity, Verb::Delete),
    }
}

fn of_repeat(manifest: &Manifest, entity: &Entity, verb: Verb) -> DeliveryLevel {
    let operation = manifest.entity(&entity.name).and_then(|known| known.operation(verb));
    match operation.and_then(|operation| operation.repeat) {
        Some(Repeat::Unsafe) => DeliveryLevel::Unsafe,
        Some(Repeat::Keyed) => DeliveryLevel::Keyed,
        Some(Repeat::Safe) | None => DeliveryLevel::Natural,
    }
}

fn of_create(manifest: &Manifest, entity: &Entity, by: &[String], written: &Written) -> DeliveryLevel {
    let promised = manifest.create_repeat(&entity.name);
    let key = promised.keyed_by.map_or_else(|| entity.key.clone(), |field| vec![field]);
    let keyed = !key.is_empty() && key.iter().all(|field| is_written(written, field));
    match promised.repeat {
        Repeat::Safe | Repeat::Keyed if keyed => return DeliveryLevel::Keyed,
        Repeat::Safe | Repeat::Keyed | Repeat::Unsafe => {}
    }
    let probed = by.iter().all(|field| {
        manifest.can_probe_by(&entity.name, field)
            && manifest.filterable(&entity.name, field, Test::Eq)
            && is_written(written, field)
    });
    if probed && !by.is_empty() { DeliveryLevel::Probeable } else { DeliveryLevel::Unsafe }
}

fn of_action(manifest: &Manifest, entity: &Entity) -> DeliveryLevel {
    let Some(action) = manifest.action(&entity.name) else { return DeliveryLevel::Unsafe };
    match (action.operation.repeat, &action.probe) {
        (Some(Repeat::Safe), _) => DeliveryLevel::Natural,
        (Some(Repeat::Keyed), _) => DeliveryLevel::Keyed,
        (Some(Repeat::Unsafe) | None, Some(_)) => DeliveryLevel::Probeable,
        (Some(Repeat::Unsafe) | None, None) => DeliveryLevel::Unsafe,
    }
}

/// Does the mapping set the field (dots between steps)?
pub(super) fn is_written(written: &Written, field: &str) -> bool {
    let path: Vec<String> = field.split('.').map(str::to_owned).collect();
    written.at(&path).is_some()
}
