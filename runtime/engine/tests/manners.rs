//! Manners of writing and ways of reading beyond the plain ones, against the systems' own ledger.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::time::Duration;

use common::Setup;
use common::world::Trouble;
use jiff::Timestamp;
use mapwright_engine::Sync;
use mapwright_engine::alert::AlertState;
use mapwright_engine::clock::Clock;
use mapwright_engine::state::State;
use mapwright_engine::store::Selection;
use mapwright_values::plan::Manner;

fn at(text: &str) -> Timestamp {
    format!("2026-11-23T{text}Z").parse().unwrap()
}

fn shop(orders: u32) -> Setup {
    let setup = Setup::new();
    setup.world.customer("c0", at("08:00:00"));
    for number in 0..orders {
        let stamp = at(&format!("08:00:{number:02}"));
        setup.world.order(&format!("o{number}"), "c0", "A", 10 + number, stamp);
    }
    setup.world.item("A");
    setup
}

#[tokio::test]
async fn versions_reach_the_target_in_their_order() {
    for latest_wins in [false, true] {
        let mut setup = shop(4);
        setup.variant.upsert = true;
        setup.latest_wins = latest_wins;
        setup.sync().await;
        let late = Trouble::Late(Duration::from_secs(90));
        for round in 0..5_u32 {
            setup.world.trouble(&[Trouble::LostReply, late.clone(), Trouble::LostRequest]);
            for number in 0..4 {
                setup.world.order(&format!("o{number}"), "c0", "A", 100 + 10 * round + number, setup.clock.now());
            }
            setup.clock.advance(Duration::from_secs(10));
            setup.sync().await;
        }
        setup.clock.advance(Duration::from_secs(300));
        setup.world.customer("c1", setup.clock.now());
        setup.clock.advance(Duration::from_secs(10));
        setup.sync().await;
        setup.check_invariants().await;
        let state = setup.world.state.lock().unwrap().clone();
        assert_eq!(state.applied["o2"].first().unwrap(), "12");
        assert_eq!(state.applied["o2"].last().unwrap(), "142", "latest wins: {latest_wins}");
        assert_eq!(state.documents.iter().filter(|document| document.entity == "Orders").count(), 4);
    }
}

#[tokio::test]
async fn a_record_is_updated_by_a_field_that_is_not_the_targets_key() {
    let mut setup = shop(2);
    setup.variant.back = Some(Manner::Update { by: &["ref"] });
    setup.sync().await;
    assert_eq!(
        setup.world.state.lock().unwrap().numbers["o1"],
        "N-o1",
        "found by its reference, written under its key"
    );
    setup.check_invariants().await;
}

#[tokio::test]
async fn an_upsert_by_another_field_changes_what_is_there_and_makes_what_is_not() {
    let mut setup = shop(2);
    setup.variant.back = Some(Manner::Upsert { by: &["ref"] });
    setup.sync().await;
    assert_eq!(setup.world.state.lock().unwrap().numbers["o1"], "N-o1");
    // The shop loses the order between the two writes: the upsert makes it anew under its reference.
    setup.world.order("gone", "c0", "A", 5, setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    let erp_alone = Sync { flows: vec!["orders".to_owned()], stop: mapwright_engine::Stop::Once, ..Sync::default() };
    setup.world.trouble(&[Trouble::LostReply]);
    setup.engine(setup.store()).sync(&erp_alone).await.unwrap();
    setup.world.change(|state| state.sources.retain(|source| source.id != "gone"));
    setup.sync().await;
    let numbers = setup.world.state.lock().unwrap().numbers.clone();
    assert_eq!(numbers.get("R-gone").map(String::as_str), Some("N-gone"), "{numbers:?}");
}

#[tokio::test]
async fn a_record_is_deleted_by_a_field_that_is_not_the_targets_key() {
    let mut setup = shop(2);
    setup.variant.back = Some(Manner::Delete { by: &["ref"] });
    setup.sync().await;
    let state = setup.world.state.lock().unwrap().clone();
    assert_eq!(state.removed.iter().map(String::as_str).collect::<Vec<_>>(), ["o0", "o1"]);
    assert!(state.numbers.is_empty());
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_condition_of_the_flow_leaves_records_out_and_counts_them() {
    let mut setup = shop(2);
    setup.variant.keep = true;
    setup.world.put("order", "d", r#"{"id":"d","drop":true}"#.to_owned(), at("08:00:01"));
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 2);
    let status = setup.store().status(setup.clock.now()).await.unwrap();
    let flow = status.flows.iter().find(|flow| flow.flow == "orders").unwrap();
    assert_eq!((flow.read, flow.filtered, flow.accepted), (3, 1, 4));
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_full_scan_finds_what_no_window_shows_and_makes_nothing_twice() {
    let setup = shop(3);
    setup.sync().await;
    // A record that is stamped long before the watermark: committed late, or imported.
    setup.clock.advance(Duration::from_secs(3600));
    setup.world.order("old", "c0", "A", 5, at("07:00:00"));
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 3);
    let scan = Sync { everything: true, ..Sync::default() };
    let summary = setup.engine(setup.store()).sync(&scan).await.unwrap();
    assert_eq!((summary.progress.read, setup.world.documents("Orders")), (5, 4));
    // It is told as a breach of the bound, once, until a scan finds none.
    let late = |alert: &&mapwright_engine::alert::Alert| alert.cause == "late";
    let alerts = setup.store().status(setup.clock.now()).await.unwrap().alerts;
    let told = alerts.iter().find(late).expect("an alert");
    assert_eq!((told.subject.as_str(), told.count, alerts.iter().filter(late).count()), ("orders", 1, 1));
    assert!(told.message.contains("overlap") && !told.message.contains("old"), "{}", told.message);
    setup.clock.advance(Duration::from_secs(3600));
    let again = setup.engine(setup.store()).sync(&scan).await.unwrap();
    assert_eq!((again.progress.accepted, setup.world.documents("Orders")), (0, 4));
    assert_eq!(setup.store().status(setup.clock.now()).await.unwrap().alerts.iter().filter(late).count(), 0, "over");
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_source_whose_clock_is_behind_is_read_up_to_its_own_time() {
    let setup = shop(2);
    *setup.world.skew.lock().unwrap() = -90;
    setup.sync().await;
    let store = setup.store();
    let wm = store.position("orders", "changed").await.unwrap().read_wm;
    assert_eq!(wm, Some(at("09:58:28")), "its own ten o'clock less ninety seconds and the lag of its search");
    drop(store);
    // Stamped by the source's clock, after its watermark and before ours.
    setup.world.order("o9", "c0", "A", 5, at("09:58:40"));
    setup.clock.advance(Duration::from_secs(60));
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 3);
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_window_whose_place_is_forgotten_is_read_again_from_its_beginning() {
    let mut setup = shop(9);
    setup.workers = 1;
    let mut options = setup.options();
    // The reading is cut off after its first page: the place in the list is kept.
    options.page_attempts_max = 1;
    *setup.world.forgets_cursors.lock().unwrap() = true;
    let summary = setup.engine_with(setup.store(), options.clone()).sync(&Sync::default()).await.unwrap();
    assert_eq!(summary.failed_readings.len(), 1, "{summary:?}");
    assert!(setup.store().position("orders", "changed").await.unwrap().window.is_some());
    *setup.world.forgets_cursors.lock().unwrap() = true;
    let summary = setup.engine_with(setup.store(), options).sync(&Sync::default()).await.unwrap();
    assert_eq!(summary.failed_readings, Vec::new());
    assert!(!*setup.world.forgets_cursors.lock().unwrap(), "the place was asked for and refused");
    let alerts = setup.recorder.alerts.lock().unwrap().clone();
    let of_reading: Vec<_> = alerts.iter().filter(|alert| alert.subject == "reading orders").collect();
    assert_eq!(of_reading.len(), 2, "{alerts:?}");
    assert_eq!(of_reading[1].state, AlertState::Closed);
    assert!(of_reading[1].message.starts_with("over: the flow `orders` cannot read"), "{}", of_reading[1].message);
    assert_eq!(setup.world.documents("Orders"), 9);
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_second_source_record_with_the_same_natural_key_is_a_dead_letter() {
    let setup = shop(1);
    for id in ["a", "b"] {
        let record = format!(r#"{{"id":"{id}","no":"SAME","customer":"c0","item":"A","total":5}}"#);
        setup.world.put("order", id, record, at("08:00:05"));
    }
    // Without the claim a probe would take the first one's document for the second one's.
    setup.world.trouble(&[Trouble::LostReply, Trouble::LostReply, Trouble::LostReply, Trouble::LostReply]);
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 2);
    let letters = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap()).await;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].class.as_str(), letters[0].cause.as_str()), ("key_in_use", "orders/1: key_in_use"));
    assert_eq!(letters[0].attempts, 0, "nothing was sent");
    setup.check_invariants().await;
    // Corrected and sent again, it is delivered.
    let edited = r#"{"id":"b","no":"OTHER","customer":"c0","item":"A","total":5}"#;
    let id = letters[0].id;
    if letters[0].source_key == "b" {
        setup.letters(async |letters| letters.edit(id, edited, "the number was wrong").await.unwrap()).await;
        setup.sync().await;
        assert_eq!((setup.world.documents("Orders"), setup.count("orders", State::Dead).await), (3, 0));
    }
    setup.check_invariants().await;
}
