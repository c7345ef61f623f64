//! The parts of expressions, as far as somebody looks for something in all of them.
//!
//! In: a model. Out: every `match` in it. Nothing is evaluated.

use std::collections::BTreeSet;

use mapwright_model::ir::{Answer, Argument, Block, Branch, Expr, ExprKind, Model, Statement, Take, TemplatePart};
use mapwright_syntax::Span;

/// Every `match` of the model: where it stands, how many arms it has, and has it an `otherwise`?
pub(crate) fn matches_of(model: &Model) -> Vec<(Span, usize, bool)> {
    searched(model).found
}

/// The tables that something looks a key up in.
pub(crate) fn looked_up(model: &Model) -> BTreeSet<usize> {
    searched(model).tables
}

fn searched(model: &Model) -> Search {
    let mut search = Search { found: Vec::new(), tables: BTreeSet::new() };
    model.mappings.iter().for_each(|mapping| search.block(&mapping.body));
    model.rules.iter().for_each(|rule| search.expr(&rule.body));
    for table in &model.tables {
        table.rows.iter().map(|row| &row.result).chain(&table.otherwise).for_each(|branch| search.branch(branch));
    }
    search
}

struct Search {
    found: Vec<(Span, usize, bool)>,
    tables: BTreeSet<usize>,
}

impl Search {
    fn block(&mut self, block: &Block) {
        for statement in &block.statements {
            match statement {
                Statement::Let { value, .. } => self.expr(value),
                Statement::Check { condition, reason, .. } => {
                    self.expr(condition);
                    self.expr(reason);
                }
                Statement::Set { value, .. } => self.branch(value),
                Statement::Nested { when, body, .. } => {
                    when.iter().for_each(|when| self.expr(when));
                    self.block(body);
                }
            }
        }
    }

    fn branch(&mut self, branch: &Branch) {
        match branch {
            Branch::Value(value) => self.expr(value),
            Branch::Answer(Answer::Reject(reason) | Answer::Skip(reason)) => self.expr(reason),
            Branch::Answer(Answer::Omit | Answer::Clear | Answer::Wait) => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(_)
            | ExprKind::Local(_)
            | ExprKind::Setting(_)
            | ExprKind::Position(_)
            | ExprKind::Now => {}
            ExprKind::Template(parts) => {
                for part in parts {
                    match part {
                        TemplatePart::Text(_) => {}
                        TemplatePart::Hole(hole) => self.expr(hole),
                    }
                }
            }
            ExprKind::Read { of: value, .. }
            | ExprKind::Negate(value)
            | ExprKind::Not(value)
            | ExprKind::Is { value, .. }
            | ExprKind::Fit { value, .. } => self.expr(value),
            ExprKind::Binary { left, right, .. } | ExprKind::In { value: left, list: right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.branch(then);
                self.branch(otherwise);
            }
            ExprKind::Match { value, arms, otherwise } => {
                self.found.push((expr.span, arms.len(), otherwise.is_some()));
                self.expr(value);
                arms.iter()
                    .map(|(_, branch)| branch)
                    .chain(otherwise.as_deref())
                    .for_each(|branch| self.branch(branch));
            }
            ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
                self.expr(value);
                self.branch(branch);
            }
            ExprKind::Each(each) => {
                for walk in &each.walks {
                    self.expr(&walk.list);
                    walk.with.iter().for_each(|(list, _)| self.expr(list));
                    walk.condition.iter().for_each(|condition| self.expr(condition));
                }
                each.sorted.iter().for_each(|(key, _)| self.expr(key));
                match &each.take {
                    Take::Element => {}
                    Take::Value(value) => self.expr(value),
                    Take::Block(block) => self.block(block),
                }
            }
            ExprKind::Find(find) => {
                find.terms.iter().for_each(|term| self.expr(&term.value));
                find.residual.iter().chain(&find.take).for_each(|part| self.expr(part));
            }
            ExprKind::Linked(linked) => self.expr(&linked.by),
            ExprKind::Call { arguments, .. } => {
                for argument in arguments {
                    match argument {
                        Argument::Value(value) => self.expr(value),
                        Argument::Mode(_) => {}
                    }
                }
            }
            ExprKind::Lookup { table, arguments } => {
                self.tables.insert(table.0);
                arguments.iter().for_each(|argument| self.expr(argument));
            }
            ExprKind::Apply { arguments, .. } | ExprKind::List(arguments) => {
                arguments.iter().for_each(|argument| self.expr(argument));
            }
            ExprKind::Record(block) => self.block(block),
        }
    }
}
