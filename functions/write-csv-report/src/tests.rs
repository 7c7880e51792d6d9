//! Tests of the report as a spreadsheet or a program reads it.

use std::collections::HashMap;
use std::sync::Arc;

use audit_artifacts::{ArtifactStoreExt, MemoryStore, keys, sample};
use audit_model::remediation::{RemediationOutcome, RemediationRecord};
use audit_model::summary::{ScanStatus, Summary};
use audit_model::task::RemediationResult;
use audit_model::{Change, ExceptionMark, Finding, Severity, Status, Unreadable, UnreadableCause};
use jiff::civil::date;
use pretty_assertions::assert_eq;

use super::*;

const KEY: &str = "reports/date=2026-11-23/20261123T060000Z-1f2e3d4c.csv";
const ENCRYPTION: &str = "s3-bucket-customer-managed-key-encrypted";

fn input(records: &[RemediationRecord]) -> DeliverInput {
    let remediation = (!records.is_empty()).then(|| RemediationResult::Ran(sample::remediation_counts(records)));
    DeliverInput { scan_id: sample::SCAN_ID.to_owned(), remediation }
}

async fn written(summary: &Summary, findings: &[Finding], records: &[RemediationRecord]) -> MemoryStore {
    let store = sample::store(&sample::plan(), summary, findings, records).await.unwrap();
    let output = handle(&input(records), &store).await.unwrap();
    assert_eq!((output.scan_id.as_str(), output.key.as_str()), (sample::SCAN_ID, KEY));
    assert_eq!(output.bytes, store.text(KEY).unwrap().len() as u64);
    store
}

async fn rows(findings: &[Finding], records: &[RemediationRecord]) -> Vec<HashMap<String, String>> {
    let text = written(&sample::summary(findings), findings, records).await.text(KEY).unwrap();
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_row_says_all_that_the_finding_says() {
    let mut finding = sample::finding("ledger", ENCRYPTION, Severity::High, Status::NonCompliant);
    finding.evidence.observed = "said \"no\", twice\nand again".into();
    finding.exception = Some(ExceptionMark {
        reason: "rebuilt every night".to_owned(),
        approver: "Head of security".to_owned(),
        expires: date(2027, 3, 31),
    });
    finding.change = None;
    let rows = rows(&[finding], &[]).await;
    let expected = [
        ("scan_id", "20261123T060000Z-1f2e3d4c"),
        ("scan_status", "COMPLETE"),
        ("service", "s3"),
        ("rule_id", "s3-bucket-customer-managed-key-encrypted"),
        ("title", "Title of s3-bucket-customer-managed-key-encrypted"),
        ("severity", "HIGH"),
        ("status", "NON_COMPLIANT"),
        ("resource_type", "AWS::S3::Bucket"),
        ("resource_name", "ledger"),
        ("resource_arn", "arn:aws:s3:::ledger"),
        ("region", "us-east-1"),
        ("account", "123456789012"),
        ("first_seen", "2026-11-22T06:00:00Z"),
        ("last_seen", ""),
        ("change", ""),
        ("evaluated_at", "2026-11-23T06:01:00Z"),
        ("observed", "said \"no\", twice\nand again"),
        ("expected", "what should be"),
        ("missing", ""),
        ("remediation", "Mend it."),
        ("documentation_url", "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html"),
        ("references", "PCI DSS 4.0.1 1.4.4"),
        ("tags", "Owner=payments"),
        ("remediation_outcome", ""),
        ("exception_approver", "Head of security"),
        ("exception_expires", "2027-03-31"),
        ("exception_reason", "rebuilt every night"),
        ("schema_version", "3.0"),
    ];
    assert_eq!(rows, [expected.map(|(column, cell)| (column.to_owned(), cell.to_owned())).into()]);
}

#[tokio::test]
async fn a_report_without_findings_has_its_header() {
    let store = written(&sample::summary(&[]), &[], &[]).await;
    let text = store.text(KEY).unwrap();
    assert!(text.starts_with("\u{feff}\"scan_id\",\"scan_status\",\"service\","), "{text}");
    assert!(text.ends_with(",\"schema_version\"\r\n"), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[tokio::test]
async fn what_could_not_be_read_is_named_and_is_not_empty() {
    let mut finding = sample::finding("ledger", ENCRYPTION, Severity::High, Status::InsufficientData);
    Arc::make_mut(&mut finding.resource).tags = None;
    finding.missing = ["s3:GetEncryptionConfiguration", "s3:GetBucketTagging"]
        .map(|action| Unreadable {
            action: action.to_owned(),
            cause: UnreadableCause::AccessDenied,
            detail: "AccessDenied".to_owned(),
        })
        .into();
    let rows = rows(&[finding], &[]).await;
    assert_eq!(
        rows[0]["missing"],
        "s3:GetEncryptionConfiguration was denied: AccessDenied; s3:GetBucketTagging was denied: AccessDenied"
    );
    assert_eq!(rows[0]["tags"], "(not read)");
    assert_eq!(rows[0]["first_seen"], "");
}

#[tokio::test]
async fn a_violation_that_was_carried_over_says_since_when_until_when_and_why() {
    let carried = Finding {
        status: Status::InsufficientData,
        missing: vec![Unreadable::not_looked_at("part 3 of s3: the scanner left no receipt")],
        last_seen: Some(sample::STARTED_AT),
        change: Some(Change::NotLookedAt),
        ..sample::finding("ledger", ENCRYPTION, Severity::High, Status::NonCompliant)
    };
    let rows = rows(&[carried], &[]).await;
    let told = ["status", "first_seen", "last_seen", "change", "missing"].map(|column| rows[0][column].as_str());
    assert_eq!(
        told,
        [
            "INSUFFICIENT_DATA",
            "2026-11-22T06:00:00Z",
            "2026-11-23T06:00:00Z",
            "NOT_LOOKED_AT",
            "it was not looked at: part 3 of s3: the scanner left no receipt",
        ]
    );
}

#[tokio::test]
async fn every_row_of_a_partial_scan_says_so() {
    let findings = [sample::finding("ledger", ENCRYPTION, Severity::High, Status::Compliant)];
    let summary = Summary { status: ScanStatus::Partial, ..sample::summary(&findings) };
    let text = written(&summary, &findings, &[]).await.text(KEY).unwrap();
    assert!(text.lines().nth(1).unwrap().starts_with("\"20261123T060000Z-1f2e3d4c\",\"PARTIAL\",\"s3\","), "{text}");
}

#[tokio::test]
async fn remediation_is_told_at_the_violations_it_was_about() {
    let finding = |bucket, rule, status| sample::finding(bucket, rule, Severity::High, status);
    let findings = [
        finding("ledger", ENCRYPTION, Status::NonCompliant),
        finding("ledger", "s3-bucket-ssl-requests-only", Status::NonCompliant),
        finding("other", ENCRYPTION, Status::NonCompliant),
        finding("sound", ENCRYPTION, Status::Compliant),
        finding("web", ENCRYPTION, Status::NonCompliant),
    ];
    let records = [
        sample::remediation_record("ledger", RemediationOutcome::Applied, &[]),
        sample::remediation_record("sound", RemediationOutcome::Skipped, &["a stray record"]),
        sample::remediation_record("web", RemediationOutcome::Skipped, &["it is a website"]),
    ];
    let told: Vec<_> = rows(&findings, &records).await.iter().map(|row| row["remediation_outcome"].clone()).collect();
    assert_eq!(told, ["APPLIED", "", "", "", "SKIPPED"]);
}

#[tokio::test]
async fn names_that_a_spreadsheet_would_run_are_shown_instead() {
    let mut finding = sample::finding("ledger", ENCRYPTION, Severity::High, Status::Compliant);
    let resource = Arc::make_mut(&mut finding.resource);
    resource.name = "=HYPERLINK(\"https://example.com\")".to_owned();
    resource.tags = Some([("@a".to_owned(), "b".to_owned()), ("Z".to_owned(), "=1;+2".to_owned())].into());
    let rows = rows(&[finding], &[]).await;
    assert_eq!(rows[0]["resource_name"], "'=HYPERLINK(\"https://example.com\")");
    assert_eq!(rows[0]["tags"], "'@a=b; Z==1;'+2");
}

#[tokio::test]
async fn no_report_appears_when_findings_or_promised_records_are_missing() {
    let findings = [sample::finding("ledger", ENCRYPTION, Severity::High, Status::NonCompliant)];
    let records = [sample::remediation_record("ledger", RemediationOutcome::Applied, &[])];
    for gone in [
        keys::findings(sample::SCAN_ID),
        keys::rules(sample::SCAN_ID),
        keys::remediation(sample::SCAN_ID),
        keys::plan(sample::SCAN_ID),
    ] {
        let store = sample::store(&sample::plan(), &sample::summary(&findings), &findings, &records).await.unwrap();
        store.remove(&gone);
        assert_eq!(handle(&input(&records), &store).await.unwrap_err().name(), "NotFound", "{gone}");
        assert_eq!(store.text(KEY), None);
    }
    let two = [findings[0].clone(), findings[0].clone()];
    let store = sample::store(&sample::plan(), &sample::summary(&two), &findings, &[]).await.unwrap();
    assert_eq!(handle(&input(&[]), &store).await.unwrap_err().name(), "Corrupt");
    assert_eq!(store.text(KEY), None);

    // A row that lacks what its rule demands would not tell anybody what to do.
    let store = sample::store(&sample::plan(), &sample::summary(&findings), &findings, &[]).await.unwrap();
    store.replace_json(&keys::rules(sample::SCAN_ID), &sample::rules(&[])).await.unwrap();
    assert_eq!(handle(&input(&[]), &store).await.unwrap_err().name(), "Corrupt");
    assert_eq!(store.text(KEY), None);
}
