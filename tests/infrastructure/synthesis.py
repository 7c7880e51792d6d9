"""The template as CDK makes it, with stand-in binaries and without an AWS account."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import aws_cdk as cdk
from compliance_audit.app import build
from compliance_audit.settings import FUNCTIONS, Settings

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
CDK_JSON: Json = json.loads((ROOT / "infrastructure" / "cdk.json").read_text())

CHOSEN: Mapping[str, object] = {
    "environment": "dev",
    "environmentSuffix": "pr42",
    "owner": "platform-team",
    "costCenter": "cc-1001",
    "complianceLevel": "high",
    "alertEmails": "compliance@example.com,security@example.com",
    "flowLogDate": "2026-11-23",
    "s3ExpressPrefixList": "pl-0123456789abcdef0",
}
"""The settings that have no default."""


def context(**changes: object) -> dict[str, object]:
    """A valid context with some values changed."""
    return {**CDK_JSON["context"], **CHOSEN, **changes}


def settings(**changes: object) -> Settings:
    """Checked settings."""
    return Settings.from_context(context(**changes))


def synthesize(**changes: object) -> Json:
    """The template for a valid context with some values changed."""
    with tempfile.TemporaryDirectory() as folder:
        return assemble(Path(folder), **changes)


def assemble(folder: Path, **changes: object) -> Json:
    """The template as `synthesize` gives it; what CDK would upload stays in `out` of the folder."""
    [stack] = built(folder, **changes).synth().stacks
    synthesized: Json = json.loads(Path(stack.template_full_path).read_text())
    return synthesized


def built(folder: Path, **changes: object) -> cdk.App:
    """The app as a tree of constructs, to be synthesized into `out` of the folder."""
    bundles = folder / "bundles"
    for function in FUNCTIONS:
        stand_in(bundles, function)
    # The CDK's command line asks for the paths of constructs too.
    given = {**context(**changes), "aws:cdk:enable-path-metadata": True}
    with mock.patch.dict(os.environ, {"LAMBDA_BUNDLES": str(bundles)}):
        return build(cdk.App(context=given, outdir=str(folder / "out"), analytics_reporting=False))


def stand_in(bundles: Path, function: str) -> None:
    """A function's bundle whose binary is only the function's name, so that each has a hash of its own."""
    (bundles / function).mkdir(parents=True)
    (bundles / function / "bootstrap").write_text(function)
    if function == "plan-scan":
        (bundles / function / "audit-policy.toml").write_text('[remediation]\nmode = "dry-run"\n')


@cache
def template() -> Json:
    """The template for a valid context."""
    return synthesize()


@cache
def template_of_everything() -> Json:
    """The template with what settings may add to it."""
    return synthesize(cloudTrail=True, changeScans=True)


def resources(kind: str, within: Json | None = None) -> dict[str, Json]:
    """The template's resources of one type, by logical id."""
    return {
        logical_id: resource
        for logical_id, resource in (within or template())["Resources"].items()
        if resource["Type"] == kind
    }


def properties(kind: str, within: Json | None = None) -> list[Json]:
    """The properties of the template's resources of one type."""
    return [resource["Properties"] for resource in resources(kind, within).values()]


def only(kind: str) -> Json:
    """The properties of the template's only resource of a type."""
    [found] = properties(kind)
    return found


def named(kind: str, key: str, within: Json | None = None) -> dict[str, Json]:
    """The properties of the template's resources of one type, by one of their properties."""
    return {text(found[key]): found for found in properties(kind, within)}


def text(value: object) -> str:
    """A property as text; what CloudFormation fills in stands in braces."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return f"{{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"{{{name}.{attribute}}}"
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(text(part) for part in parts)
        case {"Fn::Sub": str(pattern)}:
            return pattern.replace("${", "{")
    raise AssertionError(f"{value} is no text")


def target(reference: object) -> str:
    """The logical id of what a property refers to; empty when it is no reference."""
    match reference:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
    return ""


def listed(value: object) -> list[Any]:
    """A policy's element as a list, whether it has one value or several."""
    return value if isinstance(value, list) else [value]


def statements(policy: Json) -> Iterator[Json]:
    """The statements of a policy document."""
    yield from listed(policy["Statement"])


def allowed_actions(policy: Json) -> set[str]:
    """The actions that a policy document allows."""
    return {
        action
        for statement in statements(policy)
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }
