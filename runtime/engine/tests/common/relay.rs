//! A store between an engine and the real one: it hands every call on, and lets a test bend or break what goes through.

use std::sync::Arc;

use jiff::Timestamp;
use mapwright_engine::alert::Alert;
use mapwright_engine::status::{ConnectionStatus, DeadLetter, DeadLetterDetail, StoreStatus};
use mapwright_engine::store::*;
use mapwright_values::Link;

/// What a test does to the calls. Each hook does nothing unless it is given a body.
pub trait Hooks: Send + Sync {
    /// Before a call takes effect; an error keeps it from taking effect.
    fn before(&self, _call: &'static str) -> Result<(), StoreError> {
        Ok(())
    }
    /// After a call took effect; an error takes its answer away.
    fn after(&self, _call: &'static str) -> Result<(), StoreError> {
        Ok(())
    }
    /// How often the caller lets others go before it has its answer.
    fn waits(&self) -> u64 {
        0
    }
    fn captures(&self, _page: &mut CapturePage) {}
    fn agreed(&self, _records: &[RecordRef], _answer: &mut Vec<Option<Agreed>>) {}
    fn leased(&self, _answer: &mut Vec<Leased>) {}
    fn intends(&self, _intent: &mut Intent) {}
    fn concludes(&self, _conclusion: &mut Conclusion) {}
}

pub struct Relay<H> {
    pub inner: Arc<dyn Store>,
    pub hooks: H,
}

impl<H: Hooks> Relay<H> {
    fn pass<'a, T: Send + 'a>(&'a self, call: &'static str, asked: impl FnOnce() -> Stored<'a, T>) -> Stored<'a, T> {
        if let Err(error) = self.hooks.before(call) {
            return Box::pin(async move { Err(error) });
        }
        let answer = asked();
        Box::pin(async move {
            let answer = answer.await?;
            self.hooks.after(call)?;
            for _ in 0..self.hooks.waits() {
                tokio::task::yield_now().await;
            }
            Ok(answer)
        })
    }
}

impl<H: Hooks> Store for Relay<H> {
    fn begin(&self, beginning: Beginning) -> Stored<'_, ()> {
        self.pass("begin", || self.inner.begin(beginning))
    }
    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }
    fn turn(&self, turn: TurnRequest) -> Stored<'_, bool> {
        self.pass("turn", || self.inner.turn(turn))
    }
    fn capture(&self, mut page: CapturePage) -> Stored<'_, Captured> {
        self.hooks.captures(&mut page);
        self.pass("capture", || self.inner.capture(page))
    }
    fn position<'a>(&'a self, flow: &'a str, pass: &'a str) -> Stored<'a, Position> {
        self.pass("position", || self.inner.position(flow, pass))
    }
    fn unseen(&self, question: UnseenQuestion) -> Stored<'_, Unseen> {
        self.pass("unseen", || self.inner.unseen(question))
    }
    fn agreed(&self, records: Vec<RecordRef>) -> Stored<'_, Vec<Option<Agreed>>> {
        let asked = records.clone();
        let answer = self.pass("agreed", || self.inner.agreed(records));
        Box::pin(async move {
            let mut answer = answer.await?;
            self.hooks.agreed(&asked, &mut answer);
            Ok(answer)
        })
    }
    fn lease(&self, request: LeaseRequest) -> Stored<'_, Vec<Leased>> {
        let answer = self.pass("lease", || self.inner.lease(request));
        Box::pin(async move {
            let mut answer = answer.await?;
            self.hooks.leased(&mut answer);
            Ok(answer)
        })
    }
    fn take_up(&self, request: TakeUp) -> Stored<'_, bool> {
        self.pass("take_up", || self.inner.take_up(request))
    }
    fn intend(&self, mut intent: Intent) -> Stored<'_, Intended> {
        self.hooks.intends(&mut intent);
        self.pass("intend", || self.inner.intend(intent))
    }
    fn conclude(&self, mut conclusion: Conclusion) -> Stored<'_, Concluded> {
        self.hooks.concludes(&mut conclusion);
        self.pass("conclude", || self.inner.conclude(conclusion))
    }
    fn links(&self, links: Vec<Link>) -> Stored<'_, Vec<Option<String>>> {
        self.pass("links", || self.inner.links(links))
    }
    fn connection(&self, change: ConnectionChange) -> Stored<'_, ()> {
        self.pass("connection", || self.inner.connection(change))
    }
    fn sweep(&self, sweep: Sweep) -> Stored<'_, u64> {
        self.pass("sweep", || self.inner.sweep(sweep))
    }
    fn silence(&self, check: SilenceCheck) -> Stored<'_, bool> {
        self.pass("silence", || self.inner.silence(check))
    }
    fn operate(&self, operation: Operation) -> Stored<'_, u64> {
        self.pass("operate", || self.inner.operate(operation))
    }
    fn reading(&self, note: ReadingNote) -> Stored<'_, ()> {
        self.pass("reading", || self.inner.reading(note))
    }
    fn alerts_due(&self, now: Timestamp, limit: u32) -> Stored<'_, Vec<Alert>> {
        self.pass("alerts_due", || self.inner.alerts_due(now, limit))
    }
    fn alert_sent(&self, sent: AlertSent) -> Stored<'_, ()> {
        self.pass("alert_sent", || self.inner.alert_sent(sent))
    }
    fn status(&self, now: Timestamp) -> Stored<'_, StoreStatus> {
        self.pass("status", || self.inner.status(now))
    }
    fn last_read(&self) -> Stored<'_, Vec<(String, Option<Timestamp>)>> {
        self.pass("last_read", || self.inner.last_read())
    }
    fn connections(&self) -> Stored<'_, Vec<ConnectionStatus>> {
        self.pass("connections", || self.inner.connections())
    }
    fn dead_letters(&self, selection: Selection, limit: u32) -> Stored<'_, Vec<DeadLetter>> {
        self.pass("dead_letters", || self.inner.dead_letters(selection, limit))
    }
    fn dead_letter(&self, id: MessageId) -> Stored<'_, Option<DeadLetterDetail>> {
        self.pass("dead_letter", || self.inner.dead_letter(id))
    }
    fn notice(&self, notices: Vec<Notice>) -> Stored<'_, Vec<Noticed>> {
        self.pass("notice", || self.inner.notice(notices))
    }
    fn hints(&self, question: HintQuestion) -> Stored<'_, Vec<Hint>> {
        self.pass("hints", || self.inner.hints(question))
    }
    fn hints_taken(&self, taken: HintsTaken) -> Stored<'_, ()> {
        self.pass("hints_taken", || self.inner.hints_taken(taken))
    }
    fn subscriptions(&self) -> Stored<'_, Vec<Subscription>> {
        self.pass("subscriptions", || self.inner.subscriptions())
    }
    fn subscription(&self, change: SubscriptionChange) -> Stored<'_, ()> {
        self.pass("subscription", || self.inner.subscription(change))
    }
    fn replay(&self, replay: Replay) -> Stored<'_, Replayed> {
        self.pass("replay", || self.inner.replay(replay))
    }
    fn purge(&self, purge: Purge) -> Stored<'_, Purged> {
        self.pass("purge", || self.inner.purge(purge))
    }
    fn forget(&self, forget: Forget) -> Stored<'_, Forgotten> {
        self.pass("forget", || self.inner.forget(forget))
    }
    fn next_due(&self, settled: bool) -> Stored<'_, Option<Timestamp>> {
        self.pass("next_due", || self.inner.next_due(settled))
    }
}
