//! A budget of requests per second, so that an audit does not throttle the account it audits.

mod pace;

use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::deadline::{deadline, is_over};
use pace::Pace;

tokio::task_local! {
    /// The account that the call being made is charged to.
    static CHARGED: Charged;
}

/// The longest time that what is ahead of a call may take for there to be [room](Budget::room) for more calls.
const AHEAD: Duration = Duration::from_secs(1);

/// So many requests per second of one API, for one invocation. Where AWS throttles, it is fewer for a while.
#[derive(Debug)]
pub struct Budget {
    per_second: f64,
    account: Account,
}

impl Budget {
    /// `per_second` requests a second, spread evenly.
    pub fn new(per_second: NonZeroU32) -> Self {
        let per_second = f64::from(per_second.get());
        Self { per_second, account: Account(Arc::new(Mutex::new(Pace::new(per_second, Instant::now())))) }
    }

    /// From now on takes an equal share of the budget, as one of `sharers` invocations that run at once.
    pub fn share(&self, sharers: NonZeroU32) {
        self.account.pace().allow(self.per_second / f64::from(sharers.get()));
    }

    /// Waits until a call would be made within a second. Whoever makes many calls side by side begins with the next ones
    /// then: those that wait have their times already, and a rate that goes down does not hold them back any more.
    pub async fn room(&self) {
        while !is_over() {
            let next = self.account.pace().next();
            let now = Instant::now();
            if next <= now + AHEAD {
                return;
            }
            sleep_until(in_time(next - AHEAD)).await;
        }
    }

    /// Makes a call once a request fits into the budget. Whatever else the call sends, such as another attempt after
    /// a failed one or another page, is taken from the requests that come after it.
    ///
    /// Whoever waits has its time, and holds nothing that others wait for: a call that was begun and is not looked at for a
    /// while, as one of many that are made ahead, keeps nobody back. One that goes away loses its own request only.
    pub fn spend<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        // On the heap: a resource has a dozen calls side by side, and each that is kept within what waits for it is kept twice.
        let call = Box::pin(call);
        async {
            if !is_over() {
                let slot = self.account.pace().take(Instant::now());
                sleep_until(in_time(slot)).await;
            }
            CHARGED.scope(Charged { account: self.account.clone(), paid: Cell::new(true) }, call).await
        }
    }

    /// How many requests were throttled of those that the next rate depends on.
    #[cfg(test)]
    pub(crate) fn throttled(&self) -> u32 {
        self.account.pace().throttled()
    }
}

/// This time, or the present call's deadline if that comes first.
fn in_time(at: Instant) -> Instant {
    deadline().map_or(at, |deadline| deadline.min(at))
}

/// What the requests of one budget are taken from.
#[derive(Debug, Clone)]
pub(crate) struct Account(Arc<Mutex<Pace>>);

impl Account {
    /// The account that the present call is charged to, if it is made within a budget, once it is charged with one
    /// more request: to be asked when a request is sent.
    pub(crate) fn charged_with_a_request() -> Option<Self> {
        CHARGED.try_with(Charged::with_a_request).ok()
    }

    /// Notes how AWS answered a request.
    pub(crate) fn answered(&self, throttled: bool) {
        self.pace().answered(Instant::now(), throttled);
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Charged {
    account: Account,
    /// Whether one request has been waited for that is not sent yet.
    paid: Cell<bool>,
}

impl Charged {
    fn with_a_request(&self) -> Account {
        if !self.paid.replace(false) {
            self.account.pace().take(Instant::now());
        }
        self.account.clone()
    }
}

#[cfg(test)]
mod tests;
