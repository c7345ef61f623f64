//! Passing over JSON text without keeping any of it.
//!
//! In: bytes of a text and where something begins. Out: where it ends, or `None` if it is not as JSON has it. The bytes are those of a
//! `str`, so that what stands between quotes need not be looked at but for its escapes. Nothing is allocated; never panics.

use crate::json::DEPTH_MAX;

/// The next byte that is no blank.
#[inline]
pub(crate) fn after_blanks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Behind `true`, `false` or `null`.
#[inline]
pub(crate) fn word_end(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Behind a value that nests at most `depth` levels deep.
#[inline]
pub(crate) fn pass(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    match *bytes.get(at)? {
        b'"' => text_end(bytes, at),
        b'{' | b'[' => pass_levels(bytes, at, depth),
        b'n' => word_end(bytes, at, b"null"),
        _ => bare_end(bytes, at),
    }
}

/// Behind what is neither a text nor a list or record.
#[inline]
fn bare_end(bytes: &[u8], at: usize) -> Option<usize> {
    match *bytes.get(at)? {
        b'n' => word_end(bytes, at, b"null"),
        b't' => word_end(bytes, at, b"true"),
        b'f' => word_end(bytes, at, b"false"),
        _ => number_end(bytes, at),
    }
}

#[inline(never)]
fn pass_levels(bytes: &[u8], mut at: usize, depth: usize) -> Option<usize> {
    // A bit for each open level, the innermost last: is it a record?
    const { assert!(DEPTH_MAX <= u64::BITS as usize, "a bit for each level") };
    let mut records = 0_u64;
    let mut levels = 0;
    loop {
        at = match *bytes.get(at)? {
            b'"' => text_end(bytes, at)?,
            bracket @ (b'{' | b'[') => {
                if levels == depth {
                    return None;
                }
                let is_record = bracket == b'{';
                at = after_blanks(bytes, at + 1);
                // The closing bracket stands two behind the opening one in ASCII.
                if bytes.get(at) == Some(&(bracket + 2)) {
                    at + 1
                } else {
                    levels += 1;
                    records = records << 1 | u64::from(is_record);
                    if is_record {
                        at = name_end(bytes, at)?;
                    }
                    continue;
                }
            }
            _ => bare_end(bytes, at)?,
        };
        loop {
            if levels == 0 {
                return Some(at);
            }
            at = after_blanks(bytes, at);
            let is_record = records & 1 == 1;
            match *bytes.get(at)? {
                b',' => {
                    at = after_blanks(bytes, at + 1);
                    if is_record {
                        at = name_end(bytes, at)?;
                    }
                    break;
                }
                b'}' if is_record => {}
                b']' if !is_record => {}
                _ => return None,
            }
            at += 1;
            levels -= 1;
            records >>= 1;
        }
    }
}

/// From a name to the value behind its colon.
#[inline]
fn name_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let at = after_blanks(bytes, text_end(bytes, at)?);
    if bytes.get(at) != Some(&b':') {
        return None;
    }
    Some(after_blanks(bytes, at + 1))
}

/// Behind a text in quotes, from its opening quote on.
#[inline]
pub(crate) fn text_end(bytes: &[u8], at: usize) -> Option<usize> {
    let end = plain(bytes, at + 1);
    if bytes.get(end) == Some(&b'"') { Some(end + 1) } else { escaped_end(bytes, end) }
}

/// The same, from the first byte that stands not for itself on.
#[cold]
#[inline(never)]
fn escaped_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at = plain(bytes, escape_end(bytes, at + 1)?),
            _ => return None,
        }
    }
}

/// Behind an escape, from what follows its backslash on.
fn escape_end(bytes: &[u8], at: usize) -> Option<usize> {
    escape(bytes, at).map(|(_, end)| end)
}

/// The character that an escape stands for, and where it ends, from what follows its backslash on. A surrogate stands in a pair.
fn escape(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let character = match *bytes.get(at)? {
        itself @ (b'"' | b'\\' | b'/') => char::from(itself),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = unit(bytes, at + 1)?;
            if !(0xd800..0xdc00).contains(&first) {
                return Some((char::from_u32(first)?, at + 5));
            }
            let second = at + 5;
            let low = if bytes.get(second..second + 2)? == b"\\u" { unit(bytes, second + 2)? } else { return None };
            let beyond = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
            return Some((char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + beyond)?, second + 6));
        }
        _ => return None,
    };
    Some((character, at + 1))
}

/// What stands between quotes, its escapes replaced.
pub(crate) fn unescaped(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    let mut from = 0;
    loop {
        let at = plain(bytes, from);
        out.push_str(text.get(from..at)?);
        if at == bytes.len() {
            return Some(out);
        }
        let (character, end) = escape(bytes, at + 1)?;
        out.push(character);
        from = end;
    }
}

/// Four hex digits.
fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

#[inline]
fn digits_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > from).then_some(at)
}

/// Behind a number.
#[inline]
pub(crate) fn number_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits_end(bytes, at)? };
    if bytes.get(at) == Some(&b'.') {
        at = digits_end(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = digits_end(bytes, at)?;
    }
    Some(at)
}

/// Where, from `at` on, the first quote, backslash or control character stands, or the end: eight bytes at a time.
#[inline]
pub(crate) fn plain(bytes: &[u8], at: usize) -> usize {
    let (words, rest) = bytes.get(at..).unwrap_or_default().as_chunks::<8>();
    let mut at = at;
    for word in words {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' ')).unwrap_or(rest.len())
}

/// Does a text hold nothing that [`plain`] looks for?
#[inline]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    let word = |eight: &[u8; 8]| special(u64::from_le_bytes(*eight)) == 0;
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        // The two overlap where there are fewer than sixteen.
        (Some(first), Some(last)) if bytes.len() <= 16 => word(first) && word(last),
        _ => plain(bytes, 0) == bytes.len(),
    }
}

/// Not zero if one of eight bytes is a quote, a backslash or a control character; the lowest bit that is set is that of the first one.
/// Beyond it a byte may be marked that is none, for a borrow goes on to the next.
#[inline]
fn special(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // With its second bit turned over, a quote is 0x20, a blank and `!` are more, and a control character stays less.
    let quote_or_control = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    // The high bit of a byte that is one of them is set, and of none in a word without one: bytes beyond ASCII have their own.
    (quote_or_control | backslash) & !word & HIGHS
}
