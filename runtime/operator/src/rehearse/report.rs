//! What a person reads of a rehearsal.

use std::collections::BTreeMap;
use std::time::Duration;

use mapwright_engine::state::State;
use mapwright_engine::status::{DeadLetter, StoreStatus};
use mapwright_sandbox::Faults;
use mapwright_values::Integration;

use super::books::Books;
use super::inbox::Inbox;
use super::seconds;
use crate::say::say;

/// Most lines of a list.
const LINES_MAX: usize = 8;

pub(super) fn first_act(
    integration: &Integration,
    played: &[&Faults],
    status: &StoreStatus,
    dead: &[DeadLetter],
    inbox: &Inbox,
    time: Duration,
) {
    say!("  after {}:", seconds(time));
    say!("  {:<12}{:>8}{:>10}{:>10}{:>9}{:>7}", "flow", "read", "written", "told back", "waiting", "dead");
    for plan in integration.plan.flows {
        let Some(flow) = status.flows.iter().find(|flow| flow.flow == plan.name) else { continue };
        let of = |write: Option<usize>, states: &[State]| -> u64 {
            let counted = flow
                .counts
                .iter()
                .filter(|count| states.contains(&count.state) && write.is_none_or(|write| count.write == write));
            counted.map(|count| count.messages).sum()
        };
        let waiting: u64 = flow
            .counts
            .iter()
            .filter(|count| matches!(count.state, State::Waiting(_)))
            .map(|count| count.messages)
            .sum();
        say!(
            "  {:<12}{:>8}{:>10}{:>10}{:>9}{:>7}",
            plan.name,
            flow.read,
            of(Some(0), &[State::Done]),
            of(Some(1), &[State::Done]),
            waiting,
            of(None, &[State::Dead, State::ParkedAmbiguous]),
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
        say!("  {mark} {:<52} {}", entry.what, entry.figure);
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
