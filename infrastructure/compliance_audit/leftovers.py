"""What of a deployment is in the account: all of it while it stands, nothing once it was destroyed.

A listing that failed says nothing: it is told apart from one that found nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from compliance_audit.names import BUCKET_KEY_ALIAS, BUCKET_TAG, Names
from compliance_audit.settings import REGION

T = TypeVar("T")

ClientFactory = Callable[[str], Any]
"""Makes a boto3 client of a service."""

STACK_TAG = "aws:cloudformation:stack-name"
"""The tag by which CloudFormation says whose a resource is; nobody else can set it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
"""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Which deployment in which account."""

    names: Names
    account: str
    """The account's id."""
    flow_log_date: str | None
    """The date in the flow log group's name. Where it is not known, the group is found by its tag only."""


@dataclass(frozen=True, kw_only=True)
class KeptKey:
    """A key that remediation gave to a bucket."""

    arn: str
    bucket: str
    """The bucket's name, as the key's tag has it; empty when somebody took the tag away."""
    alias: str
    """Empty when somebody took it away."""
    state: str
    """As AWS KMS calls it, for instance `Enabled`."""


@dataclass(kw_only=True)
class Found:
    """What one look at the account found."""

    left: list[str] = field(default_factory=list)
    """Resources of the deployment: kind and name, or the ARN."""
    waiting_keys: dict[str, datetime.datetime] = field(default_factory=dict)
    """The deployment's own keys that AWS KMS is going to delete: when, by ARN."""
    kept_keys: list[KeptKey] = field(default_factory=list)
    """Keys that outlive the deployment on purpose, whichever deployment made them."""
    not_checked: list[str] = field(default_factory=list)
    """Readings that failed: the action and the reason."""

    @property
    def clean(self) -> bool:
        """Whether nothing is left, as far as everything could be looked at."""
        return not self.left and not self.not_checked

    def read(self, action: str, reading: Callable[[], list[T]]) -> list[T]:
        """What a reading says; one that fails is noted, and says nothing."""
        try:
            return reading()
        except (BotoCoreError, ClientError) as error:
            self.not_checked.append(f"{action}: {error}")
            return []


def look(client: ClientFactory, of: Deployment) -> Found:
    """Everything of the deployment that is in the account, by name and by tag.

    The log groups come last among the names, after everyone who could write to them. The keys that are kept are not
    the deployment's: `look_at_kept_keys` adds them.
    """
    found = Found()
    for listing in LISTINGS:
        found.left += found.read(listing.action, partial(named, client, listing, of))
    tagged = found.read("tag:GetResources", partial(_tagged, client, STACK_TAG, of.names.stack()))
    found.left += [arn for arn, _ in tagged if not _is_key(arn) and not _mentioned(arn, found.left)]
    _look_at_own_keys(client, [arn for arn, _ in tagged if _is_key(arn)], found)
    return found


# --- By name --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listing:
    """How all resources of one kind are listed."""

    kind: str
    types: tuple[str, ...]
    """The resource types in the naming rule, `<what>-<resource type>-<environment>-<suffix>`."""
    action: str
    """The permission that the listing needs."""
    service: str
    """As boto3 calls it; so the operation."""
    operation: str
    texts: str
    """A JMESPath expression for one text a resource, which ends in the resource's name."""


# A subscription that nobody confirmed has no ARN and cannot be deleted; Amazon SNS removes it after 48 hours:
# https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html
_CONFIRMED = "Subscriptions[?starts_with(SubscriptionArn, 'arn:')].join(' of ', [SubscriptionArn, TopicArn])"
_STANDING = "StackSummaries[?StackStatus != 'DELETE_COMPLETE'].StackName"
_GROUPS = "SecurityGroups[].join(' ', [GroupId, GroupName])"
_NETWORK = ("vpc", "subnet", "route-table", "endpoint", "flow-log")
_NAME_TAGS = "Tags[].join(' ', [ResourceType, ResourceId, Value])"

LISTINGS = (
    Listing("stack", ("stack",), "cloudformation:ListStacks", "cloudformation", "list_stacks", _STANDING),
    Listing(
        "alarm", ("alarm",), "cloudwatch:DescribeAlarms", "cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"
    ),
    Listing("bucket", ("bucket",), "s3:ListAllMyBuckets", "s3", "list_buckets", "Buckets[].Name"),
    Listing(
        "dashboard",
        ("dashboard",),
        "cloudwatch:ListDashboards",
        "cloudwatch",
        "list_dashboards",
        "DashboardEntries[].DashboardName",
    ),
    Listing("event rule", ("rule",), "events:ListRules", "events", "list_rules", "Rules[].Name"),
    Listing("function", ("function",), "lambda:ListFunctions", "lambda", "list_functions", "Functions[].FunctionName"),
    Listing("key's alias", ("key",), "kms:ListAliases", "kms", "list_aliases", "Aliases[].AliasName"),
    Listing("network", _NETWORK, "ec2:DescribeTags", "ec2", "describe_tags", _NAME_TAGS),
    Listing("pipe", ("pipe",), "pipes:ListPipes", "pipes", "list_pipes", "Pipes[].Name"),
    Listing("policy", ("policy",), "iam:ListPolicies", "iam", "list_policies", "Policies[].Arn"),
    Listing("queue", ("queue",), "sqs:ListQueues", "sqs", "list_queues", "QueueUrls[]"),
    Listing("role", ("role",), "iam:ListRoles", "iam", "list_roles", "Roles[].RoleName"),
    Listing(
        "security group", ("security-group",), "ec2:DescribeSecurityGroups", "ec2", "describe_security_groups", _GROUPS
    ),
    Listing(
        "state machine",
        ("state-machine",),
        "states:ListStateMachines",
        "stepfunctions",
        "list_state_machines",
        "stateMachines[].stateMachineArn",
    ),
    Listing("subscription", ("topic",), "sns:ListSubscriptions", "sns", "list_subscriptions", _CONFIRMED),
    Listing("topic", ("topic",), "sns:ListTopics", "sns", "list_topics", "Topics[].TopicArn"),
    Listing(
        "log group",
        ("function", "log-group"),
        "logs:DescribeLogGroups",
        "logs",
        "describe_log_groups",
        "logGroups[].logGroupName",
    ),
)
"""Every kind of resource that has a name and that its service lists."""

_PARAMETERS: dict[str, dict[str, Any]] = {
    # The accounts' own policies, not the thousand of AWS.
    "list_policies": {"Scope": "Local"},
    "describe_tags": {"Filters": [{"Name": "key", "Values": ["Name"]}]},
    # These two are cut off or refused when no page size is asked for:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
    "list_queues": {"PaginationConfig": {"PageSize": 1000}},
    "list_buckets": {"PaginationConfig": {"PageSize": 1000}},
}


def named(client: ClientFactory, listing: Listing, of: Deployment) -> list[str]:
    """The resources of one kind that bear a name of the deployment.

    Raises boto3's errors when not all of them could be listed.
    """
    pages = client(listing.service).get_paginator(listing.operation)
    texts = pages.paginate(**_PARAMETERS.get(listing.operation, {})).search(listing.texts)
    # A page without the list, as Amazon SQS sends it when there is no queue, gives one None.
    return ours(filter(None, texts), listing, of)


def ours(texts: Iterable[str], listing: Listing, of: Deployment) -> list[str]:
    """Of the listed resources those that bear a name of the deployment.

    The resource type belongs to the comparison: `-dev-pr42` also ends the names of a deployment whose suffix is
    `dev-pr42`, and `-function-dev-pr42` does not. What another system of the customer calls by the same rule, with
    the same environment and suffix, is found too.
    """
    names = of.names
    endings = tuple(
        names.bucket("", of.account) if resource_type == "bucket" else names.of("", resource_type)
        for resource_type in listing.types
    )
    flow_logs = None if of.flow_log_date is None else names.flow_log_group(REGION, of.flow_log_date)
    return [f"{listing.kind} {text}" for text in texts if text.endswith(endings) or text == flow_logs]


# --- By tag ---------------------------------------------------------------------------------------------------------


def _tagged(client: ClientFactory, key: str, *values: str) -> list[tuple[str, str]]:
    """The ARN of every resource that has the tag, and the tag's value.

    AWS keeps a deleted resource in this index for a while:
    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    pages = client("resourcegroupstaggingapi").get_paginator("get_resources")
    return [
        (resource["ResourceARN"], next(tag["Value"] for tag in resource["Tags"] if tag["Key"] == key))
        for page in pages.paginate(TagFilters=[{"Key": key, "Values": list(values)}])
        for resource in page["ResourceTagMappingList"]
    ]


def _mentioned(arn: str, left: list[str]) -> bool:
    """Whether a resource that was found by its tag was found by its name before."""
    words = {word for text in left for word in text.split(" ")}
    return arn in words or any(arn.endswith((f":{word}", f"/{word}")) for word in words)


def _is_key(arn: str) -> bool:
    return arn.split(":")[2] == "kms"


# --- Keys -----------------------------------------------------------------------------------------------------------


def _look_at_own_keys(client: ClientFactory, arns: list[str], found: Found) -> None:
    """AWS KMS deletes no key at once, https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html."""
    for arn in arns:
        for key in found.read("kms:DescribeKey", partial(_described, client, arn)):
            if key["KeyState"] == "PendingDeletion":
                found.waiting_keys[arn] = key["DeletionDate"]
            else:
                found.left.append(f"key {arn} ({key['KeyState']})")


def look_at_kept_keys(client: ClientFactory, of: Deployment, found: Found) -> None:
    """Add the keys that remediation gave to buckets; by tag and by alias, for a key can have lost either.

    Asks AWS KMS about each, and there is one for each repaired bucket: not for looking again and again.
    """
    buckets = dict(found.read("tag:GetResources", partial(_tagged, client, BUCKET_TAG)))
    aliases = dict(found.read("kms:ListAliases", partial(_aliases_of_buckets, client, of.account)))
    for arn in sorted({*buckets, *aliases}):
        for key in found.read("kms:DescribeKey", partial(_described, client, arn)):
            found.kept_keys.append(
                KeptKey(arn=arn, bucket=buckets.get(arn, ""), alias=aliases.get(arn, ""), state=key["KeyState"])
            )


def _aliases_of_buckets(client: ClientFactory, account: str) -> list[tuple[str, str]]:
    pages = client("kms").get_paginator("list_aliases").paginate()
    return [
        (f"arn:aws:kms:{REGION}:{account}:key/{alias['TargetKeyId']}", alias["AliasName"])
        for page in pages
        for alias in page["Aliases"]
        if alias["AliasName"].startswith(BUCKET_KEY_ALIAS)
    ]


def _described(client: ClientFactory, arn: str) -> list[dict[str, Any]]:
    """The key, or nothing once it is gone."""
    try:
        return [client("kms").describe_key(KeyId=arn)["KeyMetadata"]]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NotFoundException":
            return []
        raise
