//! Test O: the engine with one promise broken at a time. The checker must see every breach; a mutant that survives
//! fails the test, and so does a scenario that is not clean without its mutant.
//!
//! A mutant is a store or a connector that misbehaves as a faulty engine would: the program itself holds none.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::Setup;
use common::world::Trouble;
use jiff::Timestamp;
use mapwright_engine::alert::Alert;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::*;
use mapwright_engine::status::{ConnectionStatus, DeadLetter, DeadLetterDetail, StoreStatus};
use mapwright_engine::store::*;
use mapwright_engine::{Stop, Sync};
use mapwright_values::plan::DeliveryLevel;
use mapwright_values::{Find, Link};

/// One broken promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    AckBeforeCommit,
    WatermarkEarly,
    IntentAfterSend,
    NoFence,
    VersionInCreateKey,
    ProbeWithoutSettle,
    AmbiguousIsTransient,
    SwallowRefusal,
    NoQuietAfterUnproven,
    NoClaimOfNaturalKey,
    FollowUpLost,
    RejectionSkipped,
    OneAbsentProbeIsEnough,
}

/// Each mutant with the invariants of which at least one must tell of it.
const MUTANTS: &[(Mutant, &[&str])] = &[
    (Mutant::AckBeforeCommit, &["I2"]),
    (Mutant::WatermarkEarly, &["I2"]),
    (Mutant::IntentAfterSend, &["I4", "I8"]),
    (Mutant::NoFence, &["I4"]),
    (Mutant::VersionInCreateKey, &["I4"]),
    (Mutant::ProbeWithoutSettle, &["I4"]),
    (Mutant::AmbiguousIsTransient, &["I4"]),
    (Mutant::SwallowRefusal, &["I4", "I6"]),
    (Mutant::NoQuietAfterUnproven, &["I5"]),
    (Mutant::NoClaimOfNaturalKey, &["I4", "I6"]),
    (Mutant::FollowUpLost, &["I13"]),
    (Mutant::RejectionSkipped, &["I1"]),
    (Mutant::OneAbsentProbeIsEnough, &["I4"]),
];

/// A store between the engine and the real one.
struct Bent {
    inner: Arc<dyn Store>,
    mutant: Option<Mutant>,
    /// Pages captured, conclusions asked for.
    pages: AtomicU64,
    conclusions: AtomicU64,
    /// The power fails at this conclusion: nothing is noted any more.
    cut_at: Option<u64>,
    cut: AtomicBool,
    held_back: Mutex<HashMap<i64, Intent>>,
    fences: Mutex<HashMap<i64, i64>>,
}

impl Bent {
    fn new(inner: Arc<dyn Store>, mutant: Option<Mutant>) -> Self {
        Self {
            inner,
            mutant,
            pages: AtomicU64::new(0),
            conclusions: AtomicU64::new(0),
            cut_at: None,
            cut: AtomicBool::new(false),
            held_back: Mutex::default(),
            fences: Mutex::default(),
        }
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn dark<'a, T: Send + 'a>(&self) -> Option<Stored<'a, T>> {
        let error = StoreError::new("the power is gone");
        self.cut.load(Ordering::SeqCst).then(|| Box::pin(async move { Err(error) }) as Stored<'a, T>)
    }
}

impl Store for Bent {
    fn begin(&self, beginning: Beginning) -> Stored<'_, ()> {
        self.inner.begin(beginning)
    }

    fn capture(&self, mut page: CapturePage) -> Stored<'_, Captured> {
        if let Some(dark) = self.dark() {
            return dark;
        }
        let orders = page.flow == "orders";
        let nth = self.pages.fetch_add(u64::from(orders), Ordering::SeqCst);
        if orders && nth == 1 && self.is(Mutant::AckBeforeCommit) {
            page.rows.clear();
        }
        if orders && nth == 0 && self.is(Mutant::WatermarkEarly) {
            page.position.read_wm = page.position.window.as_ref().and_then(|window| window.until);
            page.position.window = None;
            // The program ends before the pages that the watermark promises.
            self.cut.store(true, Ordering::SeqCst);
        }
        self.inner.capture(page)
    }

    fn position<'a>(&'a self, flow: &'a str, pass: &'a str) -> Stored<'a, Position> {
        self.inner.position(flow, pass)
    }

    fn unseen(&self, question: UnseenQuestion) -> Stored<'_, Unseen> {
        self.inner.unseen(question)
    }

    fn agreed(&self, records: Vec<RecordRef>) -> Stored<'_, Vec<Option<Agreed>>> {
        self.inner.agreed(records)
    }

    fn lease(&self, request: LeaseRequest) -> Stored<'_, Vec<Leased>> {
        if let Some(dark) = self.dark() {
            return dark;
        }
        Box::pin(async move {
            let mut leased = self.inner.lease(request).await?;
            for message in &mut leased {
                self.fences.lock().unwrap().insert(message.id.0, message.fence);
                if self.is(Mutant::OneAbsentProbeIsEnough) {
                    message.probes = 1;
                }
            }
            Ok(leased)
        })
    }

    fn take_up(&self, request: TakeUp) -> Stored<'_, bool> {
        self.inner.take_up(request)
    }

    fn intend(&self, mut intent: Intent) -> Stored<'_, Intended> {
        if let Some(dark) = self.dark() {
            return dark;
        }
        if self.is(Mutant::NoClaimOfNaturalKey) || self.is(Mutant::VersionInCreateKey) {
            intent.claims.clear();
        }
        if self.is(Mutant::IntentAfterSend) {
            self.held_back.lock().unwrap().insert(intent.id.0, intent);
            return Box::pin(async { Ok(Intended::Granted) });
        }
        self.inner.intend(intent)
    }

    fn conclude(&self, mut conclusion: Conclusion) -> Stored<'_, Concluded> {
        let nth = self.conclusions.fetch_add(1, Ordering::SeqCst) + 1;
        if self.cut_at == Some(nth) {
            self.cut.store(true, Ordering::SeqCst);
        }
        if let Some(dark) = self.dark() {
            return dark;
        }
        if self.is(Mutant::NoFence)
            && let Some(fence) = self.fences.lock().unwrap().get(&conclusion.id.0)
        {
            conclusion.fence = *fence;
        }
        match &mut conclusion.verdict {
            Verdict::Done(delivery) if self.is(Mutant::FollowUpLost) => delivery.next = None,
            Verdict::Retry { quiet_until, at, .. } if self.is(Mutant::NoQuietAfterUnproven) => {
                *quiet_until = None;
                *at = conclusion.now;
            }
            Verdict::Dead { fault } if self.is(Mutant::RejectionSkipped) => {
                conclusion.verdict = Verdict::Skipped { reason: fault.message.clone() };
            }
            _ => {}
        }
        Box::pin(async move {
            let intent = self.held_back.lock().unwrap().remove(&conclusion.id.0);
            if let Some(intent) = intent {
                self.inner.intend(intent).await?;
            }
            self.inner.conclude(conclusion).await
        })
    }

    fn links(&self, links: Vec<Link>) -> Stored<'_, Vec<Option<String>>> {
        self.inner.links(links)
    }
    fn connection(&self, change: ConnectionChange) -> Stored<'_, ()> {
        self.inner.connection(change)
    }
    fn sweep(&self, sweep: Sweep) -> Stored<'_, u64> {
        self.inner.sweep(sweep)
    }
    fn silence(&self, check: SilenceCheck) -> Stored<'_, bool> {
        self.inner.silence(check)
    }
    fn operate(&self, operation: Operation) -> Stored<'_, u64> {
        self.inner.operate(operation)
    }
    fn reading(&self, note: ReadingNote) -> Stored<'_, ()> {
        self.inner.reading(note)
    }
    fn alerts_due(&self, now: Timestamp, limit: u32) -> Stored<'_, Vec<Alert>> {
        self.inner.alerts_due(now, limit)
    }
    fn alert_sent(&self, sent: AlertSent) -> Stored<'_, ()> {
        self.inner.alert_sent(sent)
    }
    fn status(&self, now: Timestamp) -> Stored<'_, StoreStatus> {
        self.inner.status(now)
    }
    fn last_read(&self) -> Stored<'_, Vec<(String, Option<Timestamp>)>> {
        self.inner.last_read()
    }
    fn connections(&self) -> Stored<'_, Vec<ConnectionStatus>> {
        self.inner.connections()
    }
    fn dead_letters(&self, selection: Selection, limit: u32) -> Stored<'_, Vec<DeadLetter>> {
        self.inner.dead_letters(selection, limit)
    }
    fn dead_letter(&self, id: MessageId) -> Stored<'_, Option<DeadLetterDetail>> {
        self.inner.dead_letter(id)
    }
    fn notice(&self, notices: Vec<Notice>) -> Stored<'_, Vec<Noticed>> {
        self.inner.notice(notices)
    }

    fn hints(&self, question: HintQuestion) -> Stored<'_, Vec<Hint>> {
        self.inner.hints(question)
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    fn turn(&self, turn: TurnRequest) -> Stored<'_, bool> {
        self.inner.turn(turn)
    }

    fn hints_taken(&self, taken: HintsTaken) -> Stored<'_, ()> {
        self.inner.hints_taken(taken)
    }

    fn subscriptions(&self) -> Stored<'_, Vec<Subscription>> {
        self.inner.subscriptions()
    }

    fn subscription(&self, change: SubscriptionChange) -> Stored<'_, ()> {
        self.inner.subscription(change)
    }

    fn replay(&self, replay: Replay) -> Stored<'_, Replayed> {
        self.inner.replay(replay)
    }

    fn purge(&self, purge: Purge) -> Stored<'_, Purged> {
        self.inner.purge(purge)
    }

    fn forget(&self, forget: Forget) -> Stored<'_, Forgotten> {
        self.inner.forget(forget)
    }

    fn next_due(&self, settled: bool) -> Stored<'_, Option<Timestamp>> {
        self.inner.next_due(settled)
    }
}

/// A connector between the engine and the real one.
struct BentConnector {
    inner: Arc<dyn Connector>,
    mutant: Option<Mutant>,
}

impl Connector for BentConnector {
    fn alias(&self) -> &str {
        self.inner.alias()
    }
    fn reading(&self, entity: &str) -> Reading {
        self.inner.reading(entity)
    }
    fn writing(&self, entity: &str) -> Writing {
        let mut writing = self.inner.writing(entity);
        if self.mutant == Some(Mutant::ProbeWithoutSettle) {
            writing.settle = Duration::ZERO;
        }
        writing
    }
    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
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
        Box::pin(async move {
            let mut write = write.clone();
            if self.mutant == Some(Mutant::VersionInCreateKey) {
                write.create_key = format!("{}{}", write.create_key, write.record);
            }
            match self.inner.send(&write).await {
                Err(failure) if failure.class == Class::Ambiguous => {
                    let taken_for = match self.mutant {
                        Some(Mutant::AmbiguousIsTransient) => Class::Transient,
                        _ => Class::Ambiguous,
                    };
                    Err(Failure { class: taken_for, ..failure })
                }
                Err(failure) if failure.class == Class::Halt && self.mutant == Some(Mutant::SwallowRefusal) => {
                    Ok(Written { key: vec!["?".to_owned()], record: None })
                }
                answer => answer,
            }
        })
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

fn at(text: &str) -> Timestamp {
    format!("2026-11-23T{text}Z").parse().unwrap()
}

fn shop() -> Setup {
    let mut setup = Setup::new();
    setup.workers = 1;
    for number in 0..2 {
        setup.world.customer(&format!("c{number}"), at("08:00:00"));
    }
    for number in 0..8 {
        let stamp = at(&format!("08:00:{number:02}"));
        setup.world.order(&format!("o{number}"), &format!("c{}", number % 2), "A", 10 + number, stamp);
    }
    setup.world.item("A");
    setup
}

async fn run(setup: &Setup, bent: &Arc<Bent>, stop: Stop, flows: &[&str]) {
    let mutant = bent.mutant;
    let wrap = |inner| Arc::new(BentConnector { inner, mutant }) as Arc<dyn Connector>;
    let engine = setup.engine_over(bent.clone(), setup.options(), wrap);
    let flows = flows.iter().map(|flow| (*flow).to_owned()).collect();
    // A power cut ends the call with an error; everything else is judged by what is left behind.
    let ended = engine.sync(&Sync { stop, flows, ..Sync::default() }).await;
    assert_eq!(ended.is_err(), bent.cut.load(Ordering::SeqCst), "{ended:?}");
}

/// The scenario that shows the mutant; without it, the same scenario must leave everything whole.
async fn scenario(which: Mutant, mutant: Option<Mutant>) -> Setup {
    let mut setup = shop();
    let mut bent = Bent::new(setup.store(), mutant);
    match which {
        Mutant::AckBeforeCommit | Mutant::FollowUpLost | Mutant::RejectionSkipped => {
            setup.world.order("x", "c1", "UNKNOWN", 5, at("08:00:03"));
        }
        Mutant::WatermarkEarly => {}
        Mutant::IntentAfterSend => bent.cut_at = Some(1),
        Mutant::NoFence => return zombie(setup, bent).await,
        Mutant::VersionInCreateKey => return two_versions(setup, bent).await,
        Mutant::ProbeWithoutSettle => setup.world.trouble(&[Trouble::Late(Duration::from_secs(100))]),
        // After its settle time the system has made it, and shows it only a little later.
        Mutant::OneAbsentProbeIsEnough => setup.world.trouble(&[Trouble::Late(Duration::from_secs(150))]),
        Mutant::AmbiguousIsTransient => setup.world.trouble(&[Trouble::LostReply]),
        Mutant::SwallowRefusal => *setup.world.locked.lock().unwrap() = true,
        Mutant::NoQuietAfterUnproven => return late_put(setup, bent).await,
        Mutant::NoClaimOfNaturalKey => {
            for (id, total) in [("a", 5), ("b", 6)] {
                let record = format!(r#"{{"id":"{id}","no":"SAME","customer":"c1","item":"A","total":{total}}}"#);
                setup.world.put("order", id, record, at("08:00:03"));
            }
        }
    }
    setup.level = DeliveryLevel::Probeable;
    let bent = Arc::new(bent);
    run(&setup, &bent, Stop::Idle, &[]).await;
    drop(bent);
    // Whatever was left is taken up by a program that is whole.
    *setup.world.locked.lock().unwrap() = false;
    setup.clock.advance(Duration::from_secs(120));
    // Anything that is sent makes the ERP carry out what it still has.
    setup.world.customer("c8", setup.clock.now());
    setup.clock.advance(Duration::from_secs(60));
    setup.sync().await;
    setup
}

/// A worker that was frozen beyond its lease comes back while its heir has just sent.
async fn zombie(setup: Setup, bent: Bent) -> Setup {
    let bent = Arc::new(bent);
    run(&setup, &bent, Stop::Idle, &["customers"]).await;
    setup.world.customer("late", setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.world.trouble(&[Trouble::Refused(Class::Transient)]);
    run(&setup, &bent, Stop::Once, &["customers"]).await;
    setup.clock.advance(Duration::from_secs(60));
    let claim = || LeaseRequest {
        owner: "worker".to_owned(),
        now: setup.clock.now(),
        due_by: setup.clock.now(),
        until: setup.clock.now().checked_add(Duration::from_secs(30)).unwrap(),
        limit: 1,
        flows: vec!["customers".to_owned()],
        deliveries_max: 5,
        canary: None,
    };
    let frozen = bent.lease(claim()).await.unwrap().remove(0);
    setup.clock.advance(Duration::from_secs(31));
    let heir = bent.lease(claim()).await.unwrap().remove(0);
    let record = r#"{"No":"late","Name":"Customer late"}"#.to_owned();
    let write = WriteRequest {
        entity: "Partners".to_owned(),
        deed: Deed::Create,
        record: record.clone(),
        create_key: "key-late".to_owned(),
        version: None,
    };
    let sent = Sent {
        deed: Deed::Create,
        record,
        create_key: "key-late".to_owned(),
        hash: "hash".to_owned(),
        at: setup.clock.now(),
    };
    let intent =
        Intent { id: heir.id, fence: heir.fence, sent, version: "v".to_owned(), claims: Vec::new(), batch: None };
    assert_eq!(bent.intend(intent).await.unwrap(), Intended::Granted);
    let erp = common::world::System {
        alias: "erp".to_owned(),
        world: Arc::clone(&setup.world),
        clock: Arc::clone(&setup.clock),
    };
    erp.send(&write).await.unwrap();
    // The frozen worker had sent nothing and says so; only its fence tells that it no longer speaks for the message.
    let fault = Fault::own("transient", "nothing was sent");
    let verdict = Verdict::Retry { at: setup.clock.now(), fault, quiet_until: None, alone: false };
    let conclusion = Conclusion {
        id: frozen.id,
        fence: frozen.fence,
        order_key: frozen.order_key.clone(),
        now: setup.clock.now(),
        verdict,
        probe: None,
    };
    bent.conclude(conclusion).await.unwrap();
    setup.clock.advance(Duration::from_secs(600));
    drop(bent);
    setup.sync().await;
    setup
}

/// A new order changes between two attempts at a create that the target tells apart by its key alone.
async fn two_versions(mut setup: Setup, bent: Bent) -> Setup {
    setup.level = DeliveryLevel::Keyed;
    setup.latest_wins = true;
    *setup.world.keyed.lock().unwrap() = true;
    let bent = Arc::new(bent);
    run(&setup, &bent, Stop::Idle, &[]).await;
    setup.world.order("new", "c1", "A", 1, setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.world.trouble(&[Trouble::LostReply]);
    run(&setup, &bent, Stop::Once, &["orders"]).await;
    setup.world.order("new", "c1", "A", 2, setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    run(&setup, &bent, Stop::Idle, &[]).await;
    setup
}

/// The answer to a PUT is lost and it takes effect only later: the next version must not be sent before.
async fn late_put(mut setup: Setup, bent: Bent) -> Setup {
    setup.variant.upsert = true;
    setup.latest_wins = true;
    let bent = Arc::new(bent);
    run(&setup, &bent, Stop::Idle, &[]).await;
    setup.world.order("o1", "c1", "A", 101, setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    setup.world.trouble(&[Trouble::Late(Duration::from_secs(60))]);
    run(&setup, &bent, Stop::Once, &["orders"]).await;
    setup.world.order("o1", "c1", "A", 102, setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    run(&setup, &bent, Stop::Idle, &[]).await;
    setup.clock.advance(Duration::from_secs(120));
    // Anything that is sent makes the ERP carry out what it still has.
    setup.world.customer("c9", setup.clock.now());
    setup.clock.advance(Duration::from_secs(10));
    run(&setup, &bent, Stop::Idle, &[]).await;
    setup
}

/// What the checker says: nothing, or the first breach.
async fn verdict(setup: Setup) -> Option<String> {
    let judged = tokio::spawn(async move {
        setup.check_invariants().await;
        let world = setup.world.state.lock().unwrap().clone();
        let orders: Vec<&common::world::Document> =
            world.documents.iter().filter(|document| document.entity == "Orders").collect();
        for order in orders.iter().filter(|order| order.natural != "SAME") {
            assert!(world.numbers.contains_key(&order.natural), "I13: the number of {} never came back", order.natural);
        }
    });
    let panic = judged.await.err()?.into_panic();
    let said = panic.downcast_ref::<String>().cloned();
    Some(said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap())
}

#[tokio::test]
async fn every_mutant_is_caught_and_every_scenario_is_clean_without_it() {
    let mut failures = Vec::new();
    for (mutant, invariants) in MUTANTS {
        if let Some(breach) = verdict(scenario(*mutant, None).await).await {
            failures.push(format!("{mutant:?}: not clean without the mutant: {breach}"));
        }
        match verdict(scenario(*mutant, Some(*mutant)).await).await {
            None => failures.push(format!("{mutant:?} survives")),
            Some(breach) if !invariants.iter().any(|known| breach.contains(known)) => {
                failures.push(format!("{mutant:?} is caught by something else: {breach}"));
            }
            Some(_) => {}
        }
    }
    assert_eq!(failures, Vec::<String>::new());
}
