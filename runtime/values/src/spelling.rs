//! Days, times and points in time that a system writes in a format of its own: `date as text("%d.%m.%Y")`.
//!
//! In: a value or a text, and the catalogue's format. Out: the text, or the value. A point in time is written and read in UTC where
//! its format has no offset; what is finer than its format is not written. A day or time of which the format loses something is refused.

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use crate::fault::{Fault, Stop, shortened};
use crate::json::Json;
use crate::node::Node;
use crate::step::Step;
use crate::time::{Date, Instant, Time};
use crate::write::Written;

/// A value that can have a format of its own.
pub trait Formatted: Copy + PartialEq {
    /// For messages: `a date`.
    const NOUN: &'static str;
    /// Must the text say all of the value?
    const EXACT: bool;
    /// A value of which all parts differ, so that none can stand for another.
    fn sample() -> Option<Self>;
    /// Its text; `None` where the format asks for what the value does not have.
    fn print(self, format: &str) -> Option<String>;
    /// The value of a text.
    fn parse(text: &str, format: &str) -> Option<Self>;
}

impl Formatted for Date {
    const NOUN: &'static str = "a date";
    const EXACT: bool = true;

    fn sample() -> Option<Date> {
        Date::new(2001, 11, 23).ok()
    }

    fn print(self, format: &str) -> Option<String> {
        BrokenDownTime::from(self).to_string(format).ok()
    }

    fn parse(text: &str, format: &str) -> Option<Date> {
        Date::strptime(format, text).ok()
    }
}

impl Formatted for Time {
    const NOUN: &'static str = "a time of day";
    const EXACT: bool = true;

    fn sample() -> Option<Time> {
        Time::new(17, 48, 0, 0).ok()
    }

    fn print(self, format: &str) -> Option<String> {
        BrokenDownTime::from(self).to_string(format).ok()
    }

    fn parse(text: &str, format: &str) -> Option<Time> {
        Time::strptime(format, text).ok()
    }
}

impl Formatted for Instant {
    const NOUN: &'static str = "a point in time";
    const EXACT: bool = false;

    fn sample() -> Option<Instant> {
        "2001-11-23T17:48:00Z".parse().ok()
    }

    fn print(self, format: &str) -> Option<String> {
        BrokenDownTime::from(&self.to_zoned(TimeZone::UTC)).to_string(format).ok()
    }

    fn parse(text: &str, format: &str) -> Option<Instant> {
        let read = BrokenDownTime::parse(format, text).ok()?;
        let in_utc = || DateTime::strptime(format, text).ok()?.to_zoned(TimeZone::UTC).ok();
        read.to_timestamp().ok().or_else(|| in_utc().map(|zoned| zoned.timestamp()))
    }
}

/// Does a format serve to write and read such values?
///
/// # Errors
/// Says why not.
pub fn check_format<T: Formatted>(format: &str) -> Result<(), String> {
    let read = T::sample().and_then(|sample| T::parse(&sample.print(format)?, format));
    if read.is_some() && read == T::sample() {
        return Ok(());
    }
    Err(format!(
        "\"{}\" does not say all of {}: what is written so could not be read again",
        shortened(format),
        T::NOUN
    ))
}

/// A value in its format.
///
/// # Errors
/// The format loses a part of it.
pub fn write_as<T: Formatted>(value: T, format: &str) -> Written<'static> {
    match value.print(format) {
        Some(text) if !T::EXACT || T::parse(&text, format) == Some(value) => Ok(Json::Text(text.into())),
        Some(text) => Err(Stop::failed_on(&text, format!("{} loses a part of itself as \"{text}\"", T::NOUN))),
        None => Err(Stop::failed(format!("{} cannot be written as \"{format}\"", T::NOUN))),
    }
}

impl Node<'_> {
    /// A day, time or point in time written in a format.
    ///
    /// # Errors
    /// No text, or not written so.
    pub fn formatted<T: Formatted>(&self, steps: &[Step<'_>], format: &str) -> Result<Option<T>, Stop> {
        let Some(text) = self.text(steps, None)? else { return Ok(None) };
        let fault = || {
            let path = self.path(steps);
            let reason = format!("`{path}` is not {} written as {format}", T::NOUN);
            Fault::new(reason).with_source(path).with_value(text.as_ref()).into()
        };
        T::parse(&text, format).map(Some).ok_or_else(fault)
    }

    /// A day in a format.
    ///
    /// # Errors
    /// Anything else.
    pub fn date_as(&self, steps: &[Step<'_>], format: &str) -> Result<Option<Date>, Stop> {
        self.formatted(steps, format)
    }

    /// A time of day in a format.
    ///
    /// # Errors
    /// Anything else.
    pub fn time_as(&self, steps: &[Step<'_>], format: &str) -> Result<Option<Time>, Stop> {
        self.formatted(steps, format)
    }

    /// A point in time in a format, in UTC where the format has no offset.
    ///
    /// # Errors
    /// Anything else.
    pub fn instant_as(&self, steps: &[Step<'_>], format: &str) -> Result<Option<Instant>, Stop> {
        self.formatted(steps, format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;

    #[test]
    fn values_are_written_and_read_in_the_format_of_the_catalogue() {
        let json =
            Json::parse(r#"{"d":"02.11.2026","t":"0915","i":"20261102 091500","o":"2026-11-02 09:15 +0100"}"#).unwrap();
        let node = Node::borrowed(&json, "order");
        let day = node.date_as(at!["d"], "%d.%m.%Y").unwrap().unwrap();
        assert_eq!(day.to_string(), "2026-11-02");
        assert_eq!(write_as(day, "%Y%m%d"), Ok(Json::text("20261102")));
        let time = node.time_as(at!["t"], "%H%M").unwrap().unwrap();
        assert_eq!(write_as(time, "%H:%M"), Ok(Json::text("09:15")));
        let instant = node.instant_as(at!["i"], "%Y%m%d %H%M%S").unwrap().unwrap();
        assert_eq!(instant.to_string(), "2026-11-02T09:15:00Z");
        assert_eq!(
            node.instant_as(at!["o"], "%Y-%m-%d %H:%M %z").unwrap().unwrap().to_string(),
            "2026-11-02T08:15:00Z"
        );
        assert_eq!(write_as(instant, "%Y-%m-%d %H:%M %z"), Ok(Json::text("2026-11-02 09:15 +0000")));
        assert_eq!(node.date_as(at!["none"], "%d.%m.%Y"), Ok(None));
        let Err(Stop::Failed(fault)) = node.date_as(at!["d"], "%Y-%m-%d") else { panic!("must fail") };
        assert_eq!(fault.reason, "`order.d` is not a date written as %Y-%m-%d");
    }

    #[test]
    fn a_format_that_loses_something_is_refused() {
        assert_eq!(check_format::<Date>("%d.%m.%Y"), Ok(()));
        assert_eq!(check_format::<Date>("%y%m%d"), Ok(()));
        assert_eq!(check_format::<Time>("%H:%M"), Ok(()));
        assert_eq!(check_format::<Instant>("%Y%m%d%H%M%S"), Ok(()));
        for wrong in ["%d.%m.", "%Q", "", "%H:%M", "%d.%m.%Y %H"] {
            assert!(check_format::<Date>(wrong).is_err(), "{wrong}");
        }
        assert!(check_format::<Instant>("%Y-%m-%d").is_err());
        assert!(check_format::<Time>("%H").is_err());
        assert!(write_as(Date::new(1950, 1, 1).unwrap(), "%y%m%d").is_err());
        assert!(write_as(Time::new(1, 2, 3, 0).unwrap(), "%H:%M").is_err());
    }
}
