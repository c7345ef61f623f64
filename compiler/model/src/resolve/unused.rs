//! A `let` that nothing reads.

use super::scope::Body;
use crate::faults;
use crate::ir::{LocalId, LocalKind};

/// Warns of every `let` that is never read. Where something is wrong, the use may be hidden by that.
pub(super) fn report_unused_lets(body: &mut Body<'_, '_>) {
    if !body.sound() {
        return;
    }
    let unused: Vec<_> = body
        .locals
        .iter()
        .enumerate()
        .filter(|(index, local)| {
            local.kind == LocalKind::Let && !local.ty.is_never() && !body.used.contains(&LocalId(*index))
        })
        .map(|(_, local)| (local.name.clone(), local.span))
        .collect();
    for (name, span) in unused {
        body.report(faults::unused_let(&name, span));
    }
}

/// Warns of every parameter of a rule that its body never reads.
pub(super) fn report_unused_parameters(body: &mut Body<'_, '_>) {
    if !body.sound() {
        return;
    }
    let unused: Vec<_> = body
        .locals
        .iter()
        .enumerate()
        .filter(|(index, local)| local.kind == LocalKind::Parameter && !body.used.contains(&LocalId(*index)))
        .map(|(_, local)| (local.name.clone(), local.span))
        .collect();
    for (name, span) in unused {
        body.report(faults::unused_parameter(&name, span));
    }
}
