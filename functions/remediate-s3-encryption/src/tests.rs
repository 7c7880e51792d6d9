//! The task against an account in memory.

mod account;
mod announced;
mod interrupted;
mod many;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, MemoryStore, keys, sample};
use audit_model::plan::{Inventory, Unlisted};
use audit_model::remediation::{ReasonCode, RemediationOutcome, RemediationRecord};
use audit_model::{BucketDeliveries, Change, Finding, Plan, Severity, Status, Unreadable, UnreadableCause};
use bucket_encryption::memory::{InterruptedStore, Interruption};
use bucket_encryption::{Hold, Patience};
use jiff::SignedDuration;
use pretty_assertions::assert_eq;

use self::account::{Account, bucket, denied};
use super::*;

const RULE: &str = "s3-bucket-customer-managed-key-encrypted";

fn settings() -> Settings {
    Settings {
        reports_bucket: "compliance-audit-reports-bucket-123456789012-dev-pr42".to_owned(),
        system: "dev-pr42".to_owned(),
        time_limit: SignedDuration::from_mins(10),
        patience: Patience { attempts: NonZeroU32::MIN.saturating_add(2), pause: Duration::ZERO },
    }
}

fn violation(bucket: &str) -> Finding {
    sample::finding(bucket, RULE, Severity::High, Status::NonCompliant)
}

/// A scan that found these buckets without a key of the customer's, and may repair so many of them.
async fn scan(mode: RemediationMode, limit: u32, buckets: &[&str]) -> MemoryStore {
    scan_of(Plan { remediation: mode, ..plan_with(limit) }, buckets).await
}

/// A scan whose remediation somebody has asked for.
fn asked_for() -> Plan {
    Plan { remediation_requested: true, ..sample::plan() }
}

fn plan_with(limit: u32) -> Plan {
    let mut plan = asked_for();
    plan.policy.remediation.max_buckets_per_run = limit;
    plan
}

async fn scan_of(plan: Plan, buckets: &[&str]) -> MemoryStore {
    let findings: Vec<Finding> = buckets.iter().map(|bucket| violation(bucket)).collect();
    store_of(plan, &findings).await
}

/// A scan that found this, and no bucket that delivers anything.
async fn store_of(plan: Plan, findings: &[Finding]) -> MemoryStore {
    let store = sample::store(&plan, &sample::summary(findings), findings, &[]).await.unwrap();
    leave(&store, &[Some(&[])]).await;
    store
}

/// Leaves what the scan has read of the buckets' deliveries, shard by shard. `None` is a shard that was not scanned.
async fn leave(store: &MemoryStore, shards: &[Option<&[BucketDeliveries]>]) {
    let inventory = Inventory {
        service: Service::S3,
        listing: sample::LISTING.to_owned(),
        resources: 0,
        shards: shards.iter().map(|shard| shard.map_or(0, |of_buckets| of_buckets.len() as u64)).collect(),
        unlisted: Vec::new(),
        // Just now, whenever the remediation comes.
        listed_at: Timestamp::MAX,
    };
    store.replace_json(&keys::inventory(sample::SCAN_ID, Service::S3), &inventory).await.unwrap();
    for (number, shard) in (1..).zip(shards) {
        let key = keys::deliveries(sample::SCAN_ID, sample::LISTING, number);
        match shard {
            Some(of_buckets) => store.replace_json(&key, of_buckets).await.unwrap(),
            None => store.remove(&key),
        }
    }
}

fn delivers(bucket: &str, log_target: Reading<String>, replicated_into: Reading<Vec<String>>) -> BucketDeliveries {
    BucketDeliveries { bucket: bucket.to_owned(), log_target, replicated_into }
}

async fn remediate(store: &dyn ArtifactStore, account: &Account) -> Result<RemediateOutput, TaskError> {
    remediate_at(store, account, sample::AGGREGATED_AT).await
}

async fn remediate_at(
    store: &dyn ArtifactStore,
    account: &Account,
    at: Timestamp,
) -> Result<RemediateOutput, TaskError> {
    let now = move || at;
    let ports = Ports { store, buckets: account, encryption: &account.encryption, keys: account, now: &now };
    handle(&RemediateInput { scan_id: sample::SCAN_ID.to_owned() }, ports, &settings()).await
}

fn records(store: &MemoryStore) -> Vec<RemediationRecord> {
    let text = store.text(&keys::remediation(sample::SCAN_ID)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn only_record(store: &MemoryStore) -> RemediationRecord {
    let [record] = &records(store)[..] else { panic!("{:?}", records(store)) };
    record.clone()
}

fn codes(record: &RemediationRecord) -> Vec<ReasonCode> {
    record.reasons.iter().map(|reason| reason.code).collect()
}

fn counts(output: &RemediateOutput) -> (u64, u64, u64, u64) {
    (output.applied, output.would_apply, output.skipped, output.failed)
}

fn sse_s3_bucket() -> Readings {
    bucket(sample::sse_s3())
}

#[tokio::test]
async fn a_bucket_gets_a_rotating_key_of_its_own_and_a_record_of_all_that_was_done() {
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let before = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..sample::sse_s3() };
    let account = Account::new([("ledger", bucket(before.clone()))]);

    let output = remediate(&store, &account).await.unwrap();

    assert_eq!(counts(&output), (1, 0, 0, 0));
    let key = account.only_key();
    assert_eq!((key.bucket.as_str(), key.named, key.rotates), ("ledger", true, true));
    let now = account.encryption_of("ledger").unwrap();
    let expected = BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: Some(key.arn.clone()),
        bucket_key_enabled: true,
        blocked_encryption_types: vec!["SSE-C".to_owned()],
    };
    assert_eq!(now, expected);
    let record = only_record(&store);
    assert_eq!((record.decision, record.outcome), (Decision::Apply, RemediationOutcome::Applied));
    assert_eq!((record.before, record.after), (Some(Reading::seen(before)), Some(Reading::seen(now.clone()))));
    assert_eq!((record.intended, record.key_arn.as_deref()), (Some(now), Some(key.arn.as_str())));
    assert_eq!((record.bucket_arn.as_str(), record.rules.as_slice()), ("arn:aws:s3:::ledger", &[RULE.to_owned()][..]));
    assert_eq!((record.requested_by.as_str(), record.execution_arn), ("the schedule", sample::plan().execution_arn));
    assert_eq!((record.decided_at, record.ended_at), (sample::AGGREGATED_AT, sample::AGGREGATED_AT));
    let calls: Vec<_> = record.calls.iter().map(|call| (call.action.as_str(), call.request_id.as_deref())).collect();
    let expected = [
        ("kms:CreateKey", Some("request-1")),
        ("kms:CreateAlias", Some("request-2")),
        ("kms:EnableKeyRotation", Some("request-3")),
        ("s3:PutEncryptionConfiguration", Some("request-4")),
    ];
    assert_eq!(calls, expected);
    let text = store.text(&keys::remediation(sample::SCAN_ID)).unwrap();
    assert_eq!(output.records_sha256, audit_artifacts::sha256(text.as_bytes()));
    assert_eq!(Journal::load(&store).await.unwrap().open(), []);
}

/// The same account, once to be told and once to be changed: everything is decided alike, and what was said is done.
#[tokio::test]
async fn a_dry_run_says_exactly_what_apply_does_and_makes_no_writing_call() {
    let dsse = BucketEncryption { algorithm: "aws:kms:dsse".to_owned(), ..sample::sse_s3() };
    let blocking = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..sample::sse_s3() };
    let names = ["dsse", "keyed", "ledger", "optedout", "orphaned", "overlimit"];
    let account = || {
        let account = Account::new([
            ("dsse", bucket(dsse.clone())),
            ("keyed", sse_s3_bucket()),
            ("ledger", bucket(blocking.clone())),
            ("optedout", account::opted_out()),
            ("orphaned", sse_s3_bucket()),
            ("overlimit", sse_s3_bucket()),
        ]);
        account.add_key("keyed", true, "Enabled");
        account.add_key("orphaned", false, "Enabled");
        account
    };
    let (dry, earnest) = (account(), account());
    let told = scan(RemediationMode::DryRun, 4, &names).await;
    let done = scan(RemediationMode::Apply, 4, &names).await;

    let output = remediate(&told, &dry).await.unwrap();
    assert_eq!(counts(&output), (0, 4, 2, 0));
    assert_eq!(dry.encryption.writes(), 0, "{:?}", dry.encryption.calls());
    assert!(told.text(keys::JOURNAL).is_none());
    assert_eq!(counts(&remediate(&done, &earnest).await.unwrap()), (4, 0, 2, 0));

    for (told, done) in records(&told).into_iter().zip(records(&done)) {
        assert_eq!((&told.bucket, &told.reasons, &told.before), (&done.bucket, &done.reasons, &done.before));
        let new_key = told.intended.as_ref().is_some_and(|intended| intended.kms_key_id.is_none());
        assert_eq!(new_key, ["dsse", "ledger"].contains(&told.bucket.as_str()), "{}", told.bucket);
        let without_key = |intended: Option<BucketEncryption>| {
            intended
                .map(|intended| BucketEncryption { kms_key_id: intended.kms_key_id.filter(|_| !new_key), ..intended })
        };
        assert_eq!(without_key(told.intended), without_key(done.intended), "{}", told.bucket);
    }
}

#[tokio::test]
async fn when_remediation_is_off_nothing_is_even_read() {
    let store = scan(RemediationMode::Off, 10, &["ledger"]).await;
    let account = Account::new([("ledger", sse_s3_bucket())]);
    let output = remediate(&store, &account).await.unwrap();
    assert_eq!(counts(&output), (0, 0, 1, 0));
    assert_eq!(codes(&only_record(&store)), [ReasonCode::Off]);
    assert_eq!((account.encryption.calls(), only_record(&store).before), (Vec::new(), None));
}

#[tokio::test]
async fn the_limit_of_a_run_ends_the_changes_and_not_the_records() {
    let store = scan(RemediationMode::Apply, 2, &["d", "c", "b", "a"]).await;
    let account = Account::new(["a", "b", "c", "d"].map(|name| (name, sse_s3_bucket())));
    let output = remediate(&store, &account).await.unwrap();
    assert_eq!(counts(&output), (2, 0, 2, 0));
    let changed = ["a", "b", "c", "d"].map(|name| account.encryption_of(name) != Some(sample::sse_s3()));
    assert_eq!(changed, [true, true, false, false]);
    assert_eq!(codes(&records(&store)[3]), [ReasonCode::RunLimit]);
}

#[tokio::test]
async fn a_change_that_failed_counts_against_the_limit_of_a_run() {
    let mut plan = plan_with(1);
    plan.policy.remediation.stop_after_failures = 9;
    let store = scan_of(plan, &["a", "b"]).await;
    let account = Account::new(["a", "b"].map(|name| (name, sse_s3_bucket())));
    account.encryption.lose_bucket_key_of("a");
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 1, 1));
    assert_eq!(codes(&records(&store)[1]), [ReasonCode::RunLimit]);
}

#[tokio::test]
async fn a_dry_run_counts_against_the_limit_of_a_day_as_it_would_in_earnest() {
    let mut plan = Plan { remediation: RemediationMode::DryRun, ..plan_with(10) };
    plan.policy.remediation.max_buckets_per_day = 2;
    let store = scan_of(plan, &["a", "b", "c"]).await;
    let account = Account::new(["a", "b", "c"].map(|name| (name, sse_s3_bucket())));
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 2, 1, 0));
    assert_eq!(codes(&records(&store)[2]), [ReasonCode::DayLimit]);
}

#[tokio::test]
async fn the_limit_of_a_day_holds_over_scans_for_apply_and_dry_run_alike_until_midnight() {
    let names = ["a", "b", "c"];
    let account = Account::new(names.map(|name| (name, sse_s3_bucket())));
    let mut plan = plan_with(10);
    plan.policy.remediation.max_buckets_per_day = 2;
    let store = scan_of(plan.clone(), &names).await;
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (2, 0, 1, 0));
    assert_eq!(codes(&records(&store)[2]), [ReasonCode::DayLimit]);

    // The next scan of the day finds one bucket left, and may not.
    for mode in [RemediationMode::DryRun, RemediationMode::Apply] {
        next_scan(&store, Plan { remediation: mode, ..plan.clone() }, &["c"]).await;
        assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 1, 0), "{mode}");
        assert_eq!(codes(&only_record(&store)), [ReasonCode::DayLimit], "{mode}");
    }
    next_scan(&store, plan, &["c"]).await;
    let tomorrow = sample::AGGREGATED_AT + SignedDuration::from_hours(24);
    assert_eq!(counts(&remediate_at(&store, &account, tomorrow).await.unwrap()), (1, 0, 0, 0));
}

/// Replaces the scan in the store by a new one, which knows nothing of the records of the one before. The journal stays.
async fn next_scan(store: &MemoryStore, plan: Plan, buckets: &[&str]) {
    let next = scan_of(plan, buckets).await;
    store.remove(&keys::remediation(sample::SCAN_ID));
    for key in next.keys() {
        let content = next.get(&key).await.unwrap().unwrap().content;
        let _ = store.put(&key, "application/json", content, audit_artifacts::Condition::None).await.unwrap();
    }
}

#[tokio::test]
async fn after_so_many_failures_as_the_policy_says_no_further_bucket_is_begun() {
    for (stop_after, expected) in [(1, (0, 0, 3, 1)), (2, (0, 0, 2, 2)), (9, (1, 0, 0, 3))] {
        let names = ["a", "b", "c", "d"];
        let mut plan = plan_with(10);
        plan.policy.remediation.stop_after_failures = stop_after;
        let store = scan_of(plan, &names).await;
        let account = Account::new(names.map(|name| (name, sse_s3_bucket())));
        for name in ["a", "b", "c"] {
            account.encryption.lose_bucket_key_of(name);
        }
        assert_eq!(counts(&remediate(&store, &account).await.unwrap()), expected, "{stop_after}");
        let stopped = records(&store).iter().filter(|record| codes(record) == [ReasonCode::Stopped]).count() as u64;
        assert_eq!(stopped, expected.2, "{stop_after}");
    }
}

#[tokio::test]
async fn when_time_is_used_up_no_further_bucket_is_begun() {
    let store = scan(RemediationMode::Apply, 10, &["a", "b", "c"]).await;
    let account = Account::new(["a", "b", "c"].map(|name| (name, sse_s3_bucket())));
    // Every writing call takes three minutes, and a bucket needs four of them.
    let now = || sample::AGGREGATED_AT + SignedDuration::from_mins(3 * i64::from(account.encryption.writes()));
    let ports = Ports { store: &store, buckets: &account, encryption: &account.encryption, keys: &account, now: &now };
    let input = RemediateInput { scan_id: sample::SCAN_ID.to_owned() };
    let output = handle(&input, ports, &settings()).await.unwrap();
    assert_eq!((output.applied + output.skipped, output.applied), (3, 1), "{output:?}");
    assert_eq!(codes(&records(&store)[2]), [ReasonCode::TimeUsedUp]);
}

#[tokio::test]
async fn buckets_that_fail_or_could_not_be_judged_are_recorded_and_only_those_that_fail_are_read() {
    let unread = |bucket| Finding {
        missing: vec![denied::<()>("s3:GetEncryptionConfiguration").known().unwrap_err()],
        ..sample::finding(bucket, RULE, Severity::High, Status::InsufficientData)
    };
    let mut abroad = unread("abroad");
    Arc::make_mut(&mut abroad.resource).region = "eu-west-1".to_owned();
    let mut of_a_rule_that_is_off = unread("carried");
    of_a_rule_that_is_off.change = Some(Change::NotEvaluated);
    let findings = [
        abroad,
        of_a_rule_that_is_off,
        sample::finding("compliant", RULE, Severity::High, Status::Compliant),
        violation("ledger"),
        sample::finding("ledger", "s3-bucket-server-side-encryption-enabled", Severity::Critical, Status::NonCompliant),
        unread("unread"),
        sample::finding("unversioned", "s3-bucket-versioning-enabled", Severity::Low, Status::NonCompliant),
    ];
    let store = store_of(asked_for(), &findings).await;
    let account = Account::new([("ledger", sse_s3_bucket()), ("unread", sse_s3_bucket())]);
    remediate(&store, &account).await.unwrap();
    let [abroad, ledger, unread] = &records(&store)[..] else { panic!("three records: {:?}", records(&store)) };
    assert_eq!(codes(abroad), [ReasonCode::OtherRegion]);
    assert_eq!(ledger.rules, [RULE, "s3-bucket-server-side-encryption-enabled"]);
    assert_eq!(codes(unread), [ReasonCode::NotJudged]);
    assert!(unread.reasons[0].text.contains("s3:GetEncryptionConfiguration"), "{:?}", unread.reasons);
    // Of the one that fails all is read ahead of its turn, and again when it is to be changed.
    assert_eq!(account.encryption.calls().iter().filter(|call| *call == "readings").count(), 2);
}

#[tokio::test]
async fn a_denied_reading_and_an_opt_out_leave_one_bucket_alone_and_not_the_others() {
    let store = scan(RemediationMode::Apply, 10, &["denied", "ledger", "optedout"]).await;
    let account = Account::new([("ledger", sse_s3_bucket()), ("optedout", account::opted_out())]);
    account.add("denied", Readings { policy: denied("s3:GetBucketPolicy"), ..sse_s3_bucket() });
    let output = remediate(&store, &account).await.unwrap();
    assert_eq!(counts(&output), (1, 0, 2, 0));
    let [denied, ledger, opted_out] = &records(&store)[..] else { panic!("three records") };
    assert!(denied.reasons[0].text.contains("s3:GetBucketPolicy was denied"), "{:?}", denied.reasons);
    assert_eq!(denied.before, Some(Reading::seen(sample::sse_s3())));
    assert_eq!(ledger.outcome, RemediationOutcome::Applied);
    assert!(opted_out.reasons[0].text.contains("compliance:remediation=off"), "{:?}", opted_out.reasons);
}

#[tokio::test]
async fn a_bucket_that_others_deliver_into_is_left_alone() {
    let account = Account::new(["ledger", "logs", "replica"].map(|name| (name, sse_s3_bucket())));
    let store = scan(RemediationMode::Apply, 10, &["ledger", "logs", "replica"]).await;
    let logs = delivers("third", Reading::seen("logs".to_owned()), Reading::Absent);
    let replicas = delivers("fourth", Reading::Absent, Reading::seen(vec!["replica".to_owned()]));
    // A bucket of another region cannot be asked, and one that has gone delivers nothing.
    let [abroad, gone] = [UnreadableCause::OtherRegion, UnreadableCause::Gone].map(|cause| {
        let why = Unreadable { action: "s3:GetBucketLogging".to_owned(), cause, detail: String::new() };
        delivers("fifth", Reading::Unreadable(why.clone()), Reading::Unreadable(why))
    });
    leave(&store, &[Some(&[logs, abroad]), Some(&[replicas, gone])]).await;
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (1, 0, 2, 0));
    let [_, logs, replica] = &records(&store)[..] else { panic!("three records") };
    assert_eq!((codes(logs), codes(replica)), (vec![ReasonCode::LogTarget], vec![ReasonCode::ReplicationDestination]));
}

/// A reading that failed, a shard that was not scanned or is another listing's, and a scan that has not listed all buckets:
/// nobody knows what may be delivered where, and no bucket is changed.
#[tokio::test]
async fn no_bucket_is_changed_when_the_scan_has_not_read_all_that_may_deliver_into_it() {
    let nothing = || delivers("third", Reading::Absent, Reading::Absent);
    let unreadable = || delivers("third", denied("s3:GetBucketLogging"), denied("s3:GetReplicationConfiguration"));
    let (listed, unread) = (&[nothing()][..], &[nothing(), unreadable()][..]);
    let inventory = keys::inventory(sample::SCAN_ID, Service::S3);
    let unlisted = Unlisted { resource_type: "AWS::S3::Bucket".to_owned(), reason: "it was throttled".to_owned() };
    let points = Unlisted { resource_type: "AWS::S3::AccessPoint".to_owned(), reason: "it was throttled".to_owned() };
    let long_ago = sample::AGGREGATED_AT - SignedDuration::from_hours(5);
    type Shards<'a> = &'a [Option<&'a [BucketDeliveries]>];
    type Edit<'a> = &'a dyn Fn(&mut Inventory);
    // (what the shards have left, what is different in the inventory, or that there is none, why nobody knows)
    let cases: [(Shards<'_>, Option<Edit<'_>>, Option<&str>); 8] = [
        (&[Some(listed), Some(listed)], Some(&|_| {}), None),
        (&[Some(listed), Some(listed)], Some(&|it| it.unlisted.push(points.clone())), None),
        (&[Some(listed), Some(unread)], Some(&|_| {}), Some("could not be read of 1 bucket(s), among them third: s3:")),
        (&[Some(listed), None], Some(&|_| {}), Some("has not left it for 1 of 2 shards, the first is 2")),
        (&[Some(listed)], Some(&|it| "another".clone_into(&mut it.listing)), Some("has not left it for 1 of 1 shards")),
        (&[Some(listed)], Some(&|it| it.unlisted.push(unlisted.clone())), Some("the buckets: it was throttled")),
        (&[Some(listed)], Some(&|it| it.listed_at = long_ago), Some("listed the buckets more than 4 hours ago")),
        (&[Some(listed)], None, Some("the scan has not listed the buckets")),
    ];
    for (shards, edit, unknown) in cases {
        let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
        leave(&store, shards).await;
        match edit {
            None => store.remove(&inventory),
            Some(edit) => {
                let mut edited: Inventory = store.get_json(&inventory).await.unwrap();
                edit(&mut edited);
                store.replace_json(&inventory, &edited).await.unwrap();
            }
        }
        let account = Account::new([("ledger", sse_s3_bucket())]);
        let output = remediate(&store, &account).await.unwrap();
        let record = only_record(&store);
        let Some(why) = unknown else {
            assert_eq!(counts(&output), (1, 0, 0, 0), "{record:?}");
            continue;
        };
        assert_eq!((counts(&output), account.encryption.writes()), ((0, 0, 1, 0), 0), "{why}");
        assert_eq!(codes(&record), [ReasonCode::LogTargetUnknown, ReasonCode::ReplicationDestinationUnknown], "{why}");
        for reason in &record.reasons {
            assert!(reason.text.contains(why), "{reason}");
        }
    }
}

#[tokio::test]
async fn a_write_that_does_not_show_is_put_back_and_recorded_as_failed() {
    let blocking = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..sample::sse_s3() };
    for before in [Reading::seen(blocking), Reading::Absent] {
        let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
        let account = Account::new([("ledger", Readings { encryption: before.clone(), ..sse_s3_bucket() })]);
        account.encryption.lose_bucket_key_of("ledger");
        assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 0, 1));
        assert_eq!(account.encryption.of("ledger"), before);
        let record = only_record(&store);
        assert_eq!((&record.before, &record.after), (&Some(before.clone()), &Some(before)));
        assert!(record.result.unwrap().contains("was put back"));
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_made_named_rotated_or_used_leaves_the_bucket_as_it_is() {
    for action in ["kms:CreateKey", "kms:CreateAlias", "kms:EnableKeyRotation", "kms:GenerateDataKeyWithoutPlaintext"] {
        let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
        let account = Account::new([("ledger", sse_s3_bucket())]);
        if action == "kms:GenerateDataKeyWithoutPlaintext" {
            // Enabled when the decision is made, and not any more when the key is tried out.
            let key = account.add_key("ledger", true, "Enabled");
            account.interruption().after(account_calls_until(&store, &account, "kms:EnableKeyRotation").await);
            let interruption = account.interruption().clone();
            let (output, ()) = tokio::join!(remediate(&store, &account), async {
                assert_eq!(interruption.happened().await, "kms:EnableKeyRotation");
                account.set_key_state(&key, "Disabled");
                interruption.resume();
            });
            assert_eq!(counts(&output.unwrap()), (0, 0, 0, 1), "{action}");
        } else {
            account.encryption.refuse(action);
            assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 0, 1), "{action}");
            assert!(only_record(&store).result.unwrap().contains(action), "{:?}", only_record(&store));
        }
        assert_eq!(account.encryption_of("ledger"), Some(sample::sse_s3()), "{action}");
        let put = account.encryption.calls().iter().any(|call| call == "s3:PutEncryptionConfiguration");
        assert!(!put, "{action}");
        assert_eq!(Journal::load(&store).await.unwrap().open(), [], "{action}");
    }
}

#[tokio::test]
async fn a_bucket_that_somebody_changes_while_its_key_is_prepared_is_left_to_them() {
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let account = Account::new([("ledger", sse_s3_bucket())]);
    let theirs = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..sample::sse_s3() };
    account.interruption().after(account_calls_until(&store, &account, "kms:EnableKeyRotation").await);
    let interruption = account.interruption().clone();
    let (output, ()) = tokio::join!(remediate(&store, &account), async {
        interruption.happened().await;
        account.encryption.put("ledger", Reading::seen(theirs.clone()));
        interruption.resume();
    });
    assert_eq!(counts(&output.unwrap()), (0, 0, 1, 0));
    let record = only_record(&store);
    assert_eq!(codes(&record), [ReasonCode::ChangedSince]);
    assert_eq!(account.encryption_of("ledger"), Some(theirs));
    assert_eq!(Journal::load(&store).await.unwrap().open(), []);
    // The key is there, and who made it is recorded.
    assert_eq!(record.key_arn, Some(account.only_key().arn));
    let calls: Vec<_> = record.calls.iter().map(|call| call.action.as_str()).collect();
    assert_eq!(calls, ["kms:CreateKey", "kms:CreateAlias", "kms:EnableKeyRotation"]);
}

/// How many calls a run on a copy of the scene makes before this one is made for the first time.
async fn account_calls_until(store: &MemoryStore, account: &Account, call: &str) -> usize {
    account_calls_until_nth(store, account, call, 0).await
}

/// How many calls a run on a copy of the scene makes before this one is made once more than so many times.
async fn account_calls_until_nth(store: &MemoryStore, account: &Account, call: &str, times: usize) -> usize {
    let copy = Account::new([("ledger", sse_s3_bucket())]);
    for key in account.keys() {
        copy.add_key(&key.bucket, key.named, &key.state);
    }
    let other = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    assert_eq!(other.keys(), store.keys());
    remediate(&other, &copy).await.unwrap();
    let calls = copy.encryption.calls();
    calls.iter().enumerate().filter(|(_, made)| *made == call).nth(times).unwrap().0
}

#[tokio::test]
async fn the_key_that_a_bucket_has_of_its_own_is_used_again_be_it_named_or_not() {
    for named in [true, false] {
        let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
        let account = Account::new([("ledger", sse_s3_bucket())]);
        let key = account.add_key("ledger", named, "Enabled");
        assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (1, 0, 0, 0));
        assert_eq!(account.encryption_of("ledger").unwrap().kms_key_id, Some(key));
        assert!(account.only_key().named && account.only_key().rotates);
    }
}

#[tokio::test]
async fn of_several_keys_with_the_bucket_s_tag_a_usable_one_is_used() {
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let account = Account::new([("ledger", sse_s3_bucket())]);
    account.add_key("ledger", false, "PendingDeletion");
    let usable = account.add_key("ledger", false, "Enabled");
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (1, 0, 0, 0));
    assert_eq!(account.encryption_of("ledger").unwrap().kms_key_id, Some(usable));
}

#[tokio::test]
async fn a_key_of_the_bucket_s_own_that_is_being_deleted_is_a_reason_to_wait_for_people() {
    for named in [true, false] {
        let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
        let account = Account::new([("ledger", sse_s3_bucket())]);
        account.add_key("ledger", named, "PendingDeletion");
        assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 1, 0));
        assert_eq!(codes(&only_record(&store)), [ReasonCode::OwnKeyUnusable]);
        assert!(only_record(&store).reasons[0].text.contains("PendingDeletion"));
        assert_eq!(account.encryption.writes(), 0);
    }
}

#[tokio::test]
async fn a_bucket_that_was_taken_back_is_left_alone_until_a_request_names_it() {
    let account = Account::new([("ledger", sse_s3_bucket())]);
    let hold = Hold {
        rollback_id: "20261123T050000Z-00000001".to_owned(),
        requested_by: "a custom event, requested by payments".to_owned(),
        since: sample::STARTED_AT,
    };
    let held = async |plan: Plan| {
        let store = scan_of(plan, &["ledger"]).await;
        let journal = serde_json::json!({ "open": [], "begun": {}, "held": { "ledger": &hold } });
        audit_artifacts::ArtifactStoreExt::replace_json(&store, keys::JOURNAL, &journal).await.unwrap();
        store
    };
    let store = held(asked_for()).await;
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 1, 0));
    let record = only_record(&store);
    assert_eq!(codes(&record), [ReasonCode::RolledBack]);
    for told in ["20261123T050000Z-00000001", "requested by payments", "reapply", "2027-02-21"] {
        assert!(record.reasons[0].text.contains(told), "{told}: {:?}", record.reasons);
    }
    let store = held(Plan { reapply: vec!["ledger".to_owned()], ..asked_for() }).await;
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (1, 0, 0, 0));
    let journal = Journal::load(&store).await.unwrap();
    assert_eq!(journal.hold("ledger", sample::AGGREGATED_AT), None, "changed again, it is held no longer");
}

#[tokio::test]
async fn a_second_attempt_of_the_task_changes_nothing_twice_and_keeps_the_records() {
    let store = scan(RemediationMode::Apply, 10, &["ledger", "payments", "web"]).await;
    let account = Account::new(["ledger", "payments", "web"].map(|name| (name, sse_s3_bucket())));
    account.change_readings("ledger", |ledger| ledger.website = Reading::seen(()));
    account.encryption.lose_bucket_key_of("web");
    let first = remediate(&store, &account).await.unwrap();
    assert_eq!(counts(&first), (1, 0, 1, 1));
    let (written, writes) = (records(&store), account.encryption.writes());
    assert_eq!(remediate(&store, &account).await, Ok(first));
    assert_eq!((records(&store), account.encryption.writes()), (written, writes));
}

#[tokio::test]
async fn without_a_journal_no_bucket_is_changed_and_no_key_made() {
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let account = Account::new([("ledger", sse_s3_bucket())]);
    let refusing = InterruptedStore { store, interruption: Interruption::default(), refuses: true };
    assert_eq!(remediate(&refusing, &account).await.unwrap_err().name(), "Unavailable");
    assert_eq!((account.encryption_of("ledger"), account.encryption.writes()), (Some(sample::sse_s3()), 0));
}

#[tokio::test]
async fn a_scan_that_was_not_aggregated_is_not_repaired() {
    let store = MemoryStore::default();
    let account = Account::new([]);
    assert_eq!(remediate(&store, &account).await.unwrap_err().name(), "NotFound");
    assert_eq!(account.encryption.calls(), Vec::<String>::new());
}
