"""The sample account: what it is made of, how it is made, and which verdicts it must get.

The pipeline test and the demo create it and compare a scan's findings with the expectation. boto3
clients are handed in by a function from service name to client, so that this module needs no AWS
library of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "payments-company"
"""Where the templates and the expectation lie."""

STACKS = ("vpc", "s3", "lambda", "container", "drift")
"""The templates' names without ending, in the order in which their exports need each other."""

DEFAULT_VPC = "default-vpc"
"""What the expectation calls the VPC that AWS puts into every region; its real name is its id."""

ClientFactory = Callable[[str], Any]


@dataclass(frozen=True, order=True)
class Question:
    """One rule asked of one resource."""

    resource_type: str
    """CloudFormation's name of the type, for instance ``AWS::S3::Bucket``."""
    resource_name: str
    """Bucket or function name, a VPC's ``Name`` tag, or ``<VPC name>/<security group name>``."""
    rule_id: str
    """The rule's id."""


@dataclass(frozen=True)
class Expectation:
    """The verdict that a person wrote down for one question."""

    question: Question
    """What is asked."""
    service: str
    """``s3``, ``vpc`` or ``lambda``."""
    status: str
    """``COMPLIANT``, ``NON_COMPLIANT`` or ``NOT_APPLICABLE``."""
    why: str
    """The reason, from the template and the rule's meaning."""


def expected_verdicts() -> list[Expectation]:
    """Read the expectation, in the file's order."""
    with (FOLDER / "expected-verdicts.csv").open(newline="", encoding="utf-8") as file:
        return [
            Expectation(
                question=Question(row["resource_type"], row["resource_name"], row["rule_id"]),
                service=row["service"],
                status=row["status"],
                why=row["why"],
            )
            for row in csv.DictReader(file, strict=True)
        ]


def create(client: ClientFactory, prefix: str = "payments-company") -> list[str]:
    """Create the stacks one after the other and return their names.

    Raises the waiter's error when a stack cannot be created; its events say why.
    """
    cloudformation = client("cloudformation")
    names = []
    for template in STACKS:
        name = f"{prefix}-{template}"
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=(FOLDER / f"{template}.yaml").read_text(encoding="utf-8"),
            Capabilities=["CAPABILITY_IAM"],
            OnFailure="DO_NOTHING",
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300}
        )
        names.append(name)
    return names


def delete(client: ClientFactory, prefix: str = "payments-company") -> None:
    """Delete the stacks, the last one first.

    Raises the waiter's error when a stack cannot be deleted, for instance because somebody put
    objects into its buckets; its events say why.
    """
    cloudformation = client("cloudformation")
    for template in reversed(STACKS):
        name = f"{prefix}-{template}"
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 1800}
        )


def resource_arns(client: ClientFactory, account: str, region: str) -> dict[str, tuple[str, str]]:
    """Say which ARN is which resource of the expectation: ARN to (resource type, resource name).

    Only the VPCs' and security groups' ARNs cannot be written down beforehand, and are looked up.
    """
    expected = {(e.question.resource_type, e.question.resource_name) for e in expected_verdicts()}
    ec2 = client("ec2")
    names = {vpc["VpcId"]: _vpc_name(vpc) for vpc in _all(ec2, "describe_vpcs", "Vpcs")}
    arns = {}
    for resource_type, name in expected:
        if resource_type == "AWS::S3::Bucket":
            arns[f"arn:aws:s3:::{name}"] = (resource_type, name)
        elif resource_type == "AWS::Lambda::Function":
            arns[f"arn:aws:lambda:{region}:{account}:function:{name}"] = (resource_type, name)
    for vpc_id, name in names.items():
        arns[f"arn:aws:ec2:{region}:{account}:vpc/{vpc_id}"] = ("AWS::EC2::VPC", name)
    for group in _all(ec2, "describe_security_groups", "SecurityGroups"):
        name = f"{names[group['VpcId']]}/{group['GroupName']}"
        arn = f"arn:aws:ec2:{region}:{account}:security-group/{group['GroupId']}"
        arns[arn] = ("AWS::EC2::SecurityGroup", name)
    # The rest of the account, the auditor's own stack above all, is not ours to expect things of.
    return {arn: resource for arn, resource in arns.items() if resource in expected}


def differences(findings: Iterable[Mapping[str, Any]], arns: Mapping[str, tuple[str, str]]) -> list[str]:
    """Compare findings, as ``findings.jsonl`` has them, with the expectation.

    ``arns`` is what :func:`resource_arns` says. Findings on other resources, the auditor's own
    above all, are passed over. Returns one sentence per difference.
    """
    found: dict[Question, str] = {}
    problems = []
    for finding in findings:
        resource = arns.get(finding["resource"]["arn"])
        if resource is None:
            continue
        question = Question(*resource, finding["ruleId"])
        if question in found:
            problems.append(f"{_text(question)}: answered twice")
        found[question] = finding["status"]
    for expectation in expected_verdicts():
        status = found.pop(expectation.question, "no finding")
        if status != expectation.status:
            problems.append(
                f"{_text(expectation.question)}: expected {expectation.status}, got {status}. "
                f"Expected because: {expectation.why}"
            )
    problems += [f"{_text(question)}: {status}, and nothing was expected" for question, status in found.items()]
    return sorted(problems)


def _text(question: Question) -> str:
    return f"{question.rule_id} on {question.resource_type} {question.resource_name}"


def _vpc_name(vpc: Mapping[str, Any]) -> str:
    if vpc["IsDefault"]:
        return DEFAULT_VPC
    tags = {tag["Key"]: tag["Value"] for tag in vpc.get("Tags", [])}
    return str(tags.get("Name", vpc["VpcId"]))


def _all(client: Any, operation: str, key: str) -> list[dict[str, Any]]:
    pages = client.get_paginator(operation).paginate()
    return [item for page in pages for item in page[key]]
