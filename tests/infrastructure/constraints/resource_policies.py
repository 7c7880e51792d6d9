"""Who may do what to our resources: exactly those that need it, for this account and our resources only."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from synthesis import Json, allowed_actions, listed, statements, target, text

from constraints.deployment import Deployment, constraint, matches, references
from constraints.encryption import signs, users_of_keys
from constraints.roles import roles_of
from constraints.schemas import name_property

_ACCOUNT_KEY, _ARN_KEY, _LOGS_KEY = "aws:SourceAccount", "aws:SourceArn", "kms:EncryptionContext:aws:logs:arn"
_OUR_ACCOUNT = {"Ref": "AWS::AccountId"}
_EVERYONE = "*"
_ENDPOINT = "AWS::EC2::VPCEndpoint"

_RESPONSES = "arn:aws:s3:::cloudformation-custom-resource-response-useast1/*"
"""Where custom resources answer, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-vpce-bucketnames.html"""


@dataclass(frozen=True)
class Grant:
    """What a statement allows one principal, and which context it asks for."""

    who: str
    """A service, or an ARN."""
    actions: frozenset[str]
    """The allowed actions."""
    conditions: frozenset[str]
    """The keys of the conditions, without their values."""

    def __str__(self) -> str:
        conditions = f" by {', '.join(sorted(self.conditions))}" if self.conditions else " without a condition"
        return f"{self.who} for {', '.join(sorted(self.actions))}{conditions}"


def _grant(who: str, *actions: str, by: tuple[str, ...]) -> Grant:
    return Grant(who, frozenset(actions), frozenset(by))


_FOR_OURS = (_ACCOUNT_KEY, _ARN_KEY)

# Without it the account's own administrators could not manage the key, and IAM policies would not count:
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#key-policy-default-allow-root-enable-iam
_ACCOUNT_ITSELF = _grant("arn:{AWS::Partition}:iam::{AWS::AccountId}:root", "kms:*", by=())

EXPECTED: Mapping[str, frozenset[Grant]] = {
    # Used through the roles that read and write reports.
    "key of AWS::S3::Bucket": frozenset({_ACCOUNT_ITSELF}),
    # Used through the functions' roles,
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    "key of AWS::Lambda::Function": frozenset({_ACCOUNT_ITSELF}),
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    # That the alarm's ARN reaches the key, too, is not documented.
    "key of AWS::SNS::Topic": frozenset(
        {_ACCOUNT_ITSELF, _grant("cloudwatch.amazonaws.com", "kms:Decrypt", "kms:GenerateDataKey*", by=(_ACCOUNT_KEY,))}
    ),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    # It names EventBridge among the services that send aws:SourceArn, and none that send aws:SourceAccount.
    "key of AWS::SQS::Queue": frozenset(
        {_ACCOUNT_ITSELF, _grant("events.amazonaws.com", "kms:Decrypt", "kms:GenerateDataKey*", by=(_ARN_KEY,))}
    ),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    "key of AWS::Logs::LogGroup": frozenset(
        {
            _ACCOUNT_ITSELF,
            _grant(
                "logs.us-east-1.amazonaws.com",
                *("kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"),
                by=(_LOGS_KEY,),
            ),
        }
    ),
    # The account may administer it, and may not let anybody sign; the one who may, a condition names.
    "key that signs": frozenset(
        {
            _grant(
                "arn:{AWS::Partition}:iam::{AWS::AccountId}:root",
                *("kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey"),
                *("kms:EnableKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:GetPublicKey"),
                *("kms:ListGrants", "kms:ListKeyPolicies", "kms:ListResourceTags", "kms:PutKeyPolicy"),
                *("kms:RevokeGrant", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource"),
                *("kms:UpdateAlias", "kms:UpdateKeyDescription", "kms:Verify"),
                by=(),
            ),
            _grant(
                "arn:{AWS::Partition}:iam::{AWS::AccountId}:root",
                "kms:Sign",
                by=("aws:PrincipalArn", "kms:MessageType", "kms:SigningAlgorithm"),
            ),
        }
    ),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    "AWS::SNS::TopicPolicy": frozenset({_grant("cloudwatch.amazonaws.com", "sns:Publish", by=_FOR_OURS)}),
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html#eb-dlq-perms
    "AWS::SQS::QueuePolicy": frozenset({_grant("events.amazonaws.com", "sqs:SendMessage", by=(_ARN_KEY,))}),
    # Who may do what to a bucket, the roles' policies say.
    "AWS::S3::BucketPolicy": frozenset(),
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    "role of AWS::Lambda::Function": frozenset({_grant("lambda.amazonaws.com", "sts:AssumeRole", by=())}),
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html#prevent-cross-service-confused-deputy
    "role of AWS::StepFunctions::StateMachine": frozenset(
        {_grant("states.amazonaws.com", "sts:AssumeRole", by=_FOR_OURS)}
    ),
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html: both name the rule.
    "role of AWS::Events::Rule": frozenset({_grant("events.amazonaws.com", "sts:AssumeRole", by=_FOR_OURS)}),
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-permissions.html
    "role of AWS::Pipes::Pipe": frozenset({_grant("pipes.amazonaws.com", "sts:AssumeRole", by=_FOR_OURS)}),
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    "role of AWS::EC2::FlowLog": frozenset({_grant("vpc-flow-logs.amazonaws.com", "sts:AssumeRole", by=_FOR_OURS)}),
}
"""Whom each policy admits, by what it is the policy of."""

WITHOUT_SOURCE_ACCOUNT: Mapping[tuple[str, str], str] = {
    ("role of AWS::Lambda::Function", "lambda.amazonaws.com"): (
        "a role is passed when a function is made, and cannot be passed to another account's function: "
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"
    ),
    ("key of AWS::Logs::LogGroup", "logs.us-east-1.amazonaws.com"): (
        "the encryption context names the account with the log group: "
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
    ),
    ("key of AWS::SQS::Queue", "events.amazonaws.com"): (
        "the rule's own ARN names the account, and is the only key that AWS documents: "
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"
    ),
    ("AWS::SQS::QueuePolicy", "events.amazonaws.com"): (
        "the rule's own ARN names the account, and is what AWS asks for: "
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html#eb-dlq-perms"
    ),
}
"""Which services are admitted without `aws:SourceAccount`, and why."""

_SOURCES: Mapping[str, tuple[str, str]] = {
    "cloudwatch.amazonaws.com": ("AWS::CloudWatch::Alarm", "cloudwatch:us-east-1:{AWS::AccountId}:alarm:"),
    "events.amazonaws.com": ("AWS::Events::Rule", "events:us-east-1:{AWS::AccountId}:rule/"),
    "pipes.amazonaws.com": ("AWS::Pipes::Pipe", "pipes:us-east-1:{AWS::AccountId}:pipe/"),
    "states.amazonaws.com": ("AWS::StepFunctions::StateMachine", "states:us-east-1:{AWS::AccountId}:stateMachine:"),
    "logs.us-east-1.amazonaws.com": ("AWS::Logs::LogGroup", "logs:us-east-1:{AWS::AccountId}:log-group:"),
    "vpc-flow-logs.amazonaws.com": ("AWS::EC2::FlowLog", "ec2:us-east-1:{AWS::AccountId}:vpc-flow-log/"),
}
"""For which resources a service acts, and how their ARNs go on after `arn:aws:` before the name, from
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"""


@constraint(
    "AWS::KMS::Key", "AWS::IAM::Role", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"
)
def policies_admit_exactly_who_needs_it(deployment: Deployment) -> Iterator[str]:
    """Nobody more, nobody less, and under no fewer conditions."""
    for logical_id, policy in policies(deployment):
        holder = holder_of(deployment, logical_id)
        if holder == _ENDPOINT:
            continue
        if holder not in EXPECTED:
            yield f"{logical_id}: has a policy as {holder}; allowed: a policy of {', '.join(EXPECTED)}"
        actual = {
            Grant(who, frozenset(listed(statement.get("Action", []))), frozenset(_conditions(statement)))
            for who, statement in admitted(policy)
        }
        expected = EXPECTED.get(holder, frozenset())
        for grant in sorted(actual - expected, key=str):
            yield f"{logical_id}: admits {grant}; allowed: {'; '.join(map(str, expected)) or 'nobody'}"
        for grant in sorted(expected - actual, key=str):
            yield f"{logical_id}: does not admit {grant}, who needs it"


@constraint("AWS::KMS::Key", "AWS::IAM::Role", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy")
def services_act_for_this_account_only(deployment: Deployment) -> Iterator[str]:
    """Nobody else's resource makes a service act on ours:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    for logical_id, policy in policies(deployment):
        holder = holder_of(deployment, logical_id)
        for who, statement in admitted(policy):
            if not who.endswith(".amazonaws.com"):
                continue
            given = statement.get("Condition", {}).get("StringEquals", {}).get(_ACCOUNT_KEY)
            excepted = given is None and (holder, who) in WITHOUT_SOURCE_ACCOUNT
            if given != _OUR_ACCOUNT and not excepted:
                yield f"{logical_id}: admits {who} with {_ACCOUNT_KEY} {given}; allowed: AWS::AccountId by StringEquals"


@constraint("AWS::KMS::Key", "AWS::IAM::Role", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy")
def services_act_for_our_resources_only(deployment: Deployment) -> Iterator[str]:
    """Where a condition names what a service acts for, it covers all of ours and nothing else; of rules, those that use
    what the policy is of.
    """
    for logical_id, policy in policies(deployment):
        named: dict[str, set[str]] = defaultdict(set)
        for who, statement in admitted(policy):
            for operator, key, value in _conditions_with_values(statement):
                if key not in (_ARN_KEY, _LOGS_KEY):
                    continue
                if operator not in ("ArnEquals", "ArnLike"):
                    yield f"{logical_id}: checks {key} by {operator}; allowed: ArnEquals, ArnLike"
                named[who].add(_arn(deployment, value))
        for who, patterns in named.items():
            ours = set(_arns(deployment, who, logical_id))
            for pattern in sorted(patterns):
                if not _is_ours(deployment, who, pattern, ours):
                    yield f"{logical_id}: lets {who} act for {pattern}; allowed: {', '.join(sorted(ours))}"
            for arn in sorted(ours):
                if not any(matches(pattern, arn) for pattern in patterns):
                    yield f"{logical_id}: does not let {who} act for {arn}; allowed: all of ours"


@constraint(_ENDPOINT)
def nobody_from_elsewhere_is_admitted(deployment: Deployment) -> Iterator[str]:
    """Everyone, and whoever comes through an endpoint, only from this account.

    One bucket of AWS's takes what custom resources answer.
    """
    for logical_id, policy in policies(deployment):
        for who, statement in admitted(policy):
            account = statement.get("Condition", {}).get("StringEquals", {}).get("aws:PrincipalAccount")
            answer = (holder_of(deployment, logical_id), statement.get("Action"), statement.get("Resource"))
            if who != _EVERYONE and answer[0] != _ENDPOINT:
                continue
            if account != _OUR_ACCOUNT and answer != (_ENDPOINT, "s3:PutObject", _RESPONSES):
                yield f"{logical_id}: admits {who} for {statement.get('Action')}; allowed: those of our account"
    for logical_id, resource in deployment.resources.items():
        if "Principal" in resource.get("Properties", {}):
            yield f"{logical_id}: is a {resource['Type']} for {resource['Properties']['Principal']}; allowed: nobody"


@constraint(_ENDPOINT)
def endpoints_let_through_what_functions_may_call(deployment: Deployment) -> Iterator[str]:
    """Every endpoint has a policy, or it lets through everything; and no action is let through in vain."""
    called = {
        action
        for _, properties in deployment.of("AWS::IAM::ManagedPolicy")
        for action in allowed_actions(properties["PolicyDocument"])
    }
    for logical_id, properties in deployment.of(_ENDPOINT):
        if "PolicyDocument" not in properties:
            yield f"{logical_id}: has no policy; allowed: one that names the actions"
            continue
        for action in sorted(allowed_actions(properties["PolicyDocument"]) - called):
            yield f"{logical_id}: lets through {action}; allowed: what some function's policy allows"


@constraint("AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue")
def everything_is_asked_over_tls(deployment: Deployment) -> Iterator[str]:
    """Buckets, topics and queues refuse everyone who does not; buckets ask for TLS 1.2 too.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html,
    https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html,
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html
    """
    for kind, policy_kind, attached, action in (
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket", "s3:*"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics", "sns:Publish"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues", "sqs:*"),
    ):
        for logical_id, _ in deployment.of(kind):
            refused = [
                statement["Condition"]
                for _, properties in deployment.of(policy_kind)
                if logical_id in map(target, listed(properties[attached]))
                for statement in statements(properties["PolicyDocument"])
                if _refuses_everyone(statement, action, logical_id, objects=kind == "AWS::S3::Bucket")
            ]
            if {"Bool": {"aws:SecureTransport": "false"}} not in refused:
                yield f"{logical_id}: answers without TLS; allowed: a Deny of {action} unless aws:SecureTransport"
            if kind == "AWS::S3::Bucket" and {"NumericLessThan": {"s3:TlsVersion": 1.2}} not in refused:
                yield f"{logical_id}: answers over old TLS; allowed: a Deny of {action} below s3:TlsVersion 1.2"


def policies(deployment: Deployment) -> Iterator[tuple[str, Json]]:
    """Every policy that says who: those of resources and the trust of roles, with the logical id of what holds it."""
    for logical_id, resource in deployment.resources.items():
        for policy in _policies(resource.get("Properties", {})):
            if any({"Principal", "NotPrincipal"} & set(statement) for statement in statements(policy)):
                yield logical_id, policy


def _policies(value: object) -> Iterator[Json]:
    if isinstance(value, dict):
        if "Statement" in value:
            yield value
        for inner in value.values():
            yield from _policies(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _policies(inner)


def holder_of(deployment: Deployment, logical_id: str) -> str:
    """What a policy is of: a type, and for keys and roles the type of what uses them."""
    kind: str = deployment.resources[logical_id]["Type"]
    if kind == "AWS::KMS::Key":
        if signs(deployment.resources[logical_id]["Properties"]):
            return "key that signs"
        users = users_of_keys(deployment)[logical_id]
        return f"key of {', '.join(sorted({deployment.resources[user]['Type'] for user in users}))}"
    if kind == "AWS::IAM::Role":
        users = {
            user
            for user, resource in deployment.resources.items()
            if logical_id in roles_of(resource.get("Properties", {}))
        }
        return f"role of {', '.join(sorted({deployment.resources[user]['Type'] for user in users}))}"
    return kind


def admitted(policy: Json) -> Iterator[tuple[str, Json]]:
    """Each principal that a policy's statements allow something, with the statement."""
    for statement in statements(policy):
        if statement["Effect"] != "Allow":
            continue
        principal = statement.get("Principal", {"NotPrincipal": _EVERYONE})
        for given in principal.values() if isinstance(principal, dict) else [principal]:
            for who in listed(given):
                yield text(who), statement


def _conditions(statement: Json) -> Iterator[str]:
    """The keys of a statement's conditions."""
    for keys in statement.get("Condition", {}).values():
        yield from keys


def _conditions_with_values(statement: Json) -> Iterator[tuple[str, str, object]]:
    """Operator, key and each value of a statement's conditions."""
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            for value in listed(values):
                yield operator, key, value


def _arn(deployment: Deployment, value: object) -> str:
    """The ARN that a condition's value is, written out when it refers to a resource for which services act."""
    for kind, prefix in _SOURCES.values():
        if deployment.kind(value) == kind:
            return _arn_by_name(kind, prefix, deployment.resources[target(value)]["Properties"])
    return text(value)


def _arns(deployment: Deployment, who: str, holder: str) -> Iterator[str]:
    """The ARNs of the resources for which a service acts on what a policy is of."""
    kind, prefix = _SOURCES.get(who, ("", ""))
    used = {holder, *users_of_keys(deployment).get(holder, ())}
    used |= set(map(target, listed(deployment.resources[holder]["Properties"].get("Queues", []))))
    for _, properties in deployment.of(kind):
        if kind != "AWS::Events::Rule" or used & set(references(properties)):
            yield _arn_by_name(kind, prefix, properties)


def _arn_by_name(kind: str, prefix: str, properties: Json) -> str:
    """A flow log has no name but an id, which nobody knows beforehand: all of the account's are meant."""
    name = name_property(kind)
    return f"arn:aws:{prefix}{text(properties[name]) if name else '*'}"


def _is_ours(deployment: Deployment, who: str, pattern: str, ours: set[str]) -> bool:
    """Whether a pattern covers ARNs of ours and, by its beginning and its end, no other account's or deployment's.

    The end must have the type too: `*-dev-pr42` would cover the deployment `qa-dev-pr42` as well.
    """
    if pattern in ours:
        return True
    _, prefix = _SOURCES.get(who, ("", ""))
    ends = re.search(rf"-[a-z]+-{re.escape(deployment.suffix)}$", pattern.rpartition("*")[2]) is not None
    return pattern.startswith(f"arn:aws:{prefix}") and ends and any(matches(pattern, arn) for arn in ours)


def _refuses_everyone(statement: Json, action: str, logical_id: str, *, objects: bool) -> bool:
    """Whether a statement denies everyone an action on a resource, and on its objects if it is a bucket."""
    everyone: list[Any] = [_EVERYONE, {"AWS": _EVERYONE}]
    on = [text(resource).replace(".Arn}", "}") for resource in listed(statement.get("Resource", []))]
    wanted = [f"{{{logical_id}}}", f"{{{logical_id}}}/*"] if objects else [f"{{{logical_id}}}"]
    return (
        statement["Effect"] == "Deny"
        and statement.get("Principal") in everyone
        and statement.get("Action") == action
        and sorted(on) == sorted(wanted)
    )
