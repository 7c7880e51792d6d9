"""What CloudWatch makes of an alarm of the template and of data points that arrive one after the other.

The algorithm is that of "How alarm state is evaluated when data is missing",
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
How many more points than its evaluation periods an alarm fetches, AWS does not say: `beyond` is how many, and an alarm
that is right is so for any number. Periods end now and not at the full hour, which is the default of
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from synthesis import Json, text

Values = Sequence[float | None]
"""One value a period, the newest first; None where the metric has no point."""

_STATISTICS: Mapping[str, Callable[[list[float]], float]] = {"Sum": sum, "Minimum": min, "Maximum": max}
_BREACHES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
}
_FILL = re.compile(r"FILL\((\w+), (\d+)\)")


@dataclass(frozen=True)
class Point:
    """A value of a metric; times are in hours from the beginning."""

    metric: str
    """Name of the metric and the values of its dimensions, with blanks between them."""
    at: float
    """The time that it is about."""
    value: float
    late: float = 0.0
    """How long after that CloudWatch gets to know it."""


@dataclass(frozen=True)
class Metric:
    """A metric as an alarm reads it."""

    name: str
    statistic: str
    period: int
    """In seconds."""

    @classmethod
    def of(cls, metric: Json, statistic: str, seconds: int) -> Metric:
        """As CloudFormation describes it."""
        dimensions = [text(dimension["Value"]) for dimension in metric.get("Dimensions", [])]
        return cls(" ".join([metric["MetricName"], *dimensions]), statistic, seconds)

    def values(self, points: Iterable[Point], now: float, periods: int) -> Values:
        """The statistic of each of the last periods, of what is known now."""
        known = [point for point in points if point.metric == self.name and point.at + point.late <= now]
        values = []
        for ago in range(periods):
            newest = now * 3600 - ago * self.period
            inside = [point.value for point in known if newest - self.period < point.at * 3600 <= newest]
            values.append(_STATISTICS[self.statistic](inside) if inside else None)
        return values


@dataclass(frozen=True)
class Alarm:
    """An alarm of the template."""

    metrics: Mapping[str, Metric]
    """By the ids that the expression uses."""
    expression: str
    """A sum of `FILL(id, number)`; empty for an alarm on one metric."""
    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing: str
    fills_without_points: bool = field(default=True, kw_only=True)
    """Whether FILL makes points of a metric that has none in the whole range, which AWS does not say."""

    @classmethod
    def of(cls, properties: Json, *, fills_without_points: bool = True) -> Alarm:
        """The alarm with these properties of AWS::CloudWatch::Alarm."""
        expressions = [query["Expression"] for query in properties.get("Metrics", []) if "Expression" in query]
        metrics = {
            query["Id"]: Metric.of(
                query["MetricStat"]["Metric"], query["MetricStat"]["Stat"], query["MetricStat"]["Period"]
            )
            for query in properties.get("Metrics", [])
            if "MetricStat" in query
        } or {"metric": Metric.of(properties, properties["Statistic"], properties["Period"])}
        return cls(
            metrics,
            "".join(expressions),
            properties["ComparisonOperator"],
            properties["Threshold"],
            properties["EvaluationPeriods"],
            properties["DatapointsToAlarm"],
            properties["TreatMissingData"],
            fills_without_points=fills_without_points,
        )

    def alarmed(self, points: Sequence[Point], until: float, *, beyond: int, step: float = 0.125) -> list[list[float]]:
        """When it is in ALARM: beginning and end of each time, as it is evaluated every `step` hours."""
        spans: list[list[float]] = []
        state = "INSUFFICIENT_DATA"
        for tick in range(round(until / step) + 1):
            now = tick * step
            before, state = state, self.evaluated(points, now, state, beyond=beyond)
            if state == "ALARM":
                if before != "ALARM":
                    spans.append([now, now])
                spans[-1][1] = now + step
        return spans

    def evaluated(self, points: Sequence[Point], now: float, before: str, *, beyond: int) -> str:
        """The state that it takes now."""
        values = {name: metric.values(points, now, self.periods + beyond) for name, metric in self.metrics.items()}
        breaches = _BREACHES[self.comparison]
        breaching = [None if value is None else breaches(value, self.threshold) for value in self._combined(values)]
        return decided(breaching, self.periods, self.datapoints, self.missing, before)

    def _combined(self, values: Mapping[str, Values]) -> Values:
        if not self.expression:
            [only] = values.values()
            return only
        terms = [_FILL.fullmatch(term) for term in self.expression.split(" + ")]
        filled = [self._filled(values[term[1]], float(term[2])) for term in terms if term]
        assert len(filled) == len(terms), f"{self.expression}: what CloudWatch makes of it is not known here"
        return [None if None in each else sum(filter(None, each)) for each in zip(*filled, strict=True)]

    def _filled(self, values: Values, by: float) -> Values:
        if not self.fills_without_points and all(value is None for value in values):
            return values
        return [by if value is None else value for value in values]


def decided(breaching: Sequence[bool | None], periods: int, datapoints: int, missing: str, before: str) -> str:
    """The state that follows from the points of the evaluation range, the newest first; None is a missing one."""
    real = [point for point in breaching if point is not None]
    if len(real) >= periods:
        return "ALARM" if sum(real[:periods]) >= datapoints else "OK"
    if missing == "breaching":
        return "ALARM" if sum(real) + periods - len(real) >= datapoints else "OK"
    if missing == "notBreaching":
        return "ALARM" if sum(real) >= datapoints else "OK"
    if not real:
        return {"ignore": before, "missing": "INSUFFICIENT_DATA"}[missing]
    if sum(real) >= datapoints:
        return "ALARM"
    if not all(real):
        return "OK"
    # "Avoiding premature transitions to alarm state": nothing but breaching points, and too few of them.
    old_enough = max(place for place, point in enumerate(breaching, start=1) if point) >= datapoints
    return "ALARM" if missing == "missing" and old_enough else before
