//! The engine as programs call it: sync, run, status, dead letters.
//!
//! In: an integration, its connectors, a store, settings, options. Out: summaries and reports. One engine works on a
//! store at a time; a failure of the store ends the call, and the next call repairs what it left.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mapwright_values::plan::{FlowPlan, Plan};
use mapwright_values::{Integration, Json};
use tokio::sync::{Notify, Semaphore, watch};

use crate::agenda::Agenda;
use crate::backoff;
use crate::clock::between;
use crate::connector::Connector;
use crate::crash::CrashPoint;
use crate::doorbell::line::Line;
use crate::flow::reading::{Ended, Extent};
use crate::flow::resolving::Cache;
use crate::flow::turns;
use crate::flow::{Core, alerting, gone, halting, hinting, reading, subscribing, sweeping, working};
use crate::options::Options;
use crate::schedule;
use crate::status::{FlowStatus, Progress, Status, Summary};
use crate::store::{Beginning, FlowPolicy, Noticed, Store, StoreError};

/// Why an engine's call ended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// The store failed; nothing is lost.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Plan, deployment or call do not fit together.
    #[error("{0}")]
    Setup(String),
    /// A fault of the program.
    #[error("{0}")]
    Fault(String),
}

/// When a sync ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// When every message is delivered, or needs a person, or waits for something that no retry brings.
    #[default]
    Idle,
    /// After one turn: what must be tried later is left for later.
    Once,
}

/// What to sync.
#[derive(Clone, Debug, Default)]
pub struct Sync {
    /// These flows; none = all.
    pub flows: Vec<String>,
    /// When to end.
    pub stop: Stop,
    /// A full scan of every source.
    pub everything: bool,
    /// Changes from here on, whatever was read before.
    pub since: Option<Timestamp>,
    /// Records may be gone from their source in any number at once.
    pub accept_gone: bool,
    /// Deliver what is in the store, read nothing new.
    pub without_reading: bool,
}

/// Flows in operation.
pub struct Engine {
    core: Arc<Core>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").field("project", &self.core.plan().name).finish_non_exhaustive()
    }
}

impl Engine {
    /// Puts an engine together. `settings` holds every setting (`plan::check_settings`).
    ///
    /// # Errors
    /// When a system of the plan has no connector, or a flow names something that is not there.
    pub fn new(
        integration: Integration,
        connectors: HashMap<String, Arc<dyn Connector>>,
        store: Arc<dyn Store>,
        settings: Json<'static>,
        options: Options,
    ) -> Result<Self, EngineError> {
        check_plan(integration.plan, &connectors)?;
        let gates = gates(integration.plan, &connectors);
        let lease = lease(integration.plan, &connectors, &options);
        let crash = Arc::new(CrashPoint::new(options.crash_at.clone()));
        let core = Core {
            integration,
            connectors,
            store,
            settings,
            lease,
            crash,
            cache: Mutex::new(Cache::default()),
            gates,
            skews: Mutex::default(),
            healths: Mutex::default(),
            suspects: tokio::sync::Mutex::default(),
            turns: Mutex::default(),
            progress: watch::channel(Progress::default()).0,
            stop: watch::channel(false).0,
            bell: Notify::new(),
            line: Line::new(Arc::clone(&options.doorbell), Arc::clone(&options.clock)),
            owner: format!("{}-{:08x}{:08x}", std::process::id(), backoff::draw(), backoff::draw()),
            options,
        };
        Ok(Self { core: Arc::new(core) })
    }

    /// How far it has come, for a progress bar.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.core.progress.subscribe()
    }

    /// The store, for the operator's queries.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.core.store
    }

    /// Asks a sync or run under way to end: what is being sent is finished, everything else is given back.
    pub fn stop(&self) {
        self.core.stop.send_replace(true);
    }

    /// Keeps what systems told of their own accord. When this answers, it is durable: the system may be told so. One that no
    /// flow listens to is kept as told, and nothing follows.
    ///
    /// # Errors
    /// When the store fails: then the system must tell it again.
    pub async fn notice(&self, told: &[hinting::Told]) -> Result<Vec<Noticed>, EngineError> {
        let now = self.core.now();
        let notices = told.iter().map(|told| hinting::notice(self.core.plan(), told, now)).collect();
        self.core.crash.reach("notice.before_commit");
        let noticed = self.core.store.notice(notices).await?;
        self.core.crash.reach("notice.after_commit");
        if noticed.iter().any(|noticed| noticed.kept > 0) {
            self.core.bell.notify_one();
            self.core.line.ring(1, 1).await;
        }
        Ok(noticed)
    }

    /// Makes and renews the subscriptions that flows need, for systems that call `ADDRESS/hooks/SYSTEM`; answers when to look
    /// again (`None` = there are none, or another process looks).
    ///
    /// # Errors
    /// When the store fails. What a system refuses is kept with its subscription and tried again.
    pub async fn tend_subscriptions(&self, address: &str) -> Result<Option<Timestamp>, EngineError> {
        subscribing::tend(&self.core, address).await
    }

    /// How this process's doorbell stands.
    #[must_use]
    pub fn doorbell(&self) -> crate::status::DoorbellStatus {
        self.core.line.status()
    }

    /// Lets a run look for work now, not when its pause is over.
    pub fn ring(&self) {
        self.core.bell.notify_one();
    }

    /// Where everything stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self) -> Result<Status, EngineError> {
        let now = self.core.now();
        let kept = self.core.store.status(now).await?;
        let mut by_name: BTreeMap<String, FlowStatus> =
            kept.flows.into_iter().map(|flow| (flow.flow.clone(), flow)).collect();
        let mut flows: Vec<FlowStatus> = Vec::new();
        for flow in self.core.plan().flows {
            flows.push(by_name.remove(flow.name).unwrap_or_else(|| FlowStatus {
                flow: flow.name.to_owned(),
                read: 0,
                unchanged: 0,
                filtered: 0,
                accepted: 0,
                counts: Vec::new(),
                read_wm: None,
                done_wm: None,
                last_error: None,
                last_read_at: None,
                last_new_at: None,
                silent_since: None,
                hints: 0,
                hinted_since: None,
            }));
        }
        // Flows that the plan no longer has are shown as long as the store holds something of them.
        flows.extend(by_name.into_values());
        Ok(Status {
            project: self.core.plan().name.to_owned(),
            at: now,
            flows,
            connections: kept.connections,
            alerts: kept.alerts,
            subscriptions: kept.subscriptions,
            doorbell: self.core.line.status(),
            notes: crate::status::notes(self.core.plan()),
        })
    }

    /// Reads the flows and delivers what there is.
    ///
    /// # Errors
    /// When the store fails or a flow is unknown. What a record or a system does wrong is no error: see the summary.
    pub async fn sync(&self, sync: &Sync) -> Result<Summary, EngineError> {
        let flows = self.selected(&sync.flows)?;
        let names: Vec<String> = flows.iter().map(|flow| flow.name.to_owned()).collect();
        self.begin().await?;
        let mut summary = Summary::default();
        let mut held = Vec::new();
        let extent = Extent { everything: sync.everything, since: sync.since, accept_gone: sync.accept_gone };
        if !sync.without_reading {
            // A connection that works again since must not cost its flows their turn.
            halting::send_canaries(&self.core).await?;
            for flow in &flows {
                hinting::follow(&self.core, flow).await?;
                let ended = self.turn(flow, extent, &names, &mut summary).await?;
                if ended != Ended::Complete && self.is_held(flow).await? {
                    held.push(*flow);
                }
            }
        }
        self.drain(&names, sync.stop).await?;
        if self.read_held(held, extent, &names, &mut summary).await? {
            self.drain(&names, sync.stop).await?;
        }
        if !sync.without_reading {
            sweeping::listen(&self.core, &flows).await?;
            alerting::send_alerts(&self.core).await?;
        }
        summary.halted = halting::halted(&self.core).await?.into_iter().map(|(alias, _)| alias).collect();
        summary.progress = self.core.progress.borrow().clone();
        summary.stopped = self.core.is_stopping();
        Ok(summary)
    }

    /// Runs by the flows' schedules until `shutdown` is there; then finishes what is under way.
    ///
    /// # Errors
    /// At the start, when a schedule cannot be served or the store is held by another process.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Result<(), EngineError> {
        let mut agendas = self.agendas()?;
        for note in crate::status::notes(self.core.plan()) {
            tracing::info!("{note}");
        }
        self.begin().await?;
        let service = self.serve(&mut agendas);
        tokio::pin!(service);
        tokio::pin!(shutdown);
        tokio::select! {
            result = &mut service => result,
            never = self.core.line.listen(&self.core.bell) => match never {},
            () = &mut shutdown => {
                self.stop();
                service.await
            }
        }
    }

    fn selected(&self, names: &[String]) -> Result<Vec<&'static FlowPlan>, EngineError> {
        if let Some(unknown) = names.iter().find(|name| self.core.plan().flow(name).is_none()) {
            let known: Vec<&str> = self.core.plan().flows.iter().map(|flow| flow.name).collect();
            return Err(EngineError::Setup(format!("no flow `{unknown}`; there are: {}", known.join(", "))));
        }
        let chosen = |flow: &&FlowPlan| names.is_empty() || names.iter().any(|name| name == flow.name);
        Ok(self.core.plan().flows.iter().filter(chosen).collect())
    }

    /// Takes the store and frees what a dead process, or a failed call of ours, had claimed.
    async fn begin(&self) -> Result<(), EngineError> {
        let flows = self.core.plan().flows.iter().map(|flow| FlowPolicy {
            flow: flow.name.to_owned(),
            latest_wins: flow.latest_wins,
            channel: flow.on_failure.map(str::to_owned),
        });
        let beginning = Beginning { owner: self.core.owner.clone(), flows: flows.collect(), now: self.core.now() };
        self.core.store.begin(beginning).await?;
        halting::take_over(&self.core).await
    }

    /// A flow's turn: its reading, then the backlog as far as it can go now. Flows behind it come later.
    async fn turn(
        &self,
        flow: &'static FlowPlan,
        extent: Extent,
        names: &[String],
        summary: &mut Summary,
    ) -> Result<Ended, EngineError> {
        if self.is_held(flow).await? {
            let reason = format!("the connection `{}` is halted", flow.read.system);
            summary.failed_readings.push((flow.name.to_owned(), reason.clone()));
            return Ok(Ended::Failed(reason));
        }
        if !turns::hold(&self.core, flow).await? {
            summary.failed_readings.push((flow.name.to_owned(), "another process reads it now".to_owned()));
            return Ok(Ended::Elsewhere);
        }
        let read = self.read(flow, extent).await;
        turns::give_back(&self.core, flow).await?;
        let ended = read?;
        if let Ended::Failed(reason) | Ended::Refused(reason) = &ended {
            summary.failed_readings.push((flow.name.to_owned(), reason.clone()));
        }
        let upto: Vec<String> =
            names.iter().take_while(|name| *name != flow.name).cloned().chain([flow.name.to_owned()]).collect();
        working::work(&self.core, &upto).await?;
        alerting::send_alerts(&self.core).await?;
        Ok(ended)
    }

    /// Is the connection halted from which the flow reads?
    async fn is_held(&self, flow: &FlowPlan) -> Result<bool, EngineError> {
        Ok(halting::halted(&self.core).await?.iter().any(|(alias, _)| alias == flow.read.system))
    }

    /// Gives those flows their turn whose connections a canary has set going meanwhile; answers whether there were any.
    async fn read_held(
        &self,
        held: Vec<&'static FlowPlan>,
        extent: Extent,
        names: &[String],
        summary: &mut Summary,
    ) -> Result<bool, EngineError> {
        let mut read = false;
        for flow in held {
            if self.core.is_stopping() || self.is_held(flow).await? {
                continue;
            }
            summary.failed_readings.retain(|(name, _)| name != flow.name);
            self.turn(flow, extent, names, summary).await?;
            read = true;
        }
        Ok(read)
    }

    async fn read(&self, flow: &'static FlowPlan, extent: Extent) -> Result<Ended, EngineError> {
        let ended = reading::read_flow(&self.core, flow, extent).await?;
        if ended == Ended::Complete && !extent.everything && gone::is_due(&self.core, flow).await? {
            return reading::read_flow(&self.core, flow, Extent { everything: true, ..extent }).await;
        }
        Ok(ended)
    }

    /// What has been read since, by other processes or before this one, is not due here.
    async fn learn(&self, agendas: &mut [Agenda]) -> Result<(), EngineError> {
        for (flow, read_at) in self.core.store.last_read().await? {
            if let (Some(at), Some(agenda)) = (read_at, agendas.iter_mut().find(|agenda| agenda.flow.name == flow)) {
                agenda.learn(at);
            }
        }
        Ok(())
    }

    /// Delivers until nothing is left that a retry brings on.
    async fn drain(&self, names: &[String], stop: Stop) -> Result<(), EngineError> {
        let core = &self.core;
        let mut canaries = 0;
        while !core.is_stopping() {
            let sent = halting::send_canaries(core).await?;
            canaries += sent;
            let worked = working::work(core, names).await?;
            alerting::send_alerts(core).await?;
            if worked > 0 || sweeping::sweep(core, names).await? > 0 {
                continue;
            }
            if stop == Stop::Once {
                return Ok(());
            }
            let canary = match canaries < core.options.canaries_max {
                true => halting::halted(core).await?.into_iter().filter_map(|(_, at)| at).min(),
                false => None,
            };
            let due = core.store.next_due(true).await?;
            let Some(wake_at) = canary.into_iter().chain(due).min() else { return Ok(()) };
            // A message that is due but was not claimed belongs to another flow or to a claim that still lasts.
            core.pause(between(core.now(), wake_at).max(Duration::from_millis(5))).await;
        }
        Ok(())
    }

    fn agendas(&self) -> Result<Vec<Agenda>, EngineError> {
        let agenda = |flow: &'static FlowPlan| Ok(Agenda::new(flow, schedule::timings(flow, &self.core.settings)?));
        self.core.plan().flows.iter().map(agenda).collect::<Result<_, String>>().map_err(EngineError::Setup)
    }

    async fn serve(&self, agendas: &mut [Agenda]) -> Result<(), EngineError> {
        self.learn(agendas).await?;
        let mut failures: u32 = 0;
        while !self.core.is_stopping() {
            let round = self.core.line.round_begins();
            match self.tick(agendas).await {
                Ok(pause) => {
                    failures = 0;
                    self.core.line.round_ended(round);
                    tokio::select! {
                        () = self.core.pause(pause) => {}
                        () = self.core.bell.notified() => {}
                    }
                }
                Err(EngineError::Setup(message)) => return Err(EngineError::Setup(message)),
                Err(error) => {
                    // A store that fails for a while must not end a service; nothing is lost meanwhile.
                    failures = failures.saturating_add(1);
                    tracing::error!(%error, failures, "the round was given up, beginning anew");
                    self.core.pause(self.core.options.retry.limit(failures)).await;
                    if let Err(error) = self.begin().await {
                        tracing::error!(%error, "the store cannot be taken again yet");
                    }
                }
            }
        }
        Ok(())
    }

    /// One round: due flows in the plan's order, then everything that is due; answers how long nothing will be.
    async fn tick(&self, agendas: &mut [Agenda]) -> Result<Duration, EngineError> {
        let core = &self.core;
        let flows: Vec<&FlowPlan> = agendas.iter().map(|agenda| agenda.flow).collect();
        let names: Vec<String> = flows.iter().map(|flow| flow.name.to_owned()).collect();
        if core.store.is_shared() {
            self.learn(agendas).await?;
        }
        let mut held = Vec::new();
        for agenda in agendas.iter_mut() {
            hinting::follow(core, agenda.flow).await?;
            if self.serve_one(agenda, &names).await? {
                held.push(agenda.flow.name);
            }
        }
        if halting::send_canaries(core).await? > 0 {
            // What a canary has set going is read at once.
            held.clear();
        }
        working::work(core, &names).await?;
        sweeping::sweep(core, &names).await?;
        sweeping::listen(core, &flows).await?;
        alerting::send_alerts(core).await?;
        let now = core.now();
        let going = agendas.iter().filter(|agenda| !held.contains(&agenda.flow.name));
        let next_flow = going.filter_map(|agenda| agenda.next(now));
        let next = next_flow.chain(core.store.next_due(false).await?).min();
        let longest = core.line.look_every();
        Ok(next.map_or(longest, |next| between(now, next).clamp(Duration::from_millis(20), longest)))
    }

    /// Gives a flow its turn if it is due; answers whether a halted connection holds it up: that only puts its turn off.
    async fn serve_one(&self, agenda: &mut Agenda, names: &[String]) -> Result<bool, EngineError> {
        let core = &self.core;
        let now = core.now();
        let Some(due) = agenda.due(now).filter(|_| !core.is_stopping()) else { return Ok(false) };
        let extent = Extent { everything: due.everything, ..Extent::default() };
        match self.turn(agenda.flow, extent, names, &mut Summary::default()).await? {
            Ended::Complete | Ended::Refused(_) => agenda.served(&due, now),
            Ended::Elsewhere => agenda.put_off(&due, now, core.lease),
            Ended::Stopped | Ended::Failed(_) if self.is_held(agenda.flow).await? => return Ok(true),
            Ended::Stopped | Ended::Failed(_) => {
                agenda.failed(&due, core.now(), |failures| core.options.retry.pause(failures, None, core.random()));
            }
        }
        Ok(false)
    }
}

fn check_plan(plan: &'static Plan, connectors: &HashMap<String, Arc<dyn Connector>>) -> Result<(), EngineError> {
    for system in plan.systems {
        if !connectors.contains_key(system.alias) {
            return Err(EngineError::Setup(format!(
                "no connection for the system `{}`: add it to the deployment's `systems`",
                system.alias
            )));
        }
    }
    for flow in plan.flows {
        for write in flow.writes.iter().chain(flow.on_delete) {
            if plan.mapping(write.mapping).is_none() {
                return Err(EngineError::Setup(format!(
                    "the flow `{}` names the mapping `{}`, which does not exist",
                    flow.name, write.mapping
                )));
            }
        }
    }
    Ok(())
}

/// Every entity that a flow writes, with how it is written.
fn writings(
    plan: &'static Plan,
    connectors: &HashMap<String, Arc<dyn Connector>>,
) -> Vec<(&'static str, crate::connector::Writing)> {
    let mappings = plan
        .flows
        .iter()
        .flat_map(|flow| flow.writes.iter().chain(flow.on_delete))
        .filter_map(|write| plan.mapping(write.mapping));
    mappings
        .filter_map(|mapping| Some((mapping.system, connectors.get(mapping.system)?.writing(mapping.entity))))
        .collect()
}

fn gates(plan: &'static Plan, connectors: &HashMap<String, Arc<dyn Connector>>) -> HashMap<String, Arc<Semaphore>> {
    let mut parallel: HashMap<String, usize> = HashMap::new();
    for (system, writing) in writings(plan, connectors) {
        let known = parallel.entry(system.to_owned()).or_insert(usize::MAX);
        *known = (*known).min(writing.parallel.max(1));
    }
    parallel
        .into_iter()
        .map(|(system, most)| (system, Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)))))
        .collect()
}

/// A lease outlasts the longest request twice: once for the wait at the gate, once for the request itself.
fn lease(plan: &'static Plan, connectors: &HashMap<String, Arc<dyn Connector>>, options: &Options) -> Duration {
    let longest = writings(plan, connectors).into_iter().map(|(_, writing)| writing.request_timeout).max();
    let least = longest.unwrap_or_default().saturating_add(options.request_margin).saturating_mul(2);
    if options.lease < least {
        tracing::info!(
            seconds = least.as_secs(),
            "claims last longer than the deployment says: a request may take that long"
        );
    }
    options.lease.max(least)
}
