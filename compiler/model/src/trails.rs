//! Paths as they are walked, by number.
//!
//! In: steps (wire names), one after the other. Out: a number for each path. Whoever follows records through a mapping goes to the same
//! fields again and again; a path is made of texts only when it is told.

use foldhash::{HashMap, HashMapExt};

/// A path, by number. The same path has the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Trail(u32);

impl Trail {
    /// The path without a step.
    pub(crate) const START: Self = Self(0);
}

/// All paths that were walked.
#[derive(Debug)]
pub(crate) struct Trails<'m> {
    /// Where each path but the first comes from, and its last step.
    steps: Vec<(Trail, &'m str)>,
    known: HashMap<(Trail, &'m str), Trail>,
}

impl<'m> Trails<'m> {
    pub(crate) fn new() -> Self {
        Self { steps: vec![(Trail::START, "")], known: HashMap::new() }
    }

    /// One step further.
    pub(crate) fn step(&mut self, from: Trail, step: &'m str) -> Trail {
        let next = Trail(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        let found = *self.known.entry((from, step)).or_insert(next);
        if found == next {
            self.steps.push((from, step));
        }
        found
    }

    /// Several steps further.
    pub(crate) fn walk(&mut self, from: Trail, steps: impl IntoIterator<Item = &'m str>) -> Trail {
        steps.into_iter().fold(from, |at, step| self.step(at, step))
    }

    /// What a path comes from; nothing comes before the start.
    pub(crate) fn before(&self, trail: Trail) -> Option<Trail> {
        let (before, _) = self.steps.get(trail.0 as usize).filter(|_| trail != Trail::START)?;
        Some(*before)
    }

    /// Everything that a path comes from, the nearest first.
    pub(crate) fn above(&self, trail: Trail) -> impl Iterator<Item = Trail> {
        std::iter::successors(self.before(trail), |above| self.before(*above))
    }

    /// The steps of a path.
    pub(crate) fn path(&self, trail: Trail) -> Vec<String> {
        let all = || std::iter::once(trail).chain(self.above(trail)).filter(|at| *at != Trail::START);
        let mut steps = Vec::with_capacity(all().count());
        steps.extend(all().filter_map(|at| self.steps.get(at.0 as usize)).map(|(_, step)| (*step).to_owned()));
        steps.reverse();
        steps
    }

    /// The steps of a path, dots between them.
    pub(crate) fn dotted(&self, trail: Trail) -> String {
        match self.steps.get(trail.0 as usize) {
            Some((before, step)) if *before == Trail::START => (*step).to_owned(),
            Some(_) | None => self.path(trail).join("."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_number_and_its_steps() {
        let mut trails = Trails::new();
        let one = trails.walk(Trail::START, ["a", "b"]);
        let other = trails.walk(Trail::START, ["b", "a"]);
        assert_eq!(trails.walk(Trail::START, ["a", "b"]), one);
        assert_ne!(one, other);
        assert_eq!(trails.path(one), ["a", "b"]);
        assert_eq!(trails.path(Trail::START), Vec::<String>::new());
        assert_eq!((trails.dotted(one).as_str(), trails.dotted(other).as_str()), ("a.b", "b.a"));
        assert_eq!(trails.dotted(Trail::START), "");
        let a = trails.step(Trail::START, "a");
        assert_eq!(trails.dotted(a), "a");
        assert_eq!(trails.above(one).collect::<Vec<_>>(), [a, Trail::START]);
        assert_eq!(trails.before(Trail::START), None);
    }
}
