//! States on which two sides agreed: what a record was when it was last delivered, in either direction.
//!
//! In: records of systems. Out: their agreed states. Only flows that settle conflicts keep any.

use super::super::sql::{Connection, OptionalExtension, params};

use super::{Agreed, RecordRef, StoreError};

/// The agreed state of a record.
pub(super) fn of(tx: &Connection, record: &RecordRef) -> Result<Option<Agreed>, StoreError> {
    let agreed = tx
        .prepare_cached("SELECT body, writer FROM agreed WHERE system = ?1 AND entity = ?2 AND record_key = ?3")?
        .query_row([&record.system, &record.entity, &record.key], |row| {
            Ok(Agreed { record: record.clone(), body: row.get(0)?, writer: row.get(1)? })
        })
        .optional()?;
    Ok(agreed)
}

/// Keeps agreed states.
pub(super) fn keep(tx: &Connection, agreed: &[Agreed], now: i64) -> Result<(), StoreError> {
    for Agreed { record, body, writer } in agreed {
        tx.prepare_cached(
            "INSERT INTO agreed (system, entity, record_key, body, writer, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (system, entity, record_key) DO UPDATE SET body = ?4, writer = ?5, at = ?6",
        )?
        .put(params![record.system, record.entity, record.key, body, writer, now])?;
    }
    Ok(())
}
