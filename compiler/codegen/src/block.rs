//! Statements that make a record.
//!
//! In: a block. Out: one Rust statement a line of the spec, under a comment that quotes it, each handed to the run, so that a record's
//! problems are all reported.

use mapwright_model::ir::{
    Answer, Block, Branch, Each, Expr, ExprKind, Statement, Take, Target, Type, numbers_elements,
};
use mapwright_syntax::Span;
use proc_macro2::TokenStream;
use quote::quote;

use crate::code::{Code, is_block_like, may_stop};
use crate::context::Body;
use crate::each::Numbering;
use crate::leaf::{Takes, takes, written};
use crate::print::blank;
use crate::types::is_text;
use crate::visit;

impl Body<'_> {
    /// The statements of a block, for a `record` that is `&mut Record`.
    pub(crate) fn statements(&self, block: &Block) -> TokenStream {
        let mut out = TokenStream::new();
        for (index, statement) in block.statements.iter().enumerate() {
            if index > 0 && self.stands_apart(statement, block.statements.get(index - 1)) {
                out.extend(if self.project.bare { TokenStream::new() } else { blank() });
            }
            out.extend(self.statement(statement));
            if let Some((field, min, span)) = block.list_ended_by(statement) {
                let (wire, line) = (&field.wire, self.project.line(span));
                let min = proc_macro2::Literal::u32_unsuffixed(min);
                out.extend(quote! { run.at_least(record, #wire, #line, #min); });
            }
        }
        out
    }

    /// A line apart: where blocks begin or end, and where one kind of statement follows another.
    fn stands_apart(&self, statement: &Statement, before: Option<&Statement>) -> bool {
        let kind = |statement: &Statement| match statement {
            Statement::Let { .. } => 0,
            Statement::Check { .. } => 1,
            Statement::Set { .. } => 2,
            Statement::Nested { .. } => 3,
        };
        let is_block = |statement: &Statement| match statement {
            Statement::Nested { .. } => true,
            Statement::Set { value: Branch::Value(value), .. } => block_of(value).is_some(),
            Statement::Let { .. } | Statement::Check { .. } | Statement::Set { .. } => false,
        };
        let Some(before) = before else { return false };
        kind(before) != kind(statement) || is_block(before) || is_block(statement)
    }

    /// A record made here.
    pub(crate) fn make(&self, block: &Block) -> Code {
        let statements = self.statements(block);
        Code {
            statements: quote! { let made = |record: &mut Record<'r>| { #statements }; },
            value: quote! { run.record(made)? },
        }
    }

    fn statement(&self, statement: &Statement) -> TokenStream {
        match statement {
            Statement::Let { local, value, span } => {
                let (quoted, line, name) = (self.project.quoted(*span), self.project.line(*span), self.name(*local));
                let code = match self.local(*local) {
                    Some(local) => self.code_as(value, &local.ty, local.optional),
                    None => self.code(value),
                };
                let Code { statements, value } = code.ok().named_attempt("value");
                quote! { #quoted #statements let #name = run.hold(#line, #value); }
            }
            Statement::Check { condition, skip, reason, span } => {
                let (quoted, line) = (self.project.quoted(*span), self.project.line(*span));
                let holds = Code::value(self.place(condition)).ok().named_attempt("holds");
                let verdict = if *skip {
                    quote! { Stop::skipped }
                } else {
                    quote! { Stop::rejected }
                };
                let reason = self.string(reason).ok().named_attempt("reason");
                let (statements, holds, reasoning, reason) =
                    (holds.statements, holds.value, reason.statements, reason.value);
                quote! { #quoted #statements #reasoning run.check(#line, #holds, || #verdict(#reason)); }
            }
            Statement::Set { field, value, also, on_create: _, span } => self.set(field, value, *also, *span),
            Statement::Nested { field, when, body, on_create: _, span } => {
                self.nested(field, when.as_ref(), body, *span)
            }
        }
    }

    fn set(&self, field: &Target, value: &Branch, also: bool, span: Span) -> TokenStream {
        let (quoted, line, wire) = (self.project.quoted(span), self.project.line(span), &field.wire);
        let method = if also {
            quote! { append }
        } else {
            quote! { set }
        };
        let before = also.then(|| quote! { let before = record.count(#wire); });
        let numbering = if also { Numbering::Further } else { Numbering::Fresh };
        let written = self.written(field, value, numbering);
        if branch_makes_records(value) {
            let Code { statements, value } = written;
            return quote! {
                #quoted
                #before
                let value = || { #statements #value };
                run.#method(record, #wire, #line, run.within(#wire, value));
            };
        }
        let Code { statements, value } = written.named_attempt("value");
        quote! { #quoted #statements run.#method(record, #wire, #line, #value); }
    }

    /// The value of a line as JSON, or why there is none.
    fn written(&self, field: &Target, value: &Branch, numbering: Numbering) -> Code {
        let value = match value {
            Branch::Answer(_) => return Code::value(self.branch_result(value, &field.ty, false)),
            Branch::Value(value) => value,
        };
        if let Some(each) = each_of_records(value) {
            return self.each_record(each, numbering).map(|made| quote! { written(#made) });
        }
        if value.ty == Type::Never {
            return self.code(value);
        }
        self.leaf_to_write(value, &field.ty, numbering)
            .map(|value| written(self.project, &value, &field.ty, &field.spelling))
    }

    /// The value that a writer takes, named first where it is long.
    fn leaf_to_write(&self, value: &Expr, place: &Type, numbering: Numbering) -> Code {
        if !value.optional && matches!(value.kind, ExprKind::Local(_) | ExprKind::Literal(_)) {
            return Code::value(self.to_write(value, place));
        }
        let code = if let ExprKind::Each(each) = &value.kind {
            self.each(each, numbering)
        } else if let ExprKind::Find(find) = &value.kind {
            self.find(find, numbering)
        } else {
            self.code(value)
        };
        let mut code = code.stepped_if_long();
        if value.optional {
            let found = crate::code::receiver(code.value);
            code.value = quote! { #found.ok_or(Stop::Omit)? };
        }
        let by_reference = match takes(place) {
            Takes::Text => is_text(&value.ty) && matches!(place, Type::Enum(_)),
            Takes::Record | Takes::Value => false,
        };
        if by_reference {
            let value = code.value;
            code.value = quote! { &#value };
        }
        code
    }

    fn nested(&self, field: &Target, when: Option<&Expr>, body: &Block, span: Span) -> TokenStream {
        // `a.b <- c` has become a block of one line, which quotes the spec itself.
        let is_quoted_within = body.statements.first().is_some_and(|first| span_of(first) == span);
        let quoted = if is_quoted_within { TokenStream::new() } else { self.project.quoted(span) };
        let wire = &field.wire;
        let method = if matches!(field.ty, Type::List(_)) {
            quote! { nested_element }
        } else {
            quote! { nested }
        };
        let statements = self.statements(body);
        let nest = quote! {
            let nested = |record: &mut Record<'r>| { #statements };
            run.#method(record, #wire, nested);
        };
        let Some(when) = when else { return quote! { #quoted #nest } };
        let (line, when) = (self.project.line(span), self.place(when));
        if !may_stop(&when) && !is_block_like(&when) {
            return quote! { #quoted if #when { #nest } };
        }
        let Code { statements, value: when } = Code::value(when).ok().named_attempt("holds");
        quote! { #quoted #statements if run.wanted(#wire, #line, #when) { #nest } }
    }
}

fn span_of(statement: &Statement) -> Span {
    match statement {
        Statement::Let { span, .. }
        | Statement::Check { span, .. }
        | Statement::Set { span, .. }
        | Statement::Nested { span, .. } => *span,
    }
}

/// The `each` of records that a value is.
fn each_of_records(value: &Expr) -> Option<&Each> {
    let ExprKind::Each(each) = &value.kind else { return None };
    matches!(each.take, Take::Block(_)).then_some(each.as_ref())
}

fn block_of(value: &Expr) -> Option<&Block> {
    match each_of_records(value).map(|each| &each.take) {
        Some(Take::Block(block)) => Some(block),
        Some(Take::Element | Take::Value(_)) | None => None,
    }
}

/// Are records made within, here or by a rule, whose own problems need the path of this field?
fn branch_makes_records(branch: &Branch) -> bool {
    match branch {
        Branch::Value(value) => {
            let mut applies = false;
            visit::expr(value, &mut |expr| applies |= matches!(expr.kind, ExprKind::Apply { .. }));
            applies || makes_records(value)
        }
        Branch::Answer(Answer::Omit | Answer::Clear | Answer::Wait | Answer::Reject(_) | Answer::Skip(_)) => false,
    }
}

/// Are records made within?
pub(crate) fn makes_records(value: &Expr) -> bool {
    let mut makes = false;
    visit::expr(value, &mut |expr| {
        makes |= matches!(expr.kind, ExprKind::Record(_));
        makes |= matches!(&expr.kind, ExprKind::Each(each) if match &each.take {
            Take::Block(_) => true,
            Take::Value(value) => numbers_elements(value),
            Take::Element => false,
        });
        makes |=
            matches!(&expr.kind, ExprKind::Find(find) if find.all && find.take.as_ref().is_some_and(numbers_elements));
    });
    makes
}
