//! Text that is cut and built: parts, pieces, padding.
//!
//! In: text, and counts of characters. Out: text, borrowed from the argument where nothing is added. No result grows without a bound.

use std::borrow::Cow;

use super::{T, head, part, tail};
use crate::decimal::Decimal;
use crate::fault::Stop;
use crate::functions::{Bound, Function, Param, Returns, Takes, arg, ok, rest, tried};

/// The greatest width of `pad_left` and `pad_right` and the most repetitions of `repeat`.
pub const WIDTH_MAX: usize = 10_000;
/// The longest text that `repeat` makes.
pub const REPEATED_BYTES_MAX: usize = 1_000_000;

/// Shortens to `max` characters.
#[must_use]
pub fn cut<'r>(t: Cow<'r, str>, max: Decimal) -> Cow<'r, str> {
    left(t, max)
}

/// The number of characters.
#[must_use]
pub fn length(t: Cow<'_, str>) -> Decimal {
    Decimal::from(t.chars().count())
}

/// The first `n` characters.
#[must_use]
pub fn left<'r>(t: Cow<'r, str>, n: Decimal) -> Cow<'r, str> {
    part(t, |text| head(text, n.to_count()))
}

/// The last `n` characters.
#[must_use]
pub fn right<'r>(t: Cow<'r, str>, n: Decimal) -> Cow<'r, str> {
    part(t, |text| tail(text, text.chars().count().saturating_sub(n.to_count())))
}

/// `count` characters from position `from` on, the first being 1.
///
/// # Errors
/// `from` is less than 1.
pub fn substring<'r>(t: Cow<'r, str>, from: Decimal, count: Decimal) -> Result<Cow<'r, str>, Stop> {
    if from < Decimal::ONE {
        return Err(Stop::failed_on(&from, "`substring` counts from 1"));
    }
    Ok(part(t, |text| head(tail(text, from.to_count() - 1), count.to_count())))
}

/// What stands before the first `mark`.
#[must_use]
pub fn before<'r>(t: Cow<'r, str>, mark: Cow<'r, str>) -> Option<Cow<'r, str>> {
    let end = t.find(mark.as_ref())?;
    Some(part(t, |text| text.get(..end).unwrap_or_default()))
}

/// What stands after the first `mark`.
#[must_use]
pub fn after<'r>(t: Cow<'r, str>, mark: Cow<'r, str>) -> Option<Cow<'r, str>> {
    let start = t.find(mark.as_ref())? + mark.len();
    Some(part(t, |text| text.get(start..).unwrap_or_default()))
}

/// The pieces between marks; text without the mark is one piece.
#[must_use]
pub fn split<'r>(t: Cow<'r, str>, mark: Cow<'r, str>) -> Vec<Cow<'r, str>> {
    if mark.is_empty() {
        return vec![t];
    }
    match t {
        Cow::Borrowed(text) => text.split(mark.as_ref()).map(Cow::Borrowed).collect(),
        Cow::Owned(text) => text.split(mark.as_ref()).map(|piece| Cow::Owned(piece.to_owned())).collect(),
    }
}

/// The elements with `mark` between them; missing ones are left out.
#[must_use]
pub fn join<'r>(list: Vec<Option<Cow<'r, str>>>, mark: Cow<'r, str>) -> Cow<'r, str> {
    let mut out = String::new();
    for (index, element) in list.into_iter().flatten().enumerate() {
        if index > 0 {
            out.push_str(&mark);
        }
        out.push_str(&element);
    }
    Cow::Owned(out)
}

/// All texts, one after the other.
#[must_use]
pub fn concat<'r>(parts: Vec<Cow<'r, str>>) -> Cow<'r, str> {
    Cow::Owned(parts.iter().map(Cow::as_ref).collect())
}

/// Fills up to `width` characters at the start.
#[must_use]
pub fn pad_left<'r>(t: Cow<'r, str>, width: Decimal, fill: Cow<'r, str>) -> Cow<'r, str> {
    match filling(&t, width, &fill) {
        Some(filling) => Cow::Owned(filling + &t),
        None => t,
    }
}

/// Fills up to `width` characters at the end.
#[must_use]
pub fn pad_right<'r>(t: Cow<'r, str>, width: Decimal, fill: Cow<'r, str>) -> Cow<'r, str> {
    match filling(&t, width, &fill) {
        Some(filling) => Cow::Owned(t.into_owned() + &filling),
        None => t,
    }
}

fn filling(t: &str, width: Decimal, fill: &str) -> Option<String> {
    let lacking = width.to_count().min(WIDTH_MAX).saturating_sub(t.chars().count());
    if lacking == 0 || fill.is_empty() { None } else { Some(fill.chars().cycle().take(lacking).collect()) }
}

/// The text `n` times.
///
/// # Errors
/// `n` is not a whole number from 0 to [`WIDTH_MAX`], or the result would have more than [`REPEATED_BYTES_MAX`] bytes.
pub fn repeat<'r>(t: Cow<'r, str>, n: Decimal) -> Result<Cow<'r, str>, Stop> {
    let Some(count) = n.to_i64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= WIDTH_MAX) else {
        return Err(Stop::failed_on(&n, format!("`repeat` takes a whole number from 0 to {WIDTH_MAX}, not {n}")));
    };
    if t.len().saturating_mul(count) > REPEATED_BYTES_MAX {
        return Err(Stop::failed_on(&t, format!("{count} times this text is more than {REPEATED_BYTES_MAX} bytes")));
    }
    Ok(Cow::Owned(t.repeat(count)))
}

/// The functions that cut and build text.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "cut",
        path!(text::cut),
        "Shortens to so many characters; without a number, to the length of the target field.",
        &[T, Param::new("max", Takes::Integer)],
        Returns::Text(Bound::LesserOf { text: 0, limit: 1 }),
        |a| ok(cut(arg(a, 0)?, arg(a, 1)?)),
    )
    .loses()
    .examples(&[example!(r#"cut("Müller", 3)"# => r#""Mül""#), example!(r#"cut("ab", 3)"# => r#""ab""#)]),
    Function::new(
        "left",
        path!(text::left),
        "The first n characters.",
        &[T, Param::new("n", Takes::Integer)],
        Returns::Text(Bound::LesserOf { text: 0, limit: 1 }),
        |a| ok(left(arg(a, 0)?, arg(a, 1)?)),
    )
    .loses()
    .examples(&[example!(r#"left("abc", 2)"# => r#""ab""#), example!(r#"left("abc", -1)"# => r#""""#)]),
    Function::new(
        "right",
        path!(text::right),
        "The last n characters.",
        &[T, Param::new("n", Takes::Integer)],
        Returns::Text(Bound::LesserOf { text: 0, limit: 1 }),
        |a| ok(right(arg(a, 0)?, arg(a, 1)?)),
    )
    .loses()
    .examples(&[example!(r#"right("abc", 2)"# => r#""bc""#), example!(r#"right("abc", 9)"# => r#""abc""#)]),
    Function::new(
        "substring",
        path!(text::substring),
        "So many characters from a position on; the first character has position 1.",
        &[T, Param::new("from", Takes::Integer), Param::new("count", Takes::Integer)],
        Returns::Text(Bound::LesserOf { text: 0, limit: 2 }),
        |a| tried(substring(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .fails("the position is less than 1")
    .loses()
    .examples(&[
        example!(r#"substring("abcdef", 2, 3)"# => r#""bcd""#),
        example!(r#"substring("abc", 5, 3)"# => r#""""#),
        example!(r#"substring("abc", 0, 3)"# => "fails"),
    ]),
    Function::new(
        "before",
        path!(text::before),
        "What stands before the first mark; missing if the mark does not occur.",
        &[T, Param::new("mark", Takes::Text)],
        Returns::Text(Bound::SameAs(0)),
        |a| ok(before(arg(a, 0)?, arg(a, 1)?)),
    )
    .may_be_missing()
    .examples(&[example!(r#"before("a-b-c", "-")"# => r#""a""#), example!(r#"before("abc", "-")"# => "missing")]),
    Function::new(
        "after",
        path!(text::after),
        "What stands after the first mark; missing if the mark does not occur.",
        &[T, Param::new("mark", Takes::Text)],
        Returns::Text(Bound::SameAs(0)),
        |a| ok(after(arg(a, 0)?, arg(a, 1)?)),
    )
    .may_be_missing()
    .examples(&[example!(r#"after("SW-10231", "SW-")"# => r#""10231""#), example!(r#"after("abc", "-")"# => "missing")]),
    Function::new(
        "split",
        path!(text::split),
        "The pieces between marks. Text without the mark is one piece.",
        &[T, Param::new("mark", Takes::Text)],
        Returns::ListOfText(Bound::SameAs(0)),
        |a| ok(split(arg(a, 0)?, arg(a, 1)?)),
    )
    .examples(&[
        example!(r#"split("a,b,", ",")"# => r#"["a", "b", ""]"#),
        example!(r#"split("a", ",")"# => r#"["a"]"#),
    ]),
    Function::new(
        "join",
        path!(text::join),
        "The elements with the mark between them. Missing elements are left out, without a mark.",
        &[Param::new("list", Takes::ListOfTextMaybeMissing), Param::new("mark", Takes::Text)],
        Returns::Text(Bound::Unbounded),
        |a| ok(join(arg(a, 0)?, arg(a, 1)?)),
    )
    .examples(&[example!(r#"join(["a", missing, "b"], ", ")"# => r#""a, b""#), example!(r#"join([], ", ")"# => r#""""#)]),
    Function::new(
        "concat",
        path!(text::concat),
        "All texts, one after the other.",
        &[Param::repeated("part", Takes::Text)],
        Returns::Text(Bound::SumOfAll),
        |a| ok(concat(rest(a, 0)?)),
    )
    .examples(&[example!(r#"concat("a", "b", "c")"# => r#""abc""#)]),
    Function::new(
        "pad_left",
        path!(text::pad_left),
        "Fills up to so many characters (at most 10000) at the start. Text that is longer stays as it is, and so does any where there is nothing to fill with.",
        &[T, Param::new("width", Takes::Integer), Param::new("fill", Takes::Text)],
        Returns::Text(Bound::GreaterOf { text: 0, width: 1 }),
        |a| ok(pad_left(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .examples(&[
        example!(r#"pad_left("42", 5, "0")"# => r#""00042""#),
        example!(r#"pad_left("123456", 5, "0")"# => r#""123456""#),
    ]),
    Function::new(
        "pad_right",
        path!(text::pad_right),
        "Fills up to so many characters (at most 10000) at the end. Text that is longer stays as it is, and so does any where there is nothing to fill with.",
        &[T, Param::new("width", Takes::Integer), Param::new("fill", Takes::Text)],
        Returns::Text(Bound::GreaterOf { text: 0, width: 1 }),
        |a| ok(pad_right(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .examples(&[example!(r#"pad_right("ab", 4, ".")"# => r#""ab..""#)]),
    Function::new(
        "repeat",
        path!(text::repeat),
        "The text so many times.",
        &[T, Param::new("n", Takes::Integer)],
        Returns::Text(Bound::Unbounded),
        |a| tried(repeat(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails("the number is negative or more than 10000, or the result has more than a million bytes")
    .examples(&[
        example!(r#"repeat("ab", 2)"# => r#""abab""#),
        example!(r#"repeat("ab", 0)"# => r#""""#),
        example!(r#"repeat("ab", -1)"# => "fails"),
    ]),
    Function::new("length", path!(text::length), "The number of characters.", &[T], Returns::Integer, |a| ok(length(arg(a, 0)?)))
        .examples(&[example!(r#"length("Müller")"# => "6")]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::text::{collapse_spaces, trim};

    #[test]
    fn parts_of_borrowed_text_are_borrowed() {
        let source = String::from("  Müller  ");
        let trimmed = trim(Cow::Borrowed(&source));
        assert!(matches!(trimmed, Cow::Borrowed("Müller")));
        assert!(matches!(cut(trimmed, Decimal::integer(2)), Cow::Borrowed("Mü")));
        assert!(matches!(collapse_spaces(Cow::Borrowed("a b")), Cow::Borrowed("a b")));
        assert_eq!(cut(Cow::Owned("Müller".into()), Decimal::integer(2)), "Mü");
    }

    #[test]
    fn huge_widths_are_bounded() {
        assert_eq!(pad_left("a".into(), Decimal::integer(i64::MAX), "0".into()).len(), WIDTH_MAX);
        assert!(repeat("a".into(), Decimal::integer(i64::MAX)).is_err());
        assert!(repeat("a".repeat(1_000).into(), Decimal::integer(1_001)).is_err());
    }
}
