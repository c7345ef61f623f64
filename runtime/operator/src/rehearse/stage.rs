//! An engine with short pauses, whose alerts all come to the rehearsal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mapwright_connectors::WebhookAlert;
use mapwright_engine::Options;
use mapwright_engine::alert::AlertChannel;
use mapwright_engine::backoff::Backoff;
use mapwright_values::Integration;
use secrecy::SecretString;

use super::inbox::Inbox;
use crate::Faults;

/// A request that takes longer is given up; the sandbox holds lost answers back for longer than that.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_millis(1_000);
pub(super) const HOLD: Duration = Duration::from_millis(1_300);

/// The simulated ERP has finished a request long before this.
const SETTLE: Duration = Duration::from_millis(400);

/// A day's pauses, in fractions of a second.
const PAUSES: Backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_millis(800) };

/// Answers of look-ups are kept so long.
const REMEMBERED: Duration = Duration::from_millis(500);

/// Passes between the acts: what waits is due by then, and no look-up is answered by what stood there before.
pub(super) const BETWEEN_ACTS: Duration = Duration::from_millis(1_000);

const WORKERS: usize = 8;

/// An engine's options with pauses of fractions of a second.
pub(super) fn options(integration: &Integration, inbox: &Inbox) -> Result<Options, Faults> {
    Ok(Options {
        channels: channels(integration, inbox)?,
        workers: WORKERS,
        retry: PAUSES,
        wait: PAUSES,
        canary_every: Duration::from_millis(300),
        canaries_max: 50,
        settle: Some(SETTLE),
        cache_age: REMEMBERED,
        circuit: PAUSES,
        alert_retry: PAUSES,
        ..Options::default()
    })
}

/// Every channel that a flow names leads to the rehearsal's own inbox.
fn channels(integration: &Integration, inbox: &Inbox) -> Result<HashMap<String, Arc<dyn AlertChannel>>, Faults> {
    let mut channels: HashMap<String, Arc<dyn AlertChannel>> = HashMap::new();
    for flow in integration.plan.flows {
        for name in flow.on_failure.into_iter().chain(flow.on_silence.map(|(_, channel)| channel)) {
            let channel = WebhookAlert::new(name, SecretString::from(inbox.url()))?;
            channels.insert(name.to_owned(), Arc::new(channel));
        }
    }
    Ok(channels)
}
