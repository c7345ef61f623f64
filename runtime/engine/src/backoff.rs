//! How long to wait before trying again.
//!
//! In: how often it failed, bounds, the target's own wish, a random number. Out: a pause. Pure, but for [`draw`].

use std::time::Duration;

/// Bounds of a growing pause.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The first pause is at most this long.
    pub base: Duration,
    /// No pause is longer than this.
    pub cap: Duration,
}

impl Backoff {
    /// Full jitter: anything from nothing to `base * 2^(failures - 1)`, at most `cap`. The target's own wish is the
    /// least that is waited, with jitter on top so that not all come back at once. `random` is any number.
    #[must_use]
    pub fn pause(&self, failures: u32, wish: Option<Duration>, random: u32) -> Duration {
        let limit = self.limit(failures);
        let jitter = share(limit, random);
        match wish {
            Some(wish) => wish.saturating_add(share(self.base, random)),
            None => jitter,
        }
    }

    /// The bound without jitter: for waiting that only asks again.
    #[must_use]
    pub fn limit(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        self.base.saturating_mul(1_u32 << doublings).min(self.cap)
    }
}

/// `random / 2^32` of a span.
fn share(span: Duration, random: u32) -> Duration {
    let nanos = span.as_nanos().saturating_mul(u128::from(random)) >> 32;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// A random number from the operating system.
#[must_use]
pub fn draw() -> u32 {
    // Without randomness the pauses are merely not spread; half a span is then as good as any.
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(900) };

    #[test]
    fn pauses_grow_to_the_cap_and_never_above() {
        assert_eq!(BACKOFF.limit(1), Duration::from_secs(1));
        assert_eq!(BACKOFF.limit(4), Duration::from_secs(8));
        assert_eq!(BACKOFF.limit(400), Duration::from_secs(900));
        assert!(BACKOFF.pause(400, None, u32::MAX) <= Duration::from_secs(900));
        assert_eq!(BACKOFF.pause(3, None, 0), Duration::ZERO);
    }

    #[test]
    fn the_targets_wish_is_the_least() {
        let wish = Duration::from_secs(30);
        assert!(BACKOFF.pause(1, Some(wish), 0) >= wish);
        assert!(BACKOFF.pause(9, Some(wish), u32::MAX) <= wish + BACKOFF.base);
    }
}
