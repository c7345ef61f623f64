//! The store on PostgreSQL: any number of processes share one database; each has a few sessions.
//!
//! In: jobs of the ledger. Out: their results, told after the commit. `synchronous_commit` is on: what was told is on the
//! server's disk. A transaction that got in another's way, or whose session was lost before its commit, is run again.

mod connect;
mod copy;
mod migrate;
mod threads;

use std::path::Path;
use std::sync::Arc;

use super::ledger::Runner;
use super::{StoreError, Stored, sql};
use crate::crash::CrashPoint;
use connect::Address;
use threads::Threads;

/// Sessions of one process that write. Small jobs share the transactions of two of them: the more there are, the fewer jobs
/// share one, and the more wait for each other's locks.
const WRITERS: usize = 4;
/// Sessions of one process that read.
const READERS: usize = 2;

/// What a store is run with. Anything but the default is for measurements: it gives up a safety to show its price.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Each commit is on the server's disk before it is told; otherwise its crash may undo the last ones.
    pub synchronous_commit: bool,
    /// Sessions that write: as many commits can share one write to the disk.
    pub writers: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { synchronous_commit: true, writers: WRITERS }
    }
}

/// A store in a database of PostgreSQL.
#[derive(Debug)]
pub struct PostgresStore {
    writers: Threads,
    readers: Threads,
}

impl PostgresStore {
    /// Opens the store and brings its tables up to date; blocks until the server has answered.
    ///
    /// `url`: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require&sslrootcert=FILE`. Without `sslmode` the connection
    /// is encrypted and the server's certificate checked, unless the server is this machine.
    ///
    /// # Errors
    /// One sentence with reason and what to do when the server cannot be reached or its database cannot be used.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, Arc::default())
    }

    /// Opens the store with a crash point armed in its transactions.
    ///
    /// # Errors
    /// As [`PostgresStore::open`].
    pub fn open_with(url: &str, crash: Arc<CrashPoint>) -> Result<Self, StoreError> {
        Self::open_as(url, &Tuning::default(), &crash)
    }

    /// Opens the store with a safety left out, to measure what it costs.
    ///
    /// # Errors
    /// As [`PostgresStore::open`].
    pub fn open_tuned(url: &str, tuning: &Tuning) -> Result<Self, StoreError> {
        Self::open_as(url, tuning, &Arc::default())
    }

    /// Copies a store as it stands at one moment into a new file of SQLite, whoever works on it; a database without a store leaves
    /// no file.
    ///
    /// # Errors
    /// One sentence when it cannot be read or the copy cannot be written.
    pub fn copy(url: &str, to: &Path) -> Result<(), StoreError> {
        let (address, to) = (Address::parse(url)?, to.to_owned());
        apart(move || copy::copy(address.connect(false)?, &to))
    }

    fn open_as(url: &str, tuning: &Tuning, crash: &Arc<CrashPoint>) -> Result<Self, StoreError> {
        let address = Arc::new(Address::parse(url)?.synchronous(tuning.synchronous_commit));
        {
            let (address, crash) = (Arc::clone(&address), Arc::clone(crash));
            apart(move || migrate::migrate(address.connect(false)?, &crash))?;
        }
        Ok(Self {
            writers: Threads::start(tuning.writers, &address, true, crash)?,
            readers: Threads::start(READERS, &address, false, crash)?,
        })
    }
}

/// Works with a session on a thread of its own: a runtime cannot be made and driven within another one's.
fn apart<T: Send + 'static>(job: impl FnOnce() -> Result<T, StoreError> + Send + 'static) -> Result<T, StoreError> {
    let joined = std::thread::spawn(job).join();
    joined.map_err(|_| StoreError::new("the store's connection broke down: start again"))?
}

impl Runner for PostgresStore {
    fn shared(&self) -> bool {
        true
    }

    fn take(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn emptied(&self) -> Stored<'static, ()> {
        // The server removes dead rows by itself; its logs and backups are its administrator's.
        Box::pin(async { Ok(()) })
    }

    fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&sql::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T> {
        self.writers.call(None, job)
    }

    fn write_small<T: Send + 'static>(
        &self,
        locks: Vec<sql::Lock>,
        job: impl Fn(&sql::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T> {
        self.writers.call(Some(locks), job)
    }

    fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&sql::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T> {
        self.readers.call(None, job)
    }
}
