//! A few threads, a session each, one queue of jobs.
//!
//! In: jobs, each a closure over a connection. Out: each job's result, told only after its commit. A session that is lost
//! is replaced; a job whose commit may or may not have happened fails with words that say so.
//!
//! Small jobs that wait share a transaction: they say beforehand what they lock, so that two such groups never wait for each
//! other. If anything goes wrong within a group nothing of it is kept, and each of its jobs runs by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::super::sql::postgres::{Session, Trouble};
use super::super::sql::{Connection, Lock};
use super::super::{StoreError, Stored};
use super::connect::Address;
use crate::backoff;
use crate::crash::CrashPoint;

/// How long a job is tried while the server cannot be reached or others are in its way.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most jobs in one transaction: what they lock is locked until it ends.
const GROUP_MAX: usize = 32;
/// Most sessions of one process that share transactions among jobs.
const GROUPS_MAX: usize = 2;
/// Longest pause between two tries, in milliseconds.
const PAUSE_MAX_MS: u64 = 500;

/// A job that can be run again until it is told.
trait Job: Send {
    /// Runs it; answers whether it worked.
    fn run(&mut self, connection: &Connection) -> bool;

    /// What it locks, as far as that is known beforehand; `None` = it shares its transaction with no other.
    fn locks(&self) -> Option<&[Lock]>;

    /// Tells its result, or why there is none.
    fn tell(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Call<T, F> {
    work: F,
    locks: Option<Vec<Lock>>,
    result: Option<Result<T, StoreError>>,
    teller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: Fn(&Connection) -> Result<T, StoreError> + Send> Job for Call<T, F> {
    fn run(&mut self, connection: &Connection) -> bool {
        let result = (self.work)(connection);
        let worked = result.is_ok();
        self.result = Some(result);
        worked
    }

    fn locks(&self) -> Option<&[Lock]> {
        self.locks.as_deref()
    }

    fn tell(self: Box<Self>, commit: Result<(), StoreError>) {
        let told = match (commit, self.result) {
            (Ok(()), Some(result)) => result,
            (Err(failed), _) => Err(failed),
            (Ok(()), None) => Err(StoreError::new("the store did not run a job: a fault of the program")),
        };
        // A caller that has gone away does not want to know.
        let _ = self.teller.send(told);
    }
}

/// What waits for a session.
#[derive(Default)]
struct Waiting {
    /// Jobs that may share a transaction.
    small: VecDeque<Box<dyn Job>>,
    /// Jobs that each have one of their own.
    alone: VecDeque<Box<dyn Job>>,
    /// Sessions that run small jobs now.
    groups: usize,
    ended: bool,
}

struct Queue {
    waiting: Mutex<Waiting>,
    bell: Condvar,
    /// Most sessions that run small jobs at once: while they commit, the next jobs gather.
    groups_max: usize,
}

/// Threads that each own a session.
pub(super) struct Threads {
    queue: Arc<Queue>,
}

impl std::fmt::Debug for Threads {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Threads").finish_non_exhaustive()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Ok(mut waiting) = self.queue.waiting.lock() {
            waiting.ended = true;
        }
        self.queue.bell.notify_all();
    }
}

impl Threads {
    /// Starts them. Sessions are opened when they are needed first.
    pub(super) fn start(
        count: usize,
        address: &Arc<Address>,
        writes: bool,
        crash: &Arc<CrashPoint>,
    ) -> Result<Self, StoreError> {
        let groups_max = GROUPS_MAX.min(count.saturating_sub(1)).max(1);
        let queue = Arc::new(Queue { waiting: Mutex::default(), bell: Condvar::new(), groups_max });
        for number in 0..count {
            let worker = Worker {
                queue: Arc::clone(&queue),
                address: Arc::clone(address),
                writes,
                crash: Arc::clone(crash),
                session: None,
            };
            std::thread::Builder::new()
                .name(format!("store-{}-{number}", if writes { "writer" } else { "reader" }))
                .spawn(move || worker.work())
                .map_err(|error| StoreError::new(format!("the store's thread cannot be started: {error}")))?;
        }
        Ok(Self { queue })
    }

    /// Runs a job in a transaction; one that says what it locks may share it with others.
    pub(super) fn call<T: Send + 'static>(
        &self,
        locks: Option<Vec<Lock>>,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T> {
        let (teller, answer) = oneshot::channel();
        let gone = || StoreError::new("the store's thread has ended: start the program again");
        match self.queue.waiting.lock() {
            Ok(mut waiting) => {
                let line = if locks.is_some() { &mut waiting.small } else { &mut waiting.alone };
                line.push_back(Box::new(Call { work, locks, result: None, teller }));
            }
            Err(_) => return Box::pin(async move { Err(gone()) }),
        }
        self.queue.bell.notify_one();
        Box::pin(async move { answer.await.map_err(|_| gone())? })
    }
}

struct Worker {
    queue: Arc<Queue>,
    address: Arc<Address>,
    writes: bool,
    crash: Arc<CrashPoint>,
    session: Option<Session>,
}

/// How one try of a job ended.
enum Tried {
    /// It is over: committed, or failed for good.
    Over(Result<(), StoreError>),
    /// Nothing of it was kept; it may be tried again.
    Again(StoreError),
}

impl Worker {
    fn work(mut self) {
        while let Some((mut jobs, small)) = self.next() {
            if jobs.len() == 1 || !self.together(&mut jobs) {
                for job in jobs {
                    self.alone(job);
                }
            }
            if small && let Ok(mut waiting) = self.queue.waiting.lock() {
                waiting.groups = waiting.groups.saturating_sub(1);
                self.queue.bell.notify_all();
            }
        }
    }

    /// The next jobs, and whether they are small ones.
    fn next(&self) -> Option<(Vec<Box<dyn Job>>, bool)> {
        let mut waiting = self.queue.waiting.lock().ok()?;
        loop {
            if !waiting.small.is_empty() && waiting.groups < self.queue.groups_max {
                waiting.groups = waiting.groups.saturating_add(1);
                let many = waiting.small.len().min(GROUP_MAX);
                return Some((waiting.small.drain(..many).collect(), true));
            }
            if let Some(job) = waiting.alone.pop_front() {
                return Some((vec![job], false));
            }
            if waiting.ended && waiting.small.is_empty() {
                return None;
            }
            waiting = self.queue.bell.wait(waiting).ok()?;
        }
    }

    /// Runs jobs in one transaction; answers whether it is over for all of them.
    fn together(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> bool {
        match self.attempt(jobs) {
            Tried::Over(result) => {
                for job in jobs.drain(..) {
                    job.tell(result.clone());
                }
                true
            }
            Tried::Again(error) => {
                tracing::debug!(%error, jobs = jobs.len(), "what shared a transaction runs one by one");
                false
            }
        }
    }

    fn alone(&mut self, job: Box<dyn Job>) {
        let mut job = [job];
        let begun = Instant::now();
        let mut tries: u32 = 0;
        let told = loop {
            match self.attempt(&mut job) {
                Tried::Over(result) => break result,
                Tried::Again(error) if begun.elapsed() >= PATIENCE => break Err(error),
                Tried::Again(error) => {
                    tries = tries.saturating_add(1);
                    tracing::debug!(%error, tries, "a transaction is run again");
                    std::thread::sleep(pause(tries));
                }
            }
        };
        let [job] = job;
        job.tell(told);
    }

    fn attempt(&mut self, jobs: &mut [Box<dyn Job>]) -> Tried {
        let session = match self.session.take() {
            Some(session) if !session.is_closed() => session,
            Some(_) | None => match self.address.connect(self.writes) {
                Ok(session) => session,
                Err(error) => return Tried::Again(error),
            },
        };
        let connection = Connection::Postgres(session);
        let tried = self.transact(&connection, jobs);
        if let Connection::Postgres(session) = connection
            && !session.is_closed()
        {
            self.session = Some(session);
        }
        tried
    }

    fn transact(&self, connection: &Connection, jobs: &mut [Box<dyn Job>]) -> Tried {
        let Connection::Postgres(session) = connection else {
            return Tried::Over(Err(StoreError::new("a job was given to another database: a fault of the program")));
        };
        let begin = if self.writes { "BEGIN" } else { "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" };
        let locks: Vec<Lock> = jobs.iter().filter_map(|job| job.locks()).flatten().cloned().collect();
        let several = jobs.len() > 1;
        if let Err(error) = session.begin(begin, &locks, several) {
            undo(session, connection, several);
            return Tried::Again(error.into());
        }
        if !jobs.iter_mut().all(|job| job.run(connection)) {
            return undo(session, connection, several);
        }
        if let Err(error) = session.put_sums() {
            return match undo(session, connection, several) {
                // The job has worked, and nothing of it is kept.
                Tried::Over(Ok(())) => Tried::Over(Err(error.into())),
                tried => tried,
            };
        }
        if self.writes {
            self.crash.reach("store.inside_transaction");
        }
        let commit = connection.execute_batch("COMMIT");
        let trouble = session.take_trouble();
        match commit {
            Ok(()) => {
                if self.writes {
                    self.crash.reach("store.after_transaction");
                }
                Tried::Over(Ok(()))
            }
            Err(error) => match trouble {
                Some(Trouble::Again) => Tried::Again(error.into()),
                // The server has refused a statement and kept nothing: which job it was of shows when each runs by itself.
                Some(Trouble::Lasting) if several => Tried::Again(error.into()),
                Some(Trouble::Gone | Trouble::Lasting) | None => Tried::Over(Err(StoreError::new(format!(
                    "{}; whether the last step was kept is found out by beginning anew",
                    StoreError::from(error).message
                )))),
            },
        }
    }
}

/// A job has failed: nothing of its transaction is kept.
fn undo(session: &Session, connection: &Connection, several: bool) -> Tried {
    let trouble = session.take_trouble();
    // A session that is over has undone it already.
    let _ = connection.execute_batch("ROLLBACK");
    session.take_trouble();
    let again = StoreError::new(
        "the store failed: PostgreSQL gave the transaction up again and again: look whether the server is healthy",
    );
    match trouble {
        Some(Trouble::Again | Trouble::Gone) => Tried::Again(again),
        Some(Trouble::Lasting) | None if several => Tried::Again(again),
        // The job's own result says why.
        Some(Trouble::Lasting) | None => Tried::Over(Ok(())),
    }
}

/// Longer with each try, and never the same for two that are in each other's way.
fn pause(tries: u32) -> Duration {
    let limit = 10_u64.saturating_mul(1 << tries.min(8)).min(PAUSE_MAX_MS);
    Duration::from_millis(5 + u64::from(backoff::draw()) % limit)
}
