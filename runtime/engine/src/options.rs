//! How an engine works: bounds, pauses, limits. Every wait and every count has its name here.
//!
//! In: what a deployment or a test wants different. Out: plain data with sound defaults (`delivery.md` 2).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::alert::AlertChannel;
use crate::backoff::Backoff;
use crate::clock::{Clock, SystemClock};
use crate::doorbell::{Doorbell, EmbeddedDoorbell};

/// What may be set of an engine.
#[derive(Clone)]
pub struct Options {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What wakes workers of other processes.
    pub doorbell: Arc<dyn Doorbell>,
    /// Alert channels by their names in the deployment.
    pub channels: HashMap<String, Arc<dyn AlertChannel>>,
    /// Workers of this process.
    pub workers: usize,
    /// Messages that a worker claims at once.
    pub batch: u32,
    /// How long a claim lasts; raised where a connector's request may take longer. What a dead process has claimed on a store
    /// that others share waits so long.
    pub lease: Duration,
    /// What a request may take beyond its connector's own limit before the engine gives it up.
    pub request_margin: Duration,
    /// Pauses after a transient failure.
    pub retry: Backoff,
    /// Pauses between two questions for a missing dependency.
    pub wait: Backoff,
    /// How long a message waits, for whatever it waits, before it is dead.
    pub wait_max: Duration,
    /// How often a halted connection is tried.
    pub canary_every: Duration,
    /// How often [`crate::Engine::sync`] tries a halted connection before it ends.
    pub canaries_max: u32,
    /// Most waiting messages that a canary tries until one of them proves something, before everything else has its turn.
    pub canary_messages_max: u32,
    /// The window in which refusals of a connection are counted: so many of its newest records ...
    pub drift_records: usize,
    /// ... of the last so long.
    pub drift_span: Duration,
    /// More than this share of a window refused with one code halts the connection, in per cent.
    pub drift_percent: usize,
    /// So many writes in a row without an answer, or with one that promises nothing, open a connection's circuit.
    pub circuit_failures: u32,
    /// How long an open circuit lets nothing pass, growing with each message that tried it in vain.
    pub circuit: Backoff,
    /// How often a message may be claimed without an outcome.
    pub deliveries_max: u32,
    /// Replaces every connector's settle time (rehearsals).
    pub settle: Option<Duration>,
    /// Most look-ups of one system that are remembered.
    pub cache_entries: usize,
    /// How long a look-up is remembered, where this program does not write to its system meanwhile.
    pub cache_age: Duration,
    /// Most rounds of look-ups for one record.
    pub rounds_max: u32,
    /// How often a page is asked for before the reading is given up until its next turn.
    pub page_attempts_max: u32,
    /// How often a flow that reads changes reads everything, to find what no window shows.
    pub sweep_every: Duration,
    /// More than this share of a flow's records gone at once is taken for a fault of their source, in per cent ...
    pub gone_percent_max: u64,
    /// ... unless they are no more than so many.
    pub gone_always: u64,
    /// How long after an alert what has grown since is told again.
    pub alert_repeat: Duration,
    /// Pauses after an alert channel failed.
    pub alert_retry: Backoff,
    /// Longest that an alert channel may take.
    pub alert_timeout: Duration,
    /// Ends the process at a point (see [`crate::crash::POINTS`]) and passage; for tests alone.
    pub crash_at: Option<(String, u64)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            doorbell: Arc::new(EmbeddedDoorbell::new()),
            channels: HashMap::new(),
            workers: 4,
            batch: 32,
            lease: Duration::from_secs(120),
            request_margin: Duration::from_secs(10),
            retry: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(15 * 60) },
            wait: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(10 * 60) },
            wait_max: Duration::from_secs(24 * 3600),
            canary_every: Duration::from_secs(60),
            canaries_max: 3,
            canary_messages_max: 1_000,
            drift_records: 50,
            drift_span: Duration::from_secs(5 * 60),
            drift_percent: 20,
            circuit_failures: 10,
            circuit: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(60) },
            deliveries_max: 5,
            settle: None,
            cache_entries: 10_000,
            cache_age: Duration::from_secs(60),
            rounds_max: 8,
            page_attempts_max: 5,
            sweep_every: crate::flow::gone::SWEEP_EVERY,
            gone_percent_max: 20,
            gone_always: 20,
            alert_repeat: Duration::from_secs(3600),
            alert_retry: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(15 * 60) },
            alert_timeout: Duration::from_secs(30),
            crash_at: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("workers", &self.workers)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
