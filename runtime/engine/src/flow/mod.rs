//! Flows at work: reading, resolving, mapping, sending, deciding.
//!
//! In: plan, connectors, store. Out: calls of both. Decisions are pure and stand in [`deciding`]; everything else
//! carries them out.

pub(crate) mod addressing;
pub(crate) mod alerting;
pub(crate) mod batching;
pub(crate) mod deciding;
pub(crate) mod gathering;
pub(crate) mod gone;
pub(crate) mod guarding;
pub(crate) mod halting;
pub(crate) mod health;
pub(crate) mod hinting;
pub(crate) mod reading;
pub(crate) mod record;
pub(crate) mod resolving;
pub(crate) mod sending;
pub(crate) mod subscribing;
pub(crate) mod sweeping;
pub(crate) mod together;
pub(crate) mod turns;
pub(crate) mod working;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mapwright_values::plan::{FlowPlan, Plan, WritePlan};
use mapwright_values::{Integration, Json};
use tokio::sync::{Notify, Semaphore, watch};

use crate::EngineError;
use crate::backoff;
use crate::connector::Connector;
use crate::crash::CrashPoint;
use crate::doorbell::line::Line;
use crate::options::Options;
use crate::status::Progress;
use crate::store::{NextWrite, Store};

/// What all parts of an engine share.
pub(crate) struct Core {
    pub(crate) integration: Integration,
    pub(crate) connectors: HashMap<String, Arc<dyn Connector>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Json<'static>,
    pub(crate) options: Options,
    pub(crate) lease: Duration,
    pub(crate) crash: Arc<CrashPoint>,
    pub(crate) cache: Mutex<resolving::Cache>,
    /// Requests under way at once, by system.
    pub(crate) gates: HashMap<String, Arc<Semaphore>>,
    /// How far each source's clock stands from ours.
    pub(crate) skews: Mutex<HashMap<String, SignedDuration>>,
    /// How well each connection works.
    pub(crate) healths: Mutex<HashMap<String, health::Health>>,
    /// Held while a record is worked on that may be poison: one at a time, so that it is known which one ended the program.
    pub(crate) suspects: tokio::sync::Mutex<()>,
    /// Until when this process has the turn to read which flows.
    pub(crate) turns: Mutex<HashMap<&'static str, Timestamp>>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) stop: watch::Sender<bool>,
    /// Rung when something new is to be done before its time.
    pub(crate) bell: Notify,
    /// What wakes other processes, and this one for them.
    pub(crate) line: Line,
    pub(crate) owner: String,
}

impl Core {
    pub(crate) fn plan(&self) -> &'static Plan {
        self.integration.plan
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    pub(crate) fn random(&self) -> u32 {
        backoff::draw()
    }

    pub(crate) fn flow(&self, name: &str) -> Result<&'static FlowPlan, EngineError> {
        self.plan().flow(name).ok_or_else(|| {
            EngineError::Setup(format!(
                "the store holds messages of the flow `{name}`, which this program does not know: run the program that made them, or discard them"
            ))
        })
    }

    pub(crate) fn connector(&self, alias: &str) -> Result<&Arc<dyn Connector>, EngineError> {
        self.connectors.get(alias).ok_or_else(|| {
            EngineError::Setup(format!("no connection for the system `{alias}`: add it to the deployment's `systems`"))
        })
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Sleeps, but not beyond a stop.
    pub(crate) async fn pause(&self, pause: Duration) {
        let mut stop = self.stop.subscribe();
        if *stop.borrow_and_update() {
            return;
        }
        tokio::select! {
            () = self.options.clock.sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }

    /// The write behind this one in its flow.
    pub(crate) fn next_write(&self, flow: &FlowPlan, write: usize) -> Option<NextWrite> {
        next_write_of(self.plan(), flow, write)
    }
}

/// The write behind this one in a flow.
pub(crate) fn next_write_of(plan: &Plan, flow: &FlowPlan, write: usize) -> Option<NextWrite> {
    flow.next(write).and_then(|next| numbered_write(plan, flow, next))
}

/// The flow's first write for a record that is gone from its source.
pub(crate) fn first_on_gone(plan: &Plan, flow: &FlowPlan) -> Option<NextWrite> {
    numbered_write(plan, flow, flow.writes.len())
}

fn numbered_write(plan: &Plan, flow: &FlowPlan, number: usize) -> Option<NextWrite> {
    let mapping = plan.mapping(flow.write(number)?.mapping)?;
    Some(NextWrite { write: number, target: (mapping.system.to_owned(), mapping.entity.to_owned()) })
}

/// Is the flow's write of that number the one to this system and entity, at the end of a record or before it?
pub(crate) fn makes(plan: &Plan, flow: &FlowPlan, write: usize, (system, entity, gone): (&str, &str, bool)) -> bool {
    let mapping = flow.write(write).and_then(|write| plan.mapping(write.mapping));
    let target = mapping.map(|mapping| (mapping.system, mapping.entity));
    target == Some((system, entity)) && (write >= flow.writes.len()) == gone
}

/// The flow's write of that number.
pub(crate) fn write_plan(flow: &'static FlowPlan, write: usize) -> Result<&'static WritePlan, EngineError> {
    flow.write(write).ok_or_else(|| {
        EngineError::Setup(format!(
            "the store holds a message for write {} of the flow `{}`, which has only {}: run the program that made it, or discard it",
            write.saturating_add(1),
            flow.name,
            flow.writes.len().saturating_add(flow.on_delete.len())
        ))
    })
}
