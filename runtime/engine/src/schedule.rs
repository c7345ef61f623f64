//! When a flow runs by itself.
//!
//! In: the plan's schedules, the settings, when the flow was last read. Out: when it is due. Pure. A run that was missed
//! is caught up once.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
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
    /// By a cron expression.
    Cron { pattern: Box<Cron>, zone: TimeZone, everything: bool },
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
            Schedule::Cron { expression, zone, everything } => {
                let zone = zone_of(flow, zone, settings)?;
                let pattern = Box::new(cron(flow, expression)?);
                if next_cron(Timestamp::UNIX_EPOCH, &pattern, &zone).is_none() {
                    return Err(format!(
                        "{}:{}: the cron expression `{expression}` of the flow `{}` names a time that never comes",
                        flow.file, flow.line, flow.name
                    ));
                }
                timings.push(Timing::Cron { pattern, zone, everything: *everything });
            }
            Schedule::OnDemand | Schedule::Webhook { .. } => {}
        }
    }
    let hooked = flow.schedules.iter().any(|schedule| matches!(schedule, Schedule::Webhook { .. }));
    if timings.is_empty() && hooked {
        return Err(format!(
            "{}:{}: the flow `{}` runs on a webhook alone, and would never notice a call that was lost: add `every ...`",
            flow.file, flow.line, flow.name
        ));
    }
    Ok(timings)
}

/// Five fields, as cron has them; seconds and years are refused.
fn cron(flow: &FlowPlan, expression: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(expression).map_err(|error| {
        format!(
            "{}:{}: the flow `{}` runs by cron `{expression}`, which is no cron expression of five fields: {error}",
            flow.file, flow.line, flow.name
        )
    })
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
        // A last run in the future means that the clock was set back: waiting for it could mean silence for months.
        let Some(last) = last.filter(|last| *last <= now) else { return now };
        match self {
            Self::Every { seconds, .. } => later(last, std::time::Duration::from_secs(*seconds)),
            Self::Daily { at, zone, .. } => next_daily(last, *at, zone).unwrap_or(now),
            Self::Cron { pattern, zone, .. } => next_cron(last, pattern, zone).unwrap_or(now),
        }
    }

    /// Is it a full scan?
    pub(crate) fn everything(&self) -> bool {
        match self {
            Self::Every { everything, .. } | Self::Daily { everything, .. } | Self::Cron { everything, .. } => {
                *everything
            }
        }
    }
}

/// The first time of the pattern after `last`.
fn next_cron(last: Timestamp, pattern: &Cron, zone: &TimeZone) -> Option<Timestamp> {
    pattern.find_next_occurrence(&last.to_zoned(zone.clone()), false).ok().map(|next| next.timestamp())
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
pub(crate) mod tests {
    use mapwright_values::plan::{Plan, ReadPlan};

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

    #[test]
    fn daily_runs_once_a_day_where_its_hour_is_missing_or_comes_twice_and_is_caught_up_once() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let timing = Timing::Daily { at: Time::constant(2, 30, 0, 0), zone, everything: true };
        let days = [
            // Half past two in winter; on the 29th there is none, and it runs an hour later by the clock; then in summer.
            ("2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z"),
            ("2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"),
            // On the 25th half past two comes twice: the first one counts.
            ("2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"),
            ("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ];
        for (last, next) in days {
            assert_eq!(timing.due(Some(at(last)), at(last)), at(next));
        }
        // Three runs were missed across the change: it is due at once, and after that one the next day's is.
        let now = at("2026-10-27T12:00:00Z");
        assert!(timing.due(Some(at("2026-10-24T00:30:00Z")), now) <= now);
        assert_eq!(timing.due(Some(now), now), at("2026-10-28T01:30:00Z"));
    }

    #[test]
    fn a_clock_that_was_set_back_silences_no_flow() {
        let timing = Timing::Every { seconds: 60, everything: false };
        let now: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        let ahead: Timestamp = "2026-12-02T08:00:00Z".parse().unwrap();
        assert_eq!(timing.due(Some(ahead), now), now);
        assert_eq!(timing.due(Some(now), now), "2026-11-02T08:01:00Z".parse::<Timestamp>().unwrap());
    }

    pub(crate) fn flow(schedules: &'static [Schedule]) -> FlowPlan {
        FlowPlan {
            name: "orders",
            doc: "",
            owner: "tests",
            schedules,
            read: ReadPlan {
                system: "shop",
                entity: "order",
                key: &["id"],
                filter: &[],
                keep: false,
                select: &[],
                group: None,
                also: &[],
            },
            writes: &[],
            on_delete: &[],
            conflict: None,
            after: &[],
            latest_wins: false,
            retry_up_to_s: 60,
            on_failure: None,
            on_silence: None,
            file: "flows.mapspec",
            line: 3,
        }
    }

    fn cron_of(expression: &'static str, zone: &'static str) -> Result<Vec<Timing>, String> {
        let settings = Json::parse(r#"{"zone":"Europe/Berlin","port":7}"#).unwrap();
        let schedule = Schedule::Cron { expression, zone, everything: true };
        timings(&flow(Box::leak(Box::new([schedule]))), &settings)
    }

    #[test]
    fn cron_runs_in_the_zone_of_a_setting_across_the_clock_change() {
        let timing = cron_of("30 6 * * MON-FRI", "{zone}").unwrap().remove(0);
        assert!(timing.everything());
        // A Friday, half past six in summer; the next is on Monday, half past six in winter.
        let friday: Timestamp = "2026-10-23T04:30:00Z".parse().unwrap();
        assert_eq!(timing.due(Some(friday), friday), "2026-10-26T05:30:00Z".parse::<Timestamp>().unwrap());
        // Missed for a week: due since the first time, once.
        let now: Timestamp = "2026-10-30T12:00:00Z".parse().unwrap();
        assert!(timing.due(Some(friday), now) <= now && timing.due(Some(now), now) > now);
    }

    #[test]
    fn a_schedule_that_cannot_be_served_is_refused_in_words() {
        for (expression, zone, word) in [
            ("30 6 * *", "Europe/Berlin", "no cron expression"),
            ("0 30 6 * * *", "Europe/Berlin", "no cron expression"),
            ("0 0 30 2 *", "Europe/Berlin", "never comes"),
            ("0 6 * * *", "Mars/Base", "unknown"),
            ("0 6 * * *", "{port}", "is no text"),
            ("0 6 * * *", "{missing}", "is no text"),
        ] {
            let error = cron_of(expression, zone).unwrap_err();
            assert!(error.contains(word) && error.contains("orders"), "{error}");
        }
        let hook = Schedule::Webhook { topic: "order", system: "shop" };
        let alone = flow(Box::leak(Box::new([hook])));
        assert!(timings(&alone, &Json::Null).unwrap_err().contains("webhook alone"));
        let beside = flow(Box::leak(Box::new([hook, Schedule::Every { seconds: 60, everything: false }])));
        assert_eq!(timings(&beside, &Json::Null).unwrap().len(), 1);
        let plan = Plan {
            name: "tests",
            systems: &[],
            settings: &[],
            mappings: &[],
            flows: Box::leak(Box::new([beside, flow(&[])])),
        };
        let notes = crate::status::notes(&plan);
        assert_eq!(
            notes,
            [
                "orders: webhooks make it quicker where the deployment has a `server`; its other schedules hold in any case"
            ]
        );
    }
}
