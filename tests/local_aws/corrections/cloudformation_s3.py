"""CloudFormation: what a template says about buckets takes effect.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from in_process import RefusedError
from in_process import s3 as call
from patching import ministack, replaces
from resource_types import truth

from corrections import account_public_access_block as account

Properties = dict[str, Any]

provisioners = ministack("services.cloudformation.provisioners")
s3 = ministack("services.s3")
provisioners._STACK_TAG_PROPERTY["AWS::S3::Bucket"] = ("Tags", "list")

# The properties that MiniStack or this module applies.
APPLIED = {
    "AccessControl",
    "BucketEncryption",
    "BucketName",
    "CorsConfiguration",
    "LifecycleConfiguration",
    "LoggingConfiguration",
    "NotificationConfiguration",
    "ObjectLockConfiguration",
    "ObjectLockEnabled",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "ReplicationConfiguration",
    "Tags",
    "VersioningConfiguration",
    "WebsiteConfiguration",
}


@replaces("services.cloudformation.provisioners", "_s3_apply_configurations")
def every_property_of_a_bucket_is_applied(
    original: Callable[..., None],
    name: str,
    props: Properties,
    old_props: Properties | None = None,
) -> None:
    """A property either takes effect or fails the stack: none is dropped in silence."""
    unknown = sorted(set(props) - APPLIED)
    if unknown:
        raise ValueError(f"the local AWS does not apply the bucket properties {unknown}; it knows {sorted(APPLIED)}")
    # Ownership and public access decide whether an ACL is accepted at all.
    original(name, props, old_props)
    s3._bucket_tags[name] = {tag["Key"]: str(tag["Value"]) for tag in props.get("Tags") or []}
    for prop, (put, delete) in CONFIGURATIONS.items():
        if props.get(prop):
            put(name, props[prop])
        elif (old_props or {}).get(prop):
            delete(name)


def _put_versioning(name: str, versioning: Properties) -> None:
    call(
        "PutBucketVersioning",
        Bucket=name,
        VersioningConfiguration={"Status": versioning["Status"]},
    )


def _suspend_versioning(name: str) -> None:
    call(
        "PutBucketVersioning",
        Bucket=name,
        VersioningConfiguration={"Status": "Suspended"},
    )


def _enable_object_lock(name: str, enabled: object) -> None:
    """Object Lock comes with versioning, whether the template names that or not."""
    if truth(enabled):
        _put_versioning(name, {"Status": "Enabled"})
        _put_object_lock(name, {"ObjectLockEnabled": "Enabled"})


def _keep_object_lock(name: str) -> None:
    raise RefusedError(f"Object Lock of {name} cannot be taken back: CloudFormation would replace the bucket")


def _put_object_lock(name: str, lock: Properties) -> None:
    api: Properties = {"ObjectLockEnabled": lock.get("ObjectLockEnabled", "Enabled")}
    if lock.get("Rule"):
        retention = lock["Rule"]["DefaultRetention"]
        periods = {unit: int(retention[unit]) for unit in ("Days", "Years") if retention.get(unit)}
        api["Rule"] = {"DefaultRetention": {"Mode": retention["Mode"], **periods}}
    call("PutObjectLockConfiguration", Bucket=name, ObjectLockConfiguration=api)


def _put_replication(name: str, replication: Properties) -> None:
    """Versioning is required: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html"""
    if s3._bucket_versioning.get(name) != "Enabled":
        raise RefusedError("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    call("PutBucketReplication", Bucket=name, ReplicationConfiguration=_replication(replication))


def _replication(value: Any) -> Any:
    """Write a replication configuration as the API has it: it differs in some names, and in numbers.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-replicationrule.html
    """
    if isinstance(value, list):
        return [_replication(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        REPLICATION_NAMES.get(name, name): int(each) if name in ("Priority", "Minutes") else _replication(each)
        for name, each in value.items()
    }


REPLICATION_NAMES = {"Id": "ID", "TagFilter": "Tag", "TagFilters": "Tags"}


def _put_encryption(name: str, encryption: Properties) -> None:
    rules = []
    for rule in encryption["ServerSideEncryptionConfiguration"]:
        api_rule = {key: value for key, value in rule.items() if key in PLAIN_ENCRYPTION}
        default = rule.get("ServerSideEncryptionByDefault")
        if default:
            api_rule["ApplyServerSideEncryptionByDefault"] = default
        if "BucketKeyEnabled" in api_rule:
            api_rule["BucketKeyEnabled"] = truth(api_rule["BucketKeyEnabled"])
        rules.append(api_rule)
    call(
        "PutBucketEncryption",
        Bucket=name,
        ServerSideEncryptionConfiguration={"Rules": rules},
    )


PLAIN_ENCRYPTION = ("BucketKeyEnabled", "BlockedEncryptionTypes")


def _put_ownership(name: str, ownership: Properties) -> None:
    call("PutBucketOwnershipControls", Bucket=name, OwnershipControls=ownership)


def _put_acl(name: str, acl: str) -> None:
    """``LogDeliveryWrite`` of the template is the canned ACL ``log-delivery-write`` of the API.

    ``Private`` is what a bucket has anyway, also where ACLs are disabled: the bootstrap of the CDK
    asks for it.
    """
    if acl == "Private":
        s3._bucket_acl.pop(name, None)
    else:
        call("PutBucketAcl", Bucket=name, ACL=re.sub(r"(?<!^)(?=[A-Z])", "-", acl).lower())


def _put_logging(name: str, logging: Properties) -> None:
    target = logging.get("DestinationBucketName") or name
    if s3._bucket_owner_account(target) is None:
        raise RefusedError(f"The target bucket for logging does not exist: {target}")
    call(
        "PutBucketLogging",
        Bucket=name,
        BucketLoggingStatus={
            "LoggingEnabled": {
                "TargetBucket": target,
                "TargetPrefix": logging.get("LogFilePrefix") or "",
            }
        },
    )


def _put_lifecycle(name: str, lifecycle: Properties) -> None:
    rules = [_lifecycle_rule(number, rule) for number, rule in enumerate(lifecycle["Rules"])]
    call(
        "PutBucketLifecycleConfiguration",
        Bucket=name,
        LifecycleConfiguration={"Rules": rules},
    )


def _lifecycle_rule(number: int, rule: Properties) -> Properties:
    """Translate one rule.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html
    """
    api: Properties = {
        "ID": rule.get("Id") or f"rule-{number}",
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix") or ""},
    }
    tags = [{"Key": tag["Key"], "Value": str(tag["Value"])} for tag in rule.get("TagFilters") or []]
    if tags:
        api["Filter"] = {"And": {"Prefix": rule.get("Prefix") or "", "Tags": tags}}
    expiration: Properties = {}
    if rule.get("ExpirationInDays") is not None:
        expiration["Days"] = int(rule["ExpirationInDays"])
    if rule.get("ExpirationDate"):
        expiration["Date"] = rule["ExpirationDate"]
    if rule.get("ExpiredObjectDeleteMarker") is not None:
        expiration["ExpiredObjectDeleteMarker"] = truth(rule["ExpiredObjectDeleteMarker"])
    if expiration:
        api["Expiration"] = expiration
    noncurrent = rule.get("NoncurrentVersionExpiration") or {}
    days = noncurrent.get("NoncurrentDays", rule.get("NoncurrentVersionExpirationInDays"))
    if days is not None:
        api["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(days)}
        if noncurrent.get("NewerNoncurrentVersions") is not None:
            api["NoncurrentVersionExpiration"]["NewerNoncurrentVersions"] = int(noncurrent["NewerNoncurrentVersions"])
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort:
        api["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": int(abort["DaysAfterInitiation"])}
    if rule.get("Transitions"):
        api["Transitions"] = [
            {
                "Days": int(step["TransitionInDays"]),
                "StorageClass": step["StorageClass"],
            }
            for step in rule["Transitions"]
        ]
    if rule.get("NoncurrentVersionTransitions"):
        api["NoncurrentVersionTransitions"] = [
            {
                "NoncurrentDays": int(step["TransitionInDays"]),
                "StorageClass": step["StorageClass"],
            }
            for step in rule["NoncurrentVersionTransitions"]
        ]
    return api


def _delete(operation: str) -> Callable[[str], None]:
    return lambda name: call(operation, Bucket=name)


# In the order in which they are applied, with what takes a dropped one back.
CONFIGURATIONS: dict[str, tuple[Callable[[str, Any], None], Callable[[str], None]]] = {
    "VersioningConfiguration": (_put_versioning, _suspend_versioning),
    "ObjectLockEnabled": (_enable_object_lock, _keep_object_lock),
    "ObjectLockConfiguration": (_put_object_lock, lambda name: _put_object_lock(name, {})),
    "ReplicationConfiguration": (_put_replication, _delete("DeleteBucketReplication")),
    "BucketEncryption": (_put_encryption, _delete("DeleteBucketEncryption")),
    "OwnershipControls": (_put_ownership, _delete("DeleteBucketOwnershipControls")),
    "AccessControl": (_put_acl, lambda name: _put_acl(name, "Private")),
    "LifecycleConfiguration": (_put_lifecycle, _delete("DeleteBucketLifecycle")),
    "LoggingConfiguration": (
        _put_logging,
        lambda name: call("PutBucketLogging", Bucket=name, BucketLoggingStatus={}),
    ),
}


@replaces("services.cloudformation.provisioners", "_s3_delete")
def a_bucket_with_content_is_not_deleted(original: Callable[..., None], physical_id: str, props: Properties) -> None:
    """A bucket that is not empty ends in DELETE_FAILED.

    "You can only delete empty buckets": the page at the top.
    """
    if physical_id not in s3._buckets:
        return
    try:
        call("DeleteBucket", Bucket=physical_id)
    except RefusedError as refusal:
        if "BucketNotEmpty" not in str(refusal):
            raise
        raise RefusedError(
            "The bucket you tried to delete is not empty. You must delete all versions in the "
            f"bucket. (Service: S3, Status Code: 409, BucketNotEmpty: {physical_id})"
        ) from None
    original(physical_id, props)


@replaces("services.cloudformation.provisioners", "_s3_bucket_policy_create")
def a_public_policy_may_be_refused(
    original: Callable[..., Any], logical_id: str, props: Properties, stack_name: str
) -> Any:
    """A bucket policy goes through PutBucketPolicy, which refuses a public one under BlockPublicPolicy.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    call(
        "PutBucketPolicy",
        Bucket=props["Bucket"],
        Policy=provisioners._policy_document_json(props),
    )
    return original(logical_id, props, stack_name)


@replaces("services.cloudformation.provisioners", "_s3_access_point_create")
def an_access_point_blocks_what_its_template_says(
    original: Callable[..., Any], logical_id: str, props: Properties, stack_name: str
) -> Any:
    """A truth value of a template may be a string, of which MiniStack takes every one for true.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-accesspoint.html
    """
    return original(logical_id, _with_truth_values(props), stack_name)


@replaces("services.cloudformation.provisioners", "_s3_access_point_update")
def an_updated_access_point_does_so_too(
    original: Callable[..., Any], physical_id: str, old_props: Properties, new_props: Properties, stack_name: str
) -> Any:
    """The same for an update."""
    return original(physical_id, old_props, _with_truth_values(new_props), stack_name)


def _with_truth_values(props: Properties) -> Properties:
    block = props.get("PublicAccessBlockConfiguration") or {}
    return {**props, "PublicAccessBlockConfiguration": {name: truth(value) for name, value in block.items()}}


def _account_block_create(_logical_id: str, props: Properties, _stack_name: str) -> tuple[str, Properties]:
    account.put(props)
    return ministack("core.responses").get_account_id(), {}


def _account_block_delete(_physical_id: str, _props: Properties) -> None:
    account.blocks.pop("block", None)


# Not a correction: no such type is documented for CloudFormation. Sample accounts, which are never
# deployed to AWS, declare the account's settings with it.
provisioners._RESOURCE_HANDLERS["AWS::S3::AccountPublicAccessBlock"] = {
    "create": _account_block_create,
    "update": lambda _physical_id, _old, new, stack_name: _account_block_create("", new, stack_name),
    "delete": _account_block_delete,
}
