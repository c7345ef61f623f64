//! The sandbox's one clock.
//!
//! In: nothing. Out: now, as a time stamp and in a company's zone. Never: a wait.

use jiff::{Timestamp, Zoned, tz::TimeZone};

/// Now.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Now on the wall of a company in `zone`; UTC when the zone is not known.
pub(crate) fn wall(zone: &str) -> Zoned {
    now().to_zoned(TimeZone::get(zone).unwrap_or(TimeZone::UTC))
}

/// A time stamp as Shopware prints it: `2026-11-02T09:15:00.000+00:00`.
pub(crate) fn iso_millis(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}
