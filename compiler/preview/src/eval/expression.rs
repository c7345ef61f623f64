//! Expressions. In: a node of the model. Out: its value, nothing, or a stop. Operands are evaluated left to right.

use std::borrow::Cow;
use std::cmp::Ordering;

use mapwright_model::ir::{
    Argument, Expr, ExprKind, Field, LocalKind, Operator, RuleId, SettingId, State, TemplatePart, Type,
};
use mapwright_values::compare;
use mapwright_values::decimal::Decimal;
use mapwright_values::fault::Stop;
use mapwright_values::functions::{Function, Takes};
use mapwright_values::value::Value;

use super::{Eval, Evaluated, Frame, leaf};
use crate::watch::{Name, Point};

impl<'r> Eval<'_, 'r> {
    /// The value of an expression.
    pub(crate) fn expr(&self, frame: &Frame<'_, 'r>, expr: &Expr) -> Evaluated<'r> {
        let Some(watch) = self.watch else { return self.evaluate(frame, expr) };
        let name = if let ExprKind::Local(local) = &expr.kind {
            frame.local(*local).map(|local| Name {
                text: local.name.to_string(),
                of_let: (local.kind == LocalKind::Let).then_some(local.span),
            })
        } else {
            None
        };
        watch.expr(expr, name, || self.evaluate(frame, expr))
    }

    fn evaluate(&self, frame: &Frame<'_, 'r>, expr: &Expr) -> Evaluated<'r> {
        match &expr.kind {
            ExprKind::Literal(literal) => leaf::literal(literal, &expr.ty).map(Some),
            ExprKind::Template(parts) => self.template(frame, parts).map(some_text),
            ExprKind::Local(local) => frame.value(*local),
            ExprKind::Setting(setting) => self.setting(*setting),
            ExprKind::Read { of, .. } => self.read(frame, expr, of),
            ExprKind::Negate(value) => Ok(Some(Value::Number(self.decimal(frame, value)?.negated()))),
            ExprKind::Not(value) => Ok(Some(Value::Boolean(!self.boolean(frame, value)?))),
            ExprKind::Binary { operator, left, right } => self.binary(frame, *operator, left, right).map(Some),
            ExprKind::In { value, list, negated } => self.contained(frame, value, list, *negated).map(Some),
            ExprKind::Is { value, state, negated } => {
                let value = self.expr(frame, value)?;
                Ok(Some(Value::Boolean(is(value.as_ref(), *state) != *negated)))
            }
            ExprKind::If { condition, then, otherwise } => self.condition(frame, condition, then, otherwise),
            ExprKind::Match { value, arms, otherwise } => {
                self.arms(frame, value, arms, otherwise.as_deref(), expr.span)
            }
            ExprKind::Otherwise { value, branch } => self.otherwise(frame, value, branch),
            ExprKind::IfInvalid { value, branch } => self.invalid(frame, value, branch),
            ExprKind::Each(each) => self.each(frame, each, 0),
            ExprKind::Find(find) => self.find(frame, find, 0),
            ExprKind::Linked(linked) => self.linked(frame, linked, &expr.ty),
            ExprKind::Call { function, arguments } => self.call(frame, function, arguments),
            ExprKind::Apply { rule, arguments } => self.apply(frame, *rule, arguments),
            ExprKind::Lookup { table, arguments } => self.lookup(frame, *table, arguments),
            ExprKind::Fit { value, to } => self.fit(frame, value, to),
            ExprKind::Position(local) => Ok(Some(Value::Number(count(frame.position(*local))))),
            ExprKind::Now => Ok(Some(Value::Instant(self.run.now()))),
            ExprKind::List(elements) => self.list(frame, elements),
            ExprKind::Record(block) => {
                let made = self.record(frame, block)?;
                Ok(Some(match (made, &expr.ty) {
                    // A map and JSON are kept as JSON.
                    (Value::Record(node), Type::Map(_) | Type::Json) => Value::Json(node.content().into_owned()),
                    (made, _) => made,
                }))
            }
        }
    }

    /// The value of an expression that the checker knows to be there.
    pub(super) fn present(&self, frame: &Frame<'_, 'r>, expr: &Expr) -> Result<Value<'r>, Stop> {
        self.expr(frame, expr)?.ok_or_else(|| unexpected("a value", None))
    }

    pub(super) fn boolean(&self, frame: &Frame<'_, 'r>, expr: &Expr) -> Result<bool, Stop> {
        match self.expr(frame, expr)? {
            Some(Value::Boolean(value)) => Ok(value),
            other => Err(unexpected("true or false", other.as_ref())),
        }
    }

    pub(super) fn text(&self, frame: &Frame<'_, 'r>, expr: &Expr) -> Result<String, Stop> {
        match self.expr(frame, expr)? {
            Some(Value::Text(text)) => Ok(text.into_owned()),
            other => Err(unexpected("a text", other.as_ref())),
        }
    }

    pub(super) fn elements(&self, frame: &Frame<'_, 'r>, expr: &Expr) -> Result<Vec<Option<Value<'r>>>, Stop> {
        match self.expr(frame, expr)? {
            Some(Value::List(elements)) => Ok(elements),
            other => Err(unexpected("a list", other.as_ref())),
        }
    }

    fn decimal(&self, frame: &Frame<'_, 'r>, expr: &Expr) -> Result<Decimal, Stop> {
        match self.expr(frame, expr)? {
            Some(Value::Number(number)) => Ok(number),
            other => Err(unexpected("a number", other.as_ref())),
        }
    }

    fn template(&self, frame: &Frame<'_, 'r>, parts: &[TemplatePart]) -> Result<String, Stop> {
        let mut text = String::new();
        for part in parts {
            match part {
                TemplatePart::Text(fixed) => text.push_str(fixed),
                TemplatePart::Hole(expr) => text.push_str(&compare::show_value(&self.present(frame, expr)?)?),
            }
        }
        Ok(text)
    }

    fn setting(&self, id: SettingId) -> Evaluated<'r> {
        let Some(setting) = self.model.settings.get(id.0) else {
            return Err(Stop::failed("an unknown setting: that is a fault of the program"));
        };
        let steps = [setting.name.clone()];
        let field = leaf::Field {
            steps: &steps,
            ty: &setting.ty,
            spelling: &setting.spelling,
            missing_as: None,
            always: !setting.optional,
            may_be_absent: false,
        };
        leaf::read_field(&self.run.settings(), &field)
    }

    fn read(&self, frame: &Frame<'_, 'r>, whole: &Expr, of: &Expr) -> Evaluated<'r> {
        let ExprKind::Read { steps, spelling, missing_as, .. } = &whole.kind else {
            return Err(unexpected("a field", None));
        };
        let node = match self.expr(frame, of)? {
            Some(Value::Record(node)) => node,
            None if whole.optional => return Ok(None),
            // A list behind a record that is missing has no elements.
            None if of.optional => return Ok(Some(Value::List(Vec::new()))),
            other => return Err(unexpected("a record", other.as_ref())),
        };
        let field = self.field_at(&of.ty, steps);
        // Behind a record that may be missing, a field is sure where the catalogue says that every step is.
        let sure = || {
            (1..=steps.len()).all(|count| {
                self.field_at(&of.ty, steps.get(..count).unwrap_or_default()).is_some_and(|field| !field.optional)
            })
        };
        let always = if of.optional { missing_as.is_none() && sure() } else { !whole.optional };
        let field = leaf::Field {
            steps,
            ty: &whole.ty,
            spelling,
            missing_as: missing_as.as_deref(),
            always,
            may_be_absent: matches!(whole.ty, Type::List(_)) && field.is_some_and(|field| field.optional),
        };
        match leaf::read_field(&node, &field)? {
            // A list behind a step that is missing has no elements.
            None if !whole.optional && matches!(whole.ty, Type::List(_)) => Ok(Some(Value::List(Vec::new()))),
            value => Ok(value),
        }
    }

    /// The field that wire names lead to, through nested records.
    fn field_at(&self, record: &Type, steps: &[String]) -> Option<&Field> {
        let Type::Record(id) = record else { return None };
        let (first, rest) = steps.split_first()?;
        let field = self.model.record(*id)?.fields().find(|field| field.wire == *first)?;
        if rest.is_empty() { Some(field) } else { self.field_at(&field.ty, rest) }
    }

    fn binary(&self, frame: &Frame<'_, 'r>, operator: Operator, left: &Expr, right: &Expr) -> Result<Value<'r>, Stop> {
        let numbers = |calculate: fn(Decimal, Decimal) -> Result<Decimal, Stop>| {
            let left = self.decimal(frame, left)?;
            let right = self.decimal(frame, right)?;
            calculate(left, right).map(Value::Number)
        };
        let ordered = |holds: fn(Ordering) -> bool| {
            let left = self.present(frame, left)?;
            let right = self.present(frame, right)?;
            compare::order(&left, &right).map(|order| Value::Boolean(holds(order)))
        };
        match operator {
            Operator::Add => numbers(Decimal::plus),
            Operator::Subtract => numbers(Decimal::minus),
            Operator::Multiply => numbers(Decimal::times),
            Operator::Divide => {
                let left = self.decimal(frame, left)?;
                let right = self.decimal(frame, right)?;
                left.divided_by(right).map(Value::Quotient)
            }
            Operator::Equal | Operator::NotEqual => {
                let left = self.expr(frame, left)?;
                let right = self.expr(frame, right)?;
                let same = compare::same(left.as_ref(), right.as_ref());
                Ok(Value::Boolean(same == (operator == Operator::Equal)))
            }
            Operator::Less => ordered(Ordering::is_lt),
            Operator::LessOrEqual => ordered(Ordering::is_le),
            Operator::Greater => ordered(Ordering::is_gt),
            Operator::GreaterOrEqual => ordered(Ordering::is_ge),
            Operator::And => Ok(Value::Boolean(self.boolean(frame, left)? && self.boolean(frame, right)?)),
            Operator::Or => Ok(Value::Boolean(self.boolean(frame, left)? || self.boolean(frame, right)?)),
        }
    }

    fn contained(&self, frame: &Frame<'_, 'r>, value: &Expr, list: &Expr, negated: bool) -> Result<Value<'r>, Stop> {
        let value = self.expr(frame, value)?;
        let elements = self.elements(frame, list)?;
        let found = elements.iter().any(|element| compare::same(value.as_ref(), element.as_ref()));
        Ok(Value::Boolean(found != negated))
    }

    fn list(&self, frame: &Frame<'_, 'r>, elements: &[Expr]) -> Evaluated<'r> {
        let values: Result<Vec<_>, Stop> = elements.iter().map(|element| self.expr(frame, element)).collect();
        Ok(Some(Value::List(values?)))
    }

    /// A missing argument makes the result missing, unless the function takes missing values there. Arguments that may do so come first.
    fn call(&self, frame: &Frame<'_, 'r>, function: &Function, arguments: &[Argument]) -> Evaluated<'r> {
        let passes = |index: usize, expr: &Expr| {
            let param = function.params.get(index).or(function.params.last());
            expr.optional && param.is_some_and(|param| !param.optional && param.takes != Takes::AnyMaybeMissing)
        };
        let mut passing = Vec::new();
        for (index, argument) in arguments.iter().enumerate() {
            if let Argument::Value(expr) = argument
                && passes(index, expr)
            {
                let Some(value) = self.expr(frame, expr)? else { return Ok(None) };
                passing.push(value);
            }
        }
        let mut passing = passing.into_iter();
        let mut values = Vec::with_capacity(arguments.len() + 1);
        if function.needs_now {
            values.push(Some(Value::Instant(self.run.now())));
        }
        for (index, argument) in arguments.iter().enumerate() {
            values.push(match argument {
                Argument::Mode(word) => some_text(word.clone()),
                Argument::Value(expr) if passes(index, expr) => passing.next(),
                Argument::Value(expr) => self.expr(frame, expr)?,
            });
        }
        (function.call)(&values)
    }

    /// A rule: its arguments become the parameters of a frame of its own.
    fn apply(&self, frame: &Frame<'_, 'r>, id: RuleId, arguments: &[Expr]) -> Evaluated<'r> {
        let Some(rule) = self.model.rules.get(id.0) else {
            return Err(Stop::failed("an unknown rule: that is a fault of the program"));
        };
        self.reach(Point::Rule(id.0));
        let inner = Frame::new(&rule.locals);
        for (parameter, argument) in rule.parameters.iter().zip(arguments) {
            let value = self.expr(frame, argument)?;
            inner.bind(*parameter, Ok(value));
        }
        if let Some(watch) = self.watch {
            watch.rule(&rule.name, &rule.doc, rule.span);
        }
        self.run.within_file(self.prepared.path(rule.span.file), || self.expr(&inner, &rule.body))
    }
}

pub(crate) fn is(value: Option<&Value<'_>>, state: State) -> bool {
    match state {
        State::Missing => value.is_none(),
        State::Present => value.is_some(),
        State::Blank => match value {
            Some(Value::Text(text)) => compare::is_blank(Some(text)),
            Some(_) => false,
            None => true,
        },
        State::Empty => match value {
            Some(Value::Text(text)) => text.is_empty(),
            Some(Value::List(elements)) => elements.is_empty(),
            Some(_) => false,
            None => true,
        },
    }
}

pub(super) fn some_text<'r>(text: String) -> Option<Value<'r>> {
    Some(Value::Text(Cow::Owned(text)))
}

pub(super) fn count(number: usize) -> Decimal {
    Decimal::integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The checker refuses whatever would lead here, so this is said of our own faults only.
pub(super) fn unexpected(expected: &str, found: Option<&Value<'_>>) -> Stop {
    let found = found.map_or("missing", Value::kind_name);
    Stop::failed(format!("{expected} is expected here, but this is {found}"))
}
