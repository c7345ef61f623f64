//! Every reference of a block or expression: `find` and `linked`.
//!
//! In: resolved statements. Out: each with its place, outermost first. Rules that are applied are not followed.

use mapwright_syntax::Span;

use crate::ir::{Answer, Argument, Block, Branch, Each, Expr, ExprKind, Find, Linked, Statement, Take, TemplatePart};

/// A reference.
#[derive(Clone, Copy)]
enum Seen<'e> {
    Find(&'e Find),
    Linked(&'e Linked),
}

/// What is done with a reference.
type Visit<'v> = &'v mut dyn FnMut(Seen<'_>, Span);

/// Every `find` of a block.
pub(crate) fn of_block(block: &Block, visit: &mut dyn FnMut(&Find, Span)) {
    block_of(block, &mut |seen, span| match seen {
        Seen::Find(find) => visit(find, span),
        Seen::Linked(_) => {}
    });
}

/// Every `find` of an expression.
pub(crate) fn of_expr(expr: &Expr, visit: &mut dyn FnMut(&Find, Span)) {
    expr_of(expr, &mut |seen, span| match seen {
        Seen::Find(find) => visit(find, span),
        Seen::Linked(_) => {}
    });
}

/// Every `linked` of a block.
pub(crate) fn links_of_block(block: &Block, visit: &mut dyn FnMut(&Linked, Span)) {
    block_of(block, &mut |seen, span| match seen {
        Seen::Linked(linked) => visit(linked, span),
        Seen::Find(_) => {}
    });
}

/// Every `linked` of an expression.
pub(crate) fn links_of_expr(expr: &Expr, visit: &mut dyn FnMut(&Linked, Span)) {
    expr_of(expr, &mut |seen, span| match seen {
        Seen::Linked(linked) => visit(linked, span),
        Seen::Find(_) => {}
    });
}

fn block_of(block: &Block, visit: Visit<'_>) {
    for statement in &block.statements {
        match statement {
            Statement::Let { value, .. } => expr_of(value, visit),
            Statement::Check { condition, reason, .. } => {
                expr_of(condition, visit);
                expr_of(reason, visit);
            }
            Statement::Set { value, .. } => of_branch(value, visit),
            Statement::Nested { when, body, .. } => {
                if let Some(when) = when {
                    expr_of(when, visit);
                }
                block_of(body, visit);
            }
        }
    }
}

fn of_branch(branch: &Branch, visit: Visit<'_>) {
    match branch {
        Branch::Value(value) => expr_of(value, visit),
        Branch::Answer(Answer::Reject(reason) | Answer::Skip(reason)) => expr_of(reason, visit),
        Branch::Answer(Answer::Omit | Answer::Clear | Answer::Wait) => {}
    }
}

/// All of an expression.
fn expr_of(expr: &Expr, visit: Visit<'_>) {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Local(_) | ExprKind::Setting(_) | ExprKind::Position(_) | ExprKind::Now => {}
        ExprKind::Template(parts) => {
            for part in parts {
                match part {
                    TemplatePart::Text(_) => {}
                    TemplatePart::Hole(hole) => expr_of(hole, visit),
                }
            }
        }
        ExprKind::Read { of: value, .. }
        | ExprKind::Negate(value)
        | ExprKind::Not(value)
        | ExprKind::Is { value, .. }
        | ExprKind::Fit { value, .. } => expr_of(value, visit),
        ExprKind::Binary { left: one, right: other, .. } | ExprKind::In { value: one, list: other, .. } => {
            expr_of(one, visit);
            expr_of(other, visit);
        }
        ExprKind::If { condition, then, otherwise } => {
            expr_of(condition, visit);
            of_branch(then, visit);
            of_branch(otherwise, visit);
        }
        ExprKind::Match { value, arms, otherwise } => {
            expr_of(value, visit);
            for branch in arms.iter().map(|(_, branch)| branch).chain(otherwise.as_deref()) {
                of_branch(branch, visit);
            }
        }
        ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
            expr_of(value, visit);
            of_branch(branch, visit);
        }
        ExprKind::Each(each) => of_each(each, visit),
        ExprKind::Find(find) => {
            visit(Seen::Find(find), expr.span);
            for term in &find.terms {
                expr_of(&term.value, visit);
            }
            for inner in find.residual.iter().chain(&find.take) {
                expr_of(inner, visit);
            }
        }
        ExprKind::Linked(linked) => {
            visit(Seen::Linked(linked), expr.span);
            expr_of(&linked.by, visit);
        }
        ExprKind::Call { arguments, .. } => {
            for argument in arguments {
                match argument {
                    Argument::Value(value) => expr_of(value, visit),
                    Argument::Mode(_) => {}
                }
            }
        }
        ExprKind::Apply { arguments, .. } | ExprKind::Lookup { arguments, .. } | ExprKind::List(arguments) => {
            for argument in arguments {
                expr_of(argument, visit);
            }
        }
        ExprKind::Record(block) => block_of(block, visit),
    }
}

fn of_each(each: &Each, visit: Visit<'_>) {
    for walk in &each.walks {
        expr_of(&walk.list, visit);
        for (list, _) in &walk.with {
            expr_of(list, visit);
        }
        if let Some(condition) = &walk.condition {
            expr_of(condition, visit);
        }
    }
    if let Some((by, _)) = &each.sorted {
        expr_of(by, visit);
    }
    match &each.take {
        Take::Element => {}
        Take::Value(value) => expr_of(value, visit),
        Take::Block(block) => block_of(block, visit),
    }
}
