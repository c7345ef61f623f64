//! Refuses what nests too deeply, before anything that recurses sees it.

use crate::tokens::{Token, TokenKind};

/// How deep brackets, blocks, texts, `if`s, types and `match`es may nest.
const NESTING_MAX: usize = 64;
/// How long a chain of operators, dots and pipes may be.
const CHAIN_MAX: usize = 400;
/// Words that lengthen a chain.
const CHAINING: [&str; 8] = ["and", "or", "not", "in", "is", "otherwise", "invalid", "each"];

/// Words behind which something nests without brackets: `if if a then b else c then`, `list of list of`, `map from text to map`, `match match a {`.
const NESTING: [&str; 4] = ["if", "of", "map", "match"];

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

/// The token at which a chunk goes beyond a limit.
///
/// `joined` says of each token whether it is a line end inside a statement.
pub(super) fn too_deep<'t, 'a>(tokens: &'t [Token<'a>], joined: &[bool]) -> Option<&'t Token<'a>> {
    let mut outer: Vec<Frame> = Vec::new();
    let mut frame = Frame::default();
    let mut nests = 0;
    for (token, joined) in tokens.iter().zip(joined) {
        match (token.kind, token.text) {
            (TokenKind::Symbol, "(" | "[" | "{") => outer.push(std::mem::take(&mut frame)),
            (TokenKind::Symbol, ")" | "]" | "}") => {
                if let Some(parent) = outer.pop() {
                    let inner = std::mem::replace(&mut frame, parent);
                    nests -= inner.nests;
                    frame.chain = frame.chain.max(inner.chain.max(inner.longest)) + 1;
                }
            }
            (TokenKind::LineEnd, _) if *joined => {}
            (TokenKind::Symbol, "," | ";") | (TokenKind::LineEnd, _) => {
                frame.longest = frame.longest.max(frame.chain);
                frame.chain = 0;
                nests -= std::mem::take(&mut frame.nests);
            }
            (TokenKind::Word, word) if NESTING.contains(&word) => {
                frame.nests += 1;
                nests += 1;
            }
            (TokenKind::Symbol, _) => frame.chain += 1,
            (TokenKind::Word, word) if CHAINING.contains(&word) => frame.chain += 1,
            (TokenKind::Text, _) => frame.chain = frame.chain.max(token.marks as usize / 2),
            _ => {}
        }
        if outer.len() + nests + usize::from(token.depth) > NESTING_MAX || frame.chain > CHAIN_MAX {
            return Some(token);
        }
    }
    None
}
