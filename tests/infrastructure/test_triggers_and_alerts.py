"""What starts a scan or a rollback, and who is told; how the rules deliver, `constraints/triggers.py` walks."""

from __future__ import annotations

import pytest
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
