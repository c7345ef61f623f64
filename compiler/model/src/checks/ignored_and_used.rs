//! A source field that is ignored with a reason and used all the same.
//!
//! In: `ignore`s and what mappings read. Out: one diagnostic a name. An `ignore` inside a mapping speaks of that mapping,
//! one at the top of a spec of all.

use mapwright_syntax::Diagnostic;

use super::dismissed;
use super::usage::Usage;
use crate::context::{Context, Dismissal, Dismissed};

/// Checks every `ignore`.
pub(crate) fn check(ctx: &Context<'_>, _: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    let usages: Vec<&Usage> = ctx.mappings.iter().map(|checked| checked.usage(&ctx.model)).collect();
    for dismissal in ctx.dismissals.iter().filter(|dismissal| dismissal.ignore) {
        found.extend(check_dismissal(ctx, dismissal, &usages));
    }
}

fn check_dismissal(ctx: &Context<'_>, dismissal: &Dismissal, usages: &[&Usage]) -> Option<Diagnostic> {
    let (entity, path) = match &dismissal.what {
        Dismissed::Path { entity, path } => (entity, path),
        Dismissed::Rest { .. } | Dismissed::Made { .. } => return None,
    };
    let spoken_of =
        usages.iter().enumerate().filter(|(number, _)| dismissal.mapping.is_none_or(|mapping| mapping == *number));
    let mut readings = spoken_of.filter_map(|(_, usage)| usage.of(entity));
    let (exact, used) =
        readings.find_map(|reading| reading.beneath(path).map(|(known, span)| (known == path, span)))?;
    let name = ctx.project.files.text(dismissal.span);
    let headline = format!("`{name}` is ignored with a reason, and used all the same");
    let fault = Diagnostic::error("E0405", dismissal.span, headline).here("ignored here").label(used, "used here");
    let fix = if exact { dismissed::without(ctx, dismissal.span) } else { dismissed::as_rest(ctx, dismissal.span) };
    Some(Diagnostic { fix, ..fault })
}
