//! What an expression asks of others: library functions, rules, tables, systems, the link store.
//!
//! In: a call or a question. Out: the call, with missing values passed by where the language says so.

use mapwright_model::ir::{
    Argument, Expr, ExprKind, Find, Linked, RuleId, Spelling, TableId, Term, Type, numbers_elements,
};
use mapwright_values::functions::{Function, Param, Takes as Taken};
use mapwright_values::reference::Test;
use proc_macro2::TokenStream;
use quote::quote;

use crate::code::{Code, may_stop, receiver};
use crate::context::Body;
use crate::each::{Numbering, beneath};
use crate::leaf::{Takes, takes, written};
use crate::plan::test;
use crate::types::widen;

impl Body<'_> {
    /// A function of the library. A missing argument makes the result missing, unless the function takes it.
    pub(crate) fn call(&self, function: &Function, arguments: &[Argument], whole: &Expr) -> Code {
        if let Some(sum) = self.added_up(function, arguments) {
            return sum;
        }
        if path_is(function, "lists::count")
            && let [Argument::Value(list)] = arguments
            && let Some(Code { statements, value }) = self.walked_field(list)
        {
            return Code { statements, value: quote! { Decimal::from(#value.count()) } };
        }
        let path: TokenStream = short_path(function.path).parse().unwrap_or_default();
        let mut given = Vec::new();
        let mut passing = Vec::new();
        let mut statements = TokenStream::new();
        for (index, argument) in arguments.iter().enumerate() {
            let Some(param) = function.params.get(index).or(function.params.last()) else { continue };
            match argument {
                Argument::Mode(word) => given.push(mode(word)),
                Argument::Value(value) if value.optional && !takes_missing(param) => {
                    let name = value_name(index);
                    let code = self.code(value);
                    if index == 0 {
                        let code = code.stepped_if_long();
                        statements.extend(code.statements);
                        passing.push((name.clone(), code.value));
                    } else {
                        passing.push((name.clone(), code.expression()));
                    }
                    given.push(widen(name, (&value.ty, false), (&wanted(param, &value.ty), param.optional)));
                }
                Argument::Value(value) => {
                    let optional = param.optional || param.takes == Taken::AnyMaybeMissing;
                    // Values of which the first that is there is taken are all of the type that is taken.
                    let same = param.takes == Taken::AnyMaybeMissing && !matches!(value.ty, Type::Never);
                    let taken = if same { whole.ty.clone() } else { wanted(param, &value.ty) };
                    let walked = if path_is(function, "lists::only") { self.walked_field(value) } else { None };
                    let code = walked.unwrap_or_else(|| self.code_as(value, &taken, optional));
                    if index == 0 {
                        let code = code.stepped_if_long();
                        statements.extend(code.statements);
                        given.push(code.value);
                    } else {
                        given.push(code.expression());
                    }
                }
            }
        }
        let given = gather(function, given);
        let now = function.needs_now.then(|| quote! { run.now(), });
        let call = quote! { #path(#now #(#given),*) };
        let asks = if function.fails {
            quote! { #call? }
        } else {
            call.clone()
        };
        let value = match passing.as_slice() {
            [] => {
                let missing_too = whole.optional && !function.may_be_missing;
                if missing_too {
                    quote! { Some(#asks) }
                } else {
                    asks
                }
            }
            [(name, value)] if !may_stop(&call) => {
                let value = receiver(value.clone());
                match (function.may_be_missing, function.fails) {
                    (false, false) => quote! { #value.map(|#name| #call) },
                    (true, false) => quote! { #value.and_then(|#name| #call) },
                    (false, true) => quote! { #value.map(|#name| #call).transpose()? },
                    (true, true) => quote! { match #value { Some(#name) => #asks, None => None } },
                }
            }
            passing => {
                let inner = if function.may_be_missing {
                    asks
                } else {
                    quote! { Some(#asks) }
                };
                passing.iter().rev().fold(inner, |inner, (name, value)| {
                    quote! { match #value { Some(#name) => { #inner } None => None } }
                })
            }
        };
        Code { statements, value }
    }

    /// A rule of the project.
    pub(crate) fn apply(&self, id: RuleId, arguments: &[Expr]) -> Code {
        let (name, run) = (self.project.rule(id), &self.run);
        let rule = self.project.model.rules.get(id.0);
        let mut statements = TokenStream::new();
        let mut given = Vec::with_capacity(arguments.len());
        for (index, argument) in arguments.iter().enumerate() {
            let parameter = rule.and_then(|rule| rule.locals.get(rule.parameters.get(index)?.0));
            given.push(match parameter {
                Some(parameter) if !parameter.optional && matches!(parameter.ty, Type::Record(_) | Type::List(_)) => {
                    self.borrow(argument)
                }
                Some(parameter) => {
                    let code = self.code_as(argument, &parameter.ty, parameter.optional);
                    self.argument(index, code, &mut statements)
                }
                None => self.value(argument),
            });
        }
        Code { statements, value: quote! { #name(#run #(, #given)*)? } }
    }

    /// An argument; the first one's statements may stand in front of the call.
    fn argument(&self, index: usize, code: Code, statements: &mut TokenStream) -> TokenStream {
        if index > 0 {
            return code.expression();
        }
        let code = if code.statements.is_empty() { code.named() } else { code.stepped() };
        statements.extend(code.statements);
        code.value
    }

    /// A table of the project. If its first key is missing, so is the answer.
    pub(crate) fn look_up(&self, id: TableId, arguments: &[Expr]) -> Code {
        let (name, run) = (self.project.table(id), &self.run);
        let Some(table) = self.project.model.tables.get(id.0) else { return Code::value(quote! { #name(#run)? }) };
        let mut statements = TokenStream::new();
        let mut keys = Vec::with_capacity(arguments.len());
        for (index, argument) in arguments.iter().enumerate() {
            let key = table.keys.get(index).and_then(|key| table.locals.get(key.0));
            keys.push(match key {
                Some(key) if index == 0 && argument.optional && !key.optional => {
                    widen(quote! { value }, (&argument.ty, false), (&key.ty, false))
                }
                Some(key) => self.argument(index, self.code_as(argument, &key.ty, key.optional), &mut statements),
                None => self.value(argument),
            });
        }
        let call = quote! { #name(#run #(, #keys)*)? };
        // A key that may be missing by its column is looked up; any other that is missing passes through.
        let first_may_be_missing =
            table.keys.first().and_then(|key| table.locals.get(key.0)).is_some_and(|key| key.optional);
        match arguments.first().filter(|first| first.optional && !first_may_be_missing) {
            Some(first) => {
                let optional = crate::items::result_optional(table);
                let some = if optional {
                    call
                } else {
                    quote! { Some(#call) }
                };
                self.code(first)
                    .stepped_if_long()
                    .map(|first| quote! { match #first { Some(value) => #some, None => None } })
            }
            None => Code { statements, value: call },
        }
    }

    /// `fit`: the value as it is, if it could be written there.
    pub(crate) fn fit(&self, value: &Expr, to: &Type) -> Code {
        let taken = match takes(to) {
            Takes::Text | Takes::Record => quote! { value },
            Takes::Value if crate::types::is_copy(to) => quote! { *value },
            Takes::Value => quote! { value },
        };
        let (writes, optional) = (written(self.project, &taken, to, &Spelling::Plain), value.optional);
        let fit = if optional {
            quote! { fit_some }
        } else {
            quote! { fit }
        };
        self.code(value).stepped_if_long().map(|value| quote! { #fit(#value, |value| #writes)? })
    }

    /// `find`: one record, or all.
    pub(crate) fn find(&self, find: &Find, numbering: Numbering) -> Code {
        let (question, missing) = self.question(find);
        let asked = quote! { let asked = #question; };
        if missing.is_empty() {
            let found = self.found(find, &quote! { asked }, numbering);
            let statements = found.statements;
            return Code { statements: quote! { #asked #statements }, value: found.value };
        }
        let Code { statements, value } = self.found(find, &quote! { asked }, numbering);
        let empty = if find.all {
            quote! { Vec::new() }
        } else {
            quote! { None }
        };
        Code::value(behind(missing, quote! { #asked #statements #value }, &empty))
    }

    /// What is made of the answer to the question `asked`.
    fn found(&self, find: &Find, asked: &TokenStream, numbering: Numbering) -> Code {
        let local = self.name(find.local);
        let name = self.local(find.local).map(|local| &*local.name).unwrap_or_default();
        let kept = match &find.residual {
            None if find.all => Code::value(quote! { run.find_all(&#asked, #name)? }),
            None => Code::value(quote! { run.find_one(&#asked, #name)? }),
            Some(residual) => {
                let (residual, entity) =
                    (self.place(residual), format!("{}.{}", find.entity.system, find.entity.entity));
                let statements = quote! {
                    let mut rows = Vec::new();
                    for #local in run.find_all(&#asked, #name)? {
                        if #residual { rows.push(#local); }
                    }
                };
                Code {
                    statements,
                    value: if find.all {
                        quote! { rows }
                    } else {
                        quote! { only_one(rows, #entity)? }
                    },
                }
            }
        };
        let Some(taken) = &find.take else { return kept };
        if find.all && numbers_elements(taken) {
            let number = self.number(find.local);
            let filling = self.row_taken(taken, &numbering.count(&number));
            return self.filled(kept, &filling, &quote! { (#number, #local) });
        }
        let Code { statements: inner, value } = beneath("made", self.code(taken));
        if find.all {
            let (statements, kept) = (kept.statements, kept.value);
            let statements = quote! {
                #statements
                let mut made = Vec::new();
                for #local in #kept { #inner made.push(#value); }
            };
            return Code { statements, value: quote! { made } };
        }
        let some = if taken.optional {
            value
        } else {
            quote! { Some(#value) }
        };
        kept.map(|kept| quote! { match #kept { Some(#local) => { #inner #some } None => None } })
    }

    /// The question, and for each value that may be missing its name and expression: without one nothing is asked.
    fn question(&self, find: &Find) -> (TokenStream, Vec<(TokenStream, TokenStream)>) {
        let mut missing = Vec::new();
        let mut terms = Vec::new();
        for term in &find.terms {
            let value = if term.test == Test::Missing {
                quote! { Json::Null }
            } else if term.value.optional {
                let name = value_name(missing.len());
                missing.push((name.clone(), self.value(&term.value)));
                let taken = match takes(&term.ty) {
                    Takes::Text | Takes::Record => quote! { &#name },
                    Takes::Value => quote! { #name },
                };
                let write = written(self.project, &taken, &term.ty, &term.spelling);
                quote! { #write? }
            } else {
                self.term_value(term)
            };
            let (field, test) = (&term.field, test(term.test));
            terms.push(quote! { term(#field, #test, #value) });
        }
        let (system, entity, select) = (&find.entity.system, &find.entity.entity, &find.select);
        (quote! { question(#system, #entity, [#(#terms),*], &[#(#select),*]) }, missing)
    }

    fn term_value(&self, term: &Term) -> TokenStream {
        if term.test == Test::In
            && let Type::List(list) = &term.value.ty
        {
            let element = match takes(&term.ty) {
                Takes::Text | Takes::Record => quote! { element },
                Takes::Value => quote! { element.clone() },
            };
            let write = written(self.project, &element, &term.ty, &term.spelling);
            let values = self.upon(&term.value);
            let flat = list.optional.then(|| quote! { .flatten() });
            return quote! { Json::List(#values.iter() #flat.map(|element| #write).collect::<Result<_, Stop>>()?) };
        }
        let write = written(self.project, &self.to_write(&term.value, &term.ty), &term.ty, &term.spelling);
        quote! { #write? }
    }

    /// A value as the writer of a place takes it.
    pub(crate) fn to_write(&self, value: &Expr, place: &Type) -> TokenStream {
        match takes(place) {
            Takes::Text => self.borrow(value),
            Takes::Record => self.upon(value),
            Takes::Value => match place {
                Type::List(_) => self.upon(value),
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
                | Type::Never => self.value(value),
            },
        }
    }

    /// `linked`: the target's key, of the type that its key field has.
    pub(crate) fn linked(&self, linked: &Linked, ty: &Type) -> TokenStream {
        let (link, missing) = self.link(linked);
        let found = key_of_type(quote! { run.linked(&#link)? }, ty);
        behind(missing, found, &quote! { None })
    }

    fn link(&self, linked: &Linked) -> (TokenStream, Vec<(TokenStream, TokenStream)>) {
        let mut missing = Vec::new();
        let by = if linked.by.optional {
            missing.push((quote! { value }, self.value(&linked.by)));
            if takes(&linked.by.ty) == Takes::Text {
                quote! { &value }
            } else {
                quote! { value }
            }
        } else {
            self.to_write(&linked.by, &linked.by.ty)
        };
        let key = written(self.project, &by, &linked.by.ty, &linked.by_spelling);
        let (system, entity) = (&linked.entity.system, &linked.entity.entity);
        let (of_system, of_entity) = (&linked.of.system, &linked.of.entity);
        (quote! { link((#system, #entity), (#of_system, #of_entity), #key?) }, missing)
    }

    /// `find ... otherwise wait`, `linked ... otherwise wait`: the value, or the record is parked until it is there.
    pub(crate) fn wait_for(&self, value: &Expr) -> Code {
        let nothing = quote! { return Err(nothing_to_wait_for()) };
        if let ExprKind::Find(find) = &value.kind {
            let (question, missing) = self.question(find);
            let (asked, found) =
                (behind(missing, question, &nothing), self.found(find, &quote! { asked }, Numbering::Fresh));
            let statements = found.statements;
            let value = receiver(found.value);
            return Code {
                statements: quote! { let asked = #asked; #statements },
                value: quote! { #value.ok_or_else(|| Stop::wait(asked))? },
            };
        }
        if let ExprKind::Linked(linked) = &value.kind {
            let (link, missing) = self.link(linked);
            let asked = behind(missing, link, &nothing);
            let found = key_of_type(quote! { run.linked(&asked)? }, &value.ty);
            return Code {
                statements: quote! { let asked = #asked; },
                value: quote! { #found.ok_or_else(|| Stop::wait(asked))? },
            };
        }
        Code::value(nothing)
    }
}

/// The name of a value that may be missing, once it is known to be there.
fn value_name(index: usize) -> TokenStream {
    let name = match index {
        0 => quote::format_ident!("value"),
        more => quote::format_ident!("value_{}", more + 1),
    };
    quote! { #name }
}

/// `inner`, for which each of these values must be there; else `empty`.
fn behind(missing: Vec<(TokenStream, TokenStream)>, inner: TokenStream, empty: &TokenStream) -> TokenStream {
    missing.into_iter().rev().fold(inner, |inner, (name, value)| {
        quote! { match #value { Some(#name) => { #inner } None => #empty } }
    })
}

fn key_of_type(key: TokenStream, ty: &Type) -> TokenStream {
    match ty {
        Type::Integer { .. } | Type::Decimal { .. } => quote! { #key.map(key_number).transpose()? },
        Type::Uuid => quote! { #key.map(key_uuid).transpose()? },
        Type::Text { .. }
        | Type::Enum(_)
        | Type::Quotient
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
        | Type::Never => key,
    }
}

/// The prelude exports the families by their names: `text::cut`.
pub(crate) fn path_is(function: &Function, path: &str) -> bool {
    short_path(function.path) == path
}

fn short_path(path: &str) -> &str {
    path.rsplit_once("functions::").map_or(path, |(_, short)| short)
}

fn takes_missing(param: &Param) -> bool {
    param.optional || param.takes == Taken::AnyMaybeMissing
}

/// The type that a parameter takes, as far as Rust sees a difference.
fn wanted(param: &Param, given: &Type) -> Type {
    match param.takes {
        Taken::NumberOrQuotient => Type::Quotient,
        Taken::ListMaybeMissing | Taken::ListOfTextMaybeMissing => match given {
            Type::List(list) => {
                let mut list = list.as_ref().clone();
                list.optional = true;
                Type::List(std::sync::Arc::new(list))
            }
            other => other.clone(),
        },
        Taken::Text
        | Taken::Number
        | Taken::Integer
        | Taken::Money
        | Taken::Boolean
        | Taken::Date
        | Taken::Instant
        | Taken::Leaf
        | Taken::AnyMaybeMissing
        | Taken::List
        | Taken::ListOfComparable
        | Taken::ListOfLists
        | Taken::ListOfNumbers
        | Taken::Mode
        | Taken::Zone
        | Taken::DatePattern(_)
        | Taken::Pattern
        | Taken::NumberPattern
        | Taken::NumberFormat
        | Taken::Word(_) => given.clone(),
    }
}

/// Arguments as the Rust function takes them: a repeated last one as a list, one left away as `None`.
fn gather(function: &Function, mut given: Vec<TokenStream>) -> Vec<TokenStream> {
    let count = function.params.len();
    if function.params.last().is_some_and(|last| last.repeated) && given.len() >= count {
        let repeated = given.split_off(count.saturating_sub(1));
        given.push(quote! { Vec::from([#(#repeated),*]) });
    }
    while given.len() < count {
        given.push(quote! { None });
    }
    given
}

fn mode(word: &str) -> TokenStream {
    use mapwright_values::decimal::Mode;
    match Mode::from_word(word) {
        Some(Mode::HalfUp) | None => quote! { Mode::HalfUp },
        Some(Mode::HalfEven) => quote! { Mode::HalfEven },
        Some(Mode::HalfDown) => quote! { Mode::HalfDown },
        Some(Mode::Up) => quote! { Mode::Up },
        Some(Mode::Down) => quote! { Mode::Down },
        Some(Mode::Ceiling) => quote! { Mode::Ceiling },
        Some(Mode::Floor) => quote! { Mode::Floor },
    }
}
