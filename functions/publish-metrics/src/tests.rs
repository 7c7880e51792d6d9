//! Tests of which figures are published, and of the task.

use std::collections::BTreeMap;
use std::sync::Mutex;

use audit_artifacts::{MemoryStore, sample};
use audit_model::summary::{Counts, Gap, ScanStatus, Summary};
use audit_model::task::{CaughtError, DeliverInput, RemediateOutput, RemediationResult, RollbackOutput};
use audit_model::{Plan, RemediationMode, Service, Severity, Status};
use pretty_assertions::assert_eq;

use super::*;

/// 90 seconds after the scan started.
const NOW: Timestamp = Timestamp::constant(1_795_413_690, 0);

/// A complete scan: 3 evaluations of S3, of which one critical and one low violation.
fn summary() -> Summary {
    let finding = |rule, severity, status| sample::finding("ledger", rule, severity, status);
    sample::summary(&[
        finding("s3-bucket-public-read-prohibited", Severity::Critical, Status::NonCompliant),
        finding("s3-bucket-ssl-requests-only", Severity::Medium, Status::Compliant),
        finding("s3-bucket-versioning-enabled", Severity::Low, Status::NonCompliant),
    ])
}

fn partial() -> Summary {
    let gap = Gap {
        service: Service::Lambda,
        shard: None,
        resources: None,
        resource_type: None,
        reason: "lambda:ListFunctions".to_owned(),
    };
    Summary { status: ScanStatus::Partial, gaps: vec![gap], ..summary() }
}

fn ran() -> RemediationResult {
    RemediationResult::Ran(RemediateOutput {
        scan_id: sample::SCAN_ID.to_owned(),
        mode: RemediationMode::Apply,
        applied: 4,
        announced: 3,
        would_apply: 0,
        skipped: 2,
        drifted: 1,
        failed: 1,
        records_sha256: String::new(),
    })
}

/// The data points as `Metric` or `Metric Dimension=value`, so that one given twice shows as a difference in number.
fn published(plan: &Plan, summary: &Summary, remediation: Option<&RemediationResult>) -> BTreeMap<String, f64> {
    let points = data_points(plan, summary, remediation, NOW);
    let number = points.len();
    let named: BTreeMap<_, _> = points
        .into_iter()
        .map(|point| {
            let dimension = point.dimension.map(|(name, value)| format!(" {name}={value}")).unwrap_or_default();
            (format!("{}{dimension}", point.metric), point.value)
        })
        .collect();
    assert_eq!(named.len(), number, "a metric was published twice");
    named
}

fn expected(points: &[(&str, f64)]) -> BTreeMap<String, f64> {
    points.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
}

const EVALUATED: [(&str, f64); 4] = [
    ("ResourcesEvaluated", 3.0),
    ("ResourcesEvaluated Service=s3", 3.0),
    ("ResourcesEvaluated Service=vpc", 0.0),
    ("ResourcesEvaluated Service=lambda", 0.0),
];
const NOTHING_REMEDIATED: [(&str, f64); 6] = [
    ("RemediationFailures", 0.0),
    ("Remediations Outcome=APPLIED", 0.0),
    ("Remediations Outcome=ANNOUNCED", 0.0),
    ("Remediations Outcome=WOULD_APPLY", 0.0),
    ("Remediations Outcome=SKIPPED", 0.0),
    ("Remediations Outcome=FAILED", 0.0),
];

#[test]
fn a_complete_scan_of_all_services_publishes_everything_zeros_included() {
    let posture = [
        ("ComplianceScore", 33.3),
        ("Coverage", 100.0),
        ("Violations Severity=CRITICAL", 1.0),
        ("Violations Severity=HIGH", 0.0),
        ("Violations Severity=MEDIUM", 0.0),
        ("Violations Severity=LOW", 1.0),
        ("Violations Service=s3", 2.0),
        ("ExceptedViolations", 0.0),
        ("Violations Service=vpc", 0.0),
        ("Violations Service=lambda", 0.0),
        ("NewViolations", 1.0),
        ("ResolvedViolations", 3.0),
        ("Remediations Outcome=APPLIED", 4.0),
        ("Remediations Outcome=ANNOUNCED", 3.0),
        ("Remediations Outcome=WOULD_APPLY", 0.0),
        ("Remediations Outcome=SKIPPED", 2.0),
        ("Remediations Outcome=FAILED", 1.0),
        ("RemediationFailures", 1.0),
        ("ScanDuration", 90.0),
        ("ScansCompleted Status=COMPLETE", 1.0),
    ];
    assert_eq!(published(&sample::plan(), &summary(), Some(&ran())), expected(&[&posture[..], &EVALUATED].concat()));
}

#[test]
fn an_excepted_violation_is_published_apart() {
    let mut summary = summary();
    summary.totals.excepted = 1;
    summary.by_service.insert(Service::S3, Counts { non_compliant: 2, excepted: 1, ..Counts::default() });
    let published = published(&sample::plan(), &summary, None);
    assert_eq!((published["Violations Service=s3"], published["ExceptedViolations"]), (1.0, 1.0));
}

#[test]
fn a_partial_scan_says_nothing_about_the_posture() {
    let rest = [("ScanDuration", 90.0), ("ScansCompleted Status=PARTIAL", 1.0)];
    assert_eq!(
        published(&sample::plan(), &partial(), None),
        expected(&[&rest[..], &EVALUATED, &NOTHING_REMEDIATED].concat())
    );
}

#[test]
fn a_scan_of_some_services_passes_neither_for_a_complete_nor_for_a_partial_one() {
    let plan = Plan { services: vec![Service::S3, Service::Vpc], ..sample::plan() };
    let rest = [("ScanDuration", 90.0), ("ScansCompleted Status=SCOPED", 1.0)];
    for summary in [summary(), partial()] {
        assert_eq!(published(&plan, &summary, None), expected(&[&rest[..], &NOTHING_REMEDIATED].concat()));
    }
}

#[test]
fn what_nobody_knows_is_not_published_as_zero() {
    // No verdicts: no score and no coverage. No scan before: nothing new or resolved. A broken remediation: no counts.
    let summary = Summary { comparison: None, ..sample::summary(&[]) };
    let broke =
        RemediationResult::Broke(CaughtError { error: "Throttled".to_owned(), cause: "kms:CreateKey".to_owned() });
    let published = published(&sample::plan(), &summary, Some(&broke));
    assert_eq!(published["RemediationFailures"], 1.0, "the alarm must hear of it");
    for absent in ["ComplianceScore", "Coverage", "NewViolations", "ResolvedViolations", "Remediations"] {
        assert!(!published.keys().any(|name| name.starts_with(absent)), "{absent} in {published:?}");
    }
    assert_eq!(published["Violations Severity=CRITICAL"], 0.0);
}

#[test]
fn a_clock_that_went_back_gives_no_negative_duration() {
    let points = data_points(&sample::plan(), &summary(), None, sample::DAY_BEFORE);
    let duration = points.iter().find(|point| point.metric == "ScanDuration").map(|point| point.value);
    assert_eq!(duration, Some(0.0));
}

#[derive(Default)]
struct Recorded(Mutex<Vec<(Timestamp, Vec<DataPoint>)>>);

#[async_trait]
impl Metrics for Recorded {
    async fn publish(&self, at: Timestamp, points: &[DataPoint]) -> Result<(), TaskError> {
        self.0.lock().unwrap().push((at, points.to_vec()));
        Ok(())
    }
}

#[tokio::test]
async fn the_task_publishes_once_at_the_time_of_the_aggregation_and_says_how_much() {
    let store = sample::store(&sample::plan(), &summary(), &[], &[]).await.unwrap();
    let metrics = Recorded::default();
    let input = DeliverInput { scan_id: sample::SCAN_ID.to_owned(), remediation: Some(ran()) };
    let input = PublishMetricsInput::Scan(input);

    let output = handle(&input, &store, &metrics, NOW).await.unwrap();

    let points = data_points(&sample::plan(), &summary(), Some(&ran()), NOW);
    assert_eq!(output, PublishMetricsOutput { scan_id: sample::SCAN_ID.to_owned(), metrics: points.len() as u64 });
    assert_eq!(*metrics.0.lock().unwrap(), [(sample::AGGREGATED_AT, points)]);
}

#[tokio::test]
async fn a_rollback_publishes_its_outcomes_and_its_failures_at_the_time_of_its_end() {
    let rollback = RollbackOutput {
        rollback_id: "20261124T091500Z-5a6b7c8d".to_owned(),
        scan_id: sample::SCAN_ID.to_owned(),
        mode: RemediationMode::Apply,
        rolled_back: 3,
        would_roll_back: 0,
        skipped: 2,
        failed: 1,
        ended_at: NOW,
        records: "rollbacks/20261124T091500Z-5a6b7c8d/remediation.jsonl".to_owned(),
        records_sha256: String::new(),
    };
    let metrics = Recorded::default();
    let input = PublishMetricsInput::Rollback { rollback };
    let output = handle(&input, &MemoryStore::default(), &metrics, sample::DAY_BEFORE).await.unwrap();
    assert_eq!((output.scan_id.as_str(), output.metrics), ("20261124T091500Z-5a6b7c8d", 5));
    let published = metrics.0.into_inner().unwrap();
    let [(at, points)] = &published[..] else { panic!("{published:?}") };
    assert_eq!(*at, NOW);
    let points: Vec<_> = points
        .iter()
        .map(|point| (point.metric, point.dimension.as_ref().map_or("", |(_, value)| value.as_str()), point.value))
        .collect();
    let expected = [
        ("Rollbacks", "ROLLED_BACK", 3.0),
        ("Rollbacks", "WOULD_ROLL_BACK", 0.0),
        ("Rollbacks", "SKIPPED", 2.0),
        ("Rollbacks", "FAILED", 1.0),
        ("RemediationFailures", "", 1.0),
    ];
    assert_eq!(points, expected);
}
