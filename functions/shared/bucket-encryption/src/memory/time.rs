//! Time that passes only while everybody waits, so that a test of minutes takes none.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;

/// A clock that stands still while anybody works, and goes on to the next moment that somebody waits for. Clones tell the
/// same time.
#[derive(Debug, Clone)]
pub struct SimulatedTime(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// Who waits until when, each with a number of its own.
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    sleeps: u64,
}

impl SimulatedTime {
    /// A clock that shows this time.
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(State { now, sleepers: BTreeMap::new(), sleeps: 0 })))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Waits for so long.
    pub async fn sleep(&self, duration: Duration) {
        let mut until = None;
        std::future::poll_fn(|context| {
            let mut state = self.state();
            let (at, number) = *until.get_or_insert_with(|| {
                state.sleeps += 1;
                (state.now.saturating_add(duration).unwrap_or(Timestamp::MAX), state.sleeps)
            });
            if state.now >= at {
                return Poll::Ready(());
            }
            state.sleepers.insert((at, number), context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Runs what waits by this clock alone to its end. `None` when it waits for something else.
    pub async fn run<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            loop {
                if let Poll::Ready(output) = future.as_mut().poll(context) {
                    return Poll::Ready(Some(output));
                }
                let mut state = self.state();
                let Some(((at, _), sleeper)) = state.sleepers.pop_first() else {
                    return Poll::Ready(None);
                };
                state.now = at;
                drop(state);
                sleeper.wake();
            }
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
