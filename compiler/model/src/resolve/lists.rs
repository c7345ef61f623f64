//! `each`: one list form.

use mapwright_syntax::Span;
use mapwright_syntax::tree;

use super::scope::{Body, Place, poison};
use crate::faults;
use crate::ir::{Each, Expr, ExprKind, LocalKind, Take, Type, Walk};
use crate::types::{list_of, ordered};

impl Body<'_, '_> {
    /// `each LIST as x [with LIST as y] where C [each ...] sorted by K take E` (or `{ ... }`).
    pub(super) fn each(&mut self, written: &tree::Each, place: Option<&Place>, span: Span) -> Expr {
        self.scoped(|body| body.each_inside(written, place, span))
    }

    fn each_inside(&mut self, written: &tree::Each, place: Option<&Place>, span: Span) -> Expr {
        let outer = self.uncounted.len();
        let mut walks = Vec::with_capacity(written.walks.len());
        for walk in &written.walks {
            walks.push(self.walk(walk));
        }
        let sorted = written.sorted.as_ref().map(|sorting| {
            let key = self.expr(&sorting.by, None);
            let key = self.present(key, "sorting");
            if !ordered(&key.ty) {
                let noun = self.noun(&key.ty);
                self.report(faults::wrong_type(key.span, "something that has an order", &noun));
            }
            (key, sorting.descending)
        });
        self.uncounted.truncate(outer);
        let element_place = place.and_then(Place::element);
        let (take, ty, optional) = match &written.take {
            tree::EachTake::Element => {
                let innermost = walks.last().and_then(|walk| self.locals.get(walk.element.0));
                let Some(local) = innermost else { return poison(span) };
                (Take::Element, local.ty.clone(), local.optional)
            }
            tree::EachTake::Value(value) => {
                let value = self.expr(value, element_place.as_ref());
                let value = self.valued(value);
                let (ty, optional) = (value.ty.clone(), value.optional);
                (Take::Value(value), ty, optional)
            }
            tree::EachTake::Block(block) => {
                let Some((record, made)) = self.block_record(place, element_place.as_ref(), span) else {
                    return poison(span);
                };
                let body = self.scoped(|body| body.block(block, record, made.as_ref()));
                (Take::Block(body), Type::Record(record), false)
            }
        };
        if ty.is_never() {
            return poison(span);
        }
        let each = Each { walks, sorted, take };
        Expr { kind: ExprKind::Each(Box::new(each)), ty: list_of(ty, optional), optional: false, span }
    }

    /// The record type that the braces behind an `each` make.
    fn block_record(
        &mut self,
        place: Option<&Place>,
        element: Option<&Place>,
        span: Span,
    ) -> Option<(crate::ir::RecordId, Option<super::scope::Made>)> {
        if let Some(Place { ty: Type::Record(record), made, .. }) = element {
            return Some((*record, made.clone()));
        }
        if let Some(Place { ty: open @ (Type::Map(_) | Type::Json), .. }) = element {
            return self.open_record(open).map(|record| (record, None));
        }
        match place {
            Some(Place { ty: Type::Never, .. }) => {}
            Some(place) => {
                let to = self.noun(&place.ty);
                self.report(faults::wrong_type_at(span, "a list of records", &to, place));
            }
            None => self.report(faults::open_record(span)),
        }
        None
    }

    pub(super) fn walk(&mut self, walk: &tree::Walk) -> Walk {
        let list = self.list_value(&walk.list);
        let (ty, optional) = element_of(&list);
        let beside: Vec<(Expr, &tree::Name)> =
            walk.with.iter().map(|(list, name)| (self.list_value(list), name)).collect();
        let element = self.declare(&walk.name, ty, optional, LocalKind::Element);
        self.uncounted.push(element);
        let with = beside
            .into_iter()
            .map(|(list, name)| {
                let (ty, _) = element_of(&list);
                // Behind the end of its list the second element is missing.
                let id = self.declare(name, ty, true, LocalKind::Element);
                self.uncounted.push(id);
                (list, id)
            })
            .collect();
        let condition = walk.condition.as_ref().map(|condition| self.condition(condition));
        Walk { list, element, with, condition }
    }

    /// Something to walk over.
    fn list_value(&mut self, written: &tree::Expr) -> Expr {
        let list = self.expr(written, None);
        let list = self.present(list, "`each` (write `otherwise []`)");
        if !matches!(list.ty, Type::List(_) | Type::Never) {
            let noun = self.noun(&list.ty);
            self.report(faults::wrong_type(list.span, "a list", &noun));
            return poison(list.span);
        }
        list
    }
}

/// Type of a list's elements, and may they be missing.
fn element_of(list: &Expr) -> (Type, bool) {
    match &list.ty {
        Type::List(known) => (known.element.clone(), known.optional),
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
        | Type::Record(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => (Type::Never, false),
    }
}
