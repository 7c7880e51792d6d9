"""Reads the target account. Nothing here changes anything, and no answer but AWS's own counts as one."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from compliance_audit.names import REMEDIATION_MODE_OUTPUT, STACK_PREFIX
from compliance_audit.preflight.needs import Needs
from compliance_audit.preflight.readings import (
    GATEWAY_ENDPOINTS,
    INTERFACE_ENDPOINTS,
    VPCS,
    Concurrency,
    Readings,
    Unreadable,
)
from compliance_audit.settings import REGION, S3_EXPRESS
from compliance_audit.stacks import find_stack

Client = Callable[[str], Any]
"""Makes the client of a service."""

Value = TypeVar("Value")


def clients(session: boto3.Session) -> Client:
    """Clients of the region to which the system is deployed; seconds, not minutes, until a call is given up."""
    config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})
    return lambda service: session.client(service, region_name=REGION, config=config)


def read_identity(client: Client) -> tuple[str, str] | Unreadable:
    """The account's id and the caller's ARN.

    No policy of the caller's can deny this call. One can deny taking the role that a profile names.
    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """

    def ask() -> tuple[str, str] | Unreadable:
        try:
            answer = client("sts").get_caller_identity()
        except ClientError as error:
            # The first call of a session takes the role that the profile names, and raises what that failed with.
            if error.operation_name.startswith("AssumeRole"):
                return Unreadable(f"sts:{error.operation_name}", error.response["Error"]["Code"])
            raise
        return answer["Account"], answer["Arn"]

    return _read("sts:GetCallerIdentity", ask)


def read_account(client: Client, needs: Needs, *, caller: str, region: str | None) -> Readings:
    """Read what decides whether the deployment can work; the caller and the region are known already."""
    status = _read("cloudformation:DescribeStacks", lambda: _stack_status(client, needs.stack))
    resources = (
        {}
        if status is None
        else _read("cloudformation:ListStackResources", lambda: _stack_resources(client, needs.stack))
    )
    return Readings(
        caller=caller,
        region=region,
        bootstrap_version=_read("ssm:GetParameter", lambda: _bootstrap_version(client, needs.bootstrap_parameter)),
        bootstrap_bucket=_read("s3:ListBucket", lambda: _bucket_exists(client, needs.bootstrap_bucket)),
        stack_status=status,
        stack_resources=resources,
        bucket=_read("s3:ListBucket", lambda: _bucket_exists(client, needs.bucket)),
        log_groups=_read(
            "logs:DescribeLogGroups", lambda: _log_groups(client, {*needs.log_groups, needs.flow_log_group})
        ),
        key_aliases=_read("kms:ListAliases", lambda: _aliases(client) & needs.key_aliases),
        roles=_read("iam:GetRole", lambda: _roles(client, needs.roles)),
        policies=_read("iam:GetPolicy", lambda: _policies(client, needs.policies)),
        reservations=_read("lambda:GetFunctionConcurrency", lambda: _reservations(client, needs.functions)),
        concurrency=_read("lambda:GetAccountSettings", lambda: _concurrency(client)),
        vpcs=_read("ec2:DescribeVpcs", lambda: _vpcs(client, needs.account)),
        gateway_endpoints=_read("ec2:DescribeVpcEndpoints", lambda: _gateway_endpoints(client)),
        quotas={code: read_quota(client, code) for code in (VPCS, GATEWAY_ENDPOINTS, INTERFACE_ENDPOINTS)},
        zone_ids=_read("ec2:DescribeAvailabilityZones", lambda: _zone_ids(client)),
        stack_zones=resources
        if isinstance(resources, Unreadable)
        else _read("ec2:DescribeSubnets", lambda: _stack_zones(client, resources)),
        service_zones=_read("ec2:DescribeVpcEndpointServices", lambda: _service_zones(client, needs.endpoint_services)),
        s3_express_prefix_list=_read("ec2:DescribeManagedPrefixLists", lambda: _prefix_list(client, S3_EXPRESS)),
        log_policies=_read("logs:DescribeResourcePolicies", lambda: _log_policies(client)),
        deployments=_other_deployments(client, needs.stack),
        management_trail=read_management_trail(client) if needs.change_scans else None,
        iam=_read("iam:GetAccountSummary", lambda: _iam(client)),
    )


def read_management_trail(client: Client) -> bool | Unreadable:
    """Whether a trail that is logging records what changes the region.

    A trail of all regions, or of an organization, is listed in each as a shadow.
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
    """
    trails = _read("cloudtrail:DescribeTrails", lambda: _trails(client))
    if isinstance(trails, Unreadable):
        return trails
    unread: Unreadable | None = None
    for trail in trails:
        recorded = _read("cloudtrail:GetTrailStatus", partial(_is_logging, client, trail))
        if recorded is True:
            recorded = _read("cloudtrail:GetEventSelectors", partial(_records_management_writes, client, trail))
        if recorded is True:
            return True
        if isinstance(recorded, Unreadable):
            unread = recorded
    return unread or False


def _trails(client: Client) -> Sequence[str]:
    found = client("cloudtrail").describe_trails(includeShadowTrails=True)["trailList"]
    return [trail["TrailARN"] for trail in found]


def _is_logging(client: Client, trail: str) -> bool:
    logging: bool = client("cloudtrail").get_trail_status(Name=trail)["IsLogging"]
    return logging


def _records_management_writes(client: Client, trail: str) -> bool:
    """Of either form of selectors: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html"""
    answer = client("cloudtrail").get_event_selectors(TrailName=trail)
    plain = any(
        selector["IncludeManagementEvents"] and selector["ReadWriteType"] in ("All", "WriteOnly")
        for selector in answer.get("EventSelectors", [])
    )
    return plain or any(
        _selects_management_writes(selector["FieldSelectors"]) for selector in answer.get("AdvancedEventSelectors", [])
    )


def _selects_management_writes(fields: Sequence[Mapping[str, Any]]) -> bool:
    """What else a selector leaves out are sources that the rules on changes are not about.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
    """
    found = {field["Field"]: field for field in fields}
    category, read_only = found.get("eventCategory", {}), found.get("readOnly", {})
    return category.get("Equals") == ["Management"] and read_only.get("Equals", ["false"]) == ["false"]


def read_quota(client: Client, code: str) -> int | Unreadable:
    """The quota in force. Service Quotas knows one of the account's own only after it was changed once.

    https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
    """
    asked = {"ServiceCode": "vpc", "QuotaCode": code}
    applied = _read(
        "servicequotas:GetServiceQuota",
        lambda: _absent_is_none(
            "NoSuchResourceException", lambda: _quota_value(client("service-quotas").get_service_quota(**asked))
        ),
    )
    if applied is not None:
        return applied
    return _read(
        "servicequotas:GetAWSDefaultServiceQuota",
        lambda: _quota_value(client("service-quotas").get_aws_default_service_quota(**asked)),
    )


def _other_deployments(client: Client, ours: str) -> Mapping[str, str | None] | Unreadable:
    names = _read("cloudformation:ListStacks", lambda: _stacks_like(client, STACK_PREFIX) - {ours})
    if isinstance(names, Unreadable):
        return names
    return _read("cloudformation:DescribeStacks", lambda: _remediation_modes(client, names))


def region_of(session: boto3.Session) -> str | None:
    """The region that the CDK's command line and the AWS CLI would take."""
    # boto3 does not know this variable.
    return os.environ.get("AWS_REGION") or session.region_name


def _read(action: str, ask: Callable[[], Value]) -> Value | Unreadable:
    try:
        return ask()
    except ClientError as error:
        return Unreadable(action, error.response["Error"]["Code"])
    # A proxy's page in place of AWS's answer cannot be parsed.
    except (BotoCoreError, ResponseParserError) as error:
        return Unreadable(action, type(error).__name__)
    except (KeyError, TypeError, ValueError):
        return Unreadable(action, "an answer of another form than AWS documents")


def _absent_is_none(code: str, ask: Callable[[], Value]) -> Value | None:
    """AWS's answer, or None if it is the error that says that there is no such thing."""
    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] == code:
            return None
        raise


def _each(client: Any, operation: str, items: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
    """The items of every page."""
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page[items]


def _bootstrap_version(client: Client, parameter: str) -> int | None:
    answer = _absent_is_none("ParameterNotFound", lambda: client("ssm").get_parameter(Name=parameter))
    return None if answer is None else int(answer["Parameter"]["Value"])


def _stack_status(client: Client, stack: str) -> str | None:
    found = find_stack(client("cloudformation"), stack)
    return None if found is None else str(found["StackStatus"])


def _stack_resources(client: Client, stack: str) -> Mapping[str, str]:
    resources = _each(client("cloudformation"), "list_stack_resources", "StackResourceSummaries", StackName=stack)
    return {
        resource["PhysicalResourceId"]: resource["ResourceType"]
        for resource in resources
        # What CloudFormation has not made yet has no id, and what it has deleted is listed all the same.
        if resource.get("PhysicalResourceId") and resource["ResourceStatus"] != "DELETE_COMPLETE"
    }


_NOTHING_THERE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")
"""The states of stacks that have no resources: deleted ones, which are listed for 90 days, and such as were never made.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
"""


def _stacks_like(client: Client, prefix: str) -> frozenset[str]:
    """The names of the stacks that begin so."""
    return frozenset(
        stack["StackName"]
        for stack in _each(client("cloudformation"), "list_stacks", "StackSummaries")
        if stack["StackName"].startswith(prefix) and stack["StackStatus"] not in _NOTHING_THERE
    )


def _remediation_modes(client: Client, stacks: Iterable[str]) -> Mapping[str, str | None]:
    found = {name: find_stack(client("cloudformation"), name) for name in stacks}
    return {
        name: next(
            (
                output["OutputValue"]
                for output in stack.get("Outputs", [])
                if output["OutputKey"] == REMEDIATION_MODE_OUTPUT
            ),
            None,
        )
        for name, stack in found.items()
        if stack is not None
    }


def _bucket_exists(client: Client, bucket: str) -> bool:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html: 403 may be either, and stays an error."""
    return _absent_is_none("404", lambda: client("s3").head_bucket(Bucket=bucket)) is not None


def _log_groups(client: Client, names: set[str]) -> frozenset[str]:
    logs = client("logs")
    return frozenset(
        name
        for name in names
        for group in _each(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=name)
        if group["logGroupName"] == name
    )


def _aliases(client: Client) -> frozenset[str]:
    return frozenset(alias["AliasName"] for alias in _each(client("kms"), "list_aliases", "Aliases"))


def _roles(client: Client, names: Iterable[str]) -> frozenset[str]:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html"""
    get_role = client("iam").get_role
    return frozenset(
        name for name in names if _absent_is_none("NoSuchEntity", partial(get_role, RoleName=name)) is not None
    )


def _policies(client: Client, arns: Iterable[str]) -> frozenset[str]:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html"""
    get_policy = client("iam").get_policy
    return frozenset(
        arn for arn in arns if _absent_is_none("NoSuchEntity", partial(get_policy, PolicyArn=arn)) is not None
    )


def _reservations(client: Client, functions: Iterable[str]) -> Mapping[str, int]:
    lambda_ = client("lambda")
    answers = {
        name: _absent_is_none("ResourceNotFoundException", partial(lambda_.get_function_concurrency, FunctionName=name))
        for name in functions
    }
    return {
        name: answer.get("ReservedConcurrentExecutions", 0) for name, answer in answers.items() if answer is not None
    }


def _concurrency(client: Client) -> Concurrency:
    limits = client("lambda").get_account_settings()["AccountLimit"]
    return Concurrency(
        limit=limits["ConcurrentExecutions"],
        unreserved=limits["UnreservedConcurrentExecutions"],
    )


def _vpcs(client: Client, account: str) -> frozenset[str]:
    """Without those that other accounts share with this one, which count there."""
    vpcs = _each(client("ec2"), "describe_vpcs", "Vpcs")
    return frozenset(vpc["VpcId"] for vpc in vpcs if vpc["OwnerId"] == account)


def _gateway_endpoints(client: Client) -> frozenset[str]:
    endpoints = _each(client("ec2"), "describe_vpc_endpoints", "VpcEndpoints")
    return frozenset(endpoint["VpcEndpointId"] for endpoint in endpoints if endpoint["VpcEndpointType"] == "Gateway")


def _prefix_list(client: Client, name: str) -> str | None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html"""
    named = [{"Name": "prefix-list-name", "Values": [name]}]
    lists = _each(client("ec2"), "describe_managed_prefix_lists", "PrefixLists", Filters=named)
    return next((found["PrefixListId"] for found in lists), None)


def _iam(client: Client) -> Mapping[str, int]:
    summary = client("iam").get_account_summary()["SummaryMap"]
    return {figure: summary[figure] for figure in ("Roles", "RolesQuota", "Policies", "PoliciesQuota")}


def _quota_value(answer: Mapping[str, Any]) -> int:
    return int(answer["Quota"]["Value"])


def _zone_ids(client: Client) -> Mapping[str, str]:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html"""
    zones = client("ec2").describe_availability_zones()["AvailabilityZones"]
    return {zone["ZoneName"]: zone["ZoneId"] for zone in zones if zone["State"] == "available"}


def _stack_zones(client: Client, resources: Mapping[str, str]) -> tuple[str, ...]:
    ids = [name for name, kind in resources.items() if kind == "AWS::EC2::Subnet"]
    # Without ids it would be every subnet of the account.
    subnets = client("ec2").describe_subnets(SubnetIds=ids)["Subnets"] if ids else []
    return tuple(
        subnet["AvailabilityZone"]
        for subnet in sorted(subnets, key=lambda subnet: ipaddress.ip_network(subnet["CidrBlock"]))
    )


def _log_policies(client: Client) -> frozenset[str]:
    """Those of the account; those of single log groups do not count.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeResourcePolicies.html
    """
    policies = _each(client("logs"), "describe_resource_policies", "resourcePolicies", policyScope="ACCOUNT")
    return frozenset(policy["policyName"] for policy in policies)


def _service_zones(client: Client, services: Iterable[str]) -> Mapping[str, frozenset[str]]:
    answer = client("ec2").describe_vpc_endpoint_services(ServiceNames=sorted(services))
    return {
        service["ServiceName"]: frozenset(service["AvailabilityZones"])
        for service in answer["ServiceDetails"]
        if "Interface" in [kind["ServiceType"] for kind in service["ServiceType"]]
    }
