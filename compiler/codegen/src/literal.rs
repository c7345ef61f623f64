//! Literals of the spec as Rust values.
//!
//! In: a literal. Out: an owned value, exact to the last digit.

use mapwright_model::ir::{Expr, ExprKind, Literal};
use proc_macro2::TokenStream;
use quote::quote;

/// The words of a list of text literals.
pub(crate) fn literal_texts(list: &Expr) -> Option<Vec<&str>> {
    let ExprKind::List(elements) = &list.kind else { return None };
    let words = elements.iter().map(word).collect::<Option<Vec<_>>>();
    words.filter(|words| !words.is_empty())
}

fn word(element: &Expr) -> Option<&str> {
    let ExprKind::Literal(literal) = &element.kind else { return None };
    literal_text(literal)
}

pub(crate) fn literal_text(literal: &Literal) -> Option<&str> {
    match literal {
        Literal::Text(text) => Some(text),
        Literal::Number(_) | Literal::Boolean(_) | Literal::Date(_) | Literal::Time(_) => None,
    }
}

/// A literal as an owned value.
pub(crate) fn emit_literal(literal: &Literal) -> TokenStream {
    match literal {
        Literal::Text(text) => quote! { Cow::from(#text) },
        Literal::Boolean(value) => quote! { #value },
        Literal::Number(digits) => number(digits),
        Literal::Date(text) => match mapwright_values::time::parse_date(text) {
            Some(date) => {
                let (year, month, day) = (plain_i16(date.year()), plain_i8(date.month()), plain_i8(date.day()));
                quote! { Date::constant(#year, #month, #day) }
            }
            None => quote! { Date::ZERO },
        },
        Literal::Time(text) => match mapwright_values::time::parse_time(text) {
            Some(time) => {
                let (hour, minute, second) = (plain_i8(time.hour()), plain_i8(time.minute()), plain_i8(time.second()));
                quote! { Time::constant(#hour, #minute, #second, 0) }
            }
            None => quote! { Time::MIN },
        },
    }
}

fn plain_i8(value: i8) -> proc_macro2::Literal {
    proc_macro2::Literal::i8_unsuffixed(value)
}

fn plain_i16(value: i16) -> proc_macro2::Literal {
    proc_macro2::Literal::i16_unsuffixed(value)
}

/// A number with its digits: `Decimal::integer(3)`, `Decimal::literal(1950, 2)`.
fn number(digits: &str) -> TokenStream {
    let Ok(value) = mapwright_values::Decimal::parse(digits) else { return quote! { Decimal::ZERO } };
    match value.to_i64().filter(|_| value.is_integer()) {
        Some(0) => quote! { Decimal::ZERO },
        Some(whole) => {
            let (sign, whole) = (sign(whole < 0), proc_macro2::Literal::u64_unsuffixed(whole.unsigned_abs()));
            quote! { Decimal::integer(#sign #whole) }
        }
        None => {
            let (mantissa, scale) = (value.mantissa(), proc_macro2::Literal::u32_unsuffixed(value.scale()));
            let (sign, mantissa) = (sign(mantissa < 0), proc_macro2::Literal::u128_unsuffixed(mantissa.unsigned_abs()));
            quote! { Decimal::literal(#sign #mantissa, #scale) }
        }
    }
}

fn sign(negative: bool) -> Option<TokenStream> {
    negative.then(|| quote! { - })
}
