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
    capitalize, collapse_spaces, lowercase, only_digits, only_letters, remove_accents, trim, trim_end, trim_start,
    uppercase,
};
pub use html::strip_html;
pub use patterns::{PATTERN_CHARACTERS_MAX, check_pattern, extract, matches, pattern_groups, replace_pattern};
pub use search::{contains, ends_with, replace, starts_with};

/// The chapters on text.
pub(super) const CLEAN: Family = Family { name: "Text: clean", functions: clean::FUNCTIONS };
pub(super) const BUILD: Family = Family { name: "Text: cut and build", functions: build::FUNCTIONS };
pub(super) const SEARCH: Family = Family { name: "Text: search", functions: search::FUNCTIONS };
pub(super) const PATTERNS: Family = Family { name: "Text: patterns", functions: patterns::FUNCTIONS };

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
