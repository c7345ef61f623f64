//! The store on SQLite: one file, WAL, `synchronous=FULL`, one writer thread with group commit, one reader thread.
//!
//! In: the calls of [`Store`]. Out: their results. SQL never leaves this folder.

mod agreed;
mod alerts;
mod capture;
mod conclude;
mod connections;
mod gone;
mod hints;
mod lease;
mod order;
mod people;
mod privacy;
mod query;
mod schema;
mod step;
mod sweeping;
mod thread;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mapwright_values::Link;
use rusqlite::Connection;

use super::*;
use crate::crash::CrashPoint;
use thread::StoreThread;

/// How long a transaction waits for another process's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let advice = match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => ": free some space",
            Some(rusqlite::ErrorCode::ReadOnly) => ": make the file and its folder writable",
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                ": another process keeps the store locked; end it"
            }
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                ": restore the store from a backup"
            }
            Some(_) | None => "",
        };
        Self::new(format!("the store failed: {error}{advice}"))
    }
}

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: StoreThread,
    reader: StoreThread,
    /// Held from the first [`Store::begin`] on: only one process works on the file, and its death frees it.
    lock: Mutex<Option<File>>,
}

impl SqliteStore {
    /// Opens or makes the store.
    ///
    /// # Errors
    /// One sentence with path, reason and what to do when the file cannot be read and written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, Arc::default())
    }

    /// Opens or makes the store with a crash point armed in its transactions.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_with(path: &Path, crash: Arc<CrashPoint>) -> Result<Self, StoreError> {
        let unusable = |error: StoreError| {
            StoreError::new(format!(
                "the store {} cannot be used: {}; give `store:` a file in a folder that this user may write",
                path.display(),
                error.message
            ))
        };
        // SQLite would take an emptied file for a new store, and everything would be delivered a second time.
        if std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0) {
            return Err(StoreError::new(format!(
                "the store {} is an empty file, so what was delivered is forgotten: restore it from a backup; only if nothing was ever delivered, delete it to begin anew",
                path.display()
            )));
        }
        let mut connection = connect(path).map_err(unusable)?;
        schema::migrate(&mut connection).map_err(unusable)?;
        let reading = connect(path).map_err(unusable)?;
        Ok(Self {
            path: path.to_owned(),
            writer: StoreThread::start(connection, true, Arc::clone(&crash))?,
            reader: StoreThread::start(reading, false, crash)?,
            lock: Mutex::new(None),
        })
    }

    /// Takes the file for this process; a second process is refused.
    fn take(&self) -> Result<(), StoreError> {
        let mut held = self.lock.lock().map_err(|_| StoreError::new("the store's lock is broken: start again"))?;
        if held.is_some() {
            return Ok(());
        }
        let mut name = self.path.clone().into_os_string();
        name.push(".lock");
        let path = PathBuf::from(name);
        let failed = |error: &dyn std::fmt::Display| {
            StoreError::new(format!("the store's lock file {} cannot be used: {error}", path.display()))
        };
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {
                *held = Some(file);
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::new(format!(
                "another process works on the store {}: end it first, or give this one a store of its own",
                self.path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(failed(&error)),
        }
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // What is erased must not be readable in the file afterwards.
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.set_prepared_statement_cache_capacity(96);
    Ok(connection)
}

/// Moves everything out of the write-ahead log, which still holds what was erased.
fn empty_log(path: &Path) -> Result<(), StoreError> {
    let busy: i64 = connect(path)?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match busy {
        0 => Ok(()),
        _ => Err(StoreError::new(
            "what was erased still stands in the store's log, which another process reads: do the same once more",
        )),
    }
}

/// Microseconds since 1970: how times are kept.
fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The time behind kept microseconds.
fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

impl Store for SqliteStore {
    fn begin(&self, beginning: Beginning) -> Stored<'_, ()> {
        if let Err(error) = self.take() {
            return Box::pin(async move { Err(error) });
        }
        self.writer.call(move |tx| lease::begin(tx, &beginning))
    }

    fn capture(&self, page: CapturePage) -> Stored<'_, Captured> {
        self.writer.call(move |tx| capture::capture(tx, &page))
    }

    fn position<'a>(&'a self, flow: &'a str, pass: &'a str) -> Stored<'a, Position> {
        let (flow, pass) = (flow.to_owned(), pass.to_owned());
        self.reader.call(move |tx| capture::position(tx, &flow, &pass))
    }

    fn unseen(&self, question: UnseenQuestion) -> Stored<'_, Unseen> {
        self.reader.call(move |tx| gone::unseen(tx, &question))
    }

    fn agreed(&self, records: Vec<RecordRef>) -> Stored<'_, Vec<Option<Agreed>>> {
        self.reader.call(move |tx| records.iter().map(|record| agreed::of(tx, record)).collect())
    }

    fn lease(&self, request: LeaseRequest) -> Stored<'_, Vec<Leased>> {
        self.writer.call(move |tx| lease::lease(tx, &request))
    }

    fn intend(&self, intent: Intent) -> Stored<'_, Intended> {
        self.writer.call(move |tx| lease::intend(tx, &intent))
    }

    fn conclude(&self, conclusion: Conclusion) -> Stored<'_, Concluded> {
        self.writer.call(move |tx| conclude::conclude(tx, &conclusion))
    }

    fn links(&self, links: Vec<Link>) -> Stored<'_, Vec<Option<String>>> {
        self.reader.call(move |tx| links.iter().map(|link| query::link(tx, link)).collect())
    }

    fn connection(&self, change: ConnectionChange) -> Stored<'_, ()> {
        self.writer.call(move |tx| connections::change(tx, &change))
    }

    fn sweep(&self, sweep: Sweep) -> Stored<'_, u64> {
        self.writer.call(move |tx| sweeping::sweep(tx, &sweep))
    }

    fn silence(&self, check: SilenceCheck) -> Stored<'_, bool> {
        self.writer.call(move |tx| sweeping::silence(tx, &check))
    }

    fn operate(&self, operation: Operation) -> Stored<'_, u64> {
        self.writer.call(move |tx| people::operate(tx, &operation))
    }

    fn reading(&self, note: ReadingNote) -> Stored<'_, ()> {
        self.writer.call(move |tx| connections::note_reading(tx, &note))
    }

    fn alerts_due(&self, now: Timestamp, limit: u32) -> Stored<'_, Vec<Alert>> {
        self.reader.call(move |tx| alerts::due(tx, now, limit))
    }

    fn alert_sent(&self, sent: AlertSent) -> Stored<'_, ()> {
        self.writer.call(move |tx| alerts::sent(tx, &sent))
    }

    fn status(&self, _now: Timestamp) -> Stored<'_, StoreStatus> {
        self.reader.call(query::status)
    }

    fn dead_letters(&self, selection: Selection, limit: u32) -> Stored<'_, Vec<DeadLetter>> {
        self.reader.call(move |tx| query::dead_letters(tx, &selection, limit))
    }

    fn dead_letter(&self, id: MessageId) -> Stored<'_, Option<DeadLetterDetail>> {
        self.reader.call(move |tx| query::dead_letter(tx, id))
    }

    fn notice(&self, notices: Vec<Notice>) -> Stored<'_, Vec<Noticed>> {
        self.writer.call(move |tx| hints::keep(tx, &notices))
    }

    fn hints(&self, question: HintQuestion) -> Stored<'_, Vec<Hint>> {
        self.reader.call(move |tx| hints::due(tx, &question))
    }

    fn hints_taken(&self, taken: HintsTaken) -> Stored<'_, ()> {
        self.writer.call(move |tx| hints::taken(tx, &taken))
    }

    fn replay(&self, replay: Replay) -> Stored<'_, Replayed> {
        self.writer.call(move |tx| privacy::replay(tx, &replay))
    }

    fn purge(&self, purge: Purge) -> Stored<'_, u64> {
        self.writer.call(move |tx| privacy::purge(tx, &purge))
    }

    fn forget(&self, forget: Forget) -> Stored<'_, Forgotten> {
        let (path, call) = (self.path.clone(), self.writer.call(move |tx| privacy::forget(tx, &forget)));
        Box::pin(async move {
            let forgotten = call.await?;
            let emptied = tokio::task::spawn_blocking(move || empty_log(&path)).await;
            emptied.map_err(|error| StoreError::new(format!("the store's log cannot be emptied: {error}")))??;
            Ok(forgotten)
        })
    }

    fn next_due(&self, settled: bool) -> Stored<'_, Option<Timestamp>> {
        self.reader.call(move |tx| query::next_due(tx, settled))
    }
}
