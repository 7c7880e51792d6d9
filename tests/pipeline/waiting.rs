//! Functions that sleep, and functions whose executions are all taken: whoever needs them waits.

use std::collections::BTreeMap;
use std::time::Duration;

use audit_model::Finding;
use audit_model::summary::ScanStatus;
use aws_sdk_sfn::types::ExecutionStatus;
use pipeline_tests::{Ended, System, bucket_encryption};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::remediation::{ROLLBACK, as_in_the_sample_account, scan};

/// Longer than what is transient is retried for: a minute, of which here a fiftieth is waited.
const BUSY: Duration = Duration::from_secs(3);

/// As long as AWS was seen to take: 100 seconds, of which here a fiftieth is waited.
const WAKING: Duration = Duration::from_secs(2);

fn assert_succeeded(ended: &Ended) {
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{}: {}", ended.error, ended.cause);
}

async fn assert_complete(system: &System, ended: &Ended) {
    assert_succeeded(ended);
    let summary = system.summary(ended.scan_id()).await;
    assert_eq!(summary.status, ScanStatus::Complete, "{:?}", summary.gaps);
}

/// What a scan says of its findings' resources, by resource and rule.
fn said(findings: &[Finding]) -> BTreeMap<(&str, &str), Value> {
    let said = |finding: &Finding| json!([finding.status, finding.evidence, finding.missing]);
    findings.iter().map(|found| ((found.resource.arn.as_str(), &*found.rule_id), said(found))).collect()
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn two_scans_side_by_side_are_complete_and_find_the_same() {
    let system = System::find().await;
    let functions = system.functions().await;
    let reserved = system.reserved(&functions).await;
    let each = |executions| functions.iter().map(|name| (name.clone(), executions)).collect();
    // First others have every execution, then there is one for both.
    system.reserve(&each(0)).await;
    let forced = json!({ "force": true, "remediation": "dry-run" });
    let both = [system.start(&forced).await, system.start(&forced).await];
    tokio::time::sleep(BUSY).await;
    system.reserve(&each(1)).await;
    let first = system.end_of(&both[0]).await;
    let second = system.end_of(&both[1]).await;
    system.reserve(&reserved).await;

    assert_complete(&system, &first).await;
    assert_complete(&system, &second).await;
    let (first, second) = (system.findings(first.scan_id()).await, system.findings(second.scan_id()).await);
    assert!(!first.is_empty());
    assert_eq!(said(&first), said(&second));
}

#[tokio::test]
#[ignore = "needs the deployed system: make test-pipeline"]
async fn functions_that_sleep_are_woken_for_a_scan_its_alert_and_a_rollback() {
    let system = System::find().await;
    let before = as_in_the_sample_account(&system).await;
    let applied = system.execute(&scan("apply")).await;
    assert_succeeded(&applied);
    system.take_emails().await;
    system.forget_alerts().await;
    system.make_inactive(&system.functions().await, WAKING).await;

    let scanned = system.execute(&json!({ "remediation": "off" })).await;
    assert_complete(&system, &scanned).await;
    let [alert] = system.take_emails().await.try_into().unwrap();
    assert!(alert.body.contains(scanned.scan_id()), "{}", alert.body);

    // The rollback's function still sleeps: the scan did not need it.
    let asked = json!({
        "scanId": applied.scan_id(),
        "buckets": before.keys().collect::<Vec<_>>(),
        "requestedBy": "payments-oncall",
        "reason": "the partner cannot read",
    });
    let rolled_back = system.send(ROLLBACK, &asked).await;
    assert_succeeded(&rolled_back);
    assert_eq!((&rolled_back.output["rolledBack"], &rolled_back.output["failed"]), (&json!(2), &json!(0)));
    for (bucket, encryption) in before {
        assert_eq!(bucket_encryption(&system, bucket).await, encryption, "{bucket}");
    }
    let emails = system.take_emails().await;
    assert!(emails.iter().any(|email| email.subject.contains("2 rolled back")), "{emails:?}");
}
