//! The ledger in the memory of one process: the same tables and the same SQL, no file, no thread, nothing kept.
//!
//! In: the calls of the store, each done at once where it is called. Out: their results. It is for simulations, which run
//! the same calls in the same order from one number. It never serves an integration: what it holds ends with its process.

use std::sync::Mutex;

use super::ledger::Runner;
use super::sql::Connection;
use super::{StoreError, Stored, sqlite};

/// A store that forgets everything with its process.
#[derive(Debug)]
pub struct MemoryStore {
    connection: Mutex<Connection>,
    shared: bool,
}

impl MemoryStore {
    /// An empty store.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn open() -> Result<Self, StoreError> {
        Self::new(false)
    }

    /// An empty store that several engines may use at the same time, as processes share a server's.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn shared() -> Result<Self, StoreError> {
        Self::new(true)
    }

    fn new(shared: bool) -> Result<Self, StoreError> {
        let connection = Connection::Sqlite { connection: sqlite::in_memory()?, shared };
        Ok(Self { connection: Mutex::new(connection), shared })
    }

    /// Empties every table: cheaper than a new store.
    ///
    /// # Errors
    /// When a table cannot be emptied.
    pub fn clear(&self) -> Result<(), StoreError> {
        self.transact(|connection| {
            let tables: Vec<String> = connection
                .prepare_cached("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'migrations'")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for table in tables {
                connection.execute(&format!("DELETE FROM {table}"), [])?;
            }
            Ok(())
        })
    }

    fn transact<T>(&self, job: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.connection.lock().map_err(|_| StoreError::new("a call of the store broke down"))?;
        connection.execute_batch("BEGIN")?;
        let result = job(&connection);
        connection.execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        result
    }

    fn at_once<T: Send + 'static>(&self, job: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Stored<'static, T> {
        let result = self.transact(job);
        Box::pin(async move { result })
    }
}

impl Runner for MemoryStore {
    fn shared(&self) -> bool {
        self.shared
    }

    fn take(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn emptied(&self) -> Stored<'static, ()> {
        Box::pin(async { Ok(()) })
    }

    fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T> {
        self.at_once(job)
    }

    fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'static, T> {
        self.at_once(job)
    }
}
