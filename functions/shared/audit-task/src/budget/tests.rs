use std::future::ready;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::{Either, join_all, poll_fn, select};

use super::*;
use crate::until;

fn budget(per_second: u32, sharers: u32) -> Budget {
    let budget = Budget::new(NonZeroU32::new(per_second).unwrap());
    budget.share(NonZeroU32::new(sharers).unwrap());
    budget
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
    let start = Instant::now();
    let budget = &budget(1_000, 1);
    let looks = join_all((0..200).map(|_| looks(budget.spend(ready(()))))).await;
    assert!(start.elapsed() >= Duration::from_millis(199), "{:?}", start.elapsed());
    // To be given its time, and to be sent.
    assert!(looks.iter().all(|looks| *looks <= 2), "{looks:?}");
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
    let start = Instant::now();
    let budget = &budget(20, 1);
    budget.spend(ready(())).await;
    {
        let (mut first, mut second) = (pin!(budget.spend(ready(()))), pin!(budget.spend(ready(()))));
        begin([&mut first, &mut second]).await;
    }
    assert!(tokio::time::timeout(Duration::from_secs(10), budget.spend(ready(()))).await.is_ok());
    // The fourth of 20 requests a second.
    assert!(start.elapsed() >= Duration::from_millis(3 * 50), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_a_call_sends_beside_its_first_request_is_taken_from_those_that_follow() {
    let start = Instant::now();
    let budget = budget(20, 1);
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

/// A share need not be a whole number of requests. Told by the times that requests are given, not by waiting for them.
#[test]
fn the_shares_of_those_that_run_at_once_add_up_to_the_budget() {
    let budget = budget(200, 7);
    let now = Instant::now();
    for sharers in [1, 3, 4, 7] {
        budget.share(NonZeroU32::new(sharers).unwrap());
        let mut pace = budget.account.pace();
        let first = pace.take(now);
        let last = (0..20).map(|_| pace.take(now)).last().unwrap();
        let per_second = 20.0 / (last - first).as_secs_f64();
        assert!((per_second * f64::from(sharers) - 200.0).abs() < 0.001, "{sharers}: {per_second}");
    }
}

#[tokio::test]
async fn there_is_room_while_what_waits_is_sent_within_a_second() {
    let start = Instant::now();
    let budget = &budget(100, 1);
    budget.room().await;
    let waiting = pin!(join_all((0..130).map(|_| budget.spend(ready(())))));
    let room = pin!(async {
        tokio::task::yield_now().await;
        budget.room().await;
    });
    // They take 1.3 seconds.
    assert!(matches!(select(room, waiting).await, Either::Left(_)), "there was no room before all of them were sent");
    assert!(start.elapsed() >= Duration::from_millis(290), "{:?}", start.elapsed());
}

/// Neither those that wait nor those that come late; and the next shard does not pay for the late ones.
#[tokio::test]
async fn nobody_waits_for_a_budget_beyond_the_deadline() {
    let budget = &budget(1, 1);
    let start = Instant::now();
    let deadline = start + Duration::from_millis(200);
    until(deadline, join_all((0..3).map(|_| budget.spend(ready(()))))).await;
    let late = async {
        budget.room().await;
        join_all((0..100).map(|_| budget.spend(ready(())))).await
    };
    until(deadline, late).await;
    // A hundred requests would have taken as many seconds.
    assert!(start.elapsed() < Duration::from_secs(50), "{:?}", start.elapsed());
    assert!(budget.account.pace().next() < start + Duration::from_secs(4));
}
