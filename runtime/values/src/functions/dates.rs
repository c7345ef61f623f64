//! Dates: days, instants and the zones between them.
//!
//! In: days, instants, the name of a zone. Out: days, instants, text. Never the clock: `now` is the time at which the record was first captured.

mod patterns;

use std::borrow::Cow;

use jiff::Span;
use jiff::tz::TimeZone;

use super::{Bound, Function, Param, Returns, Takes, arg, ok, tried};
use crate::decimal::Decimal;
use crate::fault::{Stop, shortened};
use crate::time::{Date, Instant, zone, zone_names, zoned_text};

pub use patterns::{check_date_pattern, format_date, format_datetime, parse_date, parse_datetime};

fn known_zone(name: &str) -> Result<TimeZone, Stop> {
    zone(name)
        .ok_or_else(|| Stop::failed_on(name, format!("\"{}\" is no time zone (write Europe/Berlin)", shortened(name))))
}

/// The day that it is in a zone.
///
/// # Errors
/// The zone is unknown.
pub fn date_in(dt: Instant, zone: Cow<'_, str>) -> Result<Date, Stop> {
    Ok(known_zone(&zone)?.to_datetime(dt).date())
}

/// The instant at which a day begins in a zone.
///
/// # Errors
/// The zone is unknown, or the day lies beyond the year 9999.
pub fn start_of_day(d: Date, zone: Cow<'_, str>) -> Result<Instant, Stop> {
    let start = d.to_zoned(known_zone(&zone)?).and_then(|zoned| zoned.start_of_day());
    start.map(|zoned| zoned.timestamp()).map_err(|_| out_of_range(d))
}

/// A point in time as the clocks of a zone show it, in ISO 8601 with its offset.
///
/// # Errors
/// The zone is unknown.
pub fn in_zone<'r>(dt: Instant, zone: Cow<'r, str>) -> Result<Cow<'r, str>, Stop> {
    Ok(Cow::Owned(zoned_text(dt, &known_zone(&zone)?)))
}

/// When the record was first captured.
#[must_use]
pub fn now(captured_at: Instant) -> Instant {
    captured_at
}

/// The day on which the record was first captured, in a zone.
///
/// # Errors
/// The zone is unknown.
pub fn today(captured_at: Instant, zone: Cow<'_, str>) -> Result<Date, Stop> {
    date_in(captured_at, zone)
}

fn out_of_range(d: Date) -> Stop {
    Stop::failed_on(&d, "the result lies outside the years -9999 to 9999")
}

/// A whole number of days or months. jiff refuses spans beyond what its years can hold.
fn shifted(d: Date, n: Decimal, span: impl FnOnce(i64) -> Option<Span>) -> Result<Date, Stop> {
    let Some(count) = n.to_i64() else {
        return Err(Stop::failed_on(&n, format!("{n} is no whole number of days or months")));
    };
    span(count).and_then(|span| d.checked_add(span).ok()).ok_or_else(|| out_of_range(d))
}

/// So many days later, or earlier when negative.
///
/// # Errors
/// The result lies beyond the year 9999.
pub fn add_days(d: Date, n: Decimal) -> Result<Date, Stop> {
    shifted(d, n, |days| Span::new().try_days(days).ok())
}

/// So many months later; a day that the month does not have becomes its last.
///
/// # Errors
/// The result lies beyond the year 9999.
pub fn add_months(d: Date, n: Decimal) -> Result<Date, Stop> {
    shifted(d, n, |months| Span::new().try_months(months).ok())
}

/// Days from `a` to `b`; negative when `b` is earlier.
#[must_use]
pub fn days_between(a: Date, b: Date) -> Decimal {
    let days = a.duration_until(b).as_hours() / 24;
    Decimal::integer(days)
}

/// The first day of the month.
#[must_use]
pub fn start_of_month(d: Date) -> Date {
    d.first_of_month()
}

/// The last day of the month.
#[must_use]
pub fn end_of_month(d: Date) -> Date {
    d.last_of_month()
}

/// The day of the week: Monday 1 to Sunday 7.
#[must_use]
pub fn weekday(d: Date) -> Decimal {
    Decimal::integer(i64::from(d.weekday().to_monday_one_offset()))
}

/// What an epoch counts.
pub const EPOCH_UNITS: &[&str] = &["seconds", "milliseconds"];

/// The instant so many seconds or milliseconds after 1970-01-01T00:00:00Z.
///
/// # Errors
/// Not whole, or beyond the year 9999.
pub fn from_epoch(n: Decimal, unit: Cow<'_, str>) -> Result<Instant, Stop> {
    let count = n.to_i64().ok_or_else(|| Stop::failed_on(&n, format!("{n} is no whole number of {unit}")))?;
    let instant = if unit == "milliseconds" { Instant::from_millisecond(count) } else { Instant::from_second(count) };
    instant.map_err(|_| Stop::failed_on(&n, format!("{n} {unit} lie outside the years -9999 to 9999")))
}

/// Whole seconds or milliseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn to_epoch(dt: Instant, unit: Cow<'_, str>) -> Decimal {
    Decimal::integer(if unit == "milliseconds" { dt.as_millisecond() } else { dt.as_second() })
}

/// Is this the name of a time zone?
///
/// # Errors
/// Says that it is none, and which was probably meant.
pub fn check_zone(name: &str) -> Result<(), String> {
    if zone(name).is_some() {
        return Ok(());
    }
    let names = zone_names();
    let last_part = |known: &str| known.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name));
    let meant = names.iter().map(String::as_str).find(|known| last_part(known));
    let meant = meant.or_else(|| crate::names::closest(name, names.iter().map(String::as_str)));
    Err(match meant {
        Some(meant) => format!("\"{}\" is no time zone; did you mean \"{meant}\"?", shortened(name)),
        None => format!("\"{}\" is no time zone; write one like \"Europe/Berlin\"", shortened(name)),
    })
}

const D: Param = Param::new("d", Takes::Date);
const DT: Param = Param::new("dt", Takes::Instant);
const N: Param = Param::new("n", Takes::Integer);
const ZONE: Param = Param::new("zone", Takes::Zone);
const UNIT: Param = Param::new("unit", Takes::Word(EPOCH_UNITS));
const NO_ZONE: &str = "the zone is unknown";
const TOO_FAR: &str = "the result lies beyond the year 9999";

/// What holds of all these functions.
pub(super) const ABOUT: &str = "A `date` is a day of the calendar, a `datetime` a point in time. Which day or hour it is depends on the zone, so each function between the two names one, by its IANA name (`Europe/Berlin`). In a pattern stand `%d` day, `%m` month, `%Y` year, `%y` year of two digits (69 to 99 are of the last century), `%j` day of the year, `%V` week, `%H` hour to 23, `%I` hour to 12 with `%p` for AM or PM, `%M` minute, `%S` second, `%%` a percent sign; with a `-` (`%-d`) no leading zero is printed. A pattern that does not serve for its function is refused at compile time.";

/// The functions on days and instants.
pub static FUNCTIONS: &[Function] = &[
    Function::new("date_in", path!(date_in), "The day that it is in a zone: one day for every point in time, also where the clocks are set.", &[DT, ZONE], Returns::Date, |a| {
        tried(date_in(arg(a, 0)?, arg(a, 1)?))
    })
    .fails(NO_ZONE)
    .loses()
    .examples(&[
        example!(r#"date_in(instant("2026-11-02T23:30:00Z"), "Europe/Berlin")"# => "2026-11-03"),
        example!(r#"date_in(instant("2026-11-02T23:30:00Z"), "Berlin")"# => "fails"),
    ]),
    Function::new(
        "start_of_day",
        path!(start_of_day),
        "The point in time at which a day begins in a zone. Where the clocks skip midnight, it is when they are set; where they show it twice, the first time.",
        &[D, ZONE],
        Returns::Instant,
        |a| tried(start_of_day(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails(NO_ZONE)
    .examples(&[example!(r#"start_of_day(2026-07-01, "Europe/Berlin")"# => r#"instant("2026-06-30T22:00:00Z")"#), example!("start_of_day(2026-11-02, \"Europe/Atlantis\")" => "fails")]),
    Function::new(
        "in_zone",
        path!(in_zone),
        "The text of a point in time as the clocks of a zone show it, in ISO 8601 with milliseconds and the offset. The hour that the clocks show twice differs in its offset, so nothing is lost.",
        &[DT, ZONE],
        Returns::Text(Bound::Fixed(41)),
        |a| tried(in_zone(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails(NO_ZONE)
    .examples(&[
        example!(r#"in_zone(instant("2026-11-02T23:30:00Z"), "Europe/Berlin")"# => r#""2026-11-03T00:30:00.000+01:00""#),
        example!(r#"in_zone(instant("2026-10-25T00:30:00Z"), "Europe/Berlin")"# => r#""2026-10-25T02:30:00.000+02:00""#),
        example!(r#"in_zone(instant("2026-10-25T01:30:00Z"), "Europe/Berlin")"# => r#""2026-10-25T02:30:00.000+01:00""#), example!("in_zone(instant(\"2026-11-02T23:30:00Z\"), \"Europe/Atlantis\")" => "fails"),
    ]),
    Function::new(
        "now",
        path!(now),
        "The point in time at which the record was first captured: the same at every attempt.",
        &[],
        Returns::Instant,
        |a| ok(now(arg(a, 0)?)),
    )
    .needs_now(),
    Function::new(
        "today",
        path!(today),
        "The day on which the record was first captured, in a zone: the same at every attempt.",
        &[ZONE],
        Returns::Date,
        |a| tried(today(arg(a, 0)?, arg(a, 1)?)),
    )
    .needs_now()
    .fails(NO_ZONE),
    Function::new("add_days", path!(add_days), "So many days later, or earlier if negative.", &[D, N], Returns::Date, |a| {
        tried(add_days(arg(a, 0)?, arg(a, 1)?))
    })
    .fails(TOO_FAR)
    .examples(&[
        example!("add_days(2026-12-30, 3)" => "2027-01-02"),
        example!("add_days(2026-03-01, -1)" => "2026-02-28"),
        example!("add_days(2026-03-01, 99999999)" => "fails"),
    ]),
    Function::new(
        "add_months",
        path!(add_months),
        "So many months later, or earlier if negative. A day that the month does not have becomes its last.",
        &[D, N],
        Returns::Date,
        |a| tried(add_months(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails(TOO_FAR)
    .examples(&[example!("add_months(2026-01-31, 1)" => "2026-02-28"), example!("add_months(2026-01-15, -1)" => "2025-12-15"), example!("add_months(2026-01-31, 100000)" => "fails")]),
    Function::new(
        "days_between",
        path!(days_between),
        "The number of days from one day to another; negative if the second is earlier.",
        &[Param::new("a", Takes::Date), Param::new("b", Takes::Date)],
        Returns::Integer,
        |a| ok(days_between(arg(a, 0)?, arg(a, 1)?)),
    )
    .examples(&[example!("days_between(2026-03-01, 2026-04-01)" => "31"), example!("days_between(2026-03-02, 2026-03-01)" => "-1")]),
    Function::new("start_of_month", path!(start_of_month), "The first day of the month.", &[D], Returns::Date, |a| {
        ok(start_of_month(arg(a, 0)?))
    })
    .examples(&[example!("start_of_month(2026-02-17)" => "2026-02-01")]),
    Function::new("end_of_month", path!(end_of_month), "The last day of the month.", &[D], Returns::Date, |a| {
        ok(end_of_month(arg(a, 0)?))
    })
    .examples(&[example!("end_of_month(2028-02-17)" => "2028-02-29")]),
    Function::new("weekday", path!(weekday), "The day of the week, Monday 1 to Sunday 7.", &[D], Returns::Integer, |a| {
        ok(weekday(arg(a, 0)?))
    })
    .examples(&[example!("weekday(2026-11-02)" => "1")]),
    Function::new(
        "from_epoch",
        path!(from_epoch),
        "The point in time so many seconds or milliseconds after 1970-01-01T00:00:00Z.",
        &[N, UNIT],
        Returns::Instant,
        |a| tried(from_epoch(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails(TOO_FAR)
    .examples(&[example!(r#"from_epoch(1793610900, "seconds")"# => r#"instant("2026-11-02T09:15:00Z")"#), example!("from_epoch(999999999999999, \"seconds\")" => "fails")]),
    Function::new(
        "to_epoch",
        path!(to_epoch),
        "Whole seconds or milliseconds since 1970-01-01T00:00:00Z; what is finer is dropped.",
        &[DT, UNIT],
        Returns::Integer,
        |a| ok(to_epoch(arg(a, 0)?, arg(a, 1)?)),
    )
    .loses()
    .examples(&[example!(r#"to_epoch(instant("2026-11-02T09:15:00.25Z"), "milliseconds")"# => "1793610900250")]),
    patterns::FORMAT_DATE,
    patterns::PARSE_DATE,
    patterns::FORMAT_DATETIME,
    patterns::PARSE_DATETIME,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_capture_is_now() {
        let captured_at: Instant = "2026-11-02T23:30:00Z".parse().unwrap();
        assert_eq!(now(captured_at), captured_at);
        assert_eq!(today(captured_at, "Europe/Berlin".into()).unwrap().to_string(), "2026-11-03");
    }

    #[test]
    fn far_dates_fail_and_do_not_panic() {
        assert!(add_days(Date::MAX, Decimal::ONE).is_err());
        assert!(add_months(Date::MIN, Decimal::integer(i64::MIN)).is_err());
        assert!(start_of_day(Date::MIN, "Pacific/Auckland".into()).is_err());
        assert_eq!(days_between(Date::MIN, Date::MAX), Decimal::integer(7_304_483));
        assert!(from_epoch(Decimal::integer(i64::MAX), "seconds".into()).is_err());
    }

    #[test]
    fn zones_are_checked_and_the_meant_one_is_named() {
        assert_eq!(check_zone("Europe/Berlin"), Ok(()));
        assert_eq!(check_zone("UTC"), Ok(()));
        for (wrong, meant) in
            [("Berlin", "\"Europe/Berlin\""), ("Europe/Berlim", "\"Europe/Berlin\""), ("xyzzy-123", "write one like")]
        {
            let told = check_zone(wrong).unwrap_err();
            assert!(told.contains(meant), "{told}");
        }
    }

    fn berlin(text: &str) -> Result<Instant, Stop> {
        parse_datetime(text.to_owned().into(), "%Y-%m-%d %H:%M".into(), "Europe/Berlin".into())
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn the_hour_that_happens_twice() {
        for instant in ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"] {
            assert_eq!(date_in(at(instant), "Europe/Berlin".into()).unwrap().to_string(), "2026-10-25");
            let shown = in_zone(at(instant), "Europe/Berlin".into()).unwrap();
            assert!(shown.starts_with("2026-10-25T02:30:00.000+0"));
            assert_eq!(crate::time::parse_instant(&shown), Some(at(instant)));
        }
        let Err(Stop::Failed(fault)) = berlin("2026-10-25 02:30") else { panic!("must fail") };
        assert_eq!(fault.reason, "\"2026-10-25 02:30\" is not one point in time: the clocks are set then");
        assert_eq!(berlin("2026-10-25 01:59"), Ok(at("2026-10-24T23:59:00Z")));
        assert_eq!(berlin("2026-10-25 03:00"), Ok(at("2026-10-25T02:00:00Z")));
        // In Havana midnight itself is shown twice: the day begins the first time.
        let start = start_of_day("2026-11-01".parse().unwrap(), "America/Havana".into());
        assert_eq!(start, Ok(at("2026-11-01T04:00:00Z")));
    }

    #[test]
    fn the_hour_that_does_not_exist() {
        assert!(berlin("2026-03-29 02:30").is_err());
        assert_eq!(berlin("2026-03-29 01:59"), Ok(at("2026-03-29T00:59:00Z")));
        assert_eq!(berlin("2026-03-29 03:00"), Ok(at("2026-03-29T01:00:00Z")));
        assert_eq!(
            in_zone(at("2026-03-29T01:00:00Z"), "Europe/Berlin".into()).unwrap(),
            "2026-03-29T03:00:00.000+02:00"
        );
        assert_eq!(date_in(at("2026-03-29T01:00:00Z"), "Europe/Berlin".into()).unwrap().to_string(), "2026-03-29");
        // In Sao Paulo midnight itself was skipped in 2018: the day began at one o'clock.
        let start = start_of_day("2018-11-04".parse().unwrap(), "America/Sao_Paulo".into());
        assert_eq!(start, Ok(at("2018-11-04T03:00:00Z")));
        // Samoa skipped the whole of 2011-12-30.
        let start = start_of_day("2011-12-30".parse().unwrap(), "Pacific/Apia".into());
        assert_eq!(start, Ok(at("2011-12-30T10:00:00Z")));
    }

    #[test]
    fn the_longest_text_in_a_zone_keeps_its_bound() {
        for instant in [Instant::MIN, Instant::MAX, at("1850-01-01T00:00:00.123456789Z")] {
            for zone in zone_names() {
                assert!(in_zone(instant, zone.into()).unwrap().chars().count() <= 41);
            }
        }
    }
}
