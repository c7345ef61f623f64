//! Text: cleaning, cutting, building, searching. Lengths count characters (Unicode scalar values), positions count from 1.
//!
//! In: text. Out: text, borrowed from the argument where nothing is added. Each function is said to lose something where it does.

mod build;
mod clean;
mod html;
mod patterns;
mod search;

use std::borrow::Cow;

use super::{Family, Param, Takes};

pub use build::{
    REPEATED_BYTES_MAX, WIDTH_MAX, after, before, concat, cut, join, left, length, pad_left, pad_right, repeat, right,
    split, substring,
};
pub use clean::{
    capitalize, collapse_spaces, lowercase, only_digits, only_letters, remove_accents, remove_unmappable, trim,
    trim_end, trim_start, uppercase,
};
pub use html::strip_html;
pub use patterns::{PATTERN_CHARACTERS_MAX, check_pattern, extract, matches, pattern_groups, replace_pattern};
pub use search::{contains, ends_with, replace, starts_with};

/// The chapters on text.
pub(super) const CLEAN: Family = Family {
    name: "Text: clean",
    about: "White space is what Unicode calls so; letters are those of every script. No result has more characters than the text.",
    functions: clean::FUNCTIONS,
};

pub(super) const BUILD: Family = Family {
    name: "Text: cut and build",
    about: "Lengths and counts are in characters (Unicode scalar values), not bytes; positions count from 1. A negative count is 0, and one beyond the end stops there. An empty mark stands at the start for `before` and `after`, and parts nothing for `split`.",
    functions: build::FUNCTIONS,
};

pub(super) const SEARCH: Family = Family {
    name: "Text: search",
    about: "Capitals and small letters are different; `lowercase` both sides, or use `matches` with `(?i)`, where they are not.",
    functions: search::FUNCTIONS,
};

pub(super) const PATTERNS: Family = Family {
    name: "Text: patterns",
    about: "A pattern is a regular expression, stands literally in the spec, best in single quotes ('[0-9]+'), and is checked at compile time. The syntax is that of Perl and JavaScript, without look-around and back-references; so every search takes linear time.",
    functions: patterns::FUNCTIONS,
};

const T: Param = Param::new("t", Takes::Text);

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
    // A text of so few bytes has no more characters.
    if text.len() <= index {
        return text.len();
    }
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
