//! A record of which the fields that are used were picked, all of it in one piece of memory.
//!
//! In: a text and what is used of it. Out: a tree of spots, each of which leads to the fields below it by their names. What stands in a
//! place is one word and texts lie where they were read, so that a record is small and stands together; the room for the next one is that of
//! the last.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::sync::Arc;

use crate::json::{Json, Malformed};
use crate::read::{Refused, pick};
use crate::step::Step;
use crate::used::{Order, Used};

/// What stands in one place, in one word: so it is passed on in a register, and eight of them lie in a line of the processor's memory.
///
/// The four lowest bits say what it is, the 28 above them how long, and the upper half where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part(NonZeroU64);

/// What a part says.
#[derive(Clone, Copy)]
enum Says {
    /// The field is not there.
    Absent,
    Null,
    Boolean(bool),
    /// The digits, in the text.
    Number(Range),
    /// What stands between the quotes, in the text.
    Text(Range),
    /// One of the texts with escapes.
    Escaped(u32),
    /// Where the parts of its fields begin, one for each that is used, in order.
    Record(u32),
    /// A record without fields.
    Empty,
    /// The parts of its elements.
    List(Range),
    /// One of the values of which everything is used.
    Whole(u32),
}

#[derive(Clone, Copy)]
struct Range {
    from: u32,
    length: u32,
}

impl Range {
    fn usual(self) -> std::ops::Range<usize> {
        let from = self.from as usize;
        from..from + self.length as usize
    }
}

impl Part {
    pub(crate) const ABSENT: Part = Part::plain(1);
    pub(crate) const NULL: Part = Part::plain(2);
    pub(crate) const TRUE: Part = Part::plain(3);
    pub(crate) const FALSE: Part = Part::plain(4);
    pub(crate) const EMPTY: Part = Part::plain(5);

    const fn plain(tag: u64) -> Part {
        Part(NonZeroU64::MIN.saturating_add(tag - 1))
    }

    #[inline]
    fn ranged(tag: u64, from: usize, to: usize) -> Result<Part, Refused> {
        let (from, length) = (from as u64, (to - from) as u64);
        if from >> 32 != 0 || length >> 28 != 0 {
            return Err(Refused);
        }
        NonZeroU64::new(from << 32 | length << 4 | tag).map(Part).ok_or(Refused)
    }

    /// Digits, from and to in the text. Like all of these it is refused where a part has no room for it.
    #[inline]
    pub(crate) fn number(from: usize, to: usize) -> Result<Part, Refused> {
        Part::ranged(6, from, to)
    }

    /// What stands between quotes, from and to in the text.
    #[inline]
    pub(crate) fn text(from: usize, to: usize) -> Result<Part, Refused> {
        Part::ranged(7, from, to)
    }

    /// A text with escapes, by its number.
    pub(crate) fn escaped(number: usize) -> Result<Part, Refused> {
        Part::ranged(8, number, number)
    }

    /// A record, by its first field.
    pub(crate) fn record(first: usize) -> Result<Part, Refused> {
        Part::ranged(9, first, first)
    }

    /// A list, by its elements, from and to.
    pub(crate) fn list(from: usize, to: usize) -> Result<Part, Refused> {
        Part::ranged(10, from, to)
    }

    /// A value of which everything is used, by its number.
    pub(crate) fn whole(number: usize) -> Result<Part, Refused> {
        Part::ranged(11, number, number)
    }

    #[inline]
    fn says(self) -> Says {
        let word = self.0.get();
        let (from, length) = ((word >> 32) as u32, (word >> 4) as u32 & 0x0fff_ffff);
        match word & 15 {
            2 => Says::Null,
            3 => Says::Boolean(true),
            4 => Says::Boolean(false),
            5 => Says::Empty,
            6 => Says::Number(Range { from, length }),
            7 => Says::Text(Range { from, length }),
            8 => Says::Escaped(from),
            9 => Says::Record(from),
            10 => Says::List(Range { from, length }),
            11 => Says::Whole(from),
            _ => Says::Absent,
        }
    }
}

/// The parts of one record; those that a list or a record holds stand together.
#[derive(Debug, Default)]
pub(crate) struct Parts<'r> {
    /// The first one is the record itself.
    pub(crate) parts: Vec<Part>,
    pub(crate) escaped: Vec<String>,
    pub(crate) wholes: Vec<Json<'r>>,
}

/// A record of which only the fields that are used were read.
#[derive(Debug)]
pub struct Picked<'r> {
    text: &'r str,
    used: Arc<Used>,
    parts: Parts<'r>,
}

/// Reads records of one kind, one after another, and picks of each the fields that are used.
#[derive(Debug)]
pub struct Records {
    used: Arc<Used>,
    order: Order,
    /// To put the next record in.
    room: Vec<Part>,
}

/// Room for more parts is given back.
const ROOM_MAX: usize = 1 << 16;

impl Records {
    /// Records of which these fields are used.
    #[must_use]
    pub fn new(used: Used) -> Records {
        Records { order: Order::new(&used), used: Arc::new(used), room: Vec::new() }
    }

    /// Reads one JSON value; fields that are not used are checked and passed over.
    ///
    /// # Errors
    /// As [`Json::parse`], also for a fault in a field that is not used; but there a name may stand twice.
    pub fn read<'r>(&mut self, text: &'r str) -> Result<Picked<'r>, Malformed> {
        let room = std::mem::take(&mut self.room);
        Picked::read(text, &self.used, &mut self.order, room).or_else(|Refused| {
            // What is too long for parts is no fault.
            let whole = Json::diagnosed(text)?;
            let parts = Parts { parts: Part::whole(0).into_iter().collect(), wholes: vec![whole], ..Parts::default() };
            Ok(Picked { text, used: Arc::clone(&self.used), parts })
        })
    }

    /// Says that a record is done with: the next one is put where it was.
    pub fn reuse(&mut self, picked: Picked<'_>) {
        let room = picked.parts.parts;
        if room.capacity() <= ROOM_MAX {
            self.room = room;
        }
    }
}

/// Where something stands in a picked record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'r> {
    picked: &'r Picked<'r>,
    used: &'r Used,
    pub(crate) at: u32,
}

/// What a spot holds. Lists and records of which everything is used are trees of their own.
pub(crate) enum Held<'r> {
    Null,
    Boolean(bool),
    Number(&'r str),
    Text(&'r str),
    List,
    Record,
    Whole(&'r Json<'r>),
}

/// A step from a spot.
pub(crate) enum Below<'r> {
    Spot(Spot<'r>),
    /// There is nothing.
    Nothing,
    /// This is no record.
    Wrong,
}

impl<'r> Picked<'r> {
    pub(crate) fn read(
        text: &'r str,
        used: &Arc<Used>,
        order: &mut Order,
        mut room: Vec<Part>,
    ) -> Result<Picked<'r>, Refused> {
        room.clear();
        let mut parts = Parts { parts: room, ..Parts::default() };
        pick(text, used, order, &mut parts)?;
        Ok(Picked { text, used: Arc::clone(used), parts })
    }

    /// The record itself.
    pub(crate) fn top(&'r self) -> Spot<'r> {
        Spot { picked: self, used: &self.used, at: 0 }
    }
}

impl<'r> Spot<'r> {
    /// The record that it is part of.
    pub(crate) fn top(self) -> Spot<'r> {
        self.picked.top()
    }

    #[inline]
    fn says(self) -> Says {
        self.picked.parts.parts.get(self.at as usize).map_or(Says::Absent, |part| part.says())
    }

    #[inline]
    fn slice(self, range: Range) -> &'r str {
        self.picked.text.get(range.usual()).unwrap_or_default()
    }

    #[inline(always)]
    pub(crate) fn held(self) -> Held<'r> {
        let parts = &self.picked.parts;
        match self.says() {
            Says::Text(range) => Held::Text(self.slice(range)),
            Says::Number(range) => Held::Number(self.slice(range)),
            Says::Absent | Says::Null => Held::Null,
            Says::Boolean(value) => Held::Boolean(value),
            Says::Record(_) | Says::Empty => Held::Record,
            Says::List(_) => Held::List,
            Says::Escaped(text) => parts.escaped.get(text as usize).map_or(Held::Null, |text| Held::Text(text)),
            Says::Whole(whole) => parts.wholes.get(whole as usize).map_or(Held::Null, Held::Whole),
        }
    }

    /// The field that a step leads to.
    #[inline]
    pub(crate) fn below(self, step: &Step<'_>) -> Below<'r> {
        match self.says() {
            Says::Record(first) => self.used.at(step).map_or(Below::Nothing, |field| {
                let used = self.used.below(usize::from(field)).unwrap_or(self.used);
                Below::Spot(Spot { used, at: first.saturating_add(u32::from(field)), ..self })
            }),
            Says::Absent | Says::Null | Says::Empty => Below::Nothing,
            Says::Boolean(_) | Says::Number(_) | Says::Text(_) | Says::Escaped(_) | Says::List(_) | Says::Whole(_) => {
                Below::Wrong
            }
        }
    }

    #[inline]
    pub(crate) fn is_record(self) -> bool {
        matches!(self.says(), Says::Record(_) | Says::Empty)
    }

    /// The elements of a list.
    #[inline]
    pub(crate) fn list(self) -> Option<Elements<'r>> {
        let Says::List(range) = self.says() else { return None };
        Some(Elements { spot: Spot { at: range.from, ..self }, end: range.from.saturating_add(range.length) })
    }

    /// The fields of a record that are there.
    pub(crate) fn fields(self) -> impl Iterator<Item = (&'r str, Spot<'r>)> {
        let first = if let Says::Record(first) = self.says() { Some(first) } else { None };
        let fields = first.into_iter().flat_map(move |first| (first..).zip(0..self.used.count()));
        let spots = fields.filter_map(move |(at, field)| {
            Some((self.used.name(field), Spot { used: self.used.below(field)?, at, ..self }))
        });
        spots.filter(|(_, spot)| !matches!(spot.says(), Says::Absent))
    }

    /// What stands here as a tree of its own, as far as it was picked.
    pub(crate) fn json(self) -> Json<'r> {
        match self.held() {
            Held::Null => Json::Null,
            Held::Boolean(value) => Json::Boolean(value),
            Held::Number(digits) => Json::Number(Cow::Borrowed(digits)),
            Held::Text(text) => Json::Text(Cow::Borrowed(text)),
            Held::Whole(json) => json.clone(),
            Held::Record => {
                Json::Record(self.fields().map(|(name, spot)| (Cow::Borrowed(name), spot.json())).collect())
            }
            Held::List => Json::List(self.list().into_iter().flatten().map(Spot::json).collect()),
        }
    }
}

/// The elements of a list, one after another.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'r> {
    /// The next one, if there is one.
    spot: Spot<'r>,
    end: u32,
}

impl<'r> Iterator for Elements<'r> {
    type Item = Spot<'r>;

    #[inline]
    fn next(&mut self) -> Option<Spot<'r>> {
        let spot = self.spot;
        if spot.at >= self.end {
            return None;
        }
        self.spot.at += 1;
        Some(spot)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.spot.at) as usize;
        (left, Some(left))
    }
}
