"""The customer's four tags on everything that can have tags."""

from __future__ import annotations

from collections.abc import Iterator

from synthesis import Json, text

from constraints.deployment import Deployment, constraint
from constraints.schemas import tags_property

_TAGS = {
    "Environment": "environment",
    "Owner": "owner",
    "CostCenter": "costCenter",
    "ComplianceLevel": "complianceLevel",
}
"""Each tag, and the setting that it shows."""


@constraint("AWS::Lambda::Function", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::EC2::VPCEndpoint")
def everything_taggable_has_the_four_tags(deployment: Deployment) -> Iterator[str]:
    """With the values that were chosen."""
    for logical_id, resource in deployment.resources.items():
        if tags_property(resource["Type"]) is None:
            continue
        tags = tags_of(resource)
        for tag, setting in _TAGS.items():
            if tags.get(tag) != deployment.settings[setting]:
                yield f"{logical_id}: has the tag {tag} with {tags.get(tag)}; allowed: {deployment.settings[setting]}"


def tags_of(resource: Json) -> dict[str, str]:
    """A resource's tags, which some types take as a list and some as a map."""
    tags = resource.get("Properties", {}).get(tags_property(resource["Type"]), [])
    pairs = tags.items() if isinstance(tags, dict) else ((tag["Key"], tag["Value"]) for tag in tags)
    return {key: text(value) for key, value in pairs}
