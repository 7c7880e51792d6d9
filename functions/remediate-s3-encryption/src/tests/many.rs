//! More buckets than can be read one after the other in the function's time, by a simulated clock.

use std::collections::BTreeMap;

use bucket_encryption::memory::SimulatedTime;
use futures::executor::block_on;
use pretty_assertions::assert_eq;

use super::*;

/// The first and the number of the buckets that came to each outcome, with its reasons.
type Told = BTreeMap<(RemediationOutcome, Vec<ReasonCode>), (String, usize)>;

/// An account of many buckets, in which every call takes so long.
struct Large {
    account: Account,
    store: MemoryStore,
    time: SimulatedTime,
}

impl Large {
    /// 3,000 buckets, of which the first 2,900 by name are opted out.
    fn new(latency: Duration) -> Self {
        Self::of(3_000, latency, |number| if number < 2_900 { account::opted_out() } else { sse_s3_bucket() })
    }

    fn of(buckets: usize, latency: Duration, readings: impl Fn(usize) -> Readings) -> Self {
        let time = SimulatedTime::new(sample::AGGREGATED_AT);
        let mut account = Account::default();
        for number in 0..buckets {
            account.add(&format!("bucket-{number:04}"), readings(number));
        }
        account.encryption.interruption = Interruption::slow(&time, latency);
        Self { account, store: MemoryStore::default(), time }
    }

    /// A scan whose remediation somebody has asked for finds what has no key yet.
    fn scan(&self) -> Told {
        let failing = self.account.names_without_a_key();
        let names: Vec<&str> = failing.iter().map(String::as_str).collect();
        block_on(next_scan(&self.store, asked_for(), &names));
        let all: Vec<_> =
            self.account.names().iter().map(|name| delivers(name, Reading::Absent, Reading::Absent)).collect();
        block_on(leave(&self.store, &all.chunks(100).map(Some).collect::<Vec<_>>()));
        let store = InterruptedStore {
            store: self.store.clone(),
            interruption: self.account.interruption().clone(),
            refuses: false,
        };
        let account = &self.account;
        let now = || self.time.now();
        let ports =
            Ports { store: &store, buckets: account, encryption: &account.encryption, keys: account, now: &now };
        let input = RemediateInput { scan_id: sample::SCAN_ID.to_owned() };
        let started = now();
        // Without a runtime, whose own scheduling would look like waiting.
        block_on(self.time.run(handle(&input, ports, &settings()))).unwrap().unwrap();
        let took = now().duration_since(started);
        assert!(took < SignedDuration::from_mins(15), "AWS Lambda would have stopped it after {took}");
        let mut told = Told::new();
        for record in records(&self.store) {
            let (first, count) = told.entry((record.outcome, codes(&record))).or_insert((record.bucket.clone(), 0));
            *count += 1;
            *first = record.bucket.min(first.clone());
        }
        assert_eq!(told.values().map(|(_, count)| count).sum::<usize>(), failing.len(), "each has a record");
        told
    }
}

#[test]
fn the_last_of_3000_buckets_are_reached_though_2900_before_them_are_refused() {
    use RemediationOutcome::{Applied, Skipped};
    // Amazon S3 answers in a third of a second: one after the other it would take a quarter of an hour to read them.
    let large = Large::new(Duration::from_millis(300));
    let expected = [
        ((Skipped, vec![ReasonCode::OptedOut]), ("bucket-0000".to_owned(), 2_900)),
        ((Applied, vec![]), ("bucket-2900".to_owned(), 10)),
        ((Skipped, vec![ReasonCode::RunLimit]), ("bucket-2910".to_owned(), 90)),
    ];
    assert_eq!(large.scan(), Told::from(expected));
    // The next one goes on with those that were not reached.
    let second = large.scan();
    assert_eq!(second[&(Applied, vec![])], ("bucket-2910".to_owned(), 10));
    assert_eq!(second[&(Skipped, vec![ReasonCode::RunLimit])].1, 2_900 + 80);
}

#[test]
fn where_time_is_used_up_the_next_scan_goes_on() {
    use RemediationOutcome::{Applied, Skipped};
    let large = Large::new(Duration::from_secs(5));
    let first = large.scan();
    let opted_out = &(Skipped, vec![ReasonCode::OptedOut]);
    let used_up = &(Skipped, vec![ReasonCode::TimeUsedUp]);
    let (reached, left) = (first[opted_out].1, first[used_up].1);
    assert!(reached > 1_000 && left > 1_000 && !first.contains_key(&(Applied, vec![])), "{first:?}");
    let second = large.scan();
    assert_eq!(second[&(Applied, vec![])].0, "bucket-2900", "{second:?}");
    assert_eq!(second[opted_out].0, first[used_up].0, "{second:?}");
}

/// The account's other buckets are read by the scan: where they deliver is known before the first bucket's turn comes.
#[test]
fn a_bucket_among_60000_is_changed_in_time() {
    let with_a_key = BucketEncryption { kms_key_id: Some("alias/theirs".to_owned()), ..sample::sse_s3() };
    let large = Large::of(60_000, Duration::from_millis(300), |number| {
        if number == 59_999 { sse_s3_bucket() } else { bucket(with_a_key.clone()) }
    });
    assert_eq!(large.scan(), Told::from([((RemediationOutcome::Applied, vec![]), ("bucket-59999".to_owned(), 1))]));
}
