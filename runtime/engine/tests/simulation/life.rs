//! One seed's run: some rough days, then nothing goes wrong any more, then everything is judged.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mapwright_engine::backoff::Backoff;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::Connector;
use mapwright_engine::state::State;
use mapwright_engine::store::Store;
use mapwright_engine::store::memory::MemoryStore;
use mapwright_engine::{Engine, Stop, Sync};
use mapwright_values::Integration;
use mapwright_values::plan::{DeliveryLevel, Schedule};

use super::fate::{Dice, Fate, Life, Mutant};
use super::operator::Operator;
use super::people::People;
use super::systems::{SimulatedStore, SimulatedSystem};
use crate::common::relay::Relay;
use crate::common::{Setup, check_invariants, check_invariants_meanwhile};

/// Steps of one seed.
const STEPS: u64 = 8;

const LISTENING: &[Schedule] =
    &[Schedule::Every { seconds: 60, everything: false }, Schedule::Webhook { topic: "order.written", system: "shop" }];

pub(crate) struct Simulation {
    setup: Setup,
    integration: Integration,
    pub(crate) fate: Arc<Fate>,
    store: Arc<dyn Store>,
    people: Arc<People>,
    operator: Operator,
    /// Messages that a worker claims at once.
    batch: u32,
    /// Two programs work on the store at the same time.
    twins: bool,
}

/// The stores that one seed after the other uses: making the tables anew for each would take most of its time.
pub(crate) struct Stores {
    alone: Arc<MemoryStore>,
    shared: Arc<MemoryStore>,
}

impl Stores {
    pub(crate) fn new() -> Self {
        Self { alone: Arc::new(MemoryStore::open().unwrap()), shared: Arc::new(MemoryStore::shared().unwrap()) }
    }
}

impl Simulation {
    pub(crate) fn new(seed: u64, mutant: Option<Mutant>, stores: &Stores) -> Self {
        let mut setup = Setup::new();
        let mut dice = Dice(seed);
        match dice.below(4) {
            0 => setup.level = DeliveryLevel::Probeable,
            1 => {
                setup.level = DeliveryLevel::Keyed;
                *setup.world.keyed.lock().unwrap() = true;
            }
            2 => setup.level = DeliveryLevel::Unsafe,
            _ => setup.variant.upsert = true,
        }
        setup.latest_wins = dice.percent(50);
        setup.variant.on_delete = dice.percent(50);
        // Without a throw of the dice, so that the other seeds stay what they were.
        setup.variant.marks = !setup.variant.on_delete && seed.is_multiple_of(3);
        // Of so short a time that trouble outlasts it: what is tried, asked about and waited for runs out of it.
        setup.variant.retry_up_to_s = seed.is_multiple_of(5).then_some(60);
        setup.variant.schedules = dice.percent(50).then_some(LISTENING);
        let crowded = dice.percent(60);
        setup.workers = if crowded { usize::try_from(1 + dice.below(4)).unwrap() } else { 1 };
        let batch = if crowded { u32::try_from(1 + dice.below(4)).unwrap() } else { 1 };
        let twins = crowded && dice.percent(50);
        let store = if twins { &stores.shared } else { &stores.alone };
        store.clear().unwrap();
        let fate = Arc::new(Fate {
            dice: Mutex::new(dice),
            trace: Mutex::default(),
            clock: Arc::clone(&setup.clock),
            troubled: Mutex::new(true),
            crowded,
            mutant,
            fences: Mutex::default(),
        });
        fate.note(format!(
            "{:?} latest wins {} {:?} {} workers, {batch} claims, two programs {twins}",
            setup.level, setup.latest_wins, setup.variant, setup.workers
        ));
        setup.world.item("A");
        let integration = setup.integration();
        let store = Arc::clone(store) as Arc<dyn Store>;
        let people = People::new(&fate, &setup.world, setup.variant.on_delete);
        let operator = Operator {
            fate: Arc::clone(&fate),
            store: Arc::clone(&store),
            world: Arc::clone(&setup.world),
            plan: integration.plan,
            discarded: Mutex::default(),
        };
        Self { setup, integration, fate, store, people, operator, batch, twins }
    }

    fn engine(&self, life: &Arc<Life>) -> Engine {
        let hooks = SimulatedStore { fate: Arc::clone(&self.fate), life: Arc::clone(life) };
        let relay = Relay { inner: Arc::clone(&self.store), hooks };
        let mut options = self.setup.options();
        options.batch = self.batch;
        if self.twins {
            // Programs die so often that a sound record would pass for a poisonous one.
            options.deliveries_max = 1_000;
        }
        options.retry = Backoff { base: Duration::ZERO, cap: Duration::ZERO };
        let wrap = |inner| {
            Arc::new(SimulatedSystem {
                inner,
                fate: Arc::clone(&self.fate),
                life: Arc::clone(life),
                world: Arc::clone(&self.setup.world),
                people: Arc::clone(&self.people),
            }) as Arc<dyn Connector>
        };
        self.setup.engine_of(self.integration, Arc::new(relay), options, wrap)
    }

    /// The programs from their start to their end: each by itself, or by its death. Webhooks come in while they work.
    async fn programs(&self, deadly: bool, stop: Stop, everything: bool) {
        let sync = Sync { stop, everything, ..Sync::default() };
        let second = async {
            if self.twins {
                self.program("second", deadly, &sync).await;
            }
        };
        tokio::join!(self.program("first", deadly, &sync), second);
    }

    async fn program(&self, name: &'static str, deadly: bool, sync: &Sync) {
        let ends_in = (deadly && self.fate.percent(35)).then(|| (self.fate.below(60), self.fate.percent(50)));
        let life = Life::new(name, &self.fate, ends_in);
        let engine = self.engine(&life);
        let (ended, ()) = tokio::join!(engine.sync(sync), self.calls(&engine, &life));
        assert!(ended.is_ok() || life.is_over(), "the program ended by itself: {ended:?}");
        life.note("ends");
    }

    async fn calls(&self, engine: &Engine, life: &Life) {
        while !life.is_over()
            && let Some(told) = self.people.next_call()
        {
            life.note(format!("is told {:?} {:?}", told.id, told.key));
            match engine.notice(std::slice::from_ref(&told)).await {
                // An answer that is lost on its way is asked for again too.
                Ok(_) if !self.fate.percent(10) => {}
                Ok(_) | Err(_) => self.people.call_again(told),
            }
            for _ in 0..self.fate.waits() {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn step(&mut self) {
        for _ in 0..=self.fate.below(2) {
            self.people.act();
        }
        self.setup.clock.advance(Duration::from_secs(self.fate.below(90)));
        *self.setup.world.locked.lock().unwrap() = self.fate.percent(6);
        if self.fate.percent(10) {
            let until = self.fate.later(self.fate.below(300));
            *self.setup.world.down_until.lock().unwrap() = Some(until);
        }
        let stop = if self.fate.percent(60) { Stop::Once } else { Stop::Idle };
        let everything = self.fate.percent(15);
        self.programs(true, stop, everything).await;
        if self.fate.percent(30) {
            self.operator.act().await;
        }
    }

    /// Nothing goes wrong any more, and everything that was missing is there.
    async fn settle(&mut self) {
        *self.fate.troubled.lock().unwrap() = false;
        *self.setup.world.locked.lock().unwrap() = false;
        *self.setup.world.down_until.lock().unwrap() = None;
        self.setup.world.item("B");
        self.people.complete();
        for _ in 0..3 {
            self.setup.clock.advance(Duration::from_secs(700));
            self.programs(false, Stop::Idle, false).await;
            self.operator.tidy().await;
        }
        self.programs(false, Stop::Idle, true).await;
    }

    async fn judge(&self) {
        check_invariants(self.store.as_ref(), &self.setup.world, self.setup.clock.now()).await;
        let status = self.store.status(self.setup.clock.now()).await.unwrap();
        let discarded = self.operator.discarded.lock().unwrap().clone();
        for flow in &status.flows {
            if flow.flow == "marks" && !discarded.is_empty() {
                // What a person gave up is never there to be marked.
                continue;
            }
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
            assert_eq!(flow.hints, 0, "I13: webhooks of {} were never followed", flow.flow);
        }
        let world = self.setup.world.state.lock().unwrap().clone();
        for order in self.people.orders() {
            let there = world.documents.iter().filter(|known| known.entity == "Orders" && known.natural == order);
            let there = there.count();
            if discarded.contains(&order) {
                // What a person gave up may be missing; that it is not there twice is asked of every document.
                continue;
            }
            if self.people.is_gone(&order) {
                assert_eq!(there, 0, "I13: {order} was deleted, and the ERP has it still");
                continue;
            }
            assert_eq!(there, 1, "I4: {order}");
            if self.setup.variant.marks {
                let document = world.documents.iter().find(|known| known.entity == "Orders" && known.natural == order);
                let marks = document.and_then(|document| world.marks.get(&document.key));
                assert_eq!(
                    marks.and_then(|marks| marks.last()),
                    world.history[&order].last(),
                    "I5: the mark of {order}"
                );
            }
            assert!(world.numbers.contains_key(&order), "I13: the number of {order} never came back");
            if self.setup.variant.upsert {
                assert_eq!(world.applied[&order].last(), world.history[&order].last(), "I5: {order}");
            }
        }
    }

    /// I12: another start changes nothing.
    async fn again(&self) {
        let before = self.setup.world.state.lock().unwrap().writes;
        self.programs(false, Stop::Idle, false).await;
        let after = self.setup.world.state.lock().unwrap().writes;
        assert_eq!(before, after, "I12: a start with nothing new wrote something");
        self.judge().await;
    }

    pub(crate) async fn run(&mut self) {
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
