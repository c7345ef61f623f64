//! Expressions.
//!
//! In: a checked expression. Out: a Rust expression in one of four forms, each with `?` where it can stop: an owned value, a place that
//! is looked at but not taken, a `&str`, or a `Result`. A missing value is `None`; nothing else is optional.

use mapwright_model::ir::{Answer, Branch, Expr, ExprKind, Literal, LocalId, Operator, State, TemplatePart, Type};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::code::{Code, has_operator, holding, is_block_like, may_stop, receiver};
use crate::context::{Body, Keeping};
use crate::each::Numbering;
use crate::literal::{emit_literal, literal_text, literal_texts};
use crate::names::snake;
use crate::types::{inner_type_or_missing, is_copy, is_text, widen};

impl Body<'_> {
    /// The value itself: `T`, or `Option<T>` where it may be missing.
    pub(crate) fn value(&self, expr: &Expr) -> TokenStream {
        self.code(expr).expression()
    }

    /// The value as a consumer of this type takes it.
    pub(crate) fn value_as(&self, expr: &Expr, ty: &Type, optional: bool) -> TokenStream {
        widen(self.value(expr), (&expr.ty, expr.optional), (ty, optional))
    }

    /// The same behind its statements.
    pub(crate) fn code_as(&self, expr: &Expr, ty: &Type, optional: bool) -> Code {
        self.code(expr).map(|value| widen(value, (&expr.ty, expr.optional), (ty, optional)))
    }

    /// The value behind the statements that make it.
    pub(crate) fn code(&self, expr: &Expr) -> Code {
        let value = match &expr.kind {
            ExprKind::Each(each) => return self.each(each, Numbering::Fresh),
            ExprKind::Literal(literal) => emit_literal(literal),
            ExprKind::Template(parts) => return self.template(parts).map(|text| quote! { Cow::from(#text) }),
            ExprKind::Local(id) => self.local_value(*id),
            ExprKind::Setting(id) => {
                let (name, run) = (self.project.setting(*id), &self.run);
                quote! { setting::#name(#run)? }
            }
            ExprKind::Read { of, steps, spelling, missing_as } => {
                return self.read(expr, of, steps, (spelling, missing_as.as_deref()));
            }
            ExprKind::Negate(value) => {
                let value = receiver(self.place(value));
                quote! { #value.negated() }
            }
            ExprKind::Not(value) => {
                let value = receiver(self.place(value));
                quote! { !#value }
            }
            ExprKind::Binary { operator, left, right } => return self.binary(*operator, left, right),
            ExprKind::In { value, list, negated } => self.is_in(value, list, *negated),
            ExprKind::Is { value, state, negated } => self.is(value, *state, *negated),
            ExprKind::If { condition, then, otherwise } => self.if_else(expr, condition, then, otherwise),
            ExprKind::Match { value, arms, otherwise } => self.choose(expr, value, arms, otherwise.as_deref()),
            ExprKind::Otherwise { value, branch } => return self.otherwise(expr, value, branch),
            ExprKind::IfInvalid { value, branch } => {
                let tried = self.code_as(value, &expr.ty, expr.optional).ok().named_attempt("tried");
                let branch = self.branch_result(branch, &expr.ty, expr.optional);
                return tried.map(|tried| quote! { if_invalid(#tried, || #branch)? });
            }
            ExprKind::Find(find) => return self.find(find, Numbering::Fresh),
            ExprKind::Linked(linked) => self.linked(linked, &expr.ty),
            ExprKind::Call { function, arguments } => return self.call(function, arguments, expr),
            ExprKind::Apply { rule, arguments } => return self.apply(*rule, arguments),
            ExprKind::Lookup { table, arguments } => return self.look_up(*table, arguments),
            ExprKind::Fit { value, to } => return self.fit(value, to),
            ExprKind::Position(id) => {
                let number = self.number(*id);
                quote! { Decimal::from(#number) }
            }
            ExprKind::Now => quote! { run.now() },
            ExprKind::List(elements) => self.list(elements, &expr.ty),
            ExprKind::Record(body) => {
                let made = self.make(body);
                // A map and JSON are kept as JSON.
                let is_open = matches!(expr.ty, Type::Map(_) | Type::Json);
                return if is_open { made.map(|made| quote! { #made.content().into_owned() }) } else { made };
            }
        };
        Code::value(value)
    }

    /// A local, taken: cheap for numbers, borrowed texts and records; a list is copied.
    fn local_value(&self, id: LocalId) -> TokenStream {
        let name = self.name(id);
        let Some(local) = self.local(id) else { return quote! { #name } };
        match (self.keeping(local), is_copy(&local.ty)) {
            (Keeping::Owned, true) => quote! { #name },
            (Keeping::Borrowed, true) => quote! { *#name },
            (Keeping::Held, true) => quote! { *#name.value()? },
            (Keeping::Owned, false) => quote! { #name.clone() },
            (Keeping::Borrowed, false) => match &local.ty {
                Type::List(_) => quote! { #name.to_vec() },
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
                | Type::Never => quote! { #name.clone() },
            },
            (Keeping::Held, false) => quote! { #name.value()?.clone() },
        }
    }

    /// The value to be looked at: compared, called upon, shown. A local is not copied.
    pub(crate) fn place(&self, expr: &Expr) -> TokenStream {
        let ExprKind::Local(id) = &expr.kind else { return self.value(expr) };
        let name = self.name(*id);
        match self.local(*id).map(|local| self.keeping(local)) {
            Some(Keeping::Held) => quote! { *#name.value()? },
            Some(Keeping::Borrowed) => quote! { *#name },
            Some(Keeping::Owned) | None => quote! { #name },
        }
    }

    /// What methods are called upon; a reference does as well as the value.
    pub(crate) fn upon(&self, expr: &Expr) -> TokenStream {
        receiver(self.upon_code(expr).expression())
    }

    /// The same behind its statements.
    pub(crate) fn upon_code(&self, expr: &Expr) -> Code {
        if let ExprKind::Local(id) = &expr.kind {
            return Code::value(self.local_upon(*id));
        }
        self.code(expr).map(receiver)
    }

    fn local_upon(&self, id: LocalId) -> TokenStream {
        let (name, local) = (self.name(id), self.local(id));
        match local.map(|local| self.keeping(local)) {
            Some(Keeping::Held) => quote! { #name.value()? },
            Some(Keeping::Borrowed | Keeping::Owned) | None => quote! { #name },
        }
    }

    /// A reference, which the compiler may turn into `&str` or a slice.
    pub(crate) fn borrow(&self, expr: &Expr) -> TokenStream {
        if let ExprKind::Local(id) = &expr.kind {
            let name = self.name(*id);
            return match self.local(*id).map(|local| self.keeping(local)) {
                Some(Keeping::Held) => quote! { #name.value()? },
                Some(Keeping::Borrowed) => quote! { #name },
                Some(Keeping::Owned) | None => quote! { &#name },
            };
        }
        if !expr.optional {
            if let ExprKind::Literal(Literal::Text(text)) = &expr.kind {
                return quote! { #text };
            }
            if let ExprKind::Template(parts) = &expr.kind {
                let text = self.template(parts).expression();
                return quote! { &#text };
            }
        }
        let value = self.value(expr);
        if is_block_like(&value) || has_operator(&value) {
            quote! { &(#value) }
        } else {
            quote! { &#value }
        }
    }

    /// Exactly a `&str`.
    fn text(&self, expr: &Expr) -> TokenStream {
        if let ExprKind::Literal(Literal::Text(text)) = &expr.kind {
            return quote! { #text };
        }
        let place = self.place(expr);
        quote! { &*#place }
    }

    /// A `String`, for reasons.
    pub(crate) fn string(&self, expr: &Expr) -> Code {
        if let ExprKind::Literal(Literal::Text(text)) = &expr.kind {
            return Code::value(quote! { #text.to_owned() });
        }
        if let ExprKind::Template(parts) = &expr.kind {
            return self.template(parts);
        }
        self.upon_code(expr).map(|text| quote! { #text.to_string() })
    }

    /// A text with holes: what stands in a hole is named first, so that the text reads as in the spec.
    fn template(&self, parts: &[TemplatePart]) -> Code {
        let mut format = String::new();
        let mut statements = TokenStream::new();
        let mut scope = self.hole_scope();
        for part in parts {
            match part {
                TemplatePart::Text(text) => format.push_str(&text.replace('{', "{{").replace('}', "}}")),
                TemplatePart::Hole(hole) => {
                    let name = match self.shown_as_it_is(hole) {
                        Some(name) => name,
                        None => {
                            let name = scope.take(&hole_name(self, hole));
                            let (ident, value) = (format_ident!("{}", name), self.shown(hole));
                            statements.extend(quote! { let #ident = #value; });
                            name
                        }
                    };
                    format.push_str(&format!("{{{name}}}"));
                }
            }
        }
        Code { statements, value: quote! { format!(#format) } }
    }

    /// The name of a local that may stand in a text as it is.
    fn shown_as_it_is(&self, hole: &Expr) -> Option<String> {
        let ExprKind::Local(id) = &hole.kind else { return None };
        let name = self.name(*id).to_string();
        let plain =
            reads_itself(&hole.ty) && self.local(*id).is_some_and(|local| self.keeping(local) == Keeping::Owned);
        (plain && !name.starts_with("r#")).then_some(name)
    }

    /// A value as it reads in a text.
    fn shown(&self, hole: &Expr) -> TokenStream {
        if let ExprKind::Literal(Literal::Text(text)) = &hole.kind {
            return quote! { #text };
        }
        if reads_itself(&hole.ty) {
            let is_local = matches!(hole.kind, ExprKind::Local(_));
            return if is_local { self.borrow(hole) } else { self.value(hole) };
        }
        let value = self.upon(hole);
        quote! { #value.show() }
    }

    fn binary(&self, operator: Operator, left: &Expr, right: &Expr) -> Code {
        let method = match operator {
            Operator::Multiply => quote! { times },
            Operator::Divide => quote! { divided_by },
            Operator::Add => quote! { plus },
            Operator::Subtract => quote! { minus },
            Operator::And => return Code::value(self.both(left, right, Operator::And)),
            Operator::Or => return Code::value(self.both(left, right, Operator::Or)),
            Operator::Equal => return Code::value(self.compare(left, right, quote! { == })),
            Operator::NotEqual => return Code::value(self.compare(left, right, quote! { != })),
            Operator::Less => return Code::value(self.compare(left, right, quote! { < })),
            Operator::LessOrEqual => return Code::value(self.compare(left, right, quote! { <= })),
            Operator::Greater => return Code::value(self.compare(left, right, quote! { > })),
            Operator::GreaterOrEqual => return Code::value(self.compare(left, right, quote! { >= })),
        };
        let (left, right) = (self.upon_code(left), self.place(right));
        left.map(|left| quote! { #left.#method(#right)? })
    }

    fn both(&self, left: &Expr, right: &Expr, operator: Operator) -> TokenStream {
        let side = |side: &Expr| {
            let value = self.place(side);
            let same = matches!(&side.kind, ExprKind::Binary { operator: inner, .. } if is_comparison(*inner) || *inner == operator);
            if is_block_like(&value) || (matches!(side.kind, ExprKind::Binary { .. }) && !same) {
                quote! { (#value) }
            } else {
                value
            }
        };
        let (left, right) = (side(left), side(right));
        if operator == Operator::And {
            quote! { #left && #right }
        } else {
            quote! { #left || #right }
        }
    }

    fn compare(&self, left: &Expr, right: &Expr, sign: TokenStream) -> TokenStream {
        let ordered = !matches!(sign.to_string().as_str(), "==" | "!=");
        let optional = left.optional || right.optional;
        let operand = |side: &Expr, other: &Expr| {
            if is_text(&side.ty) && is_text(&other.ty) {
                return self.compared_text(side, optional, ordered);
            }
            let ty = if other.ty == Type::Quotient { &other.ty } else { &side.ty };
            let value = widen(self.place(side), (&side.ty, side.optional), (ty, optional));
            if is_block_like(&value) || matches!(side.kind, ExprKind::Binary { operator, .. } if is_logical(operator)) {
                quote! { (#value) }
            } else {
                value
            }
        };
        let (left, right) = (operand(left, right), operand(right, left));
        quote! { #left #sign #right }
    }

    fn compared_text(&self, side: &Expr, optional: bool, ordered: bool) -> TokenStream {
        match (optional, side.optional) {
            (true, true) => {
                let value = self.upon(side);
                quote! { #value.as_deref() }
            }
            (true, false) => {
                let text = self.text(side);
                quote! { Some(#text) }
            }
            (false, _) if ordered || matches!(side.kind, ExprKind::Literal(_)) => self.text(side),
            (false, _) => {
                let place = self.place(side);
                if is_block_like(&place) {
                    quote! { (#place) }
                } else {
                    place
                }
            }
        }
    }

    fn is_in(&self, value: &Expr, list: &Expr, negated: bool) -> TokenStream {
        let not = negated.then(|| quote! { ! });
        if let Some(words) = literal_texts(list).filter(|_| is_text(&value.ty)) {
            return if value.optional {
                let value = self.upon(value);
                quote! { #not may_be_one_of(#value.as_deref(), &[#(#words),*]) }
            } else {
                let value = self.borrow(value);
                quote! { #not is_one_of(#value, &[#(#words),*]) }
            };
        }
        let elements_optional = matches!(&list.ty, Type::List(list) if list.optional);
        let (function, wanted) = match (value.optional, elements_optional) {
            (true, false) => (quote! { may_be_in }, true),
            (_, optional) => (quote! { is_in }, optional),
        };
        let borrowed =
            if value.optional == wanted && !matches!(value.kind, ExprKind::Literal(_) | ExprKind::Template(_)) {
                self.borrow(value)
            } else {
                let value = self.value_as(value, &value.ty, wanted);
                quote! { &#value }
            };
        let list = self.borrow(list);
        quote! { #not #function(#borrowed, #list) }
    }

    fn is(&self, value: &Expr, state: State, negated: bool) -> TokenStream {
        let not = negated.then(|| quote! { ! });
        let walked = if state == State::Empty { self.walked_field(value) } else { None };
        if let Some(walked) = walked.map(Code::expression) {
            return quote! { #not #walked.is_empty() };
        }
        let upon = self.upon(value);
        let has_content = is_text(&value.ty) || matches!(value.ty, Type::List(_));
        match (state, value.optional) {
            (State::Missing, true) => {
                let method = if negated {
                    quote! { is_some }
                } else {
                    quote! { is_none }
                };
                quote! { #upon.#method() }
            }
            (State::Present, true) => {
                let method = if negated {
                    quote! { is_none }
                } else {
                    quote! { is_some }
                };
                quote! { #upon.#method() }
            }
            (State::Blank, true) if is_text(&value.ty) => quote! { #not compare::is_blank(#upon.as_deref()) },
            (State::Blank, false) if is_text(&value.ty) => {
                let text = self.text(value);
                quote! { #not compare::is_blank(Some(#text)) }
            }
            (State::Empty, true) if has_content => {
                let view = if is_text(&value.ty) {
                    quote! { as_deref }
                } else {
                    quote! { as_ref }
                };
                quote! { #not #upon.#view().is_none_or(|value| value.is_empty()) }
            }
            (State::Empty, false) if has_content => quote! { #not #upon.is_empty() },
            (State::Blank | State::Empty, true) => quote! { #not #upon.is_none() },
            // The value is always there; it is still evaluated, for it may fail.
            (State::Missing | State::Blank | State::Empty, false) => is_always(&upon, negated),
            (State::Present, false) => is_always(&upon, !negated),
        }
    }

    fn if_else(&self, whole: &Expr, condition: &Expr, then: &Branch, otherwise: &Branch) -> TokenStream {
        let Code { statements, value: condition } = holding(self.place(condition));
        let then = self.branch(then, &whole.ty, whole.optional);
        let otherwise = self.branch(otherwise, &whole.ty, whole.optional);
        let chosen = if otherwise.to_string().starts_with("if ") {
            quote! { if #condition { #then } else #otherwise }
        } else {
            quote! { if #condition { #then } else { #otherwise } }
        };
        Code { statements, value: chosen }.expression()
    }

    fn choose(
        &self,
        whole: &Expr,
        value: &Expr,
        arms: &[(Vec<Literal>, Branch)],
        otherwise: Option<&Branch>,
    ) -> TokenStream {
        let rest = match otherwise {
            Some(branch) => self.branch(branch, &whole.ty, whole.optional),
            None => {
                let shown = if value.optional {
                    quote! { &"" }
                } else {
                    quote! { &value }
                };
                quote! { return Err(no_arm(#shown)) }
            }
        };
        if is_text(&value.ty) {
            let arms = arms.iter().map(|(literals, branch)| {
                let (words, branch) =
                    (literals.iter().filter_map(literal_text), self.branch(branch, &whole.ty, whole.optional));
                if value.optional {
                    quote! { Some(#(#words)|*) => { #branch } }
                } else {
                    quote! { #(#words)|* => { #branch } }
                }
            });
            let matched = if value.optional {
                let value = self.upon(value);
                quote! { #value.as_deref() }
            } else {
                self.text(value)
            };
            let binding = if otherwise.is_none() && !value.optional {
                quote! { value }
            } else {
                quote! { _ }
            };
            return quote! { match #matched { #(#arms,)* #binding => { #rest } } };
        }
        let chain = arms.iter().rev().fold(rest, |rest, (literals, branch)| {
            let branch = self.branch(branch, &whole.ty, whole.optional);
            let tests = literals.iter().map(|literal| {
                let literal = emit_literal(literal);
                if value.optional {
                    quote! { value == Some(#literal) }
                } else {
                    quote! { value == #literal }
                }
            });
            if rest.to_string().starts_with("if ") {
                quote! { if #(#tests)||* { #branch } else #rest }
            } else {
                quote! { if #(#tests)||* { #branch } else { #rest } }
            }
        });
        let value = self.value(value);
        quote! { { let value = #value; #chain } }
    }

    fn otherwise(&self, whole: &Expr, value: &Expr, branch: &Branch) -> Code {
        if !value.optional {
            return self.code_as(value, &whole.ty, whole.optional);
        }
        if let Branch::Answer(Answer::Wait) = branch {
            let waited = self.wait_for(value);
            return waited.map(|found| {
                if whole.optional {
                    quote! { Some(#found) }
                } else {
                    found
                }
            });
        }
        let found = self.code_as(value, &whole.ty, true).named().map(receiver);
        found.map(|found| match branch {
            Branch::Value(given) => self.or_value(whole, &found, given),
            Branch::Answer(answer) => {
                let given = self.or_stop(&found, answer);
                if whole.optional {
                    quote! { Some(#given) }
                } else {
                    given
                }
            }
        })
    }

    fn or_value(&self, whole: &Expr, found: &TokenStream, alternative: &Expr) -> TokenStream {
        let given = self.value_as(alternative, &whole.ty, whole.optional);
        match (whole.optional, may_stop(&given)) {
            (false, false) if matches!(alternative.kind, ExprKind::Literal(_)) => quote! { #found.unwrap_or(#given) },
            (false, false) => quote! { #found.unwrap_or_else(|| #given) },
            (false, true) => quote! { match #found { Some(value) => value, None => { #given } } },
            (true, false) => quote! { #found.or_else(|| #given) },
            (true, true) => quote! { match #found { None => { #given } value => value } },
        }
    }

    fn or_stop(&self, found: &TokenStream, answer: &Answer) -> TokenStream {
        match answer {
            Answer::Omit => quote! { #found.ok_or(Stop::Omit)? },
            Answer::Clear => quote! { #found.ok_or(Stop::Clear)? },
            Answer::Wait => quote! { #found.ok_or_else(nothing_to_wait_for)? },
            Answer::Reject(reason) => {
                let reason = self.string(reason).ok().expression();
                quote! { #found.or_reject(|| #reason)? }
            }
            Answer::Skip(reason) => {
                let reason = self.string(reason).ok().expression();
                quote! { #found.or_skip(|| #reason)? }
            }
        }
    }

    /// The stop that an answer is; a value is none.
    fn stop(&self, branch: &Branch) -> Option<TokenStream> {
        Some(match branch {
            Branch::Value(_) => return None,
            Branch::Answer(Answer::Omit) => quote! { Stop::Omit },
            Branch::Answer(Answer::Clear) => quote! { Stop::Clear },
            Branch::Answer(Answer::Wait) => quote! { nothing_to_wait_for() },
            Branch::Answer(Answer::Reject(reason)) => {
                let reason = self.string(reason).expression();
                quote! { Stop::rejected(Ok(#reason)) }
            }
            Branch::Answer(Answer::Skip(reason)) => {
                let reason = self.string(reason).expression();
                quote! { Stop::skipped(Ok(#reason)) }
            }
        })
    }

    /// A branch as an expression: the value, or the way out of the function.
    pub(crate) fn branch(&self, branch: &Branch, ty: &Type, optional: bool) -> TokenStream {
        match (branch, self.stop(branch)) {
            (Branch::Value(value), _) => {
                let code = self.code(value);
                let widened = widen(code.value, (&value.ty, value.optional), (ty, optional));
                let statements = code.statements;
                quote! { #statements #widened }
            }
            (Branch::Answer(_), stop) => quote! { return Err(#stop) },
        }
    }

    /// A branch as a `Result`.
    pub(crate) fn branch_result(&self, branch: &Branch, ty: &Type, optional: bool) -> TokenStream {
        match (branch, self.stop(branch)) {
            (Branch::Value(value), _) => self.code_as(value, ty, optional).ok().expression(),
            (Branch::Answer(_), stop) => quote! { Err(#stop) },
        }
    }

    fn list(&self, elements: &[Expr], ty: &Type) -> TokenStream {
        let Type::List(list) = ty else { return quote! { Vec::new() } };
        if elements.is_empty() {
            let element = inner_type_or_missing(&list.element, list.optional);
            return quote! { Vec::<#element>::new() };
        }
        let elements = elements.iter().map(|element| self.value_as(element, &list.element, list.optional));
        quote! { Vec::from([#(#elements),*]) }
    }
}

/// Does the value print as the language says?
fn reads_itself(ty: &Type) -> bool {
    is_text(ty) || matches!(ty, Type::Integer { .. } | Type::Decimal { .. } | Type::Boolean)
}

/// A name for what stands in a hole: that of the field, local or setting.
fn hole_name(body: &Body<'_>, hole: &Expr) -> String {
    match &hole.kind {
        ExprKind::Read { steps, .. } => steps.last().map(|step| snake(step)).unwrap_or_default(),
        ExprKind::Local(id) => format!("{}_text", body.name(*id).to_string().replace("r#", "").trim_end_matches('_')),
        ExprKind::Setting(id) => body.project.setting(*id).to_string().replace("r#", ""),
        ExprKind::Position(_) => "position".to_owned(),
        ExprKind::Otherwise { value, .. } | ExprKind::IfInvalid { value, .. } | ExprKind::Fit { value, .. } => {
            hole_name(body, value)
        }
        ExprKind::Call { function, arguments } => match arguments.first() {
            Some(mapwright_model::ir::Argument::Value(first)) if !matches!(first.kind, ExprKind::Literal(_)) => {
                hole_name(body, first)
            }
            Some(_) | None => snake(function.name),
        },
        ExprKind::Literal(_)
        | ExprKind::Template(_)
        | ExprKind::Negate(_)
        | ExprKind::Not(_)
        | ExprKind::Binary { .. }
        | ExprKind::In { .. }
        | ExprKind::Is { .. }
        | ExprKind::If { .. }
        | ExprKind::Match { .. }
        | ExprKind::Each(_)
        | ExprKind::Find(_)
        | ExprKind::Linked(_)
        | ExprKind::Apply { .. }
        | ExprKind::Lookup { .. }
        | ExprKind::Now
        | ExprKind::List(_)
        | ExprKind::Record(_) => "shown".to_owned(),
    }
}

fn is_comparison(operator: Operator) -> bool {
    match operator {
        Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual => true,
        Operator::Multiply | Operator::Divide | Operator::Add | Operator::Subtract | Operator::And | Operator::Or => {
            false
        }
    }
}

fn is_logical(operator: Operator) -> bool {
    is_comparison(operator) || matches!(operator, Operator::And | Operator::Or)
}

/// `true` or `false` of a value that is always there, once it is evaluated.
fn is_always(value: &TokenStream, answer: bool) -> TokenStream {
    if may_stop(value) {
        quote! { { let _ = #value; #answer } }
    } else {
        quote! { #answer }
    }
}
