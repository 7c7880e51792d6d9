"""`cli/read-only-policy.json`, which the command prints, is what the functions' permissions say.

`make read-only-policy` writes it anew; the test here fails when it would write another.
"""

from __future__ import annotations

import json
import os

from compliance_audit.permissions import reading_any_account
from sdk_calls import calls
from synthesis import ROOT, Json
from test_permissions import needed

FILE = ROOT / "cli" / "read-only-policy.json"
# Set, to anything, it has the file written instead of compared.
WRITE = "WRITE_READ_ONLY_POLICY"
SCANNING = ("list-targets", "scan-s3", "scan-vpc", "scan-lambda")


def written() -> str:
    statements = [
        {
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": resources[0] if len(resources) == 1 else list(resources),
        }
        for resources, actions in reading_any_account().items()
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n"


def committed() -> Json:
    document: Json = json.loads(FILE.read_text())
    return document


def actions() -> set[str]:
    return {action for statement in committed()["Statement"] for action in statement["Action"]}


def test_the_policy_is_what_the_permissions_say() -> None:
    if WRITE in os.environ:
        FILE.write_text(written())
    told = "cli/read-only-policy.json is not what the permissions say; run `make read-only-policy` and commit it"
    assert FILE.read_text() == written(), told


def test_it_allows_what_scans_call_and_nothing_of_the_reports_bucket() -> None:
    called = {action for function in SCANNING for call in calls(function) for action in needed(call)}
    # Of the reports bucket and its key, which a folder stands for.
    artifacts = {"s3:GetObject", "s3:ListBucket", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"}
    assert actions() == (called - artifacts) | {"ec2:DescribeRegions"}


def test_it_holds_nothing_that_writes() -> None:
    for action in actions():
        assert action.split(":")[1].startswith(("Get", "List", "Describe")), action


def test_it_is_of_whatever_account_and_region() -> None:
    """Only a bucket's ARN names neither: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""
    for statement in committed()["Statement"]:
        assert set(statement) == {"Effect", "Action", "Resource"}
        if statement["Resource"] not in ("*", "arn:aws:s3:::*"):
            _, _, _, region, account, _ = statement["Resource"].split(":", 5)
            assert (region, account) == ("*", "*"), statement


def test_it_fits_into_a_managed_policy() -> None:
    """White space does not count: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    assert len("".join(FILE.read_text().split())) <= 6144
