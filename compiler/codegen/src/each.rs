//! `each`: rows are walked and kept, then sorted, then taken.
//!
//! In: an `each`. Out: loops over it. The three stages stay apart wherever one could stop before another, so that a record's problems
//! are those that the language says, in its order.

use mapwright_model::ir::{Argument, Each, Expr, ExprKind, LocalId, Take, Type, Walk, numbers_elements};
use mapwright_values::functions::Function;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::code::{Code, holding, mentions, receiver};
use crate::context::Body;
use crate::lookup::path_is;
use crate::visit;

/// Where the records of an `each` go.
#[derive(Clone, Copy)]
pub(crate) enum Numbering {
    /// Counted from 1.
    Fresh,
    /// Counted on from the elements that the target field has: `also <-`.
    Further,
}

impl Numbering {
    /// The number of an element in the target's list.
    pub(crate) fn count(self, number: &Ident) -> TokenStream {
        match self {
            Numbering::Fresh => quote! { #number },
            Numbering::Further => quote! { before + #number },
        }
    }
}

impl Body<'_> {
    /// The list of what is taken.
    pub(crate) fn each(&self, each: &Each, numbering: Numbering) -> Code {
        match &each.take {
            Take::Element => self.rows(each),
            Take::Value(value) if numbers_elements(value) => {
                let (rows, number) = (self.rows(each), self.row_number(each));
                let filling = self.row_taken(value, &numbering.count(&number));
                let pattern = self.pattern(each, &filling);
                self.filled(rows, &filling, &quote! { (#number, #pattern) })
            }
            Take::Value(value) => self.gathered(each, value, &quote! { Vec }),
            Take::Block(_) => {
                let code = self.each_record(each, numbering);
                code.map(|made| quote! { nodes(#made)? })
            }
        }
    }

    /// What is taken of each row is pushed to `made`, which begins as that type's `new()`.
    fn gathered(&self, each: &Each, value: &Expr, made: &TokenStream) -> Code {
        let rows = self.rows(each);
        let Code { statements: inner, value: taken } = beneath("made", self.code(value));
        let pattern = self.pattern(each, &quote! { #inner #taken });
        let statements = rows.statements;
        let head = self.loop_head(each, &pattern, rows.value);
        let statements = quote! {
            #statements
            let mut made = #made::new();
            #head {
                #inner
                made.push(#taken);
            }
        };
        Code { statements, value: quote! { made } }
    }

    /// `sum(each ... take ...)`: added up row by row. What stops a row comes before a sum of too many digits, as when all are listed first.
    pub(crate) fn added_up(&self, function: &Function, arguments: &[Argument]) -> Option<Code> {
        let [Argument::Value(Expr { kind: ExprKind::Each(each), optional: false, .. })] = arguments else {
            return None;
        };
        let Take::Value(value) = &each.take else { return None };
        let adds = path_is(function, "lists::sum") && !value.optional && !numbers_elements(value);
        adds.then(|| self.gathered(each, value, &quote! { lists::Sum }).map(|made| quote! { #made.total()? }))
    }

    /// A statement that puts a record into `made`, under its number and in the row's own closure: what stops it hides nothing of the others.
    pub(crate) fn row_taken(&self, value: &Expr, number: &TokenStream) -> TokenStream {
        let (line, Code { statements, value }) =
            (self.project.line(value.span), beneath("made", self.code(value)).ok());
        quote! {
            let element = || { #statements #value };
            run.row(&mut made, #number, #line, element)?;
        }
    }

    /// A list of records that is filled row by row by such statements.
    pub(crate) fn filled(&self, rows: Code, filling: &TokenStream, row: &TokenStream) -> Code {
        let (statements, list) = (rows.statements, rows.value);
        Code {
            statements: quote! {
                #statements
                let mut made = Elements::new();
                for #row in (1usize..).zip(#list) { #filling }
            },
            value: quote! { made.all()? },
        }
    }

    /// Statements that leave `made`: for each row the record, or that it stopped. Rows behind a stopped one are made all the same.
    pub(crate) fn each_record(&self, each: &Each, numbering: Numbering) -> Code {
        let Take::Block(body) = &each.take else { return self.each(each, numbering) };
        let rows = self.rows(each);
        let number = self.row_number(each);
        let at = numbering.count(&number);
        let (statements, list, making) = (rows.statements, rows.value, self.statements(body));
        let pattern = self.pattern(each, &making);
        let statements = quote! {
            #statements
            let mut made = Vec::new();
            for (#number, #pattern) in (1usize..).zip(#list) {
                let element = |record: &mut Record<'r>| { #making };
                made.push(run.element(#at, element));
            }
        };
        Code { statements, value: quote! { made } }
    }

    /// `position` of any element of a row is the row's number.
    fn share_number(&self, each: &Each) {
        let Some(last) = each.walks.last().map(|walk| walk.element) else { return };
        for local in self.locals_of(each) {
            self.numbered_by.borrow_mut().insert(local, last);
        }
    }

    /// The rows that are kept, sorted: elements, or tuples of elements where several lists are walked.
    fn rows(&self, each: &Each) -> Code {
        self.share_number(each);
        let code = match each.walks.as_slice() {
            [Walk { list, condition: None, with, .. }] if with.is_empty() => {
                let is_kept = matches!(each.take, Take::Element) && each.sorted.is_none();
                if is_kept { self.kept(list) } else { self.walked(list) }
            }
            walks => {
                let loops = self.walk(walks, &self.row(each));
                Code { statements: quote! { let mut rows = Vec::new(); #loops }, value: quote! { rows } }
            }
        };
        let code = match &each.sorted {
            Some((key, descending)) => self.sort(each, code, key, *descending),
            None => code,
        };
        if !matches!(each.take, Take::Element) || self.locals_of(each).len() == 1 {
            return code;
        }
        // The innermost element of each row.
        let last = self.innermost(each);
        let pattern = self.pattern(each, &last);
        let (statements, rows) = (code.statements, receiver(code.value));
        Code { statements, value: quote! { #rows.into_iter().map(|#pattern| #last).collect::<Vec<_>>() } }
    }

    fn sort(&self, each: &Each, rows: Code, key: &Expr, descending: bool) -> Code {
        let row = self.row(each);
        let pattern = self.pattern(each, &row);
        let Code { statements: inner, value: key } = beneath("keyed", self.code(key));
        let (statements, list) = (rows.statements, rows.value);
        Code {
            statements: quote! {
                #statements
                let mut keyed = Vec::new();
                for #pattern in #list {
                    #inner
                    keyed.push((#key, #row));
                }
            },
            value: quote! { sorted(keyed, #descending) },
        }
    }

    /// `for`, with the row's number where something inside asks for it.
    fn loop_head(&self, each: &Each, pattern: &TokenStream, list: TokenStream) -> TokenStream {
        let asked = self.locals_of(each).iter().any(|local| match &each.take {
            Take::Element => false,
            Take::Value(value) => {
                let mut found = false;
                visit::expr(value, &mut |expr| found |= matches!(&expr.kind, ExprKind::Position(id) if id == local));
                found
            }
            Take::Block(_) => true,
        });
        if !asked {
            return quote! { for #pattern in #list };
        }
        let number = self.row_number(each);
        quote! { for (#number, #pattern) in (1usize..).zip(#list) }
    }

    fn walk(&self, walks: &[Walk], row: &TokenStream) -> TokenStream {
        let Some((walk, inner)) = walks.split_first() else { return quote! { rows.push(#row); } };
        let (element, Code { statements, value: list }) = (self.name(walk.element), self.walked(&walk.list));
        let lists = walk.with.iter().map(|(list, local)| {
            let (name, list) = (beside(&self.name(*local)), self.value(list));
            quote! { let #name = #list; }
        });
        let partners = walk.with.iter().map(|(list, local)| {
            let (name, list_name) = (self.name(*local), beside(&self.name(*local)));
            let partner = quote! { #list_name.get(index).cloned() };
            let flat = matches!(&list.ty, Type::List(list) if list.optional);
            if flat {
                quote! { let #name = #partner.flatten(); }
            } else {
                quote! { let #name = #partner; }
            }
        });
        let inner = self.walk(inner, row);
        let rest = match &walk.condition {
            Some(condition) => {
                let Code { statements, value: condition } = holding(self.place(condition));
                quote! { #statements if #condition { #inner } }
            }
            None => inner,
        };
        if walk.with.is_empty() {
            quote! { #statements for #element in #list { #rest } }
        } else {
            quote! {
                #statements
                let first = #list;
                #(#lists)*
                for (index, #element) in first.into_iter().enumerate() { #(#partners)* #rest }
            }
        }
    }

    /// A list to walk once: that of a record element by element, another as it is kept.
    fn walked(&self, list: &Expr) -> Code {
        self.walked_field(list).unwrap_or_else(|| self.kept(list))
    }

    /// A list to keep: taken if it was made for this, by cheap copies of its elements if it is a local's.
    fn kept(&self, list: &Expr) -> Code {
        if matches!(list.kind, ExprKind::Local(_)) {
            let list = self.upon(list);
            return Code::value(quote! { #list.iter().cloned() });
        }
        Code::value(self.value(list)).named()
    }

    fn locals_of(&self, each: &Each) -> Vec<LocalId> {
        each.walks
            .iter()
            .flat_map(|walk| std::iter::once(walk.element).chain(walk.with.iter().map(|(_, local)| *local)))
            .collect()
    }

    fn innermost(&self, each: &Each) -> TokenStream {
        match each.walks.last() {
            Some(walk) => {
                let name = self.name(walk.element);
                quote! { #name }
            }
            None => quote! { () },
        }
    }

    /// What a row's elements are bound to; `_` where `body` does not mention one.
    fn pattern(&self, each: &Each, body: &TokenStream) -> TokenStream {
        let bound = |name: Ident| {
            if mentions(body, &name.to_string()) {
                quote! { #name }
            } else {
                quote! { _ }
            }
        };
        let names: Vec<TokenStream> = self.locals_of(each).into_iter().map(|local| bound(self.name(local))).collect();
        match names.as_slice() {
            [name] => quote! { #name },
            names => quote! { (#(#names),*) },
        }
    }

    /// A row to be kept: outer elements serve several rows.
    fn row(&self, each: &Each) -> TokenStream {
        let locals = self.locals_of(each);
        let last = each.walks.last().map(|walk| walk.element);
        let kept: Vec<TokenStream> = locals
            .iter()
            .map(|id| {
                let name = self.name(*id);
                let copy = self.local(*id).is_some_and(|local| crate::types::is_copy(&local.ty));
                if copy || Some(*id) == last {
                    quote! { #name }
                } else {
                    quote! { #name.clone() }
                }
            })
            .collect();
        match kept.as_slice() {
            [name] => quote! { #name },
            kept => quote! { (#(#kept),*) },
        }
    }

    /// The number of a row of this `each`: that of its innermost element; `position` of any of its elements is the same.
    fn row_number(&self, each: &Each) -> Ident {
        let last = each.walks.last().map_or(LocalId(usize::MAX), |walk| walk.element);
        self.number(last)
    }
}

/// Code for inside a loop that fills a list of that name: a block of its own if it fills one of the same name itself.
pub(crate) fn beneath(list: &str, code: Code) -> Code {
    if mentions(&code.statements, list) { Code::value(code.expression()) } else { code }
}

fn beside(name: &Ident) -> Ident {
    quote::format_ident!("{}_list", name)
}
