//! Records that belong to others: their connector is led to them by these. In: a manifest, an entity. Out: the key fields that
//! lead, and what can be asked.

use mapwright_manifest::Manifest;
use mapwright_values::Test;

use crate::ir::{EntityRef, Model};

/// The leading key fields of an entity, which are the key of the record that it belongs to; empty = it belongs to none.
pub(crate) fn parent_key<'m>(model: &'m Model, manifest: &Manifest, of: &EntityRef) -> &'m [String] {
    let parent = manifest.entity(&of.entity).and_then(|known| known.parent.as_ref());
    let above = parent.and_then(|(parent, _)| {
        model.entity(&EntityRef { system: of.system.clone(), entity: parent.clone() }).map(|above| above.key.len())
    });
    let own = model.entity(of).map_or(&[][..], |entity| entity.key.as_slice());
    own.get(..above.unwrap_or(0)).unwrap_or_default()
}

/// Can the system be asked for this, by a condition or by the record that these belong to?
pub(crate) fn askable(model: &Model, manifest: &Manifest, of: &EntityRef, field: &str, test: Test) -> bool {
    manifest.filterable(&of.entity, field, test)
        || (test == Test::Eq && parent_key(model, manifest, of).iter().any(|own| own == field))
}
