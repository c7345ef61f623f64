//! A field that one mapping leaves or ignores twice.
//!
//! In: all dismissals. Out: a warning for each that says again what stands above. Only what is named alike counts: a whole record and
//! one of its fields are two statements.

use mapwright_syntax::{Diagnostic, Span};

use super::dismissed;
use crate::context::{Context, Dismissal};

/// Warns of each name that is dismissed again.
pub(crate) fn check(ctx: &Context<'_>, _: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    for (index, again) in ctx.dismissals.iter().enumerate() {
        let same = |known: &&Dismissal| {
            known.ignore == again.ignore && known.mapping == again.mapping && known.what == again.what
        };
        if let Some(first) = ctx.dismissals.iter().take(index).find(same) {
            found.push(warning(ctx, again, first.span));
        }
    }
}

fn warning(ctx: &Context<'_>, again: &Dismissal, first: Span) -> Diagnostic {
    let (name, verb) = (ctx.project.files.text(again.span), if again.ignore { "ignored" } else { "left" });
    let fault = Diagnostic::warning("W0610", again.span, format!("`{name}` is {verb} twice"))
        .here("said again here")
        .label(first, "said already here");
    match dismissed::without(ctx, again.span) {
        Some(fix) => fault.fix(fix.title, fix.edits),
        None => fault,
    }
}
