//! What happens to flows and connections over time: silence, alerts, deadlines, drift, circuits, schedules.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::Setup;
use common::relay::{Hooks, Relay};
use common::world::Trouble;
use jiff::{SignedDuration, Timestamp};
use mapwright_engine::alert::{Alert, AlertState};
use mapwright_engine::backoff::Backoff;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::Class;
use mapwright_engine::state::{Reason, State};
use mapwright_engine::status::StoreStatus;
use mapwright_engine::store::memory::MemoryStore;
use mapwright_engine::store::{ConnectionChange, Selection, Store, StoreError};
use mapwright_engine::{Options, Stop, Sync};
use mapwright_values::plan::{DeliveryLevel, Schedule};

fn at(text: &str) -> Timestamp {
    format!("2026-11-23T{text}Z").parse().unwrap()
}

/// Two customers and as many orders as wanted, all of item A.
fn shop(orders: u32) -> Setup {
    let setup = Setup::new();
    setup.world.customer("c0", at("08:00:00"));
    setup.world.customer("c1", at("08:00:00"));
    add_orders(&setup, 0..orders, "A", at("08:00:01"));
    setup.world.item("A");
    setup
}

fn add_orders(setup: &Setup, numbers: std::ops::Range<u32>, item: &str, stamp: Timestamp) {
    for number in numbers {
        setup.world.order(&format!("o{number:03}"), &format!("c{}", number % 2), item, 10 + number, stamp);
    }
}

async fn status(setup: &Setup) -> StoreStatus {
    setup.store().status(setup.clock.now()).await.unwrap()
}

fn told(setup: &Setup) -> Vec<Alert> {
    setup.recorder.alerts.lock().unwrap().clone()
}

#[tokio::test]
async fn a_silent_flow_raises_one_alert_and_a_new_record_closes_it() {
    let mut setup = shop(1);
    setup.variant.silence = Some((7200, "ops"));
    setup.sync().await;
    setup.clock.advance(Duration::from_secs(7100));
    setup.sync().await;
    assert_eq!(told(&setup), []);
    setup.clock.advance(Duration::from_secs(200));
    setup.sync().await;
    setup.sync().await;
    let alerts = told(&setup);
    assert_eq!((alerts.len(), alerts[0].count, alerts[0].state), (1, 1, AlertState::Open));
    assert!(
        alerts[0].message.contains("`orders` has read no new record since 2026-11-23 10:00 UTC (its limit is 2 h)")
    );
    let flow = status(&setup).await.flows.into_iter().find(|flow| flow.flow == "orders").unwrap();
    assert_eq!((flow.silent_since, flow.last_new_at), (Some(at("10:00:00")), Some(at("10:00:00"))));
    add_orders(&setup, 7..8, "A", setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.sync().await;
    let alerts = told(&setup);
    assert_eq!((alerts.len(), alerts[1].state), (2, AlertState::Closed));
    assert!(alerts[1].message.starts_with("over: the flow `orders` has read no new record"), "{}", alerts[1].message);
    let flow = status(&setup).await.flows.into_iter().find(|flow| flow.flow == "orders").unwrap();
    assert_eq!(flow.silent_since, None);
}

#[tokio::test]
async fn silence_is_heard_by_a_service_and_not_after_a_long_stop_alone() {
    let mut setup = shop(1);
    setup.variant.silence = Some((300, "ops"));
    setup.sync().await;
    // The program stood still for a day; the first thing it does is to read what came meanwhile.
    add_orders(&setup, 1..2, "A", at("10:30:00"));
    setup.clock.advance(Duration::from_secs(24 * 3600));
    let engine = setup.engine(setup.store());
    let (recorder, world) = (Arc::clone(&setup.recorder), Arc::clone(&setup.world));
    let heard = async move {
        while recorder.alerts.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.documents("Orders"), 2, "silence is told only after the reading");
    };
    tokio::time::timeout(Duration::from_secs(60), engine.run(heard)).await.expect("silence is heard").unwrap();
    let alerts = told(&setup);
    assert_eq!((alerts[0].subject.as_str(), alerts[0].cause.as_str()), ("silence of orders", "silence"));
    assert!(setup.clock.now() >= at("10:00:00").checked_add(Duration::from_secs(24 * 3600 + 300)).unwrap());
}

#[tokio::test]
async fn twenty_unknown_items_are_one_cause_and_no_alert_tells_a_value() {
    let setup = shop(0);
    for number in 0..20 {
        let item = format!("Secret-{number}");
        setup.world.order(&format!("Mueller-{number}"), "c1", &item, 5, at("08:00:01"));
    }
    setup.world.trouble(&[Trouble::Refused(Class::Permanent)]);
    setup.sync().await;
    let open = status(&setup).await.alerts;
    let orders: Vec<&Alert> = open.iter().filter(|alert| alert.subject == "orders").collect();
    assert_eq!((orders.len(), orders[0].count), (1, 20));
    assert_eq!(orders[0].cause, "rejected: project.mapspec:9");
    assert_eq!(
        orders[0].message,
        "the spec rejects the record (field Item at project.mapspec:9); see `dead-letters list --cause \"rejected: project.mapspec:9\"`"
    );
    let customers: Vec<&Alert> = open.iter().filter(|alert| alert.subject == "customers").collect();
    assert_eq!(customers[0].cause, "customers/1: permanent refused");
    for alert in open.iter().chain(&told(&setup)) {
        let text = format!("{} {}", alert.message, alert.cause);
        assert!(!text.contains("Secret") && !text.contains("Mueller") && !text.contains("manual"), "{text}");
    }
    let letters = setup.letters(async |letters| letters.list(Selection::default(), 30).await.unwrap()).await;
    assert!(letters.iter().any(|letter| letter.message.contains("Secret-7")), "the operator's list tells the reason");
    setup.check_invariants().await;
}

#[tokio::test]
async fn an_alert_is_over_when_the_last_letter_of_its_cause_is() {
    let setup = shop(0);
    add_orders(&setup, 0..2, "NONE", at("08:00:01"));
    setup.sync().await;
    let letters = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap()).await;
    let one = Selection { ids: vec![letters[0].id], ..Selection::default() };
    setup.letters(async |letters| letters.discard(one, "a test order").await.unwrap()).await;
    setup.sync().await;
    assert!(told(&setup).iter().all(|alert| alert.state == AlertState::Open), "one letter is left");
    setup.world.item("NONE");
    setup.letters(async |letters| letters.retry(Selection::default(), "added").await.unwrap()).await;
    setup.sync().await;
    let last = told(&setup).pop().unwrap();
    assert_eq!((last.state, last.cause.as_str()), (AlertState::Closed, "rejected: project.mapspec:9"));
    assert!(last.message.starts_with("over: "), "{}", last.message);
    setup.check_invariants().await;
}

#[tokio::test]
async fn what_is_behind_a_dead_letter_has_a_deadline_too() {
    let setup = shop(0);
    setup.world.order("x", "c1", "NEVER", 5, at("08:00:01"));
    setup.sync().await;
    setup.world.order("x", "c1", "A", 6, setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.sync().await;
    assert_eq!(setup.count("orders", State::Waiting(Reason::KeyBlocked)).await, 1);
    setup.clock.advance(Duration::from_secs(24 * 3600 - 60));
    setup.sync().await;
    assert_eq!(setup.count("orders", State::Waiting(Reason::KeyBlocked)).await, 1, "one minute is left");
    setup.clock.advance(Duration::from_secs(60));
    setup.sync().await;
    assert_eq!(setup.count("orders", State::Dead).await, 2);
    let letters = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap()).await;
    assert_eq!(letters[1].cause, "orders/1: expired key");
    setup.check_invariants().await;
    // Both go again in their order.
    setup.world.item("NEVER");
    setup.letters(async |letters| letters.retry(Selection::default(), "mended").await.unwrap()).await;
    setup.sync().await;
    assert_eq!((setup.count("orders", State::Dead).await, setup.world.documents("Orders")), (0, 1));
    setup.check_invariants().await;
}

#[tokio::test]
async fn what_waits_for_a_connection_that_stays_halted_is_dead_after_its_deadline() {
    let setup = shop(1);
    *setup.world.locked.lock().unwrap() = true;
    setup.sync().await;
    let waiting = setup.count("customers", State::Waiting(Reason::ConnectionHalted)).await;
    assert_eq!(waiting, 2);
    setup.clock.advance(Duration::from_secs(24 * 3600));
    setup.sync().await;
    let letters = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap()).await;
    assert!(!letters.is_empty() && letters.iter().all(|letter| letter.cause == "customers/1: expired connection"));
    setup.check_invariants().await;
}

#[tokio::test]
async fn what_is_to_be_retried_at_a_halted_connection_dies_by_its_age() {
    let setup = shop(1);
    setup.world.trouble(&[Trouble::Refused(Class::Transient)]);
    setup.engine(setup.store()).sync(&Sync { stop: Stop::Once, ..Sync::default() }).await.unwrap();
    assert_eq!(setup.count("customers", State::RetryWait).await, 1);
    *setup.world.locked.lock().unwrap() = true;
    setup.world.customer("c9", setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.sync().await;
    setup.clock.advance(Duration::from_secs(25 * 3600));
    setup.sync().await;
    let letters = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap()).await;
    assert!(letters.iter().any(|letter| letter.class == "expired"), "{letters:?}");
    assert_eq!(setup.count("customers", State::RetryWait).await, 0);
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_drift_halts_the_connection_before_all_records_are_dead() {
    let mut setup = shop(0);
    setup.workers = 1;
    add_orders(&setup, 0..60, "A", at("08:00:01"));
    setup.world.refuses.lock().unwrap().insert("A".to_owned());
    let summary = setup.sync().await;
    assert_eq!(summary.halted, ["erp"]);
    // More than a fifth of fifty is eleven: ten are dead, the eleventh stops the connection and keeps its record.
    let dead = setup.count("orders", State::Dead).await;
    assert!((10..=18).contains(&dead), "{dead} dead letters: those under way at once may be refused too");
    let connection = status(&setup).await.connections.remove(0);
    assert_eq!(connection.halted_code.as_deref(), Some("-5002"));
    let alert = told(&setup).into_iter().find(|alert| alert.subject == "connection erp").unwrap();
    assert!(alert.message.contains("drift -5002") && alert.message.contains("schema has changed"), "{}", alert.message);
    // The canary is one waiting record: while it is refused, the others stay.
    let sent = setup.world.state.lock().unwrap().writes;
    setup.clock.advance(Duration::from_secs(61));
    setup.engine(setup.store()).sync(&Sync { stop: Stop::Once, ..Sync::default() }).await.unwrap();
    assert_eq!(setup.world.state.lock().unwrap().writes, sent + 1, "one canary");
    assert_eq!(setup.count("orders", State::Dead).await, dead, "a canary burns no record");
    assert!(status(&setup).await.connections[0].halted_since.is_some());
    setup.check_invariants().await;
    setup.world.refuses.lock().unwrap().clear();
    setup.clock.advance(Duration::from_secs(61));
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 60 - usize::try_from(dead).unwrap());
    assert_eq!(status(&setup).await.connections[0].halted_since, None);
    assert!(told(&setup).iter().any(|alert| alert.subject == "connection erp" && alert.state == AlertState::Closed));
    setup.check_invariants().await;
}

#[tokio::test]
async fn the_canary_of_refused_writes_is_one_of_the_waiting_records() {
    let setup = shop(6);
    setup.world.trouble(&[Trouble::Refused(Class::Halt), Trouble::Refused(Class::Halt)]);
    let mut options = setup.options();
    options.canaries_max = 0;
    options.workers = 1;
    options.batch = 1;
    setup.engine_with(setup.store(), options.clone()).sync(&Sync::default()).await.unwrap();
    let sent = setup.world.state.lock().unwrap().writes;
    // The check of the connection works, yet the second write is refused too: nothing is let go.
    setup.clock.advance(Duration::from_secs(61));
    setup
        .engine_with(setup.store(), options.clone())
        .sync(&Sync { stop: Stop::Once, ..Sync::default() })
        .await
        .unwrap();
    assert_eq!(setup.world.state.lock().unwrap().writes, sent + 1);
    assert_eq!(setup.world.documents("Partners"), 0);
    setup.clock.advance(Duration::from_secs(61));
    setup.engine_with(setup.store(), options).sync(&Sync::default()).await.unwrap();
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (2, 6));
    setup.check_invariants().await;
}

/// A number of the environment, for the larger size of a test.
fn size(name: &str, small: u32) -> u32 {
    std::env::var(name).ok().map_or(small, |text| text.parse().unwrap())
}

/// Test L at its size, larger by `MAPWRIGHT_HOURS` (records are given up after 24) and `MAPWRIGHT_ORDERS`.
#[tokio::test]
async fn an_outage_opens_the_circuit_and_few_attempts_are_made_meanwhile() {
    let (hours, orders) = (size("MAPWRIGHT_HOURS", 3), size("MAPWRIGHT_ORDERS", 100));
    let setup = shop(orders);
    setup.engine(setup.store()).sync(&Sync { flows: vec!["customers".to_owned()], ..Sync::default() }).await.unwrap();
    let before = setup.world.state.lock().unwrap().writes;
    let end = later(setup.clock.now(), 3600 * u64::from(hours));
    *setup.world.down_until.lock().unwrap() = Some(end);
    // As a program that is started every three minutes.
    let store = setup.store();
    let engine = setup.engine(store.clone());
    let mut opened = false;
    let mut during = 0;
    while setup.clock.now() < end {
        engine.sync(&Sync { stop: Stop::Once, ..Sync::default() }).await.unwrap();
        let connections = store.status(setup.clock.now()).await.unwrap().connections;
        opened |= connections.iter().any(|connection| connection.alias == "erp" && connection.open_since.is_some());
        during = setup.world.state.lock().unwrap().writes - before;
        setup.clock.advance(Duration::from_secs(180));
    }
    assert!(opened, "the circuit is shown while it is open");
    // One attempt at a time, each at its turn: the records wait, they are not worn down.
    let most = 20 * u64::from(hours) + 20;
    assert!(during <= most, "{during} attempts for {orders} records during {hours} hours");
    drop(engine);
    drop(store);
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), orders as usize);
    assert!(setup.clock.now() <= later(end, 600), "the backlog is gone minutes after the outage");
    let circuit: Vec<Alert> = told(&setup).into_iter().filter(|alert| alert.cause == "circuit open").collect();
    assert_eq!(circuit.last().unwrap().state, AlertState::Closed);
    assert_eq!(circuit.iter().map(|alert| alert.id).collect::<std::collections::HashSet<_>>().len(), 1, "one alert");
    setup.check_invariants().await;
}

fn later(at: Timestamp, seconds: u64) -> Timestamp {
    at.checked_add(Duration::from_secs(seconds)).unwrap()
}

#[tokio::test]
async fn a_circuit_stays_open_across_a_restart_and_lets_one_message_pass() {
    let mut setup = shop(0);
    setup.level = DeliveryLevel::Natural;
    for number in 2..40 {
        setup.world.customer(&format!("c{number}"), at("08:00:00"));
    }
    *setup.world.down_until.lock().unwrap() = Some(at("23:00:00"));
    setup.engine(setup.store()).sync(&Sync { stop: Stop::Once, ..Sync::default() }).await.unwrap();
    let connection = status(&setup).await.connections.remove(0);
    assert!(connection.open_since.is_some() && connection.open_until > Some(setup.clock.now()));
    assert!(setup.count("customers", State::Waiting(Reason::ConnectionHalted)).await > 30);
    let sent = setup.world.state.lock().unwrap().writes;
    assert!(sent < 20, "{sent} of 40 were sent before it opened");
    setup.clock.advance(Duration::from_secs(3600));
    setup.engine(setup.store()).sync(&Sync { stop: Stop::Once, ..Sync::default() }).await.unwrap();
    assert_eq!(setup.world.state.lock().unwrap().writes, sent + 1);
    setup.check_invariants().await;
    *setup.world.down_until.lock().unwrap() = None;
    setup.clock.advance(Duration::from_secs(3600));
    setup.sync().await;
    assert_eq!(setup.world.documents("Partners"), 40);
    assert_eq!(status(&setup).await.connections[0].open_since, None);
    setup.check_invariants().await;
}

/// What another process has found to work again works for this one too, without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circuit_that_another_process_closes_is_closed_for_a_service_under_way() {
    let setup = shop(1);
    setup.world.item("A");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::shared().unwrap());
    // It would not try again by itself before the test is over.
    let circuit = Backoff { base: Duration::from_secs(1_000_000_000), cap: Duration::from_secs(1_000_000_000) };
    let options = Options { circuit_failures: 1, circuit, ..setup.options() };
    let engine = setup.engine_with(Arc::clone(&store), options);
    let until = later(setup.clock.now(), 2_000_000_000);
    *setup.world.down_until.lock().unwrap() = Some(until);
    let world = Arc::clone(&setup.world);
    let clock = Arc::clone(&setup.clock);
    let seen = async {
        while store.connections().await.unwrap().iter().all(|known| known.open_since.is_none()) {
            tokio::task::yield_now().await;
        }
        *world.down_until.lock().unwrap() = None;
        while world.documents("Partners") == 0 {
            // More than once: what was under way when the system came back may have opened it again.
            store.connection(ConnectionChange::Close { alias: "erp".to_owned(), now: clock.now() }).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), engine.run(seen)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_service_runs_by_cron() {
    let mut setup = shop(1);
    setup.variant.schedules =
        Some(&[Schedule::Cron { expression: "8 11 * * *", zone: "Europe/Berlin", everything: true }]);
    setup.sync().await;
    add_orders(&setup, 5..6, "A", at("10:00:10"));
    let engine = setup.engine(setup.store());
    let world = Arc::clone(&setup.world);
    let delivered = async move {
        while world.documents("Orders") < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), engine.run(delivered)).await.expect("it runs by cron").unwrap();
    // Eight past eleven in Berlin.
    assert!(setup.clock.now() >= at("10:08:00"), "{}", setup.clock.now());
}

/// A shop that shows its orders again once so much time has passed.
async fn shows_orders_from(setup: &Setup, time: Timestamp) {
    while setup.clock.now() < time {
        tokio::task::yield_now().await;
    }
    *setup.world.hides_orders.lock().unwrap() = false;
}

#[tokio::test]
async fn a_sync_that_waits_for_a_canary_reads_what_the_halt_kept_back() {
    let setup = shop(2);
    *setup.world.hides_orders.lock().unwrap() = true;
    assert_eq!(setup.sync().await.halted, ["shop"]);
    // The canary is due only within the next sync.
    let (summary, ()) =
        tokio::join!(setup.sync(), shows_orders_from(&setup, setup.clock.now() + SignedDuration::from_secs(30)));
    assert_eq!((summary.halted, summary.failed_readings), (vec![], vec![]));
    assert_eq!(setup.world.documents("Orders"), 2);
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_halt_costs_a_daily_flow_no_day() {
    let mut setup = shop(1);
    setup.variant.schedules =
        Some(&[Schedule::Cron { expression: "8 11 * * *", zone: "Europe/Berlin", everything: true }]);
    setup.sync().await;
    add_orders(&setup, 5..6, "A", at("10:00:10"));
    *setup.world.hides_orders.lock().unwrap() = true;
    let engine = setup.engine(setup.store());
    let delivered = async {
        shows_orders_from(&setup, at("10:30:00")).await;
        while setup.world.documents("Orders") < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), engine.run(delivered)).await.expect("it is caught up").unwrap();
    assert!(setup.clock.now() < at("10:40:00"), "{}", setup.clock.now());
}

/// A day's only reading is refused for a while, and no connection is halted by that.
#[tokio::test]
async fn a_reading_that_fails_costs_a_daily_flow_no_day() {
    let mut setup = shop(1);
    setup.variant.schedules =
        Some(&[Schedule::Cron { expression: "8 11 * * *", zone: "Europe/Berlin", everything: false }]);
    setup.sync().await;
    add_orders(&setup, 5..6, "A", at("10:00:10"));
    *setup.world.breaks_orders.lock().unwrap() = Some(Class::Permanent);
    let retry = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(900) };
    let engine = setup.engine_with(setup.store(), Options { retry, ..setup.options() });
    let before = setup.world.state.lock().unwrap().pages;
    let delivered = async {
        while setup.clock.now() < at("13:08:00") {
            tokio::task::yield_now().await;
        }
        // Customers are read every minute beside it.
        let tried = setup.world.state.lock().unwrap().pages - before;
        assert!((188..280).contains(&tried), "{tried} pages were asked for in three hours");
        *setup.world.breaks_orders.lock().unwrap() = None;
        while setup.world.documents("Orders") < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), engine.run(delivered)).await.expect("it is caught up").unwrap();
    assert!(setup.clock.now() < at("13:24:00"), "{}", setup.clock.now());
    let alerts: Vec<Alert> = told(&setup).into_iter().filter(|alert| alert.subject.contains("orders")).collect();
    assert!(alerts.len() <= 5, "told once an hour, and as over: {alerts:?}");
}

/// Records that end without a write tell nothing of a connection, however many there are.
#[tokio::test]
async fn records_that_send_nothing_keep_no_connection_halted() {
    let setup = shop(1);
    for number in 0..20 {
        setup.world.order(&format!("w{number:02}"), "never", "A", 5, at("08:00:01"));
    }
    setup.sync().await;
    add_orders(&setup, 1..2, "A", setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.world.trouble(&[Trouble::Refused(Class::Halt)]);
    let options = Options { canaries_max: 0, ..setup.options() };
    let summary = setup.engine_with(setup.store(), options).sync(&Sync::default()).await.unwrap();
    assert_eq!(summary.halted, ["erp"]);
    // The one that was refused will not be sent either, and the others are due again and again.
    setup.world.state.lock().unwrap().items.remove("A");
    setup.clock.advance(Duration::from_secs(601));
    let options = Options { canaries_max: 1, ..setup.options() };
    let once = Sync { stop: Stop::Once, ..Sync::default() };
    assert_eq!(setup.engine_with(setup.store(), options).sync(&once).await.unwrap().halted, [""; 0]);
    setup.check_invariants().await;
}

/// Lets so much time pass with each claim that what waits is due again before the next.
struct Slow(Arc<common::JumpingClock>);

impl Hooks for Slow {
    fn after(&self, call: &'static str) -> Result<(), StoreError> {
        if call == "lease" {
            self.0.advance(Duration::from_secs(700));
        }
        Ok(())
    }
}

#[tokio::test]
async fn records_that_wait_and_look_again_keep_no_flow_behind_them_from_its_turn() {
    let setup = shop(1);
    setup.world.order("late", "late", "A", 5, at("08:00:01"));
    let store = Arc::new(Relay { inner: setup.store(), hooks: Slow(Arc::clone(&setup.clock)) });
    let options = Options { workers: 1, lease: Duration::from_secs(7200), ..setup.options() };
    let engine = setup.engine_with(store, options);
    let delivered = async {
        while setup.count("orders", State::Waiting(Reason::Dependency)).await == 0 {
            tokio::task::yield_now().await;
        }
        setup.world.customer("late", setup.clock.now());
        while setup.world.documents("Orders") < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), engine.run(delivered)).await.expect("customers are read").unwrap();
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_sync_comes_to_its_end_though_records_wait_and_look_again() {
    let setup = shop(1);
    setup.world.order("early", "nobody", "A", 5, at("08:00:01"));
    let store = Arc::new(Relay { inner: setup.store(), hooks: Slow(Arc::clone(&setup.clock)) });
    let options = Options { workers: 1, lease: Duration::from_secs(7200), ..setup.options() };
    setup.engine_with(store, options).sync(&Sync::default()).await.unwrap();
    let waiting = setup.count("orders", State::Waiting(Reason::Dependency)).await;
    assert_eq!(waiting, 1, "it is not looked for until its time is spent");
    assert_eq!(setup.world.documents("Orders"), 1);
    setup.check_invariants().await;
}

/// Keeps all that is said in the spans of a record's way.
#[derive(Default)]
struct Spans(std::sync::Mutex<String>);

impl tracing::field::Visit for Spans {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        *self.0.lock().unwrap() += &format!(" {}={value:?}", field.name());
    }
}

impl Spans {
    fn keep(&self, record: impl FnOnce(&mut Self)) {
        let mut said = Self::default();
        record(&mut said);
        self.0.lock().unwrap().push_str(&said.0.lock().unwrap());
    }
}

/// A subscriber that others can still look into.
struct Watching(Arc<Spans>);

impl tracing::Subscriber for Watching {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == mapwright_engine::trace::TARGET
    }
    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        self.0.keep(|said| span.record(said));
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _span: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        self.0.keep(|said| values.record(said));
    }
    fn record_follows_from(&self, _span: &tracing::span::Id, _follows: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        self.0.keep(|said| event.record(said));
    }
    fn enter(&self, _span: &tracing::span::Id) {}
    fn exit(&self, _span: &tracing::span::Id) {}
}

/// What is exported of a record's way: a key, unless its field is personal; no value, whatever goes wrong.
#[tokio::test]
async fn no_span_has_a_personal_key_or_what_a_record_says() {
    let mut setup = Setup::new();
    setup.variant.personal = true;
    setup.world.customer("erika", at("08:00:00"));
    setup.world.customer("hans", at("08:00:00"));
    setup.world.order("o1", "erika", "A", 5, at("08:00:01"));
    setup.world.order("o2", "erika", "Mustermann", 5, at("08:00:01"));
    setup.world.item("A");
    setup.world.trouble(&[Trouble::Refused(Class::Permanent), Trouble::LostReply]);
    let spans = Arc::new(Spans::default());
    let _watched = tracing::subscriber::set_default(Watching(Arc::clone(&spans)));
    setup.sync().await;
    let said = spans.0.lock().unwrap().clone();
    assert!(said.contains("source=\"o1\"") && said.contains("class=\"rejected\""), "{said}");
    for personal in ["erika", "hans", "Mustermann", "target=\"P"] {
        assert!(!said.contains(personal), "{personal}: {said}");
    }
    setup.check_invariants().await;
}

#[tokio::test]
async fn the_canary_of_a_refused_reading_is_a_reading() {
    let setup = shop(2);
    *setup.world.hides_orders.lock().unwrap() = true;
    assert_eq!(setup.sync().await.halted, ["shop"]);
    // The check of the connection works: taken for a proof, it would open and close the alert every minute.
    for _ in 0..5 {
        setup.clock.advance(Duration::from_secs(61));
        assert_eq!(setup.sync().await.halted, ["shop"]);
    }
    let of_shop: Vec<Alert> = told(&setup).into_iter().filter(|alert| alert.subject == "connection shop").collect();
    assert_eq!((of_shop.len(), of_shop[0].state), (1, AlertState::Open), "{of_shop:?}");
    *setup.world.hides_orders.lock().unwrap() = false;
    setup.clock.advance(Duration::from_secs(61));
    let summary = setup.sync().await;
    assert_eq!((summary.halted, summary.failed_readings), (vec![], vec![]));
    assert_eq!(setup.world.documents("Orders"), 2, "what lets it go reads it too");
    assert!(told(&setup).iter().any(|alert| alert.subject == "connection shop" && alert.state == AlertState::Closed));
    setup.check_invariants().await;
}
