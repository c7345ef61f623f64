//! What goes on beside reading and delivering: hints of webhooks, replays, retention, erasure.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::pair_project::{Pair, SHOP, UPSERT, flow, leak, write};
use common::{Setup, open};
use mapwright_engine::clock::Clock;
use mapwright_engine::records::{Decision, forget, purge, replay};
use mapwright_engine::state::State;
use mapwright_engine::store::memory::MemoryStore;
use mapwright_engine::store::{MessageId, Replayed, Store, TurnRequest};
use mapwright_engine::{Stop, Sync, Told};
use mapwright_values::plan::{Schedule, TermPlan};

/// One flow that listens.
fn listening() -> Pair {
    let mut out = flow("out", SHOP, vec![write("to_erp", UPSERT)]);
    out.schedules = &[
        Schedule::Every { seconds: 3600, everything: false },
        Schedule::Webhook { topic: "item.written", system: "shop" },
    ];
    out.read.filter = leak(vec![TermPlan { field: "kind", test: mapwright_values::Test::Eq, value: "\"a\"" }]);
    Pair::new(vec![out])
}

fn told(id: Option<&str>, topic: &str, entity: &str, key: Option<&str>) -> Told {
    Told {
        system: "shop".to_owned(),
        id: id.map(str::to_owned),
        topic: topic.to_owned(),
        entity: entity.to_owned(),
        key: key.map(str::to_owned),
    }
}

/// What the flow knows of hints, and what stands where.
async fn standing(pair: &Pair) -> (u64, u64, u64) {
    let status = open(pair.folder.path()).status(pair.clock.now()).await.unwrap();
    let flow = &status.flows[0];
    assert!(flow.is_conserved(), "{flow:?}");
    (flow.hints, flow.read, flow.accepted)
}

/// Follows hints and delivers, as a service would, without reading anything else.
async fn serve(pair: &Pair) {
    let engine = pair.engine();
    let done = pair.erp.clone();
    let before = done.requests().len();
    assert_eq!(before, 0, "the test looks at requests after each step");
    let store = open(pair.folder.path());
    let all_followed = async {
        loop {
            let status = store.status(pair.clock.now()).await.unwrap();
            if status.flows.iter().all(|flow| flow.hints == 0 && flow.open() == 0) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), engine.run(all_followed)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_hint_is_kept_before_it_is_answered_and_brings_its_record_once() {
    let pair = listening();
    pair.sync().await;
    // In a real service the next reading is an hour away: what arrives now arrives by its hint.
    pair.shop.edit("item", "1", &[("name", "one"), ("kind", "a")]);
    pair.shop.edit("item", "2", &[("name", "two"), ("kind", "b")]);
    let engine = pair.engine();
    let noticed = engine
        .notice(&[
            told(Some("n1"), "item.written", "item", Some("1")),
            told(Some("n2"), "item.written", "item", Some("2")),
            told(Some("n3"), "item.written", "item", Some("nobody")),
            told(Some("n4"), "other.topic", "item", Some("1")),
        ])
        .await
        .unwrap();
    assert_eq!(
        noticed.iter().map(|one| (one.repeated, one.kept)).collect::<Vec<_>>(),
        [(false, 1), (false, 1), (false, 1), (false, 0)]
    );
    let again = engine.notice(&[told(Some("n1"), "item.written", "item", Some("1"))]).await.unwrap();
    assert!(again[0].repeated);
    drop(engine);
    // A process that has died meanwhile has lost nothing of it.
    assert_eq!(standing(&pair).await.0, 3);
    serve(&pair).await;
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("one"));
    assert_eq!(pair.erp.field("Items", "2", "name"), None, "the flow's condition holds for hints too");
    assert_eq!(pair.erp.requests().len(), 1);
    // The reading that comes later finds the same record, and nothing is sent again.
    let (hints, read, accepted) = standing(&pair).await;
    assert_eq!((hints, accepted), (0, 1));
    pair.clock.advance(Duration::from_secs(3600));
    pair.sync().await;
    let after = standing(&pair).await;
    assert!(after.1 > read, "the poll met it");
    assert_eq!((after.2, pair.erp.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_hint_without_a_key_reads_the_changes_and_one_told_twice_is_followed_twice() {
    let pair = listening();
    pair.sync().await;
    pair.shop.edit("item", "1", &[("name", "one"), ("kind", "a")]);
    pair.clock.advance(Duration::from_secs(30));
    // The entity of the notice is not the flow's own: nothing tells which of its records changed.
    pair.engine().notice(&[told(None, "item.written", "item_price", Some("77"))]).await.unwrap();
    let store = open(pair.folder.path());
    let question = mapwright_engine::store::HintQuestion { flow: "out".to_owned(), now: pair.clock.now(), limit: 10 };
    let hints = store.hints(question.clone()).await.unwrap();
    assert_eq!((hints.len(), hints[0].key.as_deref(), hints[0].told), (1, None, 1));
    // Told once more while it was followed: it stays.
    pair.engine().notice(&[told(None, "item.written", "item_price", Some("78"))]).await.unwrap();
    let taken = mapwright_engine::store::HintsTaken { flow: "out".to_owned(), hints, failed: None };
    store.hints_taken(taken).await.unwrap();
    assert_eq!(store.hints(question).await.unwrap()[0].told, 2);
    drop(store);
    serve(&pair).await;
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("one"));
}

/// A page that another process has read and not yet kept would be kept behind the newer state that the hint brings.
#[tokio::test]
async fn a_hint_is_not_followed_while_another_process_reads_the_flow() {
    let pair = listening();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::shared().unwrap());
    pair.shop.edit("item", "1", &[("name", "one"), ("kind", "a")]);
    pair.engine_on(Arc::clone(&store)).notice(&[told(None, "item.written", "item", Some("1"))]).await.unwrap();
    let now = pair.clock.now();
    let turn = |until| TurnRequest { flow: "out".to_owned(), owner: "another".to_owned(), now, until };
    assert!(store.turn(turn(Some(now.checked_add(Duration::from_secs(300)).unwrap()))).await.unwrap());
    let once = Sync { stop: Stop::Once, ..Sync::default() };
    pair.clock.advance(Duration::from_secs(10));
    pair.engine_on(Arc::clone(&store)).sync(&once).await.unwrap();
    let hints = async || store.status(pair.clock.now()).await.unwrap().flows[0].hints;
    assert_eq!((hints().await, pair.erp.requests().len()), (1, 0));
    store.turn(turn(None)).await.unwrap();
    pair.engine_on(Arc::clone(&store)).sync(&once).await.unwrap();
    assert_eq!((hints().await, pair.erp.requests().len()), (0, 1));
}

fn decision(setup: &Setup) -> Decision {
    Decision { operator: "ann".to_owned(), reason: "asked for".to_owned(), now: setup.clock.now() }
}

async fn delivered_order() -> (Setup, &'static mapwright_values::plan::Plan) {
    let setup = Setup::new();
    let at = "2026-11-23T08:00:00Z".parse().unwrap();
    setup.world.customer("c0", at);
    setup.world.order("o1", "c0", "A", 10, at);
    setup.world.item("A");
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 1);
    (setup, common::project::integration(mapwright_values::plan::DeliveryLevel::Probeable, false).plan)
}

#[tokio::test]
async fn a_replay_delivers_the_same_record_again_and_makes_nothing_twice() {
    let (setup, plan) = delivered_order().await;
    let flow = plan.flow("orders").unwrap();
    let store = setup.store();
    let replayed = replay(store.as_ref(), plan, flow, "o1", decision(&setup)).await.unwrap();
    let Replayed::Queued(id) = replayed else { panic!("{replayed:?}") };
    // Done twice it does nothing the second time: the first is under way.
    let again = replay(store.as_ref(), plan, flow, "o1", decision(&setup)).await.unwrap();
    assert_eq!(again, Replayed::UnderWay(id));
    assert_eq!(replay(store.as_ref(), plan, flow, "nobody", decision(&setup)).await.unwrap(), Replayed::Unknown);
    drop(store);
    let writes = setup.world.state.lock().unwrap().writes;
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 1, "`create once` holds");
    assert!(setup.world.state.lock().unwrap().writes > writes, "the order's number is told to the shop once more");
    setup.check_invariants().await;
}

#[tokio::test]
async fn what_is_old_and_finished_goes_and_what_was_delivered_stays_known() {
    let (setup, _) = delivered_order().await;
    let at = setup.clock.now();
    setup.world.order("o2", "c0", "missing", 10, at);
    setup.clock.advance(Duration::from_secs(600));
    setup.sync().await;
    assert_eq!(setup.count("orders", State::Dead).await, 1);
    let store = setup.store();
    let day = Duration::from_secs(24 * 3600);
    // A shorter time is not kept to: what a source may still repeat must be known.
    assert_eq!(purge(store.as_ref(), "orders", Duration::ZERO, setup.clock.now()).await.unwrap(), 0);
    setup.clock.advance(30 * day);
    assert_eq!(purge(store.as_ref(), "orders", 29 * day, setup.clock.now()).await.unwrap(), 1);
    assert_eq!(purge(store.as_ref(), "orders", 29 * day, setup.clock.now()).await.unwrap(), 0);
    let status = store.status(setup.clock.now()).await.unwrap();
    let orders = status.flows.iter().find(|flow| flow.flow == "orders").unwrap();
    assert!(orders.is_conserved(), "I10: {orders:?}");
    assert_eq!((orders.count(State::Done), orders.count(State::Dead)), (2, 1));
    drop(store);
    // The same order, read once more, is known: nothing is written.
    let writes = setup.world.state.lock().unwrap().writes;
    let everything = Sync { everything: true, ..Sync::default() };
    setup.engine(setup.store()).sync(&everything).await.unwrap();
    assert_eq!(setup.world.documents("Orders"), 1);
    assert_eq!(setup.world.state.lock().unwrap().writes, writes);
}

#[tokio::test]
async fn a_person_is_forgotten_for_good_and_nothing_is_made_twice_because_of_it() {
    let (setup, plan) = delivered_order().await;
    let store = setup.store();
    let file = setup.folder.path().join("state.db");
    let names = || {
        let mut bytes = std::fs::read(&file).unwrap();
        bytes.extend(std::fs::read(file.with_extension("db-wal")).unwrap_or_default());
        bytes.windows(11).filter(|window| *window == b"Customer c0").count()
    };
    assert!(names() > 0);
    let flows = || vec!["customers".to_owned(), "orders".to_owned()];
    let nameless = Decision { reason: " ".to_owned(), ..decision(&setup) };
    assert!(forget(store.as_ref(), flows(), "c0", nameless).await.unwrap_err().to_string().contains("reason"));
    let forgotten = forget(store.as_ref(), flows(), "c0", decision(&setup)).await.unwrap();
    assert_eq!((forgotten.records, forgotten.open.len()), (1, 0));
    let again = forget(store.as_ref(), flows(), "c0", decision(&setup)).await.unwrap();
    assert_eq!(again.records, 0);
    let detail = store.dead_letter(MessageId(1)).await.unwrap().unwrap();
    assert_eq!((detail.original.as_str(), detail.mapped), ("", None));
    let flow = plan.flow("customers").unwrap();
    assert_eq!(replay(store.as_ref(), plan, flow, "c0", decision(&setup)).await.unwrap(), Replayed::Unknown);
    drop(store);
    assert_eq!(names(), 0, "the bytes are gone from the file");
    let everything = Sync { everything: true, ..Sync::default() };
    setup.engine(setup.store()).sync(&everything).await.unwrap();
    assert_eq!(setup.world.documents("Partners"), 1);
}

#[tokio::test]
async fn what_is_not_finished_is_not_forgotten() {
    let setup = Setup::new();
    let at = "2026-11-23T08:00:00Z".parse().unwrap();
    setup.world.customer("c0", at);
    setup.world.order("o1", "c0", "missing", 10, at);
    setup.sync().await;
    let store = setup.store();
    let flows = vec!["orders".to_owned()];
    let forgotten = forget(store.as_ref(), flows, "o1", decision(&setup)).await.unwrap();
    assert_eq!((forgotten.records, forgotten.open.len()), (0, 1));
    assert!(!store.dead_letter(forgotten.open[0]).await.unwrap().unwrap().original.is_empty());
}
