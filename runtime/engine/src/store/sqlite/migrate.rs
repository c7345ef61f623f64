//! Brings a file to the newest schema. In: a connection. Out: the newest schema, or why it cannot be had.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::super::StoreError;
use super::super::ledger::schema;
use crate::crash::CrashPoint;

/// Applies each migration that the file does not have, in one transaction with its own entry.
pub(super) fn migrate(connection: &mut Connection, crash: &CrashPoint) -> Result<(), StoreError> {
    migrate_to(connection, schema::newest(), crash)?;
    schema::check_version(connection.query_row("SELECT max(version) FROM migrations", [], |row| row.get(0))?)
}

/// Applies the migrations up to that version.
pub(super) fn migrate_to(connection: &mut Connection, newest: i64, crash: &CrashPoint) -> Result<(), StoreError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)",
    )?;
    for (version, migration) in schema::migrations().filter(|(version, _)| *version <= newest) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let applied: Option<i64> = transaction
            .query_row("SELECT version FROM migrations WHERE version = ?1", [version], |row| row.get(0))
            .optional()?;
        if applied.is_none() {
            transaction.execute_batch(migration)?;
            transaction.execute("INSERT INTO migrations (version) VALUES (?1)", [version])?;
            crash.reach("migration.inside");
        }
        transaction.commit()?;
        if applied.is_none() {
            crash.reach("migration.after_commit");
        }
    }
    Ok(())
}
