"""State machines, rules that start them, and topics that tell of them."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from harness import Client, document, make_function, make_role
from local_aws import ACCOUNT_ID, REGION, LocalAws

Definition = dict[str, Any]
DEADLINE = 20.0

# A custom runtime whose function reports an error, as the Rust runtime does.
FAILS = """#!/usr/bin/env python3
import json, os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
error = {"errorType": "AccessDenied", "errorMessage": "no s3:GetBucketPolicy on bucket b"}
while True:
    with urllib.request.urlopen(f"{api}/next") as event:
        request = event.headers["Lambda-Runtime-Aws-Request-Id"]
    body = json.dumps(error).encode()
    urllib.request.urlopen(urllib.request.Request(f"{api}/{request}/error", body))
"""
ECHOES = "def handler(event, context): return {'got': event}"


def until(found: Callable[[], Any]) -> Any:
    """Ask until there is something, up to a deadline that only a failure reaches."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"nothing after {DEADLINE} s")


def run(client: Client, arn: str, payload: Any = None) -> dict[str, Any]:
    """Run an execution to its end."""
    states = client("stepfunctions")
    execution = states.start_execution(stateMachineArn=arn, input=json.dumps(payload or {}))
    return ended(client, execution["executionArn"])


def ended(client: Client, execution: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = client("stepfunctions").describe_execution(executionArn=execution)
        return None if found["status"] == "RUNNING" else dict(found)

    found: dict[str, Any] = until(look)
    return found


def may_invoke(arn: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn}


def invoke(arn: str, **more: Any) -> Definition:
    """A task that hands the function its input."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": arn, "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}",
        **more,
    }


def test_parallel_and_map_shape_their_output(client: Client, machine: Callable[..., str], name: str) -> None:
    function = make_function(client, name, ECHOES)
    branch = {
        "StartAt": "EachShard",
        "States": {
            "EachShard": {
                "Type": "Map",
                "Items": "{% $states.input.shards %}",
                "MaxConcurrency": 2,
                "ItemSelector": {
                    "shard": "{% $states.context.Map.Item.Value %}",
                    "scanId": "{% $scanId %}",
                },
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "INLINE"},
                    "StartAt": "Scan",
                    "States": {"Scan": invoke(function, End=True)},
                },
                "Output": {"shards": "{% $states.result.got.shard %}"},
                "End": True,
            }
        },
    }
    arn = machine(
        {
            "StartAt": "Plan",
            "States": {
                "Plan": {
                    "Type": "Pass",
                    "Assign": {"scanId": "{% $states.input.scanId %}"},
                    "Next": "Both",
                },
                "Both": {
                    "Type": "Parallel",
                    "Arguments": {"shards": "{% $states.input.list %}"},
                    "Branches": [branch, branch],
                    "Assign": {"count": "{% $count($states.result) %}"},
                    "Output": {
                        "branches": "{% $states.result %}",
                        "execution": "{% $states.context.Execution.Id %}",
                    },
                    "Next": "End",
                },
                "End": {
                    "Type": "Pass",
                    "Output": {
                        "branches": "{% $states.input.branches %}",
                        "count": "{% $count %}",
                        "same": "{% $states.input.execution = $states.context.Execution.Id %}",
                        "name": "{% $states.context.Execution.Name %}",
                        "machine": "{% $states.context.StateMachine.Id %}",
                        "began": "{% $exists($states.context.Execution.StartTime) %}",
                    },
                    "End": True,
                },
            },
        },
        may_invoke(function),
    )

    execution = run(client, arn, {"scanId": "s-1", "list": [1, 2, 3]})

    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    assert json.loads(execution["output"]) == {
        "branches": [{"shards": [1, 2, 3]}] * 2,
        "count": 2,
        "same": True,
        "name": execution["name"],
        "machine": arn,
        "began": True,
    }


def test_a_function_names_its_error(client: Client, machine: Callable[..., str], name: str) -> None:
    """``ErrorEquals`` compares with the errorType that the function reported.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    function = make_function(client, name, FAILS, custom=True)
    caught = {
        "ErrorEquals": ["AccessDenied"],
        "Output": {
            "error": "{% $states.errorOutput.Error %}",
            "cause": "{% $states.errorOutput.Cause %}",
        },
        "Next": "Record",
    }
    other = {"ErrorEquals": ["Throttled"], "Next": "Wrong"}
    arn = machine(
        {
            "StartAt": "Scan",
            "States": {
                "Scan": invoke(function, Catch=[other, caught], Next="Wrong"),
                "Record": {"Type": "Succeed"},
                "Wrong": {"Type": "Fail"},
            },
        },
        may_invoke(function),
    )

    execution = run(client, arn)

    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    output = json.loads(execution["output"])
    assert output["error"] == "AccessDenied"
    assert "no s3:GetBucketPolicy on bucket b" in output["cause"]


def test_a_machine_publishes_under_its_role(client: Client, machine: Callable[..., str], name: str) -> None:
    topic = client("sns").create_topic(Name=name)["TopicArn"]
    queue = make_queue(client, name)
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    definition = {
        "StartAt": "Notify",
        "States": {
            "Notify": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sns:publish",
                "Arguments": {
                    "TopicArn": topic,
                    "Subject": "{% 'Scan ' & $states.context.Execution.Name & ' failed' %}",
                    "Message": "{% $string($states.input.failure) %}",
                },
                "Next": "Failed",
            },
            "Failed": {
                "Type": "Fail",
                "Error": "ScanFailed",
                "Cause": "{% 'because' %}",
            },
        },
    }
    arn = machine(definition, {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic})

    execution = run(client, arn, {"failure": {"Error": "E"}})

    assert (execution["status"], execution["error"]) == ("FAILED", "ScanFailed")
    (message,) = until(lambda: receive(client, name))
    assert message["Subject"] == f"Scan {execution['name']} failed"
    assert json.loads(message["Message"]) == {"Error": "E"}


@pytest.mark.parametrize("resource", ["lambda", "sns"])
def test_a_machine_may_not_do_what_its_role_does_not_allow(
    client: Client, machine: Callable[..., str], name: str, resource: str
) -> None:
    if resource == "lambda":
        task = invoke(make_function(client, name, ECHOES), End=True)
        error = "Lambda.AWSLambdaException"
    else:
        topic = client("sns").create_topic(Name=name)["TopicArn"]
        task = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Arguments": {"TopicArn": topic, "Message": "m"},
            "End": True,
        }
        error = "SNS.AuthorizationErrorException"
    arn = machine({"StartAt": "It", "States": {"It": task}})

    execution = run(client, arn)

    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert "is not authorized to perform" in execution["cause"]


def test_an_execution_has_a_time_limit(client: Client, machine: Callable[..., str]) -> None:
    arn = machine(
        {
            "StartAt": "Wait",
            "TimeoutSeconds": 1,
            "States": {
                "Wait": {"Type": "Wait", "Seconds": 600, "Next": "Never"},
                "Never": {"Type": "Succeed"},
            },
        }
    )
    states = client("stepfunctions")
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    (running,) = states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
    assert running["executionArn"] == execution
    assert running["startDate"]

    assert ended(client, execution)["status"] == "TIMED_OUT"
    assert not states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]


@pytest.mark.parametrize("allowed", [True, False])
def test_a_rule_starts_a_machine_under_its_role(
    client: Client, machine: Callable[..., str], name: str, allowed: bool
) -> None:
    arn = machine({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    queue = make_queue(client, name)
    statement = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": arn}
    role = make_role(
        client,
        f"{name}-rule",
        "events.amazonaws.com",
        *([statement] if allowed else []),
    )
    events = client("events")
    events.put_rule(
        Name=name,
        EventPattern=json.dumps({"source": ["compliance.audit"], "detail": {"for": [name]}}),
    )
    put = events.put_targets(
        Rule=name,
        Targets=[
            {
                "Id": "machine",
                "Arn": arn,
                "RoleArn": role,
                "RetryPolicy": {
                    "MaximumRetryAttempts": 3,
                    "MaximumEventAgeInSeconds": 3600,
                },
                "DeadLetterConfig": {"Arn": queue},
            }
        ],
    )
    assert put["FailedEntryCount"] == 0
    events.put_events(
        Entries=[
            {
                "Source": "compliance.audit",
                "DetailType": "Compliance Scan Requested",
                "Detail": json.dumps({"for": name}),
            }
        ]
    )

    states = client("stepfunctions")
    if allowed:
        (execution,) = until(lambda: states.list_executions(stateMachineArn=arn)["executions"])
        found = states.describe_execution(executionArn=execution["executionArn"])
        assert json.loads(found["input"])["detail-type"] == "Compliance Scan Requested"
    else:
        (event,) = until(lambda: receive(client, name))
        assert event["detail"] == {"for": name}
        assert not states.list_executions(stateMachineArn=arn)["executions"]


def make_queue(client: Client, name: str) -> str:
    """Make a queue that takes messages from the services of this account."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"
    services = {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}
    statement = {
        "Effect": "Allow",
        "Principal": services,
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},
    }
    client("sqs").create_queue(QueueName=name, Attributes={"Policy": document(statement)})
    return arn


def receive(client: Client, name: str) -> list[dict[str, Any]]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return [json.loads(message["Body"]) for message in sqs.receive_message(QueueUrl=url).get("Messages", [])]


def test_an_address_has_to_confirm(client: Client, name: str) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    made = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="officer@example.com")
    assert made["SubscriptionArn"] == "pending confirmation"
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=make_queue(client, name))
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["SubscriptionsPending"], attributes["SubscriptionsConfirmed"]) == ("1", "1")


def test_segments_of_a_trace_are_taken(client: Client) -> None:
    answer = client("xray").put_trace_segments(TraceSegmentDocuments=["{}"])
    assert answer["UnprocessedTraceSegments"] == []


def test_queues_can_be_looked_into(aws: LocalAws, client: Client, name: str) -> None:
    make_queue(client, name)
    sqs = client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody="hello")
    assert "hello" in json.dumps(aws.queue_messages())


def test_metrics_in_the_protocol_of_the_sdk_for_rust(aws: LocalAws, client: Client) -> None:
    """https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html"""
    name = b"m"
    body = b"".join(
        (
            b"\xa2\x69Namespace\x63Rpc",
            b"\x6aMetricData\x81\xa2\x6aMetricName\x61" + name,
            b"\x65Value\x02",
        )
    )
    request = urllib.request.Request(
        f"{aws.endpoint}/service/GraniteServiceVersion20100801/operation/PutMetricData",
        body,
        {
            "Content-Type": "application/cbor",
            "Smithy-Protocol": "rpc-v2-cbor",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/monitoring/"
            "aws4_request, SignedHeaders=host, Signature=0",
        },
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    (metric,) = client("cloudwatch").list_metrics(Namespace="Rpc")["Metrics"]
    assert metric["MetricName"] == "m"
