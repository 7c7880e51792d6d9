"""What CloudFormation's own schemas, which cfn-lint carries, say about resource types."""

from __future__ import annotations

import re
from functools import cache

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from synthesis import Json


@cache
def schema(kind: str) -> Json:
    """The schema of a resource type, as us-east-1 has it; custom resources have none."""
    if kind.startswith("Custom::"):
        return {"properties": {}}
    found: Json = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return found


def tags_property(kind: str) -> str | None:
    """The property for tags, or None when the type has none.

    Raises AssertionError when the type is taggable through something else.
    """
    tagging = schema(kind).get("tagging", {})
    name: str = tagging.get("tagProperty", "/properties/Tags").rpartition("/")[2]
    if name in schema(kind)["properties"]:
        return name
    assert not tagging.get("taggable"), f"{kind} is taggable, but has no property {name}"
    return None


def name_property(kind: str) -> str | None:
    """The property that names the resource itself, or None when AWS names it.

    It is a text that identifies the resource or forbids to change it, and it is called `Name`, or like the end of the
    type: `GroupName` names a security group, whereas `LogGroupName` of a flow log names something else.
    """
    described = schema(kind)
    fixed = {
        path.removeprefix("/properties/")
        for path in [*described.get("primaryIdentifier", []), *described.get("createOnlyProperties", [])]
    }
    own = kind.rpartition("::")[2]
    for name, about in described["properties"].items():
        if name in fixed and about.get("type") == "string" and re.search("Name$", name):
            what = name.removesuffix("Name")
            if own.endswith(what):
                return str(name)
    return None


def is_key_property(name: str) -> bool:
    """Whether a property of this name takes a key of AWS KMS: `KmsKeyId`, `KMSMasterKeyID`, `SourceKMSKeyArn`, …"""
    return re.search("kms.*key(id|arn|identifier)?$", name, re.IGNORECASE) is not None


def resolved(kind: str, node: Json) -> Json:
    """A schema's node with its reference followed."""
    while "$ref" in node:
        path = node["$ref"].removeprefix("#/").split("/")
        node = schema(kind)
        for step in path:
            node = node[step]
    return node


def holds_key_property(kind: str, node: Json, seen: set[str] | None = None) -> bool:
    """Whether some property below a schema's node takes a key; `seen` are the references that were followed already."""
    seen = set() if seen is None else seen
    if node.get("$ref") in seen:
        return False
    if "$ref" in node:
        seen.add(node["$ref"])
    node = resolved(kind, node)
    below = node.get("properties", {})
    return (
        any(is_key_property(name) for name in below)
        or any(holds_key_property(kind, inner, seen) for inner in below.values())
        or ("items" in node and holds_key_property(kind, node["items"], seen))
    )
