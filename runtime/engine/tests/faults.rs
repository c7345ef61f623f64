//! Every call of the store fails once, before or after it took effect: nothing is lost, nothing doubled.

#![allow(clippy::unwrap_used, reason = "tests stop at once")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::Setup;
use common::pair_project::{ERP, Pair, SHOP, UPDATE, UPSERT, flow, leak, write};
use common::world::Trouble;
use jiff::Timestamp;
use mapwright_engine::Sync;
use mapwright_engine::alert::Alert;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::{Batching, Class};
use mapwright_engine::state::State;
use mapwright_engine::status::{ConnectionStatus, DeadLetter, DeadLetterDetail, StoreStatus};
use mapwright_engine::store::*;
use mapwright_values::Link;
use mapwright_values::plan::WritePlan;

/// A store whose Nth call fails.
struct Failing {
    inner: Arc<dyn Store>,
    nth: u64,
    calls: AtomicU64,
    /// The call took effect and only its answer was lost.
    after: bool,
}

impl Failing {
    fn guard<'a, T: Send + 'a>(&'a self, call: impl FnOnce() -> Stored<'a, T>) -> Stored<'a, T> {
        let failing = self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.nth;
        let error = StoreError::new("the disk is gone");
        match (failing, self.after) {
            (true, false) => Box::pin(async move { Err(error) }),
            (true, true) => {
                let answer = call();
                Box::pin(async move { answer.await.and(Err(error)) })
            }
            (false, _) => call(),
        }
    }
}

impl Store for Failing {
    fn begin(&self, beginning: Beginning) -> Stored<'_, ()> {
        self.guard(|| self.inner.begin(beginning))
    }
    fn capture(&self, page: CapturePage) -> Stored<'_, Captured> {
        self.guard(|| self.inner.capture(page))
    }
    fn position<'a>(&'a self, flow: &'a str, pass: &'a str) -> Stored<'a, Position> {
        self.guard(|| self.inner.position(flow, pass))
    }
    fn unseen(&self, question: UnseenQuestion) -> Stored<'_, Unseen> {
        self.guard(|| self.inner.unseen(question))
    }
    fn agreed(&self, records: Vec<RecordRef>) -> Stored<'_, Vec<Option<Agreed>>> {
        self.guard(|| self.inner.agreed(records))
    }
    fn lease(&self, request: LeaseRequest) -> Stored<'_, Vec<Leased>> {
        self.guard(|| self.inner.lease(request))
    }
    fn take_up(&self, request: TakeUp) -> Stored<'_, bool> {
        self.guard(|| self.inner.take_up(request))
    }
    fn intend(&self, intent: Intent) -> Stored<'_, Intended> {
        self.guard(|| self.inner.intend(intent))
    }
    fn conclude(&self, conclusion: Conclusion) -> Stored<'_, Concluded> {
        self.guard(|| self.inner.conclude(conclusion))
    }
    fn links(&self, links: Vec<Link>) -> Stored<'_, Vec<Option<String>>> {
        self.guard(|| self.inner.links(links))
    }
    fn connection(&self, change: ConnectionChange) -> Stored<'_, ()> {
        self.guard(|| self.inner.connection(change))
    }
    fn sweep(&self, sweep: Sweep) -> Stored<'_, u64> {
        self.guard(|| self.inner.sweep(sweep))
    }
    fn silence(&self, check: SilenceCheck) -> Stored<'_, bool> {
        self.guard(|| self.inner.silence(check))
    }
    fn operate(&self, operation: Operation) -> Stored<'_, u64> {
        self.guard(|| self.inner.operate(operation))
    }
    fn reading(&self, note: ReadingNote) -> Stored<'_, ()> {
        self.guard(|| self.inner.reading(note))
    }
    fn alerts_due(&self, now: Timestamp, limit: u32) -> Stored<'_, Vec<Alert>> {
        self.guard(|| self.inner.alerts_due(now, limit))
    }
    fn alert_sent(&self, sent: AlertSent) -> Stored<'_, ()> {
        self.guard(|| self.inner.alert_sent(sent))
    }
    fn status(&self, now: Timestamp) -> Stored<'_, StoreStatus> {
        self.guard(|| self.inner.status(now))
    }
    fn last_read(&self) -> Stored<'_, Vec<(String, Option<Timestamp>)>> {
        self.guard(|| self.inner.last_read())
    }
    fn connections(&self) -> Stored<'_, Vec<ConnectionStatus>> {
        self.guard(|| self.inner.connections())
    }
    fn dead_letters(&self, selection: Selection, limit: u32) -> Stored<'_, Vec<DeadLetter>> {
        self.guard(|| self.inner.dead_letters(selection, limit))
    }
    fn dead_letter(&self, id: MessageId) -> Stored<'_, Option<DeadLetterDetail>> {
        self.guard(|| self.inner.dead_letter(id))
    }
    fn notice(&self, notices: Vec<Notice>) -> Stored<'_, Vec<Noticed>> {
        self.guard(|| self.inner.notice(notices))
    }
    fn hints(&self, question: HintQuestion) -> Stored<'_, Vec<Hint>> {
        self.guard(|| self.inner.hints(question))
    }
    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }
    fn turn(&self, turn: TurnRequest) -> Stored<'_, bool> {
        self.guard(|| self.inner.turn(turn))
    }
    fn hints_taken(&self, taken: HintsTaken) -> Stored<'_, ()> {
        self.guard(|| self.inner.hints_taken(taken))
    }
    fn subscriptions(&self) -> Stored<'_, Vec<Subscription>> {
        self.guard(|| self.inner.subscriptions())
    }
    fn subscription(&self, change: SubscriptionChange) -> Stored<'_, ()> {
        self.guard(|| self.inner.subscription(change))
    }
    fn replay(&self, replay: Replay) -> Stored<'_, Replayed> {
        self.guard(|| self.inner.replay(replay))
    }
    fn purge(&self, purge: Purge) -> Stored<'_, Purged> {
        self.guard(|| self.inner.purge(purge))
    }
    fn forget(&self, forget: Forget) -> Stored<'_, Forgotten> {
        self.guard(|| self.inner.forget(forget))
    }
    fn next_due(&self, settled: bool) -> Stored<'_, Option<Timestamp>> {
        self.guard(|| self.inner.next_due(settled))
    }
}

/// Customers, orders, an unknown item, a record that breaks the mapping, a lost answer, a refusal.
fn shop() -> Setup {
    let mut setup = Setup::new();
    setup.workers = 1;
    let stamp = "2026-11-23T08:00:00Z".parse().unwrap();
    for number in 0..2 {
        setup.world.customer(&format!("c{number}"), stamp);
    }
    for number in 0..3 {
        setup.world.order(&format!("o{number}"), &format!("c{}", number % 2), "A", 10 + number, stamp);
    }
    setup.world.order("x", "c1", "UNKNOWN", 5, stamp);
    setup.world.order("y", "nobody", "A", 5, stamp);
    setup.world.item("A");
    setup.world.trouble(&[Trouble::LostReply, Trouble::Refused(Class::Transient), Trouble::LostRequest]);
    setup
}

/// Which calls one test lets fail: every one of this many, beginning with the first or the second or ...
#[derive(Clone, Copy)]
struct Share {
    first: u64,
    of: u64,
}

/// Answers how often a call failed between two pages.
async fn fail_every_call(after: bool, share: Share) -> u64 {
    let mut half_read = 0;
    for nth in (share.first..).step_by(usize::try_from(share.of).unwrap()) {
        let setup = shop();
        // The store stays open: that a new process finds the same is shown by the tests that kill one.
        let store = setup.store();
        let failing = Failing { inner: store.clone(), nth, calls: AtomicU64::new(0), after };
        let result = setup.try_sync(Arc::new(failing)).await;
        let position = store.position("orders", "changed").await.unwrap();
        if position.window.is_some() {
            half_read += 1;
            let last_kept = "2026-11-23T08:00:00Z".parse().unwrap();
            assert_eq!(
                position.read_wm,
                Some(last_kept),
                "I2: the watermark stands at what is kept, not at what is asked for"
            );
        }
        // The next beginning finds whatever the failure left.
        setup.try_sync(store.clone()).await.unwrap();
        common::check_invariants(store.as_ref(), &setup.world, setup.clock.now()).await;
        assert_eq!((setup.world.documents("Partners"), setup.world.documents("Orders")), (2, 3), "call {nth} failed");
        assert_eq!(setup.world.state.lock().unwrap().numbers.len(), 3, "call {nth} failed");
        let done = counts(store.as_ref(), &setup).await;
        assert_eq!(done.1, 1, "call {nth} failed");
        setup.try_sync(store.clone()).await.unwrap();
        assert_eq!(counts(store.as_ref(), &setup).await, done, "I12: starting again changes nothing");
        if result.is_ok() {
            assert!(nth > 40, "only {nth} calls were tried");
            return half_read;
        }
    }
    half_read
}

/// Orders that are done, and that are dead.
async fn counts(store: &dyn Store, setup: &Setup) -> (u64, u64) {
    let status = store.status(setup.clock.now()).await.unwrap();
    let flow = status.flows.iter().find(|flow| flow.flow == "orders").unwrap();
    (flow.count(State::Done), flow.count(State::Dead))
}

#[tokio::test]
async fn each_call_fails_once_before_it_takes_effect() {
    let (odd, even) = tokio::join!(
        fail_every_call(false, Share { first: 1, of: 2 }),
        fail_every_call(false, Share { first: 2, of: 2 })
    );
    assert!(odd + even > 0, "no call failed between two pages");
}

#[tokio::test]
async fn each_call_fails_once_after_it_took_effect() {
    let (odd, even) = tokio::join!(
        fail_every_call(true, Share { first: 1, of: 2 }),
        fail_every_call(true, Share { first: 2, of: 2 })
    );
    assert!(odd + even > 0, "no call failed between two pages");
}

/// Two ways, in batches, with a conflict and a delete.
async fn changed_on_both_sides() -> Pair {
    let mut out = flow("out", SHOP, vec![WritePlan { batch: Some(5), ..write("to_erp", UPSERT) }]);
    let mut back = flow("back", ERP, vec![write("to_shop", UPDATE)]);
    (out.conflict, back.conflict) = (Some("erp"), Some("erp"));
    out.on_delete = leak(vec![write("gone", UPDATE)]);
    let pair = Pair::new(vec![out, back]);
    *pair.erp.batching.lock().unwrap() = Some(Batching { size_max: 5, atomic: false });
    for key in ["0", "1", "2", "3"] {
        pair.shop.edit("item", key, &[("name", "first")]);
    }
    pair.sync().await;
    pair.sync().await;
    pair.shop.edit("item", "0", &[("name", "s")]);
    pair.erp.edit("Items", "1", &[("name", "e")]);
    pair.shop.edit("item", "2", &[("name", "s")]);
    pair.erp.edit("Items", "2", &[("name", "e")]);
    pair.shop.remove("item", "3");
    pair.erp.requests();
    pair
}

/// Every second call fails before it took effect, the others after it did.
#[tokio::test]
async fn two_sides_converge_whatever_call_of_the_store_fails() {
    let everything = Sync { everything: true, ..Sync::default() };
    for nth in 1.. {
        let pair = changed_on_both_sides().await;
        let store = common::open(pair.folder.path());
        let failing = Failing { inner: store.clone(), nth, calls: AtomicU64::new(0), after: nth % 2 == 0 };
        pair.clock.advance(Duration::from_secs(60));
        let result = pair.engine_on(Arc::new(failing)).sync(&everything).await;
        for _ in 0..2 {
            pair.clock.advance(Duration::from_secs(60));
            pair.engine_on(store.clone()).sync(&everything).await.unwrap();
        }
        for (key, name) in [("0", "s"), ("1", "e"), ("2", "e")] {
            for (side, entity) in [(&pair.shop, "item"), (&pair.erp, "Items")] {
                assert_eq!(side.field(entity, key, "name").as_deref(), Some(name), "{key}, call {nth} failed");
            }
        }
        assert_eq!(pair.erp.field("Items", "3", "active").as_deref(), Some("no"), "call {nth} failed");
        let requests = pair.erp.requests();
        let written =
            |key: &str| requests.iter().filter(|request| request.keys.iter().any(|known| known == key)).count();
        // What was sent and not noted is sent once more: the same state again.
        assert!(written("0") <= 2 && written("1") == 0 && written("3") <= 2, "call {nth} failed: {requests:?}");
        if result.is_ok() {
            assert!(nth > 30, "only {nth} calls were tried");
            return;
        }
    }
}
