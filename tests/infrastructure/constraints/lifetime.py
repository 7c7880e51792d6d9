"""Nothing stays when the stack goes, and until then everything is kept for 90 days."""

from __future__ import annotations

from collections.abc import Iterator

from synthesis import Json, target

from constraints.deployment import Deployment, constraint

_DAYS = 90
"""The customer's figure."""

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
_KEPT_BY_DEFAULT = ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance")
"""Types of which CloudFormation makes a snapshot unless it is told not to."""


@constraint("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup")
def nothing_is_left_behind(deployment: Deployment) -> Iterator[str]:
    """Neither on deletion nor on replacement."""
    for logical_id, resource in deployment.resources.items():
        default = "Snapshot" if resource["Type"] in _KEPT_BY_DEFAULT else "Delete"
        for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
            policy = resource.get(attribute, default)
            if policy != "Delete":
                yield f"{logical_id}: has {attribute} {policy}; allowed: Delete"


@constraint("AWS::S3::Bucket")
def every_bucket_is_emptied(deployment: Deployment) -> Iterator[str]:
    """CloudFormation cannot delete a bucket that has objects."""
    emptied = {target(properties.get("BucketName")) for _, properties in deployment.of("Custom::EmptyBucket")}
    for logical_id, _ in deployment.of("AWS::S3::Bucket"):
        if logical_id not in emptied:
            yield f"{logical_id}: is not emptied; allowed: a Custom::EmptyBucket that names it"


@constraint("AWS::Lambda::Function")
def custom_resources_are_our_functions(deployment: Deployment) -> Iterator[str]:
    """Nothing runs code, is made or is counted by someone else while the stack changes."""
    for logical_id, resource in deployment.resources.items():
        kind = resource["Type"]
        if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
            token = resource.get("Properties", {}).get("ServiceToken")
            if deployment.kind(token) != "AWS::Lambda::Function" or not kind.startswith("Custom::"):
                yield f"{logical_id}: is a {kind} served by {token}; allowed: a Custom:: type and one of our functions"
        elif kind.startswith(("AWS::CDK::", "AWS::CloudFormation::")):
            yield f"{logical_id}: is a {kind}; allowed: resources of this stack only"


@constraint("AWS::S3::Bucket")
def every_bucket_keeps_90_days(deployment: Deployment) -> Iterator[str]:
    """Current versions, noncurrent ones, parts of uploads that were left half-way, and delete markers.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
    """
    for logical_id, properties in deployment.of("AWS::S3::Bucket"):
        rules = properties.get("LifecycleConfiguration", {}).get("Rules", [])
        for rule in rules:
            if rule.get("Status") != "Enabled":
                yield f"{logical_id}: has a lifecycle rule that is {rule.get('Status')}; allowed: Enabled"
            for name in sorted({"Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan"} & set(rule)):
                yield f"{logical_id}: has a lifecycle rule for some objects only, by {name}; allowed: for all"
        together = {name: value for rule in rules for name, value in rule.items()}
        yield from (f"{logical_id}: {problem}" for problem in _lifecycle(together))


def _lifecycle(together: Json) -> Iterator[str]:
    """What is wrong with the lifecycle rules, all put into one."""
    if together.get("ExpirationInDays") != _DAYS:
        yield f"expires objects after {together.get('ExpirationInDays')} days; allowed: {_DAYS}"
    if together.get("NoncurrentVersionExpiration") != {"NoncurrentDays": _DAYS}:
        noncurrent = together.get("NoncurrentVersionExpiration")
        yield f"expires noncurrent versions by {noncurrent}; allowed: after {_DAYS} days"
    uploads = together.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0)
    if not 1 <= uploads <= _DAYS:
        yield f"ends incomplete uploads after {uploads} days; allowed: 1 to {_DAYS}"
    if together.get("ExpiredObjectDeleteMarker") is not True:
        yield "keeps expired delete markers; allowed: ExpiredObjectDeleteMarker true"


@constraint("AWS::Logs::LogGroup")
def every_log_group_keeps_90_days(deployment: Deployment) -> Iterator[str]:
    """Without a number CloudWatch Logs keeps them for ever."""
    for logical_id, properties in deployment.of("AWS::Logs::LogGroup"):
        if properties.get("RetentionInDays") != _DAYS:
            yield f"{logical_id}: keeps {properties.get('RetentionInDays')} days; allowed: {_DAYS}"
