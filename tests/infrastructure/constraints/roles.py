"""Roles: one customer managed policy each, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from synthesis import listed, statements, target

from constraints.deployment import Deployment, constraint, texts

# Each of them puts a policy into a principal: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_IAM.html
_INLINE = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy")

_POLICY_LENGTH = 6144
"""Characters of a managed policy without white space,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

# What a reference stands for at its longest.
_LONGEST = {
    "AWS::EC2::VPC": "sg-0123456789abcdef0",
    "AWS::KMS::Key": "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
    "AWS::Lambda::Function": "arn:aws:lambda:us-east-1:123456789012:function:" + "f" * 64,
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:" + "g" * 80 + ":*",
    "AWS::S3::Bucket": "arn:aws:s3:::" + "b" * 63,
    "AWS::SNS::Topic": "arn:aws:sns:us-east-1:123456789012:" + "t" * 64,
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:123456789012:" + "q" * 80,
    "AWS::StepFunctions::StateMachine": "arn:aws:states:us-east-1:123456789012:stateMachine:" + "m" * 80,
}


@constraint("AWS::IAM::Role")
def no_inline_policy(deployment: Deployment) -> Iterator[str]:
    """Neither as a resource nor as a property of a role, a user or a group."""
    for logical_id, _ in deployment.of(*_INLINE):
        yield f"{logical_id}: is an inline policy; allowed: AWS::IAM::ManagedPolicy"
    for logical_id, resource in deployment.resources.items():
        if resource["Type"].startswith("AWS::IAM::") and "Policies" in resource.get("Properties", {}):
            yield f"{logical_id}: has inline policies; allowed: ManagedPolicyArns"


@constraint("AWS::IAM::Role")
def no_policy_of_aws(deployment: Deployment) -> Iterator[str]:
    """AWS's own managed policies allow more than one function needs."""
    for logical_id, resource in deployment.resources.items():
        for found in texts(resource):
            if ":iam::aws:policy/" in found:
                yield f"{logical_id}: refers to {found}; allowed: policies of this template"


@constraint("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
def every_role_has_one_policy_of_its_own(deployment: Deployment) -> Iterator[str]:
    """Attached by the role, so that a function that needs the role finds it complete."""
    attached: Counter[str] = Counter()
    for logical_id, properties in deployment.of("AWS::IAM::Role"):
        arns = properties.get("ManagedPolicyArns", [])
        if len(arns) != 1:
            yield f"{logical_id}: has {len(arns)} managed policies; allowed: one"
        for arn in arns:
            if deployment.kind(arn) != "AWS::IAM::ManagedPolicy":
                yield f"{logical_id}: has the policy {arn}; allowed: one of this template"
        attached.update({target(arn) for arn in arns})
    for logical_id, properties in deployment.of("AWS::IAM::ManagedPolicy"):
        if attached[logical_id] != 1:
            yield f"{logical_id}: is attached by {attached[logical_id]} roles; allowed: one"
        if {"Roles", "Users", "Groups"} & set(properties):
            yield f"{logical_id}: attaches itself; allowed: ManagedPolicyArns of the role"


@constraint("AWS::IAM::ManagedPolicy")
def policies_name_their_actions(deployment: Deployment) -> Iterator[str]:
    """No wildcard, and nothing that is allowed by leaving it out."""
    for logical_id, properties in deployment.of("AWS::IAM::ManagedPolicy"):
        for statement in statements(properties["PolicyDocument"]):
            for left_out in sorted({"NotAction", "NotResource"} & set(statement)):
                yield f"{logical_id}: has {left_out}; allowed: Action and Resource"
            if statement["Effect"] == "Allow":
                for action in listed(statement.get("Action", [])):
                    if "*" in action:
                        yield f"{logical_id}: allows {action}; allowed: actions by their whole names"


@constraint("AWS::IAM::ManagedPolicy")
def policies_fit_the_limit_of_iam(deployment: Deployment) -> Iterator[str]:
    """Measured as IAM gets them, with what references stand for at its longest."""
    for logical_id, properties in deployment.of("AWS::IAM::ManagedPolicy"):
        length = len(json.dumps(_filled_in(properties["PolicyDocument"], deployment), separators=(",", ":")))
        if length > _POLICY_LENGTH:
            yield f"{logical_id}: has {length} characters; allowed: {_POLICY_LENGTH}"


def _filled_in(value: Any, deployment: Deployment) -> Any:
    """A part of a policy with every reference filled in."""
    match value:
        case {"Ref": "AWS::AccountId"}:
            return "123456789012"
        case {"Ref": _} | {"Fn::GetAtt": _}:
            return _LONGEST[deployment.kind(value)]
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_filled_in(part, deployment) for part in parts)
        case dict():
            return {key: _filled_in(inner, deployment) for key, inner in value.items()}
        case list():
            return [_filled_in(inner, deployment) for inner in value]
    return value


@constraint("AWS::IAM::Role")
def every_role_has_one_user(deployment: Deployment) -> Iterator[str]:
    """A function's role is the function's alone; the rules that start the state machine share one."""
    users: dict[str, set[str]] = {logical_id: set() for logical_id, _ in deployment.of("AWS::IAM::Role")}
    for logical_id, resource in deployment.resources.items():
        for role in roles_of(resource.get("Properties", {})):
            if role in users:
                users[role].add(logical_id)
    for role, found in users.items():
        kinds = {deployment.resources[user]["Type"] for user in found}
        if len(found) != 1 and kinds != {"AWS::Events::Rule"}:
            yield f"{role}: is the role of {', '.join(sorted(found)) or 'nothing'}; allowed: one resource, or rules"


def roles_of(value: object) -> Iterator[str]:
    """The roles that AWS services are told to take: `Role`, `RoleArn`, `DeliverLogsPermissionArn`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("Role", "RoleArn", "DeliverLogsPermissionArn"):
                yield target(inner)
            else:
                yield from roles_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from roles_of(inner)
