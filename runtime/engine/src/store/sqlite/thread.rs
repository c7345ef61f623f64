//! One thread, one connection, transactions in groups.
//!
//! In: jobs, each a closure over the connection. Out: each job's result, told only after the commit that holds it.
//! Jobs that wait while a commit is under way share the next one: each in its own savepoint, so that one job's failure
//! undoes that job alone. A job never sees another thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::oneshot;

use super::super::sql::Connection;
use super::super::{StoreError, Stored};
use crate::crash::CrashPoint;

/// Most questions that are answered from one state of the store.
const READS_MAX: usize = 128;

/// Tells a job's result once the commit is known to have worked or not.
type Telling = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Job = Box<dyn FnOnce(&Connection) -> Telling + Send>;

/// A thread that owns a connection.
#[derive(Debug)]
pub(super) struct StoreThread {
    jobs: Sender<Job>,
}

impl StoreThread {
    /// Starts the thread. `writes`: how many jobs at most share a commit; `None` = it only reads. `crash` is passed within and
    /// after each transaction that writes.
    pub(super) fn start(
        connection: rusqlite::Connection,
        writes: Option<usize>,
        crash: Arc<CrashPoint>,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = channel();
        std::thread::Builder::new()
            .name(if writes.is_some() { "store-writer" } else { "store-reader" }.to_owned())
            .spawn(move || work(&Connection::Sqlite { connection, shared: false }, writes, &waiting, &crash))
            .map_err(|error| StoreError::new(format!("the store's thread cannot be started: {error}")))?;
        Ok(Self { jobs })
    }

    /// Runs a job in a transaction.
    pub(super) fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T> {
        let (teller, answer) = oneshot::channel();
        let sent = self.jobs.send(Box::new(move |connection| {
            let result = in_savepoint(connection, job);
            Box::new(move |commit: Result<(), StoreError>| {
                // A caller that has gone away does not want to know.
                // SQLite ends the whole transaction itself when, for example, the disk is full: the job's own failure says
                // so, the commit's says only that there is nothing left to commit.
                let _ = teller.send(match (commit, result) {
                    (Err(_), Err(failed)) => Err(failed),
                    (commit, result) => commit.and(result),
                });
            })
        }));
        Box::pin(async move {
            sent.map_err(|_| gone())?;
            answer.await.map_err(|_| not_begun())?
        })
    }
}

fn gone() -> StoreError {
    StoreError::new("the store's thread has ended: start the program again")
}

fn not_begun() -> StoreError {
    StoreError::new("the store cannot begin a transaction: the log says why")
}

fn in_savepoint<T>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT job")?;
    let result = job(connection);
    match result {
        Ok(value) => {
            connection.execute_batch("RELEASE job")?;
            Ok(value)
        }
        Err(failed) => {
            // When the transaction is over already, there is no savepoint left, and the commit fails: nothing is kept.
            if let Err(error) = connection.execute_batch("ROLLBACK TO job; RELEASE job") {
                tracing::debug!(error = %StoreError::from(error), "the transaction was over before its job was undone");
            }
            Err(failed)
        }
    }
}

fn work(connection: &Connection, writes: Option<usize>, waiting: &Receiver<Job>, crash: &CrashPoint) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        while group.len() < writes.unwrap_or(READS_MAX)
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        run_group(connection, writes.is_some(), group, crash);
    }
}

fn run_group(connection: &Connection, writes: bool, group: Vec<Job>, crash: &CrashPoint) {
    // The jobs are dropped and with them their tellers; their callers learn that nothing is known.
    if let Err(error) = connection.execute_batch(if writes { "BEGIN IMMEDIATE" } else { "BEGIN" }) {
        tracing::error!(error = %StoreError::from(error), "the store cannot begin a transaction");
        return;
    }
    let tellings: Vec<Telling> = group.into_iter().map(|job| job(connection)).collect();
    if writes {
        crash.reach("store.inside_transaction");
    }
    let commit = connection.execute_batch("COMMIT").map_err(StoreError::from);
    if commit.is_err() {
        // A transaction that SQLite has ended itself is no longer there to be undone.
        let _ = connection.execute_batch("ROLLBACK");
    }
    if writes {
        crash.reach("store.after_transaction");
    }
    for telling in tellings {
        telling(commit.clone());
    }
}
