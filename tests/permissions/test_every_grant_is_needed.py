"""Every grant in every role's policy, taken away from the running system: somebody must notice.

The grants are read from the deployed policies, so that a new one has a case by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from compliance_audit.settings import FUNCTIONS
from grants import Grant, Policy
from scenes import SCENES
from system import System
from unchecked import called_by_code_and_lambda, names, unchecked


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The system, deployed on a local AWS with IAM enforced, after its first scan."""
    with System.deployed() as running:
        yield running


def policy(system: System, owner: str) -> Policy:
    """The policy of a function, or of what else has a role, as it is deployed."""
    return Policy.of(system.client("iam"), system.role(owner))


def mentions(said: str, action: str) -> int:
    """How often an action is named. Amazon SNS has a name of its own for a key that may not be used."""
    found = len(re.findall(rf"\b{action}\b", said))
    return found + said.count("KMSAccessDenied") if action.startswith("kms:") else found


DIRECTORY_BUCKET = "AWS::S3Express::DirectoryBucket"
S3 = {"AWS::::Account", "AWS::S3::Bucket", "AWS::S3::AccessPoint", DIRECTORY_BUCKET}


def test_every_role_has_scenes(system: System) -> None:
    pages = system.client("iam").get_paginator("list_roles").paginate()
    ours = {role["RoleName"] for page in pages for role in page["Roles"] if role["RoleName"].endswith(system.name)}
    assert ours == {system.role(owner) for owner in SCENES}
    assert set(SCENES) > set(FUNCTIONS)


@pytest.mark.parametrize(
    ("service", "action", "type_", "judged"),
    [
        ("s3", "s3:ListAccessPoints", "AWS::S3::AccessPoint", S3 - {"AWS::S3::AccessPoint"}),
        ("s3", "s3:ListAllMyBuckets", "AWS::S3::Bucket", S3 - {"AWS::S3::Bucket"}),
        ("s3", "s3express:ListAllMyDirectoryBuckets", DIRECTORY_BUCKET, S3 - {DIRECTORY_BUCKET}),
        ("vpc", "ec2:DescribeVpcs", "AWS::EC2::VPC", {"AWS::::Account"}),
        ("lambda", "lambda:ListFunctions", "AWS::Lambda::Function", set()),
    ],
)
def test_what_may_not_be_listed_is_a_gap_of_its_type_and_the_rest_is_judged(
    system: System, service: str, action: str, type_: str, judged: set[str]
) -> None:
    with policy(system, "list-targets").without(Grant(action=action, resource="*")):
        ended = system.end_of(system.start({"services": [service], "remediation": "off"}))
    assert ended["status"] == "SUCCEEDED", ended
    scan = f"scans/{json.loads(ended['output'])['scanId']}"
    summary = json.loads(system.read(f"{scan}/summary.json"))
    [gap] = summary["gaps"]
    assert gap.pop("reason").startswith(f"{action} was denied")
    assert gap == {"service": service, "shard": None, "resources": None, "resourceType": type_}
    written = [json.loads(line) for line in system.read(f"{scan}/findings.jsonl.zst").splitlines()]
    # What is known from an earlier scan is carried.
    carried = {"NOT_LOOKED_AT"}
    resources = [
        line["resource"]
        for line in written
        if any({missing["cause"] for missing in it.get("missing", [])} != carried for it in line["findings"])
    ]
    found = {resource["type"] for resource in resources}
    # What hangs on the account in its network is judged with it, and has types of its own.
    assert judged <= found
    assert type_ not in found
    if "AWS::S3::Bucket" in judged:
        there = {bucket["Name"] for bucket in system.client("s3").list_buckets()["Buckets"]}
        buckets = {resource["name"] for resource in resources if resource["type"] == "AWS::S3::Bucket"}
        assert buckets == there


@pytest.mark.parametrize("owner", [owner for owner in SCENES if called_by_code_and_lambda(owner)])
def test_the_deny_leaves_out_what_the_code_calls(system: System, owner: str, subtests: pytest.Subtests) -> None:
    """The code does what the Deny keeps other functions' code from: were an action in it, that would be noticed."""
    deployed, scene = policy(system, owner), SCENES[owner][0]
    usual = scene(system)
    assert "errorType" not in usual
    for action in called_by_code_and_lambda(owner):
        with subtests.test(action):
            assert mentions(usual, action) == 0, f"{owner} is kept from {action}"
            with deployed.denying(action):
                assert mentions(scene(system), action) > 0, f"nobody keeps {owner} from anything"


@pytest.mark.parametrize("owner", SCENES)
def test_every_grant_is_missed_or_cannot_be(system: System, owner: str, subtests: pytest.Subtests) -> None:
    """Without a grant an error names the action, or what is written or logged does.

    Without all that cannot be checked, everything goes on as usual: what is noticed after all has to leave the list.
    """
    deployed, scenes = policy(system, owner), SCENES[owner]
    usual = [scene(system) for scene in scenes]
    assert not usual or "errorType" not in usual[0], "the scene with most to do fails with the whole policy"
    grants = deployed.grants()
    listed = set(unchecked(owner))
    hidden = [grant for grant in grants if names(grant) & listed]
    assert {name for grant in hidden for name in names(grant)} >= listed, "the list has what nobody is granted"
    twice = {grant.action for grant, statements in grants.items() if statements > 1}
    assert twice == called_by_code_and_lambda(owner), "a second statement allows what is allowed anyway"
    with deployed.without(*hidden):
        for scene, before in zip(scenes, usual, strict=True):
            said = scene(system)
            for grant in hidden:
                assert mentions(said, grant.action) == mentions(before, grant.action), str(grant)
    for grant in grants:
        if grant in hidden:
            continue
        with subtests.test(str(grant)), deployed.without(grant):
            noticed = (
                mentions(scene(system), grant.action) > mentions(said, grant.action)
                for scene, said in zip(scenes, usual, strict=True)
            )
            assert any(noticed), f"nothing that {owner} does says that it misses {grant}"
