//! A look-up that the connector cannot do.
//!
//! In: every `find` of mappings and rules. Out: a fault where the manifest does not know the entity, cannot list it, has no
//! words for the comparison, or is not led to the record that these belong to.

use mapwright_manifest::{Manifest, Verb};
use mapwright_syntax::{Diagnostic, Edit, Span};
use mapwright_values::Test;

use super::coverage::shown;
use crate::beneath;
use crate::context::Context;
use crate::faults;
use crate::ir::{Find, Term};

/// Checks every `find`.
pub(crate) fn check(ctx: &Context<'_>, earlier: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    let mut unserved = Vec::new();
    for checked in ctx.mappings.iter().filter(|checked| checked.refers) {
        super::finds::of_block(&checked.mapping.body, &mut |find, span| unserved.extend(check_find(ctx, find, span)));
    }
    for rule in &ctx.model.rules {
        super::finds::of_expr(&rule.body, &mut |find, span| unserved.extend(check_find(ctx, find, span)));
    }
    for fault in unserved {
        if !earlier.contains(&fault) && !found.contains(&fault) {
            found.push(fault);
        }
    }
}

fn check_find(ctx: &Context<'_>, find: &Find, span: Span) -> Vec<Diagnostic> {
    let system = ctx.model.systems.iter().find(|system| system.alias == find.entity.system);
    let source = system.and_then(|system| ctx.project.systems.iter().find(|source| source.name == system.name));
    let Some(manifest) = source.and_then(|source| source.manifest.1.as_ref()) else { return Vec::new() };
    let shown = shown(&find.entity);
    let Some(known) = manifest.entity(&find.entity.entity) else {
        let headline =
            format!("the connector of `{}` does not say how `{}` is reached", find.entity.system, find.entity.entity);
        let help = "add it to the connector's manifest under `entities`";
        return vec![Diagnostic::error("E0704", span, headline).help(help)];
    };
    let entity = &find.entity.entity;
    if !manifest.can(entity, Verb::List) && !manifest.can(entity, Verb::Find) {
        let can: Vec<&str> = known.can.iter().map(|verb| verb.word()).collect();
        return vec![
            Diagnostic::error("E0509", span, format!("the connector cannot list `{shown}`"))
                .help(format!("it can {}", can.join(", "))),
        ];
    }
    let asked = |field: &String| find.terms.iter().any(|term| term.field == *field && term.test == Test::Eq);
    let unled = beneath::parent_key(&ctx.model, manifest, &find.entity).iter().find(|field| !asked(field));
    let unfit =
        find.terms.iter().filter(|term| !beneath::askable(&ctx.model, manifest, &find.entity, &term.field, term.test));
    unfit
        .map(|term| unfilterable(ctx, manifest, find, term, span))
        .chain(unled.map(|field| faults::unled_look_up(span, &find.entity, field)))
        .collect()
}

fn unfilterable(ctx: &Context<'_>, manifest: &Manifest, find: &Find, term: &Term, span: Span) -> Diagnostic {
    let (field, entity) = (&term.field, &find.entity.entity);
    let known = manifest.entity(entity).map(|known| known.filter_on.as_slice()).unwrap_or_default();
    let able = known.iter().map(|known| known.pattern.as_str());
    let able: Vec<&str> = able.filter(|known| manifest.filterable(entity, known, term.test)).collect();
    let headline = format!("`{}` cannot be asked by `{field}` this way", shown(&find.entity));
    let fault = Diagnostic::error("E0514", span, headline);
    let fault = match able.as_slice() {
        [] => fault.help("its connector has no words for this comparison"),
        able => fault.help(format!("it can be asked by {}", able.join(", "))),
    };
    // The field stands before its value, in the same find.
    let before = Span { end: term.value.span.start.max(span.start), ..span };
    let text = ctx.project.files.text(before);
    let key = ctx.model.entity(&find.entity).and_then(|entity| match entity.key.as_slice() {
        [only] if able.contains(&only.as_str()) && only != field => Some(only.clone()),
        _ => None,
    });
    let (Some(key), Some(place)) = (key, text.rfind(field.as_str())) else { return fault };
    let start = span.start + u32::try_from(place).unwrap_or(0);
    let end = start + u32::try_from(field.len()).unwrap_or(0);
    fault.fix(format!("ask by {key}"), vec![Edit { span: Span { file: span.file, start, end }, text: key }])
}
