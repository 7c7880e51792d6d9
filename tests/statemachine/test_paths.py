"""Every path through the state machine, on the local AWS with stand-in functions."""

from __future__ import annotations

import pytest
from fixtures import deployed, machine
from machine import SERVICES, Machine, changed, contract, definition, picked_by

SCAN = ["PlanScan", "WhatIsPlanned", "ScanServices"]
SEALED = ["SealEvidence", "HowDidItEnd"]
WHOLE_SCAN = [
    *SCAN,
    "AggregateFindings",
    "IsRemediationDue",
    "RemediateS3Encryption",
    "Deliver",
    "IsAlertDue",
    "NotifyCritical",
    "SealEvidence",
    "HowDidItEnd",
    "ScanDone",
]
DENIED = {"error": "AccessDenied", "message": "it was denied; a policy of the caller must allow it"}
TRANSIENT = {"error": "Throttled", "message": "too many requests"}


def test_a_whole_scan_remediates_reports_and_alerts(machine: Machine) -> None:
    ended = machine.run()
    assert ended.status == "SUCCEEDED", ended
    # The local AWS keeps no history of what happens within branches; the next test looks at what they asked.
    assert [state for state in ended.entered if state in WHOLE_SCAN] == WHOLE_SCAN
    assert ended.output == {
        "scanId": contract("plan-scan.output")["scanId"],
        "status": "COMPLETE",
        "violations": 40,
        "criticalViolations": 3,
        "reports": [contract(f"write-{form}-report.output")["key"] for form in ("json", "csv", "html")],
    }
    assert machine.take_messages() == [], "only the function notify-critical sends the alert"


def test_the_functions_are_asked_what_the_contracts_say(machine: Machine) -> None:
    machine.run({"services": ["s3"]})
    scan_id = contract("plan-scan.output")["scanId"]
    [plan] = machine.asked("PlanScan")
    assert plan["input"] == {"services": ["s3"]}
    assert plan["execution"].keys() == contract("plan-scan.input")["execution"].keys()
    assert plan["execution"]["stateMachineArn"] == machine.arn
    listed = machine.asked("ListTargets")
    assert sorted(listed, key=lambda asked: SERVICES.index(asked["service"])) == [
        {"scanId": scan_id, "service": service} for service in SERVICES
    ]
    for name, service in (("ScanS3", "s3"), ("ScanVpc", "vpc"), ("ScanLambda", "lambda")):
        shards = sorted(machine.asked(name), key=lambda asked: asked["shard"])
        listed_as = contract("list-targets.output")
        of = {"scanId": scan_id, "service": service, "listing": listed_as["listing"], "atOnce": listed_as["atOnce"]}
        assert shards == [{**of, "shard": shard} for shard in (1, 2)]
    [aggregate] = machine.asked("AggregateFindings")
    assert aggregate["branches"] == [
        {"service": service, "planned": True, "shards": 2, "failures": []} for service in SERVICES
    ]
    assert machine.asked("RemediateS3Encryption") == [{"scanId": scan_id}]
    for name in ("WriteJsonReport", "WriteCsvReport", "WriteHtmlReport", "PublishMetrics"):
        assert machine.asked(name) == [contract("deliver.input")]
    [alert] = machine.asked("NotifyCritical")
    assert alert["remediation"] == contract("remediate-s3-encryption.output")
    assert alert["failedDeliveries"] == []
    assert alert["subscriptions"] == contract("publish-metrics.output")["subscriptions"]
    assert alert["execution"] == plan["execution"]
    sealed = {"execution": plan["execution"], "plan": contract("plan-scan.output"), "failure": None}
    assert machine.asked("SealEvidence") == [sealed]


def test_a_scan_that_steps_aside_does_nothing_and_says_why(machine: Machine) -> None:
    machine.script(PlanScan=[{"output": contract("plan-scan.skip")}])
    ended = machine.run()
    assert (ended.status, ended.entered) == ("SUCCEEDED", ["PlanScan", "WhatIsPlanned", *SEALED, "SteppedAside"])
    assert ended.output == contract("plan-scan.skip")
    [sealed] = machine.asked("SealEvidence")
    assert (sealed["plan"], sealed["failure"]) == (contract("plan-scan.skip"), None)


def test_a_service_that_is_not_planned_is_neither_listed_nor_scanned(machine: Machine) -> None:
    machine.script(PlanScan=[changed("plan-scan.output", services=["vpc"])])
    ended = machine.run()
    assert ended.status == "SUCCEEDED"
    assert machine.asked("ListTargets") == [{"scanId": contract("plan-scan.output")["scanId"], "service": "vpc"}]
    [aggregate] = machine.asked("AggregateFindings")
    assert [branch["planned"] for branch in aggregate["branches"]] == [False, True, False]
    assert aggregate["branches"][0] == {"service": "s3", "planned": False, "shards": None, "failures": []}


def test_a_service_without_resources_has_no_shards(machine: Machine) -> None:
    empty = [{"when": {"service": "vpc"}} | changed("list-targets.output", service="vpc", resources=0, shards=[])]
    machine.script(ListTargets=empty)
    ended = machine.run()
    assert ended.status == "SUCCEEDED"
    assert machine.asked("ScanVpc") == []
    [aggregate] = machine.asked("AggregateFindings")
    assert aggregate["branches"][1] == {"service": "vpc", "planned": True, "shards": 0, "failures": []}


def test_a_service_with_one_shard_is_scanned_once(machine: Machine) -> None:
    one = [{"when": {"service": "s3"}} | changed("list-targets.output", resources=1, shards=[1])]
    machine.script(ListTargets=one)
    assert machine.run().status == "SUCCEEDED"
    assert [asked["shard"] for asked in machine.asked("ScanS3")] == [1]


@pytest.mark.parametrize(("place", "state"), list(enumerate(["ListS3Buckets", "ListVpcs", "ListLambdas"])))
def test_a_listing_that_fails_is_a_recorded_gap(machine: Machine, place: int, state: str) -> None:
    machine.script(ListTargets=[{"when": {"service": SERVICES[place]}} | DENIED])
    ended = machine.run()
    assert ended.status == "SUCCEEDED"
    [aggregate] = machine.asked("AggregateFindings")
    branch = aggregate["branches"].pop(place)
    [failure] = branch.pop("failures")
    assert branch == {"service": SERVICES[place], "planned": True, "shards": None}
    assert (failure["state"], failure.get("shard"), failure["error"]) == (state, None, "AccessDenied")
    assert DENIED["message"] in failure["cause"]
    assert all(branch["failures"] == [] for branch in aggregate["branches"])


@pytest.mark.parametrize(("place", "state"), list(enumerate(["ScanS3", "ScanVpc", "ScanLambda"])))
def test_a_shard_that_fails_is_a_recorded_gap_and_the_other_shards_are_scanned(
    machine: Machine, place: int, state: str
) -> None:
    machine.script(**{state: [{"when": {"shard": 2}} | DENIED]})
    ended = machine.run()
    assert ended.status == "SUCCEEDED"
    assert {asked["shard"] for asked in machine.asked(state)} == {1, 2}
    [aggregate] = machine.asked("AggregateFindings")
    branch = aggregate["branches"].pop(place)
    [failure] = branch.pop("failures")
    assert branch == {"service": SERVICES[place], "planned": True, "shards": 2}
    assert (failure["state"], failure["shard"], failure["error"]) == (state, 2, "AccessDenied")
    assert all(branch["failures"] == [] for branch in aggregate["branches"])


def test_of_many_failed_shards_the_first_ten_are_carried_with_short_causes(machine: Machine) -> None:
    many = [{"when": {"service": "s3"}} | changed("list-targets.output", shards=list(range(1, 13)))]
    machine.script(ListTargets=many, ScanS3=[{"error": "Internal", "message": "x" * 1000}])
    assert machine.run().status == "SUCCEEDED"
    [aggregate] = machine.asked("AggregateFindings")
    failures = aggregate["branches"][0]["failures"]
    assert len(failures) == 10
    assert all(len(failure["cause"]) == 300 for failure in failures)


def test_remediation_that_is_switched_off_does_not_run(machine: Machine) -> None:
    machine.script(PlanScan=[changed("plan-scan.output", remediation="off")])
    assert machine.run().status == "SUCCEEDED"
    assert machine.asked("RemediateS3Encryption") == []
    [report] = machine.asked("WriteJsonReport")
    assert report == {"scanId": contract("plan-scan.output")["scanId"], "remediation": None}


def test_remediation_runs_when_there_is_nothing_to_repair(machine: Machine) -> None:
    """An earlier run may have died in the middle of a change, of which no finding tells."""
    machine.script(AggregateFindings=[changed("aggregate-findings.output", remediable=0)])
    assert machine.run().status == "SUCCEEDED"
    assert machine.asked("RemediateS3Encryption") == [{"scanId": contract("plan-scan.output")["scanId"]}]
    [report] = machine.asked("WriteJsonReport")
    assert report == contract("deliver.input")


def test_a_scan_without_anything_to_tell_sends_no_alert(machine: Machine) -> None:
    machine.script(AggregateFindings=[changed("aggregate-findings.output", alert=False)])
    ended = machine.run()
    assert ended.status == "SUCCEEDED"
    assert machine.asked("NotifyCritical") == []


def test_remediation_that_breaks_is_told_and_the_reports_are_written(machine: Machine) -> None:
    machine.script(
        AggregateFindings=[changed("aggregate-findings.output", alert=False)], RemediateS3Encryption=[DENIED]
    )
    ended = machine.run()
    assert ended.status == "SUCCEEDED"
    for name in ("WriteJsonReport", "WriteCsvReport", "WriteHtmlReport", "PublishMetrics", "NotifyCritical"):
        [asked] = machine.asked(name)
        assert asked["remediation"]["error"] == "AccessDenied"


@pytest.mark.parametrize("told", ["announced", "drifted", "failed"])
def test_what_people_must_hear_of_remediation_is_told_when_nothing_else_is(machine: Machine, told: str) -> None:
    """What the next scan changes counts only if the alert has named it."""
    machine.script(
        AggregateFindings=[changed("aggregate-findings.output", alert=False)],
        RemediateS3Encryption=[changed("remediate-s3-encryption.output", **{told: 1})],
    )
    assert machine.run().status == "SUCCEEDED"
    assert len(machine.asked("NotifyCritical")) == 1


@pytest.mark.parametrize("name", ["WriteJsonReport", "WriteCsvReport", "WriteHtmlReport", "PublishMetrics"])
def test_a_delivery_that_fails_is_told_and_fails_the_execution_after_the_others(machine: Machine, name: str) -> None:
    machine.script(AggregateFindings=[changed("aggregate-findings.output", alert=False)], **{name: [DENIED]})
    ended = machine.run()
    assert (ended.status, ended.error) == ("FAILED", "DeliveryFailed")
    assert name in ended.cause
    for other in {"WriteJsonReport", "WriteCsvReport", "WriteHtmlReport", "PublishMetrics"} - {name}:
        assert len(machine.asked(other)) == 1
    [alert] = machine.asked("NotifyCritical")
    [failed] = alert["failedDeliveries"]
    assert (failed["state"], failed["error"]) == (name, "AccessDenied")
    told = None if name == "PublishMetrics" else contract("publish-metrics.output")["subscriptions"]
    assert alert["subscriptions"] == told


@pytest.mark.parametrize("name", ["PlanScan", "AggregateFindings", "NotifyCritical"])
def test_every_road_that_breaks_ends_in_a_message_and_a_failed_execution(machine: Machine, name: str) -> None:
    wrong = {name: [{"error": "InvalidRequest", "message": "the field services is wrong"}]}
    machine.script(**{"PlanScan": [changed("plan-scan.output", services=["vpc"])]} | wrong)
    ended = machine.run({"services": ["ec3"]})
    assert (ended.status, ended.error) == ("FAILED", "InvalidRequest")
    assert "the field services is wrong" in ended.cause
    assert ended.entered[-4:] == ["NotifyFailure", *SEALED, "ExecutionFailed"]
    [sealed] = machine.asked("SealEvidence")
    assert (sealed["failure"]["state"], sealed["failure"]["error"]) == (name, "InvalidRequest")
    assert (sealed["plan"] is None) == (name == "PlanScan")
    [message] = machine.take_messages()
    assert message["Subject"].isascii()
    assert len(message["Subject"]) < 100
    planned = ["vpc"] if name != "PlanScan" else ["s3", "vpc", "lambda"]
    assert picked_by(message) == ("failure", "NONE", planned)
    for told in (name, "InvalidRequest", "the field services is wrong", "/states/home"):
        assert told in message["Message"]
    if name == "PlanScan":
        assert machine.asked("ListTargets") == []


def test_a_seal_that_fails_fails_the_execution_after_people_have_been_told(machine: Machine) -> None:
    machine.script(SealEvidence=[{"error": "Corrupt", "message": "the head of the evidence chain is gone"}])
    ended = machine.run()
    assert (ended.status, ended.error) == ("FAILED", "EvidenceNotSealed")
    assert "the head of the evidence chain is gone" in ended.cause
    assert ended.entered[-3:] == ["NotifyCritical", "SealEvidence", "EvidenceNotSealed"]
    # And of what broke off before, the failure says both.
    machine.script(
        PlanScan=[{"error": "InvalidRequest", "message": "the field services is wrong"}],
        SealEvidence=[{"error": "AccessDenied", "message": "kms:Sign was denied"}],
    )
    ended = machine.run()
    assert (ended.status, ended.error) == ("FAILED", "EvidenceNotSealed")
    assert "kms:Sign was denied" in ended.cause
    assert "broke off before, in PlanScan with InvalidRequest" in ended.cause
    assert len(machine.take_messages()) == 1


def test_what_is_transient_is_tried_again(machine: Machine) -> None:
    machine.script(
        PlanScan=[TRANSIENT | {"times": 2}],
        ScanS3=[{"when": {"shard": 1}, "times": 1} | TRANSIENT | {"error": "Unavailable"}],
        WriteCsvReport=[TRANSIENT | {"times": 1}],
    )
    ended = machine.run()
    assert ended.status == "SUCCEEDED", ended
    assert len(machine.asked("PlanScan")) == 3
    assert len(machine.asked("ScanS3")) == 3
    assert len(machine.asked("WriteCsvReport")) == 2
    [aggregate] = machine.asked("AggregateFindings")
    assert aggregate["branches"][0]["failures"] == []


def test_what_stays_transient_is_given_up_in_the_end(machine: Machine) -> None:
    machine.script(PlanScan=[TRANSIENT])
    ended = machine.run()
    attempts = definition()["States"]["PlanScan"]["Retry"][0]["MaxAttempts"]
    assert (ended.status, ended.error) == ("FAILED", "Throttled")
    assert len(machine.asked("PlanScan")) == 1 + attempts


@pytest.mark.parametrize("error", ["InvalidRequest", "AccessDenied", "Corrupt", "Internal", "Conflict"])
def test_what_will_not_pass_by_itself_is_not_tried_again(machine: Machine, error: str) -> None:
    machine.script(PlanScan=[{"error": error, "message": "no"}])
    assert machine.run().status == "FAILED"
    assert len(machine.asked("PlanScan")) == 1
