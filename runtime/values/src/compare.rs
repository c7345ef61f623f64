//! Equality, order and the text of a value: what `==`, `<`, `in` and `"{...}"` mean, for both back ends.
//!
//! Typed values compare with Rust's own operators: text by code points, numbers by value (`1 == 1.00`), and of two optional values a
//! missing one equals only a missing one. This file does the same for dynamic values and says how each leaf reads as text.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::decimal::{Decimal, Quotient};
use crate::fault::Stop;
use crate::time::{Date, Instant, Time, Uuid, date_text, instant_text, time_text};
use crate::value::Value;

/// How a leaf reads in a text hole and after `| text`.
pub trait Show {
    /// The canonical text: numbers without trailing zeros, days and instants in ISO 8601, `true` and `false`, UUIDs with dashes.
    fn show(&self) -> String;

    /// The text in the form that `text("hex")` asks for; only a UUID has another one.
    fn show_hex(&self) -> String {
        self.show()
    }
}

impl Show for Cow<'_, str> {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Show for &str {
    fn show(&self) -> String {
        (*self).to_owned()
    }
}

impl Show for String {
    fn show(&self) -> String {
        self.clone()
    }
}

impl Show for Decimal {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Show for bool {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Show for Date {
    fn show(&self) -> String {
        date_text(*self)
    }
}

impl Show for Time {
    fn show(&self) -> String {
        time_text(*self)
    }
}

impl Show for Instant {
    fn show(&self) -> String {
        instant_text(*self)
    }
}

impl Show for Uuid {
    fn show(&self) -> String {
        self.dashed()
    }

    fn show_hex(&self) -> String {
        self.hex()
    }
}

/// The text of any leaf.
#[must_use]
pub fn show(value: &impl Show) -> String {
    value.show()
}

/// The text of a dynamic leaf.
///
/// # Errors
/// A list, a record, a quotient or an unread value has no text.
pub fn show_value(value: &Value<'_>) -> Result<String, Stop> {
    show_in(value, false)
}

/// The text of a dynamic leaf, UUIDs without dashes when `hex`.
///
/// # Errors
/// A list, a record, a quotient or an unread value has no text.
pub fn show_in(value: &Value<'_>, hex: bool) -> Result<String, Stop> {
    match value {
        Value::Text(text) => Ok(text.show()),
        Value::Number(number) => Ok(number.show()),
        Value::Boolean(boolean) => Ok(boolean.show()),
        Value::Date(date) => Ok(date.show()),
        Value::Time(time) => Ok(time.show()),
        Value::Instant(instant) => Ok(instant.show()),
        Value::Uuid(uuid) => Ok(if hex { uuid.show_hex() } else { uuid.show() }),
        Value::Quotient(_) | Value::Money(_) | Value::List(_) | Value::Record(_) | Value::Json(_) => {
            Err(Stop::failed(format!("{} has no text", value.kind_name())))
        }
    }
}

/// `left == right`: a missing value equals only a missing one; numbers and quotients compare by value.
#[must_use]
pub fn same(left: Option<&Value<'_>>, right: Option<&Value<'_>>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => same_values(left, right),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn same_values(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Number(number), Value::Quotient(quotient)) | (Value::Quotient(quotient), Value::Number(number)) => {
            *quotient == Quotient::from(*number)
        }
        (left, right) => left == right,
    }
}

/// `left < right` and its like.
///
/// # Errors
/// The two have no order: the checker refuses such a spec.
pub fn order(left: &Value<'_>, right: &Value<'_>) -> Result<Ordering, Stop> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Ok(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => Ok(left.cmp(right)),
        (Value::Quotient(left), Value::Quotient(right)) => Ok(left.cmp(right)),
        (Value::Number(left), Value::Quotient(right)) => Ok(Quotient::from(*left).cmp(right)),
        (Value::Quotient(left), Value::Number(right)) => Ok(left.cmp(&Quotient::from(*right))),
        (Value::Boolean(left), Value::Boolean(right)) => Ok(left.cmp(right)),
        (Value::Date(left), Value::Date(right)) => Ok(left.cmp(right)),
        (Value::Time(left), Value::Time(right)) => Ok(left.cmp(right)),
        (Value::Instant(left), Value::Instant(right)) => Ok(left.cmp(right)),
        (Value::Uuid(left), Value::Uuid(right)) => Ok(left.cmp(right)),
        (left, right) => Err(Stop::failed(format!("{} and {} have no order", left.kind_name(), right.kind_name()))),
    }
}

/// The order of `sorted by`: missing first, else as [`Ord`] of the typed value.
#[must_use]
pub fn sort_order<T: Ord>(left: &Option<T>, right: &Option<T>) -> Ordering {
    left.cmp(right)
}

/// `x is blank`: missing, or text of nothing but white space.
#[must_use]
pub fn is_blank(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Value<'static> {
        Value::Number(Decimal::parse(text).unwrap())
    }

    #[test]
    fn missing_equals_only_missing() {
        assert!(same(None, None));
        assert!(!same(None, Some(&number("0"))));
        assert!(same(Some(&number("1")), Some(&number("1.00"))));
        let half = Value::Quotient(Quotient::new(Decimal::ONE, Decimal::integer(2)).unwrap());
        assert!(same(Some(&half), Some(&number("0.5"))));
        assert_eq!(order(&half, &number("1")), Ok(Ordering::Less));
        assert!(!same(Some(&Value::Text("1".into())), Some(&number("1"))));
    }

    #[test]
    fn text_compares_by_code_points() {
        let text = |text: &'static str| Value::Text(text.into());
        assert_eq!(order(&text("Z"), &text("a")), Ok(Ordering::Less));
        assert_eq!(order(&text("z"), &text("ä")), Ok(Ordering::Less));
        assert!(order(&text("1"), &number("1")).is_err());
    }

    #[test]
    fn leaves_read_canonically() {
        assert_eq!(show_value(&number("1.50")), Ok("1.5".into()));
        assert_eq!(show(&true), "true");
        assert_eq!(show(&"2026-11-02T10:15:00+01:00".parse::<Instant>().unwrap()), "2026-11-02T09:15:00.000+00:00");
        assert!(show_value(&Value::List(Vec::new())).is_err());
        assert!(is_blank(None) && is_blank(Some(" \t")) && !is_blank(Some(" x")));
    }
}
