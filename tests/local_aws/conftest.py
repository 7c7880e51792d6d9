"""One local AWS for all tests of this folder; every test makes resources of its own in it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness import Client, connect, document
from local_aws import LocalAws


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    """The running local AWS, with IAM enforced."""
    with LocalAws.start() as running:
        yield running


@pytest.fixture(scope="session")
def client(aws: LocalAws) -> Client:
    """Make clients of the deploying administrator."""
    key = {"AccessKeyId": "test", "SecretAccessKey": "test"}
    return lambda service: connect(aws, service, key)


@pytest.fixture
def name() -> str:
    """A name that no other test uses, fit for every kind of resource."""
    return f"t-{uuid.uuid4().hex[:16]}"


@pytest.fixture
def restricted(aws: LocalAws, client: Client) -> Callable[..., Client]:
    """Make clients of a role that has one managed policy of the given statements."""

    def with_statements(*statements: dict[str, Any]) -> Client:
        iam = client("iam")
        role = f"role-{uuid.uuid4().hex[:12]}"
        anyone = {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "sts:AssumeRole",
        }
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(anyone))["Role"]["Arn"]
        policy = iam.create_policy(PolicyName=role, PolicyDocument=document(*statements))
        iam.attach_role_policy(RoleName=role, PolicyArn=policy["Policy"]["Arn"])
        key = client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return lambda service: connect(aws, service, key)

    return with_statements
