//! `run` and `sync`: the engine at work, with what a person sees of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mapwright_engine::clock::{Clock, SystemClock, between};
use mapwright_engine::records::purge;
use mapwright_engine::status::{FlowStatus, Progress, Summary};
use mapwright_engine::store::Store;
use mapwright_engine::{Engine, Stop, Sync};
use mapwright_values::Integration;
use tokio::sync::watch;

use crate::command::{BackfillArguments, SyncArguments};
use crate::connect::{Connections, Opened, listened, open_engine};
use crate::deployment::Retention;
use crate::say::{note, say};
use crate::server::Server;
use crate::{Ending, Faults};

/// How often it is looked for records whose time of keeping is over.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);
/// How often it is looked, at most and at least, whether a subscription needs anything.
const LOOK_MIN: Duration = Duration::from_millis(200);
const LOOK_MAX: Duration = Duration::from_secs(60);

/// Runs until Ctrl-C or SIGTERM; what is under way is finished first, what is not begun is given back.
pub(crate) async fn run(integration: &'static Integration, file: &Path) -> Result<Ending, Faults> {
    let Opened { engine, connections, server, receivers, retention } = open_engine(integration, file)?;
    let engine = Arc::new(engine);
    let mut subscriptions = None;
    let server = match server {
        Some(wanted) => {
            let needing = receivers.iter().filter(|(_, receiver)| receiver.needs_subscription());
            for (alias, _) in needing.filter(|_| wanted.url.is_none()) {
                note!(
                    "note: webhooks of {alias} are subscribed to at the system, which needs `server.url` in the deployment, the address by which systems reach this program; until then the flows run by their other schedules"
                );
            }
            let server = Server::start(wanted.listen, wanted.token, Arc::clone(&engine), receivers).await?;
            say!("listening on http://{} (/hooks/SYSTEM, /health, /ready, /metrics, console at /)", server.address());
            if let Some(url) = wanted.url {
                subscriptions = Some(tokio::spawn(keep_subscribed(Arc::clone(&engine), url)));
            }
            Some(server)
        }
        None => {
            for alias in listened(integration) {
                note!(
                    "note: no `server` in the deployment, so webhooks of {alias} are not received: flows run by their other schedules"
                );
            }
            None
        }
    };
    let housekeeping = tokio::spawn(keep_house(Arc::clone(engine.store()), integration, retention));
    say!("running {} flows of {}; stop with Ctrl-C", integration.plan.flows.len(), integration.plan.name);
    let ended = engine.run(told_to_stop()).await;
    housekeeping.abort();
    if let Some(subscriptions) = subscriptions {
        subscriptions.abort();
    }
    // Webhooks are kept to the last moment: what is kept now is followed by the next run.
    if let Some(server) = server {
        server.stop().await;
    }
    close(&connections).await;
    ended?;
    say!("stopped; nothing is in flight");
    Ok(Ending::Well)
}

/// Makes and renews subscriptions: after the server listens, for a system may call it while it is asked.
async fn keep_subscribed(engine: Arc<Engine>, url: String) {
    loop {
        let next = match engine.tend_subscriptions(&url).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "subscriptions could not be looked after");
                None
            }
        };
        let wait = next.map_or(LOOK_MAX, |next| between(SystemClock.now(), next));
        tokio::time::sleep(wait.clamp(LOOK_MIN, LOOK_MAX)).await;
    }
}

/// Removes what is kept for no longer, now and once an hour.
async fn keep_house(store: Arc<dyn Store>, integration: &'static Integration, retention: Retention) {
    loop {
        for flow in integration.plan.flows {
            let Some(kept) = retention.of(flow.name) else { continue };
            match purge(store.as_ref(), flow.name, kept, SystemClock.now()).await {
                Ok(0) => {}
                Ok(removed) => {
                    tracing::info!(flow = flow.name, removed, "finished records were removed: their time was over")
                }
                Err(error) => tracing::error!(flow = flow.name, %error, "finished records could not be removed"),
            }
        }
        tokio::time::sleep(HOUSEKEEPING).await;
    }
}

/// Reads and delivers now.
pub(crate) async fn sync(
    integration: &'static Integration,
    file: &Path,
    arguments: SyncArguments,
) -> Result<Ending, Faults> {
    let Opened { engine, connections, .. } = open_engine(integration, file)?;
    let sync = Sync {
        flows: arguments.flows,
        stop: if arguments.once { Stop::Once } else { Stop::Idle },
        everything: arguments.everything,
        since: arguments.since,
        accept_gone: arguments.accept_deletes,
        without_reading: false,
    };
    let bar = tokio::spawn(show_progress(engine.progress()));
    let mut stopped = false;
    let result = tokio::select! {
        result = engine.sync(&sync) => result,
        () = told_to_stop() => {
            stopped = true;
            engine.stop();
            engine.sync(&Sync { without_reading: true, stop: Stop::Once, ..Sync::default() }).await
        }
    };
    bar.abort();
    let status = engine.status().await;
    close(&connections).await;
    let (summary, status) = (result?, status?);
    say!("{}", in_words(&summary));
    let left: u64 = status.flows.iter().map(FlowStatus::open).sum();
    if left > 0 {
        say!("left for later {left}: `status` says what they wait for");
    }
    let resting = status.connections.iter().filter(|connection| connection.open_since.is_some());
    let resting: Vec<&str> = resting.map(|connection| connection.alias.as_str()).collect();
    for alias in &resting {
        say!("the connection {alias} rests after too many failures: see `status`, then `doctor`");
    }
    if stopped {
        say!("stopped before the end: the next `sync` or `run` goes on from here");
    }
    let waiting_for_a_person = summary.progress.dead > 0
        || !summary.halted.is_empty()
        || !summary.failed_readings.is_empty()
        || !resting.is_empty();
    Ok(if waiting_for_a_person { Ending::NeedsAPerson } else { Ending::Well })
}

/// Reads a flow's changes from an instant on, and delivers.
pub(crate) async fn backfill(
    integration: &'static Integration,
    file: &Path,
    wanted: BackfillArguments,
) -> Result<Ending, Faults> {
    let arguments = SyncArguments { flows: vec![wanted.flow], since: Some(wanted.since), ..SyncArguments::default() };
    sync(integration, file, arguments).await
}

/// Gives back what is held at the systems.
pub(crate) async fn close(connections: &Connections) {
    for connection in connections.values() {
        connection.close().await;
    }
}

fn in_words(summary: &Summary) -> String {
    let Progress { read, done, without_effect, dead, .. } = summary.progress;
    let mut words = format!("read {read}, delivered {done}, nothing to do {without_effect}, need a person {dead}");
    for (flow, reason) in &summary.failed_readings {
        words.push_str(&format!("\nreading of {flow} failed: {reason}"));
    }
    for alias in &summary.halted {
        words.push_str(&format!("\nthe connection {alias} is halted: see `status`, then `doctor`"));
    }
    if dead > 0 {
        words.push_str("\nsee `dead-letters list`");
    }
    words
}

/// A bar on a terminal, a line now and then elsewhere.
pub(crate) async fn show_progress(mut progress: watch::Receiver<Progress>) {
    use std::io::IsTerminal;
    let bar = std::io::stderr().is_terminal().then(|| {
        let style = indicatif::ProgressStyle::with_template("  {bar:32} {pos}/{len} {msg}")
            .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar());
        indicatif::ProgressBar::new(0).with_style(style)
    });
    let mut told = 0;
    while progress.changed().await.is_ok() {
        let now = progress.borrow_and_update().clone();
        // A dead letter that is tried again ends twice.
        let ended = (now.done + now.without_effect + now.dead).min(now.accepted);
        match &bar {
            Some(bar) => {
                bar.set_length(now.accepted);
                bar.set_position(ended);
                bar.set_message(now.step.clone());
            }
            None if ended >= told + LINE_EVERY => {
                told = ended;
                note!("  {ended} of {} ended ({} need a person)", now.accepted, now.dead);
            }
            None => {}
        }
    }
}

/// Off a terminal, a line for so many ended messages.
const LINE_EVERY: u64 = 500;

async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            // Without SIGTERM there is still Ctrl-C; if that fails too, the program runs until it is killed, which is safe.
            if interrupt.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
