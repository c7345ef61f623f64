//! Expressions: tree to typed expression.
//!
//! In: an expression and, where one is known, the place its value goes to (it gives words of an enum, lengths for `cut`
//! and `fit`, and the record that braces make). Out: a typed expression. Whether it fits its place is asked in `settle`.

use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, Name, Operator, State};

use super::scope::{Body, PLAIN, Place, poison};
use crate::context::Global;
use crate::faults;
use crate::ir::{Branch, Expr, ExprKind, ListType, SettingId, TemplatePart, Type};
use crate::types::{
    PRECISION_MAX, comparable, decimal, digits, is_number, literal_length, ordered, text, text_max, widen,
};

impl Body<'_, '_> {
    /// Resolves an expression.
    pub(crate) fn expr(&mut self, written: &tree::Expr, place: Option<&Place>) -> Expr {
        let span = written.span;
        match &written.kind {
            tree::ExprKind::Literal(literal) => self.literal(literal, place.map(|place| &place.ty)),
            tree::ExprKind::Template(parts) => self.template(parts, span),
            tree::ExprKind::Word(name) => self.word(name),
            tree::ExprKind::Field { of, name } => {
                let of = self.expr(of, None);
                self.field(of, name)
            }
            tree::ExprKind::Call { name, arguments } => self.call(name, None, arguments, place, span),
            tree::ExprKind::Lookup { table, arguments } => self.lookup(table, None, arguments, place, span),
            tree::ExprKind::Pipe { value, lookup, name, arguments } => {
                let rest = arguments.as_deref().unwrap_or_default();
                if *lookup {
                    self.lookup(name, Some(value), rest, place, span)
                } else {
                    self.call(name, Some(value), rest, place, span)
                }
            }
            tree::ExprKind::Negate(value) => self.negate(value, span),
            tree::ExprKind::Not(value) => {
                let value = self.condition(value);
                Expr { kind: ExprKind::Not(Box::new(value)), ty: Type::Boolean, optional: false, span }
            }
            tree::ExprKind::Binary { operator, left, right, .. } => self.binary(*operator, left, right, span),
            tree::ExprKind::In { value, list, negated } => self.within(value, list, *negated, span),
            tree::ExprKind::Is { value, state, negated } => self.state(value, *state, *negated, span),
            tree::ExprKind::If { condition, then, otherwise } => self.choose(condition, then, otherwise, place, span),
            tree::ExprKind::Match { value, arms } => self.match_arms(value, arms, place, span),
            tree::ExprKind::Otherwise { value, branch } => self.otherwise(value, branch, place, span),
            tree::ExprKind::IfInvalid { value, branch } => self.if_invalid(value, branch, place, span),
            tree::ExprKind::Each(each) => self.each(each, place, span),
            tree::ExprKind::Find(find) => self.find(find, span),
            tree::ExprKind::Linked(linked) => self.linked(linked, span),
            tree::ExprKind::List(elements) => self.list(elements, place, span),
            tree::ExprKind::Record(block) => self.record(block, place, span),
            tree::ExprKind::Brackets(inner) => {
                let mut inner = self.expr(inner, place);
                inner.span = span;
                inner
            }
        }
    }

    /// An expression that must be true or false, and never missing.
    pub(crate) fn condition(&mut self, written: &tree::Expr) -> Expr {
        let place = Place::inner(Type::Boolean, "a condition");
        self.fitted(written, &place)
    }

    fn word(&mut self, name: &Name) -> Expr {
        if let Some(id) = self.find_local(&name.text) {
            return self.local(id, name.span);
        }
        match self.ctx.names.get(&name.text).map(|(global, _)| *global) {
            Some(Global::Setting(id)) => self.setting(id, name.span),
            Some(global @ (Global::System(_) | Global::Table(_) | Global::Rule(_))) => {
                self.report(faults::name_of_other_kind(name, global.noun()));
                poison(name.span)
            }
            None => {
                let later = self.later.iter().find(|known| known.text == name.text).map(|known| known.span);
                if let Some(defined) = later {
                    self.report(faults::used_too_early(name, defined));
                    return poison(name.span);
                }
                let visible = self.visible_names();
                let field = self.field_called(&name.text);
                let fault = faults::unknown_name(name, visible.iter().map(String::as_str), field.as_deref());
                self.report(match self.rows.iter().any(|(row, _, _)| *row == name.text) {
                    true => {
                        fault.help(format!("a group has many rows: walk them, `each GROUP.rows as {} ...`", name.text))
                    }
                    false => fault,
                });
                poison(name.span)
            }
        }
    }

    fn setting(&mut self, id: SettingId, span: Span) -> Expr {
        self.uses.insert(Global::Setting(id));
        let Some(setting) = self.ctx.model.settings.get(id.0) else { return poison(span) };
        Expr { kind: ExprKind::Setting(id), ty: setting.ty.clone(), optional: setting.optional, span }
    }

    fn template(&mut self, parts: &[tree::TemplatePart], span: Span) -> Expr {
        let mut max = Some(0u32);
        let mut resolved = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                tree::TemplatePart::Text(words) => {
                    let length = literal_length(&words.text, &crate::ir::Unit::Characters);
                    max = max.map(|max| max.saturating_add(length));
                    resolved.push(TemplatePart::Text(words.text.clone()));
                }
                tree::TemplatePart::Hole(hole) => {
                    let hole = self.expr(hole, None);
                    let hole = self.present(hole, "a hole in a text");
                    if matches!(
                        hole.ty,
                        Type::Money | Type::Record(_) | Type::List(_) | Type::Map(_) | Type::Json | Type::File
                    ) {
                        let noun = self.noun(&hole.ty);
                        self.report(faults::wrong_type(hole.span, "a text, number, day or the like", &noun));
                    } else if hole.ty == Type::Quotient {
                        self.report(faults::unrounded_quotient(hole.span, &self.rounded_to(&Type::Quotient)));
                    }
                    max = max.zip(text_max(&hole.ty)).map(|(max, more)| max.saturating_add(more));
                    resolved.push(TemplatePart::Hole(hole));
                }
            }
        }
        Expr { kind: ExprKind::Template(resolved), ty: text(max), optional: false, span }
    }

    /// Refuses a value that may be missing.
    pub(crate) fn present(&mut self, value: Expr, consumer: &str) -> Expr {
        let value = self.valued(value);
        if value.optional && !value.ty.is_never() {
            let of_text = self.ctx.project.files.text(value.span).to_owned();
            let mend = self.answered(&value, &of_text);
            self.report(faults::missing_value_refused(value.span, &of_text, consumer, mend));
            return poison(value.span);
        }
        value
    }

    /// Refuses what answers in every case where a value is worked with: there never is one.
    pub(crate) fn valued(&mut self, value: Expr) -> Expr {
        // Where nothing was reported yet, no error is the reason that there is no value.
        if value.ty.is_never() && (always_answers(&value) || self.sound()) {
            self.report(faults::wrong_type(value.span, "a value", "an answer in every case"));
            return poison(value.span);
        }
        value
    }

    /// An operand of arithmetic.
    fn number(&mut self, written: &tree::Expr, consumer: &str) -> Expr {
        let value = self.expr(written, None);
        let value = self.present(value, consumer);
        if is_number(&value.ty) || value.ty.is_never() {
            return value;
        }
        if value.ty == Type::Quotient {
            self.report(faults::unrounded_quotient(value.span, &self.rounded_to(&Type::Quotient)));
        } else {
            let noun = self.noun(&value.ty);
            self.report(faults::wrong_type(value.span, "a number", &noun));
        }
        poison(value.span)
    }

    fn negate(&mut self, written: &tree::Expr, span: Span) -> Expr {
        let value = self.number(written, "a sign");
        let ty = match &value.ty {
            Type::Integer { min, max } => {
                Type::Integer { min: max.and_then(i64::checked_neg), max: min.and_then(i64::checked_neg) }
            }
            Type::Text { .. }
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
            | Type::List(_)
            | Type::Map(_)
            | Type::Json
            | Type::File
            | Type::Never => value.ty.clone(),
        };
        Expr { kind: ExprKind::Negate(Box::new(value)), ty, optional: false, span }
    }

    fn binary(&mut self, operator: Operator, left: &tree::Expr, right: &tree::Expr, span: Span) -> Expr {
        let (left, right, ty) = match operator {
            Operator::Multiply | Operator::Divide | Operator::Add | Operator::Subtract => {
                let left = self.number(left, "arithmetic");
                let right = self.number(right, "arithmetic");
                let ty = arithmetic_type(operator, &left.ty, &right.ty);
                (left, right, ty)
            }
            Operator::Equal | Operator::NotEqual => {
                let (left, right) = self.pair(left, right);
                (left, right, Type::Boolean)
            }
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                let (left, right) = self.sides(left, right);
                let left = self.in_order(left);
                let right = self.in_order(right);
                self.compared(&left, &right);
                (left, right, Type::Boolean)
            }
            Operator::And | Operator::Or => (self.condition(left), self.condition(right), Type::Boolean),
        };
        let ty = if ty == Type::Boolean {
            ty
        } else if left.ty.is_never() || right.ty.is_never() {
            Type::Never
        } else {
            ty
        };
        Expr {
            kind: ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) },
            ty,
            optional: false,
            span,
        }
    }

    /// Both sides of a comparison, which can be equal.
    pub(crate) fn pair(&mut self, left: &tree::Expr, right: &tree::Expr) -> (Expr, Expr) {
        let (left, right) = self.sides(left, right);
        self.compared(&left, &right);
        (left, right)
    }

    /// Both sides of a comparison; a literal takes the type of the other side.
    fn sides(&mut self, left: &tree::Expr, right: &tree::Expr) -> (Expr, Expr) {
        let literal = |side: &tree::Expr| matches!(side.kind, tree::ExprKind::Literal(_));
        if literal(left) && !literal(right) {
            let right = self.expr(right, None);
            let place = Place::inner(right.ty.clone(), "the other side of the comparison");
            (self.expr(left, Some(&place)), right)
        } else {
            let left = self.expr(left, None);
            let place = Place::inner(left.ty.clone(), "the other side of the comparison");
            let right = self.expr(right, literal(right).then_some(&place));
            (left, right)
        }
    }

    /// Refuses values that can never be equal.
    fn compared(&mut self, left: &Expr, right: &Expr) {
        if !comparable(&left.ty, &right.ty) {
            let (a, b) = (self.noun(&left.ty), self.noun(&right.ty));
            self.report(faults::incomparable_types(left.span, &a, right.span, &b));
        }
    }

    /// Refuses a value that may be missing or has no order; no more is said of it then.
    fn in_order(&mut self, value: Expr) -> Expr {
        let value = self.present(value, "a comparison of order");
        if ordered(&value.ty) {
            return value;
        }
        let noun = self.noun(&value.ty);
        self.report(faults::wrong_type(value.span, "something that has an order", &noun));
        poison(value.span)
    }

    fn within(&mut self, value: &tree::Expr, list: &tree::Expr, negated: bool, span: Span) -> Expr {
        let value = self.expr(value, None);
        let place = Place::inner(crate::types::list_of(value.ty.clone(), false), "the list");
        let literal = matches!(list.kind, tree::ExprKind::List(_));
        let list = self.expr(list, literal.then_some(&place));
        let list = self.present(list, "`in`");
        match &list.ty {
            Type::List(known) if !comparable(&value.ty, &known.element) => {
                let (a, b) = (self.noun(&value.ty), self.noun(&known.element));
                self.report(faults::incomparable_types(value.span, &a, list.span, &b));
            }
            Type::List(_) | Type::Never => {}
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
            | Type::File => {
                let noun = self.noun(&list.ty);
                self.report(faults::wrong_type(list.span, "a list", &noun));
            }
        }
        let kind = ExprKind::In { value: Box::new(value), list: Box::new(list), negated };
        Expr { kind, ty: Type::Boolean, optional: false, span }
    }

    fn state(&mut self, written: &tree::Expr, state: State, negated: bool, span: Span) -> Expr {
        let value = self.expr(written, None);
        match (state, &value.ty) {
            (State::Blank, Type::Text { .. } | Type::Never)
            | (State::Empty, Type::Text { .. } | Type::List(_) | Type::Map(_) | Type::Never)
            | (State::Missing | State::Present, _) => {}
            (State::Blank | State::Empty, other) => {
                let noun = self.noun(other);
                let expected = if state == State::Blank { "a text" } else { "a text or a list" };
                self.report(faults::wrong_type(value.span, expected, &noun));
            }
        }
        Expr { kind: ExprKind::Is { value: Box::new(value), state, negated }, ty: Type::Boolean, optional: false, span }
    }

    fn list(&mut self, elements: &[tree::Expr], place: Option<&Place>, span: Span) -> Expr {
        let element_place = place.and_then(Place::element);
        let mut ty = Type::Never;
        let mut optional = false;
        let mut resolved: Vec<Expr> = Vec::with_capacity(elements.len());
        for element in elements {
            let element = self.expr(element, element_place.as_ref());
            optional |= element.optional;
            match widen(&ty, &element.ty) {
                Some(wider) => ty = wider,
                None => {
                    let (a, b) = (self.noun(&ty), self.noun(&element.ty));
                    let first = resolved.first().map_or(span, |first| first.span);
                    self.report(faults::different_branches(first, &a, element.span, &b));
                    return poison(span);
                }
            }
            resolved.push(element);
        }
        // An empty list has the type of its place.
        if resolved.is_empty()
            && let Some(place) = &element_place
        {
            ty = place.ty.clone();
        }
        let list = ListType { element: ty, optional, min: 0, spelling: PLAIN };
        Expr { kind: ExprKind::List(resolved), ty: Type::List(std::sync::Arc::new(list)), optional: false, span }
    }

    fn record(&mut self, block: &tree::Block, place: Option<&Place>, span: Span) -> Expr {
        let record = match place.map(|place| &place.ty) {
            Some(Type::Record(record)) => *record,
            Some(Type::Never) => return poison(span),
            Some(open @ (Type::Map(_) | Type::Json)) => {
                let ty = open.clone();
                let Some(record) = self.open_record(&ty) else { return poison(span) };
                let body = self.scoped(|body| body.block(block, record, None));
                return Expr { kind: ExprKind::Record(body), ty, optional: false, span };
            }
            Some(_) | None => {
                self.report(faults::open_record(span));
                return poison(span);
            }
        };
        let made = place.and_then(|place| place.made.clone());
        let body = self.scoped(|body| body.block(block, record, made.as_ref()));
        Expr { kind: ExprKind::Record(body), ty: Type::Record(record), optional: false, span }
    }
}

/// `+ -` keep the greater scale, `*` adds scales, `/` is a quotient.
fn arithmetic_type(operator: Operator, left: &Type, right: &Type) -> Type {
    let ((whole_a, scale_a), (whole_b, scale_b)) = (digits(left), digits(right));
    let integers = matches!((left, right), (Type::Integer { .. }, Type::Integer { .. }));
    match operator {
        Operator::Divide => Type::Quotient,
        Operator::Multiply | Operator::Add | Operator::Subtract if integers => integer_range(operator, left, right),
        Operator::Multiply => decimal((whole_a + whole_b).min(PRECISION_MAX), scale_a + scale_b),
        Operator::Add | Operator::Subtract => decimal(whole_a.max(whole_b) + 1, scale_a.max(scale_b)),
        Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::And
        | Operator::Or => Type::Boolean,
    }
}

/// The range of whole numbers that a sum, difference or product lies in, where both operands have one.
fn integer_range(operator: Operator, left: &Type, right: &Type) -> Type {
    let unbounded = Type::Integer { min: None, max: None };
    let (Type::Integer { min: Some(a), max: Some(b) }, Type::Integer { min: Some(c), max: Some(d) }) = (left, right)
    else {
        return unbounded;
    };
    let ends: Vec<Option<i64>> = match operator {
        Operator::Add => vec![a.checked_add(*c), b.checked_add(*d)],
        Operator::Subtract => vec![a.checked_sub(*d), b.checked_sub(*c)],
        Operator::Multiply
        | Operator::Divide
        | Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::And
        | Operator::Or => vec![a.checked_mul(*c), a.checked_mul(*d), b.checked_mul(*c), b.checked_mul(*d)],
    };
    let ends: Option<Vec<i64>> = ends.into_iter().collect();
    let Some(ends) = ends else { return unbounded };
    Type::Integer { min: ends.iter().min().copied(), max: ends.iter().max().copied() }
}

/// Is there an answer whichever way is taken? (What has no type because of an error is none.)
fn always_answers(value: &Expr) -> bool {
    let branch = |branch: &Branch| match branch {
        Branch::Value(value) => always_answers(value),
        Branch::Answer(_) => true,
    };
    match &value.kind {
        ExprKind::If { then, otherwise, .. } => branch(then) && branch(otherwise),
        ExprKind::Match { arms, otherwise, .. } => {
            arms.iter().all(|(_, arm)| branch(arm)) && otherwise.as_deref().is_none_or(branch)
        }
        ExprKind::Otherwise { value, .. } | ExprKind::IfInvalid { value, .. } => always_answers(value),
        ExprKind::Literal(_)
        | ExprKind::Template(_)
        | ExprKind::Local(_)
        | ExprKind::Setting(_)
        | ExprKind::Read { .. }
        | ExprKind::Negate(_)
        | ExprKind::Not(_)
        | ExprKind::Binary { .. }
        | ExprKind::In { .. }
        | ExprKind::Is { .. }
        | ExprKind::Each(_)
        | ExprKind::Find(_)
        | ExprKind::Linked(_)
        | ExprKind::Call { .. }
        | ExprKind::Apply { .. }
        | ExprKind::Lookup { .. }
        | ExprKind::Fit { .. }
        | ExprKind::Position(_)
        | ExprKind::Now
        | ExprKind::List(_)
        | ExprKind::Record(_) => false,
    }
}
