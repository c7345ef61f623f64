//! `status`: where every flow stands. Green needs evidence: a completed reading and no record that needs a person.

use std::path::Path;

use jiff::Timestamp;
use mapwright_engine::clock::Clock;
use mapwright_engine::clock::SystemClock;
use mapwright_engine::state::State;
use mapwright_engine::status::{FlowStatus, StoreStatus, notes};
use mapwright_engine::store::Subscription;
use mapwright_values::Integration;

use crate::connect::open_store;
use crate::deployment::Deployment;
use crate::doorbell;
use crate::say::say;
use crate::{Ending, Faults};

pub(crate) async fn show(integration: &Integration, file: &Path, json: bool) -> Result<Ending, Faults> {
    let path = Deployment::store_of(file).map_err(Faults)?;
    let store = open_store(&path)?;
    let now = SystemClock.now();
    let status = store.status(now).await?;
    let doorbell = doorbell_in_words(integration, file).await;
    if json {
        let whole = Whole { status: &status, doorbell: &doorbell };
        say!("{}", serde_json::to_string_pretty(&whole)?);
    } else {
        say!("{} at {}", integration.plan.name, now.strftime("%Y-%m-%d %H:%M:%S UTC"));
        say!("{}", in_words(integration, &status).trim_end());
        say!("\ndoorbell: {doorbell}");
    }
    Ok(if is_green(integration, &status) { Ending::Well } else { Ending::NeedsAPerson })
}

/// What `--format json` shows.
#[derive(serde::Serialize)]
struct Whole<'s> {
    #[serde(flatten)]
    status: &'s StoreStatus,
    /// In words: how it answers this very command. How each process gets on with it, its `/metrics` tell.
    doorbell: &'s str,
}

/// The doorbell as it answers now.
async fn doorbell_in_words(integration: &Integration, file: &Path) -> String {
    let down = |fault: &str| format!("DOWN: {fault}; nothing is lost, processes look into the store every 5 seconds");
    let wanted = match Deployment::doorbell_of(file) {
        Ok(None) => return "none; processes look into the store every 5 seconds".to_owned(),
        Ok(wanted) => wanted,
        Err(faults) => return down(&faults.join("; ")),
    };
    match doorbell::open(wanted.as_ref(), integration.plan.name) {
        Ok(opened) => match doorbell::try_out(opened.as_ref()).await {
            Ok(kind) => format!("{kind} answers"),
            Err(fault) => down(&fault),
        },
        Err(Faults(faults)) => down(&faults.join("; ")),
    }
}

fn is_green(integration: &Integration, status: &StoreStatus) -> bool {
    let fine = |flow: &FlowStatus| {
        flow.last_read_at.is_some()
            && flow.silent_since.is_none()
            && flow.count(State::Dead) + flow.count(State::ParkedAmbiguous) == 0
    };
    let known = |name: &str| status.flows.iter().find(|flow| flow.flow == name);
    integration.plan.flows.iter().all(|plan| known(plan.name).is_some_and(fine))
        && status
            .connections
            .iter()
            .all(|connection| connection.halted_since.is_none() && connection.open_since.is_none())
}

/// The report as people read it.
pub(crate) fn in_words(integration: &Integration, status: &StoreStatus) -> String {
    let mut out = String::new();
    for plan in integration.plan.flows {
        let Some(flow) = status.flows.iter().find(|flow| flow.flow == plan.name) else {
            out.push_str(&format!("\n{}: has never run\n", plan.name));
            continue;
        };
        out.push_str(&flow_in_words(flow));
    }
    for connection in status.connections.iter().filter(|connection| connection.halted_since.is_some()) {
        let reason = connection.reason.as_deref().unwrap_or("no reason is kept");
        out.push_str(&format!("\nconnection {} is HALTED: {reason}\n", connection.alias));
    }
    for connection in &status.connections {
        if let Some(since) = connection.open_since {
            let reason = connection.open_reason.as_deref().unwrap_or("no reason is kept");
            out.push_str(&format!(
                "\nconnection {} rests since {since} after too many failures: {reason}\n",
                connection.alias
            ));
        }
    }
    for one in &status.subscriptions {
        out.push_str(&subscription_in_words(one));
    }
    for note in notes(integration.plan) {
        out.push_str(&format!("\nnote: {note}\n"));
    }
    for alert in &status.alerts {
        let heard = alert.channel_error.as_ref().map(|error| format!(" (not told yet: {error})")).unwrap_or_default();
        out.push_str(&format!("\nalert to {}: {} x {}{heard}\n", alert.channel, alert.count, alert.message));
    }
    out
}

fn flow_in_words(flow: &FlowStatus) -> String {
    let mut out = format!("\n{}\n", flow.flow);
    out.push_str(&format!(
        "  read       {} ({} known already, {} not asked for)\n",
        flow.read, flow.unchanged, flow.filtered
    ));
    out.push_str(&format!("  accepted   {}\n", flow.accepted));
    for count in flow.counts.iter().filter(|count| count.messages > 0) {
        out.push_str(&format!("  {:<10} {}  (write {})\n", name(count.state), count.messages, count.write + 1));
    }
    match flow.done_wm {
        Some(done) => out.push_str(&format!("  all done up to {done}\n")),
        None => out.push_str("  nothing is known to be all done yet\n"),
    }
    if let Some(since) = flow.silent_since {
        out.push_str(&format!("  SILENT: nothing new since {since}\n"));
    }
    match (&flow.last_error, flow.last_read_at) {
        (Some(error), _) => out.push_str(&format!("  last error: {error}\n")),
        (None, None) => out.push_str("  no reading has come to its end yet\n"),
        (None, Some(_)) => {}
    }
    out
}

/// How a subscription stands.
fn subscription_in_words(one: &Subscription) -> String {
    let moment = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let mut out = match (one.made_at, one.renewed_at) {
        (Some(made), Some(renewed)) if renewed > made => {
            format!(
                "\nsubscription {} of {}: stands since {}, renewed {}",
                one.name,
                one.system,
                moment(made),
                moment(renewed)
            )
        }
        (Some(made), _) => format!("\nsubscription {} of {}: stands since {}", one.name, one.system, moment(made)),
        (None, _) => format!("\nsubscription {} of {}: is not made yet", one.name, one.system),
    };
    if let Some(end) = one.expires_at {
        out.push_str(&format!(", ends {} unless renewed", moment(end)));
    }
    if one.lost > 0 {
        out.push_str(&format!(", was lost and made again {} times", one.lost));
    }
    if let Some(error) = &one.error {
        out.push_str(&format!(
            "\n  FAILED {} times, again at {}: {error}; the flows run by their other schedules",
            one.failures,
            moment(one.next_at)
        ));
    }
    out.push('\n');
    out
}

/// A state in one or two words.
pub(crate) fn name(state: State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::Leased => "in work",
        State::Intent => "sending",
        State::Ambiguous => "to probe",
        State::RetryWait => "to retry",
        State::Waiting(_) => "waiting",
        State::ParkedAmbiguous => "parked",
        State::Done => "delivered",
        State::Noop => "no change",
        State::Superseded => "superseded",
        State::Skipped => "skipped",
        State::Dead => "dead",
        State::Discarded => "discarded",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_subscription_says_since_when_it_stands_and_what_is_wrong() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let mut one = Subscription {
            system: "erp".to_owned(),
            name: "items".to_owned(),
            address: "https://hooks.example/hooks/erp".to_owned(),
            held: BTreeMap::new(),
            made_at: None,
            renewed_at: None,
            expires_at: None,
            next_at: Timestamp::UNIX_EPOCH,
            lost: 0,
            failures: 2,
            error: Some("no rights".to_owned()),
        };
        let told = subscription_in_words(&one);
        assert!(told.contains("items of erp: is not made yet") && told.contains("FAILED 2 times"), "{told}");
        assert!(told.contains("no rights; the flows run by their other schedules"), "{told}");
        (one.made_at, one.renewed_at) = (at("2026-11-23T10:00:00Z"), at("2026-11-25T10:00:00Z"));
        (one.expires_at, one.error, one.lost) = (at("2026-11-28T10:00:00Z"), None, 1);
        let told = subscription_in_words(&one);
        assert_eq!(
            told,
            "\nsubscription items of erp: stands since 2026-11-23 10:00:00 UTC, renewed 2026-11-25 10:00:00 UTC, ends 2026-11-28 \
             10:00:00 UTC unless renewed, was lost and made again 1 times\n"
        );
    }
}
