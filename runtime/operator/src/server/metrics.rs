//! `/metrics` in Prometheus' text form: one look into the store, no counters of our own but those of webhooks.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use mapwright_engine::state::State as MessageState;
use mapwright_engine::status::{FlowStatus, Status};

use super::{Counts, Shared, now, plain};

pub(super) async fn show(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !shared.guard.lets_in(&headers) {
        return plain(StatusCode::UNAUTHORIZED, "give the token: Authorization: Bearer ...\n".to_owned());
    }
    match shared.engine.status().await {
        Ok(status) => {
            let mut text = of_status(&status, now());
            let systems = shared.listening.iter().map(|(alias, listening)| (alias.as_str(), &listening.counts));
            of_webhooks(&mut text, systems);
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "no metrics");
            plain(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n".to_owned())
        }
    }
}

/// A group of lines of one name.
struct Group<'t> {
    text: &'t mut String,
    name: &'static str,
}

fn group<'t>(text: &'t mut String, name: &'static str, kind: &str, help: &str) -> Group<'t> {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    Group { text, name }
}

impl Group<'_> {
    fn line(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{}{labels} {value}", self.name);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(since: Timestamp, now: Timestamp) -> i64 {
    now.duration_since(since).as_secs().max(0)
}

/// Flows, connections and alerts.
fn of_status(status: &Status, now: Timestamp) -> String {
    let mut text = String::new();
    let mut messages =
        group(&mut text, "mapwright_messages", "gauge", "Messages by flow, write and state; they add up to accepted.");
    for flow in &status.flows {
        for count in &flow.counts {
            let (write, state) = (count.write.saturating_add(1).to_string(), state_label(count.state));
            messages.line(&[("flow", &flow.flow), ("write", &write), ("state", state)], count.messages);
        }
    }
    type Number = fn(&FlowStatus) -> Option<u64>;
    let numbers: [(&'static str, &str, &str, Number); 6] = [
        ("mapwright_accepted_total", "counter", "Messages ever made.", |flow| Some(flow.accepted)),
        ("mapwright_read_total", "counter", "Rows read, repeats included.", |flow| Some(flow.read)),
        ("mapwright_unchanged_total", "counter", "Rows that were known already.", |flow| Some(flow.unchanged)),
        ("mapwright_open", "gauge", "Messages that are not finished.", |flow| Some(flow.open())),
        ("mapwright_hints", "gauge", "Webhooks that are not followed yet.", |flow| Some(flow.hints)),
        ("mapwright_silent", "gauge", "1 if nothing new came for too long.", |flow| {
            Some(u64::from(flow.silent_since.is_some()))
        }),
    ];
    for (name, kind, help, number) in numbers {
        let mut lines = group(&mut text, name, kind, help);
        for flow in &status.flows {
            if let Some(value) = number(flow) {
                lines.line(&[("flow", &flow.flow)], value);
            }
        }
    }
    type Moment = fn(&FlowStatus) -> Option<Timestamp>;
    let moments: [(&'static str, &str, Moment); 3] = [
        ("mapwright_lag_seconds", "Age of the instant up to which everything is done.", |flow| flow.done_wm),
        ("mapwright_since_read_seconds", "Time since a reading came to its end.", |flow| flow.last_read_at),
        ("mapwright_oldest_open_seconds", "Age of the message that stands longest without an end.", |flow| {
            flow.counts.iter().filter(|count| !count.state.is_terminal()).filter_map(|count| count.oldest_at).min()
        }),
    ];
    for (name, help, moment) in moments {
        let mut lines = group(&mut text, name, "gauge", help);
        for flow in &status.flows {
            if let Some(at) = moment(flow) {
                lines.line(&[("flow", &flow.flow)], seconds(at, now));
            }
        }
    }
    let mut halted = group(&mut text, "mapwright_connection_halted", "gauge", "1 while a connection is halted.");
    for connection in &status.connections {
        halted.line(&[("system", &connection.alias)], u64::from(connection.halted_since.is_some()));
    }
    let mut open = group(&mut text, "mapwright_connection_resting", "gauge", "1 while a connection's circuit is open.");
    for connection in &status.connections {
        open.line(&[("system", &connection.alias)], u64::from(connection.open_since.is_some()));
    }
    let mut subscribed =
        group(&mut text, "mapwright_subscription_up", "gauge", "1 while a subscription stands at its system.");
    for one in &status.subscriptions {
        let stands = one.made_at.is_some() && one.error.is_none();
        subscribed.line(&[("system", &one.system), ("subscription", &one.name)], u64::from(stands));
    }
    let kind = [("kind", status.doorbell.kind.as_str())];
    let works = u64::from(status.doorbell.down_since.is_none());
    group(&mut text, "mapwright_doorbell_up", "gauge", "0 while this process's doorbell does not work.")
        .line(&kind, works);
    group(&mut text, "mapwright_doorbell_rung_total", "counter", "Rings that this process has sent.")
        .line(&kind, status.doorbell.rung);
    group(&mut text, "mapwright_doorbell_heard_total", "counter", "Rings that woke this process.")
        .line(&kind, status.doorbell.heard);
    let mut alerts = group(&mut text, "mapwright_alert", "gauge", "How often the cause of an open alert struck.");
    for alert in status.alerts.iter().filter(|alert| alert.state == mapwright_engine::alert::AlertState::Open) {
        let labels = [("subject", alert.subject.as_str()), ("channel", &alert.channel), ("cause", &alert.cause)];
        alerts.line(&labels, alert.count);
    }
    let mut failing =
        group(&mut text, "mapwright_alerts_untold", "gauge", "Alerts that their channel refused the last time.");
    failing.line(&[], status.alerts.iter().filter(|alert| alert.channel_error.is_some()).count());
    text
}

fn of_webhooks<'c>(text: &mut String, systems: impl Iterator<Item = (&'c str, &'c Counts)>) {
    let systems: Vec<(&str, &Counts)> = systems.collect();
    let mut calls = group(text, "mapwright_webhooks_total", "counter", "Notices of webhooks by what became of them.");
    for (system, counts) in &systems {
        let outcomes: [(&str, &AtomicU64); 9] = [
            ("kept", &counts.kept),
            ("repeated", &counts.repeated),
            ("unlistened", &counts.unlistened),
            ("handshake", &counts.handshakes),
            ("not_believed", &counts.not_believed),
            ("unreadable", &counts.unreadable),
            ("refused", &counts.refused),
            ("limited", &counts.limited),
            ("failed", &counts.failed),
        ];
        for (outcome, counter) in outcomes {
            calls.line(&[("system", system), ("outcome", outcome)], counter.load(Ordering::Relaxed));
        }
    }
    let mut time = group(
        text,
        "mapwright_webhook_micros_total",
        "counter",
        "Microseconds from bodies to their answers, all in all.",
    );
    for (system, counts) in &systems {
        time.line(&[("system", system)], counts.micros.load(Ordering::Relaxed));
    }
}

/// A state as a label.
fn state_label(state: MessageState) -> &'static str {
    crate::status::name(state)
}
