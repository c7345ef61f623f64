//! Catalogues to systems, entities and record types.
//!
//! In: the `use` lines and the catalogues that they name. Out: systems and records of the model. Flows and connectors are
//! not looked at here.

mod marks;
mod records;
mod types;

use foldhash::{HashMap, HashMapExt};
use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, Definition};

use crate::context::{Context, Global};
use crate::faults;
use crate::ir::{RecordId, System};
pub(crate) use marks::json_text;
pub(crate) use types::{Typed, record_of, resolve_type, type_noun};

/// The catalogue behind a system.
#[derive(Debug)]
pub(crate) struct Home<'p> {
    /// Its statements.
    pub(crate) tree: Option<&'p tree::System>,
    /// Declared types as far as they are resolved; `None` = being resolved.
    pub(crate) types: HashMap<String, Option<Typed>>,
    /// Entities as far as they are begun.
    pub(crate) entities: HashMap<String, RecordId>,
}

/// Resolves all systems of the project, then what the project adds to them.
pub(crate) fn resolve_systems(ctx: &mut Context<'_>) {
    for definition in ctx.definitions() {
        match definition {
            Definition::Use(used) => add_used(ctx, used),
            Definition::System(system) => {
                let title = system.doc.as_ref().map(|doc| doc.text.clone());
                let found = System {
                    alias: system.name.text.clone(),
                    name: system.name.text.clone(),
                    title: title.unwrap_or_else(|| system.name.text.clone()),
                    entities: Vec::new(),
                    manifest: String::new(),
                    span: system.name.span,
                };
                add_system(ctx, found, Some(system), system.name.span);
            }
            Definition::Rounding(_)
            | Definition::Dismissal(_)
            | Definition::Extend(_)
            | Definition::Setting(_)
            | Definition::Table(_)
            | Definition::Rule(_)
            | Definition::Example(_)
            | Definition::Mapping(_)
            | Definition::Flow(_) => {}
        }
    }
    for system in 0..ctx.homes.len() {
        records::resolve_entities(ctx, system);
    }
    for definition in ctx.definitions() {
        if let Definition::Extend(extend) = definition {
            records::extend(ctx, extend);
        }
    }
    records::collect_keys(ctx);
}

/// A `use` line.
fn add_used<'p>(ctx: &mut Context<'p>, used: &tree::Use) {
    let project = ctx.project;
    let source = project.systems.iter().find(|system| system.name == used.system.text);
    let Some(source) = source else {
        let known = project.known_systems.iter().map(String::as_str);
        ctx.report(faults::unknown_used_system(&used.system, known));
        let poisoned = System {
            alias: used.alias.text.clone(),
            name: used.system.text.clone(),
            title: used.system.text.clone(),
            entities: Vec::new(),
            manifest: String::new(),
            span: used.span,
        };
        add_system(ctx, poisoned, None, used.alias.span);
        return;
    };
    let tree: Option<&'p tree::System> =
        source.catalogue.1.definitions.iter().find_map(|definition| match definition {
            Definition::System(system) => Some(system),
            Definition::Use(_)
            | Definition::Rounding(_)
            | Definition::Dismissal(_)
            | Definition::Extend(_)
            | Definition::Setting(_)
            | Definition::Table(_)
            | Definition::Rule(_)
            | Definition::Example(_)
            | Definition::Mapping(_)
            | Definition::Flow(_) => None,
        });
    let title = tree.and_then(|system| system.doc.as_ref()).map(|doc| doc.text.clone());
    // A manifest that extends another carries that one's text too.
    let whole = source.manifest.1.as_ref().map(|manifest| manifest.text.clone());
    let manifest = whole.or_else(|| project.files.get(source.manifest.0).map(|file| file.text.clone()));
    let manifest = manifest.unwrap_or_default();
    let system = System {
        alias: used.alias.text.clone(),
        name: used.system.text.clone(),
        title: title.unwrap_or_else(|| used.system.text.clone()),
        entities: Vec::new(),
        manifest,
        span: used.span,
    };
    add_system(ctx, system, tree, used.alias.span);
}

/// A system under its alias.
fn add_system<'p>(ctx: &mut Context<'p>, system: System, tree: Option<&'p tree::System>, span: Span) {
    let alias = system.alias.clone();
    if let Some((_, first)) = ctx.names.get(&alias) {
        let fault = faults::duplicate_name("system", &alias, span, *first);
        ctx.report(fault);
        return;
    }
    ctx.names.insert(alias, (Global::System(ctx.homes.len()), span));
    ctx.model.systems.push(system);
    ctx.homes.push(Home { tree, types: HashMap::new(), entities: HashMap::new() });
}
