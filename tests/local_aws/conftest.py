"""One local AWS for all tests of this folder; every test makes resources of its own in it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness import Client, Deploy, Template, connect, document, make_role
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


@pytest.fixture
def deploy(client: Client, name: str) -> Deploy:
    """Create the test's stack, or update it; gives the physical ids by logical id."""
    cloudformation = client("cloudformation")

    def apply(resources: Template) -> dict[str, str]:
        template = json.dumps({"Resources": resources})
        exists = any(stack["StackName"] == name for stack in cloudformation.describe_stacks()["Stacks"])
        action = "update" if exists else "create"
        getattr(cloudformation, f"{action}_stack")(
            StackName=name,
            TemplateBody=template,
            Capabilities=["CAPABILITY_IAM"],
            Tags=[{"Key": "of", "Value": "stack"}],
        )
        waiter = cloudformation.get_waiter(f"stack_{action}_complete")
        waiter.wait(StackName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
        found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found}

    return apply


@pytest.fixture
def machine(client: Client, name: str) -> Callable[..., str]:
    """Make a state machine in JSONata whose role may do what the statements say; gives its ARN."""

    def make(definition: dict[str, Any], *statements: dict[str, Any]) -> str:
        role = make_role(client, f"{name}-machine", "states.amazonaws.com", *statements)
        made = client("stepfunctions").create_state_machine(
            name=name,
            roleArn=role,
            definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
        )
        return str(made["stateMachineArn"])

    return make
