//! What goes with what: widening, comparing, and what would be lost between two types.
//!
//! In: types. Out: a common type, or why one does not fit into the other. Nothing is reported here.

use std::sync::Arc;

use crate::ir::{ListType, Spelling, Type, Unit};

/// Most digits that a number can have.
pub(crate) const PRECISION_MAX: u32 = 28;

/// Why a value of one type cannot go where another is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// Another kind of value altogether.
    Wrong,
    /// The text may be longer.
    TextTooLong,
    /// More decimals than the place keeps.
    DecimalsLost {
        /// Decimals of the place.
        keeps: u32,
    },
    /// A decimal where a whole number is expected.
    DecimalIntoInteger,
    /// An instant where a day is expected.
    InstantIntoDate,
    /// Words that the place does not have.
    UnknownWords(Vec<String>),
    /// The whole number may lie outside.
    OutOfRange,
    /// A division that was not rounded.
    Quotient,
    /// Elements may be missing.
    MissingElements,
}

/// A text type counted in characters.
pub(crate) const fn text(max: Option<u32>) -> Type {
    Type::Text { max, unit: Unit::Characters }
}

/// A list of always present elements.
pub(crate) fn list_of(element: Type, optional: bool) -> Type {
    Type::List(Arc::new(ListType { element, optional, min: 0, spelling: Spelling::Plain }))
}

/// Is it a number that arithmetic takes?
pub(crate) const fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Integer { .. } | Type::Decimal { .. })
}

/// The type that values of both have.
pub(crate) fn widen(left: &Type, right: &Type) -> Option<Type> {
    match (left, right) {
        (Type::Never, other) | (other, Type::Never) => Some(other.clone()),
        (Type::Text { max: a, unit: ua }, Type::Text { max: b, unit: ub }) => {
            let max = if ua == ub { a.zip(*b).map(|(a, b)| a.max(b)) } else { None };
            let unit = if ua == ub { ua.clone() } else { Unit::Characters };
            Some(Type::Text { max, unit })
        }
        (Type::Integer { min: a, max: b }, Type::Integer { min: c, max: d }) => {
            Some(Type::Integer { min: a.zip(*c).map(|(a, c)| a.min(c)), max: b.zip(*d).map(|(b, d)| b.max(d)) })
        }
        (Type::Integer { .. } | Type::Decimal { .. }, Type::Integer { .. } | Type::Decimal { .. }) => {
            let ((whole_a, scale_a), (whole_b, scale_b)) = (digits(left), digits(right));
            Some(decimal(whole_a.max(whole_b), scale_a.max(scale_b)))
        }
        (Type::Enum(a), Type::Enum(b)) if a == b => Some(left.clone()),
        (Type::Enum(_) | Type::Text { .. }, Type::Enum(_) | Type::Text { .. }) => {
            let max = text_max(left).zip(text_max(right)).map(|(a, b)| a.max(b));
            Some(text(max))
        }
        (Type::List(a), Type::List(b)) => {
            let element = widen(&a.element, &b.element)?;
            Some(list_of(element, a.optional || b.optional))
        }
        (a, b) if a == b => Some(a.clone()),
        _ => None,
    }
}

/// Whole digits and decimals of a number.
pub(crate) fn digits(ty: &Type) -> (u32, u32) {
    match ty {
        Type::Decimal { precision, scale } => (precision.saturating_sub(*scale), *scale),
        Type::Integer { min, max } => {
            let longest = min.zip(*max).map(|(min, max)| min.unsigned_abs().max(max.unsigned_abs()));
            (longest.map_or(19, |number| number.checked_ilog10().map_or(1, |log| log + 1)), 0)
        }
        Type::Text { .. }
        | Type::Quotient
        | Type::Money
        | Type::Boolean
        | Type::Date
        | Type::Time
        | Type::Instant
        | Type::Uuid
        | Type::Enum(_)
        | Type::Record(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => (PRECISION_MAX, 0),
    }
}

/// A decimal of so many whole digits and decimals, within the greatest precision.
pub(crate) fn decimal(whole: u32, scale: u32) -> Type {
    let scale = scale.min(PRECISION_MAX);
    Type::Decimal { precision: (whole + scale).min(PRECISION_MAX), scale }
}

/// The most characters that a value has as text; `None` where there is no bound.
pub(crate) fn text_max(ty: &Type) -> Option<u32> {
    match ty {
        Type::Text { max, .. } => *max,
        Type::Enum(words) => {
            let longest = words.values.iter().map(|value| value.name.chars().count()).max().unwrap_or(0);
            u32::try_from(longest).ok()
        }
        Type::Integer { min, .. } => {
            let (whole, _) = digits(ty);
            let sign = u32::from(min.is_none_or(|min| min < 0));
            Some(whole + sign)
        }
        // Sign, point, and a zero before the point.
        Type::Decimal { precision, .. } => Some(precision + 3),
        Type::Quotient => Some(PRECISION_MAX + 3),
        Type::Boolean => Some(5),
        Type::Date => Some(10),
        Type::Time => Some(18),
        Type::Instant => Some(35),
        Type::Uuid => Some(36),
        Type::Never => Some(0),
        Type::Money | Type::Record(_) | Type::List(_) | Type::Map(_) | Type::Json | Type::File => None,
    }
}

/// How long a literal is in a unit.
pub(crate) fn literal_length(text: &str, unit: &Unit) -> u32 {
    let length = match unit {
        Unit::Characters => text.chars().count(),
        Unit::Utf16 => text.encode_utf16().count(),
        Unit::Bytes(charset) if charset.eq_ignore_ascii_case("utf-8") => text.len(),
        // The other character sets that ERPs count in have one byte a character.
        Unit::Bytes(_) => text.chars().count(),
    };
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The greatest length in another unit that a text of `max` in `unit` can have.
fn length_in(max: u32, unit: &Unit, to: &Unit) -> u32 {
    if unit == to {
        return max;
    }
    match to {
        // No unit is smaller than what a character takes.
        Unit::Characters => max,
        Unit::Utf16 => max.saturating_mul(2),
        Unit::Bytes(charset) if charset.eq_ignore_ascii_case("utf-8") => max.saturating_mul(4),
        Unit::Bytes(_) => max,
    }
}

/// Does a value of `from` go into `to` without loss?
pub(crate) fn fits(from: &Type, to: &Type) -> Result<(), Misfit> {
    match (from, to) {
        (Type::Never, _) | (_, Type::Never) => Ok(()),
        (Type::Quotient, Type::Quotient | Type::Integer { .. } | Type::Decimal { .. }) => Err(Misfit::Quotient),
        (Type::Text { max, unit }, Type::Text { max: place, unit: place_unit }) => match (max, place) {
            (_, None) => Ok(()),
            (Some(max), Some(place)) if length_in(*max, unit, place_unit) <= *place => Ok(()),
            (Some(_) | None, Some(_)) => Err(Misfit::TextTooLong),
        },
        (Type::Enum(_), Type::Text { max, unit }) => match (text_max(from), max) {
            (_, None) => Ok(()),
            (Some(longest), Some(place)) if length_in(longest, &Unit::Characters, unit) <= *place => Ok(()),
            (Some(_) | None, Some(_)) => Err(Misfit::TextTooLong),
        },
        (Type::Enum(words), Type::Enum(place)) => {
            let unknown: Vec<String> = words
                .values
                .iter()
                .filter(|value| !place.values.iter().any(|known| known.name == value.name))
                .map(|value| value.name.clone())
                .collect();
            if unknown.is_empty() { Ok(()) } else { Err(Misfit::UnknownWords(unknown)) }
        }
        (Type::Integer { min, max }, Type::Integer { min: least, max: greatest }) => {
            let low = least.is_none_or(|least| min.is_some_and(|min| min >= least));
            let high = greatest.is_none_or(|greatest| max.is_some_and(|max| max <= greatest));
            if low && high { Ok(()) } else { Err(Misfit::OutOfRange) }
        }
        (Type::Integer { .. }, Type::Decimal { .. }) => Ok(()),
        (Type::Decimal { scale: 0, .. }, Type::Integer { min: None, max: None }) => Ok(()),
        (Type::Decimal { scale: 0, .. }, Type::Integer { .. }) => Err(Misfit::OutOfRange),
        (Type::Decimal { .. }, Type::Integer { .. }) => Err(Misfit::DecimalIntoInteger),
        (Type::Decimal { scale, .. }, Type::Decimal { scale: keeps, .. }) => {
            if scale <= keeps {
                Ok(())
            } else {
                Err(Misfit::DecimalsLost { keeps: *keeps })
            }
        }
        (Type::Instant, Type::Date) => Err(Misfit::InstantIntoDate),
        (Type::List(a), Type::List(b)) => {
            fits(&a.element, &b.element)?;
            if a.optional && !b.optional { Err(Misfit::MissingElements) } else { Ok(()) }
        }
        (Type::Map(a), Type::Map(b)) => fits(a, b),
        (a, b) if a == b => Ok(()),
        _ => Err(Misfit::Wrong),
    }
}

/// Can two values be equal at all?
pub(crate) fn comparable(left: &Type, right: &Type) -> bool {
    let number = |ty: &Type| is_number(ty) || *ty == Type::Quotient;
    match (left, right) {
        (Type::Never, _) | (_, Type::Never) => true,
        (Type::Enum(a), Type::Enum(b)) => {
            a.values.iter().any(|value| b.values.iter().any(|other| other.name == value.name))
        }
        (Type::Text { .. } | Type::Enum(_), Type::Text { .. } | Type::Enum(_)) => true,
        (a, b) if number(a) && number(b) => true,
        (Type::Boolean, Type::Boolean)
        | (Type::Money, Type::Money)
        | (Type::Date, Type::Date)
        | (Type::Time, Type::Time)
        | (Type::Instant, Type::Instant)
        | (Type::Uuid, Type::Uuid) => true,
        _ => false,
    }
}

/// Does a type have an order?
pub(crate) fn ordered(ty: &Type) -> bool {
    matches!(ty, Type::Never | Type::Quotient | Type::Date | Type::Time | Type::Instant | Type::Text { .. })
        || is_number(ty)
}
