//! Whose turn it is to read a flow, of all processes that share the store.
//!
//! In: who asks, until when. Out: whether it is theirs. A turn that is not prolonged ends by itself.

use super::super::sql::{Connection, params};
use super::{StoreError, TurnRequest, micros};

/// Takes, prolongs or gives back a turn.
pub(super) fn take(tx: &Connection, turn: &TurnRequest) -> Result<bool, StoreError> {
    let Some(until) = turn.until else {
        tx.execute("DELETE FROM turns WHERE flow = ?1 AND owner = ?2", [&turn.flow, &turn.owner])?;
        return Ok(true);
    };
    let taken = tx.execute(
        "INSERT INTO turns (flow, owner, fence, until) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (flow) DO UPDATE SET owner = ?2, fence = turns.fence + 1, until = ?3
         WHERE turns.owner = ?2 OR turns.until <= ?4",
        params![turn.flow, turn.owner, micros(until), micros(turn.now)],
    )?;
    Ok(taken > 0)
}
