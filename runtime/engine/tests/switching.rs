//! A new version of the program starts while records of the old one are captured, wait, are to be retried, ambiguous, dead:
//! test N, its second half. Which version each record is mapped by is what `docs/delivery.md` says.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::Setup;
use common::project::{FIRST, NEXT};
use common::relay::{Hooks, Relay};
use common::world::Trouble;
use jiff::Timestamp;
use mapwright_engine::clock::Clock;
use mapwright_engine::state::{Reason, State};
use mapwright_engine::store::{MessageId, Selection, StoreError};
use mapwright_engine::{Options, Stop, Sync};
use mapwright_values::plan::DeliveryLevel;

const HOUR: Duration = Duration::from_secs(3600);

/// So many of each kind; larger by `MAPWRIGHT_ORDERS`, which counts all of them.
fn each() -> u32 {
    std::env::var("MAPWRIGHT_ORDERS").ok().map_or(4, |text| text.parse::<u32>().unwrap() / 5)
}

fn once() -> Sync {
    Sync { stop: Stop::Once, ..Sync::default() }
}

fn stamp() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

/// Some seconds pass, in which orders come.
fn add(setup: &Setup, kind: &str, customer: &str, item: &str) {
    let now = setup.clock.now();
    for number in 0..each() {
        setup.world.order(&format!("{kind}{number:04}"), customer, item, 10 + number, now);
    }
    setup.clock.advance(Duration::from_secs(5));
}

async fn sync_once(setup: &Setup, sync: &Sync) {
    // However many answers are lost, no circuit opens.
    let options = Options { circuit_failures: u32::MAX, ..setup.options() };
    setup.engine_with(setup.store(), options).sync(sync).await.unwrap();
}

/// Puts orders into every state that a program can leave behind, each at the level given.
async fn left_behind(level: DeliveryLevel) -> Setup {
    let mut setup = Setup::new();
    setup.level = level;
    setup.world.item("A");
    setup.world.customer("c0", stamp());
    add(&setup, "done", "c0", "A");
    setup.sync().await;
    let all = each() as usize;
    add(&setup, "lost", "c0", "A");
    setup.world.trouble(&vec![Trouble::LostReply; all]);
    sync_once(&setup, &once()).await;
    add(&setup, "dead", "c0", "NONE");
    add(&setup, "wait", "c1", "A");
    sync_once(&setup, &once()).await;
    // The first that are sent are refused for an hour, the others are captured and nothing more.
    add(&setup, "retry", "c0", "A");
    add(&setup, "new", "c0", "A");
    setup.world.trouble(&vec![Trouble::Rest(HOUR); 2 * all]);
    sync_once(&setup, &once()).await;
    setup.world.troubles.lock().unwrap().clear();
    setup
}

/// The version under which an order was sent last, and whether it stands at the ERP as the next version maps it.
async fn versions(setup: &Setup, kind: &str) -> Vec<(Option<String>, bool)> {
    let store = setup.store();
    let mut found = Vec::new();
    let mut missing = 0;
    for number in 1.. {
        let Some(detail) = store.dead_letter(MessageId(number)).await.unwrap() else {
            missing += 1;
            if missing > 40 {
                break;
            }
            continue;
        };
        missing = 0;
        let letter = &detail.letter;
        if letter.flow == "orders" && letter.write == 0 && letter.source_key.starts_with(kind) {
            assert_eq!(letter.state, State::Done, "{letter:?}");
            let world = setup.world.state.lock().unwrap();
            let document = world.documents.iter().find(|document| document.natural == letter.source_key).unwrap();
            found.push((detail.mapping_version.clone(), document.record.contains("Next")));
        }
    }
    found
}

#[tokio::test]
async fn what_was_sent_stays_the_old_versions_and_all_else_is_mapped_by_the_new_one() {
    for level in [DeliveryLevel::Probeable, DeliveryLevel::Unsafe] {
        let mut setup = left_behind(level).await;
        let all = u64::from(each());
        let unproven = match level {
            DeliveryLevel::Unsafe => State::ParkedAmbiguous,
            DeliveryLevel::Keyed | DeliveryLevel::Natural | DeliveryLevel::Probeable => State::Ambiguous,
        };
        for state in [unproven, State::Dead, State::Waiting(Reason::Dependency)] {
            assert_eq!(setup.count("orders", state).await, all, "{level:?} {state:?}");
        }
        let (again, captured) =
            (setup.count("orders", State::RetryWait).await, setup.count("orders", State::Queued).await);
        assert!(again > 0 && captured > 0 && again + captured == 2 * all, "{again} {captured}");
        // The next version starts.
        setup.variant.next = true;
        setup.clock.advance(HOUR);
        setup.world.customer("c1", setup.clock.now());
        setup.clock.advance(Duration::from_secs(5));
        setup.world.item("NONE");
        setup.sync().await;
        let rejected = Selection { cause: Some("rejected: project.mapspec:9".to_owned()), ..Selection::default() };
        assert_eq!(setup.letters(async |letters| letters.retry(rejected, "it is there now").await.unwrap()).await, all);
        if level == DeliveryLevel::Unsafe {
            let plan = setup.integration().plan;
            let parked =
                setup.letters(async |letters| letters.list(Selection::default(), 100_000).await.unwrap()).await;
            for letter in parked.into_iter().filter(|letter| letter.state == State::ParkedAmbiguous) {
                let key = {
                    let world = setup.world.state.lock().unwrap();
                    let mut documents = world.documents.iter();
                    documents.find(|document| document.natural == letter.source_key).unwrap().key.clone()
                };
                setup.letters(async |letters| letters.answer_there(plan, letter.id, &key, "seen").await.unwrap()).await;
            }
        }
        setup.clock.advance(Duration::from_secs(61));
        setup.sync().await;
        for (kind, version) in
            [("done", FIRST), ("lost", FIRST), ("retry", NEXT), ("dead", NEXT), ("wait", NEXT), ("new", NEXT)]
        {
            let expected = vec![(Some(version.to_owned()), version == NEXT); each() as usize];
            assert_eq!(versions(&setup, kind).await, expected, "{level:?} {kind}");
        }
        assert_eq!(setup.world.documents("Orders"), 6 * each() as usize);
        setup.check_invariants().await;
    }
}

#[tokio::test]
async fn a_lost_write_that_is_not_there_is_sent_again_as_the_new_version_maps_it() {
    let mut setup = Setup::new();
    setup.world.item("A");
    setup.world.customer("c0", stamp());
    setup.sync().await;
    add(&setup, "lost", "c0", "A");
    setup.world.trouble(&vec![Trouble::LostRequest; each() as usize]);
    sync_once(&setup, &once()).await;
    assert_eq!(setup.count("orders", State::Ambiguous).await, u64::from(each()));
    setup.variant.next = true;
    setup.sync().await;
    assert_eq!(versions(&setup, "lost").await, vec![(Some(NEXT.to_owned()), true); each() as usize]);
    assert_eq!(setup.world.documents("Orders"), each() as usize);
    setup.check_invariants().await;
}

#[tokio::test]
async fn a_message_of_a_write_that_the_new_version_does_not_make_is_left_to_a_person() {
    let mut setup = Setup::new();
    setup.variant.on_delete = true;
    setup.world.item("A");
    setup.world.customer("c0", stamp());
    add(&setup, "o", "c0", "A");
    setup.sync().await;
    let all = u64::from(each());
    for number in 0..each() {
        setup.world.remove("order", &format!("o{number:04}"));
    }
    setup.clock.advance(Duration::from_secs(5));
    setup.world.trouble(&vec![Trouble::Rest(HOUR); each() as usize]);
    sync_once(&setup, &Sync { everything: true, accept_gone: true, ..once() }).await;
    setup.world.troubles.lock().unwrap().clear();
    assert_eq!(setup.world.documents("Orders"), each() as usize);
    // What is written at the end of an order has another number now, and the second write is there no more.
    setup.variant.without_back = true;
    setup.clock.advance(HOUR);
    setup.sync().await;
    assert_eq!(setup.count("orders", State::Dead).await, all);
    let letters = setup.letters(async |letters| letters.list(Selection::default(), 10_000).await.unwrap()).await;
    assert!(letters.iter().all(|letter| letter.class == "changed" && letter.message.contains("`orders` was changed")));
    assert_eq!(setup.world.documents("Orders"), each() as usize, "nothing was done that the old one did not mean");
    // The program that made them finishes them.
    setup.variant.without_back = false;
    setup.letters(async |letters| letters.retry(Selection::default(), "").await.unwrap()).await;
    setup.sync().await;
    assert_eq!((setup.count("orders", State::Dead).await, setup.world.documents("Orders")), (0, 0));
}

/// A program whose store fails at its second conclusion.
struct Dies(AtomicU64);

impl Hooks for Dies {
    fn before(&self, call: &'static str) -> Result<(), StoreError> {
        match call == "conclude" && self.0.fetch_add(1, Ordering::SeqCst) > 0 {
            true => Err(StoreError::new("killed")),
            false => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_parked_message_of_a_write_that_is_made_no_more_is_answered_with_the_program_that_made_it() {
    let mut setup = Setup::new();
    setup.world.item("A");
    setup.world.customer("c0", stamp());
    setup.sync().await;
    setup.world.order("o", "c0", "A", 10, setup.clock.now());
    setup.clock.advance(Duration::from_secs(5));
    // It dies when the number was sent to the shop and before that was noted.
    let dying = Arc::new(Relay { inner: setup.store(), hooks: Dies(AtomicU64::new(0)) });
    assert!(setup.try_sync(dying).await.is_err());
    assert_eq!(setup.world.state.lock().unwrap().numbers.len(), 1);
    // Write 2 of the next version is the one at the end of an order.
    (setup.variant.without_back, setup.variant.on_delete) = (true, true);
    setup.clock.advance(HOUR);
    setup.sync().await;
    let parked = setup.letters(async |letters| letters.list(Selection::default(), 10).await.unwrap().remove(0)).await;
    assert_eq!((parked.state, parked.class.as_str()), (State::ParkedAmbiguous, "changed"));
    let answer = async |setup: &Setup| {
        let plan = setup.integration().plan;
        setup.letters(async |letters| letters.answer_there(plan, parked.id, "o", "seen").await).await
    };
    let refused = answer(&setup).await.unwrap_err().to_string();
    assert!(refused.contains("was made for shop.order as write 2 of the flow `orders`"), "{refused}");
    assert_eq!(setup.count("orders", State::ParkedAmbiguous).await, 1);
    setup.variant.without_back = false;
    answer(&setup).await.unwrap();
    setup.sync().await;
    assert_eq!((setup.count("orders", State::ParkedAmbiguous).await, setup.count("orders", State::Done).await), (0, 2));
    setup.check_invariants().await;
}
