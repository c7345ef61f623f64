//! Test E: the power goes. A process that is killed leaves to the next one whatever it has written, for the system keeps it; a
//! machine that goes dark leaves what was synced, and of the rest some sectors. `power/disk.c` is such a disk: loaded into the child
//! process, it keeps apart what SQLite has synced, and ends the process at one of its calls.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests stop at once"
)]

mod common;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use common::Setup;
use common::world::{Trouble, World};
use mapwright_engine::connector::Class;
use mapwright_engine::crash::CrashPoint;
use mapwright_engine::dead_letters::DeadLetters;
use mapwright_engine::state::State;
use mapwright_engine::store::sqlite::{SqliteStore, Tuning};
use mapwright_engine::store::{Selection, Store};

const FOLDER: &str = "MAPWRIGHT_POWER_FOLDER";
const FULL: &str = "MAPWRIGHT_POWER_FULL";
const CUSTOMERS: u64 = 3;
const ORDERS: u64 = 12;
/// Cuts of one store, one after the other.
const CUTS_OF_ONE: u64 = 3;
/// Calls to the disk among which the power goes: about as many as a run has, from its opening to its end.
const CALLS: u64 = 1_000;
/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// Numbers that follow from one (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn fill(world: &World) {
    let stamp = "2026-11-23T08:00:00Z".parse().unwrap();
    for number in 0..CUSTOMERS {
        world.customer(&format!("c{number}"), stamp);
    }
    for number in 0..ORDERS {
        let total = 10 + u32::try_from(number).unwrap();
        world.order(&format!("o{number}"), &format!("c{}", number % CUSTOMERS), "A", total, stamp);
    }
    world.order("x", "c1", "UNKNOWN", 5, stamp);
    world.item("A");
}

fn setup(folder: &Path) -> Setup {
    let mut setup = Setup::new();
    setup.world = Arc::new(World::in_file(folder.join("world.json")));
    setup.workers = 2;
    setup
}

/// The log is moved into the file often, so that the power goes in the midst of that too.
fn tuning(full: bool) -> Tuning {
    Tuning { full, checkpoint_pages: 30, ..Tuning::default() }
}

/// Asserts only in the child process that the tests start; there it is one sync on the disk that forgets.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = PathBuf::from(folder);
    let setup = setup(&folder);
    setup.world.trouble(&[Trouble::LostReply, Trouble::Refused(Class::Transient)]);
    let tuning = tuning(std::env::var(FULL).is_ok());
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_tuned(&folder.join("state.db"), &tuning).unwrap());
    setup.try_sync(Arc::clone(&store)).await.unwrap();
    let crash = CrashPoint::default();
    let letters =
        DeadLetters { store: store.as_ref(), clock: setup.clock.as_ref(), operator: "child".to_owned(), crash: &crash };
    letters.retry(Selection::default(), "the power is back").await.unwrap();
}

/// The disk, compiled.
fn disk(folder: &Path) -> PathBuf {
    let library = folder.join("disk.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/disk.c");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl");
    let made = compiler.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    library
}

/// Runs the child until the power goes at the call of this number; answers whether it came so far.
fn run_child(folder: &Path, disk: &Path, full: bool, cut: u64) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child", "--nocapture"]).env(FOLDER, folder).env("LD_PRELOAD", disk);
    child.env("MAPWRIGHT_DISK", folder.join("state.db")).env("MAPWRIGHT_DISK_CUT", cut.to_string());
    if full {
        child.env(FULL, "yes");
    }
    let output = child.output().unwrap();
    let killed = output.status.code().is_none();
    assert!(killed || output.status.success(), "call {cut}: {}", String::from_utf8_lossy(&output.stderr));
    killed
}

/// What the disk holds when the power is back: what was synced, and some sectors of what was not.
fn power_is_back(folder: &Path, dice: &mut Dice) {
    let _ = std::fs::remove_file(folder.join("state.db-shm"));
    let kept_percent = [0, 30, 90][usize::try_from(dice.below(3)).unwrap()];
    for name in ["state.db", "state.db-wal", "state.db-journal"] {
        let beside = |suffix: &str| folder.join(format!("{name}.{suffix}"));
        let Ok(mut held) = std::fs::read(beside("disk")) else {
            let _ = std::fs::remove_file(folder.join(name));
            continue;
        };
        let cache = std::fs::read(beside("cache")).unwrap_or_default();
        for write in writes(&cache) {
            apply(&mut held, &write, |_| dice.below(100) < kept_percent);
        }
        for path in [folder.join(name), beside("disk")] {
            std::fs::write(path, &held).unwrap();
        }
        let _ = std::fs::remove_file(beside("cache"));
    }
}

/// One call that was not synced: at this place these bytes, or the file ends there.
struct Unsynced<'c> {
    offset: usize,
    bytes: Option<&'c [u8]>,
}

/// The calls of a cache; the last one may have been cut off.
fn writes(mut cache: &[u8]) -> Vec<Unsynced<'_>> {
    let mut writes = Vec::new();
    let mut head = [0; 16];
    while cache.read_exact(&mut head).is_ok() {
        let number = |at: usize| u64::from_ne_bytes(head[at..at + 8].try_into().unwrap());
        let offset = usize::try_from(number(0)).unwrap();
        let length = usize::try_from(number(8)).unwrap();
        if length == usize::MAX {
            writes.push(Unsynced { offset, bytes: None });
            continue;
        }
        let Some((bytes, rest)) = cache.split_at_checked(length) else { break };
        writes.push(Unsynced { offset, bytes: Some(bytes) });
        cache = rest;
    }
    writes
}

/// Sector by sector, as far as the disk came.
fn apply(held: &mut Vec<u8>, write: &Unsynced<'_>, mut comes: impl FnMut(usize) -> bool) {
    let Some(bytes) = write.bytes else {
        if comes(write.offset) {
            held.resize(write.offset, 0);
        }
        return;
    };
    let mut at = write.offset;
    let end = at + bytes.len();
    while at < end {
        let next = ((at / SECTOR + 1) * SECTOR).min(end);
        if comes(at) {
            held.resize(held.len().max(next), 0);
            held[at..next].copy_from_slice(&bytes[at - write.offset..next - write.offset]);
        }
        at = next;
    }
}

/// One store from its first run over several cuts to a run that nothing disturbs, which is judged. Answers how often the
/// power went.
async fn life(disk: PathBuf, full: bool, seed: u64) -> u64 {
    let folder = common::folder();
    let (path, mut dice) = (folder.path().to_owned(), Dice(seed));
    fill(&World::in_file(path.join("world.json")));
    let mut cuts = 0;
    for _ in 0..CUTS_OF_ONE {
        cuts += u64::from(run_child(&path, &disk, full, 1 + dice.below(CALLS)));
        power_is_back(&path, &mut dice);
        // Its first run may have been cut off before there was a store.
        let database = path.join("state.db");
        if std::fs::metadata(&database).is_ok_and(|file| file.len() == 0) {
            std::fs::remove_file(&database).unwrap();
            std::fs::remove_file(path.join("state.db.disk")).unwrap();
        }
    }
    let setup = setup(&path);
    let store = common::open(&path);
    setup.try_sync(store.clone()).await.unwrap();
    let now = jiff::Timestamp::now();
    common::check_invariants(store.as_ref(), &setup.world, now).await;
    assert_eq!(setup.world.documents("Partners") as u64, CUSTOMERS, "seed {seed}");
    assert_eq!(setup.world.documents("Orders") as u64, ORDERS, "seed {seed}");
    let status = store.status(now).await.unwrap();
    let flow = status.flows.iter().find(|flow| flow.flow == "orders").unwrap();
    assert_eq!(flow.count(State::Dead), 1, "seed {seed}: the unknown item");
    cuts
}

fn cuts_wanted() -> u64 {
    std::env::var("MAPWRIGHT_CUTS").map_or(60, |text| text.parse().unwrap())
}

#[tokio::test]
async fn a_store_whose_machine_goes_dark_loses_and_doubles_nothing() {
    let made = tempfile::tempdir().unwrap();
    let disk = disk(made.path());
    let (mut cuts, mut seed) = (0, 0);
    while cuts < cuts_wanted() {
        seed += 1;
        cuts += life(disk.clone(), true, seed).await;
        assert!(cuts * 2 >= seed, "most runs end before the power goes: {cuts} cuts in {seed} lives");
    }
    println!("{cuts} cuts in {seed} lives");
}

/// What the test is worth: a store that tells before it has synced is found out.
#[tokio::test]
async fn a_store_that_does_not_sync_each_commit_is_found_out() {
    let made = tempfile::tempdir().unwrap();
    let disk = disk(made.path());
    for seed in 1..=100 {
        if tokio::spawn(life(disk.clone(), false, seed)).await.is_err() {
            return;
        }
    }
    panic!("100 stores without a sync for each commit have lost nothing: the disk does not forget");
}
