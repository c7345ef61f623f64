//! A setting, table, rule or mapping that nothing uses, and a parameter that its rule does not use.

use mapwright_syntax::tree::{Definition, DutyKind};
use mapwright_syntax::{Diagnostic, Severity};

use crate::context::{Context, Global};
use crate::ir::{RuleId, SettingId, TableId};

/// Warns of every setting, table and rule that no mapping, rule, table or flow uses. Where something else is wrong, the use
/// may be hidden by that.
pub(crate) fn check(ctx: &Context<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let unread = !ctx.project.unread.is_empty();
    if unread || diagnostics.iter().any(|known| known.severity == Severity::Error) {
        return;
    }
    let mut warn = |global: Global, code: &'static str, noun: &str, name: &str, span| {
        if !ctx.used.contains(&global) {
            let headline = format!("{noun} `{name}` is never used");
            diagnostics.push(Diagnostic::warning(code, span, headline).help("remove it, or use it where it was meant"));
        }
    };
    for (index, setting) in ctx.model.settings.iter().enumerate() {
        warn(Global::Setting(SettingId(index)), "W0602", "setting", &setting.name, setting.span);
    }
    for (index, table) in ctx.model.tables.iter().enumerate() {
        warn(Global::Table(TableId(index)), "W0603", "table", &table.name, table.span);
    }
    for (index, rule) in ctx.model.rules.iter().enumerate() {
        warn(Global::Rule(RuleId(index)), "W0604", "rule", &rule.name, rule.span);
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
            diagnostics.push(Diagnostic::warning("W0622", name.span, headline).help(help));
        }
    }
}

/// Does a flow write the mapping?
fn writes(definition: &Definition, name: &str) -> bool {
    let Definition::Flow(flow) = definition else { return false };
    let named = |kind: &DutyKind| matches!(kind, DutyKind::Write(write) | DutyKind::OnDeleteWrite(write) if write.mapping.text == name);
    flow.duties.iter().any(|duty| named(&duty.kind))
}
