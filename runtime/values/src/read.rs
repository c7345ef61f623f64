//! The reader of records: JSON text to a tree, or to the parts of it that are used.
//!
//! In: text, and for a picked record which of its fields are used. Out: the tree or its parts, or that the text is not accepted; `json.rs`
//! then finds out where and why. What is passed over is checked to the last escape and digit; only a name that stands twice there is not
//! looked for, since nothing that is used can depend on it. Never panics.

use std::borrow::Cow;

use hashbrown::HashSet;

use crate::json::{DEPTH_MAX, Json, same};
use crate::picked::{Part, Parts};
use crate::skip::{after_blanks, number_end, pass, plain, text_end, unescaped, word_end};
use crate::used::{Order, Used, mark};

/// The text is not accepted.
pub(crate) struct Refused;

type Read<T> = Result<T, Refused>;

/// Reads one value with blanks around it.
pub(crate) fn read(text: &str) -> Read<Json<'_>> {
    let mut reader = Reader::new(text);
    reader.blanks();
    let json = reader.value(DEPTH_MAX)?;
    reader.end()?;
    Ok(json)
}

/// Reads of one value with blanks around it what is used.
pub(crate) fn pick<'r>(text: &'r str, used: &Used, order: &mut Order, parts: &mut Parts<'r>) -> Read<()> {
    let mut picker = Picker { reader: Reader::new(text), parts, elements: Vec::new() };
    picker.reader.blanks();
    picker.parts.parts.push(Part::ABSENT);
    let top = picker.part(used, order, DEPTH_MAX)?;
    picker.put(0, top);
    picker.reader.end()
}

struct Reader<'r> {
    text: &'r str,
    bytes: &'r [u8],
    at: usize,
}

/// So many names of one record are compared with one another; with more they are hashed.
const COMPARED_MAX: usize = 64;

impl<'r> Reader<'r> {
    fn new(text: &'r str) -> Reader<'r> {
        Reader { text, bytes: text.as_bytes(), at: 0 }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn blanks(&mut self) {
        self.at = after_blanks(self.bytes, self.at);
    }

    /// Nothing but blanks stands behind.
    fn end(&mut self) -> Read<()> {
        self.blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(Refused) }
    }

    /// Goes to where something has ended, if it was whole.
    #[inline]
    fn past(&mut self, end: Option<usize>) -> Read<()> {
        self.at = end.ok_or(Refused)?;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Read<Json<'r>> {
        match self.peek() {
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b'{') => self.record(depth),
            Some(b'[') => self.list(depth),
            Some(b'n') => self.past(word_end(self.bytes, self.at, b"null")).map(|()| Json::Null),
            Some(b't') => self.past(word_end(self.bytes, self.at, b"true")).map(|()| Json::Boolean(true)),
            Some(b'f') => self.past(word_end(self.bytes, self.at, b"false")).map(|()| Json::Boolean(false)),
            Some(_) => {
                let from = self.at;
                self.past(number_end(self.bytes, self.at))?;
                self.text.get(from..self.at).map(|digits| Json::Number(Cow::Borrowed(digits))).ok_or(Refused)
            }
            None => Err(Refused),
        }
    }

    fn list(&mut self, depth: usize) -> Read<Json<'r>> {
        let depth = depth.checked_sub(1).ok_or(Refused)?;
        let mut elements = Vec::new();
        if self.opens_empty(b']') {
            return Ok(Json::List(elements));
        }
        loop {
            self.blanks();
            elements.push(self.value(depth)?);
            if self.ends(b']')? {
                return Ok(Json::List(elements));
            }
        }
    }

    /// Each name stands once.
    fn record(&mut self, depth: usize) -> Read<Json<'r>> {
        let depth = depth.checked_sub(1).ok_or(Refused)?;
        let mut members: Vec<(Cow<'r, str>, Json<'r>)> = Vec::new();
        if self.opens_empty(b'}') {
            return Ok(Json::Record(members));
        }
        // A bit for each mark that a name so far has.
        let mut marks = [0_u64; 4];
        let mut many: Option<HashSet<Cow<'r, str>>> = None;
        loop {
            let name = self.name()?;
            let again = match &mut many {
                Some(many) => !many.insert(name.clone()),
                None => {
                    let mark = mark(name.as_bytes());
                    let bit = 1_u64 << (mark % 64);
                    let marks = marks.get_mut(mark / 64 % 4).ok_or(Refused)?;
                    let met = *marks & bit != 0;
                    *marks |= bit;
                    met && members.iter().any(|(met, _)| *met == name)
                }
            };
            if again {
                return Err(Refused);
            }
            members.push((name, self.value(depth)?));
            if members.len() == COMPARED_MAX {
                many = Some(members.iter().map(|(name, _)| name.clone()).collect());
            }
            if self.ends(b'}')? {
                return Ok(Json::Record(members));
            }
        }
    }

    /// Goes into a list or record; says whether it ends at once.
    fn opens_empty(&mut self, bracket: u8) -> bool {
        self.at += 1;
        self.blanks();
        let empty = self.peek() == Some(bracket);
        self.at += usize::from(empty);
        empty
    }

    /// Goes past a comma, or past the end.
    fn ends(&mut self, bracket: u8) -> Read<bool> {
        self.blanks();
        let ends = match self.peek() {
            Some(b',') => false,
            Some(byte) if byte == bracket => true,
            Some(_) | None => return Err(Refused),
        };
        self.at += 1;
        Ok(ends)
    }

    /// Goes past a name in quotes with its colon, and the blanks behind, if that is what stands here.
    #[inline(always)]
    fn expect(&mut self, text: &[u8]) -> bool {
        let here = self.bytes.get(self.at..self.at + text.len()).is_some_and(|here| same(here, text));
        if here {
            self.at += text.len();
            self.blanks();
        }
        here
    }

    /// A name, its colon, and the blanks around them.
    fn name(&mut self) -> Read<Cow<'r, str>> {
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
        Ok(name)
    }

    /// What stands between quotes, from the opening one on, and whether it holds an escape.
    #[inline]
    fn quoted(&mut self) -> Read<(&'r str, bool)> {
        let from = self.at + 1;
        let end = plain(self.bytes, from);
        let is_plain = self.bytes.get(end) == Some(&b'"');
        let behind = if is_plain { end + 1 } else { text_end(self.bytes, self.at).ok_or(Refused)? };
        self.at = behind;
        Ok((self.text.get(from..behind - 1).ok_or(Refused)?, !is_plain))
    }

    fn string(&mut self) -> Read<Cow<'r, str>> {
        match self.quoted()? {
            (text, false) => Ok(Cow::Borrowed(text)),
            (text, true) => unescaped(text).map(Cow::Owned).ok_or(Refused),
        }
    }
}

/// Puts what is used of a text together.
struct Picker<'r, 'p> {
    reader: Reader<'r>,
    parts: &'p mut Parts<'r>,
    /// Of the lists that are open, what they hold so far.
    elements: Vec<Part>,
}

impl Picker<'_, '_> {
    fn put(&mut self, at: usize, part: Part) {
        if let Some(place) = self.parts.parts.get_mut(at) {
            *place = part;
        }
    }

    /// Inlined where it is asked for, so that a leaf costs no call.
    #[inline(always)]
    fn part(&mut self, used: &Used, order: &mut Order, depth: usize) -> Read<Part> {
        let reader = &mut self.reader;
        let from = reader.at;
        match reader.peek() {
            Some(b'"') => match reader.quoted()? {
                (_, false) => Part::text(from + 1, reader.at - 1),
                (text, true) => self.escaped(text),
            },
            Some(b'{' | b'[') if used.all => self.whole(depth),
            Some(b'{') => self.record(used, order, depth),
            Some(b'[') => self.list(used, order, depth),
            Some(b'n') => reader.past(word_end(reader.bytes, from, b"null")).map(|()| Part::NULL),
            Some(b't') => reader.past(word_end(reader.bytes, from, b"true")).map(|()| Part::TRUE),
            Some(b'f') => reader.past(word_end(reader.bytes, from, b"false")).map(|()| Part::FALSE),
            Some(_) => {
                reader.past(number_end(reader.bytes, from))?;
                Part::number(from, reader.at)
            }
            None => Err(Refused),
        }
    }

    #[cold]
    fn escaped(&mut self, text: &str) -> Read<Part> {
        self.parts.escaped.push(unescaped(text).ok_or(Refused)?);
        Part::escaped(self.parts.escaped.len() - 1)
    }

    #[cold]
    fn whole(&mut self, depth: usize) -> Read<Part> {
        self.parts.wholes.push(self.reader.value(depth)?);
        Part::whole(self.parts.wholes.len() - 1)
    }

    #[inline(never)]
    fn list(&mut self, used: &Used, order: &mut Order, depth: usize) -> Read<Part> {
        let depth = depth.checked_sub(1).ok_or(Refused)?;
        let outer = self.elements.len();
        if !self.reader.opens_empty(b']') {
            loop {
                self.reader.blanks();
                let part = self.part(used, order, depth)?;
                self.elements.push(part);
                if self.reader.ends(b']')? {
                    break;
                }
            }
        }
        let first = self.parts.parts.len();
        self.parts.parts.extend(self.elements.drain(outer..));
        Part::list(first, self.parts.parts.len())
    }

    /// A record of which some fields are used, each once.
    #[inline(never)]
    fn record(&mut self, used: &Used, order: &mut Order, depth: usize) -> Read<Part> {
        let depth = depth.checked_sub(1).ok_or(Refused)?;
        if self.reader.opens_empty(b'}') {
            return Ok(Part::EMPTY);
        }
        let first = self.parts.parts.len();
        let whole = Part::record(first)?;
        self.parts.parts.resize(first + used.count(), Part::ABSENT);
        let (mut guess, mut before) = (order.first(), None);
        let mut is_first = true;
        loop {
            let expected = order.expected(guess);
            let reader = &mut self.reader;
            let mut is_here = !is_first && expected.is_some_and(|expected| reader.expect(expected.text));
            if !is_here {
                if !is_first && reader.ends(b'}')? {
                    return Ok(whole);
                }
                reader.blanks();
                is_here = expected.is_some_and(|expected| reader.expect(expected.text.get(1..).unwrap_or_default()));
            }
            is_first = false;
            let field = match expected {
                Some(expected) if is_here => {
                    before = Some(guess);
                    guess = expected.then;
                    expected.field
                }
                Some(_) | None => {
                    let name = reader.name()?;
                    let field = used.field(name.as_bytes());
                    // One with an escape is not kept: it is not written as it reads.
                    let plain = if let Cow::Borrowed(plain) = name { Some(plain) } else { None };
                    if let Some((number, then)) = plain.and_then(|name| order.came(name, field, before)) {
                        (before, guess) = (Some(number), then);
                    }
                    field
                }
            };
            match field {
                Some(field) => {
                    let field = usize::from(field);
                    let place = first + field;
                    let is_new = self.parts.parts.get(place) == Some(&Part::ABSENT);
                    let (Some(used), Some(order), true) = (used.below(field), order.within(field), is_new) else {
                        return Err(Refused);
                    };
                    let part = self.part(used, order, depth)?;
                    self.put(place, part);
                }
                None => self.reader.past(pass(self.reader.bytes, self.reader.at, depth))?,
            }
        }
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
