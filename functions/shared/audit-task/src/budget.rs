//! A budget of requests per second, so that an audit does not throttle the account it audits.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// So many requests per second of one API, for one invocation.
#[derive(Debug)]
pub struct Budget {
    limiter: DefaultDirectRateLimiter,
}

impl Budget {
    /// An equal share of an account-wide budget of `per_second` requests among `sharers` invocations that run at
    /// once; at least one request per second. Requests are spread evenly, without bursts.
    pub fn share(per_second: NonZeroU32, sharers: NonZeroU32) -> Self {
        let share = NonZeroU32::new(per_second.get() / sharers.get()).unwrap_or(NonZeroU32::MIN);
        Self { limiter: RateLimiter::direct(Quota::per_second(share).allow_burst(NonZeroU32::MIN)) }
    }

    /// Waits until one more request fits into the budget.
    pub async fn acquire(&self) {
        while let Err(early) = self.limiter.check() {
            tokio::time::sleep(early.wait_time_from(DefaultClock::default().now())).await;
        }
    }
}
