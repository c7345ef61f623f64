//! Syntax tree to checked model.
//!
//! In: a [`project::Project`] (parsed specs, catalogues, manifests). Out: an [`ir::Model`] and every fault of the project at once.
//! It reads no file and evaluates nothing; names, types, coverage, loss, tables and flows are settled here, so that no back
//! end can fail.

mod beneath;
mod catalogue;
mod checks;
pub mod codes;
mod context;
mod faults;
mod flows;
pub mod ir;
mod mend;
pub mod project;
mod reads;
mod resolve;
mod trails;
mod types;
mod unread;
pub mod uses;

use mapwright_syntax::{Diagnostic, Severity};

pub use codes::{CODES, explain};
use context::Context;
use ir::Model;
use project::Project;

/// Resolves and checks a project. A mapping, table or rule with an error is not usable by what comes after; everything
/// else is in the model, so that one bad line does not hide the preview of the good ones.
#[must_use]
pub fn check(project: &Project) -> (Model, Vec<Diagnostic>) {
    let mut ctx = Context::new(project);
    catalogue::resolve_systems(&mut ctx);
    resolve::resolve_definitions(&mut ctx);
    reads::resolve_selects(&mut ctx);
    flows::resolve_flows(&mut ctx);
    let mut diagnostics = std::mem::take(&mut ctx.diagnostics);
    let found = checks::find_all(&ctx, &diagnostics);
    diagnostics.extend(found);
    diagnostics.retain(|diagnostic| !ctx.unread.explains(project, diagnostic));
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|known| known.severity == Severity::Error)
        .map(|known| (known.code, known.span()))
        .chain(project.unread.iter().map(|span| ("", *span)))
        .collect();
    diagnostics.retain(|diagnostic| !ctx.unread.follows(diagnostic, &errors));
    diagnostics.sort_by_key(|diagnostic| {
        let span = diagnostic.span();
        (span.file, span.start, diagnostic.code)
    });
    (ctx.into_model(), diagnostics)
}
