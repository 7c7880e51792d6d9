"""Pipes from a queue to a state machine, and what rules put into such a queue."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Client, Deploy, document, make_role, resource
from local_aws import ACCOUNT_ID, REGION, LocalAws
from test_workflow import make_queue, until

Json = dict[str, Any]
FILE = Path(__file__).resolve().parents[2] / "infrastructure" / "change-events.json"
PASSES = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}


def may_take(queue: str) -> Json:
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    return {"Effect": "Allow", "Action": actions, "Resource": queue}


def may_start(machine: str) -> Json:
    return {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine}


class Piped:
    """A queue, a state machine, and a pipe between them."""

    def __init__(self, client: Client, name: str, machine: str) -> None:
        self.client, self.name, self.machine = client, name, machine
        self.queue = make_queue(client, name)
        self.url = client("sqs").get_queue_url(QueueName=name)["QueueUrl"]

    def pipe(self, *statements: Json, template: str | None = "<$.body>", size: int = 100, window: int = 1) -> None:
        role = make_role(self.client, f"{self.name}-pipe", "pipes.amazonaws.com", *statements)
        self.client("pipes").create_pipe(
            Name=self.name,
            RoleArn=role,
            Source=self.queue,
            SourceParameters={"SqsQueueParameters": {"BatchSize": size, "MaximumBatchingWindowInSeconds": window}},
            Target=self.machine,
            TargetParameters={
                "StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"},
                **({"InputTemplate": template} if template else {}),
            },
        )

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.client("sqs").send_message(QueueUrl=self.url, MessageBody=body)

    def inputs(self) -> list[Any]:
        """The inputs of the executions, the first first."""
        states = self.client("stepfunctions")
        found = states.list_executions(stateMachineArn=self.machine)["executions"]
        found.sort(key=lambda it: it["startDate"])
        return [json.loads(states.describe_execution(executionArn=it["executionArn"])["input"]) for it in found]

    def left(self) -> int:
        """Messages that are in the queue still, seen or unseen."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        got = self.client("sqs").get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(got[name]) for name in names)


@pytest.fixture
def piped(client: Client, machine: Callable[..., str], name: str) -> Piped:
    return Piped(client, name, machine(PASSES))


def test_a_full_batch_starts_one_execution_with_a_list(piped: Piped) -> None:
    piped.send(*(json.dumps({"number": number}) for number in range(25)))
    piped.pipe(may_take(piped.queue), may_start(piped.machine), size=20, window=300)
    [batch] = until(piped.inputs)
    assert sorted(item["number"] for item in batch) == list(range(20))
    assert piped.left() == 5, "the others wait until the window is over"


def test_the_window_ends_a_batch_that_is_not_full(piped: Piped) -> None:
    piped.pipe(may_take(piped.queue), may_start(piped.machine), window=2)
    began = time.monotonic()
    piped.send('{"number": 1}', "no JSON")
    [batch] = until(piped.inputs)
    assert time.monotonic() - began >= 2
    assert sorted(batch, key=str) == ["no JSON", {"number": 1}]
    assert until(lambda: piped.left() == 0)


def test_without_a_template_the_whole_record_is_the_item(piped: Piped) -> None:
    piped.pipe(may_take(piped.queue), may_start(piped.machine), template=None)
    piped.send('{"number": 1}')
    [[record]] = until(piped.inputs)
    assert (record["body"], record["eventSource"]) == ('{"number": 1}', "aws:sqs")
    assert record["eventSourceARN"] == piped.queue


def test_a_template_fills_in_what_is_there(piped: Piped) -> None:
    template = '{"n": <$.body.list[1].n>, "none": "<$.body.nowhere>"}'
    piped.pipe(may_take(piped.queue), may_start(piped.machine), template=template)
    piped.send('{"list": [{"n": 1}, {"n": 2}]}')
    [[item]] = until(piped.inputs)
    assert item == {"n": 2, "none": ""}


@pytest.mark.parametrize(
    "lacking", ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "states:StartExecution"]
)
def test_a_pipe_needs_every_permission(piped: Piped, lacking: str) -> None:
    taking = may_take(piped.queue)
    taking["Action"] = [action for action in taking["Action"] if action != lacking]
    starting = [] if lacking == "states:StartExecution" else [may_start(piped.machine)]
    piped.send("{}")
    piped.pipe(taking, *starting, window=0)
    time.sleep(3)
    assert piped.inputs() == []
    assert piped.left() == 1
    assert lacking in piped.client("pipes").describe_pipe(Name=piped.name)["StateReason"]


def test_a_batch_that_is_too_large_becomes_a_dead_letter(piped: Piped, client: Client) -> None:
    make_queue(client, f"{piped.name}-dead")
    redrive = {"deadLetterTargetArn": f"{piped.queue}-dead", "maxReceiveCount": 1}
    attributes = {"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(redrive)}
    client("sqs").set_queue_attributes(QueueUrl=piped.url, Attributes=attributes)
    piped.send(*(json.dumps({"text": "x" * 140_000}) for _ in range(2)))
    piped.pipe(may_take(piped.queue), may_start(piped.machine), size=2)
    dead = client("sqs").get_queue_url(QueueName=f"{piped.name}-dead")["QueueUrl"]
    assert until(lambda: client("sqs").receive_message(QueueUrl=dead).get("Messages"))
    assert piped.inputs() == []


def test_a_stack_makes_a_pipe_with_its_parameters(piped: Piped, client: Client, deploy: Deploy) -> None:
    role = make_role(client, f"{piped.name}-pipe", "pipes.amazonaws.com", may_take(piped.queue))
    parameters = {"SqsQueueParameters": {"BatchSize": 7, "MaximumBatchingWindowInSeconds": 3}}
    about: Json = {"RoleArn": role, "Source": piped.queue, "Target": piped.machine, "SourceParameters": parameters}
    made = deploy({"Pipe": resource("AWS::Pipes::Pipe", Name=piped.name, **about)})
    described = client("pipes").describe_pipe(Name=made["Pipe"])
    assert described["SourceParameters"] == parameters
    about = {**about, "TargetParameters": {"InputTemplate": "<$.body>"}}
    deploy({"Pipe": resource("AWS::Pipes::Pipe", Name=piped.name, **about)})
    described = client("pipes").describe_pipe(Name=made["Pipe"])
    assert described["TargetParameters"] == {"InputTemplate": "<$.body>"}


def tags_of(*ids: str) -> Json:
    return {
        "eventID": "b1a2c3d4-0000-4000-8000-0123456789ab",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "CreateTags",
        "requestParameters": {
            "resourcesSet": {"items": [{"resourceId": found} for found in ids]},
            "tagSet": {"items": [{"key": "Owner", "value": 'the "ledger" team'}]},
        },
        "responseElements": None,
    }


def test_a_rule_cuts_events_of_aws_down(aws: LocalAws, client: Client, piped: Piped) -> None:
    [rule] = [rule for rule in json.loads(FILE.read_text())["rules"] if rule["name"] == "changed-network-tags"]
    events = client("events")
    events.put_rule(Name=piped.name, EventPattern=json.dumps(rule["pattern"]))
    transformer = {"InputPathsMap": rule["paths"], "InputTemplate": rule["template"]}
    events.put_targets(Rule=piped.name, Targets=[{"Id": "q", "Arn": piped.queue, "InputTransformer": transformer}])
    piped.pipe(may_take(piped.queue), may_start(piped.machine))
    kind = "AWS API Call via CloudTrail"
    [refused] = events.put_events(Entries=[{"Source": "aws.ec2", "DetailType": kind, "Detail": "{}"}])["Entries"]
    assert refused["ErrorCode"] == "NotAuthorizedForSourceException"
    aws.send_event_of_aws("aws.ec2", kind, tags_of("vpc-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"))
    aws.send_event_of_aws("aws.ec2", kind, tags_of("i-0a1b2c3d4e5f60718"))
    [[item]] = until(piped.inputs)
    assert item["account"] == ACCOUNT_ID
    assert item["detail"]["eventName"] == "CreateTags"
    assert item["detail"]["named"].split() == ["vpc-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"]
    assert item["detail"]["userIdentity"]["principalId"] == ""
    assert "ledger" not in json.dumps(item)


def test_a_queue_that_does_not_admit_the_rule_gets_nothing(aws: LocalAws, client: Client, name: str) -> None:
    client("sqs").create_queue(QueueName=name, Attributes={"Policy": document()})
    dead = make_queue(client, f"{name}-dead")
    events = client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn, "DeadLetterConfig": {"Arn": dead}}])
    events.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": "{}"}])
    url = client("sqs").get_queue_url(QueueName=f"{name}-dead")["QueueUrl"]
    asked = {"QueueUrl": url, "MessageAttributeNames": ["All"]}
    [message] = until(lambda: client("sqs").receive_message(**asked).get("Messages"))
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
