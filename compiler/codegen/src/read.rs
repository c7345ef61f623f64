//! Fields of records: read when used, typed by the catalogue.
//!
//! In: a record and the steps from it. Out: the call of a reader, with `always` where the catalogue says that the field is there.

use mapwright_model::ir::{Expr, ExprKind, ListType, Spelling, Type};
use proc_macro2::TokenStream;
use quote::quote;

use crate::code::{Code, receiver};
use crate::context::Body;
use crate::leaf::{Reader, reader};

impl Body<'_> {
    /// A field of a record; `leaf` is its spelling and the JSON text that means "no value".
    pub(crate) fn read(&self, whole: &Expr, of: &Expr, steps: &[String], leaf: (&Spelling, Option<&str>)) -> Code {
        if !of.optional {
            return self.upon_code(of).map(|record| self.read_from(&record, whole, steps, leaf, !whole.optional));
        }
        // Behind a record that may be missing, a field is sure where the catalogue says that every step is.
        let inner = if leaf.1.is_none() && self.every_step_is_sure(of, steps) {
            let value = self.read_from(&quote! { found }, whole, steps, leaf, true);
            quote! { Some(#value) }
        } else {
            self.read_from(&quote! { found }, whole, steps, leaf, false)
        };
        let record = self.borrow(of);
        let read = quote! { match #record { Some(found) => #inner, None => None } };
        // A list behind a record that is missing has no elements.
        Code::value(if whole.optional {
            read
        } else {
            quote! { (#read).unwrap_or_default() }
        })
    }

    fn read_from(
        &self,
        record: &TokenStream,
        whole: &Expr,
        steps: &[String],
        (spelling, missing_as): (&Spelling, Option<&str>),
        always: bool,
    ) -> TokenStream {
        let steps = at(steps);
        let read = match &whole.ty {
            Type::List(_) => self.read_list(record, whole, &steps, always),
            ty => {
                let Reader { name, arguments, names } = reader(self.project, ty, spelling);
                let read = if always {
                    quote! { #record.always(#steps).#name(#arguments)? }
                } else if arguments.is_empty() {
                    quote! { #record.#name(#steps)? }
                } else {
                    quote! { #record.#name(#steps, #arguments)? }
                };
                match (names, always) {
                    (Some(names), true) => quote! { named(#read, #names) },
                    (Some(names), false) => quote! { #read.map(|word| named(word, #names)) },
                    (None, _) => read,
                }
            }
        };
        match missing_as {
            Some(missing) if !always => quote! { if #record.says(#steps, #missing)? { None } else { #read } },
            Some(_) | None => read,
        }
    }

    /// A list: of records as it stands, of leaves each read by its own reader. One that the catalogue says may be absent is empty then.
    fn read_list(&self, record: &TokenStream, whole: &Expr, steps: &TokenStream, always: bool) -> TokenStream {
        let may_be_absent = self.list_may_be_absent(whole);
        let nodes = match (always, may_be_absent) {
            (true, false) => quote! { #record.always(#steps).list()? },
            (true, true) => quote! { #record.list(#steps)?.unwrap_or_default() },
            (false, _) => quote! { #record.list(#steps)? },
        };
        let Type::List(list) = &whole.ty else { return nodes };
        if matches!(list.element, Type::Record(_)) && !list.optional {
            return nodes;
        }
        let read = self.read_element(list);
        if always {
            let nodes = receiver(nodes);
            quote! { #nodes.iter().map(|element| #read).collect::<Result<Vec<_>, Stop>>()? }
        } else {
            quote! {
                match #nodes {
                    Some(elements) => Some(elements.iter().map(|element| #read).collect::<Result<Vec<_>, Stop>>()?),
                    None => None,
                }
            }
        }
    }

    /// What a list's `element` is read as: a `Result`.
    fn read_element(&self, list: &ListType) -> TokenStream {
        if let Type::List(inner) = &list.element {
            let read = self.read_element(inner);
            let all = quote! { elements.iter().map(|element| #read).collect::<Result<Vec<_>, Stop>>() };
            return if list.optional {
                quote! { element.list(&[]).and_then(|elements| elements.map(|elements| #all).transpose()) }
            } else {
                quote! { element.always(&[]).list().and_then(|elements| #all) }
            };
        }
        let Reader { name, arguments, names } = reader(self.project, &list.element, &list.spelling);
        let read = match (list.optional, arguments.is_empty()) {
            (false, _) => quote! { element.always(&[]).#name(#arguments) },
            (true, true) => quote! { element.#name(&[]) },
            (true, false) => quote! { element.#name(&[], #arguments) },
        };
        match (names, list.optional) {
            (Some(names), false) => quote! { #read.map(|word| named(word, #names)) },
            (Some(names), true) => quote! { #read.map(|word| word.map(|word| named(word, #names))) },
            (None, _) => read,
        }
    }

    /// A list of records that is always there, to be walked once.
    pub(crate) fn walked_field(&self, whole: &Expr) -> Option<Code> {
        let ExprKind::Read { of, steps, missing_as: None, .. } = &whole.kind else { return None };
        let Type::List(list) = &whole.ty else { return None };
        let is_plain = matches!(list.element, Type::Record(_)) && !list.optional;
        if !is_plain || of.optional || whole.optional || self.list_may_be_absent(whole) {
            return None;
        }
        let steps = at(steps);
        Some(self.upon_code(of).map(|record| quote! { #record.always(#steps).each()? }))
    }

    fn every_step_is_sure(&self, of: &Expr, steps: &[String]) -> bool {
        let Type::Record(id) = &of.ty else { return false };
        let known = |count| self.project.field_at(*id, steps.get(..count).unwrap_or_default());
        (1..=steps.len()).all(|count| known(count).is_some_and(|field| !field.optional))
    }

    fn list_may_be_absent(&self, whole: &Expr) -> bool {
        let ExprKind::Read { of, steps, .. } = &whole.kind else { return false };
        let Type::Record(id) = &of.ty else { return false };
        self.project.field_at(*id, steps).is_some_and(|field| field.optional)
    }
}

/// The steps to a field as readers take them.
pub(crate) fn at(steps: &[String]) -> TokenStream {
    if steps.is_empty() {
        quote! { &[] }
    } else {
        quote! { at![#(#steps),*] }
    }
}
