//! Rules and tables that use themselves, or others too often.
//!
//! In: what each of them uses. Out: faults. What is at fault loses its body, so that whoever follows uses comes to an end, and soon.

use foldhash::{HashMap, HashMapExt};

use super::scope::poison;
use crate::context::{Context, Global};
use crate::faults;
use crate::ir::{RuleId, TableId};

/// How many applications of rules one application may lead to, all in all.
const APPLICATIONS_MAX: u64 = 10_000;
/// How long a chain of rules that use one another may be.
const CHAIN_MAX: u64 = 64;

/// Checks all rules and tables.
pub(super) fn check(ctx: &mut Context<'_>) {
    let mut circular = Vec::new();
    let mut heavy = Vec::new();
    let mut long = Vec::new();
    let mut weights: HashMap<Global, (u64, u64)> = HashMap::new();
    // INVARIANT: what a group uses stands in groups before it.
    for group in groups(ctx) {
        let within_itself = match group.as_slice() {
            [only] => ctx.depends.get(only).is_some_and(|uses| uses.contains(only)),
            _ => true,
        };
        for global in group {
            if within_itself {
                circular.push(global);
                continue;
            }
            let applied = ctx.applies.get(&global).map(Vec::as_slice).unwrap_or_default();
            let mut weight = 1_u64;
            let mut chain = 1;
            for rule in applied {
                let (used, behind) = weights.get(&Global::Rule(*rule)).copied().unwrap_or((1, 1));
                weight = weight.saturating_add(used);
                chain = chain.max(behind + 1);
            }
            // What is at fault is told once, and not of everything that uses it.
            if weight > APPLICATIONS_MAX {
                heavy.push((global, weight));
            } else if chain > CHAIN_MAX {
                long.push(global);
            } else {
                weights.insert(global, (weight, chain));
            }
        }
    }
    circular.sort_by_key(|global| order(*global));
    heavy.sort_by_key(|(global, _)| order(*global));
    long.sort_by_key(|global| order(*global));
    for global in long {
        if let Some((name, span)) = name(ctx, global) {
            ctx.report(faults::rules_too_deep(span, global.noun(), &name, CHAIN_MAX));
        }
        empty(ctx, global);
    }
    for global in circular {
        if let Some((name, span)) = name(ctx, global) {
            ctx.report(faults::circular_definition(span, global.noun(), &name));
        }
        empty(ctx, global);
    }
    for (global, weight) in heavy {
        if let Some((name, span)) = name(ctx, global) {
            ctx.report(faults::rules_too_often(span, global.noun(), &name, weight, APPLICATIONS_MAX));
        }
        empty(ctx, global);
    }
}

fn order(global: Global) -> (bool, usize) {
    match global {
        Global::Rule(rule) => (false, rule.0),
        Global::Table(table) => (true, table.0),
        Global::System(at) => (true, at),
        Global::Setting(setting) => (true, setting.0),
    }
}

fn name(ctx: &Context<'_>, global: Global) -> Option<(String, mapwright_syntax::Span)> {
    match global {
        Global::Rule(rule) => ctx.model.rules.get(rule.0).map(|rule| (rule.name.clone(), rule.span)),
        Global::Table(table) => ctx.model.tables.get(table.0).map(|table| (table.name.clone(), table.span)),
        Global::System(_) | Global::Setting(_) => None,
    }
}

fn empty(ctx: &mut Context<'_>, global: Global) {
    ctx.broken.insert(global);
    match global {
        Global::Rule(rule) => {
            if let Some(rule) = ctx.model.rules.get_mut(rule.0) {
                rule.body = poison(rule.span);
            }
        }
        Global::Table(table) => {
            if let Some(table) = ctx.model.tables.get_mut(table.0) {
                table.rows = Vec::new();
                table.otherwise = None;
            }
        }
        Global::System(_) | Global::Setting(_) => {}
    }
}

/// What Tarjan's algorithm knows of a node.
#[derive(Clone, Copy)]
struct Seen {
    number: usize,
    low: usize,
    open: bool,
}

/// Rules and tables in groups that use one another, each group behind those that it uses (Tarjan's algorithm, without recursion: chains may
/// be as long as a project).
fn groups(ctx: &Context<'_>) -> Vec<Vec<Global>> {
    let rules = (0..ctx.rule_trees.len()).map(|rule| Global::Rule(RuleId(rule)));
    let tables = (0..ctx.table_trees.len()).map(|table| Global::Table(TableId(table)));
    let used = |global: Global| -> Vec<Global> {
        let mut used: Vec<Global> = ctx.depends.get(&global).into_iter().flatten().copied().collect();
        used.sort_by_key(|global| order(*global));
        used
    };
    let mut seen: HashMap<Global, Seen> = HashMap::new();
    let mut open: Vec<Global> = Vec::new();
    let mut found = Vec::new();
    for root in rules.chain(tables) {
        let mut path: Vec<(Global, std::vec::IntoIter<Global>)> = Vec::new();
        let mut next = (!seen.contains_key(&root)).then_some(root);
        loop {
            if let Some(global) = next.take() {
                let number = seen.len();
                seen.insert(global, Seen { number, low: number, open: true });
                open.push(global);
                path.push((global, used(global).into_iter()));
            }
            let Some((global, left)) = path.last_mut() else { break };
            let global = *global;
            if let Some(child) = left.next() {
                match seen.get(&child).copied() {
                    None => next = Some(child),
                    Some(child) if child.open => lower(&mut seen, global, child.number),
                    Some(_) => {}
                }
                continue;
            }
            path.pop();
            let Some(done) = seen.get(&global).copied() else { continue };
            if let Some((parent, _)) = path.last() {
                lower(&mut seen, *parent, done.low);
            }
            if done.low == done.number {
                let from = open.iter().rposition(|known| *known == global).unwrap_or_default();
                let group = open.split_off(from);
                for member in &group {
                    if let Some(member) = seen.get_mut(member) {
                        member.open = false;
                    }
                }
                found.push(group);
            }
        }
    }
    found
}

fn lower(seen: &mut HashMap<Global, Seen>, global: Global, to: usize) {
    if let Some(known) = seen.get_mut(&global) {
        known.low = known.low.min(to);
    }
}
