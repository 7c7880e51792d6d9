"""Invocations that Lambda itself refuses: of a function that is inactive, and of one whose executions are all taken."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from harness import Client, make_function
from local_aws import LocalAws
from test_workflow import invoke, may_invoke, run, until

ECHOES = "def handler(event, context): return {'got': event}"
SLOW = "import time\ndef handler(event, context): time.sleep(2)"
WAKES_AFTER = 0.5


def state_of(client: Client, name: str) -> tuple[str, str | None]:
    """A function's state, and why it is in it."""
    found = client("lambda").get_function_configuration(FunctionName=name)
    return found["State"], found.get("StateReasonCode")


def refusal_of(client: Client, name: str) -> tuple[str, int]:
    """The error of an invocation, and its HTTP status."""
    with pytest.raises(ClientError) as refused:
        client("lambda").invoke(FunctionName=name)
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_an_inactive_function_is_woken_by_the_invocation_that_it_refuses(
    aws: LocalAws, client: Client, name: str
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html, and API_Invoke.html for the statuses"""
    make_function(client, name, ECHOES)
    until(lambda: state_of(client, name)[0] == "Active")
    aws.make_inactive([name], wakes_after_seconds=WAKES_AFTER)
    assert state_of(client, name) == ("Inactive", "Idle")

    assert refusal_of(client, name) == ("ResourceNotReadyException", 502)
    assert state_of(client, name) == ("Pending", "Restoring")
    assert refusal_of(client, name) == ("CodeArtifactUserPendingException", 409)
    until(lambda: state_of(client, name)[0] == "Active")
    assert json.load(client("lambda").invoke(FunctionName=name, Payload=b'"it"')["Payload"]) == {"got": "it"}


def test_nothing_unknown_is_made_inactive(aws: LocalAws, name: str) -> None:
    with pytest.raises(OSError, match="404"):
        aws.make_inactive([name], wakes_after_seconds=WAKES_AFTER)


def test_a_machine_sees_what_an_inactive_function_is_refused_with(
    aws: LocalAws, client: Client, machine: Callable[..., str], name: str
) -> None:
    function = make_function(client, name, ECHOES)
    until(lambda: state_of(client, name)[0] == "Active")
    aws.make_inactive([name], wakes_after_seconds=60)
    once = machine({"StartAt": "It", "States": {"It": invoke(function, End=True)}}, may_invoke(function))

    first, second = run(client, once), run(client, once)
    assert (first["error"], second["error"]) == (
        "Lambda.ResourceNotReadyException",
        "Lambda.CodeArtifactUserPendingException",
    )
    assert "(Service: AWSLambda; Status Code: 502; Error Code: ResourceNotReadyException;" in first["cause"]
    assert "It will be ready to invoke shortly." in second["cause"]


def test_reserved_executions_are_all_there_are_for_machines_too(
    client: Client, machine: Callable[..., str], name: str
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html, and
    https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html for the error's name"""
    function = make_function(client, name, SLOW, Timeout=10)
    client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    once = machine({"StartAt": "It", "States": {"It": invoke(function, Output={}, End=True)}}, may_invoke(function))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(run, client, once)
        time.sleep(0.5)
        second = run(client, once)
    assert first.result()["status"] == "SUCCEEDED"
    assert (second["status"], second["error"]) == ("FAILED", "Lambda.TooManyRequestsException")
    assert second["cause"].startswith("Rate Exceeded")
    assert "(Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException;" in second["cause"]


def test_a_retrier_waits_as_long_as_it_says(client: Client, machine: Callable[..., str], name: str) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html ("MaxDelaySeconds")"""
    function = make_function(client, name, "def handler(event, context): raise ValueError")
    retrier = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 30, "MaxAttempts": 3}
    bounded = invoke(function, Retry=[retrier | {"MaxDelaySeconds": 1}], End=True)
    begin = time.monotonic()
    ended = run(client, machine({"StartAt": "It", "States": {"It": bounded}}, may_invoke(function)))
    assert ended["status"] == "FAILED"
    assert 3 <= time.monotonic() - begin < 10


def test_waits_can_be_shortened(aws: LocalAws, client: Client, machine: Callable[..., str]) -> None:
    waits = machine(
        {
            "StartAt": "Wait",
            "States": {"Wait": {"Type": "Wait", "Seconds": 60, "Next": "Done"}, "Done": {"Type": "Succeed"}},
        }
    )
    aws.shorten_waits(0.001)
    try:
        assert run(client, waits)["status"] == "SUCCEEDED"
    finally:
        aws.shorten_waits(1)
