//! `on delete`: can it be found out what is gone?
//!
//! In: a flow with something to write of records that are gone. Out: a fault where its source cannot be asked for a record
//! by its key, or tells by its manifest that deletes leave no trace.

use mapwright_manifest::{Deletes, Verb};

use super::duties::Duties;
use super::read::Read;
use super::{faults, manifest};
use crate::context::Context;

/// Checks one flow.
pub(super) fn check(ctx: &mut Context<'_>, duties: &Duties<'_>, read: &Read) {
    let Some((_, span)) = duties.on_delete.first() else { return };
    let Some(manifest) = manifest(ctx, &read.entity.system) else { return };
    let silent = manifest.changes(&read.entity.entity).is_some_and(|changes| changes.deletes == Deletes::None);
    let why = if silent {
        "its connector says so"
    } else if !manifest.can(&read.entity.entity, Verb::Get) {
        "its connector cannot fetch a record by its key, which must prove that it is gone"
    } else {
        return;
    };
    ctx.report(faults::deletes_not_told(*span, &read.entity, why));
}
