//! Sending what stands in the outbox of alerts.
//!
//! In: due alerts. Out: calls of their channels, and what became of them. A failing channel holds up nothing.

use std::time::Duration;

use super::{Core, turns};
use crate::EngineError;
use crate::alert::{Alert, AlertState};
use crate::store::AlertSent;

/// Most alerts in one go.
const ALERTS_MAX: u32 = 50;

/// Sends the alerts that are due. Of several processes one does so at a time, and asks anew before each: what another one has
/// told meanwhile is not told again.
pub(crate) async fn send_alerts(core: &Core) -> Result<(), EngineError> {
    if !core.store.is_shared() {
        return send_due(core, ALERTS_MAX).await.map(|_| ());
    }
    if core.store.alerts_due(core.now(), 1).await?.is_empty() {
        return Ok(());
    }
    for _ in 0..ALERTS_MAX {
        if !turns::hold_alerts(core).await? {
            return Ok(());
        }
        if send_due(core, 1).await? == 0 {
            break;
        }
    }
    turns::give_back_alerts(core).await
}

/// Sends so many; answers how many there were.
async fn send_due(core: &Core, limit: u32) -> Result<usize, EngineError> {
    let due = core.store.alerts_due(core.now(), limit).await?;
    let many = due.len();
    for alert in due {
        core.crash.reach("alert.before_send");
        let error = send(core, &alert).await.err();
        core.crash.reach("alert.after_send");
        if let Some(error) = &error {
            tracing::warn!(channel = %alert.channel, alert = alert.id, %error, "the alert could not be sent");
        }
        let again_in = match error {
            Some(_) => core.options.alert_retry.limit(alert.failures.saturating_add(1)),
            None => core.options.alert_repeat,
        };
        let sent = AlertSent {
            id: alert.id,
            count: alert.count,
            closed: alert.state == AlertState::Closed,
            now: core.now(),
            error,
            again_in,
        };
        core.store.alert_sent(sent).await?;
    }
    Ok(many)
}

async fn send(core: &Core, alert: &Alert) -> Result<(), String> {
    let channel = core
        .options
        .channels
        .get(&alert.channel)
        .ok_or_else(|| format!("no alert channel `{}`: add it to the deployment's `alerts`", alert.channel))?;
    match tokio::time::timeout(core.options.alert_timeout.max(Duration::from_secs(1)), channel.send(alert)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => Err(failure.message),
        Err(_) => Err(format!("the alert channel `{}` did not answer in time", alert.channel)),
    }
}
