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
pub use crate::place::Place;
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
}

impl Tree<'_> {
    /// The place of a part of the tree, which is known by where it lies in memory.
    fn place(&self, part: &Json<'_>) -> Rc<Place> {
        let mut steps = Vec::new();
        lead_to(self.top, part, &mut steps);
        let (place, names) =
            steps.into_iter().fold((self.origin.place(), Vec::new()), |(place, mut names), step| match step {
                Step::Field(name) => {
                    names.push(name);
                    (place, names)
                }
                Step::Element(number) => (place.field(&names).element(number), Vec::new()),
            });
        place.field(&names)
    }
}

enum Step<'j> {
    Field(&'j str),
    /// Counted from 1.
    Element(usize),
}

/// Gathers the steps that lead from `at` to `part`.
fn lead_to<'j>(at: &'j Json<'_>, part: &Json<'_>, steps: &mut Vec<Step<'j>>) -> bool {
    if std::ptr::eq(at, part) {
        return true;
    }
    let mut leads = |step, value| {
        steps.push(step);
        let leads = lead_to(value, part, steps);
        if !leads {
            steps.pop();
        }
        leads
    };
    match at {
        Json::Record(members) => members.iter().any(|(name, value)| leads(Step::Field(name), value)),
        Json::List(elements) => elements.iter().zip(1..).any(|(value, number)| leads(Step::Element(number), value)),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => false,
    }
}

/// A record, list element or leaf with its place. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Node<'r>(Content<'r>);

/// Not a `Cow<'r, Json<'r>>`: that would be invariant in `'r`, and a found record could not stand beside a source record.
#[derive(Clone, Debug)]
enum Content<'r> {
    Borrowed(&'r Json<'r>, Tree<'r>),
    Shared(Rc<Json<'r>>, Origin),
}

/// Two nodes are equal when what they hold is; where they stand does not matter.
impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.content() == other.content()
    }
}

/// What a path leads to: part of a borrowed tree, or of one that the node shares.
enum Reached<'n, 'r> {
    Lasting(&'r Json<'r>, &'n Tree<'r>),
    Passing(&'n Json<'r>),
}

impl<'n, 'r> Reached<'n, 'r> {
    fn json(&self) -> &Json<'r> {
        match self {
            Reached::Lasting(json, _) => json,
            Reached::Passing(json) => json,
        }
    }
}

impl<'r> Node<'r> {
    /// A node on a borrowed value. `name` is what the spec calls it.
    #[must_use]
    pub fn borrowed(json: &'r Json<'r>, name: impl Into<Cow<'static, str>>) -> Node<'r> {
        Node(Content::Borrowed(json, Tree { top: json, origin: Origin::named(name.into()) }))
    }

    /// A node on a value that a rule or a list made.
    #[must_use]
    pub fn owned(json: Json<'r>, name: impl Into<Cow<'static, str>>) -> Node<'r> {
        Node(Content::Shared(Rc::new(json), Origin::named(name.into())))
    }

    /// The same value at another place.
    #[must_use]
    pub fn placed(self, place: Rc<Place>) -> Node<'r> {
        let origin = Origin::At(place);
        Node(match self.0 {
            Content::Borrowed(json, _) => Content::Borrowed(json, Tree { top: json, origin }),
            Content::Shared(json, _) => Content::Shared(json, origin),
        })
    }

    /// What the node holds.
    #[must_use]
    pub fn content(&self) -> &Json<'r> {
        match &self.0 {
            Content::Borrowed(json, _) => json,
            Content::Shared(json, _) => json,
        }
    }

    /// Where the node stands.
    #[must_use]
    pub fn place(&self) -> Rc<Place> {
        match &self.0 {
            Content::Borrowed(json, tree) => tree.place(json),
            Content::Shared(_, origin) => origin.place(),
        }
    }

    /// The path that `steps` lead to, for messages: `order.price`.
    #[must_use]
    pub fn path(&self, steps: &[&str]) -> String {
        let place = self.place();
        if steps.is_empty() { place.to_string() } else { format!("{place}.{}", steps.join(".")) }
    }

    fn reach(&self, steps: &[&str]) -> Result<Option<Reached<'_, 'r>>, Stop> {
        match &self.0 {
            Content::Borrowed(json, tree) => Ok(self.walk(json, steps)?.map(|json| Reached::Lasting(json, tree))),
            Content::Shared(json, _) => Ok(self.walk(json, steps)?.map(Reached::Passing)),
        }
    }

    fn walk<'j>(&self, from: &'j Json<'r>, steps: &[&str]) -> Result<Option<&'j Json<'r>>, Stop> {
        let mut at = from;
        for (index, step) in steps.iter().enumerate() {
            match at {
                Json::Record(_) => match at.get(step) {
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

    /// What stands at `steps` of a borrowed tree, if something does. For what is as the catalogue says, which most values are.
    #[inline]
    fn glance(&self, steps: &[&str]) -> Option<&'r Json<'r>> {
        let Content::Borrowed(json, _) = &self.0 else { return None };
        steps.iter().try_fold(*json, |json, step| json.get(step))
    }

    /// A fault of the value at `steps`.
    pub(crate) fn fault(&self, steps: &[&str], json: &Json<'_>, said: &str) -> Stop {
        let path = self.path(steps);
        let fault = Fault::new(format!("`{path}` {said}")).with_source(path);
        Stop::Failed(match json {
            Json::Text(text) => fault.with_value(text.as_ref()),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::List(_) | Json::Record(_) => fault.with_value(json),
        })
    }

    pub(crate) fn wrong(&self, steps: &[&str], json: &Json<'_>, expected: &str) -> Stop {
        self.fault(steps, json, &format!("should be {expected}, but is {}", json.kind_name()))
    }

    fn leaf<T>(
        &self,
        steps: &[&str],
        read: impl FnOnce(Reached<'_, 'r>) -> Result<T, Stop>,
    ) -> Result<Option<T>, Stop> {
        self.reach(steps)?.map(read).transpose()
    }

    /// A text leaf that spells a value of another type.
    fn spelled<T>(
        &self,
        steps: &[&str],
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Stop> {
        self.leaf(steps, |reached| match reached.json() {
            Json::Text(text) => {
                parse(text).ok_or_else(|| self.fault(steps, reached.json(), &format!("is not {expected}")))
            }
            other @ (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::List(_) | Json::Record(_)) => {
                Err(self.wrong(steps, other, expected))
            }
        })
    }

    /// Is there no value, or null?
    ///
    /// # Errors
    /// A step on the way is no record.
    pub fn is_missing(&self, steps: &[&str]) -> Result<bool, Stop> {
        Ok(self.reach(steps)?.is_none())
    }

    /// Text of at most `max` characters.
    ///
    /// # Errors
    /// No text, or longer than the catalogue says.
    pub fn text(&self, steps: &[&str], max: Option<u32>) -> Result<Option<Cow<'r, str>>, Stop> {
        if let Some(Json::Text(text)) = self.glance(steps)
            && max.is_none_or(|max| text.len() <= max as usize)
        {
            return Ok(Some(Cow::Borrowed(text)));
        }
        self.leaf(steps, |reached| {
            let text: Cow<'r, str> = match reached {
                Reached::Lasting(Json::Text(text), _) => Cow::Borrowed(text.as_ref()),
                Reached::Passing(Json::Text(text)) => text.clone(),
                Reached::Lasting(..) | Reached::Passing(_) => {
                    return Err(self.wrong(steps, reached.json(), "a text"));
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
    pub fn word(&self, steps: &[&str], known: &[&str]) -> Result<Option<Cow<'r, str>>, Stop> {
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
    fn number(&self, steps: &[&str], as_text: bool) -> Result<Option<Decimal>, Stop> {
        let expected = if as_text { "a number written as text" } else { "a number" };
        self.leaf(steps, |reached| {
            let digits = match (reached.json(), as_text) {
                (Json::Number(digits), false) | (Json::Text(digits), true) => digits,
                (other @ (Json::Null | Json::Boolean(_) | Json::List(_) | Json::Record(_)), true | false)
                | (other @ Json::Number(_), true)
                | (other @ Json::Text(_), false) => return Err(self.wrong(steps, other, expected)),
            };
            Decimal::parse(digits).map_err(|not| self.fault(steps, reached.json(), &not.to_string()))
        })
    }

    pub(crate) fn fitting(&self, steps: &[&str], value: Decimal, precision: u32, scale: u32) -> Result<Decimal, Stop> {
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
        steps: &[&str],
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
    pub fn decimal(&self, steps: &[&str], precision: u32, scale: u32) -> Result<Option<Decimal>, Stop> {
        if let Some(Json::Number(digits)) = self.glance(steps)
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
    pub fn decimal_as_text(&self, steps: &[&str], precision: u32, scale: u32) -> Result<Option<Decimal>, Stop> {
        self.number(steps, true)?.map(|value| self.fitting(steps, value, precision, scale)).transpose()
    }

    /// A whole number within bounds; `2.0` is one too.
    ///
    /// # Errors
    /// No number, not whole, or out of bounds.
    pub fn integer(&self, steps: &[&str], low: Option<i64>, high: Option<i64>) -> Result<Option<Decimal>, Stop> {
        let value = match self.glance(steps) {
            Some(Json::Number(digits)) => Decimal::parse_short(digits),
            Some(Json::Null | Json::Boolean(_) | Json::Text(_) | Json::List(_) | Json::Record(_)) | None => None,
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
        steps: &[&str],
        low: Option<i64>,
        high: Option<i64>,
    ) -> Result<Option<Decimal>, Stop> {
        self.number(steps, true)?.map(|value| self.whole(steps, value, low, high)).transpose()
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// Anything else.
    pub fn boolean(&self, steps: &[&str]) -> Result<Option<bool>, Stop> {
        self.leaf(steps, |reached| match reached.json() {
            Json::Boolean(value) => Ok(*value),
            other @ (Json::Null | Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Record(_)) => {
                Err(self.wrong(steps, other, "true or false"))
            }
        })
    }

    /// A boolean spelled by a pair of words.
    ///
    /// # Errors
    /// Neither of the two.
    pub fn boolean_as(&self, steps: &[&str], yes: &str, no: &str) -> Result<Option<bool>, Stop> {
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
    pub fn date(&self, steps: &[&str]) -> Result<Option<Date>, Stop> {
        self.spelled(steps, "a date (2026-11-02)", parse_date)
    }

    /// A time of day.
    ///
    /// # Errors
    /// Anything else.
    pub fn time(&self, steps: &[&str]) -> Result<Option<Time>, Stop> {
        self.spelled(steps, "a time of day (09:15:00)", parse_time)
    }

    /// A point in time.
    ///
    /// # Errors
    /// Anything else, a date without a time or a time without an offset included.
    pub fn instant(&self, steps: &[&str]) -> Result<Option<Instant>, Stop> {
        self.spelled(steps, "a point in time with its offset (2026-11-02T09:15:00+01:00)", parse_instant)
    }

    /// A UUID, with dashes or without.
    ///
    /// # Errors
    /// Anything else.
    pub fn uuid(&self, steps: &[&str]) -> Result<Option<Uuid>, Stop> {
        self.spelled(steps, "a UUID (32 hex digits)", Uuid::parse)
    }

    /// A nested record.
    ///
    /// # Errors
    /// Anything else.
    pub fn record(&self, steps: &[&str]) -> Result<Option<Node<'r>>, Stop> {
        self.leaf(steps, |reached| match reached {
            Reached::Lasting(json @ Json::Record(_), tree) => Ok(Node(Content::Borrowed(json, tree.clone()))),
            Reached::Passing(json @ Json::Record(_)) => Ok(passing(json, self.place().field(steps))),
            Reached::Lasting(..) | Reached::Passing(_) => Err(self.wrong(steps, reached.json(), "a record")),
        })
    }

    /// The elements of a list, each with its place; read a leaf element with no steps.
    ///
    /// # Errors
    /// Anything but a list.
    pub fn list(&self, steps: &[&str]) -> Result<Option<Vec<Node<'r>>>, Stop> {
        Ok(self.each(steps)?.map(Iterator::collect))
    }

    /// The same, to be walked once.
    ///
    /// # Errors
    /// Anything but a list.
    pub fn each(&self, steps: &[&str]) -> Result<Option<Each<'r>>, Stop> {
        self.leaf(steps, |reached| match reached {
            Reached::Lasting(Json::List(elements), tree) => Ok(Each(Walk::Borrowed(elements.iter(), tree.clone()))),
            Reached::Passing(Json::List(elements)) => {
                let place = self.place().field(steps);
                let shared = elements.iter().zip(1..).map(|(element, number)| passing(element, place.element(number)));
                Ok(Each(Walk::Shared(shared.collect::<Vec<_>>().into_iter())))
            }
            Reached::Lasting(..) | Reached::Passing(_) => Err(self.wrong(steps, reached.json(), "a list")),
        })
    }

    /// Whatever stands there, unread.
    ///
    /// # Errors
    /// A step on the way is no record.
    pub fn json(&self, steps: &[&str]) -> Result<Option<Json<'r>>, Stop> {
        self.leaf(steps, |reached| Ok(reached.json().clone()))
    }
}

/// The elements of a list, one after another.
#[derive(Debug)]
pub struct Each<'r>(Walk<'r>);

#[derive(Debug)]
enum Walk<'r> {
    Borrowed(std::slice::Iter<'r, Json<'r>>, Tree<'r>),
    Shared(std::vec::IntoIter<Node<'r>>),
}

impl<'r> Iterator for Each<'r> {
    type Item = Node<'r>;

    #[inline]
    fn next(&mut self) -> Option<Node<'r>> {
        match &mut self.0 {
            Walk::Borrowed(elements, tree) => {
                elements.next().map(|element| Node(Content::Borrowed(element, tree.clone())))
            }
            Walk::Shared(nodes) => nodes.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
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
