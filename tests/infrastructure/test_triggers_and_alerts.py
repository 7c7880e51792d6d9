"""What starts a scan, and who is told."""

from __future__ import annotations

import json

import pytest
from synthesis import Json, named, only, properties, resources, statements, template, text

RULES = ("scheduled-scan", "requested-scan", "stopped-scan")


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


def test_an_event_asks_for_a_scan() -> None:
    assert rule("requested-scan")["EventPattern"] == {
        "source": ["compliance.audit"],
        "detail-type": ["Compliance Scan Requested"],
    }


@pytest.mark.parametrize("what", ["scheduled-scan", "requested-scan"])
def test_the_whole_event_starts_the_state_machine(what: str) -> None:
    [target] = rule(what)["Targets"]
    assert type_of(target["Arn"]) == "AWS::StepFunctions::StateMachine"
    assert not {"Input", "InputPath", "InputTransformer"} & set(target)
    assert type_of(target["RoleArn"]) == "AWS::IAM::Role"


def test_people_hear_of_scans_that_were_stopped_or_ran_out_of_time() -> None:
    """The state machine itself tells of failures; of these two it cannot."""
    detail = rule("stopped-scan")["EventPattern"]["detail"]
    assert detail["status"] == ["TIMED_OUT", "ABORTED"]
    assert [type_of(arn) for arn in detail["stateMachineArn"]] == ["AWS::StepFunctions::StateMachine"]
    [target] = rule("stopped-scan")["Targets"]
    assert type_of(target["Arn"]) == "AWS::SNS::Topic"
    # AWS advises against a role for topics with a key: delivery may fail.
    assert "RoleArn" not in target


@pytest.mark.parametrize("what", RULES)
def test_undelivered_events_are_tried_again_and_then_kept(what: str) -> None:
    [target] = rule(what)["Targets"]
    assert target["RetryPolicy"]["MaximumRetryAttempts"] >= 1
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] < 6 * 60 * 60
    assert type_of(target["DeadLetterConfig"]["Arn"]) == "AWS::SQS::Queue"


def test_the_rules_may_write_to_the_dead_letter_queue() -> None:
    policy = only("AWS::SQS::QueuePolicy")["PolicyDocument"]
    allowed = {
        text(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
        for statement in statements(policy)
        if statement["Effect"] == "Allow"
    }
    assert allowed == {f"{{{logical_id}.Arn}}" for logical_id in resources("AWS::Events::Rule")}
    [key] = [key for logical_id, key in resources("AWS::KMS::Key").items() if "deadletters" in logical_id]
    assert "events.amazonaws.com" in json.dumps(key["Properties"]["KeyPolicy"])


@pytest.mark.parametrize("kind", ["AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"])
def test_messages_travel_over_tls_only(kind: str) -> None:
    denied = [statement for statement in statements(only(kind)["PolicyDocument"]) if statement["Effect"] == "Deny"]
    assert [statement["Condition"] for statement in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_every_address_is_subscribed() -> None:
    subscriptions = properties("AWS::SNS::Subscription")
    assert {subscription["Endpoint"] for subscription in subscriptions} == {
        "compliance@example.com",
        "security@example.com",
    }
    assert {subscription["Protocol"] for subscription in subscriptions} == {"email"}


@pytest.mark.parametrize("service", ["cloudwatch.amazonaws.com", "events.amazonaws.com"])
def test_alarms_and_rules_may_publish_to_the_encrypted_topic(service: str) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services"""
    key = template()["Resources"][text(only("AWS::SNS::Topic")["KmsMasterKeyId"]).strip("{}").split(".")[0]]
    for policy, actions in (
        (only("AWS::SNS::TopicPolicy")["PolicyDocument"], "sns:Publish"),
        (key["Properties"]["KeyPolicy"], ["kms:Decrypt", "kms:GenerateDataKey*"]),
    ):
        [granted] = [each for each in statements(policy) if each["Principal"] == {"Service": service}]
        assert (granted["Effect"], granted["Action"]) == ("Allow", actions)
        # EventBridge sends nothing that a condition could check.
        confined = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
        assert granted.get("Condition") == (confined if service.startswith("cloudwatch") else None)
