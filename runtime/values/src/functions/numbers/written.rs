//! Numbers that are written as text: reading and printing them.
//!
//! In: text, or a number and a pattern. Out: a number, or text. Nothing is guessed when reading and nothing rounded when printing.

use std::borrow::Cow;

use crate::decimal::Decimal;
use crate::fault::{Stop, shortened};
use crate::functions::{Bound, Digits, Function, Param, Returns, Takes, arg, tried};

/// Reads a whole number.
///
/// # Errors
/// The text is no whole number.
pub fn integer(t: Cow<'_, str>) -> Result<Decimal, Stop> {
    match plain_number(&t) {
        Some(value) if value.is_integer() => Ok(value),
        Some(_) | None => Err(Stop::failed_on(&t, format!("\"{}\" is no whole number", shortened(&t)))),
    }
}

/// Reads a number; `format` is an example of how numbers are written (`1.234,56`).
///
/// # Errors
/// The text is no number in that format.
pub fn decimal<'r>(t: Cow<'r, str>, format: Option<Cow<'r, str>>) -> Result<Decimal, Stop> {
    let shown = || shortened(&t);
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

pub(super) const INTEGER: Function = Function::new(
    "integer",
    path!(numbers::integer),
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
]);

pub(super) const DECIMAL: Function = Function::new(
        "decimal",
        path!(numbers::decimal),
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
    ]);

pub(super) const FORMAT_NUMBER: Function = Function::new(
        "format_number",
        path!(numbers::format_number),
        "Prints a number: 0 is a digit that always stands, # one that may be left out; the last mark stands before decimals, one before it between thousands. It never rounds.",
        &[Param::new("x", Takes::Number), Param::new("pattern", Takes::NumberPattern)],
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
    ]);

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
