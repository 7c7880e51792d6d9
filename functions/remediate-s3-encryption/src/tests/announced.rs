//! Scan after scan of one account: what is announced, by whom it is heard, and what comes of it.

use audit_artifacts::{ArtifactStoreExt, Condition};
use audit_model::AlertReceipt;
use audit_model::remediation::RemediationOutcome::{Announced, Applied, Skipped, WouldApply};
use audit_model::summary::{LatestScan, LatestScans};
use pretty_assertions::assert_eq;

use super::interrupted::as_scan;
use super::*;

/// Leaves what `notify-critical` leaves of an alert that named these buckets.
pub(crate) async fn alert(store: &MemoryStore, scan_id: &str, announced: &[&str]) {
    let announced = announced.iter().map(|&bucket| bucket.to_owned()).collect();
    let receipt = AlertReceipt { message_id: "m".to_owned(), subject: "s".to_owned(), announced };
    let _ = store.put_json(&keys::alert(scan_id), &receipt, Condition::IfAbsent).await.unwrap();
}

pub(crate) fn announced_in(records: &[RemediationRecord]) -> Vec<&str> {
    records.iter().filter(|record| record.outcome == Announced).map(|record| record.bucket.as_str()).collect()
}

/// An account that is scanned every six hours.
struct Days {
    account: Account,
    store: MemoryStore,
    scans: i64,
    /// Whether people get the alerts.
    are_heard: bool,
}

/// What a scan came to.
struct Told {
    output: RemediateOutput,
    records: Vec<RemediationRecord>,
}

impl Told {
    /// Outcome, and reasons if there are some, of each bucket, by name.
    fn outcomes(&self) -> Vec<(&str, RemediationOutcome, Vec<ReasonCode>)> {
        let mut told: Vec<_> =
            self.records.iter().map(|record| (record.bucket.as_str(), record.outcome, codes(record))).collect();
        told.sort_by_key(|(bucket, ..)| *bucket);
        told
    }

    fn all(&self) -> Vec<RemediationOutcome> {
        self.outcomes().into_iter().map(|(_, outcome, _)| outcome).collect()
    }
}

impl Days {
    fn of(buckets: &[&str]) -> Self {
        let account = Account::default();
        for name in buckets {
            account.add(name, sse_s3_bucket());
        }
        Self { account, store: MemoryStore::default(), scans: 0, are_heard: true }
    }

    /// The next scan by the schedule, and its alert.
    async fn scan(&mut self) -> Told {
        self.scan_as(sample::plan()).await
    }

    async fn scan_as(&mut self, plan: Plan) -> Told {
        let now = sample::AGGREGATED_AT + SignedDuration::from_hours(6 * self.scans);
        self.scans += 1;
        let scan_id = format!("20261123T06{:04}Z-aaaaaaaa", self.scans);
        let failing: Vec<String> = self.account.names_without_a_key();
        let mut failing: Vec<&str> = failing.iter().map(String::as_str).collect();
        failing.retain(|bucket| !plan.is_scoped() || plan.resources.iter().any(|named| named.id() == *bucket));
        as_scan(&scan_id, &self.store, plan, &failing).await;
        let (account, store) = (&self.account, &self.store);
        let now = || now;
        let ports = Ports { store, buckets: account, encryption: &account.encryption, keys: account, now: &now };
        let output = handle(&RemediateInput { scan_id: scan_id.clone() }, ports, &settings()).await.unwrap();
        let text = store.text(&keys::remediation(&scan_id)).unwrap();
        let records: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if self.are_heard && output.announced + output.drifted > 0 {
            alert(store, &scan_id, &announced_in(&records)).await;
        }
        Told { output, records }
    }

    /// A template states the encryption that the bucket had at first.
    fn set_back(&self, bucket: &str) {
        self.account.encryption.put(bucket, Reading::seen(sample::sse_s3()));
    }
}

fn limited_to(per_run: u32, per_day: u32) -> Plan {
    let mut plan = sample::plan();
    plan.policy.remediation.max_buckets_per_run = per_run;
    plan.policy.remediation.max_buckets_per_day = per_day;
    plan
}

#[tokio::test]
async fn the_schedule_changes_a_bucket_only_after_a_scan_has_announced_it() {
    let mut days = Days::of(&["ledger"]);
    let told = days.scan().await;
    assert_eq!((told.output.announced, counts(&told.output)), (1, (0, 0, 0, 0)));
    assert_eq!((days.account.encryption.writes(), days.account.keys()), (0, Vec::new()));
    let [announced] = &told.records[..] else { panic!("{:?}", told.records) };
    assert_eq!((announced.decision, announced.outcome), (Decision::Apply, Announced));
    assert_eq!((&announced.before, &announced.change_id), (&Some(Reading::seen(sample::sse_s3())), &None));
    assert_eq!(announced.intended.as_ref().map(|intended| intended.algorithm.as_str()), Some("aws:kms"));
    let result = announced.result.as_deref().unwrap();
    assert!(
        result.contains("the next scan gives the bucket a new key, named alias/compliance-audit-ledger"),
        "{result}"
    );

    let told = days.scan().await;
    assert_eq!((told.output.announced, counts(&told.output)), (0, (1, 0, 0, 0)));
    assert_eq!(days.account.encryption_of("ledger").unwrap().kms_key_id, Some(days.account.only_key().arn));
    assert!(Journal::load(&days.store).await.unwrap().announced().is_empty());
    assert_eq!(days.scan().await.records, []);
}

#[tokio::test]
async fn an_announcement_that_no_alert_has_named_does_not_count() {
    let mut days = Days::of(&["ledger", "payments"]);
    days.are_heard = false;
    for _ in 0..3 {
        assert_eq!(days.scan().await.all(), [Announced, Announced]);
    }
    // The alert named one of the two.
    alert(&days.store, "20261123T060003Z-aaaaaaaa", &["payments"]).await;
    assert_eq!(days.scan().await.all(), [Announced, Applied]);
    assert_eq!(days.account.encryption_of("ledger"), Some(sample::sse_s3()));
}

#[tokio::test]
async fn a_person_s_word_applies_at_once_and_so_does_a_policy_without_announcements() {
    assert_eq!(Days::of(&["ledger"]).scan_as(asked_for()).await.all(), [Applied]);
    let mut unannounced = sample::plan();
    unannounced.policy.remediation.announce_first = false;
    assert_eq!(Days::of(&["ledger"]).scan_as(unannounced).await.all(), [Applied]);
}

#[tokio::test]
async fn a_dry_run_tells_what_a_request_would_do_and_announces_nothing() {
    let mut days = Days::of(&["ledger"]);
    for is_announced in [false, true] {
        let told = days.scan_as(Plan { remediation: RemediationMode::DryRun, ..sample::plan() }).await;
        assert_eq!((told.output.announced, told.all()), (0, vec![WouldApply]));
        let result = told.records[0].result.as_deref().unwrap();
        assert!(result.contains("a scan that nobody asks to apply it announces it first"), "{result}");
        let expected = if is_announced { Applied } else { Announced };
        assert_eq!(days.scan().await.all(), [expected], "the dry run has changed nothing about it");
    }
}

#[tokio::test]
async fn what_is_decided_otherwise_meanwhile_is_announced_anew() {
    let blocking = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..sample::sse_s3() };
    // What happens after the announcement, what the scan after says, what happens then, and what the next one says.
    type Happening = fn(&Account);
    let nothing: Happening = |_| {};
    let block: Happening = |account| {
        let blocking = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..sample::sse_s3() };
        account.encryption.put("ledger", Reading::seen(blocking));
    };
    let opt_out: Happening = |account| account.change_readings("ledger", |ledger| *ledger = account::opted_out());
    let opt_in: Happening = |account| account.change_readings("ledger", |ledger| ledger.tags = Reading::Absent);
    let deny: Happening =
        |account| account.change_readings("ledger", |ledger| ledger.policy = denied("s3:GetBucketPolicy"));
    let allow: Happening = |account| account.change_readings("ledger", |ledger| ledger.policy = Reading::Absent);
    let mend: Happening = |account| {
        let key = account.add_key("ledger", false, "Enabled");
        account.encryption.put("ledger", Reading::seen(intended(None, Some(&key))));
    };
    let set_back: Happening = |account| account.encryption.put("ledger", Reading::seen(sample::sse_s3()));
    let cases = [
        (nothing, vec![Applied], nothing, vec![]),
        (block, vec![Announced], nothing, vec![Applied]),
        (opt_out, vec![Skipped], opt_in, vec![Announced]),
        // What could not be read was not decided.
        (deny, vec![Skipped], allow, vec![Applied]),
        (mend, vec![], set_back, vec![Announced]),
    ];
    for (place, (first, then, second, last)) in cases.into_iter().enumerate() {
        let mut days = Days::of(&["ledger"]);
        assert_eq!(days.scan().await.all(), [Announced]);
        first(&days.account);
        assert_eq!(days.scan().await.all(), then, "case {place}");
        second(&days.account);
        assert_eq!(days.scan().await.all(), last, "case {place}");
    }
    let mut days = Days::of(&["ledger"]);
    days.account.encryption.put("ledger", Reading::seen(blocking));
    assert_eq!(days.scan().await.records[0].intended.as_ref().unwrap().blocked_encryption_types, ["SSE-C"]);
}

/// An announcement says "by the next scan": no more wait than that one may change.
#[tokio::test]
async fn no_more_is_announced_than_the_next_scan_may_change() {
    use ReasonCode::{DayLimit, RunLimit};
    let put_off = |bucket, code| (bucket, Skipped, vec![code]);
    let done = |bucket, outcome| (bucket, outcome, vec![]);
    let names = ["a", "b", "c", "d", "e"];
    let mut days = Days::of(&names);
    let waiting = [put_off("c", RunLimit), put_off("d", RunLimit), put_off("e", RunLimit)];
    let first = days.scan_as(limited_to(2, 20)).await;
    assert_eq!(first.outcomes(), [&[done("a", Announced), done("b", Announced)][..], &waiting].concat());
    let second = days.scan_as(limited_to(2, 20)).await;
    let expected =
        [done("a", Applied), done("b", Applied), done("c", Announced), done("d", Announced), put_off("e", RunLimit)];
    assert_eq!(second.outcomes(), expected);
    let third = days.scan_as(limited_to(2, 20)).await;
    assert_eq!(third.outcomes(), [done("c", Applied), done("d", Applied), done("e", Announced)]);

    // What waits for the next day waits, and nothing more is promised meanwhile. The third scan is of the same day.
    let mut days = Days::of(&names);
    days.scan_as(limited_to(2, 2)).await;
    days.scan_as(limited_to(2, 2)).await;
    let third = days.scan_as(limited_to(2, 2)).await;
    assert_eq!(third.outcomes(), [put_off("c", DayLimit), put_off("d", DayLimit), put_off("e", RunLimit)]);
    // The fourth comes after midnight.
    let fourth = days.scan_as(limited_to(2, 2)).await;
    assert_eq!(fourth.outcomes(), [done("c", Applied), done("d", Applied), done("e", Announced)]);
}

#[tokio::test]
async fn a_bucket_that_always_fails_keeps_no_other_from_its_turn() {
    for is_asked_for in [true, false] {
        let mut days = Days::of(&["a", "b", "c", "d"]);
        days.account.encryption.lose_bucket_key_of("a");
        let mut failures = 0;
        for _ in 0..10 {
            let plan = Plan { remediation_requested: is_asked_for, ..limited_to(1, 20) };
            failures += days.scan_as(plan).await.output.failed;
        }
        for bucket in ["b", "c", "d"] {
            assert!(
                days.account.encryption_of(bucket) != Some(sample::sse_s3()),
                "{bucket}, asked for: {is_asked_for}"
            );
        }
        assert!(failures > 1, "it is tried again when the others are done, asked for: {is_asked_for}");
        // Never without an announcement of its own.
        let announcements =
            days.store.keys().iter().filter(|key| key.ends_with("/remediation.jsonl")).fold(0, |count, key| {
                let text = days.store.text(key).unwrap();
                let of_a =
                    |line: &&str| line.contains("\"outcome\":\"ANNOUNCED\"") && line.contains("\"bucket\":\"a\"");
                count + text.lines().filter(of_a).count() as u64
            });
        assert!(is_asked_for || announcements >= failures, "{announcements} announcements, {failures} failures");
    }
}

#[tokio::test]
async fn what_a_template_sets_back_again_and_again_is_left_to_a_person() {
    let mut days = Days::of(&["ledger"]);
    for outcome in [Announced, Applied, Announced, Applied] {
        assert_eq!(days.scan().await.all(), [outcome]);
        days.set_back("ledger");
    }
    let writes = days.account.encryption.writes();
    for drifted in [1, 0, 0] {
        let told = days.scan().await;
        assert_eq!(told.outcomes(), [("ledger", Skipped, vec![ReasonCode::Drift])]);
        assert_eq!(told.output.drifted, drifted, "it is told once");
    }
    // A request for everything does not name it, and a dry run says the same.
    for mode in [RemediationMode::Apply, RemediationMode::DryRun] {
        let told = days.scan_as(Plan { remediation: mode, ..asked_for() }).await;
        assert_eq!((told.outcomes(), told.output.drifted), (vec![("ledger", Skipped, vec![ReasonCode::Drift])], 0));
    }
    assert_eq!(days.account.encryption.writes(), writes);
    // A person names it, and it is counted anew.
    let named = Plan { reapply: vec!["ledger".to_owned()], ..asked_for() };
    assert_eq!(days.scan_as(named).await.all(), [Applied]);
    for outcome in [Announced, Applied] {
        days.set_back("ledger");
        assert_eq!(days.scan().await.all(), [outcome]);
    }
    days.set_back("ledger");
    assert_eq!(days.scan().await.output.drifted, 1);
    assert_eq!(days.account.keys().len(), 1);
}

/// What was announced is taken before what was not, wherever the last scan stopped.
#[tokio::test]
async fn what_was_announced_is_done_first() {
    let mut days = Days::of(&["a", "b", "c"]);
    let mut plan = limited_to(1, 20);
    assert_eq!(announced_in(&days.scan_as(plan.clone()).await.records), ["a"]);
    plan.policy.remediation.max_buckets_per_run = 2;
    let told = days.scan_as(plan).await;
    assert_eq!(
        told.records.iter().map(|record| (record.bucket.as_str(), record.outcome)).collect::<Vec<_>>(),
        [("a", Applied), ("b", Announced), ("c", Announced)]
    );
    assert_eq!(Journal::load(&days.store).await.unwrap().cursor(), Some("c"));
}

/// It has read that nothing holds the bucket back, and is about to begin.
#[tokio::test]
async fn a_rollback_that_ends_while_a_scan_decides_is_not_overridden() {
    let account = Account::new([("ledger", sse_s3_bucket())]);
    let store = scan_of(asked_for(), &["ledger"]).await;
    // The last reading before the change is begun.
    let calls = account_calls_until_nth(&store, &account, "kms:ListAliases", 1).await;
    account.interruption().after(calls);
    let interruption = account.interruption().clone();
    let (output, ()) = tokio::join!(remediate(&store, &account), async {
        interruption.happened().await;
        let changes = bucket_encryption::Changes {
            store: &store,
            encryption: &account.encryption,
            now: &|| sample::AGGREGATED_AT,
            patience: settings().patience,
        };
        let rollback_id = "20261123T050000Z-00000001".to_owned();
        let hold = Hold { rollback_id, requested_by: "payments".to_owned(), since: sample::AGGREGATED_AT };
        changes.hold("ledger", &hold).await.unwrap();
        interruption.resume();
    });
    assert_eq!(counts(&output.unwrap()), (0, 0, 1, 0));
    assert_eq!(codes(&only_record(&store)), [ReasonCode::RolledBack]);
    assert_eq!((account.encryption_of("ledger"), account.encryption.writes()), (Some(sample::sse_s3()), 0));
}

/// A scan of one bucket by name, after one of everything.
#[tokio::test]
async fn a_named_bucket_is_changed_when_it_was_announced_and_what_was_announced_of_others_stands() {
    let resources = vec!["arn:aws:s3:::ledger".parse().unwrap()];
    let named = || Plan { resources: resources.clone(), ..sample::plan() };
    let mut days = Days::of(&["ledger", "payments"]);
    assert_eq!(days.scan_as(named()).await.all(), [Skipped], "no scan has looked at what others deliver into it");
    assert_eq!(days.scan().await.all(), [Announced, Announced]);
    let last = LatestScan { scan_id: "20261123T060002Z-aaaaaaaa".to_owned(), started_at: sample::STARTED_AT };
    days.store.replace_json(keys::LATEST, &LatestScans::from([(Service::S3, last)])).await.unwrap();
    assert_eq!(days.scan_as(named()).await.outcomes(), [("ledger", Applied, Vec::new())]);
    assert_eq!(days.scan().await.outcomes(), [("payments", Applied, Vec::new())]);
}

/// What only the last scan of everything knows of the buckets that deliver into a named one, and what only the scan by name.
#[tokio::test]
async fn a_named_bucket_is_left_alone_when_any_bucket_delivers_into_it() {
    let logs = || delivers("third", Reading::seen("ledger".to_owned()), Reading::Absent);
    let nothing = || delivers("third", Reading::Absent, Reading::Absent);
    for (last, own, expected) in [
        (vec![nothing()], vec![nothing()], (1, 0, 0, 0)),
        (vec![logs()], vec![], (0, 0, 1, 0)),
        (vec![nothing()], vec![logs()], (0, 0, 1, 0)),
    ] {
        let plan = Plan { resources: vec!["arn:aws:s3:::ledger".parse().unwrap()], ..asked_for() };
        let store = scan_of(plan, &["ledger"]).await;
        let everything = as_scan("everything", &store, asked_for(), &[]).await;
        everything.replace_json(&keys::deliveries("everything", sample::LISTING, 1), &last).await.unwrap();
        leave(&store, &[Some(&own)]).await;
        let scan = LatestScan { scan_id: "everything".to_owned(), started_at: sample::STARTED_AT };
        store.replace_json(keys::LATEST, &LatestScans::from([(Service::S3, scan)])).await.unwrap();
        let account = Account::new([("ledger", sse_s3_bucket())]);
        assert_eq!(counts(&remediate(&store, &account).await.unwrap()), expected);
    }
}
