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
        Type::Text { max, .. } if as_number(spelling) => (quote! { text_as_number }, most(*max)),
        Type::Text { max, unit } => counted(*max, unit),
        Type::Integer { min, max } => {
            let (min, max) = (bound(*min), bound(*max));
            number("integer", quote! { #min, #max }, spelling)
        }
        Type::Decimal { precision, scale } => {
            let (precision, scale) = (Literal::u32_unsuffixed(*precision), Literal::u32_unsuffixed(*scale));
            number("decimal", quote! { #precision, #scale }, spelling)
        }
        Type::Boolean if as_number(spelling) => (quote! { boolean_as_number }, TokenStream::new()),
        Type::Boolean => match words(spelling) {
            Some((yes, no)) => (quote! { boolean_as }, quote! { #yes, #no }),
            None => (quote! { boolean }, TokenStream::new()),
        },
        Type::Date => match format(spelling) {
            Some(format) => (quote! { date_as }, quote! { #format }),
            None => (quote! { date }, TokenStream::new()),
        },
        Type::Time => match format(spelling) {
            Some(format) => (quote! { time_as }, quote! { #format }),
            None => (quote! { time }, TokenStream::new()),
        },
        Type::Instant => match format(spelling) {
            Some(format) => (quote! { instant_as }, quote! { #format }),
            None => (quote! { instant }, TokenStream::new()),
        },
        Type::Uuid => (quote! { uuid }, TokenStream::new()),
        Type::Enum(known) => {
            let (words, pairs) = project.words_of(known);
            names = pairs;
            (word(spelling), words)
        }
        Type::Record(_) => (quote! { record }, TokenStream::new()),
        Type::List(_) => (quote! { list }, TokenStream::new()),
        Type::Quotient | Type::Money | Type::Map(_) | Type::Json | Type::File | Type::Never => {
            (quote! { json }, TokenStream::new())
        }
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
        | Type::Money
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
        Type::Text { max, .. } if as_number(spelling) => {
            let max = most(*max);
            quote! { write::text_as_number(#value, #max) }
        }
        Type::Text { max, unit } => {
            let (name, arguments) = counted(*max, unit);
            quote! { write::#name(#value, #arguments) }
        }
        Type::Integer { min, max } => {
            let (min, max) = (bound(*min), bound(*max));
            let (name, arguments) = number("integer", quote! { #min, #max }, spelling);
            quote! { write::#name(#value, #arguments) }
        }
        Type::Decimal { precision, scale } => {
            let (precision, scale) = (Literal::u32_unsuffixed(*precision), Literal::u32_unsuffixed(*scale));
            let (name, arguments) = number("decimal", quote! { #precision, #scale }, spelling);
            quote! { write::#name(#value, #arguments) }
        }
        Type::Boolean if as_number(spelling) => quote! { write::boolean_as_number(#value) },
        Type::Boolean => match words(spelling) {
            Some((yes, no)) => quote! { write::boolean_as(#value, #yes, #no) },
            None => quote! { write::boolean(#value) },
        },
        Type::Date | Type::Time | Type::Instant => match (format(spelling), ty) {
            (Some(format), _) => quote! { write::formatted(#value, #format) },
            (None, Type::Date) => quote! { write::date(#value) },
            (None, Type::Time) => quote! { write::time(#value) },
            (None, _) => quote! { write::instant(#value) },
        },
        Type::Uuid => {
            let hex = *spelling == Spelling::Hex;
            quote! { write::uuid(#value, #hex) }
        }
        Type::Enum(known) => {
            let (words, names) = project.words_of(known);
            let word = word(spelling);
            match names {
                Some(names) => quote! { write::#word(wired(#value, #names), #words) },
                None => quote! { write::#word(#value, #words) },
            }
        }
        Type::Record(_) => quote! { write::json(#value.content().into_owned()) },
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
        Type::Quotient | Type::Money | Type::Map(_) | Type::Json | Type::File | Type::Never => {
            quote! { write::json(#value) }
        }
    }
}

/// The name of the reader and writer of a text, and its bound as they take it.
fn counted(max: Option<u32>, unit: &Unit) -> (TokenStream, TokenStream) {
    let Some(max) = max else { return (quote! { text }, quote! { None }) };
    let max = Literal::u32_unsuffixed(max);
    match unit {
        Unit::Characters => (quote! { text }, quote! { Some(#max) }),
        Unit::Bytes(charset) => (quote! { text_bytes }, quote! { #max, #charset }),
        Unit::Utf16 => (quote! { text_utf16 }, quote! { #max }),
    }
}

fn format(spelling: &Spelling) -> Option<&str> {
    if let Spelling::Format(format) = spelling { Some(format) } else { None }
}

/// The name of the reader and writer of a number, and what they take.
fn number(kind: &str, bounds: TokenStream, spelling: &Spelling) -> (TokenStream, TokenStream) {
    let (ending, more) = match spelling {
        Spelling::NumberAsText => ("_as_text", TokenStream::new()),
        Spelling::MarkedNumber(mark) => ("_marked", quote! { , #mark }),
        Spelling::PaddedNumber(width) => {
            let width = Literal::u32_unsuffixed(*width);
            ("_padded", quote! { , #width })
        }
        Spelling::Plain | Spelling::BooleanWords { .. } | Spelling::Hex | Spelling::Format(_) | Spelling::AsNumber => {
            ("", TokenStream::new())
        }
    };
    let name = quote::format_ident!("{kind}{ending}");
    (quote! { #name }, quote! { #bounds #more })
}

fn word(spelling: &Spelling) -> TokenStream {
    if as_number(spelling) {
        quote! { word_as_number }
    } else {
        quote! { word }
    }
}

fn most(max: Option<u32>) -> TokenStream {
    match max.map(Literal::u32_unsuffixed) {
        Some(max) => quote! { Some(#max) },
        None => quote! { None },
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

fn as_number(spelling: &Spelling) -> bool {
    *spelling == Spelling::AsNumber
}

fn words(spelling: &Spelling) -> Option<(&str, &str)> {
    if let Spelling::BooleanWords { yes, no } = spelling { Some((yes, no)) } else { None }
}
