//! A step from a record to one of its fields, as it stands in generated code.
//!
//! In: the field's name. Out: the same, and where it stood in the record that was asked last. A mapping asks its records, which are of one
//! kind, for the same fields at the same places of its code, so that what was found once need not be looked for again.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A field's name, and where it stood last.
pub struct Step<'n> {
    name: &'n str,
    /// The number of a kind of record, and behind it which of its fields the name is; 0 = not known. One word, so that no thread sees half of it.
    stood: AtomicU64,
}

impl<'n> Step<'n> {
    /// The step to the field of that name.
    #[must_use]
    pub const fn new(name: &'n str) -> Step<'n> {
        Step { name, stood: AtomicU64::new(0) }
    }

    /// The field's name.
    #[must_use]
    pub fn name(&self) -> &'n str {
        self.name
    }

    /// Which field it is in records of that kind, of which there is no other of that number.
    #[inline]
    pub(crate) fn field(&self, kind: u32, find: impl FnOnce(&str) -> Option<u16>) -> Option<u16> {
        let stood = self.stood.load(Ordering::Relaxed);
        if stood >> 32 == u64::from(kind) && kind != 0 {
            return Some((stood & 0xffff) as u16);
        }
        let field = find(self.name)?;
        self.stood.store(u64::from(kind) << 32 | u64::from(field), Ordering::Relaxed);
        Some(field)
    }
}

impl fmt::Debug for Step<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(out)
    }
}

/// The names of steps.
pub(crate) fn names<'n>(steps: &[Step<'n>]) -> Vec<&'n str> {
    steps.iter().map(Step::name).collect()
}

/// The steps to a field, by the names on the way.
#[macro_export]
macro_rules! at {
    ($($name:literal),* $(,)?) => {{
        static STEPS: [$crate::Step<'static>; <[&str]>::len(&[$($name),*])] = [$($crate::Step::new($name)),*];
        &STEPS[..]
    }};
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::used::Used;

    #[test]
    fn a_step_is_true_of_each_kind_of_record() {
        let step = Step::new("price");
        let (one, two) = (Used::paths(&["price", "tax"]), Used::paths(&["tax", "price"]));
        for _ in 0..3 {
            assert_eq!((one.at(&step), two.at(&step)), (Some(0), Some(1)));
        }
        assert_eq!((one.at(&Step::new("none")), Used::default().at(&step)), (None, None));
    }

    #[test]
    fn what_was_found_once_is_not_looked_for_again() {
        let step = Step::new("price");
        assert_eq!(step.field(7, |name| (name == "price").then_some(3)), Some(3));
        assert_eq!(step.field(7, |_| panic!("it is known")), Some(3));
        assert_eq!(step.field(0, |_| None), None);
    }
}
