"""The way back: every path of a rollback, and what people hear of it."""

from __future__ import annotations

import pytest
from fixtures import deployed, machine
from machine import Json, Machine, changed, contract, picked_by
from test_failures import SNS_MAX_BYTES

# The longest that infrastructure/README.md allows, 17 characters, with the hyphen between its two parts.
LONGEST_SYSTEM_NAME = 18
SUBJECT_MAX = 100  # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: fewer than that

TRIGGER: Json = {
    "source": "compliance.audit",
    "detail-type": "Compliance Remediation Rollback Requested",
    "detail": {"scanId": contract("plan-scan.rollback")["scanId"]},
}
ROLLBACK = [
    "PlanScan",
    "WhatIsPlanned",
    "RollbackS3Encryption",
    "NotifyRollback",
    "PublishRollbackMetrics",
    "SealEvidence",
    "HowDidItEnd",
]
BROKE_OFF = ["ExplainFailure", "NotifyFailure", "SealEvidence", "HowDidItEnd", "ExecutionFailed"]
DENIED = {"error": "AccessDenied", "message": "s3:PutEncryptionConfiguration was denied"}
OF_A_SCAN = ("ListTargets", "ScanS3", "AggregateFindings", "RemediateS3Encryption", "WriteJsonReport", "NotifyCritical")


def script(machine: Machine, mode: str = "apply", **came_to: object) -> None:
    """PlanScan plans a rollback in this mode, which comes to what the contract says but for some values."""
    machine.script(
        PlanScan=[changed("plan-scan.rollback", mode=mode)],
        RollbackS3Encryption=[changed("rollback-s3-encryption.output", mode=mode, **came_to)],
    )


def test_a_rollback_restores_tells_people_and_counts(machine: Machine) -> None:
    script(machine)
    ended = machine.run(TRIGGER)
    assert (ended.status, ended.entered) == ("SUCCEEDED", [*ROLLBACK, "RollbackDone"])
    assert ended.output == contract("rollback-s3-encryption.output")
    [plan] = machine.asked("PlanScan")
    assert plan["input"] == TRIGGER, "nobody but PlanScan reads triggers"
    assert machine.asked("RollbackS3Encryption") == [contract("rollback-s3-encryption.input")]
    assert machine.asked("PublishMetrics") == [contract("publish-metrics.rollback")]
    for function in OF_A_SCAN:
        assert machine.asked(function) == [], f"{function} is no part of a rollback"


def test_people_hear_who_took_back_what_and_what_that_means(machine: Machine) -> None:
    script(machine)
    machine.run(TRIGGER)
    [message] = machine.take_messages()
    assert message["Subject"] == "test-local: encryption of S3 buckets: 1 rolled back"
    assert picked_by(message) == ("rollback", "NONE", ["s3"])
    plan, came_to = contract("plan-scan.rollback"), contract("rollback-s3-encryption.output")
    for told in (
        plan["requestedBy"],
        plan["scanId"],
        plan["rollbackId"],
        "1 rolled back, 0 would be rolled back, 2 skipped, 0 failed",
        f"{came_to['records']} in the reports bucket",
        came_to["recordsSha256"],
        "/states/home",
        "default encryption again that they had before",
        "stay encrypted with the key of the bucket, which is not deleted",
        "For 90 days scans leave these buckets alone, unless a request names them in `reapply`",
        "why buckets were skipped",
    ):
        assert told in message["Message"]
    assert machine.arn.split(":")[4] in message["Message"].partition("\n")[0], "which account"
    assert "Nothing was changed" not in message["Message"]


def test_a_rollback_that_left_nothing_to_do_says_so(machine: Machine) -> None:
    script(machine, skipped=0)
    assert machine.run(TRIGGER).status == "SUCCEEDED"
    [message] = machine.take_messages()
    assert message["Message"].endswith("What to do:    Nothing.")


def test_a_dry_run_says_what_would_happen_and_that_nothing_did(machine: Machine) -> None:
    script(machine, "dry-run", rolledBack=0, wouldRollBack=3)
    ended = machine.run(TRIGGER)
    assert (ended.status, ended.entered[-1]) == ("SUCCEEDED", "RollbackDone")
    [message] = machine.take_messages()
    assert message["Subject"] == "test-local: dry run, encryption of S3 buckets: 3 would be rolled back"
    for told in ("A dry run", "Nothing was changed", "0 rolled back, 3 would be rolled back"):
        assert told in message["Message"]
    for untrue in ("reapply", "again that they had"):
        assert untrue not in message["Message"]


def test_a_bucket_that_could_not_be_restored_fails_the_execution_after_people_were_told(machine: Machine) -> None:
    script(machine, failed=2)
    ended = machine.run(TRIGGER)
    assert (ended.status, ended.error) == ("FAILED", "RollbackIncomplete")
    assert ended.entered == [*ROLLBACK, "RollbackIncomplete"]
    assert "failed for 2" in ended.cause
    assert contract("rollback-s3-encryption.output")["records"] in ended.cause
    [message] = machine.take_messages()
    assert message["Subject"] == "test-local: encryption of S3 buckets: 1 rolled back, failed for 2"
    assert "2 failed" in message["Message"]
    assert "which buckets failed, and why" in message["Message"]
    [published] = machine.asked("PublishMetrics")
    assert published["rollback"]["failed"] == 2


def test_a_rollback_that_does_not_say_what_failed_is_no_success(machine: Machine) -> None:
    came_to = contract("rollback-s3-encryption.output")
    del came_to["failed"]
    machine.script(PlanScan=[{"output": contract("plan-scan.rollback")}], RollbackS3Encryption=[{"output": came_to}])
    assert machine.run(TRIGGER).status == "FAILED"


@pytest.mark.parametrize(("mode", "counted"), [("apply", "rolledBack"), ("dry-run", "wouldRollBack")])
def test_the_subject_fits_whatever_the_counts(machine: Machine, mode: str, counted: str) -> None:
    """An account has 10,000 buckets unless AWS allows more, so that not both numbers can have five digits."""
    script(machine, mode, **{counted: 10_000, "failed": 9_999})
    machine.run(TRIGGER)
    [message] = machine.take_messages()
    assert message["Subject"].isascii()
    assert len(message["Subject"]) - len("test-local") + LONGEST_SYSTEM_NAME < SUBJECT_MAX


def test_the_message_takes_the_longest_request(machine: Machine) -> None:
    """256 characters for who asks and 1,024 for why are what plan-scan takes."""
    asked = "a custom event, requested by " + "é" * 256 + ", because: " + "漢" * 1024
    machine.script(PlanScan=[changed("plan-scan.rollback", requestedBy=asked)])
    assert machine.run(TRIGGER).status == "SUCCEEDED"
    [message] = machine.take_messages()
    assert asked in message["Message"]
    assert len(message["Message"].encode()) < SNS_MAX_BYTES


# --- What breaks ----------------------------------------------------------------------------------------------------


def test_a_rollback_that_breaks_off_is_told_as_one(machine: Machine) -> None:
    machine.script(PlanScan=[{"output": contract("plan-scan.rollback")}], RollbackS3Encryption=[DENIED])
    ended = machine.run(TRIGGER)
    assert (ended.status, ended.error) == ("FAILED", "AccessDenied")
    assert ended.entered[-6:] == ["RollbackS3Encryption", *BROKE_OFF]
    assert machine.asked("PublishMetrics") == []
    [message] = machine.take_messages()
    assert message["Subject"] == "test-local: remediation rollback failed"
    assert picked_by(message) == ("failure", "NONE", ["s3"])
    plan = contract("plan-scan.rollback")
    for told in (
        "Some buckets may have been restored; the records say which",
        "What failed:   RollbackS3Encryption",
        DENIED["message"],
        plan["rollbackId"],
        plan["scanId"],
        plan["requestedBy"],
        "Done before:   not known",
        f"rollbacks/{plan['rollbackId']}/remediation.jsonl",
        "ask for the rollback again",
    ):
        assert told in message["Message"]
    for untrue in ("compliance scan", "mean compliance", "verdicts", "input {}", "dry run"):
        assert untrue not in message["Message"]


def test_a_dry_run_that_breaks_off_is_told_as_one(machine: Machine) -> None:
    machine.script(PlanScan=[changed("plan-scan.rollback", mode="dry-run")], RollbackS3Encryption=[DENIED])
    machine.run(TRIGGER)
    [message] = machine.take_messages()
    assert "A dry run of a rollback" in message["Message"]
    assert "Nothing was changed" in message["Message"]
    assert "may have been restored" not in message["Message"]


def test_what_is_transient_in_a_rollback_is_tried_again(machine: Machine) -> None:
    throttled = {"error": "Throttled", "message": "too many requests", "times": 1}
    machine.script(
        PlanScan=[{"output": contract("plan-scan.rollback")}],
        RollbackS3Encryption=[throttled],
        PublishMetrics=[throttled],
    )
    assert machine.run(TRIGGER).status == "SUCCEEDED"
    assert len(machine.asked("RollbackS3Encryption")) == len(machine.asked("PublishMetrics")) == 2
    assert len(machine.take_messages()) == 1


def test_metrics_that_cannot_be_published_are_told_and_fail_the_execution(machine: Machine) -> None:
    denied = {"error": "AccessDenied", "message": "cloudwatch:PutMetricData was denied"}
    machine.script(PlanScan=[{"output": contract("plan-scan.rollback")}], PublishMetrics=[denied])
    ended = machine.run(TRIGGER)
    assert (ended.status, ended.error) == ("FAILED", "AccessDenied")
    assert "PublishRollbackMetrics: cloudwatch:PutMetricData was denied" in ended.cause
    told, failure = sorted(machine.take_messages(), key=lambda message: "failed" in message["Subject"])
    assert told["Subject"].endswith("1 rolled back")
    assert failure["Subject"] == "test-local: remediation rollback failed"
    assert "Done before:   1 rolled back, 0 would be rolled back, 2 skipped, 0 failed" in failure["Message"]


def test_a_request_that_is_refused_may_have_been_for_either(machine: Machine) -> None:
    """Only PlanScan knows what it was for, and it has understood nothing."""
    machine.script(PlanScan=[{"error": "InvalidRequest", "message": "detail.scanId is missing"}])
    assert machine.run(TRIGGER).error == "InvalidRequest"
    [message] = machine.take_messages()
    assert message["Subject"] == "test-local: compliance scan or rollback failed"
    for told in ("scan or a rollback", "No bucket was changed", "detail.scanId is missing"):
        assert told in message["Message"]
    assert message["Message"].endswith("From any other state this is a defect of the auditor.")


def test_a_scan_that_breaks_off_is_told_as_one(machine: Machine) -> None:
    machine.script(AggregateFindings=[DENIED])
    machine.run()
    [message] = machine.take_messages()
    assert message["Subject"] == "test-local: compliance scan failed"
    assert "do not mean compliance" in message["Message"]
    assert "start an execution with the input {}" in message["Message"]
    assert "rollback" not in message["Message"].lower()


def test_a_rollback_of_which_nobody_can_be_told_fails(machine: Machine) -> None:
    """The last test of this file: it takes the topic away."""
    machine.sns.delete_topic(TopicArn=machine.topic)
    script(machine)
    ended = machine.run(TRIGGER)
    assert ended.status == "FAILED"
    assert ended.cause.startswith("NotifyRollback: ")
    assert "Nobody was told" in ended.cause
    assert ended.entered[-6:] == ["NotifyRollback", *BROKE_OFF]
    assert machine.asked("PublishMetrics") == []
