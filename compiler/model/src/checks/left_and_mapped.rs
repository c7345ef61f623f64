//! A target field that is left with a reason and mapped all the same.
//!
//! In: `leave`s and what mappings write. Out: one diagnostic a name. A `leave` inside a mapping speaks of that mapping, one
//! at the top of a spec of all.

use mapwright_syntax::{Diagnostic, Span};

use super::dismissed;
use super::written::Written;
use crate::context::{Context, Dismissal, Dismissed};

/// Checks every `leave`.
pub(crate) fn check(ctx: &Context<'_>, _: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    let written: Vec<&Written> = ctx.mappings.iter().map(|checked| &**checked.written(&ctx.model)).collect();
    for dismissal in ctx.dismissals.iter().filter(|dismissal| !dismissal.ignore) {
        found.extend(check_dismissal(ctx, dismissal, &written));
    }
}

fn check_dismissal(ctx: &Context<'_>, dismissal: &Dismissal, written: &[&Written]) -> Option<Diagnostic> {
    let spoken_of =
        written.iter().enumerate().filter(|(number, _)| dismissal.mapping.is_none_or(|mapping| mapping == *number));
    let name = ctx.project.files.text(dismissal.span);
    let (exact, mapped) = match &dismissal.what {
        Dismissed::Path { entity, path } => spoken_of
            .filter(|(number, _)| ctx.mappings.get(*number).is_some_and(|checked| checked.mapping.target == *entity))
            .find_map(|(_, written)| conflict(written, path))?,
        Dismissed::Made { record, path } => {
            let [first] = path.as_slice() else { return None };
            let mut made = written.iter().flat_map(|written| written.made.iter());
            made.find(|made| made.record == *record && made.rule.is_some() && made.set.contains(first))
                .map(|made| (true, made.span))?
        }
        Dismissed::Rest { .. } => return None,
    };
    let headline = format!("`{name}` is left with a reason, and mapped all the same");
    let fault = Diagnostic::error("E0404", dismissal.span, headline).here("left here").label(mapped, "mapped here");
    let fix = if exact { dismissed::without(ctx, dismissal.span) } else { dismissed::as_rest(ctx, dismissal.span) };
    Some(Diagnostic { fix, ..fault })
}

/// What is mapped at or beneath a path; is it the path itself, all of it?
fn conflict(written: &Written, path: &[String]) -> Option<(bool, Span)> {
    let deeper = written.paths.keys().any(|known| known.len() > path.len() && known.starts_with(path));
    written.beneath(path).map(|(known, span)| (known == path && !deeper, span))
}
