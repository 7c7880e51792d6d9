"""What each function may do: the one table, from which the roles' policies and the endpoints' policies follow.

Every function has its own customer managed policy, made of its row here and of what every function in a VPC needs
(`functions.py`). Actions, their resources and their condition keys are those of the Service Authorization Reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
What no resource limits, a condition does: the account, the region, the encryption context, the tags.
`tests/infrastructure/test_permissions.py` compares the table with the calls in the code, and `tests/permissions/` takes
each action away from the running functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import aws_iam as iam

from compliance_audit.names import BUCKET_KEY_ALIAS, BUCKET_TAG
from compliance_audit.settings import REGION

Conditions = Mapping[str, Mapping[str, str | list[str]]]
"""Condition operator to context key to the value, or the values of which one must match."""


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on resources, allowed."""

    actions: tuple[str, ...]
    """The actions."""
    resources: tuple[str, ...] = ("*",)
    """ARNs, or `*` for actions that AWS checks against no resource."""
    conditions: Conditions = field(default_factory=dict)
    """When."""

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
    evidence_key: str
    """The key that signs the evidence."""
    state_machine: str
    """The state machine."""
    default_security_group: str
    """The security group that AWS makes with the functions' VPC."""
    metrics_namespace: str
    """The namespace of the scans' metrics; not an ARN."""
    tags: Mapping[str, str]
    """What every resource of this deployment is tagged with."""
    cloud_trail: bool
    """Whether the account's trails are read."""
    change_scans: bool
    """Whether changes of the account start scans."""


def permissions(on: Resources) -> Mapping[str, tuple[Permission, ...]]:
    """Each function's permissions.

    A function reads and writes only the objects that its task is about: no scanner can touch what another one found.
    Who writes objects in parts may read them, for when the answer to a completed upload gets lost.
    """
    plan, summary, findings = "scans/*/plan.json", "scans/*/summary.json", "scans/*/findings.jsonl.zst"
    rules, resolved, alerts = "scans/*/rules.json", "scans/*/resolved.jsonl.zst", "state/alerts.json"
    remediation = "scans/*/remediation.jsonl"
    record = (plan, summary, findings, remediation)
    alert_violations = "scans/*/alert-violations.json"
    rollback_plan, rollback = "rollbacks/*/plan.json", "rollbacks/*/remediation.jsonl"
    claimed_changes = ("state/changes.json",) if on.change_scans else ()
    journal, figures, alert = "state/remediation.json", "state/figures.json", "scans/*/alert.json"
    history, latest, scoped, pieces = "state/history.json", "state/latest.json", "state/scoped.json", "scans/*/pieces/*"
    evidence, evidence_keys = "state/evidence.json", "state/evidence-keys/*"
    return {
        "plan-scan": (
            *_artifacts(
                on,
                reads=("claims/*", plan, rollback_plan, *claimed_changes),
                writes=("claims/*", plan, rollback_plan, *claimed_changes),
            ),
            Permission(actions=("states:ListExecutions",), resources=(on.state_machine,)),
        ),
        "list-targets": (
            *_artifacts(on, reads=(plan, "scans/*/shards/*/inventory.json"), writes=("scans/*/shards/*",)),
            _reading(
                "ec2:DescribeNetworkAcls",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
                "lambda:ListFunctions",
                "s3:ListAccessPoints",
                "s3:ListAllMyBuckets",
                "s3express:ListAllMyDirectoryBuckets",
            ),
            Permission(
                actions=("lambda:ListVersionsByFunction",),
                resources=(f"arn:aws:lambda:{REGION}:{on.account}:function:*",),
            ),
        ),
        "scan-s3": (
            *_scanning(on, "s3"),
            _reading("s3:GetAccessPoint", "s3:GetAccountPublicAccessBlock"),
            _on_all_buckets(
                on,
                "s3:GetBucketAcl",
                "s3:GetBucketLocation",
                "s3:GetBucketLogging",
                "s3:GetBucketNotification",
                "s3:GetBucketObjectLockConfiguration",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketPolicy",
                "s3:GetBucketPolicyStatus",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketRequestPayment",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:GetReplicationConfiguration",
            ),
            Permission(
                actions=("s3express:GetLifecycleConfiguration",),
                resources=(f"arn:aws:s3express:{REGION}:{on.account}:bucket/*",),
            ),
            _DESCRIBING_KEYS,
            *(_READING_TRAILS if on.cloud_trail else ()),
        ),
        "scan-vpc": (
            *_scanning(on, "vpc"),
            _reading(
                "ec2:DescribeAddresses",
                "ec2:DescribeClientVpnEndpoints",
                "ec2:DescribeFlowLogs",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:DescribeNetworkAcls",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeTransitGateways",
                "ec2:DescribeVpcBlockPublicAccessOptions",
                "ec2:DescribeVpcEndpointServiceConfigurations",
                "ec2:DescribeVpcEndpointServices",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcPeeringConnections",
                "ec2:DescribeVpcs",
                "ec2:DescribeVpnConnections",
            ),
            Permission(
                actions=("ec2:DescribeVpcEndpointServicePermissions",),
                resources=(f"arn:aws:ec2:{REGION}:{on.account}:vpc-endpoint-service/*",),
            ),
            # A group may name prefix lists of AWS's, which have `aws` for an account, and those that others share.
            Permission(
                actions=("ec2:GetManagedPrefixListEntries",), resources=(f"arn:aws:ec2:{REGION}:*:prefix-list/*",)
            ),
        ),
        "scan-lambda": (
            *_scanning(on, "lambda"),
            Permission(
                actions=(
                    "lambda:GetFunction",
                    "lambda:GetPolicy",
                    "lambda:ListAliases",
                    "lambda:ListFunctionUrlConfigs",
                    "lambda:ListTags",
                ),
                resources=(f"arn:aws:lambda:{REGION}:{on.account}:function:*",),
            ),
            _reading("ec2:DescribeSubnets"),
        ),
        "aggregate-findings": _artifacts(
            on,
            reads=(
                plan,
                summary,
                # With those that an earlier version of this system wrote, uncompressed.
                "scans/*/findings.jsonl*",
                rules,
                "scans/*/shards/*/inventory.json",
                "scans/*/findings/*",
                history,
                latest,
                scoped,
                pieces,
                resolved,
                alerts,
            ),
            writes=(findings, resolved, pieces, rules, alert_violations, summary, history, latest, scoped),
            drops=(findings, resolved, pieces),
        ),
        "remediate-s3-encryption": (
            *_artifacts(
                on,
                reads=(
                    *record,
                    "scans/*/shards/s3/inventory.json",
                    "scans/*/findings/s3/*.deliveries.json",
                    rollback,
                    journal,
                    alert,
                    latest,
                ),
                writes=(remediation, rollback, journal),
            ),
            _reading("kms:ListAliases", "kms:ListKeys"),
            _on_all_buckets(
                on,
                "s3:GetBucketAcl",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketTagging",
                "s3:GetBucketWebsite",
                "s3:GetEncryptionConfiguration",
                "s3:GetReplicationConfiguration",
                "s3:PutEncryptionConfiguration",
            ),
            _DESCRIBING_KEYS,
            *_keys_of_buckets(on),
        ),
        "rollback-s3-encryption": (
            *_artifacts(
                on, reads=(rollback_plan, rollback, remediation, journal), writes=(rollback, remediation, journal)
            ),
            _on_all_buckets(on, "s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"),
        ),
        "write-json-report": _writing_a_report(on, (*record, rules, resolved), "reports/*.json"),
        "write-csv-report": _writing_a_report(on, (*record, rules), "reports/*.csv"),
        # It never outgrows one part of an upload: nothing is to be read again or dropped.
        "write-html-report": _artifacts(on, reads=(*record, rules, history), writes=("reports/*.html",)),
        "publish-metrics": (
            *_artifacts(on, reads=(plan, summary, figures), writes=(figures,)),
            Permission(actions=("sns:GetTopicAttributes",), resources=(on.alerts_topic,)),
            Permission(
                actions=("cloudwatch:PutMetricData",),
                conditions={
                    "StringEquals": {"aws:RequestedRegion": REGION, "cloudwatch:namespace": on.metrics_namespace}
                },
            ),
        ),
        "notify-critical": (
            *_artifacts(
                on,
                reads=(plan, summary, rules, alert_violations, remediation, alert, alerts, evidence),
                writes=(alert, alerts),
            ),
            *publishing(on),
        ),
        # Whatever a scan or a rollback left is sealed, so all of it may be read; but nothing of it may be written.
        "seal-evidence": (
            *_artifacts(
                on,
                reads=("scans/*", "rollbacks/*", "reports/*", evidence, evidence_keys),
                writes=("scans/*/manifest.*", "rollbacks/*/manifest.*", evidence, evidence_keys),
            ),
            Permission(actions=("kms:GetPublicKey",), resources=(on.evidence_key,)),
            Permission(
                actions=("kms:Sign",),
                resources=(on.evidence_key,),
                conditions={"StringEquals": {"kms:MessageType": "DIGEST", "kms:SigningAlgorithm": "ECDSA_SHA_256"}},
            ),
        ),
        "empty-bucket": (
            Permission(
                actions=("s3:ListBucketMultipartUploads", "s3:ListBucketVersions"),
                resources=(on.reports_bucket,),
                conditions=_of_the_account(on),
            ),
            Permission(
                # A version needs both: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
                actions=("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion"),
                resources=(f"{on.reports_bucket}/*",),
                conditions=_of_the_account(on),
            ),
        ),
        "close-default-security-group": (
            _reading("ec2:DescribeSecurityGroups"),
            Permission(
                actions=("ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"),
                resources=(on.default_security_group,),
            ),
        ),
        "publish-evidence-key": (Permission(actions=("kms:GetPublicKey",), resources=(on.evidence_key,)),),
    }


def publishing(on: Resources) -> tuple[Permission, ...]:
    """Publishing to the encrypted alerts topic, https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html."""
    return (
        Permission(actions=("sns:Publish",), resources=(on.alerts_topic,)),
        Permission(
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=(on.alerts_key,),
            # The context: https://docs.aws.amazon.com/gamelift/latest/flexmatchguide/queue-notification-sns-sse.html
            conditions=_through("sns", "aws:sns:topicArn", on.alerts_topic),
        ),
    )


def reading_any_account() -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """The actions by which a scan reads an account, by the resources that AWS checks them against: of whatever account.

    For people, whose scans with the command read every region and leave what they find in a folder: without the
    conditions on this system's region and account, and without the reports bucket.
    """
    bucket, anything = "the reports bucket", "*"
    on = Resources(
        account=anything,
        reports_bucket=bucket,
        reports_key=bucket,
        alerts_topic=anything,
        alerts_key=anything,
        evidence_key=anything,
        state_machine=anything,
        default_security_group=anything,
        metrics_namespace=anything,
        tags={},
        cloud_trail=True,
        change_scans=False,
    )
    of_the_functions = permissions(on)
    allowed: dict[tuple[str, ...], set[str]] = {(anything,): {"ec2:DescribeRegions"}}
    for function in ("list-targets", "scan-s3", "scan-vpc", "scan-lambda"):
        for permission in of_the_functions[function]:
            if not any(resource.startswith(bucket) for resource in permission.resources):
                resources = tuple(resource.replace(f":{REGION}:", ":*:") for resource in permission.resources)
                allowed.setdefault(resources, set()).update(permission.actions)
    return {resources: tuple(sorted(actions)) for resources, actions in allowed.items()}


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


def _artifacts(
    on: Resources, *, reads: tuple[str, ...], writes: tuple[str, ...] = (), drops: tuple[str, ...] = ()
) -> tuple[Permission, ...]:
    """Reading, writing and, where a writer gives up, dropping the objects of the reports bucket whose keys match."""

    def objects(action: str, keys: tuple[str, ...]) -> list[Permission]:
        arns = tuple(f"{on.reports_bucket}/{key}" for key in keys)
        return [Permission(actions=(action,), resources=arns, conditions=_of_the_account(on))] if arns else []

    return (
        # Without it a missing object answers 403 instead of 404:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        Permission(actions=("s3:ListBucket",), resources=(on.reports_bucket,), conditions=_of_the_account(on)),
        *objects("s3:GetObject", reads),
        *objects("s3:PutObject", writes),
        *objects("s3:AbortMultipartUpload", drops),
        Permission(
            # A multipart upload reads its data key back:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
            actions=("kms:Decrypt", "kms:GenerateDataKey") if writes else ("kms:Decrypt",),
            resources=(on.reports_key,),
            # With a bucket key, which this bucket has, the context is the bucket and not the object:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
            conditions=_through("s3", "aws:s3:arn", on.reports_bucket),
        ),
    )


def _scanning(on: Resources, service: str) -> tuple[Permission, ...]:
    """Reading a service's shards, writing its findings."""
    return _artifacts(
        on,
        reads=("scans/*/plan.json", f"scans/*/shards/{service}/*", f"scans/*/findings/{service}/*"),
        writes=(f"scans/*/findings/{service}/*",),
    )


def _writing_a_report(on: Resources, record: tuple[str, ...], report: str) -> tuple[Permission, ...]:
    """Reading what a scan has left, writing a report of it."""
    return _artifacts(on, reads=(*record, report), writes=(report,), drops=(report,))


def _reading(*actions: str) -> Permission:
    """Readings of the account that AWS checks against no resource.

    All of these APIs are called in the region, Amazon S3's two included: the key is the region of the endpoint.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-requestedregion
    """
    return Permission(actions=actions, conditions={"StringEquals": {"aws:RequestedRegion": REGION}})


def _on_all_buckets(on: Resources, *actions: str) -> Permission:
    """Actions on every bucket of the account; a bucket's ARN names no account."""
    return Permission(actions=actions, resources=("arn:aws:s3:::*",), conditions=_of_the_account(on))


# A bucket's key may belong to another account, whose key policy then has the last word.
_DESCRIBING_KEYS = Permission(actions=("kms:DescribeKey",), resources=(f"arn:aws:kms:{REGION}:*:key/*",))


# A trail that records here may have been made in another region, and an organization's in another account.
_READING_TRAILS = (
    _reading("cloudtrail:DescribeTrails"),
    Permission(
        actions=("cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"),
        resources=("arn:aws:cloudtrail:*:*:trail/*",),
        conditions={"StringEquals": {"aws:RequestedRegion": REGION}},
    ),
)


def _of_the_account(on: Resources) -> Conditions:
    """The bucket is one of this account's.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
    """
    return {"StringEquals": {"s3:ResourceAccount": on.account}}


def _through(service: str, context: str, value: str) -> Conditions:
    """The key is used by a service of the region on the caller's behalf, and for this resource of it.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
    """
    return {
        "StringEquals": {
            "kms:ViaService": f"{service}.{REGION}.amazonaws.com",
            f"kms:EncryptionContext:{context}": value,
        }
    }


def _keys_of_buckets(on: Resources) -> tuple[Permission, ...]:
    """Making a key of the kind that Amazon S3 takes, tagged as a bucket's own, naming, rotating and trying it.

    The code spells out every parameter that a condition compares:
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
    """
    keys = f"arn:aws:kms:{REGION}:{on.account}:key/*"
    our_tags = {f"aws:RequestTag/{tag}": value for tag, value in on.tags.items()}
    tagged: Conditions = {
        "ForAllValues:StringEquals": {"aws:TagKeys": sorted([*on.tags, BUCKET_TAG])},
        "Null": {f"aws:RequestTag/{BUCKET_TAG}": "false"},
    }
    return (
        Permission(
            actions=("kms:CreateKey",),
            conditions={
                **tagged,
                "StringEquals": {
                    **our_tags,
                    "aws:RequestedRegion": REGION,
                    "kms:KeyOrigin": "AWS_KMS",
                    "kms:KeySpec": "SYMMETRIC_DEFAULT",
                    "kms:KeyUsage": "ENCRYPT_DECRYPT",
                },
                "Bool": {"kms:MultiRegion": "false"},
            },
        ),
        # For the tags of a new key; it must not be limited to particular keys:
        # https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html
        Permission(actions=("kms:TagResource",), resources=(keys,), conditions={**tagged, "StringEquals": our_tags}),
        # A new key's tags may take five minutes to count, and all that follows its creation at once: no condition on
        # them. https://docs.aws.amazon.com/kms/latest/developerguide/tag-authorization.html
        Permission(actions=("kms:CreateAlias", "kms:EnableKeyRotation"), resources=(keys,)),
        # Naming needs the permission on the alias as well:
        # https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
        Permission(actions=("kms:CreateAlias",), resources=(f"arn:aws:kms:{REGION}:{on.account}:{BUCKET_KEY_ALIAS}*",)),
        # Shows that a key works for a bucket, by a data key that nobody gets to see. The context is that of Amazon S3:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
        Permission(
            actions=("kms:GenerateDataKeyWithoutPlaintext",),
            resources=(keys,),
            conditions={"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::*"}},
        ),
        # Tells whose a key is, and finds one that has no alias.
        Permission(actions=("kms:ListResourceTags",), resources=(keys,)),
    )
