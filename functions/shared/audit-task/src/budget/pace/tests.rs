use proptest::prelude::{ProptestConfig, prop_assert, proptest};

use super::*;

fn after(start: Instant, seconds: f64) -> Instant {
    start + Duration::from_secs_f64(seconds)
}

/// How long after the first each of so many requests goes that are asked for at once, in seconds.
fn slots(pace: &mut Pace, now: Instant, requests: u32) -> Vec<f64> {
    (0..requests).map(|_| pace.take(now).saturating_duration_since(now).as_secs_f64()).collect()
}

#[test]
fn requests_that_are_asked_for_at_once_go_at_even_distances() {
    let cases = [
        (200.0, vec![0.0, 0.005, 0.010]),
        (1.75, vec![0.0, 1.0 / 1.75, 2.0 / 1.75]),
        (0.5, vec![0.0, 2.0, 4.0]),
        (f64::from(u32::MAX), vec![0.0, 0.0, 0.0]),
    ];
    for (rate, expected) in cases {
        let now = Instant::now();
        let slots = slots(&mut Pace::new(rate, now), now, 3);
        assert!(
            slots.iter().zip(&expected).all(|(slot, expected)| (slot - expected).abs() < 1e-6),
            "{rate}: {slots:?}"
        );
    }
}

#[test]
fn what_was_not_used_for_long_is_lost_and_what_was_late_is_made_up_for() {
    let start = Instant::now();
    let mut pace = Pace::new(100.0, start);
    pace.take(start);
    // A minute later, no more than what 50 ms allow go at once.
    let now = after(start, 60.0);
    let at_once = slots(&mut pace, now, 20).into_iter().filter(|slot| *slot == 0.0).count();
    assert_eq!(at_once, 6);

    // Each wakes 3 ms late, which is more than lies between two requests.
    let mut pace = Pace::new(1_000.0, start);
    let mut now = start;
    for _ in 0..=1_000 {
        let slot = pace.take(now);
        if slot > now {
            now = slot + Duration::from_millis(3);
        }
    }
    assert!((1.0..1.01).contains(&(now - start).as_secs_f64()), "{:?}", now - start);
}

/// What became of requests sent for so many seconds, each again when it was throttled.
struct Sent {
    granted: u32,
    throttled: u32,
    rates: Vec<f64>,
}

/// Keeps asking for requests, 30 ms before each is answered as AWS decides at the time of its sending.
fn send(pace: &mut Pace, start: Instant, seconds: f64, mut grants: impl FnMut(f64) -> bool) -> Sent {
    let mut sent = Sent { granted: 0, throttled: 0, rates: Vec::new() };
    let mut now = start;
    loop {
        now = pace.take(now).max(now);
        let second = (now - start).as_secs_f64();
        if second >= seconds {
            return sent;
        }
        let granted = grants(second);
        pace.answered(now + Duration::from_millis(30), !granted);
        if granted {
            sent.granted += 1
        } else {
            sent.throttled += 1
        }
        sent.rates.push(pace.rate);
    }
}

/// A token bucket as EC2 documents it: so many requests at once, and so many more a second.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>
fn bucket(size: f64, refill: f64) -> impl FnMut(f64) -> bool {
    let (mut tokens, mut before) = (size, 0.0);
    move |second| {
        tokens = size.min(tokens + (second - before) * refill);
        before = second;
        let granted = tokens >= 1.0;
        tokens -= f64::from(u8::from(granted));
        granted
    }
}

#[test]
fn where_aws_grants_all_the_rate_stays_and_the_budget_is_used_up() {
    let start = Instant::now();
    let sent = send(&mut Pace::new(200.0, start), start, 60.0, |_| true);
    assert_eq!((sent.throttled, sent.rates.iter().all(|rate| *rate == 200.0)), (0, true));
    assert!((11_990..=12_011).contains(&sent.granted), "{}", sent.granted);
}

/// The rest of the quota belongs to others.
#[test]
fn where_aws_grants_less_the_rate_comes_down_to_it_and_goes_up_again() {
    let start = Instant::now();
    let mut pace = Pace::new(200.0, start);
    let sent = send(&mut pace, start, 60.0, bucket(100.0, 80.0));
    assert!((4_700..=4_900).contains(&sent.granted), "{}", sent.granted);
    let settled = &sent.rates[sent.rates.len() / 2..];
    assert!(settled.iter().all(|rate| (80.0..130.0).contains(rate)), "{settled:?}");

    let sent = send(&mut pace, after(start, 60.0), 10.0, |_| true);
    assert_eq!((sent.throttled, pace.rate), (0, 200.0));
}

#[test]
fn where_aws_grants_nothing_a_fifth_goes_on_asking() {
    let start = Instant::now();
    let mut pace = Pace::new(200.0, start);
    let sent = send(&mut pace, start, 60.0, |_| false);
    assert!(sent.rates.iter().all(|rate| *rate >= 40.0) && pace.rate < 43.0, "{}", pace.rate);
}

/// Refusals that do not depend on the pace would bring one that is halved by any of them to a standstill.
#[test]
fn scattered_refusals_cost_little_more_than_being_sent_again() {
    for (every, most_times) in [(100, 1.02), (20, 1.07), (5, 1.5)] {
        let start = Instant::now();
        let mut sent_so_far = 0;
        let sent = send(&mut Pace::new(100.0, start), start, 100.0, |_| {
            sent_so_far += 1;
            sent_so_far % every != 0
        });
        let times = 100.0 * 100.0 / f64::from(sent.granted);
        assert!((1.0..most_times).contains(&times), "1 of {every}: {times} times as long");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whenever the requests are asked for and however they are answered.
    #[test]
    fn no_second_has_more_than_the_budget(
        most in 0.1f64..300.0,
        waits in proptest::collection::vec((0u64..200, proptest::bool::ANY), 1..500),
    ) {
        let start = Instant::now();
        let mut pace = Pace::new(most, start);
        let mut now = start;
        let sent: Vec<Instant> = waits
            .into_iter()
            .map(|(milliseconds, throttled)| {
                now = pace.take(now).max(now);
                let sent = now;
                pace.answered(now, throttled);
                now += Duration::from_millis(milliseconds);
                sent
            })
            .collect();
        let most_at_once = (most * (SECOND + LATENESS).as_secs_f64()).floor() + 1.0;
        for (at, first) in sent.iter().enumerate() {
            let within = sent[at..].iter().take_while(|it| **it < *first + SECOND).count();
            prop_assert!(within as f64 <= most_at_once, "{within} of {most_at_once}");
        }
    }
}

#[test]
fn another_share_keeps_what_throttling_has_left() {
    let start = Instant::now();
    let mut pace = Pace::new(100.0, start);
    pace.answered(start, true);
    pace.answered(after(start, 1.0), false);
    // Every answer of the second was throttled: half of the rate, and a tenth of the most given back.
    assert!((pace.rate - 60.0).abs() < 1e-9, "{}", pace.rate);
    pace.allow(50.0);
    assert!((pace.rate - 30.0).abs() < 1e-9, "{}", pace.rate);
    pace.allow(100.0);
    assert!((pace.rate - 60.0).abs() < 1e-9, "{}", pace.rate);
}
