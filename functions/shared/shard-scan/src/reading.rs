//! How the resources of a shard are read: side by side, and in time.

use std::future::Future;
use std::time::Duration;

use audit_model::plan::Target;
use audit_task::until;
use futures::{Stream, StreamExt, stream};
use tokio::time::Instant;

/// How long a shard is read, of the 15 minutes that a scanner has. Plan and shard come before, and what was begun by then
/// is written after.
pub(crate) const SHARD: Duration = Duration::from_secs(10 * 60);

/// How long one resource is read. A few of its calls follow each other, and each ends after two minutes; what of a resource that
/// slow is not read by then is unreadable.
const RESOURCE: Duration = Duration::from_secs(4 * 60);

/// Resources that are being read, or have been while one before them still is: as many as a shard has at the most
/// (`list-targets`), so that one slow answer holds nobody up. The request budgets limit the speed; this limits what is held: a
/// scanner of buckets comes to 19 MiB, of which it begins with 10.
const AHEAD: usize = 128;

/// Makes calls of AWS for as long as a shard is read, and no longer.
pub async fn in_time<F: Future>(calls: F) -> F::Output {
    until(Instant::now() + SHARD, calls).await
}

/// Reads the resources of a shard and hands over what was read of each, in their order. The next one is begun as soon as
/// there is `room`, whether or not those before have been read.
///
/// No resource holds the others up, and none is left out: what AWS has not answered in time the calls in `read` report as
/// unanswered, and so they do at once for each resource that is left when the shard's time is over.
pub fn read_in_order<'a, T: 'a, R, F>(
    targets: &'a [Target],
    room: impl Fn() -> R + 'a,
    read: impl Fn(&'a Target) -> F + 'a,
) -> impl Stream<Item = T> + 'a
where
    R: Future<Output = ()> + 'a,
    F: Future<Output = T> + 'a,
{
    read_until(Instant::now() + SHARD, RESOURCE, targets, room, read)
}

fn read_until<'a, T: 'a, R, F>(
    end: Instant,
    of_a_resource: Duration,
    targets: &'a [Target],
    room: impl Fn() -> R + 'a,
    read: impl Fn(&'a Target) -> F + 'a,
) -> impl Stream<Item = T> + 'a
where
    R: Future<Output = ()> + 'a,
    F: Future<Output = T> + 'a,
{
    let in_turn = stream::iter(targets).then(move |target| {
        let room = until(end, room());
        async move {
            room.await;
            target
        }
    });
    in_turn.map(move |target| until(end.min(Instant::now() + of_a_resource), read(target))).buffered(AHEAD)
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::num::NonZeroU32;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use audit_model::plan::TargetKind;
    use audit_task::Budget;
    use pretty_assertions::assert_eq;
    use tokio::time::sleep;

    use super::*;

    /// The most that `list-targets` puts into a shard of buckets or functions.
    const SHARD_OF_TARGETS: usize = 128;

    const MINUTE: Duration = Duration::from_secs(60);

    fn targets(count: usize) -> Vec<Target> {
        let target = |id: usize| Target {
            kind: TargetKind::Bucket,
            id: id.to_string(),
            region: None,
            owner: None,
            only: Vec::new(),
        };
        (0..count).map(target).collect()
    }

    fn in_order(targets: &[Target]) -> Vec<String> {
        targets.iter().map(|target| target.id.clone()).collect()
    }

    #[tokio::test]
    async fn one_slow_answer_holds_nobody_up_and_the_order_is_kept() {
        let (targets, others_read) = (targets(SHARD_OF_TARGETS), &AtomicUsize::new(0));
        let read = |target: &Target| {
            let id = target.id.clone();
            async move {
                if id == "0" {
                    // All others are read while this one is.
                    while others_read.load(Ordering::Relaxed) < SHARD_OF_TARGETS - 1 {
                        sleep(Duration::from_millis(1)).await;
                    }
                } else {
                    others_read.fetch_add(1, Ordering::Relaxed);
                }
                id
            }
        };
        let all = read_until(Instant::now() + MINUTE, MINUTE, &targets, || ready(()), read).collect::<Vec<_>>();
        let all = tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
        assert_eq!(all, in_order(&targets));
    }

    #[tokio::test]
    async fn what_is_ahead_is_limited() {
        let (targets, begun) = (targets(2 * AHEAD), &AtomicUsize::new(0));
        let read = |target: &Target| {
            begun.fetch_add(1, Ordering::Relaxed);
            let is_first = target.id == "0";
            async move {
                if is_first {
                    sleep(Duration::from_millis(50)).await;
                    assert_eq!(begun.load(Ordering::Relaxed), AHEAD);
                }
            }
        };
        let all = read_until(Instant::now() + MINUTE, MINUTE, &targets, || ready(()), read);
        assert_eq!(all.count().await, 2 * AHEAD);
    }

    #[tokio::test]
    async fn a_resource_and_a_shard_have_their_time_and_every_resource_is_handed_over() {
        // One request an hour: only the deadlines end the waiting.
        let budget = |times: u32| async move {
            let budget = Budget::new(NonZeroU32::MIN);
            budget.share(NonZeroU32::new(3_600).unwrap());
            for _ in 0..=times {
                budget.spend(ready(())).await;
            }
        };
        let targets = targets(3 * AHEAD);
        let read = |target: &Target| {
            let id = target.id.clone();
            async move {
                budget(1).await;
                id
            }
        };
        let short = Duration::from_millis(100);
        for (shard, of_a_resource) in [(short, MINUTE), (MINUTE, short)] {
            let start = Instant::now();
            let all = read_until(start + shard, of_a_resource, &targets, || budget(0), read).collect::<Vec<_>>();
            let all = tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
            assert_eq!(all, in_order(&targets));
            assert!(start.elapsed() >= short, "{:?}", start.elapsed());
        }
    }
}
