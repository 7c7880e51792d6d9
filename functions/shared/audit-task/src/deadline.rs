//! A time by which whatever is asked of AWS has ended.

use std::future::Future;

use tokio::time::Instant;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Makes calls of AWS until `deadline`. Then no request waits for its budget any more, none is sent, and none that was
/// sent is waited for: each call fails, and says so, so that what was read by then is kept and what was not is
/// unreadable. A pause that a client makes between two attempts, of 20 seconds at the most, is seen to its end.
///
/// Within a deadline another one counts only if it is earlier.
pub async fn until<F: Future>(deadline: Instant, calls: F) -> F::Output {
    let deadline = self::deadline().map_or(deadline, |outer| outer.min(deadline));
    DEADLINE.scope(deadline, calls).await
}

/// The deadline of the present call, if it has one.
pub(crate) fn deadline() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// Whether the present call has no time left.
pub(crate) fn is_over() -> bool {
    deadline().is_some_and(|deadline| deadline <= Instant::now())
}
