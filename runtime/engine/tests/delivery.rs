//! Deliveries from end to end on SQLite: what an operator would notice, checked against the systems' own ledger.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::time::Duration;

use common::Setup;
use common::world::Trouble;
use jiff::Timestamp;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::Class;
use mapwright_engine::state::{Reason, State};
use mapwright_engine::store::{
    Beginning, CapturePage, CaptureRow, Concluded, Conclusion, LeaseRequest, Position, Selection, TakeUp, Verdict,
};
use mapwright_engine::{EngineError, Stop, Sync};
use mapwright_values::plan::DeliveryLevel;

fn at(text: &str) -> Timestamp {
    format!("2026-11-23T{text}Z").parse().unwrap()
}

/// Four customers, eight orders, all items known.
fn shop() -> Setup {
    let setup = Setup::new();
    for number in 0..4 {
        setup.world.customer(&format!("c{number}"), at("08:00:00"));
    }
    for number in 0..8 {
        let stamp = at(&format!("08:00:{:02}", number / 2));
        setup.world.order(&format!("o{number}"), &format!("c{}", number % 4), "A", 10 + number, stamp);
    }
    setup.world.item("A");
    setup
}

#[tokio::test]
async fn orders_travel_once_with_their_customers_and_numbers_come_back() {
    let setup = shop();
    let summary = setup.sync().await;
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (4, 8));
    assert_eq!(setup.world.state.lock().unwrap().numbers.get("o3").unwrap(), "N-o3");
    assert_eq!((summary.progress.read, summary.progress.done, summary.progress.dead), (12, 20, 0));
    setup.check_invariants().await;
    let again = setup.sync().await;
    assert_eq!(again.progress.done, 0);
    assert_eq!(setup.count("orders", State::Done).await, 16);
    assert!(setup.world.state.lock().unwrap().finds < 8, "look-ups are batched and remembered");
    setup.check_invariants().await;
}

#[tokio::test]
async fn the_watermarks_follow_the_window_and_only_changes_are_read_again() {
    let setup = shop();
    setup.sync().await;
    let store = setup.store();
    let wm = store.position("orders", "changed").await.unwrap();
    assert_eq!(wm.read_wm, Some(at("09:59:58")));
    assert_eq!(wm.window, None);
    setup.clock.advance(Duration::from_secs(3600));
    setup.world.order("o9", "c1", "A", 99, at("10:30:00"));
    assert_eq!(setup.sync().await.progress.read, 1);
    assert_eq!(setup.world.documents("Orders"), 9);
}

#[tokio::test]
async fn a_lost_answer_is_found_by_a_probe_after_the_settle_time() {
    let setup = shop();
    setup.world.trouble(&[Trouble::LostReply, Trouble::LostReply, Trouble::LostRequest]);
    setup.sync().await;
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (4, 8));
    assert!(setup.clock.now() >= at("10:02:00"), "a probe before the settle time proves nothing");
    assert_eq!(setup.count("customers", State::Done).await, 4);
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_record_that_the_target_names_is_found_where_no_search_finds_it() {
    let setup = shop();
    setup.world.trouble(&[Trouble::Hidden]);
    setup.sync().await;
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (4, 8));
    assert_eq!(setup.count("customers", State::Done).await, 4);
}

#[tokio::test]
async fn an_unsafe_create_is_parked_and_never_sent_again_until_a_person_tells() {
    let mut setup = shop();
    setup.level = DeliveryLevel::Unsafe;
    setup.world.trouble(&[Trouble::LostReply]);
    setup.sync().await;
    assert_eq!(setup.count("customers", State::ParkedAmbiguous).await, 1);
    let parked = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap().remove(0)).await;
    setup.letters(async |letters| letters.retry(Selection::default(), "again").await.unwrap()).await;
    setup.sync().await;
    assert_eq!(setup.world.documents("Partners"), 4, "a redrive of a parked one sends nothing");
    assert_eq!(setup.count("customers", State::ParkedAmbiguous).await, 1);
    let key = {
        let state = setup.world.state.lock().unwrap();
        state.documents.iter().find(|document| document.natural == parked.source_key).unwrap().key.clone()
    };
    let plan = common::project::integration(setup.level, false).plan;
    setup.letters(async |letters| letters.answer_there(plan, parked.id, &key, "seen in the ERP").await.unwrap()).await;
    setup.sync().await;
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (4, 8));
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_keyed_create_is_sent_again_with_the_same_key() {
    let mut setup = shop();
    setup.level = DeliveryLevel::Keyed;
    *setup.world.keyed.lock().unwrap() = true;
    setup.world.trouble(&[Trouble::LostReply, Trouble::LostRequest]);
    setup.sync().await;
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (4, 8));
    setup.check_invariants().await;
}

#[tokio::test]
async fn an_order_waits_for_its_customer_and_is_woken_by_the_link() {
    let setup = shop();
    setup.world.order("late", "c9", "A", 5, at("08:00:01"));
    setup.sync().await;
    assert_eq!(setup.count("orders", State::Waiting(Reason::Dependency)).await, 1);
    setup.check_invariants().await;
    setup.world.customer("c9", setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.sync().await;
    assert_eq!(setup.count("orders", State::Waiting(Reason::Dependency)).await, 0);
    assert_eq!(setup.world.documents("Orders"), 9);
    setup.check_invariants().await;
}

#[tokio::test]
async fn what_waits_too_long_is_dead_with_an_alert() {
    let setup = shop();
    setup.world.order("late", "c9", "A", 5, at("08:00:01"));
    setup.sync().await;
    setup.clock.advance(Duration::from_secs(25 * 3600));
    setup.sync().await;
    assert_eq!(setup.count("orders", State::Dead).await, 1);
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_rejected_order_is_a_dead_letter_that_arrives_after_a_retry_and_closes_its_alert() {
    let setup = shop();
    for number in 0..3 {
        setup.world.order(&format!("x{number}"), "c1", &format!("UNKNOWN-{number}"), 5, at("08:00:01"));
    }
    setup.sync().await;
    assert_eq!(setup.count("orders", State::Dead).await, 3);
    setup.check_invariants().await;
    {
        let alerts = setup.recorder.alerts.lock().unwrap();
        assert_eq!(alerts.iter().map(|alert| alert.count).max(), Some(3));
        assert!(alerts.iter().all(|alert| alert.cause == "rejected: project.mapspec:9"), "{alerts:?}");
        assert!(alerts.len() <= 3);
    }
    for number in 0..3 {
        setup.world.item(&format!("UNKNOWN-{number}"));
    }
    let letters = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap()).await;
    assert_eq!(letters[0].message, "Item: the ERP has no item UNKNOWN-0 (project.mapspec:9)");
    let cause = Selection { cause: Some(letters[0].cause.clone()), ..Selection::default() };
    assert_eq!(setup.letters(async |letters| letters.retry(cause.clone(), "items added").await.unwrap()).await, 3);
    assert_eq!(setup.letters(async |letters| letters.retry(cause, "double click").await.unwrap()).await, 0);
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 11);
    let open = setup.store().status(setup.clock.now()).await.unwrap().alerts;
    assert!(open.iter().all(|alert| alert.state == mapwright_engine::alert::AlertState::Closed), "{open:?}");
    assert!(
        setup
            .recorder
            .alerts
            .lock()
            .unwrap()
            .iter()
            .any(|alert| alert.state == mapwright_engine::alert::AlertState::Closed)
    );
    setup.check_invariants().await;
}

#[tokio::test]
async fn an_edited_letter_is_delivered_as_edited_and_keeps_its_original() {
    let setup = shop();
    setup.world.order("x", "c1", "TYPO", 5, at("08:00:01"));
    setup.sync().await;
    let id = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap()[0].id).await;
    let edited = r#"{"id":"x","customer":"c1","item":"A","total":5}"#;
    setup.letters(async |letters| letters.edit(id, edited, "typing error").await.unwrap()).await;
    setup.sync().await;
    let detail = setup.letters(async |letters| letters.show(id).await.unwrap()).await;
    assert!(detail.original.contains("TYPO"));
    assert_eq!((detail.edits.len(), detail.edits[0].body.as_str()), (1, edited));
    assert_eq!(detail.letter.state, State::Done);
    let refused = setup.letters(async |letters| letters.edit(id, edited, "twice").await).await;
    assert!(matches!(refused, Err(EngineError::Setup(_))));
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_discarded_letter_frees_its_key_and_needs_a_reason() {
    let setup = shop();
    setup.world.order("x", "c1", "NEVER", 5, at("08:00:01"));
    setup.sync().await;
    assert!(setup.letters(async |letters| letters.discard(Selection::default(), " ").await).await.is_err());
    assert_eq!(
        setup.letters(async |letters| letters.discard(Selection::default(), "test order").await.unwrap()).await,
        1
    );
    assert_eq!(setup.count("orders", State::Discarded).await, 1);
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_strict_flow_keeps_later_versions_behind_a_dead_one() {
    let setup = shop();
    setup.world.order("x", "c1", "NEVER", 5, at("08:00:01"));
    setup.sync().await;
    setup.world.order("x", "c1", "A", 6, setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.sync().await;
    assert_eq!(setup.count("orders", State::Waiting(Reason::KeyBlocked)).await, 1);
    setup.check_invariants().await;
    setup.letters(async |letters| letters.discard(Selection::default(), "replaced").await.unwrap()).await;
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 9);
    setup.check_invariants().await;
}

#[tokio::test]
async fn latest_wins_overtakes_a_dead_version() {
    let mut setup = shop();
    setup.latest_wins = true;
    setup.world.order("x", "c1", "NEVER", 5, at("08:00:01"));
    setup.sync().await;
    setup.world.order("x", "c1", "A", 6, setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.sync().await;
    assert_eq!((setup.count("orders", State::Superseded).await, setup.count("orders", State::Dead).await), (1, 0));
    assert_eq!(setup.world.documents("Orders"), 9);
    setup.check_invariants().await;
}

#[tokio::test]
async fn two_versions_of_a_new_order_make_one_document() {
    let setup = shop();
    setup.world.trouble(&[Trouble::Refused(Class::Transient)]);
    setup.engine(setup.store()).sync(&Sync { stop: Stop::Once, ..Sync::default() }).await.unwrap();
    setup.world.order("o1", "c1", "A", 77, setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 8);
    assert_eq!(setup.count("orders", State::Noop).await, 2, "create once, then a number that is there already");
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_halt_burns_no_record_and_the_canary_lets_all_go() {
    let setup = shop();
    *setup.world.locked.lock().unwrap() = true;
    let summary = setup.sync().await;
    assert_eq!(summary.halted, vec!["erp".to_owned()]);
    assert_eq!(setup.count("customers", State::Waiting(Reason::ConnectionHalted)).await, 4);
    assert_eq!(setup.count("customers", State::Dead).await, 0);
    assert_eq!(
        setup.recorder.alerts.lock().unwrap().iter().filter(|alert| alert.subject == "connection erp").count(),
        1
    );
    setup.check_invariants().await;
    *setup.world.locked.lock().unwrap() = false;
    setup.clock.advance(Duration::from_secs(61));
    let summary = setup.sync().await;
    assert_eq!(summary.halted, Vec::<String>::new());
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (4, 8));
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_mapping_that_breaks_down_costs_its_own_record_alone() {
    let setup = shop();
    setup.world.put("order", "bad", r#"{"id":"bad","break":true}"#.to_owned(), at("08:00:01"));
    setup.world.put("order", "no", r#"{"id":"no","skip":true}"#.to_owned(), at("08:00:01"));
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 8);
    assert_eq!((setup.count("orders", State::Dead).await, setup.count("orders", State::Skipped).await), (1, 1));
    setup.check_invariants().await;
}

#[tokio::test]
async fn transient_failures_are_retried_and_permanent_ones_are_dead() {
    let setup = shop();
    setup.world.trouble(&[
        Trouble::Refused(Class::Transient),
        Trouble::Refused(Class::Throttled),
        Trouble::Refused(Class::Conflict),
        Trouble::Refused(Class::Permanent),
        Trouble::Refused(Class::Dependency),
        Trouble::Refused(Class::Exists),
    ]);
    setup.sync().await;
    assert_eq!(setup.count("customers", State::Dead).await, 1);
    setup.check_invariants().await;
    setup.clock.advance(Duration::from_secs(60));
    setup.letters(async |letters| letters.retry(Selection::default(), "mended").await.unwrap()).await;
    setup.sync().await;
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (4, 8));
    setup.check_invariants().await;
}

#[tokio::test]
async fn an_alert_channel_that_fails_is_tried_again_and_shown() {
    let setup = shop();
    *setup.recorder.refusals.lock().unwrap() = 1;
    setup.world.order("x", "c1", "NEVER", 5, at("08:00:01"));
    setup.sync().await;
    let alert = setup.store().status(setup.clock.now()).await.unwrap().alerts.remove(0);
    assert!(alert.channel_error.is_some());
    setup.clock.advance(Duration::from_secs(60));
    setup.sync().await;
    assert_eq!(setup.recorder.alerts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_process_is_refused_and_an_unusable_store_says_why() {
    let setup = shop();
    let first = setup.store();
    setup.try_sync(first.clone()).await.unwrap();
    let error = setup.try_sync(setup.store()).await.unwrap_err().to_string();
    assert!(error.contains("another process works on the store"), "{error}");
    let file = setup.folder.path().join("no-store");
    std::fs::write(&file, "this is a text, not a store, and long enough to be read as one").unwrap();
    let error = mapwright_engine::store::sqlite::SqliteStore::open(&file).unwrap_err().to_string();
    assert!(error.contains("no-store cannot be used"), "{error}");
}

#[tokio::test]
async fn a_stopped_engine_gives_back_what_it_has_not_sent() {
    let setup = shop();
    let engine = setup.engine(setup.store());
    engine.stop();
    let summary = engine.sync(&Sync::default()).await.unwrap();
    assert!(summary.stopped);
    drop(engine);
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 8);
    setup.check_invariants().await;
}

#[tokio::test]
async fn one_record_makes_several_documents_with_a_key_each() {
    let setup = shop();
    let order = r#"{"id":"p","customer":"c1","item":"A","total":5,"parts":true}"#;
    setup.world.put("order", "p", order.to_owned(), at("08:00:01"));
    setup.world.trouble(&[
        Trouble::LostReply,
        Trouble::LostReply,
        Trouble::LostReply,
        Trouble::LostReply,
        Trouble::LostReply,
    ]);
    setup.sync().await;
    let naturals: Vec<String> = {
        let state = setup.world.state.lock().unwrap();
        state
            .documents
            .iter()
            .filter(|document| document.natural.starts_with('p'))
            .map(|document| document.natural.clone())
            .collect()
    };
    assert_eq!(naturals.len(), 2, "{naturals:?}");
    assert_eq!(setup.world.documents("Orders"), 10);
    assert!(setup.world.state.lock().unwrap().numbers.contains_key("p"), "the next write follows the last part");
    assert_eq!(setup.count("orders", State::Done).await, 8 * 2 + 2 + 1);
}

#[tokio::test]
async fn a_service_runs_by_its_schedule_and_ends_when_it_is_told() {
    let setup = shop();
    let engine = setup.engine(setup.store());
    let world = std::sync::Arc::clone(&setup.world);
    let delivered = async move {
        while world.documents("Orders") < 9 {
            if world.documents("Orders") == 8
                && !world.state.lock().unwrap().sources.iter().any(|source| source.id == "o9")
            {
                world.order("o9", "c1", "A", 99, at("10:00:01"));
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), engine.run(delivered)).await.expect("the service ends").unwrap();
    drop(engine);
    setup.sync().await;
    setup.check_invariants().await;
    assert_eq!(setup.world.documents("Orders"), 9);
}

#[tokio::test]
async fn a_record_that_kills_its_worker_again_and_again_is_dead_in_the_end() {
    let setup = shop();
    setup.engine(setup.store()).sync(&Sync { flows: vec!["customers".to_owned()], ..Sync::default() }).await.unwrap();
    let store = setup.store();
    let page = CapturePage {
        flow: "customers".to_owned(),
        pass: "changed".to_owned(),
        source: ("shop".to_owned(), "customer".to_owned()),
        target: ("erp".to_owned(), "Partners".to_owned()),
        on_gone: None,
        rows: vec![CaptureRow {
            kind: mapwright_engine::store::RowKind::State,
            source_key: "killer".to_owned(),
            body: r#"{"id":"killer","name":"K"}"#.to_owned(),
            hash: "1".to_owned(),
            stamp: None,
            fault: None,
        }],
        filtered: 0,
        position: Position::default(),
        now: setup.clock.now(),
    };
    store.capture(page).await.unwrap();
    for turn in 1..=6 {
        let beginning = Beginning { owner: format!("worker {turn}"), flows: Vec::new(), now: setup.clock.now() };
        store.begin(beginning).await.unwrap();
        let request = LeaseRequest {
            owner: format!("worker {turn}"),
            now: setup.clock.now(),
            due_by: setup.clock.now(),
            until: at("23:00:00"),
            limit: 10,
            flows: vec!["customers".to_owned()],
            deliveries_max: 5,
            canary: None,
        };
        let until = request.until;
        let leased = store.lease(request).await.unwrap();
        assert_eq!(leased.len(), usize::from(turn <= 5), "turn {turn}");
        for suspect in leased.iter().filter(|leased| leased.suspect) {
            assert!(store.take_up(TakeUp { id: suspect.id, fence: suspect.fence, until }).await.unwrap());
        }
    }
    let letter = store.dead_letters(Selection::default(), 10).await.unwrap().remove(0);
    assert_eq!((letter.class.as_str(), letter.source_key.as_str()), ("poison", "killer"));
}

#[tokio::test]
async fn a_result_under_an_old_fence_is_refused() {
    let setup = shop();
    let store = setup.store();
    let engine = setup.engine(store.clone());
    engine.sync(&Sync { stop: Stop::Once, flows: vec!["orders".to_owned()], ..Sync::default() }).await.unwrap();
    setup.world.customer("c0", at("08:00:00"));
    setup.clock.advance(Duration::from_secs(60));
    let claim = |owner: &str| LeaseRequest {
        owner: owner.to_owned(),
        now: setup.clock.now(),
        due_by: setup.clock.now(),
        until: setup.clock.now().checked_add(Duration::from_secs(30)).unwrap(),
        limit: 1,
        flows: vec!["orders".to_owned()],
        deliveries_max: 5,
        canary: None,
    };
    let zombie = store.lease(claim("zombie")).await.unwrap().remove(0);
    setup.clock.advance(Duration::from_secs(31));
    let heirs = store.lease(LeaseRequest { limit: 100, ..claim("heir") }).await.unwrap();
    let heir = heirs.iter().find(|heir| heir.id == zombie.id).unwrap();
    assert!(heir.fence > zombie.fence);
    let conclude = |fence| Conclusion {
        id: zombie.id,
        fence,
        order_key: zombie.order_key.clone(),
        now: setup.clock.now(),
        verdict: Verdict::Skipped { reason: "by a zombie".to_owned() },
        probe: None,
    };
    assert_eq!(store.conclude(conclude(zombie.fence)).await.unwrap(), Concluded::LeaseLost);
    assert_eq!(store.conclude(conclude(heir.fence)).await.unwrap(), Concluded::Applied(State::Skipped));
    assert_eq!(store.conclude(conclude(heir.fence)).await.unwrap(), Concluded::LeaseLost);
}

#[tokio::test]
async fn many_lost_answers_make_no_second_document() {
    let setup = shop();
    *setup.world.lose_every.lock().unwrap() = Some(2);
    for number in 10..60 {
        setup.world.order(&format!("o{number}"), &format!("c{}", number % 4), "A", number, at("08:00:03"));
    }
    setup.sync().await;
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (4, 58));
    assert_eq!(setup.world.state.lock().unwrap().numbers.len(), 58);
    setup.check_invariants().await;
}

/// A write without an answer, then a long stop: that it is not there is found out when its time for trying is over.
#[tokio::test]
async fn what_is_found_absent_too_late_is_dead_and_stops_nothing() {
    let setup = shop();
    setup.world.trouble(&[Trouble::LostRequest]);
    setup.engine(setup.store()).sync(&Sync { stop: Stop::Once, ..Sync::default() }).await.unwrap();
    assert_eq!(setup.count("customers", State::Ambiguous).await, 1);
    setup.clock.advance(Duration::from_secs(30 * 3600));
    setup.sync().await;
    let letters = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap()).await;
    let dead: Vec<(&str, &str)> = letters
        .iter()
        .map(|letter| (letter.flow.as_str(), letter.class.as_str()))
        .filter(|(flow, _)| *flow == "customers")
        .collect();
    assert_eq!(dead, [("customers", "expired")]);
    assert_eq!(setup.world.documents("Partners"), 3);
}

#[tokio::test]
async fn what_is_too_long_for_a_key_is_told_of_its_record_alone() {
    let setup = shop();
    let long = "k".repeat(3000);
    setup.world.customer(&long, at("08:00:01"));
    // An order that waits for it waits for something that never comes; it harms nobody.
    setup.world.order("o9", &long, "A", 7, at("08:00:01"));
    setup.sync().await;
    assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (4, 8));
    let letters = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap()).await;
    let classes: Vec<&str> = letters.iter().map(|letter| letter.class.as_str()).collect();
    assert_eq!(classes.iter().filter(|class| **class == "long_key").count(), 1, "{letters:?}");
    let told = letters.iter().find(|letter| letter.class == "long_key").unwrap();
    assert!(told.message.contains("500 bytes") && told.source_key.len() < 100, "{told:?}");
}
