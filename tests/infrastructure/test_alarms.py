"""When each alarm begins and ends by CloudWatch's own arithmetic, whether points come in time, late, never or first."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from cloudwatch import Alarm, Point, decided
from synthesis import named

# How many points more than it needs an alarm fetches, AWS does not say; it only says that they are more.
BEYOND = (1, 2, 5, 12)

# CloudWatch takes minutes to know a point; here in hours.
LATE = 0.125

Spans = list[list[float]]


def alarm(what: str, *, fills_without_points: bool = True) -> Alarm:
    """An alarm of the template."""
    found = named("AWS::CloudWatch::Alarm", "AlarmName")[f"{what}-alarm-dev-pr42"]
    return Alarm.of(found, fills_without_points=fills_without_points)


def assert_alarmed(alarm: Alarm, points: Sequence[Point], until: float, expected: Spans) -> None:
    """The alarm is on during these hours and at no others, however many points CloudWatch fetches."""
    for beyond in BEYOND:
        assert alarm.alarmed(points, until, beyond=beyond) == expected, f"{beyond} points beyond"


# --- The arithmetic -------------------------------------------------------------------------------------------------

# The two tables of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html:
# points from the oldest to the newest, and the state for missing, ignore, breaching and notBreaching.
OK, ALARM, NONE, KEPT = "OK", "ALARM", "INSUFFICIENT_DATA", "retain current state"
THREE_OF_THREE = [
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", NONE, KEPT, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, KEPT, ALARM, OK),
]
TWO_OF_THREE = [
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, KEPT, ALARM, OK),
]


@pytest.mark.parametrize(
    ("datapoints", "row"), [*((3, row) for row in THREE_OF_THREE), *((2, row) for row in TWO_OF_THREE)]
)
def test_the_arithmetic_is_that_of_the_tables_of_aws(datapoints: int, row: tuple[str, ...]) -> None:
    meaning = {"0": False, "X": True, "-": None}
    breaching = [meaning[point] for point in row[0].split()[::-1]]
    for missing, expected in zip(("missing", "ignore", "breaching", "notBreaching"), row[1:], strict=True):
        for before in (OK, ALARM):
            state = decided(breaching, 3, datapoints, missing, before)
            assert state == (before if expected == KEPT else expected), missing


# --- What must come -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fills_without_points", [True, False])
@pytest.mark.parametrize(
    ("times", "until", "expected"),
    [
        pytest.param([], 4, [[0, 4.125]], id="none ever"),
        pytest.param([0.25, 6.5, 12.25, 18.25], 24, [[0, 0.375]], id="each in time"),
        pytest.param([0.25, 6.25, 18.25], 24, [[0, 0.375], [13.25, 18.375]], id="one is missing"),
        pytest.param([0.25, 8.25, 14.25], 18, [[0, 0.375], [7.25, 8.375]], id="one is late"),
        pytest.param([0.25], 72, [[0, 0.375], [7.25, 72.125]], id="no more"),
    ],
)
def test_seven_hours_without_a_complete_scan_are_seven_hours(
    times: list[float], until: float, expected: Spans, fills_without_points: bool
) -> None:
    points = [Point("ScansCompleted COMPLETE", at, 1, late=LATE) for at in times]
    assert_alarmed(alarm("no-complete-scan", fills_without_points=fills_without_points), points, until, expected)


# --- What the last scan said ----------------------------------------------------------------------------------------

CHANGES = [("score-fell", "ScoreChange"), ("coverage-fell", "CoverageChange")]
Values = list[tuple[float, float]]


def told(metric: str, values: Values) -> list[Point]:
    """What scans told at these hours."""
    return [Point(metric, at, value, late=LATE) for at, value in values]


@pytest.mark.parametrize(("what", "metric"), CHANGES)
@pytest.mark.parametrize(
    ("values", "until", "expected"),
    [
        pytest.param([], 24, [], id="first ever"),
        pytest.param([(6, 0), (12, 3.5), (18, 0)], 24, [], id="no fall"),
        pytest.param([(6, 0), (12, -0.5), (18, 0), (24, 2)], 30, [[12.125, 18.125]], id="a fall, until the next scan"),
        pytest.param([(6, -4)], 12, [[6.125, 12.125]], id="the first change is a fall"),
        pytest.param([(6, -4), (12, -1), (18, 0)], 24, [[6.125, 18.125]], id="two falls"),
        pytest.param([(6, -4), (13.75, 0)], 18, [[6.125, 13.875]], id="the next scan is late"),
        pytest.param([(6, -4), (30, 0)], 36, [[6.125, 30.125]], id="scans are missing"),
        pytest.param([(6, -4), (6.5, 4), (30, 0)], 36, [[6.125, 6.625]], id="mended, and scanned on demand"),
    ],
)
def test_a_fall_is_heard_until_a_scan_says_otherwise(
    what: str, metric: str, values: Values, until: float, expected: Spans
) -> None:
    assert_alarmed(alarm(what), told(metric, values), until, expected)


@pytest.mark.parametrize(
    ("values", "until", "expected"),
    [
        pytest.param([], 24, [], id="first ever"),
        pytest.param([(6, 2), (12, 2)], 24, [], id="both of them"),
        pytest.param([(6, 0), (12, 2)], 18, [[6.125, 12.125]], id="nobody yet"),
        pytest.param([(6, 2), (12, 1)], 48, [[12.125, 48.125]], id="one has gone, and no scan comes"),
    ],
)
def test_a_recipient_who_has_not_confirmed_is_seen(values: Values, until: float, expected: Spans) -> None:
    assert_alarmed(alarm("unconfirmed-recipients"), told("ConfirmedSubscriptions", values), until, expected)


@pytest.mark.parametrize(
    ("values", "until", "expected"),
    [
        pytest.param([], 24, [], id="first ever"),
        pytest.param([(6, 0), (12, 1), (18.25, 0)], 36, [[12.125, 18.375]], id="one fails, the next does not"),
        pytest.param([(6, 1), (30, 0)], 36, [[6.125, 30.125]], id="scans are missing"),
    ],
)
def test_a_failed_remediation_is_heard_until_one_has_no_failure(values: Values, until: float, expected: Spans) -> None:
    assert_alarmed(alarm("remediation-failed"), told("RemediationFailures", values), until, expected)


# --- What happens once ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "metrics"), [("scan-failed", 3), ("undelivered-events", 4)])
def test_whatever_failed_is_heard_even_late_and_for_no_longer_than_an_hour(what: str, metrics: int) -> None:
    """AWS Step Functions and Amazon EventBridge write no zeros, and their points may come late.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html: "might be delayed"
    """
    found = alarm(what)
    assert len(found.metrics) == metrics
    assert_alarmed(found, [], 24, [])
    for metric in found.metrics.values():
        for late in (0.0, 0.125, 0.5, 0.875):
            assert_alarmed(found, [Point(metric.name, 3, 1, late=late)], 12, [[3 + late, 4]])


def test_letters_that_lie_in_the_queue_are_heard_as_long_as_they_lie_there() -> None:
    found = alarm("dead-letters")
    [metric] = found.metrics.values()
    lying = [Point(metric.name, 3 + minutes / 60, 1, late=LATE) for minutes in range(0, 240, 3)]
    for beyond in BEYOND:
        [[begins, ends]] = found.alarmed(lying, 24, beyond=beyond)
        assert begins == 3 + LATE
        assert 7 <= ends < 8.5
