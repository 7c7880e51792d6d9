"""Alarms and dashboard."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from compliance_audit.settings import FUNCTIONS
from synthesis import Json, named, only, properties, text

NAMESPACE = "ComplianceAudit/dev-pr42"
# The contract with publish-metrics: names with the dimension that each may have.
SCAN_METRICS = {
    ("ComplianceScore", None),
    ("Coverage", None),
    ("ScoreChange", None),
    ("CoverageChange", None),
    ("Violations", "Severity"),
    ("Violations", "Service"),
    ("ResourcesEvaluated", None),
    ("ResourcesEvaluated", "Service"),
    ("ExceptedViolations", None),
    ("RulesEvaluated", None),
    ("NewViolations", None),
    ("FirstEvaluatedViolations", None),
    ("ResolvedViolations", None),
    ("Remediations", "Outcome"),
    ("Rollbacks", "Outcome"),
    ("RemediationFailures", None),
    ("ConfirmedSubscriptions", None),
    ("PendingSubscriptions", None),
    ("ChangesJudged", None),
    ("ChangeAlerts", None),
    ("ChangeSeconds", None),
    ("ScanDuration", None),
    ("ScansCompleted", "Status"),
}
SECTIONS = [
    "Are we compliant now?",
    "Is it getting better?",
    "What is failing?",
    "Is the auditor itself healthy?",
]


def alarm(what: str) -> Json:
    """An alarm's properties."""
    return named("AWS::CloudWatch::Alarm", "AlarmName")[f"{what}-alarm-dev-pr42"]


def widgets() -> list[Json]:
    """The dashboard's widgets; references within are replaced by their names."""
    body = json.loads(text(only("AWS::CloudWatch::Dashboard")["DashboardBody"]))
    found: list[Json] = body["widgets"]
    return found


def shown_metrics() -> list[list[Any]]:
    """Every metric row of the dashboard; expressions are left out."""
    return [row for widget in widgets() for row in widget["properties"].get("metrics", []) if isinstance(row[0], str)]


def test_every_alarm_tells_people_when_it_starts_and_when_it_ends() -> None:
    assert len(properties("AWS::CloudWatch::Alarm")) == 11
    for found in properties("AWS::CloudWatch::Alarm"):
        assert found["AlarmActions"] == found["OKActions"]
        assert [text(action) for action in found["AlarmActions"]] == [
            text(endpoint["TopicArn"]) for endpoint in properties("AWS::SNS::Subscription")[:1]
        ]
        assert found["AlarmDescription"]


def watched(what: str) -> set[tuple[str, str, str]]:
    """Namespace, name and one dimension's value of each metric that an alarm is on."""
    found = alarm(what)
    metrics = [query["MetricStat"]["Metric"] for query in found.get("Metrics", []) if "MetricStat" in query] or [found]
    return {
        (
            metric["Namespace"],
            metric["MetricName"],
            "".join(text(dimension["Value"]) for dimension in metric.get("Dimensions", [])),
        )
        for metric in metrics
    }


# When they begin and end, test_alarms.py says.
@pytest.mark.parametrize(
    ("what", "metrics"),
    [
        ("no-complete-scan", {(NAMESPACE, "ScansCompleted", "COMPLETE")}),
        ("score-fell", {(NAMESPACE, "ScoreChange", "")}),
        ("coverage-fell", {(NAMESPACE, "CoverageChange", "")}),
        ("remediation-failed", {(NAMESPACE, "RemediationFailures", "")}),
        ("unconfirmed-recipients", {(NAMESPACE, "ConfirmedSubscriptions", "")}),
        (
            "undelivered-events",
            {
                ("AWS/Events", metric, f"{rule}-rule-dev-pr42")
                for metric in ("FailedInvocations", "InvocationsFailedToBeSentToDlq")
                for rule in ("scheduled-scan", "requested-scan")
            },
        ),
    ],
)
def test_an_alarm_is_on_what_its_name_says(what: str, metrics: set[tuple[str, str, str]]) -> None:
    assert watched(what) == metrics


def test_a_scan_failed() -> None:
    names = {(namespace, name) for namespace, name, _ in watched("scan-failed")}
    assert names == {("AWS/States", f"Executions{how}") for how in ("Failed", "TimedOut", "Aborted")}


def test_every_address_must_be_confirmed() -> None:
    found = alarm("unconfirmed-recipients")
    assert (found["ComparisonOperator"], found["Threshold"]) == ("LessThanThreshold", 2)
    assert "make recipients" in found["AlarmDescription"]


def test_a_failed_remediation_says_where_to_look() -> None:
    for place in ("report", "remediation.jsonl", "scans/", "rollbacks/"):
        assert place in alarm("remediation-failed")["AlarmDescription"]


def test_messages_in_the_dead_letter_queue() -> None:
    found = alarm("dead-letters")
    assert (found["Namespace"], found["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert (found["Statistic"], found["ComparisonOperator"], found["Threshold"]) == (
        "Maximum",
        "GreaterThanThreshold",
        0,
    )


def test_no_alarm_looks_back_further_than_cloudwatch_does() -> None:
    """One day for periods below a day: API_PutMetricAlarm.html, EvaluationPeriods."""
    for found in properties("AWS::CloudWatch::Alarm"):
        periods = [
            found.get("Period"),
            *(metric.get("MetricStat", {}).get("Period") for metric in found.get("Metrics", [])),
        ]
        assert max(period for period in periods if period) * found["EvaluationPeriods"] <= 86_400


def test_the_dashboard_answers_four_questions_from_top_to_bottom() -> None:
    headings = sorted((w["y"], w["properties"]["markdown"]) for w in widgets() if w["type"] == "text")
    assert [re.match("## (.*)\n", markdown)[1] for _, markdown in headings] == SECTIONS  # type: ignore[index]


@pytest.mark.parametrize("days", [7, 30, 90])
def test_the_score_over_a_week_a_month_and_a_quarter(days: int) -> None:
    ranges = [widget["properties"].get("start") for widget in widgets() if "Compliance score" in str(widget)]
    assert f"-P{days}D" in ranges


def test_the_score_against_the_week_before() -> None:
    [widget] = [each for each in widgets() if each["properties"].get("title") == "Score against the week before"]
    expressions = [row[0]["expression"] for row in widget["properties"]["metrics"] if isinstance(row[0], dict)]
    assert expressions == ["DIFF(weekly)"]
    assert {row[-1]["period"] for row in widget["properties"]["metrics"] if len(row) > 1} == {7 * 24 * 60 * 60}


def test_the_dashboard_shows_every_metric_of_a_scan_and_no_other() -> None:
    shown = set()
    for namespace, name, *rest in shown_metrics():
        if namespace == NAMESPACE:
            dimensions = [part for part in rest if isinstance(part, str)]
            assert len(dimensions) in (0, 2)
            shown.add((name, dimensions[0] if dimensions else None))
    assert shown | {("ResourcesEvaluated", None)} == SCAN_METRICS


# The outcomes that the records of remediation have: of a scan the first five, of a rollback the others.
@pytest.mark.parametrize(
    ("metric", "outcomes"),
    [
        ("Remediations", {"APPLIED", "ANNOUNCED", "WOULD_APPLY", "SKIPPED", "FAILED"}),
        ("Rollbacks", {"ROLLED_BACK", "WOULD_ROLL_BACK", "SKIPPED", "FAILED"}),
    ],
)
def test_the_dashboard_shows_every_outcome(metric: str, outcomes: set[str]) -> None:
    shown = [row for row in shown_metrics() if row[:3] == [NAMESPACE, metric, "Outcome"]]
    assert {row[3] for row in shown} == outcomes


def test_rollbacks_stand_beside_remediations() -> None:
    places = {
        title: widget["y"] for widget in widgets() if "outcome" in (title := widget["properties"].get("title", ""))
    }
    assert places.keys() == {"Remediations by outcome", "Rollbacks by outcome"}
    assert len(set(places.values())) == 1


@pytest.mark.parametrize("name", ["Errors", "Duration", "Throttles"])
def test_the_dashboard_shows_every_function(name: str) -> None:
    shown = [row for row in shown_metrics() if row[:2] == ["AWS/Lambda", name]]
    assert len(shown) == len(FUNCTIONS)


def test_no_widget_covers_another() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in widgets():
        cells = {
            (widget["x"] + column, widget["y"] + row)
            for column in range(widget["width"])
            for row in range(widget["height"])
        }
        assert not taken & cells
        assert widget["x"] + widget["width"] <= 24
        taken |= cells
