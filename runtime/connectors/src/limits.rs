//! How fast a system may be driven: a rate that the manifest states, and a bucket that the system itself reports.
//! In: the manifest's limits, each answer. Out: how long the next request has to wait.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use mapwright_manifest::{Cost, Rate};
use mapwright_values::Json;

use crate::answer::ReadAnswer;

/// A request waits no longer than this here; a longer wait is the engine's, which gives its worker other work meanwhile.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The limits of one connection.
pub(crate) struct Limiter {
    rate: Option<DefaultDirectRateLimiter>,
    cost: Option<Cost>,
    not_before: Mutex<Option<Instant>>,
}

impl Limiter {
    pub(crate) fn new(rate: Option<Rate>, cost: Option<Cost>) -> Self {
        Self { rate: rate.and_then(quota).map(RateLimiter::direct), cost, not_before: Mutex::new(None) }
    }

    /// Waits until a request may go. `Err` = that is so long off that somebody else should wait.
    pub(crate) async fn ready(&self) -> Result<(), Duration> {
        let begun = Instant::now();
        loop {
            let Some(wait) = self.wait() else { return Ok(()) };
            if begun.elapsed().saturating_add(wait) > WAIT_MAX {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// How long to wait; `None` = not at all, and the request is counted.
    fn wait(&self) -> Option<Duration> {
        let until = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        let refill = until.and_then(|until| until.checked_duration_since(Instant::now()));
        if let Some(refill) = refill.filter(|refill| !refill.is_zero()) {
            return Some(refill);
        }
        let rate = self.rate.as_ref()?;
        rate.check().err().map(|refused| refused.wait_time_from(DefaultClock::default().now()))
    }

    /// Notes what an answer says of the bucket. `Some` = the wait that a request like this one needs.
    pub(crate) fn note(&self, read: &ReadAnswer<'_>) -> Option<Duration> {
        let cost = self.cost.as_ref()?;
        let number = |selectors| read.text(selectors, &Json::Null).and_then(|text| whole(&text));
        let requested = number(&cost.requested)?;
        let available = number(&cost.available)?;
        let restored = number(&cost.restore_per_second)?.max(1);
        let missing = requested.saturating_sub(available);
        if missing == 0 {
            return None;
        }
        let wait = Duration::from_millis(missing.saturating_mul(1000).div_ceil(restored));
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now().checked_add(wait);
        *not_before = (*not_before).max(until);
        Some(wait)
    }
}

/// No window of the rate's length sees more than its requests: a burst of a tenth, the rest spread evenly.
fn quota(rate: Rate) -> Option<Quota> {
    let burst = (rate.requests / 10).max(1);
    let spread = rate.requests.saturating_sub(burst).max(1);
    let period = rate.per.checked_div(spread)?;
    Some(Quota::with_period(period)?.allow_burst(NonZeroU32::new(burst)?))
}

/// The whole part of a number: `1000.0` is 1000.
fn whole(text: &str) -> Option<u64> {
    text.split('.').next()?.parse().ok()
}

/// How many calls of a system are taken: so many at once, and as many again in the rate's time.
pub(crate) struct Admission(Option<DefaultDirectRateLimiter>);

impl Admission {
    pub(crate) fn new(rate: Rate) -> Self {
        let every = rate.per.checked_div(rate.requests.max(1));
        let quota = every.and_then(Quota::with_period).zip(NonZeroU32::new(rate.requests));
        Self(quota.map(|(quota, burst)| RateLimiter::direct(quota.allow_burst(burst))))
    }

    /// Counts a call. `Err` = when it may come again.
    pub(crate) fn admit(&self) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check().map_err(|refused| refused.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rate_is_kept_and_a_long_wait_is_handed_back() {
        let limiter = Limiter::new(Some(Rate { requests: 20, per: Duration::from_secs(3600) }), None);
        assert!(limiter.ready().await.is_ok());
        assert!(limiter.ready().await.is_ok(), "a burst of two");
        let wait = limiter.ready().await.unwrap_err();
        assert!(wait > Duration::from_secs(150) && wait <= Duration::from_secs(200), "{wait:?}");
    }

    #[test]
    fn calls_beyond_the_rate_are_told_when_to_come_again() {
        let admission = Admission::new(Rate { requests: 3, per: Duration::from_secs(300) });
        assert!((0..3).all(|_| admission.admit().is_ok()));
        let wait = admission.admit().unwrap_err();
        assert!(wait > Duration::from_secs(90) && wait <= Duration::from_secs(100), "{wait:?}");
    }

    #[tokio::test]
    async fn short_waits_are_waited_for() {
        let limiter = Limiter::new(Some(Rate { requests: 11, per: Duration::from_millis(500) }), None);
        let begun = Instant::now();
        for _ in 0..4 {
            limiter.ready().await.unwrap();
        }
        assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
    }
}
