//! A system that the project does not use, or that cannot be found.

use mapwright_syntax::Diagnostic;
use mapwright_syntax::tree::{Name, Text};
use mapwright_values::names::closest;

use super::{did_you_mean, span_inside_quotes};
use crate::context::Context;

/// `use "shopwere-6"`.
pub(crate) fn unknown_used_system<'c>(system: &Text, known: impl Iterator<Item = &'c str>) -> Diagnostic {
    let known: Vec<&str> = known.collect();
    let fault = Diagnostic::error("E0201", system.span, format!("there is no system `{}`", system.text));
    let fault = did_you_mean(fault, span_inside_quotes(system.span), closest(&system.text, known.iter().copied()));
    if known.is_empty() { fault } else { fault.help(format!("known systems: {}", known.join(", "))) }
}

/// `shp.order`.
pub(crate) fn unknown_system(ctx: &Context<'_>, name: &Name) -> Diagnostic {
    let known = ctx.model.systems.iter().map(|system| system.alias.as_str());
    let fault = Diagnostic::error("E0201", name.span, format!("no system is called `{}` here", name.text));
    let closest = closest(&name.text, known);
    let fault = did_you_mean(fault, name.span, closest);
    if closest.is_some() { fault } else { fault.help(format!("name it first: use \"...\" as {}", name.text)) }
}
