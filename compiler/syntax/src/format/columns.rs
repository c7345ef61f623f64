//! Columns of adjacent lines: `<-`, `=`, `->`, and the types and marks of fields.
//!
//! In: a statement. Out: where its columns begin. Which lines stand in a run does not depend on their alignment, so that
//! formatting twice changes nothing.

use super::layout::{Context, Line, Piece};
use crate::tokens::{Token, TokenKind};

/// What lines in one run have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `target <- value`.
    Assignment,
    /// `let name = value`.
    Let,
    /// `cells -> result`.
    Arrow,
    /// `name type marks text`.
    Field,
    /// `setting name type text = value`, `type name = type`.
    Named,
    /// Anything else: not aligned.
    Plain,
}

/// Words that begin a mark.
const MARKS: [&str; 15] = [
    "key",
    "natural",
    "required",
    "read",
    "write",
    "create",
    "changed",
    "personal",
    "merged",
    "added",
    "replaced",
    "refers",
    "missing",
    "named",
    "deprecated",
];

/// The shape of a statement, and the pieces with which its columns begin (but for the first).
pub(super) fn columns(line: &Line<'_>, context: Context) -> (Shape, Vec<usize>) {
    let first = |symbol: &str| {
        let is_symbol = |piece: &Piece<'_>| matches!(piece, Piece::Token(token) if token.is(symbol));
        line.pieces.iter().position(is_symbol)
    };
    match context {
        Context::Fields => field(line),
        Context::Statements => match (first("<-"), first("->")) {
            (Some(arrow), _) => (Shape::Assignment, vec![arrow]),
            (None, Some(arrow)) => (Shape::Arrow, vec![arrow]),
            (None, None) => match first("=") {
                Some(equals) if line.begins_with("let") => (Shape::Let, vec![equals]),
                Some(_) | None => (Shape::Plain, Vec::new()),
            },
        },
        Context::Items => match first("=") {
            Some(equals) if line.begins_with("type") => (Shape::Named, vec![equals]),
            Some(_) | None => (Shape::Plain, Vec::new()),
        },
        Context::Top if line.begins_with("setting") => {
            let doc = line
                .pieces
                .iter()
                .position(|piece| matches!(piece, Piece::Token(token) if token.kind == TokenKind::Text));
            let equals = first("=");
            let text = doc.filter(|doc| equals.is_none_or(|equals| *doc < equals));
            (Shape::Named, [Some(2), text].into_iter().flatten().collect())
        }
        Context::Top | Context::Duties => (Shape::Plain, Vec::new()),
    }
}

/// Name, type, marks and text of a field.
fn field(line: &Line<'_>) -> (Shape, Vec<usize>) {
    let group = line.token(1).is_some_and(|token| token.is("("))
        || line.begins_with("natural")
            && line.token(1).is_some_and(|token| token.is("key"))
            && line.token(2).is_some_and(|token| token.is("("));
    if group {
        return (Shape::Plain, Vec::new());
    }
    let mut starts = vec![1];
    let mut depth = 0_usize;
    let mut marked = false;
    for (index, piece) in line.pieces.iter().enumerate().skip(2) {
        let Piece::Token(token) = piece else { continue };
        match token.text {
            "(" if token.kind == TokenKind::Symbol => depth += 1,
            ")" if token.kind == TokenKind::Symbol => depth = depth.saturating_sub(1),
            _ => {}
        }
        let before = line.token(index - 1);
        let belongs = before.is_some_and(|before| ["of", "from", "to", ".", "as"].iter().any(|word| before.is(word)));
        if depth > 0 || belongs {
            continue;
        }
        if !marked && token.kind == TokenKind::Word && MARKS.contains(&token.text) {
            starts.push(index);
            marked = true;
        } else if token.kind == TokenKind::Text && !before.is_some_and(mark_takes_text) {
            starts.push(index);
            break;
        }
    }
    (Shape::Field, starts)
}

fn mark_takes_text(token: &Token<'_>) -> bool {
    token.is("named") || token.is("deprecated")
}
