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
async fn a_waiter_is_woken_for_its_own_request_only() {
    let budget = &budget(1_000, 1);
    let start = Instant::now();
    let looks = join_all((0..200).map(|_| looks(budget.spend(ready(()))))).await;
    assert!(start.elapsed() >= Duration::from_millis(199), "{:?}", start.elapsed());
    // To be given its time, and to be sent.
    assert!(looks.iter().all(|looks| *looks <= 2), "{looks:?}");
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

/// Looks at each of two calls once, so that both wait for their time.
async fn begin(calls: [&mut (dyn Future<Output = ()> + Unpin); 2]) {
    let mut calls = calls.map(std::pin::Pin::new);
    poll_fn(|context| {
        assert!(calls.iter_mut().all(|call| call.as_mut().poll(context).is_pending()));
        Poll::Ready(())
    })
    .await;
}

/// Of calls that are made ahead only one may be looked at, until it is done: the others must not keep it back.
#[tokio::test]
async fn a_waiter_that_nobody_looks_at_holds_up_nobody() {
    let budget = &budget(100, 1);
    budget.spend(ready(())).await;
    let (mut first, mut second) = (pin!(budget.spend(ready(()))), pin!(budget.spend(ready(()))));
    begin([&mut first, &mut second]).await;
    let third = tokio::time::timeout(Duration::from_secs(10), budget.spend(ready(())));
    assert!(third.await.is_ok());
    first.await;
    second.await;
}

#[tokio::test]
async fn a_waiter_that_goes_away_loses_its_own_request_only() {
    let budget = &budget(20, 1);
    let start = Instant::now();
    budget.spend(ready(())).await;
    {
        let (mut first, mut second) = (pin!(budget.spend(ready(()))), pin!(budget.spend(ready(()))));
        begin([&mut first, &mut second]).await;
    }
    budget.spend(ready(())).await;
    // The fourth of 20 requests a second.
    let waited = start.elapsed().as_secs_f64();
    assert!((0.15..1.0).contains(&waited), "{waited}");
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
