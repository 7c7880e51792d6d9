"""What each function may do: the one table, from which the roles' policies and the endpoints' policies follow.

Every function has its own customer managed policy, made of its row here and of what every function in a VPC needs
(`functions.py`). Actions are named as in the Service Authorization Reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import aws_iam as iam

from compliance_audit.settings import REGION


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on resources, allowed."""

    actions: tuple[str, ...]
    """The actions."""
    resources: tuple[str, ...] = ("*",)
    """ARNs, or `*` for actions that AWS checks against no resource and for those that read the whole account."""
    conditions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """When: condition operator to context key to value."""

    def statement(self) -> iam.PolicyStatement:
        """The permission as a policy's statement."""
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources), conditions=dict(self.conditions)
        )


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the functions work on, as ARNs."""

    account: str
    """The audited account's id."""
    reports_bucket: str
    """The reports bucket."""
    reports_key: str
    """The key of the reports bucket."""
    alerts_topic: str
    """The alerts topic."""
    alerts_key: str
    """The key of the alerts topic."""
    state_machine: str
    """The state machine."""
    metrics_namespace: str
    """The namespace of the scans' metrics; not an ARN."""


def permissions(on: Resources) -> Mapping[str, tuple[Permission, ...]]:
    """Each function's permissions.

    A function writes only the objects that are its own: no scanner can touch what another one found.
    """
    return {
        "plan-scan": (
            *_artifacts(on, reads=("claims/*", "scans/*"), writes=("claims/*", "scans/*/plan.json")),
            Permission(actions=("states:ListExecutions",), resources=(on.state_machine,)),
        ),
        "list-targets": (
            *_artifacts(on, reads=("scans/*",), writes=("scans/*/shards/*",)),
            Permission(actions=("s3:ListAllMyBuckets", "ec2:DescribeVpcs", "lambda:ListFunctions")),
        ),
        "scan-s3": (
            *_artifacts(on, reads=("scans/*",), writes=("scans/*/findings/s3/*",)),
            Permission(actions=("s3:GetAccountPublicAccessBlock",)),
            Permission(
                actions=(
                    "s3:GetBucketAcl",
                    "s3:GetBucketOwnershipControls",
                    "s3:GetBucketPolicy",
                    "s3:GetBucketPolicyStatus",
                    "s3:GetBucketPublicAccessBlock",
                    "s3:GetBucketTagging",
                    "s3:GetBucketVersioning",
                    "s3:GetEncryptionConfiguration",
                ),
                resources=(_ALL_BUCKETS,),
            ),
        ),
        "scan-vpc": (
            *_artifacts(on, reads=("scans/*",), writes=("scans/*/findings/vpc/*",)),
            Permission(
                actions=(
                    "ec2:DescribeFlowLogs",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeVpcs",
                    "ec2:GetManagedPrefixListEntries",
                )
            ),
        ),
        "scan-lambda": (
            *_artifacts(on, reads=("scans/*",), writes=("scans/*/findings/lambda/*",)),
            Permission(
                actions=("lambda:GetFunction", "lambda:GetPolicy", "lambda:ListTags"),
                resources=(f"arn:aws:lambda:{REGION}:{on.account}:function:*",),
            ),
        ),
        "aggregate-findings": _artifacts(
            on,
            reads=("scans/*", "state/*"),
            writes=("scans/*/findings.jsonl", "scans/*/summary.json", "state/*"),
        ),
        "remediate-s3-encryption": (
            *_artifacts(on, reads=("scans/*",), writes=("scans/*/remediation.jsonl", "scans/*/remediation/*")),
            Permission(actions=("s3:ListAllMyBuckets",)),
            Permission(
                actions=(
                    "s3:GetBucketAcl",
                    "s3:GetBucketLogging",
                    "s3:GetBucketPolicy",
                    "s3:GetBucketPublicAccessBlock",
                    "s3:GetBucketTagging",
                    "s3:GetBucketWebsite",
                    "s3:GetEncryptionConfiguration",
                    "s3:GetReplicationConfiguration",
                    "s3:PutEncryptionConfiguration",
                ),
                resources=(_ALL_BUCKETS,),
            ),
            Permission(actions=("kms:CreateKey", "kms:ListAliases")),
            Permission(
                actions=("kms:CreateAlias", "kms:DescribeKey", "kms:EnableKeyRotation", "kms:TagResource"),
                resources=(f"arn:aws:kms:{REGION}:{on.account}:key/*",),
            ),
            Permission(
                actions=("kms:CreateAlias",), resources=(f"arn:aws:kms:{REGION}:{on.account}:alias/compliance-audit-*",)
            ),
        ),
        "write-json-report": _artifacts(on, reads=("scans/*",), writes=("reports/*.json",)),
        "write-csv-report": _artifacts(on, reads=("scans/*",), writes=("reports/*.csv",)),
        "publish-metrics": (
            *_artifacts(on, reads=("scans/*",)),
            Permission(
                actions=("cloudwatch:PutMetricData",),
                conditions={"StringEquals": {"cloudwatch:namespace": on.metrics_namespace}},
            ),
        ),
        "notify-critical": (
            *_artifacts(on, reads=("scans/*",), writes=("scans/*/alert.json",)),
            *publishing(on),
        ),
        "empty-bucket": (
            Permission(
                actions=("s3:ListBucketMultipartUploads", "s3:ListBucketVersions"), resources=(on.reports_bucket,)
            ),
            Permission(
                actions=("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion"),
                resources=(f"{on.reports_bucket}/*",),
            ),
        ),
    }


def publishing(on: Resources) -> tuple[Permission, ...]:
    """Publishing to the encrypted alerts topic, https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html."""
    return (
        Permission(actions=("sns:Publish",), resources=(on.alerts_topic,)),
        Permission(
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=(on.alerts_key,),
            conditions={"StringEquals": {"kms:ViaService": f"sns.{REGION}.amazonaws.com"}},
        ),
    )


def called_actions(on: Resources, service: str) -> list[str]:
    """Every action of one service that some function may call from inside the VPC, for that service's endpoint.

    Amazon S3 and Amazon SNS use the keys themselves, outside of the VPC: permissions that hold only via a service
    are not counted.
    """
    return sorted(
        {
            action
            for row in permissions(on).values()
            for permission in row
            for action in permission.actions
            if action.startswith(f"{service}:")
            and "kms:ViaService" not in permission.conditions.get("StringEquals", {})
        }
    )


_ALL_BUCKETS = "arn:aws:s3:::*"


def _artifacts(on: Resources, *, reads: tuple[str, ...], writes: tuple[str, ...] = ()) -> tuple[Permission, ...]:
    """Reading and writing the objects of the reports bucket whose keys match."""
    granted = [
        # Without it a missing object answers 403 instead of 404:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        Permission(actions=("s3:ListBucket",), resources=(on.reports_bucket,)),
        Permission(actions=("s3:GetObject",), resources=tuple(f"{on.reports_bucket}/{key}" for key in reads)),
        Permission(
            # A multipart upload reads its data key back:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
            actions=("kms:Decrypt", "kms:GenerateDataKey") if writes else ("kms:Decrypt",),
            resources=(on.reports_key,),
            conditions={"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
        ),
    ]
    if writes:
        granted.append(
            Permission(
                actions=("s3:AbortMultipartUpload", "s3:PutObject"),
                resources=tuple(f"{on.reports_bucket}/{key}" for key in writes),
            )
        )
    return tuple(granted)
