//! What a flow reads: conditions that the source is asked, and those that are left for later.
//!
//! In: a `read` duty. Out: pushed terms in the wire's spelling, and one condition for the rest. A comparison is pushed only
//! where the source must answer it as the language does.

use std::collections::BTreeSet;

use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, State};
use mapwright_values::Test;

use super::duties::{AlsoDuty, ReadDuty};
use super::faults;
use crate::catalogue::record_of;
use crate::context::Context;
use crate::ir::{
    AlsoRead, EntityRef, Expr, ExprKind, Literal, Local, LocalId, LocalKind, Operator, PushedTerm, Spelling, Type,
};
use crate::resolve::literals::json_literal;
use crate::resolve::references::{conjunction, mirrored, test_of};
use crate::resolve::scope::Body;

/// A `read`, resolved.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) entity: EntityRef,
    pub(super) locals: Vec<Local>,
    pub(super) local: LocalId,
    pub(super) filter: Vec<PushedTerm>,
    pub(super) keep: Option<Expr>,
    pub(super) sound: bool,
}

/// Resolves what a flow reads.
pub(super) fn resolve(ctx: &mut Context<'_>, duty: &ReadDuty<'_>) -> Option<Read> {
    let mut body = Body::new(ctx);
    let named = body.entity(duty.entity)?;
    let local = body.declare(duty.name, Type::Record(named.record), false, LocalKind::Source(0));
    let mut parts: Vec<&tree::Expr> = Vec::new();
    if let Some(condition) = duty.condition {
        conjunction(condition, &mut parts);
    }
    let (mut filter, mut keep, mut kept): (_, Option<Expr>, Vec<Span>) = (Vec::new(), None, Vec::new());
    for part in parts {
        let condition = body.condition(part);
        if condition.ty.is_never() {
            continue;
        }
        match pushed(body.ctx, &named.entity, local, &condition) {
            Some(term) => filter.push(term),
            None => {
                kept.push(condition.span);
                keep = Some(match keep {
                    Some(so_far) => and(so_far, condition),
                    None => condition,
                });
            }
        }
    }
    let sound = body.sound();
    let (locals, uses) = (std::mem::take(&mut body.locals), std::mem::take(&mut body.uses));
    ctx.used.extend(uses);
    if let Some(first) = kept.first() {
        let able = filterable(ctx, &named.entity);
        ctx.report(faults::condition_after_reading(*first, &kept, &named.entity, &able));
    }
    Some(Read { entity: named.entity, locals, local, filter, keep, sound })
}

/// Resolves an `also read`: its records lead to those of `own`.
pub(super) fn resolve_also(ctx: &mut Context<'_>, duty: &AlsoDuty<'_>, own: Option<&EntityRef>) -> Option<AlsoRead> {
    let mut body = Body::new(ctx);
    let named = body.entity(duty.read.entity)?;
    let local = body.declare(duty.read.name, Type::Record(named.record), false, LocalKind::Source(0));
    let mut parts: Vec<&tree::Expr> = Vec::new();
    if let Some(condition) = duty.read.condition {
        conjunction(condition, &mut parts);
    }
    let (mut filter, mut unasked): (_, Vec<Span>) = (Vec::new(), Vec::new());
    for part in parts {
        let condition = body.condition(part);
        match pushed(body.ctx, &named.entity, local, &condition) {
            Some(term) => filter.push(term),
            None if condition.ty.is_never() => {}
            None => unasked.push(condition.span),
        }
    }
    let names = path_of(duty.key, &duty.read.name.text);
    let parent = match &names {
        Some(names) => body.wire_path(named.record, names),
        None => {
            let headline =
                format!("this does not lead from `{}` to the records that the flow reads", duty.read.name.text);
            let help = format!("name the field that holds their key: `for {}.FIELD`", duty.read.name.text);
            body.report(faults::unjoinable(duty.key.span, headline, &help));
            None
        }
    };
    let uses = std::mem::take(&mut body.uses);
    let sound = body.sound();
    ctx.used.extend(uses);
    if let Some(first) = unasked.first() {
        let able = filterable(ctx, &named.entity);
        ctx.report(faults::also_unconditionally(*first, &unasked, &named.entity, &able));
    }
    let parent = parent.filter(|_| sound)?.join(".");
    let joins = own.is_none_or(|own| check_also(ctx, duty, &named.entity, own));
    let mut select: BTreeSet<String> = filter.iter().map(|term| term.field.clone()).collect();
    select.insert(parent.clone());
    select.extend(named.key);
    select.extend(super::stamps(ctx, &named.entity));
    let select = select.into_iter().collect();
    joins.then_some(AlsoRead { entity: named.entity, filter, select, parent })
}

/// The steps of `d.a.b` behind `d`.
fn path_of<'t>(expr: &'t tree::Expr, name: &str) -> Option<Vec<tree::Name>> {
    let mut steps: Vec<tree::Name> = Vec::new();
    let mut at: &'t tree::Expr = expr;
    while let tree::ExprKind::Field { of, name } = &at.kind {
        steps.push(name.clone());
        at = of;
    }
    let tree::ExprKind::Word(word) = &at.kind else { return None };
    steps.reverse();
    (word.text == name && !steps.is_empty()).then_some(steps)
}

/// Can the changes be read, and the records that they belong to be asked for?
fn check_also(ctx: &mut Context<'_>, duty: &AlsoDuty<'_>, entity: &EntityRef, own: &EntityRef) -> bool {
    let before = ctx.errors();
    if let Some(manifest) = super::manifest(ctx, &entity.system) {
        let (known, told) = (manifest.entity(&entity.entity).is_some(), manifest.changes(&entity.entity).is_some());
        let span = duty.read.entity.span;
        if !known {
            ctx.report(faults::unserved_entity(span, entity));
        } else if !told {
            let headline =
                format!("`{}` does not tell what has changed, so its changes cannot be read", faults::shown(entity));
            ctx.report(faults::unjoinable(
                span,
                headline,
                "let the flow read everything: `every 1 hour reading everything`",
            ));
        }
    }
    let key = ctx.model.entity(own).map(|own| own.key.clone()).unwrap_or_default();
    let shown = faults::shown(own);
    if key.len() > 1 {
        let headline = format!("a record of `{shown}` has a key of several fields, and one field cannot name it");
        ctx.report(faults::unjoinable(duty.key.span, headline, "let the flow read everything now and then"));
    } else if let Some(manifest) = super::manifest(ctx, &own.system)
        && !key.iter().all(|field| manifest.filterable(&own.entity, field, Test::Eq))
    {
        let headline =
            format!("`{shown}` cannot be asked by its key, so what an `also read` leads to cannot be fetched");
        let help = "add the key to `filter_on` in the manifest, or let the flow read everything now and then";
        ctx.report(faults::unjoinable(duty.key.span, headline, help));
    }
    ctx.errors() == before
}

/// What the source can be asked by.
fn filterable(ctx: &Context<'_>, entity: &EntityRef) -> Vec<String> {
    let known = super::manifest(ctx, &entity.system).and_then(|manifest| manifest.entity(&entity.entity));
    known.map(|known| known.filter_on.iter().map(|field| field.pattern.clone()).collect()).unwrap_or_default()
}

/// A condition as a term that the source is asked, if it can be.
fn pushed(ctx: &Context<'_>, entity: &EntityRef, local: LocalId, condition: &Expr) -> Option<PushedTerm> {
    let (read, test, value) = comparison(condition)?;
    let ExprKind::Read { of, steps, spelling, .. } = &read.kind else { return None };
    if !matches!(of.kind, ExprKind::Local(id) if id == local) || record_of(&read.ty).is_some() {
        return None;
    }
    // A source says neither `==` nor `!=` of what is missing; the language does.
    if test == Test::Ne && read.optional {
        return None;
    }
    let field = steps.join(".");
    let manifest = super::manifest(ctx, &entity.system)?;
    if !manifest.filterable(&entity.entity, &field, test) {
        return None;
    }
    let value = match value {
        Asked::Literal(literal) => json_literal(&literal, &read.ty, spelling),
        Asked::List(literals) => {
            let texts: Vec<String> = literals.iter().map(|literal| json_literal(literal, &read.ty, spelling)).collect();
            format!("[{}]", texts.join(","))
        }
        Asked::Nothing => "null".to_owned(),
    };
    // What has a spelling of its own is left to the language's own comparison.
    let plain = spelling.is_plain() || *spelling == Spelling::NumberAsText;
    plain.then_some(PushedTerm { field, test, value })
}

/// What a term compares with.
enum Asked {
    Literal(Literal),
    List(Vec<Literal>),
    Nothing,
}

/// `x.f == "a"`, `x.f in ["a", "b"]`, `x.f`, `not x.f`, `x.f is missing`: the field, the test and the value.
fn comparison(condition: &Expr) -> Option<(&Expr, Test, Asked)> {
    match &condition.kind {
        ExprKind::Binary { operator, left, right } => {
            let test = test_of(*operator)?;
            match (&left.kind, &right.kind) {
                (_, ExprKind::Literal(literal)) => Some((left, test, Asked::Literal(literal.clone()))),
                (ExprKind::Literal(literal), _) => Some((right, mirrored(test), Asked::Literal(literal.clone()))),
                (_, ExprKind::Negate(inner)) => {
                    let ExprKind::Literal(Literal::Number(digits)) = &inner.kind else { return None };
                    Some((left, test, Asked::Literal(Literal::Number(format!("-{digits}")))))
                }
                (_, _) => None,
            }
        }
        ExprKind::In { value, list, negated: false } => {
            let ExprKind::List(elements) = &list.kind else { return None };
            let literals: Option<Vec<Literal>> = elements.iter().map(literal).collect();
            Some((value, Test::In, Asked::List(literals?)))
        }
        ExprKind::Read { .. } => Some((condition, Test::Eq, Asked::Literal(Literal::Boolean(true)))),
        ExprKind::Not(inner) if matches!(inner.kind, ExprKind::Read { .. }) => {
            Some((inner, Test::Eq, Asked::Literal(Literal::Boolean(false))))
        }
        ExprKind::Is { value, state: State::Missing, negated: false } => Some((value, Test::Missing, Asked::Nothing)),
        ExprKind::Literal(_)
        | ExprKind::Template(_)
        | ExprKind::Local(_)
        | ExprKind::Setting(_)
        | ExprKind::Negate(_)
        | ExprKind::Not(_)
        | ExprKind::In { .. }
        | ExprKind::Is { .. }
        | ExprKind::If { .. }
        | ExprKind::Match { .. }
        | ExprKind::Otherwise { .. }
        | ExprKind::IfInvalid { .. }
        | ExprKind::Each(_)
        | ExprKind::Find(_)
        | ExprKind::Linked(_)
        | ExprKind::Call { .. }
        | ExprKind::Apply { .. }
        | ExprKind::Lookup { .. }
        | ExprKind::Fit { .. }
        | ExprKind::Position(_)
        | ExprKind::Now
        | ExprKind::List(_)
        | ExprKind::Record(_) => None,
    }
}

fn literal(expr: &Expr) -> Option<Literal> {
    if let ExprKind::Literal(literal) = &expr.kind { Some(literal.clone()) } else { None }
}

fn and(left: Expr, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    let kind = ExprKind::Binary { operator: Operator::And, left: Box::new(left), right: Box::new(right) };
    Expr { kind, ty: Type::Boolean, optional: false, span }
}
