//! Tests of the report as its readers see it: as JSON, and as a stream of writes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use audit_artifacts::{
    ArtifactReader, ArtifactWriter, Condition, MemoryStore, PutOutcome, Stored, Written, keys, sample,
};
use audit_model::remediation::{RemediationOutcome, RemediationRecord};
use audit_model::task::{CaughtError, RemediationResult};
use audit_model::{AccountChange, Finding, Plan, Severity, Status, Trigger, TriggerKind};
use bytes::Bytes;
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use super::*;

/// Two minutes after the aggregation.
const NOW: Timestamp = Timestamp::constant(1_795_413_780, 0);
const KEY: &str = "reports/date=2026-11-23/20261123T060000Z-1f2e3d4c.json";

fn input(remediation: Option<RemediationResult>) -> DeliverInput {
    DeliverInput { scan_id: sample::SCAN_ID.to_owned(), remediation }
}

async fn report(findings: &[Finding], records: &[RemediationRecord]) -> (Value, String) {
    let store = sample::store(&sample::plan(), &sample::summary(findings), findings, records).await.unwrap();
    let remediation = (!records.is_empty()).then(|| RemediationResult::Ran(sample::remediation_counts(records)));
    let output = handle(&input(remediation), &store, "dev-pr42", NOW).await.unwrap();
    assert_eq!((output.scan_id.as_str(), output.key.as_str()), (sample::SCAN_ID, KEY));
    let text = store.text(KEY).unwrap();
    assert_eq!(output.bytes, text.len() as u64);
    assert_eq!(output.sha256.len(), 64);
    (serde_json::from_str(&text).unwrap(), text)
}

fn findings(number: usize) -> Vec<Finding> {
    (0..number)
        .map(|number| {
            let status = if number % 3 == 0 { Status::NonCompliant } else { Status::Compliant };
            sample::finding(&format!("bucket-{number:05}"), "s3-bucket-versioning-enabled", Severity::Low, status)
        })
        .collect()
}

/// The findings of a report, each with the tags of its resource, as its readers join them.
fn given_back(report: &Value) -> Vec<Finding> {
    let mut findings: Vec<Finding> = serde_json::from_value(report["findings"].clone()).unwrap();
    for finding in &mut findings {
        assert!(report["rules"][&*finding.rule_id]["title"].is_string());
        let resource = Arc::make_mut(&mut finding.resource);
        resource.tags = report["tags"].get(&resource.arn).map(|tags| serde_json::from_value(tags.clone()).unwrap());
    }
    findings
}

#[tokio::test]
async fn what_is_the_rule_s_or_the_resource_s_stands_once() {
    let finding = |bucket, rule| sample::finding(bucket, rule, Severity::Low, Status::Compliant);
    let mut untold = finding("untold", "r1");
    Arc::make_mut(&mut untold.resource).tags = None;
    let findings = [finding("a", "r1"), finding("a", "r2"), untold];
    let (report, text) = report(&findings, &[]).await;
    assert_eq!(report["rules"], serde_json::to_value(sample::rules(&findings)).unwrap());
    assert_eq!(report["tags"], json!({"arn:aws:s3:::a": {"Owner": "payments"}}));
    assert_eq!(text.matches("payments").count(), 1);
    let one = &report["findings"][0];
    assert_eq!((&one["ruleId"], &one["resource"]["name"]), (&json!("r1"), &json!("a")));
    let absent = ["title", "references", "remediation", "schemaVersion", "scanId"];
    assert!(absent.iter().all(|name| one.get(name).is_none()) && one["resource"].get("tags").is_none(), "{one}");
    assert_eq!(given_back(&report), findings);
}

#[tokio::test]
async fn the_report_gives_back_what_was_found_whatever_the_number() {
    for number in [0, 1, 2, 500] {
        let findings = findings(number);
        let (report, _) = report(&findings, &[]).await;
        assert_eq!(given_back(&report), findings);
        assert_eq!(report["remediation"], json!([]));
    }
}

/// The times of the machine have milliseconds, those of the clock nine decimals: a reader gets seconds.
#[tokio::test]
async fn times_are_to_the_second() {
    let finer = jiff::SignedDuration::from_millis(454);
    let mut plan = sample::plan();
    plan.started_at += finer;
    let mut summary = sample::summary(&[]);
    (summary.started_at, summary.aggregated_at) = (plan.started_at, summary.aggregated_at + finer);
    for comparison in summary.comparison.values_mut() {
        if let audit_model::summary::Comparison::Compared { started_at, .. } = comparison {
            *started_at += finer;
        }
    }
    let store = sample::store(&plan, &summary, &[], &[]).await.unwrap();
    handle(&input(None), &store, "dev-pr42", NOW + finer).await.unwrap();
    let text = store.text(KEY).unwrap();
    assert!(!text.contains(".454"), "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["scan"]["startedAt"], "2026-11-23T06:00:00Z");
    assert_eq!(report["summary"]["comparison"]["s3"]["startedAt"], "2026-11-22T18:00:00Z");
}

#[tokio::test]
async fn what_was_resolved_is_a_list_of_its_own_as_long_as_the_summary_counts() {
    let (report, _) = report(&findings(2), &[]).await;
    let resolved = report["resolved"].as_array().unwrap();
    assert_eq!(resolved.len(), 3);
    assert_eq!(
        resolved[0],
        json!({
            "service": "s3",
            "ruleId": "s3-bucket-versioning-enabled",
            "severity": "LOW",
            "resource": {
                "arn": "arn:aws:s3:::resolved-0",
                "type": "AWS::S3::Bucket",
                "name": "resolved-0",
                "region": "us-east-1",
                "account": "123456789012",
            },
            "observed": "what was seen",
            "firstSeen": "2026-11-22T06:00:00Z",
            "lastSeen": "2026-11-23T06:01:00Z",
            "resolvedAt": "2026-11-23T06:01:00Z",
            "resolution": "MENDED",
        })
    );
    let store = sample::store(&sample::plan(), &sample::summary(&[]), &[], &[]).await.unwrap();
    let none = keys::resolved(sample::SCAN_ID);
    let writer = audit_artifacts::JsonLinesWriter::create(&store, &none).await.unwrap();
    writer.finish().await.unwrap();
    let error = handle(&input(None), &store, "dev-pr42", NOW).await.unwrap_err();
    assert!(error.name() == "Corrupt" && error.to_string().contains("0 resolved violations"), "{error}");
}

/// A scan that no deployment made names neither an execution nor a manifest: there are none.
#[tokio::test]
async fn a_scan_of_the_command_names_no_execution_and_no_manifest() {
    let trigger = Trigger { kind: TriggerKind::Command, event_id: None, ..sample::plan().trigger };
    let plan = Plan { trigger, execution_arn: "compliance-audit:2026-11-23T06:00:00Z".to_owned(), ..sample::plan() };
    let store = sample::store(&plan, &sample::summary(&[]), &[], &[]).await.unwrap();
    handle(&input(None), &store, "compliance-audit", NOW).await.unwrap();
    let report: Value = serde_json::from_str(&store.text(KEY).unwrap()).unwrap();
    let scan = report["scan"].as_object().unwrap();
    assert_eq!((&scan["trigger"], &scan["system"]), (&json!({"kind": "COMMAND"}), &json!("compliance-audit")));
    assert!(!scan.contains_key("executionArn") && !scan.contains_key("manifest"), "{scan:?}");
}

#[tokio::test]
async fn scan_policy_and_figures_stand_in_the_head() {
    let findings = findings(3);
    let (report, text) = report(&findings, &[]).await;
    assert_eq!(report["schemaVersion"], "5.2");
    assert_eq!(
        report["scan"],
        json!({
            "scanId": "20261123T060000Z-1f2e3d4c",
            "system": "dev-pr42",
            "status": "COMPLETE",
            "trigger": {"kind": "SCHEDULE", "eventId": "17793124-05d4-b198-2fde-7ededc63b103"},
            "account": "123456789012",
            "region": "us-east-1",
            "services": ["s3", "vpc", "lambda"],
            "remediation": "apply",
            "startedAt": "2026-11-23T06:00:00Z",
            "aggregatedAt": "2026-11-23T06:01:00Z",
            "reportedAt": "2026-11-23T06:03:00Z",
            "executionArn":
                "arn:aws:states:us-east-1:123456789012:execution:compliance-audit-state-machine-dev-pr42:run",
            "manifest": "scans/20261123T060000Z-1f2e3d4c/manifest.json",
        })
    );
    assert_eq!(report["policy"], serde_json::to_value(sample::plan().policy).unwrap());
    // One of the three findings is a violation: two of three are compliant, 66.66 % cut to one decimal.
    assert_eq!((&report["summary"]["score"], &report["summary"]["coverage"]), (&json!(66.6), &json!(100.0)));
    assert_eq!(report["summary"]["remediation"], Value::Null);
    let changes = json!({"new": 1, "firstEvaluated": 0, "stillOpen": 2, "resolved": 3, "notLookedAt": 0});
    assert_eq!(report["summary"]["changes"], changes);
    let since = json!({
        "state": "COMPARED",
        "scanId": "20261122T180000Z-0a1b2c3d",
        "startedAt": "2026-11-22T18:00:00Z",
        "changes": changes,
    });
    assert_eq!(report["summary"]["comparison"]["s3"], since);
    let figures = serde_json::to_value(sample::summary(&findings)).unwrap();
    for (name, value) in figures.as_object().unwrap() {
        assert_eq!(&report["summary"][name], value, "{name}");
    }
    // A reader of the text finds what it is about before what was found.
    let places: Vec<_> = [
        "\"scan\": {",
        "\"policy\": {",
        "\"summary\": {",
        "\"frameworks\": [",
        "\"rules\": {",
        "\"remediation\": [",
        "\"findings\": [",
        "\"tags\": {",
    ]
    .map(|part| text.find(&format!("\n  {part}")))
    .into();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
}

/// An auditor asks who made a change, and nobody else asks of a scan that no change has started.
#[tokio::test]
async fn a_scan_after_changes_names_the_calls() {
    let change = AccountChange {
        event_id: "7ab3".to_owned(),
        event_name: "PutBucketPolicy".to_owned(),
        event_time: sample::STARTED_AT,
        principal: "arn:aws:iam::123456789012:user/alex".to_owned(),
        source_address: "198.51.100.7".to_owned(),
        resources: vec!["arn:aws:s3:::ledger".to_owned()],
    };
    for (changes, told) in [(vec![], None), (vec![change.clone()], Some(json!([change])))] {
        let plan = Plan { changes, ..sample::plan() };
        let store = sample::store(&plan, &sample::summary(&[]), &[], &[]).await.unwrap();
        handle(&input(None), &store, "dev-pr42", NOW).await.unwrap();
        let report: Value = serde_json::from_str(&store.text(KEY).unwrap()).unwrap();
        assert_eq!(report["scan"].get("changes"), told.as_ref());
    }
}

#[tokio::test]
async fn every_framework_tells_what_its_controls_came_to() {
    let public =
        sample::finding("ledger", "s3-bucket-public-read-prohibited", Severity::Critical, Status::NonCompliant);
    let (report, _) = report(&[public], &[]).await;
    let fsbp = &report["frameworks"][0];
    assert_eq!(fsbp["framework"], "AWS FSBP");
    let control = |id: &str| fsbp["controls"].as_array().unwrap().iter().find(|control| control["id"] == id).unwrap();
    assert_eq!(control("S3.2")["result"], "NON_COMPLIANT");
    let rule = &control("S3.2")["rules"]["s3-bucket-public-read-prohibited"];
    assert_eq!((&rule["result"], &rule["counts"]["nonCompliant"]), (&json!("NON_COMPLIANT"), &json!(1)));
    assert_eq!(control("Lambda.1")["result"], "NOT_APPLICABLE");
    let not_covered = fsbp["notCovered"].as_array().unwrap();
    let multi_region = not_covered.iter().find(|control| control["id"] == "S3.24").unwrap();
    assert!(multi_region["reason"].as_str().unwrap().contains("us-west-2"), "{multi_region}");
    assert_eq!(fsbp["switchedOff"], Value::Null);
    let frameworks = report["frameworks"].as_array().unwrap();
    let tagging = frameworks.iter().find(|it| it["framework"] == "AWS Resource Tagging Standard").unwrap();
    assert!(tagging["switchedOff"].as_str().unwrap().contains("resource_tagging"), "{tagging}");
    assert!(tagging["controls"].as_array().unwrap().iter().all(|control| control["result"] == "NOT_EVALUATED"));
}

#[tokio::test]
async fn a_report_without_verdicts_has_no_score() {
    let (report, _) = report(&[], &[]).await;
    assert_eq!((&report["summary"]["score"], &report["summary"]["coverage"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn every_remediation_record_is_in_the_report_with_the_counts() {
    let records = [
        sample::remediation_record("ledger", RemediationOutcome::Applied, &[]),
        sample::remediation_record("web", RemediationOutcome::Skipped, &["it is a website"]),
    ];
    let (report, _) = report(&[], &records).await;
    let read: Vec<RemediationRecord> = serde_json::from_value(report["remediation"].clone()).unwrap();
    assert_eq!(read, records);
    let counts = json!({
        "scanId": sample::SCAN_ID, "mode": "apply", "applied": 1, "announced": 0, "wouldApply": 0, "skipped": 1,
        "drifted": 0, "failed": 0,
        "recordsSha256": sample::remediation_counts(&records).records_sha256,
    });
    assert_eq!(report["summary"]["remediation"], counts);
}

#[tokio::test]
async fn a_remediation_that_broke_is_told_with_its_error_and_the_records_it_left() {
    let records = [sample::remediation_record("ledger", RemediationOutcome::Applied, &[])];
    let store = sample::store(&sample::plan(), &sample::summary(&[]), &[], &records).await.unwrap();
    let broke = json!({
        "state": "RemediateS3Encryption",
        "error": "Throttled",
        "cause": r#"{"errorType":"Throttled","errorMessage":"kms:CreateKey was throttled"}"#,
    });
    let broke: CaughtError = serde_json::from_value(broke).unwrap();
    handle(&input(Some(RemediationResult::Broke(broke))), &store, "dev-pr42", NOW).await.unwrap();
    let report: Value = serde_json::from_str(&store.text(KEY).unwrap()).unwrap();
    assert_eq!(
        report["summary"]["remediation"],
        json!({"state": "RemediateS3Encryption", "error": "Throttled", "cause": "kms:CreateKey was throttled"})
    );
    assert_eq!(report["remediation"][0]["bucket"], "ledger");
}

/// Whatever comes before and after what is asked for.
#[tokio::test]
async fn what_a_report_says_of_remediation_is_read_again() {
    let records = [sample::remediation_record("b", RemediationOutcome::Applied, &[])];
    let (_, text) = report(&findings(3), &records).await;
    let remediation = Some(RemediationResult::Ran(sample::remediation_counts(&records)));
    assert_eq!(Filed::read(text.as_bytes()).unwrap(), Filed { system: "dev-pr42".to_owned(), remediation });
    let (_, text) = report(&findings(3), &[]).await;
    assert_eq!(Filed::read(text.as_bytes()).unwrap().remediation, None);
    for broken in ["", "{}", text.get(..text.len() - 2).unwrap()] {
        assert!(Filed::read(broken.as_bytes()).is_err(), "{} bytes", broken.len());
    }
}

#[tokio::test]
async fn no_report_appears_when_findings_are_missing_or_broken() {
    let findings = findings(3);
    let store = sample::store(&sample::plan(), &sample::summary(&findings), &findings, &[]).await.unwrap();
    let key = keys::findings(sample::SCAN_ID);
    let compressed = async |findings: &[Finding]| {
        let store = sample::store(&sample::plan(), &sample::summary(&[]), findings, &[]).await.unwrap();
        store.get(&key).await.unwrap().unwrap().content
    };
    let whole = compressed(&findings).await;
    let more = [whole.clone(), compressed(&findings[..1]).await].concat();
    for broken in [compressed(&findings[..2]).await, whole.slice(..whole.len() - 5), more.into()] {
        let put = store.put(&key, "application/x-ndjson", broken, Condition::None).await.unwrap();
        assert_eq!(put, PutOutcome::Written);
        assert_eq!(handle(&input(None), &store, "dev-pr42", NOW).await.unwrap_err().name(), "Corrupt");
        assert_eq!(store.text(KEY), None);
    }
    store.remove(&keys::findings(sample::SCAN_ID));
    assert_eq!(handle(&input(None), &store, "dev-pr42", NOW).await.unwrap_err().name(), "NotFound");
    assert_eq!(store.text(KEY), None);
}

proptest! {
    /// Whatever people name and tag their resources, the report is one JSON document with one line for each finding.
    #[test]
    fn the_document_holds_together_whatever_the_texts(texts in prop::collection::vec(any::<String>(), 0..6)) {
        let findings: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(number, text)| {
                let mut finding = sample::finding(&format!("b-{number}"), "r", Severity::Low, Status::Compliant);
                finding.evidence.observed = text.clone().into();
                let resource = Arc::make_mut(&mut finding.resource);
                resource.name.clone_from(text);
                resource.tags = Some([(text.clone(), text.clone())].into());
                finding
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (report, text) = runtime.block_on(report(&findings, &[]));
        prop_assert_eq!(given_back(&report), findings);
        let lines = text.split('\n').filter(|line| line.starts_with("    {\"service\"")).filter(|line| !line.contains("resolved-"));
        let lines = lines.count();
        prop_assert_eq!(lines, texts.len());
    }
}

#[tokio::test]
async fn no_write_is_larger_than_the_head_or_one_finding() {
    let finding = sample::finding("ledger", "s3-bucket-versioning-enabled", Severity::Low, Status::Compliant);
    let mut summary = sample::summary(&[]);
    summary.totals.compliant = 20_000;
    let scan = sample::store(&sample::plan(), &summary, std::slice::from_ref(&finding), &[]).await.unwrap();
    let one = serde_json::to_string(&finding).unwrap().len();
    // Compressed frames one after the other are one compressed object.
    let frame = scan.get(&keys::findings(sample::SCAN_ID)).await.unwrap().unwrap().content;
    let store = Lazy { scan, frame, findings: 20_000, largest_write: Arc::default() };

    let output = handle(&input(None), &store, "dev-pr42", NOW).await.unwrap();

    assert!(output.bytes > 20_000 * one as u64, "{output:?}");
    let largest = store.largest_write.load(Ordering::Relaxed) as u64;
    let empty = report(std::slice::from_ref(&finding), &[]).await.1.len() as u64;
    assert!(largest < empty + one as u64, "{largest} bytes at once, where the head takes less than {empty}");
}

/// A store that makes up the findings as they are read, and keeps of what is written only the size.
struct Lazy {
    scan: MemoryStore,
    frame: Bytes,
    findings: u64,
    largest_write: Arc<AtomicUsize>,
}

#[async_trait]
impl ArtifactStore for Lazy {
    async fn get(&self, key: &str) -> Result<Option<Stored>, TaskError> {
        self.scan.get(key).await
    }

    async fn open(&self, key: &str) -> Result<Option<ArtifactReader>, TaskError> {
        if key == keys::findings(sample::SCAN_ID) {
            return Ok(Some(Box::new(Repeated { frame: self.frame.clone(), at: 0, left: self.findings })));
        }
        self.scan.open(key).await
    }

    async fn put(&self, key: &str, _: &str, _: Bytes, _: Condition) -> Result<PutOutcome, TaskError> {
        panic!("{key} was put whole")
    }

    async fn create(&self, _: &str, _: &str) -> Result<Box<dyn ArtifactWriter>, TaskError> {
        Ok(Box::new(Sizes { bytes: 0, largest_write: self.largest_write.clone() }))
    }
}

struct Sizes {
    bytes: u64,
    largest_write: Arc<AtomicUsize>,
}

#[async_trait]
impl ArtifactWriter for Sizes {
    async fn write(&mut self, content: &[u8]) -> Result<(), TaskError> {
        self.bytes += content.len() as u64;
        self.largest_write.fetch_max(content.len(), Ordering::Relaxed);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Written, TaskError> {
        Ok(Written { bytes: self.bytes, sha256: String::new() })
    }

    async fn abort(self: Box<Self>) -> Result<(), TaskError> {
        panic!("the report was given up")
    }
}

/// A reader that holds one frame and gives it again and again.
struct Repeated {
    frame: Bytes,
    at: usize,
    left: u64,
}

impl AsyncBufRead for Repeated {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        Poll::Ready(Ok(if this.left == 0 { &[] } else { &this.frame[this.at..] }))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.at += amount;
        if self.at == self.frame.len() {
            (self.at, self.left) = (0, self.left - 1);
        }
    }
}

impl AsyncRead for Repeated {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        panic!("lines are read through the buffer")
    }
}
