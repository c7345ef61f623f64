//! Text that is searched by a pattern.
//!
//! In: text and a pattern (a regular expression) that stands literally in the spec. Out: whether it occurs, what it caught, or the text with it
//! replaced. Never more than linear time in the text: there is no backtracking, so look-around and back-references do not exist.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Captures, Regex, RegexBuilder};

use super::T;
use crate::decimal::Decimal;
use crate::fault::{Stop, shortened};
use crate::functions::{Bound, Function, Param, Returns, Takes, arg, tried};

/// The longest pattern, in characters.
pub const PATTERN_CHARACTERS_MAX: usize = 1_000;
/// The memory that one compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// How deep groups may be nested.
const PATTERN_DEPTH_MAX: u32 = 50;
/// How many compiled patterns a thread keeps. A spec has fewer; the limit is for patterns that come from elsewhere.
const PATTERNS_KEPT_MAX: usize = 1_000;

thread_local! {
    /// Compiling a pattern takes longer than a whole mapping, so each thread does it once.
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.is_empty() {
        return Err("the pattern is empty".to_owned());
    }
    if pattern.chars().count() > PATTERN_CHARACTERS_MAX {
        return Err(format!("the pattern has more than {PATTERN_CHARACTERS_MAX} characters"));
    }
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).nest_limit(PATTERN_DEPTH_MAX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            format!("the pattern \"{}\" is too large: let it repeat less", shortened(pattern))
        }
        // The last line of the crate's message says what is wrong, those before it draw the pattern.
        other => {
            let message = other.to_string();
            let why = message.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("\"{}\" is no pattern: {why}", shortened(pattern))
        }
    })
}

/// Is this a pattern of `matches`, `extract` and `replace_pattern`?
///
/// # Errors
/// Says what is wrong with it.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    compile(pattern).map(|_| ())
}

/// The number of groups of a pattern; `None` if it is no pattern. A literal group of `extract`, and each `$1` of a literal replacement, must not exceed it.
#[must_use]
pub fn pattern_groups(pattern: &str) -> Option<usize> {
    compile(pattern).ok().map(|regex| groups(&regex))
}

fn groups(regex: &Regex) -> usize {
    regex.captures_len().saturating_sub(1)
}

fn with_pattern<T>(pattern: &str, search: impl FnOnce(&Regex) -> Result<T, Stop>) -> Result<T, Stop> {
    let kept = COMPILED.with_borrow(|compiled| compiled.get(pattern).cloned());
    if let Some(regex) = kept {
        return search(&regex);
    }
    let regex = compile(pattern).map_err(|why| Stop::failed_on(pattern, why))?;
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() >= PATTERNS_KEPT_MAX {
            compiled.clear();
        }
        compiled.insert(pattern.to_owned(), regex.clone());
    });
    search(&regex)
}

/// Does the pattern occur anywhere in the text?
///
/// # Errors
/// The pattern is none.
pub fn matches<'r>(t: Cow<'r, str>, pattern: Cow<'r, str>) -> Result<bool, Stop> {
    with_pattern(&pattern, |regex| Ok(regex.is_match(&t)))
}

/// What a group of the pattern caught where it first occurs; without a number, the first group, or all of it where the pattern has none.
///
/// # Errors
/// The pattern is none or has no such group.
pub fn extract<'r>(
    t: Cow<'r, str>,
    pattern: Cow<'r, str>,
    group: Option<Decimal>,
) -> Result<Option<Cow<'r, str>>, Stop> {
    with_pattern(&pattern, |regex| {
        let count = groups(regex);
        let wanted = match group {
            None => count.min(1),
            Some(number) => number
                .to_i64()
                .and_then(|number| usize::try_from(number).ok())
                .filter(|number| *number <= count)
                .ok_or_else(|| no_group(&pattern, &number, count))?,
        };
        let found = regex.captures(&t).and_then(|caught| caught.get(wanted)).map(|group| group.range());
        Ok(found.map(|range| super::part(t, |text| text.get(range).unwrap_or_default())))
    })
}

fn no_group(pattern: &str, number: &impl std::fmt::Display, count: usize) -> Stop {
    Stop::failed_on(number, format!("the pattern \"{}\" has {count} groups and no group {number}", shortened(pattern)))
}

/// A piece of what a pattern is replaced with.
#[derive(Clone, Copy)]
enum Piece<'t> {
    Text(&'t str),
    Group(usize),
}

/// `$0` to `$9` are groups, `$$` is a dollar sign, and so is a `$` before anything else.
fn pieces(with: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut left = with;
    while let Some(at) = left.find('$') {
        let (before, from) = left.split_at(at);
        let mut after = from.chars();
        after.next();
        let mark = after.next();
        pieces.push(Piece::Text(before));
        match mark {
            Some(digit) if digit.is_ascii_digit() => {
                pieces.push(Piece::Group(digit.to_digit(10).map_or(0, |digit| digit as usize)));
                left = after.as_str();
            }
            Some('$') => {
                pieces.push(Piece::Text("$"));
                left = after.as_str();
            }
            Some(_) | None => {
                pieces.push(Piece::Text("$"));
                left = from.get(1..).unwrap_or_default();
            }
        }
    }
    pieces.push(Piece::Text(left));
    pieces
}

/// Each place where the pattern occurs becomes `with`, where `$1` is what the first group caught.
///
/// # Errors
/// The pattern is none, or `with` names a group that it does not have.
pub fn replace_pattern<'r>(t: Cow<'r, str>, pattern: Cow<'r, str>, with: Cow<'r, str>) -> Result<Cow<'r, str>, Stop> {
    with_pattern(&pattern, |regex| {
        let (pieces, count) = (pieces(&with), groups(regex));
        for piece in &pieces {
            match piece {
                Piece::Group(number) if *number > count => return Err(no_group(&pattern, number, count)),
                Piece::Group(_) | Piece::Text(_) => {}
            }
        }
        let filled = |caught: &Captures<'_>| {
            let text = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Group(number) => caught.get(*number).map_or("", |group| group.as_str()),
            });
            text.collect::<String>()
        };
        let replaced = match regex.replace_all(&t, filled) {
            Cow::Borrowed(_) => None,
            Cow::Owned(replaced) => Some(replaced),
        };
        Ok(replaced.map_or(t, Cow::Owned))
    })
}

const PATTERN: Param = Param::new("pattern", Takes::Pattern);

/// The functions that search text by a pattern.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "matches",
        path!(text::matches),
        "Does the pattern occur anywhere in the text? `^` and `$` tie it to the start and the end. In a pattern `\\d`, `\\w` and `\\s` stand for digits, word characters and white space of every script (`[0-9]` for 0 to 9 alone), `(?i)` in front ignores case.",
        &[T, PATTERN],
        Returns::Boolean,
        |a| tried(matches(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails("the pattern is none, which is found at compile time")
    .examples(&[
        example!(r"matches('12345', '^[0-9]{5}$')" => "true"),
        example!(r"matches('D-12345', '[0-9]{5}')" => "true"),
        example!(r"matches('D-12345', '^[0-9]{5}$')" => "false"),
        example!(r"matches('Müller', '^\w+$')" => "true"),
        example!(r"matches('ÄPFEL', '(?i)^äpfel$')" => "true"),
        example!(r"matches('a', '(')" => "fails"),
    ]),
    Function::new(
        "extract",
        path!(text::extract),
        "What a group of the pattern caught where it first occurs; missing if it does not occur or the group caught nothing. Groups are counted from 1, 0 is the whole; without a number it is the first group, or the whole where the pattern has no group.",
        &[T, PATTERN, Param::optional("group", Takes::Integer)],
        Returns::Text(Bound::SameAs(0)),
        |a| tried(extract(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .may_be_missing()
    .fails("the pattern has no such group")
    .loses()
    .examples(&[
        example!(r"extract('SW-10231/2', '[0-9]+')" => r#""10231""#),
        example!(r"extract('SW-10231/2', 'SW-([0-9]+)')" => r#""10231""#),
        example!(r"extract('SW-10231/2', '([0-9]+)/([0-9]+)', 2)" => r#""2""#),
        example!(r"extract('SW-10231/2', '([0-9]+)/([0-9]+)', 0)" => r#""10231/2""#),
        example!(r"extract('none', '[0-9]+')" => "missing"),
        example!(r"extract('a', 'a', 1)" => "fails"),
    ]),
    Function::new(
        "replace_pattern",
        path!(text::replace_pattern),
        "Each place where the pattern occurs becomes another text, in which `$1` to `$9` stand for what the groups caught, `$0` for the whole and `$$` for a dollar sign.",
        &[T, PATTERN, Param::new("with", Takes::Text)],
        Returns::Text(Bound::Unbounded),
        |a| tried(replace_pattern(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .fails("the replacement names a group that the pattern does not have")
    .examples(&[
        example!(r#"replace_pattern("a  b   c", ' +', " ")"# => r#""a b c""#),
        example!(r"replace_pattern('2026-11-02', '([0-9]+)-([0-9]+)-([0-9]+)', '$3.$2.$1')" => r#""02.11.2026""#),
        example!(r"replace_pattern('5 EUR', 'EUR', '$$')" => r#""5 $""#),
        example!(r"replace_pattern('abc', 'x', 'y')" => r#""abc""#),
        example!(r"replace_pattern('a', '(a)', '$2')" => "fails"),
    ]),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_are_checked() {
        for good in ["a", "^[0-9]{5}$", r"\p{Lu}\w*", "(?i)straße", "(?x) a  b"] {
            assert_eq!(check_pattern(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", "empty"),
            ("(", "unclosed group"),
            ("a(?=b)", "look-around"),
            (r"(a)\1", "backreferences are not supported"),
            ("a{1000}{1000}", "too large"),
            (r"\p{Nonsense}", "not found"),
        ] {
            let told = check_pattern(bad).unwrap_err();
            assert!(told.contains(why) && !told.contains('\n'), "{bad}: {told}");
        }
        assert!(check_pattern(&"a".repeat(PATTERN_CHARACTERS_MAX + 1)).is_err());
        assert!(check_pattern(&format!("{}a{}", "(".repeat(60), ")".repeat(60))).is_err());
        assert_eq!(pattern_groups("(a)(?:b)(c)"), Some(2));
        assert_eq!(pattern_groups("("), None);
    }

    #[test]
    fn what_is_caught_of_borrowed_text_is_borrowed() {
        let caught = extract(Cow::Borrowed("a-12"), "[0-9]+".into(), None).unwrap();
        assert!(matches!(caught, Some(Cow::Borrowed("12"))));
        assert!(matches!(replace_pattern(Cow::Borrowed("a"), "b".into(), "".into()), Ok(Cow::Borrowed("a"))));
    }

    #[test]
    fn dollar_signs_stand_for_groups_only_before_digits() {
        let replaced = |with: &str| replace_pattern("ab".into(), "(a)(b)".into(), with.to_owned().into()).unwrap();
        assert_eq!(replaced("$2a$1"), "baa");
        assert_eq!(replaced("$"), "$");
        assert_eq!(replaced("$x$ä$$1"), "$x$ä$1");
        assert_eq!(replaced("$10"), "a0");
    }

    #[test]
    fn a_pattern_that_makes_others_backtrack_is_answered() {
        let text = format!("{}b", "a".repeat(100_000));
        assert_eq!(matches(text.into(), "^(a+)+$".into()), Ok(false));
    }

    proptest! {
        #[test]
        fn any_pattern_is_answered(text in any::<String>(), pattern in any::<String>(), with in any::<String>()) {
            let checked = check_pattern(&pattern).is_ok();
            prop_assert_eq!(matches(text.as_str().into(), pattern.as_str().into()).is_ok(), checked);
            let _ = extract(text.as_str().into(), pattern.as_str().into(), None);
            let _ = replace_pattern(text.as_str().into(), pattern.as_str().into(), with.as_str().into());
        }
    }
}
