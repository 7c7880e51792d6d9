"""What starts a scan or a rollback, and who is told; how the rules deliver, `constraints/triggers.py` walks."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from local_aws import REGION, LocalAws
from synthesis import ROOT, Json, named, properties, resources, synthesize, template, template_of_everything, text

RULES = ("scheduled-scan", "requested-scan")
CHANGES: Json = json.loads((ROOT / "infrastructure" / "change-events.json").read_text())
CALLS: list[Json] = json.loads((ROOT / "functions/shared/audit-changes/fixtures/calls.json").read_text())
"""An event of every call, and what it changes."""


def rule(what: str) -> Json:
    """A rule's properties."""
    return named("AWS::Events::Rule", "Name")[f"{what}-rule-dev-pr42"]


def type_of(reference: object) -> str:
    """The type of the resource that a property refers to."""
    kind: str = template()["Resources"][text(reference).strip("{}").split(".")[0]]["Type"]
    return kind


def test_there_are_no_other_rules() -> None:
    assert len(resources("AWS::Events::Rule")) == len(RULES) + len(CHANGES["rules"])


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


# --- Changes --------------------------------------------------------------------------------------------------------


def of_changes(kind: str, like: str) -> Json:
    """The properties of a resource of the way of changes, by its name."""
    key = {"AWS::Events::Rule": "Name", "AWS::SQS::Queue": "QueueName", "AWS::Pipes::Pipe": "Name"}[kind]
    return named(kind, key, template_of_everything())[f"{like}-dev-pr42"]


def refers(reference: object, kind: str, name: str) -> bool:
    """Whether a property refers to the resource of a type and a name."""
    logical_id = text(reference).strip("{}").split(".")[0]
    found = resources(kind, template_of_everything())
    return f'"{name}-dev-pr42"' in json.dumps(found.get(logical_id, {}))


def test_changes_start_nothing_where_they_are_not_to() -> None:
    without = synthesize(changeScans=False)
    assert len(resources("AWS::Events::Rule", without)) == len(RULES)
    assert not resources("AWS::Pipes::Pipe", without)
    assert not [queue for queue in properties("AWS::SQS::Queue", without) if "changes" in text(queue["QueueName"])]


@pytest.mark.parametrize("rule", CHANGES["rules"], ids=[rule["name"] for rule in CHANGES["rules"]])
def test_a_rule_delivers_changes_cut_down_into_their_queue(rule: Json) -> None:
    found = of_changes("AWS::Events::Rule", f"{rule['name']}-rule")
    assert found["EventPattern"] == rule["pattern"]
    assert found["State"] == "ENABLED", "with read-only calls it would be another state"
    [target] = found["Targets"]
    assert target["InputTransformer"] == {"InputPathsMap": rule["paths"], "InputTemplate": rule["template"]}
    assert refers(target["Arn"], "AWS::SQS::Queue", "changes-queue")
    assert "RoleArn" not in target


def test_every_call_of_the_table_matches_its_rule_and_failed_ones_none() -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"""
    with LocalAws.start() as aws:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        events = boto3.client("events", region_name=REGION, endpoint_url=aws.endpoint, **keys)

        def matched(event: Json) -> list[str]:
            return [
                rule["name"]
                for rule in CHANGES["rules"]
                if events.test_event_pattern(EventPattern=json.dumps(rule["pattern"]), Event=json.dumps(event))[
                    "Result"
                ]
            ]

        for call in CALLS:
            service = call["source"].partition(".")[0]
            detail: Json = {
                "eventSource": call["source"],
                "eventName": call["name"],
                "requestParameters": call["request"],
                "responseElements": call["response"],
            }
            event: Json = {
                "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
                "account": "123456789012",
                "source": f"aws.{service}",
                "time": "2026-11-23T06:00:00Z",
                "region": REGION,
                "resources": [],
                "detail-type": "AWS API Call via CloudTrail",
                "detail": detail,
            }
            assert len(matched(event)) == 1, call
            # Nobody but AWS puts events with a source of AWS's.
            assert matched({**event, "source": "company.tool"}) == []
            assert matched({**event, "detail": {**detail, "errorCode": "AccessDenied"}}) == []
        instance = {"resourcesSet": {"items": [{"resourceId": "i-0a1b2c3d4e5f60718"}]}}
        tags = {"eventSource": "ec2.amazonaws.com", "eventName": "CreateTags", "requestParameters": instance}
        assert matched({**event, "detail": tags}) == [], "the tags of instances"


@pytest.mark.parametrize("settling", [60, 90])
def test_a_change_settles_before_it_is_read(settling: int) -> None:
    """The last call of a window as long as the settling time may come a window later, and has to settle then."""
    within = synthesize(changeScans=True, changeSettlingSeconds=settling)
    queue = named("AWS::SQS::Queue", "QueueName", within)["changes-queue-dev-pr42"]
    assert queue["DelaySeconds"] == settling + settling


def test_what_starts_no_scan_is_kept_as_a_dead_letter() -> None:
    redrive = of_changes("AWS::SQS::Queue", "changes-queue")["RedrivePolicy"]
    assert redrive["maxReceiveCount"] > 1
    assert refers(redrive["deadLetterTargetArn"], "AWS::SQS::Queue", "dead-letters-queue")


def test_a_pipe_starts_one_execution_for_up_to_a_hundred_changes() -> None:
    pipe = of_changes("AWS::Pipes::Pipe", "changes-pipe")
    assert refers(pipe["Source"], "AWS::SQS::Queue", "changes-queue")
    assert refers(pipe["Target"], "AWS::StepFunctions::StateMachine", "compliance-audit-state-machine")
    batches = pipe["SourceParameters"]["SqsQueueParameters"]
    window = batches["MaximumBatchingWindowInSeconds"]
    assert batches == {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 30}
    queue = of_changes("AWS::SQS::Queue", "changes-queue")
    assert queue["VisibilityTimeout"] > window, "or a batch would come again while it is gathered"
    assert pipe["TargetParameters"] == {
        "InputTemplate": "<$.body>",
        "StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"},
    }


def test_the_pipe_may_take_from_its_queue_and_start_and_nothing_else() -> None:
    policies = named("AWS::IAM::ManagedPolicy", "ManagedPolicyName", template_of_everything())
    statements = policies["scan-changes-policy-dev-pr42"]["PolicyDocument"]["Statement"]
    assert [statement["Action"] for statement in statements] == [
        ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        "kms:Decrypt",
        "states:StartExecution",
    ]
    assert "*" not in [statement["Resource"] for statement in statements]


def test_our_own_roles_are_those_of_functions() -> None:
    """Their changes start nothing; the reader of events knows them by these names."""
    roles = named("AWS::IAM::Role", "RoleName")
    assert {f"{function}-role-dev-pr42" for function in CHANGES["ourFunctions"]} <= set(roles)


def test_what_is_lost_on_its_way_is_an_alarm() -> None:
    alarms = named("AWS::CloudWatch::Alarm", "AlarmName", template_of_everything())
    waiting = alarms["changes-waiting-alarm-dev-pr42"]
    assert (waiting["MetricName"], waiting["Threshold"]) == ("ApproximateAgeOfOldestMessage", 2 * 60 + 15 * 60)
    lost = [
        metric["MetricStat"] for metric in alarms["lost-changes-alarm-dev-pr42"]["Metrics"] if "MetricStat" in metric
    ]
    assert {metric["Metric"]["MetricName"] for metric in lost} == {"InvocationsFailedToBeSentToDlq"}
    assert len(lost) == len(CHANGES["rules"]) <= 10, "an alarm has ten metrics at most"
