//! What is worth knowing of a project without a fault: what the workshop has not answered.
//!
//! In: the trees of the project's specs. Out: diagnostics of severity note, in the order of files and places.

use mapwright_syntax::tree::{
    Block, Branch, Definition, DutyKind, EachTake, Expr, ExprKind, Remark, Statement, StatementKind, TemplatePart,
    Text, Tree,
};
use mapwright_syntax::{Diagnostic, FileId, Severity};

/// `open "..."`.
const OPEN_QUESTION: &str = "N0502";
/// Every code of this crate.
#[cfg(test)]
pub(crate) const CODES: &[&str] = &[OPEN_QUESTION];

/// All open questions.
pub(crate) fn notes(specs: &[(FileId, Tree)]) -> Vec<Diagnostic> {
    let questions = specs.iter().flat_map(|(_, tree)| open_questions(tree));
    let note = |text: &Text| {
        Diagnostic::new(OPEN_QUESTION, Severity::Note, text.span, format!("open question: {}", text.text))
    };
    questions.map(note).collect()
}

/// Every `open "..."` of a spec, in order.
fn open_questions(tree: &Tree) -> Vec<&Text> {
    let mut found = Questions(Vec::new());
    for definition in &tree.definitions {
        match definition {
            Definition::Mapping(mapping) => found.block(&mapping.body),
            Definition::Flow(flow) => {
                for duty in &flow.duties {
                    if let DutyKind::Remark(remark) = &duty.kind {
                        found.remark(remark);
                    }
                }
            }
            Definition::Dismissal(dismissal) => dismissal.remarks.iter().for_each(|remark| found.remark(remark)),
            Definition::Rule(rule) => found.expr(&rule.body),
            Definition::Use(_)
            | Definition::Rounding(_)
            | Definition::System(_)
            | Definition::Extend(_)
            | Definition::Setting(_)
            | Definition::Table(_)
            | Definition::Example(_) => {}
        }
    }
    found.0
}

struct Questions<'t>(Vec<&'t Text>);

impl<'t> Questions<'t> {
    fn remark(&mut self, remark: &'t Remark) {
        match remark {
            Remark::Open(text) => self.0.push(text),
            Remark::Owner { .. } | Remark::Note(_) => {}
        }
    }

    fn block(&mut self, block: &'t Block) {
        block.statements.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &'t Statement) {
        match &statement.kind {
            StatementKind::Assign { value, .. } => self.branch(value),
            StatementKind::Nested { body, .. } | StatementKind::OnCreate(body) => self.block(body),
            StatementKind::Let { value, .. } => self.expr(value),
            StatementKind::Dismissal(dismissal) => dismissal.remarks.iter().for_each(|remark| self.remark(remark)),
            StatementKind::Check { .. } | StatementKind::Copy { .. } | StatementKind::Remark => {}
        }
        statement.remarks.iter().for_each(|remark| self.remark(remark));
    }

    fn branch(&mut self, branch: &'t Branch) {
        match branch {
            Branch::Value(expr) => self.expr(expr),
            Branch::Answer(_) => {}
        }
    }

    /// Blocks, which hold statements, may stand anywhere in an expression.
    fn expr(&mut self, expr: &'t Expr) {
        match &expr.kind {
            ExprKind::Each(each) => {
                each.walks.iter().for_each(|walk| self.expr(&walk.list));
                match &each.take {
                    EachTake::Block(block) => self.block(block),
                    EachTake::Value(value) => self.expr(value),
                    EachTake::Element => {}
                }
            }
            ExprKind::Record(block) => self.block(block),
            ExprKind::List(elements) => elements.iter().for_each(|element| self.expr(element)),
            ExprKind::Call { arguments, .. } | ExprKind::Lookup { arguments, .. } => {
                arguments.iter().for_each(|argument| self.expr(argument));
            }
            ExprKind::Pipe { value, arguments, .. } => {
                self.expr(value);
                arguments.iter().flatten().for_each(|argument| self.expr(argument));
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.branch(then);
                self.branch(otherwise);
            }
            ExprKind::Match { value, arms } => {
                self.expr(value);
                arms.iter().for_each(|arm| self.branch(&arm.result));
            }
            ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
                self.expr(value);
                self.branch(branch);
            }
            ExprKind::Template(parts) => {
                for part in parts {
                    match part {
                        TemplatePart::Hole(hole) => self.expr(hole),
                        TemplatePart::Text(_) => {}
                    }
                }
            }
            ExprKind::Field { of, .. } | ExprKind::Negate(of) | ExprKind::Not(of) | ExprKind::Brackets(of) => {
                self.expr(of)
            }
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::In { value, list, .. } => {
                self.expr(value);
                self.expr(list);
            }
            ExprKind::Is { value, .. } => self.expr(value),
            ExprKind::Find(find) => find.take.iter().for_each(|take| self.expr(take)),
            ExprKind::Linked(linked) => linked.take.iter().for_each(|take| self.expr(take)),
            ExprKind::Literal(_) | ExprKind::Word(_) => {}
        }
    }
}
