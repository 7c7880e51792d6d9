"""The alarms, and the dashboard: compliant now? getting better? what is failing? is the auditor healthy?

An alarm fetches more points than it needs, AWS does not say how many, and takes older ones where newer are missing:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
Three kinds of alarms mean the same however many are fetched, as `tests/infrastructure/test_alarms.py` shows:
- On what the last scan said: one short period, and missing points are ignored. A point decides until the next comes.
- On what must come: FILL leaves no point missing, and only the last periods count.
- On what happens once: FILL, and one of several periods, since a point that FILL made would hide one that comes late:
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from compliance_audit.alerts import Alerts
from compliance_audit.changes import change_rules, delay
from compliance_audit.functions import Functions
from compliance_audit.metrics import STATUSES, ScanMetrics
from compliance_audit.settings import Settings
from compliance_audit.triggers import RULES, SCAN_INTERVAL, Triggers
from compliance_audit.workflow import Workflow

_FIVE_MINUTES = Duration.minutes(5)
# CloudWatch shows a point after minutes: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
_QUARTER = Duration.minutes(15)
_HOUR = Duration.hours(1)
# What people are promised: from a change to the right person within minutes.
_SOON = Duration.minutes(5)
# A scan is due every 6 hours, and may take longer than the one before.
_HOURS_BETWEEN_SCANS = 7
_WEEK = Duration.days(7)
_WIDTH = 24

_Graphs = Sequence[tuple[str, list[cloudwatch.Metric]]]


class Monitoring(Construct):
    """Dashboard and alarms."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        workflow: Workflow,
        functions: Functions,
        triggers: Triggers,
        alerts: Alerts,
    ) -> None:
        super().__init__(scope, "monitoring")
        self._settings = settings
        self._workflow = workflow
        self._functions = functions
        self._triggers = triggers
        self._scans = ScanMetrics(settings.metrics_namespace)
        self.alarms = self._alarms(alerts)
        self.dashboard_name = settings.names.of("compliance-audit", "dashboard")
        cloudwatch.Dashboard(
            self,
            "compliance-audit-dashboard",
            dashboard_name=self.dashboard_name,
            default_interval=Duration.days(7),
            widgets=[
                *self._are_we_compliant_now(),
                *self._is_it_getting_better(),
                *self._what_is_failing(),
                *self._is_the_auditor_healthy(),
            ],
        )

    def _alarms(self, alerts: Alerts) -> Mapping[str, cloudwatch.Alarm]:
        machine, scans = self._workflow.state_machine, self._scans
        alarms = {
            "scan-failed": self._alarm_once(
                "scan-failed",
                {
                    "failed": machine.metric_failed(period=_FIVE_MINUTES),
                    "timed_out": machine.metric_timed_out(period=_FIVE_MINUTES),
                    "aborted": machine.metric_aborted(period=_FIVE_MINUTES),
                },
                "Scans and rollbacks that failed, timed out or were stopped",
                "A scan or a rollback failed, timed out or was stopped in the last hour. The execution's page in the "
                "AWS Step Functions console shows the state and the error.",
            ),
            "no-complete-scan": self._alarm(
                "no-complete-scan",
                cloudwatch.MathExpression(
                    expression="FILL(complete, 0)",
                    using_metrics={"complete": scans.scans_completed("COMPLETE", period=_HOUR)},
                    label="Complete scans",
                    period=_HOUR,
                ),
                f"No scan was complete in the last {_HOURS_BETWEEN_SCANS} hours: what the reports say may be out of "
                "date. After the first deployment start a scan by hand, or wait for the first scheduled one.",
                cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                threshold=1,
                periods=_HOURS_BETWEEN_SCANS,
                missing=cloudwatch.TreatMissingData.BREACHING,
            ),
            "score-fell": self._alarm_until_the_next(
                "score-fell",
                scans.score_change(period=_QUARTER),
                "The compliance score is lower than in the complete scan before. The report lists the new violations. "
                "The alarm ends with a scan that is no worse than the one before it, which does not mean that it is "
                "mended.",
                cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                threshold=0,
            ),
            # A score says little of what was not judged, and a permission that is taken away raises no violation.
            "coverage-fell": self._alarm_until_the_next(
                "coverage-fell",
                scans.coverage_change(period=_QUARTER),
                "Fewer of the rule evaluations than in the complete scan before came to a verdict: something can no "
                "longer be read. The findings with INSUFFICIENT_DATA name the denied actions. The alarm ends with a "
                "scan that is no worse than the one before it.",
                cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                threshold=0,
            ),
            "unconfirmed-recipients": self._alarm_until_the_next(
                "unconfirmed-recipients",
                scans.confirmed_subscriptions(period=_QUARTER),
                "Fewer subscriptions of the alerts topic are confirmed than the settings have addresses: somebody does "
                "not get the alerts. Amazon SNS drops what nobody confirms for 48 hours. `make recipients` names who "
                "it is, and how to subscribe again.",
                cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                threshold=len(self._settings.alert_emails),
            ),
            "remediation-failed": self._alarm_until_the_next(
                "remediation-failed",
                scans.remediation_failures(period=_QUARTER),
                "Remediation or a rollback could not change a bucket's default encryption. Which bucket, why, and what "
                "was put back: see the remediation part of the scan's report, and remediation.jsonl in the reports "
                "bucket, under scans/ or, of a rollback, under rollbacks/. A bucket that always fails keeps those "
                "after it from being changed: mend it, or tag it to be left alone. The alarm ends with a scan or a "
                "rollback without a failure.",
                cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                threshold=0,
            ),
            "dead-letters": self._alarm(
                "dead-letters",
                self._triggers.dead_letters.metric_approximate_number_of_messages_visible(
                    period=_FIVE_MINUTES, statistic="Maximum"
                ),
                "EventBridge could not deliver an event, or a batch of changes could not start a scan: a scan or a "
                "rollback was not started. The message in the queue has the event, and EventBridge's the reason, too. "
                "What changed is seen by the next scan of everything.",
                cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                threshold=0,
                missing=cloudwatch.TreatMissingData.NOT_BREACHING,
            ),
            "undelivered-events": self._alarm_once(
                "undelivered-events",
                {
                    f"{metric}_{number}": self._rule_metric(rule, name).with_(period=_FIVE_MINUTES)
                    for metric, name in (
                        ("failed", "FailedInvocations"),
                        ("lost", "InvocationsFailedToBeSentToDlq"),
                    )
                    for number, rule in enumerate(RULES)
                },
                "Events that EventBridge gave up",
                "EventBridge gave up an event in the last hour: a scan or a rollback was not started. If the alarm on "
                "dead letters is silent, the event did not get into the queue: look at the policies of the queue and "
                "of its key, and ask for the scan or the rollback again.",
            ),
            **self._alarms_on_changes(),
        }
        tell = actions.SnsAction(alerts.topic)
        for alarm in alarms.values():
            alarm.add_alarm_action(tell)
            alarm.add_ok_action(tell)
        return alarms

    def _alarms_on_changes(self) -> Mapping[str, cloudwatch.Alarm]:
        changes, settings = self._triggers.changes, self._settings
        if changes is None:
            return {}
        late = delay(settings).plus(_QUARTER)
        return {
            "changes-waiting": self._alarm(
                "changes-waiting",
                changes.queue.metric_approximate_age_of_oldest_message(period=_FIVE_MINUTES, statistic="Maximum"),
                f"A change waits for its scan longer than {int(late.to_minutes())} minutes: the pipe does not take "
                "what is in the queue of changes. Its page in the Amazon EventBridge console tells its state. What "
                "changed is seen by the next scan of everything.",
                cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                threshold=late.to_seconds(),
                missing=cloudwatch.TreatMissingData.NOT_BREACHING,
            ),
            "changes-late": self._alarm(
                "changes-late",
                self._scans.change_seconds(),
                f"One half of the changes of the last hour were looked at later than {_SOON.to_minutes():.0f} minutes "
                "after the call. CloudTrail delivers most events within minutes, and its page tells when it does not; "
                "the alarm on the queue of changes tells of ours.",
                cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                threshold=_SOON.to_seconds(),
                missing=cloudwatch.TreatMissingData.NOT_BREACHING,
            ),
            # An alarm has ten metrics at most; what EventBridge could not deliver and did put into the queue of dead
            # letters the alarm on that queue tells.
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
            "lost-changes": self._alarm_once(
                "lost-changes",
                {
                    f"lost_{number}": self._rule_metric(rule, "InvocationsFailedToBeSentToDlq").with_(
                        period=_FIVE_MINUTES
                    )
                    for number, rule in enumerate(change_rules(settings))
                },
                "Changes that EventBridge lost",
                "EventBridge gave up the event of a change in the last hour, and could not even put it into the queue "
                "of dead letters: look at the policies of the two queues and of their keys. What changed is seen by "
                "the next scan of everything.",
            ),
        }

    def _alarm(
        self,
        what: str,
        metric: cloudwatch.IMetric,
        description: str,
        comparison: cloudwatch.ComparisonOperator,
        *,
        threshold: float,
        missing: cloudwatch.TreatMissingData,
        periods: int = 1,
        datapoints: int | None = None,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            what,
            alarm_name=self._settings.names.of(what, "alarm"),
            alarm_description=description,
            metric=metric,
            comparison_operator=comparison,
            threshold=threshold,
            evaluation_periods=periods,
            datapoints_to_alarm=datapoints or periods,
            treat_missing_data=missing,
        )

    def _alarm_until_the_next(
        self,
        what: str,
        metric: cloudwatch.Metric,
        description: str,
        comparison: cloudwatch.ComparisonOperator,
        *,
        threshold: float,
    ) -> cloudwatch.Alarm:
        """On what the last scan said. The period is so short that no two scans are taken together."""
        return self._alarm(
            what,
            metric,
            description,
            comparison,
            threshold=threshold,
            missing=cloudwatch.TreatMissingData.IGNORE,
        )

    def _alarm_once(
        self, what: str, metrics: Mapping[str, cloudwatch.IMetric], label: str, description: str
    ) -> cloudwatch.Alarm:
        """On failures within an hour, by metrics that AWS writes no zeros of: a sum with a missing value is missing."""
        failures = cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({name}, 0)" for name in metrics),
            using_metrics=metrics,
            label=label,
            period=_FIVE_MINUTES,
        )
        return self._alarm(
            what,
            failures,
            description,
            cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=0,
            missing=cloudwatch.TreatMissingData.NOT_BREACHING,
            periods=int(_HOUR.to_minutes() / _FIVE_MINUTES.to_minutes()),
            datapoints=1,
        )

    def _are_we_compliant_now(self) -> list[list[cloudwatch.IWidget]]:
        scans = self._scans
        return [
            [
                _heading(
                    "Are we compliant now?",
                    "The last scan. The score counts only what could be judged: read it beside the coverage.",
                )
            ],
            [
                cloudwatch.SingleValueWidget(
                    title="Score and coverage (%)", metrics=[scans.score(), scans.coverage()], width=8, height=5
                ),
                cloudwatch.SingleValueWidget(
                    title="Open violations by severity",
                    metrics=_each(scans.violations_by_severity()),
                    width=10,
                    height=5,
                ),
                cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(self.alarms.values()), width=6, height=5),
            ],
        ]

    def _is_it_getting_better(self) -> list[list[cloudwatch.IWidget]]:
        scans = self._scans
        percent = cloudwatch.YAxisProps(min=0, max=100, show_units=False, label="%")
        weekly = scans.score(period=_WEEK, label="Worst score of the week")
        return [
            [_heading("Is it getting better?", "The worst score of each interval, and what came and went.")],
            [
                cloudwatch.GraphWidget(
                    title=f"Compliance score, last {days} days",
                    left=[scans.score(period=period), scans.coverage().with_(period=period)],
                    left_y_axis=percent,
                    start=f"-P{days}D",
                    end="P0D",
                    width=8,
                    height=6,
                )
                for days, period in ((7, SCAN_INTERVAL), (30, Duration.days(1)), (90, Duration.days(1)))
            ],
            [
                cloudwatch.GraphWidget(
                    title="Score against the week before",
                    left=[weekly],
                    left_y_axis=percent,
                    right=[
                        cloudwatch.MathExpression(
                            expression="DIFF(weekly)",
                            using_metrics={"weekly": weekly},
                            label="Change against the week before (points)",
                            period=_WEEK,
                        )
                    ],
                    view=cloudwatch.GraphWidgetView.BAR,
                    start="-P90D",
                    end="P0D",
                    width=8,
                    height=6,
                ),
                cloudwatch.GraphWidget(
                    title="Score and coverage against the scan before (points)",
                    left=[scans.score_change(), scans.coverage_change()],
                    right=[scans.rules()],
                    start="-P30D",
                    end="P0D",
                    width=8,
                    height=6,
                ),
                cloudwatch.GraphWidget(
                    title="New and resolved violations",
                    left=[
                        scans.new_violations(),
                        scans.first_evaluated_violations(),
                        scans.resolved_violations(),
                        scans.excepted_violations(),
                    ],
                    start="-P30D",
                    end="P0D",
                    width=8,
                    height=6,
                ),
            ],
        ]

    def _what_is_failing(self) -> list[list[cloudwatch.IWidget]]:
        scans = self._scans
        found: _Graphs = (
            ("Violations by severity", scans.violations_by_severity()),
            ("Violations by service", scans.violations_by_service()),
            ("Resources evaluated by service", scans.resources_by_service()),
        )
        changed: _Graphs = (
            ("Remediations by outcome", scans.remediations()),
            ("Rollbacks by outcome", scans.rollbacks()),
            ("Failures of remediations and rollbacks", [scans.remediation_failures().with_(label="Failures")]),
        )
        return [
            [_heading("What is failing?", "Rule by rule, and for each resource what to do: in the scan's report.")],
            *(_stacked(graphs) for graphs in (found, changed)),
        ]

    def _is_the_auditor_healthy(self) -> list[list[cloudwatch.IWidget]]:
        machine, scans = self._workflow.state_machine, self._scans
        functions = self._functions.by_name
        of_changes: list[cloudwatch.IWidget] = [
            cloudwatch.GraphWidget(
                title="Changes of the account",
                left=[scans.changes_judged(), scans.change_alerts()],
                left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
                right=[scans.change_seconds()],
                width=6,
                height=6,
            )
        ]
        return [
            [_heading("Is the auditor itself healthy?", "A scan that does not come is an alarm, not a good day.")],
            [
                cloudwatch.GraphWidget(
                    title="Executions",
                    left=[
                        machine.metric_started(label="Started"),
                        machine.metric_succeeded(label="Succeeded"),
                        machine.metric_failed(label="Failed"),
                        machine.metric_timed_out(label="Timed out"),
                        machine.metric_aborted(label="Stopped"),
                        machine.metric_throttled(label="Throttled"),
                    ],
                    width=6,
                    height=6,
                ),
                cloudwatch.GraphWidget(
                    title="Scans by status",
                    left=[scans.scans_completed(status).with_(label=status.title()) for status in STATUSES],
                    left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
                    right=[scans.scan_duration()],
                    width=6,
                    height=6,
                ),
                cloudwatch.GraphWidget(
                    title="Events",
                    left=[
                        *(
                            self._rule_metric(rule, name)
                            for name in ("Invocations", "FailedInvocations", "InvocationsFailedToBeSentToDlq")
                            for rule in RULES
                        ),
                        self._triggers.dead_letters.metric_approximate_number_of_messages_visible(
                            label="Dead letters", statistic="Maximum"
                        ),
                    ],
                    width=6,
                    height=6,
                ),
                cloudwatch.GraphWidget(
                    title="Recipients of the alerts",
                    left=[scans.confirmed_subscriptions(), scans.pending_subscriptions()],
                    left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
                    width=6,
                    height=6,
                ),
            ],
            [
                cloudwatch.GraphWidget(
                    title="Errors of the functions",
                    left=[function.metric_errors(label=name) for name, function in functions.items()],
                    width=8,
                    height=6,
                ),
                cloudwatch.GraphWidget(
                    title="Longest run of each function",
                    left=[
                        function.metric_duration(label=name, statistic="Maximum")
                        for name, function in functions.items()
                    ],
                    width=8,
                    height=6,
                ),
                cloudwatch.GraphWidget(
                    title="Throttles of the functions",
                    left=[function.metric_throttles(label=name) for name, function in functions.items()],
                    width=8,
                    height=6,
                ),
            ],
            *([of_changes] if self._triggers.changes else []),
        ]

    def _rule_metric(self, rule: str, name: str) -> cloudwatch.Metric:
        """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"""
        return cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name=name,
            dimensions_map={"RuleName": self._settings.names.of(rule, "rule")},
            statistic="Sum",
            label=f"{name}: {rule}",
        )


def _heading(question: str, explanation: str) -> cloudwatch.TextWidget:
    return cloudwatch.TextWidget(markdown=f"## {question}\n{explanation}", width=_WIDTH, height=2)


def _stacked(graphs: _Graphs) -> list[cloudwatch.IWidget]:
    return [
        cloudwatch.GraphWidget(title=title, left=_each(metrics), stacked=True, width=_WIDTH // len(graphs), height=6)
        for title, metrics in graphs
    ]


def _each(metrics: Sequence[cloudwatch.Metric]) -> list[cloudwatch.IMetric]:
    return list(metrics)
