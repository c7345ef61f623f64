//! Every line that writes a field, and what its value is made of.
//!
//! In: a mapping's body or a rule. Out: each line, outermost first, with the `let`s that it may speak of; the first call of a
//! function through which a value goes on its way to a field.

use foldhash::HashMap;
use mapwright_syntax::Span;

use crate::ir::{
    Answer, Argument, Block, Branch, Expr, ExprKind, LocalId, Model, RecordId, RuleId, Statement, Take, Target,
    TemplatePart,
};

/// The `let`s so far.
pub(crate) type Lets<'m> = HashMap<LocalId, &'m Expr>;

/// `FIELD <- VALUE`.
#[derive(Clone, Copy)]
pub(crate) struct Line<'m> {
    /// The record that it belongs to.
    pub(crate) record: RecordId,
    /// The field.
    pub(crate) field: &'m Target,
    /// Its value.
    pub(crate) value: &'m Branch,
    /// Does it stand in an `each`, which makes several records of it?
    pub(crate) repeated: bool,
}

/// What is done with a line.
type Visit<'v, 'm> = &'v mut dyn FnMut(&Line<'m>, &Lets<'m>);

/// Every line of a block, those of the records that it makes included. Rules that are applied are not followed.
pub(crate) fn of_block<'m>(block: &'m Block, lets: &mut Lets<'m>, visit: Visit<'_, 'm>) {
    in_block(block, false, lets, visit);
}

fn in_block<'m>(block: &'m Block, repeated: bool, lets: &mut Lets<'m>, visit: Visit<'_, 'm>) {
    for statement in &block.statements {
        match statement {
            Statement::Let { local, value, .. } => {
                lets.insert(*local, value);
                in_expr(value, repeated, lets, visit);
            }
            Statement::Check { .. } => {}
            Statement::Set { field, value, .. } => {
                visit(&Line { record: block.record, field, value, repeated }, lets);
                in_branch(value, repeated, lets, visit);
            }
            Statement::Nested { body, .. } => in_block(body, repeated, lets, visit),
        }
    }
}

fn in_branch<'m>(branch: &'m Branch, repeated: bool, lets: &mut Lets<'m>, visit: Visit<'_, 'm>) {
    match branch {
        Branch::Value(value) => in_expr(value, repeated, lets, visit),
        Branch::Answer(Answer::Omit | Answer::Clear | Answer::Wait | Answer::Reject(_) | Answer::Skip(_)) => {}
    }
}

/// Every line of the records that a rule makes, each as if it made several.
pub(crate) fn of_expr<'m>(expr: &'m Expr, lets: &mut Lets<'m>, visit: Visit<'_, 'm>) {
    in_expr(expr, true, lets, visit);
}

fn in_expr<'m>(expr: &'m Expr, repeated: bool, lets: &mut Lets<'m>, visit: Visit<'_, 'm>) {
    match &expr.kind {
        ExprKind::Record(block) => in_block(block, repeated, lets, visit),
        ExprKind::Each(each) => match &each.take {
            Take::Element => {}
            Take::Value(value) => in_expr(value, true, lets, visit),
            Take::Block(block) => in_block(block, true, lets, visit),
        },
        ExprKind::If { then, otherwise, .. } => {
            in_branch(then, repeated, lets, visit);
            in_branch(otherwise, repeated, lets, visit);
        }
        ExprKind::Match { arms, otherwise, .. } => {
            for branch in arms.iter().map(|(_, branch)| branch).chain(otherwise.as_deref()) {
                in_branch(branch, repeated, lets, visit);
            }
        }
        ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
            in_expr(value, repeated, lets, visit);
            in_branch(branch, repeated, lets, visit);
        }
        ExprKind::List(elements) => elements.iter().for_each(|element| in_expr(element, repeated, lets, visit)),
        ExprKind::Call { arguments, .. } => values(arguments).for_each(|value| in_expr(value, repeated, lets, visit)),
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
        | ExprKind::Apply { .. }
        | ExprKind::Lookup { .. }
        | ExprKind::Fit { .. }
        | ExprKind::Position(_)
        | ExprKind::Now => {}
    }
}

fn values(arguments: &[Argument]) -> impl Iterator<Item = &Expr> {
    arguments.iter().filter_map(|argument| match argument {
        Argument::Value(value) => Some(value),
        Argument::Mode(_) => None,
    })
}

/// Looks for a function through which a value goes.
pub(crate) struct Search<'s> {
    /// The project.
    pub(crate) model: &'s Model,
    /// Is it one of these?
    pub(crate) wanted: &'s dyn Fn(&str) -> bool,
    /// What goes through one of these is something else behind it.
    pub(crate) ends: &'s [&'s str],
}

impl Search<'_> {
    /// The first call in a value.
    pub(crate) fn branch(&self, branch: &Branch, lets: &Lets<'_>) -> Option<Span> {
        match branch {
            Branch::Value(value) => self.expr(value, lets, &mut Vec::new()),
            Branch::Answer(Answer::Omit | Answer::Clear | Answer::Wait | Answer::Reject(_) | Answer::Skip(_)) => None,
        }
    }

    /// The first call in an expression.
    pub(crate) fn value(&self, expr: &Expr, lets: &Lets<'_>) -> Option<Span> {
        self.expr(expr, lets, &mut Vec::new())
    }

    fn expr(&self, expr: &Expr, lets: &Lets<'_>, applied: &mut Vec<RuleId>) -> Option<Span> {
        let of = |branch: &Branch, applied: &mut Vec<RuleId>| match branch {
            Branch::Value(value) => self.expr(value, lets, applied),
            Branch::Answer(_) => None,
        };
        match &expr.kind {
            ExprKind::Template(parts) => parts.iter().find_map(|part| match part {
                TemplatePart::Text(_) => None,
                TemplatePart::Hole(hole) => self.expr(hole, lets, applied),
            }),
            // INVARIANT: a `let` speaks only of those before it, so this ends.
            ExprKind::Local(local) => lets.get(local).and_then(|value| self.expr(value, lets, applied)),
            ExprKind::Negate(value) | ExprKind::Fit { value, .. } => self.expr(value, lets, applied),
            ExprKind::Binary { left, right, .. } => {
                self.expr(left, lets, applied).or_else(|| self.expr(right, lets, applied))
            }
            ExprKind::If { then, otherwise, .. } => of(then, applied).or_else(|| of(otherwise, applied)),
            ExprKind::Match { arms, otherwise, .. } => {
                let mut branches = arms.iter().map(|(_, branch)| branch).chain(otherwise.as_deref());
                branches.find_map(|branch| of(branch, applied))
            }
            ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
                self.expr(value, lets, applied).or_else(|| of(branch, applied))
            }
            ExprKind::Each(each) => match &each.take {
                Take::Value(value) => self.expr(value, lets, applied),
                Take::Element | Take::Block(_) => None,
            },
            ExprKind::Call { function, .. } if (self.wanted)(function.name) => Some(expr.span),
            ExprKind::Call { function, .. } if self.ends.contains(&function.name) => None,
            ExprKind::Call { arguments, .. } => values(arguments).find_map(|value| self.expr(value, lets, applied)),
            ExprKind::Apply { rule, arguments } => {
                let within = self.model.rules.get(rule.0).filter(|_| !applied.contains(rule)).and_then(|known| {
                    applied.push(*rule);
                    let found = self.expr(&known.body, &Lets::default(), applied);
                    applied.pop();
                    found.map(|_| expr.span)
                });
                within.or_else(|| arguments.iter().find_map(|value| self.expr(value, lets, applied)))
            }
            ExprKind::List(elements) => elements.iter().find_map(|element| self.expr(element, lets, applied)),
            ExprKind::Literal(_)
            | ExprKind::Setting(_)
            | ExprKind::Read { .. }
            | ExprKind::Not(_)
            | ExprKind::In { .. }
            | ExprKind::Is { .. }
            | ExprKind::Find(_)
            | ExprKind::Linked(_)
            | ExprKind::Lookup { .. }
            | ExprKind::Position(_)
            | ExprKind::Now
            | ExprKind::Record(_) => None,
        }
    }
}
