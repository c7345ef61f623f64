//! Refuses what nests too deeply, before anything that recurses sees it.

use crate::tokens::{Token, TokenKind};

/// How deep brackets, blocks, texts, `if`s, types and `match`es may nest.
const NESTING_MAX: usize = 64;
/// How long a chain of operators, dots and pipes may be.
const CHAIN_MAX: usize = 400;

/// Does this word lengthen a chain?
fn chains(word: &str) -> bool {
    matches!(word, "and" | "or" | "not" | "in" | "is" | "otherwise" | "invalid" | "each")
}

/// Does something nest behind this word without brackets? `if if a then b else c then`, `list of list of`,
/// `map from text to map`, `match match a {`.
fn nests(word: &str) -> bool {
    matches!(word, "if" | "of" | "map" | "match")
}

/// What stands between a pair of brackets.
#[derive(Default)]
struct Frame {
    /// Words of the current item behind which something nests.
    nests: usize,
    /// Operators of the current item, and the longest chain in the brackets that it holds.
    chain: usize,
    /// The longest chain of the items before.
    longest: usize,
}

impl Frame {
    /// An item ends at a comma or a line's end: the next begins anew.
    fn end_item(&mut self, nesting: &mut usize) {
        self.longest = self.longest.max(self.chain);
        self.chain = 0;
        *nesting -= std::mem::take(&mut self.nests);
    }
}

/// The token at which a chunk goes beyond a limit.
///
/// `joined` says of each token whether it is a line end inside a statement.
pub(super) fn too_deep<'t, 'a>(tokens: &'t [Token<'a>], joined: &[bool]) -> Option<&'t Token<'a>> {
    let mut outer: Vec<Frame> = Vec::new();
    let mut frame = Frame::default();
    let mut nesting = 0;
    for (token, joined) in tokens.iter().zip(joined) {
        // The commonest first, one question after the other: a jump to one of many places is guessed wrongly more often.
        if token.kind == TokenKind::Word {
            if nests(token.text) {
                frame.nests += 1;
                nesting += 1;
            } else if chains(token.text) {
                frame.chain += 1;
            }
        } else if token.kind == TokenKind::Symbol {
            if matches!(token.sign, b'(' | b'[' | b'{') {
                outer.push(std::mem::take(&mut frame));
            } else if matches!(token.sign, b')' | b']' | b'}') {
                if let Some(parent) = outer.pop() {
                    let inner = std::mem::replace(&mut frame, parent);
                    nesting -= inner.nests;
                    frame.chain = frame.chain.max(inner.chain.max(inner.longest)) + 1;
                }
            } else if matches!(token.sign, b',' | b';') {
                frame.end_item(&mut nesting);
            } else {
                frame.chain += 1;
            }
        } else if token.kind == TokenKind::LineEnd {
            if !*joined {
                frame.end_item(&mut nesting);
            }
        } else if token.kind == TokenKind::Text {
            frame.chain = frame.chain.max(usize::from(token.marks) / 2);
        }
        if outer.len() + nesting + usize::from(token.depth) > NESTING_MAX || frame.chain > CHAIN_MAX {
            return Some(token);
        }
    }
    None
}
