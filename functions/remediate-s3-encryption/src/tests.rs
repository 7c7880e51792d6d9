//! The task against an account in memory.

mod account;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use audit_artifacts::{ArtifactStore, MemoryStore, keys, sample};
use audit_model::remediation::{RemediationOutcome, RemediationRecord};
use audit_model::{Finding, Severity, Status};
use jiff::SignedDuration;
use pretty_assertions::assert_eq;

use self::account::{Account, CrashingStore, aes256, bucket, denied};
use super::*;

const RULE: &str = "s3-bucket-customer-managed-key-encrypted";

fn settings() -> Settings {
    Settings {
        reports_bucket: "compliance-audit-reports-bucket-123456789012-dev-pr42".to_owned(),
        system: "dev-pr42".to_owned(),
        time_limit: SignedDuration::from_mins(10),
        read_back_attempts: NonZeroU32::MIN.saturating_add(2),
        read_back_pause: Duration::ZERO,
    }
}

fn violation(bucket: &str) -> Finding {
    sample::finding(bucket, RULE, Severity::High, Status::NonCompliant)
}

/// A scan that found these buckets without a key of the customer's.
async fn scan(mode: RemediationMode, limit: u32, buckets: &[&str]) -> MemoryStore {
    let mut plan = sample::plan();
    plan.remediation = mode;
    plan.policy.remediation.max_buckets_per_run = limit;
    let findings: Vec<Finding> = buckets.iter().map(|bucket| violation(bucket)).collect();
    sample::store(&plan, &sample::summary(&findings), &findings, &[]).await.unwrap()
}

async fn remediate(store: &dyn ArtifactStore, account: &Account) -> Result<RemediateOutput, TaskError> {
    let ports = Ports { store, buckets: account, keys: account, now: &|| sample::AGGREGATED_AT };
    handle(&RemediateInput { scan_id: sample::SCAN_ID.to_owned() }, ports, &settings()).await
}

fn records(store: &MemoryStore) -> Vec<RemediationRecord> {
    let text = store.text(&keys::remediation(sample::SCAN_ID)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn outcomes(store: &MemoryStore) -> Vec<(String, RemediationOutcome)> {
    records(store).into_iter().map(|record| (record.bucket, record.outcome)).collect()
}

fn counts(output: &RemediateOutput) -> (u64, u64, u64, u64) {
    (output.applied, output.would_apply, output.skipped, output.failed)
}

#[tokio::test]
async fn a_bucket_gets_a_rotating_key_of_its_own_and_a_record_of_before_and_after() {
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let before = BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..aes256() };
    let account = Account::new([("ledger", bucket(before.clone()))]);

    let output = remediate(&store, &account).await.unwrap();

    assert_eq!(counts(&output), (1, 0, 0, 0));
    let key = account.only_key();
    assert_eq!((key.alias.as_deref(), key.rotates), (Some("alias/compliance-audit-ledger"), true));
    let now = account.encryption_of("ledger").unwrap();
    let expected = BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: Some(key.arn.clone()),
        bucket_key_enabled: true,
        blocked_encryption_types: vec!["SSE-C".to_owned()],
    };
    assert_eq!(now, expected);
    let [record] = &records(&store)[..] else { panic!("one record") };
    assert_eq!(record.outcome, RemediationOutcome::Applied);
    assert_eq!((record.before.as_ref(), record.after.as_ref()), (Some(&before), Some(&now)));
    assert_eq!(record.key_arn.as_deref(), Some(key.arn.as_str()));
    assert_eq!((record.bucket_arn.as_str(), record.rules.as_slice()), ("arn:aws:s3:::ledger", &[RULE.to_owned()][..]));
    assert_eq!((record.requested_by.as_str(), record.at), ("the schedule", sample::AGGREGATED_AT));
}

#[tokio::test]
async fn a_dry_run_decides_the_same_and_writes_nothing() {
    let store = scan(RemediationMode::DryRun, 1, &["ledger", "optedout", "payments"]).await;
    let mut account = Account::new([("ledger", bucket(aes256())), ("payments", bucket(aes256()))]);
    account.add("optedout", account::opted_out());
    account.forbid_writing();

    let output = remediate(&store, &account).await.unwrap();

    // The limit counts as it would in earnest.
    assert_eq!(counts(&output), (0, 1, 2, 0));
    let expected = [
        ("ledger".to_owned(), RemediationOutcome::WouldApply),
        ("optedout".to_owned(), RemediationOutcome::Skipped),
        ("payments".to_owned(), RemediationOutcome::Skipped),
    ];
    assert_eq!(outcomes(&store), expected);
    let [record, ..] = &records(&store)[..] else { panic!("a record") };
    assert!(record.reasons[0].contains("alias/compliance-audit-ledger"), "{:?}", record.reasons);
    assert_eq!(store.keys().iter().filter(|key| key.contains("/remediation/")).count(), 0);
}

#[tokio::test]
async fn when_remediation_is_off_nothing_is_even_read() {
    let store = scan(RemediationMode::Off, 10, &["ledger"]).await;
    let account = Account::new([("ledger", bucket(aes256()))]);
    let output = remediate(&store, &account).await.unwrap();
    assert_eq!(counts(&output), (0, 0, 1, 0));
    assert_eq!(account.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn the_limit_ends_the_changes_and_not_the_records() {
    let store = scan(RemediationMode::Apply, 2, &["d", "c", "b", "a"]).await;
    let account = Account::new(["a", "b", "c", "d"].map(|name| (name, bucket(aes256()))));
    let output = remediate(&store, &account).await.unwrap();
    assert_eq!(counts(&output), (2, 0, 2, 0));
    let changed = ["a", "b", "c", "d"].map(|name| account.encryption_of(name) != Some(aes256()));
    assert_eq!(changed, [true, true, false, false]);
    let last = records(&store).pop().unwrap();
    assert!(last.reasons[0].contains("limit of 2"), "{:?}", last.reasons);
}

#[tokio::test]
async fn when_time_is_used_up_no_further_bucket_is_begun() {
    let store = scan(RemediationMode::Apply, 10, &["a", "b", "c"]).await;
    let account = Account::new(["a", "b", "c"].map(|name| (name, bucket(aes256()))));
    // Every look at the clock takes two minutes.
    let minutes = AtomicI64::new(0);
    let now = || sample::AGGREGATED_AT + SignedDuration::from_mins(minutes.fetch_add(2, Ordering::SeqCst));
    let ports = Ports { store: &store, buckets: &account, keys: &account, now: &now };
    let input = RemediateInput { scan_id: sample::SCAN_ID.to_owned() };
    let output = handle(&input, ports, &settings()).await.unwrap();
    assert_eq!((output.applied + output.skipped, output.skipped), (3, 1), "{output:?}");
    assert!(records(&store)[2].reasons[0].contains("time"), "{:?}", records(&store)[2].reasons);
}

#[tokio::test]
async fn only_open_violations_of_encryption_rules_make_a_candidate_and_each_bucket_one() {
    let findings = [
        sample::finding("compliant", RULE, Severity::High, Status::Compliant),
        violation("ledger"),
        sample::finding("ledger", "s3-bucket-server-side-encryption-enabled", Severity::Critical, Status::NonCompliant),
        sample::finding("unread", RULE, Severity::High, Status::InsufficientData),
        sample::finding("unversioned", "s3-bucket-versioning-enabled", Severity::Low, Status::NonCompliant),
    ];
    let store = sample::store(&sample::plan(), &sample::summary(&findings), &findings, &[]).await.unwrap();
    let account = Account::new([("ledger", bucket(aes256()))]);
    remediate(&store, &account).await.unwrap();
    let [record] = &records(&store)[..] else { panic!("one record: {:?}", records(&store)) };
    assert_eq!(record.rules, [RULE, "s3-bucket-server-side-encryption-enabled"]);
}

#[tokio::test]
async fn a_denied_reading_and_an_opt_out_leave_one_bucket_alone_and_not_the_others() {
    let store = scan(RemediationMode::Apply, 10, &["denied", "ledger", "optedout"]).await;
    let mut account = Account::new([("ledger", bucket(aes256()))]);
    account.add("optedout", account::opted_out());
    account.add("denied", Readings { policy: denied("s3:GetBucketPolicy"), ..bucket(aes256()) });
    let output = remediate(&store, &account).await.unwrap();
    assert_eq!(counts(&output), (1, 0, 2, 0));
    let [denied, ledger, opted_out] = &records(&store)[..] else { panic!("three records") };
    assert!(denied.reasons[0].contains("s3:GetBucketPolicy was denied"), "{:?}", denied.reasons);
    assert_eq!(denied.before, Some(aes256()));
    assert_eq!(ledger.outcome, RemediationOutcome::Applied);
    assert!(opted_out.reasons[0].contains("compliance:remediation=off"), "{:?}", opted_out.reasons);
}

#[tokio::test]
async fn a_bucket_that_takes_logs_is_left_alone_and_every_bucket_when_that_is_not_known() {
    let store = scan(RemediationMode::Apply, 10, &["ledger", "logs"]).await;
    let mut account = Account::new([("ledger", bucket(aes256())), ("logs", bucket(aes256()))]);
    account.log_into("ledger", Reading::seen("logs".to_owned()));
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (1, 0, 1, 0));
    assert_eq!(account.encryption_of("logs"), Some(aes256()));

    let store = scan(RemediationMode::Apply, 10, &["ledger", "logs"]).await;
    let mut account = Account::new(["ledger", "logs", "third"].map(|name| (name, bucket(aes256()))));
    account.log_into("third", denied("s3:GetBucketLogging"));
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 2, 0));
    assert!(records(&store)[0].reasons[0].contains("s3:GetBucketLogging was denied"));
    // A bucket of another region is not asked, for it cannot log into this one.
    account.move_to("third", "eu-west-1");
    let store = scan(RemediationMode::Apply, 10, &["ledger", "logs"]).await;
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (2, 0, 0, 0));
}

#[tokio::test]
async fn a_write_that_does_not_show_is_put_back_and_recorded_as_failed() {
    for before in [Some(BucketEncryption { blocked_encryption_types: vec!["SSE-C".to_owned()], ..aes256() }), None] {
        let store = scan(RemediationMode::Apply, 10, &["ledger", "payments"]).await;
        let readings =
            Readings { encryption: before.clone().map_or(Reading::Absent, Reading::seen), ..bucket(aes256()) };
        let mut account = Account::new([("payments", bucket(aes256())), ("ledger", readings)]);
        account.lose_bucket_keys_of("ledger");
        let output = remediate(&store, &account).await.unwrap();
        assert_eq!(counts(&output), (1, 0, 0, 1));
        assert_eq!(account.encryption_of("ledger"), before);
        let [record, _] = &records(&store)[..] else { panic!("two records") };
        assert_eq!((record.outcome, &record.after), (RemediationOutcome::Failed, &before));
        assert!(record.reasons[0].contains("was put back"), "{:?}", record.reasons);
    }
}

#[tokio::test]
async fn a_refused_write_is_told_and_nothing_is_put_back() {
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let mut account = Account::new([("ledger", bucket(aes256()))]);
    account.refuse("s3:PutEncryptionConfiguration");
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 0, 1));
    let [record] = &records(&store)[..] else { panic!("one record") };
    assert!(record.reasons[0].contains("nothing changed"), "{:?}", record.reasons);
    assert_eq!(account.calls().iter().filter(|call| call.starts_with("s3:PutEncryptionConfiguration")).count(), 1);
}

#[tokio::test]
async fn a_key_that_cannot_be_made_named_or_rotated_leaves_the_bucket_as_it_is() {
    for action in ["kms:CreateKey", "kms:CreateAlias", "kms:EnableKeyRotation"] {
        let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
        let mut account = Account::new([("ledger", bucket(aes256()))]);
        account.refuse(action);
        assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 0, 1), "{action}");
        assert_eq!(account.encryption_of("ledger"), Some(aes256()), "{action}");
        let [record] = &records(&store)[..] else { panic!("one record") };
        assert!(record.reasons[0].contains(action), "{:?}", record.reasons);
    }
}

#[tokio::test]
async fn the_key_that_a_bucket_had_from_us_before_is_used_again() {
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let account = Account::new([("ledger", bucket(aes256()))]);
    remediate(&store, &account).await.unwrap();
    account.reset("ledger", aes256());

    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (1, 0, 0, 0));
    assert_eq!(account.encryption_of("ledger").unwrap().kms_key_id, Some(account.only_key().arn));
}

#[tokio::test]
async fn an_alias_of_a_key_that_is_being_deleted_is_a_reason_to_wait_for_people() {
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let account = Account::new([("ledger", bucket(aes256()))]);
    account.add_key("alias/compliance-audit-ledger", "PendingDeletion");
    account.forbid_writing();
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 1, 0));
    assert!(records(&store)[0].reasons[0].contains("PendingDeletion"), "{:?}", records(&store)[0].reasons);
}

#[tokio::test]
async fn a_bucket_that_somebody_else_gave_a_key_is_not_called_ours() {
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let theirs =
        BucketEncryption { kms_key_id: Some("theirs".to_owned()), algorithm: "aws:kms".to_owned(), ..aes256() };
    let account = Account::new([("ledger", bucket(theirs))]);
    account.forbid_writing();
    assert_eq!(counts(&remediate(&store, &account).await.unwrap()), (0, 0, 1, 0));
    assert!(records(&store)[0].reasons[0].contains("theirs"));
}

#[tokio::test]
async fn a_second_attempt_of_the_task_changes_nothing_twice_and_keeps_the_records() {
    let store = scan(RemediationMode::Apply, 10, &["ledger", "payments"]).await;
    let mut account = Account::new(["ledger", "payments"].map(|name| (name, bucket(aes256()))));
    account.lose_bucket_keys_of("payments");
    let first = remediate(&store, &account).await.unwrap();
    let written = records(&store);
    account.forbid_writing();
    assert_eq!(remediate(&store, &account).await, Ok(first));
    assert_eq!(records(&store), written);
}

#[tokio::test]
async fn without_a_record_no_bucket_is_changed() {
    // The intent is the first that is put.
    let store = scan(RemediationMode::Apply, 10, &["ledger"]).await;
    let account = Account::new([("ledger", bucket(aes256()))]);
    let refusing = CrashingStore::refusing_puts(store);
    assert_eq!(remediate(&refusing, &account).await.unwrap_err().name(), "Unavailable");
    assert_eq!(account.encryption_of("ledger"), Some(aes256()));
}

/// Stops the task for good after each of its calls in turn, and runs it again as the state machine would.
#[tokio::test]
async fn a_crash_after_any_call_leaves_neither_a_change_without_a_record_nor_a_second_key() {
    let names = ["ledger", "payments"];
    let mut crashes = 0;
    loop {
        let store = scan(RemediationMode::Apply, 10, &names).await;
        let account = Account::new(names.map(|name| (name, bucket(aes256()))));
        let crash = account.crash_after(crashes);
        let crashing = CrashingStore::crashing(store.clone(), crash.clone());
        let crashed_at = tokio::select! {
            biased;
            output = remediate(&crashing, &account) => { output.unwrap(); None }
            call = crash.happened() => Some(call),
        };
        for name in names {
            assert!(account.encryption_of(name).is_some(), "crash {crashes}: {name} has no encryption");
        }
        account.never_crash();
        let output = remediate(&store, &account).await.unwrap();
        assert_eq!(counts(&output), (2, 0, 0, 0), "crash {crashes} at {crashed_at:?}: {:?}", records(&store));
        for (record, name) in records(&store).iter().zip(names) {
            assert_eq!((record.bucket.as_str(), &record.before), (name, &Some(aes256())), "crash at {crashed_at:?}");
            assert_eq!(record.after, account.encryption_of(name), "crash at {crashed_at:?}");
        }
        let orphans = account.keys().iter().filter(|key| key.alias.is_none()).count();
        // The one gap: KMS made the key and its answer was lost.
        assert_eq!(orphans, usize::from(crashed_at.as_deref() == Some("kms:CreateKey")), "crash at {crashed_at:?}");
        if crashed_at.is_none() {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 20, "only {crashes} calls were seen");
}

#[tokio::test]
async fn a_scan_that_was_not_aggregated_is_not_repaired() {
    let store = MemoryStore::default();
    let account = Account::new([]);
    assert_eq!(remediate(&store, &account).await.unwrap_err().name(), "NotFound");
    assert_eq!(account.calls(), Vec::<String>::new());
}

#[test]
fn who_asked_is_told_in_words() {
    let trigger = |kind, who: Option<&str>, why: Option<&str>| Trigger {
        kind,
        event_id: None,
        requested_by: who.map(str::to_owned),
        reason: why.map(str::to_owned),
    };
    assert_eq!(in_words(&trigger(TriggerKind::Schedule, None, None)), "the schedule");
    let event = trigger(TriggerKind::Event, Some("security"), Some("an audit"));
    assert_eq!(in_words(&event), "a custom event, requested by security, because: an audit");
    assert_eq!(in_words(&trigger(TriggerKind::Execution, None, None)), "an execution started by hand");
}
