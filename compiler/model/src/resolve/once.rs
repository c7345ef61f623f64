//! What a mapping writes when a record is created and never again.
//!
//! In: a resolved mapping. Out: the paths of what stands in `on create`, in its own blocks, in the elements of its lists and in the rules
//! that it applies; and a fault where the same path is written always too, for an update could not tell the two apart.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use mapwright_syntax::Span;

use super::line::Line;
use crate::ir::{Argument, Block, Branch, Expr, ExprKind, LocalId, Mapping, Model, RuleId, Statement, Take, Type};

/// Paths (wire names, dots between steps) with the line that writes each first.
type Lines = BTreeMap<String, Span>;

/// What is written once, and what is written always.
pub(super) struct Found {
    /// In `on create`.
    pub(super) once: Lines,
    /// Elsewhere; empty if nothing is written once.
    always: Lines,
}

impl Found {
    /// Paths written both ways: the path, the line in `on create`, the other line.
    pub(super) fn both(&self) -> impl Iterator<Item = (&str, Span, Span)> {
        self.once.iter().filter_map(|(path, once)| Some((path.as_str(), *once, *self.always.get(path)?)))
    }
}

/// Follows a mapping.
pub(super) fn written_once(model: &Model, mapping: &Mapping) -> Found {
    let once = written(model, mapping, true);
    let always = if once.is_empty() { Lines::new() } else { written(model, mapping, false) };
    Found { once, always }
}

/// What stands in `on create`, or elsewhere.
fn written(model: &Model, mapping: &Mapping, on_create: bool) -> Lines {
    let mut finder = Finder { model, on_create, found: Lines::new(), lets: HashMap::new(), followed: HashSet::new() };
    finder.lets(&mapping.body);
    finder.block(mapping.making(), "");
    finder.found
}

struct Finder<'m> {
    model: &'m Model,
    /// Is it `on create` that is looked for?
    on_create: bool,
    found: Lines,
    lets: HashMap<LocalId, &'m Expr>,
    /// Rules and the paths they were followed at: a rule that applies itself comes to an end.
    followed: HashSet<(RuleId, String)>,
}

impl<'m> Finder<'m> {
    fn lets(&mut self, block: &'m Block) {
        for statement in &block.statements {
            match statement {
                Statement::Let { local, value, .. } => {
                    self.lets.insert(*local, value);
                }
                Statement::Nested { body, .. } => self.lets(body),
                Statement::Set { .. } | Statement::Check { .. } => {}
            }
        }
    }

    fn block(&mut self, block: &'m Block, prefix: &str) {
        self.lets(block);
        for statement in &block.statements {
            let Some((field, span)) = statement.target() else { continue };
            let line = Line { prefix, wire: &field.wire };
            match statement {
                Statement::Set { on_create: true, .. } | Statement::Nested { on_create: true, .. } => {
                    if self.on_create {
                        self.found.entry(line.path()).or_insert(span);
                    }
                }
                Statement::Set { value, .. } => {
                    self.branch(value, line);
                    if !self.on_create {
                        self.found.entry(line.path()).or_insert(span);
                    }
                }
                Statement::Nested { body, .. } => {
                    self.block(body, &line.path());
                    if !self.on_create && matches!(field.ty, Type::List(_)) {
                        self.found.entry(line.path()).or_insert(span);
                    }
                }
                Statement::Let { .. } | Statement::Check { .. } => {}
            }
        }
    }

    fn branch(&mut self, branch: &'m Branch, line: Line<'_>) {
        match branch {
            Branch::Value(value) => self.value(value, line),
            Branch::Answer(_) => {}
        }
    }

    /// Records made by a value.
    fn value(&mut self, value: &'m Expr, line: Line<'_>) {
        if !matches!(value.ty, Type::Record(_) | Type::List(_)) {
            return;
        }
        match &value.kind {
            ExprKind::Record(block) => self.block(block, &line.path()),
            ExprKind::Local(id) => {
                if let Some(known) = self.lets.get(id).copied() {
                    self.value(known, line);
                }
            }
            ExprKind::Each(each) => match &each.take {
                Take::Block(block) => self.block(block, &line.path()),
                Take::Value(value) => self.value(value, line),
                Take::Element => each.walks.iter().for_each(|walk| self.value(&walk.list, line)),
            },
            ExprKind::List(elements) => elements.iter().for_each(|element| self.value(element, line)),
            ExprKind::Apply { rule, .. } => {
                let model = self.model;
                if let Some(body) = model.rules.get(rule.0).map(|rule| &rule.body)
                    && self.followed.insert((*rule, line.path()))
                {
                    // A rule has locals of its own.
                    let outer = std::mem::take(&mut self.lets);
                    self.value(body, line);
                    self.lets = outer;
                }
            }
            ExprKind::Lookup { table, .. } => {
                let model = self.model;
                let Some(table) = model.tables.get(table.0) else { return };
                table.rows.iter().map(|row| &row.result).chain(&table.otherwise).for_each(|row| self.branch(row, line));
            }
            ExprKind::If { then, otherwise, .. } => {
                self.branch(then, line);
                self.branch(otherwise, line);
            }
            ExprKind::Match { arms, otherwise, .. } => {
                arms.iter().for_each(|(_, arm)| self.branch(arm, line));
                otherwise.iter().for_each(|other| self.branch(other, line));
            }
            ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
                self.value(value, line);
                self.branch(branch, line);
            }
            ExprKind::Call { arguments, .. } => {
                for argument in arguments {
                    match argument {
                        Argument::Value(value) => self.value(value, line),
                        Argument::Mode(_) => {}
                    }
                }
            }
            ExprKind::Literal(_)
            | ExprKind::Template(_)
            | ExprKind::Setting(_)
            | ExprKind::Read { .. }
            | ExprKind::Negate(_)
            | ExprKind::Not(_)
            | ExprKind::Binary { .. }
            | ExprKind::In { .. }
            | ExprKind::Is { .. }
            | ExprKind::Find(_)
            | ExprKind::Linked(_)
            | ExprKind::Fit { .. }
            | ExprKind::Position(_)
            | ExprKind::Now => {}
        }
    }
}
