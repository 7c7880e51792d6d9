"""Waiting for functions that sleep, and for those whose executions are all taken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fixtures import deployed, machine
from machine import SERVICES, WAITS, Json, Machine, contract, function_names
from test_definition import LONGEST_WAKING_SEEN_SECONDS

# A shard of functions takes 100 seconds; a rollback may take 15 minutes.
SHARD_SECONDS = 100 * WAITS
ROLLBACK_SECONDS = 900 * WAITS
SCANS = ("ScanS3", "ScanVpc", "ScanLambda")


@pytest.fixture
def one_execution_each(machine: Machine) -> Iterator[Machine]:
    """Every function has one execution reserved, of which two executions of the machine want to have more."""
    for name in function_names():
        machine.functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    yield machine
    for name in function_names():
        machine.functions.delete_function_concurrency(FunctionName=name)


def slowly(answer: Json, seconds: float) -> list[Json]:
    """An answer that takes its time."""
    return [answer | {"after": seconds}]


def test_two_scans_side_by_side_wait_for_each_other_and_miss_nothing(one_execution_each: Machine) -> None:
    machine = one_execution_each
    scanned = {"output": contract("scan-shard.output")}
    machine.script(**{name: slowly(scanned, SHARD_SECONDS) for name in SCANS})
    both = [machine.start(), machine.start()]
    assert [machine.end_of(arn).status for arn in both] == ["SUCCEEDED"] * 2
    aggregated = machine.asked("AggregateFindings")
    assert len(aggregated) == 2
    for asked in aggregated:
        assert asked["branches"] == [
            {"service": service, "planned": True, "shards": 2, "failures": []} for service in SERVICES
        ]
    for name in SCANS:
        assert sorted(asked["shard"] for asked in machine.asked(name)) == [1, 1, 2, 2]


def test_a_rollback_waits_for_the_one_that_is_running(one_execution_each: Machine) -> None:
    machine = one_execution_each
    machine.script(
        PlanScan=[{"output": contract("plan-scan.rollback")}],
        RollbackS3Encryption=slowly({"output": contract("rollback-s3-encryption.output")}, ROLLBACK_SECONDS),
    )
    both = [machine.start(), machine.start()]
    assert [machine.end_of(arn).status for arn in both] == ["SUCCEEDED"] * 2
    assert len(machine.asked("RollbackS3Encryption")) == 2


@pytest.mark.parametrize(
    ("planned", "told"), [("plan-scan.output", "NotifyCritical"), ("plan-scan.rollback", "RollbackS3Encryption")]
)
def test_functions_that_sleep_are_woken_and_asked(machine: Machine, planned: str, told: str) -> None:
    machine.script(PlanScan=[{"output": contract(planned)}])
    machine.aws.make_inactive(function_names(), wakes_after_seconds=LONGEST_WAKING_SEEN_SECONDS * WAITS)
    ended = machine.run()
    assert (ended.status, ended.error) == ("SUCCEEDED", "")
    assert len(machine.asked(told)) == 1
    for asked in machine.asked("AggregateFindings"):
        assert all(branch["failures"] == [] for branch in asked["branches"])
