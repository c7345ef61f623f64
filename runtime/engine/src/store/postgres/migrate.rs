//! Brings a database to the newest schema. In: a session. Out: the newest schema, or why it cannot be had.
//! Of several processes that start together one migrates at a time, and what it has done the others find done.

use super::super::StoreError;
use super::super::ledger::schema;
use super::super::sql::postgres::{Session, respell_schema};
use super::super::sql::{Connection, OptionalExtension, SqlError};
use crate::crash::CrashPoint;

/// The lock under which tables are changed, of all programs of this kind.
const LOCK: &str = "SELECT pg_advisory_xact_lock(6017192)";

/// Applies each migration that the database does not have, in one transaction with its own entry.
pub(super) fn migrate(session: Session, crash: &CrashPoint) -> Result<(), StoreError> {
    let connection = Connection::Postgres(session);
    if version(&connection)? != Some(schema::newest()) {
        transact(&connection, |connection| {
            Ok(connection.execute_batch(
                "CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())",
            )?)
        })?;
        for (version, migration) in schema::migrations() {
            let applied = transact(&connection, |connection| apply(connection, version, migration, crash))?;
            if applied {
                crash.reach("migration.after_commit");
            }
        }
    }
    schema::check_version(version(&connection)?.unwrap_or_default())
}

/// The newest migration that the database has; `None` = it holds no store.
pub(super) fn version(connection: &Connection) -> Result<Option<i64>, SqlError> {
    let known: bool = connection.query_row("SELECT to_regclass('migrations') IS NOT NULL", [], |row| row.get(0))?;
    match known {
        true => connection.query_row("SELECT max(version) FROM migrations", [], |row| row.get(0)),
        false => Ok(None),
    }
}

fn transact<T>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("BEGIN")?;
    let done = connection.execute_batch(LOCK).map_err(StoreError::from).and_then(|()| job(connection));
    match done {
        Ok(result) => {
            connection.execute_batch("COMMIT")?;
            Ok(result)
        }
        Err(error) => {
            // The session ends here, and with it whatever was begun.
            let _ = connection.execute_batch("ROLLBACK");
            Err(error)
        }
    }
}

/// Answers whether it was applied now.
fn apply(connection: &Connection, version: i64, migration: &str, crash: &CrashPoint) -> Result<bool, StoreError> {
    let applied: Option<i64> = connection
        .query_row("SELECT version FROM migrations WHERE version = ?1", [version], |row| row.get(0))
        .optional()?;
    if applied.is_some() {
        return Ok(false);
    }
    connection.execute_batch(&respell_schema(migration))?;
    connection.execute("INSERT INTO migrations (version) VALUES (?1)", [version])?;
    crash.reach("migration.inside");
    Ok(true)
}
