//! When a flow runs by itself.
//!
//! In: the plan's schedules, the settings, when the flow was last read. Out: when it is due. Pure. A run that was missed
//! is caught up once.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use mapwright_values::Json;
use mapwright_values::plan::{FlowPlan, Schedule};

use crate::clock::later;

/// One schedule, understood.
#[derive(Clone, Debug)]
pub(crate) enum Timing {
    /// Every so often.
    Every { seconds: u64, everything: bool },
    /// Once a day.
    Daily { at: Time, zone: TimeZone, everything: bool },
}

/// Understands the schedules of a flow; says which it cannot serve.
pub(crate) fn timings(flow: &FlowPlan, settings: &Json<'_>) -> Result<Vec<Timing>, String> {
    let mut timings = Vec::new();
    for schedule in flow.schedules {
        match schedule {
            Schedule::Every { seconds, everything } => {
                timings.push(Timing::Every { seconds: (*seconds).max(1), everything: *everything });
            }
            Schedule::Daily { at, zone, everything } => {
                let time = Time::strptime("%H:%M", at).map_err(|_| {
                    format!(
                        "{}:{}: the flow `{}` runs at `{at}`, which is no time like 02:00",
                        flow.file, flow.line, flow.name
                    )
                })?;
                timings.push(Timing::Daily { at: time, zone: zone_of(flow, zone, settings)?, everything: *everything });
            }
            Schedule::Cron { expression, .. } => {
                return Err(format!(
                    "{}:{}: the flow `{}` runs by cron `{expression}`, which this version cannot do: use `every` or `daily at`",
                    flow.file, flow.line, flow.name
                ));
            }
            Schedule::OnDemand | Schedule::Webhook { .. } => {}
        }
    }
    let hooked = flow.schedules.iter().any(|schedule| matches!(schedule, Schedule::Webhook { .. }));
    if timings.is_empty() && hooked {
        return Err(format!(
            "{}:{}: the flow `{}` runs on a webhook alone, which this version does not receive: add `every ...`, which a webhook needs beside it anyhow",
            flow.file, flow.line, flow.name
        ));
    }
    Ok(timings)
}

fn zone_of(flow: &FlowPlan, zone: &str, settings: &Json<'_>) -> Result<TimeZone, String> {
    let name = match zone.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        Some(setting) => match settings.get(setting) {
            Some(Json::Text(name)) => name.to_string(),
            Some(_) | None => {
                return Err(format!(
                    "the setting `{setting}`, in whose zone the flow `{}` runs, is no text",
                    flow.name
                ));
            }
        },
        None => zone.to_owned(),
    };
    TimeZone::get(&name).map_err(|_| {
        format!("the flow `{}` runs in the zone `{name}`, which is unknown: write it like Europe/Berlin", flow.name)
    })
}

impl Timing {
    /// When it is due next, if it last ran then.
    pub(crate) fn due(&self, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let Some(last) = last else { return now };
        match self {
            Self::Every { seconds, .. } => later(last, std::time::Duration::from_secs(*seconds)),
            Self::Daily { at, zone, .. } => next_daily(last, *at, zone).unwrap_or(now),
        }
    }

    /// Is it a full scan?
    pub(crate) fn everything(&self) -> bool {
        match self {
            Self::Every { everything, .. } | Self::Daily { everything, .. } => *everything,
        }
    }
}

/// The first `at` o'clock after `last`; a time that a clock change leaves out moves as the zone's rules say.
fn next_daily(last: Timestamp, at: Time, zone: &TimeZone) -> Option<Timestamp> {
    let day = last.to_zoned(zone.clone()).date();
    for date in [Some(day), day.tomorrow().ok()].into_iter().flatten() {
        let moment = date.to_datetime(at).to_zoned(zone.clone()).ok()?.timestamp();
        if moment > last {
            return Some(moment);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daily_keeps_its_local_hour_across_the_clock_change() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = Time::constant(2, 0, 0, 0);
        let timing = Timing::Daily { at, zone, everything: true };
        let last: Timestamp = "2026-10-24T00:00:00Z".parse().unwrap();
        // 02:00 in summer is 00:00 UTC; on the 25th the clock goes back at 03:00.
        assert_eq!(timing.due(Some(last), last), "2026-10-25T00:00:00Z".parse::<Timestamp>().unwrap());
        let next: Timestamp = "2026-10-25T00:00:00Z".parse().unwrap();
        assert_eq!(timing.due(Some(next), next), "2026-10-26T01:00:00Z".parse::<Timestamp>().unwrap());
    }
}
