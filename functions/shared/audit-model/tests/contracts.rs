//! Every payload that functions and state machine agreed upon is read into its type and back without a difference.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use audit_model::task;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Asserts that the payload of that name is as agreed.
type Check = fn(&str);

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/contracts")
}

fn assert_agreed<T: DeserializeOwned + Serialize>(name: &str) {
    let text = fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    let agreed: Value = serde_json::from_str(&text).unwrap();
    let read: T = serde_json::from_value(agreed.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(serde_json::to_value(read).unwrap(), agreed, "{name}");
}

#[test]
fn every_payload_is_as_agreed() {
    let checks: [(&str, Check); 27] = [
        ("plan-scan.input", assert_agreed::<task::PlanScanInput>),
        ("plan-scan.named", assert_agreed::<task::PlanScanInput>),
        ("plan-scan.output", assert_agreed::<task::PlanScanOutput>),
        ("plan-scan.skip", assert_agreed::<task::PlanScanOutput>),
        ("plan-scan.rollback", assert_agreed::<task::PlanScanOutput>),
        ("list-targets.input", assert_agreed::<task::ListTargetsInput>),
        ("list-targets.output", assert_agreed::<task::ListTargetsOutput>),
        ("scan-shard.input", assert_agreed::<task::ScanShardInput>),
        ("scan-shard.output", assert_agreed::<task::ScanShardOutput>),
        ("aggregate-findings.input", assert_agreed::<task::AggregateFindingsInput>),
        ("aggregate-findings.output", assert_agreed::<task::AggregateFindingsOutput>),
        ("remediate-s3-encryption.input", assert_agreed::<task::RemediateInput>),
        ("remediate-s3-encryption.output", assert_agreed::<task::RemediateOutput>),
        ("rollback-s3-encryption.input", assert_agreed::<task::RollbackInput>),
        ("rollback-s3-encryption.output", assert_agreed::<task::RollbackOutput>),
        ("deliver.input", assert_agreed::<task::DeliverInput>),
        ("write-json-report.output", assert_agreed::<task::WriteReportOutput>),
        ("write-csv-report.output", assert_agreed::<task::WriteReportOutput>),
        ("write-html-report.output", assert_agreed::<task::WriteReportOutput>),
        ("publish-metrics.rollback", assert_agreed::<task::PublishMetricsInput>),
        ("publish-metrics.output", assert_agreed::<task::PublishMetricsOutput>),
        ("notify-critical.input", assert_agreed::<task::NotifyInput>),
        ("notify-critical.output", assert_agreed::<task::NotifyOutput>),
        ("seal-evidence.input", assert_agreed::<task::SealEvidenceInput>),
        ("seal-evidence.skip", assert_agreed::<task::SealEvidenceInput>),
        ("seal-evidence.failure", assert_agreed::<task::SealEvidenceInput>),
        ("seal-evidence.output", assert_agreed::<task::SealEvidenceOutput>),
    ];
    for (name, check) in checks {
        check(name);
    }
    let checked: BTreeSet<String> = checks.iter().map(|(name, _)| format!("{name}.json")).collect();
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(checked, there, "every contract is checked, and every check has its contract");
}
