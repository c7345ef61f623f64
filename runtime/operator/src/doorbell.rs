//! The doorbell of a deployment: which one, opened, tried.
//!
//! In: the deployment's `doorbell`. Out: what the engine rings, or why this program cannot; for `status` and `doctor` also whether
//! it answers. A doorbell holds no record: nothing here is ever a reason not to start.

use std::sync::Arc;
use std::time::Duration;

use mapwright_engine::doorbell::{Doorbell, EmbeddedDoorbell, PATIENCE};
#[cfg(any(feature = "rabbitmq", feature = "redis"))]
use secrecy::ExposeSecret;

use crate::Faults;
use crate::sections::{DoorbellDeployment, DoorbellKind};

/// After so long a ring that a process heard and did not answer goes to another one: longer than a claim on records lasts.
#[cfg(any(feature = "rabbitmq", feature = "redis"))]
const IDLE: Duration = Duration::from_secs(20 * 60);

/// Opens the doorbell; nothing is connected yet.
pub(crate) fn open(wanted: Option<&DoorbellDeployment>, project: &str) -> Result<Arc<dyn Doorbell>, Faults> {
    let Some(wanted) = wanted else { return Ok(Arc::new(EmbeddedDoorbell::new())) };
    #[cfg(any(feature = "rabbitmq", feature = "redis"))]
    let place = mapwright_engine::doorbell::Place {
        url: wanted.url.expose_secret().to_owned(),
        name: wanted.name.clone().unwrap_or_else(|| format!("mapwright-{project}")),
        ca_file: wanted.ca_file.clone(),
        idle: IDLE,
    };
    #[cfg(not(any(feature = "rabbitmq", feature = "redis")))]
    let _ = project;
    match wanted.kind {
        #[cfg(feature = "rabbitmq")]
        DoorbellKind::RabbitMq => Ok(Arc::new(mapwright_engine::doorbell::rabbitmq::RabbitDoorbell::new(&place)?)),
        #[cfg(feature = "redis")]
        DoorbellKind::Redis => Ok(Arc::new(mapwright_engine::doorbell::redis::RedisDoorbell::new(&place)?)),
        #[cfg(not(all(feature = "rabbitmq", feature = "redis")))]
        kind => {
            let (name, feature) = match kind {
                DoorbellKind::RabbitMq => ("RabbitMQ", "rabbitmq"),
                DoorbellKind::Redis => ("Redis", "redis"),
            };
            Err(Faults(vec![format!(
                "doorbell: this program was built without {name}: build the integration with the feature `{feature}` of mapwright-operator, or leave `doorbell` out: everything happens without it, a few seconds later"
            )]))
        }
    }
}

/// Rings once, which wakes a process that has nothing to do. Answers the kind, or why it does not work.
pub(crate) async fn try_out(doorbell: &dyn Doorbell) -> Result<&'static str, String> {
    match tokio::time::timeout(PATIENCE.saturating_add(Duration::from_secs(2)), doorbell.ring(1)).await {
        Ok(Ok(())) => Ok(doorbell.kind()),
        Ok(Err(fault)) => Err(fault.message),
        Err(_) => Err(format!("{} did not answer in time", doorbell.kind())),
    }
}
