//! Subscriptions at systems. In: how one stands. Out: all of them, and when the system is asked about each next.

use super::super::sql::{Connection, params};
use super::{StoreError, Subscription, SubscriptionChange, at, micros};

/// Every subscription, by system and name.
pub(super) fn all(tx: &Connection) -> Result<Vec<Subscription>, StoreError> {
    let found = tx
        .prepare_cached(
            "SELECT system, name, address, held, made_at, renewed_at, expires_at, next_at, lost, failures, error
             FROM subscriptions ORDER BY system, name",
        )?
        .query_map([], |row| {
            let held: String = row.get(3)?;
            let (made_at, renewed_at, expires_at): (Option<i64>, Option<i64>, Option<i64>) =
                (row.get(4)?, row.get(5)?, row.get(6)?);
            Ok(Subscription {
                system: row.get(0)?,
                name: row.get(1)?,
                address: row.get(2)?,
                // What cannot be read is asked of the system again.
                held: serde_json::from_str(&held).unwrap_or_default(),
                made_at: made_at.map(at),
                renewed_at: renewed_at.map(at),
                expires_at: expires_at.map(at),
                next_at: at(row.get(7)?),
                lost: row.get(8)?,
                failures: row.get(9)?,
                error: row.get(10)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// Keeps one as it stands, or forgets it.
pub(super) fn change(tx: &Connection, change: &SubscriptionChange) -> Result<(), StoreError> {
    match change {
        SubscriptionChange::Keep(one) => {
            let held = serde_json::to_string(&one.held).map_err(|error| StoreError::new(error.to_string()))?;
            tx.execute(
                "INSERT INTO subscriptions
                   (system, name, address, held, made_at, renewed_at, expires_at, next_at, lost, failures, error)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT (system, name) DO UPDATE SET address = ?3, held = ?4, made_at = ?5, renewed_at = ?6,
                   expires_at = ?7, next_at = ?8, lost = ?9, failures = ?10, error = ?11",
                params![
                    one.system,
                    one.name,
                    one.address,
                    held,
                    one.made_at.map(micros),
                    one.renewed_at.map(micros),
                    one.expires_at.map(micros),
                    micros(one.next_at),
                    one.lost,
                    one.failures,
                    one.error
                ],
            )?;
        }
        SubscriptionChange::Forget { system, name } => {
            tx.execute("DELETE FROM subscriptions WHERE system = ?1 AND name = ?2", [system, name])?;
        }
    }
    Ok(())
}
