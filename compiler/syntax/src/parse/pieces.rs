//! Reads a long system in pieces.
//!
//! In: the tokens of a definition. Out: where it may be cut between two of its items. A catalogue is one definition of many thousand lines;
//! cut, its parse needs little memory at a time, which is what takes most of the time. What is read, and what is said of it, stays the same.

use super::grammar::Rule;
use super::matcher;
use super::node::{Found, Node, Place};
use super::{Masked, Reader};
use crate::tokens::{Token, TokenKind};
use crate::tree::{Definition, Tree};

/// How long a piece is at least, in bytes.
const PIECE: usize = 16 * 1024;

/// Where a system that is in order is cut: offsets from its start of line ends between items, and last that of its closing brace. Empty for
/// everything else.
pub(super) fn cuts(tokens: &[Token<'_>], joined: &[bool]) -> Vec<usize> {
    let Some(first) = tokens.first().filter(|first| first.is("system")) else { return Vec::new() };
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut closing = None;
    let mut last = 0;
    for (token, joined) in tokens.iter().zip(joined) {
        let at = token.start - first.start;
        match token.kind {
            TokenKind::Symbol if token.sign == b'{' && closing.is_none() => depth += 1,
            TokenKind::Symbol if token.sign == b'}' && closing.is_none() && depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    closing = Some(at);
                }
            }
            TokenKind::LineEnd => {
                if depth == 1 && !joined && at - last >= PIECE {
                    found.push(at);
                    last = at;
                }
            }
            TokenKind::Comment => {}
            TokenKind::Word
            | TokenKind::Ticked
            | TokenKind::Number
            | TokenKind::Text
            | TokenKind::Raw
            | TokenKind::Symbol
            | TokenKind::Unknown => {
                // Something behind the end.
                if closing.is_some() {
                    return Vec::new();
                }
            }
        }
    }
    match closing {
        Some(closing) if !found.is_empty() => {
            found.push(closing);
            found
        }
        Some(_) | None => Vec::new(),
    }
}

impl Reader<'_> {
    /// Reads a chunk in pieces, if it has any and its head can be read.
    pub(super) fn in_pieces(&self, chunk: &Masked, tree: &mut Tree, room: &mut Vec<matcher::Token>) -> bool {
        let (Some(head_end), Some(closing)) = (chunk.cuts.first(), chunk.cuts.last()) else { return false };
        let place = |from: usize, to: usize| Place { file: self.file, base: chunk.start + from, end: chunk.start + to };
        let head = format!("{}}}", chunk.text.get(..*head_end).unwrap_or_default());
        let Some(tokens) = matcher::definitions(&head, std::mem::take(room)) else { return false };
        let found = Found { tokens, chunk: &head, place: place(0, *head_end) };
        let node = Node::all_of(&found).next();
        let Some(node) = node.filter(|node| node.rule() == Rule::system) else { return false };
        let faults_before = self.faults.borrow().len();
        let Some(mut system) = self.system(&node) else { return false };
        *room = found.tokens;
        for (from, to) in chunk.cuts.iter().copied().zip(chunk.cuts.iter().skip(1).copied()) {
            let text = chunk.text.get(from..to).unwrap_or_default();
            let Some(tokens) = matcher::system_items(text, std::mem::take(room)) else {
                // Read as a whole it will be told of.
                self.faults.borrow_mut().truncate(faults_before);
                return false;
            };
            let found = Found { tokens, chunk: text, place: place(from, to) };
            for item in Node::all_of(&found) {
                self.system_item(&item, &mut system);
            }
            *room = found.tokens;
        }
        system.span.end = self.span(chunk.start + closing, chunk.start + closing + 1).end;
        tree.definitions.push(Definition::System(system));
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::span::{FileId, Files};
    use crate::tree::{Definition, System};
    use crate::{Diagnostic, parse};

    fn system(text: &str) -> (System, Vec<Diagnostic>) {
        let (mut tree, faults) = parse(FileId(0), text);
        assert_eq!(tree.definitions.len(), 2);
        assert!(matches!(tree.definitions.pop(), Some(Definition::Setting(_))));
        let Some(Definition::System(system)) = tree.definitions.pop() else { panic!("no system") };
        (system, faults)
    }

    /// A system of many entities, one of which cannot be read, and a line that is no item.
    fn long(entities: usize) -> String {
        let entity = |number: usize| {
            let wrong = if number == entities / 2 { "text(20" } else { "text(20)" };
            format!(
                "  entity e{number} \"Number {number}\" {{\n    id {wrong} key  # the key\n    of list {{ a integer;  b date? }}\n  }}\n"
            )
        };
        let all: String = (0..entities).map(entity).collect();
        format!("system s \"Long\" {{\n  type t = enum(a, b)\n{all}  nonsense here\n}}\n\nsetting a integer = 1\n")
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let text = long(900);
        let mut files = Files::default();
        let file = files.add("a.mapspec", text.as_str());
        assert!(text.len() > 4 * super::PIECE);
        let (system, faults) = system(&text);
        assert_eq!(files.text(system.span), text.split("\n\nsetting").next().unwrap());
        assert_eq!((system.types.len(), system.entities.len()), (1, 900));
        for (number, entity) in system.entities.iter().enumerate() {
            assert_eq!(entity.name.text, format!("e{number}"));
            assert!(files.text(entity.span).starts_with("entity") && files.text(entity.span).ends_with('}'));
            assert_eq!(entity.fields.fields.len(), if number == 450 { 1 } else { 2 });
        }
        let places: Vec<u32> = faults.iter().map(|fault| files.place(crate::Span { file, ..fault.span() }).1).collect();
        assert_eq!(places, [450 * 4 + 4, 900 * 4 + 3]);
    }
}
