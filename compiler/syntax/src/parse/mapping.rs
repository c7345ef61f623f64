//! Mappings and the statements of blocks.

use super::Reader;
use super::expression::{name, path, word};
use super::grammar::Rule;
use super::node::Node;
use crate::faults;
use crate::tree::{
    Block, Dismissal, DismissedField, Mapping, OnePer, Path, Remark, Source, Statement, StatementKind, Text,
};

impl Reader<'_> {
    pub(super) fn mapping(&self, node: &Node<'_>) -> Option<Mapping> {
        let one_per = match node.child(Rule::one_per) {
            Some(part) => Some(OnePer {
                list: self.operation(&part.child(Rule::operation)?)?,
                name: word(&part)?,
                condition: self.condition(&part)?,
            }),
            None => None,
        };
        Some(Mapping {
            name: word(node)?,
            sources: node.read_all(Rule::source, |source| self.source(&source))?,
            part: node.has(Rule::k_part),
            target: path(&node.child(Rule::path)?),
            one_per,
            doc: self.doc(node),
            body: self.block(&node.child(Rule::block)?),
            span: node.span(),
        })
    }

    fn source(&self, node: &Node<'_>) -> Option<Source> {
        let grouped = match node.child(Rule::grouped) {
            Some(part) => Some((self.operation(&part.child(Rule::operation)?)?, word(&part)?)),
            None => None,
        };
        Some(Source {
            deleted: node.has(Rule::k_deleted),
            entity: path(&node.child(Rule::path)?),
            name: word(node)?,
            grouped,
            span: node.span(),
        })
    }

    /// `{ statements }`.
    pub(super) fn block(&self, node: &Node<'_>) -> Block {
        let mut block = Block { statements: Vec::with_capacity(node.all(Rule::statement).count()), span: node.span() };
        for child in node.children() {
            match child.rule() {
                Rule::statement => match self.statement(&child) {
                    Some(statement) => block.statements.push(statement),
                    None => self.report(faults::unreadable(child.span(), "statement")),
                },
                Rule::bad_statement => self.bad_line(&child),
                // The braces.
                _ => {}
            }
        }
        block
    }

    fn statement(&self, node: &Node<'_>) -> Option<Statement> {
        let first = node.children().next()?;
        let target = || first.child(Rule::target).map(|target| path(&target));
        let kind = match first.rule() {
            Rule::assign => StatementKind::Assign {
                target: target()?,
                also: first.has(Rule::k_also),
                value: self.branch(&first.child(Rule::outcome)?)?,
            },
            Rule::nested => {
                let when = match first.child(Rule::operation) {
                    Some(when) => Some(self.operation(&when)?),
                    None => None,
                };
                StatementKind::Nested { target: target()?, when, body: self.block(&first.child(Rule::block)?) }
            }
            Rule::let_ => StatementKind::Let { name: word(&first)?, value: self.expr(&first.child(Rule::expr)?)? },
            Rule::check => StatementKind::Check {
                condition: self.operation(&first.child(Rule::operation)?)?,
                answer: self.answer(&first.child(Rule::check_answer)?)?,
            },
            Rule::copy => StatementKind::Copy {
                names: first.all(Rule::name).map(|part| name(&part)).collect(),
                from: path(&first.child(Rule::path)?),
            },
            Rule::on_create => StatementKind::OnCreate(self.block(&first.child(Rule::block)?)),
            Rule::dismissal => StatementKind::Dismissal(self.dismissal(&first)?),
            _ => StatementKind::Remark,
        };
        Some(Statement { kind, remarks: self.remarks(node)?, span: node.span() })
    }

    fn remarks(&self, node: &Node<'_>) -> Option<Vec<Remark>> {
        node.read_all(Rule::remark, |remark| self.remark(&remark))
    }

    /// `leave`, `ignore` for the whole project.
    pub(super) fn project_dismissal(&self, node: &Node<'_>) -> Option<Dismissal> {
        let dismissal = self.dismissal(&node.child(Rule::dismissal)?)?;
        Some(Dismissal { remarks: self.remarks(node)?, span: node.span(), ..dismissal })
    }

    fn dismissal(&self, node: &Node<'_>) -> Option<Dismissal> {
        Some(Dismissal {
            ignore: node.has(Rule::k_ignore),
            fields: node.all(Rule::dismissed).map(|field| dismissed(&field)).collect(),
            because: self.plain_text(&node.child(Rule::text)?),
            remarks: Vec::new(),
            span: node.span(),
        })
    }

    /// `owner`, `note`, `open`.
    pub(super) fn remark(&self, node: &Node<'_>) -> Option<Remark> {
        let kind = node.children().next()?;
        let text = self.plain_text(&kind.child(Rule::text)?);
        Some(match kind.rule() {
            Rule::note => Remark::Note(text),
            Rule::open_question => Remark::Open(text),
            _ => {
                let agreed =
                    kind.child(Rule::date).map(|date| Text { text: date.text().to_owned(), span: date.span() });
                Remark::Owner { who: text, agreed, span: kind.span() }
            }
        })
    }
}

fn dismissed(node: &Node<'_>) -> DismissedField {
    if node.has(Rule::k_rest) {
        return DismissedField::Rest { of: node.child(Rule::path).map(|of| path(&of)), span: node.span() };
    }
    let names: Vec<_> = node.all(Rule::name).map(|part| name(&part)).collect();
    let span = match (names.first(), names.last()) {
        (Some(first), Some(last)) => first.span.to(last.span),
        (_, _) => node.span(),
    };
    DismissedField::Path { path: Path { names, span }, all: node.has(Rule::all_below) }
}
