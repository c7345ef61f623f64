//! `find` and `linked`: questions to systems and to the link store, and their answers.

use std::borrow::Cow;

use mapwright_model::ir::{Expr, ExprKind, Find, Linked, Type};
use mapwright_values::decimal::Decimal;
use mapwright_values::fault::Stop;
use mapwright_values::node::Node;
use mapwright_values::time::Uuid;
use mapwright_values::value::Value;
use mapwright_values::{Json, Link, Reference, Term, Test, reference};

use super::expression::unexpected;
use super::{Eval, Evaluated, Frame, leaf};

impl<'r> Eval<'_, 'r> {
    /// A record or, with `find all`, a list.
    pub(super) fn find(&self, frame: &Frame<'_, 'r>, find: &Find) -> Evaluated<'r> {
        let Some(question) = self.question(frame, find)? else {
            return Ok(if find.all { Some(Value::List(Vec::new())) } else { None });
        };
        let name = frame.local(find.local).map(|local| local.name.as_str()).unwrap_or_default();
        if !find.all && find.residual.is_none() {
            return match self.run.find_one(question, name)? {
                Some(record) => self.taken(frame, find, record),
                None => Ok(None),
            };
        }
        let mut kept = Vec::new();
        for record in self.run.find_all(question.clone(), name)? {
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
            let taken: Result<Vec<_>, Stop> = kept.into_iter().map(|record| self.taken(frame, find, record)).collect();
            return Ok(Some(Value::List(taken?)));
        }
        match kept.len() {
            0 | 1 => match kept.pop() {
                Some(record) => self.taken(frame, find, record),
                None => Ok(None),
            },
            several => Err(Stop::failed(format!(
                "{several} records of {}.{} match; expected one",
                question.system, question.entity
            ))),
        }
    }

    fn taken(&self, frame: &Frame<'_, 'r>, find: &Find, record: Node<'r>) -> Evaluated<'r> {
        frame.bind(find.local, Ok(Some(Value::Record(record.clone()))));
        match &find.take {
            Some(take) => self.expr(frame, take),
            None => Ok(Some(Value::Record(record))),
        }
    }

    /// What is asked; `None` when a value is missing, for then nothing is asked.
    fn question(&self, frame: &Frame<'_, 'r>, find: &Find) -> Result<Option<reference::Find>, Stop> {
        let mut terms = Vec::with_capacity(find.terms.len());
        for term in &find.terms {
            let value = if term.test == Test::Missing {
                Json::Null
            } else {
                match self.expr(frame, &term.value)? {
                    Some(Value::List(elements)) if term.test == Test::In => {
                        let written = elements.iter().flatten();
                        let written = written.map(|value| leaf::write(value, &term.ty, &term.spelling));
                        Json::List(written.collect::<Result<_, _>>()?)
                    }
                    Some(value) => leaf::write(&value, &term.ty, &term.spelling)?,
                    None => return Ok(None),
                }
            };
            terms.push(Term { field: term.field.clone(), test: term.test, value: value.to_text() });
        }
        Ok(Some(reference::Find {
            system: find.entity.system.clone(),
            entity: find.entity.entity.clone(),
            terms,
            select: find.select.clone(),
        }))
    }

    pub(super) fn linked(&self, frame: &Frame<'_, 'r>, linked: &Linked, ty: &Type) -> Evaluated<'r> {
        let Some(link) = self.link(frame, linked)? else { return Ok(None) };
        self.run.linked(link)?.map(|key| key_value(key, ty)).transpose()
    }

    fn link(&self, frame: &Frame<'_, 'r>, linked: &Linked) -> Result<Option<Link>, Stop> {
        let Some(key) = self.expr(frame, &linked.by)? else { return Ok(None) };
        let key = match leaf::write(&key, &linked.by.ty, &linked.by_spelling)? {
            Json::Text(text) => text.into_owned(),
            other @ (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::List(_) | Json::Record(_)) => other.to_text(),
        };
        Ok(Some(Link {
            system: linked.entity.system.clone(),
            entity: linked.entity.entity.clone(),
            of_system: linked.of.system.clone(),
            of_entity: linked.of.entity.clone(),
            key,
        }))
    }

    /// `... otherwise wait`: the reference that is waited for.
    pub(super) fn awaited(&self, frame: &Frame<'_, 'r>, value: &Expr) -> Stop {
        let reference = match &value.kind {
            ExprKind::Find(find) => self.question(frame, find).map(|question| question.map(Reference::Find)),
            ExprKind::Linked(linked) => self.link(frame, linked).map(|link| link.map(Reference::Link)),
            _ => Ok(None),
        };
        match reference {
            Ok(Some(reference)) => Stop::Wait(reference),
            Ok(None) => Stop::failed("the key to wait for is missing"),
            Err(stop) => stop,
        }
    }
}

/// A stored key as a value of the target's key type.
fn key_value<'r>(key: Cow<'r, str>, ty: &Type) -> Result<Value<'r>, Stop> {
    let broken = |key: &str| Stop::failed_on(key, format!("the stored key \"{key}\" is no key of its entity any more"));
    match ty {
        Type::Integer { .. } | Type::Decimal { .. } => match Decimal::parse(&key) {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => Err(broken(&key)),
        },
        Type::Uuid => Uuid::parse(&key).map(Value::Uuid).ok_or_else(|| broken(&key)),
        Type::Text { .. } | Type::Enum(_) => Ok(Value::Text(key)),
        Type::Quotient
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
