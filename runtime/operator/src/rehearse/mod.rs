//! `rehearse`: the whole integration against a simulated shop and ERP, on a rough day, with proof at the end.
//!
//! In: how many orders, and where the dice start. Out: a story with numbers, and an exit status that is 0 only if the
//! sandbox's own ledgers agree with the store, order by order and to the cent.

mod audit;
mod books;
mod inbox;
mod play;
mod report;
mod scene;
mod stage;

pub(crate) use play::play;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mapwright_engine::clock::SystemClock;
use mapwright_engine::crash::CrashPoint;
use mapwright_engine::dead_letters::DeadLetters;
use mapwright_engine::store::sqlite::SqliteStore;
use mapwright_engine::store::{Selection, Store};
use mapwright_engine::{Engine, Sync};
use mapwright_sandbox::{Fault, FaultRule, RandomFaults, Sandbox};
use mapwright_values::Integration;

use crate::command::RehearseArguments;
use crate::say::say;
use crate::service::{close, show_progress};
use crate::{Ending, Faults};

/// Which of the ERP's order requests finds its session gone, and which finds its answer lost after the order was made.
const SESSION_ENDS_AT: u64 = 40;
const ANSWER_IS_LOST_AT: u64 = 60;

/// Most dead letters that are listed by cause.
const DEAD_LETTERS_MAX: u32 = 100_000;

pub(crate) async fn rehearse(integration: &'static Integration, wanted: &RehearseArguments) -> Result<Ending, Faults> {
    say!("Rehearsal of {}", integration.plan.name);
    if let Some(file) = wanted.store.as_deref().filter(|file| file.exists()) {
        return Err(format!(
            "{} is there already: a rehearsal needs a store of its own, name a new file with --store",
            file.display()
        )
        .into());
    }
    let folder = tempfile::tempdir()?;
    let file = wanted.store.clone().unwrap_or_else(|| folder.path().join("rehearsal.db"));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file)?);
    let sandbox = stage::start(wanted).await?;
    let inbox = inbox::Inbox::start().await?;
    say!(
        "  a shop with {} orders and {} customers, and an ERP that lacks {} of its products, are simulated on this machine",
        sandbox.seed.orders.len(),
        sandbox.seed.customers.len(),
        sandbox.seed.unknown_items.len()
    );
    let (engine, connections) = stage::engine(integration, &sandbox, &inbox, Arc::clone(&store))?;
    let started = Instant::now();

    say!("\nFirst act: {}", if wanted.calm { "a calm day" } else { "a rough day" });
    if !wanted.calm {
        let_it_storm(&sandbox, wanted.seed);
    }
    act(&engine, &Sync::default()).await?;
    let seconds = started.elapsed();
    let status = store.status(Timestamp::now()).await?;
    let dead = store.dead_letters(Selection::default(), DEAD_LETTERS_MAX).await?;
    report::first_act(integration, &[sandbox.shop.faults(), sandbox.erp.faults()], &status, &dead, &inbox, seconds);

    say!("\nSecond act: the missing products are added, the dead letters are tried again, the faults are over");
    calm_down(&sandbox);
    sandbox.add_unknown_products();
    let crash = CrashPoint::default();
    let letters = DeadLetters { store: &*store, clock: &SystemClock, operator: "rehearsal".to_owned(), crash: &crash };
    let retried = letters.retry(Selection::default(), "the products were added").await?;
    say!("  {retried} dead letters go back to the queue");
    act(&engine, &Sync::default()).await?;
    // A last look: whatever changed while the first act was on is read again and must come to nothing new.
    act(&engine, &Sync { everything: true, ..Sync::default() }).await?;
    close(&connections).await;

    let books = books::examine(integration, &sandbox, &store, &inbox, dead.len()).await?;
    report::last_act(&books, started.elapsed());
    sandbox.stop().await;
    inbox.stop();
    Ok(if books.balance() { Ending::Well } else { Ending::NeedsAPerson })
}

async fn act(engine: &Engine, sync: &Sync) -> Result<(), Faults> {
    let bar = tokio::spawn(show_progress(engine.progress()));
    let summary = engine.sync(sync).await;
    bar.abort();
    let summary = summary?;
    for (flow, reason) in &summary.failed_readings {
        say!("  the reading of {flow} was given up for now: {reason}");
    }
    Ok(())
}

/// One request in ten fails, in every way there is; some answers are lost after the deed was done.
fn let_it_storm(sandbox: &Sandbox, seed: u64) {
    sandbox.shop.faults().random(storm(seed));
    sandbox.erp.faults().random(storm(seed ^ 1));
    sandbox.erp.faults().script(FaultRule::new("POST", "/Orders", Fault::SessionExpired).nth(SESSION_ENDS_AT));
    sandbox.erp.faults().script(FaultRule::new("POST", "/Orders", Fault::TimeoutAfterEffect).nth(ANSWER_IS_LOST_AT));
}

/// A rough day, but a system rarely asks for a pause: each such wish stops the whole connection for a second.
fn storm(seed: u64) -> RandomFaults {
    let mut faults = RandomFaults::rough_day(seed);
    for (fault, rate) in &mut faults.rates {
        if matches!(fault, Fault::Throttled { .. } | Fault::Status { retry_after_s: Some(_), .. }) {
            *rate = 1;
        }
    }
    faults
}

fn calm_down(sandbox: &Sandbox) {
    sandbox.shop.faults().switch_off();
    sandbox.erp.faults().switch_off();
}

/// Seconds with one decimal.
fn seconds(time: Duration) -> String {
    format!("{}.{} s", time.as_secs(), time.subsec_millis() / 100)
}
