//! Calls and pipes: functions of the library, rules of the project, and the words that look like functions.
//!
//! In: a name, what stands before the pipe if anything does, and further arguments. Out: a typed call.

use std::sync::Arc;

use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, LiteralKind, Name};
use mapwright_values::functions::{self, Function, Param, Takes};
use mapwright_values::measure::{CUT_BYTES, CUT_UTF16};

use super::results::result_type;
use super::scope::{Body, Place, PlaceKind, PlaceName, poison};
use crate::catalogue::Typed;
use crate::context::Global;
use crate::faults;
use crate::ir::{Argument, Each, Expr, ExprKind, Literal, RuleId, Take, Type, Unit, Walk};
use crate::types::{is_number, list_of, text, widen};

/// The rounding modes.
pub(crate) const MODES: [&str; 7] = ["half_up", "half_even", "half_down", "up", "down", "ceiling", "floor"];

impl Body<'_, '_> {
    /// `f(a, b)`, or `x | f(b)` with `piped` before the pipe.
    pub(super) fn call(
        &mut self,
        name: &Name,
        piped: Option<&tree::Expr>,
        rest: &[tree::Expr],
        place: Option<&Place>,
        span: Span,
    ) -> Expr {
        if let Some((Global::Rule(rule), _)) = self.ctx.names.get(&name.text) {
            let rule = *rule;
            return self.apply(rule, name, piped, rest, span);
        }
        let given: Vec<&tree::Expr> = piped.into_iter().chain(rest).collect();
        match (name.text.as_str(), given.as_slice()) {
            ("now", []) => Expr { kind: ExprKind::Now, ty: Type::Instant, optional: false, span },
            ("position", [element]) => self.position(element, span),
            ("fit", [value]) => self.fit(value, place, span),
            ("fit" | "position" | "now", _) => {
                let signature = match name.text.as_str() {
                    "fit" => "VALUE | fit",
                    "now" => "now()",
                    _ => "position(ELEMENT)",
                };
                self.report(faults::wrong_arguments(span, &name.text, signature));
                poison(span)
            }
            ("cut", [value]) => self.cut_to_place(value, name, place, span),
            ("reverse_lookup", _) => self.reverse_lookup(name, piped, rest, span),
            (known, _) => match functions::function(known) {
                Some(function) => self.library_call(function, name, &given, span),
                None => {
                    for argument in given {
                        self.expr(argument, None);
                    }
                    let rules = self.ctx.model.rules.iter().map(|rule| rule.name.as_str());
                    let fault = faults::unknown_function(name, rules);
                    self.report(fault);
                    poison(span)
                }
            },
        }
    }

    /// `position(line)`.
    fn position(&mut self, element: &tree::Expr, span: Span) -> Expr {
        let value = self.expr(element, None);
        if let ExprKind::Local(id) = value.kind
            && self.locals.get(id.0).is_some_and(|local| local.kind == crate::ir::LocalKind::Element)
        {
            if self.uncounted.contains(&id) {
                self.report(faults::misplaced_position(span));
                return poison(span);
            }
            let ty = Type::Integer { min: Some(1), max: None };
            return Expr { kind: ExprKind::Position(id), ty, optional: false, span };
        }
        if !value.ty.is_never() {
            let noun = self.noun(&value.ty);
            self.report(faults::wrong_type(value.span, "the element of an `each`", &noun));
        }
        poison(span)
    }

    /// `x | fit`: nothing is lost, what does not fit rejects.
    fn fit(&mut self, value: &tree::Expr, place: Option<&Place>, span: Span) -> Expr {
        let value = self.expr(value, place);
        let value = self.valued(value);
        if value.ty.is_never() {
            return poison(span);
        }
        let Some(place) = place.filter(|place| place.kind != PlaceKind::Inner && !place.ty.is_never()) else {
            if place.is_none_or(|place| !place.ty.is_never()) {
                self.report(faults::unknown_place(span, "fit"));
            }
            return poison(span);
        };
        let sensible = match (&value.ty, &place.ty) {
            (Type::Text { .. } | Type::Enum(_), Type::Text { .. } | Type::Enum(_)) => true,
            (a, b) => is_number(a) && is_number(b),
        };
        if !sensible {
            let (from, to) = (self.noun(&value.ty), self.noun(&place.ty));
            let fault = faults::wrong_type_at(value.span, &from, &to, place);
            self.report(fault);
            return poison(span);
        }
        let optional = value.optional;
        let kind = ExprKind::Fit { value: Box::new(value), to: place.ty.clone() };
        Expr { kind, ty: place.ty.clone(), optional, span }
    }

    /// `x | cut`: to the length of the place.
    fn cut_to_place(&mut self, value: &tree::Expr, name: &Name, place: Option<&Place>, span: Span) -> Expr {
        let known = place.filter(|place| place.kind != PlaceKind::Inner);
        let Some(place) = known else {
            self.expr(value, None);
            self.report(faults::unknown_place(span, "cut"));
            return poison(span);
        };
        let (max, unit) = match &place.ty {
            Type::Text { max: Some(max), unit } => (*max, unit),
            Type::Text { max: None, .. } => {
                self.expr(value, None);
                self.report(faults::unknown_place(span, "cut"));
                return poison(span);
            }
            Type::Integer { .. }
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
            | Type::File => {
                self.expr(value, None);
                let to = self.noun(&place.ty);
                let fault = faults::wrong_type_at(span, "a text that is cut", &to, place);
                self.report(fault);
                return poison(span);
            }
            Type::Never => {
                self.expr(value, None);
                return poison(span);
            }
        };
        let (function, charset) = match unit {
            Unit::Characters => (functions::function("cut"), None),
            Unit::Bytes(charset) => (Some(&CUT_BYTES), Some(charset)),
            Unit::Utf16 => (Some(&CUT_UTF16), None),
        };
        let Some(function) = function else { return poison(span) };
        let value = self.expr(value, None);
        let Some(value) = self.argument(function, 0, value) else { return poison(span) };
        let optional = value.optional;
        let own = if let Type::Text { max: Some(own), unit: of } = &value.ty
            && of == unit
        {
            *own
        } else {
            max
        };
        let literal = |literal: Literal, ty: Type| {
            Argument::Value(Expr { kind: ExprKind::Literal(literal), ty, optional: false, span: name.span })
        };
        let ty = Type::Integer { min: Some(i64::from(max)), max: Some(i64::from(max)) };
        let mut arguments = vec![Argument::Value(value), literal(Literal::Number(max.to_string()), ty)];
        arguments.extend(charset.map(|charset| literal(Literal::Text(charset.clone()), text(None))));
        let ty = Type::Text { max: Some(max.min(own)), unit: unit.clone() };
        Expr { kind: ExprKind::Call { function, arguments }, ty, optional, span }
    }

    fn library_call(&mut self, function: &'static Function, name: &Name, given: &[&tree::Expr], span: Span) -> Expr {
        let (least, most) = function.arity();
        if given.len() < least || most.is_some_and(|most| given.len() > most) {
            for argument in given {
                if !is_mode_word(argument) {
                    self.expr(argument, None);
                }
            }
            self.report(faults::wrong_arguments(name.span, &function.signature(), &function.signature()));
            return poison(span);
        }
        let mut arguments: Vec<Argument> = Vec::with_capacity(given.len());
        let mut faulty = false;
        for (index, written) in given.iter().enumerate() {
            let Some(param) = param_at(function, index) else { continue };
            if param.takes == Takes::Mode {
                match self.mode(written) {
                    Some(mode) => arguments.push(Argument::Mode(mode)),
                    None => faulty = true,
                }
                continue;
            }
            let value = self.expr(written, None);
            match self.argument(function, index, value) {
                Some(value) => arguments.push(Argument::Value(value)),
                None => faulty = true,
            }
        }
        let lacks_mode = function.params.get(given.len()).is_some_and(|param| param.takes == Takes::Mode);
        if lacks_mode {
            match self.ctx.rounding.clone() {
                Some(mode) => arguments.push(Argument::Mode(mode)),
                None => {
                    self.report(faults::missing_rounding(span, &function.signature()));
                    faulty = true;
                }
            }
        }
        if faulty {
            return poison(span);
        }
        let first_missing = match (arguments.first(), function.params.first()) {
            (Some(Argument::Value(first)), Some(param)) => first.optional && param.takes != Takes::AnyMaybeMissing,
            (Some(Argument::Mode(_)) | None, _) | (_, None) => false,
        };
        let Some(ty) = result_type(function, &arguments) else {
            self.report(faults::wrong_arguments(span, &function.signature(), "all values of one type"));
            return poison(span);
        };
        let optional = first_missing || function.may_be_missing;
        Expr { kind: ExprKind::Call { function, arguments }, ty, optional, span }
    }

    /// A rounding mode, not in quotes.
    fn mode(&mut self, written: &tree::Expr) -> Option<String> {
        if let tree::ExprKind::Word(name) = &written.kind
            && MODES.contains(&name.text.as_str())
        {
            return Some(name.text.clone());
        }
        self.report(faults::malformed_literal(
            written.span,
            "there is no such rounding mode; write half_up, half_even, half_down, up, down, ceiling or floor, without quotes",
        ));
        None
    }

    /// Judges an argument; `None` when it cannot be used.
    fn argument(&mut self, function: &'static Function, index: usize, value: Expr) -> Option<Expr> {
        let value = self.valued(value);
        if value.ty.is_never() {
            return None;
        }
        let param = param_at(function, index)?;
        if value.optional && index > 0 && param.takes != Takes::AnyMaybeMissing {
            let consumer = format!("`{}` of `{}`", param.name, function.name);
            let checked = self.present(value, &consumer);
            return (!checked.ty.is_never()).then_some(checked);
        }
        match accepts(param.takes, &value) {
            Accepted::Yes => Some(value),
            Accepted::No(expected) => {
                let noun = self.noun(&value.ty);
                self.report(faults::wrong_type(value.span, expected, &noun));
                None
            }
            Accepted::Quotient => {
                self.report(faults::unrounded_quotient(value.span, &self.rounded_to(&Type::Quotient)));
                None
            }
            Accepted::Missing => {
                self.report(faults::missing_elements_refused(value.span, function.name));
                None
            }
            Accepted::Malformed(why) => {
                self.report(faults::malformed_literal(value.span, &why));
                None
            }
        }
    }

    /// A rule of the project.
    fn apply(&mut self, id: RuleId, name: &Name, piped: Option<&tree::Expr>, rest: &[tree::Expr], span: Span) -> Expr {
        self.uses.insert(Global::Rule(id));
        self.applies.push(id);
        let given: Vec<&tree::Expr> = piped.into_iter().chain(rest).collect();
        let Some(rule) = self.ctx.model.rules.get(id.0) else { return poison(span) };
        let (result, optional) = (rule.result.clone(), rule.optional);
        let elements = |list: &Type| matches!(list, Type::List(list) if list.element.is_never());
        self.tainted |= result.is_never() || elements(&result);
        let parameters: Vec<_> = rule.parameters.iter().filter_map(|id| rule.locals.get(id.0)).cloned().collect();
        if parameters.len() != given.len() {
            let names: Vec<&str> = parameters.iter().map(|parameter| &*parameter.name).collect();
            let signature = format!("{}({})", name.text, names.join(", "));
            for argument in given {
                self.expr(argument, None);
            }
            self.report(faults::wrong_arguments(name.span, &name.text, &signature));
            return poison(span);
        }
        let mut arguments: Vec<Expr> = Vec::with_capacity(given.len());
        for (index, (written, parameter)) in given.iter().zip(&parameters).enumerate() {
            let passes = index == 0 && piped.is_some() && !optional;
            let typed = Typed { optional: parameter.optional || passes, ..Typed::plain(parameter.ty.clone()) };
            let shown = PlaceName::Part(Arc::clone(&parameter.name), name.text.clone());
            let place = Place::typed(PlaceKind::Parameter, typed, shown, parameter.span);
            arguments.push(self.fitted(written, &place));
        }
        let takes_missing = parameters.first().is_some_and(|parameter| parameter.optional);
        if !takes_missing && arguments.first().is_some_and(|first| first.optional) {
            return self.apply_if_present(id, arguments, result, span);
        }
        Expr { kind: ExprKind::Apply { rule: id, arguments }, ty: result, optional, span }
    }

    /// `x | rule` where `x` may be missing: a missing value passes through, so that the rule is applied to the elements of
    /// the list of at most one element that `x` is.
    fn apply_if_present(&mut self, id: RuleId, arguments: Vec<Expr>, result: Type, span: Span) -> Expr {
        let mut arguments = arguments.into_iter();
        let (Some(first), Some(present), Some(only)) =
            (arguments.next(), functions::function("present"), functions::function("first"))
        else {
            return poison(span);
        };
        let (ty, at) = (first.ty.clone(), first.span);
        let one = Expr { kind: ExprKind::List(vec![first]), ty: list_of(ty.clone(), true), optional: false, span: at };
        let kind = ExprKind::Call { function: present, arguments: vec![Argument::Value(one)] };
        let list = Expr { kind, ty: list_of(ty.clone(), false), optional: false, span: at };
        let element = self.unnamed_element("value", ty, false, at);
        let value = self.local(element, at);
        let arguments = std::iter::once(value).chain(arguments).collect();
        let applied = Expr { kind: ExprKind::Apply { rule: id, arguments }, ty: result.clone(), optional: false, span };
        let walk = Walk { list, element, with: Vec::new(), condition: None };
        let each = Each { walks: vec![walk], sorted: None, take: Take::Value(applied) };
        let kind = ExprKind::Each(Box::new(each));
        let mapped = Expr { kind, ty: list_of(result.clone(), false), optional: false, span };
        let kind = ExprKind::Call { function: only, arguments: vec![Argument::Value(mapped)] };
        Expr { kind, ty: result, optional: true, span }
    }
}

/// The parameter that the nth argument belongs to.
fn param_at(function: &'static Function, index: usize) -> Option<&'static Param> {
    function.params.get(index).or_else(|| function.params.last().filter(|last| last.repeated))
}

fn is_mode_word(written: &tree::Expr) -> bool {
    matches!(&written.kind, tree::ExprKind::Word(name) if MODES.contains(&name.text.as_str()))
}

/// Is an argument of the kind that a parameter takes?
enum Accepted {
    /// It is.
    Yes,
    /// Another kind of value; what is expected.
    No(&'static str),
    /// A division that was not rounded.
    Quotient,
    /// A list whose elements may be missing.
    Missing,
    /// A literal that cannot be used.
    Malformed(String),
}

/// The text of a literal argument.
pub(super) fn literal_of(value: &Expr) -> Option<&str> {
    if let ExprKind::Literal(Literal::Text(text)) = &value.kind { Some(text) } else { None }
}

fn accepts(takes: Takes, value: &Expr) -> Accepted {
    let yes_if = |fits: bool, expected: &'static str| if fits { Accepted::Yes } else { Accepted::No(expected) };
    let ty = &value.ty;
    let is_text = matches!(ty, Type::Text { .. } | Type::Enum(_));
    match takes {
        Takes::Number | Takes::Integer if *ty == Type::Quotient => Accepted::Quotient,
        Takes::Text => yes_if(is_text, "a text"),
        Takes::Number => yes_if(is_number(ty), "a number"),
        Takes::NumberOrQuotient => yes_if(is_number(ty) || *ty == Type::Quotient, "a number"),
        Takes::Integer => yes_if(matches!(ty, Type::Integer { .. } | Type::Decimal { scale: 0, .. }), "a whole number"),
        Takes::Money => yes_if(*ty == Type::Money, "an amount with its currency, as `money(x, \"EUR\")` makes it"),
        Takes::Boolean => yes_if(*ty == Type::Boolean, "true or false"),
        Takes::Date => yes_if(*ty == Type::Date, "a day"),
        Takes::Instant => yes_if(*ty == Type::Instant, "an instant"),
        Takes::Leaf => yes_if(is_leaf(ty), "a text, number, day or the like"),
        Takes::AnyMaybeMissing => Accepted::Yes,
        Takes::List
        | Takes::ListMaybeMissing
        | Takes::ListOfComparable
        | Takes::ListOfLists
        | Takes::ListOfNumbers
        | Takes::ListOfTextMaybeMissing => accepts_list(takes, ty),
        Takes::Mode => Accepted::No("a rounding mode"),
        Takes::Zone => match literal_of(value) {
            Some(zone) => match functions::dates::check_zone(zone) {
                Ok(()) => Accepted::Yes,
                Err(why) => Accepted::Malformed(why),
            },
            None => yes_if(is_text, "the name of a zone"),
        },
        Takes::DatePattern(used) => {
            checked(value, "a format in quotes", |format| functions::dates::check_date_pattern(format, used))
        }
        Takes::Pattern => checked(value, "a pattern in quotes", functions::text::check_pattern),
        Takes::NumberPattern => checked(value, "a format in quotes", functions::numbers::check_number_pattern),
        Takes::NumberFormat => checked(value, "a format in quotes", functions::numbers::check_number_format),
        Takes::Word(words) => match literal_of(value) {
            Some(word) if words.contains(&word) => Accepted::Yes,
            Some(_) | None => Accepted::Malformed(format!("write one of \"{}\"", words.join("\", \""))),
        },
    }
}

fn checked(value: &Expr, expected: &'static str, check: impl Fn(&str) -> Result<(), String>) -> Accepted {
    match literal_of(value) {
        None => Accepted::No(expected),
        Some(format) => match check(format) {
            Ok(()) => Accepted::Yes,
            Err(why) => Accepted::Malformed(why),
        },
    }
}

fn accepts_list(takes: Takes, ty: &Type) -> Accepted {
    let Type::List(list) = ty else { return Accepted::No("a list") };
    let may_miss = matches!(takes, Takes::ListMaybeMissing | Takes::ListOfTextMaybeMissing);
    if list.optional && !may_miss {
        return Accepted::Missing;
    }
    let element = &list.element;
    let fits = match takes {
        Takes::ListOfNumbers => is_number(element),
        Takes::ListOfTextMaybeMissing => matches!(element, Type::Text { .. } | Type::Enum(_)),
        Takes::ListOfComparable => is_leaf(element),
        Takes::ListOfLists => matches!(element, Type::List(_)),
        _ => true,
    };
    // An empty list written in the spec has no element to judge.
    if fits || element.is_never() {
        return Accepted::Yes;
    }
    if *element == Type::Quotient {
        return Accepted::Quotient;
    }
    Accepted::No(match takes {
        Takes::ListOfNumbers => "a list of numbers",
        Takes::ListOfTextMaybeMissing => "a list of texts",
        Takes::ListOfLists => "a list of lists",
        _ => "a list of values that can be compared",
    })
}

fn is_leaf(ty: &Type) -> bool {
    match ty {
        Type::Text { .. }
        | Type::Integer { .. }
        | Type::Decimal { .. }
        | Type::Boolean
        | Type::Date
        | Type::Time
        | Type::Instant
        | Type::Uuid
        | Type::Enum(_) => true,
        Type::Quotient
        | Type::Money
        | Type::Record(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => false,
    }
}

/// The number that a literal argument says.
pub(super) fn literal_number(argument: &Argument) -> Option<i64> {
    let Argument::Value(value) = argument else { return None };
    let (value, sign) = if let ExprKind::Negate(inner) = &value.kind { (inner.as_ref(), -1) } else { (value, 1) };
    let ExprKind::Literal(Literal::Number(digits)) = &value.kind else { return None };
    digits.parse::<i64>().ok().map(|number| sign * number)
}

/// The common type of several arguments.
pub(super) fn common(arguments: &[Argument]) -> Option<Type> {
    arguments.iter().try_fold(Type::Never, |so_far, argument| match argument {
        Argument::Value(value) => widen(&so_far, &value.ty),
        Argument::Mode(_) => Some(so_far),
    })
}

/// Is a literal of this kind a text?
pub(crate) const fn is_text_literal(kind: &LiteralKind) -> bool {
    matches!(kind, LiteralKind::Text(_) | LiteralKind::Raw(_))
}
