//! Brings a database to the newest schema. In: a session. Out: the newest schema, or why it cannot be had.
//! Of several processes that start together one migrates and the others wait for it.

use super::super::StoreError;
use super::super::ledger::schema;
use super::super::sql::postgres::{Session, respell_schema};
use super::super::sql::{Connection, OptionalExtension};
use crate::crash::CrashPoint;

/// The lock under which tables are changed, of all programs of this kind.
const LOCK: &str = "SELECT pg_advisory_xact_lock(6017192)";

/// Applies each migration that the database does not have, all of them in one transaction.
pub(super) fn migrate(session: Session, crash: &CrashPoint) -> Result<(), StoreError> {
    let connection = Connection::Postgres(session);
    let done = apply(&connection, crash);
    match done {
        Ok(()) => {
            connection.execute_batch("COMMIT")?;
            crash.reach("migration.after_commit");
            Ok(())
        }
        Err(error) => {
            // The session ends here, and with it whatever was begun.
            let _ = connection.execute_batch("ROLLBACK");
            Err(error)
        }
    }
}

fn apply(connection: &Connection, crash: &CrashPoint) -> Result<(), StoreError> {
    connection.execute_batch("BEGIN")?;
    connection.execute_batch(LOCK)?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())",
    )?;
    for (version, migration) in schema::migrations() {
        let applied: Option<i64> = connection
            .query_row("SELECT version FROM migrations WHERE version = ?1", [version], |row| row.get(0))
            .optional()?;
        if applied.is_none() {
            connection.execute_batch(&respell_schema(migration))?;
            connection.execute("INSERT INTO migrations (version) VALUES (?1)", [version])?;
            crash.reach("migration.inside");
        }
    }
    schema::check_version(connection.query_row("SELECT max(version) FROM migrations", [], |row| row.get(0))?)
}
