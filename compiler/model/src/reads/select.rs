//! Writes what is read into the `select` of sources and `find`s.

use std::collections::BTreeSet;

use super::{Owner, Reads, Root};
use crate::context::Context;
use crate::ir::{Answer, Argument, Block, Branch, EntityRef, Expr, ExprKind, Model, Statement, Take, TemplatePart};

/// Fills in every `select`, key fields included.
pub(super) fn fill(ctx: &mut Context<'_>, reads: &Reads) {
    let mut mappings = std::mem::take(&mut ctx.mappings);
    for (number, checked) in mappings.iter_mut().enumerate() {
        let owner = Owner::Mapping(number);
        for source in &mut checked.mapping.sources {
            let paths = select(&ctx.model, reads, &source.entity, Root { owner, local: source.local });
            source.select = match &source.grouped {
                Some(by) => of_rows(paths, by, &ctx.model, &source.entity),
                None => paths,
            };
        }
        if checked.refers {
            Filler { model: &ctx.model, reads, owner }.block(&mut checked.mapping.body);
        }
    }
    ctx.mappings = mappings;
    let mut rules = std::mem::take(&mut ctx.model.rules);
    for (number, rule) in rules.iter_mut().enumerate() {
        Filler { model: &ctx.model, reads, owner: Owner::Rule(number) }.expr(&mut rule.body);
    }
    ctx.model.rules = rules;
    let mut tables = std::mem::take(&mut ctx.model.tables);
    for (number, table) in tables.iter_mut().enumerate() {
        let mut filler = Filler { model: &ctx.model, reads, owner: Owner::Table(number) };
        for row in &mut table.rows {
            filler.branch(&mut row.result);
        }
        if let Some(branch) = &mut table.otherwise {
            filler.branch(branch);
        }
    }
    ctx.model.tables = tables;
}

fn select(model: &Model, reads: &Reads, entity: &EntityRef, root: Root) -> Vec<String> {
    let read = reads.of_root.get(&root).into_iter().flatten();
    let keys = model.entity(entity).into_iter().flat_map(|entity| &entity.key);
    let paths: BTreeSet<&String> = read.chain(keys).collect();
    paths.into_iter().cloned().collect()
}

/// What is read of a group, as paths of its rows: `rows.X` is `X`. Rows that go on as a whole are asked for whole.
fn of_rows(paths: Vec<String>, by: &str, model: &Model, entity: &EntityRef) -> Vec<String> {
    let record = model.entity(entity).and_then(|entity| model.record(entity.record));
    let all = || record.into_iter().flat_map(|record| record.fields()).filter(|field| !field.write_only);
    let mut rows: BTreeSet<String> =
        model.entity(entity).into_iter().flat_map(|entity| entity.key.iter().cloned()).collect();
    rows.insert(by.to_owned());
    for path in &paths {
        if path == "rows" {
            rows.extend(all().map(|field| field.wire.clone()));
        }
        rows.extend(path.strip_prefix("rows.").map(str::to_owned));
    }
    rows.into_iter().collect()
}

struct Filler<'m> {
    model: &'m Model,
    reads: &'m Reads,
    owner: Owner,
}

impl Filler<'_> {
    fn block(&mut self, block: &mut Block) {
        for statement in &mut block.statements {
            match statement {
                Statement::Let { value, .. } => self.expr(value),
                Statement::Check { condition, reason, .. } => {
                    self.expr(condition);
                    self.expr(reason);
                }
                Statement::Set { value, .. } => self.branch(value),
                Statement::Nested { when, body, .. } => {
                    if let Some(when) = when {
                        self.expr(when);
                    }
                    self.block(body);
                }
            }
        }
    }

    fn branch(&mut self, branch: &mut Branch) {
        match branch {
            Branch::Value(value) => self.expr(value),
            Branch::Answer(Answer::Reject(reason) | Answer::Skip(reason)) => self.expr(reason),
            Branch::Answer(Answer::Omit | Answer::Clear | Answer::Wait) => {}
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Literal(_)
            | ExprKind::Local(_)
            | ExprKind::Setting(_)
            | ExprKind::Position(_)
            | ExprKind::Now => {}
            ExprKind::Template(parts) => {
                for part in parts {
                    match part {
                        TemplatePart::Text(_) => {}
                        TemplatePart::Hole(hole) => self.expr(hole),
                    }
                }
            }
            ExprKind::Read { of, .. } => self.expr(of),
            ExprKind::Negate(inner) | ExprKind::Not(inner) => self.expr(inner),
            ExprKind::Fit { value, .. } | ExprKind::Is { value, .. } => self.expr(value),
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::In { value, list, .. } => {
                self.expr(value);
                self.expr(list);
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.branch(then);
                self.branch(otherwise);
            }
            ExprKind::Match { value, arms, otherwise } => {
                self.expr(value);
                for (_, arm) in arms {
                    self.branch(arm);
                }
                if let Some(branch) = otherwise {
                    self.branch(branch);
                }
            }
            ExprKind::Otherwise { value, branch } | ExprKind::IfInvalid { value, branch } => {
                self.expr(value);
                self.branch(branch);
            }
            ExprKind::Each(each) => {
                for walk in &mut each.walks {
                    self.expr(&mut walk.list);
                    for (list, _) in &mut walk.with {
                        self.expr(list);
                    }
                    if let Some(condition) = &mut walk.condition {
                        self.expr(condition);
                    }
                }
                if let Some((key, _)) = &mut each.sorted {
                    self.expr(key);
                }
                match &mut each.take {
                    Take::Element => {}
                    Take::Value(value) => self.expr(value),
                    Take::Block(block) => self.block(block),
                }
            }
            ExprKind::Find(find) => {
                for term in &mut find.terms {
                    self.expr(&mut term.value);
                }
                if let Some(residual) = &mut find.residual {
                    self.expr(residual);
                }
                if let Some(take) = &mut find.take {
                    self.expr(take);
                }
                find.select =
                    select(self.model, self.reads, &find.entity, Root { owner: self.owner, local: find.local });
            }
            ExprKind::Linked(linked) => self.expr(&mut linked.by),
            ExprKind::Call { arguments, .. } => {
                for argument in arguments {
                    match argument {
                        Argument::Value(value) => self.expr(value),
                        Argument::Mode(_) => {}
                    }
                }
            }
            ExprKind::Apply { arguments, .. } | ExprKind::Lookup { arguments, .. } => {
                for argument in arguments {
                    self.expr(argument);
                }
            }
            ExprKind::List(elements) => elements.iter_mut().for_each(|element| self.expr(element)),
            ExprKind::Record(block) => self.block(block),
        }
    }
}
