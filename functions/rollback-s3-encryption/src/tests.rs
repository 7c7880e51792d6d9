//! The task against buckets in memory.

use std::num::NonZeroU32;
use std::time::Duration;

use audit_artifacts::{MemoryStore, sample};
use audit_model::remediation::{AwsCall, ReasonCode};
use audit_model::{Trigger, TriggerKind};
use bucket_encryption::LEASE;
use bucket_encryption::memory::{InterruptedStore, Interruption, MemoryEncryption};
use pretty_assertions::assert_eq;

use super::*;

const ROLLBACK_ID: &str = "20261124T091500Z-5a6b7c8d";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1";
const NOW: Timestamp = sample::AGGREGATED_AT;

fn kms() -> BucketEncryption {
    BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: Some(KEY.to_owned()),
        bucket_key_enabled: true,
        blocked_encryption_types: vec!["SSE-C".to_owned()],
    }
}

/// What the bucket had: all that can be configured, so that all of it must come back.
fn earlier() -> BucketEncryption {
    BucketEncryption {
        algorithm: "aws:kms".to_owned(),
        kms_key_id: Some("alias/aws/s3".to_owned()),
        bucket_key_enabled: false,
        blocked_encryption_types: vec!["SSE-C".to_owned()],
    }
}

fn applied(bucket: &str, before: Reading<BucketEncryption>) -> RemediationRecord {
    RemediationRecord {
        change_id: Some(change_id(sample::SCAN_ID, bucket)),
        before: Some(before),
        after: Some(Reading::seen(kms())),
        key_arn: Some(KEY.to_owned()),
        ..sample::remediation_record(bucket, RemediationOutcome::Applied, &["set"])
    }
}

struct Scene {
    store: MemoryStore,
    account: MemoryEncryption,
}

/// A scan that has changed `ledger` and `nothing`, which had no default encryption, and left `web` alone.
async fn scene() -> Scene {
    let (store, account) = (MemoryStore::default(), MemoryEncryption::default());
    let mut records = Records::load(&store, keys::remediation(sample::SCAN_ID)).await.unwrap();
    records.add(applied("ledger", Reading::seen(earlier())));
    records.add(applied("nothing", Reading::Absent));
    records.add(sample::remediation_record("web", RemediationOutcome::Skipped, &["it is a website"]));
    records.save(&store).await.unwrap();
    for bucket in ["ledger", "nothing"] {
        account.put(bucket, Reading::seen(kms()));
    }
    account.put("web", Reading::seen(sample::sse_s3()));
    Scene { store, account }
}

impl Scene {
    async fn plan(&self, buckets: Option<&[&str]>, mode: RemediationMode) {
        let plan = RollbackPlan {
            rollback_id: ROLLBACK_ID.to_owned(),
            trigger: Trigger {
                kind: TriggerKind::Event,
                event_id: None,
                requested_by: Some("payments".to_owned()),
                reason: Some("the partner cannot read".to_owned()),
            },
            account: sample::ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            scan_id: sample::SCAN_ID.to_owned(),
            buckets: buckets.map(|buckets| buckets.iter().map(|&bucket| bucket.to_owned()).collect()),
            mode,
            started_at: NOW,
            execution_arn: "the execution".to_owned(),
        };
        self.store.replace_json(&keys::rollback_plan(ROLLBACK_ID), &plan).await.unwrap();
    }

    async fn roll_back(&self) -> Result<RollbackOutput, TaskError> {
        self.roll_back_in(&self.store).await
    }

    async fn roll_back_in(&self, store: &dyn ArtifactStore) -> Result<RollbackOutput, TaskError> {
        self.roll_back_as(ROLLBACK_ID, store).await
    }

    async fn roll_back_as(&self, id: &str, store: &dyn ArtifactStore) -> Result<RollbackOutput, TaskError> {
        let settings = Settings {
            time_limit: SignedDuration::from_mins(10),
            patience: Patience { attempts: NonZeroU32::MIN.saturating_add(2), pause: Duration::ZERO },
        };
        let ports = Ports { store, encryption: &self.account, now: &|| NOW };
        handle(&RollbackInput { rollback_id: id.to_owned() }, ports, &settings).await
    }

    fn records(&self) -> Vec<RemediationRecord> {
        let text = self.store.text(&keys::rollback(ROLLBACK_ID)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn journal(&self) -> Journal {
        Journal::load(&self.store).await.unwrap()
    }
}

fn counts(output: &RollbackOutput) -> (u64, u64, u64, u64) {
    (output.rolled_back, output.would_roll_back, output.skipped, output.failed)
}

fn codes(record: &RemediationRecord) -> Vec<ReasonCode> {
    record.reasons.iter().map(|reason| reason.code).collect()
}

#[tokio::test]
async fn all_that_a_scan_changed_is_given_back_exactly_and_recorded() {
    let scene = scene().await;
    scene.plan(None, RemediationMode::Apply).await;
    let output = scene.roll_back().await.unwrap();

    assert_eq!(counts(&output), (2, 0, 0, 0));
    assert_eq!(scene.account.of("ledger"), Reading::seen(earlier()));
    assert_eq!(scene.account.of("nothing"), Reading::Absent);
    let [ledger, nothing] = &scene.records()[..] else { panic!("{:?}", scene.records()) };
    assert_eq!((ledger.decision, ledger.outcome), (Decision::RollBack, RemediationOutcome::RolledBack));
    assert_eq!(ledger.before, Some(Reading::seen(kms())));
    assert_eq!((&ledger.after, &ledger.intended), (&Some(Reading::seen(earlier())), &Some(earlier())));
    assert_eq!((&nothing.after, &nothing.intended), (&Some(Reading::Absent), &None));
    assert_eq!(ledger.requested_by, "a custom event, requested by payments, because: the partner cannot read");
    assert_eq!((ledger.execution_arn.as_str(), ledger.run_id.as_str()), ("the execution", ROLLBACK_ID));
    let [AwsCall { action, request_id, .. }] = &ledger.calls[..] else { panic!("{:?}", ledger.calls) };
    assert_eq!((action.as_str(), request_id.as_deref()), ("s3:PutEncryptionConfiguration", Some("request-1")));
    // What stays encrypted with the key, and how to list it.
    let result = ledger.result.as_ref().unwrap();
    for told in [KEY, "not deleted", "list-object-versions --bucket ledger", "LastModified>='2026-11-23T06:01:00'"] {
        assert!(result.contains(told), "{told}: {result}");
    }
    assert_eq!(output.records, format!("rollbacks/{ROLLBACK_ID}/remediation.jsonl"));
    assert_eq!(output.records_sha256, audit_artifacts::sha256(scene.store.text(&output.records).unwrap().as_bytes()));
    // Scans leave the bucket alone from now on.
    let journal = scene.journal().await;
    assert_eq!(journal.open(), []);
    let hold = journal.hold("ledger", NOW).unwrap();
    assert_eq!((hold.rollback_id.as_str(), hold.requested_by.as_str()), (ROLLBACK_ID, ledger.requested_by.as_str()));
}

#[tokio::test]
async fn only_the_buckets_that_are_asked_for_are_given_back_and_of_the_others_nothing_is_held() {
    let scene = scene().await;
    scene.plan(Some(&["ledger", "unheard-of", "web"]), RemediationMode::Apply).await;
    assert_eq!(counts(&scene.roll_back().await.unwrap()), (1, 0, 2, 0));
    assert_eq!(scene.account.of("nothing"), Reading::seen(kms()));
    let [_, unheard_of, web] = &scene.records()[..] else { panic!("{:?}", scene.records()) };
    assert_eq!((codes(unheard_of), codes(web)), (vec![ReasonCode::NotChanged], vec![ReasonCode::NotChanged]));
    assert!(scene.journal().await.hold("web", NOW).is_none());
}

#[tokio::test]
async fn what_somebody_has_changed_since_stays_as_it_is() {
    let scene = scene().await;
    let theirs = BucketEncryption { kms_key_id: Some("theirs".to_owned()), ..kms() };
    scene.account.put("ledger", Reading::seen(theirs.clone()));
    scene.plan(None, RemediationMode::Apply).await;
    assert_eq!(counts(&scene.roll_back().await.unwrap()), (1, 0, 1, 0));
    assert_eq!(scene.account.of("ledger"), Reading::seen(theirs));
    let ledger = &scene.records()[0];
    assert_eq!(codes(ledger), [ReasonCode::ChangedSince]);
    assert!(ledger.reasons[0].text.contains("theirs"), "{}", ledger.reasons[0]);
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_given_back_and_makes_no_writing_call() {
    let scene = scene().await;
    scene.plan(None, RemediationMode::DryRun).await;
    assert_eq!(counts(&scene.roll_back().await.unwrap()), (0, 2, 0, 0));
    assert_eq!((scene.account.writes(), scene.journal().await), (0, Journal::default()));
    let ledger = &scene.records()[0];
    assert_eq!((&ledger.intended, &ledger.before), (&Some(earlier()), &Some(Reading::seen(kms()))));
    assert!(ledger.result.as_ref().unwrap().contains("dry run"));
}

#[tokio::test]
async fn a_refused_write_is_a_failure_and_the_bucket_is_not_held() {
    let scene = scene().await;
    scene.account.refuse("s3:PutEncryptionConfiguration");
    scene.plan(Some(&["ledger"]), RemediationMode::Apply).await;
    assert_eq!(counts(&scene.roll_back().await.unwrap()), (0, 0, 0, 1));
    assert_eq!(scene.account.of("ledger"), Reading::seen(kms()));
    assert!(scene.records()[0].result.as_ref().unwrap().contains("nothing changed"));
    assert!(scene.journal().await.hold("ledger", NOW).is_none());
}

#[tokio::test]
async fn a_scan_without_records_and_a_rollback_without_a_plan_are_errors_that_say_so() {
    let scene = scene().await;
    assert_eq!(scene.roll_back().await.unwrap_err().name(), "NotFound");
    scene.plan(None, RemediationMode::Apply).await;
    scene.store.remove(&keys::remediation(sample::SCAN_ID));
    let error = scene.roll_back().await.unwrap_err();
    assert_eq!(error.name(), "NotFound");
    assert!(error.to_string().contains(sample::SCAN_ID) && error.to_string().contains("90 days"), "{error}");
}

#[tokio::test]
async fn a_second_attempt_gives_nothing_back_twice() {
    let scene = scene().await;
    scene.plan(None, RemediationMode::Apply).await;
    let first = scene.roll_back().await.unwrap();
    let (records, writes) = (scene.records(), scene.account.writes());
    assert_eq!(scene.roll_back().await, Ok(first));
    assert_eq!((scene.records(), scene.account.writes()), (records, writes));
}

/// Stops the task after each of its calls in turn, for good, and runs it again; or lets another attempt run in between,
/// and goes on.
#[tokio::test]
async fn wherever_it_is_stopped_the_end_is_the_same_with_one_record_for_each_change() {
    for crashes in [true, false] {
        for calls in 0.. {
            let scene = scene().await;
            scene.plan(None, RemediationMode::Apply).await;
            let interruption: Interruption = scene.account.interruption.clone();
            let store =
                InterruptedStore { store: scene.store.clone(), interruption: interruption.clone(), refuses: false };
            interruption.after(calls);
            let stopped_at = {
                let one = scene.roll_back_in(&store);
                let other = async {
                    let at = interruption.happened().await;
                    for bucket in ["ledger", "nothing"] {
                        let sound = scene.account.of(bucket) == Reading::seen(kms())
                            || scene.journal().await.open().iter().any(|change| change.bucket == bucket)
                            || scene.records().iter().any(|record| record.bucket == bucket);
                        assert!(sound, "{at}: {bucket} was changed without a trace");
                    }
                    if !crashes {
                        scene.roll_back().await.unwrap();
                        interruption.resume();
                    }
                    at
                };
                tokio::pin!(one, other);
                tokio::select! {
                    biased;
                    output = &mut one => { output.unwrap(); None }
                    at = &mut other => {
                        if !crashes { one.await.unwrap(); }
                        Some(at)
                    }
                }
            };
            let when = format!("stopped after call {calls}, {stopped_at:?}, for good: {crashes}");
            assert_eq!(counts(&scene.roll_back().await.unwrap()), (2, 0, 0, 0), "{when}");
            assert_eq!(scene.account.of("ledger"), Reading::seen(earlier()), "{when}");
            assert_eq!(scene.account.of("nothing"), Reading::Absent, "{when}");
            let done: Vec<_> = scene.records().into_iter().map(|record| (record.bucket, record.outcome)).collect();
            let expected = ["ledger", "nothing"].map(|name| (name.to_owned(), RemediationOutcome::RolledBack));
            assert_eq!(done, expected, "{when}");
            let journal = scene.journal().await;
            assert_eq!(journal.open(), [], "{when}");
            assert!(journal.hold("ledger", NOW).is_some() && journal.hold("nothing", NOW).is_some(), "{when}");
            if stopped_at.is_none() {
                assert!(calls > 15, "only {calls} calls were seen");
                break;
            }
        }
    }
}

/// One rollback is stopped after each of its calls in turn, another one of the same scan works from its beginning to its end,
/// and the first one goes on. Both are asked for in an incident; each bucket is given back once.
#[tokio::test]
async fn of_two_rollbacks_at_once_each_bucket_is_given_back_by_one() {
    const OTHER_ID: &str = "20261124T091501Z-00000002";
    for calls in 0.. {
        let scene = scene().await;
        scene.plan(None, RemediationMode::Apply).await;
        let plan: RollbackPlan = scene.store.get_json(&keys::rollback_plan(ROLLBACK_ID)).await.unwrap();
        let other_plan = RollbackPlan { rollback_id: OTHER_ID.to_owned(), ..plan };
        scene.store.replace_json(&keys::rollback_plan(OTHER_ID), &other_plan).await.unwrap();
        let interruption: Interruption = scene.account.interruption.clone();
        let store = InterruptedStore { store: scene.store.clone(), interruption: interruption.clone(), refuses: false };
        interruption.after(calls);
        let one = scene.roll_back_in(&store);
        let other = async {
            let at = interruption.happened().await;
            scene.roll_back_as(OTHER_ID, &scene.store).await.unwrap();
            interruption.resume();
            at
        };
        tokio::pin!(one, other);
        let stopped_at = tokio::select! {
            biased;
            output = &mut one => { output.unwrap(); None }
            at = &mut other => { one.await.unwrap(); Some(at) }
        };
        let when = format!("stopped after call {calls}, {stopped_at:?}");
        let mut records = scene.records();
        if let Some(text) = scene.store.text(&keys::rollback(OTHER_ID)) {
            records.extend(text.lines().map(|line| serde_json::from_str::<RemediationRecord>(line).unwrap()));
        }
        for (bucket, shown) in [("ledger", Reading::seen(earlier())), ("nothing", Reading::Absent)] {
            let of_bucket = |record: &&RemediationRecord| {
                record.bucket == bucket && record.outcome == RemediationOutcome::RolledBack
            };
            assert_eq!(records.iter().filter(of_bucket).count(), 1, "{when}: {bucket}: {records:?}");
            assert_eq!(scene.account.of(bucket), shown, "{when}");
            assert!(scene.journal().await.hold(bucket, NOW).is_some(), "{when}");
        }
        let is_left = |record: &RemediationRecord| {
            codes(record).iter().all(|code| matches!(code, ReasonCode::BeingChanged | ReasonCode::AlreadyAsBefore))
        };
        assert!(records.iter().all(is_left), "{when}: {records:?}");
        assert_eq!(scene.journal().await.open(), [], "{when}");
        if stopped_at.is_none() {
            assert!(calls > 15, "only {calls} calls were seen");
            break;
        }
    }
}

/// A first attempt is stopped before it writes, a second one gives back what was there, and somebody gives the bucket its key
/// again: then the first one goes on.
#[tokio::test]
async fn an_attempt_that_comes_too_late_gives_nothing_back_again() {
    for calls in 0.. {
        let scene = scene().await;
        scene.plan(Some(&["ledger"]), RemediationMode::Apply).await;
        let interruption = scene.account.interruption.clone();
        let store = InterruptedStore { store: scene.store.clone(), interruption: interruption.clone(), refuses: false };
        interruption.after(calls);
        let (first, begun) = tokio::join!(scene.roll_back_in(&store), async {
            // The journal is put for the first time when the change is begun.
            let begun = interruption.happened().await == format!("put {}", keys::JOURNAL);
            if begun {
                scene.roll_back().await.unwrap();
                scene.account.put("ledger", Reading::seen(kms()));
            }
            interruption.resume();
            begun
        });
        if begun {
            assert_eq!(counts(&first.unwrap()), (1, 0, 0, 0));
            assert_eq!(scene.account.of("ledger"), Reading::seen(kms()));
            return;
        }
    }
}

/// What a scan that died has made of a bucket is recorded among what it did, and can be taken back at once.
#[tokio::test]
async fn what_a_dead_scan_has_left_is_recorded_and_taken_back() {
    let scene = scene().await;
    scene.account.put("dead", Reading::seen(kms()));
    let change = serde_json::json!({
        "runId": sample::SCAN_ID, "kind": "APPLY", "bucket": "dead", "bucketArn": "arn:aws:s3:::dead", "rules": [],
        "before": earlier(), "intended": kms(), "keyArn": KEY, "calls": [], "requestedBy": "the schedule",
        "executionArn": "another", "begunAt": NOW - LEASE, "touchedAt": NOW - LEASE,
    });
    let journal = serde_json::json!({ "open": [change], "begun": {}, "held": {} });
    scene.store.replace_json(keys::JOURNAL, &journal).await.unwrap();
    scene.plan(Some(&["dead"]), RemediationMode::Apply).await;
    assert_eq!(counts(&scene.roll_back().await.unwrap()), (1, 0, 0, 0));
    assert_eq!(scene.account.of("dead"), Reading::seen(earlier()));
    let of_scan = Records::load(&scene.store, keys::remediation(sample::SCAN_ID)).await.unwrap();
    assert_eq!(of_scan.outcome("dead"), Some(RemediationOutcome::Applied));
}

/// Somebody has mended it by hand, and asks for the rollback so that it stays so.
#[tokio::test]
async fn a_bucket_that_has_what_it_had_is_held_all_the_same() {
    for (mode, held) in [(RemediationMode::Apply, true), (RemediationMode::DryRun, false)] {
        let scene = scene().await;
        scene.account.put("ledger", Reading::seen(earlier()));
        scene.plan(Some(&["ledger"]), mode).await;
        assert_eq!(counts(&scene.roll_back().await.unwrap()), (0, 0, 1, 0));
        assert_eq!(codes(&scene.records()[0]), [ReasonCode::AlreadyAsBefore]);
        assert_eq!(scene.journal().await.hold("ledger", NOW).is_some(), held, "{mode}");
        assert_eq!(scene.account.writes(), 0);
    }
}
