//! A record value, or an element of a list, that knows where it came from.
//!
//! In: steps into the record. Out: the typed value there, `None` where it is missing or null, or a fault that names path, value and
//! what the catalogue expects. Nothing is read before it is used, so a field that no line uses cannot reject a record.

use std::borrow::Cow;
use std::rc::Rc;

use crate::decimal::Decimal;
use crate::fault::Stop;
use crate::json::Json;
use crate::names::closest;
use crate::picked::{Elements, Held, Picked, Spot};
pub use crate::place::Place;
use crate::reach::{Content, Leaf, Origin, Reached, Tree};
use crate::step::{Step, names};
use crate::time::{Date, Instant, Time, Uuid, parse_date, parse_instant, parse_time};

/// A record, list element or leaf with its place. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Node<'r>(Content<'r>);

/// Two nodes are equal when what they hold is; where they stand does not matter.
impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.content() == other.content()
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
        self.0.json()
    }

    /// Where the node stands.
    #[must_use]
    pub fn place(&self) -> Rc<Place> {
        self.0.place()
    }

    /// The path that `steps` lead to, for messages: `order.price`.
    #[must_use]
    pub fn path(&self, steps: &[Step<'_>]) -> String {
        self.0.path(steps)
    }

    /// A fault of the value at `steps`.
    pub(crate) fn fault(&self, steps: &[Step<'_>], json: &Json<'_>, said: &str) -> Stop {
        self.0.fault(steps, json, said)
    }

    pub(crate) fn wrong(&self, steps: &[Step<'_>], json: &Json<'_>, expected: &str) -> Stop {
        self.0.wrong(steps, json, expected)
    }

    fn leaf<T>(
        &self,
        steps: &[Step<'_>],
        read: impl FnOnce(Reached<'_, 'r>) -> Result<T, Stop>,
    ) -> Result<Option<T>, Stop> {
        self.0.reach(steps)?.map(read).transpose()
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
        Ok(self.0.reach(steps)?.is_none())
    }

    /// Text of at most `max` characters.
    ///
    /// # Errors
    /// No text, or longer than the catalogue says.
    pub fn text(&self, steps: &[Step<'_>], max: Option<u32>) -> Result<Option<Cow<'r, str>>, Stop> {
        if let Leaf::Text(text) = self.0.glance(steps)
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
        if let Leaf::Number(digits) = self.0.glance(steps)
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
        let value = match self.0.glance(steps) {
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
        if let Some(spot) = self.0.spot(steps).filter(|spot| spot.is_record()) {
            return Ok(Some(Node(Content::Picked(spot, self.0.root()))));
        }
        self.leaf(steps, |reached| match &reached {
            Reached::Lasting(json @ Json::Record(_), tree) => {
                Ok(Node(Content::Borrowed(json, self.0.tree(json, *tree, steps))))
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
        if let Some(elements) = self.0.spot(steps).and_then(Spot::list) {
            return Ok(Some(Each(Walk::Picked(elements, self.0.root()))));
        }
        self.leaf(steps, |reached| match &reached {
            Reached::Lasting(json @ Json::List(elements), tree) => {
                Ok(Each(Walk::Borrowed(elements.iter(), self.0.tree(json, *tree, steps))))
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
            // A list with an element that is a tree of its own is one itself.
            Walk::Picked(elements, name) => elements.next().map(|spot| Node(Content::Picked(spot, name))),
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
