//! Makes every `\n` that is left end a statement.
//!
//! In: the chunks of a file. Out: their text, byte for byte as long as it was, in which comments and line ends inside a
//! statement are blanks, and quotes and braces have their partners. What had to be mended is reported.

use std::ops::Range;

use super::{Masked, Reader, depth, pieces};
use crate::faults;
use crate::tokens::{Token, TokenKind};

/// Masks all chunks; those that nest too deeply are reported and left out.
pub(super) fn mask(reader: &Reader<'_>, tokens: &[Token<'_>], chunks: Vec<Range<usize>>) -> Vec<Masked> {
    let mut bytes = reader.text.as_bytes().to_vec();
    let mut ready = Vec::new();
    for chunk in chunks {
        let tokens = tokens.get(chunk).unwrap_or_default();
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { continue };
        let joined = join_lines(reader.text, tokens);
        if let Some(token) = depth::too_deep(tokens, &joined) {
            reader.report(faults::nested_too_deeply(
                reader.token_span(token),
                reader.span(first.start, tokens.get(1).unwrap_or(first).end()),
            ));
            continue;
        }
        let balanced = mask_tokens(reader, tokens, &joined, &mut bytes);
        let missing = if balanced { 0 } else { balance(reader, tokens, &joined, &mut bytes) };
        ready.push((first.start, last.end(), missing, pieces::cuts(tokens, &joined)));
    }
    let masked = String::from_utf8(bytes).unwrap_or_default();
    let build = |(start, end, missing, cuts): (usize, usize, usize, Vec<usize>)| {
        let mut text = masked.get(start..end).unwrap_or_default().to_owned();
        if missing > 0 {
            text.push('\n');
            text.extend(std::iter::repeat_n('}', missing));
        }
        Masked { start, end, text, cuts }
    };
    ready.into_iter().map(build).collect()
}

fn blank(bytes: &mut [u8], range: Range<usize>) {
    if let Some(bytes) = bytes.get_mut(range) {
        bytes.fill(b' ');
    }
}

fn put(bytes: &mut [u8], at: usize, byte: u8) {
    if let Some(place) = bytes.get_mut(at) {
        *place = byte;
    }
}

/// Blanks comments and line ends inside a statement, and makes a readable text of one whose quote is not closed. Has every brace its
/// partner?
fn mask_tokens(reader: &Reader<'_>, tokens: &[Token<'_>], joined: &[bool], bytes: &mut [u8]) -> bool {
    let mut open = 0_usize;
    let mut stray = false;
    for (token, joined) in tokens.iter().zip(joined) {
        if token.sign == b'{' {
            open += 1;
        } else if token.sign == b'}' {
            stray |= open == 0;
            open = open.saturating_sub(1);
        } else if *joined || token.kind == TokenKind::Comment {
            blank(bytes, token.start..token.end());
        } else if !token.closed {
            reader.report(faults::unclosed_quote(reader.token_span(token), token.text));
            blank(bytes, token.start..token.end());
            if token.text.len() == 1 || token.kind == TokenKind::Ticked {
                put(bytes, token.start, b'_');
            } else {
                let quote = if token.kind == TokenKind::Text { b'"' } else { b'\'' };
                put(bytes, token.start, quote);
                put(bytes, token.end() - 1, quote);
            }
        }
    }
    open == 0 && !stray
}

/// Says of each token of a chunk whether it is a line end inside a statement.
pub(super) fn join_lines(text: &str, tokens: &[Token<'_>]) -> Vec<bool> {
    let mut joined = vec![false; tokens.len()];
    let matters = |token: &&Token<'_>| !matches!(token.kind, TokenKind::LineEnd | TokenKind::Comment);
    // The last two tokens that matter.
    let mut before: [Option<&Token<'_>>; 2] = [None, None];
    let mut header = RuleHeader::of(tokens);
    // Where the line begins.
    let mut line = 0;
    // The next token that matters; looked for once for many blank lines and comments in a row.
    let mut next = 0;
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != TokenKind::LineEnd {
            continue;
        }
        let mut ending = tokens.get(line..index).unwrap_or_default().iter().filter(matters);
        if header.open {
            ending.clone().for_each(|token| header.see(token));
        }
        if let Some(last) = ending.next_back() {
            before = [ending.next_back().or(before[1]), Some(last)];
        }
        line = index + 1;
        if next <= index {
            let behind = tokens.get(index + 1..).unwrap_or_default();
            let Some(skip) = behind.iter().position(|token| matters(&token)) else { break };
            next = index + 1 + skip;
        }
        let behind = tokens.get(next..).unwrap_or_default();
        if let Some(mark) = joined.get_mut(index) {
            *mark = may_break_before(before, behind) || header.goes_on(text, before[1], behind);
        }
    }
    joined
}

/// The head of a `rule` may go on behind its parameters, up to its `=`.
struct RuleHeader {
    open: bool,
    brackets: usize,
}

impl RuleHeader {
    fn of(tokens: &[Token<'_>]) -> Self {
        Self { open: tokens.first().is_some_and(|token| token.is("rule")), brackets: 0 }
    }

    fn see(&mut self, token: &Token<'_>) {
        match token.text {
            "(" => self.brackets += 1,
            ")" => self.brackets = self.brackets.saturating_sub(1),
            "=" | "{" if self.brackets == 0 => self.open = false,
            _ => {}
        }
    }

    fn goes_on(&self, text: &str, last: Option<&Token<'_>>, next: &[Token<'_>]) -> bool {
        let indented =
            next.first().is_some_and(|next| text.get(..next.start).is_some_and(|before| before.ends_with([' ', '\t'])));
        let example = next.first().is_some_and(|next| next.is("example"));
        self.open && self.brackets == 0 && indented && !example && last.is_some_and(|last| last.is(")"))
    }
}

/// Does a statement go on if its line ends between these tokens?
pub(crate) fn may_break_before(before: [Option<&Token<'_>>; 2], behind: &[Token<'_>]) -> bool {
    goes_on_after(before) && !assigns(behind) || goes_on_before(behind)
}

/// Does the statement go on behind these two tokens at the end of a line?
fn goes_on_after([second_last, last]: [Option<&Token<'_>>; 2]) -> bool {
    let Some(last) = last else { return false };
    if second_last.is_some_and(|token| token.is(".")) {
        // Behind a dot every word is a name, and `.*` ends a field list.
        return false;
    }
    match last.kind {
        TokenKind::Word => {
            matches!(last.text, "then" | "else" | "otherwise" | "and" | "or" | "in" | "is" | "not")
        }
        TokenKind::Symbol => {
            matches!(
                last.text,
                "+" | "-"
                    | "*"
                    | "/"
                    | "|"
                    | "=="
                    | "!="
                    | "<"
                    | "<="
                    | ">"
                    | ">="
                    | "<-"
                    | "->"
                    | "="
                    | ","
                    | "("
                    | "["
            )
        }
        TokenKind::Ticked
        | TokenKind::Number
        | TokenKind::Text
        | TokenKind::Raw
        | TokenKind::Comment
        | TokenKind::LineEnd
        | TokenKind::Unknown => false,
    }
}

/// Do these tokens begin with `a.b <-`? Such a line is a statement of its own, even below a line that is unfinished.
fn assigns(tokens: &[Token<'_>]) -> bool {
    let mut rest = tokens;
    while let [name, dot, ..] = rest
        && name.is_name()
        && dot.is(".")
    {
        rest = rest.get(2..).unwrap_or_default();
    }
    match rest {
        [name, arrow, ..] if arrow.is("<-") => name.is_name(),
        [name, also, arrow, ..] if also.is("also") && arrow.is("<-") => name.is_name(),
        _ => false,
    }
}

/// Do these tokens at the start of a line continue the line before?
pub(crate) fn goes_on_before(tokens: &[Token<'_>]) -> bool {
    let Some(first) = tokens.first() else { return false };
    let second = tokens.get(1);
    let is = |token: Option<&Token<'_>>, text: &str| token.is_some_and(|token| token.is(text));
    match first.kind {
        TokenKind::Symbol => {
            let blank_behind = second.is_some_and(|second| second.start > first.end());
            matches!(first.text, "|" | "<-" | "==" | "!=" | "<" | "<=" | ">" | ">=" | ")" | "]")
                || matches!(first.text, "+" | "-" | "*" | "/") && blank_behind
        }
        TokenKind::Word => {
            let known = match first.text {
                "and" | "or" | "in" | "is" | "otherwise" | "where" | "when" | "then" | "else" | "take" | "each"
                | "sorted" | "because" => true,
                "not" => is(second, "in"),
                "if" => is(second, "invalid"),
                _ => false,
            };
            let names_a_target = || {
                is(second, "<-") || is(second, "->") || is(second, ".") || is(second, "also") && is(tokens.get(2), "<-")
            };
            known && !names_a_target()
        }
        TokenKind::Ticked
        | TokenKind::Number
        | TokenKind::Text
        | TokenKind::Raw
        | TokenKind::Comment
        | TokenKind::LineEnd
        | TokenKind::Unknown => false,
    }
}

/// A line of a chunk, as far as braces care.
#[derive(Clone, Copy, Default)]
struct Line {
    /// Where its first token stands.
    start: usize,
    /// How far it is indented.
    indent: usize,
}

/// Gives braces their partners where some have none: blanks a `}` too many, puts in those that are missing where the indentation says so, and
/// returns how many are still missing at the end.
fn balance(reader: &Reader<'_>, tokens: &[Token<'_>], joined: &[bool], bytes: &mut [u8]) -> usize {
    let opens = tokens.iter().filter(|token| token.is("{")).count();
    let closes = tokens.iter().filter(|token| token.is("}")).count();
    let mut missing = opens.saturating_sub(closes);
    let mut open: Vec<(&Token<'_>, Line)> = Vec::new();
    let mut line = Line::default();
    let mut first_of_line = true;
    for (index, token) in tokens.iter().enumerate() {
        if token.kind == TokenKind::LineEnd {
            first_of_line = !joined.get(index).copied().unwrap_or_default();
            continue;
        }
        if token.kind == TokenKind::Comment {
            continue;
        }
        if first_of_line {
            first_of_line = false;
            line = Line { start: token.start, indent: indent(reader.text, token.start) };
            if !token.is("}") && missing > 0 {
                missing -= close_before(reader, &mut open, line, missing, bytes);
            }
        }
        if token.is("{") {
            open.push((token, line));
        } else if token.is("}") && open.pop().is_none() {
            reader.report(faults::stray_closing_brace(reader.token_span(token)));
            blank(bytes, token.start..token.end());
        }
    }
    let end = tokens
        .iter()
        .rfind(|token| !matches!(token.kind, TokenKind::LineEnd | TokenKind::Comment))
        .map_or(0, Token::end);
    for (brace, line) in &open {
        let closing = format!("\n{}}}", " ".repeat(line.indent));
        reader.report(faults::missing_closing_brace(reader.token_span(brace), reader.span(end, end), &closing));
    }
    open.len()
}

fn indent(text: &str, start: usize) -> usize {
    let before = text.get(..start).unwrap_or_default();
    before.len() - before.trim_end_matches([' ', '\t']).len()
}

/// Closes the braces whose block cannot reach to a line that is indented no deeper than the line that opened them.
/// Returns how many.
fn close_before(
    reader: &Reader<'_>,
    open: &mut Vec<(&Token<'_>, Line)>,
    line: Line,
    missing: usize,
    bytes: &mut [u8],
) -> usize {
    let reach = |(_, opener): &&(&Token<'_>, Line)| opener.indent >= line.indent;
    let count = open.iter().rev().take_while(reach).count().min(missing);
    // The braces and a line end must find room in the indentation.
    if count == 0 || count + 1 > line.indent {
        return 0;
    }
    let begin = line.start - line.indent;
    for place in begin..begin + count {
        put(bytes, place, b'}');
        let Some((brace, opener)) = open.pop() else { break };
        let closing = format!("{}}}\n", " ".repeat(opener.indent));
        reader.report(faults::missing_closing_brace(reader.token_span(brace), reader.span(begin, begin), &closing));
    }
    put(bytes, begin + count, b'\n');
    count
}
