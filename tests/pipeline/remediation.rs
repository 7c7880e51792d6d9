//! Remediation and its way back, in the deployed system and on the sample account.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use audit_model::Reading;
use audit_model::remediation::{Decision, ReasonCode, RemediationOutcome, RemediationRecord};
use audit_model::resource::BucketEncryption;
use aws_sdk_s3::types::{
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use aws_sdk_sfn::types::ExecutionStatus;
use jiff::Timestamp;
use pipeline_tests::recorder::{Recorded, Recorder};
use pipeline_tests::{Ended, System, bucket_encryption, sha256};
use pretty_assertions::assert_eq;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) const ROLLBACK: &str = "Compliance Remediation Rollback Requested";
const STATEMENTS: &str = "payments-customer-statements-123456789012";
const FRAUD_MODELS: &str = "payments-fraud-models-123456789012";
const LEDGER_EXPORTS: &str = "payments-ledger-exports-123456789012";
const FUNCTION: &str = "remediate-s3-encryption";

/// One row of what a person expects of remediation.
#[derive(Deserialize)]
struct Expected {
    bucket: String,
    decision: String,
    reasons: String,
}

fn expected() -> Vec<Expected> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("accounts/payments-company/expected-remediation.csv");
    csv::Reader::from_path(file).unwrap().deserialize().map(Result::unwrap).collect()
}

/// The name of a code in records.
fn name(code: ReasonCode) -> String {
    serde_json::to_value(code).unwrap().as_str().unwrap().to_owned()
}

fn codes(record: &RemediationRecord) -> BTreeSet<String> {
    record.reasons.iter().map(|reason| name(reason.code)).collect()
}

/// A scan of the buckets in which remediation may change these two again, whatever became of them before.
pub(crate) fn scan(remediation: &str) -> Value {
    json!({ "services": ["s3"], "remediation": remediation, "reapply": [STATEMENTS, FRAUD_MODELS] })
}

/// Gives the two buckets that may be changed the encryption that the sample account has for them, and says what it is.
pub(crate) async fn as_in_the_sample_account(system: &System) -> BTreeMap<&'static str, BucketEncryption> {
    let of = |algorithm: &str, key: Option<&str>, blocked: &[&str]| BucketEncryption {
        algorithm: algorithm.to_owned(),
        kms_key_id: key.map(str::to_owned),
        bucket_key_enabled: false,
        blocked_encryption_types: blocked.iter().map(|&blocked| blocked.to_owned()).collect(),
    };
    let aws_managed = "arn:aws:kms:us-east-1:123456789012:alias/aws/s3";
    let encryptions = BTreeMap::from([
        (STATEMENTS, of("AES256", None, &["SSE-C"])),
        (FRAUD_MODELS, of("aws:kms", Some(aws_managed), &["SSE-C"])),
    ]);
    for (bucket, encryption) in &encryptions {
        set(system, bucket, &encryption.algorithm, encryption.kms_key_id.clone()).await;
        assert_eq!(bucket_encryption(system, bucket).await, *encryption);
    }
    encryptions
}

/// Sets a bucket's default encryption. What is blocked stays: Amazon S3 keeps what is not mentioned.
async fn set(system: &System, bucket: &str, algorithm: &str, key: Option<String>) {
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::from(algorithm))
        .set_kms_master_key_id(key)
        .build()
        .unwrap();
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .bucket_key_enabled(false)
        .build();
    let configuration = ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
    let put = system.s3.put_bucket_encryption().bucket(bucket);
    put.server_side_encryption_configuration(configuration).send().await.unwrap();
}

async fn records(system: &System, key: &str) -> BTreeMap<String, RemediationRecord> {
    let text = system.text(key).await;
    let records: Vec<RemediationRecord> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Each line is bound to the one before.
    let mut previous = None;
    for (number, (record, line)) in (1_u64..).zip(records.iter().zip(text.lines())) {
        assert_eq!((record.sequence, &record.previous_sha256), (number, &previous));
        previous = Some(sha256(line));
    }
    let by_bucket: BTreeMap<_, _> = records.iter().map(|record| (record.bucket.clone(), record.clone())).collect();
    assert_eq!(by_bucket.len(), records.len(), "one record for each bucket");
    by_bucket
}

async fn records_of_scan(system: &System, ended: &Ended) -> BTreeMap<String, RemediationRecord> {
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{}: {}", ended.error, ended.cause);
    records(system, &format!("scans/{}/remediation.jsonl", ended.scan_id())).await
}

/// Compares every bucket of the sample account with what is expected; the CDK's own bucket is not part of it.
fn assert_as_expected(records: &BTreeMap<String, RemediationRecord>, applied: RemediationOutcome) {
    let of_account: BTreeSet<_> = records.keys().filter(|bucket| bucket.starts_with("payments-")).cloned().collect();
    assert_eq!(of_account, expected().into_iter().map(|row| row.bucket).collect());
    for Expected { bucket, decision, reasons } in expected() {
        let record = &records[&bucket];
        let outcome = if decision == "APPLY" { applied } else { RemediationOutcome::Skipped };
        let told: BTreeSet<_> = reasons.split_whitespace().map(str::to_owned).collect();
        assert_eq!((record.outcome, codes(record)), (outcome, told), "{bucket}: {:?}", record.reasons);
    }
}

/// What a request asks of AWS, if it writes: everything that is not known to read.
fn writes(Recorded { method, path, target }: &Recorded, reports: &str) -> Option<String> {
    const READING: [&str; 5] = [
        "TrentService.DescribeKey",
        "TrentService.GenerateDataKeyWithoutPlaintext",
        "TrentService.ListAliases",
        "TrentService.ListKeys",
        "TrentService.ListResourceTags",
    ];
    match target {
        Some(target) => (!READING.contains(&target.as_str())).then(|| target.clone()),
        None if method == "GET" || method == "HEAD" => None,
        None if method == "PUT" && path.starts_with(&format!("/{reports}/")) => None,
        None => Some(format!("{method} {path}")),
    }
}

/// Has the remediation ask AWS through a relay, and runs a scan.
async fn recorded(system: &System, input: &Value) -> (Ended, Vec<Recorded>) {
    let function = format!("{FUNCTION}-function-{}", system.name);
    let recorder = Recorder::before(&system.endpoint).await;
    let variables = system.variables(&function).await;
    let mut relayed = variables.clone();
    for service in ["S3", "KMS"] {
        relayed.insert(format!("AWS_ENDPOINT_URL_{service}"), recorder.url.clone());
    }
    system.set_variables(&function, relayed).await;
    let ended = system.execute(input).await;
    system.set_variables(&function, variables).await;
    (ended, recorder.requests())
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_dry_run_tells_every_reason_and_makes_no_writing_call_at_the_endpoint() {
    let system = System::find().await;
    let before = as_in_the_sample_account(&system).await;
    let (ended, requests) = recorded(&system, &scan("dry-run")).await;
    assert_as_expected(&records_of_scan(&system, &ended).await, RemediationOutcome::WouldApply);

    // The relay has seen what a dry run reads, so that it would have seen what it writes.
    let read = |path: &str| requests.iter().any(|request| request.path.starts_with(path));
    let asked = |target: &str| requests.iter().any(|request| request.target.as_deref() == Some(target));
    assert!(read(&format!("/{STATEMENTS}/?encryption")) && asked("TrentService.ListAliases"), "{requests:#?}");
    let written: Vec<_> = requests.iter().filter_map(|request| writes(request, &system.reports)).collect();
    assert_eq!(written, [""; 0]);
    let stored: BTreeSet<_> =
        requests.iter().filter(|request| request.method == "PUT").map(|request| request.path.as_str()).collect();
    let records = format!("/{}/scans/{}/remediation.jsonl?x-id=PutObject", system.reports, ended.scan_id());
    assert_eq!(stored, BTreeSet::from([records.as_str()]));
    for (bucket, encryption) in before {
        assert_eq!(bucket_encryption(&system, bucket).await, encryption, "{bucket}");
    }

    // The same relay sees apply write.
    let (_, requests) = recorded(&system, &scan("apply")).await;
    let written: Vec<_> = requests.iter().filter_map(|request| writes(request, &system.reports)).collect();
    assert!(written.contains(&format!("PUT /{STATEMENTS}/?encryption")), "{written:?}");
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn what_was_applied_is_verified_recorded_taken_back_exactly_and_applied_again_with_the_same_key() {
    let system = System::find().await;
    let before = as_in_the_sample_account(&system).await;

    // Apply.
    let ended = system.execute(&scan("apply")).await;
    let applied = records_of_scan(&system, &ended).await;
    assert_as_expected(&applied, RemediationOutcome::Applied);
    let mut keys = BTreeMap::new();
    for (bucket, earlier) in &before {
        let record = &applied[*bucket];
        let shown = bucket_encryption(&system, bucket).await;
        assert_eq!(record.before, Some(Reading::seen(earlier.clone())), "{bucket}");
        assert_eq!((&record.after, &record.intended), (&Some(Reading::seen(shown.clone())), &Some(shown.clone())));
        assert_eq!(shown.blocked_encryption_types, earlier.blocked_encryption_types, "{bucket}");
        assert!(shown.bucket_key_enabled && shown.kms_key_id == record.key_arn, "{shown:?}");
        let put = record.calls.last().unwrap();
        assert_eq!((put.action.as_str(), &put.error), ("s3:PutEncryptionConfiguration", &None));
        assert!(record.calls.iter().all(|call| call.request_id.is_some()), "{:?}", record.calls);
        assert_key(&system, bucket, record.key_arn.as_deref().unwrap()).await;
        keys.insert(*bucket, record.key_arn.clone());
    }

    // The report, the figures and the log say the same.
    let report = system.json_report(ended.scan_id()).await;
    let reported: Vec<RemediationRecord> = serde_json::from_value(report["remediation"].clone()).unwrap();
    assert_eq!(reported.into_iter().map(|record| (record.bucket.clone(), record)).collect::<BTreeMap<_, _>>(), applied);
    let records_key = format!("scans/{}/remediation.jsonl", ended.scan_id());
    assert_eq!(report["summary"]["remediation"]["recordsSha256"], sha256(&system.text(&records_key).await));
    let log = system.log(FUNCTION).await;
    let told = |line: &&str| line.contains(ended.scan_id()) && line.contains(STATEMENTS) && line.contains("requestId");
    assert!(log.lines().any(|line| told(&line)), "{log}");

    // Take it back: one bucket by an event, the other from the console.
    system.take_emails().await;
    let why = json!({ "requestedBy": "payments-oncall", "reason": "the partner cannot read" });
    let asked = |bucket: &str, mode: &str| {
        let mut asked = json!({ "scanId": ended.scan_id(), "buckets": [bucket], "mode": mode });
        asked.as_object_mut().unwrap().extend(why.as_object().unwrap().clone());
        asked
    };
    let dry = system.execute(&asked(STATEMENTS, "dry-run")).await;
    assert_eq!((&dry.output["wouldRollBack"], &dry.output["rolledBack"]), (&json!(1), &json!(0)), "{dry:?}");
    assert_eq!(bucket_encryption(&system, STATEMENTS).await.kms_key_id, keys[STATEMENTS]);
    let by_event = system.send(ROLLBACK, &asked(STATEMENTS, "apply")).await;
    let by_hand = system.execute(&asked(FRAUD_MODELS, "apply")).await;
    for (ended, bucket) in [(&by_event, STATEMENTS), (&by_hand, FRAUD_MODELS)] {
        assert_eq!(ended.output["rolledBack"], 1, "{ended:?}");
        assert_eq!(bucket_encryption(&system, bucket).await, before[bucket], "{bucket}");
        let of_rollback = records(&system, ended.output["records"].as_str().unwrap()).await;
        let [record] = of_rollback.values().collect::<Vec<_>>()[..] else { panic!("{of_rollback:?}") };
        assert_eq!((record.decision, record.outcome), (Decision::RollBack, RemediationOutcome::RolledBack));
        assert_eq!(record.after, Some(Reading::seen(before[bucket].clone())));
        assert!(record.requested_by.contains("payments-oncall") && record.requested_by.contains("cannot read"));
        let stays = record.result.as_ref().unwrap();
        assert!(stays.contains(keys[bucket].as_ref().unwrap()) && stays.contains("stay encrypted"), "{stays}");
    }
    let emails = system.take_emails().await;
    assert!(emails.iter().any(|email| email.subject.contains("rolled back") && email.body.contains("payments-oncall")));

    // What is asked for twice is done once, and what the scan did not change is not touched.
    let again = system.execute(&asked(STATEMENTS, "apply")).await;
    assert_eq!((&again.output["rolledBack"], &again.output["skipped"]), (&json!(0), &json!(1)), "{again:?}");
    let other = system.execute(&asked(LEDGER_EXPORTS, "apply")).await;
    assert_eq!(other.output["skipped"], 1, "{other:?}");

    // By itself no scan changes them again.
    let held = system.execute(&json!({ "services": ["s3"], "remediation": "apply" })).await;
    let held = records_of_scan(&system, &held).await;
    for (bucket, earlier) in &before {
        assert_eq!(codes(&held[*bucket]), BTreeSet::from(["ROLLED_BACK".to_owned()]), "{bucket}");
        assert_eq!(bucket_encryption(&system, bucket).await, *earlier, "{bucket}");
    }

    // Asked to, it does, with the key that the bucket has.
    let ended = system.execute(&scan("apply")).await;
    let applied_again = records_of_scan(&system, &ended).await;
    for (bucket, key) in &keys {
        assert_eq!(applied_again[*bucket].outcome, RemediationOutcome::Applied, "{bucket}");
        assert_eq!(bucket_encryption(&system, bucket).await.kms_key_id, *key, "{bucket}");
        assert_eq!(system.keys_of(bucket).await, Vec::from_iter(key.clone()), "{bucket}");
    }
}

/// A scan for which nobody said what remediation may do: as those of the schedule.
#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_scan_that_nobody_asked_to_apply_announces_and_the_next_one_does_what_was_announced() {
    let system = System::find().await;
    let bucket = "announced-123456789012".to_owned();
    system.s3.create_bucket().bucket(&bucket).send().await.unwrap();
    system.take_emails().await;
    let unasked = json!({ "services": ["s3"] });

    let first = system.execute(&unasked).await;
    let announced = records_of_scan(&system, &first).await.remove(&bucket).unwrap();
    assert_eq!(announced.outcome, RemediationOutcome::Announced, "{announced:#?}");
    assert_eq!(bucket_encryption(&system, &bucket).await.algorithm, "AES256");
    assert!(system.keys_of(&bucket).await.is_empty());
    let emails = system.take_emails().await;
    let email = emails.iter().find(|email| email.body.contains(first.scan_id())).unwrap();
    for told in ["unless you object", "ANNOUNCED", &format!("{bucket} gets a new key of its own")] {
        assert!(email.body.contains(told), "{told}: {}", email.body);
    }
    let receipt: Value =
        serde_json::from_str(&system.text(&format!("scans/{}/alert.json", first.scan_id())).await).unwrap();
    assert!(receipt["announced"].as_array().unwrap().contains(&json!(bucket)), "{receipt}");

    let second = system.execute(&unasked).await;
    let applied = records_of_scan(&system, &second).await.remove(&bucket).unwrap();
    assert_eq!((applied.outcome, &applied.before), (RemediationOutcome::Applied, &announced.before), "{applied:#?}");
    assert_eq!(bucket_encryption(&system, &bucket).await.kms_key_id, applied.key_arn);
    system.s3.delete_bucket().bucket(&bucket).send().await.unwrap();
}

/// The key is rotating, named and tagged as a bucket's own.
async fn assert_key(system: &System, bucket: &str, arn: &str) {
    assert_eq!(system.keys_of(bucket).await, [arn]);
    let rotation = system.kms("GetKeyRotationStatus", json!({ "KeyId": arn })).await;
    assert_eq!(rotation["KeyRotationEnabled"], true, "{rotation}");
    let alias = format!("alias/compliance-audit-{bucket}");
    let described = system.kms("DescribeKey", json!({ "KeyId": alias })).await;
    assert_eq!(described["KeyMetadata"]["Arn"], arn);
    let tags = system.kms("ListResourceTags", json!({ "KeyId": arn })).await;
    let tags: BTreeSet<_> = tags["Tags"].as_array().unwrap().iter().filter_map(|tag| tag["TagKey"].as_str()).collect();
    let four = ["ComplianceLevel", "CostCenter", "Environment", "Owner"];
    assert_eq!(tags, four.into_iter().chain(["compliance-audit:bucket"]).collect());
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn limits_exceptions_and_own_buckets_are_reasons_too() {
    let system = System::find().await;
    as_in_the_sample_account(&system).await;
    let own = format!("leftover-bucket-123456789012-{}", system.name);
    system.s3.create_bucket().bucket(&own).send().await.unwrap();
    system.use_policy("limits").await;
    let ended = system.execute(&scan("apply")).await;
    system.use_policy("shipped").await;
    system.s3.delete_bucket().bucket(&own).send().await.unwrap();

    let records = records_of_scan(&system, &ended).await;
    let limits = ["DAY_LIMIT", "RUN_LIMIT"];
    let with = |more: &[&str]| limits.iter().chain(more).map(|&code| code.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(codes(&records[STATEMENTS]), with(&["EXCEPTED"]));
    assert_eq!(codes(&records[FRAUD_MODELS]), with(&[]));
    assert_eq!(codes(&records[&own]), with(&["OWN_BUCKET"]));
    assert!(records.values().all(|record| record.outcome == RemediationOutcome::Skipped), "{records:#?}");
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn a_denied_reading_and_a_key_that_somebody_was_faster_with_are_reasons_too() {
    let system = System::find().await;
    as_in_the_sample_account(&system).await;
    let function = format!("{FUNCTION}-function-{}", system.name);
    // Remediation cannot start, and the scan says so.
    let variables = system.variables(&function).await;
    let mut broken = variables.clone();
    broken.remove("KEY_TAGS");
    system.set_variables(&function, broken).await;
    let ended = system.execute(&scan("apply")).await;
    system.set_variables(&function, variables).await;
    assert!(system.json_report(ended.scan_id()).await["summary"]["remediation"]["error"].is_string());

    // Until it can, somebody gives one bucket the key of the company, and of the other the tags cannot be read.
    let company_key = system.kms("DescribeKey", json!({ "KeyId": "alias/payments-data" })).await;
    let company_key = company_key["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    set(&system, FRAUD_MODELS, "aws:kms", Some(company_key.clone())).await;
    let denial = system.deny(FUNCTION, "s3:GetBucketTagging", format!("arn:aws:s3:::{STATEMENTS}")).await;
    system.invoke(FUNCTION, &json!({ "scanId": ended.scan_id() })).await;
    system.lift(denial).await;

    let records = records(&system, &format!("scans/{}/remediation.jsonl", ended.scan_id())).await;
    assert_eq!(codes(&records[FRAUD_MODELS]), BTreeSet::from(["HAS_KEY".to_owned()]));
    assert_eq!(codes(&records[STATEMENTS]), BTreeSet::from(["UNREADABLE".to_owned()]));
    assert!(records[STATEMENTS].reasons[0].text.contains("s3:GetBucketTagging was denied"));
    assert_eq!(bucket_encryption(&system, FRAUD_MODELS).await.kms_key_id, Some(company_key));
    as_in_the_sample_account(&system).await;
}

/// From the records alone: what each bucket had at any time since the first of them.
#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn from_the_records_alone_the_encryption_at_any_time_is_known() {
    let system = System::find().await;
    let before = as_in_the_sample_account(&system).await;
    let mut seen = Vec::new();
    let ended = system.execute(&scan("apply")).await;
    seen.push((Timestamp::now(), bucket_encryption(&system, STATEMENTS).await));
    let asked = json!({
        "scanId": ended.scan_id(), "buckets": "all", "requestedBy": "test", "reason": "to look back at it",
    });
    assert_eq!(system.send(ROLLBACK, &asked).await.status, ExecutionStatus::Succeeded);
    seen.push((Timestamp::now(), bucket_encryption(&system, STATEMENTS).await));
    system.execute(&scan("apply")).await;
    seen.push((Timestamp::now(), bucket_encryption(&system, STATEMENTS).await));
    assert_ne!(seen[0].1, before[STATEMENTS]);
    assert_eq!(seen[1].1, before[STATEMENTS]);

    let mut history = Vec::new();
    for prefix in ["scans/", "rollbacks/"] {
        for key in system.keys(prefix).await.into_iter().filter(|key| key.ends_with("/remediation.jsonl")) {
            history.extend(records(&system, &key).await.into_values().filter(|record| record.bucket == STATEMENTS));
        }
    }
    history.sort_by_key(|record| record.ended_at);
    for (at, encryption) in seen {
        let last = history.iter().rfind(|record| record.ended_at <= at).unwrap();
        let known = last.after.as_ref().or(last.before.as_ref()).unwrap();
        assert_eq!(known.known().unwrap(), Some(&encryption), "at {at}");
    }
}
