"""What people hear when something breaks, and that nothing breaks in silence."""

from __future__ import annotations

import json

import pytest
from fixtures import deployed, machine
from machine import ROOT, SERVICES, Machine, changed, contract, definition
from test_definition import CAUSE_OF_A_ROAD, MAX_PAYLOAD_BYTES, RETRIED

DELIVERIES = ("WriteJsonReport", "WriteCsvReport", "WriteHtmlReport", "PublishMetrics")
SNS_MAX_BYTES = 262_144


def test_a_cause_is_what_the_function_said_and_long_enough_for_what_is_allowed(machine: Machine) -> None:
    said = 'services holds "ec3"; allowed: ' + ", ".join(f"value-{number}" for number in range(60))
    assert 300 < len(said) < 2000
    machine.script(PlanScan=[{"error": "InvalidRequest", "message": said}])
    ended = machine.run()
    assert ended.cause == f"PlanScan: {said}"
    [message] = machine.take_messages()
    assert said in message["Message"]
    assert "correct it as the cause says" in message["Message"]


def test_a_cause_is_told_as_it_was_said(machine: Machine) -> None:
    said = 'audit-policy.toml, line 3:\n  "é" is no \\ of ours 😀'
    machine.script(PlanScan=[{"error": "InvalidPolicy", "message": said}])
    assert machine.run().cause == f"PlanScan: {said}"


def test_a_cause_that_is_a_sentence_is_told_as_it_is(machine: Machine) -> None:
    machine.script(PlanScan=[{"output": {"decision": "PROCEED"}}])
    ended = machine.run()
    assert ended.status == "FAILED"
    assert "errorMessage" not in ended.cause
    [message] = machine.take_messages()
    assert ended.cause.split(": ", 1)[1] in message["Message"]


def test_the_message_is_bounded_however_long_the_cause(machine: Machine) -> None:
    machine.script(PlanScan=[{"error": "Internal", "message": "é" * 100_000}])
    machine.run()
    [message] = machine.take_messages()
    assert len(message["Message"].encode()) < SNS_MAX_BYTES
    assert CAUSE_OF_A_ROAD / 10 < len(message["Message"]) < 5_000


def test_a_failed_alert_still_tells_what_the_scan_found_and_what_was_not_delivered(machine: Machine) -> None:
    broken = {"error": "AccessDenied", "message": "sns:Publish was denied"}
    machine.script(NotifyCritical=[broken], WriteCsvReport=[{"error": "Corrupt", "message": "findings.jsonl"}])
    machine.run()
    [message] = machine.take_messages()
    for told in ("COMPLETE scan, 40 open violations, 3 of them critical", "Not delivered: WriteCsvReport, Corrupt"):
        assert told in message["Message"]
    assert contract("plan-scan.output")["scanId"] in message["Message"]


def test_a_scan_that_broke_before_its_plan_claims_to_have_found_nothing(machine: Machine) -> None:
    machine.script(PlanScan=[{"error": "InvalidPolicy", "message": "audit-policy.toml: no such severity"}])
    machine.run()
    [message] = machine.take_messages()
    assert "no verdicts" in message["Message"]
    assert "audit-policy.toml" in message["Message"]


def test_a_decision_that_is_unknown_is_no_success(machine: Machine) -> None:
    machine.script(PlanScan=[{"output": {"decision": "PERHAPS"}}])
    assert machine.run().status == "FAILED"
    assert len(machine.take_messages()) == 1


@pytest.mark.parametrize(("place", "state"), list(enumerate(["ScanS3Shards", "ScanVpcShards", "ScanLambdaShards"])))
def test_a_listing_that_is_not_understood_is_a_gap_of_its_service_only(
    machine: Machine, place: int, state: str
) -> None:
    machine.script(ListTargets=[{"when": {"service": SERVICES[place]}, "output": {"surprise": True}}])
    assert machine.run().status == "SUCCEEDED"
    [aggregate] = machine.asked("AggregateFindings")
    branch = aggregate["branches"].pop(place)
    [failure] = branch["failures"]
    assert (branch["shards"], failure["state"], failure["error"]) == (None, state, "States.QueryEvaluationError")
    assert all(branch["failures"] == [] for branch in aggregate["branches"])


def test_when_every_service_fails_the_aggregation_hears_of_all_of_them(machine: Machine) -> None:
    machine.script(ListTargets=[{"error": "AccessDenied", "message": "denied"}])
    assert machine.run().status == "SUCCEEDED"
    [aggregate] = machine.asked("AggregateFindings")
    assert [branch["shards"] for branch in aggregate["branches"]] == [None] * 3
    assert [len(branch["failures"]) for branch in aggregate["branches"]] == [1] * 3


def test_when_no_delivery_succeeds_the_alert_names_all(machine: Machine) -> None:
    lost = [{"error": "Unavailable", "message": "s3:PutObject failed"}]
    machine.script(**dict.fromkeys(DELIVERIES, lost))
    ended = machine.run()
    assert (ended.status, ended.error) == ("FAILED", "DeliveryFailed")
    [alert] = machine.asked("NotifyCritical")
    assert tuple(failed["state"] for failed in alert["failedDeliveries"]) == DELIVERIES
    assert all("s3:PutObject failed" in failed["cause"] for failed in alert["failedDeliveries"])


def test_a_dry_run_runs(machine: Machine) -> None:
    machine.script(PlanScan=[changed("plan-scan.output", remediation="dry-run")])
    assert machine.run().status == "SUCCEEDED"
    assert len(machine.asked("RemediateS3Encryption")) == 1


@pytest.mark.parametrize("error", sorted(RETRIED))
def test_every_transient_error_is_tried_again(machine: Machine, error: str) -> None:
    machine.script(PlanScan=[{"error": error, "message": "later", "times": 1}])
    assert machine.run().status == "SUCCEEDED"
    assert len(machine.asked("PlanScan")) == 2


@pytest.mark.parametrize("error", ["States.Timeout", "Lambda.Unknown", "InvalidPolicy", "NotFound"])
def test_time_limits_and_mistakes_are_not_tried_again(machine: Machine, error: str) -> None:
    machine.script(ScanVpc=[{"error": error, "message": "no"}])
    assert machine.run().status == "SUCCEEDED"
    assert len(machine.asked("ScanVpc")) == 2, "one for each shard"


def test_payloads_stay_small_when_5000_resources_of_each_service_fail(machine: Machine) -> None:
    shards = list(range(1, 251))
    listed = [
        {"when": {"service": service}} | changed("list-targets.output", service=service, resources=5_000, shards=shards)
        for service in SERVICES
    ]
    failed = [{"error": "Internal", "message": "x" * 5_000}]
    machine.script(ListTargets=listed, ScanS3=failed, ScanVpc=failed, ScanLambda=failed)
    ended = machine.run()
    assert ended.status == "SUCCEEDED"
    states = [
        details[side]
        for event in ended.events
        for key in ("stateEnteredEventDetails", "stateExitedEventDetails")
        if (details := event.get(key))
        for side in ("input", "output")
        if side in details
    ]
    [aggregate] = machine.asked("AggregateFindings")
    assert [len(branch["failures"]) for branch in aggregate["branches"]] == [10] * 3
    assert [branch["shards"] for branch in aggregate["branches"]] == [250] * 3
    assert max(len(payload) for payload in [*states, json.dumps(aggregate)]) < MAX_PAYLOAD_BYTES


def test_every_error_of_ours_has_its_advice() -> None:
    source = (ROOT / "functions/shared/audit-task/src/error.rs").read_text()
    names = {line.split('"')[1] for line in source.splitlines() if "Self::" in line and '=> "' in line}
    assert "InvalidRequest" in names
    advice = definition()["States"]["ExplainFailure"]["Assign"]["advice"]
    assert set(advice) == names | {"other"}


def test_what_cannot_be_published_still_fails_with_its_own_error(machine: Machine) -> None:
    """The last test of this file: it takes the topic away."""
    machine.sns.delete_topic(TopicArn=machine.topic)
    machine.script(PlanScan=[{"error": "InvalidRequest", "message": "services is wrong"}])
    ended = machine.run()
    assert (ended.status, ended.error) == ("FAILED", "InvalidRequest")
    assert "services is wrong" in ended.cause
    assert "Nobody was told" in ended.cause
    assert ended.entered[-4:] == ["NotifyFailure", "SealEvidence", "HowDidItEnd", "ExecutionFailed"]
