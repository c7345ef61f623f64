//! A required target field that a mapping does not map.
//!
//! In: mappings that make whole records. Out: one diagnostic a field. A reason does not help: the system refuses the record.

use mapwright_syntax::{Diagnostic, Span};
use mapwright_values::names::closest;

use super::coverage::{self, quoted};
use super::dismissed::Dismissals;
use super::written::MadeRecord;
use crate::catalogue::record_of;
use crate::context::{CheckedMapping, Context, Dismissal, Dismissed};
use crate::ir::{Field, RecordId, Type};
use crate::types::{Misfit, fits};

/// Checks every mapping that makes whole records.
pub(crate) fn check(ctx: &Context<'_>, earlier: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    let mut lacking: Vec<Diagnostic> = Vec::new();
    for (number, checked) in ctx.mappings.iter().enumerate() {
        if checked.mapping.part || !coverage::judged(ctx, number, earlier) {
            continue;
        }
        for made in &checked.written(&ctx.model).made {
            let Some(record) = ctx.model.record(made.record) else { continue };
            for field in record.fields().filter(|field| !made.set.contains(&field.wire)) {
                demand(ctx, checked, made, field, &mut vec![made.record], &mut Vec::new(), &mut lacking);
            }
        }
    }
    // A rule that several mappings apply is told once.
    for fault in lacking {
        if !found.contains(&fault) {
            found.push(fault);
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
        for inner in ctx.model.record(inner).into_iter().flat_map(|record| record.fields()) {
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
    let record = ctx.model.record(made.record).map(|record| &*record.name).unwrap_or_default();
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
    let Some(source) = suggestion(ctx, checked, &field.name) else { return fault.help(format!("{name} <- ...")) };
    // A rule or a block within has other names than the mapping; a field that is left too would then be both.
    let at_top =
        made.rule.is_none() && made.path.is_empty() && names.len() == 1 && !left.settles(&path).is_some_and(by_name);
    match source.line(field).filter(|_| at_top) {
        Some(value) => {
            let line = format!("{name} <- {value}");
            fault.fix("take the field of the same name", vec![coverage::at_end(ctx, &checked.tree.body, &line)])
        }
        None => fault.help(format!("{name} <- {}", source.path)),
    }
}

/// A source field that may be what is meant.
struct Candidate<'m> {
    /// As a spec names it.
    path: String,
    field: &'m Field,
    /// It, or a record on the way to it, may be missing.
    optional: bool,
    /// It has the name of the target field.
    same_name: bool,
    /// The mapping ignores it, or reads only the key of what is gone.
    out_of_reach: bool,
}

impl Candidate<'_> {
    /// What stands behind the arrow, if the field can go there without a change and may be read.
    fn line(&self, target: &Field) -> Option<String> {
        if !self.same_name || self.out_of_reach || self.field.write_only || self.field.deprecated.is_some() {
            return None;
        }
        let fit = match fits(&self.field.ty, &target.ty) {
            Ok(()) => "",
            Err(Misfit::TextTooLong | Misfit::OutOfRange) => " | fit",
            Err(
                Misfit::Wrong
                | Misfit::DecimalsLost { .. }
                | Misfit::DecimalIntoInteger
                | Misfit::InstantIntoDate
                | Misfit::UnknownWords(_)
                | Misfit::Quotient
                | Misfit::MissingElements,
            ) => return None,
        };
        let answer =
            if self.optional { format!(" otherwise reject \"{} is missing\"", self.path) } else { String::new() };
        Some(format!("{}{fit}{answer}", self.path))
    }
}

/// Is a field spoken of by itself, and not as part of a rest, which never holds what is used?
fn by_name(dismissal: &Dismissal) -> bool {
    match dismissal.what {
        Dismissed::Path { .. } | Dismissed::Made { .. } => true,
        Dismissed::Rest { .. } => false,
    }
}

/// A long statement is marked by its first line.
fn first_line(ctx: &Context<'_>, span: Span) -> Span {
    let length = ctx.project.files.text(span).lines().next().map_or(0, |line| line.trim_end().len());
    Span { end: span.start + u32::try_from(length).unwrap_or(0), ..span }
}

/// A source field whose name is the same or comes close.
fn suggestion<'m>(ctx: &'m Context<'_>, checked: &CheckedMapping<'_>, name: &str) -> Option<Candidate<'m>> {
    let source = checked.mapping.sources.first()?;
    let local = checked.mapping.locals.get(source.local.0)?;
    let record = ctx.model.record(record_of(&local.ty)?)?;
    let ignored = Dismissals::of(ctx, &source.entity, true);
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let candidate = |field: &'m Field, path: String, within: Option<&Field>| Candidate {
        path,
        field,
        optional: field.optional || within.is_some_and(|record| record.optional),
        same_name: plain(&field.name) == plain(name),
        out_of_reach: source.deleted || {
            let wire: Vec<String> = within.into_iter().chain([field]).map(|field| field.wire.clone()).collect();
            ignored.settles(&wire).is_some_and(by_name)
        },
    };
    let mut found = Vec::new();
    for field in record.fields() {
        let path = format!("{}.{}", quoted(&local.name), quoted(&field.name));
        if let Type::Record(inner) = &field.ty {
            for inner in ctx.model.record(*inner).into_iter().flat_map(|record| record.fields()) {
                found.push(candidate(inner, format!("{path}.{}", quoted(&inner.name)), Some(field)));
            }
        } else {
            found.push(candidate(field, path, None));
        }
    }
    let near = || {
        let near = closest(name, found.iter().map(|candidate| candidate.field.name.as_str()))?;
        found.iter().position(|candidate| candidate.field.name == near)
    };
    let at = found.iter().position(|candidate| candidate.same_name).or_else(near)?;
    Some(found.swap_remove(at))
}
