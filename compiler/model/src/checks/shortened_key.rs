//! A key that `cut` may shorten.
//!
//! In: the lines of mappings that write a key or natural key, and the `find`s that ask by one. Out: one diagnostic a line: two
//! long keys with the same beginning would become one, and the second record would silently be taken for the first.

use mapwright_syntax::{Diagnostic, Edit, Span};

use super::lines::{self, Lets, Line, Search};
use crate::context::Context;
use crate::ir::{Branch, Entity, EntityRef, Expr, ExprKind, RecordId};

/// Checks every mapping.
pub(crate) fn check(ctx: &Context<'_>, _: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    let search = Search { model: &ctx.model, wanted: &|name| name == "cut", ends: &["sha256", "uuid_from"] };
    let of_line = |target: Option<&EntityRef>, line: &Line<'_>, lets: &Lets<'_>| {
        let cut = search.branch(line.value, lets).filter(|_| is_key(ctx, target, line))?;
        Some(fault(ctx, line, cut))
    };
    for checked in &ctx.mappings {
        let mapping = &checked.mapping;
        lines::of_block(&mapping.body, &mut Lets::default(), &mut |line, lets| {
            found.extend(of_line(Some(&mapping.target), line, lets));
        });
        if !checked.refers {
            continue;
        }
        super::finds::of_block(&mapping.body, &mut |find, _| {
            for term in &find.terms {
                let key = ctx.model.entity(&find.entity).is_some_and(|entity| names(entity, &term.field));
                if let Some(cut) = key.then(|| search.value(&term.value, &Lets::default())).flatten() {
                    let headline = format!("a shortened value is looked up as the key `{}`", term.field);
                    let fault = Diagnostic::error("E0418", cut, headline)
                        .here("may lose its end")
                        .help("look up the whole value: what is too long is found nowhere");
                    found.push(fault);
                }
            }
        });
    }
    for rule in &ctx.model.rules {
        lines::of_expr(&rule.body, &mut Lets::default(), &mut |line, lets| {
            found.extend(of_line(None, line, lets));
        });
    }
}

/// Does the line write something by which records are told apart? One record of a list needs not be told from others.
fn is_key(ctx: &Context<'_>, target: Option<&EntityRef>, line: &Line<'_>) -> bool {
    let entity = target.and_then(|target| ctx.model.entity(target));
    let marked = |record: RecordId| {
        let fields = ctx.model.record(record).into_iter().flat_map(|record| record.fields());
        fields.into_iter().any(|field| (field.key || field.natural_key) && field.wire == line.field.wire)
    };
    (line.repeated && marked(line.record))
        || entity.is_some_and(|entity| line.record == entity.record && names(entity, &line.field.name))
}

fn names(entity: &Entity, field: &str) -> bool {
    entity.key.iter().chain(entity.natural_keys.iter().flatten()).any(|known| known == field)
}

fn fault(ctx: &Context<'_>, line: &Line<'_>, cut: Span) -> Diagnostic {
    let name = &line.field.name;
    let headline = format!("`{name}` tells records apart, but `cut` may make two of them the same");
    let fault = Diagnostic::error("E0418", cut, headline)
        .here("may lose its end")
        .help("`fit` rejects what is too long; a longer key can be made short and still unique with `sha256`");
    match last_step(line.value).and_then(|value| in_its_place(ctx, value)) {
        Some(edit) => fault.fix("write `fit` instead of `cut`", vec![edit]),
        None => fault,
    }
}

/// The `cut` with which the value ends.
fn last_step(value: &Branch) -> Option<&Expr> {
    let Branch::Value(whole) = value else { return None };
    let value = if let ExprKind::Otherwise { value, .. } | ExprKind::IfInvalid { value, .. } = &whole.kind {
        value.as_ref()
    } else {
        whole
    };
    matches!(&value.kind, ExprKind::Call { function, .. } if function.name == "cut").then_some(value)
}

/// `| fit` in place of `| cut` or `| cut(20)`.
fn in_its_place(ctx: &Context<'_>, value: &Expr) -> Option<Edit> {
    let text = ctx.project.files.text(value.span);
    let (before, step) = text.rsplit_once('|')?;
    let blanks = step.len() - step.trim_start().len();
    let word = step.trim();
    if word != "cut" && !(word.starts_with("cut(") && word.ends_with(')')) {
        return None;
    }
    let start = value.span.start + u32::try_from(before.len() + 1 + blanks).ok()?;
    let end = start + u32::try_from(word.len()).ok()?;
    Some(Edit { span: Span { start, end, ..value.span }, text: "fit".to_owned() })
}
