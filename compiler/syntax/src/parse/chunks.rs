//! Cuts a file into definitions, so that a missing brace costs one of them.
//!
//! In: tokens. Out: ranges of tokens. A definition begins with a word in column one.

use std::ops::Range;

use crate::tokens::{Token, TokenKind};

/// Words that begin a definition.
pub(crate) const DEFINITIONS: [&str; 12] = [
    "use", "rounding", "leave", "ignore", "system", "extend", "setting", "table", "rule", "example", "mapping", "flow",
];

/// The chunks of a file, in order; together they hold every token but those before the first word.
pub(super) fn cut(text: &str, tokens: &[Token<'_>]) -> Vec<Range<usize>> {
    let mut starts = Vec::new();
    let mut depth = 0_usize;
    let mut first_of_line = true;
    for (index, token) in tokens.iter().enumerate() {
        if first_of_line && in_column_one(text, token) && begins_chunk(tokens.get(index..).unwrap_or_default(), depth) {
            starts.push(index);
            depth = 0;
        }
        first_of_line = token.kind == TokenKind::LineEnd;
        match token.sign {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        // What stands before the first definition is a chunk as well.
        if starts.is_empty() && !matches!(token.kind, TokenKind::LineEnd | TokenKind::Comment) {
            starts.push(index);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([tokens.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

fn in_column_one(text: &str, token: &Token<'_>) -> bool {
    token.start == 0 || text.get(..token.start).is_some_and(|before| before.ends_with(['\n', '\u{feff}']))
}

/// Inside braces only a word of a definition begins a chunk, and only where it is not a target.
fn begins_chunk(tokens: &[Token<'_>], depth: usize) -> bool {
    let Some(first) = tokens.first() else { return false };
    let second = tokens.get(1);
    let known = first.kind == TokenKind::Word && DEFINITIONS.contains(&first.text);
    let target = second.is_some_and(|second| ["<-", ".", "{", "also"].iter().any(|word| second.is(word)));
    known && !target || depth == 0 && first.is_name() && !super::lines::goes_on_before(tokens)
}
