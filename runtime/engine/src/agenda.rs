//! When a service reads which flow: by its schedules, and again where a reading failed.
//!
//! In: schedules, how readings ended. Out: what is due, and when something will be. Pure. A reading that failed stays due: it is
//! tried again after a pause that grows, and at the latest when its schedule says so anyway.

use std::time::Duration;

use jiff::Timestamp;
use mapwright_values::plan::FlowPlan;

use crate::clock::later;
use crate::schedule::Timing;

/// A flow with its schedules.
#[derive(Debug)]
pub(crate) struct Agenda {
    pub(crate) flow: &'static FlowPlan,
    entries: Vec<Entry>,
}

/// How one schedule stands.
#[derive(Debug)]
struct Entry {
    timing: Timing,
    /// When it was served last.
    served_at: Option<Timestamp>,
    /// How often the reading has failed since.
    failures: u32,
    /// Put off then, until then.
    again: Option<(Timestamp, Timestamp)>,
}

/// The schedules of a flow whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    places: Vec<usize>,
    /// One of them is a full scan.
    pub(crate) everything: bool,
}

impl Agenda {
    pub(crate) fn new(flow: &'static FlowPlan, timings: Vec<Timing>) -> Self {
        let entry = |timing| Entry { timing, served_at: None, failures: 0, again: None };
        Self { flow, entries: timings.into_iter().map(entry).collect() }
    }

    /// The flow was read to its end then, by this process or another one. That tells nothing of a full scan which failed: what
    /// was read may have been the changes alone.
    pub(crate) fn learn(&mut self, read_at: Timestamp) {
        for entry in self.entries.iter_mut().filter(|entry| entry.failures == 0 || !entry.timing.everything()) {
            if entry.served_at.is_none_or(|known| known < read_at) {
                entry.serve(read_at);
            }
        }
    }

    /// What is due now.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Due> {
        let places: Vec<usize> =
            (0..).zip(&self.entries).filter(|(_, entry)| entry.due_at(now) <= now).map(|(place, _)| place).collect();
        let everything =
            places.iter().filter_map(|place| self.entries.get(*place)).any(|entry| entry.timing.everything());
        (!places.is_empty()).then_some(Due { places, everything })
    }

    /// When something is due next; `None` = nothing ever.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.entries.iter().map(|entry| entry.due_at(now)).min()
    }

    /// What was due is done.
    pub(crate) fn served(&mut self, due: &Due, now: Timestamp) {
        self.of(due).for_each(|entry| entry.serve(now));
    }

    /// The reading failed; it is tried again after `pause(failures)`. A full scan that fails holds up no reading of changes: that
    /// one has its turn next.
    pub(crate) fn failed(&mut self, due: &Due, now: Timestamp, pause: impl Fn(u32) -> Duration) {
        for entry in self.of(due).filter(|entry| entry.timing.everything() == due.everything) {
            entry.failures = entry.failures.saturating_add(1);
            entry.put_off(now, pause(entry.failures));
        }
    }

    /// Somebody else does what is due; that is looked at again after a while.
    pub(crate) fn put_off(&mut self, due: &Due, now: Timestamp, pause: Duration) {
        self.of(due).for_each(|entry| entry.put_off(now, pause));
    }

    fn of<'a>(&'a mut self, due: &'a Due) -> impl Iterator<Item = &'a mut Entry> {
        (0..).zip(&mut self.entries).filter(|(place, _)| due.places.contains(place)).map(|(_, entry)| entry)
    }
}

impl Entry {
    fn due_at(&self, now: Timestamp) -> Timestamp {
        let scheduled = self.timing.due(self.served_at, now);
        // As with the schedule itself: a clock that was set back puts nothing off.
        self.again.filter(|(since, _)| *since <= now).map_or(scheduled, |(_, until)| until.max(scheduled))
    }

    fn serve(&mut self, at: Timestamp) {
        (self.served_at, self.failures, self.again) = (Some(at), 0, None);
    }

    fn put_off(&mut self, now: Timestamp, pause: Duration) {
        self.again = Some((now, later(now, pause).min(self.timing.due(Some(now), now))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::flow;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-23T{text}Z").parse().unwrap()
    }

    fn agenda(entries: &[(u64, bool)]) -> Agenda {
        let timing = |(seconds, everything): &(u64, bool)| Timing::Every { seconds: *seconds, everything: *everything };
        let mut agenda = Agenda::new(Box::leak(Box::new(flow(&[]))), entries.iter().map(timing).collect());
        agenda.learn(at("08:00:00"));
        agenda
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn a_reading_that_failed_stays_due_and_is_tried_again_later_and_later() {
        let mut agenda = agenda(&[(3600, false)]);
        assert_eq!((agenda.due(at("08:59:59")), agenda.next(at("08:59:59"))), (None, Some(at("09:00:00"))));
        let due = agenda.due(at("09:00:00")).unwrap();
        agenda.failed(&due, at("09:00:00"), |failures| minutes(10 * u64::from(failures)));
        assert_eq!((agenda.due(at("09:09:59")), agenda.next(at("09:09:59"))), (None, Some(at("09:10:00"))));
        agenda.failed(&due, at("09:10:00"), |failures| minutes(10 * u64::from(failures)));
        assert_eq!(agenda.next(at("09:10:00")), Some(at("09:30:00")));
        // Never later than without the failure.
        agenda.failed(&due, at("09:30:00"), |_| minutes(1000));
        assert_eq!(agenda.next(at("09:30:00")), Some(at("10:30:00")));
        // A clock that was set back.
        assert_eq!(agenda.next(at("07:00:00")), Some(at("07:00:00")));
        agenda.served(&due, at("10:30:00"));
        assert_eq!(agenda.next(at("10:30:00")), Some(at("11:30:00")));
    }

    #[test]
    fn a_full_scan_that_fails_holds_up_no_changes_and_is_not_done_when_they_are_read() {
        let mut agenda = agenda(&[(300, false), (3600, true)]);
        let due = agenda.due(at("09:00:00")).unwrap();
        assert!(due.everything);
        agenda.failed(&due, at("09:00:00"), |_| minutes(15));
        let changes = agenda.due(at("09:00:00")).unwrap();
        assert!(!changes.everything);
        agenda.served(&changes, at("09:00:01"));
        agenda.learn(at("09:00:02"));
        assert_eq!(agenda.due(at("09:04:59")), None);
        assert!(agenda.due(at("09:15:00")).unwrap().everything);
    }

    #[test]
    fn what_another_process_reads_is_done_when_that_one_is() {
        let mut agenda = agenda(&[(300, false), (3600, true)]);
        let due = agenda.due(at("09:00:00")).unwrap();
        agenda.put_off(&due, at("09:00:00"), minutes(2));
        assert_eq!(agenda.next(at("09:00:00")), Some(at("09:02:00")));
        agenda.learn(at("09:01:00"));
        assert_eq!(agenda.next(at("09:01:00")), Some(at("09:06:00")));
    }
}
