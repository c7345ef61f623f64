//! Refuses what nests too deeply, before anything that recurses sees it.

use crate::tokens::{Token, TokenKind};

/// How deep brackets, blocks, texts and `if`s may nest.
const NESTING_MAX: usize = 64;
/// How long a chain of operators, dots and pipes may be.
const CHAIN_MAX: usize = 400;
/// Words that lengthen a chain.
const CHAINING: [&str; 8] = ["and", "or", "not", "in", "is", "otherwise", "invalid", "each"];

/// What stands between a pair of brackets.
#[derive(Default)]
struct Frame {
    /// `if`s of the current item.
    ifs: usize,
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
    let mut ifs = 0;
    for (token, joined) in tokens.iter().zip(joined) {
        match (token.kind, token.text) {
            (TokenKind::Symbol, "(" | "[" | "{") => outer.push(std::mem::take(&mut frame)),
            (TokenKind::Symbol, ")" | "]" | "}") => {
                if let Some(parent) = outer.pop() {
                    let inner = std::mem::replace(&mut frame, parent);
                    ifs -= inner.ifs;
                    frame.chain = frame.chain.max(inner.chain.max(inner.longest)) + 1;
                }
            }
            (TokenKind::LineEnd, _) if *joined => {}
            (TokenKind::Symbol, "," | ";") | (TokenKind::LineEnd, _) => {
                frame.longest = frame.longest.max(frame.chain);
                frame.chain = 0;
                ifs -= std::mem::take(&mut frame.ifs);
            }
            (TokenKind::Word, "if") => {
                frame.ifs += 1;
                ifs += 1;
            }
            (TokenKind::Symbol, _) => frame.chain += 1,
            (TokenKind::Word, word) if CHAINING.contains(&word) => frame.chain += 1,
            (TokenKind::Text, _) => frame.chain = frame.chain.max(token.marks / 2),
            _ => {}
        }
        if outer.len() + ifs + token.depth > NESTING_MAX || frame.chain > CHAIN_MAX {
            return Some(token);
        }
    }
    None
}
