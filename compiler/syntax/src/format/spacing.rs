//! Blanks between tokens, and places where a line may be broken.

use crate::tokens::{Token, TokenKind};

/// Words behind which a bracket or a sign does not belong to a name.
const KEYWORDS: [&str; 24] = [
    "and",
    "as",
    "by",
    "check",
    "each",
    "else",
    "for",
    "if",
    "in",
    "invalid",
    "is",
    "match",
    "not",
    "of",
    "or",
    "otherwise",
    "per",
    "take",
    "then",
    "to",
    "when",
    "where",
    "with",
    "from",
];

/// Does a blank stand between two tokens of a line? `before_previous` tells a sign from an operator.
pub(super) fn blank_between(before_previous: Option<&Token<'_>>, previous: &Token<'_>, next: &Token<'_>) -> bool {
    let is = |token: &Token<'_>, symbols: &[&str]| token.kind == TokenKind::Symbol && symbols.contains(&token.text);
    if is(previous, &["(", "[", "."]) || is(next, &[")", "]", ",", ";", ".", "?"]) {
        return false;
    }
    if is(previous, &[".."]) || is(next, &[".."]) {
        return false;
    }
    if is(previous, &["-"]) && is_sign(before_previous) {
        return false;
    }
    if is(next, &["("]) {
        let keyword = previous.kind == TokenKind::Word
            && KEYWORDS.contains(&previous.text)
            && !before_previous.is_some_and(|dot| dot.is("."));
        let name = previous.is_name() || is(previous, &["?"]);
        return keyword || !name;
    }
    true
}

/// Is a `-` behind this token a sign?
pub(super) fn is_sign(before: Option<&Token<'_>>) -> bool {
    let Some(before) = before else { return true };
    match before.kind {
        TokenKind::Symbol => ![")", "]", "}"].contains(&before.text),
        TokenKind::Word => KEYWORDS.contains(&before.text),
        TokenKind::Ticked
        | TokenKind::Number
        | TokenKind::Text
        | TokenKind::Raw
        | TokenKind::Comment
        | TokenKind::LineEnd
        | TokenKind::Unknown => false,
    }
}
