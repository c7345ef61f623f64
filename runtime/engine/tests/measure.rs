//! How many records a second go through, from capture to done, with every commit on disk.

#![allow(clippy::unwrap_used, clippy::float_arithmetic, reason = "a measurement")]

mod common;

use std::time::Instant;

use common::Setup;
use mapwright_engine::Sync;
use mapwright_engine::clock::SystemClock;

/// A floor far below what is measured, so that a change which makes deliveries slow by an order is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_not_slow() {
    let mut setup = Setup::new();
    // Here the disk is what is measured.
    setup.folder = tempfile::tempdir().unwrap();
    let stamp = "2026-11-23T08:00:00Z".parse().unwrap();
    let orders: u32 = std::env::var("MAPWRIGHT_ORDERS").ok().map_or(200, |text| text.parse().unwrap());
    setup.world.item("A");
    setup.world.customer("c", stamp);
    for number in 0..orders {
        setup.world.order(&format!("o{number}"), "c", "A", number, stamp);
    }
    let mut options = setup.options();
    options.clock = std::sync::Arc::new(SystemClock);
    options.batch = 32;
    options.workers = 4;
    let started = Instant::now();
    let engine = setup.engine_with(setup.store(), options);
    engine.sync(&Sync::default()).await.unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!("{orders} orders in {seconds:.2} s");
    assert_eq!(setup.world.documents("Orders"), orders as usize);
    assert!(seconds < f64::from(orders) / 10.0, "{orders} orders took {seconds} s");
}
