//! The process is killed at every named point, as by a power cut of the program alone, and started again: nothing is
//! lost, nothing doubled, according to the ledger of the systems, which lives in a file of its own.

#![allow(clippy::unwrap_used, reason = "tests stop at once")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use common::Setup;
use common::world::{Trouble, World};
use mapwright_engine::connector::Class;
use mapwright_engine::crash::{CrashPoint, POINTS};
use mapwright_engine::dead_letters::DeadLetters;
use mapwright_engine::state::State;
use mapwright_engine::store::sqlite::SqliteStore;
use mapwright_engine::store::{Selection, Store};
use mapwright_values::plan::DeliveryLevel;

const FOLDER: &str = "MAPWRIGHT_CRASH_FOLDER";
const POINT: &str = "MAPWRIGHT_CRASH_POINT";
/// A point that is never reached.
const NOWHERE: &str = "nowhere/1";

/// More dead letters than one transaction of a redrive takes would make each case slow: the redrive has its own test.
fn fill(world: &World) {
    let stamp = "2026-11-23T08:00:00Z".parse().unwrap();
    for number in 0..2 {
        world.customer(&format!("c{number}"), stamp);
    }
    for number in 0..4 {
        world.order(&format!("o{number}"), &format!("c{}", number % 2), "A", 10 + number, stamp);
    }
    world.order("x", "c1", "UNKNOWN", 5, stamp);
    world.order("y", "nobody", "A", 5, stamp);
    world.put("order", "z", r#"{"id":"z","skip":true}"#.to_owned(), stamp);
    world.item("A");
}

fn setup(folder: &Path) -> Setup {
    let mut setup = Setup::new();
    setup.world = Arc::new(World::in_file(folder.join("world.json")));
    setup.workers = 1;
    setup
}

/// Asserts only in the child process that the other tests start; there it is one sync with one point armed.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = PathBuf::from(folder);
    let point = std::env::var(POINT).unwrap();
    let (name, nth) = point.rsplit_once('/').unwrap();
    let armed = Some((name.to_owned(), nth.parse().unwrap()));
    let mut setup = setup(&folder);
    if name.starts_with("park") {
        setup.level = DeliveryLevel::Unsafe;
    }
    if point == NOWHERE {
        setup.workers = 3;
    }
    setup.crash_at = armed.clone();
    setup.world.trouble(&[Trouble::LostReply, Trouble::Refused(Class::Transient)]);
    let store = SqliteStore::open_with(&folder.join("state.db"), Arc::new(CrashPoint::new(armed.clone()))).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    setup.try_sync(Arc::clone(&store)).await.unwrap();
    if point == NOWHERE {
        return;
    }
    let crash = CrashPoint::new(armed);
    let letters =
        DeadLetters { store: store.as_ref(), clock: setup.clock.as_ref(), operator: "child".to_owned(), crash: &crash };
    letters.retry(Selection::default(), "after the crash").await.unwrap();
}

/// Runs the child over a folder; answers whether it was killed at its point.
fn run_child(folder: &Path, point: &str) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder)
        .env(POINT, point)
        .output()
        .unwrap();
    let killed = output.status.code().is_none();
    assert!(killed || output.status.success(), "{point}: {}", String::from_utf8_lossy(&output.stderr));
    killed
}

async fn check_after(folder: &Path, point: &str) {
    let setup = setup(folder);
    let parks = point.starts_with("park");
    let store = common::open(folder);
    setup.try_sync(store.clone()).await.unwrap();
    common::check_invariants(store.as_ref(), &setup.world, jiff::Timestamp::now()).await;
    let orders = setup.world.documents("Orders");
    if parks {
        // One customer is parked and with it wait its orders: a person is asked, nothing is sent twice.
        assert!(setup.world.documents("Partners") <= 2, "{point}");
    } else {
        assert_eq!((setup.world.documents("Partners"), orders), (2, 4), "{point}");
        assert_eq!(setup.world.state.lock().unwrap().numbers.len(), 4, "{point}");
    }
    let status = store.status(jiff::Timestamp::now()).await.unwrap();
    let flow = status.flows.iter().find(|flow| flow.flow == "orders").unwrap();
    assert_eq!(flow.count(State::Leased) + flow.count(State::Intent), 0, "{point}");
    assert_eq!(flow.count(State::Dead), 1, "{point}: the unknown item");
}

#[tokio::test]
async fn a_process_killed_at_any_point_loses_and_doubles_nothing() {
    let mut never = Vec::new();
    for point in POINTS.iter().filter(|point| **point != "redrive.half") {
        let mut reached = false;
        for nth in [1, 2, 5] {
            let folder = common::folder();
            fill(&World::in_file(folder.path().join("world.json")));
            if point.starts_with("take_up") {
                // Only a record on which the program has ended twice is taken up.
                assert!(
                    run_child(folder.path(), "lease.after_commit/1")
                        && run_child(folder.path(), "lease.after_commit/1")
                );
            }
            let point = format!("{point}/{nth}");
            let killed = run_child(folder.path(), &point);
            check_after(folder.path(), &point).await;
            reached |= killed;
            // A point that was not passed so often is not passed more often either.
            if !killed {
                break;
            }
        }
        if !reached {
            never.push(*point);
        }
    }
    assert_eq!(never, Vec::<&str>::new(), "points that were never reached");
}

/// The program ends on one record however often it is started: that one is dead in the end, and those that were claimed with it, by
/// the same worker and by others, go their way.
#[tokio::test]
async fn a_record_that_ends_the_process_takes_no_other_with_it() {
    let folder = common::folder();
    let world = World::in_file(folder.path().join("world.json"));
    let early = "2026-11-23T07:00:00Z".parse().unwrap();
    world.put("order", "killer", r#"{"id":"killer","abort":true}"#.to_owned(), early);
    fill(&world);
    for number in 4..24 {
        world.order(&format!("o{number}"), "c0", "A", 10 + number, early);
    }
    let mut ended = 0;
    while run_child(folder.path(), NOWHERE) {
        ended += 1;
        assert!(ended <= 5, "it ends on it for ever");
    }
    assert_eq!(ended, 5);
    let store = common::open(folder.path());
    let letters = store.dead_letters(Selection::default(), 100).await.unwrap();
    let mut dead: Vec<_> = letters.iter().map(|letter| (letter.class.as_str(), letter.source_key.as_str())).collect();
    dead.sort_unstable();
    assert_eq!(dead, [("poison", "killer"), ("rejected", "x")]);
    let world = World::in_file(folder.path().join("world.json"));
    assert_eq!((world.documents("Partners"), world.documents("Orders")), (2, 24));
}

#[tokio::test]
async fn a_redrive_killed_half_way_goes_on_where_it_was() {
    let folder = common::folder();
    let world = World::in_file(folder.path().join("world.json"));
    let stamp = "2026-11-23T08:00:00Z".parse().unwrap();
    for number in 0..250 {
        world.order(&format!("x{number}"), "nobody", "UNKNOWN", number, stamp);
    }
    assert!(run_child(folder.path(), "redrive.half/1"));
    let store = common::open(folder.path());
    assert_eq!(store.dead_letters(Selection::default(), 1000).await.unwrap().len(), 50);
    drop(store);
    let setup = setup(folder.path());
    let store = common::open(folder.path());
    setup.try_sync(store.clone()).await.unwrap();
    common::check_invariants(store.as_ref(), &setup.world, jiff::Timestamp::now()).await;
    assert_eq!(store.dead_letters(Selection::default(), 1000).await.unwrap().len(), 250);
}
