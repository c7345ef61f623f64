//! Days, times of day, instants and UUIDs: how they are read and written as text.
//!
//! In: text as the catalogues spell it. Out: a value, or nothing when the text is something else. Never a clock, never the machine's time zone:
//! zones come from the database that is compiled in.

use std::fmt;
use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A calendar day.
pub type Date = jiff::civil::Date;
/// A time of day.
pub type Time = jiff::civil::Time;
/// A point in time.
pub type Instant = jiff::Timestamp;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The zone of an IANA name (`Europe/Berlin`).
#[must_use]
pub fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}

/// The IANA names of all zones, sorted.
#[must_use]
pub fn zone_names() -> Vec<String> {
    let mut names: Vec<String> = ZONES.available().map(|name| name.to_string()).collect();
    names.sort_unstable();
    names
}

/// `2026-11-02`; also that day at midnight (`2026-11-02T00:00:00Z`), since nothing of it is lost.
#[must_use]
pub fn parse_date(text: &str) -> Option<Date> {
    let (day, rest) = text.split_at_checked(10)?;
    let numeric = day.bytes().enumerate().all(|(index, byte)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let midnight = rest.is_empty()
        || rest.strip_prefix("T00:00:00").is_some_and(|rest| {
            let fraction = rest.strip_suffix('Z').unwrap_or(rest);
            fraction.is_empty()
                || fraction
                    .strip_prefix('.')
                    .is_some_and(|zeros| !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0'))
        });
    if numeric && midnight { day.parse().ok() } else { None }
}

/// `2026-11-02`.
#[must_use]
pub fn date_text(date: Date) -> String {
    date.to_string()
}

/// `09:15`, `09:15:30` or `09:15:30.250`.
#[must_use]
pub fn parse_time(text: &str) -> Option<Time> {
    let shape = text.bytes().enumerate().all(|(index, byte)| match index {
        2 | 5 => byte == b':',
        8 => byte == b'.',
        _ => byte.is_ascii_digit(),
    });
    let length = matches!(text.len(), 5 | 8 | 10..);
    // A leap second would come back as :59, which is another time.
    let leap = text.get(6..8) == Some("60");
    if shape && length && !leap { text.parse().ok() } else { None }
}

/// `09:15:30`, with a fraction only where there is one.
#[must_use]
pub fn time_text(time: Time) -> String {
    time.to_string()
}

/// ISO 8601 with an offset or `Z`, to the millisecond or finer: `2026-11-02T09:15:00.000+00:00`.
#[must_use]
pub fn parse_instant(text: &str) -> Option<Instant> {
    if text.contains('[') { None } else { text.parse().ok() }
}

/// UTC to the millisecond: `2026-11-02T09:15:00.000+00:00`; finer digits only where they are not zero.
#[must_use]
pub fn instant_text(instant: Instant) -> String {
    zoned_text(instant, &TimeZone::UTC)
}

/// What the clocks of a zone show, to the millisecond or finer, with the offset: `2026-11-02T10:15:00.000+01:00`.
#[must_use]
pub fn zoned_text(instant: Instant, zone: &TimeZone) -> String {
    let offset = zone.to_offset(instant);
    let shown = offset.to_datetime(instant);
    let nanoseconds = shown.subsec_nanosecond();
    let fraction = if nanoseconds % 1_000_000 == 0 {
        format!("{:03}", nanoseconds / 1_000_000)
    } else {
        format!("{nanoseconds:09}").trim_end_matches('0').to_owned()
    };
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    // Before there was standard time, offsets had seconds.
    let rest = match seconds.abs() % 60 {
        0 => String::new(),
        rest => format!(":{rest:02}"),
    };
    let clock = format!("{:02}:{:02}:{:02}.{fraction}", shown.hour(), shown.minute(), shown.second());
    format!("{}T{clock}{sign}{hours:02}:{minutes:02}{rest}", shown.date())
}

/// A UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// Reads 32 hex digits of any case, with dashes in their places or with none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Uuid> {
        let dashed = match text.len() {
            32 => false,
            36 => true,
            _ => return None,
        };
        let mut bytes = [0_u8; 16];
        let mut slots = bytes.iter_mut();
        let mut high: Option<u8> = None;
        for (index, byte) in text.bytes().enumerate() {
            if dashed && matches!(index, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return None;
                }
                continue;
            }
            let digit = u8::try_from(char::from(byte).to_digit(16)?).ok()?;
            match high.take() {
                None => high = Some(digit),
                Some(upper) => *slots.next()? = upper * 16 + digit,
            }
        }
        Some(Uuid(bytes))
    }

    /// 32 lower-case hex digits.
    #[must_use]
    pub fn hex(self) -> String {
        let mut out = String::with_capacity(32);
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        out.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
        out
    }

    /// Lower-case hex digits with dashes.
    #[must_use]
    pub fn dashed(self) -> String {
        let mut out = String::with_capacity(36);
        for (index, digit) in self.hex().chars().enumerate() {
            if matches!(index, 8 | 12 | 16 | 20) {
                out.push('-');
            }
            out.push(digit);
        }
        out
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.dashed())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_keep_nothing_back() {
        assert_eq!(parse_date("2026-11-02").map(date_text).as_deref(), Some("2026-11-02"));
        assert!(parse_date("2026-11-02T00:00:00Z").is_some());
        assert!(parse_date("2026-11-02T00:00:00.000").is_some());
        for text in [
            "2026-11-02T08:59:11",
            "2026-13-02",
            "2026-02-30",
            "20261102",
            "02.11.2026",
            "",
            "2026-11-02 ",
            "2026-11-02T00:00:00.",
            "ä026-11-02",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn times_of_day() {
        assert_eq!(parse_time("09:15").map(time_text).as_deref(), Some("09:15:00"));
        assert_eq!(parse_time("09:15:30.25").map(time_text).as_deref(), Some("09:15:30.25"));
        for text in ["9:15", "0915", "24:00", "09:15:", "09:15:60", "09:15:30.", "T09:15"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn instants_are_written_in_utc_to_the_millisecond() {
        let text = |given: &str| parse_instant(given).map(instant_text);
        assert_eq!(text("2026-11-02T10:15:00+01:00").as_deref(), Some("2026-11-02T09:15:00.000+00:00"));
        assert_eq!(text("2026-11-02T08:59:12.290+00:00").as_deref(), Some("2026-11-02T08:59:12.290+00:00"));
        assert_eq!(text("2026-11-02T08:59:12.1234Z").as_deref(), Some("2026-11-02T08:59:12.1234+00:00"));
        assert_eq!(text("2026-11-02T08:59:12"), None);
        assert_eq!(text("2026-11-02"), None);
    }

    #[test]
    fn zones_are_built_in() {
        assert!(zone("Europe/Berlin").is_some());
        assert!(zone("Europe/Berlim").is_none());
    }

    #[test]
    fn uuids_are_read_in_both_forms() {
        let hex = "018F3C2A9b7d7e41a5c60d1e2f3a4b5c";
        let uuid = Uuid::parse(hex).unwrap();
        assert_eq!(uuid.hex(), hex.to_lowercase());
        assert_eq!(Uuid::parse(&uuid.dashed()), Some(uuid));
        assert_eq!(uuid.dashed(), "018f3c2a-9b7d-7e41-a5c6-0d1e2f3a4b5c");
        for text in [
            "",
            "018f3c2a-9b7d-7e41-a5c6-0d1e2f3a4b5",
            "018f3c2a9-b7d-7e41-a5c6-0d1e2f3a4b5c",
            "g18f3c2a9b7d7e41a5c60d1e2f3a4b5c",
        ] {
            assert_eq!(Uuid::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in any::<String>()) {
            let _ = (parse_date(&text), parse_time(&text), parse_instant(&text), Uuid::parse(&text), zone(&text));
        }

        #[test]
        fn instants_come_back(seconds in -60_000_000_000_i64..200_000_000_000, nanoseconds in 0_i32..1_000_000_000) {
            let instant = Instant::new(seconds, nanoseconds).unwrap();
            prop_assert_eq!(parse_instant(&instant_text(instant)), Some(instant));
        }
    }
}
