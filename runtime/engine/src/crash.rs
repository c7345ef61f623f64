//! Named places at which a test may end the process as a power cut would.
//!
//! In: the name of one point and which passage of it. Out: nothing, or the end of the process. Unarmed (the default)
//! a point costs one comparison. No point is ever armed by the engine itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// Every point, in the order in which a delivery passes them. The numbers are those of `delivery.md` 1.5.
pub const POINTS: &[&str] = &[
    "page.before_commit",       // C3
    "page.after_commit",        // C3, C4
    "lease.before_commit",      // C5
    "lease.after_commit",       // C6
    "take_up.before_commit",    // C6, of a record that programs died on
    "take_up.after_commit",     // C6
    "map.done",                 // C7
    "intent.before_commit",     // C7
    "intent.after_commit",      // C8
    "send.before",              // C8
    "send.after",               // C11: the effect is there, its answer unread
    "done.before_commit",       // C12
    "done.after_commit",        // C13, C14
    "retry.before_commit",      // T7
    "retry.after_commit",       // T7
    "wait.before_commit",       // T16
    "wait.after_commit",        // T16
    "noop.before_commit",       // T4
    "noop.after_commit",        // T4
    "ambiguous.before_commit",  // T8
    "ambiguous.after_commit",   // T8
    "probe.inside",             // C15
    "probe.before_commit",      // C16
    "park.before_commit",       // T11
    "park.after_commit",        // T11
    "dead.before_commit",       // C17
    "dead.after_commit",        // C17, C14
    "alert.before_send",        // C14
    "alert.after_send",         // C14
    "redrive.half",             // C18
    "store.inside_transaction", // written, not committed: C4, C17 and every other transaction from within
    "store.after_transaction",  // committed, nobody told
];

/// The points that only a webhook's way passes.
pub const WEBHOOK_POINTS: &[&str] = &[
    "notice.before_commit", // C1
    "notice.after_commit",  // C2
    "hint.before_taken",    // its record is in the inbox, the hint is still there
];

/// The points that only the opening of a store of an older program passes.
pub const MIGRATION_POINTS: &[&str] = &[
    "migration.inside",       // C19: changed, not committed
    "migration.after_commit", // C19: this one done, the next one not
];

/// Which point ends the process, and at which passage (from 1).
#[derive(Debug, Default)]
pub struct CrashPoint {
    armed: Option<(String, u64)>,
    passages: AtomicU64,
}

impl CrashPoint {
    /// A point that is armed, or none.
    #[must_use]
    pub fn new(armed: Option<(String, u64)>) -> Self {
        Self { armed, passages: AtomicU64::new(0) }
    }

    /// Ends the process if this is the armed point and the armed passage.
    pub fn reach(&self, point: &'static str) {
        if let Some((name, nth)) = &self.armed
            && name == point
            && self.passages.fetch_add(1, Ordering::SeqCst) + 1 == *nth
        {
            // A crash that unwinds or flushes would prove nothing: the process ends here and now.
            std::process::abort();
        }
    }
}
