//! A setting, table, rule, system, type or mapping that nothing uses.

use mapwright_syntax::tree::{Definition, DutyKind};
use mapwright_syntax::{Diagnostic, Severity};

use crate::context::{Context, Global};
use crate::ir::{RuleId, SettingId, TableId};

/// Warns of every setting, table and rule that no mapping, rule, table or flow uses. Where something else is wrong, the use
/// may be hidden by that.
pub(crate) fn check(ctx: &Context<'_>, earlier: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    let unread = !ctx.project.unread.is_empty();
    if unread || earlier.iter().any(|known| known.severity == Severity::Error) {
        return;
    }
    let mut warn = |global: Global, code: &'static str, noun: &str, name: &str, span| {
        if !ctx.used.contains(&global) {
            let headline = format!("{noun} `{name}` is never used");
            found.push(Diagnostic::warning(code, span, headline).help("remove it, or use it where it was meant"));
        }
    };
    for (index, setting) in ctx.model.settings.iter().enumerate() {
        warn(Global::Setting(SettingId(index)), "W0602", "setting", &setting.name, setting.span);
    }
    for (index, table) in ctx.model.tables.iter().enumerate().filter(|(_, table)| table.reversed.is_none()) {
        warn(Global::Table(TableId(index)), "W0603", "table", &table.name, table.span);
    }
    for (index, rule) in ctx.model.rules.iter().enumerate() {
        warn(Global::Rule(RuleId(index)), "W0604", "rule", &rule.name, rule.span);
    }
    // A project begins with its systems; once it maps something, each of them should be there for a purpose.
    for (index, system) in ctx.model.systems.iter().enumerate().filter(|_| !ctx.mappings.is_empty()) {
        let brought_in = ctx.definitions().any(|definition| brings_in(definition, &system.alias));
        if brought_in && !ctx.names_system(index) {
            let headline = format!("system `{}` is never used", system.alias);
            let help = "remove the line, or write the mapping that it was meant for";
            found.push(Diagnostic::warning("W0624", system.span, headline).help(help));
        }
    }
    // The types of a vendor's catalogue are there for whoever needs them; only those that the project declares itself are looked at.
    for definition in ctx.definitions() {
        let Definition::System(declared) = definition else { continue };
        let Some(system) = ctx.model.systems.iter().position(|system| system.span == declared.name.span) else {
            continue;
        };
        for ty in &declared.types {
            if !ctx.types_named.contains(&(system, ty.name.text.clone())) {
                let headline = format!("type `{}` is never used", ty.name.text);
                let help = "remove it, or give it to the fields that it was meant for";
                found.push(Diagnostic::warning("W0625", ty.name.span, headline).help(help));
            }
        }
    }
    // Without flows, a project is mapped record by record on the command line.
    if ctx.model.flows.is_empty() {
        return;
    }
    for checked in &ctx.mappings {
        let name = &checked.tree.name;
        if !ctx.definitions().any(|definition| writes(definition, &name.text)) {
            let headline = format!("no flow writes mapping `{}`", name.text);
            let help = format!("write it in a flow: write {} ..., or remove it", name.text);
            found.push(Diagnostic::warning("W0622", name.span, headline).help(help));
        }
    }
}

/// Does the project bring in this system by `use`? A system that it declares may be there to be read about.
fn brings_in(definition: &Definition, alias: &str) -> bool {
    matches!(definition, Definition::Use(used) if used.alias.text == alias)
}

/// Does a flow write the mapping?
fn writes(definition: &Definition, name: &str) -> bool {
    let Definition::Flow(flow) = definition else { return false };
    let named = |kind: &DutyKind| matches!(kind, DutyKind::Write(write) | DutyKind::OnDeleteWrite(write) if write.mapping.text == name);
    flow.duties.iter().any(|duty| named(&duty.kind))
}
