"""What `destroy.py` decides and says, without AWS. That it takes a deployment down is shown by `../teardown/`."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from compliance_audit.destroy import (
    Target,
    delete_stack,
    destroy,
    failures,
    operation,
    outcomes,
    settled,
    summary,
    wake,
)
from compliance_audit.leftovers import LISTINGS, Deployment, Found, KeptKey, Listing, named, ours
from compliance_audit.names import Names
from compliance_audit.settings import SettingsError
from constraints import Deployment as Synthesized
from constraints.names import names
from synthesis import ROOT, Json, context, template

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


TWO_SETTINGS = ["-c", "environment=dev", "--context", "environmentSuffix=pr42"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 1, "environment is missing"),
        (["-c", "environment"], 1, "-c environment is not a setting"),
        (TWO_SETTINGS, 1, "Unable to locate credentials"),
        ([*TWO_SETTINGS, "--profile", "auditor"], 1, "no token of the auditor"),
        ([*TWO_SETTINGS, "--profile", "nobody"], 2, "profile (nobody) could not be found"),
    ],
)
def test_the_command_refuses_with_a_reason(tmp_path: Path, arguments: list[str], code: int, told: str) -> None:
    config = tmp_path / "config"
    config.write_text("[profile auditor]\ncredential_process = sh -c 'echo no token of the auditor >&2; exit 1'\n")
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    ran = subprocess.run(
        [sys.executable, str(ROOT / "infrastructure" / "destroy.py"), "--yes", *arguments],
        env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", **files},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == code
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr


class CloudFormation:
    """A stack as some looks find it, one after the other; what the last one finds stays."""

    def __init__(self, *looks: tuple[str, list[Json]], reason: str = "") -> None:
        """The stack's status and its events, oldest first, in each look; the reason belongs to the last status."""
        self.looks = list(looks)
        self.reason = reason
        self.deleted: list[str] = []

    def describe_stacks(self, **_: Any) -> Json:
        status, _events = self.looks[0]
        reason = {"StackStatusReason": self.reason} if self.reason and len(self.looks) == 1 else {}
        return {"Stacks": [{"StackId": STACK_ID, "StackStatus": status, **reason}]}

    def get_caller_identity(self) -> Json:
        return {"Account": "123456789012"}

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803
        self.deleted.append(StackName)

    def get_paginator(self, _operation: str) -> CloudFormation:
        return self

    def paginate(self, **_: Any) -> list[Json]:
        _status, events = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return [{"StackEvents": events[::-1]}]


TARGET = Target.from_context({"environment": "dev", "environmentSuffix": "pr42"})


def test_nothing_is_deleted_without_a_confirmation() -> None:
    aws = CloudFormation(("CREATE_COMPLETE", CREATED))
    said: list[str] = []
    asked: list[str] = []

    def no(stack: str) -> bool:
        asked.append(stack)
        return False

    assert destroy(lambda _service: aws, TARGET, confirmed=no, say=said.append, pause=lambda _: None) is False
    assert (asked, aws.deleted) == ([STACK], [])
    for part in (STACK, "account 123456789012", "us-east-1", "compliance-audit-reports-bucket-123456789012-dev-pr42"):
        assert part in " ".join(said)


def test_only_a_missing_stack_is_taken_for_one() -> None:
    class Denied(CloudFormation):
        def describe_stacks(self, **_: Any) -> Json:
            about = {"Code": "AccessDenied", "Message": "the role does not exist any more"}
            raise ClientError({"Error": about}, "DescribeStacks")

    with pytest.raises(ClientError, match="AccessDenied"):
        destroy(lambda _service: Denied(), TARGET, confirmed=lambda _: True, say=lambda _: None, pause=lambda _: None)


# --- The functions that CloudFormation calls ------------------------------------------------------------------------

ASLEEP = "The function is inactive."
WAKING = "The function is being restored."


class Lambda:
    """A function as some looks find it, one after the other; what the last one finds stays."""

    exceptions = SimpleNamespace(ResourceNotFoundException=LookupError)

    def __init__(self, *looks: Json | None, refusal: str = "ResourceNotReadyException") -> None:
        """What each look finds, None for no function, and how an invocation is refused."""
        self.looks = list(looks)
        self.refusal = refusal
        self.asked: list[Json] = []

    def get_function_configuration(self, *, FunctionName: str) -> Json:  # noqa: N803
        assert FunctionName == "empty-bucket-function-dev-pr42"
        found = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if found is None:
            raise LookupError
        return found

    def invoke(self, **asked: Any) -> Json:
        """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors"""
        self.asked.append(asked)
        raise ClientError({"Error": {"Code": self.refusal, "Message": "not yet"}}, "Invoke")


def state(name: str, reason: str = "") -> Json:
    """https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html"""
    return {"State": name, **({"StateReason": reason} if reason else {})}


INACTIVE, PENDING, ACTIVE = state("Inactive", ASLEEP), state("Pending", WAKING), state("Active")


@pytest.mark.parametrize(
    ("looks", "invoked", "told", "pauses"),
    [
        pytest.param([ACTIVE], 0, [], 0, id="awake"),
        pytest.param([{}], 0, [], 0, id="without a state"),
        pytest.param([None], 0, [], 0, id="gone with an earlier try"),
        pytest.param([INACTIVE, PENDING, PENDING, ACTIVE], 1, [ASLEEP, "not yet", WAKING, "awake"], 3, id="asleep"),
        pytest.param([PENDING, ACTIVE], 0, [WAKING, "awake"], 1, id="woken by somebody else"),
        pytest.param(
            [INACTIVE, PENDING, INACTIVE, PENDING, ACTIVE],
            2,
            [ASLEEP, "not yet", WAKING, ASLEEP, "not yet", WAKING, "awake"],
            4,
            id="asleep again",
        ),
        pytest.param([state("Failed", "no role")], 0, ["no role", "was not woken"], 0, id="broken"),
    ],
)
def test_a_function_that_sleeps_is_woken(looks: list[Json | None], invoked: int, told: list[str], pauses: int) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"""
    aws, said, waited = Lambda(*looks), list[str](), list[float]()
    wake(aws, "empty-bucket-function-dev-pr42", say=said.append, pause=waited.append)
    # Nothing that CloudFormation would ask, and no dry run, which wakes nobody.
    assert aws.asked == [{"FunctionName": "empty-bucket-function-dev-pr42", "Payload": b"{}"}] * invoked
    assert len(said) == len(told)
    assert all(part in line for part, line in zip(told, said, strict=True))
    assert len(waited) == pauses


def test_a_function_that_does_not_wake_is_waited_for_ten_minutes_and_told() -> None:
    said, waited = list[str](), list[float]()
    wake(Lambda(INACTIVE, PENDING), "empty-bucket-function-dev-pr42", say=said.append, pause=waited.append)
    assert 300 <= sum(waited) <= 900
    assert "was not woken" in said[-1]
    assert len(said) < 5


def test_who_may_not_wake_it_is_told_before_anything_is_deleted() -> None:
    denied = Lambda(INACTIVE, refusal="AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        wake(denied, "empty-bucket-function-dev-pr42", say=lambda _: None, pause=lambda _: None)


def test_the_functions_that_cloudformation_calls_are_awake_before_the_deletion_begins() -> None:
    """Or CloudFormation's own invocation would be the one that fails."""
    standing = ("CREATE_COMPLETE", CREATED)
    account = Account(standing, standing, ("DELETE_IN_PROGRESS", BEGUN), ("DELETE_COMPLETE", BEGUN))
    serving = ("empty-bucket", "close-default-security-group", "publish-evidence-key")
    account.asleep = frozenset(f"{name}-function-dev-pr42" for name in serving)
    destroy(lambda _: account, TARGET, confirmed=lambda _: True, say=lambda _: None, pause=lambda _: None)
    assert (account.asleep, account.deleted) == (frozenset(), [STACK_ID])
    nobody = Account(standing)
    nobody.asleep = frozenset({"empty-bucket-function-dev-pr42"})
    destroy(lambda _: nobody, TARGET, confirmed=lambda _: False, say=lambda _: None, pause=lambda _: None)
    assert nobody.asleep, "nothing is touched without a confirmation"


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
        pytest.param(CREATED + FIRST_TRY[1:], "2", FIRST_TRY[1:], id="without the stack's own beginning"),
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


BEGUN = CREATED + FIRST_TRY[:1]
FAILED = CREATED + FIRST_TRY
GONE = FAILED + SECOND_TRY


@pytest.mark.parametrize(
    ("aws", "deleted", "failed"),
    [
        pytest.param(
            CloudFormation(
                ("CREATE_COMPLETE", CREATED),
                ("CREATE_COMPLETE", CREATED),
                ("DELETE_IN_PROGRESS", BEGUN),
                ("DELETE_IN_PROGRESS", BEGUN),
                ("DELETE_FAILED", FAILED),
            ),
            [STACK_ID],
            ["AWS::X::Y a: why"],
            id="fails",
        ),
        pytest.param(
            CloudFormation(("CREATE_COMPLETE", CREATED), ("CREATE_COMPLETE", BEGUN), ("DELETE_FAILED", FAILED)),
            [STACK_ID],
            ["AWS::X::Y a: why"],
            id="begins between the looks at status and events",
        ),
        pytest.param(
            CloudFormation(
                ("DELETE_FAILED", FAILED),
                ("DELETE_FAILED", FAILED),
                ("DELETE_IN_PROGRESS", FAILED + SECOND_TRY[:2]),
                ("DELETE_COMPLETE", GONE),
            ),
            [STACK_ID],
            [],
            id="goes on after a failure",
        ),
        pytest.param(
            CloudFormation(("DELETE_IN_PROGRESS", FAILED + SECOND_TRY[:1]), ("DELETE_COMPLETE", GONE)),
            [],
            [],
            id="joins a deletion under way",
        ),
        # A change set that was never executed leaves a stack without resources in REVIEW_IN_PROGRESS.
        pytest.param(
            CloudFormation(
                ("REVIEW_IN_PROGRESS", [event(1, "REVIEW_IN_PROGRESS")]),
                ("DELETE_COMPLETE", [event(1, "REVIEW_IN_PROGRESS"), event(2, "DELETE_COMPLETE")]),
            ),
            [STACK_ID],
            [],
            id="ends without having begun",
        ),
        pytest.param(
            CloudFormation(
                ("UPDATE_COMPLETE", CREATED),
                ("DELETE_IN_PROGRESS", BEGUN),
                ("UPDATE_COMPLETE", [*BEGUN, event(4, "UPDATE_COMPLETE")]),
                reason="the export topic is in use by another stack",
            ),
            [STACK_ID],
            [f"stack {STACK_ID} is UPDATE_COMPLETE: the export topic is in use by another stack"],
            id="is taken back",
        ),
        pytest.param(
            CloudFormation(("CREATE_COMPLETE", CREATED)),
            [STACK_ID],
            [f"stack {STACK_ID} is CREATE_COMPLETE; AWS CloudFormation has not begun to delete it"],
            id="never begins",
        ),
    ],
)
def test_a_deletion_is_followed_to_its_end(aws: CloudFormation, deleted: list[str], failed: list[str]) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        assert sum(pauses) < 600, "nothing is going to change any more"

    assert delete_stack(aws, STACK_ID, say=lambda _: None, pause=pause) == failed
    assert aws.deleted == deleted
    assert len(aws.looks) == 1
    assert all(1 <= seconds <= 15 for seconds in pauses)


def test_what_becomes_of_a_resource_is_told_while_it_happens() -> None:
    aws = CloudFormation(
        ("DELETE_FAILED", FAILED),
        ("DELETE_IN_PROGRESS", FAILED + SECOND_TRY[:2]),
        ("DELETE_IN_PROGRESS", FAILED + SECOND_TRY[:2]),
        ("DELETE_COMPLETE", [*FAILED, *SECOND_TRY[:2], event(8, "DELETE_COMPLETE", "B"), event(9, "DELETE_COMPLETE")]),
    )
    seen: list[str] = []
    delete_stack(aws, STACK_ID, say=seen.append, pause=lambda _: seen.append("pause"))
    assert seen == ["pause", "deleted  AWS::X::Y a", "pause", "pause", "deleted  AWS::X::Y b"]


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
    assert ours([name], listing_of(kind), DEPLOYMENT) == ([f"{kind} {name}"] if is_ours else [])


def test_every_name_that_the_stack_gives_is_recognised() -> None:
    synthesized = Synthesized(template=template(), settings=context())
    given = [name.replace("{AWS::AccountId}", DEPLOYMENT.account) for _, name in names(synthesized)]
    assert len(given) > 80
    assert [name for name in given if not any(ours([name], listing, DEPLOYMENT) for listing in LISTINGS)] == []


@pytest.mark.parametrize(
    ("kind", "pages"),
    [
        # Without MaxResults, Amazon SQS answers the first 1,000 queues and does not say that there are more:
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
        (
            "queue",
            [
                ({"MaxResults": 1000}, {"QueueUrls": ["https://sqs/another"], "NextToken": "more"}),
                (
                    {"MaxResults": 1000, "NextToken": "more"},
                    {"QueueUrls": ["https://sqs/dead-letters-queue-dev-pr42"]},
                ),
            ],
        ),
        # Without MaxBuckets, Amazon S3 refuses accounts whose quota is above 10,000 buckets:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
        (
            "bucket",
            [
                ({"MaxBuckets": 1000}, {"Buckets": [{"Name": "another"}], "ContinuationToken": "more"}),
                (
                    {"MaxBuckets": 1000, "ContinuationToken": "more"},
                    {"Buckets": [{"Name": "compliance-audit-reports-bucket-123456789012-dev-pr42"}]},
                ),
            ],
        ),
    ],
)
def test_a_listing_is_read_to_its_end(kind: str, pages: list[tuple[Json, Json]]) -> None:
    listing = listing_of(kind)
    client = boto3.client(
        listing.service, region_name="us-east-1", aws_access_key_id="nobody", aws_secret_access_key="nothing"
    )
    with Stubber(client) as stub:
        for asked, answer in pages:
            stub.add_response(listing.operation, answer, asked)
        assert len(named(lambda _service: client, listing, DEPLOYMENT)) == 1
        stub.assert_no_pending_responses()


def listing_of(kind: str) -> Listing:
    """The listing of one kind of resource."""
    [listing] = [listing for listing in LISTINGS if listing.kind == kind]
    return listing


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


@pytest.mark.parametrize("found", [Found(), Found(left=["role r"])])
def test_without_a_date_no_more_is_told_of_the_flow_logs_than_was_looked_for(found: Found) -> None:
    """`audit-flowlogs-{region}-{date}` is a name that only the date completes."""
    without = Deployment(names=DEPLOYMENT.names, account=DEPLOYMENT.account, flow_log_date=None)
    told = "\n".join(summary(found, without))
    assert "log group was looked for by its tag only; with -c flowLogDate=" in told
    assert "neither by tag nor by name" not in told
    assert "flowLogDate" not in "\n".join(summary(found, DEPLOYMENT))


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


class Pages(list[Json]):
    """What a paginator gives; no name in it is one of ours."""

    def search(self, _texts: str) -> list[str]:
        return []


class Account(CloudFormation):
    """A stack, an index of tags that never forgets one of its roles, and the keys of two repaired buckets."""

    keys = ("arn:aws:kms:us-east-1:123456789012:key/1", "arn:aws:kms:us-east-1:123456789012:key/2")
    looks_at_tags = 0
    described: tuple[str, ...] = ()
    asleep: frozenset[str] = frozenset()
    """The functions that nobody has called for 14 days."""

    def paginate(self, **asked: Any) -> Pages:
        match asked:
            case {"StackName": _}:
                return Pages(super().paginate())
            case {"TagFilters": [{"Key": "compliance-audit:bucket" as tag}]}:
                arns = list(self.keys)
            case {"TagFilters": [{"Key": tag}]}:
                self.looks_at_tags += 1
                arns = ["arn:aws:iam::123456789012:role/r"]
            case _:
                return Pages()
        tagged = [{"ResourceARN": arn, "Tags": [{"Key": tag, "Value": "v"}]} for arn in arns]
        return Pages([{"ResourceTagMappingList": tagged}])

    def get_function_configuration(self, *, FunctionName: str) -> Json:  # noqa: N803
        return INACTIVE if FunctionName in self.asleep else ACTIVE

    def invoke(self, *, FunctionName: str, Payload: bytes) -> None:  # noqa: N803
        assert self.deleted == []
        self.asleep -= {FunctionName}

    def describe_key(self, *, KeyId: str) -> Json:  # noqa: N803
        self.described += (KeyId,)
        return {"KeyMetadata": {"KeyState": "Enabled"}}


def test_looking_again_does_not_ask_for_each_kept_key_again() -> None:
    """There is one for each repaired bucket, of which an account may have ten thousand."""
    account = Account(("DELETE_IN_PROGRESS", BEGUN), ("DELETE_COMPLETE", GONE))
    said: list[str] = []
    assert not destroy(lambda _: account, TARGET, confirmed=lambda _: True, say=said.append, pause=lambda _: None)
    assert account.looks_at_tags > 10
    assert account.described == account.keys
    assert all(any(key in line for line in said) for key in account.keys)
