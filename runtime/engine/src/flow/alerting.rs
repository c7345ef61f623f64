//! Sending what stands in the outbox of alerts.
//!
//! In: due alerts. Out: calls of their channels, and what became of them. A failing channel holds up nothing.

use std::time::Duration;

use super::Core;
use crate::EngineError;
use crate::alert::{Alert, AlertState};
use crate::store::AlertSent;

/// Most alerts in one go.
const ALERTS_MAX: u32 = 50;

/// Sends the alerts that are due.
pub(crate) async fn send_alerts(core: &Core) -> Result<(), EngineError> {
    for alert in core.store.alerts_due(core.now(), ALERTS_MAX).await? {
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
    Ok(())
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
