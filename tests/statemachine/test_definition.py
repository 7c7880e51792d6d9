"""What can be told from the definition without running it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from machine import ROOT, Json, contract, definition

# Lambda's own errors are those that AWS recommends to retry.
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
TRANSIENT_ERRORS = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Throttled",
    "Unavailable",
}
MAX_PAYLOAD_BYTES = 32 * 1024


def scopes(machine: Json) -> Iterator[Json]:
    """The machine and every machine within it."""
    yield machine
    for state in machine["States"].values():
        for inner in [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]:
            yield from scopes(inner)


def tasks() -> list[tuple[str, Json]]:
    """Every Task state by name."""
    return [
        (name, state)
        for scope in scopes(definition())
        for name, state in scope["States"].items()
        if state["Type"] == "Task"
    ]


def function_tasks() -> list[tuple[str, Json]]:
    """Every Task state that calls a function of ours."""
    return [(name, state) for name, state in tasks() if state["Resource"].endswith("lambda:invoke")]


@pytest.mark.parametrize(("name", "state"), function_tasks())
def test_functions_are_retried_on_what_is_transient_and_on_nothing_else(name: str, state: Json) -> None:
    [retrier] = state["Retry"]
    assert set(retrier["ErrorEquals"]) == TRANSIENT_ERRORS
    assert retrier["JitterStrategy"] == "FULL"
    assert retrier["BackoffRate"] > 1
    assert retrier["MaxAttempts"] >= 3
    assert retrier["MaxDelaySeconds"] <= 60


@pytest.mark.parametrize(("name", "state"), tasks())
def test_every_task_has_a_time_limit_and_catches_everything(name: str, state: Json) -> None:
    assert 0 < state["TimeoutSeconds"] < definition()["TimeoutSeconds"]
    assert [catcher["ErrorEquals"] for catcher in state["Catch"]] == [["States.ALL"]]


def test_every_state_is_reached_and_every_next_exists() -> None:
    for scope in scopes(definition()):
        states = scope["States"]
        reached = set()
        waiting = [scope["StartAt"]]
        while waiting:
            name = waiting.pop()
            assert name in states, f"{name} does not exist"
            if name not in reached:
                reached.add(name)
                waiting += following(states[name])
        assert reached == set(states)


def following(state: Json) -> list[str]:
    """The states that may come after this one."""
    rules = [*state.get("Choices", []), *state.get("Catch", [])]
    return [rule["Next"] for rule in rules] + [state[key] for key in ("Next", "Default") if key in state]


def test_state_names_are_unique_over_all_scopes() -> None:
    names = [name for scope in scopes(definition()) for name in scope["States"]]
    assert len(names) == len(set(names))


def test_error_names_of_ours_are_those_that_functions_raise() -> None:
    source = (ROOT / "functions/shared/audit-task/src/error.rs").read_text()
    ours = {name for name in TRANSIENT_ERRORS if not name.startswith("Lambda.")}
    assert all(f'=> "{name}"' in source for name in ours)


def payloads_of_a_large_scan() -> dict[str, Any]:
    """Every payload at its worst: 5,000 resources of each service in shards of the listing's size, all failed."""
    shards = list(range(1, 5_000 // 20 + 1))
    scan_id = contract("plan-scan.output")["scanId"]
    failure = {"state": "ScanLambda", "shard": 250, "error": "Lambda.TooManyRequestsException", "cause": "x" * 300}
    branches = [
        {"service": service, "planned": True, "shards": len(shards), "failures": [failure] * 10}
        for service in ("s3", "vpc", "lambda")
    ]
    scanned = contract("scan-shard.output") | {"shard": 250, "resources": 20, "findings": 20_000}
    return {
        "output of a listing": contract("list-targets.output") | {"resources": 5_000, "shards": shards},
        "output of a Map": [scanned] * len(shards),
        "input of AggregateFindings": contract("aggregate-findings.input") | {"branches": branches},
        "input of NotifyCritical": contract("notify-critical.input")
        | {"failedDeliveries": [{"delivery": "WriteJsonReport", "error": "x" * 100, "cause": "x" * 300}] * 3},
        "scan id": scan_id,
    }


@pytest.mark.parametrize(("what", "payload"), payloads_of_a_large_scan().items())
def test_payloads_stay_small_with_5000_resources_of_each_service(what: str, payload: Any) -> None:
    assert len(json.dumps(payload)) < MAX_PAYLOAD_BYTES
