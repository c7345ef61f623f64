//! Several engines on one database, each with sessions and an owner of its own, dropped at any moment in the middle of
//! whatever they do, while answers are lost and the clock jumps over their leases.

#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::Setup;
use mapwright_engine::clock::Clock;
use mapwright_engine::state::State;
use mapwright_engine::store::Store;
use mapwright_engine::store::postgres::PostgresStore;
use mapwright_engine::{Options, Stop, Sync};

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

async fn database() -> String {
    let server = std::env::var("MAPWRIGHT_TEST_POSTGRES")
        .unwrap_or_else(|_| panic!("MAPWRIGHT_TEST_POSTGRES names no server: start one with tests/servers"));
    let (client, connection) =
        tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls).await.unwrap();
    let driving = tokio::spawn(connection);
    let name = format!("workers_{}", std::process::id());
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    drop(client);
    driving.await.unwrap().unwrap();
    format!("{server}/{name}")
}

/// C, J and the zombie of C22, at a size for every run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_workers_that_die_at_any_moment_lose_and_double_nothing() {
    let url = database().await;
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
            // Those that live on have become zombies: their leases are over, and others take what they hold.
            setup.clock.advance(Duration::from_secs(3600));
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
