//! Which target paths of a mapping hold personal data.
//!
//! In: a resolved block. Out: the paths of the fields that the catalogue marks `personal`, as far as the mapping writes them.

use std::collections::BTreeSet;

use foldhash::{HashSet, HashSetExt};

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
            // Most lines are looked at in passing: a path is made where it is kept or gone on from.
            let path = || if prefix.is_empty() { wire.clone() } else { format!("{prefix}.{wire}") };
            if personal.contains(&wire.as_str()) {
                self.paths.insert(path());
                continue;
            }
            if let Some(body) = body {
                self.block(body, &path());
            }
            if let Some(value) = value.filter(|value| may_make_records(value)) {
                self.value(value, &path());
            }
        }
    }

    /// Records made by a value: list blocks, braces, rules.
    fn value(&mut self, value: &Expr, path: &str) {
        match &value.kind {
            ExprKind::Record(block) => self.block(block, path),
            ExprKind::Each(each) => match &each.take {
                Take::Block(block) => self.block(block, path),
                Take::Value(value) => self.value(value, path),
                Take::Element => {}
            },
            ExprKind::List(elements) => elements.iter().for_each(|element| self.value(element, path)),
            ExprKind::Apply { rule, .. } => {
                let model = self.model;
                if let Some(body) = model.rules.get(rule.0).map(|rule| &rule.body)
                    && self.followed.insert((*rule, path.to_owned()))
                {
                    self.value(body, path);
                }
            }
            ExprKind::If { then, otherwise, .. } => {
                self.branch(then, path);
                self.branch(otherwise, path);
            }
            ExprKind::Match { arms, otherwise, .. } => {
                arms.iter().for_each(|(_, arm)| self.branch(arm, path));
                if let Some(other) = otherwise {
                    self.branch(other, path);
                }
            }
            ExprKind::Otherwise { value, branch: other } | ExprKind::IfInvalid { value, branch: other } => {
                self.value(value, path);
                self.branch(other, path);
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

    fn branch(&mut self, branch: &Branch, path: &str) {
        match branch {
            Branch::Value(value) => self.value(value, path),
            Branch::Answer(_) => {}
        }
    }
}

/// Is a value made of other values, or a record itself?
fn may_make_records(value: &Expr) -> bool {
    matches!(
        value.kind,
        ExprKind::Record(_)
            | ExprKind::Each(_)
            | ExprKind::List(_)
            | ExprKind::Apply { .. }
            | ExprKind::If { .. }
            | ExprKind::Match { .. }
            | ExprKind::Otherwise { .. }
            | ExprKind::IfInvalid { .. }
    )
}
