//! Change windows. In: a pass of the manifest and a window of instants. Out: terms to ask, and whether a row belongs to
//! the window. Pure; the zone comes from the configuration.

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, civil};
use mapwright_engine::connector::Window;
use mapwright_manifest::Pass;
use mapwright_values::plan::Kind;
use mapwright_values::{Json, Term, Test};

use crate::answer::path_values;
use crate::template::plain;

/// A pass with its zone.
pub(crate) struct Stamped<'m> {
    pub(crate) pass: &'m Pass,
    /// The system's zone, for days and times of day.
    pub(crate) zone: TimeZone,
    /// The kind of the pass's field.
    pub(crate) kind: Option<Kind>,
    /// Is the source itself asked for the window?
    pub(crate) asked: bool,
}

impl Stamped<'_> {
    /// What the source is asked for: the window, or a little more where it can only be asked by day.
    pub(crate) fn terms(&self, window: &Window) -> Vec<Term> {
        let bounds = [(Test::Ge, Test::Ge, window.since), (Test::Lt, Test::Le, window.until)];
        bounds
            .into_iter()
            .filter_map(|(by_instant, by_day, bound)| {
                let bound = bound?;
                Some(match self.pass {
                    Pass::Field { field, asked_as, format, .. } => {
                        let name = asked_as.as_ref().unwrap_or(field);
                        if let Some(format) = format {
                            term(name, by_instant, &bound.to_zoned(TimeZone::UTC).strftime(format).to_string())
                        } else if matches!(self.kind, Some(Kind::Date)) {
                            term(name, by_day, &bound.to_zoned(TimeZone::UTC).date().to_string())
                        } else {
                            term(name, by_instant, &instant(bound))
                        }
                    }
                    Pass::DateAndTime { date, .. } => {
                        term(date, by_day, &bound.to_zoned(self.zone.clone()).date().to_string())
                    }
                })
            })
            .collect()
    }

    /// The row's stamp, and whether the row belongs to the window. A row whose stamp cannot be read belongs to it:
    /// reading once too often is harmless, losing a record is not.
    pub(crate) fn stamp(&self, record: &Json<'_>, window: &Window) -> (Option<Timestamp>, bool) {
        match self.pass {
            Pass::Field { field, format, .. } => {
                let values = path_values(record, field);
                let read = |text: &str| match format {
                    Some(format) => {
                        let civil = civil::DateTime::strptime(format, text).ok();
                        civil.and_then(|civil| civil.to_zoned(TimeZone::UTC).ok()).map(|zoned| zoned.timestamp())
                    }
                    None => read_instant(text),
                };
                let stamps = values.iter().filter_map(|value| read(&plain(value)));
                let stamp = stamps.max();
                // Where the source was not asked, the row is compared here; a stamp of a day covers all of it. The watermark stays
                // behind a day that is not over, but its rows do not wait for its end: they are read now and once more.
                let belongs = self.asked
                    || stamp.is_none_or(|stamp| {
                        let day = values
                            .iter()
                            .all(|value| read_day(&plain(value)).is_some_and(|_| plain(value).len() <= 10))
                            || values.iter().all(|value| plain(value).len() == 8);
                        let end = if day { end_of_day(stamp) } else { stamp };
                        window.since.is_none_or(|since| end >= since)
                            && (day || window.until.is_none_or(|until| stamp < until))
                    });
                (stamp, belongs)
            }
            Pass::DateAndTime { date, time, .. } => {
                let text = |name: &str| record.get(name).filter(|value| !value.is_null()).map(plain);
                let moment = text(date).and_then(|day| read_day(&day)).map(|day| {
                    let time = time.as_deref().and_then(text).and_then(|time| read_time(&time));
                    day.to_datetime(time.unwrap_or(Time::midnight()))
                });
                match moment.and_then(|moment| self.instants(moment)) {
                    Some((earlier, later)) => {
                        let belongs = window.since.is_none_or(|since| later >= since)
                            && window.until.is_none_or(|until| earlier < until);
                        (Some(earlier), belongs)
                    }
                    None => (None, true),
                }
            }
        }
    }

    /// The instants that a local time may mean: two in the hour that the end of summer time repeats.
    fn instants(&self, moment: civil::DateTime) -> Option<(Timestamp, Timestamp)> {
        let ambiguous = self.zone.to_ambiguous_timestamp(moment);
        match ambiguous.offset() {
            AmbiguousOffset::Fold { before, after } => {
                Some((before.to_timestamp(moment).ok()?, after.to_timestamp(moment).ok()?))
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => {
                let instant = ambiguous.compatible().ok()?;
                Some((instant, instant))
            }
        }
    }
}

fn end_of_day(stamp: Timestamp) -> Timestamp {
    stamp.checked_add(jiff::SignedDuration::from_hours(24)).unwrap_or(stamp)
}

fn term(field: &str, test: Test, text: &str) -> Term {
    Term { field: field.to_owned(), test, value: Json::text(text.to_owned()).to_text() }
}

fn instant(bound: Timestamp) -> String {
    bound.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

fn read_instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let civil: civil::DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// The day of `2026-11-02` or `2026-11-02T00:00:00Z`: what follows says nothing.
fn read_day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

fn read_time(text: &str) -> Option<Time> {
    let padded = if text.len() == 5 { format!("{text}:00") } else { text.to_owned() };
    padded.parse().ok()
}

#[cfg(test)]
mod tests {
    use mapwright_manifest::{At, Template};

    use super::*;

    fn berlin() -> Pass {
        let zone = Template { at: At::default(), parts: Vec::new() };
        Pass::DateAndTime { date: "UpdateDate".into(), time: Some("UpdateTime".into()), zone }
    }

    fn window(since: &str, until: &str) -> Window {
        Window { pass: 0, since: Some(since.parse().unwrap()), until: Some(until.parse().unwrap()) }
    }

    #[test]
    fn an_instant_is_asked_with_both_bounds() {
        let pass = Pass::Field { field: "updatedAt".into(), asked_as: None, from_list: false, format: None };
        let stamped = Stamped { pass: &pass, zone: TimeZone::UTC, kind: Some(Kind::DateTime), asked: true };
        let terms = stamped.terms(&window("2026-11-02T09:00:00.5Z", "2026-11-02T10:00:00Z"));
        assert_eq!(terms[0].value, "\"2026-11-02T09:00:00.500+00:00\"");
        assert_eq!((terms[0].test, terms[1].test), (Test::Ge, Test::Lt));
    }

    #[test]
    fn days_are_asked_for_and_seconds_compared_here() {
        let pass = berlin();
        let stamped =
            Stamped { pass: &pass, zone: TimeZone::get("Europe/Berlin").unwrap(), kind: Some(Kind::Date), asked: true };
        let window = window("2026-11-02T22:30:00Z", "2026-11-02T23:30:00Z");
        let terms = stamped.terms(&window);
        assert_eq!((terms[0].value.as_str(), terms[0].test), ("\"2026-11-02\"", Test::Ge));
        assert_eq!((terms[1].value.as_str(), terms[1].test), ("\"2026-11-03\"", Test::Le));
        let row = |time: &str| {
            let text = format!("{{\"UpdateDate\":\"2026-11-02T00:00:00Z\",\"UpdateTime\":\"{time}\"}}");
            stamped.stamp(&Json::parse(&text).unwrap(), &window).1
        };
        assert!(!row("23:29:59"));
        assert!(row("23:30:00"));
    }

    #[test]
    fn the_repeated_hour_loses_nothing() {
        let pass = berlin();
        let stamped =
            Stamped { pass: &pass, zone: TimeZone::get("Europe/Berlin").unwrap(), kind: Some(Kind::Date), asked: true };
        // 02:50 happens at 00:50Z and again at 01:50Z; the window knows only the second.
        let window = window("2026-10-25T01:45:00Z", "2026-10-25T02:00:00Z");
        let row = Json::parse("{\"UpdateDate\":\"2026-10-25\",\"UpdateTime\":\"02:50:00\"}").unwrap();
        assert!(stamped.stamp(&row, &window).1);
    }

    #[test]
    fn a_row_without_a_stamp_is_kept() {
        let pass = berlin();
        let stamped = Stamped { pass: &pass, zone: TimeZone::UTC, kind: None, asked: true };
        let row = Json::parse("{\"UpdateDate\":null}").unwrap();
        assert_eq!(stamped.stamp(&row, &window("2026-10-25T01:45:00Z", "2026-10-25T02:00:00Z")), (None, true));
    }
}
