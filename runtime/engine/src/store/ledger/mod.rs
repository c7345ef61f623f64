//! The ledger itself: every call of [`Store`] as one transaction, whatever database it is kept in.
//!
//! In: the calls. Out: their results. All of it is written once, in SQL that [`super::sql`] makes both databases understand.

mod agreed;
mod alerts;
mod capture;
mod conclude;
mod connections;
mod gone;
mod hints;
mod lanes;
mod late;
mod lease;
mod order;
mod people;
#[cfg(test)]
mod plans;
mod privacy;
mod query;
pub(in crate::store) mod schema;
mod step;
mod subscriptions;
mod sweeping;
mod turns;

use jiff::Timestamp;
use mapwright_values::Link;

use super::sql::{Connection, Lock};
use super::*;

/// Runs transactions. A job may be run again when the database gave its transaction up, so it changes nothing else.
pub(in crate::store) trait Runner: Send + Sync {
    /// May several processes work on it at the same time?
    fn shared(&self) -> bool;

    /// Takes the store for working.
    ///
    /// # Errors
    /// When another process holds it and it cannot be shared.
    fn take(&self) -> Result<(), StoreError>;

    /// Moves what was erased out of logs and copies of the database, as far as that is the program's to do.
    fn emptied(&self) -> Stored<'static, ()>;

    /// Runs a job that writes.
    fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T>;

    /// Runs a job that writes a little and may share its commit with others; `locks`: the names that it locks, as far as they are
    /// known beforehand.
    fn write_small<T: Send + 'static>(
        &self,
        locks: Vec<Lock>,
        job: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T> {
        drop(locks);
        self.write(job)
    }

    /// Runs a job that reads one state of the store.
    fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T>;
}

/// Microseconds since 1970: how times are kept.
fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The time behind kept microseconds.
fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

impl<R: Runner> Store for R {
    fn begin(&self, beginning: Beginning) -> Stored<'_, ()> {
        if let Err(error) = self.take() {
            return Box::pin(async move { Err(error) });
        }
        self.write(move |tx| lease::begin(tx, &beginning))
    }

    fn capture(&self, page: CapturePage) -> Stored<'_, Captured> {
        self.write(move |tx| capture::capture(tx, &page))
    }

    fn is_shared(&self) -> bool {
        self.shared()
    }

    fn turn(&self, turn: TurnRequest) -> Stored<'_, bool> {
        self.write(move |tx| turns::take(tx, &turn))
    }

    fn position<'a>(&'a self, flow: &'a str, pass: &'a str) -> Stored<'a, Position> {
        let (flow, pass) = (flow.to_owned(), pass.to_owned());
        self.read(move |tx| capture::position(tx, &flow, &pass))
    }

    fn unseen(&self, question: UnseenQuestion) -> Stored<'_, Unseen> {
        self.read(move |tx| gone::unseen(tx, &question))
    }

    fn agreed(&self, records: Vec<RecordRef>) -> Stored<'_, Vec<Option<Agreed>>> {
        self.read(move |tx| records.iter().map(|record| agreed::of(tx, record)).collect())
    }

    fn lease(&self, request: LeaseRequest) -> Stored<'_, Vec<Leased>> {
        self.write(move |tx| lease::lease(tx, &request))
    }

    fn take_up(&self, request: TakeUp) -> Stored<'_, bool> {
        self.write_small(Vec::new(), move |tx| lease::take_up(tx, &request))
    }

    fn intend(&self, intent: Intent) -> Stored<'_, Intended> {
        self.write_small(Vec::new(), move |tx| lease::intend(tx, &intent))
    }

    fn conclude(&self, conclusion: Conclusion) -> Stored<'_, Concluded> {
        let locks = if self.shared() { conclude::locks(&conclusion) } else { Vec::new() };
        self.write_small(locks, move |tx| conclude::conclude(tx, &conclusion))
    }

    fn links(&self, links: Vec<Link>) -> Stored<'_, Vec<Option<String>>> {
        self.read(move |tx| links.iter().map(|link| query::link(tx, link)).collect())
    }

    fn connection(&self, change: ConnectionChange) -> Stored<'_, ()> {
        self.write(move |tx| connections::change(tx, &change))
    }

    fn sweep(&self, sweep: Sweep) -> Stored<'_, u64> {
        self.write(move |tx| sweeping::sweep(tx, &sweep))
    }

    fn silence(&self, check: SilenceCheck) -> Stored<'_, bool> {
        self.write(move |tx| sweeping::silence(tx, &check))
    }

    fn operate(&self, operation: Operation) -> Stored<'_, u64> {
        self.write(move |tx| people::operate(tx, &operation))
    }

    fn reading(&self, note: ReadingNote) -> Stored<'_, ()> {
        self.write(move |tx| connections::note_reading(tx, &note))
    }

    fn alerts_due(&self, now: Timestamp, limit: u32) -> Stored<'_, Vec<Alert>> {
        self.read(move |tx| alerts::due(tx, now, limit))
    }

    fn alert_sent(&self, sent: AlertSent) -> Stored<'_, ()> {
        self.write(move |tx| alerts::sent(tx, &sent))
    }

    fn status(&self, _now: Timestamp) -> Stored<'_, StoreStatus> {
        self.read(query::status)
    }

    fn last_read(&self) -> Stored<'_, Vec<(String, Option<Timestamp>)>> {
        self.read(query::last_read)
    }

    fn connections(&self) -> Stored<'_, Vec<ConnectionStatus>> {
        self.read(query::connections)
    }

    fn dead_letters(&self, selection: Selection, limit: u32) -> Stored<'_, Vec<DeadLetter>> {
        self.read(move |tx| query::dead_letters(tx, &selection, limit))
    }

    fn dead_letter(&self, id: MessageId) -> Stored<'_, Option<DeadLetterDetail>> {
        self.read(move |tx| query::dead_letter(tx, id))
    }

    fn notice(&self, notices: Vec<Notice>) -> Stored<'_, Vec<Noticed>> {
        self.write(move |tx| hints::keep(tx, &notices))
    }

    fn hints(&self, question: HintQuestion) -> Stored<'_, Vec<Hint>> {
        self.read(move |tx| hints::due(tx, &question))
    }

    fn hints_taken(&self, taken: HintsTaken) -> Stored<'_, ()> {
        self.write(move |tx| hints::taken(tx, &taken))
    }

    fn subscriptions(&self) -> Stored<'_, Vec<Subscription>> {
        self.read(subscriptions::all)
    }

    fn subscription(&self, change: SubscriptionChange) -> Stored<'_, ()> {
        self.write(move |tx| subscriptions::change(tx, &change))
    }

    fn replay(&self, replay: Replay) -> Stored<'_, Replayed> {
        self.write(move |tx| privacy::replay(tx, &replay))
    }

    fn purge(&self, purge: Purge) -> Stored<'_, Purged> {
        self.write(move |tx| privacy::purge(tx, &purge))
    }

    fn forget(&self, forget: Forget) -> Stored<'_, Forgotten> {
        let (call, emptied) = (self.write(move |tx| privacy::forget(tx, &forget)), self.emptied());
        Box::pin(async move {
            let forgotten = call.await?;
            emptied.await?;
            Ok(forgotten)
        })
    }

    fn next_due(&self, settled: bool) -> Stored<'_, Option<Timestamp>> {
        self.read(move |tx| query::next_due(tx, settled))
    }
}
