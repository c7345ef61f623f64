//! The tests F, G and H at a size for every run, and larger by `MAPWRIGHT_ROWS`, `MAPWRIGHT_AMBIGUOUS`, `MAPWRIGHT_LETTERS`;
//! and what a system that asks for rest is given.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::relay::{Hooks, Relay};
use common::world::{Trouble, World};
use common::{JumpingClock, Setup};
use jiff::{SignedDuration, Timestamp};
use mapwright_engine::Sync;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::*;
use mapwright_engine::crash::CrashPoint;
use mapwright_engine::dead_letters::DeadLetters;
use mapwright_engine::state::State;
use mapwright_engine::store::*;
use mapwright_values::Find;
use mapwright_values::plan::DeliveryLevel;

fn size(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number: {text}")))
}

/// A shop in which somebody goes on writing while its pages are read.
struct Busy {
    inner: Arc<dyn Connector>,
    world: Arc<World>,
    clock: Arc<JumpingClock>,
    inserted: Arc<AtomicU64>,
}

impl Connector for Busy {
    fn alias(&self) -> &str {
        self.inner.alias()
    }
    fn reading(&self, entity: &str) -> Reading {
        self.inner.reading(entity)
    }
    fn writing(&self, entity: &str) -> Writing {
        self.inner.writing(entity)
    }
    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
        if request.entity == "order" && request.cursor.is_some() && self.alias() == "shop" {
            let number = self.inserted.fetch_add(1, Ordering::SeqCst);
            self.world.order(&format!("i{number:04}"), "c0", "A", 7, stamped(&self.world, &self.clock, 0));
        }
        self.inner.fetch_page(request)
    }
    fn fetch_record<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>> {
        self.inner.fetch_record(entity, key, select)
    }
    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>> {
        self.inner.find(finds)
    }
    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>> {
        self.inner.send(write)
    }
    fn probe<'a>(&'a self, entity: &'a str, by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        self.inner.probe(entity, by, record)
    }
    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        self.inner.check()
    }
    fn close(&self) -> Reply<'_, ()> {
        self.inner.close()
    }
}

/// The shop's own time, in whole seconds, so many seconds ago.
fn stamped(world: &World, clock: &JumpingClock, ago: i64) -> Timestamp {
    let skew = *world.skew.lock().unwrap();
    let at = clock.now().checked_add(SignedDuration::from_secs(skew - ago)).unwrap();
    Timestamp::from_second(at.as_second()).unwrap()
}

fn shop(orders: u32) -> Setup {
    let mut setup = Setup::new();
    setup.workers = 2;
    setup.world.item("A");
    setup.world.customer("c0", "2026-11-23T08:00:00Z".parse().unwrap());
    for number in 0..orders {
        let stamp = "2026-11-23T09:00:00Z".parse().unwrap();
        setup.world.order(&format!("o{number:05}"), "c0", "A", number, stamp);
    }
    setup
}

/// F: rows that share a stamp, that are committed late, that come while pages are read; a clock that goes wrong; pages of
/// every size. What comes within the bound is read by its windows; what comes later is found by the sweep, and told.
#[tokio::test]
async fn no_row_within_the_bound_is_missed_and_later_ones_are_found_and_told() {
    const ROUNDS: u32 = 24;
    let rows = size("MAPWRIGHT_ROWS", 360);
    let setup = shop(0);
    let inserted = Arc::new(AtomicU64::new(0));
    let sync = async |sync: &Sync| {
        let wrap = |inner| {
            let (world, clock) = (Arc::clone(&setup.world), Arc::clone(&setup.clock));
            Arc::new(Busy { inner, world, clock, inserted: Arc::clone(&inserted) }) as Arc<dyn Connector>
        };
        setup.engine_over(setup.store(), setup.options(), wrap).sync(sync).await.unwrap();
    };
    let mut made = 0;
    for round in 0..ROUNDS {
        *setup.world.page.lock().unwrap() = Some([1, 7, 100, 1000][round as usize % 4].max(rows as usize / 100));
        *setup.world.skew.lock().unwrap() = [0, 90, -90][round as usize / 3 % 3];
        while made < rows * (round + 1) / ROUNDS {
            // One of a hundred is committed late; most of a round share a stamp. The bound is ten minutes, of which the
            // source's clock takes three when it is set back from 90 s ahead to 90 s behind.
            let ago = if made % 100 == 17 { i64::from(made) * 37 % 400 } else { i64::from(made % 5 / 4) };
            let stamp = stamped(&setup.world, &setup.clock, ago);
            setup.world.order(&format!("o{made:05}"), "c0", "A", made, stamp);
            made += 1;
        }
        sync(&Sync::default()).await;
        setup.clock.advance(Duration::from_secs(45));
    }
    *setup.world.skew.lock().unwrap() = 0;
    setup.clock.advance(Duration::from_secs(300));
    sync(&Sync::default()).await;
    sync(&Sync::default()).await;
    let expected = |inserted: &AtomicU64| (made as u64 + inserted.load(Ordering::SeqCst)) as usize;
    // What was inserted while the last pages were read is within the window of the next reading.
    setup.clock.advance(Duration::from_secs(60));
    *setup.world.page.lock().unwrap() = Some(100_000);
    sync(&Sync::default()).await;
    assert!(inserted.load(Ordering::SeqCst) > 20, "rows came while pages were read");
    assert_eq!(setup.world.documents("Orders"), expected(&inserted), "within the bound");
    let late = async || {
        let alerts = setup.store().status(setup.clock.now()).await.unwrap().alerts;
        alerts.iter().find(|alert| alert.cause == "late").map(|alert| alert.count)
    };
    assert_eq!(late().await, None);
    for number in 0..3 {
        setup.world.order(&format!("late{number}"), "c0", "A", number, stamped(&setup.world, &setup.clock, 1800));
    }
    sync(&Sync::default()).await;
    assert_eq!(setup.world.documents("Orders"), expected(&inserted), "no window shows them");
    sync(&Sync { everything: true, ..Sync::default() }).await;
    assert_eq!(setup.world.documents("Orders"), expected(&inserted) + 3);
    assert_eq!(late().await, Some(3));
    setup.check_invariants().await;
}

/// G: every answer is lost, the effect comes at once, later, or not at all.
#[tokio::test]
async fn no_lost_answer_makes_a_second_document() {
    let many = size("MAPWRIGHT_AMBIGUOUS", 150);
    let setup = shop(0);
    setup.sync().await;
    for number in 0..many {
        setup.world.order(&format!("o{number:05}"), "c0", "A", number, setup.clock.now());
    }
    setup.clock.advance(Duration::from_secs(30));
    let troubles: Vec<Trouble> = (0..many)
        .map(|number| match number % 4 {
            0 => Trouble::LostReply,
            1 => Trouble::LostRequest,
            _ => Trouble::Late(Duration::from_secs(u64::from(number) * 53 % 120)),
        })
        .collect();
    setup.world.trouble(&troubles);
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), many as usize);
    assert_eq!(setup.count("orders", State::Done).await, u64::from(many) * 2, "each order, and its number to the shop");
    setup.check_invariants().await;
}

/// G without a probe: each is left to a person, and none is sent again.
#[tokio::test]
async fn without_a_probe_every_lost_answer_is_left_to_a_person() {
    let many = size("MAPWRIGHT_AMBIGUOUS", 150);
    let mut setup = shop(0);
    setup.sync().await;
    setup.level = DeliveryLevel::Unsafe;
    for number in 0..many {
        setup.world.order(&format!("o{number:05}"), "c0", "A", number, setup.clock.now());
    }
    setup.clock.advance(Duration::from_secs(30));
    setup.world.trouble(&vec![Trouble::LostReply; many as usize]);
    let before = setup.world.state.lock().unwrap().writes;
    for _ in 0..3 {
        setup.sync().await;
        setup.clock.advance(Duration::from_secs(3600));
    }
    assert_eq!(setup.count("orders", State::ParkedAmbiguous).await, u64::from(many));
    assert_eq!(setup.world.state.lock().unwrap().writes - before, u64::from(many), "each was sent once");
    setup.check_invariants().await;
}

/// A command about dead letters that is killed: of so many calls one ends it, before or after it took effect.
struct Killed {
    calls: AtomicU64,
    after: bool,
}

impl Hooks for Killed {
    fn before(&self, call: &'static str) -> Result<(), StoreError> {
        let dies = !self.after && call == "operate" && self.calls.fetch_add(1, Ordering::SeqCst) == 1;
        if dies { Err(StoreError::new("killed")) } else { Ok(()) }
    }
    fn after(&self, call: &'static str) -> Result<(), StoreError> {
        let dies = self.after && call == "operate" && self.calls.fetch_add(1, Ordering::SeqCst) == 1;
        if dies { Err(StoreError::new("killed")) } else { Ok(()) }
    }
}

fn claim(now: Timestamp, limit: u32) -> LeaseRequest {
    LeaseRequest {
        owner: "w".to_owned(),
        now,
        due_by: now,
        until: now.checked_add(Duration::from_secs(600)).unwrap(),
        limit,
        flows: vec!["orders".to_owned()],
        deliveries_max: 5,
        canary: None,
    }
}

/// Many dead letters, of twelve causes.
async fn letters(store: &dyn Store, many: u32, now: Timestamp) {
    let policy = FlowPolicy { flow: "orders".to_owned(), latest_wins: false, channel: Some("ops".to_owned()) };
    store.begin(Beginning { owner: "w".to_owned(), flows: vec![policy], now }).await.unwrap();
    let row = |number: u32| CaptureRow {
        kind: RowKind::State,
        source_key: format!("o{number:06}"),
        body: format!(r#"{{"id":"o{number:06}"}}"#),
        hash: format!("{number}"),
        stamp: Some(now),
        fault: None,
    };
    let rows: Vec<u32> = (0..many).collect();
    for chunk in rows.chunks(500) {
        let page = CapturePage {
            flow: "orders".to_owned(),
            pass: "changed".to_owned(),
            source: ("shop".to_owned(), "order".to_owned()),
            target: ("erp".to_owned(), "Orders".to_owned()),
            on_gone: None,
            rows: chunk.iter().map(|number| row(*number)).collect(),
            filtered: 0,
            position: Position { read_wm: Some(now), window: None },
            now,
        };
        store.capture(page).await.unwrap();
    }
    loop {
        let leased = store.lease(claim(now, 500)).await.unwrap();
        if leased.is_empty() {
            return;
        }
        for (number, leased) in leased.iter().enumerate() {
            let code = Some(format!("-{}", number % 12));
            let failure = Failure { code, ..common::world::failure(Class::Permanent, "") };
            let verdict = Verdict::Dead { fault: Fault::told(&failure) };
            let conclusion = Conclusion {
                id: leased.id,
                fence: leased.fence,
                order_key: leased.order_key.clone(),
                now,
                verdict,
                probe: None,
            };
            store.conclude(conclusion).await.unwrap();
        }
    }
}

/// H: a group is retried by a command that is killed again and again; each letter goes back once.
#[tokio::test]
async fn a_retry_that_is_killed_again_and_again_sets_each_letter_going_once() {
    let many = size("MAPWRIGHT_LETTERS", 1200);
    let setup = shop(0);
    let store = setup.store();
    letters(store.as_ref(), many, setup.clock.now()).await;
    let open = store.status(setup.clock.now()).await.unwrap().alerts;
    assert_eq!((open.len(), open.iter().map(|alert| alert.count).sum::<u64>()), (12, u64::from(many)));
    let mut pages: Vec<Duration> = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(store.dead_letters(Selection::default(), 50).await.unwrap().len(), 50);
        pages.push(began.elapsed());
    }
    pages.sort();
    println!("a page of 50 of {many} dead letters: {:?} at the 95th of a hundred", pages[18]);
    assert!(pages[18] < Duration::from_secs(2), "{:?}", pages[18]);
    let crash = CrashPoint::default();
    let retry = async |store: &dyn Store| {
        let clock = setup.clock.as_ref();
        let letters = DeadLetters { store, clock, operator: "ann".to_owned(), crash: &crash };
        letters.retry(Selection::default(), "mended").await
    };
    let mut kills = 0;
    loop {
        let hooks = Killed { calls: AtomicU64::new(0), after: kills % 2 == 1 };
        match retry(&Relay { inner: Arc::clone(&store), hooks }).await {
            Ok(_) => break,
            Err(_) => kills += 1,
        }
    }
    assert!(kills >= many / 500, "{kills} kills");
    assert_eq!(retry(store.as_ref()).await.unwrap(), 0, "a double click does nothing");
    let flow = store.status(setup.clock.now()).await.unwrap().flows.remove(0);
    assert_eq!((flow.count(State::Queued), flow.count(State::Dead)), (u64::from(many), 0));
    assert!(flow.is_conserved(), "I10: {flow:?}");
    let leased = store.lease(claim(setup.clock.now(), many)).await.unwrap();
    assert_eq!(leased.len(), many as usize);
    let one = Selection { ids: vec![leased[0].id], ..Selection::default() };
    assert_eq!(
        store.operate(operation(one, setup.clock.now())).await.unwrap(),
        0,
        "one that is under way is left alone"
    );
}

fn operation(selection: Selection, now: Timestamp) -> Operation {
    let (operator, reason) = ("ann".to_owned(), "again".to_owned());
    Operation { selection, limit: 10, action: Action::Redrive, operator, reason, now }
}

/// A system that asks for rest is left alone for that long, whatever our own pauses would be.
#[tokio::test]
async fn a_system_that_asks_for_rest_is_given_it() {
    let setup = shop(0);
    setup.sync().await;
    setup.world.order("o1", "c0", "A", 1, setup.clock.now());
    setup.clock.advance(Duration::from_secs(30));
    setup.world.trouble(&[Trouble::Rest(Duration::from_secs(1800))]);
    let asked = setup.clock.now();
    setup.sync().await;
    assert_eq!(setup.world.documents("Orders"), 1);
    assert!(setup.clock.now() >= asked.checked_add(Duration::from_secs(1800)).unwrap(), "{}", setup.clock.now());
    assert_eq!(setup.world.state.lock().unwrap().writes, 4, "a customer, the order twice, its number");
    setup.check_invariants().await;
}
