//! A budget of requests per second, so that an audit does not throttle the account it audits.

mod pace;

use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, sleep_until};

use pace::Pace;

tokio::task_local! {
    /// The account that the call being made is charged to.
    static CHARGED: Charged;
}

/// So many requests per second of one API, for one invocation. Where AWS throttles, it is fewer for a while.
#[derive(Debug)]
pub struct Budget {
    account: Account,
}

impl Budget {
    /// An equal share of an account-wide budget of `per_second` requests among `sharers` invocations that run at
    /// once. Requests are spread evenly.
    pub fn share(per_second: NonZeroU32, sharers: NonZeroU32) -> Self {
        let rate = f64::from(per_second.get()) / f64::from(sharers.get());
        Self { account: Account(Arc::new(Mutex::new(Pace::new(rate, Instant::now())))) }
    }

    /// Makes a call once a request fits into the budget. Whatever else the call sends, such as another attempt after
    /// a failed one or another page, is taken from the requests that come after it.
    ///
    /// Whoever waits has its time, and holds nothing that others wait for: a call that was begun and is not looked at for a
    /// while, as one of many that are made ahead, keeps nobody back. One that goes away loses its own request only.
    pub async fn spend<F: Future>(&self, call: F) -> F::Output {
        let slot = self.account.pace().take(Instant::now());
        sleep_until(slot).await;
        CHARGED.scope(Charged { account: self.account.clone(), paid: Cell::new(true) }, call).await
    }

    /// How many requests were throttled of those that the next rate depends on.
    #[cfg(test)]
    pub(crate) fn throttled(&self) -> u32 {
        self.account.pace().throttled()
    }
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
