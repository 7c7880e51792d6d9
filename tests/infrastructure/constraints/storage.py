"""Buckets: private, owned by the account, versioned."""

from __future__ import annotations

from collections.abc import Iterator

from constraints.deployment import Deployment, constraint

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
_BLOCKED = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


@constraint("AWS::S3::Bucket")
def every_bucket_is_private(deployment: Deployment) -> Iterator[str]:
    """Nobody else's by any way that Amazon S3 has: access lists, policies, other owners of objects."""
    for logical_id, properties in deployment.of("AWS::S3::Bucket"):
        block = properties.get("PublicAccessBlockConfiguration", {})
        for name in _BLOCKED:
            if block.get(name) is not True:
                yield f"{logical_id}: has {name} {block.get(name)}; allowed: true"
        owned = properties.get("OwnershipControls")
        if owned != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
            yield f"{logical_id}: has ownership {owned}; allowed: BucketOwnerEnforced"
        for name in sorted({"AccessControl", "WebsiteConfiguration", "CorsConfiguration"} & set(properties)):
            yield f"{logical_id}: has {name}; allowed: none"


@constraint("AWS::S3::Bucket")
def every_bucket_is_versioned(deployment: Deployment) -> Iterator[str]:
    """What is overwritten or deleted can be read for 90 days more."""
    for logical_id, properties in deployment.of("AWS::S3::Bucket"):
        if properties.get("VersioningConfiguration") != {"Status": "Enabled"}:
            yield f"{logical_id}: has versioning {properties.get('VersioningConfiguration')}; allowed: Enabled"
