"""What starts scans."""

from __future__ import annotations

from collections.abc import Iterator

from constraints.deployment import Deployment, constraint

_INTERVAL = "rate(6 hours)"
"""The customer's figure."""


@constraint("AWS::Events::Rule")
def scans_start_every_6_hours(deployment: Deployment) -> Iterator[str]:
    """One rule has a schedule, and it is on."""
    scheduled = 0
    for logical_id, resource in deployment.resources.items():
        properties = resource.get("Properties", {})
        if "ScheduleExpression" in properties:
            scheduled += 1
            if properties["ScheduleExpression"] != _INTERVAL:
                yield f"{logical_id}: has the schedule {properties['ScheduleExpression']}; allowed: {_INTERVAL}"
            if properties.get("State", "ENABLED") != "ENABLED":
                yield f"{logical_id}: is {properties['State']}; allowed: ENABLED"
    if scheduled != 1:
        yield f"template: has {scheduled} schedules; allowed: one of {_INTERVAL}"


@constraint("AWS::Events::Rule", "AWS::SQS::Queue")
def every_target_is_tried_again_and_then_kept(deployment: Deployment) -> Iterator[str]:
    """Undelivered events end in a queue before the next scan comes by the clock."""
    for logical_id, properties in deployment.of("AWS::Events::Rule"):
        for target in properties.get("Targets", [{}]):
            retry = target.get("RetryPolicy", {})
            if retry.get("MaximumRetryAttempts", 0) < 1:
                yield f"{logical_id}: tries {retry.get('MaximumRetryAttempts')} times again; allowed: at least once"
            if not 0 < retry.get("MaximumEventAgeInSeconds", 0) < 6 * 60 * 60:
                yield f"{logical_id}: keeps events {retry.get('MaximumEventAgeInSeconds')} s; allowed: under 6 hours"
            queue = target.get("DeadLetterConfig", {}).get("Arn")
            if deployment.kind(queue) != "AWS::SQS::Queue":
                yield f"{logical_id}: has the dead-letter queue {queue}; allowed: a queue of this template"
