//! Rules and settings.

use mapwright_syntax::tree;

use super::literals::json_literal;
use super::scope::{Body, Made, Place, PlaceKind};
use super::tables::finish;
use crate::catalogue::{Typed, record_of};
use crate::context::{Context, Global};
use crate::faults;
use crate::ir::{Expr, ExprKind, LocalKind, RuleId, SettingId, Spelling, Type};

/// Resolves the body of a rule whose parameters are known.
pub(super) fn resolve_rule(ctx: &mut Context<'_>, id: RuleId) {
    let Some(tree) = ctx.rule_trees.get(id.0).copied() else { return };
    let Some(shell) = ctx.model.rules.get(id.0).cloned() else { return };
    let mut body = Body::new(ctx);
    for (parameter, id) in tree.parameters.iter().zip(&shell.parameters) {
        if let Some(local) = shell.locals.get(id.0) {
            body.declare(&parameter.name, local.ty.clone(), local.optional, LocalKind::Parameter);
        }
    }
    let typed = Typed { optional: shell.optional, ..Typed::plain(shell.result.clone()) };
    let mut place = Place::typed(PlaceKind::Result, typed, format!("the result of `{}`", shell.name), tree.result.span);
    place.made = record_of(&shell.result).map(|record| Made::Record(record, Vec::new()));
    let value = body.fitted(&tree.body, &place);
    let sound = body.sound() && !body.ctx.unread.is_in(tree.span);
    super::unused::report_unused_parameters(&mut body);
    let (uses, locals) = (std::mem::take(&mut body.uses), std::mem::take(&mut body.locals));
    let applies = std::mem::take(&mut body.applies);
    ctx.applies.insert(Global::Rule(id), applies);
    if let Some(rule) = ctx.model.rules.get_mut(id.0) {
        rule.body = value;
        rule.locals = locals;
    }
    finish(ctx, Global::Rule(id), sound, uses);
}

/// The default of a setting as JSON text.
pub(super) fn resolve_default(ctx: &mut Context<'_>, id: SettingId, tree: &tree::Setting) {
    let Some(written) = &tree.value else { return };
    let Some(setting) = ctx.model.settings.get(id.0).cloned() else { return };
    let mut body = Body::new(ctx);
    let typed = Typed { optional: setting.optional, ..Typed::plain(setting.ty.clone()) };
    let place = Place::typed(PlaceKind::Setting, typed, format!("setting `{}`", setting.name), tree.ty.span);
    // The text of a UUID is written in quotes: a setting has no other way to say it.
    let text_of_uuid = matches!((&setting.ty, &written.kind), (Type::Uuid, tree::ExprKind::Literal(literal)) if super::calls::is_text_literal(&literal.kind));
    let value = if text_of_uuid { body.expr(written, None) } else { body.fitted(written, &place) };
    let default = default_json(&value, &setting.ty, &setting.spelling);
    if default.is_none() && !value.ty.is_never() {
        body.report(faults::malformed_literal(
            written.span,
            "the value of a setting is not worked out; write a text, a number, a day or the like, or a list of them",
        ));
    }
    let sound = body.sound();
    if let Some(setting) = ctx.model.settings.get_mut(id.0) {
        setting.default = default;
    }
    if !sound {
        ctx.broken.insert(Global::Setting(id));
    }
}

fn default_json(value: &Expr, ty: &Type, spelling: &Spelling) -> Option<String> {
    if let ExprKind::Literal(literal) = &value.kind {
        return Some(json_literal(literal, ty, spelling));
    }
    if let ExprKind::Negate(inner) = &value.kind {
        let ExprKind::Literal(crate::ir::Literal::Number(digits)) = &inner.kind else { return None };
        return Some(format!("-{digits}"));
    }
    let ExprKind::List(elements) = &value.kind else { return None };
    let (element, spelling) = if let Type::List(list) = ty {
        (list.element.clone(), list.spelling.clone())
    } else {
        (ty.clone(), Spelling::Plain)
    };
    let parts: Option<Vec<String>> = elements.iter().map(|value| default_json(value, &element, &spelling)).collect();
    Some(format!("[{}]", parts?.join(",")))
}
