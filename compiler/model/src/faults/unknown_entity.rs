//! An entity or action that the catalogue does not have.

use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Span};
use mapwright_values::names::closest;

use super::did_you_mean;
use crate::context::Context;
use crate::ir::EntityRef;

/// `erp.Order`.
pub(crate) fn unknown_entity(ctx: &Context<'_>, system: usize, name: &Name) -> Diagnostic {
    let Some(system) = ctx.model.systems.get(system) else {
        return Diagnostic::error("E0202", name.span, format!("there is no entity `{}`", name.text));
    };
    let headline = format!("`{}` has no entity `{}`", system.alias, name.text);
    let known = system.entities.iter().map(|entity| entity.name.as_str());
    let found = closest(&name.text, known.clone());
    let fault = did_you_mean(Diagnostic::error("E0202", name.span, headline), name.span, found);
    if found.is_some() { fault } else { fault.help(format!("it has {}", known.collect::<Vec<_>>().join(", "))) }
}

/// An action is only written.
pub(crate) fn action_read(span: Span, entity: &EntityRef) -> Diagnostic {
    let headline =
        format!("`{}.{}` is an action: it is written, and there is nothing to read", entity.system, entity.entity);
    Diagnostic::error("E0202", span, headline)
}

/// A path that is no `system.entity`.
pub(crate) fn entity_expected(span: Span, system: &str) -> Diagnostic {
    Diagnostic::error("E0202", span, "an entity is expected here")
        .help(format!("write a system and one of its entities: `{system}.ENTITY`"))
}
