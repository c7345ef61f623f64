//! Which paths of which record are read.
//!
//! In: resolved mappings and rules. Out: the `select` of every source and every `find`. A path that ends at a record or
//! list stands there alone only where nothing beneath it is read, or where it is passed on whole.

mod origins;
mod select;

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

use crate::context::{CheckedMapping, Context, Global};
use crate::faults;
use crate::ir::{LocalId, Model, RuleId};
use origins::Tracer;

/// Where a record comes from: a source or a record found, of one mapping or rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Root {
    /// Whose local.
    pub(crate) owner: Owner,
    /// Which.
    pub(crate) local: LocalId,
}

/// A mapping (by position, sound or not) or rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// `ctx.mappings`.
    Mapping(usize),
    /// `model.rules`.
    Rule(usize),
    /// `model.tables`.
    Table(usize),
}

/// What is read, over the whole project.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    /// Wire paths read of each root.
    pub(crate) of_root: HashMap<Root, BTreeSet<String>>,
}

/// Fills in the `select` of every source and `find`.
pub(crate) fn resolve_selects(ctx: &mut Context<'_>) {
    let (mappings, model, used) = (&ctx.mappings, &ctx.model, &ctx.used);
    // What each mapping uses and writes hangs on nothing of this: the checks find it ready.
    let survey = || mappings.par_iter().for_each(|checked| checked.survey(model));
    let (reads, ()) = rayon::join(|| trace(mappings, model, used), survey);
    select::fill(ctx, &reads);
    refuse_gone_fields(ctx);
}

fn trace<'m>(mappings: &'m [CheckedMapping<'_>], model: &'m Model, used: &HashSet<Global>) -> Reads {
    let mut tracer = Tracer::new(model);
    for (number, checked) in mappings.iter().enumerate() {
        tracer.mapping(number, &checked.mapping);
    }
    // A rule that no mapping uses still asks for what its own `find`s read.
    for number in 0..model.rules.len() {
        if !used.contains(&Global::Rule(RuleId(number))) {
            tracer.lone_rule(number);
        }
    }
    tracer.finish()
}

/// Of a record that was deleted only the key is known.
fn refuse_gone_fields(ctx: &mut Context<'_>) {
    let mut found = Vec::new();
    for (number, checked) in ctx.mappings.iter().enumerate() {
        for (source, written) in checked.mapping.sources.iter().zip(&checked.tree.sources) {
            let key = ctx.model.entity(&source.entity).map(|entity| entity.key.as_slice()).unwrap_or_default();
            let gone = source.select.iter().find(|path| !key.contains(path));
            if let Some(path) = gone.filter(|_| source.deleted) {
                found.push((number, faults::deleted_field_read(written.span, path, key)));
            }
        }
    }
    for (number, fault) in found {
        ctx.report(fault);
        if let Some(checked) = ctx.mappings.get_mut(number) {
            checked.sound = false;
        }
    }
}
