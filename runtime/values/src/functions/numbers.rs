//! Numbers: reading, rounding, comparing, printing. All exact.
//!
//! In: decimals, quotients, or text to be read. Out: decimals or text. Nothing but the rounding functions loses digits; `format_number` refuses to.

use std::borrow::Cow;

use super::{Bound, Digits, Function, Param, Returns, Takes, arg, ok, rest, tried};
use crate::decimal::{Decimal, Mode, Quotient, SCALE_MAX};
use crate::fault::Stop;

/// Reads a whole number.
///
/// # Errors
/// The text is no whole number.
pub fn integer(t: Cow<'_, str>) -> Result<Decimal, Stop> {
    match plain_number(&t) {
        Some(value) if value.is_integer() => Ok(value),
        Some(_) | None => Err(Stop::failed_on(&t, format!("\"{}\" is no whole number", crate::fault::shortened(&t)))),
    }
}

/// Reads a number; `format` is an example of how numbers are written (`1.234,56`).
///
/// # Errors
/// The text is no number in that format.
pub fn decimal<'r>(t: Cow<'r, str>, format: Option<Cow<'r, str>>) -> Result<Decimal, Stop> {
    let shown = || crate::fault::shortened(&t);
    let Some(format) = format else {
        return plain_number(&t).ok_or_else(|| Stop::failed_on(&t, format!("\"{}\" is no number", shown())));
    };
    let marks = number_marks(&format)?;
    read_marked(&t, marks)
        .ok_or_else(|| Stop::failed_on(&t, format!("\"{}\" is no number written as {format}", shown())))
}

/// Digits with an optional sign and point; no exponent, since nobody types one and product codes look like it (`1E3`).
fn plain_number(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) { None } else { Decimal::parse(text).ok() }
}

/// How numbers are written: the mark between thousands, if any, and the one before decimals, if any.
#[derive(Clone, Copy)]
struct Marks {
    group: Option<char>,
    point: Option<char>,
}

/// Is this an example of a number format (`1.234,56`, `1234.56`, `1 234`)?
///
/// # Errors
/// Says what is wrong with it.
pub fn check_number_format(format: &str) -> Result<(), String> {
    number_marks(format).map(|_| ()).map_err(|stop| match stop {
        Stop::Failed(fault) => fault.reason,
        Stop::Rejected(_)
        | Stop::Skipped(_)
        | Stop::Wait(_)
        | Stop::Unresolved(_)
        | Stop::Omit
        | Stop::Clear
        | Stop::Held => String::new(),
    })
}

fn number_marks(format: &str) -> Result<Marks, Stop> {
    let marks: Vec<char> = format.chars().filter(|character| !character.is_ascii_digit()).collect();
    let last_part = format.rsplit(|character: char| !character.is_ascii_digit()).next().unwrap_or_default();
    let known = match marks.as_slice() {
        [] => Some(Marks { group: None, point: None }),
        // A single mark before exactly three digits reads as one between thousands only when four digits stand in all (`1.234`).
        [mark] if last_part.len() == 3 && format.chars().count() == 5 => {
            Some(Marks { group: Some(*mark), point: None })
        }
        [mark] => Some(Marks { group: None, point: Some(*mark) }),
        [group, point] if group != point => Some(Marks { group: Some(*group), point: Some(*point) }),
        _ => None,
    };
    known.filter(|_| format.starts_with(|first: char| first.is_ascii_digit()) && !last_part.is_empty()).ok_or_else(
        || {
            Stop::failed_on(
                format,
                format!("\"{format}\" is no example of a number: write 1.234,56 or 1,234.56 or 1234,56"),
            )
        },
    )
}

fn read_marked(text: &str, marks: Marks) -> Option<Decimal> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = match marks.point.and_then(|point| digits.split_once(point)) {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (digits, ""),
    };
    let groups: Vec<&str> = marks.group.map_or_else(|| vec![whole], |mark| whole.split(mark).collect());
    if groups.len() > 1 {
        let (first, others) = groups.split_first()?;
        if !(1..=3).contains(&first.len()) || others.iter().any(|group| group.len() != 3) {
            return None;
        }
    }
    let point = if fraction.is_empty() { "" } else { "." };
    let plain = format!("{sign}{}{point}{fraction}", groups.concat());
    if plain.strip_prefix('-').unwrap_or(&plain).starts_with(['-', '+']) { None } else { plain_number(&plain) }
}

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

/// A pattern of `format_number`, taken apart.
struct NumberPattern {
    marks: Marks,
    whole_min: usize,
    decimals_min: usize,
    decimals_max: usize,
}

/// Is this a pattern of `format_number`?
///
/// # Errors
/// Says what is wrong with it.
pub fn check_number_pattern(pattern: &str) -> Result<(), String> {
    number_pattern(pattern).map(|_| ())
}

fn number_pattern(pattern: &str) -> Result<NumberPattern, String> {
    let wrong = || {
        format!(
            "\"{pattern}\" is no number pattern: write #,##0.00 or #.##0,00 or 0.00, # for a digit that may be left out"
        )
    };
    let marks: Vec<(usize, char)> =
        pattern.char_indices().filter(|(_, character)| !matches!(character, '#' | '0')).collect();
    let (group, point) = match marks.as_slice() {
        [] => (None, None),
        [(at, mark)] if pattern.get(at + mark.len_utf8()..) == Some("##0") => (Some(*mark), None),
        [(at, mark)] => (None, Some((*at, *mark))),
        [(_, group), (at, point)] if group != point => (Some(*group), Some((*at, *point))),
        _ => return Err(wrong()),
    };
    let (whole, decimals) = match point {
        Some((at, mark)) => {
            (pattern.get(..at).unwrap_or_default(), pattern.get(at + mark.len_utf8()..).unwrap_or_default())
        }
        None => (pattern, ""),
    };
    if let Some(mark) = group
        && whole.rsplit(mark).next().is_none_or(|last| last.len() != 3)
    {
        return Err(wrong());
    }
    let whole: String = whole.chars().filter(|character| Some(*character) != group).collect();
    let whole_min = whole.chars().filter(|character| *character == '0').count();
    let decimals_min = decimals.chars().filter(|character| *character == '0').count();
    // Digits that must stand are on the side of the point.
    let ordered = !whole.trim_start_matches('#').contains('#') && !decimals.trim_start_matches('0').contains('0');
    if !ordered || whole_min == 0 || (point.is_some() && decimals.is_empty()) {
        return Err(wrong());
    }
    let marks = Marks { group, point: point.map(|(_, mark)| mark) };
    Ok(NumberPattern { marks, whole_min, decimals_min, decimals_max: decimals.chars().count() })
}

/// Prints a number by a pattern; it is not rounded.
///
/// # Errors
/// The number has more decimals than the pattern.
pub fn format_number<'r>(x: Decimal, pattern: Cow<'r, str>) -> Result<Cow<'r, str>, Stop> {
    let NumberPattern { marks, whole_min, decimals_min, decimals_max } =
        number_pattern(&pattern).map_err(Stop::failed)?;
    if x.scale() as usize > decimals_max {
        let reason = format!(
            "{x} has {} decimals, the pattern {pattern} shows {decimals_max}: say `| round({decimals_max})` before",
            x.scale()
        );
        return Err(Stop::failed_on(&x, reason));
    }
    let digits = x.abs().to_string();
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let whole = format!("{whole:0>whole_min$}");
    let fraction = format!("{fraction:0<decimals_min$}");
    let mut out = String::from(if x.is_negative() { "-" } else { "" });
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        if let Some(mark) = marks.group
            && index > 0
            && left % 3 == 0
        {
            out.push(mark);
        }
        out.push(digit);
    }
    if let Some(mark) = marks.point
        && !fraction.is_empty()
    {
        out.push(mark);
        out.push_str(&fraction);
    }
    Ok(Cow::Owned(out))
}

const X: Param = Param::new("x", Takes::Number);
const TOO_LARGE: &str = "the result has more than 28 digits";

/// What holds of all these functions.
pub(super) const ABOUT: &str = "Numbers are decimals of at most 28 digits. What only looks like one (`1E3`, ` 1`, `12,5`) is refused, not guessed.";

/// The functions on numbers.
pub static FUNCTIONS: &[Function] = &[
    Function::new(
        "integer",
        path!(integer),
        "Reads a whole number from text.",
        &[Param::new("t", Takes::Text)],
        Returns::Integer,
        |a| tried(integer(arg(a, 0)?)),
    )
    .fails("the text is no whole number")
    .examples(&[
        example!(r#"integer("042")"# => "42"),
        example!(r#"integer("2.5")"# => "fails"),
        example!(r#"integer("1E3")"# => "fails"),
        example!(r#"integer(" 1")"# => "fails"),
    ]),
    Function::new(
        "decimal",
        path!(decimal),
        "Reads a number from text. The format is a number written as an example; without it, a point stands before decimals and nothing between thousands.",
        &[Param::new("t", Takes::Text), Param::optional("format", Takes::NumberFormat)],
        Returns::Number(Digits::Unknown),
        |a| tried(decimal(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails("the text is no number in that format")
    .examples(&[
        example!(r#"decimal("12.50")"# => "12.5"),
        example!(r#"decimal("1.234,56", "1.234,56")"# => "1234.56"),
        example!(r#"decimal("-1234,5", "1.234,56")"# => "-1234.5"),
        example!(r#"decimal("1.23,4", "1.234,56")"# => "fails"),
        example!(r#"decimal("12,5")"# => "fails"),
    ]),
    Function::new(
        "round",
        path!(round),
        "Rounds to so many decimals; without a mode, by the project's `rounding`.",
        &[Param::new("x", Takes::NumberOrQuotient), Param::new("places", Takes::Integer), Param::optional("mode", Takes::Mode)],
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
    Function::new("abs", path!(abs), "The number without its sign.", &[X], Returns::Number(Digits::SameAs(0)), |a| ok(abs(arg(a, 0)?)))
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
    .examples(&[example!("clamp(7, 0, 5)" => "5"), example!("clamp(-1, 0, 5)" => "0"), example!("clamp(1, 5, 0)" => "fails")]),
    Function::new(
        "remainder",
        path!(remainder),
        "What is left over after dividing; it has the sign of the number divided.",
        &[X, Param::new("y", Takes::Number)],
        Returns::Number(Digits::GreatestOfAll),
        |a| tried(remainder(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails("the divisor is zero")
    .examples(&[example!("remainder(7, 3)" => "1"), example!("remainder(-7.5, 2)" => "-1.5"), example!("remainder(1, 0)" => "fails")]),
    Function::new(
        "format_number",
        path!(format_number),
        "Prints a number: 0 is a digit that always stands, # one that may be left out; the last mark stands before decimals, one before it between thousands. It never rounds.",
        &[X, Param::new("pattern", Takes::NumberPattern)],
        Returns::Text(Bound::Fixed(60)),
        |a| tried(format_number(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails("the number has more decimals than the pattern")
    .examples(&[
        example!(r##"format_number(1234.5, "#,##0.00")"## => r#""1,234.50""#),
        example!(r##"format_number(-1234567, "#.##0,00")"## => r#""-1.234.567,00""#),
        example!(r##"format_number(0.5, "0.##")"## => r#""0.5""#),
        example!(r#"format_number(7, "000")"# => r#""007""#),
        example!(r##"format_number(1.005, "#,##0.00")"## => "fails"),
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_checked() {
        for good in ["0", "#,##0", "#,##0.00", "#.##0,00", "0.00", "0,00", "# ##0.0#", "000", "#0.###"] {
            assert_eq!(check_number_pattern(good), Ok(()), "{good}");
        }
        for bad in ["", "#", "#,#0.00", "0.0.0", "0.", "0#", "0.#0", "EUR 0.00", "#,##0,00"] {
            assert!(check_number_pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn formats_are_checked() {
        for good in ["1.234,56", "1,234.56", "1234,56", "1234", "1 234,5", "1'234.50", "1.234"] {
            assert_eq!(check_number_format(good), Ok(()), "{good}");
        }
        for bad in ["", "#,##0.00", "1.234.567,00", ",5", "5,", "1,234,56"] {
            assert!(check_number_format(bad).is_err(), "{bad}");
        }
    }
}
