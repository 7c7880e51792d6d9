"""What `destroy.py` decides and says, without AWS. That it takes a deployment down is shown by `../teardown/`."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError
from compliance_audit.destroy import Target, delete_stack, destroy, failures, operation, outcomes, settled, summary
from compliance_audit.leftovers import LISTINGS, Deployment, Found, KeptKey, ours
from compliance_audit.names import Names
from compliance_audit.settings import SettingsError
from synthesis import ROOT, Json

STACK = "compliance-audit-stack-dev-pr42"
STACK_ID = f"arn:aws:cloudformation:us-east-1:123456789012:stack/{STACK}/1"
DEPLOYMENT = Deployment(
    names=Names(environment="dev", suffix="pr42"), account="123456789012", flow_log_date="2026-11-23"
)


# --- Settings -------------------------------------------------------------------------------------------------------


def test_two_settings_are_enough() -> None:
    target = Target.from_context({"environment": "dev", "environmentSuffix": "pr42"})
    assert (target.names.stack(), target.flow_log_date) == (STACK, None)


@pytest.mark.parametrize(
    ("context", "told"),
    [
        ({}, ["environment is missing", "environmentSuffix is missing"]),
        ({"environment": "dev"}, ["environmentSuffix is missing"]),
        ({"environment": "DEV", "environmentSuffix": "pr42"}, ['environment is "DEV"; allowed: lower-case']),
        ({"environment": "staging", "environmentSuffix": "release-100"}, ["18 characters together"]),
        (
            {"environment": "dev", "environmentSuffix": "pr42", "flowLogDate": "yesterday"},
            ['flowLogDate is "yesterday"; allowed: '],
        ),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_told(context: dict[str, object], told: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        Target.from_context(context)
    lines = str(refused.value).splitlines()[1:]
    assert len(lines) == len(told)
    assert all(part in line for part, line in zip(told, lines, strict=True))


def test_settings_that_a_deletion_has_no_use_for_do_not_stop_it() -> None:
    context = {"environment": "dev", "environmentSuffix": "pr42", "flowLogDate": "2026-11-23", "reservedConcurrency": 0}
    assert Target.from_context(context).flow_log_date == "2026-11-23"


# --- The command ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "environment is missing"),
        (["-c", "environment"], "-c environment is not a setting"),
        (["-c", "environment=dev", "-c", "environmentSuffix=pr42"], "Unable to locate credentials"),
    ],
)
def test_the_command_refuses_with_a_reason(arguments: list[str], told: str) -> None:
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    ran = subprocess.run(
        [sys.executable, str(ROOT / "infrastructure" / "destroy.py"), "--yes", *arguments],
        env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", **nowhere},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr


class CloudFormation:
    """A stack whose deletion takes a few looks."""

    def __init__(self, *looks: list[Json], status: str = "CREATE_COMPLETE") -> None:
        self.looks = list(looks)
        self.status = status
        self.deleted: list[str] = []

    def describe_stacks(self, **_: Any) -> Json:
        return {"Stacks": [{"StackId": STACK_ID, "StackStatus": self.status}]}

    def get_caller_identity(self) -> Json:
        return {"Account": "123456789012"}

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803
        self.deleted.append(StackName)

    def get_paginator(self, _operation: str) -> CloudFormation:
        return self

    def paginate(self, **_: Any) -> list[Json]:
        return [{"StackEvents": self.looks.pop(0)}]


def test_nothing_is_deleted_without_a_confirmation() -> None:
    aws = CloudFormation()
    said: list[str] = []
    asked: list[str] = []

    def no(stack: str) -> bool:
        asked.append(stack)
        return False

    target = Target.from_context({"environment": "dev", "environmentSuffix": "pr42"})
    assert destroy(lambda _service: aws, target, confirmed=no, say=said.append, pause=lambda _: None) is False
    assert (asked, aws.deleted) == ([STACK], [])
    for part in (STACK, "account 123456789012", "us-east-1", "compliance-audit-reports-bucket-123456789012-dev-pr42"):
        assert part in " ".join(said)


# --- The stack's events ---------------------------------------------------------------------------------------------


def event(number: int, status: str, logical_id: str = "", reason: str = "") -> Json:
    """An event of a resource, or of the stack itself."""
    return {
        "EventId": str(number),
        "StackId": STACK_ID,
        "LogicalResourceId": logical_id or STACK,
        "PhysicalResourceId": logical_id.lower() or STACK_ID,
        "ResourceType": "AWS::X::Y" if logical_id else "AWS::CloudFormation::Stack",
        "ResourceStatus": status,
        **({"ResourceStatusReason": reason} if reason else {}),
    }


CREATED = [event(1, "CREATE_IN_PROGRESS"), event(2, "CREATE_COMPLETE")]
FIRST_TRY = [event(3, "DELETE_IN_PROGRESS"), event(4, "DELETE_FAILED", "A", "why"), event(5, "DELETE_FAILED")]
SECOND_TRY = [event(6, "DELETE_IN_PROGRESS"), event(7, "DELETE_COMPLETE", "A"), event(8, "DELETE_COMPLETE")]


@pytest.mark.parametrize(
    ("events", "before", "expected"),
    [
        pytest.param(CREATED, "2", [], id="not begun"),
        pytest.param(CREATED + FIRST_TRY, "2", FIRST_TRY, id="ended"),
        pytest.param(CREATED + FIRST_TRY, "5", [], id="the second try not begun"),
        pytest.param(CREATED + FIRST_TRY + SECOND_TRY, "5", SECOND_TRY, id="the second try"),
        pytest.param(CREATED + FIRST_TRY + SECOND_TRY[:2], "", SECOND_TRY[:2], id="under way before we came"),
    ],
)
def test_only_this_deletion_is_followed(events: list[Json], before: str, expected: list[Json]) -> None:
    assert operation(events[::-1], before) == expected


def test_each_resource_is_told_once_and_the_stack_is_not() -> None:
    events = [
        event(1, "DELETE_IN_PROGRESS"),
        event(2, "DELETE_IN_PROGRESS", "A"),
        event(3, "DELETE_COMPLETE", "A"),
        event(4, "DELETE_FAILED", "B", "it is in use"),
        event(5, "DELETE_FAILED", "B", "it is in use"),
        event(6, "DELETE_SKIPPED", "C"),
        event(7, "DELETE_FAILED", reason="B failed"),
    ]
    assert outcomes(events) == ["deleted  AWS::X::Y a", "FAILED   AWS::X::Y b: it is in use", "kept     AWS::X::Y c"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([event(1, "DELETE_FAILED", "A", "why"), event(2, "DELETE_FAILED", reason="A")], ["AWS::X::Y a: why"]),
        ([event(1, "DELETE_FAILED", "A", "why"), event(2, "DELETE_COMPLETE", "A")], []),
        (
            [event(1, "DELETE_IN_PROGRESS"), event(2, "DELETE_FAILED", reason="the role cannot be assumed")],
            [f"AWS::CloudFormation::Stack {STACK_ID}: the role cannot be assumed"],
        ),
    ],
)
def test_what_failed_is_told_with_the_reason(events: list[Json], expected: list[str]) -> None:
    assert failures(events) == expected


@pytest.mark.parametrize(
    ("aws", "deleted", "failed"),
    [
        pytest.param(
            CloudFormation(CREATED[::-1], CREATED[::-1], (CREATED + FIRST_TRY)[::-1]),
            [STACK_ID],
            ["AWS::X::Y a: why"],
            id="fails",
        ),
        pytest.param(
            CloudFormation(
                (CREATED + FIRST_TRY)[::-1],
                (CREATED + FIRST_TRY + SECOND_TRY[:2])[::-1],
                (CREATED + FIRST_TRY + SECOND_TRY)[::-1],
                status="DELETE_FAILED",
            ),
            [STACK_ID],
            [],
            id="goes on after a failure",
        ),
        pytest.param(
            CloudFormation((CREATED + FIRST_TRY + SECOND_TRY)[::-1], status="DELETE_IN_PROGRESS"),
            [],
            [],
            id="joins a deletion under way",
        ),
    ],
)
def test_a_deletion_is_followed_to_its_end(aws: CloudFormation, deleted: list[str], failed: list[str]) -> None:
    pauses: list[float] = []
    assert delete_stack(aws, STACK_ID, say=lambda _: None, pause=pauses.append) == failed
    assert aws.deleted == deleted
    assert aws.looks == []
    assert all(1 <= seconds <= 15 for seconds in pauses)


# --- What is left ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "is_ours"),
    [
        ("function", "scan-s3-function-dev-pr42", True),
        ("function", "scan-s3-function-dev-pr421", False),
        ("function", "scan-s3-function-test-dev-pr42", False),
        ("function", "dev-pr42", False),
        ("bucket", "compliance-audit-reports-bucket-123456789012-dev-pr42", True),
        ("bucket", "compliance-audit-reports-bucket-210987654321-dev-pr42", False),
        ("topic", "arn:aws:sns:us-east-1:123456789012:compliance-alerts-topic-dev-pr42", True),
        ("network", "vpc vpc-1 audit-vpc-dev-pr42", True),
        ("network", "vpc vpc-1 audit-vpc-dev-pr4", False),
        ("log group", "/aws/lambda/scan-s3-function-dev-pr42", True),
        ("log group", "/aws/vendedlogs/states/compliance-audit-log-group-dev-pr42", True),
        ("log group", "audit-flowlogs-us-east-1-2026-11-23", True),
        ("log group", "audit-flowlogs-us-east-1-2026-11-24", False),
        ("key's alias", "alias/reports-key-dev-pr42", True),
        ("key's alias", "alias/compliance-audit-ledger", False),
    ],
)
def test_whose_a_name_is(kind: str, name: str, is_ours: bool) -> None:
    """The customer's rule: `<what>-<resource type>-<environment>-<environmentSuffix>`."""
    [listing] = [listing for listing in LISTINGS if listing.kind == kind]
    assert ours([name], listing, DEPLOYMENT) == ([f"{kind} {name}"] if is_ours else [])


def test_log_groups_are_looked_at_last() -> None:
    assert LISTINGS[-1].kind == "log group"


def test_a_denied_listing_is_not_an_empty_one() -> None:
    def denied() -> list[str]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "ListFunctions")

    found = Found()
    assert found.read("lambda:ListFunctions", denied) == []
    [complaint] = found.not_checked
    assert complaint.startswith("lambda:ListFunctions: ")
    assert "not you" in complaint
    assert not found.clean


SOON = datetime.datetime(2026, 12, 1, tzinfo=datetime.UTC)
KEPT = KeptKey(arn="arn:k", bucket="ledger", alias="alias/compliance-audit-ledger", state="Enabled")


@pytest.mark.parametrize(
    ("found", "clean", "told", "untold"),
    [
        (Found(), True, ["Nothing of the deployment is left"], ["Kept on purpose", "PendingDeletion"]),
        (Found(left=["role r"]), False, ["role r"], ["Nothing of the deployment is left"]),
        (
            Found(not_checked=["iam:ListRoles: no"]),
            False,
            ["Not checked", "iam:ListRoles: no"],
            ["Nothing of the deployment is left"],
        ),
        (
            Found(waiting_keys={"arn:k": SOON}),
            True,
            ["Nothing of the deployment is left", "PendingDeletion", "2026-12-01"],
            [],
        ),
        (
            Found(kept_keys=[KEPT]),
            True,
            ["bucket ledger: arn:k (alias/compliance-audit-ledger, Enabled)", "compliance-audit:bucket"],
            [],
        ),
        (
            Found(kept_keys=[KeptKey(arn="arn:k", bucket="", alias="", state="Disabled")]),
            True,
            ["bucket unknown", "(Disabled)"],
            [],
        ),
    ],
)
def test_what_is_told_in_the_end(found: Found, clean: bool, told: list[str], untold: list[str]) -> None:
    text = "\n".join(summary(found, DEPLOYMENT))
    assert found.clean is clean
    assert all(part in text for part in told)
    assert not any(part in text for part in untold)


def test_listings_get_time_to_follow_the_deletion() -> None:
    """The index of tags goes on to list deleted resources.

    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    looks = [Found(left=["role r"]), Found(left=["role r"]), Found()]
    pauses: list[float] = []
    assert settled(lambda: looks.pop(0), say=lambda _: None, pause=pauses.append).left == []
    assert len(pauses) == 2


def test_what_stays_listed_is_left() -> None:
    pauses: list[float] = []
    assert settled(lambda: Found(left=["role r"]), say=lambda _: None, pause=pauses.append).left == ["role r"]
    assert 60 <= sum(pauses) <= 600
