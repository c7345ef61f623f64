//! Which target paths of a mapping hold personal data.
//!
//! In: a resolved block. Out: the paths of the fields that the catalogue marks `personal`, as far as the mapping writes them.

use std::collections::BTreeSet;

use foldhash::{HashSet, HashSetExt};

use super::line::Line;
use crate::ir::{Block, Branch, Expr, ExprKind, Model, RuleId, Statement, Take};

/// Target paths that hold personal data, as far as the mapping writes them.
pub(super) fn personal_paths(model: &Model, block: &Block) -> Vec<String> {
    let mut finder = Finder { model, paths: BTreeSet::new(), followed: HashSet::new() };
    finder.block(block, "");
    finder.paths.into_iter().collect()
}

struct Finder<'m> {
    model: &'m Model,
    paths: BTreeSet<String>,
    /// Rules and the paths they were followed at: a rule that applies itself comes to an end.
    followed: HashSet<(RuleId, String)>,
}

impl Finder<'_> {
    fn block(&mut self, block: &Block, prefix: &str) {
        let model = self.model;
        let Some(record) = model.record(block.record) else { return };
        let personal: Vec<&str> =
            record.fields().filter(|field| field.personal).map(|field| field.wire.as_str()).collect();
        for statement in &block.statements {
            let (wire, value, body) = match statement {
                Statement::Set { field, value: Branch::Value(value), .. } => (&field.wire, Some(value), None),
                Statement::Nested { field, body, .. } => (&field.wire, None, Some(body)),
                Statement::Set { value: Branch::Answer(_), .. } | Statement::Let { .. } | Statement::Check { .. } => {
                    continue;
                }
            };
            let line = Line { prefix, wire };
            if personal.contains(&wire.as_str()) {
                self.paths.insert(line.path());
                continue;
            }
            if let Some(body) = body {
                self.block(body, &line.path());
            }
            if let Some(value) = value {
                self.value(value, line);
            }
        }
    }

    /// Records made by a value: list blocks, braces, rules.
    fn value(&mut self, value: &Expr, line: Line<'_>) {
        match &value.kind {
            ExprKind::Record(block) => self.block(block, &line.path()),
            ExprKind::Each(each) => match &each.take {
                Take::Block(block) => self.block(block, &line.path()),
                Take::Value(value) => self.value(value, line),
                Take::Element => {}
            },
            ExprKind::List(elements) => elements.iter().for_each(|element| self.value(element, line)),
            ExprKind::Apply { rule, .. } => {
                let model = self.model;
                if let Some(body) = model.rules.get(rule.0).map(|rule| &rule.body)
                    && self.followed.insert((*rule, line.path()))
                {
                    self.value(body, line);
                }
            }
            ExprKind::If { then, otherwise, .. } => {
                self.branch(then, line);
                self.branch(otherwise, line);
            }
            ExprKind::Match { arms, otherwise, .. } => {
                arms.iter().for_each(|(_, arm)| self.branch(arm, line));
                if let Some(other) = otherwise {
                    self.branch(other, line);
                }
            }
            ExprKind::Otherwise { value, branch: other } | ExprKind::IfInvalid { value, branch: other } => {
                self.value(value, line);
                self.branch(other, line);
            }
            ExprKind::Literal(_)
            | ExprKind::Template(_)
            | ExprKind::Local(_)
            | ExprKind::Setting(_)
            | ExprKind::Read { .. }
            | ExprKind::Negate(_)
            | ExprKind::Not(_)
            | ExprKind::Binary { .. }
            | ExprKind::In { .. }
            | ExprKind::Is { .. }
            | ExprKind::Find(_)
            | ExprKind::Linked(_)
            | ExprKind::Call { .. }
            | ExprKind::Lookup { .. }
            | ExprKind::Fit { .. }
            | ExprKind::Position(_)
            | ExprKind::Now => {}
        }
    }

    fn branch(&mut self, branch: &Branch, line: Line<'_>) {
        match branch {
            Branch::Value(value) => self.value(value, line),
            Branch::Answer(_) => {}
        }
    }
}
