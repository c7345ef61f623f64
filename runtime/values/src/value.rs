//! A value of which only the run time knows the type: what the preview computes with.
//!
//! In and out: the same Rust types that generated code uses, wrapped; so both back ends call the same functions.

use std::borrow::Cow;

use crate::decimal::{Decimal, Mode, Quotient};
use crate::fault::Stop;
use crate::json::Json;
use crate::money::Money;
use crate::node::Node;
use crate::time::{Date, Instant, Time, Uuid};

/// A value of the language. Missing is `Option::None` around it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'r> {
    /// Text; also the word of an enum, of a rounding mode, the name of a zone.
    Text(Cow<'r, str>),
    /// Any number.
    Number(Decimal),
    /// The result of `/`.
    Quotient(Quotient),
    /// An amount with its currency.
    Money(Money),
    /// True or false.
    Boolean(bool),
    /// A calendar day.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// A point in time.
    Instant(Instant),
    /// A UUID.
    Uuid(Uuid),
    /// A list, whose elements may be missing.
    List(Vec<Option<Value<'r>>>),
    /// A record.
    Record(Node<'r>),
    /// A value passed on unread.
    Json(Json<'r>),
}

impl Value<'_> {
    /// What this is, in an analyst's words, with its article.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Number(_) => "a number",
            Value::Quotient(_) => "an unrounded quotient",
            Value::Money(_) => "an amount with its currency",
            Value::Boolean(_) => "true or false",
            Value::Date(_) => "a date",
            Value::Time(_) => "a time of day",
            Value::Instant(_) => "a point in time",
            Value::Uuid(_) => "a UUID",
            Value::List(_) => "a list",
            Value::Record(_) => "a record",
            Value::Json(_) => "an unread value",
        }
    }
}

/// A Rust type of generated code, taken from a dynamic value.
pub trait FromValue<'r>: Sized {
    /// The typed value.
    ///
    /// # Errors
    /// The value is missing or of another kind; the checker refuses such a spec, so this is a fault of the program.
    fn from_value(value: Option<Value<'r>>) -> Result<Self, Stop>;
}

/// A Rust type of generated code, as a dynamic value.
pub trait IntoValue<'r> {
    /// The dynamic value; `None` = missing.
    fn into_value(self) -> Option<Value<'r>>;
}

fn unexpected<'r, T>(expected: &str, value: Option<&Value<'r>>) -> Result<T, Stop> {
    let found = value.map_or("missing", Value::kind_name);
    Err(Stop::failed(format!("{expected} is expected here, but this is {found}")))
}

macro_rules! typed {
    ($type:ty, $variant:ident, $expected:literal) => {
        impl<'r> FromValue<'r> for $type {
            fn from_value(value: Option<Value<'r>>) -> Result<Self, Stop> {
                match value {
                    Some(Value::$variant(value)) => Ok(value),
                    other => unexpected($expected, other.as_ref()),
                }
            }
        }

        impl<'r> IntoValue<'r> for $type {
            fn into_value(self) -> Option<Value<'r>> {
                Some(Value::$variant(self))
            }
        }
    };
}

typed!(Cow<'r, str>, Text, "a text");
typed!(Decimal, Number, "a number");
typed!(bool, Boolean, "true or false");
typed!(Money, Money, "an amount with its currency");
typed!(Date, Date, "a date");
typed!(Time, Time, "a time of day");
typed!(Instant, Instant, "a point in time");
typed!(Uuid, Uuid, "a UUID");
typed!(Node<'r>, Record, "a record");
typed!(Json<'r>, Json, "an unread value");

impl<'r> FromValue<'r> for Quotient {
    fn from_value(value: Option<Value<'r>>) -> Result<Self, Stop> {
        match value {
            Some(Value::Quotient(value)) => Ok(value),
            Some(Value::Number(value)) => Ok(Quotient::from(value)),
            other => unexpected("a number or a quotient", other.as_ref()),
        }
    }
}

impl<'r> IntoValue<'r> for Quotient {
    fn into_value(self) -> Option<Value<'r>> {
        Some(Value::Quotient(self))
    }
}

impl<'r> FromValue<'r> for Mode {
    fn from_value(value: Option<Value<'r>>) -> Result<Self, Stop> {
        match value {
            Some(Value::Text(word)) => match Mode::from_word(&word) {
                Some(mode) => Ok(mode),
                None => Err(Stop::failed_on(&word, format!("\"{word}\" is no way of rounding"))),
            },
            other => unexpected("a way of rounding", other.as_ref()),
        }
    }
}

impl<'r> FromValue<'r> for Value<'r> {
    fn from_value(value: Option<Value<'r>>) -> Result<Self, Stop> {
        match value {
            Some(value) => Ok(value),
            None => unexpected("a value", None),
        }
    }
}

impl<'r> IntoValue<'r> for Value<'r> {
    fn into_value(self) -> Option<Value<'r>> {
        Some(self)
    }
}

impl<'r> IntoValue<'r> for String {
    fn into_value(self) -> Option<Value<'r>> {
        Some(Value::Text(Cow::Owned(self)))
    }
}

impl<'r, T: FromValue<'r>> FromValue<'r> for Option<T> {
    fn from_value(value: Option<Value<'r>>) -> Result<Self, Stop> {
        match value {
            None => Ok(None),
            present => T::from_value(present).map(Some),
        }
    }
}

impl<'r, T: IntoValue<'r>> IntoValue<'r> for Option<T> {
    fn into_value(self) -> Option<Value<'r>> {
        self.and_then(IntoValue::into_value)
    }
}

impl<'r, T: FromValue<'r>> FromValue<'r> for Vec<T> {
    fn from_value(value: Option<Value<'r>>) -> Result<Self, Stop> {
        match value {
            Some(Value::List(elements)) => elements.into_iter().map(T::from_value).collect(),
            other => unexpected("a list", other.as_ref()),
        }
    }
}

impl<'r, T: IntoValue<'r>> IntoValue<'r> for Vec<T> {
    fn into_value(self) -> Option<Value<'r>> {
        Some(Value::List(self.into_iter().map(IntoValue::into_value).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_convert_element_by_element() {
        let list = vec![Some(Decimal::ONE), None];
        let value = list.clone().into_value();
        assert_eq!(Vec::<Option<Decimal>>::from_value(value.clone()), Ok(list));
        let Err(Stop::Failed(fault)) = Vec::<Decimal>::from_value(value) else { panic!("must fail") };
        assert_eq!(fault.reason, "a number is expected here, but this is missing");
    }

    #[test]
    fn a_number_serves_as_a_quotient() {
        assert_eq!(Quotient::from_value(Some(Value::Number(Decimal::ONE))), Ok(Quotient::from(Decimal::ONE)));
        assert_eq!(Mode::from_value(Some(Value::Text("half_up".into()))), Ok(Mode::HalfUp));
        assert!(Mode::from_value(Some(Value::Text("sideways".into()))).is_err());
    }
}
