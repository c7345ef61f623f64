//! Checks of a whole project, once everything is resolved.
//!
//! In: what the resolver knows. Out: faults. Each check is one function in the file named for its fault.

mod coverage;
mod dismissed;
mod dismissed_twice;
pub(crate) mod finds;
mod ignored_and_used;
mod left_and_mapped;
mod lines;
mod rounded_lines;
pub(crate) mod rows;
mod shortened_key;
mod unknown_manifest_name;
mod unmapped_field;
mod unmapped_required_field;
mod unserved_find;
mod unused_definition;
mod unused_field;
pub(crate) mod usage;
pub(crate) mod written;

use mapwright_syntax::Diagnostic;
use rayon::prelude::*;

use crate::context::Context;

/// A check: looks at everything and at what the resolver told, adds what it finds. None hangs on what another one finds.
type Check = fn(&Context<'_>, &[Diagnostic], &mut Vec<Diagnostic>);

/// Runs all checks side by side. What they find comes in the order of the checks.
pub(crate) fn find_all(ctx: &Context<'_>, earlier: &[Diagnostic]) -> Vec<Diagnostic> {
    let run = |check: &Check| {
        let mut found = Vec::new();
        check(ctx, earlier, &mut found);
        found
    };
    let found: Vec<Vec<Diagnostic>> = CHECKS.par_iter().with_max_len(1).map(run).collect();
    found.into_iter().flatten().collect()
}

/// All checks in order.
static CHECKS: &[Check] = &[
    unused_definition::check,
    unmapped_required_field::check,
    unmapped_field::check,
    unused_field::check,
    left_and_mapped::check,
    ignored_and_used::check,
    dismissed_twice::check,
    unserved_find::check,
    unknown_manifest_name::check,
    shortened_key::check,
    rounded_lines::check,
];
