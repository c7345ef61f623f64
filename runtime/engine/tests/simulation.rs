//! Test D: the engine in a world made of one number. A seed decides what the shop's users do, what goes wrong with every
//! write, every page and every call of the store, when the program dies and how far the clock jumps. The same seed makes
//! the same run, call by call; the clock is virtual, so a day of waiting takes no time.
//!
//! A failing seed tells how to run it alone. `MAPWRIGHT_SIMULATION_SEEDS` is how many seeds are run,
//! `MAPWRIGHT_SIMULATION_FIRST` is the first of them, `MAPWRIGHT_SIMULATION_TRACE=1` prints what happened.
//!
//! One message is under way at a time: what several workers do to one another is shown by the tests of processes, not here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests stop at once"
)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::relay::{Hooks, Relay};
use common::world::{Trouble, failure};
use common::{JumpingClock, Setup, check_invariants, check_invariants_meanwhile};
use jiff::Timestamp;
use mapwright_engine::backoff::Backoff;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::*;
use mapwright_engine::crash::CrashPoint;
use mapwright_engine::dead_letters::DeadLetters;
use mapwright_engine::state::State;
use mapwright_engine::store::memory::MemoryStore;
use mapwright_engine::store::*;
use mapwright_engine::{Stop, Sync};
use mapwright_values::Find;
use mapwright_values::plan::DeliveryLevel;

/// Seeds of one run of CI.
const SEEDS: u64 = 300;
/// Steps of one seed.
const STEPS: u64 = 8;

/// Splitmix64: a number makes a sequence, the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// True in so many of a hundred.
    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

/// A promise that is broken on purpose: the simulator must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    ProbeWithoutSettle,
    NoQuietAfterUnproven,
    RejectionSkipped,
    WatermarkAhead,
}

/// What all wrappers of one seed share.
struct Fate {
    dice: Mutex<Dice>,
    trace: Mutex<Vec<String>>,
    clock: Arc<JumpingClock>,
    /// Things still go wrong.
    troubled: Mutex<bool>,
    /// The program dies at this call of the store, counted down; and whether that call takes effect.
    dies_in: Mutex<Option<(u64, bool)>>,
    mutant: Option<Mutant>,
}

impl Fate {
    fn note(&self, what: impl Into<String>) {
        self.trace.lock().unwrap().push(format!("{} {}", self.clock.now(), what.into()));
    }

    fn percent(&self, share: u64) -> bool {
        *self.troubled.lock().unwrap() && self.dice.lock().unwrap().percent(share)
    }

    fn below(&self, bound: u64) -> u64 {
        self.dice.lock().unwrap().below(bound)
    }

    /// What goes wrong with the next write.
    fn trouble(&self) -> Option<Trouble> {
        if !self.percent(30) {
            return None;
        }
        Some(match self.below(6) {
            0 => Trouble::LostReply,
            1 => Trouble::LostRequest,
            2 => Trouble::Late(Duration::from_secs(1 + self.below(119))),
            3 => Trouble::Refused(Class::Throttled),
            4 => Trouble::Refused(Class::Permanent),
            _ => Trouble::Refused(Class::Transient),
        })
    }

    fn die(&self, takes_effect: bool, call: &str) -> Result<(), StoreError> {
        let mut dies = self.dies_in.lock().unwrap();
        match *dies {
            Some((0, when)) if when == takes_effect => {
                self.note(format!("dies {} {call}", if when { "after" } else { "before" }));
                Err(StoreError::new("the program died"))
            }
            Some((left, when)) if left > 0 && !takes_effect => {
                *dies = Some((left - 1, when));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

struct SimulatedStore(Arc<Fate>);

impl Hooks for SimulatedStore {
    fn before(&self, call: &'static str) -> Result<(), StoreError> {
        self.0.die(false, call)
    }
    fn after(&self, call: &'static str) -> Result<(), StoreError> {
        self.0.die(true, call)
    }
    fn captures(&self, page: &mut CapturePage) {
        if self.0.mutant == Some(Mutant::WatermarkAhead) && page.rows.len() > 2 {
            page.rows.pop();
        }
        let keys: Vec<&str> = page.rows.iter().map(|row| row.source_key.as_str()).collect();
        self.0.note(format!("capture {} {keys:?} {:?}", page.flow, page.position));
    }
    fn leased(&self, answer: &mut Vec<Leased>) {
        for leased in answer {
            self.0.note(format!("lease {} fence {} {:?}", leased.id, leased.fence, leased.state));
        }
    }
    fn intends(&self, intent: &mut Intent) {
        self.0.note(format!("intend {} {:?} {}", intent.id, intent.sent.deed, intent.sent.record));
    }
    fn concludes(&self, conclusion: &mut Conclusion) {
        if let Verdict::Retry { at, quiet_until, alone: false, .. } = &mut conclusion.verdict {
            // The pauses that an engine draws by chance are drawn by the seed here.
            *at = later(conclusion.now, self.0.below(30));
            if self.0.mutant == Some(Mutant::NoQuietAfterUnproven) {
                *quiet_until = None;
            }
        }
        if self.0.mutant == Some(Mutant::RejectionSkipped)
            && let Verdict::Dead { fault } = &conclusion.verdict
        {
            conclusion.verdict = Verdict::Skipped { reason: fault.message.clone() };
        }
        self.0.note(format!("conclude {} {:?}", conclusion.id, conclusion.verdict));
    }
}

struct SimulatedSystem {
    inner: Arc<dyn Connector>,
    fate: Arc<Fate>,
    world: Arc<common::world::World>,
}

impl SimulatedSystem {
    fn question(&self, what: &str) -> Result<(), Failure> {
        let fails = self.fate.percent(8);
        self.fate.note(format!("{} {what} {}", self.alias(), if fails { "fails" } else { "works" }));
        if fails { Err(failure(Class::Transient, "busy")) } else { Ok(()) }
    }
}

impl Connector for SimulatedSystem {
    fn alias(&self) -> &str {
        self.inner.alias()
    }
    fn reading(&self, entity: &str) -> Reading {
        self.inner.reading(entity)
    }
    fn writing(&self, entity: &str) -> Writing {
        let mut writing = self.inner.writing(entity);
        if self.fate.mutant == Some(Mutant::ProbeWithoutSettle) {
            writing.settle = Duration::ZERO;
        }
        writing
    }
    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
        match self.question("page") {
            Ok(()) => self.inner.fetch_page(request),
            Err(failure) => Box::pin(async move { Err(failure) }),
        }
    }
    fn fetch_record<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>> {
        match self.question("record") {
            Ok(()) => self.inner.fetch_record(entity, key, select),
            Err(failure) => Box::pin(async move { Err(failure) }),
        }
    }
    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>> {
        match self.question("find") {
            Ok(()) => self.inner.find(finds),
            Err(failure) => Box::pin(async move { Err(failure) }),
        }
    }
    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>> {
        Box::pin(async move {
            if self.alias() == "erp" {
                let trouble = self.fate.trouble();
                self.fate.note(format!("send {trouble:?}"));
                *self.world.troubles.lock().unwrap() = trouble.into_iter().collect();
            }
            let answer = self.inner.send(write).await;
            // A request takes its time, and more of it where its answer is lost.
            let seconds = if answer.is_ok() { self.fate.below(3) } else { self.fate.below(20) };
            self.fate.clock.advance(Duration::from_secs(seconds));
            self.fate.note(format!("answer {answer:?}"));
            answer
        })
    }
    fn probe<'a>(&'a self, entity: &'a str, by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        match self.question("probe") {
            Ok(()) => self.inner.probe(entity, by, record),
            Err(failure) => Box::pin(async move { Err(failure) }),
        }
    }
    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        self.inner.check()
    }
    fn close(&self) -> Reply<'_, ()> {
        self.inner.close()
    }
}

fn later(at: Timestamp, seconds: u64) -> Timestamp {
    at.checked_add(Duration::from_secs(seconds)).unwrap()
}

/// One seed's run.
struct Simulation {
    setup: Setup,
    fate: Arc<Fate>,
    store: Arc<dyn Store>,
    /// Every order ever made, with its number of edits.
    orders: Vec<String>,
    customers: u64,
    total: u32,
}

impl Simulation {
    fn new(seed: u64, mutant: Option<Mutant>, store: &Arc<MemoryStore>) -> Self {
        let mut setup = Setup::new();
        setup.workers = 1;
        let mut dice = Dice(seed);
        match dice.below(3) {
            0 => setup.level = DeliveryLevel::Probeable,
            1 => {
                setup.level = DeliveryLevel::Keyed;
                *setup.world.keyed.lock().unwrap() = true;
            }
            _ => setup.variant.upsert = true,
        }
        setup.latest_wins = dice.percent(50);
        // Making the tables anew for each seed would take most of its time.
        store.clear().unwrap();
        let fate = Arc::new(Fate {
            dice: Mutex::new(dice),
            trace: Mutex::default(),
            clock: Arc::clone(&setup.clock),
            troubled: Mutex::new(true),
            dies_in: Mutex::new(None),
            mutant,
        });
        setup.world.item("A");
        Self { setup, fate, store: Arc::clone(store) as Arc<dyn Store>, orders: Vec::new(), customers: 0, total: 0 }
    }

    fn put_order(&mut self, id: &str) {
        self.total += 1;
        let customer = format!("c{}", self.fate.below(3));
        let item = if self.fate.percent(15) { "B" } else { "A" };
        self.fate.note(format!("the shop has {id} {customer} {item} {}", self.total));
        self.setup.world.order(id, &customer, item, self.total, self.setup.clock.now());
    }

    fn users(&mut self) {
        match self.fate.below(6) {
            0 if self.customers < 3 => {
                self.setup.world.customer(&format!("c{}", self.customers), self.setup.clock.now());
                self.customers += 1;
            }
            1..=3 if !self.orders.is_empty() => {
                // What was just made is changed again more often than what is old.
                let count = self.orders.len() as u64;
                let back = self.fate.below(if self.fate.percent(70) { count.min(2) } else { count });
                let id = self.orders[usize::try_from(count - 1 - back).unwrap()].clone();
                self.put_order(&id);
            }
            _ => {
                let id = format!("o{}", self.orders.len());
                self.put_order(&id);
                self.orders.push(id);
            }
        }
    }

    /// One program from its start to its end: by itself, or by its death.
    async fn program(&self, stop: Stop, everything: bool) {
        let relay = Relay { inner: Arc::clone(&self.store), hooks: SimulatedStore(Arc::clone(&self.fate)) };
        let mut options = self.setup.options();
        options.batch = 1;
        options.retry = Backoff { base: Duration::ZERO, cap: Duration::ZERO };
        let wrap = |inner| {
            let (fate, world) = (Arc::clone(&self.fate), Arc::clone(&self.setup.world));
            Arc::new(SimulatedSystem { inner, fate, world }) as Arc<dyn Connector>
        };
        let engine = self.setup.engine_over(Arc::new(relay), options, wrap);
        let ended = engine.sync(&Sync { stop, everything, ..Sync::default() }).await;
        let died = matches!(*self.fate.dies_in.lock().unwrap(), Some((0, _)));
        assert!(ended.is_ok() || died, "the program ended by itself: {ended:?}");
        self.fate.note("ends");
        *self.fate.dies_in.lock().unwrap() = None;
    }

    async fn step(&mut self) {
        for _ in 0..=self.fate.below(2) {
            self.users();
        }
        self.setup.clock.advance(Duration::from_secs(self.fate.below(90)));
        if self.fate.percent(35) {
            *self.fate.dies_in.lock().unwrap() = Some((self.fate.below(60), self.fate.percent(50)));
        }
        *self.setup.world.locked.lock().unwrap() = self.fate.percent(6);
        if self.fate.percent(10) {
            let until = later(self.setup.clock.now(), self.fate.below(300));
            *self.setup.world.down_until.lock().unwrap() = Some(until);
        }
        let stop = if self.fate.percent(60) { Stop::Once } else { Stop::Idle };
        let everything = self.fate.percent(5);
        self.program(stop, everything).await;
        if self.fate.percent(15) {
            self.redrive().await;
        }
    }

    async fn redrive(&self) {
        let crash = CrashPoint::default();
        let letters = DeadLetters {
            store: self.store.as_ref(),
            clock: self.setup.clock.as_ref(),
            operator: "simulation".to_owned(),
            crash: &crash,
        };
        let touched = letters.retry(Selection::default(), "again").await;
        self.fate.note(format!("redrive {touched:?}"));
        touched.unwrap();
    }

    /// Nothing goes wrong any more, and everything that was missing is there.
    async fn settle(&mut self) {
        *self.fate.troubled.lock().unwrap() = false;
        *self.setup.world.locked.lock().unwrap() = false;
        *self.setup.world.down_until.lock().unwrap() = None;
        self.setup.world.item("B");
        while self.customers < 3 {
            self.setup.world.customer(&format!("c{}", self.customers), self.setup.clock.now());
            self.customers += 1;
        }
        for _ in 0..3 {
            self.setup.clock.advance(Duration::from_secs(700));
            self.program(Stop::Idle, false).await;
            self.redrive().await;
        }
        self.program(Stop::Idle, false).await;
    }

    async fn judge(&self) {
        check_invariants(self.store.as_ref(), &self.setup.world, self.setup.clock.now()).await;
        let status = self.store.status(self.setup.clock.now()).await.unwrap();
        for flow in &status.flows {
            for count in flow.counts.iter().filter(|count| count.messages > 0) {
                let ended = count.state.is_terminal() && count.state != State::Dead;
                assert!(
                    ended,
                    "I13: {} of {} are {:?} though nothing is wrong",
                    count.messages, flow.flow, count.state
                );
            }
            let done = flow.done_wm == flow.read_wm;
            assert!(done, "I3: all has ended, and done {:?} is behind read {:?}", flow.done_wm, flow.read_wm);
        }
        let world = self.setup.world.state.lock().unwrap().clone();
        for order in &self.orders {
            let there = world.documents.iter().filter(|known| known.entity == "Orders" && known.natural == *order);
            assert_eq!(there.count(), 1, "I4: {order}");
            assert!(world.numbers.contains_key(order), "I13: the number of {order} never came back");
            if self.setup.variant.upsert {
                assert_eq!(world.applied[order].last(), world.history[order].last(), "I5: {order}");
            }
        }
    }

    /// I12: another start changes nothing.
    async fn again(&self) {
        let before = self.setup.world.state.lock().unwrap().writes;
        self.program(Stop::Idle, false).await;
        let after = self.setup.world.state.lock().unwrap().writes;
        assert_eq!(before, after, "I12: a start with nothing new wrote something");
        self.judge().await;
    }

    async fn run(&mut self) {
        for step in 0..STEPS {
            self.step().await;
            if step == STEPS / 2 {
                let now = self.setup.clock.now();
                check_invariants_meanwhile(self.store.as_ref(), &self.setup.world, now).await;
            }
        }
        self.settle().await;
        self.judge().await;
        self.again().await;
    }
}

/// What became of a seed.
struct Outcome {
    trace: Vec<String>,
    breach: Option<String>,
}

impl Outcome {
    /// FNV-1a over all that happened.
    fn hash(&self) -> u64 {
        self.trace
            .iter()
            .flat_map(|line| line.bytes())
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

fn simulate(seed: u64, mutant: Option<Mutant>, store: &Arc<MemoryStore>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut simulation = Simulation::new(seed, mutant, store);
    let fate = Arc::clone(&simulation.fate);
    let judged = runtime.block_on(async move { tokio::spawn(async move { simulation.run().await }).await });
    let breach = judged.err().map(|error| {
        let panic = error.into_panic();
        let said = panic.downcast_ref::<String>().cloned();
        said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    });
    let trace = std::mem::take(&mut *fate.trace.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    Outcome { trace, breach }
}

fn memory() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::open().unwrap())
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number: {text}")))
}

#[test]
fn no_seed_loses_doubles_or_disorders_anything() {
    let (first, seeds) = (number("MAPWRIGHT_SIMULATION_FIRST", 1), number("MAPWRIGHT_SIMULATION_SEEDS", SEEDS));
    let shown = number("MAPWRIGHT_SIMULATION_TRACE", 0) > 0;
    let all: Vec<u64> = (first..first + seeds).collect();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let shares: Vec<_> = (0..threads)
            .map(|share| {
                let all = &all;
                scope.spawn(move || {
                    let (store, mut failures) = (memory(), Vec::new());
                    for seed in all.iter().skip(share).step_by(threads) {
                        let outcome = simulate(*seed, None, &store);
                        if shown {
                            println!("{}", outcome.trace.join("\n"));
                        }
                        if let Some(breach) = outcome.breach {
                            failures.push(format!(
                                "seed {seed}: {breach}\n  MAPWRIGHT_SIMULATION_FIRST={seed} MAPWRIGHT_SIMULATION_SEEDS=1 MAPWRIGHT_SIMULATION_TRACE=1 cargo test -p mapwright-engine --test simulation no_seed -- --nocapture"
                            ));
                        }
                    }
                    failures
                })
            })
            .collect();
        shares.into_iter().flat_map(|share| share.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} of {} seeds failed:\n{}", failures.len(), all.len(), failures.join("\n"));
}

#[test]
fn the_same_seed_makes_the_same_run() {
    let store = memory();
    let mut hashes = std::collections::BTreeSet::new();
    for seed in 1..=8 {
        let (one, two) = (simulate(seed, None, &store), simulate(seed, None, &store));
        let differs = one.trace.iter().zip(&two.trace).find(|(one, two)| one != two);
        assert_eq!(one.hash(), two.hash(), "seed {seed} made two runs; they part at {differs:?}");
        assert!(one.trace.len() > 50, "seed {seed} did next to nothing");
        hashes.insert(one.hash());
    }
    assert_eq!(hashes.len(), 8, "two seeds made one run");
}

#[test]
fn a_broken_promise_is_seen_by_some_seed() {
    let store = memory();
    let mutants =
        [Mutant::ProbeWithoutSettle, Mutant::NoQuietAfterUnproven, Mutant::RejectionSkipped, Mutant::WatermarkAhead];
    for mutant in mutants {
        let seen = (1..=150).find(|seed| simulate(*seed, Some(mutant), &store).breach.is_some());
        println!("{mutant:?} is seen by the seed {seen:?}");
        assert!(seen.is_some(), "{mutant:?} survives 150 seeds");
    }
}
