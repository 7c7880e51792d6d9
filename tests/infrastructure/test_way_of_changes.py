"""The way of changes as it is deployed, on the local AWS: rules, queues, keys, pipe, and their policies.

The state machine is a stand-in, and the waits are cut short; all else is the template's.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from constraints.deployment import references
from local_aws import REGION, LocalAws
from synthesis import ROOT, Json, resources, template_of_everything

CALLS: list[Json] = json.loads((ROOT / "functions/shared/audit-changes/fixtures/calls.json").read_text())
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
Client = Callable[[str], Any]


def without_waits() -> Json:
    """What the template has for changes, with a state machine that does nothing."""
    everything = template_of_everything()["Resources"]
    [machine] = resources("AWS::StepFunctions::StateMachine", template_of_everything())
    kept: Json = {}
    wanted = [
        logical_id
        for logical_id, found in everything.items()
        if found["Type"] in ("AWS::Pipes::Pipe", "AWS::SQS::QueuePolicy")
        or "changed-" in found["Properties"].get("Name", "")
    ]
    while wanted:
        logical_id = wanted.pop()
        if logical_id in kept or logical_id == machine or logical_id not in everything:
            continue
        kept[logical_id] = copy.deepcopy(everything[logical_id])
        wanted += references(kept[logical_id])
        wanted += kept[logical_id].pop("DependsOn", [])
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    kept["StandInRole"] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    definition = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
    kept[machine] = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineName": everything[machine]["Properties"]["StateMachineName"],
            "RoleArn": {"Fn::GetAtt": ["StandInRole", "Arn"]},
            "DefinitionString": json.dumps(definition),
        },
    }
    for found in kept.values():
        if found["Type"] == "AWS::SQS::Queue" and "DelaySeconds" in found["Properties"]:
            found["Properties"]["DelaySeconds"] = 1
        if found["Type"] == "AWS::Pipes::Pipe":
            found["Properties"]["SourceParameters"]["SqsQueueParameters"]["MaximumBatchingWindowInSeconds"] = 2
    return {"Resources": kept}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """The local AWS with the stack of what changes need."""
    with LocalAws.start() as running:
        cloudformation = boto3.client("cloudformation", region_name=REGION, endpoint_url=running.endpoint, **KEYS)
        cloudformation.create_stack(
            StackName="changes", TemplateBody=json.dumps(without_waits()), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName="changes", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
        yield running


def executions(aws: LocalAws) -> list[list[Json]]:
    """The inputs of all executions."""
    states = boto3.client("stepfunctions", region_name=REGION, endpoint_url=aws.endpoint, **KEYS)
    [machine] = states.list_state_machines()["stateMachines"]
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine["stateMachineArn"])
    arns = [found["executionArn"] for page in pages for found in page["executions"]]
    return [json.loads(states.describe_execution(executionArn=arn)["input"]) for arn in arns]


def delivered(aws: LocalAws, ids: set[str]) -> list[list[Json]]:
    """The executions that tell of these events, when all of them have come."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = [batch for batch in executions(aws) if ids & {item["detail"]["eventID"] for item in batch}]
        if ids <= {item["detail"]["eventID"] for batch in found for item in batch}:
            return found
        time.sleep(0.5)
    raise AssertionError(f"not all of {len(ids)} events came within two minutes")


def send(aws: LocalAws, call: Json, event_id: str, **more: Any) -> None:
    """CloudTrail's event of a call."""
    detail = {
        "eventID": event_id,
        "eventTime": "2026-11-23T06:00:00Z",
        "eventSource": call["source"],
        "eventName": call["name"],
        "awsRegion": REGION,
        "sourceIPAddress": "203.0.113.7",
        "userIdentity": {"type": "Root", "principalId": "123456789012", "accountId": "123456789012"},
        "requestParameters": call["request"],
        "responseElements": call["response"],
        **more,
    }
    aws.send_event_of_aws(f"aws.{call['source'].partition('.')[0]}", "AWS API Call via CloudTrail", detail)


def test_every_call_of_the_table_comes_to_the_machine_and_failed_ones_do_not(aws: LocalAws) -> None:
    for number, call in enumerate(CALLS):
        send(aws, call, f"call-{number}")
        send(aws, call, f"failed-{number}", errorCode="AccessDenied")
    batches = delivered(aws, {f"call-{number}" for number in range(len(CALLS))})
    came = [item["detail"]["eventID"] for batch in batches for item in batch]
    assert not [found for found in came if found.startswith("failed-")]
    assert len(came) == len(set(came)) == len(CALLS)


def test_a_storm_makes_few_executions_and_loses_nothing(aws: LocalAws) -> None:
    """A thousand changes, as many as a large deployment makes, in ten batches and what the windows cut."""
    call = {"source": "s3.amazonaws.com", "name": "PutBucketPolicy", "response": None}
    policy = {"Statement": [{"Effect": "Deny", "Sid": "x" * 20_000}]}
    for number in range(1_000):
        request = {"bucketName": f"bucket-{number % 200}", "bucketPolicy": policy}
        send(aws, {**call, "request": request}, f"storm-{number}")
    batches = delivered(aws, {f"storm-{number}" for number in range(1_000)})
    assert max(map(len, batches)) <= 100
    assert len(batches) <= 25
    assert max(len(json.dumps(batch)) for batch in batches) <= 262_144
    assert {item["detail"]["named"].strip() for batch in batches for item in batch} == {
        f"bucket-{n}" for n in range(200)
    }


def test_nothing_became_a_dead_letter(aws: LocalAws) -> None:
    sqs = boto3.client("sqs", region_name=REGION, endpoint_url=aws.endpoint, **KEYS)
    url = sqs.get_queue_url(QueueName="dead-letters-queue-dev-pr42")["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
