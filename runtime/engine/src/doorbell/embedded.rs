//! The doorbell within one process. In: rings. Out: one listener that wakes for each. It forgets all of them with the process.

use tokio::sync::Semaphore;

use super::{Doorbell, DoorbellFault, Heard};
use crate::connector::Reply;

/// Rings of one process to itself.
#[derive(Debug)]
pub struct EmbeddedDoorbell {
    rings: Semaphore,
}

impl EmbeddedDoorbell {
    /// A doorbell that nobody has rung.
    #[must_use]
    pub fn new() -> Self {
        Self { rings: Semaphore::new(0) }
    }
}

impl Default for EmbeddedDoorbell {
    fn default() -> Self {
        Self::new()
    }
}

/// More rings at once than this wake nobody that would not be woken anyway.
const KEPT_MAX: usize = 1_000;

impl Doorbell for EmbeddedDoorbell {
    fn kind(&self) -> &'static str {
        "embedded"
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn ring(&self, times: u32) -> Reply<'_, Result<(), DoorbellFault>> {
        let room = KEPT_MAX.saturating_sub(self.rings.available_permits());
        self.rings.add_permits(usize::try_from(times).unwrap_or(KEPT_MAX).min(room));
        Box::pin(async { Ok(()) })
    }

    fn listen(&self) -> Reply<'_, Result<Heard, DoorbellFault>> {
        Box::pin(async {
            match self.rings.acquire().await {
                Ok(ring) => {
                    ring.forget();
                    Ok(Heard { receipt: String::new() })
                }
                Err(_) => Err(DoorbellFault::new("the doorbell was taken away: a fault of the program")),
            }
        })
    }

    fn answer(&self, _heard: Heard) -> Reply<'_, Result<(), DoorbellFault>> {
        Box::pin(async { Ok(()) })
    }
}
