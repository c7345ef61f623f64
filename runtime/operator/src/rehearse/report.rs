//! What a person reads of a rehearsal.

use std::collections::BTreeMap;
use std::time::Duration;

use mapwright_engine::state::State;
use mapwright_engine::status::{DeadLetter, StoreStatus};
use mapwright_sandbox::Faults;
use mapwright_values::Integration;

use super::inbox::Inbox;
use super::play::seconds;
use crate::say::say;

/// Most lines of a list.
const LINES_MAX: usize = 8;

/// One thing that must hold.
pub(super) struct Entry {
    /// What, as a person says it.
    pub(super) what: String,
    /// The figure.
    pub(super) figure: String,
    /// What speaks against it; empty = it holds.
    pub(super) against: Vec<String>,
}

/// The result of the examination.
pub(super) struct Books {
    pub(super) entries: Vec<Entry>,
    /// Messages delivered, for the rate.
    pub(super) delivered: u64,
}

impl Books {
    pub(super) fn balance(&self) -> bool {
        self.entries.iter().all(|entry| entry.against.is_empty())
    }
}

pub(super) fn first_act(
    integration: &Integration,
    played: &[&Faults],
    status: &StoreStatus,
    dead: &[DeadLetter],
    inbox: &Inbox,
    time: Duration,
) {
    say!("  after {}:", seconds(time));
    say!("  {:<16}{:>6}  {:<20}{:>12}{:>9}{:>6}", "flow", "read", "written", "not wanted", "waiting", "dead");
    for plan in integration.plan.flows {
        let Some(flow) = status.flows.iter().find(|flow| flow.flow == plan.name) else { continue };
        let of = |wanted: &dyn Fn(State) -> bool, write: Option<usize>| -> u64 {
            let counts = flow.counts.iter().filter(|count| wanted(count.state));
            counts.filter(|count| write.is_none_or(|write| count.write == write)).map(|count| count.messages).sum()
        };
        let written: Vec<String> =
            (0..plan.writes.len()).map(|write| of(&|state| state == State::Done, Some(write)).to_string()).collect();
        say!(
            "  {:<16}{:>6}  {:<20}{:>12}{:>9}{:>6}",
            plan.name,
            flow.read,
            written.join(" + "),
            of(&|state| state == State::Skipped, None),
            of(&|state| matches!(state, State::Waiting(_)), None),
            of(&|state| matches!(state, State::Dead | State::ParkedAmbiguous), None),
        );
    }
    let mut causes: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for letter in dead {
        causes.entry(&letter.cause).or_insert((0, &letter.message)).0 += 1;
    }
    if !causes.is_empty() {
        say!("  dead, by cause:");
        for (count, message) in causes.values().take(LINES_MAX) {
            say!("  {count:>6}  {message}");
        }
        more(causes.len());
    }
    let struck = faults(played);
    let total: u64 = struck.values().sum();
    say!("  faults that struck: {total}");
    for (name, count) in struck {
        say!("  {count:>6}  {name}");
    }
    let alerts = inbox.texts();
    say!("  alerts that came in: {}", alerts.len());
    for alert in alerts.iter().take(LINES_MAX) {
        say!("          {}", alert.lines().next().unwrap_or_default());
    }
    more(alerts.len());
}

pub(super) fn last_act(books: &Books, time: Duration) {
    say!("\nThe books, after {}:", seconds(time));
    for entry in &books.entries {
        let mark = if entry.against.is_empty() { "ok " } else { "NO " };
        say!("  {mark} {:<66} {}", entry.what, entry.figure);
        for line in entry.against.iter().take(LINES_MAX) {
            say!("         {line}");
        }
        more(entry.against.len());
    }
    let rate = books.delivered.saturating_mul(1000) / u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    say!("  {} records delivered, {rate} records a second, pauses and faults included", books.delivered);
    say!("{}", if books.balance() { "The books balance." } else { "The books do NOT balance." });
}

fn faults(played: &[&Faults]) -> BTreeMap<&'static str, u64> {
    let mut struck = BTreeMap::new();
    for faults in played {
        for (fault, count) in faults.applied() {
            *struck.entry(fault.name()).or_insert(0) += count;
        }
    }
    struck
}

fn more(count: usize) {
    if count > LINES_MAX {
        say!("          and {} more", count - LINES_MAX);
    }
}
