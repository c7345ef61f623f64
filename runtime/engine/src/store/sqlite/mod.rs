//! The store on SQLite: one file, WAL, `synchronous=FULL`, one writer thread with group commit, one reader thread.
//!
//! In: jobs of the ledger. Out: their results. What the calls do stands in the ledger, shared with the other databases.

mod migrate;
mod thread;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::ledger::Runner;
use super::{StoreError, Stored, sql};
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

/// Most jobs in one commit.
const GROUP_MAX: usize = 128;

/// Kibibytes of pages that the writer keeps: keys without an order touch a page of each index, and SQLite's own 2 MiB hold few.
const CACHE_KIB: u32 = 32 * 1024;
/// Pages in the log before they are moved into the file: what many records have changed is moved once.
const CHECKPOINT_PAGES: u32 = 8_000;

/// What a store is run with. Anything but the default is for measurements: it gives up a safety to show its price.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Each commit is on the disk before it is told; otherwise a power cut may undo the last ones.
    pub full: bool,
    /// Most jobs in one commit.
    pub group_max: usize,
    /// What is erased is overwritten in the file.
    pub secure_delete: bool,
    /// Kibibytes of pages that the writer keeps.
    pub cache_kib: u32,
    /// Pages in the log before they are moved into the file.
    pub checkpoint_pages: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            full: true,
            group_max: GROUP_MAX,
            secure_delete: true,
            cache_kib: CACHE_KIB,
            checkpoint_pages: CHECKPOINT_PAGES,
        }
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
        Self::open_as(path, &Tuning::default(), crash)
    }

    /// Opens or makes the store with a safety left out, to measure what it costs.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_tuned(path: &Path, tuning: &Tuning) -> Result<Self, StoreError> {
        Self::open_as(path, tuning, Arc::default())
    }

    fn open_as(path: &Path, tuning: &Tuning, crash: Arc<CrashPoint>) -> Result<Self, StoreError> {
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
        if !path.exists() {
            place_new(path);
        }
        let mut connection = connect_tuned(path, tuning).map_err(unusable)?;
        migrate::migrate(&mut connection, &crash).map_err(unusable)?;
        keep_pages(&connection, tuning).map_err(unusable)?;
        let reading = connect(path).map_err(unusable)?;
        Ok(Self {
            path: path.to_owned(),
            writer: StoreThread::start(connection, Some(tuning.group_max), Arc::clone(&crash))?,
            reader: StoreThread::start(reading, None, crash)?,
            lock: Mutex::new(None),
        })
    }

    /// Copies a store as it stands at one moment into a new file, whoever works on it.
    ///
    /// # Errors
    /// One sentence when it cannot be read or the copy cannot be written.
    pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(from, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let to = to.to_str().ok_or_else(|| StoreError::new("the copy of the store needs a path that is text"))?;
        connection.execute("VACUUM INTO ?1", [to])?;
        Ok(())
    }

    /// Takes the file for this process; a second process is refused.
    fn take_file(&self) -> Result<(), StoreError> {
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
    connect_tuned(path, &Tuning::default())
}

/// Makes the file of a new store under a name of its own and puts it in its place whole: a process that is killed on the way leaves no
/// empty store, which would be refused from then on. Where another process was first, its file is the store. What fails here is told by
/// whoever opens the store next.
fn place_new(path: &Path) {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let mut name = path.to_owned().into_os_string();
    name.push(format!(".new-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed)));
    let new = PathBuf::from(name);
    // Closing it moves everything into the file.
    let made = connect(&new).map(drop).is_ok() && File::open(&new).and_then(|file| file.sync_all()).is_ok();
    if made && std::fs::hard_link(&new, path).is_err() && !path.exists() {
        // Not every file system has links.
        let _refused = std::fs::rename(&new, path);
    }
    let _gone = std::fs::remove_file(&new);
}

fn connect_tuned(path: &Path, tuning: &Tuning) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if tuning.full { "FULL" } else { "NORMAL" })?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // What is erased must not be readable in the file afterwards.
    connection.pragma_update(None, "secure_delete", if tuning.secure_delete { "ON" } else { "OFF" })?;
    // A statement's plan does not hang on the values given: otherwise most statements are planned anew at each use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(96);
    Ok(connection)
}

fn keep_pages(connection: &Connection, tuning: &Tuning) -> Result<(), StoreError> {
    connection.pragma_update(None, "cache_size", -i64::from(tuning.cache_kib))?;
    connection.pragma_update(None, "wal_autocheckpoint", tuning.checkpoint_pages)?;
    Ok(())
}

/// A database with the newest tables and no file.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let mut connection = connect(Path::new(":memory:"))?;
    migrate::migrate(&mut connection, &CrashPoint::default())?;
    Ok(connection)
}

/// A new file with the tables as they were at that version.
#[cfg(feature = "postgres")]
pub(super) fn made_at(path: &Path, version: i64) -> Result<Connection, StoreError> {
    super::ledger::schema::check_version(version)?;
    let mut connection = connect(path)?;
    migrate::migrate_to(&mut connection, version, &CrashPoint::default())?;
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

impl Runner for SqliteStore {
    fn shared(&self) -> bool {
        false
    }

    fn take(&self) -> Result<(), StoreError> {
        self.take_file()
    }

    fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&sql::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T> {
        self.writer.call(job)
    }

    fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&sql::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T> {
        self.reader.call(job)
    }

    fn emptied(&self) -> Stored<'static, ()> {
        let path = self.path.clone();
        Box::pin(async move {
            let emptied = tokio::task::spawn_blocking(move || empty_log(&path)).await;
            emptied.map_err(|error| StoreError::new(format!("the store's log cannot be emptied: {error}")))?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_new_store_is_put_in_its_place_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        place_new(&path);
        assert_eq!(names(folder.path()), ["state.db"]);
        let header = std::fs::read(&path).unwrap();
        assert!(header.starts_with(b"SQLite format 3\0") && header.len() >= 512, "{} bytes", header.len());
        SqliteStore::open(&path).unwrap();
    }

    #[test]
    fn a_store_that_another_process_made_first_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        std::fs::write(&path, "theirs").unwrap();
        place_new(&path);
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
        assert_eq!(names(folder.path()), ["state.db"]);
    }

    #[test]
    fn what_cannot_be_made_is_told_by_its_own_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone").join("state.db");
        let fault = SqliteStore::open(&path).err().unwrap();
        assert!(
            fault.message.contains("gone/state.db cannot be used") && !fault.message.contains(".new-"),
            "{fault:?}"
        );
    }
}
