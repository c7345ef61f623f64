//! Reading and writing of leaves in the catalogue's spelling.
//!
//! In: a type and its spelling. Out: the call of the reader of `Node`, or of the writer of `write`, that fits them.

use mapwright_model::ir::{Spelling, Type, Unit};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::context::Project;

/// The name and arguments (behind the steps) of the reader of a type: `decimal(19, 6)`.
pub(crate) struct Reader {
    pub(crate) name: TokenStream,
    pub(crate) arguments: TokenStream,
    /// Pairs of wire word and name, where an enum's names are not the wire's words.
    pub(crate) names: Option<TokenStream>,
}

/// The reader of a type.
pub(crate) fn reader(project: &Project<'_>, ty: &Type, spelling: &Spelling) -> Reader {
    let mut names = None;
    let (name, arguments) = match ty {
        Type::Text { max, unit } => (quote! { text }, longest(*max, unit)),
        Type::Integer { min, max } => {
            let (min, max) = (bound(*min), bound(*max));
            let name = if as_text(spelling) {
                quote! { integer_as_text }
            } else {
                quote! { integer }
            };
            (name, quote! { #min, #max })
        }
        Type::Decimal { precision, scale } => {
            let (precision, scale) = (Literal::u32_unsuffixed(*precision), Literal::u32_unsuffixed(*scale));
            let name = if as_text(spelling) {
                quote! { decimal_as_text }
            } else {
                quote! { decimal }
            };
            (name, quote! { #precision, #scale })
        }
        Type::Boolean => match words(spelling) {
            Some((yes, no)) => (quote! { boolean_as }, quote! { #yes, #no }),
            None => (quote! { boolean }, TokenStream::new()),
        },
        Type::Date => (quote! { date }, TokenStream::new()),
        Type::Time => (quote! { time }, TokenStream::new()),
        Type::Instant => (quote! { instant }, TokenStream::new()),
        Type::Uuid => (quote! { uuid }, TokenStream::new()),
        Type::Enum(known) => {
            let (words, pairs) = project.words_of(known);
            names = pairs;
            (quote! { word }, words)
        }
        Type::Record(_) => (quote! { record }, TokenStream::new()),
        Type::List(_) => (quote! { list }, TokenStream::new()),
        Type::Quotient | Type::Map(_) | Type::Json | Type::File | Type::Never => (quote! { json }, TokenStream::new()),
    };
    Reader { name, arguments, names }
}

/// How a writer takes its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// `&str`.
    Text,
    /// By value.
    Value,
    /// `&Node`.
    Record,
}

/// How the writer of a type takes its value.
pub(crate) fn takes(ty: &Type) -> Takes {
    match ty {
        Type::Text { .. } | Type::Enum(_) => Takes::Text,
        Type::Record(_) => Takes::Record,
        Type::Integer { .. }
        | Type::Decimal { .. }
        | Type::Quotient
        | Type::Boolean
        | Type::Date
        | Type::Time
        | Type::Instant
        | Type::Uuid
        | Type::List(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => Takes::Value,
    }
}

/// The call that writes `value` (taken as [`takes`] says) into a place of this type.
pub(crate) fn written(project: &Project<'_>, value: &TokenStream, ty: &Type, spelling: &Spelling) -> TokenStream {
    match ty {
        Type::Text { max, unit } => {
            let longest = longest(*max, unit);
            quote! { write::text(#value, #longest) }
        }
        Type::Integer { min, max } => {
            let (min, max) = (bound(*min), bound(*max));
            let name = if as_text(spelling) {
                quote! { integer_as_text }
            } else {
                quote! { integer }
            };
            quote! { write::#name(#value, #min, #max) }
        }
        Type::Decimal { precision, scale } => {
            let (precision, scale) = (Literal::u32_unsuffixed(*precision), Literal::u32_unsuffixed(*scale));
            let name = if as_text(spelling) {
                quote! { decimal_as_text }
            } else {
                quote! { decimal }
            };
            quote! { write::#name(#value, #precision, #scale) }
        }
        Type::Boolean => match words(spelling) {
            Some((yes, no)) => quote! { write::boolean_as(#value, #yes, #no) },
            None => quote! { write::boolean(#value) },
        },
        Type::Date => quote! { write::date(#value) },
        Type::Time => quote! { write::time(#value) },
        Type::Instant => quote! { write::instant(#value) },
        Type::Uuid => {
            let hex = *spelling == Spelling::Hex;
            quote! { write::uuid(#value, #hex) }
        }
        Type::Enum(known) => {
            let (words, names) = project.words_of(known);
            match names {
                Some(names) => quote! { write::word(wired(#value, #names), #words) },
                None => quote! { write::word(#value, #words) },
            }
        }
        Type::Record(_) => quote! { write::json(#value.content().clone()) },
        Type::List(list) => {
            let element = match takes(&list.element) {
                Takes::Text | Takes::Record => quote! { element },
                Takes::Value => quote! { element.clone() },
            };
            let write = written(project, &element, &list.element, &list.spelling);
            let elements = if list.optional {
                quote! { #value.iter().flatten() }
            } else {
                quote! { #value.iter() }
            };
            quote! { #elements.map(|element| #write).collect::<Result<_, Stop>>().map(Json::List) }
        }
        Type::Quotient | Type::Map(_) | Type::Json | Type::File | Type::Never => quote! { write::json(#value) },
    }
}

/// A text's bound. Only characters are counted by readers and writers; other units are checked by `fit`.
fn longest(max: Option<u32>, unit: &Unit) -> TokenStream {
    match (max, unit) {
        (Some(max), Unit::Characters) => {
            let max = Literal::u32_unsuffixed(max);
            quote! { Some(#max) }
        }
        (Some(_), Unit::Bytes(_) | Unit::Utf16) | (None, _) => quote! { None },
    }
}

fn bound(bound: Option<i64>) -> TokenStream {
    match bound {
        Some(bound) => {
            let bound = Literal::i64_unsuffixed(bound);
            quote! { Some(#bound) }
        }
        None => quote! { None },
    }
}

fn as_text(spelling: &Spelling) -> bool {
    *spelling == Spelling::NumberAsText
}

fn words(spelling: &Spelling) -> Option<(&str, &str)> {
    match spelling {
        Spelling::BooleanWords { yes, no } => Some((yes, no)),
        Spelling::Plain | Spelling::Hex | Spelling::Format(_) | Spelling::NumberAsText => None,
    }
}
