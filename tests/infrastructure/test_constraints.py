"""The customer's constraints, over every resource of the template of several deployments."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from compliance_audit.settings import FUNCTIONS
from constraints import (
    CONSTRAINTS,
    Constraint,
    Deployment,
    encryption,
    functions,
    lifetime,
    names,
    network,
    resource_policies,
    roles,
    storage,
    tags,
    triggers,
)
from synthesis import (
    Json,
    allowed_actions,
    assemble,
    context,
    named,
    only,
    properties,
    resources,
    settings,
    statements,
    synthesize,
    target,
    template,
    text,
)

DEPLOYMENTS: Mapping[str, Mapping[str, object]] = {
    "default": {},
    "other zones, as many as there may be": {"zones": "f,c,a,d"},
    "arm64": {"architecture": "arm64"},
    # 17 and 100 characters, which infrastructure/README.md allows.
    "longest names and tags": {
        "environment": "production",
        "environmentSuffix": "pr-1234",
        "flowLogDate": "2026-11-23T0930",
        "owner": "o" * 100,
        "costCenter": "c" * 100,
        "complianceLevel": "l" * 100,
    },
    "nothing to reserve": {"reservedConcurrency": "none"},
    "trails are read": {"cloudTrail": True},
    "changes are judged": {"changeScans": True},
}


@cache
def deployment(which: str) -> Deployment:
    """A deployment by its name in DEPLOYMENTS."""
    changes = DEPLOYMENTS[which]
    return Deployment(template=synthesize(**changes) if changes else template(), settings=context(**changes))


def of_constraint(constraint: Constraint) -> str:
    """A constraint's name, for test reports."""
    return constraint.name


@pytest.mark.parametrize("which", DEPLOYMENTS)
@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=of_constraint)
def test_no_resource_breaks_a_constraint(constraint: Constraint, which: str) -> None:
    assert list(constraint.breaches(deployment(which))) == []


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=of_constraint)
def test_a_constraint_that_has_nothing_to_look_at_is_broken(constraint: Constraint) -> None:
    nothing = Deployment(template={"Resources": {}}, settings=context())
    assert list(constraint.breaches(nothing))


# --- Every constraint can fail --------------------------------------------------------------------------------------

Change = Callable[[Json], str]
"""Changes a template and returns the logical id that the breach must name."""


@dataclass(frozen=True)
class Breakage:
    """A constraint, and a change that it must notice."""

    constraint: Constraint
    change: Change
    what: str
    """For test reports."""


def first(found: Mapping[str, Json], kind: str, like: str) -> str:
    """The logical id of the first resource of a type whose JSON contains a text."""
    return next(
        logical_id
        for logical_id, resource in found.items()
        if resource["Type"] == kind and like in json.dumps(resource)
    )


def steps(path: str) -> list[str | int]:
    """A path's parts; numbers count the items of a list."""
    return [int(step) if step.isdecimal() else step for step in path.split("/")]


def put(constraint: Constraint, kind: str, path: str, value: Any, *, like: str = "") -> Breakage:
    """Set what stands at a path of a resource."""

    def change(broken: Json) -> str:
        found = broken["Resources"]
        logical_id = first(found, kind, like)
        *way, last = steps(path)
        place: Any = found[logical_id]
        for step in way:
            place = place[step] if isinstance(step, int) else place.setdefault(step, {})
        place[last] = value
        return logical_id

    return Breakage(constraint, change, f"{kind} {like} {path} = {value}")


def drop(constraint: Constraint, kind: str, path: str, *, like: str = "") -> Breakage:
    """Take out what stands at a path of a resource."""

    def change(broken: Json) -> str:
        found = broken["Resources"]
        logical_id = first(found, kind, like)
        *way, last = steps(path)
        place: Any = found[logical_id]
        for step in way:
            place = place[step]
        del place[last]
        return logical_id

    return Breakage(constraint, change, f"{kind} {like} without {path}")


def add(constraint: Constraint, kind: str, **about: Any) -> Breakage:
    """Add a resource."""

    def change(broken: Json) -> str:
        found = broken["Resources"]
        found["Added"] = {"Type": kind, "Properties": about}
        return "Added"

    return Breakage(constraint, change, f"{kind} added")


def remove(constraint: Constraint, kind: str, *, like: str = "", where: str | tuple[str, str] = "template") -> Breakage:
    """Take out a resource; the breach names the template, or the first resource of a type."""

    def change(broken: Json) -> str:
        found = broken["Resources"]
        del found[first(found, kind, like)]
        return where if isinstance(where, str) else first(found, *where)

    return Breakage(constraint, change, f"{kind} {like} removed")


def share(
    constraint: Constraint,
    kind: str,
    path: str,
    one: str,
    other: str,
    *,
    where: Callable[[Any], str] | None = None,
) -> Breakage:
    """Give one resource what another one has at a path; the breach names the one, or what is shared."""

    def change(broken: Json) -> str:
        found = broken["Resources"]
        *way, last = steps(path)
        logical_id = first(found, kind, one)
        taker: Any = found[logical_id]
        giver: Any = found[first(found, kind, other)]
        for step in way:
            taker, giver = taker[step], giver[step]
        taker[last] = copy.deepcopy(giver[last])
        return where(taker[last]) if where else logical_id

    return Breakage(constraint, change, f"{kind} {one} has the {path} of {other}")


def encrypt_topic_as(constraint: Constraint, kind: str, path: str) -> Breakage:
    """Encrypt the topic with the key of another resource; the breach names the key."""

    def change(broken: Json) -> str:
        found = broken["Resources"]
        key: Any = found[first(found, kind, "")]
        for step in steps(path):
            key = key[step]
        found[first(found, TOPIC, "")]["Properties"]["KmsMasterKeyId"] = key
        return target(key)

    return Breakage(constraint, change, f"topic has the key of {kind}")


def export(constraint: Constraint, name: str) -> Breakage:
    """Export an output by a name."""

    def change(broken: Json) -> str:
        broken["Outputs"]["ReportsBucketName"]["Export"] = {"Name": name}
        return "ReportsBucketName"

    return Breakage(constraint, change, f"export {name}")


FUNCTION, ROLE, POLICY = "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
BUCKET, KEY, GROUP, RULE = "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::Events::Rule"
TOPIC, QUEUE, MACHINE = "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::StepFunctions::StateMachine"
SUBNET, ENDPOINT, FLOW_LOG, ALARM = (
    "AWS::EC2::Subnet",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::FlowLog",
    "AWS::CloudWatch::Alarm",
)
ENCRYPTION_RULE = "Properties/BucketEncryption/ServerSideEncryptionConfiguration/0"
EVERYTHING = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": "*"}
ELSEWHERE = {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def admitting(who: str, action: str) -> Json:
    """A policy that admits a service without a condition."""
    return {"Statement": [{"Effect": "Allow", "Principal": {"Service": who}, "Action": action, "Resource": "*"}]}


BREAKAGES = [
    add(roles.no_inline_policy, "AWS::IAM::Policy", PolicyName="inline"),
    add(roles.no_inline_policy, "AWS::IAM::RolePolicy", PolicyName="inline"),
    put(roles.no_inline_policy, ROLE, "Properties/Policies", [{"PolicyName": "inline"}]),
    add(roles.no_inline_policy, "AWS::IAM::Group", Policies=[{"PolicyName": "inline"}]),
    put(roles.no_policy_of_aws, ROLE, "Properties/ManagedPolicyArns/0", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
    put(
        roles.no_policy_of_aws,
        ROLE,
        "Properties/PermissionsBoundary",
        {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::aws:policy/PowerUserAccess"]]},
    ),
    put(roles.every_role_has_one_policy_of_its_own, ROLE, "Properties/ManagedPolicyArns", []),
    put(
        roles.every_role_has_one_policy_of_its_own, ROLE, "Properties/ManagedPolicyArns/0", "arn:aws:iam::aws:policy/X"
    ),
    put(roles.every_role_has_one_policy_of_its_own, POLICY, "Properties/Roles", ["another"]),
    share(
        roles.every_role_has_one_policy_of_its_own,
        ROLE,
        "Properties/ManagedPolicyArns",
        "scan-s3-role",
        "scan-vpc-role",
        where=lambda shared: str(shared[0]["Ref"]),
    ),
    put(roles.policies_name_their_actions, POLICY, "Properties/PolicyDocument/Statement/0/Action", "s3:*"),
    put(roles.policies_name_their_actions, POLICY, "Properties/PolicyDocument/Statement/0/NotAction", "s3:GetObject"),
    put(roles.policies_fit_the_limit_of_iam, POLICY, "Properties/PolicyDocument/Id", "x" * 6144),
    add(roles.every_role_has_one_user, ROLE, RoleName="unused"),
    share(
        roles.every_role_has_one_user,
        FUNCTION,
        "Properties/Role",
        "scan-s3-function",
        "scan-vpc-function",
        where=lambda shared: str(shared["Fn::GetAtt"][0]),
    ),
    put(
        functions.every_function_is_one_of_ours, FUNCTION, "Properties/FunctionName", "log-retention-function-dev-pr42"
    ),
    put(functions.every_function_is_one_of_ours, FUNCTION, "Properties/Code", {"ZipFile": "pass"}),
    put(functions.every_function_is_one_of_ours, FUNCTION, "Properties/Layers", ["arn:aws:lambda:us-east-1::layer:x"]),
    share(
        functions.every_function_is_one_of_ours, FUNCTION, "Properties/Code", "scan-s3-function", "scan-vpc-function"
    ),
    remove(functions.every_function_is_one_of_ours, FUNCTION, like="scan-s3-function"),
    put(functions.every_function_runs_rust_binaries, FUNCTION, "Properties/Runtime", "provided.al2"),
    put(functions.every_function_runs_rust_binaries, FUNCTION, "Properties/Architectures", ["arm64"]),
    put(functions.every_function_is_traced, FUNCTION, "Properties/TracingConfig/Mode", "PassThrough"),
    drop(functions.every_function_is_traced, FUNCTION, "Properties/TracingConfig"),
    drop(functions.every_function_reserves_what_was_chosen, FUNCTION, "Properties/ReservedConcurrentExecutions"),
    put(functions.every_function_reserves_what_was_chosen, FUNCTION, "Properties/ReservedConcurrentExecutions", 0),
    put(
        functions.every_function_has_its_memory_and_time,
        FUNCTION,
        "Properties/MemorySize",
        512,
        like="scan-s3-function",
    ),
    put(
        functions.every_function_has_its_memory_and_time,
        FUNCTION,
        "Properties/MemorySize",
        512,
        like="plan-scan-function",
    ),
    drop(functions.every_function_has_its_memory_and_time, FUNCTION, "Properties/Timeout"),
    drop(functions.every_function_runs_in_all_isolated_subnets, FUNCTION, "Properties/VpcConfig"),
    drop(functions.every_function_runs_in_all_isolated_subnets, FUNCTION, "Properties/VpcConfig/SubnetIds/0"),
    put(
        functions.every_function_runs_in_all_isolated_subnets, FUNCTION, "Properties/VpcConfig/SubnetIds/0", "subnet-1"
    ),
    put(
        functions.every_function_runs_in_all_isolated_subnets,
        FUNCTION,
        "Properties/VpcConfig/SecurityGroupIds/0",
        "sg-1",
    ),
    share(
        functions.every_function_has_a_role_of_its_own,
        FUNCTION,
        "Properties/Role",
        "scan-s3-function",
        "scan-vpc-function",
    ),
    put(
        functions.every_function_has_a_role_of_its_own, FUNCTION, "Properties/Role", "arn:aws:iam::111122223333:role/x"
    ),
    drop(functions.every_function_has_a_log_group_of_its_own, FUNCTION, "Properties/LoggingConfig/LogGroup"),
    share(
        functions.every_function_has_a_log_group_of_its_own,
        FUNCTION,
        "Properties/LoggingConfig",
        "scan-s3-function",
        "scan-vpc-function",
    ),
    put(functions.every_function_has_a_log_group_of_its_own, FUNCTION, "Properties/LoggingConfig/LogFormat", "JSON"),
    put(
        functions.state_machines_are_traced_and_logged_without_data,
        MACHINE,
        "Properties/TracingConfiguration/Enabled",
        False,
    ),
    put(functions.state_machines_are_traced_and_logged_without_data, MACHINE, "Properties/StateMachineType", "EXPRESS"),
    put(
        functions.state_machines_are_traced_and_logged_without_data,
        MACHINE,
        "Properties/LoggingConfiguration/IncludeExecutionData",
        True,
    ),
    put(
        functions.state_machines_are_traced_and_logged_without_data,
        MACHINE,
        "Properties/LoggingConfiguration/Level",
        "ERROR",
    ),
    put(
        functions.state_machines_are_traced_and_logged_without_data,
        MACHINE,
        "Properties/LoggingConfiguration/Destinations",
        [],
    ),
    drop(encryption.everything_is_encrypted_with_keys_of_the_template, BUCKET, "Properties/BucketEncryption"),
    drop(
        encryption.everything_is_encrypted_with_keys_of_the_template,
        BUCKET,
        f"{ENCRYPTION_RULE}/ServerSideEncryptionByDefault/KMSMasterKeyID",
    ),
    drop(encryption.everything_is_encrypted_with_keys_of_the_template, TOPIC, "Properties/KmsMasterKeyId"),
    put(
        encryption.everything_is_encrypted_with_keys_of_the_template,
        TOPIC,
        "Properties/KmsMasterKeyId",
        "alias/aws/sns",
    ),
    drop(encryption.everything_is_encrypted_with_keys_of_the_template, QUEUE, "Properties/KmsMasterKeyId"),
    put(
        encryption.everything_is_encrypted_with_keys_of_the_template,
        QUEUE,
        "Properties",
        {"SqsManagedSseEnabled": True},
    ),
    drop(encryption.everything_is_encrypted_with_keys_of_the_template, GROUP, "Properties/KmsKeyId"),
    drop(encryption.everything_is_encrypted_with_keys_of_the_template, FUNCTION, "Properties/KmsKeyArn"),
    add(encryption.everything_is_encrypted_with_keys_of_the_template, "AWS::SecretsManager::Secret", Name="secret"),
    add(encryption.everything_is_encrypted_with_keys_of_the_template, "AWS::DynamoDB::Table", TableName="table"),
    put(encryption.no_key_of_aws, TOPIC, "Properties/KmsMasterKeyId", "alias/aws/sns"),
    put(encryption.no_key_of_aws, BUCKET, f"{ENCRYPTION_RULE}/ServerSideEncryptionByDefault/SSEAlgorithm", "AES256"),
    put(encryption.every_key_rotates_and_goes_with_the_stack, KEY, "Properties/EnableKeyRotation", False),
    drop(encryption.every_key_rotates_and_goes_with_the_stack, KEY, "Properties/PendingWindowInDays"),
    add(encryption.every_key_belongs_to_one_thing, KEY, EnableKeyRotation=True),
    encrypt_topic_as(
        encryption.every_key_belongs_to_one_thing,
        BUCKET,
        f"{ENCRYPTION_RULE}/ServerSideEncryptionByDefault/KMSMasterKeyID",
    ),
    encrypt_topic_as(encryption.every_key_belongs_to_one_thing, GROUP, "Properties/KmsKeyId"),
    drop(encryption.every_bucket_uses_a_bucket_key, BUCKET, f"{ENCRYPTION_RULE}/BucketKeyEnabled"),
    *(
        put(storage.every_bucket_is_private, BUCKET, f"Properties/PublicAccessBlockConfiguration/{name}", False)
        for name in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    ),
    drop(storage.every_bucket_is_private, BUCKET, "Properties/OwnershipControls"),
    put(storage.every_bucket_is_private, BUCKET, "Properties/AccessControl", "LogDeliveryWrite"),
    put(storage.every_bucket_is_versioned, BUCKET, "Properties/VersioningConfiguration/Status", "Suspended"),
    put(lifetime.nothing_is_left_behind, BUCKET, "DeletionPolicy", "Retain"),
    put(lifetime.nothing_is_left_behind, KEY, "DeletionPolicy", "RetainExceptOnCreate"),
    put(lifetime.nothing_is_left_behind, GROUP, "UpdateReplacePolicy", "Snapshot"),
    add(lifetime.nothing_is_left_behind, "AWS::RDS::DBCluster", Engine="aurora-postgresql"),
    remove(lifetime.every_bucket_is_emptied, "Custom::EmptyBucket", where=(BUCKET, "")),
    add(lifetime.custom_resources_are_our_functions, "Custom::S3AutoDeleteObjects", ServiceToken="arn:aws:lambda:::x"),
    add(lifetime.custom_resources_are_our_functions, "AWS::CDK::Metadata", Analytics="v2"),
    put(lifetime.every_bucket_keeps_90_days, BUCKET, "Properties/LifecycleConfiguration/Rules/0/ExpirationInDays", 91),
    drop(
        lifetime.every_bucket_keeps_90_days,
        BUCKET,
        "Properties/LifecycleConfiguration/Rules/0/NoncurrentVersionExpiration",
    ),
    put(
        lifetime.every_bucket_keeps_90_days,
        BUCKET,
        "Properties/LifecycleConfiguration/Rules/0/NoncurrentVersionExpiration/NewerNoncurrentVersions",
        5,
    ),
    drop(
        lifetime.every_bucket_keeps_90_days,
        BUCKET,
        "Properties/LifecycleConfiguration/Rules/0/AbortIncompleteMultipartUpload",
    ),
    drop(lifetime.every_bucket_keeps_90_days, BUCKET, "Properties/LifecycleConfiguration/Rules/1"),
    put(lifetime.every_bucket_keeps_90_days, BUCKET, "Properties/LifecycleConfiguration/Rules/0/Status", "Disabled"),
    put(lifetime.every_bucket_keeps_90_days, BUCKET, "Properties/LifecycleConfiguration/Rules/0/Prefix", "scans/"),
    drop(lifetime.every_log_group_keeps_90_days, GROUP, "Properties/RetentionInDays"),
    drop(tags.everything_taggable_has_the_four_tags, FUNCTION, "Properties/Tags"),
    put(tags.everything_taggable_has_the_four_tags, ENDPOINT, "Properties/Tags/0/Value", "unknown"),
    add(tags.everything_taggable_has_the_four_tags, "AWS::SSM::Parameter", Name="p", Tags={"Environment": "dev"}),
    add(tags.everything_taggable_has_the_four_tags, "AWS::EFS::FileSystem", Encrypted=True),
    *(
        drop(names.everything_that_can_have_a_name_has_one, kind, f"Properties/{name}")
        for kind, name in (
            (FUNCTION, "FunctionName"),
            (ROLE, "RoleName"),
            (POLICY, "ManagedPolicyName"),
            (MACHINE, "StateMachineName"),
            (TOPIC, "TopicName"),
            (QUEUE, "QueueName"),
            (RULE, "Name"),
            (ALARM, "AlarmName"),
            ("AWS::CloudWatch::Dashboard", "DashboardName"),
            ("AWS::EC2::SecurityGroup", "GroupName"),
            (BUCKET, "BucketName"),
            (GROUP, "LogGroupName"),
            (SUBNET, "Tags"),
            (ENDPOINT, "Tags"),
            (FLOW_LOG, "Tags"),
        )
    ),
    remove(
        names.everything_that_can_have_a_name_has_one, "AWS::KMS::Alias", like="reports-key", where=(KEY, "reports")
    ),
    put(names.every_name_follows_the_rule, FUNCTION, "Properties/FunctionName", "scan-s3-function"),
    put(names.every_name_follows_the_rule, ROLE, "Properties/RoleName", "scan-s3-function-dev-pr42"),
    put(names.every_name_follows_the_rule, BUCKET, "Properties/BucketName", "compliance-audit-reports-bucket-dev-pr42"),
    put(names.every_name_follows_the_rule, "AWS::KMS::Alias", "Properties/AliasName", "alias/reports-dev-pr42"),
    put(
        names.every_name_follows_the_rule, GROUP, "Properties/LogGroupName", "/aws/lambda/scan", like="scan-s3-function"
    ),
    put(
        names.every_name_follows_the_rule,
        GROUP,
        "Properties/LogGroupName",
        "audit-flowlogs-us-east-1",
        like="audit-flowlogs",
    ),
    put(names.every_name_follows_the_rule, ENDPOINT, "Properties/Tags", [{"Key": "Name", "Value": "s3"}]),
    put(names.every_name_fits_its_service, ROLE, "Properties/RoleName", "x" * 65),
    put(names.every_name_fits_its_service, FUNCTION, "Properties/FunctionName", "x" * 65),
    put(
        names.every_name_fits_its_service,
        BUCKET,
        "Properties/BucketName",
        {"Fn::Join": ["", ["x" * 52, {"Ref": "AWS::AccountId"}]]},
    ),
    share(names.every_name_is_given_once, FUNCTION, "Properties/FunctionName", "scan-s3-function", "scan-vpc-function"),
    share(names.every_name_is_given_once, ENDPOINT, "Properties/Tags", "sns-endpoint", "kms-endpoint"),
    export(names.exports_are_named_like_the_stack, "reports-bucket"),
    add(network.no_way_to_the_internet, "AWS::EC2::InternetGateway"),
    add(network.no_way_to_the_internet, "AWS::EC2::EgressOnlyInternetGateway"),
    add(network.no_way_to_the_internet, "AWS::EC2::NatGateway"),
    add(network.no_way_to_the_internet, "AWS::EC2::EIP"),
    add(network.no_way_to_the_internet, "AWS::EC2::VPCPeeringConnection"),
    add(network.no_way_to_the_internet, "AWS::EC2::TransitGatewayAttachment"),
    add(network.no_way_to_the_internet, "AWS::EC2::Route", DestinationCidrBlock="0.0.0.0/0"),
    put(network.no_public_address, SUBNET, "Properties/MapPublicIpOnLaunch", True),
    drop(network.no_public_address, SUBNET, "Properties/MapPublicIpOnLaunch"),
    put(network.no_public_address, SUBNET, "Properties/AssignIpv6AddressOnCreation", True),
    put(network.a_subnet_in_each_zone_that_was_chosen, SUBNET, "Properties/AvailabilityZone", "us-east-1f"),
    share(
        network.a_subnet_in_each_zone_that_was_chosen, SUBNET, "Properties/AvailabilityZone", "us-east-1a", "us-east-1b"
    ),
    remove(network.a_subnet_in_each_zone_that_was_chosen, SUBNET),
    put(network.security_groups_open_https_only, "AWS::EC2::SecurityGroupIngress", "Properties/ToPort", 65535),
    put(network.security_groups_open_https_only, "AWS::EC2::SecurityGroupEgress", "Properties/CidrIp", "0.0.0.0/0"),
    put(
        network.security_groups_open_https_only,
        "AWS::EC2::SecurityGroup",
        "Properties/SecurityGroupEgress",
        [{"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}],
    ),
    remove(
        network.every_vpc_has_its_default_security_group_closed,
        "Custom::CloseDefaultSecurityGroup",
        where=("AWS::EC2::VPC", ""),
    ),
    put(
        lifetime.custom_resources_are_our_functions,
        "Custom::CloseDefaultSecurityGroup",
        "Properties/ServiceToken",
        "arn:aws:lambda:us-east-1:111122223333:function:x",
    ),
    add(network.every_vpc_has_its_default_security_group_closed, "AWS::EC2::VPC", CidrBlock="10.1.0.0/24"),
    add(network.every_vpc_has_flow_logs, "AWS::EC2::VPC", CidrBlock="10.1.0.0/24"),
    put(network.every_vpc_has_flow_logs, FLOW_LOG, "Properties/TrafficType", "REJECT"),
    put(network.every_vpc_has_flow_logs, FLOW_LOG, "Properties/LogGroupName", "elsewhere"),
    put(network.no_region_but_us_east_1, ALARM, "Properties/Region", "eu-west-1"),
    put(network.no_region_but_us_east_1, ALARM, "Properties/AlarmActions/0", "arn:aws:sns:us-east-1:111122223333:x"),
    put(
        triggers.scans_start_every_6_hours,
        RULE,
        "Properties/ScheduleExpression",
        "rate(7 hours)",
        like="scheduled-scan",
    ),
    put(triggers.scans_start_every_6_hours, RULE, "Properties/State", "DISABLED", like="scheduled-scan"),
    remove(triggers.scans_start_every_6_hours, RULE, like="scheduled-scan"),
    drop(triggers.every_target_is_tried_again_and_then_kept, RULE, "Properties/Targets/0/DeadLetterConfig"),
    put(
        triggers.every_target_is_tried_again_and_then_kept,
        RULE,
        "Properties/Targets/0/RetryPolicy/MaximumRetryAttempts",
        0,
    ),
    put(
        triggers.every_target_is_tried_again_and_then_kept,
        RULE,
        "Properties/Targets/0/RetryPolicy/MaximumEventAgeInSeconds",
        86_400,
    ),
    put(
        resource_policies.policies_admit_exactly_who_needs_it,
        "AWS::SNS::TopicPolicy",
        "Properties/PolicyDocument",
        admitting("s3.amazonaws.com", "sns:Publish"),
    ),
    put(
        resource_policies.policies_admit_exactly_who_needs_it,
        KEY,
        "Properties/KeyPolicy",
        admitting("logs.us-east-1.amazonaws.com", "kms:Decrypt"),
    ),
    put(
        resource_policies.policies_admit_exactly_who_needs_it,
        "AWS::S3::BucketPolicy",
        "Properties/PolicyDocument/Statement/0",
        EVERYTHING,
    ),
    put(
        resource_policies.policies_admit_exactly_who_needs_it,
        ROLE,
        "Properties/AssumeRolePolicyDocument/Statement/0/Principal",
        {"AWS": "arn:aws:iam::111122223333:root"},
    ),
    add(
        resource_policies.policies_admit_exactly_who_needs_it,
        "AWS::SecretsManager::ResourcePolicy",
        ResourcePolicy=admitting("lambda.amazonaws.com", "secretsmanager:GetSecretValue"),
    ),
    put(
        resource_policies.services_act_for_this_account_only,
        "AWS::SNS::TopicPolicy",
        "Properties/PolicyDocument",
        admitting("cloudwatch.amazonaws.com", "sns:Publish"),
    ),
    put(
        resource_policies.services_act_for_this_account_only,
        ROLE,
        "Properties/AssumeRolePolicyDocument/Statement/0/Condition",
        ELSEWHERE,
        like="states.amazonaws.com",
    ),
    put(
        resource_policies.services_act_for_our_resources_only,
        ROLE,
        "Properties/AssumeRolePolicyDocument/Statement/0/Condition/ArnLike/aws:SourceArn",
        "arn:aws:states:us-east-1:111122223333:stateMachine:*",
        like="states.amazonaws.com",
    ),
    put(
        resource_policies.services_act_for_our_resources_only,
        KEY,
        "Properties/KeyPolicy/Statement/1/Condition/ArnLike/kms:EncryptionContext:aws:logs:arn",
        ["arn:aws:logs:us-east-1:111122223333:log-group:*"],
        like="logs.us-east-1.amazonaws.com",
    ),
    *(
        put(
            resource_policies.services_act_for_our_resources_only,
            "AWS::SNS::TopicPolicy",
            "Properties/PolicyDocument/Statement",
            [
                {
                    **admitting("cloudwatch.amazonaws.com", "sns:Publish")["Statement"][0],
                    "Condition": {"ArnLike": {"aws:SourceArn": pattern}},
                }
            ],
        )
        for pattern in (
            "arn:aws:cloudwatch:us-east-1:*:alarm:*-alarm-dev-pr42",
            {"Fn::Sub": "arn:aws:cloudwatch:us-east-1:${AWS::AccountId}:alarm:*-dev-pr42"},
            {"Fn::Sub": "arn:aws:cloudwatch:us-east-1:${AWS::AccountId}:alarm:dead-letters-alarm-dev-pr42"},
        )
    ),
    put(
        resource_policies.services_act_for_our_resources_only,
        "AWS::SQS::QueuePolicy",
        "Properties/PolicyDocument/Statement/1/Condition/ArnEquals/aws:SourceArn",
        "arn:aws:events:us-east-1:111122223333:rule/another",
    ),
    put(
        resource_policies.nobody_from_elsewhere_is_admitted,
        ENDPOINT,
        "Properties/PolicyDocument/Statement/0",
        EVERYTHING,
    ),
    put(
        resource_policies.nobody_from_elsewhere_is_admitted,
        ENDPOINT,
        "Properties/PolicyDocument/Statement/1/Resource",
        "arn:aws:s3:::*",
        like="cloudformation-custom-resource-response",
    ),
    add(resource_policies.nobody_from_elsewhere_is_admitted, "AWS::Lambda::Permission", Principal="*"),
    drop(resource_policies.endpoints_let_through_what_functions_may_call, ENDPOINT, "Properties/PolicyDocument"),
    put(
        resource_policies.endpoints_let_through_what_functions_may_call,
        ENDPOINT,
        "Properties/PolicyDocument/Statement/0/Action",
        ["s3:DeleteBucket"],
    ),
    *(
        remove(resource_policies.everything_is_asked_over_tls, policy, where=(holder, ""))
        for policy, holder in (
            ("AWS::S3::BucketPolicy", BUCKET),
            ("AWS::SNS::TopicPolicy", TOPIC),
            ("AWS::SQS::QueuePolicy", QUEUE),
        )
    ),
]


@pytest.mark.parametrize(
    "breakage", BREAKAGES, ids=[f"{breakage.constraint.name}-{breakage.what[:80]}" for breakage in BREAKAGES]
)
def test_a_constraint_that_is_broken_says_where(breakage: Breakage) -> None:
    whole = deployment("default")
    broken = Deployment(template=copy.deepcopy(whole.template), settings=whole.settings)
    logical_id = breakage.change(broken.template)
    new = set(breakage.constraint.breaches(broken)) - set(breakage.constraint.breaches(whole))
    assert [breach for breach in new if breach.startswith(f"{logical_id}: ")], new


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=of_constraint)
def test_every_constraint_is_broken_once(constraint: Constraint) -> None:
    assert [breakage for breakage in BREAKAGES if breakage.constraint is constraint]


def test_no_exception_is_left_over() -> None:
    whole = deployment("changes are judged")
    without_key = {
        (resource["Type"], path)
        for resource in whole.resources.values()
        for path, key in encryption.key_properties(resource["Type"], resource["Properties"])
        if key is None
    }
    without_account = {
        (resource_policies.holder_of(whole, logical_id), who)
        for logical_id, policy in resource_policies.policies(whole)
        for who, statement in resource_policies.admitted(policy)
        if "aws:SourceAccount" not in json.dumps(statement)
    }
    assert set(encryption.WITHOUT_OUR_KEY) <= without_key
    assert set(resource_policies.WITHOUT_SOURCE_ACCOUNT) <= without_account


# --- What is not a walk ---------------------------------------------------------------------------------------------


def lambda_functions() -> dict[str, Json]:
    """The properties of every function by its name in the repository."""
    return {
        name.removesuffix("-function-dev-pr42"): found
        for name, found in named("AWS::Lambda::Function", "FunctionName").items()
    }


def test_every_function_runs_the_code_of_its_folder(tmp_path: Path) -> None:
    made = named("AWS::Lambda::Function", "FunctionName", assemble(tmp_path))
    assert set(made) == {f"{name}-function-dev-pr42" for name in FUNCTIONS}
    for name, function in made.items():
        bundle = tmp_path / "out" / f"asset.{function['Code']['S3Key'].removesuffix('.zip')}"
        assert f"{(bundle / 'bootstrap').read_text()}-function-dev-pr42" == name


def test_the_functions_are_told_what_they_need() -> None:
    """The variables that the functions' main.rs read; those that serve CloudFormation are told everything by it."""
    everyone = {"ACCOUNT_ID", "REPORTS_BUCKET", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"}
    own = {
        "plan-scan": {"CHANGE_SETTLING_SECONDS", "CLOUD_TRAIL", "SYSTEM_NAME"},
        "list-targets": {"LISTING_SECONDS", "MAP_CONCURRENCY"},
        "remediate-s3-encryption": {"KEY_TAGS", "SYSTEM_NAME"},
        "write-json-report": {"SYSTEM_NAME"},
        "write-csv-report": {"SYSTEM_NAME"},
        "write-html-report": {"SYSTEM_NAME"},
        "publish-metrics": {"ALERTS_TOPIC_ARN", "METRICS_NAMESPACE"},
        "notify-critical": {"ALERTS_TOPIC_ARN", "SYSTEM_NAME"},
        "seal-evidence": {"EVIDENCE_KEY_ARN"},
    }
    serving_cloudformation = ("empty-bucket", "close-default-security-group", "publish-evidence-key")
    for name, function in lambda_functions().items():
        told = set(function.get("Environment", {}).get("Variables", {}))
        assert told == (set() if name in serving_cloudformation else everyone | own.get(name, set())), name


def test_values_in_the_environment() -> None:
    remediation = lambda_functions()["remediate-s3-encryption"]["Environment"]["Variables"]
    assert json.loads(remediation["KEY_TAGS"]) == {
        "Environment": "dev",
        "Owner": "platform-team",
        "CostCenter": "cc-1001",
        "ComplianceLevel": "high",
    }
    assert remediation["SYSTEM_NAME"] == "dev-pr42"
    metrics = lambda_functions()["publish-metrics"]["Environment"]["Variables"]
    assert metrics["METRICS_NAMESPACE"] == "ComplianceAudit/dev-pr42"
    concurrency = lambda_functions()["list-targets"]["Environment"]["Variables"]["MAP_CONCURRENCY"]
    assert concurrency == only("AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]["MapConcurrency"]
    lister = lambda_functions()["list-targets"]
    # A minute is left for writing the shards.
    assert int(lister["Environment"]["Variables"]["LISTING_SECONDS"]) == lister["Timeout"] - 60


@pytest.mark.parametrize(("which", "told"), [("default", "false"), ("trails are read", "true")])
def test_the_plan_knows_whether_trails_are_read(which: str, told: str) -> None:
    functions = named("AWS::Lambda::Function", "FunctionName", deployment(which).template)
    assert functions["plan-scan-function-dev-pr42"]["Environment"]["Variables"]["CLOUD_TRAIL"] == told


def test_there_are_three_custom_resources() -> None:
    kinds = {resource["Type"] for resource in template()["Resources"].values()}
    assert {kind for kind in kinds if kind.startswith("Custom::")} == {
        "Custom::EmptyBucket",
        "Custom::CloseDefaultSecurityGroup",
        "Custom::EvidencePublicKey",
    }


@pytest.mark.parametrize(
    ("which", "more"), [("default", set()), ("trails are read", {"cloudtrail"})], ids=["default", "cloudTrail"]
)
def test_an_endpoint_for_exactly_the_apis_that_are_called(which: str, more: set[str]) -> None:
    endpoints = properties("AWS::EC2::VPCEndpoint", deployment(which).template)
    services = {text(endpoint["ServiceName"]).rpartition(".")[2] for endpoint in endpoints}
    assert services == {"s3", "s3express", "ec2", "kms", "lambda", "monitoring", "sns", "states"} | more
    for endpoint in endpoints:
        gateway = text(endpoint["ServiceName"]).endswith((".s3", ".s3express"))
        assert endpoint["VpcEndpointType"] == ("Gateway" if gateway else "Interface")
        assert gateway or endpoint["PrivateDnsEnabled"] is True


def test_the_functions_group_reaches_both_kinds_of_buckets() -> None:
    """What gateway endpoints lead to has public addresses, of which AWS keeps lists."""
    rules = properties("AWS::EC2::SecurityGroupEgress")
    lists = {rule["DestinationPrefixListId"] for rule in rules if "DestinationPrefixListId" in rule}
    assert lists == {"pl-63a5400a", settings().s3_express_prefix_list}


def test_nothing_leaves_through_a_gateway_endpoint_for_another_account() -> None:
    for endpoint in properties("AWS::EC2::VPCEndpoint"):
        if endpoint["VpcEndpointType"] == "Gateway":
            ours = next(iter(statements(endpoint["PolicyDocument"])))
            assert ours["Condition"]["StringEqualsIfExists"] == {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}


def test_the_answer_to_cloudformation_is_let_through() -> None:
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-vpce-bucketnames.html names the bucket."""
    unconditional = [
        (statement["Action"], statement["Resource"])
        for endpoint in properties("AWS::EC2::VPCEndpoint")
        for statement in statements(endpoint["PolicyDocument"])
        if "Condition" not in statement
    ]
    assert unconditional == [("s3:PutObject", "arn:aws:s3:::cloudformation-custom-resource-response-useast1/*")]


def test_endpoints_let_through_what_the_functions_may_call() -> None:
    """AWS Lambda, X-Ray, CloudWatch Logs and the network interfaces are not called from inside the VPC."""
    through = {
        action
        for endpoint in properties("AWS::EC2::VPCEndpoint")
        for action in allowed_actions(endpoint["PolicyDocument"])
    }
    by_the_services_themselves = {"kms:Decrypt", "kms:GenerateDataKey"}
    for name, policy in named("AWS::IAM::ManagedPolicy", "ManagedPolicyName").items():
        if name.removesuffix("-policy-dev-pr42") not in FUNCTIONS:
            continue
        denied = {
            action
            for statement in statements(policy["PolicyDocument"])
            if statement["Effect"] == "Deny"
            for action in statement["Action"]
        }
        called = {
            action
            for action in allowed_actions(policy["PolicyDocument"]) - denied - by_the_services_themselves
            if not action.startswith(("logs:", "xray:"))
        }
        assert called <= through, name


def test_flow_logs_are_of_the_functions_vpc() -> None:
    [vpc] = resources("AWS::EC2::VPC")
    assert only("AWS::EC2::FlowLog")["ResourceId"] == {"Ref": vpc}


def test_the_stack_is_named_by_the_rule_too() -> None:
    assert settings().names.stack() == "compliance-audit-stack-dev-pr42"
