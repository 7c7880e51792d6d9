"""The metrics that a scan or a rollback publishes once.

`publish-metrics` writes them; names and dimensions are the contract with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from compliance_audit.triggers import SCAN_INTERVAL

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
"""Values of the dimension Severity."""

SERVICES = ("s3", "vpc", "lambda")
"""Values of the dimension Service."""

OUTCOMES = ("APPLIED", "ANNOUNCED", "WOULD_APPLY", "SKIPPED", "FAILED")
"""Values of the dimension Outcome of a scan's remediation."""

OUTCOMES_OF_A_ROLLBACK = ("ROLLED_BACK", "WOULD_ROLL_BACK", "SKIPPED", "FAILED")
"""Values of the dimension Outcome of a rollback."""

STATUSES = ("COMPLETE", "PARTIAL", "SCOPED")
"""Values of the dimension Status; a scoped scan was asked to look at some services only."""

# A scan writes one value of each: the maximum over an interval is the value, and the larger of two after a scan on
# demand. For the score and the coverage the worse one is the smaller.
WORST_OF_GOOD = "Minimum"
"""Statistic of metrics that should be high."""

WORST_OF_BAD = "Maximum"
"""Statistic of metrics that should be low."""


class ScanMetrics:
    """The metrics of the scans."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def score(self, *, period: Duration = SCAN_INTERVAL, label: str = "Compliance score") -> cloudwatch.Metric:
        """Share of the verdicts that are compliant, in percent."""
        return self._metric("ComplianceScore", WORST_OF_GOOD, label, period=period)

    def coverage(self) -> cloudwatch.Metric:
        """Share of the rule evaluations that have a verdict, in percent."""
        return self._metric("Coverage", WORST_OF_GOOD, "Coverage")

    def score_change(self, *, period: Duration = SCAN_INTERVAL) -> cloudwatch.Metric:
        """What the score is above that of the complete scan before, in points, by the rules that both evaluated."""
        return self._metric("ScoreChange", WORST_OF_GOOD, "Score", period=period)

    def coverage_change(self, *, period: Duration = SCAN_INTERVAL) -> cloudwatch.Metric:
        """What the coverage is above that of the complete scan before, in points, by the rules that both evaluated."""
        return self._metric("CoverageChange", WORST_OF_GOOD, "Coverage", period=period)

    def violations_by_severity(self) -> list[cloudwatch.Metric]:
        """Open violations, one metric a severity."""
        return [self._metric("Violations", WORST_OF_BAD, value.title(), Severity=value) for value in SEVERITIES]

    def violations_by_service(self) -> list[cloudwatch.Metric]:
        """Open violations, one metric a service."""
        return [self._metric("Violations", WORST_OF_BAD, value, Service=value) for value in SERVICES]

    def excepted_violations(self) -> cloudwatch.Metric:
        """Violations that an exception of the audit policy covers."""
        return self._metric("ExceptedViolations", WORST_OF_BAD, "Excepted")

    def resources_by_service(self) -> list[cloudwatch.Metric]:
        """Resources with at least one evaluation, one metric a service."""
        return [self._metric("ResourcesEvaluated", WORST_OF_BAD, value, Service=value) for value in SERVICES]

    def resources(self) -> cloudwatch.Metric:
        """Resources with at least one evaluation."""
        return self._metric("ResourcesEvaluated", WORST_OF_BAD, "Resources evaluated")

    def new_violations(self) -> cloudwatch.Metric:
        """Open violations that were not known to the scan before."""
        return self._metric("NewViolations", "Sum", "New")

    def first_evaluated_violations(self) -> cloudwatch.Metric:
        """Open violations of rules that the scan before did not evaluate."""
        return self._metric("FirstEvaluatedViolations", "Sum", "Of rules not evaluated before")

    def rules(self) -> cloudwatch.Metric:
        """Rules that were evaluated: a step is a change of the catalogue or of the audit policy."""
        return self._metric("RulesEvaluated", WORST_OF_GOOD, "Rules evaluated")

    def resolved_violations(self) -> cloudwatch.Metric:
        """Violations that were seen mended or gone since the scan before."""
        return self._metric("ResolvedViolations", "Sum", "Resolved")

    def remediations(self) -> list[cloudwatch.Metric]:
        """What remediation decided, one metric an outcome."""
        return self._by_outcome("Remediations", OUTCOMES)

    def rollbacks(self) -> list[cloudwatch.Metric]:
        """What rollbacks decided, one metric an outcome."""
        return self._by_outcome("Rollbacks", OUTCOMES_OF_A_ROLLBACK)

    def remediation_failures(self, *, period: Duration = SCAN_INTERVAL) -> cloudwatch.Metric:
        """Buckets whose change, or whose restoration, failed; one value a scan or a rollback."""
        return self._metric("RemediationFailures", WORST_OF_BAD, period=period)

    def confirmed_subscriptions(self, *, period: Duration = SCAN_INTERVAL) -> cloudwatch.Metric:
        """Subscriptions of the alerts topic that get its messages."""
        return self._metric("ConfirmedSubscriptions", WORST_OF_GOOD, "Confirmed", period=period)

    def pending_subscriptions(self) -> cloudwatch.Metric:
        """Subscriptions of the alerts topic that nobody has confirmed yet."""
        return self._metric("PendingSubscriptions", WORST_OF_BAD, "Pending")

    def scan_duration(self) -> cloudwatch.Metric:
        """From the start of the execution to the metrics, in seconds."""
        return self._metric("ScanDuration", WORST_OF_BAD, "Scan duration (s)")

    def changes_judged(self) -> cloudwatch.Metric:
        """Calls that changed something of the account and were looked at."""
        return self._metric("ChangesJudged", "Sum", "Changes judged", period=Duration.hours(1))

    def change_alerts(self) -> cloudwatch.Metric:
        """Scans after changes of which people hear."""
        return self._metric("ChangeAlerts", "Sum", "Alerts", period=Duration.hours(1))

    def change_seconds(self) -> cloudwatch.Metric:
        """From a call to the metrics of its scan, in seconds, for one half of the calls at the most."""
        return self._metric("ChangeSeconds", "p50", "Median seconds", period=Duration.hours(1))

    def scans_completed(self, status: str, *, period: Duration = SCAN_INTERVAL) -> cloudwatch.Metric:
        """Scans that reached their end with this status."""
        return self._metric("ScansCompleted", "Sum", period=period, Status=status)

    def _by_outcome(self, name: str, outcomes: Sequence[str]) -> list[cloudwatch.Metric]:
        return [self._metric(name, "Sum", value.replace("_", " ").capitalize(), Outcome=value) for value in outcomes]

    def _metric(
        self,
        name: str,
        statistic: str,
        label: str | None = None,
        *,
        period: Duration = SCAN_INTERVAL,
        **dimensions: str,
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self._namespace,
            metric_name=name,
            dimensions_map=dimensions,
            statistic=statistic,
            label=label,
            period=period,
        )
