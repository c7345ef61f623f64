//! The tokens of a file as lines and blocks.
//!
//! In: tokens, and which line ends are inside a statement. Out: statements with their blocks and comments, in order.

use crate::tokens::{Token, TokenKind};

/// What stands in the braces of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// The file itself.
    Top,
    /// Types, entities and actions of a system.
    Items,
    /// Fields.
    Fields,
    /// Lines of a flow.
    Duties,
    /// Statements, rows or arms.
    Statements,
}

/// Something that has lines of its own.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Line(Line<'a>),
    /// A comment on a line of its own.
    Comment(&'a str),
    /// One or more blank lines.
    Blank,
}

/// A statement.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
    /// The comment behind it.
    pub(super) comment: Option<&'a str>,
    /// Does `;` stand before it?
    pub(super) behind_semicolon: bool,
}

/// A part of a statement.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    Token(Token<'a>),
    Block(Block<'a>),
    /// A comment before the statement goes on.
    Comment {
        text: &'a str,
        own_line: bool,
    },
}

/// Braces with what stands in them.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) context: Context,
    pub(super) items: Vec<Item<'a>>,
    /// A comment behind the `{`.
    pub(super) comment: Option<&'a str>,
    /// Is it printed on several lines?
    pub(super) multiline: bool,
}

impl<'a> Line<'a> {
    /// The token at that place.
    pub(super) fn token(&self, index: usize) -> Option<&Token<'a>> {
        match self.pieces.get(index)? {
            Piece::Token(token) => Some(token),
            Piece::Block(_) | Piece::Comment { .. } => None,
        }
    }

    pub(super) fn begins_with(&self, word: &str) -> bool {
        self.token(0).is_some_and(|token| token.is(word))
    }

    /// `owner`, `note` or `open` with its text.
    pub(super) fn is_remark(&self) -> bool {
        let word = ["owner", "note", "open"].iter().any(|word| self.begins_with(word));
        word && self.token(1).is_some_and(|token| token.kind == TokenKind::Text)
    }

    /// Has it a block on several lines, or a comment inside?
    pub(super) fn is_broken(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Token(_) => false,
            Piece::Block(block) => block.multiline,
            Piece::Comment { .. } => true,
        })
    }
}

/// Everything in a file.
pub(super) fn items_of_file<'a>(text: &'a str, tokens: &[Token<'a>], joined: &[bool]) -> Vec<Item<'a>> {
    let mut reader = Layout { text, tokens, joined, at: 0 };
    reader.items(Context::Top).items
}

struct Layout<'t, 'a> {
    text: &'a str,
    tokens: &'t [Token<'a>],
    joined: &'t [bool],
    at: usize,
}

impl<'a> Layout<'_, 'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    /// Is the token at that place a line end inside a statement?
    fn is_joined(&self, at: usize) -> bool {
        self.joined.get(at).copied().unwrap_or_default()
    }

    /// The items up to the closing brace, which is left standing.
    fn items(&mut self, context: Context) -> Block<'a> {
        let mut block = Block { context, items: Vec::new(), comment: None, multiline: false };
        let mut line_ends = 0;
        let mut semicolon = false;
        while let Some(token) = self.peek() {
            if token.is("}") {
                break;
            }
            match token.kind {
                TokenKind::LineEnd => {
                    block.multiline |= !self.is_joined(self.at);
                    line_ends += 1;
                    self.at += 1;
                    if line_ends == 2 && !block.items.is_empty() {
                        block.items.push(Item::Blank);
                    }
                    semicolon = false;
                    continue;
                }
                TokenKind::Comment => {
                    self.at += 1;
                    self.comment(&mut block, token, line_ends);
                }
                _ if token.is(";") => {
                    self.at += 1;
                    semicolon = true;
                }
                _ => {
                    let line = self.line(context, semicolon);
                    block.multiline |= line.is_broken() || line.comment.is_some();
                    block.items.push(Item::Line(line));
                    semicolon = false;
                }
            }
            line_ends = 0;
        }
        while matches!(block.items.last(), Some(Item::Blank)) {
            block.items.pop();
        }
        block.multiline &= !block.items.is_empty() || block.comment.is_some();
        block
    }

    /// A comment between statements: on its own line, behind a statement, or behind the opening brace.
    fn comment(&self, block: &mut Block<'a>, token: Token<'a>, line_ends: usize) {
        block.multiline = true;
        let own_line = line_ends > 0 || self.text.get(..token.start).is_some_and(|before| before.trim().is_empty());
        match block.items.last_mut() {
            Some(Item::Line(line)) if !own_line && line.comment.is_none() => line.comment = Some(token.text),
            None if !own_line && block.comment.is_none() && block.context != Context::Top => {
                block.comment = Some(token.text)
            }
            _ => block.items.push(Item::Comment(token.text)),
        }
    }

    /// One statement up to its end, which is left standing.
    fn line(&mut self, context: Context, behind_semicolon: bool) -> Line<'a> {
        let mut line = Line { pieces: Vec::new(), comment: None, behind_semicolon };
        let mut own_line = false;
        while let Some(token) = self.peek() {
            if token.is("}") || token.is(";") {
                break;
            }
            match token.kind {
                TokenKind::LineEnd if self.is_joined(self.at) => own_line = true,
                TokenKind::LineEnd => break,
                TokenKind::Comment if self.is_joined(self.at + 1) => {
                    line.pieces.push(Piece::Comment { text: token.text, own_line });
                }
                TokenKind::Comment => {
                    line.comment = Some(token.text);
                    self.at += 1;
                    break;
                }
                _ if token.is("{") => {
                    self.at += 1;
                    let inner = inner_context(context, &line);
                    let block = self.items(inner);
                    line.pieces.push(Piece::Block(block));
                    own_line = false;
                }
                _ => {
                    line.pieces.push(Piece::Token(token));
                    own_line = false;
                }
            }
            self.at += 1;
        }
        line
    }
}

/// What stands in a block, by the statement that it belongs to.
fn inner_context(context: Context, line: &Line<'_>) -> Context {
    let assigned = line.pieces.iter().any(|piece| matches!(piece, Piece::Token(token) if token.is("=")));
    match context {
        Context::Items | Context::Fields => Context::Fields,
        Context::Top if line.begins_with("system") => Context::Items,
        Context::Top if line.begins_with("flow") => Context::Duties,
        Context::Top if line.begins_with("extend") => Context::Fields,
        Context::Top if (line.begins_with("rule") || line.begins_with("setting")) && !assigned => Context::Fields,
        Context::Top if line.begins_with("table") => {
            // The rows come last; blocks before them are record types.
            let type_before = |token: &Token<'_>| ["to", "of", "list"].iter().any(|word| token.is(word));
            let last = line.pieces.last();
            if matches!(last, Some(Piece::Token(token)) if type_before(token)) {
                Context::Fields
            } else {
                Context::Statements
            }
        }
        Context::Top | Context::Duties | Context::Statements => Context::Statements,
    }
}
