//! A setting, table or rule that nothing uses.

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
}
