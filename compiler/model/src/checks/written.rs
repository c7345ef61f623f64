//! Which target fields a mapping writes.
//!
//! In: a mapping's body. Out: the paths that are written, and each record that is made with the fields that are set in it.
//! Records are followed through `let`s, lists, branches and rules.

use foldhash::{HashMap, HashSet, HashSetExt};
use mapwright_syntax::Span;

use super::usage::Paths;
use crate::catalogue::record_of;
use crate::ir::{
    Answer, Argument, Block, Branch, Expr, ExprKind, LocalId, Mapping, Model, RecordId, RuleId, Statement, Take,
};

/// What a mapping writes; paths are wire names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// Leaves, and records that are written field by field.
    pub(crate) paths: Paths,
    /// Records and lists that are written as they come, with all that is beneath.
    pub(crate) wholes: Paths,
    /// Every record that is made.
    pub(crate) made: Vec<MadeRecord>,
}

/// A record that is made field by field.
#[derive(Clone, Debug)]
pub(crate) struct MadeRecord {
    /// Its type.
    pub(crate) record: RecordId,
    /// Where it goes; empty for the target itself.
    pub(crate) path: Vec<String>,
    /// Fields that are set (wire names).
    pub(crate) set: HashSet<String>,
    /// The statement that makes it.
    pub(crate) span: Span,
    /// The rule that it stands in.
    pub(crate) rule: Option<RuleId>,
}

impl Written {
    /// Where a path is written, by itself or with what it stands in.
    pub(crate) fn at(&self, path: &[String]) -> Option<Span> {
        let whole = || self.wholes.iter().find(|(whole, _)| path.starts_with(whole)).map(|(_, span)| *span);
        self.paths.get(path).copied().or_else(whole)
    }

    /// Something at or beneath a path that is written.
    pub(crate) fn beneath(&self, path: &[String]) -> Option<(&[String], Span)> {
        let all = self.paths.iter().chain(self.wholes.iter());
        all.into_iter().find(|(known, _)| known.starts_with(path)).map(|(known, span)| (known.as_slice(), *span))
    }
}

/// What a mapping writes.
pub(crate) fn of_mapping(model: &Model, mapping: &Mapping) -> Written {
    let mut walker = Walker { model, written: Written::default(), rules: Vec::new() };
    walker.block(mapping.making(), &[], mapping.span, &mut Lets::default());
    walker.written
}

type Lets<'m> = HashMap<LocalId, &'m Expr>;

struct Walker<'m> {
    model: &'m Model,
    written: Written,
    /// Rules on the way, the innermost last.
    rules: Vec<RuleId>,
}

impl<'m> Walker<'m> {
    fn block(&mut self, block: &'m Block, at: &[String], span: Span, lets: &mut Lets<'m>) {
        let mut set = HashSet::with_capacity(block.statements.len());
        for statement in &block.statements {
            match statement {
                Statement::Let { local, value, .. } => {
                    lets.insert(*local, value);
                }
                Statement::Check { .. } => {}
                Statement::Set { field, value, span, .. } => {
                    set.insert(field.wire.clone());
                    let path = deeper(at, &field.wire);
                    if record_of(&field.ty).is_some() {
                        self.branch(value, &path, *span, lets);
                    }
                    self.written.paths.entry(path).or_insert(*span);
                }
                Statement::Nested { field, body, span, .. } => {
                    set.insert(field.wire.clone());
                    let path = deeper(at, &field.wire);
                    self.block(body, &path, *span, lets);
                    self.written.paths.entry(path).or_insert(*span);
                }
            }
        }
        let made = MadeRecord { record: block.record, path: at.to_vec(), set, span, rule: self.rules.last().copied() };
        self.written.made.push(made);
    }

    fn branch(&mut self, branch: &'m Branch, at: &[String], span: Span, lets: &mut Lets<'m>) {
        match branch {
            Branch::Value(value) => self.value(value, at, span, lets),
            Branch::Answer(Answer::Clear) => self.whole(at, span),
            Branch::Answer(Answer::Omit | Answer::Wait | Answer::Reject(_) | Answer::Skip(_)) => {}
        }
    }

    fn whole(&mut self, at: &[String], span: Span) {
        self.written.wholes.entry(at.to_vec()).or_insert(span);
    }

    /// A value that is or holds records.
    fn value(&mut self, value: &'m Expr, at: &[String], span: Span, lets: &mut Lets<'m>) {
        if value.ty.is_never() {
            return;
        }
        match &value.kind {
            ExprKind::Record(block) => self.block(block, at, span, lets),
            ExprKind::Each(each) => match &each.take {
                Take::Element => self.whole(at, span),
                Take::Value(value) => self.value(value, at, span, lets),
                Take::Block(block) => self.block(block, at, span, lets),
            },
            ExprKind::List(elements) => {
                for element in elements {
                    self.value(element, at, span, lets);
                }
            }
            ExprKind::If { then, otherwise, .. } => {
                self.branch(then, at, span, lets);
                self.branch(otherwise, at, span, lets);
            }
            ExprKind::Match { arms, otherwise, .. } => {
                for branch in arms.iter().map(|(_, branch)| branch).chain(otherwise.as_deref()) {
                    self.branch(branch, at, span, lets);
                }
            }
            ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
                self.value(value, at, span, lets);
                self.branch(branch, at, span, lets);
            }
            ExprKind::Apply { rule: id, .. } => {
                // A rule that uses itself is a fault of its own.
                if let Some(rule) = self.model.rules.get(id.0).filter(|_| !self.rules.contains(id)) {
                    self.rules.push(*id);
                    self.value(&rule.body, at, rule.span, &mut Lets::default());
                    self.rules.pop();
                }
            }
            ExprKind::Local(local) => match lets.get(local).copied() {
                Some(value) => self.value(value, at, span, lets),
                None => self.whole(at, span),
            },
            ExprKind::Call { arguments, .. } => {
                for argument in arguments {
                    match argument {
                        Argument::Value(value) if record_of(&value.ty).is_some() => self.value(value, at, span, lets),
                        Argument::Value(_) | Argument::Mode(_) => {}
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
            | ExprKind::Lookup { .. }
            | ExprKind::Fit { .. }
            | ExprKind::Position(_)
            | ExprKind::Now => self.whole(at, span),
        }
    }
}

fn deeper(at: &[String], wire: &str) -> Vec<String> {
    at.iter().cloned().chain(std::iter::once(wire.to_owned())).collect()
}
