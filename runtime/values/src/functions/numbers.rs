//! Numbers: rounding and comparing; reading and printing stand in `written`. All exact.
//!
//! In: decimals and quotients. Out: decimals. Nothing but the rounding functions loses digits.

mod written;

use super::{Digits, Function, Param, Returns, Takes, arg, ok, rest, tried};
use crate::decimal::{Decimal, Mode, Quotient, SCALE_MAX};
use crate::fault::Stop;

pub use written::{check_number_format, check_number_pattern, decimal, format_number, integer};

/// Decimal places as the rounding functions take them: whole, from -28 to 28.
///
/// # Errors
/// Not whole or out of range.
pub(super) fn places(value: Decimal) -> Result<i32, Stop> {
    let limit = i64::from(SCALE_MAX);
    value
        .to_i64()
        .filter(|places| (-limit..=limit).contains(places))
        .and_then(|places| i32::try_from(places).ok())
        .ok_or_else(|| {
            Stop::failed_on(&value, format!("{value} is no number of decimals between -{limit} and {limit}"))
        })
}

/// Rounds to so many decimals.
///
/// # Errors
/// The result has too many digits.
pub fn round(x: Quotient, to: Decimal, mode: Mode) -> Result<Decimal, Stop> {
    x.round(places(to)?, mode)
}

/// The greatest whole number that is not greater.
///
/// # Errors
/// The result has too many digits.
pub fn floor(x: Quotient) -> Result<Decimal, Stop> {
    x.round(0, Mode::Floor)
}

/// The least whole number that is not less.
///
/// # Errors
/// The result has too many digits.
pub fn ceiling(x: Quotient) -> Result<Decimal, Stop> {
    x.round(0, Mode::Ceiling)
}

/// Without its sign.
#[must_use]
pub fn abs(x: Decimal) -> Decimal {
    x.abs()
}

/// The least of all.
#[must_use]
pub fn min(first: Decimal, others: Vec<Decimal>) -> Decimal {
    others.into_iter().fold(first, Ord::min)
}

/// The greatest of all.
#[must_use]
pub fn max(first: Decimal, others: Vec<Decimal>) -> Decimal {
    others.into_iter().fold(first, Ord::max)
}

/// `x`, but no less than `low` and no more than `high`.
///
/// # Errors
/// `low` is more than `high`.
pub fn clamp(x: Decimal, low: Decimal, high: Decimal) -> Result<Decimal, Stop> {
    if low > high {
        return Err(Stop::failed(format!("the lower bound {low} is more than the upper bound {high}")));
    }
    Ok(x.max(low).min(high))
}

/// What is left over after dividing.
///
/// # Errors
/// Division by zero.
pub fn remainder(x: Decimal, y: Decimal) -> Result<Decimal, Stop> {
    x.remainder(y)
}

const X: Param = Param::new("x", Takes::Number);
const TOO_LARGE: &str = "the result has more than 28 digits";

/// What holds of all these functions.
pub(super) const ABOUT: &str = "Numbers are decimals of at most 28 digits. What only looks like one (`1E3`, ` 1`, `12,5`) is refused, not guessed.";

/// The functions on numbers.
pub static FUNCTIONS: &[Function] = &[
    written::INTEGER,
    written::DECIMAL,
    Function::new(
        "round",
        path!(round),
        "Rounds to so many decimals; without a mode, by the project's `rounding`.",
        &[
            Param::new("x", Takes::NumberOrQuotient),
            Param::new("places", Takes::Integer),
            Param::optional("mode", Takes::Mode),
        ],
        Returns::Number(Digits::Places { of: 0, places: 1 }),
        |a| tried(round(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .fails(TOO_LARGE)
    .loses()
    .examples(&[
        example!("round(2.345, 2, half_up)" => "2.35"),
        example!("round(2.345, 2, half_even)" => "2.34"),
        example!("round(-2.5, 0, half_up)" => "-3"),
        example!("round(1250, -2, half_up)" => "1300"),
    ]),
    Function::new(
        "floor",
        path!(floor),
        "The greatest whole number that is not greater.",
        &[Param::new("x", Takes::NumberOrQuotient)],
        Returns::Number(Digits::WholeOf(0)),
        |a| tried(floor(arg(a, 0)?)),
    )
    .fails(TOO_LARGE)
    .loses()
    .examples(&[example!("floor(2.9)" => "2"), example!("floor(-2.1)" => "-3")]),
    Function::new(
        "ceiling",
        path!(ceiling),
        "The least whole number that is not less.",
        &[Param::new("x", Takes::NumberOrQuotient)],
        Returns::Number(Digits::WholeOf(0)),
        |a| tried(ceiling(arg(a, 0)?)),
    )
    .fails(TOO_LARGE)
    .loses()
    .examples(&[example!("ceiling(2.1)" => "3"), example!("ceiling(-2.9)" => "-2")]),
    Function::new("abs", path!(abs), "The number without its sign.", &[X], Returns::Number(Digits::SameAs(0)), |a| {
        ok(abs(arg(a, 0)?))
    })
    .examples(&[example!("abs(-1.5)" => "1.5")]),
    Function::new(
        "min",
        path!(min),
        "The least of the numbers.",
        &[Param::new("a", Takes::Number), Param::repeated("b", Takes::Number)],
        Returns::Number(Digits::GreatestOfAll),
        |a| ok(min(arg(a, 0)?, rest(a, 1)?)),
    )
    .examples(&[example!("min(3, 1.5, 2)" => "1.5")]),
    Function::new(
        "max",
        path!(max),
        "The greatest of the numbers.",
        &[Param::new("a", Takes::Number), Param::repeated("b", Takes::Number)],
        Returns::Number(Digits::GreatestOfAll),
        |a| ok(max(arg(a, 0)?, rest(a, 1)?)),
    )
    .examples(&[example!("max(0, -2)" => "0")]),
    Function::new(
        "clamp",
        path!(clamp),
        "The number, but no less than the low bound and no more than the high one.",
        &[X, Param::new("low", Takes::Number), Param::new("high", Takes::Number)],
        Returns::Number(Digits::GreatestOfAll),
        |a| tried(clamp(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .fails("the low bound is more than the high one")
    .examples(&[
        example!("clamp(7, 0, 5)" => "5"),
        example!("clamp(-1, 0, 5)" => "0"),
        example!("clamp(1, 5, 0)" => "fails"),
    ]),
    Function::new(
        "remainder",
        path!(remainder),
        "What is left over after dividing; it has the sign of the number divided.",
        &[X, Param::new("y", Takes::Number)],
        Returns::Number(Digits::GreatestOfAll),
        |a| tried(remainder(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails("the divisor is zero")
    .examples(&[
        example!("remainder(7, 3)" => "1"),
        example!("remainder(-7.5, 2)" => "-1.5"),
        example!("remainder(1, 0)" => "fails"),
    ]),
    written::FORMAT_NUMBER,
];
