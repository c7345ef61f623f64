//! Is a name said in an expression? Asked before the expression is resolved.

use mapwright_syntax::tree::{Branch, EachTake, Expr, ExprKind, TemplatePart};

/// Is the word said anywhere in it? A name that hides it would be refused, so that every such word is that name.
pub(super) fn mentions(expr: &Expr, word: &str) -> bool {
    let any = |list: &[Expr]| list.iter().any(|expr| mentions(expr, word));
    match &expr.kind {
        ExprKind::Literal(_) => false,
        ExprKind::Template(parts) => parts.iter().any(|part| match part {
            TemplatePart::Text(_) => false,
            TemplatePart::Hole(hole) => mentions(hole, word),
        }),
        ExprKind::Word(name) => name.text == word,
        ExprKind::Field { of, .. } => mentions(of, word),
        ExprKind::Call { arguments, .. } | ExprKind::Lookup { arguments, .. } => any(arguments),
        ExprKind::Pipe { value, arguments, .. } => mentions(value, word) || arguments.as_deref().is_some_and(any),
        ExprKind::Negate(inner) | ExprKind::Not(inner) | ExprKind::Brackets(inner) => mentions(inner, word),
        ExprKind::Binary { left, right, .. } => mentions(left, word) || mentions(right, word),
        ExprKind::In { value, list, .. } => mentions(value, word) || mentions(list, word),
        ExprKind::Is { value, .. } => mentions(value, word),
        ExprKind::If { condition, then, otherwise } => {
            mentions(condition, word) || branch(then, word) || branch(otherwise, word)
        }
        ExprKind::Match { value, arms } => mentions(value, word) || arms.iter().any(|arm| branch(&arm.result, word)),
        ExprKind::Otherwise { value, branch: other } | ExprKind::IfInvalid { value, branch: other } => {
            mentions(value, word) || branch(other, word)
        }
        ExprKind::Each(each) => {
            each.walks.iter().any(|walk| {
                mentions(&walk.list, word)
                    || walk.with.iter().any(|(list, _)| mentions(list, word))
                    || walk.condition.as_ref().is_some_and(|condition| mentions(condition, word))
            }) || each.sorted.as_ref().is_some_and(|sorting| mentions(&sorting.by, word))
                || match &each.take {
                    // A block may say anything; it is never part of a condition.
                    EachTake::Element | EachTake::Block(_) => false,
                    EachTake::Value(value) => mentions(value, word),
                }
        }
        ExprKind::Find(find) => {
            mentions(&find.condition, word) || find.take.as_ref().is_some_and(|take| mentions(take, word))
        }
        ExprKind::Linked(linked) => {
            mentions(&linked.by, word) || linked.take.as_ref().is_some_and(|take| mentions(take, word))
        }
        ExprKind::List(elements) => any(elements),
        ExprKind::Record(_) => false,
    }
}

fn branch(branch: &Branch, word: &str) -> bool {
    match branch {
        Branch::Value(value) => mentions(value, word),
        Branch::Answer(_) => false,
    }
}
