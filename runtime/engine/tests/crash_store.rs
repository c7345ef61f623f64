//! C19 and C20: the process is killed while it brings an older store up to date, and while it removes what is old. On SQLite,
//! and on PostgreSQL where the tests are run on it.

#![allow(clippy::unwrap_used, reason = "tests stop at once")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use common::Setup;
use common::world::World;
use jiff::Timestamp;
use mapwright_engine::Sync;
use mapwright_engine::clock::Clock;
use mapwright_engine::crash::{CrashPoint, MIGRATION_POINTS};
use mapwright_engine::records::purge;
use mapwright_engine::state::State;
use mapwright_engine::store::Selection;

const FOLDER: &str = "MAPWRIGHT_CRASH_FOLDER";
const POINT: &str = "MAPWRIGHT_CRASH_POINT";
const DAY: Duration = Duration::from_secs(24 * 3600);
/// A step of a removal, and a part of one.
const ORDERS: u32 = 250;
/// More points than there are transactions to be killed in.
const PASSAGES_MAX: u64 = 100;

/// Asserts only in the child process that the other tests start: it opens the store with one point armed, and removes what
/// was finished long ago.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let point = std::env::var(POINT).unwrap();
    let (name, nth) = point.rsplit_once('/').unwrap();
    let crash = Arc::new(CrashPoint::new(Some((name.to_owned(), nth.parse().unwrap()))));
    let store = common::open_with(&PathBuf::from(folder), crash);
    purge(store.as_ref(), "orders", 29 * DAY, later()).await.unwrap();
}

/// A month after everything was delivered.
fn later() -> Timestamp {
    common::JumpingClock::new().now().checked_add(31 * DAY).unwrap()
}

/// Answers whether the child was killed at its point.
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

/// A world in which one order waits to be delivered.
fn setup(folder: &Path, orders: u32) -> Setup {
    let mut setup = Setup::new();
    setup.world = Arc::new(World::default());
    let stamp = "2026-11-23T08:00:00Z".parse().unwrap();
    setup.world.item("A");
    setup.world.customer("c", stamp);
    for number in 0..orders {
        setup.world.order(&format!("o{number}"), "c", "A", number, stamp);
    }
    setup.folder = tempfile::tempdir_in(folder).unwrap();
    setup
}

#[tokio::test]
async fn a_store_whose_migration_was_killed_is_brought_up_to_date_and_works() {
    let mut killed = 0;
    for point in MIGRATION_POINTS {
        for nth in 1..PASSAGES_MAX {
            let folder = common::folder();
            let setup = setup(folder.path(), 2);
            let point = format!("{point}/{nth}");
            if !run_child(setup.folder.path(), &point) {
                break;
            }
            killed += 1;
            // Killed a second time where the first one left it, then not any more.
            run_child(setup.folder.path(), "migration.inside/1");
            let store = common::open(setup.folder.path());
            setup.try_sync(Arc::clone(&store)).await.unwrap();
            common::check_invariants(store.as_ref(), &setup.world, setup.clock.now()).await;
            assert_eq!(setup.world.documents("Orders"), 2, "{point}");
        }
    }
    assert!(killed >= 8, "killed {killed} times");
}

/// A store as a program before the newest migrations left it: what it had accepted is counted and delivered, and what it had
/// delivered, or left to a person, stays so.
#[tokio::test]
async fn a_store_of_the_program_before_keeps_what_it_had_accepted() {
    let mut versions = 0;
    // Killed within the migration after it, a store stands at each version since the one that knew all of these columns.
    for version in 4..PASSAGES_MAX {
        let folder = common::folder();
        let setup = setup(folder.path(), 0);
        if !run_child(setup.folder.path(), &format!("migration.inside/{}", version + 1)) {
            break;
        }
        versions += 1;
        common::execute(setup.folder.path(), OLD);
        if version > 4 {
            common::execute(
                setup.folder.path(),
                "INSERT INTO accepted (flow, shard, messages) VALUES ('orders', 0, 4)",
            );
        }
        if version > 6 {
            common::execute(setup.folder.path(), ENDED);
        }
        // Killed once more on its way.
        run_child(setup.folder.path(), "migration.inside/1");
        let store = common::open(setup.folder.path());
        setup.engine(Arc::clone(&store)).sync(&Sync::default()).await.unwrap();
        let status = store.status(setup.clock.now()).await.unwrap();
        let orders = status.flows.iter().find(|flow| flow.flow == "orders").unwrap();
        assert!(orders.is_conserved(), "I10 from version {version}: {orders:?}");
        assert_eq!((orders.accepted, orders.count(State::Done)), (5, 4), "the order, and its number to the shop");
        assert_eq!(setup.world.documents("Orders"), 1, "what was delivered is not sent again");
        let letters = store.dead_letters(Selection::default(), 10).await.unwrap();
        assert_eq!(letters.iter().map(|letter| letter.source_key.as_str()).collect::<Vec<_>>(), ["bad"]);
        let link = store.links(vec![common::link("Orders", "order", "was")]).await.unwrap().remove(0);
        assert_eq!(link.as_deref(), Some("O7"));
    }
    assert!(versions >= 3, "from {versions} older versions");
}

/// Of three orders that a program before had accepted one was not begun, one was delivered, one was dead.
const OLD: &str = r#"
    INSERT INTO tallies (flow, read, accepted) VALUES ('orders', 3, 4);
    INSERT INTO records (flow, pass, system, entity, source_key, capture_key, hash, body, captured_at) VALUES
      ('orders', 'changed', 'shop', 'order', 'old', 'k', 'h', '{"id":"old","customer":"c","item":"A","total":5}', 1),
      ('orders', 'changed', 'shop', 'order', 'was', 'l', 'i', '{"id":"was","customer":"c","item":"A","total":6}', 1),
      ('orders', 'changed', 'shop', 'order', 'bad', 'm', 'j', '{"id":"bad","customer":"c","item":"B","total":7}', 1);
    INSERT INTO messages (record_id, flow, write_no, source_key, target_system, target_entity, order_key, state,
      next_at, created_at, changed_at, class, cause, message) VALUES
      (1, 'orders', 0, 'old', 'erp', 'Orders', 'o', 'QUEUED', 1, 1, 1, NULL, NULL, NULL),
      (2, 'orders', 0, 'was', 'erp', 'Orders', 'p', 'DONE', NULL, 1, 1, NULL, NULL, NULL),
      (2, 'orders', 1, 'was', 'shop', 'order', 'p', 'DONE', NULL, 1, 1, NULL, NULL, NULL),
      (3, 'orders', 0, 'bad', 'erp', 'Orders', 'q', 'DEAD', NULL, 1, 1, 'rejected', 'rejected: x:1', 'no item B');
    INSERT INTO links (of_system, of_entity, source_key, system, entity, part, target_key, at)
      VALUES ('shop', 'order', 'was', 'erp', 'Orders', '', 'O7', 1)"#;

/// Since the version that counts what has ended.
const ENDED: &str = "
    UPDATE messages SET ended_at = changed_at WHERE state = 'DONE';
    INSERT INTO ended (flow, write_no, state, shard, messages) VALUES ('orders', 0, 'DONE', 0, 1), ('orders', 1, 'DONE', 0, 1)";

#[tokio::test]
async fn a_removal_that_is_killed_at_any_point_goes_on_where_it_was_and_forgets_nothing_delivered() {
    for point in ["store.inside_transaction", "store.after_transaction"] {
        let folder = common::folder();
        let setup = setup(folder.path(), ORDERS);
        setup.sync().await;
        // Each run is killed one transaction further on than the one before, until one comes to its end.
        let mut killed = 0;
        while run_child(setup.folder.path(), &format!("{point}/{}", 1 + killed % 2)) {
            killed += 1;
            let store = common::open(setup.folder.path());
            let status = store.status(setup.clock.now()).await.unwrap();
            let orders = status.flows.iter().find(|flow| flow.flow == "orders").unwrap();
            assert!(orders.is_conserved(), "I10 after {killed} kills: {orders:?}");
            assert!(killed < 10, "it goes on where it was");
        }
        assert!(killed >= 1, "{point}: killed {killed} times");
        let writes = setup.world.state.lock().unwrap().writes;
        setup.engine(setup.store()).sync(&Sync { everything: true, ..Sync::default() }).await.unwrap();
        assert_eq!(setup.world.state.lock().unwrap().writes, writes, "nothing is written because of it");
        let store = setup.store();
        assert_eq!(purge(store.as_ref(), "orders", 29 * DAY, later()).await.unwrap(), 0);
    }
}
