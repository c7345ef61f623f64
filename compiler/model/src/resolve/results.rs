//! The type of a library call's result, as the registry states it in terms of the arguments.

use mapwright_values::functions::{Bound, Digits, Function, Returns, Takes};

use super::calls::{common, literal_number, literal_of};
use crate::ir::{Argument, Type};
use crate::types::{PRECISION_MAX, decimal, digits, list_of, text, text_max};

/// `None` when the arguments do not go together.
pub(super) fn result_type(function: &'static Function, arguments: &[Argument]) -> Option<Type> {
    // The bound of a text made of any leaf depends on the leaf, which the registry cannot say.
    if function.name == "text" {
        return Some(text(shown_length(arguments)));
    }
    let all_alike = function.params.iter().any(|param| param.takes == Takes::AnyMaybeMissing);
    let common_type = if all_alike { common(arguments)? } else { Type::Never };
    Some(match function.returns {
        Returns::Text(bound) => text(text_bound(bound, arguments)),
        Returns::Number(known) => number(known, arguments),
        Returns::Integer => Type::Integer { min: None, max: None },
        Returns::Quotient => Type::Quotient,
        Returns::Money => Type::Money,
        Returns::Boolean => Type::Boolean,
        Returns::Date => Type::Date,
        Returns::Instant => Type::Instant,
        Returns::Uuid => Type::Uuid,
        Returns::SameAs(_) if all_alike => common_type,
        Returns::SameAs(index) => type_of(arguments, index),
        Returns::ElementOf(index) => element_of(arguments, index),
        Returns::ListOf(index) => list_of(type_of(arguments, index), false),
        Returns::ListOfElements(index) => list_of(element_of(arguments, index), false),
        Returns::ListOfText(bound) => list_of(text(text_bound(bound, arguments)), false),
        Returns::ListOfNumbers(known) => list_of(number(known, arguments), false),
    })
}

/// UUIDs have 36 characters with dashes and 32 as hex.
fn shown_length(arguments: &[Argument]) -> Option<u32> {
    let hex = matches!(arguments.get(1), Some(Argument::Value(form)) if literal_of(form) == Some("hex"));
    if hex { Some(32) } else { text_max(&type_of(arguments, 0)) }
}

fn type_of(arguments: &[Argument], index: usize) -> Type {
    match arguments.get(index) {
        Some(Argument::Value(value)) => value.ty.clone(),
        Some(Argument::Mode(_)) | None => Type::Never,
    }
}

fn element_of(arguments: &[Argument], index: usize) -> Type {
    match type_of(arguments, index) {
        Type::List(list) => list.element.clone(),
        other => other,
    }
}

fn bound_of(arguments: &[Argument], index: usize) -> Option<u32> {
    text_max(&type_of(arguments, index))
}

fn literal_at(arguments: &[Argument], index: usize) -> Option<u32> {
    arguments.get(index).and_then(literal_number).and_then(|number| u32::try_from(number).ok())
}

fn text_bound(bound: Bound, arguments: &[Argument]) -> Option<u32> {
    match bound {
        Bound::Unbounded => None,
        Bound::Fixed(max) => Some(max),
        Bound::SameAs(index) => bound_of(arguments, index),
        Bound::LesserOf { text, limit } => match (bound_of(arguments, text), literal_at(arguments, limit)) {
            (Some(own), Some(limit)) => Some(own.min(limit)),
            (own, limit) => own.or(limit),
        },
        Bound::GreaterOf { text, width } => {
            bound_of(arguments, text).zip(literal_at(arguments, width)).map(|(own, width)| own.max(width))
        }
        Bound::SumOfAll => {
            let bounds = (0..arguments.len()).map(|index| bound_of(arguments, index));
            bounds.into_iter().try_fold(0u32, |sum, bound| bound.map(|bound| sum.saturating_add(bound)))
        }
    }
}

fn number(known: Digits, arguments: &[Argument]) -> Type {
    match known {
        Digits::Unknown => Type::Decimal { precision: PRECISION_MAX, scale: PRECISION_MAX },
        Digits::SameAs(index) => match type_of(arguments, index) {
            // `abs` and its like: the range changes, the digits do not.
            Type::Integer { .. } => Type::Integer { min: None, max: None },
            other => other,
        },
        Digits::GreatestOfAll => {
            let types: Vec<Type> = (0..arguments.len()).map(|index| type_of(arguments, index)).collect();
            if types.iter().all(|ty| matches!(ty, Type::Integer { .. })) {
                return Type::Integer { min: None, max: None };
            }
            let known = types.iter().map(digits).fold((0, 0), |(a, b), (c, d)| (a.max(c), b.max(d)));
            decimal(known.0, known.1)
        }
        Digits::Places { of, places } => {
            let (whole, scale) = digits(&type_of(arguments, of));
            match arguments.get(places).and_then(literal_number) {
                Some(places) => decimal((whole + 1).min(PRECISION_MAX), u32::try_from(places).unwrap_or(0)),
                None => decimal((whole + 1).min(PRECISION_MAX), scale),
            }
        }
        Digits::PlacesOnly(places) => {
            let scale = arguments.get(places).and_then(literal_number).and_then(|places| u32::try_from(places).ok());
            Type::Decimal { precision: PRECISION_MAX, scale: scale.unwrap_or(PRECISION_MAX) }
        }
        Digits::WholeOf(index) => decimal((digits(&type_of(arguments, index)).0 + 1).min(PRECISION_MAX), 0),
        Digits::ScaleOfElements(index) => {
            let (_, scale) = digits(&element_of(arguments, index));
            if matches!(element_of(arguments, index), Type::Integer { .. }) {
                return Type::Integer { min: None, max: None };
            }
            Type::Decimal { precision: PRECISION_MAX, scale }
        }
    }
}
