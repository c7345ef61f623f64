//! Text that is cleaned: white space, case, accents, markup.
//!
//! In: text. Out: text of at most as many characters, borrowed from the argument where nothing changes. Positions and marks are not its concern.

use std::borrow::Cow;

use unicode_normalization::char::decompose_canonical;

use super::html::strip_html;
use super::{T, mapped, part};
use crate::functions::{Bound, Call, Function, Param, Returns, Takes, arg, ok};
use crate::measure::{CHARSETS, mappable};

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
    // Beyond ASCII all white space begins with one of these bytes.
    let blank = |byte: u8| byte <= b' ' || matches!(byte, 0xc2 | 0xe1..=0xe3);
    let bytes = t.as_bytes();
    let bounded = bytes.first().is_none_or(|first| !blank(*first)) && bytes.last().is_none_or(|last| !blank(*last));
    // Plain words with one blank between them stay as they are.
    if bounded
        && bytes.iter().zip(bytes.iter().skip(1)).all(|(byte, next)| !blank(*byte) || (*byte == b' ' && !blank(*next)))
    {
        return t;
    }
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

/// Removes the characters that a character set does not have.
#[must_use]
pub fn remove_unmappable<'r>(t: Cow<'r, str>, encoding: Cow<'r, str>) -> Cow<'r, str> {
    mappable(t, &encoding)
}

/// Removes the marks over and under letters. Letters of their own (ß, ø, æ, ł) stay.
#[must_use]
pub fn remove_accents(t: Cow<'_, str>) -> Cow<'_, str> {
    if t.is_ascii() {
        return t;
    }
    let mut out = String::with_capacity(t.len());
    for character in t.chars() {
        let mut without = None;
        let (mut parts, mut marks) = (0, 0);
        decompose_canonical(character, |part| {
            parts += 1;
            if ACCENTS.contains(&part) {
                marks += 1;
            } else {
                without = Some(part);
            }
        });
        match without {
            // What has no accent stays as it was written, so that no letter of another script falls apart.
            _ if marks == 0 => out.push(character),
            Some(base) if parts == marks + 1 => out.push(base),
            Some(_) => out.push(character),
            None => {}
        }
    }
    if out == t { t } else { Cow::Owned(out) }
}

/// The combining diacritical marks of Unicode.
const ACCENTS: std::ops::RangeInclusive<char> = '\u{300}'..='\u{36f}';

const fn clean(name: &'static str, path: &'static str, doc: &'static str, call: Call) -> Function {
    Function::new(name, path, doc, &[T], Returns::Text(Bound::SameAs(0)), call)
}

/// The functions that clean text.
pub(super) static FUNCTIONS: &[Function] = &[
    clean("trim", path!(text::trim), "Removes white space at both ends.", |a| ok(trim(arg(a, 0)?)))
        .examples(&[example!(r#"trim("  a b ")"# => r#""a b""#)]),
    clean("trim_start", path!(text::trim_start), "Removes white space at the start.", |a| ok(trim_start(arg(a, 0)?)))
        .examples(&[example!(r#"trim_start("  a ")"# => r#""a ""#)]),
    clean("trim_end", path!(text::trim_end), "Removes white space at the end.", |a| ok(trim_end(arg(a, 0)?)))
        .examples(&[example!(r#"trim_end(" a  ")"# => r#"" a""#)]),
    clean(
        "collapse_spaces",
        path!(text::collapse_spaces),
        "Turns each run of blanks, tabs and line ends into one blank and removes it at both ends.",
        |a| ok(collapse_spaces(arg(a, 0)?)),
    )
    .examples(&[example!(r#"collapse_spaces(" a \n  b ")"# => r#""a b""#)]),
    clean(
        "uppercase",
        path!(text::uppercase),
        "Turns letters into capitals. A letter without a capital of one character (ß) stays as it is, so that no text grows.",
        |a| ok(uppercase(arg(a, 0)?)),
    )
    .examples(&[example!(r#"uppercase("größe")"# => r#""GRÖßE""#)]),
    clean("lowercase", path!(text::lowercase), "Turns letters into small ones.", |a| ok(lowercase(arg(a, 0)?)))
        .examples(&[example!(r#"lowercase("ÄPFEL")"# => r#""äpfel""#)]),
    clean(
        "capitalize",
        path!(text::capitalize),
        "Turns the first letter into a capital and leaves the rest as it is.",
        |a| ok(capitalize(arg(a, 0)?)),
    )
    .examples(&[example!(r#"capitalize("émile Zola")"# => r#""Émile Zola""#), example!(r#"capitalize("")"# => r#""""#)]),
    clean("only_digits", path!(text::only_digits), "Keeps the digits 0 to 9 and drops the rest.", |a| ok(only_digits(arg(a, 0)?)))
        .loses()
        .examples(&[example!(r#"only_digits("+49 30/12-3")"# => r#""4930123""#)]),
    clean("only_letters", path!(text::only_letters), "Keeps letters and drops the rest.", |a| ok(only_letters(arg(a, 0)?)))
        .loses()
        .examples(&[example!(r#"only_letters("A-1 ö")"# => r#""Aö""#)]),
    clean(
        "remove_accents",
        path!(text::remove_accents),
        "Removes the marks over and under letters: é becomes e, ü becomes u (not ue). Letters of their own, such as ß, ø, æ and ł, stay; `replace` them.",
        |a| ok(remove_accents(arg(a, 0)?)),
    )
    .loses()
    .examples(&[
        example!(r#"remove_accents("Crème brûlée, Müßig")"# => r#""Creme brulee, Mußig""#),
        example!(r#"remove_accents("Łódź")"# => r#""Łodz""#),
    ]),
    Function::new(
        "remove_unmappable",
        path!(text::remove_unmappable),
        "Removes the characters that a character set does not have, where the target would refuse them. `replace` and `remove_accents` before it keep what can be kept.",
        &[T, Param::new("encoding", Takes::Word(CHARSETS))],
        Returns::Text(Bound::SameAs(0)),
        |a| ok(remove_unmappable(arg(a, 0)?, arg(a, 1)?)),
    )
    .loses()
    .examples(&[
        example!(r#"remove_unmappable("Größe M 👕", "windows-1252")"# => r#""Größe M ""#),
        example!(r#"remove_unmappable("Größe", "us-ascii")"# => r#""Gre""#),
    ]),
    clean(
        "strip_html",
        path!(text::strip_html),
        "The text of HTML: without tags, comments, scripts and styles, with entities decoded, one line for each paragraph, heading, list entry or table row, and single blanks between words. What only looks like a tag stays.",
        |a| ok(strip_html(arg(a, 0)?)),
    )
    .loses()
    .examples(&[
        example!(r#"strip_html("<p>Gr&ouml;&szlig;e <b>M</b></p><p>&lt; 5&nbsp;kg</p>")"# => r#""Größe M\n< 5 kg""#),
        example!(r#"strip_html("1 < 2")"# => r#""1 < 2""#),
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_go_and_nothing_grows() {
        assert_eq!(remove_accents("e\u{301}".into()), "e");
        assert_eq!(remove_accents("Ǖǖ ṩ ά".into()), "Uu s α");
        assert_eq!(remove_accents("한국 क़ が".into()), "한국 क़ が");
        assert!(matches!(remove_accents(Cow::Borrowed("ß 漢")), Cow::Borrowed(_)));
        for character in '\0'..=char::MAX {
            assert!(remove_accents(Cow::Owned(character.to_string())).chars().count() <= 1, "{character:?}");
        }
    }
}
