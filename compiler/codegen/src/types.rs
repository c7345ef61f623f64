//! Types of the model as types of Rust.
//!
//! In: a [`Type`]. Out: the Rust type that generated code computes with, and conversions where a consumer is wider than a value.

use mapwright_model::ir::Type;
use proc_macro2::TokenStream;
use quote::quote;

/// The Rust type of a value that is there, in the head of a function.
pub(crate) fn rust_type(ty: &Type) -> TokenStream {
    spelled(ty, &quote! { 'r })
}

/// The Rust type of a value that may be missing, if `optional`, inside a function.
pub(crate) fn inner_type_or_missing(ty: &Type, optional: bool) -> TokenStream {
    or_missing(spelled(ty, &quote! { '_ }), optional)
}

fn spelled(ty: &Type, life: &TokenStream) -> TokenStream {
    match ty {
        Type::Text { .. } | Type::Enum(_) => quote! { Cow<#life, str> },
        Type::Integer { .. } | Type::Decimal { .. } => quote! { Decimal },
        Type::Quotient => quote! { Quotient },
        Type::Money => quote! { Money },
        Type::Boolean => quote! { bool },
        Type::Date => quote! { Date },
        Type::Time => quote! { Time },
        Type::Instant => quote! { Instant },
        Type::Uuid => quote! { Uuid },
        Type::Record(_) => quote! { Node<#life> },
        Type::List(list) => {
            let element = or_missing(spelled(&list.element, life), list.optional);
            quote! { Vec<#element> }
        }
        Type::Map(_) | Type::Json | Type::File => quote! { Json<#life> },
        Type::Never => quote! { std::convert::Infallible },
    }
}

/// The Rust type of a value that may be missing, if `optional`.
pub(crate) fn rust_type_or_missing(ty: &Type, optional: bool) -> TokenStream {
    or_missing(rust_type(ty), optional)
}

fn or_missing(inner: TokenStream, optional: bool) -> TokenStream {
    if optional {
        quote! { Option<#inner> }
    } else {
        inner
    }
}

/// Is the Rust type `Copy`?
pub(crate) fn is_copy(ty: &Type) -> bool {
    match ty {
        Type::Integer { .. }
        | Type::Decimal { .. }
        | Type::Quotient
        | Type::Money
        | Type::Boolean
        | Type::Date
        | Type::Time
        | Type::Instant
        | Type::Uuid => true,
        Type::Text { .. }
        | Type::Enum(_)
        | Type::Record(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => false,
    }
}

/// Is the value kept as text?
pub(crate) fn is_text(ty: &Type) -> bool {
    match ty {
        Type::Text { .. } | Type::Enum(_) => true,
        Type::Integer { .. }
        | Type::Decimal { .. }
        | Type::Quotient
        | Type::Money
        | Type::Boolean
        | Type::Date
        | Type::Time
        | Type::Instant
        | Type::Uuid
        | Type::Record(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => false,
    }
}

/// Turns a value of one type into one of a type that is wider only in Rust: a number where a quotient is taken, elements that are
/// there where they may be missing, a value where it may be missing.
pub(crate) fn widen(
    value: TokenStream,
    (from, from_optional): (&Type, bool),
    (to, to_optional): (&Type, bool),
) -> TokenStream {
    let each = |inner: TokenStream| {
        if from_optional {
            quote! { #value.map(|value| #inner) }
        } else {
            inner
        }
    };
    let source = if from_optional {
        quote! { value }
    } else {
        value.clone()
    };
    let is_number = matches!(from, Type::Integer { .. } | Type::Decimal { .. });
    let widened = if is_number && *to == Type::Quotient {
        each(quote! { Quotient::from(#source) })
    } else if let (Type::List(had), Type::List(wanted)) = (from, to)
        && wanted.optional
        && !had.optional
    {
        each(quote! { #source.into_iter().map(Some).collect::<Vec<_>>() })
    } else {
        value.clone()
    };
    if to_optional && !from_optional {
        quote! { Some(#widened) }
    } else {
        widened
    }
}
