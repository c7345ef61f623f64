//! Every `find` of a block or expression.
//!
//! In: resolved statements. Out: each `find` with its place, outermost first. Rules that are applied are not followed.

use mapwright_syntax::Span;

use crate::ir::{Answer, Argument, Block, Branch, Each, Expr, ExprKind, Find, Statement, Take, TemplatePart};

/// What is done with a `find`.
pub(crate) type Visit<'v> = &'v mut dyn FnMut(&Find, Span);

/// All of a block.
pub(crate) fn of_block(block: &Block, visit: Visit<'_>) {
    for statement in &block.statements {
        match statement {
            Statement::Let { value, .. } => of_expr(value, visit),
            Statement::Check { condition, reason, .. } => {
                of_expr(condition, visit);
                of_expr(reason, visit);
            }
            Statement::Set { value, .. } => of_branch(value, visit),
            Statement::Nested { when, body, .. } => {
                if let Some(when) = when {
                    of_expr(when, visit);
                }
                of_block(body, visit);
            }
        }
    }
}

fn of_branch(branch: &Branch, visit: Visit<'_>) {
    match branch {
        Branch::Value(value) => of_expr(value, visit),
        Branch::Answer(Answer::Reject(reason) | Answer::Skip(reason)) => of_expr(reason, visit),
        Branch::Answer(Answer::Omit | Answer::Clear | Answer::Wait) => {}
    }
}

/// All of an expression.
pub(crate) fn of_expr(expr: &Expr, visit: Visit<'_>) {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Local(_) | ExprKind::Setting(_) | ExprKind::Position(_) | ExprKind::Now => {}
        ExprKind::Template(parts) => {
            for part in parts {
                match part {
                    TemplatePart::Text(_) => {}
                    TemplatePart::Hole(hole) => of_expr(hole, visit),
                }
            }
        }
        ExprKind::Read { of: value, .. }
        | ExprKind::Negate(value)
        | ExprKind::Not(value)
        | ExprKind::Is { value, .. }
        | ExprKind::Fit { value, .. } => of_expr(value, visit),
        ExprKind::Binary { left: one, right: other, .. } | ExprKind::In { value: one, list: other, .. } => {
            of_expr(one, visit);
            of_expr(other, visit);
        }
        ExprKind::If { condition, then, otherwise } => {
            of_expr(condition, visit);
            of_branch(then, visit);
            of_branch(otherwise, visit);
        }
        ExprKind::Match { value, arms, otherwise } => {
            of_expr(value, visit);
            for branch in arms.iter().map(|(_, branch)| branch).chain(otherwise.as_deref()) {
                of_branch(branch, visit);
            }
        }
        ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
            of_expr(value, visit);
            of_branch(branch, visit);
        }
        ExprKind::Each(each) => of_each(each, visit),
        ExprKind::Find(find) => {
            visit(find, expr.span);
            for term in &find.terms {
                of_expr(&term.value, visit);
            }
            for inner in find.residual.iter().chain(&find.take) {
                of_expr(inner, visit);
            }
        }
        ExprKind::Linked(linked) => of_expr(&linked.by, visit),
        ExprKind::Call { arguments, .. } => {
            for argument in arguments {
                match argument {
                    Argument::Value(value) => of_expr(value, visit),
                    Argument::Mode(_) => {}
                }
            }
        }
        ExprKind::Apply { arguments, .. } | ExprKind::Lookup { arguments, .. } | ExprKind::List(arguments) => {
            for argument in arguments {
                of_expr(argument, visit);
            }
        }
        ExprKind::Record(block) => of_block(block, visit),
    }
}

fn of_each(each: &Each, visit: Visit<'_>) {
    for walk in &each.walks {
        of_expr(&walk.list, visit);
        for (list, _) in &walk.with {
            of_expr(list, visit);
        }
        if let Some(condition) = &walk.condition {
            of_expr(condition, visit);
        }
    }
    if let Some((by, _)) = &each.sorted {
        of_expr(by, visit);
    }
    match &each.take {
        Take::Element => {}
        Take::Value(value) => of_expr(value, visit),
        Take::Block(block) => of_block(block, visit),
    }
}
