//! Where a value stands in its record, for messages.
//!
//! In: the name of a root, and steps from it. Out: a path as people write it, `order.lineItems[2].label`. It reads nothing.

use std::fmt;
use std::rc::Rc;

/// Where a node stands: a named root and the steps that lead from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    parent: Option<Rc<Place>>,
    step: PlaceStep,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PlaceStep {
    /// One or several field names, joined by dots.
    Path(Box<str>),
    /// Counted from 1.
    Element(usize),
}

impl Place {
    /// A root: the name that the spec gives the record.
    #[must_use]
    pub fn root(name: &str) -> Rc<Place> {
        Rc::new(Place { parent: None, step: PlaceStep::Path(name.into()) })
    }

    /// The place that `steps` lead to.
    #[must_use]
    pub fn field(self: &Rc<Self>, steps: &[&str]) -> Rc<Place> {
        if steps.is_empty() {
            return Rc::clone(self);
        }
        Rc::new(Place { parent: Some(Rc::clone(self)), step: PlaceStep::Path(steps.join(".").into()) })
    }

    /// An element, counted from 1.
    #[must_use]
    pub fn element(self: &Rc<Self>, number: usize) -> Rc<Place> {
        Rc::new(Place { parent: Some(Rc::clone(self)), step: PlaceStep::Element(number) })
    }
}

/// `order.lineItems[2].label`.
impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = &self.parent {
            write!(out, "{parent}")?;
        }
        match (&self.step, &self.parent) {
            (PlaceStep::Path(path), Some(_)) => write!(out, ".{path}"),
            (PlaceStep::Path(path), None) => out.write_str(path),
            (PlaceStep::Element(number), Some(_) | None) => write!(out, "[{number}]"),
        }
    }
}
