//! A required target field that a mapping does not map.
//!
//! In: mappings that make whole records. Out: one diagnostic a field. A reason does not help: the system refuses the record.

use mapwright_syntax::{Diagnostic, Span};
use mapwright_values::names::closest;

use super::coverage::{self, quoted};
use super::dismissed::Dismissals;
use super::written::{self, MadeRecord};
use crate::catalogue::record_of;
use crate::context::{CheckedMapping, Context};
use crate::ir::{Field, RecordId, Type};

/// Checks every mapping that makes whole records.
pub(crate) fn check(ctx: &Context<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let mut found: Vec<Diagnostic> = Vec::new();
    for (number, checked) in ctx.mappings.iter().enumerate() {
        if checked.mapping.part || !coverage::judged(ctx, number, diagnostics) {
            continue;
        }
        for made in written::of_mapping(&ctx.model, &checked.mapping).made {
            let Some(record) = ctx.model.record(made.record) else { continue };
            for field in record.fields.iter().filter(|field| !made.set.contains(&field.wire)) {
                demand(ctx, checked, &made, field, &mut vec![made.record], &mut Vec::new(), &mut found);
            }
        }
    }
    // A rule that several mappings apply is told once.
    for fault in found {
        if !diagnostics.contains(&fault) {
            diagnostics.push(fault);
        }
    }
}

/// A field that the record does not set: is it, or something in a record that is always there, required?
fn demand(
    ctx: &Context<'_>,
    checked: &CheckedMapping<'_>,
    made: &MadeRecord,
    field: &Field,
    within: &mut Vec<RecordId>,
    names: &mut Vec<String>,
    found: &mut Vec<Diagnostic>,
) {
    if field.read_only {
        return;
    }
    names.push(quoted(&field.name));
    if field.required {
        found.push(fault(ctx, checked, made, field, names));
    } else if let Type::Record(inner) = field.ty
        && !field.optional
        && !within.contains(&inner)
    {
        within.push(inner);
        for inner in ctx.model.record(inner).into_iter().flat_map(|record| record.fields.iter()) {
            demand(ctx, checked, made, inner, within, names, found);
        }
        within.pop();
    }
    names.pop();
}

fn fault(
    ctx: &Context<'_>,
    checked: &CheckedMapping<'_>,
    made: &MadeRecord,
    field: &Field,
    names: &[String],
) -> Diagnostic {
    let name = names.join(".");
    let record = ctx.model.record(made.record).map(|record| record.name.as_str()).unwrap_or_default();
    let place = match (made.rule, made.path.as_slice()) {
        (Some(_), _) => "this rule",
        (None, []) => "this mapping",
        (None, [_, ..]) => "this block",
    };
    let span = if made.path.is_empty() { checked.mapping.span } else { first_line(ctx, made.span) };
    let fault = Diagnostic::error("E0401", span, format!("required field `{name}` of `{record}` is not mapped"))
        .here(format!("add a line for `{name}` to {place}"))
        .label(field.span, "required here");
    let path: Vec<String> = made.path.iter().cloned().chain(std::iter::once(field.wire.clone())).collect();
    let left = Dismissals::of(ctx, &checked.mapping.target, false);
    let fault = match left.settles(&path).filter(|_| names.len() == 1) {
        Some(dismissal) => fault.label(dismissal.span, "left here, but the system refuses a record without it"),
        None => fault,
    };
    match suggestion(ctx, checked, &field.name) {
        Some(source) => fault.help(format!("{name} <- {source}")),
        None => fault.help(format!("{name} <- ...")),
    }
}

/// A long statement is marked by its first line.
fn first_line(ctx: &Context<'_>, span: Span) -> Span {
    let length = ctx.project.files.text(span).lines().next().map_or(0, |line| line.trim_end().len());
    Span { end: span.start + u32::try_from(length).unwrap_or(0), ..span }
}

/// A source field whose name comes close.
fn suggestion(ctx: &Context<'_>, checked: &CheckedMapping<'_>, name: &str) -> Option<String> {
    let source = checked.mapping.sources.first()?;
    let local = checked.mapping.locals.get(source.local.0)?;
    let record = ctx.model.record(record_of(&local.ty)?)?;
    let mut paths: Vec<(String, String)> = Vec::new();
    for field in &record.fields {
        if let Type::Record(inner) = &field.ty {
            for inner in ctx.model.record(*inner).into_iter().flat_map(|record| record.fields.iter()) {
                paths.push((inner.name.clone(), format!("{}.{}.{}", local.name, field.name, inner.name)));
            }
        } else {
            paths.push((field.name.clone(), format!("{}.{}", local.name, field.name)));
        }
    }
    let last = |path: &(String, String)| path.0.clone();
    let names: Vec<String> = paths.iter().map(last).collect();
    let same = names.iter().position(|known| known.eq_ignore_ascii_case(name));
    let near = || {
        let near = closest(name, names.iter().map(String::as_str))?;
        names.iter().position(|known| known == near)
    };
    let found = same.or_else(near)?;
    paths.get(found).map(|(_, path)| path.clone())
}
