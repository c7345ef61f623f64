//! JSON text to a tree in one pass: what is used becomes part of the tree, the rest is checked and passed over.
//!
//! In: JSON text, and which fields are used. Out: the tree, or that the text is not accepted; `json.rs` then finds out where and why.
//! What is passed over is checked to the last escape and digit; only a name that stands twice there is not looked for, since nothing
//! that is used can depend on it. Never panics.

use std::borrow::Cow;

use hashbrown::{HashMap, HashSet};

use crate::json::{DEPTH_MAX, Json, same};
use crate::plan::SourcePlan;
use crate::skip::{after_blanks, number_end, pass, plain, text_end, unescaped, word_end};
use crate::spare::{elements, fields};

/// Which fields of a record are used. Lists are transparent: what holds of a list holds of each of its elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Everything, to the last leaf.
    all: bool,
    fields: Vec<(&'static str, Used)>,
    /// Where a field stands in `fields`, by the mark of its name; 0 = nowhere, else counted from 1. At least half of it is free.
    places: Vec<u16>,
}

/// Everything is used.
pub(crate) static EVERYTHING: Used = Used { all: true, fields: Vec::new(), places: Vec::new() };

impl Used {
    /// What a list of paths uses, dots between steps. A path uses everything below it.
    #[must_use]
    pub fn paths(paths: &[&'static str]) -> Used {
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
            used.add_below("rows", Some(path));
        }
        used
    }

    fn add(&mut self, path: &'static str) {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        self.add_below(name, rest);
    }

    /// Adds a field, or what a path leads to below it.
    fn add_below(&mut self, name: &'static str, rest: Option<&'static str>) {
        if self.all {
            return;
        }
        let known = self.fields.iter().position(|(field, _)| *field == name).unwrap_or_else(|| {
            self.fields.push((name, Used::default()));
            self.place();
            self.fields.len() - 1
        });
        let Some((_, below)) = self.fields.get_mut(known) else { return };
        match rest {
            Some(rest) => below.add(rest),
            None => *below = EVERYTHING.clone(),
        }
    }

    /// Notes where each field stands.
    fn place(&mut self) {
        let mut places = vec![0; (self.fields.len() * 4).next_power_of_two()];
        let last = places.len() - 1;
        for ((name, _), number) in self.fields.iter().zip(1..) {
            let mut at = mark(name.as_bytes());
            while places.get(at & last).is_some_and(|taken| *taken != 0) {
                at = at.wrapping_add(1);
            }
            if let Some(free) = places.get_mut(at & last) {
                *free = number;
            }
        }
        self.places = places;
    }

    /// Where a field stands.
    fn field(&self, name: &[u8]) -> Option<usize> {
        let last = self.places.len().wrapping_sub(1);
        let mut at = mark(name);
        loop {
            let number = *self.places.get(at & last)?;
            let place = usize::from(number).checked_sub(1)?;
            if self.fields.get(place)?.0.as_bytes() == name {
                return Some(place);
            }
            at = at.wrapping_add(1);
        }
    }
}

/// A number that differs for most names that differ.
fn mark(name: &[u8]) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let ends = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29),
        _ => name.iter().fold(0, |ends, byte| (ends << 8) | u64::from(*byte)),
    };
    let mixed = (ends ^ name.len() as u64).wrapping_mul(ODD);
    (mixed >> 40) as usize
}

/// In which order the names of records came so far. Records of one source mostly have the same names in the same order, and a name that
/// comes where it came before need only be compared.
#[derive(Debug, Default)]
pub(crate) struct Order {
    names: Vec<Met>,
    places: HashMap<Box<str>, usize>,
    /// Which came first in the record before.
    first: usize,
    /// The orders within the fields that are used.
    within: Vec<Order>,
}

#[derive(Debug)]
struct Met {
    /// In quotes, behind a comma and with its colon: as most records have it.
    text: Box<[u8]>,
    /// Where it stands among the fields that are used, if it is one of them.
    field: Option<usize>,
    /// Which came behind it when it was seen last.
    then: usize,
}

/// So many names are kept of one kind of record, and each of at most so many bytes.
const MET_MAX: usize = 512;
const MET_BYTES_MAX: usize = 80;

impl Order {
    pub(crate) fn new(used: &Used) -> Order {
        let within = used.fields.iter().map(|(_, used)| Order::new(used)).collect();
        Order { within, ..Order::default() }
    }

    /// Where a name stands, which is kept from now on.
    fn place(&mut self, name: &str, field: Option<usize>) -> Option<usize> {
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        if self.names.len() == MET_MAX || name.len() > MET_BYTES_MAX {
            return None;
        }
        let place = self.names.len();
        self.places.insert(Box::from(name), place);
        let text = format!(",\"{name}\":").into_bytes().into_boxed_slice();
        self.names.push(Met { text, field, then: place + 1 });
        Some(place)
    }
}

/// The text is not accepted.
pub(crate) struct Refused;

type Read<T> = Result<T, Refused>;

/// Reads one value with blanks around it.
pub(crate) fn read<'r>(text: &'r str, used: &Used, order: &mut Order) -> Read<Json<'r>> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0 };
    reader.blanks();
    let json = reader.value(used, order, DEPTH_MAX)?;
    reader.blanks();
    if reader.at == text.len() { Ok(json) } else { Err(Refused) }
}

struct Reader<'r> {
    text: &'r str,
    bytes: &'r [u8],
    at: usize,
}

/// So many names of one record are compared with one another; with more they are hashed.
const COMPARED_MAX: usize = 64;

impl<'r> Reader<'r> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        self.at = after_blanks(self.bytes, self.at);
    }

    /// Goes to where something has ended, if it was whole.
    fn past(&mut self, end: Option<usize>) -> Read<()> {
        self.at = end.ok_or(Refused)?;
        Ok(())
    }

    fn value(&mut self, used: &Used, order: &mut Order, depth: usize) -> Read<Json<'r>> {
        match self.peek() {
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b'{') if used.all => self.whole(depth),
            Some(b'{') => self.record(used, order, depth),
            Some(b'[') => self.list(used, order, depth),
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

    fn list(&mut self, used: &Used, order: &mut Order, depth: usize) -> Read<Json<'r>> {
        let depth = depth.checked_sub(1).ok_or(Refused)?;
        if self.opens_empty(b']') {
            return Ok(Json::List(Vec::new()));
        }
        let mut elements = elements();
        loop {
            self.blanks();
            elements.push(self.value(used, order, depth)?);
            if self.ends(b']')? {
                return Ok(Json::List(elements));
            }
        }
    }

    /// A record of which some fields are used, each once. They get their names from what names them, where a mapping has them at hand; to
    /// look where they stand in the text would be to wait for it.
    fn record(&mut self, used: &Used, order: &mut Order, depth: usize) -> Read<Json<'r>> {
        let depth = depth.checked_sub(1).ok_or(Refused)?;
        if self.opens_empty(b'}') {
            return Ok(Json::Record(Vec::new()));
        }
        let mut members = fields(used.fields.len());
        let mut met = 0_u64;
        let (mut guess, mut before) = (order.first, None);
        let mut is_first = true;
        loop {
            let expected = order.names.get(guess).map(|expected| (&*expected.text, expected.then, expected.field));
            let mut is_here = !is_first && expected.is_some_and(|(text, ..)| self.expect(text));
            if !is_here {
                if !is_first && self.ends(b'}')? {
                    return Ok(Json::Record(members));
                }
                self.blanks();
                is_here = expected.is_some_and(|(text, ..)| self.expect(text.get(1..).unwrap_or_default()));
            }
            is_first = false;
            let field = match expected {
                Some((_, then, field)) if is_here => {
                    before = Some(guess);
                    guess = then;
                    field
                }
                Some(_) | None => {
                    let name = self.name()?;
                    let field = used.field(name.as_bytes());
                    // One with an escape is not kept: it is not written as it reads.
                    let plain = if let Cow::Borrowed(plain) = name { Some(plain) } else { None };
                    if let Some(place) = plain.and_then(|name| order.place(name, field)) {
                        match before.and_then(|before: usize| order.names.get_mut(before)) {
                            Some(before) => before.then = place,
                            None => order.first = place,
                        }
                        before = Some(place);
                        guess = order.names.get(place).map_or(0, |met| met.then);
                    }
                    field
                }
            };
            let below = field.and_then(|field| Some((field, used.fields.get(field)?, order.within.get_mut(field)?)));
            match below {
                Some((field, (name, used), order)) => {
                    let bit = 1_u64.checked_shl(u32::try_from(field).unwrap_or(u32::MAX)).unwrap_or_default();
                    let again = if bit == 0 { members.iter().any(|(met, _)| met == name) } else { met & bit != 0 };
                    if again {
                        return Err(Refused);
                    }
                    met |= bit;
                    members.push((Cow::Borrowed(*name), self.value(used, order, depth)?));
                }
                None => self.past(pass(self.bytes, self.at, depth))?,
            }
        }
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

    /// A record of which everything is used; each name stands once.
    fn whole(&mut self, depth: usize) -> Read<Json<'r>> {
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
            members.push((name, self.value(&EVERYTHING, &mut Order::default(), depth)?));
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

    /// A string, from its opening quote on.
    fn string(&mut self) -> Read<Cow<'r, str>> {
        let from = self.at + 1;
        let end = plain(self.bytes, from);
        if self.bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return self.text.get(from..end).map(Cow::Borrowed).ok_or(Refused);
        }
        let at = self.at;
        self.past(text_end(self.bytes, at))?;
        let escaped = self.text.get(from..self.at - 1).ok_or(Refused)?;
        unescaped(escaped).map(Cow::Owned).ok_or(Refused)
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
