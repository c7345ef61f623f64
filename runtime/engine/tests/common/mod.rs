//! A small shop and a small ERP in memory (or in one file), a hand-written project between them, a clock that jumps.
//!
//! In: source records and troubles. Out: a ledger of what the two systems really hold, which the store never writes.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests stop at once"
)]

pub mod pair;
pub mod pair_project;
pub mod project;
pub mod relay;
pub mod world;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mapwright_engine::alert::{Alert, AlertChannel};
use mapwright_engine::backoff::Backoff;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::{Connector, Failure, Reply};
use mapwright_engine::crash::CrashPoint;
use mapwright_engine::dead_letters::DeadLetters;
use mapwright_engine::state::State;
use mapwright_engine::status::Summary;
use mapwright_engine::store::sqlite::SqliteStore;
use mapwright_engine::store::{MessageId, Selection, Store};
use mapwright_engine::{Engine, EngineError, Options, Sync};
use mapwright_values::plan::DeliveryLevel;
use mapwright_values::{Integration, Json, Link};

use world::{System, World};

/// A clock that jumps instead of sleeping.
pub struct JumpingClock(Mutex<Timestamp>);

impl JumpingClock {
    pub fn new() -> Self {
        Self(Mutex::new("2026-11-23T10:00:00Z".parse().unwrap()))
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, pause: Duration) -> Reply<'_, ()> {
        self.advance(pause);
        Box::pin(tokio::task::yield_now())
    }
}

/// Keeps the alerts that it was sent; refuses the first so many.
#[derive(Default)]
pub struct Recorder {
    pub alerts: Mutex<Vec<Alert>>,
    pub refusals: Mutex<u32>,
}

impl AlertChannel for Recorder {
    fn send<'a>(&'a self, alert: &'a Alert) -> Reply<'a, Result<(), Failure>> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Box::pin(async { Err(world::failure(mapwright_engine::connector::Class::Transient, "down")) });
        }
        self.alerts.lock().unwrap().push(alert.clone());
        Box::pin(async { Ok(()) })
    }
}

/// A folder in memory where there is one: a process that is killed keeps what it wrote either way, and only the loss of
/// the machine's power, for which `power.rs` has a disk of its own, would need the disk.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

/// Everything that a test holds.
pub struct Setup {
    pub folder: tempfile::TempDir,
    pub world: Arc<World>,
    pub clock: Arc<JumpingClock>,
    pub recorder: Arc<Recorder>,
    pub level: DeliveryLevel,
    pub latest_wins: bool,
    pub crash_at: Option<(String, u64)>,
    pub workers: usize,
    pub variant: project::Variant,
}

impl Setup {
    pub fn new() -> Self {
        Self {
            folder: folder(),
            world: Arc::new(World::default()),
            clock: Arc::new(JumpingClock::new()),
            recorder: Arc::default(),
            level: DeliveryLevel::Probeable,
            latest_wins: false,
            crash_at: None,
            workers: 3,
            variant: project::Variant::default(),
        }
    }

    pub fn store(&self) -> Arc<dyn Store> {
        open(self.folder.path())
    }

    pub fn options(&self) -> Options {
        Options {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            channels: HashMap::from([("ops".to_owned(), Arc::clone(&self.recorder) as Arc<dyn AlertChannel>)]),
            workers: self.workers,
            batch: 8,
            retry: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
            crash_at: self.crash_at.clone(),
            ..Options::default()
        }
    }

    pub fn engine(&self, store: Arc<dyn Store>) -> Engine {
        self.engine_with(store, self.options())
    }

    pub fn engine_with(&self, store: Arc<dyn Store>, options: Options) -> Engine {
        self.engine_over(store, options, |system| system)
    }

    /// An engine whose connectors are wrapped.
    pub fn engine_over(
        &self,
        store: Arc<dyn Store>,
        options: Options,
        wrap: impl Fn(Arc<dyn Connector>) -> Arc<dyn Connector>,
    ) -> Engine {
        self.engine_of(self.integration(), store, options, wrap)
    }

    pub fn integration(&self) -> Integration {
        project::integration_of(self.level, self.latest_wins, self.variant)
    }

    /// The same of an integration that was made before.
    pub fn engine_of(
        &self,
        integration: Integration,
        store: Arc<dyn Store>,
        options: Options,
        wrap: impl Fn(Arc<dyn Connector>) -> Arc<dyn Connector>,
    ) -> Engine {
        let connectors: HashMap<String, Arc<dyn Connector>> = ["shop", "erp"]
            .into_iter()
            .map(|alias| {
                let system =
                    System { alias: alias.to_owned(), world: Arc::clone(&self.world), clock: Arc::clone(&self.clock) };
                (alias.to_owned(), wrap(Arc::new(system)))
            })
            .collect();
        Engine::new(integration, connectors, store, Json::Record(Vec::new()), options).unwrap()
    }

    /// Syncs once with a store and an engine of its own, as a program that is started and ends.
    pub async fn sync(&self) -> Summary {
        self.try_sync(self.store()).await.unwrap()
    }

    pub async fn try_sync(&self, store: Arc<dyn Store>) -> Result<Summary, EngineError> {
        self.engine(store).sync(&Sync::default()).await
    }

    pub async fn letters<T>(&self, act: impl AsyncFnOnce(DeadLetters<'_>) -> T) -> T {
        let store = self.store();
        let crash = CrashPoint::default();
        act(DeadLetters {
            store: store.as_ref(),
            clock: self.clock.as_ref(),
            operator: "tester".to_owned(),
            crash: &crash,
        })
        .await
    }

    pub async fn count(&self, flow: &str, state: State) -> u64 {
        let status = self.store().status(self.clock.now()).await.unwrap();
        status.flows.iter().find(|known| known.flow == flow).map_or(0, |flow| flow.count(state))
    }

    /// I1 to I11 as far as a test of one process can tell, against the world's own ledger.
    pub async fn check_invariants(&self) {
        check_invariants(self.store().as_ref(), &self.world, self.clock.now()).await;
    }
}

/// Opens the store that belongs to a folder: a file in it, or a database of the same name where the tests are to be run on
/// PostgreSQL (`MAPWRIGHT_TEST_ON=postgres`).
pub fn open(folder: &Path) -> Arc<dyn Store> {
    open_with(folder, Arc::default())
}

/// The same with a crash point armed.
pub fn open_with(folder: &Path, crash: Arc<CrashPoint>) -> Arc<dyn Store> {
    #[cfg(feature = "postgres")]
    if on_a_server() {
        let url = database(folder);
        return Arc::new(mapwright_engine::store::postgres::PostgresStore::open_with(&url, crash).unwrap());
    }
    Arc::new(SqliteStore::open_with(&folder.join("state.db"), crash).unwrap())
}

/// Are the tests run on PostgreSQL?
pub fn on_a_server() -> bool {
    cfg!(feature = "postgres") && std::env::var("MAPWRIGHT_TEST_ON").is_ok_and(|store| store == "postgres")
}

/// Carries out statements on the tables of the store that belongs to a folder, as an older program might have.
pub fn execute(folder: &Path, sql: &str) {
    #[cfg(feature = "postgres")]
    if on_a_server() {
        let (url, sql) = (database(folder), sql.to_owned());
        return on_a_thread(async move {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(&sql).await.unwrap();
        });
    }
    rusqlite::Connection::open(folder.join("state.db")).unwrap().execute_batch(sql).unwrap();
}

/// The address of the database that belongs to a folder; it is made where there is none.
#[cfg(feature = "postgres")]
fn database(folder: &Path) -> String {
    let server = std::env::var("MAPWRIGHT_TEST_POSTGRES")
        .unwrap_or_else(|_| panic!("MAPWRIGHT_TEST_POSTGRES names no server: start one with tests/servers"));
    let name: String =
        folder.file_name().unwrap().to_string_lossy().chars().filter(char::is_ascii_alphanumeric).collect();
    // Names in SQL are small letters only; those of folders are told apart by capitals too.
    let name = format!("t{}", name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
    let url = format!("{server}/{name}");
    on_a_thread(async move {
        let (client, connection) =
            tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let known = client.query("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.unwrap();
        if known.is_empty() {
            client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        }
    });
    url
}

#[cfg(feature = "postgres")]
fn on_a_thread(work: impl Future<Output = ()> + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || runtime.block_on(work)).join().unwrap();
}

/// After so many numbers without a message there are no more.
const NUMBERS_LOST_MAX: u32 = 40;

/// Reads the store through its own calls and compares it with what the systems really hold.
pub async fn check_invariants(store: &dyn Store, world: &World, now: Timestamp) {
    check(store, world, now, true).await;
}

/// The same while the shop may have states that were not read yet.
pub async fn check_invariants_meanwhile(store: &dyn Store, world: &World, now: Timestamp) {
    check(store, world, now, false).await;
}

async fn check(store: &dyn Store, world: &World, now: Timestamp, all_read: bool) {
    let status = store.status(now).await.unwrap();
    let letters = store.dead_letters(Selection::default(), 100_000).await.unwrap();
    let world = world.state.lock().unwrap().clone();
    for flow in &status.flows {
        assert!(flow.is_conserved(), "I10: {flow:?}");
        if let (Some(done), Some(read)) = (flow.done_wm, flow.read_wm) {
            assert!(done <= read, "I3: {flow:?}");
        }
        for count in flow.counts.iter().filter(|count| !count.state.is_terminal()) {
            assert!(count.oldest_at.is_some(), "G4: {flow:?}");
        }
    }
    let mut create_keys = std::collections::HashSet::new();
    for document in &world.documents {
        assert!(create_keys.insert(document.create_key.clone()), "I4: two documents of one create: {document:?}");
        let same =
            world.documents.iter().filter(|other| other.entity == document.entity && other.natural == document.natural);
        assert_eq!(same.count(), 1, "I4: two documents with one natural key: {document:?}");
    }
    for letter in &letters {
        let detail = store.dead_letter(letter.id).await.unwrap().unwrap();
        assert!(
            !detail.original.is_empty() && !letter.message.is_empty() && !letter.class.is_empty(),
            "I7: {detail:?}"
        );
        assert_eq!(
            detail.attempts.iter().filter(|attempt| attempt.kind == "send").count(),
            letter.attempts as usize,
            "I7"
        );
        assert!(
            status
                .alerts
                .iter()
                .any(|alert| alert.subject == letter.flow && alert.cause == letter.cause && alert.count > 0),
            "I11: no alert for {letter:?}"
        );
    }
    let mut sent = 0;
    let mut number = 1;
    let mut kept = std::collections::HashSet::new();
    let mut ended: HashMap<String, Vec<State>> = HashMap::new();
    let mut delivered = Vec::new();
    let mut gone = std::collections::HashSet::new();
    let mut missing = 0;
    // A server gives numbers away that a transaction which was undone does not use.
    while missing < NUMBERS_LOST_MAX {
        let found = store.dead_letter(MessageId(number)).await.unwrap();
        number += 1;
        let Some(detail) = found else {
            missing += 1;
            continue;
        };
        missing = 0;
        sent += detail.attempts.iter().filter(|attempt| attempt.kind == "send").count() as u64;
        let letter = &detail.letter;
        kept.insert((letter.flow.clone(), letter.source_key.clone()));
        if letter.flow == "orders" && letter.write == 0 {
            ended.entry(letter.source_key.clone()).or_default().push(letter.state);
        }
        let wanted = letter.write < 2 && !detail.original.contains("skip");
        assert!(letter.state != State::Skipped || !wanted, "I1: the spec wants it delivered: {detail:?}");
        if letter.write == 1 && letter.state == State::Done {
            let there = world.numbers.contains_key(&letter.source_key) || world.removed.contains(&letter.source_key);
            assert!(there, "I4: written back by our account alone: {letter:?}");
        }
        if letter.write == 0 && matches!(letter.state, State::Done | State::Noop) {
            delivered.push((letter.flow.clone(), letter.source_key.clone()));
        }
        if letter.write > 1 {
            gone.insert((letter.flow.clone(), letter.source_key.clone()));
        }
    }
    for (flow, source_key) in delivered.iter().filter(|record| !gone.contains(record)) {
        check_link(store, &world, flow, source_key).await;
    }
    assert!(sent >= world.writes, "I8: {sent} attempts noted, {} requests arrived", world.writes);
    for flow in &status.flows {
        let entity = if flow.flow == "customers" { "customer" } else { "order" };
        for source in world.sources.iter().filter(|source| source.entity == entity && !source.record.contains("drop")) {
            let read = flow.read_wm.is_some_and(|wm| source.changed < wm);
            let key = (flow.flow.clone(), source.id.clone());
            assert!(!read || kept.contains(&key), "I2: {key:?} lies below the read watermark and is not in the inbox");
        }
    }
    check_order(&world, &ended, all_read);
    for (key, marks) in &world.marks {
        let document = world.documents.iter().find(|known| known.entity == "Orders" && known.key == *key);
        if let Some(history) = document.and_then(|document| world.history.get(&document.natural)) {
            check_sequence(key, history, marks);
        }
    }
    check_owners(store, &world).await;
}

/// I5: what took effect at the ERP is a subsequence of what the shop had, and the last state is equal.
fn check_order(world: &world::State, ended: &HashMap<String, Vec<State>>, all_read: bool) {
    for (order, applied) in &world.applied {
        let Some(history) = world.history.get(order) else { continue };
        check_sequence(order, history, applied);
        let delivered = |state: &State| matches!(state, State::Done | State::Noop | State::Superseded);
        if all_read && ended.get(order).is_some_and(|states| states.iter().all(delivered)) {
            assert_eq!(applied.last(), history.last(), "I5: {order} had {history:?} and was given {applied:?}");
        }
    }
}

fn check_sequence(order: &str, history: &[String], applied: &[String]) {
    let mut rest = history.iter();
    let mut last = None;
    for total in applied {
        // A repeat of the same state is harmless.
        if last != Some(total) {
            assert!(rest.any(|known| known == total), "I5: {order} had {history:?} and was given {applied:?}");
        }
        last = Some(total);
    }
}

/// I6: no two orders own one document.
async fn check_owners(store: &dyn Store, world: &world::State) {
    let mut owners: HashMap<String, String> = HashMap::new();
    for source in world.sources.iter().filter(|source| source.entity == "order") {
        if let Some(key) = store.links(vec![link("Orders", "order", &source.id)]).await.unwrap().remove(0) {
            let before = owners.insert(key.clone(), source.id.clone());
            assert_eq!(before, None, "I6: {key} belongs to {} too", source.id);
        }
    }
}

pub fn link(entity: &str, of_entity: &str, source_key: &str) -> Link {
    Link {
        system: "erp".to_owned(),
        entity: entity.to_owned(),
        of_system: "shop".to_owned(),
        of_entity: of_entity.to_owned(),
        key: source_key.to_owned(),
    }
}

/// I4 and I6: what is DONE is there exactly once, under the key that the link tells.
async fn check_link(store: &dyn Store, world: &world::State, flow: &str, source_key: &str) {
    let (entity, of_entity) = if flow == "customers" { ("Partners", "customer") } else { ("Orders", "order") };
    let key = store
        .links(vec![link(entity, of_entity, source_key)])
        .await
        .unwrap()
        .remove(0)
        .unwrap_or_else(|| panic!("I6: {flow} {source_key} has no link"));
    let there = world.documents.iter().filter(|document| document.entity == entity && document.key == key);
    assert_eq!(there.count(), 1, "I4, I6: {flow} {source_key} is done, and `{key}` is not there once");
}
