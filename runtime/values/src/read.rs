//! JSON text to a tree in one pass: what is used becomes part of the tree, the rest is checked and passed over.
//!
//! In: JSON text, and which fields are used. Out: the tree, or that the text is not accepted; `json.rs` then finds out where and why.
//! What is passed over is held to the same rules: a fault in a field that nobody uses is a fault of the text. Never panics.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::json::{DEPTH_MAX, Json, unescaped};
use crate::plan::SourcePlan;

/// Which fields of a record are used. Lists are transparent: what holds of a list holds of each of its elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Everything, to the last leaf.
    all: bool,
    fields: Vec<(String, Used)>,
    /// A bit for each mark of a field's name: a name whose bit is not set is none of them.
    marks: u64,
}

/// Everything is used.
pub(crate) static EVERYTHING: Used = Used { all: true, fields: Vec::new(), marks: 0 };

impl Used {
    /// What a list of paths uses, dots between steps. A path uses everything below it.
    #[must_use]
    pub fn paths(paths: &[&str]) -> Used {
        let mut used = Used::default();
        for path in paths {
            used.add(path);
        }
        used
    }

    /// Everything is used.
    #[must_use]
    pub fn everything() -> Used {
        EVERYTHING.clone()
    }

    /// What a mapping reads of one of its source records, or of a group of them (`grouped by`), which holds them in `rows` beside
    /// their `key`.
    #[must_use]
    pub fn of(source: &SourcePlan) -> Used {
        let mut used = Used::paths(source.select);
        used.add("key");
        for path in source.select {
            used.add(&format!("rows.{path}"));
        }
        used
    }

    fn add(&mut self, path: &str) {
        if self.all {
            return;
        }
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let known = self.fields.iter().position(|(field, _)| field == name).unwrap_or_else(|| {
            self.marks |= 1 << (mark(name) % 64);
            self.fields.push((name.to_owned(), Used::default()));
            self.fields.len() - 1
        });
        let Some((_, below)) = self.fields.get_mut(known) else { return };
        match rest {
            Some(rest) => below.add(rest),
            None => *below = EVERYTHING.clone(),
        }
    }

    fn field(&self, name: &str) -> Option<&Used> {
        if self.all {
            return Some(self);
        }
        if self.marks & (1 << (mark(name) % 64)) == 0 {
            return None;
        }
        self.fields.iter().find(|(field, _)| field == name).map(|(_, used)| used)
    }
}

/// A number that differs for most names that differ.
fn mark(name: &str) -> usize {
    let bytes = name.as_bytes();
    let byte = |at: usize| usize::from(bytes.get(at).copied().unwrap_or_default());
    let length = bytes.len();
    length.wrapping_mul(37)
        ^ byte(0).wrapping_mul(7)
        ^ byte(length / 2).wrapping_mul(101)
        ^ byte(length.wrapping_sub(2))
}

/// The text is not accepted.
pub(crate) struct Refused;

type Read<T> = Result<T, Refused>;

/// Reads one value with blanks around it.
pub(crate) fn read<'r>(text: &'r str, used: &Used) -> Read<Json<'r>> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, names: Vec::new() };
    reader.blanks();
    let json = reader.value(used, DEPTH_MAX)?;
    reader.blanks();
    if reader.at == text.len() { Ok(json) } else { Err(Refused) }
}

struct Reader<'r> {
    text: &'r str,
    bytes: &'r [u8],
    at: usize,
    /// The names so far of the records that are open, the innermost last.
    names: Vec<Cow<'r, str>>,
}

/// So many names of one record are compared with one another; with more they are hashed.
const COMPARED_MAX: usize = 64;

/// The names of one record, each once.
#[derive(Default)]
struct Once<'r> {
    /// Where its names begin on the reader's stack.
    from: usize,
    /// A bit for each mark that a name so far has.
    marks: [u64; 4],
    many: Option<HashSet<Cow<'r, str>>>,
}

impl<'r> Reader<'r> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &[u8]) -> Read<()> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end) != Some(word) {
            return Err(Refused);
        }
        self.at = end;
        Ok(())
    }

    fn value(&mut self, used: &Used, depth: usize) -> Read<Json<'r>> {
        match self.peek() {
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b'{') => self.record(used, depth),
            Some(b'[') => {
                let mut elements = Vec::new();
                self.elements(depth, |reader, depth| {
                    elements.push(reader.value(used, depth)?);
                    Ok(())
                })?;
                Ok(Json::List(elements))
            }
            Some(b'n') => self.word(b"null").map(|()| Json::Null),
            Some(b't') => self.word(b"true").map(|()| Json::Boolean(true)),
            Some(b'f') => self.word(b"false").map(|()| Json::Boolean(false)),
            Some(_) => {
                let from = self.at;
                self.number()?;
                self.text.get(from..self.at).map(|digits| Json::Number(Cow::Borrowed(digits))).ok_or(Refused)
            }
            None => Err(Refused),
        }
    }

    fn pass(&mut self, depth: usize) -> Read<()> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{') => {
                let mut once = Once { from: self.names.len(), ..Once::default() };
                self.members(depth, |reader, name, depth| {
                    reader.note(&mut once, name)?;
                    reader.pass(depth)
                })?;
                self.names.truncate(once.from);
                Ok(())
            }
            Some(b'[') => self.elements(depth, Self::pass),
            Some(b'n') => self.word(b"null"),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(_) => self.number(),
            None => Err(Refused),
        }
    }

    fn record(&mut self, used: &Used, depth: usize) -> Read<Json<'r>> {
        let mut once = Once { from: self.names.len(), ..Once::default() };
        let mut members = Vec::with_capacity(if used.all { 8 } else { used.fields.len() });
        self.members(depth, |reader, name, depth| match used.field(&name) {
            Some(used) => {
                reader.note(&mut once, name.clone())?;
                members.push((name, reader.value(used, depth)?));
                Ok(())
            }
            None => {
                reader.note(&mut once, name)?;
                reader.pass(depth)
            }
        })?;
        self.names.truncate(once.from);
        Ok(Json::Record(members))
    }

    fn elements(&mut self, depth: usize, mut element: impl FnMut(&mut Self, usize) -> Read<()>) -> Read<()> {
        let depth = depth.checked_sub(1).ok_or(Refused)?;
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blanks();
            element(self, depth)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) | None => return Err(Refused),
            }
        }
    }

    fn members(
        &mut self,
        depth: usize,
        mut member: impl FnMut(&mut Self, Cow<'r, str>, usize) -> Read<()>,
    ) -> Read<()> {
        let depth = depth.checked_sub(1).ok_or(Refused)?;
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(Refused);
            }
            let name = self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(Refused);
            }
            self.at += 1;
            self.blanks();
            member(self, name, depth)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) | None => return Err(Refused),
            }
        }
    }

    /// One more name of a record; refused if it has it already.
    fn note(&mut self, once: &mut Once<'r>, name: Cow<'r, str>) -> Read<()> {
        if let Some(many) = &mut once.many {
            return if many.insert(name) { Ok(()) } else { Err(Refused) };
        }
        let mark = mark(&name) % 256;
        let bit = 1_u64 << (mark % 64);
        let marks = once.marks.get_mut(mark / 64).ok_or(Refused)?;
        let earlier = self.names.get(once.from..).unwrap_or_default();
        if *marks & bit != 0 && earlier.contains(&name) {
            return Err(Refused);
        }
        *marks |= bit;
        if earlier.len() == COMPARED_MAX {
            let mut many: HashSet<Cow<'r, str>> = self.names.drain(once.from..).collect();
            many.insert(name);
            once.many = Some(many);
        } else {
            self.names.push(name);
        }
        Ok(())
    }

    /// A string, from its opening quote on.
    fn string(&mut self) -> Read<Cow<'r, str>> {
        let from = self.at + 1;
        self.at = plain(self.bytes, from);
        if self.peek() == Some(b'"') {
            let text = self.text.get(from..self.at).ok_or(Refused)?;
            self.at += 1;
            return Ok(Cow::Borrowed(text));
        }
        while self.peek() == Some(b'\\') {
            self.at = plain(self.bytes, self.at + 2);
        }
        if self.peek() != Some(b'"') {
            return Err(Refused);
        }
        self.at += 1;
        let quoted = self.text.get(from - 1..self.at).ok_or(Refused)?;
        unescaped(quoted).map_err(|_| Refused)
    }

    fn digits(&mut self) -> Read<()> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > from { Ok(()) } else { Err(Refused) }
    }

    fn number(&mut self) -> Read<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(_) | None => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }
}

/// Where, from `at` on, the first quote, backslash or control character stands, or the end: eight bytes at a time.
pub(crate) fn plain(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        // The high bit of a byte is set in the first byte that is zero, or less than a blank; above it there may be false ones.
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * b' ' as u64) & !word);
        let found = found & HIGHS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..b' ')) {
        at += 1;
    }
    at
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
