//! What a node holds, where that stands, and what steps lead to from there.
//!
//! In: part of a picked record, of a borrowed tree or of one that is shared, and steps. Out: what stands there, nothing, or a fault that names the
//! path. It reads no value: that is `node.rs`.

use std::borrow::Cow;
use std::rc::Rc;

use crate::fault::{Fault, Stop};
use crate::json::Json;
use crate::picked::{Below, Held, Spot};
use crate::place::Place;
use crate::step::{Step, names};

/// A tree of records and lists: its top, and where that stands. What a place is called is worked out only when somebody asks, for of most
/// records nobody complains.
#[derive(Clone, Debug)]
pub(crate) struct Tree<'r> {
    pub(crate) top: &'r Json<'r>,
    pub(crate) origin: Origin,
}

#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// It is what the spec calls by that name.
    Root(&'static str),
    /// Worked out already.
    At(Rc<Place>),
}

impl Origin {
    pub(crate) fn named(name: Cow<'static, str>) -> Origin {
        match name {
            Cow::Borrowed(name) => Origin::Root(name),
            Cow::Owned(name) => Origin::At(Place::root(&name)),
        }
    }

    fn place(&self) -> Rc<Place> {
        match self {
            Origin::Root(name) => Place::root(name),
            Origin::At(place) => Rc::clone(place),
        }
    }

    /// The place that steps lead to from here.
    fn below(&self, steps: Vec<Lead<'_>>) -> Rc<Place> {
        let (place, names) =
            steps.into_iter().fold((self.place(), Vec::new()), |(place, mut names), step| match step {
                Lead::Field(name) => {
                    names.push(name);
                    (place, names)
                }
                Lead::Element(number) => (place.field(&names).element(number), Vec::new()),
            });
        place.field(&names)
    }
}

enum Lead<'j> {
    Field(&'j str),
    /// Counted from 1.
    Element(usize),
}

/// Gathers the steps that lead from `at` to `part`, which is known by where it lies in memory.
fn lead_to<'j>(at: &'j Json<'_>, part: &Json<'_>, steps: &mut Vec<Lead<'j>>) -> bool {
    if std::ptr::eq(at, part) {
        return true;
    }
    let mut leads = |step, value| stepped(steps, step, |steps| lead_to(value, part, steps));
    match at {
        Json::Record(members) => members.iter().any(|(name, value)| leads(Lead::Field(name), value)),
        Json::List(elements) => elements.iter().zip(1..).any(|(value, number)| leads(Lead::Element(number), value)),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => false,
    }
}

/// The same in a picked record.
fn lead_to_spot<'r>(at: Spot<'r>, part: Spot<'r>, steps: &mut Vec<Lead<'r>>) -> bool {
    if at.at == part.at {
        return true;
    }
    let mut leads = |step, spot| stepped(steps, step, |steps| lead_to_spot(spot, part, steps));
    at.fields().any(|(name, spot)| leads(Lead::Field(name), spot))
        || at.list().into_iter().flatten().zip(1..).any(|(spot, number)| leads(Lead::Element(number), spot))
}

/// Keeps a step if what is behind it leads to the part.
fn stepped<'j>(steps: &mut Vec<Lead<'j>>, step: Lead<'j>, lead: impl FnOnce(&mut Vec<Lead<'j>>) -> bool) -> bool {
    steps.push(step);
    let leads = lead(steps);
    if !leads {
        steps.pop();
    }
    leads
}

/// Not a `Cow<'r, Json<'r>>`: that would be invariant in `'r`, and a found record could not stand beside a source record.
#[derive(Clone, Debug)]
pub(crate) enum Content<'r> {
    /// Part of a picked record, which the spec calls by that name.
    ///
    /// INVARIANT: the spot is not one that leads to a tree of its own.
    Picked(Spot<'r>, &'static str),
    Borrowed(&'r Json<'r>, Tree<'r>),
    Shared(Rc<Json<'r>>, Origin),
}

impl<'r> Content<'r> {
    /// As a tree, as far as it was read.
    pub(crate) fn json(&self) -> Cow<'_, Json<'r>> {
        match self {
            Content::Picked(spot, _) => Cow::Owned(spot.json()),
            Content::Borrowed(json, _) => Cow::Borrowed(json),
            Content::Shared(json, _) => Cow::Borrowed(json),
        }
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> Rc<Place> {
        let mut steps = Vec::new();
        match self {
            Content::Picked(spot, name) => {
                lead_to_spot(spot.top(), *spot, &mut steps);
                Origin::Root(name).below(steps)
            }
            Content::Borrowed(json, tree) => {
                lead_to(tree.top, json, &mut steps);
                tree.origin.below(steps)
            }
            Content::Shared(_, origin) => origin.place(),
        }
    }

    /// The path that `steps` lead to, for messages.
    pub(crate) fn path(&self, steps: &[Step<'_>]) -> String {
        let place = self.place();
        if steps.is_empty() { place.to_string() } else { format!("{place}.{}", names(steps).join(".")) }
    }

    /// What stands at `steps`; `None` where nothing does.
    pub(crate) fn reach(&self, steps: &[Step<'_>]) -> Result<Option<Reached<'_, 'r>>, Stop> {
        match self {
            Content::Picked(spot, _) => self.walk_spots(*spot, steps),
            Content::Borrowed(json, tree) => {
                Ok(self.walk(json, steps, 0)?.map(|json| Reached::Lasting(json, Some(tree))))
            }
            Content::Shared(json, _) => Ok(self.walk(json, steps, 0)?.map(Reached::Passing)),
        }
    }

    /// Goes from a value that `done` of the steps have led to.
    fn walk<'j>(&self, from: &'j Json<'r>, steps: &[Step<'_>], done: usize) -> Result<Option<&'j Json<'r>>, Stop> {
        let mut at = from;
        for (index, step) in steps.iter().enumerate().skip(done) {
            match at {
                Json::Record(_) => match at.get(step.name()) {
                    Some(next) => at = next,
                    None => return Ok(None),
                },
                Json::Null => return Ok(None),
                Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
                    return Err(self.wrong(steps.get(..index).unwrap_or_default(), at, "a record"));
                }
            }
        }
        Ok(if at.is_null() { None } else { Some(at) })
    }

    fn walk_spots(&self, from: Spot<'r>, steps: &[Step<'_>]) -> Result<Option<Reached<'_, 'r>>, Stop> {
        let mut at = from;
        for (index, step) in steps.iter().enumerate() {
            match at.below(step) {
                Below::Spot(next) => at = next,
                Below::Nothing => return Ok(None),
                Below::Wrong => match at.held() {
                    Held::Whole(json) => {
                        return Ok(self.walk(json, steps, index)?.map(|json| Reached::Lasting(json, None)));
                    }
                    _ => return Err(self.wrong(steps.get(..index).unwrap_or_default(), &at.json(), "a record")),
                },
            }
        }
        Ok(match at.held() {
            Held::Null => None,
            Held::Whole(json) => Some(Reached::Lasting(json, None)),
            Held::Boolean(_) | Held::Number(_) | Held::Text(_) | Held::List | Held::Record => Some(Reached::Picked(at)),
        })
    }

    /// Where the field at `steps` of a picked record is, if all on the way is as it should be.
    #[inline]
    pub(crate) fn spot(&self, steps: &[Step<'_>]) -> Option<Spot<'r>> {
        let Content::Picked(spot, _) = *self else { return None };
        let mut at = spot;
        for step in steps {
            let Below::Spot(next) = at.below(step) else { return None };
            at = next;
        }
        Some(at)
    }

    /// The leaf at `steps` of what lasts. For what is as the catalogue says, which most values are.
    #[inline]
    pub(crate) fn glance(&self, steps: &[Step<'_>]) -> Leaf<'r> {
        match self {
            Content::Picked(..) => self.spot(steps).map_or(Leaf::Other, Leaf::at),
            Content::Borrowed(json, _) => {
                steps.iter().try_fold(*json, |json, step| json.get(step.name())).map_or(Leaf::Other, Leaf::of)
            }
            Content::Shared(..) => Leaf::Other,
        }
    }

    /// A fault of the value at `steps`.
    pub(crate) fn fault(&self, steps: &[Step<'_>], json: &Json<'_>, said: &str) -> Stop {
        let path = self.path(steps);
        let fault = Fault::new(format!("`{path}` {said}")).with_source(path);
        match json {
            Json::Text(text) => fault.with_value(text.as_ref()),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::List(_) | Json::Record(_) => fault.with_value(json),
        }
        .into()
    }

    pub(crate) fn wrong(&self, steps: &[Step<'_>], json: &Json<'_>, expected: &str) -> Stop {
        self.fault(steps, json, &format!("should be {expected}, but is {}", json.kind_name()))
    }

    /// What the spec calls the picked record that this is part of.
    pub(crate) fn root(&self) -> &'static str {
        if let Content::Picked(_, name) = *self { name } else { "" }
    }

    /// The tree that a part belongs to, which is its own where it stands in a picked record.
    pub(crate) fn tree(&self, json: &'r Json<'r>, tree: Option<&Tree<'r>>, steps: &[Step<'_>]) -> Tree<'r> {
        match tree {
            Some(tree) => tree.clone(),
            None => Tree { top: json, origin: Origin::At(self.place().field(&names(steps))) },
        }
    }
}

/// What a path leads to.
pub(crate) enum Reached<'n, 'r> {
    /// Part of a picked record.
    Picked(Spot<'r>),
    /// Part of a borrowed tree; none is named where it stands in a picked record.
    Lasting(&'r Json<'r>, Option<&'n Tree<'r>>),
    /// Part of a tree that the node shares.
    Passing(&'n Json<'r>),
}

/// What a value looks like to who reads a leaf.
pub(crate) enum Leaf<'n> {
    Boolean(bool),
    Number(&'n str),
    Text(&'n str),
    /// A list, a record or nothing.
    Other,
}

impl<'n> Leaf<'n> {
    #[inline]
    fn of(json: &'n Json<'_>) -> Leaf<'n> {
        match json {
            Json::Text(text) => Leaf::Text(text),
            Json::Number(digits) => Leaf::Number(digits),
            Json::Boolean(value) => Leaf::Boolean(*value),
            Json::Null | Json::List(_) | Json::Record(_) => Leaf::Other,
        }
    }

    #[inline(always)]
    fn at(spot: Spot<'n>) -> Leaf<'n> {
        match spot.held() {
            Held::Text(text) => Leaf::Text(text),
            Held::Number(digits) => Leaf::Number(digits),
            Held::Boolean(value) => Leaf::Boolean(value),
            Held::Null | Held::List | Held::Record => Leaf::Other,
            Held::Whole(json) => Leaf::of(json),
        }
    }
}

impl<'n, 'r> Reached<'n, 'r> {
    pub(crate) fn json(&self) -> Cow<'_, Json<'r>> {
        match self {
            Reached::Picked(spot) => Cow::Owned(spot.json()),
            Reached::Lasting(json, _) => Cow::Borrowed(json),
            Reached::Passing(json) => Cow::Borrowed(json),
        }
    }

    pub(crate) fn leaf(&self) -> Leaf<'_> {
        match self {
            Reached::Picked(spot) => Leaf::at(*spot),
            Reached::Lasting(json, _) => Leaf::of(json),
            Reached::Passing(json) => Leaf::of(json),
        }
    }
}
