//! Text: cleaning, cutting, building, searching. Lengths count characters (Unicode scalar values), positions count from 1.
//!
//! In: text. Out: text, borrowed from the argument where nothing is added. Only `cut`, `left`, `right`, `substring` and their like lose anything.

use std::borrow::Cow;

use super::{Bound, Function, Param, Returns, Takes, arg, ok, rest, tried};
use crate::decimal::Decimal;
use crate::fault::Stop;

/// The greatest width of `pad_left` and `pad_right` and the most repetitions of `repeat`.
pub const WIDTH_MAX: usize = 10_000;

/// A part of `t`, borrowed where `t` is.
fn part<'r>(t: Cow<'r, str>, choose: impl FnOnce(&str) -> &str) -> Cow<'r, str> {
    match t {
        Cow::Borrowed(text) => Cow::Borrowed(choose(text)),
        Cow::Owned(text) => {
            let chosen = choose(&text);
            if chosen.len() == text.len() { Cow::Owned(text) } else { Cow::Owned(chosen.to_owned()) }
        }
    }
}

/// The byte at which character `index` begins, or the end.
fn byte_at(text: &str, index: usize) -> usize {
    text.char_indices().nth(index).map_or(text.len(), |(byte, _)| byte)
}

fn head(text: &str, count: usize) -> &str {
    text.get(..byte_at(text, count)).unwrap_or_default()
}

fn tail(text: &str, from: usize) -> &str {
    text.get(byte_at(text, from)..).unwrap_or_default()
}

/// `text` with each character mapped; unchanged text stays borrowed.
fn mapped<'r>(t: Cow<'r, str>, map: impl Fn(char) -> char) -> Cow<'r, str> {
    if t.chars().all(|character| map(character) == character) { t } else { Cow::Owned(t.chars().map(map).collect()) }
}

/// Shortens to `max` characters.
#[must_use]
pub fn cut<'r>(t: Cow<'r, str>, max: Decimal) -> Cow<'r, str> {
    left(t, max)
}

/// Removes white space at both ends.
#[must_use]
pub fn trim(t: Cow<'_, str>) -> Cow<'_, str> {
    part(t, str::trim)
}

/// Removes white space at the start.
#[must_use]
pub fn trim_start(t: Cow<'_, str>) -> Cow<'_, str> {
    part(t, str::trim_start)
}

/// Removes white space at the end.
#[must_use]
pub fn trim_end(t: Cow<'_, str>) -> Cow<'_, str> {
    part(t, str::trim_end)
}

/// Turns each run of white space into one blank and removes it at both ends.
#[must_use]
pub fn collapse_spaces(t: Cow<'_, str>) -> Cow<'_, str> {
    let collapsed = t.split_whitespace().collect::<Vec<_>>().join(" ");
    if collapsed == t { t } else { Cow::Owned(collapsed) }
}

/// Turns letters into capitals. A letter without a single capital (`ß`) stays, so that the length stays too.
#[must_use]
pub fn uppercase(t: Cow<'_, str>) -> Cow<'_, str> {
    mapped(t, upper)
}

/// Turns letters into small ones.
#[must_use]
pub fn lowercase(t: Cow<'_, str>) -> Cow<'_, str> {
    mapped(t, lower)
}

/// Turns the first letter into a capital and leaves the rest.
#[must_use]
pub fn capitalize(t: Cow<'_, str>) -> Cow<'_, str> {
    match t.chars().next() {
        Some(first) if upper(first) != first => {
            Cow::Owned(std::iter::once(upper(first)).chain(t.chars().skip(1)).collect())
        }
        Some(_) | None => t,
    }
}

fn upper(character: char) -> char {
    single(character, character.to_uppercase())
}

fn lower(character: char) -> char {
    single(character, character.to_lowercase())
}

fn single(character: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => character,
    }
}

/// Keeps the digits 0 to 9.
#[must_use]
pub fn only_digits(t: Cow<'_, str>) -> Cow<'_, str> {
    only(t, |character| character.is_ascii_digit())
}

/// Keeps letters of any script.
#[must_use]
pub fn only_letters(t: Cow<'_, str>) -> Cow<'_, str> {
    only(t, char::is_alphabetic)
}

fn only<'r>(t: Cow<'r, str>, keep: impl Fn(char) -> bool) -> Cow<'r, str> {
    if t.chars().all(&keep) { t } else { Cow::Owned(t.chars().filter(|character| keep(*character)).collect()) }
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
#[must_use]
pub fn repeat<'r>(t: Cow<'r, str>, n: Decimal) -> Cow<'r, str> {
    Cow::Owned(t.repeat(n.to_count().min(WIDTH_MAX)))
}

/// Does it contain `part`?
#[must_use]
pub fn contains<'r>(t: Cow<'r, str>, part: Cow<'r, str>) -> bool {
    t.contains(part.as_ref())
}

/// Does it start with `part`?
#[must_use]
pub fn starts_with<'r>(t: Cow<'r, str>, part: Cow<'r, str>) -> bool {
    t.starts_with(part.as_ref())
}

/// Does it end with `part`?
#[must_use]
pub fn ends_with<'r>(t: Cow<'r, str>, part: Cow<'r, str>) -> bool {
    t.ends_with(part.as_ref())
}

/// Every `find` becomes `with`.
#[must_use]
pub fn replace<'r>(t: Cow<'r, str>, find: Cow<'r, str>, with: Cow<'r, str>) -> Cow<'r, str> {
    if find.is_empty() || !t.contains(find.as_ref()) { t } else { Cow::Owned(t.replace(find.as_ref(), &with)) }
}

const T: Param = Param::new("t", Takes::Text);
const T_AND_PART: &[Param] = &[T, Param::new("part", Takes::Text)];

const fn clean(name: &'static str, path: &'static str, doc: &'static str, call: super::Call) -> Function {
    Function::new(name, path, doc, &[T], Returns::Text(Bound::SameAs(0)), call)
}

const fn asks(name: &'static str, path: &'static str, doc: &'static str, call: super::Call) -> Function {
    Function::new(name, path, doc, T_AND_PART, Returns::Boolean, call)
}

/// The functions on text.
pub static FUNCTIONS: &[Function] = &[
    clean("trim", path!(trim), "Removes white space at both ends.", |a| ok(trim(arg(a, 0)?)))
        .examples(&[example!(r#"trim("  a b ")"# => r#""a b""#)]),
    clean("trim_start", path!(trim_start), "Removes white space at the start.", |a| ok(trim_start(arg(a, 0)?)))
        .examples(&[example!(r#"trim_start("  a ")"# => r#""a ""#)]),
    clean("trim_end", path!(trim_end), "Removes white space at the end.", |a| ok(trim_end(arg(a, 0)?)))
        .examples(&[example!(r#"trim_end(" a  ")"# => r#"" a""#)]),
    clean(
        "collapse_spaces",
        path!(collapse_spaces),
        "Turns each run of blanks, tabs and line ends into one blank and removes it at both ends.",
        |a| ok(collapse_spaces(arg(a, 0)?)),
    )
    .examples(&[example!(r#"collapse_spaces(" a \n  b ")"# => r#""a b""#)]),
    clean(
        "uppercase",
        path!(uppercase),
        "Turns letters into capitals. A letter without a capital of one character (ß) stays as it is, so that no text grows.",
        |a| ok(uppercase(arg(a, 0)?)),
    )
    .examples(&[example!(r#"uppercase("größe")"# => r#""GRÖßE""#)]),
    clean("lowercase", path!(lowercase), "Turns letters into small ones.", |a| ok(lowercase(arg(a, 0)?)))
        .examples(&[example!(r#"lowercase("ÄPFEL")"# => r#""äpfel""#)]),
    clean(
        "capitalize",
        path!(capitalize),
        "Turns the first letter into a capital and leaves the rest as it is.",
        |a| ok(capitalize(arg(a, 0)?)),
    )
    .examples(&[example!(r#"capitalize("émile Zola")"# => r#""Émile Zola""#), example!(r#"capitalize("")"# => r#""""#)]),
    clean("only_digits", path!(only_digits), "Keeps the digits 0 to 9 and drops the rest.", |a| ok(only_digits(arg(a, 0)?)))
        .loses()
        .examples(&[example!(r#"only_digits("+49 30/12-3")"# => r#""4930123""#)]),
    clean("only_letters", path!(only_letters), "Keeps letters and drops the rest.", |a| ok(only_letters(arg(a, 0)?)))
        .loses()
        .examples(&[example!(r#"only_letters("A-1 ö")"# => r#""Aö""#)]),
    Function::new(
        "cut",
        path!(cut),
        "Shortens to so many characters; without a number, to the length of the target field.",
        &[T, Param::new("max", Takes::Integer)],
        Returns::Text(Bound::LesserOf { text: 0, limit: 1 }),
        |a| ok(cut(arg(a, 0)?, arg(a, 1)?)),
    )
    .loses()
    .examples(&[example!(r#"cut("Müller", 3)"# => r#""Mül""#), example!(r#"cut("ab", 3)"# => r#""ab""#)]),
    Function::new(
        "left",
        path!(left),
        "The first n characters.",
        &[T, Param::new("n", Takes::Integer)],
        Returns::Text(Bound::LesserOf { text: 0, limit: 1 }),
        |a| ok(left(arg(a, 0)?, arg(a, 1)?)),
    )
    .loses()
    .examples(&[example!(r#"left("abc", 2)"# => r#""ab""#), example!(r#"left("abc", -1)"# => r#""""#)]),
    Function::new(
        "right",
        path!(right),
        "The last n characters.",
        &[T, Param::new("n", Takes::Integer)],
        Returns::Text(Bound::LesserOf { text: 0, limit: 1 }),
        |a| ok(right(arg(a, 0)?, arg(a, 1)?)),
    )
    .loses()
    .examples(&[example!(r#"right("abc", 2)"# => r#""bc""#), example!(r#"right("abc", 9)"# => r#""abc""#)]),
    Function::new(
        "substring",
        path!(substring),
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
        path!(before),
        "What stands before the first mark; missing if the mark does not occur.",
        &[T, Param::new("mark", Takes::Text)],
        Returns::Text(Bound::SameAs(0)),
        |a| ok(before(arg(a, 0)?, arg(a, 1)?)),
    )
    .may_be_missing()
    .examples(&[example!(r#"before("a-b-c", "-")"# => r#""a""#), example!(r#"before("abc", "-")"# => "missing")]),
    Function::new(
        "after",
        path!(after),
        "What stands after the first mark; missing if the mark does not occur.",
        &[T, Param::new("mark", Takes::Text)],
        Returns::Text(Bound::SameAs(0)),
        |a| ok(after(arg(a, 0)?, arg(a, 1)?)),
    )
    .may_be_missing()
    .examples(&[example!(r#"after("SW-10231", "SW-")"# => r#""10231""#), example!(r#"after("abc", "-")"# => "missing")]),
    Function::new(
        "split",
        path!(split),
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
        path!(join),
        "The elements with the mark between them. Missing elements are left out, without a mark.",
        &[Param::new("list", Takes::ListOfTextMaybeMissing), Param::new("mark", Takes::Text)],
        Returns::Text(Bound::Unbounded),
        |a| ok(join(arg(a, 0)?, arg(a, 1)?)),
    )
    .examples(&[example!(r#"join(["a", missing, "b"], ", ")"# => r#""a, b""#), example!(r#"join([], ", ")"# => r#""""#)]),
    Function::new(
        "concat",
        path!(concat),
        "All texts, one after the other.",
        &[Param::repeated("part", Takes::Text)],
        Returns::Text(Bound::SumOfAll),
        |a| ok(concat(rest(a, 0)?)),
    )
    .examples(&[example!(r#"concat("a", "b", "c")"# => r#""abc""#)]),
    Function::new(
        "pad_left",
        path!(pad_left),
        "Fills up to so many characters at the start. Text that is longer stays as it is.",
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
        path!(pad_right),
        "Fills up to so many characters at the end. Text that is longer stays as it is.",
        &[T, Param::new("width", Takes::Integer), Param::new("fill", Takes::Text)],
        Returns::Text(Bound::GreaterOf { text: 0, width: 1 }),
        |a| ok(pad_right(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .examples(&[example!(r#"pad_right("ab", 4, ".")"# => r#""ab..""#)]),
    Function::new(
        "repeat",
        path!(repeat),
        "The text so many times, at most 10000 times.",
        &[T, Param::new("n", Takes::Integer)],
        Returns::Text(Bound::Unbounded),
        |a| ok(repeat(arg(a, 0)?, arg(a, 1)?)),
    )
    .examples(&[example!(r#"repeat("ab", 2)"# => r#""abab""#)]),
    Function::new("length", path!(length), "The number of characters.", &[T], Returns::Integer, |a| ok(length(arg(a, 0)?)))
        .examples(&[example!(r#"length("Müller")"# => "6")]),
    asks("contains", path!(contains), "Does the text contain the part?", |a| ok(contains(arg(a, 0)?, arg(a, 1)?)))
        .examples(&[example!(r#"contains("abc", "b")"# => "true"), example!(r#"contains("abc", "B")"# => "false")]),
    asks("starts_with", path!(starts_with), "Does the text start with the part?", |a| ok(starts_with(arg(a, 0)?, arg(a, 1)?)))
        .examples(&[example!(r#"starts_with("SW-1", "SW-")"# => "true")]),
    asks("ends_with", path!(ends_with), "Does the text end with the part?", |a| ok(ends_with(arg(a, 0)?, arg(a, 1)?)))
        .examples(&[example!(r#"ends_with("a.pdf", ".pdf")"# => "true")]),
    Function::new(
        "replace",
        path!(replace),
        "Every occurrence of one text becomes another.",
        &[T, Param::new("find", Takes::Text), Param::new("with", Takes::Text)],
        Returns::Text(Bound::Unbounded),
        |a| ok(replace(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .examples(&[
        example!(r#"replace("a-b-c", "-", "/")"# => r#""a/b/c""#),
        example!(r#"replace("abc", "", "/")"# => r#""abc""#),
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(repeat("a".into(), Decimal::integer(i64::MAX)).len(), WIDTH_MAX);
    }
}
