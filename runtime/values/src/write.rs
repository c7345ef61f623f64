//! Leaf writers and the builder of target records.
//!
//! In: typed values and what the target's catalogue says of the place. Out: JSON in the catalogue's spelling, or a fault that says
//! what does not fit and how the spec can say what should happen. Never cuts and never rounds.
//!
//! Every writer returns a `Result`, those too that cannot fail, so that generated code treats them alike.

use std::borrow::Cow;

use crate::decimal::Decimal;
use crate::fault::{Stop, shortened};
use crate::json::Json;
use crate::names::closest;
use crate::spare::{self, Fields};
use crate::time::{Date, Instant, Time, Uuid, date_text, instant_text, time_text};

pub use crate::encoding::{
    boolean_as_number, decimal_marked, decimal_padded, integer_padded, text_as_number, word_as_number,
};
pub use crate::measure::{write_bytes as text_bytes, write_utf16 as text_utf16};
pub use crate::spelling::write_as as formatted;

/// What a writer answers.
pub type Written<'v> = Result<Json<'v>, Stop>;

/// A text to be written, which is not copied where it lasts.
pub trait IntoText<'v>: AsRef<str> {
    /// The text.
    fn into_text(self) -> Cow<'v, str>;
}

impl<'v> IntoText<'v> for &'v str {
    fn into_text(self) -> Cow<'v, str> {
        Cow::Borrowed(self)
    }
}

impl<'v> IntoText<'v> for Cow<'v, str> {
    fn into_text(self) -> Cow<'v, str> {
        self
    }
}

impl<'v> IntoText<'v> for &Cow<'v, str> {
    fn into_text(self) -> Cow<'v, str> {
        self.clone()
    }
}

impl<'v> IntoText<'v> for &String {
    fn into_text(self) -> Cow<'v, str> {
        Cow::Owned(self.clone())
    }
}

/// Text of at most `max` characters.
///
/// # Errors
/// The text is longer.
pub fn text<'v>(value: impl IntoText<'v>, max: Option<u32>) -> Written<'v> {
    fitting(value.as_ref(), max)?;
    Ok(Json::Text(value.into_text()))
}

#[inline]
pub(crate) fn fitting(value: &str, max: Option<u32>) -> Result<(), Stop> {
    // A text of so few bytes has no more characters.
    if let Some(max) = max.filter(|max| value.len() > *max as usize) {
        let length = value.chars().count();
        if length > max as usize {
            let reason = format!("the text has {length} characters, {max} fit: `| cut` would shorten it");
            return Err(Stop::failed_on(value, reason));
        }
    }
    Ok(())
}

/// `decimal(precision, scale)`.
///
/// # Errors
/// The number has more digits than fit.
pub fn decimal(value: Decimal, precision: u32, scale: u32) -> Written<'static> {
    if value.scale() > scale {
        let reason = format!("{value} has {} decimals, {scale} fit: say `| round({scale})`", value.scale());
        return Err(Stop::failed_on(&value, reason));
    }
    if !value.fits(precision, scale) {
        let whole = precision.saturating_sub(scale);
        let reason = format!("{value} has {} digits before the point, {whole} fit", value.whole_digits());
        return Err(Stop::failed_on(&value, reason));
    }
    Ok(Json::Number(value.digits_text()))
}

/// `decimal(precision, scale) as text`: a JSON string.
///
/// # Errors
/// The number has more digits than fit.
pub fn decimal_as_text(value: Decimal, precision: u32, scale: u32) -> Written<'static> {
    decimal(value, precision, scale).map(|_| Json::Text(Cow::Owned(value.text())))
}

/// A whole number within bounds.
///
/// # Errors
/// The number has decimals or is out of bounds.
pub fn integer(value: Decimal, low: Option<i64>, high: Option<i64>) -> Written<'static> {
    if !value.is_integer() {
        return Err(Stop::failed_on(
            &value,
            format!("{value} is not a whole number: say `| round(0)`, `| floor` or `| ceiling`"),
        ));
    }
    if let Some(low) = low
        && value < Decimal::integer(low)
    {
        return Err(Stop::failed_on(&value, format!("{value} is less than {low}, the least that fits")));
    }
    if let Some(high) = high
        && value > Decimal::integer(high)
    {
        return Err(Stop::failed_on(&value, format!("{value} is more than {high}, the most that fits")));
    }
    Ok(Json::Number(value.digits_text()))
}

/// `integer as text`: a JSON string.
///
/// # Errors
/// The number has decimals or is out of bounds.
pub fn integer_as_text(value: Decimal, low: Option<i64>, high: Option<i64>) -> Written<'static> {
    integer(value, low, high).map(|_| Json::Text(Cow::Owned(value.text())))
}

/// `true` or `false`.
///
/// # Errors
/// None.
pub fn boolean(value: bool) -> Written<'static> {
    Ok(Json::Boolean(value))
}

/// A boolean spelled by a pair of words.
///
/// # Errors
/// None.
pub fn boolean_as<'v>(value: bool, yes: &'v str, no: &'v str) -> Written<'v> {
    Ok(Json::Text(Cow::Borrowed(if value { yes } else { no })))
}

/// A calendar day.
///
/// # Errors
/// None.
pub fn date(value: Date) -> Written<'static> {
    Ok(Json::Text(Cow::Owned(date_text(value))))
}

/// A time of day.
///
/// # Errors
/// None.
pub fn time(value: Time) -> Written<'static> {
    Ok(Json::Text(Cow::Owned(time_text(value))))
}

/// A point in time.
///
/// # Errors
/// None.
pub fn instant(value: Instant) -> Written<'static> {
    Ok(Json::Text(Cow::Owned(instant_text(value))))
}

/// A UUID: 32 hex digits, or with dashes.
///
/// # Errors
/// None.
pub fn uuid(value: Uuid, hex: bool) -> Written<'static> {
    Ok(Json::Text(Cow::Owned(if hex { value.hex() } else { value.dashed() })))
}

/// One of the words of an enum.
///
/// # Errors
/// A word that the target does not know.
pub fn word<'v>(value: &str, known: &[&'v str]) -> Written<'v> {
    known_word(value, known).map(|word| Json::Text(Cow::Borrowed(word)))
}

pub(crate) fn known_word<'v>(value: &str, known: &[&'v str]) -> Result<&'v str, Stop> {
    if let Some(word) = known.iter().find(|word| **word == value) {
        return Ok(word);
    }
    let listed = known.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let hint =
        closest(value, known.iter().copied()).map_or_else(String::new, |near| format!("; nearest is \"{near}\""));
    Err(Stop::failed_on(value, format!("the target does not know \"{}\" (it knows {listed}{hint})", shortened(value))))
}

/// A value passed on unread.
///
/// # Errors
/// None.
pub fn json(value: Json<'_>) -> Written<'_> {
    Ok(value)
}

/// A list of written elements.
///
/// # Errors
/// None.
pub fn list(elements: Vec<Json<'_>>) -> Written<'_> {
    Ok(Json::List(elements))
}

/// A target record in the making: fields in the order in which they are first set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record<'r> {
    fields: Fields<'r>,
    /// A bit for each mark that a name so far has: most fields are set once, and need not be looked for.
    marks: u64,
}

impl<'r> Record<'r> {
    /// No field yet.
    #[must_use]
    pub fn new() -> Record<'r> {
        Record::default()
    }

    /// A finished record to go on with.
    pub(crate) fn from_fields(fields: Fields<'r>) -> Record<'r> {
        Record { marks: fields.iter().fold(0, |marks, (name, _)| marks | mark(name)), fields }
    }

    /// Is no field set?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// What a field holds so far.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Json<'r>> {
        if self.marks & mark(field) == 0 {
            return None;
        }
        self.fields.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    /// How many elements a list field holds so far.
    #[must_use]
    pub fn count(&self, field: &str) -> usize {
        match self.get(field) {
            Some(Json::List(elements)) => elements.len(),
            Some(Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_)) | None => 0,
        }
    }

    /// Sets a field; a record set upon a record adds its fields to those already there, anything else replaces.
    pub fn set(&mut self, field: impl Into<Cow<'r, str>>, value: Json<'r>) {
        let field = field.into();
        let mark = mark(&field);
        if self.marks & mark == 0 {
            if self.fields.is_empty() {
                self.fields = spare::fields();
            }
            self.marks |= mark;
            self.fields.push((field, value));
        } else {
            put(&mut self.fields, field, value);
        }
    }

    /// Sets a field of a nested record, making the records on the way.
    pub fn set_at(&mut self, path: &[&'static str], value: Json<'r>) {
        let Some((last, before)) = path.split_last() else { return };
        let nested = before.iter().rev().fold((Cow::Borrowed(*last), value), |(name, value), outer| {
            (Cow::Borrowed(*outer), Json::Record(vec![(name, value)]))
        });
        self.set(nested.0, nested.1);
    }

    /// Appends one element to a list field.
    pub fn push(&mut self, field: impl Into<Cow<'r, str>>, element: Json<'r>) {
        self.extend(field, vec![element]);
    }

    /// Appends elements to a list field, which is there then, though it may be empty.
    pub fn extend(&mut self, field: impl Into<Cow<'r, str>>, more: Vec<Json<'r>>) {
        let field = field.into();
        let mark = mark(&field);
        let known = self.marks & mark != 0;
        self.marks |= mark;
        match self.fields.iter_mut().find(|(name, _)| known && *name == field) {
            Some((_, Json::List(elements))) => elements.extend(more),
            Some((_, other @ (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_)))) => {
                // What is there stays if nothing comes to it.
                if !more.is_empty() {
                    *other = Json::List(more);
                }
            }
            None => self.fields.push((field, Json::List(more))),
        }
    }

    /// The finished record.
    #[must_use]
    pub fn into_json(self) -> Json<'r> {
        Json::Record(self.fields)
    }
}

impl<'r> From<Record<'r>> for Json<'r> {
    fn from(record: Record<'r>) -> Self {
        record.into_json()
    }
}

/// One of 64 bits, by a name's length and its ends.
fn mark(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let ends = bytes.first().zip(bytes.last()).map_or(0, |(first, last)| usize::from(*first) * 5 + usize::from(*last));
    1 << ((bytes.len() * 7 + ends) % 64)
}

fn put<'r>(fields: &mut Vec<(Cow<'r, str>, Json<'r>)>, name: Cow<'r, str>, value: Json<'r>) {
    let Some((_, old)) = fields.iter_mut().find(|(known, _)| *known == name) else {
        fields.push((name, value));
        return;
    };
    match (old, value) {
        (Json::Record(inner), Json::Record(added)) => {
            for (name, value) in added {
                put(inner, name, value);
            }
        }
        (old, value) => *old = value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(written: Written<'_>) -> String {
        match written {
            Err(Stop::Failed(fault)) => fault.reason,
            other => panic!("should fail: {other:?}"),
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_way_out() {
        assert_eq!(text("abc", Some(3)), Ok(Json::text("abc")));
        assert_eq!(reason(text("Müller", Some(5))), "the text has 6 characters, 5 fit: `| cut` would shorten it");
        let number = |text: &str| Decimal::parse(text).unwrap();
        assert_eq!(decimal(number("1.50"), 5, 2).unwrap().to_text(), "1.5");
        assert_eq!(reason(decimal(number("1.505"), 5, 2)), "1.505 has 3 decimals, 2 fit: say `| round(2)`");
        assert_eq!(reason(decimal(number("1234"), 5, 2)), "1234 has 4 digits before the point, 3 fit");
        assert_eq!(
            reason(integer(number("1.5"), None, None)),
            "1.5 is not a whole number: say `| round(0)`, `| floor` or `| ceiling`"
        );
        assert!(integer(number("5"), Some(6), None).is_err());
        assert!(integer(number("5"), None, Some(4)).is_err());
        assert_eq!(decimal_as_text(number("1.5"), 5, 2).unwrap().to_text(), "\"1.5\"");
        assert_eq!(
            reason(word("cCustomr", &["cCustomer", "cSupplier"])),
            "the target does not know \"cCustomr\" (it knows \"cCustomer\", \"cSupplier\"; nearest is \"cCustomer\")"
        );
    }

    #[test]
    fn a_record_keeps_order_and_merges_nested_records() {
        let mut record = Record::new();
        record.set("b", Json::text("1"));
        record.set_at(&["a", "x"], Json::text("2"));
        record.set_at(&["a", "y"], Json::Boolean(true));
        record.push("list", Json::Null);
        record.push("list", Json::Boolean(false));
        record.set("b", Json::text("3"));
        assert_eq!(record.count("list"), 2);
        assert_eq!(record.into_json().to_text(), r#"{"b":"3","a":{"x":"2","y":true},"list":[null,false]}"#);
    }

    #[test]
    fn leaves_are_spelled_as_the_catalogue_says() {
        let uuid_value = Uuid::parse("018f3c2a9b7d7e41a5c60d1e2f3a4b5c").unwrap();
        assert_eq!(uuid(uuid_value, true).unwrap().to_text(), "\"018f3c2a9b7d7e41a5c60d1e2f3a4b5c\"");
        assert_eq!(boolean_as(true, "tYES", "tNO").unwrap().to_text(), "\"tYES\"");
        assert_eq!(date("2026-11-02".parse().unwrap()).unwrap().to_text(), "\"2026-11-02\"");
        assert_eq!(
            instant("2026-11-02T09:15:00Z".parse().unwrap()).unwrap().to_text(),
            "\"2026-11-02T09:15:00.000+00:00\""
        );
    }
}
