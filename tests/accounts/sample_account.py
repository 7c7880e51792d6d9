"""The sample account: what it is made of, how it is made, which verdicts it must get, and what remediation does to it.

The pipeline test and the demo create it and compare a scan's findings with the expectation. boto3
clients are handed in by a function from service name to client, so that this module needs no AWS
library of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "payments-company"
"""Where the templates and the expectation lie."""

SERVICES = ("s3", "vpc", "lambda")
"""The audited services. Each has a file of expected verdicts, named after it."""

STACKS = ("vpc", "s3", "lambda", "container", "drift")
"""The templates' names without ending, in the order in which their exports need each other."""

DEFAULT_VPC = "default-vpc"
"""What the expectation calls the VPC that AWS puts into every region; its real name is its id."""

COPY_BUCKET = "payments-dispute-evidence-copy-{account}"
"""The bucket in :data:`COPY_REGION` that objects are copied to. A stack makes buckets of its own region only."""

COPY_REGION = "us-west-2"
"""A region that the auditor does not reach."""

MFA_DELETE_BUCKET = "payments-card-vault-{account}"
"""The bucket that gets MFA delete, which CloudFormation cannot switch on."""

MFA_DEVICE = "arn:aws:iam::{account}:mfa/root-account-mfa-device 123456"
"""Serial number and code of a device. The local AWS takes any; AWS takes the root user's, from the root user."""

ClientFactory = Callable[[str], Any]


@dataclass(frozen=True, order=True)
class Question:
    """One rule asked of one resource."""

    resource_type: str
    """CloudFormation's name of the type, for instance ``AWS::S3::Bucket``."""
    resource_name: str
    """The name by which the README says that resources of this type are called."""
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
    """``COMPLIANT``, ``NON_COMPLIANT``, ``NOT_APPLICABLE``, or ``INSUFFICIENT_DATA`` where the auditor cannot read."""
    why: str
    """The reason, from the template and the rule's meaning."""


def expected_verdicts() -> list[Expectation]:
    """Read the expectation: service by service, each in its file's order."""
    return [expectation for service in SERVICES for expectation in expected_verdicts_of(service)]


def expected_verdicts_of(service: str) -> list[Expectation]:
    """Read one service's file, in its order."""
    with (FOLDER / "expected-verdicts" / f"{service}.csv").open(newline="", encoding="utf-8") as file:
        return [
            Expectation(
                question=Question(row["resource_type"], row["resource_name"], row["rule_id"]),
                service=row["service"],
                status=row["status"],
                why=row["why"],
            )
            for row in csv.DictReader(file, strict=True)
        ]


@dataclass(frozen=True)
class ExpectedRemediation:
    """What a person wrote down for one bucket that default encryption could be given to."""

    bucket: str
    """The bucket's name, with the account id."""
    decision: str
    """``APPLY`` or ``SKIP``."""
    reasons: tuple[str, ...]
    """The codes of every reason to leave it alone, sorted: the README has them. None for ``APPLY``."""
    why: str
    """The same in words."""


def expected_remediation() -> list[ExpectedRemediation]:
    """Read what remediation must do with each bucket that fails an encryption rule, in the file's order."""
    with (FOLDER / "expected-remediation.csv").open(newline="", encoding="utf-8") as file:
        return [
            ExpectedRemediation(
                bucket=row["bucket"],
                decision=row["decision"],
                reasons=tuple(row["reasons"].split()),
                why=row["why"],
            )
            for row in csv.DictReader(file, strict=True)
        ]


def create(client: ClientFactory, prefix: str = "payments-company", mfa_device: str = MFA_DEVICE) -> list[str]:
    """Create the stacks one after the other, with what no stack of the region can make; gives the stacks' names.

    ``mfa_device`` is the serial number of an MFA device, a space, and the code that it shows. Raises
    the waiter's error when a stack cannot be created, whose events say why, and botocore's when S3
    refuses what is made without a stack.
    """
    account = _account(client)
    s3 = client("s3")
    # Object Lock brings versioning along, and a replication needs both where it comes from a bucket that has them.
    s3.create_bucket(
        Bucket=COPY_BUCKET.format(account=account),
        CreateBucketConfiguration={"LocationConstraint": COPY_REGION},
        ObjectLockEnabledForBucket=True,
    )
    names = _create_stacks(client, prefix)
    s3.put_bucket_versioning(
        Bucket=MFA_DELETE_BUCKET.format(account=account),
        VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"},
        MFA=mfa_device.format(account=account),
    )
    return names


def _create_stacks(client: ClientFactory, prefix: str) -> list[str]:
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
    """Delete what :func:`create` made, in the opposite order.

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
    client("s3").delete_bucket(Bucket=COPY_BUCKET.format(account=_account(client)))


def resource_arns(client: ClientFactory, account: str, region: str) -> dict[str, tuple[str, str]]:
    """Say which ARN is which resource of the expectation: ARN to (resource type, resource name).

    Only ids of EC2 cannot be written down beforehand, and are looked up. The account is one ARN and
    one resource, though two services have rules on it.
    """
    expected = {(e.question.resource_type, e.question.resource_name) for e in expected_verdicts()}
    arns = {
        pattern.format(name=name, account=account, region=region): (resource_type, name)
        for resource_type, name in expected
        if (pattern := _NAMED.get(resource_type))
    }
    for path, resource_type, name in _networks(client("ec2")):
        arns[f"arn:aws:ec2:{region}:{account}:{path}"] = (resource_type, name)
    # The rest of the account, the auditor's own stack above all, is not ours to expect things of.
    return {arn: resource for arn, resource in arns.items() if resource in expected}


_NAMED = {
    "AWS::::Account": "arn:aws:iam::{name}:root",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::S3::AccessPoint": "arn:aws:s3:{region}:{account}:accesspoint/{name}",
    "AWS::S3Express::DirectoryBucket": "arn:aws:s3express:{region}:{account}:bucket/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
}
"""The ARNs of the types whose ARN has the resource's name."""


def _networks(ec2: Any) -> Iterator[tuple[str, str, str]]:
    """Give the last part of the ARN, the resource type and the name of everything that EC2 gives an id of its own."""
    vpcs = {}
    for vpc in _all(ec2, "describe_vpcs", "Vpcs"):
        vpc_id = vpc["VpcId"]
        vpcs[vpc_id] = DEFAULT_VPC if vpc["IsDefault"] else _name_tag(vpc) or vpc_id
        yield f"vpc/{vpc_id}", "AWS::EC2::VPC", vpcs[vpc_id]
    for group in _all(ec2, "describe_security_groups", "SecurityGroups"):
        name = f"{vpcs[group['VpcId']]}/{group['GroupName']}"
        yield f"security-group/{group['GroupId']}", "AWS::EC2::SecurityGroup", name
    for acl in _all(ec2, "describe_network_acls", "NetworkAcls"):
        name = f"{vpcs[acl['VpcId']]}/{'default' if acl['IsDefault'] else _name_tag(acl)}"
        yield f"network-acl/{acl['NetworkAclId']}", "AWS::EC2::NetworkAcl", name
    for subnet in _all(ec2, "describe_subnets", "Subnets"):
        name = f"{vpcs[subnet['VpcId']]}/{_name_tag(subnet) or subnet['AvailabilityZone']}"
        yield f"subnet/{subnet['SubnetId']}", "AWS::EC2::Subnet", name
    for endpoint in _all(ec2, "describe_vpc_endpoints", "VpcEndpoints"):
        name = f"{vpcs[endpoint['VpcId']]}/{_name_tag(endpoint)}"
        yield f"vpc-endpoint/{endpoint['VpcEndpointId']}", "AWS::EC2::VPCEndpoint", name
    for service in _all(ec2, "describe_vpc_endpoint_service_configurations", "ServiceConfigurations"):
        yield f"vpc-endpoint-service/{service['ServiceId']}", "AWS::EC2::VPCEndpointService", _name_tag(service)
    for peering in _all(ec2, "describe_vpc_peering_connections", "VpcPeeringConnections"):
        peering_id = peering["VpcPeeringConnectionId"]
        yield f"vpc-peering-connection/{peering_id}", "AWS::EC2::VPCPeeringConnection", _name_tag(peering)
    for address in ec2.describe_addresses()["Addresses"]:
        yield f"elastic-ip/{address['AllocationId']}", "AWS::EC2::EIP", _name_tag(address)
    for interface in _all(ec2, "describe_network_interfaces", "NetworkInterfaces"):
        name = next((tag["Value"] for tag in interface.get("TagSet", []) if tag["Key"] == "Name"), "")
        yield f"network-interface/{interface['NetworkInterfaceId']}", "AWS::EC2::NetworkInterface", name
    for template in _all(ec2, "describe_launch_templates", "LaunchTemplates"):
        path = f"launch-template/{template['LaunchTemplateId']}"
        yield path, "AWS::EC2::LaunchTemplate", template["LaunchTemplateName"]
    for connection in ec2.describe_vpn_connections()["VpnConnections"]:
        yield f"vpn-connection/{connection['VpnConnectionId']}", "AWS::EC2::VPNConnection", _name_tag(connection)
    for gateway in _all(ec2, "describe_transit_gateways", "TransitGateways"):
        yield f"transit-gateway/{gateway['TransitGatewayId']}", "AWS::EC2::TransitGateway", _name_tag(gateway)


def differences(findings: Iterable[Mapping[str, Any]], arns: Mapping[str, tuple[str, str]]) -> list[str]:
    """Compare findings, as the JSON report has them, with the expectation.

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


def _name_tag(resource: Mapping[str, Any]) -> str:
    """The value of the tag ``Name``; empty where there is none."""
    return next((str(tag["Value"]) for tag in resource.get("Tags", []) if tag["Key"] == "Name"), "")


def _account(client: ClientFactory) -> str:
    return str(client("sts").get_caller_identity()["Account"])


def _all(client: Any, operation: str, key: str) -> list[dict[str, Any]]:
    pages = client.get_paginator(operation).paginate()
    return [item for page in pages for item in page[key]]
