//! Text to tokens: the shallow view of a file that cutting it into definitions, naming faults and formatting need.
//!
//! In: any text. Out: tokens that cover everything but blanks, in order. It never fails: what is no token of the
//! language becomes [`TokenKind::Unknown`], and a quote without its partner ends with its line.

use pest::unicode::{XID_CONTINUE, XID_START};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A word, keyword or name.
    Word,
    /// A name in backticks.
    Ticked,
    /// Number, date or time of day.
    Number,
    /// `"..."` with everything inside it.
    Text,
    /// `'...'`.
    Raw,
    /// `# ...`
    Comment,
    /// The end of a line.
    LineEnd,
    /// An operator, bracket or comma.
    Symbol,
    /// A character that the language does not know.
    Unknown,
}

/// A token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind,
    /// As it stands in the file.
    pub(crate) text: &'a str,
    /// First byte.
    pub(crate) start: usize,
    /// Are quotes, backticks and the holes of a text closed?
    pub(crate) closed: bool,
    /// A symbol of one character, as that character; else 0. Brackets are asked for at every token.
    pub(crate) sign: u8,
    /// How deep holes, brackets and texts nest inside a text.
    pub(crate) depth: u16,
    /// How many operators and blanks stand in the holes of a text: a bound on the length of its expressions.
    pub(crate) marks: u16,
}

impl<'a> Token<'a> {
    /// A token that is closed and has no holes.
    pub(crate) fn new(kind: TokenKind, text: &'a str, start: usize) -> Self {
        let sign = match text.as_bytes() {
            [sign] if kind == TokenKind::Symbol => *sign,
            _ => 0,
        };
        Self { kind, text, start, closed: true, sign, depth: 0, marks: 0 }
    }
}

impl Token<'_> {
    /// Behind the last byte.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Is it this keyword or symbol?
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, TokenKind::Word | TokenKind::Symbol) && self.text == text
    }

    /// Is it a word or a name in backticks?
    pub(crate) fn is_name(&self) -> bool {
        matches!(self.kind, TokenKind::Word | TokenKind::Ticked)
    }
}

/// Bytes of text for which room is made for one token.
const BYTES_A_TOKEN: usize = 3;

/// All tokens of a text.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::with_capacity(text.len() / BYTES_A_TOKEN);
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while let Some(byte) = text.as_bytes().get(at) {
        if matches!(byte, b' ' | b'\t' | b'\r') {
            at += 1;
            continue;
        }
        let token = first_token(text.get(at..).unwrap_or_default(), at);
        at += token.text.len();
        found.push(token);
    }
    found
}

/// The token at the start of a text that is neither empty nor begins with a blank.
fn first_token(rest: &str, start: usize) -> Token<'_> {
    let plain = |kind, length: usize| Token::new(kind, rest.get(..length).unwrap_or(rest), start);
    let mut bytes = rest.bytes();
    match (bytes.next().unwrap_or(b'\n'), bytes.next()) {
        (b'\n', _) => plain(TokenKind::LineEnd, 1),
        (b'#', _) => plain(TokenKind::Comment, line(rest).trim_end().len()),
        (b'"', _) => text_token(rest, start),
        (b'\'', _) => quoted(rest, start, '\'', TokenKind::Raw),
        (b'`', _) => quoted(rest, start, '`', TokenKind::Ticked),
        (b'0'..=b'9', _) => plain(TokenKind::Number, number_length(rest)),
        (b'a'..=b'z' | b'A'..=b'Z' | b'_', _) => plain(TokenKind::Word, word_length(rest)),
        (b'<', Some(b'-' | b'='))
        | (b'-', Some(b'>'))
        | (b'=' | b'!' | b'>', Some(b'='))
        | (b'.', Some(b'.'))
        | (b'&', Some(b'&'))
        | (b'|', Some(b'|')) => plain(TokenKind::Symbol, 2),
        (
            b'{' | b'}' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b'=' | b'+' | b'-' | b'*' | b'/' | b'|' | b','
            | b'.' | b';' | b'?' | b'!' | b'&' | b':',
            _,
        ) => plain(TokenKind::Symbol, 1),
        _ => {
            let first = rest.chars().next().unwrap_or('\n');
            if XID_START(first) {
                plain(TokenKind::Word, word_length(rest))
            } else {
                plain(TokenKind::Unknown, first.len_utf8())
            }
        }
    }
}

/// Up to the end of the line.
fn line(rest: &str) -> &str {
    rest.split('\n').next().unwrap_or(rest)
}

/// How many bytes at the start of a text may stand within a word.
pub(crate) fn word_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut ascii = 0;
    // Most words end within the first eight bytes, and where they end is no matter for a branch to guess.
    while let Some(eight) = bytes.get(ascii..).and_then(|bytes| bytes.first_chunk()) {
        let length = word_bytes(u64::from_le_bytes(*eight));
        ascii += length;
        if length < 8 {
            break;
        }
    }
    let behind = bytes.get(ascii..).unwrap_or_default();
    if behind.len() < 8 {
        ascii += behind.iter().position(|byte| !is_word_byte(*byte)).unwrap_or(behind.len());
    }
    if bytes.get(ascii).is_none_or(u8::is_ascii) {
        return ascii;
    }
    let behind = rest.get(ascii..).unwrap_or_default();
    ascii + behind.find(|character| !XID_CONTINUE(character)).unwrap_or(behind.len())
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many of eight bytes, the lowest first, stand within a word before one that does not.
fn word_bytes(eight: u64) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    // The high bit of each byte that lies between two letters; no sum of two of seven bits touches the next byte.
    let between = |bytes: u64, first: u8, last: u8| {
        let from = bytes + (0x80 - u64::from(first)) * EACH;
        let beyond = bytes + (0x7f - u64::from(last)) * EACH;
        from & !beyond & HIGH
    };
    let low = eight & !HIGH;
    let lower = low | (0x20 * EACH);
    let word = between(lower, b'a', b'z') | between(low, b'0', b'9') | between(low, b'_', b'_');
    let ends = !(word & !eight) & HIGH;
    (ends.trailing_zeros() / 8) as usize
}

/// Dates and times of day come before numbers.
fn number_length(rest: &str) -> usize {
    let fits = |known: &str| {
        let alike = |(byte, shape): (u8, u8)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
        let ends = || !rest.get(known.len()..).and_then(|behind| behind.chars().next()).is_some_and(XID_CONTINUE);
        rest.len() >= known.len() && rest.bytes().zip(known.bytes()).all(alike) && ends()
    };
    // Few numbers are more than that.
    if let Some(known) = match (rest.as_bytes().get(2), rest.as_bytes().get(4)) {
        (Some(b':'), _) => ["00:00:00", "00:00"].into_iter().find(|known| fits(known)),
        (_, Some(b'-')) => Some("0000-00-00").filter(|known| fits(known)),
        (_, _) => None,
    } {
        return known.len();
    }
    let digits = |from: &str| from.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    let fraction = rest.get(whole..).and_then(|behind| behind.strip_prefix('.')).map_or(0, digits);
    if fraction > 0 { whole + 1 + fraction } else { whole }
}

fn quoted(rest: &str, start: usize, quote: char, kind: TokenKind) -> Token<'_> {
    let line = line(rest);
    let inner = line.get(1..).unwrap_or_default();
    match inner.find(quote) {
        Some(length) => Token::new(kind, line.get(..length + 2).unwrap_or(line), start),
        None => {
            // A name in backticks is taken to end at the first blank.
            let length = if quote == '`' { line.find(char::is_whitespace).unwrap_or(line.len()) } else { line.len() };
            let text = unclosed(line.get(..length).unwrap_or(line));
            Token { closed: false, ..Token::new(kind, text, start) }
        }
    }
}

/// A quote that is never closed ends with its line, but leaves the brace that opens a block outside.
fn unclosed(line: &str) -> &str {
    let line = line.trim_end();
    match line.strip_suffix('{') {
        Some(before) if before.len() > 1 => before.trim_end(),
        _ => line,
    }
}

/// Where the scan of a text stands.
enum Inside {
    Text,
    /// A hole, with the number of its open braces.
    Hole(usize),
}

/// A text without holes and escapes.
fn plain_text(rest: &str) -> Option<&str> {
    let mut behind = rest.as_bytes().iter().skip(1);
    let end = behind.position(|byte| matches!(byte, b'"' | b'{' | b'\\' | b'\n'))?;
    let closed = rest.as_bytes().get(end + 1) == Some(&b'"');
    rest.get(..end + 2).filter(|_| closed)
}

/// A text with its holes, the texts in those holes and so on.
fn text_token(rest: &str, start: usize) -> Token<'_> {
    if let Some(text) = plain_text(rest) {
        let depth = u16::from(text.len() > 2);
        return Token { depth, ..Token::new(TokenKind::Text, text, start) };
    }
    let line = line(rest);
    let mut inside = vec![Inside::Text];
    let mut depth = 0;
    let mut brackets = 0_usize;
    let mut marks = 0_u16;
    let mut characters = line.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match (inside.last_mut(), character) {
            (Some(Inside::Text), '\\') => {
                characters.next();
            }
            (Some(Inside::Text), '"') => {
                inside.pop();
            }
            (Some(Inside::Text), '{') => inside.push(Inside::Hole(1)),
            (Some(Inside::Text) | None, _) => {}
            (Some(Inside::Hole(_)), '"') => inside.push(Inside::Text),
            (Some(Inside::Hole(_)), '\'' | '`') => {
                if !characters.any(|(_, later)| later == character) {
                    break;
                }
            }
            (Some(Inside::Hole(open)), '{') => {
                *open += 1;
                brackets += 1;
            }
            (Some(Inside::Hole(open)), '}') => {
                *open -= 1;
                if *open == 0 {
                    inside.pop();
                } else {
                    brackets = brackets.saturating_sub(1);
                }
            }
            (Some(Inside::Hole(_)), '(' | '[') => brackets += 1,
            (Some(Inside::Hole(_)), ')' | ']') => brackets = brackets.saturating_sub(1),
            (Some(Inside::Hole(_)), _) if character.is_alphanumeric() => {}
            (Some(Inside::Hole(_)), _) => marks = marks.saturating_add(1),
        }
        depth = depth.max(u16::try_from(inside.len() + brackets).unwrap_or(u16::MAX));
        if inside.is_empty() {
            let text = line.get(..=at).unwrap_or(line);
            return Token { depth, marks, ..Token::new(TokenKind::Text, text, start) };
        }
    }
    Token { closed: false, depth, marks, ..Token::new(TokenKind::Text, unclosed(line), start) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_their_last_letter_does() {
        for length in 0..20 {
            let word = "aZ09_".repeat(4).get(..length).unwrap().to_owned();
            assert_eq!(word_length(&word), length);
            for byte in 0..128_u8 {
                let behind = char::from(byte);
                let more = usize::from(behind.is_ascii_alphanumeric() || behind == '_');
                for tail in ["", "-1234567"] {
                    assert_eq!(word_length(&format!("{word}{behind}{tail}")), length + more, "{word}{behind}{tail}");
                }
            }
            assert_eq!(word_length(&format!("{word}ß--------")), length + 2);
            assert_eq!(word_length(&format!("{word}€aaaaaaaa")), length);
        }
    }
}
