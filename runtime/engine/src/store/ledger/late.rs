//! The bound of late arrivals, watched: what a full scan finds below the read watermark was in no window of changes.
//!
//! In: rows of a full scan. Out: an alert for those that were changed before what is read already, and were never captured.
//! A row that only reads otherwise since the spec was changed keeps its stamp and is none of them.

use super::super::sql::{Connection, OptionalExtension, params};

use super::alerts::{self, NewAlert};
use super::{CapturePage, CaptureRow, StoreError, micros};
use crate::alert;

/// The pass of a full scan.
const EVERYTHING: &str = "everything";
/// The cause of the alert.
const CAUSE: &str = "late";

/// Below which stamp a new state is late: `None` where the page is none of a full scan, or nothing was read by changes yet.
pub(super) fn bound(tx: &Connection, page: &CapturePage) -> Result<Option<i64>, StoreError> {
    if page.pass != EVERYTHING {
        return Ok(None);
    }
    let bound: Option<i64> = tx
        .prepare_cached(
            "SELECT min(read_wm) FROM positions
             WHERE flow = ?1 AND pass NOT IN ('everything', 'keys', 'gone') AND pass NOT LIKE 'also %'",
        )?
        .query_row([&page.flow], |row| row.get(0))?;
    Ok(bound)
}

/// Is this state of the record, which is about to be captured, one that a window should have shown?
pub(super) fn is_late(
    tx: &Connection,
    page: &CapturePage,
    row: &CaptureRow,
    bound: Option<i64>,
) -> Result<bool, StoreError> {
    let (Some(bound), Some(stamp)) = (bound, row.stamp.map(micros)) else { return Ok(false) };
    if stamp >= bound {
        return Ok(false);
    }
    let newest: Option<i64> = tx
        .prepare_cached("SELECT max(stamp) FROM records WHERE flow = ?1 AND source_key = ?2")?
        .query_row([&page.flow, &row.source_key], |row| row.get(0))?;
    Ok(newest.is_none_or(|newest| newest < stamp))
}

/// Raises the alert for each late state; a scan that ends without one closes it.
pub(super) fn note(tx: &Connection, page: &CapturePage, late: u64) -> Result<(), StoreError> {
    let now = micros(page.now);
    if late > 0 {
        let channel: Option<String> = tx
            .prepare_cached("SELECT channel FROM policies WHERE flow = ?1")?
            .query_row([&page.flow], |row| row.get(0))
            .optional()?
            .flatten();
        let text = alert::of_late(&page.flow);
        let new = NewAlert { subject: &page.flow, channel: channel.as_deref(), cause: CAUSE, text: &text };
        for _ in 0..late {
            alerts::raise(tx, &new, now)?;
        }
        return Ok(());
    }
    let ended = page.pass == EVERYTHING && page.position.window.is_none();
    if let Some(began) = page.position.read_wm.filter(|_| ended) {
        let last: Option<i64> = tx
            .prepare_cached("SELECT max(last_at) FROM alerts WHERE subject = ?1 AND cause = ?2 AND closed = 0")?
            .query_row(params![page.flow, CAUSE], |row| row.get(0))?;
        if last.is_some_and(|last| last < micros(began)) {
            alerts::close(tx, &page.flow, CAUSE, now)?;
        }
    }
    Ok(())
}
