"""What can be told from the definition without running it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from machine import ROOT, Json, contract, definition

# What Lambda refuses an invocation with, by how long it lasts. Throttled and Unavailable are ours.
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
TRANSIENT = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Throttled",
    "Unavailable",
}
# A function that sleeps, or whose network is not there yet.
# https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html and, for the names,
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html ("Errors")
ASLEEP = {
    "Lambda.ResourceNotReadyException",
    "Lambda.CodeArtifactUserPendingException",
    "Lambda.ENINotReadyException",
    "Lambda.ResourceConflictException",
}
# No free execution. https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
BUSY = {"Lambda.TooManyRequestsException"}
RETRIED = TRANSIENT | ASLEEP | BUSY
# https://github.com/aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws/issues/801
LONGEST_WAKING_SEEN_SECONDS = 106
SCAN_INTERVAL_SECONDS = 6 * 3600

# What a state may hand on, and the events that an execution may have.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
PAYLOAD_QUOTA_BYTES = 256 * 1024
HISTORY_QUOTA = 25_000
MAX_PAYLOAD_BYTES = 32 * 1024

# 100 buckets or functions are one shard, and 20 VPCs (functions/list-targets).
SHARDS_OF_A_LARGE_SERVICE = 250
# The most that infrastructure/README.md allows.
MAX_MAP_CONCURRENCY = 7
CARRIED_FAILURES = 10
CAUSE_OF_A_SHARD, CAUSE_OF_A_BRANCH, CAUSE_OF_A_ROAD = 300, 1_000, 4_000


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
    return [(name, state) for name, state in tasks() if is_function(state)]


def is_function(state: Json) -> bool:
    """Whether a state calls a function of ours."""
    return str(state.get("Resource", "")).endswith("lambda:invoke")


def maps() -> list[Json]:
    """Every Map state."""
    return [state for scope in scopes(definition()) for state in scope["States"].values() if state["Type"] == "Map"]


# --- Retries --------------------------------------------------------------------------------------------------------


def test_every_function_is_retried_in_the_same_way() -> None:
    ways = {json.dumps(state["Retry"]) for _, state in function_tasks()}
    assert len(ways) == 1
    assert [set(retrier["ErrorEquals"]) for retrier in json.loads(ways.pop())] == [TRANSIENT, ASLEEP, BUSY]


def retriers() -> list[Json]:
    """The retriers of every function: for what is transient, for one that sleeps, for no free execution."""
    _, state = function_tasks()[0]
    return list(state["Retry"])


def least_wait(retrier: Json) -> float:
    """The seconds that a retrier waits in all, at least: with full jitter a wait may be none.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    if retrier.get("JitterStrategy") == "FULL":
        return 0
    waits = (retrier["IntervalSeconds"] * retrier["BackoffRate"] ** retry for retry in range(retrier["MaxAttempts"]))
    return float(sum(min(wait, retrier["MaxDelaySeconds"]) for wait in waits))


def test_what_is_transient_is_tried_again_soon_and_by_no_two_at_once() -> None:
    transient, _, _ = retriers()
    assert transient["JitterStrategy"] == "FULL"
    assert transient["BackoffRate"] > 1
    assert transient["MaxAttempts"] >= 3
    assert transient["MaxDelaySeconds"] <= 60


def test_a_function_that_sleeps_is_given_several_minutes_to_wake() -> None:
    _, asleep, _ = retriers()
    assert 2 * LONGEST_WAKING_SEEN_SECONDS <= least_wait(asleep) <= 10 * 60


def test_waiting_for_a_free_execution_outlasts_the_longest_tasks() -> None:
    """A function that reserves one execution may have a task running, and others waiting for it."""
    _, _, busy = retriers()
    longest_task = max(state["TimeoutSeconds"] for _, state in function_tasks())
    assert 3 * longest_task <= least_wait(busy) < definition()["TimeoutSeconds"] / 2


def longest(scope: Json, seconds: Callable[[Json], float]) -> float:
    """The longest road through a scope; every shard of a Map that is scanned at once takes the same time."""

    def onward(name: str) -> float:
        state = scope["States"][name]
        inner = [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]
        within = max((longest(each, seconds) for each in inner), default=seconds(state))
        return within + max((onward(following_name) for following_name in following(state)), default=0)

    return onward(scope["StartAt"])


def test_the_machines_limit_leaves_room_for_another_execution_and_for_functions_that_sleep() -> None:
    """Beside another execution each task may have to wait for the other one's, which then is ahead: a road in all."""
    _, asleep, _ = retriers()
    road = longest(definition(), lambda state: state.get("TimeoutSeconds", 0))
    waking = longest(definition(), lambda state: least_wait(asleep) if is_function(state) else 0)
    assert 2 * road + waking <= definition()["TimeoutSeconds"] <= SCAN_INTERVAL_SECONDS * 2 / 3


def test_the_history_has_room_for_a_large_scan_that_waits_all_the_time() -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html ("type")"""
    of_a_shard = (
        7  # MapIterationStarted, TaskStateEntered, TaskScheduled, -Started, -Succeeded, -StateExited, …Succeeded
    )
    of_a_retry = 3  # TaskScheduled, TaskStarted, TaskFailed
    _, _, busy = retriers()
    retries = definition()["TimeoutSeconds"] / busy["MaxDelaySeconds"]
    of_the_rest = 500
    events = 3 * (of_a_shard * SHARDS_OF_A_LARGE_SERVICE + of_a_retry * retries * MAX_MAP_CONCURRENCY) + of_the_rest
    assert events < HISTORY_QUOTA


# --- What is caught -------------------------------------------------------------------------------------------------


def caught(state: Json, *, of_a_shard: bool) -> Json:
    """The one shape in which an error is caught: what the machine knows of it, and the raw cause cut short."""
    [next_state] = [catcher["Next"] for catcher in state["Catch"]]
    breaks_the_road = next_state in ("ExplainFailure", "SealEvidence", "EvidenceNotSealed")
    length = CAUSE_OF_A_SHARD if of_a_shard else CAUSE_OF_A_ROAD if breaks_the_road else CAUSE_OF_A_BRANCH
    output = {
        "state": "{% $states.context.State.Name %}",
        "error": "{% $states.errorOutput.Error %}",
        "cause": f"{{% $substring($states.errorOutput.Cause & '', 0, {length}) %}}",
    }
    if of_a_shard:
        output["shard"] = "{% $states.input.shard %}"
    return {"ErrorEquals": ["States.ALL"], "Output": output, "Next": next_state}


def test_everything_that_can_fail_is_caught_in_the_same_way() -> None:
    shards = [each for state in maps() for each in state["ItemProcessor"]["States"]]
    for scope in scopes(definition()):
        for name, state in scope["States"].items():
            if state["Type"] in ("Task", "Map", "Parallel"):
                assert state["Catch"] == [caught(state, of_a_shard=name in shards)], name


def test_causes_are_explained_in_one_place() -> None:
    """The functions explain those that they are handed: functions/shared/audit-model/src/cause.rs."""
    explaining = [name for name, state in definition()["States"].items() if "errorMessage" in json.dumps(state)]
    assert explaining == ["ExplainFailure"]


@pytest.mark.parametrize(("name", "state"), tasks())
def test_every_task_has_a_time_limit(name: str, state: Json) -> None:
    assert 0 < state["TimeoutSeconds"] < definition()["TimeoutSeconds"]


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
    ours = {name for name in RETRIED if not name.startswith("Lambda.")}
    assert all(f'=> "{name}"' in source for name in ours)


# --- Payloads -------------------------------------------------------------------------------------------------------


def failure(state: str, cause: int, **shard: int) -> Json:
    """A caught error at its worst: every character of the cause takes two bytes."""
    return {"state": state, **shard, "error": "Lambda.CodeArtifactUserPendingException", "cause": '"' * cause}


def payloads_of_a_large_scan() -> dict[str, Any]:
    """Every payload at its worst: three large services, of which every shard fails."""
    shards = list(range(1, SHARDS_OF_A_LARGE_SERVICE + 1))
    of_a_shard = failure("ScanLambda", CAUSE_OF_A_SHARD, shard=SHARDS_OF_A_LARGE_SERVICE)
    branches = [
        {"service": service, "planned": True, "shards": len(shards), "failures": [of_a_shard] * CARRIED_FAILURES}
        for service in ("s3", "vpc", "lambda")
    ]
    delivered = [failure("WriteJsonReport", CAUSE_OF_A_BRANCH)] * 4
    return {
        "output of a listing": contract("list-targets.output") | {"resources": 5_000, "shards": shards},
        "input of AggregateFindings": contract("aggregate-findings.input") | {"branches": branches},
        "input of NotifyCritical": contract("notify-critical.input")
        | {"failedDeliveries": delivered, "remediation": failure("RemediateS3Encryption", CAUSE_OF_A_BRANCH)},
        "input of ExplainFailure": failure("AggregateFindings", CAUSE_OF_A_ROAD),
    }


@pytest.mark.parametrize(("what", "payload"), payloads_of_a_large_scan().items())
def test_payloads_stay_small_whatever_fails(what: str, payload: Any) -> None:
    assert len(json.dumps(payload)) < MAX_PAYLOAD_BYTES


def test_what_a_map_gathers_stays_within_the_quota_when_every_shard_fails() -> None:
    """What a Map hands on is cut to the first failures, but what its shards came to is gathered before that."""
    of_a_shard = failure("ScanLambda", CAUSE_OF_A_SHARD, shard=SHARDS_OF_A_LARGE_SERVICE)
    assert len(json.dumps([of_a_shard] * SHARDS_OF_A_LARGE_SERVICE)) < PAYLOAD_QUOTA_BYTES
    assert len(json.dumps([contract("scan-shard.output")] * SHARDS_OF_A_LARGE_SERVICE)) < PAYLOAD_QUOTA_BYTES
    for state in maps():
        assert f"$failed[[0..{CARRIED_FAILURES - 1}]]" in state["Output"]
