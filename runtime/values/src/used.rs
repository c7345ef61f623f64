//! Which fields of a record are used, and in which order they came so far.
//!
//! In: the paths that a mapping reads. Out: of a name, whether it is one of them, and the number of its place. Nothing of a record is kept.

use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashMap;

use crate::json::same;
use crate::plan::SourcePlan;
use crate::step::Step;

/// Which fields of a record are used. Lists are transparent: what holds of a list holds of each of its elements.
///
/// It is asked again and again while a record is mapped, so what is asked stands close together.
#[derive(Clone, Debug, Default)]
pub struct Used {
    /// By which steps know it again; 0 = while it is made. A clone is the same.
    kind: u32,
    /// Everything, to the last leaf.
    pub(crate) all: bool,
    /// The names of the fields, one behind the other.
    names: String,
    /// Where each of them stands in `names`, from and to.
    bounds: Vec<(u16, u16)>,
    /// Which field it is, by the mark of its name; 0 = none, else counted from 1. At least half of it is free.
    places: Vec<u16>,
    /// What is used of each field.
    below: Vec<Used>,
}

/// Everything is used.
const EVERYTHING: Used =
    Used { kind: 0, all: true, names: String::new(), bounds: Vec::new(), places: Vec::new(), below: Vec::new() };

impl Used {
    /// What a list of paths uses, dots between steps. A path uses everything below it.
    #[must_use]
    pub fn paths(paths: &[&'static str]) -> Used {
        let mut used = Used::default();
        for path in paths {
            used.add(path);
        }
        used.numbered()
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
        used.numbered()
    }

    /// Gives each kind of record a number of its own.
    fn numbered(mut self) -> Used {
        static LAST: AtomicU32 = AtomicU32::new(0);
        // When all numbers are given away, the rest goes without.
        let next = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| last.checked_add(1));
        self.kind = next.map_or(0, |last| last.saturating_add(1));
        self.below = self.below.into_iter().map(Used::numbered).collect();
        self
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
        let known = self.field(name.as_bytes()).or_else(|| self.named(name));
        // A record with more fields, or with longer names, than can be told apart is used as a whole.
        let Some(field) = known else { return *self = EVERYTHING };
        let Some(below) = self.below.get_mut(usize::from(field)) else { return };
        match rest {
            Some(rest) => below.add(rest),
            None => *below = EVERYTHING,
        }
    }

    /// Makes a field, if there is room for its name.
    fn named(&mut self, name: &str) -> Option<u16> {
        let field = u16::try_from(self.bounds.len()).ok()?;
        let from = u16::try_from(self.names.len()).ok()?;
        let to = u16::try_from(self.names.len() + name.len()).ok()?;
        self.names.push_str(name);
        self.bounds.push((from, to));
        self.below.push(Used::default());
        self.place();
        Some(field)
    }

    /// Notes where each field stands.
    fn place(&mut self) {
        let mut places = vec![0; (self.bounds.len() * 2).next_power_of_two()];
        let last = places.len() - 1;
        for (field, number) in (0..self.bounds.len()).zip(1..) {
            let mut at = mark(self.name(field).as_bytes());
            while places.get(at & last).is_some_and(|taken| *taken != 0) {
                at = at.wrapping_add(1);
            }
            if let Some(free) = places.get_mut(at & last) {
                *free = number;
            }
        }
        self.places = places;
    }

    /// How many fields are used.
    pub(crate) fn count(&self) -> usize {
        self.bounds.len()
    }

    /// The name of a field.
    pub(crate) fn name(&self, field: usize) -> &str {
        let bounds = self.bounds.get(field).and_then(|(from, to)| self.names.get(usize::from(*from)..usize::from(*to)));
        bounds.unwrap_or_default()
    }

    /// What is used of a field.
    #[inline]
    pub(crate) fn below(&self, field: usize) -> Option<&Used> {
        self.below.get(field)
    }

    /// Which field a step leads to.
    #[inline]
    pub(crate) fn at(&self, step: &Step<'_>) -> Option<u16> {
        step.field(self.kind, |name| self.look_for(name))
    }

    #[cold]
    fn look_for(&self, name: &str) -> Option<u16> {
        self.field(name.as_bytes())
    }

    /// Which field a name is.
    #[inline]
    pub(crate) fn field(&self, name: &[u8]) -> Option<u16> {
        let last = self.places.len().wrapping_sub(1);
        let mut at = mark(name);
        loop {
            let field = self.places.get(at & last)?.checked_sub(1)?;
            let (from, to) = self.bounds.get(usize::from(field))?;
            if same(self.names.as_bytes().get(usize::from(*from)..usize::from(*to))?, name) {
                return Some(field);
            }
            at = at.wrapping_add(1);
        }
    }
}

/// A number that differs for most names that differ.
#[inline]
pub(crate) fn mark(name: &[u8]) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let ends = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29),
        _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
            }
            _ => name.iter().fold(0, |ends, byte| (ends << 8) | u64::from(*byte)),
        },
    };
    let mixed = (ends ^ name.len() as u64).wrapping_mul(ODD);
    (mixed >> 40) as usize
}

/// In which order the names of records came so far. Records of one source mostly have the same names in the same order, and a name that
/// comes where it came before need only be compared. It is gone through with every record, so it stands close together.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The names that came, each in quotes, behind a comma and with its colon: as most records have them.
    texts: Vec<u8>,
    names: Vec<Met>,
    places: HashMap<Box<str>, u16>,
    /// Which came first in the record before.
    first: u16,
    /// The orders within the fields that are used.
    within: Vec<Order>,
}

#[derive(Clone, Copy, Debug)]
struct Met {
    /// Where it stands in `texts`.
    from: u16,
    length: u8,
    /// Which came behind it when it was seen last.
    then: u16,
    /// Which of the fields that are used it is, counted from 1; 0 = none.
    field: u16,
}

/// A name that is expected next.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'o> {
    /// In quotes, behind a comma and with its colon.
    pub(crate) text: &'o [u8],
    /// Which of the fields that are used it is.
    pub(crate) field: Option<u16>,
    pub(crate) then: u16,
}

/// So many names are kept of one kind of record, and each of at most so many bytes.
const MET_MAX: usize = 512;
const MET_BYTES_MAX: usize = 80;

impl Order {
    pub(crate) fn new(used: &Used) -> Order {
        Order { within: used.below.iter().map(Order::new).collect(), ..Order::default() }
    }

    /// Which name came first.
    pub(crate) fn first(&self) -> u16 {
        self.first
    }

    /// The order within a field.
    #[inline]
    pub(crate) fn within(&mut self, field: usize) -> Option<&mut Order> {
        self.within.get_mut(field)
    }

    #[inline]
    pub(crate) fn expected(&self, number: u16) -> Option<Expected<'_>> {
        let met = self.names.get(usize::from(number))?;
        let from = usize::from(met.from);
        let text = self.texts.get(from..from + usize::from(met.length))?;
        Some(Expected { text, field: met.field.checked_sub(1), then: met.then })
    }

    /// Notes that a name came behind another, or as the first one; answers which it is, and which came behind it the last time.
    pub(crate) fn came(&mut self, name: &str, field: Option<u16>, before: Option<u16>) -> Option<(u16, u16)> {
        let number = match self.places.get(name) {
            Some(number) => *number,
            None => self.meet(name, field)?,
        };
        match before.and_then(|before| self.names.get_mut(usize::from(before))) {
            Some(before) => before.then = number,
            None => self.first = number,
        }
        Some((number, self.names.get(usize::from(number)).map_or(0, |met| met.then)))
    }

    /// Keeps a name, if there is room for it.
    fn meet(&mut self, name: &str, field: Option<u16>) -> Option<u16> {
        if self.names.len() == MET_MAX || name.len() > MET_BYTES_MAX {
            return None;
        }
        let text = format!(",\"{name}\":");
        let (number, from) = (u16::try_from(self.names.len()).ok()?, u16::try_from(self.texts.len()).ok()?);
        let length = u8::try_from(text.len()).ok()?;
        self.places.insert(Box::from(name), number);
        self.texts.extend_from_slice(text.as_bytes());
        self.names.push(Met { from, length, then: number + 1, field: field.map_or(0, |field| field + 1) });
        Some(number)
    }
}
