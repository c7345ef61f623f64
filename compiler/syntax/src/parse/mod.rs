//! Text to tree.
//!
//! In: the text of one file. Out: what could be read of it, and a diagnostic for everything that could not. It never
//! fails: a line that cannot be read is left out, and hides nothing else. pest's `Rule` is seen in this folder only.

mod catalogue;
mod chunks;
mod definitions;
mod depth;
mod expression;
mod flow;
mod lines;
mod mapping;
mod matcher;
mod node;
mod pieces;
mod recovery;
mod slips;

use std::cell::RefCell;
use std::collections::BTreeSet;

use memchr::memchr_iter;

use crate::diagnostic::{Diagnostic, Severity};
use crate::faults;
use crate::span::{FileId, Span};
use crate::tokens::{Token, TokenKind, tokens};
use crate::tree::{Comment, Tree};
use node::{Found, Node, Place};

/// The parser that pest makes of the grammar: it knows what was expected where a line cannot be read.
mod grammar {
    /// The grammar.
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar.pest"]
    pub(super) struct Grammar;
}
pub(crate) use lines::{goes_on_before, may_break_before};
pub use slips::RESERVED;

/// The largest file that is read, in bytes: spans count in 32 bits.
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Reads a file.
///
/// The tree holds every definition and statement that could be read. The diagnostics come in the order of the file.
#[must_use]
pub fn parse(file: FileId, text: &str) -> (Tree, Vec<Diagnostic>) {
    if text.len() > FILE_BYTES_MAX {
        return (Tree::default(), vec![faults::file_too_large(Span { file, start: 0, end: 0 })]);
    }
    if let Some(at) = lone_carriage_return(text) {
        let span = Span { file, start: at, end: at + 1 };
        return (Tree::default(), vec![faults::lone_carriage_return(span)]);
    }
    let tokens = tokens(text);
    let reader = Reader { file, text, faults: RefCell::default(), structural: RefCell::default() };
    let mut tree = Tree { definitions: Vec::new(), comments: comments(file, text, &tokens) };
    let chunks = chunks::cut(text, &tokens);
    let masked = lines::mask(&reader, &tokens, chunks);
    let mut room = Vec::new();
    for chunk in &masked {
        reader.chunk(chunk, &mut tree, &mut room);
    }
    let mut faults = reader.faults.into_inner();
    faults.sort_by_key(|fault| (fault.span().start, fault.span().end));
    faults.dedup();
    (tree, faults)
}

/// A line end of old, behind which a comment would swallow the lines that an editor shows. The file is small enough.
fn lone_carriage_return(text: &str) -> Option<u32> {
    let bytes = text.as_bytes();
    let lone = |at: &usize| bytes.get(at + 1).is_some_and(|next| !matches!(next, b'\n' | b'\r'));
    let at = memchr_iter(b'\r', bytes).find(lone)?;
    u32::try_from(at).ok()
}

/// Says of each token of a file whether it is a line end inside a statement.
pub(crate) fn joined_lines(text: &str, tokens: &[Token<'_>]) -> Vec<bool> {
    let mut joined = vec![false; tokens.len()];
    for chunk in chunks::cut(text, tokens) {
        let found = lines::join_lines(text, tokens.get(chunk.clone()).unwrap_or_default());
        if let Some(marks) = joined.get_mut(chunk) {
            marks.copy_from_slice(&found);
        }
    }
    joined
}

/// A definition, ready to be matched.
struct Masked {
    /// Where it begins in the file.
    start: usize,
    /// Where it ends in the file; behind that stand only braces that were missing.
    end: usize,
    /// The text with comments and inner line ends blanked, byte for byte as long as the original.
    text: String,
    /// Where a long system is cut into pieces (`pieces.rs`); empty if it is read as a whole.
    cuts: Vec<usize>,
}

/// What the building of nodes needs to know, and the faults that it finds.
struct Reader<'a> {
    file: FileId,
    text: &'a str,
    faults: RefCell<Vec<Diagnostic>>,
    /// Where quotes and braces are at fault.
    structural: RefCell<BTreeSet<u32>>,
}

impl Reader<'_> {
    #[cold]
    fn report(&self, fault: Diagnostic) {
        if [faults::UNCLOSED_QUOTE, faults::STRAY_CLOSING_BRACE].contains(&fault.code)
            && fault.severity == Severity::Error
        {
            self.structural.borrow_mut().insert(fault.span().start);
        }
        self.faults.borrow_mut().push(fault);
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file: self.file, start: narrow(start), end: narrow(end) }
    }

    fn token_span(&self, token: &Token<'_>) -> Span {
        self.span(token.start, token.end())
    }

    /// Reads one chunk into the tree. `room` is what the chunk before was found in.
    fn chunk(&self, chunk: &Masked, tree: &mut Tree, room: &mut Vec<matcher::Token>) {
        if self.in_pieces(chunk, tree, room) {
            return;
        }
        let place = Place { file: self.file, base: chunk.start, end: chunk.end };
        match matcher::definitions(&chunk.text, std::mem::take(room)) {
            Some(tokens) => {
                let found = Found { tokens, chunk: &chunk.text, place };
                for node in Node::all_of(&found) {
                    self.definition(&node, tree);
                }
                *room = found.tokens;
            }
            // The rule takes any text: one that it does not take is a fault of ours.
            None => {
                let head = self.span(chunk.start, chunk.end.min(chunk.start + 1));
                self.report(faults::nested_too_deeply(head, head));
            }
        }
    }
}

fn comments(file: FileId, text: &str, tokens: &[Token<'_>]) -> Vec<Comment> {
    let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let is_comment = |token: &&Token<'_>| token.kind == TokenKind::Comment;
    let build = |token: &Token<'_>| {
        let line = text.get(..token.start).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        let own_line = line.trim_start_matches('\u{feff}').trim().is_empty();
        let span = Span { file, start: narrow(token.start), end: narrow(token.end()) };
        Comment { text: token.text.to_owned(), span, own_line }
    };
    tokens.iter().filter(is_comment).map(build).collect()
}
