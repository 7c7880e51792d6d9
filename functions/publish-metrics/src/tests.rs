//! Tests of which figures are published, and of the task.

use std::collections::BTreeMap;
use std::sync::Mutex;

use audit_artifacts::{ArtifactStoreExt, Condition, MemoryStore, keys, sample};
use audit_model::summary::{Comparison, Counts, Gap, ScanStatus, Summary};
use audit_model::task::{CaughtError, DeliverInput, RemediateOutput, RemediationResult, RollbackOutput};
use audit_model::{AccountChange, Plan, RemediationMode, Service, Severity, Status, Unreadable};
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
    published_after(Some(BEFORE), RECIPIENTS, plan, summary, remediation)
}

/// What the complete scan before came to.
const BEFORE: Compared = Compared {
    before: Figures { score: Some(40.1), coverage: Some(99.9) },
    now: Figures { score: Some(33.3), coverage: Some(100.0) },
};
const RECIPIENTS: Reading<Subscriptions> = Reading::Seen { value: Subscriptions { confirmed: 2, pending: 1 } };

fn published_after(
    before: Option<Compared>,
    subscriptions: Reading<Subscriptions>,
    plan: &Plan,
    summary: &Summary,
    remediation: Option<&RemediationResult>,
) -> BTreeMap<String, f64> {
    let record = ScanRecord { plan: plan.clone(), summary: summary.clone() };
    named(data_points(&record, remediation, before.as_ref(), &subscriptions, NOW))
}

fn named(points: Vec<DataPoint>) -> BTreeMap<String, f64> {
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
const TOLD: [(&str, f64); 2] = [("ConfirmedSubscriptions", 2.0), ("PendingSubscriptions", 1.0)];
const CHANGED: [(&str, f64); 3] =
    [("NewViolations", 1.0), ("FirstEvaluatedViolations", 0.0), ("ResolvedViolations", 3.0)];
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
        // 33.3 less 40.1 and 100.0 less 99.9, to one decimal and no more.
        ("ScoreChange", -6.8),
        ("CoverageChange", 0.1),
        ("Violations Severity=CRITICAL", 1.0),
        ("Violations Severity=HIGH", 0.0),
        ("Violations Severity=MEDIUM", 0.0),
        ("Violations Severity=LOW", 1.0),
        ("Violations Service=s3", 2.0),
        ("ExceptedViolations", 0.0),
        ("RulesEvaluated", 3.0),
        ("Violations Service=vpc", 0.0),
        ("Violations Service=lambda", 0.0),
        ("Remediations Outcome=APPLIED", 4.0),
        ("Remediations Outcome=ANNOUNCED", 3.0),
        ("Remediations Outcome=WOULD_APPLY", 0.0),
        ("Remediations Outcome=SKIPPED", 2.0),
        ("Remediations Outcome=FAILED", 1.0),
        ("RemediationFailures", 1.0),
        ("ScanDuration", 90.0),
        ("ScansCompleted Status=COMPLETE", 1.0),
    ];
    let all = expected(&[&posture[..], &EVALUATED, &CHANGED, &TOLD].concat());
    assert_eq!(published(&sample::plan(), &summary(), Some(&ran())), all);
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
fn a_partial_scan_says_nothing_about_the_posture_but_what_has_changed() {
    let rest = [("ScanDuration", 90.0), ("ScansCompleted Status=PARTIAL", 1.0)];
    assert_eq!(
        published(&sample::plan(), &partial(), None),
        expected(&[&rest[..], &EVALUATED, &CHANGED, &NOTHING_REMEDIATED, &TOLD].concat())
    );
}

#[test]
fn a_scan_of_some_services_passes_neither_for_a_complete_nor_for_a_partial_one() {
    let plan = Plan { services: vec![Service::S3, Service::Vpc], ..sample::plan() };
    let rest = [("ScanDuration", 90.0), ("ScansCompleted Status=SCOPED", 1.0)];
    let resources = ["arn:aws:s3:::ledger", "arn:aws:lambda:us-east-1:123456789012:function:settle"];
    let of_named = Plan { resources: resources.map(|arn| arn.parse().unwrap()).into(), ..sample::plan() };
    for (plan, summary) in [(&plan, summary()), (&plan, partial()), (&of_named, summary()), (&of_named, partial())] {
        assert_eq!(
            published(plan, &summary, None),
            expected(&[&rest[..], &CHANGED, &NOTHING_REMEDIATED, &TOLD].concat())
        );
    }
}

#[test]
fn what_nobody_knows_is_not_published_as_zero() {
    // No verdicts: no score and no coverage. No scan before: nothing new or resolved. A broken remediation: no counts. A
    // denied reading: nobody knows who has confirmed.
    let comparison = Service::ALL.map(|service| (service, Comparison::FirstScan)).into();
    let summary = Summary { comparison, ..sample::summary(&[]) };
    let broke = RemediationResult::Broke(CaughtError {
        state: "RemediateS3Encryption".to_owned(),
        error: "Throttled".to_owned(),
        cause: "kms:CreateKey".to_owned(),
    });
    let nothing = Figures { score: None, coverage: None };
    let compared = Compared { now: nothing, ..BEFORE };
    let published = published_after(Some(compared), denied(), &sample::plan(), &summary, Some(&broke));
    assert_eq!(published["RemediationFailures"], 1.0, "the alarm must hear of it");
    for absent in [
        "ComplianceScore",
        "Coverage",
        "ScoreChange",
        "NewViolations",
        "FirstEvaluatedViolations",
        "ResolvedViolations",
        "Remediations",
        "ConfirmedSubscriptions",
        "PendingSubscriptions",
    ] {
        assert!(!published.keys().any(|name| name.starts_with(absent)), "{absent} in {published:?}");
    }
    assert_eq!(published["Violations Severity=CRITICAL"], 0.0);
}

#[test]
fn a_clock_that_went_back_gives_no_negative_duration() {
    let record = ScanRecord { plan: sample::plan(), summary: summary() };
    let points = named(data_points(&record, None, None, &RECIPIENTS, sample::DAY_BEFORE));
    assert_eq!(points["ScanDuration"], 0.0);
}

#[test]
fn without_a_scan_before_nothing_is_said_to_have_changed() {
    let nothing = Figures { score: None, coverage: None };
    for before in [None, Some(Compared { before: nothing, ..BEFORE })] {
        let published = published_after(before, RECIPIENTS, &sample::plan(), &summary(), None);
        assert_eq!(published["ComplianceScore"], 33.3);
        assert!(!published.keys().any(|name| name.ends_with("Change")), "{before:?}: {published:?}");
    }
}

fn denied() -> Reading<Subscriptions> {
    Reading::Unreadable(Unreadable::malformed("sns:GetTopicAttributes", "the attribute is not a number"))
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

struct Topic(Reading<Subscriptions>);

#[async_trait]
impl AlertsTopic for Topic {
    async fn subscriptions(&self) -> Reading<Subscriptions> {
        self.0.clone()
    }
}

async fn handled(store: &MemoryStore, topic: Reading<Subscriptions>) -> (PublishMetricsOutput, Vec<DataPoint>) {
    let (metrics, topic) = (Recorded::default(), Topic(topic));
    let input = DeliverInput { scan_id: sample::SCAN_ID.to_owned(), remediation: Some(ran()) };
    let ports = Ports { store, metrics: &metrics, topic: &topic };
    let output = handle(&PublishMetricsInput::Scan(input), &ports, NOW).await.unwrap();
    let mut published = metrics.0.into_inner().unwrap();
    let (at, points) = published.remove(0);
    assert_eq!((at, published.len()), (NOW, 0), "alarms look at the last minutes only");
    (output, points)
}

#[tokio::test]
async fn the_task_publishes_once_and_says_how_much_and_who_gets_the_alerts() {
    for topic in [RECIPIENTS, denied()] {
        let store = sample::store(&sample::plan(), &summary(), &[], &[]).await.unwrap();
        let (output, points) = handled(&store, topic.clone()).await;
        let record = ScanRecord { plan: sample::plan(), summary: summary() };
        assert_eq!(points, data_points(&record, Some(&ran()), None, &topic, NOW));
        assert_eq!(output.scan_id, sample::SCAN_ID);
        assert_eq!((output.metrics, output.subscriptions), (points.len() as u64, Some(topic)));
    }
}

/// The changes that a scan tells after what is kept in the store, and whether it keeps its own figures.
async fn changes(store: &MemoryStore, plan: &Plan, summary: &Summary) -> (Option<f64>, Option<f64>, bool) {
    for (key, document) in [
        (keys::plan(sample::SCAN_ID), serde_json::to_value(plan).unwrap()),
        (keys::summary(sample::SCAN_ID), serde_json::to_value(summary).unwrap()),
    ] {
        store.replace_json(&key, &document).await.unwrap();
    }
    let kept_before = store.text(keys::FIGURES);
    let points = named(handled(store, RECIPIENTS).await.1);
    let change = |metric: &str| points.get(metric).copied();
    (change("ScoreChange"), change("CoverageChange"), store.text(keys::FIGURES) != kept_before)
}

/// What a scan that started a day before has left.
const KEPT: &str = r#"{"scanId": "20261122T060000Z-0a1b2c3d", "startedAt": "2026-11-22T06:00:00Z"}"#;

/// The rules that it evaluated, with compliant, non-compliant and insufficient data: half of the verdicts compliant, nine of
/// ten evaluations with a verdict.
const THEN: &[(&str, [u64; 3])] = &[
    ("s3-bucket-public-read-prohibited", [6, 2, 1]),
    ("s3-bucket-ssl-requests-only", [3, 3, 1]),
    ("s3-bucket-versioning-enabled", [0, 4, 0]),
];

async fn store_with(kept: &str) -> MemoryStore {
    store_after(kept, THEN).await
}

async fn store_after(kept: &str, rules: &[(&str, [u64; 3])]) -> MemoryStore {
    let store = MemoryStore::default();
    let _ = store.put(keys::FIGURES, "application/json", kept.to_owned().into(), Condition::None).await.unwrap();
    let of = |[compliant, non_compliant, insufficient_data]: [u64; 3]| Counts {
        compliant,
        non_compliant,
        insufficient_data,
        ..Counts::default()
    };
    let by_rule: BTreeMap<&str, Counts> = rules.iter().map(|(rule, counts)| (*rule, of(*counts))).collect();
    let summary = serde_json::json!({ "byRule": by_rule });
    store.replace_json(&keys::summary("20261122T060000Z-0a1b2c3d"), &summary).await.unwrap();
    store
}

#[tokio::test]
async fn a_complete_scan_of_all_services_is_compared_with_the_one_before_and_no_other_is() {
    let (all, complete) = (sample::plan(), summary());
    assert_eq!(changes(&store_with(KEPT).await, &all, &complete).await, (Some(-16.7), Some(10.0), true));
    let some = Plan { services: vec![Service::S3], ..sample::plan() };
    for (plan, summary) in [(&all, &partial()), (&some, &complete), (&some, &partial())] {
        assert_eq!(changes(&store_with(KEPT).await, plan, summary).await, (None, None, false));
    }
}

#[tokio::test]
async fn what_is_compared_with_is_the_last_scan_that_was_complete() {
    let store = store_with(KEPT).await;
    changes(&store, &sample::plan(), &partial()).await;
    assert_eq!(changes(&store, &sample::plan(), &summary()).await, (Some(-16.7), Some(10.0), true));
    let later = Summary { scan_id: "later".to_owned(), started_at: NOW, ..summary() };
    let same = Figures { score: Some(33.3), coverage: Some(100.0) };
    assert_eq!(figures::compare(&store, &later).await, Ok(Some(Compared { before: same, now: same })));
}

/// An account must not look worse because the catalogue has grown, nor better because a rule was switched off.
#[tokio::test]
async fn a_rule_that_only_one_of_two_scans_evaluated_changes_no_score() {
    // What of the two is evaluated now stands as then: one compliant, one not.
    let both = [("s3-bucket-ssl-requests-only", [1, 0, 0]), ("s3-bucket-versioning-enabled", [0, 1, 0])];
    assert_eq!(summary().score(), Some(33.3), "with the third, which is new");
    let unchanged = (Some(0.0), Some(0.0), true);
    assert_eq!(changes(&store_after(KEPT, &both).await, &sample::plan(), &summary()).await, unchanged);
    let retired = [&both[..], &[("s3-retired", [0, 90, 900])]].concat();
    assert_eq!(changes(&store_after(KEPT, &retired).await, &sample::plan(), &summary()).await, unchanged);
    // With no rule in common there is nothing to compare.
    let others = [("s3-retired", [9, 0, 0])];
    assert_eq!(changes(&store_after(KEPT, &others).await, &sample::plan(), &summary()).await, (None, None, true));
}

#[tokio::test]
async fn what_is_kept_by_an_earlier_version_is_understood_and_what_has_expired_tells_no_change() {
    let older =
        KEPT.replace('}', r#","figures":{"score":50.0,"coverage":90.5},"before":{"score":null,"coverage":null}}"#);
    assert_eq!(changes(&store_with(&older).await, &sample::plan(), &summary()).await, (Some(-16.7), Some(10.0), true));
    let expired = KEPT.replace("0a1b2c3d", "ffffffff");
    assert_eq!(changes(&store_with(&expired).await, &sample::plan(), &summary()).await, (None, None, true));
    let broken = store_with(KEPT).await;
    broken.replace_json(&keys::summary("20261122T060000Z-0a1b2c3d"), &"nonsense").await.unwrap();
    assert_eq!(changes(&broken, &sample::plan(), &summary()).await, (None, None, true));
}

#[tokio::test]
async fn the_first_scan_says_nothing_of_a_change_and_leaves_its_figures() {
    assert_eq!(changes(&MemoryStore::default(), &sample::plan(), &summary()).await, (None, None, true));
    // An object that nobody understands is no reason to stop every scan that comes after it.
    assert_eq!(changes(&store_with("{}").await, &sample::plan(), &summary()).await, (None, None, true));
}

#[tokio::test]
async fn a_repeated_task_says_the_same_again() {
    let store = store_with(KEPT).await;
    let first = changes(&store, &sample::plan(), &summary()).await;
    assert_eq!(changes(&store, &sample::plan(), &summary()).await, (first.0, first.1, false));
}

#[tokio::test]
async fn a_scan_that_a_younger_one_has_overtaken_says_nothing_of_a_change() {
    let younger = KEPT.replace("2026-11-22T06:00:00Z", "2026-11-23T06:00:00Z");
    assert_eq!(changes(&store_with(&younger).await, &sample::plan(), &summary()).await, (None, None, false));
}

#[tokio::test]
async fn a_scan_after_changes_says_how_long_each_waited_and_whether_people_hear() {
    let change = |seconds: i64| AccountChange {
        event_id: format!("event-{seconds}"),
        event_name: "PutBucketPolicy".to_owned(),
        event_time: NOW - jiff::SignedDuration::from_secs(seconds),
        principal: "root".to_owned(),
        source_address: "198.51.100.7".to_owned(),
        resources: vec!["arn:aws:s3:::ledger".to_owned()],
    };
    for (news, alerts) in [(0, 0.0), (3, 1.0)] {
        let plan = Plan { changes: vec![change(130), change(190)], ..sample::plan() };
        let summary = Summary { alerting_news: news, ..summary() };
        let record = ScanRecord { plan, summary };
        let points = data_points(&record, None, None, &RECIPIENTS, NOW);
        let of_changes: Vec<_> = points
            .iter()
            .filter(|point| point.metric.starts_with("Change"))
            .map(|point| (point.metric, point.unit, point.value))
            .collect();
        let expected = [
            ("ChangesJudged", Unit::Count, 2.0),
            ("ChangeAlerts", Unit::Count, alerts),
            ("ChangeSeconds", Unit::Seconds, 130.0),
            ("ChangeSeconds", Unit::Seconds, 190.0),
        ];
        assert_eq!(of_changes, expected);
    }
}

#[tokio::test]
async fn a_rollback_publishes_its_outcomes_and_its_failures() {
    let rollback = RollbackOutput {
        rollback_id: "20261124T091500Z-5a6b7c8d".to_owned(),
        scan_id: sample::SCAN_ID.to_owned(),
        mode: RemediationMode::Apply,
        rolled_back: 3,
        would_roll_back: 0,
        skipped: 2,
        failed: 1,
        ended_at: sample::DAY_BEFORE,
        records: "rollbacks/20261124T091500Z-5a6b7c8d/remediation.jsonl".to_owned(),
        records_sha256: String::new(),
    };
    let metrics = Recorded::default();
    let ports = Ports { store: &MemoryStore::default(), metrics: &metrics, topic: &Topic(RECIPIENTS) };
    let output = handle(&PublishMetricsInput::Rollback { rollback }, &ports, NOW).await.unwrap();
    assert_eq!((output.scan_id.as_str(), output.metrics, output.subscriptions), ("20261124T091500Z-5a6b7c8d", 5, None));
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
