"""What starts a scan or a rollback, and who is told; how the rules deliver, `constraints/triggers.py` walks."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from local_aws import REGION, LocalAws
from synthesis import Json, named, properties, resources, template, text

RULES = ("scheduled-scan", "requested-scan")


def rule(what: str) -> Json:
    """A rule's properties."""
    return named("AWS::Events::Rule", "Name")[f"{what}-rule-dev-pr42"]


def type_of(reference: object) -> str:
    """The type of the resource that a property refers to."""
    kind: str = template()["Resources"][text(reference).strip("{}").split(".")[0]]["Type"]
    return kind


def test_there_are_no_other_rules() -> None:
    assert len(resources("AWS::Events::Rule")) == len(RULES)


def test_the_account_is_scanned_every_six_hours() -> None:
    assert rule("scheduled-scan")["ScheduleExpression"] == "rate(6 hours)"


def test_an_event_asks_for_a_scan_or_for_the_way_back() -> None:
    assert rule("requested-scan")["EventPattern"] == {
        "source": ["compliance.audit"],
        "detail-type": ["Compliance Scan Requested", "Compliance Remediation Rollback Requested"],
        # Nobody's or ours; AWS's own engine has a test of the form: https://github.com/aws/event-ruler
        # (ACMachineTest, `"bar": [{"exists": false}, "1"]`).
        "detail": {"system": [{"exists": False}, "dev-pr42"]},
    }


def test_an_event_for_another_deployment_starts_nothing() -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"""
    details: list[tuple[dict[str, Any], bool]] = [
        ({}, True),
        ({"services": ["s3"]}, True),
        ({"system": "dev-pr42"}, True),
        ({"system": "prod-main"}, False),
        ({"system": "dev-pr4"}, False),
        ({"system": None}, False),
    ]
    pattern = json.dumps(rule("requested-scan")["EventPattern"])
    with LocalAws.start() as aws:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        events = boto3.client("events", region_name=REGION, endpoint_url=aws.endpoint, **keys)
        for detail, expected in details:
            event = {
                "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
                "account": "123456789012",
                "source": "compliance.audit",
                "time": "2026-11-23T06:00:00Z",
                "region": REGION,
                "resources": [],
                "detail-type": "Compliance Scan Requested",
                "detail": detail,
            }
            tested = events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))
            assert tested["Result"] is expected, detail


@pytest.mark.parametrize("what", RULES)
def test_the_whole_event_starts_the_state_machine(what: str) -> None:
    [target] = rule(what)["Targets"]
    assert type_of(target["Arn"]) == "AWS::StepFunctions::StateMachine"
    assert not {"Input", "InputPath", "InputTransformer"} & set(target)
    assert type_of(target["RoleArn"]) == "AWS::IAM::Role"


def test_every_address_is_subscribed() -> None:
    subscriptions = properties("AWS::SNS::Subscription")
    assert {subscription["Endpoint"] for subscription in subscriptions} == {
        "compliance@example.com",
        "security@example.com",
    }
    assert {subscription["Protocol"] for subscription in subscriptions} == {"email"}
