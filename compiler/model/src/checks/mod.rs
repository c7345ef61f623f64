//! Checks of a whole project, once everything is resolved.
//!
//! In: what the resolver knows. Out: faults. Each check is one function in the file named for its fault.

pub(crate) mod rows;
mod unused_definition;

use mapwright_syntax::Diagnostic;

use crate::context::Context;

/// A check: looks at everything, adds what it finds.
pub(crate) type Check = fn(&Context<'_>, &mut Vec<Diagnostic>);

/// All checks in order.
pub(crate) static CHECKS: &[Check] = &[unused_definition::check];
