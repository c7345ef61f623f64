//! `find` and `linked`: what must be looked up before a record can be mapped.
//!
//! In: the condition as written. Out: terms that the system is asked, and the rest, which is checked of its answer.

use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, Operator, Path};
use mapwright_values::reference::Test;

use super::scope::{Body, PLAIN, Place, poison};
use crate::faults;
use crate::ir::{EntityRef, Expr, ExprKind, Find, Linked, LocalId, LocalKind, RecordId, Spelling, Term, Type};
use crate::types::list_of;

/// An entity that a path names.
#[derive(Clone, Debug)]
pub(crate) struct NamedEntity {
    /// Which.
    pub(crate) entity: EntityRef,
    /// Is it an action?
    pub(crate) action: bool,
    /// Its record.
    pub(crate) record: RecordId,
    /// Its key fields.
    pub(crate) key: Vec<String>,
}

impl Body<'_, '_> {
    /// The entity of a path `system.entity`.
    pub(crate) fn entity(&mut self, path: &Path) -> Option<NamedEntity> {
        let first = path.names.first()?;
        let Some(system) = self.ctx.system(&first.text) else {
            let fault = faults::unknown_system(self.ctx, first);
            self.report(fault);
            return None;
        };
        if self.ctx.homes.get(system).is_none_or(|home| home.tree.is_none()) {
            self.tainted = true;
            return None;
        }
        let Some(second) = path.names.get(1) else {
            self.report(faults::entity_expected(path.span, &first.text));
            return None;
        };
        let known = self.ctx.model.systems.get(system)?;
        let Some(entity) = known.entities.iter().find(|entity| entity.name == second.text) else {
            let fault = faults::unknown_entity(self.ctx, system, second);
            self.report(fault);
            return None;
        };
        let named = NamedEntity {
            entity: EntityRef { system: first.text.clone(), entity: entity.name.clone() },
            action: entity.action,
            record: entity.record,
            key: entity.key.clone(),
        };
        if path.names.len() > 2 {
            self.report(faults::entity_expected(path.span, &first.text));
            return None;
        }
        Some(named)
    }

    /// An entity that records are read of.
    pub(crate) fn readable(&mut self, path: &Path) -> Option<NamedEntity> {
        let named = self.entity(path)?;
        if named.action {
            self.report(faults::action_read(path.span, &named.entity));
            return None;
        }
        Some(named)
    }

    /// `find [all] ENTITY as x where C [take E]`.
    pub(super) fn find(&mut self, written: &tree::Find, span: Span) -> Expr {
        self.refers = true;
        let Some(named) = self.readable(&written.entity) else { return poison(span) };
        self.scoped(|body| {
            let local = body.declare(&written.name, Type::Record(named.record), false, LocalKind::Found);
            let mut terms = Vec::new();
            let mut residual: Option<Expr> = None;
            // What is found is a record of the entity whatever is wrong with the condition: what is made of it is checked all the same.
            let mut faulty = false;
            let mut conditions = Vec::new();
            conjunction(&written.condition, &mut conditions);
            for condition in conditions {
                match body.term(condition, &written.name.text, local, &named) {
                    TermOutcome::Pushed(term) => terms.push(*term),
                    TermOutcome::Faulty => faulty = true,
                    TermOutcome::Kept => {
                        let more = body.condition(condition);
                        residual = Some(match residual {
                            Some(so_far) => and(so_far, more),
                            None => more,
                        });
                    }
                }
            }
            if terms.is_empty() && !faulty {
                let able = body.filterable(&named.entity);
                body.report(faults::unasked_find(written.condition.span, &named.entity, &able));
                return poison(span);
            }
            let take = written.take.as_ref().map(|take| body.expr(take, None)).map(|take| body.valued(take));
            let (ty, optional) = match &take {
                Some(take) => (take.ty.clone(), take.optional),
                None => (Type::Record(named.record), false),
            };
            if ty.is_never() {
                return poison(span);
            }
            let (ty, optional) = if written.all { (list_of(ty, optional), false) } else { (ty, true) };
            let find = Find {
                all: written.all,
                entity: named.entity.clone(),
                local,
                terms,
                residual,
                take,
                select: Vec::new(),
            };
            Expr { kind: ExprKind::Find(Box::new(find)), ty, optional, span }
        })
    }

    /// A condition that the system can be asked: `x.FIELD == VALUE` where the value does not mention `x`.
    fn term(&mut self, condition: &tree::Expr, alias: &str, local: LocalId, named: &NamedEntity) -> TermOutcome {
        let (field, value, test) = match &condition.kind {
            tree::ExprKind::Binary { operator, left, right, .. } => {
                let Some(test) = test_of(*operator) else { return TermOutcome::Kept };
                if is_field_of(left, alias) && !mentions(right, alias) {
                    (left, right, test)
                } else if is_field_of(right, alias) && !mentions(left, alias) {
                    (right, left, mirrored(test))
                } else {
                    return TermOutcome::Kept;
                }
            }
            tree::ExprKind::In { value, list, negated: false }
                if is_field_of(value, alias) && !mentions(list, alias) =>
            {
                (value, list, Test::In)
            }
            tree::ExprKind::Literal(_)
            | tree::ExprKind::Template(_)
            | tree::ExprKind::Word(_)
            | tree::ExprKind::Field { .. }
            | tree::ExprKind::Call { .. }
            | tree::ExprKind::Lookup { .. }
            | tree::ExprKind::Pipe { .. }
            | tree::ExprKind::Negate(_)
            | tree::ExprKind::Not(_)
            | tree::ExprKind::In { .. }
            | tree::ExprKind::Is { .. }
            | tree::ExprKind::If { .. }
            | tree::ExprKind::Match { .. }
            | tree::ExprKind::Otherwise { .. }
            | tree::ExprKind::IfInvalid { .. }
            | tree::ExprKind::Each(_)
            | tree::ExprKind::Find(_)
            | tree::ExprKind::Linked(_)
            | tree::ExprKind::List(_)
            | tree::ExprKind::Record(_)
            | tree::ExprKind::Brackets(_) => return TermOutcome::Kept,
        };
        let read = self.expr(field, None);
        if read.ty.is_never() {
            return TermOutcome::Faulty;
        }
        let ExprKind::Read { of, steps, spelling, .. } = read.kind else { return TermOutcome::Kept };
        if !matches!(of.kind, ExprKind::Local(id) if id == local) || matches!(read.ty, Type::Record(_) | Type::List(_))
        {
            return TermOutcome::Kept;
        }
        let path = steps.join(".");
        if !self.can_filter(&named.entity, &path, test) {
            return TermOutcome::Kept;
        }
        let expected = if test == Test::In { list_of(read.ty.clone(), false) } else { read.ty.clone() };
        let place = Place::inner(expected, format!("{}.{path}", named.entity.entity));
        let value = self.expr(value, Some(&place));
        if value.ty.is_never() {
            return TermOutcome::Faulty;
        }
        let compared = match &value.ty {
            Type::List(list) if test == Test::In => list.element.clone(),
            other => other.clone(),
        };
        if !crate::types::comparable(&read.ty, &compared) {
            let (a, b) = (self.noun(&read.ty), self.noun(&compared));
            self.report(faults::incomparable_types(field.span, &a, value.span, &b));
            return TermOutcome::Faulty;
        }
        TermOutcome::Pushed(Box::new(Term { field: path, ty: read.ty, spelling, test, value }))
    }

    /// The manifest of a system, if it could be read.
    fn manifest(&self, system: &str) -> Option<&mapwright_manifest::Manifest> {
        let name = &self.ctx.model.systems.iter().find(|known| known.alias == system)?.name;
        self.ctx.project.systems.iter().find(|source| source.name == *name)?.manifest.1.as_ref()
    }

    /// Can the connector ask for this? Where the manifest could not be read, that is reported already.
    fn can_filter(&self, entity: &EntityRef, path: &str, test: Test) -> bool {
        let Some(manifest) = self.manifest(&entity.system) else { return true };
        crate::beneath::askable(&self.ctx.model, manifest, entity, path, test)
    }

    /// What the connector can be asked by.
    fn filterable(&self, entity: &EntityRef) -> Vec<String> {
        let known = self.manifest(&entity.system).and_then(|manifest| manifest.entities.get(&entity.entity));
        known.map(|known| known.filter_on.iter().map(|field| field.pattern.clone()).collect()).unwrap_or_default()
    }

    /// `linked TARGET [as x] of SOURCE by KEY [take E]`.
    pub(super) fn linked(&mut self, written: &tree::Linked, span: Span) -> Expr {
        self.refers = true;
        let target = self.entity(&written.target);
        let source = self.entity(&written.source);
        let (Some(target), Some(source)) = (target, source) else { return poison(span) };
        let (Some((key_ty, key_spelling, key)), Some((by_ty, by_spelling, _))) =
            (self.single_key(&target, written.target.span), self.single_key(&source, written.source.span))
        else {
            return poison(span);
        };
        let place = Place::inner(by_ty.clone(), "the key of a link");
        let by = self.expr(&written.by, Some(&place));
        if by.ty.is_never() {
            return poison(span);
        }
        if !crate::types::comparable(&by.ty, &by_ty) {
            let (a, b) = (self.noun(&by.ty), self.noun(&by_ty));
            self.report(faults::incomparable_types(by.span, &a, written.source.span, &b));
            return poison(span);
        }
        let linked = Linked { entity: target.entity.clone(), of: source.entity, by, by_spelling };
        let link = Expr { kind: ExprKind::Linked(Box::new(linked)), ty: key_ty.clone(), optional: true, span };
        let (Some(name), Some(take)) = (&written.name, &written.take) else { return link };
        // `take` needs the record itself: it is found by the key that the link gives.
        self.scoped(|body| {
            let local = body.declare(name, Type::Record(target.record), false, LocalKind::Found);
            let term = Term { field: key, ty: key_ty, spelling: key_spelling, test: Test::Eq, value: link };
            let take = body.expr(take, None);
            let take = body.valued(take);
            if take.ty.is_never() {
                return poison(span);
            }
            let ty = take.ty.clone();
            let find = Find {
                all: false,
                entity: target.entity.clone(),
                local,
                terms: vec![term],
                residual: None,
                take: Some(take),
                select: Vec::new(),
            };
            Expr { kind: ExprKind::Find(Box::new(find)), ty, optional: true, span }
        })
    }

    /// Type, spelling and name of an entity's one key field.
    fn single_key(&mut self, named: &NamedEntity, span: Span) -> Option<(Type, Spelling, String)> {
        let [key] = named.key.as_slice() else {
            let count = named.key.len();
            self.report(faults::link_without_key(span, &named.entity, count));
            return None;
        };
        let field = self.ctx.model.field_at(named.record, key);
        Some(
            field.map_or((Type::Never, PLAIN, key.clone()), |field| {
                (field.ty.clone(), field.spelling.clone(), key.clone())
            }),
        )
    }
}

/// What became of a condition.
enum TermOutcome {
    /// It is asked.
    Pushed(Box<Term>),
    /// It is checked of the answer.
    Kept,
    /// It has a fault.
    Faulty,
}

/// The parts of `a and b and c`.
pub(crate) fn conjunction<'t>(condition: &'t tree::Expr, parts: &mut Vec<&'t tree::Expr>) {
    if let tree::ExprKind::Binary { operator: Operator::And, left, right, .. } = &condition.kind {
        conjunction(left, parts);
        conjunction(right, parts);
    } else if let tree::ExprKind::Brackets(inner) = &condition.kind {
        conjunction(inner, parts);
    } else {
        parts.push(condition);
    }
}

fn and(left: Expr, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    let kind = ExprKind::Binary { operator: Operator::And, left: Box::new(left), right: Box::new(right) };
    Expr { kind, ty: Type::Boolean, optional: false, span }
}

/// `x.a.b` of this very name?
fn is_field_of(written: &tree::Expr, alias: &str) -> bool {
    if let tree::ExprKind::Brackets(inner) = &written.kind {
        return is_field_of(inner, alias);
    }
    let tree::ExprKind::Field { of, .. } = &written.kind else { return false };
    if let tree::ExprKind::Word(name) = &of.kind { name.text == alias } else { is_field_of(of, alias) }
}

/// Is the name said anywhere in the expression?
fn mentions(written: &tree::Expr, alias: &str) -> bool {
    super::mention::mentions(written, alias)
}

pub(crate) const fn test_of(operator: Operator) -> Option<Test> {
    match operator {
        Operator::Equal => Some(Test::Eq),
        Operator::NotEqual => Some(Test::Ne),
        Operator::Less => Some(Test::Lt),
        Operator::LessOrEqual => Some(Test::Le),
        Operator::Greater => Some(Test::Gt),
        Operator::GreaterOrEqual => Some(Test::Ge),
        Operator::Multiply | Operator::Divide | Operator::Add | Operator::Subtract | Operator::And | Operator::Or => {
            None
        }
    }
}

pub(crate) const fn mirrored(test: Test) -> Test {
    match test {
        Test::Lt => Test::Gt,
        Test::Le => Test::Ge,
        Test::Gt => Test::Lt,
        Test::Ge => Test::Le,
        Test::Eq | Test::Ne | Test::In | Test::Missing => test,
    }
}
