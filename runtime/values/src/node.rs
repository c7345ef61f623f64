//! A record value, or an element of a list, that knows where it came from.
//!
//! In: steps into the record. Out: the typed value there, `None` where it is missing or null, or a fault that names path, value and
//! what the catalogue expects. Nothing is read before it is used, so a field that no line uses cannot reject a record.

use std::borrow::Cow;
use std::rc::Rc;

use crate::decimal::Decimal;
use crate::fault::{Fault, Stop};
use crate::json::Json;
use crate::names::closest;
use crate::picked::{Below, Elements, Held, Picked, Spot};
pub use crate::place::Place;
use crate::step::{Step, names};
use crate::time::{Date, Instant, Time, Uuid, parse_date, parse_instant, parse_time};

/// A tree of records and lists: its top, and where that stands. What a place is called is worked out only when somebody asks, for of most
/// records nobody complains.
#[derive(Clone, Debug)]
struct Tree<'r> {
    top: &'r Json<'r>,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Origin {
    /// It is what the spec calls by that name.
    Root(&'static str),
    /// Worked out already.
    At(Rc<Place>),
}

impl Origin {
    fn named(name: Cow<'static, str>) -> Origin {
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

/// A record, list element or leaf with its place. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Node<'r>(Content<'r>);

/// Not a `Cow<'r, Json<'r>>`: that would be invariant in `'r`, and a found record could not stand beside a source record.
#[derive(Clone, Debug)]
enum Content<'r> {
    /// Part of a picked record, which the spec calls by that name.
    ///
    /// INVARIANT: the spot is not one that leads to a tree of its own.
    Picked(Spot<'r>, &'static str),
    Borrowed(&'r Json<'r>, Tree<'r>),
    Shared(Rc<Json<'r>>, Origin),
}

/// Two nodes are equal when what they hold is; where they stand does not matter.
impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.content() == other.content()
    }
}

/// What a path leads to.
enum Reached<'n, 'r> {
    /// Part of a picked record.
    Picked(Spot<'r>),
    /// Part of a borrowed tree; none is named where it stands in a picked record.
    Lasting(&'r Json<'r>, Option<&'n Tree<'r>>),
    /// Part of a tree that the node shares.
    Passing(&'n Json<'r>),
}

/// What a value looks like to who reads a leaf.
enum Leaf<'n> {
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
    fn json(&self) -> Cow<'_, Json<'r>> {
        match self {
            Reached::Picked(spot) => Cow::Owned(spot.json()),
            Reached::Lasting(json, _) => Cow::Borrowed(json),
            Reached::Passing(json) => Cow::Borrowed(json),
        }
    }

    fn leaf(&self) -> Leaf<'_> {
        match self {
            Reached::Picked(spot) => Leaf::at(*spot),
            Reached::Lasting(json, _) => Leaf::of(json),
            Reached::Passing(json) => Leaf::of(json),
        }
    }
}

impl<'r> Node<'r> {
    /// A node on a borrowed value. `name` is what the spec calls it.
    #[must_use]
    pub fn borrowed(json: &'r Json<'r>, name: impl Into<Cow<'static, str>>) -> Node<'r> {
        Node::part(json, Origin::named(name.into()))
    }

    /// A node on a value that a rule or a list made.
    #[must_use]
    pub fn owned(json: Json<'r>, name: impl Into<Cow<'static, str>>) -> Node<'r> {
        Node(Content::Shared(Rc::new(json), Origin::named(name.into())))
    }

    /// A node on a record of which only some fields were read.
    #[must_use]
    pub fn picked(record: &'r Picked<'r>, name: impl Into<Cow<'static, str>>) -> Node<'r> {
        match (record.top().held(), name.into()) {
            (Held::Whole(json), name) => Node::borrowed(json, name),
            (_, Cow::Borrowed(name)) => Node(Content::Picked(record.top(), name)),
            (_, Cow::Owned(name)) => Node::owned(record.top().json(), name),
        }
    }

    /// A node on the top of a tree.
    fn part(json: &'r Json<'r>, origin: Origin) -> Node<'r> {
        Node(Content::Borrowed(json, Tree { top: json, origin }))
    }

    /// The same value at another place.
    #[must_use]
    pub fn placed(self, place: Rc<Place>) -> Node<'r> {
        let origin = Origin::At(place);
        match self.0 {
            Content::Picked(spot, _) => Node(Content::Shared(Rc::new(spot.json()), origin)),
            Content::Borrowed(json, _) => Node::part(json, origin),
            Content::Shared(json, _) => Node(Content::Shared(json, origin)),
        }
    }

    /// What the node holds, as far as it was read.
    #[must_use]
    pub fn content(&self) -> Cow<'_, Json<'r>> {
        match &self.0 {
            Content::Picked(spot, _) => Cow::Owned(spot.json()),
            Content::Borrowed(json, _) => Cow::Borrowed(json),
            Content::Shared(json, _) => Cow::Borrowed(json),
        }
    }

    /// Where the node stands.
    #[must_use]
    pub fn place(&self) -> Rc<Place> {
        let mut steps = Vec::new();
        match &self.0 {
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

    /// The path that `steps` lead to, for messages: `order.price`.
    #[must_use]
    pub fn path(&self, steps: &[Step<'_>]) -> String {
        let place = self.place();
        if steps.is_empty() { place.to_string() } else { format!("{place}.{}", names(steps).join(".")) }
    }

    fn reach(&self, steps: &[Step<'_>]) -> Result<Option<Reached<'_, 'r>>, Stop> {
        match &self.0 {
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
    fn spot(&self, steps: &[Step<'_>]) -> Option<Spot<'r>> {
        let Content::Picked(spot, _) = self.0 else { return None };
        let mut at = spot;
        for step in steps {
            let Below::Spot(next) = at.below(step) else { return None };
            at = next;
        }
        Some(at)
    }

    /// The leaf at `steps` of what lasts. For what is as the catalogue says, which most values are.
    #[inline]
    fn glance(&self, steps: &[Step<'_>]) -> Leaf<'r> {
        match &self.0 {
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

    fn leaf<T>(
        &self,
        steps: &[Step<'_>],
        read: impl FnOnce(Reached<'_, 'r>) -> Result<T, Stop>,
    ) -> Result<Option<T>, Stop> {
        self.reach(steps)?.map(read).transpose()
    }

    /// A text leaf that spells a value of another type.
    fn spelled<T>(
        &self,
        steps: &[Step<'_>],
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Stop> {
        self.leaf(steps, |reached| match reached.leaf() {
            Leaf::Text(text) => {
                parse(text).ok_or_else(|| self.fault(steps, &reached.json(), &format!("is not {expected}")))
            }
            Leaf::Boolean(_) | Leaf::Number(_) | Leaf::Other => Err(self.wrong(steps, &reached.json(), expected)),
        })
    }

    /// Is there no value, or null?
    ///
    /// # Errors
    /// A step on the way is no record.
    pub fn is_missing(&self, steps: &[Step<'_>]) -> Result<bool, Stop> {
        Ok(self.reach(steps)?.is_none())
    }

    /// Text of at most `max` characters.
    ///
    /// # Errors
    /// No text, or longer than the catalogue says.
    pub fn text(&self, steps: &[Step<'_>], max: Option<u32>) -> Result<Option<Cow<'r, str>>, Stop> {
        if let Leaf::Text(text) = self.glance(steps)
            && max.is_none_or(|max| text.len() <= max as usize)
        {
            return Ok(Some(Cow::Borrowed(text)));
        }
        self.leaf(steps, |reached| {
            let text: Cow<'r, str> = match &reached {
                Reached::Picked(spot) => match spot.held() {
                    Held::Text(text) => Cow::Borrowed(text),
                    _ => return Err(self.wrong(steps, &reached.json(), "a text")),
                },
                Reached::Lasting(Json::Text(text), _) => Cow::Borrowed(text.as_ref()),
                Reached::Passing(Json::Text(text)) => text.clone(),
                Reached::Lasting(..) | Reached::Passing(_) => {
                    return Err(self.wrong(steps, &reached.json(), "a text"));
                }
            };
            if let Some(max) = max
                && text.len() > max as usize
            {
                let length = text.chars().count();
                if length > max as usize {
                    let said = format!("has {length} characters, but the catalogue says at most {max}");
                    return Err(self.fault(steps, &Json::Text(text), &said));
                }
            }
            Ok(text)
        })
    }

    /// One of the words of an enum.
    ///
    /// # Errors
    /// No text, or a word that the catalogue does not know.
    pub fn word(&self, steps: &[Step<'_>], known: &[&str]) -> Result<Option<Cow<'r, str>>, Stop> {
        let Some(word) = self.text(steps, None)? else { return Ok(None) };
        if known.contains(&word.as_ref()) {
            return Ok(Some(word));
        }
        let listed = known.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let hint =
            closest(&word, known.iter().copied()).map_or_else(String::new, |near| format!("; nearest is \"{near}\""));
        let said = format!(
            "is \"{}\", which the catalogue does not know (it knows {listed}{hint})",
            crate::fault::shortened(&word)
        );
        Err(self.fault(steps, &Json::Text(word), &said))
    }

    /// Digits of a JSON number, or of a JSON string where the catalogue says `as text`.
    fn number(&self, steps: &[Step<'_>], as_text: bool) -> Result<Option<Decimal>, Stop> {
        let expected = if as_text { "a number written as text" } else { "a number" };
        self.leaf(steps, |reached| {
            let digits = match (reached.leaf(), as_text) {
                (Leaf::Number(digits), false) | (Leaf::Text(digits), true) => digits,
                (Leaf::Boolean(_) | Leaf::Other, true | false) | (Leaf::Number(_), true) | (Leaf::Text(_), false) => {
                    return Err(self.wrong(steps, &reached.json(), expected));
                }
            };
            Decimal::parse(digits).map_err(|not| self.fault(steps, &reached.json(), &not.to_string()))
        })
    }

    pub(crate) fn fitting(
        &self,
        steps: &[Step<'_>],
        value: Decimal,
        precision: u32,
        scale: u32,
    ) -> Result<Decimal, Stop> {
        if value.fits(precision, scale) {
            return Ok(value);
        }
        let said = if value.scale() > scale {
            format!("is {value}: {} decimals, but the catalogue says at most {scale}", value.scale())
        } else {
            let whole = precision.saturating_sub(scale);
            format!(
                "is {value}: {} digits before the point, but the catalogue says at most {whole}",
                value.whole_digits()
            )
        };
        Err(self.fault(steps, &Json::Number(value.to_string().into()), &said))
    }

    pub(crate) fn whole(
        &self,
        steps: &[Step<'_>],
        value: Decimal,
        low: Option<i64>,
        high: Option<i64>,
    ) -> Result<Decimal, Stop> {
        let refuse = |said: String| Err(self.fault(steps, &Json::Number(value.to_string().into()), &said));
        if !value.is_integer() {
            return refuse(format!("is {value}, but the catalogue says a whole number"));
        }
        match (low, high) {
            (Some(low), _) if value < Decimal::integer(low) => {
                refuse(format!("is {value}, but the catalogue says at least {low}"))
            }
            (_, Some(high)) if value > Decimal::integer(high) => {
                refuse(format!("is {value}, but the catalogue says at most {high}"))
            }
            (Some(_) | None, Some(_) | None) => Ok(value),
        }
    }

    /// `decimal(precision, scale)`.
    ///
    /// # Errors
    /// No number, or more digits than the catalogue says.
    pub fn decimal(&self, steps: &[Step<'_>], precision: u32, scale: u32) -> Result<Option<Decimal>, Stop> {
        if let Leaf::Number(digits) = self.glance(steps)
            && let Some(value) = Decimal::parse_short(digits)
            && value.fits(precision, scale)
        {
            return Ok(Some(value));
        }
        self.number(steps, false)?.map(|value| self.fitting(steps, value, precision, scale)).transpose()
    }

    /// `decimal(precision, scale) as text`: the JSON value is a string.
    ///
    /// # Errors
    /// No number in a string, or more digits than the catalogue says.
    pub fn decimal_as_text(&self, steps: &[Step<'_>], precision: u32, scale: u32) -> Result<Option<Decimal>, Stop> {
        self.number(steps, true)?.map(|value| self.fitting(steps, value, precision, scale)).transpose()
    }

    /// A whole number within bounds; `2.0` is one too.
    ///
    /// # Errors
    /// No number, not whole, or out of bounds.
    pub fn integer(&self, steps: &[Step<'_>], low: Option<i64>, high: Option<i64>) -> Result<Option<Decimal>, Stop> {
        let value = match self.glance(steps) {
            Leaf::Number(digits) => Decimal::parse_short(digits),
            Leaf::Boolean(_) | Leaf::Text(_) | Leaf::Other => None,
        };
        let value = if value.is_some() { value } else { self.number(steps, false)? };
        value.map(|value| self.whole(steps, value, low, high)).transpose()
    }

    /// `integer as text`: the JSON value is a string.
    ///
    /// # Errors
    /// No number in a string, not whole, or out of bounds.
    pub fn integer_as_text(
        &self,
        steps: &[Step<'_>],
        low: Option<i64>,
        high: Option<i64>,
    ) -> Result<Option<Decimal>, Stop> {
        self.number(steps, true)?.map(|value| self.whole(steps, value, low, high)).transpose()
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// Anything else.
    pub fn boolean(&self, steps: &[Step<'_>]) -> Result<Option<bool>, Stop> {
        self.leaf(steps, |reached| match reached.leaf() {
            Leaf::Boolean(value) => Ok(value),
            Leaf::Number(_) | Leaf::Text(_) | Leaf::Other => Err(self.wrong(steps, &reached.json(), "true or false")),
        })
    }

    /// A boolean spelled by a pair of words.
    ///
    /// # Errors
    /// Neither of the two.
    pub fn boolean_as(&self, steps: &[Step<'_>], yes: &str, no: &str) -> Result<Option<bool>, Stop> {
        let Some(word) = self.text(steps, None)? else { return Ok(None) };
        if word == yes {
            Ok(Some(true))
        } else if word == no {
            Ok(Some(false))
        } else {
            Err(self.fault(steps, &Json::Text(word), &format!("should be \"{yes}\" or \"{no}\"")))
        }
    }

    /// A calendar day.
    ///
    /// # Errors
    /// Anything else.
    pub fn date(&self, steps: &[Step<'_>]) -> Result<Option<Date>, Stop> {
        self.spelled(steps, "a date (2026-11-02)", parse_date)
    }

    /// A time of day.
    ///
    /// # Errors
    /// Anything else.
    pub fn time(&self, steps: &[Step<'_>]) -> Result<Option<Time>, Stop> {
        self.spelled(steps, "a time of day (09:15:00)", parse_time)
    }

    /// A point in time.
    ///
    /// # Errors
    /// Anything else, a date without a time or a time without an offset included.
    pub fn instant(&self, steps: &[Step<'_>]) -> Result<Option<Instant>, Stop> {
        self.spelled(steps, "a point in time with its offset (2026-11-02T09:15:00+01:00)", parse_instant)
    }

    /// A UUID, with dashes or without.
    ///
    /// # Errors
    /// Anything else.
    pub fn uuid(&self, steps: &[Step<'_>]) -> Result<Option<Uuid>, Stop> {
        self.spelled(steps, "a UUID (32 hex digits)", Uuid::parse)
    }

    /// A nested record.
    ///
    /// # Errors
    /// Anything else.
    pub fn record(&self, steps: &[Step<'_>]) -> Result<Option<Node<'r>>, Stop> {
        if let Some(spot) = self.spot(steps).filter(|spot| spot.is_record()) {
            return Ok(Some(Node(Content::Picked(spot, self.root()))));
        }
        self.leaf(steps, |reached| match &reached {
            Reached::Lasting(json @ Json::Record(_), tree) => {
                Ok(Node(Content::Borrowed(json, self.tree(json, *tree, steps))))
            }
            Reached::Passing(json @ Json::Record(_)) => Ok(passing(json, self.place().field(&names(steps)))),
            Reached::Picked(_) | Reached::Lasting(..) | Reached::Passing(_) => {
                Err(self.wrong(steps, &reached.json(), "a record"))
            }
        })
    }

    /// The elements of a list, each with its place; read a leaf element with no steps.
    ///
    /// # Errors
    /// Anything but a list.
    pub fn list(&self, steps: &[Step<'_>]) -> Result<Option<Vec<Node<'r>>>, Stop> {
        Ok(self.each(steps)?.map(Iterator::collect))
    }

    /// The same, to be walked once.
    ///
    /// # Errors
    /// Anything but a list.
    pub fn each(&self, steps: &[Step<'_>]) -> Result<Option<Each<'r>>, Stop> {
        if let Some(elements) = self.spot(steps).and_then(Spot::list) {
            return Ok(Some(Each(Walk::Picked(elements, self.root()))));
        }
        self.leaf(steps, |reached| match &reached {
            Reached::Lasting(json @ Json::List(elements), tree) => {
                Ok(Each(Walk::Borrowed(elements.iter(), self.tree(json, *tree, steps))))
            }
            Reached::Passing(Json::List(elements)) => {
                let place = self.place().field(&names(steps));
                let shared = elements.iter().zip(1..).map(|(element, number)| passing(element, place.element(number)));
                Ok(Each(Walk::Shared(shared.collect::<Vec<_>>().into_iter())))
            }
            Reached::Picked(_) | Reached::Lasting(..) | Reached::Passing(_) => {
                Err(self.wrong(steps, &reached.json(), "a list"))
            }
        })
    }

    /// Whatever stands there, unread.
    ///
    /// # Errors
    /// A step on the way is no record.
    pub fn json(&self, steps: &[Step<'_>]) -> Result<Option<Json<'r>>, Stop> {
        self.leaf(steps, |reached| Ok(reached.json().into_owned()))
    }

    /// What the spec calls the picked record that this is part of.
    fn root(&self) -> &'static str {
        if let Content::Picked(_, name) = self.0 { name } else { "" }
    }

    /// The tree that a part belongs to, which is its own where it stands in a picked record.
    fn tree(&self, json: &'r Json<'r>, tree: Option<&Tree<'r>>, steps: &[Step<'_>]) -> Tree<'r> {
        match tree {
            Some(tree) => tree.clone(),
            None => Tree { top: json, origin: Origin::At(self.place().field(&names(steps))) },
        }
    }
}

/// The elements of a list, one after another.
#[derive(Debug)]
pub struct Each<'r>(Walk<'r>);

#[derive(Debug)]
enum Walk<'r> {
    Picked(Elements<'r>, &'static str),
    Borrowed(std::slice::Iter<'r, Json<'r>>, Tree<'r>),
    Shared(std::vec::IntoIter<Node<'r>>),
}

impl Each<'_> {
    /// Is there no element left?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size_hint().0 == 0
    }
}

impl<'r> Iterator for Each<'r> {
    type Item = Node<'r>;

    #[inline]
    fn next(&mut self) -> Option<Node<'r>> {
        match &mut self.0 {
            Walk::Picked(elements, name) => {
                let spot = elements.next()?;
                let node = Node(Content::Picked(spot, name));
                // It is a tree of its own, which stands where the element does.
                Some(if let Held::Whole(json) = spot.held() {
                    Node::part(json, Origin::At(node.place()))
                } else {
                    node
                })
            }
            Walk::Borrowed(elements, tree) => {
                elements.next().map(|element| Node(Content::Borrowed(element, tree.clone())))
            }
            Walk::Shared(nodes) => nodes.next(),
        }
    }

    fn count(self) -> usize {
        self.size_hint().0
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Walk::Picked(elements, _) => elements.size_hint(),
            Walk::Borrowed(elements, _) => elements.size_hint(),
            Walk::Shared(nodes) => nodes.size_hint(),
        }
    }
}

fn passing<'r>(json: &Json<'r>, place: Rc<Place>) -> Node<'r> {
    Node(Content::Shared(Rc::new(json.clone()), Origin::At(place)))
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
