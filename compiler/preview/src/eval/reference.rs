//! `find` and `linked`: questions to systems and to the link store, and their answers.

use std::borrow::Cow;

use mapwright_model::ir::{Expr, ExprKind, Find, Linked, Term, Type, numbers_elements};
use mapwright_values::elements::Elements;
use mapwright_values::fault::Stop;
use mapwright_values::node::Node;
use mapwright_values::prelude;
use mapwright_values::value::Value;
use mapwright_values::{AskedFind, AskedLink, Json, Reference, Test};

use super::expression::unexpected;
use super::{Eval, Evaluated, Frame, leaf};

impl<'r> Eval<'_, 'r> {
    /// A record or, with `find all`, a list; `base` elements stand already in the list that it is appended to.
    pub(super) fn find(&self, frame: &Frame<'_, 'r>, find: &Find, base: usize) -> Evaluated<'r> {
        let Some(question) = self.question(frame, find)? else {
            return Ok(if find.all { Some(Value::List(Vec::new())) } else { None });
        };
        let name = frame.local(find.local).map(|local| &*local.name).unwrap_or_default();
        if !find.all && find.residual.is_none() {
            return match self.run.find_one(&question, name.to_owned())? {
                Some(record) => self.taken(frame, find, record),
                None => Ok(None),
            };
        }
        let mut kept = Vec::new();
        for record in self.run.find_all(&question, name)? {
            frame.bind(find.local, Ok(Some(Value::Record(record.clone()))));
            let keep = match &find.residual {
                Some(residual) => self.boolean(frame, residual)?,
                None => true,
            };
            if keep {
                kept.push(record);
            }
        }
        if find.all {
            return self.all_taken(frame, find, kept, base);
        }
        match prelude::only_one(kept, &format!("{}.{}", find.entity.system, find.entity.entity))? {
            Some(record) => self.taken(frame, find, record),
            None => Ok(None),
        }
    }

    fn all_taken(&self, frame: &Frame<'_, 'r>, find: &Find, kept: Vec<Node<'r>>, base: usize) -> Evaluated<'r> {
        let mut made = Elements::new();
        for (record, number) in kept.into_iter().zip(1..) {
            match find.take.as_ref().filter(|take| numbers_elements(take)) {
                Some(take) => {
                    let line = self.prepared.line(take.span);
                    self.run.row(&mut made, base + number, line, || self.taken(frame, find, record))?;
                }
                None => made.push(self.taken(frame, find, record)?),
            }
        }
        made.all().map(Value::List).map(Some)
    }

    fn taken(&self, frame: &Frame<'_, 'r>, find: &Find, record: Node<'r>) -> Evaluated<'r> {
        frame.bind(find.local, Ok(Some(Value::Record(record.clone()))));
        match &find.take {
            Some(take) => self.expr(frame, take),
            None => Ok(Some(Value::Record(record))),
        }
    }

    /// What is asked; `None` when a value is missing, for then nothing is asked.
    fn question<'q>(&self, frame: &Frame<'_, 'r>, find: &'q Find) -> Result<Option<AskedFind<'q>>, Stop> {
        // Values that may be missing come first: without one of them the others do not matter.
        let mut passing = Vec::new();
        for term in find.terms.iter().filter(|term| passes(term)) {
            let Some(value) = self.expr(frame, &term.value)? else { return Ok(None) };
            passing.push(value);
        }
        let mut passing = passing.into_iter();
        let mut terms = Vec::with_capacity(find.terms.len());
        for term in &find.terms {
            let value = if passes(term) { passing.next() } else { None };
            terms.push(prelude::term(&term.field, term.test, self.term(frame, term, value)?));
        }
        let select: Vec<&str> = find.select.iter().map(String::as_str).collect();
        Ok(Some(prelude::question(&find.entity.system, &find.entity.entity, terms, select)))
    }

    /// The value of a condition in the spelling of the wire.
    fn term(&self, frame: &Frame<'_, 'r>, term: &Term, value: Option<Value<'r>>) -> Result<Json<'static>, Stop> {
        if term.test == Test::Missing {
            return Ok(Json::Null);
        }
        let value = match value {
            Some(value) => value,
            None => self.present(frame, &term.value)?,
        };
        match value {
            Value::List(elements) if term.test == Test::In => {
                let written = elements.iter().flatten().map(|value| leaf::write(value, &term.ty, &term.spelling));
                written.collect::<Result<_, Stop>>().map(Json::List)
            }
            value => leaf::write(&value, &term.ty, &term.spelling),
        }
    }

    pub(super) fn linked(&self, frame: &Frame<'_, 'r>, linked: &Linked, ty: &Type) -> Evaluated<'r> {
        let Some(link) = self.link(frame, linked)? else { return Ok(None) };
        self.run.linked(&link)?.map(|key| key_value(key, ty)).transpose()
    }

    fn link<'q>(&self, frame: &Frame<'_, 'r>, linked: &'q Linked) -> Result<Option<AskedLink<'q>>, Stop> {
        let Some(key) = self.expr(frame, &linked.by)? else { return Ok(None) };
        let key = leaf::write(&key, &linked.by.ty, &linked.by_spelling)?;
        let (target, source) = (&linked.entity, &linked.of);
        Ok(Some(prelude::link((&target.system, &target.entity), (&source.system, &source.entity), key)))
    }

    /// `... otherwise wait`: the reference that is waited for.
    pub(super) fn awaited(&self, frame: &Frame<'_, 'r>, value: &Expr) -> Stop {
        let reference = if let ExprKind::Find(find) = &value.kind {
            self.question(frame, find).map(|question| question.map(|asked| Reference::Find(asked.into())))
        } else if let ExprKind::Linked(linked) = &value.kind {
            self.link(frame, linked).map(|link| link.map(|asked| Reference::Link(asked.into())))
        } else {
            Ok(None)
        };
        match reference {
            Ok(Some(reference)) => Stop::wait(reference),
            Ok(None) => prelude::nothing_to_wait_for(),
            Err(stop) => stop,
        }
    }
}

/// A stored key as a value of the target's key type.
fn key_value<'r>(key: Cow<'r, str>, ty: &Type) -> Result<Value<'r>, Stop> {
    match ty {
        Type::Integer { .. } | Type::Decimal { .. } => prelude::key_number(key).map(Value::Number),
        Type::Uuid => prelude::key_uuid(key).map(Value::Uuid),
        Type::Text { .. } | Type::Enum(_) => Ok(Value::Text(key)),
        Type::Quotient
        | Type::Money
        | Type::Boolean
        | Type::Date
        | Type::Time
        | Type::Instant
        | Type::Record(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => Err(unexpected("a key", Some(&Value::Text(key)))),
    }
}

/// Does a missing value of this condition mean that nothing is asked?
fn passes(term: &Term) -> bool {
    term.test != Test::Missing && term.value.optional
}
