//! Finds in a text what the grammar says.
//!
//! In: a text that `lines.rs` has made ready. Out: the tokens of every rule, in the order in which they begin. The functions of the rules are
//! written by `build.rs` from the grammar; here is what they are made of. A text that does not match gives nothing: what was expected where is
//! asked of pest (`recovery.rs`).

use pest::unicode::{XID_CONTINUE, XID_START};

use super::grammar::Rule;
use crate::tokens::word_length;

/// What a rule has found; behind it in the list stands what was found within it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) rule: Rule,
    /// First byte.
    pub(super) start: u32,
    /// Behind the last byte.
    pub(super) end: u32,
    /// The place in the list behind all that is within it.
    pub(super) behind: u32,
}

/// A definition or several. What is found comes into `room`, whose tokens are done with.
pub(super) fn definitions(text: &str, room: Vec<Token>) -> Option<Vec<Token>> {
    Matcher::new(text, room).all(rules::definitions_spaced)
}

/// Items of a system.
pub(super) fn system_items(text: &str, room: Vec<Token>) -> Option<Vec<Token>> {
    Matcher::new(text, room).all(rules::system_items_spaced)
}

/// Bytes of text for which room is made for one token.
const BYTES_A_TOKEN: usize = 4;

struct Matcher<'t> {
    text: &'t str,
    at: usize,
    found: Vec<Token>,
}

/// Where a matcher stood.
#[derive(Clone, Copy)]
struct Mark {
    at: usize,
    found: usize,
}

impl<'t> Matcher<'t> {
    fn new(text: &'t str, mut found: Vec<Token>) -> Self {
        found.clear();
        found.reserve(text.len() / BYTES_A_TOKEN);
        Self { text, at: 0, found }
    }

    fn all(mut self, rule: fn(&mut Self) -> bool) -> Option<Vec<Token>> {
        // Texts that are longer are refused before they come here.
        u32::try_from(self.text.len()).ok()?;
        rule(&mut self).then_some(self.found)
    }

    /// The next byte; 0 at the end, which no rule begins with.
    #[inline]
    fn next(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    #[inline]
    fn mark(&self) -> Mark {
        Mark { at: self.at, found: self.found.len() }
    }

    /// Goes back to a mark; says `true`.
    #[inline]
    fn back(&mut self, mark: Mark) -> bool {
        self.at = mark.at;
        self.found.truncate(mark.found);
        true
    }

    /// Begins a token; says where it stands in the list.
    #[inline]
    fn open(&mut self, rule: Rule) -> usize {
        let start = u32::try_from(self.at).unwrap_or(u32::MAX);
        self.found.push(Token { rule, start, end: start, behind: 0 });
        self.found.len() - 1
    }

    /// Ends a token, or takes it away if it was not matched; says whether it was.
    #[inline]
    fn close(&mut self, token: usize, matched: bool) -> bool {
        if !matched {
            self.found.truncate(token);
            return false;
        }
        let behind = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
        if let Some(token) = self.found.get_mut(token) {
            token.end = u32::try_from(self.at).unwrap_or(u32::MAX);
            token.behind = behind;
        }
        true
    }

    /// Passes over blanks; says `true`.
    #[inline]
    fn skip(&mut self) -> bool {
        while rules::begins_blank(self.next()) && rules::WHITESPACE_atomic(self) {}
        true
    }

    #[inline]
    fn string(&mut self, text: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let matched = rest.starts_with(text.as_bytes());
        if matched {
            self.at += text.len();
        }
        matched
    }

    /// One character of ASCII.
    #[inline]
    fn range(&mut self, bytes: std::ops::RangeInclusive<u8>) -> bool {
        let matched = self.at < self.text.len() && bytes.contains(&self.next());
        self.at += usize::from(matched);
        matched
    }

    #[inline]
    fn digit(&mut self) -> bool {
        self.range(b'0'..=b'9')
    }

    #[inline]
    fn any(&mut self) -> bool {
        self.character(|byte| byte.is_ascii(), |_| true)
    }

    #[inline]
    fn xid_start(&mut self) -> bool {
        self.character(|byte| byte.is_ascii_alphabetic(), XID_START)
    }

    #[inline]
    fn xid_continue(&mut self) -> bool {
        self.character(|byte| byte.is_ascii_alphanumeric() || *byte == b'_', XID_CONTINUE)
    }

    /// As many of them as there are; says `true`.
    #[inline]
    fn xid_continues(&mut self) -> bool {
        self.at += word_length(self.text.get(self.at..).unwrap_or_default());
        true
    }

    /// One character, of which those of ASCII are known by their byte.
    #[inline]
    fn character(&mut self, ascii: impl Fn(&u8) -> bool, beyond: impl Fn(char) -> bool) -> bool {
        let Some(byte) = self.text.as_bytes().get(self.at) else { return false };
        if byte.is_ascii() {
            let matched = ascii(byte);
            self.at += usize::from(matched);
            return matched;
        }
        let character = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        let matched = character.is_some_and(beyond);
        if matched {
            self.at += character.map_or(0, char::len_utf8);
        }
        matched
    }

    fn is_start(&self) -> bool {
        self.at == 0
    }

    fn is_end(&self) -> bool {
        self.at == self.text.len()
    }
}

#[allow(clippy::all, non_snake_case, unused, reason = "written by `build.rs`, for nobody to read")]
mod rules {
    use super::{Matcher, Rule};

    include!(concat!(env!("OUT_DIR"), "/matched.rs"));
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use pest::Parser;
    use proptest::prelude::*;

    use super::*;
    use crate::parse::grammar::Grammar;
    use crate::parse::{Reader, chunks, lines};
    use crate::span::FileId;
    use crate::tokens::tokens;

    /// Specs with all that the grammar has.
    const SPECS: [&str; 5] = [
        include_str!("../../tests/specs/shopware-6.mapspec"),
        include_str!("../../tests/specs/sap-business-one.mapspec"),
        include_str!("../../tests/specs/shopware-sap-business-one--orders.mapspec"),
        include_str!("../../tests/specs/shopware-sap-business-one--project.mapspec"),
        include_str!("../../tests/specs/flat-file-erp--flows.mapspec"),
    ];

    const PIECES: [&str; 30] = [
        "{",
        "}",
        "(",
        ")",
        "\"",
        "'",
        "`",
        "\n",
        "\n  ",
        ",",
        ".",
        "..",
        "<-",
        "->",
        "=",
        "<",
        "-",
        "|",
        "?",
        "if ",
        " otherwise ",
        "not ",
        "each ",
        " as ",
        "match ",
        "list ",
        "key",
        " x",
        "ü",
        "\"a {b} c\"",
    ];

    /// The definitions of a text as they come to be matched.
    fn ready(text: &str) -> Vec<String> {
        let reader = Reader { file: FileId(0), text, faults: RefCell::default(), structural: RefCell::default() };
        let tokens = tokens(text);
        let chunks = chunks::cut(text, &tokens);
        lines::mask(&reader, &tokens, chunks).into_iter().map(|chunk| chunk.text).collect()
    }

    fn assert_as_pest(root: Rule, text: &str, found: Option<Vec<Token>>) {
        let expected: Option<Vec<(Rule, usize, usize)>> = Grammar::parse(root, text).ok().map(|pairs| {
            let pairs = pairs.flatten().filter(|pair| pair.as_rule() != Rule::EOI);
            pairs.map(|pair| (pair.as_rule(), pair.as_span().start(), pair.as_span().end())).collect()
        });
        let found: Option<Vec<(Rule, usize, usize)>> = found
            .map(|found| found.iter().map(|token| (token.rule, token.start as usize, token.end as usize)).collect());
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn every_definition_is_matched_as_pest_does() {
        let mut matched = 0;
        for text in SPECS.iter().flat_map(|spec| ready(spec)) {
            assert_as_pest(Rule::definitions, &text, definitions(&text, Vec::new()));
            matched += 1;
            // What stands between the outer braces of a system is its items.
            let items =
                text.split_once('{').and_then(|(_, behind)| behind.rsplit_once('}')).map_or("", |(items, _)| items);
            assert_as_pest(Rule::system_items, items, system_items(items, Vec::new()));
        }
        assert!(matched > 40, "{matched} definitions");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_broken_is_matched_as_pest_does(
            spec in 0..SPECS.len(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..8_usize, prop::sample::select(&PIECES[..])), 1..12),
        ) {
            let mut text = SPECS[spec].to_owned();
            for (place, length, piece) in changes {
                let start = text.floor_char_boundary(place.index(text.len() + 1));
                let end = text.ceil_char_boundary((start + length).min(text.len()));
                text.replace_range(start..end, piece);
            }
            for text in ready(&text) {
                assert_as_pest(Rule::definitions, &text, definitions(&text, Vec::new()));
            }
        }

        #[test]
        fn any_text_is_matched_as_pest_does(text in "[a-z {}\"'(),.<>|?=\n\t\u{e4}0-9-]{0,80}") {
            assert_as_pest(Rule::definitions, &text, definitions(&text, Vec::new()));
        }
    }
}
