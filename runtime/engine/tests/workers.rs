//! Several engines on one database, each with sessions and an owner of its own, dropped at any moment in the middle of
//! whatever they do, while answers are lost and the clock jumps over their leases.

#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::Setup;
use mapwright_engine::alert::{Alert, AlertChannel, AlertState};
use mapwright_engine::clock::{Clock, SystemClock};
use mapwright_engine::connector::*;
use mapwright_engine::state::State;
use mapwright_engine::store::postgres::PostgresStore;
use mapwright_engine::store::{ConnectionChange, Fault, Store};
use mapwright_engine::{Options, Stop, Sync};
use mapwright_values::Find;

/// Larger by `MAPWRIGHT_ORDERS`.
fn orders() -> u32 {
    std::env::var("MAPWRIGHT_ORDERS").ok().map_or(60, |text| text.parse().unwrap())
}

/// Larger by `MAPWRIGHT_DROPS`.
fn drops() -> u64 {
    std::env::var("MAPWRIGHT_DROPS").ok().map_or(12, |text| text.parse().unwrap())
}

/// Here workers die so often that a sound record would pass for a poisonous one.
fn patient(setup: &Setup) -> Options {
    Options { deliveries_max: 1_000, ..setup.options() }
}

async fn database(what: &str) -> String {
    let server = std::env::var("MAPWRIGHT_TEST_POSTGRES")
        .unwrap_or_else(|_| panic!("MAPWRIGHT_TEST_POSTGRES names no server: start one with tests/servers"));
    let (client, connection) =
        tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls).await.unwrap();
    let driving = tokio::spawn(connection);
    let name = format!("{what}_{}", std::process::id());
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    drop(client);
    driving.await.unwrap().unwrap();
    format!("{server}/{name}")
}

/// C, J and the zombie of C22, at a size for every run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_workers_that_die_at_any_moment_lose_and_double_nothing() {
    let url = database("workers").await;
    let setup = Arc::new(Setup::new());
    let stamp = "2026-11-23T08:00:00Z".parse().unwrap();
    setup.world.item("A");
    for number in 0..6 {
        setup.world.customer(&format!("c{number}"), stamp);
    }
    for number in 0..orders() {
        setup.world.order(&format!("o{number}"), &format!("c{}", number % 6), "A", 10 + number, stamp);
    }
    *setup.world.lose_every.lock().unwrap() = Some(7);
    let open = || Arc::new(PostgresStore::open(&url).unwrap()) as Arc<dyn Store>;
    let mut workers = tokio::task::JoinSet::new();
    let mut alive = Vec::new();
    for drop_no in 0..drops() {
        while alive.len() < 3 {
            let (setup, store) = (Arc::clone(&setup), open());
            alive.push(workers.spawn(async move {
                let engine = setup.engine_with(store, patient(&setup));
                loop {
                    engine.sync(&Sync { stop: Stop::Once, ..Sync::default() }).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }));
        }
        tokio::time::sleep(Duration::from_millis(40 + drop_no * 37 % 160)).await;
        // Nothing of it goes on: what it had claimed stays claimed until its lease is over.
        alive.remove(0).abort();
        if drop_no % 3 == 0 {
            // Those that live on have become zombies: their leases are over, and others take what they hold. Many such jumps are
            // less than the time for which a record is tried.
            setup.clock.advance(Duration::from_secs(900));
        }
    }
    for worker in alive {
        worker.abort();
    }
    while let Some(ended) = workers.join_next().await {
        assert!(ended.unwrap_err().is_cancelled(), "a worker failed by itself");
    }
    *setup.world.lose_every.lock().unwrap() = None;
    setup.clock.advance(Duration::from_secs(3600));
    setup.engine_with(open(), patient(&setup)).sync(&Sync::default()).await.unwrap();
    let store = open();
    common::check_invariants(store.as_ref(), &setup.world, setup.clock.now()).await;
    let status = store.status(setup.clock.now()).await.unwrap();
    let flow = status.flows.iter().find(|flow| flow.flow == "orders").unwrap();
    assert_eq!((flow.open(), flow.count(State::Dead)), (0, 0), "{flow:?}");
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (6, orders() as usize));
    assert_eq!(setup.world.state.lock().unwrap().numbers.len(), orders() as usize);
}

/// A channel that takes its time and counts what it is told.
#[derive(Default)]
struct Slow(Mutex<Vec<(i64, bool)>>);

impl AlertChannel for Slow {
    fn send<'a>(&'a self, alert: &'a Alert) -> Reply<'a, Result<(), Failure>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(60)).await;
            self.0.lock().unwrap().push((alert.id, alert.state == AlertState::Closed));
            Ok(())
        })
    }
}

/// Counts the checks of a connection, each of which takes its time.
struct Counted(Arc<dyn Connector>, Arc<AtomicU64>);

impl Connector for Counted {
    fn alias(&self) -> &str {
        self.0.alias()
    }
    fn reading(&self, entity: &str) -> Reading {
        self.0.reading(entity)
    }
    fn writing(&self, entity: &str) -> Writing {
        self.0.writing(entity)
    }
    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
        self.0.fetch_page(request)
    }
    fn fetch_record<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>> {
        self.0.fetch_record(entity, key, select)
    }
    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>> {
        self.0.find(finds)
    }
    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>> {
        self.0.send(write)
    }
    fn probe<'a>(&'a self, entity: &'a str, by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        self.0.probe(entity, by, record)
    }
    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        Box::pin(async {
            self.1.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(60)).await;
            self.0.check().await
        })
    }
    fn close(&self) -> Reply<'_, ()> {
        self.0.close()
    }
}

/// The times do not move here: what one process has told or tried is not told or tried by another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_processes_one_tells_an_alert_and_one_tries_a_halted_connection() {
    let url = database("alone").await;
    let setup = Arc::new(Setup::new());
    let stamp = "2026-11-23T08:00:00Z".parse().unwrap();
    setup.world.customer("c", stamp);
    *setup.world.locked.lock().unwrap() = true;
    let (channel, checks) = (Arc::new(Slow::default()), Arc::new(AtomicU64::new(0)));
    let engine = || {
        let store = Arc::new(PostgresStore::open(&url).unwrap());
        let channels = HashMap::from([("ops".to_owned(), Arc::clone(&channel) as Arc<dyn AlertChannel>)]);
        let options = Options { channels, clock: Arc::new(SystemClock), ..setup.options() };
        setup.engine_over(store, options, |system| Arc::new(Counted(system, Arc::clone(&checks))))
    };
    let once = Sync { stop: Stop::Once, ..Sync::default() };
    let all = |once: Sync| {
        let engines: Vec<_> = (0..4).map(|_| engine()).collect();
        async move {
            let mut running = tokio::task::JoinSet::new();
            for engine in engines {
                let once = once.clone();
                running.spawn(async move { engine.sync(&once).await.unwrap() });
            }
            while let Some(ended) = running.join_next().await {
                ended.unwrap();
            }
        }
    };
    all(once.clone()).await;
    // Whoever was not the one that told leaves it to that one.
    all(once.clone()).await;
    let told = channel.0.lock().unwrap().clone();
    let distinct: std::collections::HashSet<_> = told.iter().collect();
    assert!(!told.is_empty() && told.len() == distinct.len(), "an alert was told twice: {told:?}");
    assert_eq!(checks.load(Ordering::SeqCst), 0, "the canary is due in a minute");
    let store = PostgresStore::open(&url).unwrap();
    let change = ConnectionChange::StillHalted {
        alias: "erp".to_owned(),
        fault: Fault::own("halt", "still"),
        canary_at: SystemClock.now(),
    };
    store.connection(change).await.unwrap();
    all(once).await;
    assert_eq!(checks.load(Ordering::SeqCst), 1, "one canary of one process");
}
