use std::future::ready;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::{join_all, poll_fn};

use super::*;

fn budget(per_second: u32, sharers: u32) -> Budget {
    Budget::share(NonZeroU32::new(per_second).unwrap(), NonZeroU32::new(sharers).unwrap())
}

/// How often `call` is looked at until it is done.
async fn looks<T>(call: impl Future<Output = T>) -> u32 {
    let mut call = pin!(call);
    let mut looks = 0;
    poll_fn(|context| {
        looks += 1;
        call.as_mut().poll(context).map(|_| ())
    })
    .await;
    looks
}

#[tokio::test]
async fn a_waiter_is_woken_for_its_own_request_only_and_the_first_goes_first() {
    let budget = &budget(1_000, 1);
    let order = &Mutex::new(Vec::new());
    let start = Instant::now();
    let waiters = (0..200).map(|waiter| looks(budget.spend(async move { order.lock().unwrap().push(waiter) })));
    let looks = join_all(waiters).await;
    assert!(start.elapsed() >= Duration::from_millis(199), "{:?}", start.elapsed());
    // To ask for its turn, to have it, and to be sent.
    assert!(looks.iter().all(|looks| *looks <= 3), "{looks:?}");
    assert!(order.lock().unwrap().is_sorted());
}

#[tokio::test]
async fn a_share_need_not_be_a_whole_number() {
    let budget = budget(7, 4);
    let start = Instant::now();
    budget.spend(ready(())).await;
    budget.spend(ready(())).await;
    let waited = start.elapsed().as_secs_f64();
    assert!((4.0 / 7.0..1.0).contains(&waited), "{waited}");
}

#[tokio::test]
async fn a_waiter_that_goes_away_holds_up_nobody() {
    let budget = &budget(20, 1);
    let start = Instant::now();
    budget.spend(ready(())).await;
    {
        let mut first = pin!(budget.spend(ready(())));
        let mut second = pin!(budget.spend(ready(())));
        poll_fn(|context| {
            assert!(first.as_mut().poll(context).is_pending() && second.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    }
    budget.spend(ready(())).await;
    // The request of the first is lost, and the second had none yet.
    let waited = start.elapsed().as_secs_f64();
    assert!((0.1..1.0).contains(&waited), "{waited}");
}

#[tokio::test]
async fn what_a_call_sends_beside_its_first_request_is_taken_from_those_that_follow() {
    let budget = budget(20, 1);
    let start = Instant::now();
    let send = async |requests: u32| {
        for _ in 0..requests {
            Account::charged_with_a_request().unwrap().answered(false);
        }
    };
    budget.spend(send(1)).await;
    budget.spend(send(3)).await;
    budget.spend(send(1)).await;
    // The fifth that was sent.
    assert!(start.elapsed() >= Duration::from_millis(4 * 50), "{:?}", start.elapsed());
    assert!(Account::charged_with_a_request().is_none(), "no call is made within a budget");
}
