//! Specs to the model: settings, tables, rules, examples, mappings.
//!
//! In: trees of the project's specs; systems are resolved already. Out: everything of the model but flows, and the faults met.
//! Definitions may stand in any order: names first, then what a name promises (types), then bodies.

pub(crate) mod blocks;
mod branches;
mod calls;
mod circles;
mod csv;
mod examples;
mod expressions;
mod line;
mod lists;
pub(crate) mod literals;
pub(crate) mod mappings;
mod mention;
mod once;
mod open;
mod paths;
mod personal;
pub(crate) mod references;
mod results;
mod reverse;
mod rules;
pub(crate) mod scope;
mod settle;
pub(crate) mod tables;
mod unused;

use mapwright_syntax::tree::{Definition, Name, Parameter};

pub(crate) use calls::MODES;
pub(crate) use settle::Mend;

use crate::catalogue::resolve_type;
use crate::context::{Context, Global};
use crate::faults;
use crate::ir::{Expr, Local, LocalId, LocalKind, Rule, RuleId, Setting, SettingId, Table, TableId, Type};

/// Resolves everything of the project's own specs but its flows.
pub(crate) fn resolve_definitions(ctx: &mut Context<'_>) {
    for definition in ctx.definitions() {
        declare(ctx, definition);
    }
    let definitions: Vec<&Definition> = ctx.definitions().collect();
    let mut setting = 0;
    for definition in &definitions {
        if let Definition::Setting(tree) = definition {
            // A setting declared twice has no place of its own.
            if ctx.model.settings.get(setting).is_some_and(|known| known.span == tree.name.span) {
                rules::resolve_default(ctx, SettingId(setting), tree);
                setting += 1;
            }
        }
    }
    for table in 0..ctx.table_trees.len() {
        tables::resolve_table(ctx, TableId(table));
    }
    for rule in 0..ctx.rule_trees.len() {
        rules::resolve_rule(ctx, RuleId(rule));
    }
    circles::check(ctx);
    for definition in definitions {
        match definition {
            Definition::Example(tree) => examples::resolve_example(ctx, tree),
            Definition::Mapping(tree) => mappings::resolve_mapping(ctx, tree),
            Definition::Dismissal(tree) => mappings::resolve_dismissal(ctx, tree),
            Definition::Use(_)
            | Definition::Rounding(_)
            | Definition::System(_)
            | Definition::Extend(_)
            | Definition::Setting(_)
            | Definition::Table(_)
            | Definition::Rule(_)
            | Definition::Flow(_) => {}
        }
    }
    mappings::settle_soundness(ctx);
}

/// Makes a definition known by its name, with the types that it promises.
fn declare<'p>(ctx: &mut Context<'p>, definition: &'p Definition) {
    match definition {
        Definition::Rounding(mode) => {
            if MODES.contains(&mode.text.as_str()) {
                ctx.rounding = Some(mode.text.clone());
            } else {
                ctx.report(faults::malformed_literal(
                    mode.span,
                    "there is no such rounding mode; write half_up, half_even, half_down, up, down, ceiling or floor",
                ));
            }
        }
        Definition::Setting(tree) => {
            let id = SettingId(ctx.model.settings.len());
            if !claim(ctx, &tree.name, Global::Setting(id)) {
                return;
            }
            let typed = resolve_type(ctx, &tree.ty, None, &|| tree.name.text.clone()).plainly();
            break_if_unknown(ctx, Global::Setting(id), &[&typed.ty]);
            ctx.model.settings.push(Setting {
                name: tree.name.text.clone(),
                ty: typed.ty,
                optional: typed.optional,
                spelling: typed.spelling,
                default: None,
                doc: tree.doc.as_ref().map(|doc| doc.text.clone()).unwrap_or_default(),
                span: tree.name.span,
            });
        }
        Definition::Table(tree) => {
            let id = TableId(ctx.model.tables.len());
            if !claim(ctx, &tree.name, Global::Table(id)) {
                return;
            }
            let (keys, locals) = parameters(ctx, &tree.keys);
            let result = resolve_type(ctx, &tree.result, None, &|| tree.name.text.clone());
            let types: Vec<&Type> = locals.iter().map(|local| &local.ty).chain([&result.ty]).collect();
            break_if_unknown(ctx, Global::Table(id), &types);
            ctx.model.tables.push(Table {
                name: tree.name.text.clone(),
                doc: tree.doc.as_ref().map(|doc| doc.text.clone()).unwrap_or_default(),
                keys,
                locals,
                result: result.ty,
                rows: Vec::new(),
                otherwise: None,
                reversed: None,
                span: tree.name.span,
            });
            ctx.table_trees.push(tree);
        }
        Definition::Rule(tree) => {
            let id = RuleId(ctx.model.rules.len());
            if !claim(ctx, &tree.name, Global::Rule(id)) {
                return;
            }
            if mapwright_values::functions::function(&tree.name.text).is_some() {
                ctx.report(faults::shadowed_function(&tree.name));
            }
            let (parameters, locals) = parameters(ctx, &tree.parameters);
            let result = resolve_type(ctx, &tree.result, None, &|| tree.name.text.clone());
            let types: Vec<&Type> = locals.iter().map(|local| &local.ty).chain([&result.ty]).collect();
            break_if_unknown(ctx, Global::Rule(id), &types);
            let body: Expr = scope::poison(tree.body.span);
            ctx.model.rules.push(Rule {
                name: tree.name.text.clone(),
                doc: tree.doc.as_ref().map(|doc| doc.text.clone()).unwrap_or_default(),
                parameters,
                locals,
                result: result.ty,
                optional: result.optional,
                body,
                span: tree.name.span,
            });
            ctx.rule_trees.push(tree);
        }
        Definition::Mapping(tree) => claim_of_kind(ctx, "mapping", &tree.name),
        Definition::Flow(tree) => claim_of_kind(ctx, "flow", &tree.name),
        Definition::Use(_)
        | Definition::System(_)
        | Definition::Extend(_)
        | Definition::Dismissal(_)
        | Definition::Example(_) => {}
    }
}

/// A definition whose types are not known cannot be used.
fn break_if_unknown(ctx: &mut Context<'_>, global: Global, types: &[&Type]) {
    if types.iter().any(|ty| ty.is_never()) {
        ctx.broken.insert(global);
    }
}

/// Parameters of a rule or key columns of a table.
fn parameters(ctx: &mut Context<'_>, written: &[Parameter]) -> (Vec<LocalId>, Vec<Local>) {
    let mut locals: Vec<Local> = Vec::with_capacity(written.len());
    for parameter in written {
        let typed = resolve_type(ctx, &parameter.ty, None, &|| parameter.name.text.clone());
        locals.push(Local {
            name: parameter.name.text.as_str().into(),
            ty: typed.ty,
            optional: typed.optional,
            kind: LocalKind::Parameter,
            span: parameter.name.span,
        });
    }
    ((0..locals.len()).map(LocalId).collect(), locals)
}

/// Gives a name to a setting, table or rule, unless it is taken.
fn claim(ctx: &mut Context<'_>, name: &Name, global: Global) -> bool {
    if let Some((_, first)) = ctx.names.get(&name.text) {
        let fault = faults::duplicate_name(global.noun(), &name.text, name.span, *first);
        ctx.report(fault);
        return false;
    }
    ctx.names.insert(name.text.clone(), (global, name.span));
    true
}

/// Mappings and flows have names of their own.
fn claim_of_kind(ctx: &mut Context<'_>, kind: &'static str, name: &Name) {
    let first = *ctx.claimed.entry((kind, name.text.clone())).or_insert(name.span);
    if first != name.span {
        ctx.report(faults::duplicate_name(kind, &name.text, name.span, first));
    }
}
