"""The auditor's whole life on a local AWS: deployed, used, taken down with an obstacle, deployed and taken down again.

The fixture `life` lives it once and writes down what it sees; the tests judge that.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from subprocess import CompletedProcess
from typing import Any

import pytest
import sample_account
from compliance_audit.destroy import ACTIONS
from compliance_audit.leftovers import Deployment, Found, look, look_at_kept_keys
from compliance_audit.names import Names
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from deployment import ENVIRONMENT, SETTINGS, STACK, SUFFIX, bootstrap, client, deploy, destroy
from local_aws import ACCOUNT_ID, LocalAws
from patience import patiently

ENOUGH = {"environment": ENVIRONMENT, "environmentSuffix": SUFFIX}
"""The settings that the command needs."""

# More than the 1,000 that Amazon S3 lists and deletes at once, under keys that need care in XML and in addresses:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
KEYS = ("state/latest.json", "reports/a b&<c>.csv", "claims/ü+%2F")
VERSIONS_OF_A_KEY = 400
DELETE_MARKERS_OF_A_KEY = 100

# They are parts of other resources, and go with them.
PARTS = {
    "AWS::EC2::NetworkAclEntry",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    # What they stand for is done by a function; there is nothing of them in the account.
    "Custom::CloseDefaultSecurityGroup",
    "Custom::EmptyBucket",
    "Custom::EvidencePublicKey",
    # Nobody confirms the e-mail's subscription; the one of a queue stands for those that are confirmed.
    "AWS::SNS::Subscription",
}


@dataclass(frozen=True, kw_only=True)
class Life:
    """What was seen."""

    outputs: dict[str, str]
    """The stack's outputs."""
    sealed: dict[str, bytes]
    """What the scan was sealed with: the manifest and its signature, by the ends of their keys."""
    resources: dict[str, str]
    """The stack's resources while it stood: their types by physical id."""
    standing: Found
    """What the listing found while the stack stood."""
    keys_of_buckets: dict[str, str]
    """The keys that remediation gave to buckets of the sample account: ARN by bucket."""
    refused: CompletedProcess[str]
    """The command while the reports bucket could not be emptied."""
    status_then: str
    """The stack's status after it."""
    types_then: set[str]
    """The types of the resources that the stack still had."""
    versions_then: int
    """How many versions and delete markers the reports bucket still had."""
    second: CompletedProcess[str]
    """The command after that was mended."""
    left: Found
    """What the listing found after it."""
    states_of_keys: dict[str, str]
    """What AWS KMS said of the buckets' keys after it: state by ARN."""
    buckets: set[str]
    """The account's buckets after it."""
    status_again: str
    """How a scan ended after the auditor was deployed again under the same name."""
    third: CompletedProcess[str]
    """The command that took it down again, with no more permissions than it says it needs."""
    left_again: Found
    """What the listing found after that."""


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """The local AWS, with IAM enforced."""
    with LocalAws.start() as running:
        yield running


@pytest.fixture(scope="module")
def life(aws: LocalAws) -> Life:
    """Live it."""
    bootstrap(aws)
    sample_account.create(lambda service: client(aws, service))
    outputs = deploy(aws)
    bucket = outputs["ReportsBucketName"]
    before = encryption_keys(aws)
    assert scan(aws, outputs["StateMachineArn"]) == "SUCCEEDED"
    keys = {name: key for name, key in encryption_keys(aws).items() if before.get(name) != key}
    sealed = seal(aws, bucket)
    fill(aws, bucket)
    subscribe(aws, outputs["AlertsTopicArn"])
    resources = stack_resources(aws)
    standing = found(aws)

    with undeletable_versions(aws, bucket):
        refused = destroy(ENOUGH, aws.environment())
    [stack] = client(aws, "cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    types_then = set(stack_resources(aws).values())
    versions_then = count_versions(aws, bucket)

    second = destroy(ENOUGH, aws.environment())
    left = found(aws)
    states = {key: client(aws, "kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys.values()}
    buckets = {each["Name"] for each in client(aws, "s3").list_buckets()["Buckets"]}

    status_again = scan(aws, deploy(aws)["StateMachineArn"])
    third = destroy(SETTINGS, aws.environment() | credentials(aws, "destroyer", *sorted(ACTIONS)))
    return Life(
        outputs=outputs,
        sealed=sealed,
        resources=resources,
        standing=standing,
        keys_of_buckets=keys,
        refused=refused,
        status_then=stack["StackStatus"],
        types_then=types_then,
        versions_then=versions_then,
        second=second,
        left=left,
        states_of_keys=states,
        buckets=buckets,
        status_again=status_again,
        third=third,
        left_again=found(aws),
    )


# --- What an auditor needs -----------------------------------------------------------------------------------------


def test_the_outputs_have_the_key_that_signs(life: Life) -> None:
    """Checked without any program of ours, as the README tells auditors below "Checking the evidence"."""
    der = b64decode(life.outputs["EvidencePublicKey"], validate=True)
    key = load_der_public_key(der)
    assert isinstance(key, EllipticCurvePublicKey)
    key.verify(life.sealed["manifest.sig"], life.sealed["manifest.json"], ECDSA(SHA256()))
    fingerprint = life.outputs["EvidenceKeyFingerprint"]
    assert sha256(der).hexdigest() == fingerprint
    named = json.loads(life.sealed["manifest.json"])["key"]
    assert named == {"arn": life.outputs["EvidenceKeyArn"], "fingerprint": fingerprint}


# --- What the listing finds -----------------------------------------------------------------------------------------


def test_the_listing_names_every_resource_of_the_stack(life: Life) -> None:
    """Or it would find nothing after the destruction for the reason that it never finds anything."""
    assert len(life.resources) > 80
    words = {word for line in life.standing.left for word in line.split(" ")}
    unnamed = {
        physical_id: kind
        for physical_id, kind in life.resources.items()
        if kind not in PARTS and not any(word.endswith(physical_id) for word in words)
    }
    assert unnamed == {}
    assert any(line.startswith("subscription arn:") for line in life.standing.left)
    assert life.standing.not_checked == []


# --- A bucket that cannot be emptied --------------------------------------------------------------------------------


def test_the_deletion_fails_with_the_reason(life: Life) -> None:
    assert (life.refused.returncode, life.status_then) == (1, "DELETE_FAILED"), life.refused.stdout
    [reason] = [line for line in life.refused.stdout.splitlines() if line.startswith("  - ")]
    assert "Custom::EmptyBucket" in reason
    assert "could not be emptied" in reason
    assert "s3:DeleteObjectVersion" in reason
    assert "run the same command again" in life.refused.stdout


def test_nothing_is_lost_and_what_the_second_try_needs_is_there(life: Life) -> None:
    """CloudFormation deletes backwards: scans have stopped, and bucket, function and network are still there."""
    assert life.versions_then >= len(KEYS) * (VERSIONS_OF_A_KEY + DELETE_MARKERS_OF_A_KEY)
    assert life.types_then >= {
        "AWS::EC2::VPCEndpoint",
        "AWS::IAM::ManagedPolicy",
        "AWS::Lambda::Function",
        "AWS::S3::Bucket",
        "Custom::EmptyBucket",
    }
    assert life.types_then.isdisjoint({"AWS::Events::Rule", "AWS::StepFunctions::StateMachine"})


# --- Taken down -----------------------------------------------------------------------------------------------------


def test_the_second_try_leaves_nothing(life: Life) -> None:
    assert life.second.returncode == 0, life.second.stdout
    assert (life.left.left, life.left.not_checked) == ([], [])
    assert f"The stack {STACK} is deleted." in life.second.stdout


def test_our_own_keys_wait_for_their_deletion(life: Life) -> None:
    own = {physical_id for physical_id, kind in life.resources.items() if kind == "AWS::KMS::Key"}
    assert {arn.rpartition("/")[2] for arn in life.left.waiting_keys} == own
    assert "PendingDeletion" in life.second.stdout


def test_the_keys_of_buckets_stay_and_are_named(life: Life) -> None:
    assert life.keys_of_buckets
    assert set(life.states_of_keys.values()) == {"Enabled"}
    assert {key.bucket: key.arn for key in life.left.kept_keys} == life.keys_of_buckets
    for bucket, key in life.keys_of_buckets.items():
        assert f"bucket {bucket}: {key}" in life.second.stdout


def test_the_account_keeps_what_is_its_own(life: Life) -> None:
    expected = {each.question for each in sample_account.expected_verdicts()}
    assert life.buckets >= {each.resource_name for each in expected if each.resource_type == "AWS::S3::Bucket"}


def test_the_same_name_can_be_deployed_and_taken_down_again(life: Life) -> None:
    assert life.status_again == "SUCCEEDED"
    assert life.third.returncode == 0, life.third.stdout
    assert (life.left_again.left, life.left_again.not_checked) == ([], [])


# --- Without a stack ------------------------------------------------------------------------------------------------


def test_a_leftover_is_told_also_without_a_stack(aws: LocalAws, life: Life) -> None:
    group = f"/aws/lambda/scan-s3-function-{ENVIRONMENT}-{SUFFIX}"
    logs = client(aws, "logs")
    logs.create_log_group(logGroupName=group)
    told = destroy(ENOUGH, aws.environment())
    logs.delete_log_group(logGroupName=group)
    assert told.returncode == 1
    assert f"There is no stack {STACK}" in told.stdout
    assert f"log group {group}" in told.stdout


def test_a_listing_that_is_denied_is_not_taken_for_an_empty_one(aws: LocalAws, life: Life) -> None:
    with_too_little = credentials(aws, "narrow", "cloudformation:DescribeStacks", "s3:ListAllMyBuckets")
    told = destroy(ENOUGH, aws.environment() | with_too_little)
    assert told.returncode == 1
    assert "Not checked" in told.stdout
    assert "lambda:ListFunctions: " in told.stdout
    assert "s3:ListAllMyBuckets: " not in told.stdout
    assert "Nothing of the deployment is left" not in told.stdout


# --- What happens in a life -----------------------------------------------------------------------------------------


def scan(aws: LocalAws, state_machine: str) -> str:
    """Scan the account, and repair what the scan finds; how it ended."""
    states = client(aws, "stepfunctions")
    request = json.dumps({"remediation": "apply"})
    execution = states.start_execution(stateMachineArn=state_machine, input=request)["executionArn"]
    for _ in patiently("the scan did not end"):
        status: str = states.describe_execution(executionArn=execution)["status"]
        if status != "RUNNING":
            return status
    raise AssertionError("unreachable")


def seal(aws: LocalAws, bucket: str) -> dict[str, bytes]:
    """The manifest of a scan and its signature."""
    s3 = client(aws, "s3")
    listed = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="scans/").search("Contents[].Key")
    manifest = next(key for key in listed if key.endswith("/manifest.json"))
    signature = manifest.removesuffix("json") + "sig"
    return {
        key.rpartition("/")[2]: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in (manifest, signature)
    }


def fill(aws: LocalAws, bucket: str) -> None:
    """Put versions, delete markers and an unfinished upload into a bucket, as months of scans would."""
    s3 = client(aws, "s3")
    for key in KEYS:
        for _ in range(VERSIONS_OF_A_KEY):
            s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
        for _ in range(DELETE_MARKERS_OF_A_KEY):
            s3.delete_object(Bucket=bucket, Key=key)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="reports/half.json")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="reports/half.json", UploadId=upload, PartNumber=1, Body=b"[")


def subscribe(aws: LocalAws, topic: str) -> None:
    """Subscribe a queue, which needs no confirmation."""
    queue = client(aws, "sqs").create_queue(QueueName="reader")["QueueUrl"]
    attributes = client(aws, "sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    client(aws, "sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])


def count_versions(aws: LocalAws, bucket: str) -> int:
    """How many versions and delete markers are in a bucket."""
    pages = client(aws, "s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
    return sum(len(page.get("Versions", [])) + len(page.get("DeleteMarkers", [])) for page in pages)


@contextmanager
def undeletable_versions(aws: LocalAws, bucket: str) -> Iterator[None]:
    """The bucket's policy forbids to delete versions, as somebody may have wanted it who protects evidence."""
    s3 = client(aws, "s3")
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    protected = json.loads(policy)
    protected["Statement"].append(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:DeleteObjectVersion",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(protected))
    yield
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)


def found(aws: LocalAws) -> Found:
    """What of the auditor is in the account."""
    names = Names(environment=ENVIRONMENT, suffix=SUFFIX)
    deployment = Deployment(names=names, account=ACCOUNT_ID, flow_log_date=SETTINGS["flowLogDate"])
    seen = look(lambda service: client(aws, service), deployment)
    look_at_kept_keys(lambda service: client(aws, service), deployment, seen)
    return seen


def stack_resources(aws: LocalAws) -> dict[str, str]:
    """The types of the stack's resources, by physical id."""
    pages = client(aws, "cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    return {
        each["PhysicalResourceId"]: each["ResourceType"] for page in pages for each in page["StackResourceSummaries"]
    }


def encryption_keys(aws: LocalAws) -> dict[str, str]:
    """The key with which a bucket encrypts, by bucket."""
    s3 = client(aws, "s3")
    keys = {}
    for bucket in s3.list_buckets()["Buckets"]:
        [rule] = s3.get_bucket_encryption(Bucket=bucket["Name"])["ServerSideEncryptionConfiguration"]["Rules"]
        if key := rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID"):
            keys[bucket["Name"]] = key
    return keys


def credentials(aws: LocalAws, name: str, *actions: str) -> dict[str, str]:
    """The credentials of a new role that may do these actions and no others, for a command's environment."""
    iam = client(aws, "iam")
    anyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(anyone))["Role"]["Arn"]
    policy = iam.create_policy(PolicyName=name, PolicyDocument=document(allowed))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    key = client(aws, "sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_SESSION_TOKEN": key["SessionToken"],
    }


def document(statement: dict[str, Any]) -> str:
    """A policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
