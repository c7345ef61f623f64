//! `a.b.c`: fields of records, and paths through lists, which become an `each`.

use std::sync::Arc;

use mapwright_syntax::Span;
use mapwright_syntax::tree::Name;

use super::scope::{Body, poison};
use crate::catalogue::{record_of, type_noun};
use crate::faults;
use crate::ir::{Branch, Each, Expr, ExprKind, Field, RecordId, Take, Type, Walk};
use crate::types::list_of;

impl Body<'_, '_> {
    /// A field of what an expression gives.
    pub(crate) fn field(&mut self, of: Expr, name: &Name) -> Expr {
        let span = of.span.to(name.span);
        match &of.ty {
            Type::Never => poison(span),
            Type::Record(record) => {
                let record = *record;
                let Some(field) = self.known_field(record, name) else { return poison(span) };
                self.tainted |= field.ty.is_never();
                read(of, &field, span)
            }
            Type::List(_) => self.field_of_list(of, name, span),
            Type::Text { .. }
            | Type::Integer { .. }
            | Type::Decimal { .. }
            | Type::Quotient
            | Type::Money
            | Type::Boolean
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Uuid
            | Type::Enum(_)
            | Type::Map(_)
            | Type::Json
            | Type::File => {
                let noun = type_noun(&self.ctx.model, &of.ty);
                let of_text = self.ctx.project.files.text(of.span).to_owned();
                self.report(faults::no_fields(name, &of_text, &noun));
                poison(span)
            }
        }
    }

    /// The field of that name, if the record has it and a mapping may read it.
    fn known_field(&mut self, record: RecordId, name: &Name) -> Option<Arc<Field>> {
        let known = self.ctx.model.record(record)?;
        let Some(field) = known.shared_field(&name.text) else {
            let fault = faults::unknown_field(known, name);
            self.report(fault);
            return None;
        };
        let field = Arc::clone(field);
        if field.write_only {
            self.report(faults::write_only_field_read(name, field.span));
            return None;
        }
        if let Some(why) = &field.deprecated {
            self.report(faults::deprecated_field(name, why, field.span));
        }
        Some(field)
    }

    /// A field of every element: `order.lineItems.totalPrice`.
    fn field_of_list(&mut self, of: Expr, name: &Name, span: Span) -> Expr {
        if record_of(&of.ty).is_none() {
            let noun = type_noun(&self.ctx.model, &of.ty);
            let of_text = self.ctx.project.files.text(of.span).to_owned();
            self.report(faults::no_fields(name, &of_text, &noun));
            return poison(span);
        }
        let mut each = match of.kind {
            ExprKind::Each(each) if self.made_by_path(&each) => *each,
            kind => {
                let list = Expr { kind, ty: of.ty, optional: of.optional, span: of.span };
                self.walk_over(list, name)
            }
        };
        let element = match each.take {
            Take::Value(value) => value,
            Take::Element | Take::Block(_) => {
                let Some(walk) = each.walks.last() else { return poison(span) };
                let element = walk.element;
                self.local(element, of.span)
            }
        };
        let value = self.field(element, name);
        if value.ty.is_never() {
            return poison(span);
        }
        if let Type::List(list) = &value.ty {
            let (element_ty, optional) = (list.element.clone(), list.optional);
            let inner = self.walk_over(value, name);
            each.walks.extend(inner.walks);
            each.take = Take::Element;
            return Expr {
                kind: ExprKind::Each(Box::new(each)),
                ty: list_of(element_ty, optional),
                optional: false,
                span,
            };
        }
        let ty = list_of(value.ty.clone(), value.optional);
        each.take = Take::Value(value);
        Expr { kind: ExprKind::Each(Box::new(each)), ty, optional: false, span }
    }

    fn made_by_path(&self, each: &Each) -> bool {
        each.sorted.is_none() && each.walks.last().is_some_and(|walk| self.unnamed.contains(&walk.element))
    }

    /// An `each` over a list that takes its elements. A list in a record that is missing has no elements.
    fn walk_over(&mut self, list: Expr, name: &Name) -> Each {
        let (ty, optional) = match &list.ty {
            Type::List(list) => (list.element.clone(), list.optional),
            other => (other.clone(), false),
        };
        let element = self.unnamed_element(&name.text, ty, optional, list.span);
        let list = if list.optional { or_empty(list) } else { list };
        Each {
            walks: vec![Walk { list, element, with: Vec::new(), condition: None }],
            sorted: None,
            take: Take::Element,
        }
    }
}

/// `LIST otherwise []`.
fn or_empty(list: Expr) -> Expr {
    let (ty, span) = (list.ty.clone(), list.span);
    let empty = Expr { kind: ExprKind::List(Vec::new()), ty: ty.clone(), optional: false, span };
    let kind = ExprKind::Otherwise { value: Box::new(list), branch: Box::new(Branch::Value(empty)) };
    Expr { kind, ty, optional: false, span }
}

/// Reads a field of a record; steps through nested records are one read.
fn read(of: Expr, field: &Field, span: Span) -> Expr {
    // An absent `list?` is an empty list, never a missing one.
    let is_list = matches!(field.ty, Type::List(_));
    let optional = of.optional || (field.optional && !is_list);
    let (of, mut steps) = match of.kind {
        ExprKind::Read { of, steps, .. } => (of, steps),
        kind => (Box::new(Expr { kind, ty: of.ty, optional: of.optional, span: of.span }), Vec::with_capacity(1)),
    };
    steps.push(field.wire.clone());
    let kind = ExprKind::Read { of, steps, spelling: field.spelling.clone(), missing_as: field.missing_as.clone() };
    Expr { kind, ty: field.ty.clone(), optional, span }
}
