"""What was read in the target account. A reading that failed is not a value: it has no default and no guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True)
class Unreadable:
    """A reading that failed."""

    action: str
    """The IAM action that the call needs, for instance `ssm:GetParameter`."""
    error: str
    """AWS's error code, or what kept the call from being answered. No message: those name principals and resources."""


class NotReadError(Exception):
    """A value was asked for that could not be read."""

    def __init__(self, reading: Unreadable) -> None:
        super().__init__(f"{reading.action} failed with {reading.error}")
        self.reading = reading


Value = TypeVar("Value")


def value(reading: Value | Unreadable) -> Value:
    """The value that was read. Raises NotReadError if it was not."""
    if isinstance(reading, Unreadable):
        raise NotReadError(reading)
    return reading


@dataclass(frozen=True, kw_only=True)
class Concurrency:
    """AWS Lambda's concurrent executions in the region."""

    limit: int
    """How many the account may have at once."""
    unreserved: int
    """How many of them no function has reserved."""


VPCS = "L-F678F1CE"
"""Service Quotas' code for VPCs per Region."""
GATEWAY_ENDPOINTS = "L-1B52E74A"
"""Service Quotas' code for gateway VPC endpoints per Region."""
INTERFACE_ENDPOINTS = "L-29B6F2EB"
"""Service Quotas' code for interface VPC endpoints per VPC."""


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What was read. `None` is AWS's answer that there is no such thing."""

    caller: str
    """ARN of who asks, and who would deploy."""
    region: str | None
    """The region that the environment or the profile names."""
    bootstrap_version: int | Unreadable | None
    """The version of the CDK's bootstrap resources."""
    bootstrap_bucket: bool | Unreadable
    """Whether there is the bootstrap's bucket."""
    stack_status: str | Unreadable | None
    """CloudFormation's status of our stack."""
    stack_resources: Mapping[str, str] | Unreadable
    """The type of each resource that our stack has, by physical id."""
    bucket: bool | Unreadable
    """Whether there is a bucket of the reports bucket's name."""
    log_groups: frozenset[str] | Unreadable
    """Those of our log groups' names that there are."""
    key_aliases: frozenset[str] | Unreadable
    """Those of our keys' aliases that there are."""
    roles: frozenset[str] | Unreadable
    """Those of our roles' names that there are."""
    policies: frozenset[str] | Unreadable
    """Those of our managed policies' ARNs that there are."""
    reservations: Mapping[str, int] | Unreadable
    """Concurrency reserved for those functions of our names that there are; 0 for none."""
    concurrency: Concurrency | Unreadable
    """AWS Lambda's concurrency in the region."""
    vpcs: frozenset[str] | Unreadable
    """The ids of the account's VPCs in the region."""
    gateway_endpoints: frozenset[str] | Unreadable
    """The ids of the region's gateway endpoints."""
    quotas: Mapping[str, int | Unreadable]
    """Quotas in force, by Service Quotas' code."""
    zone_ids: Mapping[str, str] | Unreadable
    """The ids of the availability zones that the account can use, by its names for them."""
    stack_zones: tuple[str, ...] | Unreadable
    """The availability zones of our stack's subnets, in the order of the subnets' addresses."""
    service_zones: Mapping[str, frozenset[str]] | Unreadable
    """The zones in which a service can have interface endpoints, by the service's name."""
    s3_express_prefix_list: str | Unreadable | None
    """The id of the region's prefix list of S3 Express One Zone."""
    log_policies: frozenset[str] | Unreadable
    """The names of the account's resource policies of CloudWatch Logs."""
    deployments: Mapping[str, str | None] | Unreadable
    """What remediation may do at most in each other deployment, by the stack's name; None if the stack does not say."""
    management_trail: bool | Unreadable | None
    """Whether a trail records the management events of the region; `None` where changes start no scans."""
    iam: Mapping[str, int] | Unreadable
    """`Roles` and `Policies` of the account, and `RolesQuota` and `PoliciesQuota`."""
