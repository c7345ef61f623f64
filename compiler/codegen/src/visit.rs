//! Walks over everything that stands in an expression or a block.
//!
//! In: a part of the model. Out: what it mentions (rules, tables, entities, record types). It emits nothing.

use std::collections::BTreeSet;

use mapwright_model::ir::{
    Answer, Argument, Block, Branch, EntityRef, Expr, ExprKind, Mapping, Model, RecordId, RuleId, Statement, TableId,
    Take, TemplatePart,
};

/// Calls `see` with every expression of a block, outer ones first.
pub(crate) fn block(block: &Block, see: &mut dyn FnMut(&Expr)) {
    for statement in &block.statements {
        match statement {
            Statement::Let { value, .. } => expr(value, see),
            Statement::Check { condition, reason, .. } => {
                expr(condition, see);
                expr(reason, see);
            }
            Statement::Set { value, .. } => branch(value, see),
            Statement::Nested { when, body, .. } => {
                if let Some(when) = when {
                    expr(when, see);
                }
                self::block(body, see);
            }
        }
    }
}

/// Calls `see` with every expression of a branch.
pub(crate) fn branch(branch: &Branch, see: &mut dyn FnMut(&Expr)) {
    match branch {
        Branch::Value(value) => expr(value, see),
        Branch::Answer(Answer::Reject(reason) | Answer::Skip(reason)) => expr(reason, see),
        Branch::Answer(Answer::Omit | Answer::Clear | Answer::Wait) => {}
    }
}

/// Calls `see` with an expression and every expression within it.
pub(crate) fn expr(whole: &Expr, see: &mut dyn FnMut(&Expr)) {
    see(whole);
    match &whole.kind {
        ExprKind::Literal(_) | ExprKind::Local(_) | ExprKind::Setting(_) | ExprKind::Position(_) | ExprKind::Now => {}
        ExprKind::Template(parts) => {
            for part in parts {
                match part {
                    TemplatePart::Text(_) => {}
                    TemplatePart::Hole(hole) => expr(hole, see),
                }
            }
        }
        ExprKind::Read { of: value, .. }
        | ExprKind::Negate(value)
        | ExprKind::Not(value)
        | ExprKind::Is { value, .. }
        | ExprKind::Fit { value, .. } => expr(value, see),
        ExprKind::Binary { left, right, .. } | ExprKind::In { value: left, list: right, .. } => {
            expr(left, see);
            expr(right, see);
        }
        ExprKind::If { condition, then, otherwise } => {
            expr(condition, see);
            branch(then, see);
            branch(otherwise, see);
        }
        ExprKind::Match { value, arms, otherwise } => {
            expr(value, see);
            arms.iter().for_each(|(_, arm)| branch(arm, see));
            otherwise.iter().for_each(|otherwise| branch(otherwise, see));
        }
        ExprKind::Otherwise { value, branch: answer } | ExprKind::IfInvalid { value, branch: answer } => {
            expr(value, see);
            branch(answer, see);
        }
        ExprKind::Each(each) => {
            for walk in &each.walks {
                expr(&walk.list, see);
                walk.with.iter().for_each(|(list, _)| expr(list, see));
                walk.condition.iter().for_each(|condition| expr(condition, see));
            }
            each.sorted.iter().for_each(|(key, _)| expr(key, see));
            match &each.take {
                Take::Element => {}
                Take::Value(value) => expr(value, see),
                Take::Block(body) => block(body, see),
            }
        }
        ExprKind::Find(find) => {
            find.terms.iter().for_each(|term| expr(&term.value, see));
            find.residual.iter().for_each(|residual| expr(residual, see));
            find.take.iter().for_each(|take| expr(take, see));
        }
        ExprKind::Linked(linked) => expr(&linked.by, see),
        ExprKind::Call { arguments, .. } => {
            for argument in arguments {
                match argument {
                    Argument::Value(value) => expr(value, see),
                    Argument::Mode(_) => {}
                }
            }
        }
        ExprKind::Apply { arguments, .. } | ExprKind::Lookup { arguments, .. } | ExprKind::List(arguments) => {
            arguments.iter().for_each(|argument| expr(argument, see));
        }
        ExprKind::Record(body) => block(body, see),
    }
}

/// Every entity that a mapping, a look-up or a flow touches, as (system, entity).
pub(crate) fn entities_used(model: &Model) -> BTreeSet<(String, String)> {
    let mut used = BTreeSet::new();
    let mut note = |entity: &EntityRef| {
        used.insert((entity.system.clone(), entity.entity.clone()));
    };
    for mapping in &model.mappings {
        note(&mapping.target);
        mapping.sources.iter().for_each(|source| note(&source.entity));
    }
    for flow in &model.flows {
        note(&flow.entity);
        flow.also.iter().for_each(|also| note(&also.entity));
    }
    let mut see = |expr: &Expr| {
        if let ExprKind::Find(find) = &expr.kind {
            note(&find.entity);
        }
        if let ExprKind::Linked(linked) = &expr.kind {
            note(&linked.entity);
            note(&linked.of);
        }
    };
    for mapping in &model.mappings {
        block(&mapping.body, &mut see);
    }
    for rule in &model.rules {
        expr(&rule.body, &mut see);
    }
    for table in &model.tables {
        table.rows.iter().for_each(|row| branch(&row.result, &mut see));
        table.otherwise.iter().for_each(|otherwise| branch(otherwise, &mut see));
    }
    model.flows.iter().filter_map(|flow| flow.keep.as_ref()).for_each(|keep| expr(keep, &mut see));
    asked_besides(model, used)
}

/// With those that connectors ask to serve them: where a probe looks, to whom records belong.
fn asked_besides(model: &Model, mut used: BTreeSet<(String, String)>) -> BTreeSet<(String, String)> {
    let mut ahead: Vec<(String, String)> = used.iter().cloned().collect();
    while let Some((system, entity)) = ahead.pop() {
        let Some(known) = model.entity(&EntityRef { system: system.clone(), entity }) else { continue };
        for besides in &known.probed_in {
            let named = (system.clone(), besides.clone());
            if used.insert(named.clone()) {
                ahead.push(named);
            }
        }
    }
    used
}

/// The rules and tables that a mapping reaches, directly or through each other.
pub(crate) fn reached(model: &Model, mapping: &Mapping) -> (Vec<RuleId>, Vec<TableId>) {
    let mut found = Reached::default();
    block(&mapping.body, &mut |expr| found.note(expr));
    while let Some(next) = found.ahead.pop() {
        match next {
            Next::Rule(id) => {
                if let Some(rule) = model.rules.get(id.0) {
                    expr(&rule.body, &mut |expr| found.note(expr));
                }
            }
            Next::Table(id) => {
                if let Some(table) = model.tables.get(id.0) {
                    table.rows.iter().for_each(|row| branch(&row.result, &mut |expr| found.note(expr)));
                    table.otherwise.iter().for_each(|answer| branch(answer, &mut |expr| found.note(expr)));
                }
            }
        }
    }
    (found.rules.into_iter().map(RuleId).collect(), found.tables.into_iter().map(TableId).collect())
}

enum Next {
    Rule(RuleId),
    Table(TableId),
}

#[derive(Default)]
struct Reached {
    rules: BTreeSet<usize>,
    tables: BTreeSet<usize>,
    ahead: Vec<Next>,
}

impl Reached {
    fn note(&mut self, expr: &Expr) {
        if let ExprKind::Apply { rule, .. } = &expr.kind
            && self.rules.insert(rule.0)
        {
            self.ahead.push(Next::Rule(*rule));
        }
        if let ExprKind::Lookup { table, .. } = &expr.kind
            && self.tables.insert(table.0)
        {
            self.ahead.push(Next::Table(*table));
        }
    }
}

/// The record types that the mapping's blocks make.
pub(crate) fn records_made(mapping: &Mapping) -> BTreeSet<RecordId> {
    let mut made = BTreeSet::new();
    note_blocks(&mapping.body, &mut made);
    made
}

fn note_blocks(body: &Block, made: &mut BTreeSet<RecordId>) {
    made.insert(body.record);
    for statement in &body.statements {
        if let Statement::Nested { body, .. } = statement {
            note_blocks(body, made);
        }
    }
    block(body, &mut |expr| {
        if let ExprKind::Record(body) = &expr.kind {
            made.insert(body.record);
        }
        if let ExprKind::Each(each) = &expr.kind
            && let Take::Block(body) = &each.take
        {
            made.insert(body.record);
        }
    });
}
