//! Days and points in time that are written as text: reading and printing them by patterns.
//!
//! In: text, or a day or instant, and a pattern. Out: a day or instant, or text. Never a guess: a pattern that leaves a part of the day open does not read.

use std::borrow::Cow;

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::{D, DT, ZONE, known_zone};
use crate::fault::{Stop, shortened};
use crate::functions::{Bound, Function, Param, PatternUse, Returns, Takes, arg, tried};
use crate::time::{Date, Instant};

/// Prints a day by a pattern.
///
/// # Errors
/// The pattern is none, or asks for what a day has not.
pub fn format_date<'r>(d: Date, pattern: Cow<'r, str>) -> Result<Cow<'r, str>, Stop> {
    match BrokenDownTime::from(d).to_string(pattern.as_ref()) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(_) => Err(bad_pattern(&pattern)),
    }
}

fn bad_pattern(pattern: &str) -> Stop {
    Stop::failed_on(pattern, format!("\"{}\" is no pattern of days here (write %d.%m.%Y)", shortened(pattern)))
}

/// Reads a day by a pattern.
///
/// # Errors
/// The text is no day written so.
pub fn parse_date<'r>(t: Cow<'r, str>, pattern: Cow<'r, str>) -> Result<Date, Stop> {
    Date::strptime(pattern.as_bytes(), t.as_bytes())
        .map_err(|_| Stop::failed_on(&t, format!("\"{}\" is no date written as {pattern}", shortened(&t))))
}

/// Prints an instant by a pattern, as the clocks of a zone show it.
///
/// # Errors
/// The zone is unknown or the pattern is none.
pub fn format_datetime<'r>(dt: Instant, pattern: Cow<'r, str>, zone: Cow<'r, str>) -> Result<Cow<'r, str>, Stop> {
    let zoned = dt.to_zoned(known_zone(&zone)?);
    match BrokenDownTime::from(&zoned).to_string(pattern.as_ref()) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(_) => Err(bad_pattern(&pattern)),
    }
}

/// Reads an instant from text that gives the time of a zone's clocks. A time that the clocks show twice, or never, when they are set is refused.
///
/// # Errors
/// The zone is unknown, or the text is no time written so, or it is ambiguous.
pub fn parse_datetime<'r>(t: Cow<'r, str>, pattern: Cow<'r, str>, zone: Cow<'r, str>) -> Result<Instant, Stop> {
    let zone = known_zone(&zone)?;
    let read = DateTime::strptime(pattern.as_bytes(), t.as_bytes())
        .map_err(|_| Stop::failed_on(&t, format!("\"{}\" is no date and time written as {pattern}", shortened(&t))))?;
    zone.to_ambiguous_zoned(read).unambiguous().map(|zoned| zoned.timestamp()).map_err(|_| {
        Stop::failed_on(&t, format!("\"{}\" is not one point in time: the clocks are set then", shortened(&t)))
    })
}

/// Does this pattern of days and times serve for that use?
///
/// # Errors
/// Says what is wrong with it.
pub fn check_date_pattern(pattern: &str, used: PatternUse) -> Result<(), String> {
    // A day and a time of which all parts differ, so that none can stand for another.
    let day = jiff::civil::date(2001, 11, 23);
    let clock = day.at(17, 48, 0, 0);
    let sample = clock.to_zoned(TimeZone::UTC).map_err(|_| "no pattern can be checked".to_owned())?;
    let shown = shortened(pattern);
    if !pattern.contains('%') {
        return Err(format!("\"{shown}\" is no pattern: write one like \"%d.%m.%Y\""));
    }
    match used {
        PatternUse::PrintDay => match BrokenDownTime::from(day).to_string(pattern) {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("\"{shown}\" is no pattern of days: write one like \"%d.%m.%Y\"")),
        },
        PatternUse::PrintInstant => match BrokenDownTime::from(&sample).to_string(pattern) {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("\"{shown}\" is no pattern of days and times: write one like \"%d.%m.%Y %H:%M\"")),
        },
        PatternUse::ReadDay => {
            let printed = BrokenDownTime::from(day).to_string(pattern).ok();
            let read = printed.and_then(|text| Date::strptime(pattern, text).ok());
            if read == Some(day) {
                return Ok(());
            }
            Err(format!(
                "\"{shown}\" does not say which day: write one like \"%d.%m.%Y\", with day, month and year alone"
            ))
        }
        PatternUse::ReadInstant => {
            let printed = BrokenDownTime::from(clock).to_string(pattern).ok();
            let read = printed.and_then(|text| DateTime::strptime(pattern, text).ok());
            if read == Some(clock) {
                return Ok(());
            }
            Err(format!(
                "\"{shown}\" does not say which day and time: write one like \"%d.%m.%Y %H:%M\", without the offset of a zone"
            ))
        }
    }
}

const fn pattern(used: PatternUse) -> Param {
    Param::new("pattern", Takes::DatePattern(used))
}

const T: Param = Param::new("t", Takes::Text);

pub(super) const FORMAT_DATE: Function = Function::new(
    "format_date",
    path!(dates::format_date),
    "Prints a day by a pattern: %d day, %m month, %Y year, %y year of two digits, %j day of the year, %V week.",
    &[D, pattern(PatternUse::PrintDay)],
    Returns::Text(Bound::Unbounded),
    |a| tried(format_date(arg(a, 0)?, arg(a, 1)?)),
)
.fails("the pattern asks for what a day has not")
.examples(&[
    example!(r#"format_date(2026-11-02, "%d.%m.%Y")"# => r#""02.11.2026""#),
    example!(r#"format_date(2026-11-02, "%H:%M")"# => "fails"),
]);

pub(super) const PARSE_DATE: Function = Function::new(
    "parse_date",
    path!(dates::parse_date),
    "Reads a day by a pattern.",
    &[T, pattern(PatternUse::ReadDay)],
    Returns::Date,
    |a| tried(parse_date(arg(a, 0)?, arg(a, 1)?)),
)
.fails("the text is no day written so")
.examples(&[
    example!(r#"parse_date("02.11.2026", "%d.%m.%Y")"# => "2026-11-02"),
    example!(r#"parse_date("31.02.2026", "%d.%m.%Y")"# => "fails"),
    example!(r#"parse_date("02.11.2026 x", "%d.%m.%Y")"# => "fails"),
]);

pub(super) const FORMAT_DATETIME: Function = Function::new(
        "format_datetime",
        path!(dates::format_datetime),
        "Prints a point in time by a pattern, as the clocks of a zone show it; `%z` adds the offset, which tells apart what they show twice.",
        &[DT, pattern(PatternUse::PrintInstant), ZONE],
        Returns::Text(Bound::Unbounded),
        |a| tried(format_datetime(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .fails("the zone is unknown or the pattern is none")
    .examples(&[
        example!(r#"format_datetime(instant("2026-11-02T23:30:00Z"), "%d.%m.%Y %H:%M", "Europe/Berlin")"# => r#""03.11.2026 00:30""#), example!("format_datetime(instant(\"2026-11-02T23:30:00Z\"), \"%H:%M\", \"Europe/Atlantis\")" => "fails")]);

pub(super) const PARSE_DATETIME: Function = Function::new(
        "parse_datetime",
        path!(dates::parse_datetime),
        "Reads a point in time by a pattern from what the clocks of a zone show. A time that they show twice or never, in the nights when they are set, is no point in time and fails; `if invalid` answers it.",
        &[T, pattern(PatternUse::ReadInstant), ZONE],
        Returns::Instant,
        |a| tried(parse_datetime(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .fails("the text is no time written so, the zone is unknown, or the clocks are set at that time")
    .examples(&[
        example!(r#"parse_datetime("03.11.2026 00:30", "%d.%m.%Y %H:%M", "Europe/Berlin")"# => r#"instant("2026-11-02T23:30:00Z")"#),
        example!(r#"parse_datetime("2026-10-25 02:30", "%Y-%m-%d %H:%M", "Europe/Berlin")"# => "fails"),
        example!(r#"parse_datetime("2026-03-29 02:30", "%Y-%m-%d %H:%M", "Europe/Berlin")"# => "fails"),
    ]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_checked_for_their_use() {
        use PatternUse::{PrintDay, PrintInstant, ReadDay, ReadInstant};
        for (pattern, serves) in [
            ("%d.%m.%Y", &[PrintDay, ReadDay, PrintInstant][..]),
            ("%Y%m%d", &[PrintDay, ReadDay, PrintInstant]),
            ("%d.%m.%Y %H:%M", &[PrintInstant, ReadInstant]),
            ("%Y-%m-%dT%H:%M:%S", &[PrintInstant, ReadInstant]),
            ("%d.%m.%Y %I:%M %p", &[PrintInstant, ReadInstant]),
            ("%d.%m.", &[PrintDay, PrintInstant]),
            ("%Y-%m-%d %H:%M %z", &[PrintInstant]),
            ("%H:%M", &[PrintInstant]),
            ("%Q%!", &[]),
            ("dd.MM.yyyy", &[]),
            ("", &[]),
        ] {
            for used in [PrintDay, ReadDay, PrintInstant, ReadInstant] {
                let checked = check_date_pattern(pattern, used);
                assert_eq!(checked.is_ok(), serves.contains(&used), "{pattern} to {used:?}: {checked:?}");
            }
        }
    }

    #[test]
    fn odd_patterns_fail_and_do_not_panic() {
        let day: Date = "2026-11-02".parse().unwrap();
        for pattern in ["%", "%Q%", "%!", "\u{0}%", "%z", "%Z"] {
            assert!(format_date(day, pattern.into()).is_err(), "{pattern:?}");
            assert!(parse_date("x".into(), pattern.into()).is_err(), "{pattern:?}");
        }
    }
}
