//! Which figures of a scan become metrics, and when they must not.

use audit_artifacts::ScanRecord;
use audit_model::Reading;
use audit_model::remediation::RemediationOutcome;
use audit_model::summary::{ScanStatus, Summary};
use audit_model::task::{RemediationResult, RollbackOutput, Subscriptions};
use jiff::Timestamp;

use crate::Compared;

/// The data points of a scan.
///
/// A figure that is zero is published as zero; a figure that nobody knows is not published.
/// - `ComplianceScore`, `Coverage`, `Violations`, `ExceptedViolations` and `RulesEvaluated` come from complete scans of all
///   services only. A scan of one service, or one that failed for a service, counts fewer violations, and on a dashboard that
///   would look like progress.
/// - `ScoreChange` and `CoverageChange` are what such a scan is above the one before, in points, by the rules that both
///   evaluated; a fall is negative. `RulesEvaluated` shows where the catalogue changed.
/// - `NewViolations`, `FirstEvaluatedViolations` and `ResolvedViolations` come from every scan that could be compared with
///   the one before: each change shows in one scan only, be it complete or not, and their sum over time must not miss any.
/// - `ResourcesEvaluated` comes from scans of all services, partial ones included: there a fall is the news.
/// - `Remediations` are the outcomes that remediation reported, zeros when it had nothing to do, and none when it broke.
/// - `RemediationFailures` counts the buckets whose change failed, and a remediation that broke as one.
/// - `ConfirmedSubscriptions` and `PendingSubscriptions` say who gets the alerts.
/// - `ChangesJudged`, `ChangeSeconds` and `ChangeAlerts` come from scans after changes of the account: how many calls were
///   looked at, for each of them the seconds from the call to these metrics, which go out just before the alert does, and
///   whether people hear of a violation that was not open before.
/// - `ScanDuration`, and `ScansCompleted` by status, come from every scan. A scan of some services counts as `SCOPED`,
///   so that it does not pass for the complete scan that is due every few hours.
pub fn data_points(
    record: &ScanRecord,
    remediation: Option<&RemediationResult>,
    compared: Option<&Compared>,
    subscriptions: &Reading<Subscriptions>,
    now: Timestamp,
) -> Vec<DataPoint> {
    let ScanRecord { plan, summary } = record;
    let mut points = Vec::new();
    if says_how_the_account_stands(record) {
        points.extend(posture(summary));
        points.extend(compared.into_iter().flat_map(changes));
    }
    if plan.covers_all_services() {
        points.push(DataPoint::count("ResourcesEvaluated", None, summary.resources.values().sum()));
        points.extend(plan.services.iter().map(|service| {
            let resources = summary.resources.get(service).copied().unwrap_or_default();
            DataPoint::count("ResourcesEvaluated", Some(("Service", service.as_str().to_owned())), resources)
        }));
    }
    if let Some(changes) = summary.changes() {
        points.push(DataPoint::count("NewViolations", None, changes.new));
        points.push(DataPoint::count("FirstEvaluatedViolations", None, changes.first_evaluated));
        points.push(DataPoint::count("ResolvedViolations", None, changes.resolved));
    }
    points.extend(remediations(remediation));
    if let Reading::Seen { value } = subscriptions {
        points.push(DataPoint::count("ConfirmedSubscriptions", None, value.confirmed));
        points.push(DataPoint::count("PendingSubscriptions", None, value.pending));
    }
    points.extend(of_changes(record, now));
    points.push(DataPoint::seconds("ScanDuration", plan.started_at, now));
    let status = if plan.covers_all_services() { summary.status.to_string() } else { "SCOPED".to_owned() };
    points.push(DataPoint::count("ScansCompleted", Some(("Status", status)), 1));
    points
}

/// How fast changes were looked at, and whether that led to an alert.
fn of_changes(ScanRecord { plan, summary }: &ScanRecord, now: Timestamp) -> Vec<DataPoint> {
    if plan.changes.is_empty() {
        return Vec::new();
    }
    let seconds = plan.changes.iter().map(|change| DataPoint::seconds("ChangeSeconds", change.event_time, now));
    let counts = [
        DataPoint::count("ChangesJudged", None, plan.changes.len() as u64),
        DataPoint::count("ChangeAlerts", None, u64::from(summary.alerting_news > 0)),
    ];
    counts.into_iter().chain(seconds).collect()
}

/// Whether a scan looked at everything.
pub(crate) fn says_how_the_account_stands(record: &ScanRecord) -> bool {
    record.plan.covers_all_services() && record.summary.status == ScanStatus::Complete
}

/// What has changed between two complete scans of all services; a figure that one of them has not has no change.
fn changes(Compared { before, now: after }: &Compared) -> Vec<DataPoint> {
    [("ScoreChange", before.score, after.score), ("CoverageChange", before.coverage, after.coverage)]
        .into_iter()
        .filter_map(|(metric, before, after)| {
            // Both have one decimal, and their difference must not have more.
            let value = ((after? - before?) * 10.0).round() / 10.0;
            Some(DataPoint { metric, dimension: None, unit: Unit::Percent, value })
        })
        .collect()
}

/// How the account stands, as a complete scan of all services saw it.
fn posture(summary: &Summary) -> Vec<DataPoint> {
    let mut points = Vec::new();
    for (metric, value) in [("ComplianceScore", summary.score()), ("Coverage", summary.coverage())] {
        points.extend(value.map(|value| DataPoint { metric, dimension: None, unit: Unit::Percent, value }));
    }
    for (severity, &violations) in &summary.violations_by_severity {
        points.push(DataPoint::count("Violations", Some(("Severity", severity.to_string())), violations));
    }
    for (service, counts) in &summary.by_service {
        let dimension = Some(("Service", service.as_str().to_owned()));
        points.push(DataPoint::count("Violations", dimension, counts.open()));
    }
    points.push(DataPoint::count("ExceptedViolations", None, summary.totals.excepted));
    points.push(DataPoint::count("RulesEvaluated", None, summary.by_rule.len() as u64));
    points
}

/// The data points of a rollback: `Rollbacks` by outcome, and `RemediationFailures`.
pub fn data_points_of_rollback(rollback: &RollbackOutput) -> Vec<DataPoint> {
    let counts = RemediationOutcome::OF_A_ROLLBACK.into_iter().map(|outcome| {
        let count = match outcome {
            RemediationOutcome::RolledBack => rollback.rolled_back,
            RemediationOutcome::WouldRollBack => rollback.would_roll_back,
            RemediationOutcome::Skipped => rollback.skipped,
            RemediationOutcome::Failed => rollback.failed,
            RemediationOutcome::Applied | RemediationOutcome::Announced | RemediationOutcome::WouldApply => 0,
        };
        by_outcome("Rollbacks", outcome, count)
    });
    counts.chain([failures(rollback.failed)]).collect()
}

fn remediations(result: Option<&RemediationResult>) -> Vec<DataPoint> {
    let (counts, failed) = match result {
        Some(RemediationResult::Broke(_)) => return vec![failures(1)],
        Some(RemediationResult::Ran(counts)) => (Some(counts), counts.failed),
        None => (None, 0),
    };
    let points = RemediationOutcome::OF_A_SCAN.into_iter().map(|outcome| {
        let count = counts.map_or(0, |counts| match outcome {
            RemediationOutcome::Applied => counts.applied,
            RemediationOutcome::Announced => counts.announced,
            RemediationOutcome::WouldApply => counts.would_apply,
            RemediationOutcome::Skipped => counts.skipped,
            RemediationOutcome::Failed => counts.failed,
            RemediationOutcome::RolledBack | RemediationOutcome::WouldRollBack => 0,
        });
        by_outcome("Remediations", outcome, count)
    });
    points.chain([failures(failed)]).collect()
}

fn by_outcome(metric: &'static str, outcome: RemediationOutcome, count: u64) -> DataPoint {
    DataPoint::count(metric, Some(("Outcome", outcome.as_str().to_owned())), count)
}

fn failures(count: u64) -> DataPoint {
    DataPoint::count("RemediationFailures", None, count)
}

/// One value of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct DataPoint {
    /// The metric's name.
    pub metric: &'static str,
    /// The dimension, for metrics that have one.
    pub dimension: Option<Dimension>,
    /// The unit.
    pub unit: Unit,
    /// The value.
    pub value: f64,
}

/// A dimension's name and value.
pub type Dimension = (&'static str, String);

/// Units of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// 0 to 100.
    Percent,
    /// Seconds.
    Seconds,
}

impl DataPoint {
    fn count(metric: &'static str, dimension: Option<Dimension>, value: u64) -> Self {
        Self { metric, dimension, unit: Unit::Count, value: value as f64 }
    }

    fn seconds(metric: &'static str, from: Timestamp, to: Timestamp) -> Self {
        let value = to.duration_since(from).as_secs_f64().max(0.0);
        Self { metric, dimension: None, unit: Unit::Seconds, value }
    }
}
