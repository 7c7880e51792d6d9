"""What `make preflight` reads in the target account, and what it says about it."""

from __future__ import annotations

import datetime
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import boto3
import preflight
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    LoginRefreshRequired,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber
from compliance_audit.preflight.account import (
    clients,
    read_account,
    read_identity,
    read_management_trail,
    read_quota,
    region_of,
)
from compliance_audit.preflight.checks import BOOTSTRAP_VERSION, Line, Verdict, judge, no_identity
from compliance_audit.preflight.needs import Needs
from compliance_audit.preflight.readings import (
    GATEWAY_ENDPOINTS,
    INTERFACE_ENDPOINTS,
    VPCS,
    Concurrency,
    Readings,
    Unreadable,
)
from harness import make_function
from local_aws import ACCOUNT_ID, LocalAws
from synthesis import CHOSEN, ROOT, named, properties, resources, settings, template

NEEDS = Needs.of(settings(), account=ACCOUNT_ID, remediation_mode="apply")
STACK = "compliance-audit-stack-dev-pr42"
DENIED = Unreadable("some:Action", "AccessDenied")
ZONES = frozenset(f"us-east-1{letter}" for letter in "abcd")
OTHER = "compliance-audit-stack-prod-main"
SERVICES = tuple(f"com.amazonaws.us-east-1.{name}" for name in ("ec2", "kms", "lambda", "monitoring", "sns", "states"))


def new_account(**changes: Any) -> Readings:
    """An account with AWS's default quotas and its default VPC, bootstrapped, with some readings changed.

    https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html and
    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html have the quotas.
    """
    new: dict[str, Any] = {
        "caller": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/Admin/alice",
        "region": "us-east-1",
        "bootstrap_version": 6,
        "bootstrap_bucket": True,
        "stack_status": None,
        "stack_resources": {},
        "bucket": False,
        "log_groups": frozenset(),
        "key_aliases": frozenset(),
        "roles": frozenset(),
        "policies": frozenset(),
        "reservations": {},
        "concurrency": Concurrency(limit=1000, unreserved=1000),
        "vpcs": frozenset({"vpc-default"}),
        "gateway_endpoints": frozenset(),
        "quotas": {VPCS: 5, GATEWAY_ENDPOINTS: 20, INTERFACE_ENDPOINTS: 50},
        # A name is another zone in each account: https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html
        "zone_ids": {
            "us-east-1a": "use1-az4",
            "us-east-1b": "use1-az6",
            "us-east-1c": "use1-az1",
            "us-east-1d": "use1-az3",
        },
        "stack_zones": (),
        "service_zones": dict.fromkeys(SERVICES, ZONES),
        "s3_express_prefix_list": NEEDS.s3_express_prefix_list,
        "log_policies": frozenset(),
        "management_trail": True,
        "deployments": {},
        "iam": {"Roles": 12, "RolesQuota": 1000, "Policies": 0, "PoliciesQuota": 1500},
    }
    return Readings(**{**new, **changes})


def lines(readings: Readings, needs: Needs = NEEDS) -> dict[str, Line]:
    """The checks' results by what was checked."""
    return {line.what: line for line in judge(needs, readings)}


def test_a_bootstrapped_account_with_default_quotas_is_fine() -> None:
    assert {line.verdict for line in lines(new_account()).values()} == {Verdict.OK}


FAILING: list[tuple[str, dict[str, Any], str]] = [
    ("CDK bootstrap", {"bootstrap_version": None}, f"never bootstrapped; .*bootstrap aws://{ACCOUNT_ID}/us-east-1`"),
    ("CDK bootstrap", {"bootstrap_version": 5}, "version 5 is there, at least 6 is needed"),
    ("CDK bootstrap", {"bootstrap_bucket": False}, f"cdk-hnb659fds-assets-{ACCOUNT_ID}-us-east-1 is not; delete"),
    ("stack", {"stack_status": "UPDATE_IN_PROGRESS"}, "wait"),
    ("stack", {"stack_status": "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}, "wait"),
    ("stack", {"stack_status": "DELETE_IN_PROGRESS"}, "wait"),
    ("stack", {"stack_status": "DELETE_FAILED"}, "`make destroy`"),
    ("stack", {"stack_status": "ROLLBACK_FAILED"}, "`make destroy`"),
    ("stack", {"stack_status": "UPDATE_ROLLBACK_FAILED"}, f"`cdk rollback {STACK}`"),
    ("stack", {"stack_status": "CREATE_FAILED"}, f"`cdk rollback {STACK}`"),
    ("reports bucket's name", {"bucket": True}, f"compliance-audit-reports-bucket-{ACCOUNT_ID}-dev-pr42 exists"),
    (
        "flow logs' log group",
        {"log_groups": frozenset({"audit-flowlogs-us-east-1-2026-11-23"})},
        "audit-flowlogs-us-east-1-2026-11-23 exists and is not of our stack; .*flowLogDate=....-..-..T....",
    ),
    (
        "other log groups' names",
        {"log_groups": frozenset({"/aws/lambda/scan-s3-function-dev-pr42"})},
        "/aws/lambda/scan-s3-function-dev-pr42 exists .*delete-log-group",
    ),
    (
        "functions' names",
        {"reservations": {"scan-s3-function-dev-pr42": 0}},
        "scan-s3-function-dev-pr42 exists .*delete-function",
    ),
    (
        "keys' aliases",
        {"key_aliases": frozenset({"alias/logs-key-dev-pr42", "alias/alerts-key-dev-pr42"})},
        "alias/alerts-key-dev-pr42, alias/logs-key-dev-pr42 exists .*delete-alias",
    ),
    (
        "roles' and policies' names",
        {"roles": frozenset({"flow-logs-role-dev-pr42"})},
        "flow-logs-role-dev-pr42 exists and is not of our stack; .*`aws iam delete-role .*another environmentSuffix",
    ),
    (
        "roles' and policies' names",
        {"policies": frozenset({f"arn:aws:iam::{ACCOUNT_ID}:policy/scan-s3-policy-dev-pr42"})},
        f"arn:aws:iam::{ACCOUNT_ID}:policy/scan-s3-policy-dev-pr42 exists .*`aws iam delete-policy",
    ),
    ("VPCs", {"vpcs": frozenset("abcde")}, "1 needed and 5 in use by others, of 5 .*L-F678F1CE --desired-value 6`"),
    (
        "gateway endpoints",
        {"gateway_endpoints": frozenset("abcdefghijklmnopqrs")},
        "2 needed and 19 in use by others, of 20 .*L-1B52E74A --desired-value 21`",
    ),
    (
        "interface endpoints",
        {"quotas": {VPCS: 5, GATEWAY_ENDPOINTS: 20, INTERFACE_ENDPOINTS: 5}},
        "6 needed .*of 5 .*L-29B6F2EB --desired-value 6`",
    ),
    (
        "prefix list",
        {"s3_express_prefix_list": "pl-0fedcba9876543210"},
        "s3express is pl-0fedcba9876543210, and not pl-0123456789abcdef0; "
        "deploy with -c s3ExpressPrefixList=pl-0fedcba9876543210$",
    ),
    ("trail", {"management_trail": False}, "-c changeScans=false"),
    ("prefix list", {"s3_express_prefix_list": None}, "AWS has no prefix list com.amazonaws.us-east-1.s3express here"),
    (
        "endpoint services",
        {"service_zones": {**dict.fromkeys(SERVICES, ZONES), SERVICES[0]: ZONES - {"us-east-1a"}}},
        "no endpoint for com.amazonaws.us-east-1.ec2 in us-east-1a; deploy with -c zones=b,c$",
    ),
    (
        "endpoint services",
        {"service_zones": dict.fromkeys(SERVICES[1:], ZONES)},
        "com.amazonaws.us-east-1.ec2 in us-east-1a, com.amazonaws.us-east-1.ec2 in us-east-1b; fewer than 2 zones",
    ),
    (
        "availability zones",
        {"zone_ids": {"us-east-1a": "use1-az4", "us-east-1c": "use1-az1", "us-east-1d": "use1-az2"}},
        "this account cannot use us-east-1b; deploy with -c zones=a,c$",
    ),
    (
        "availability zones",
        {"zone_ids": {"us-east-1a": "use1-az3", "us-east-1b": "use1-az6", "us-east-1d": "use1-az2"}},
        "AWS Lambda takes no subnet in us-east-1a, which is use1-az3; deploy with -c zones=b,d$",
    ),
    (
        "availability zones",
        {"stack_zones": ("us-east-1a", "us-east-1c")},
        "subnets lie in us-east-1a, us-east-1c, .* -c zones=a,c, and add others at the end; or `make destroy`",
    ),
    (
        "availability zones",
        {"stack_zones": ("us-east-1b", "us-east-1a", "us-east-1c")},
        "subnets lie in us-east-1b, us-east-1a, us-east-1c, .* -c zones=b,a,c, and add",
    ),
    (
        "other deployments",
        {"deployments": {OTHER: "apply", "compliance-audit-stack-dev-old": "off"}},
        f'^{OTHER} repairs buckets as this one would, .* mode = "dry-run" under .*audit-policy.toml, here or there',
    ),
    (
        "IAM roles and policies",
        {"iam": {"Roles": 999, "RolesQuota": 1000, "Policies": 0, "PoliciesQuota": 1500}},
        "Roles: .* 999 in use by others, of 1000 .*L-FE177D64",
    ),
    (
        "IAM roles and policies",
        {"iam": {"Roles": 0, "RolesQuota": 1000, "Policies": 1499, "PoliciesQuota": 1500}},
        "Policies: .* 1499 in use by others, of 1500 .*L-E95E4862",
    ),
]


@pytest.mark.parametrize(("what", "changes", "told"), FAILING)
def test_what_would_fail_is_told_with_what_to_do(what: str, changes: dict[str, Any], told: str) -> None:
    judged = lines(new_account(**changes))
    assert {line.what for line in judged.values() if line.verdict is not Verdict.OK} == {what}
    assert str(judged[what]).startswith(f"FAILS        {what}: ")
    assert re.search(told, judged[what].text)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("CREATE_COMPLETE", "can be updated"),
        ("UPDATE_COMPLETE", "can be updated"),
        ("UPDATE_ROLLBACK_COMPLETE", "can be updated"),
        # `cdk deploy` deletes the one and goes on with the other.
        ("ROLLBACK_COMPLETE", "the CDK makes it anew"),
        ("REVIEW_IN_PROGRESS", "the CDK makes it anew"),
    ],
)
def test_a_stack_that_can_be_deployed_to_is_fine(status: str, told: str) -> None:
    line = lines(new_account(stack_status=status))["stack"]
    assert (line.verdict, told in line.text) == (Verdict.OK, True)


def test_another_region_of_the_environment_is_no_failure_and_told_all_the_same() -> None:
    """The stack names its own: https://docs.aws.amazon.com/cdk/v2/guide/configure-env.html"""
    line = lines(new_account(region="eu-west-1"))["region"]
    assert line.verdict is Verdict.OK
    assert re.search("^us-east-1, .*names eu-west-1, .*`export AWS_REGION=us-east-1", line.text)


CONCURRENCY: list[tuple[str, int, int, dict[str, int], Verdict]] = [
    # Why, what is to be reserved, what of 1,000 is unreserved, what our functions reserve already, the verdict.
    ("100 stay unreserved", 30, 130, {}, Verdict.OK),
    ("99 would, and some accounts may", 30, 129, {}, Verdict.NOT_CHECKED),
    ("50 would, and some accounts may", 30, 80, {}, Verdict.NOT_CHECKED),
    ("49 would, and no account may", 30, 79, {}, Verdict.FAILS),
    ("our own reservations are replaced", 30, 100, {"scan-s3-function-dev-pr42": 30}, Verdict.OK),
    ("and what they grow by counts", 40, 59, {"scan-s3-function-dev-pr42": 30}, Verdict.FAILS),
    ("nothing is reserved", 0, 10, {}, Verdict.OK),
]


@pytest.mark.parametrize(("why", "wanted", "unreserved", "ours", "verdict"), CONCURRENCY)
def test_aws_lambda_keeps_100_unreserved_in_some_accounts_50(
    why: str, wanted: int, unreserved: int, ours: dict[str, int], verdict: Verdict
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""
    readings = new_account(concurrency=Concurrency(limit=1000, unreserved=unreserved), reservations=ours)
    assert lines(readings, replace(NEEDS, reservations=wanted))["Lambda concurrency"].verdict is verdict, why


def test_what_only_aws_lambda_knows_is_told_with_what_to_do() -> None:
    told = lines(new_account(concurrency=Concurrency(limit=100, unreserved=100)), replace(NEEDS, reservations=40))
    line = told["Lambda concurrency"].text
    assert "would leave 60 of the account's 100 unreserved; AWS Lambda keeps 100, in some accounts 50, and only" in line
    assert "--desired-value 140`; or deploy with -c reservedConcurrency=none" in line


def test_scanners_that_reserve_nothing_are_throttled_by_a_small_account() -> None:
    readings = new_account(concurrency=Concurrency(limit=10, unreserved=10))
    for at_once, told in ((3, False), (4, True)):
        needs = replace(NEEDS, reservations=0, map_concurrency=at_once)
        assert ("-c mapConcurrency=3," in lines(readings, needs)["Lambda concurrency"].text) is told


def test_an_account_limited_to_10_is_told_the_quota_that_is_enough_and_the_settings_that_need_none() -> None:
    readings = new_account(concurrency=Concurrency(limit=10, unreserved=10))
    told = lines(readings, replace(NEEDS, reservations=30, map_concurrency=4))["Lambda concurrency"].text
    assert "would leave -20 of the account's 10 unreserved" in told
    assert "--quota-code L-B99A9384 --desired-value 130`" in told
    assert "-c reservedConcurrency=none, and with -c mapConcurrency=3, or some of the 12 scanners" in told


def test_a_zone_that_is_one_too_many_can_be_left_out() -> None:
    needs = replace(NEEDS, zones=("us-east-1c", "us-east-1a", "us-east-1b"))
    readings = new_account(service_zones=dict.fromkeys(SERVICES, ZONES - {"us-east-1c"}))
    # The fourth is none for AWS Lambda, so that only two are left.
    assert lines(readings, needs)["endpoint services"].text.endswith("in us-east-1c; deploy with -c zones=a,b")


def test_zones_that_are_advised_have_everything_that_could_be_read() -> None:
    without_a = dict.fromkeys(SERVICES, ZONES - {"us-east-1a"})
    told = [
        lines(new_account(service_zones=without_a, **changes))["endpoint services"].text.partition("; ")[2]
        for changes in ({}, {"zone_ids": DENIED})
    ]
    assert told == ["deploy with -c zones=b,c"] * 2
    unread = new_account(service_zones=DENIED, zone_ids={"us-east-1b": "use1-az3", "us-east-1c": "use1-az1"})
    assert lines(unread)["availability zones"].text.endswith(
        "fewer than 2 zones of this account have all of it: take another account"
    )


ZONES_OF_THE_STACK: list[tuple[str, str]] = [
    # Those that there are, those that are chosen.
    ("ab", "ab"),
    ("ab", "abc"),
    ("abc", "ab"),
]


@pytest.mark.parametrize(("before", "after"), ZONES_OF_THE_STACK)
def test_zones_may_be_added_and_left_out_at_the_end(before: str, after: str) -> None:
    there, chosen = (tuple(f"us-east-1{letter}" for letter in letters) for letters in (before, after))
    line = lines(new_account(stack_zones=there), replace(NEEDS, zones=chosen))["availability zones"]
    assert line.verdict is Verdict.OK


def policies(count: int, *names: str) -> frozenset[str]:
    """So many resource policies of CloudWatch Logs, some of them by their names."""
    return frozenset([*names, *(f"policy-{number}" for number in range(count - len(names)))])


LOG_POLICIES: list[tuple[str, dict[str, Any], Verdict]] = [
    ("there is room for one more", {"log_policies": policies(9)}, Verdict.OK),
    ("there is none, and none to add to", {"log_policies": policies(10)}, Verdict.NOT_CHECKED),
    ("AWS adds to its own", {"log_policies": policies(10, "AWSLogDeliveryWrite20150319")}, Verdict.OK),
    (
        "the state machine is there",
        {"log_policies": policies(10), "stack_resources": {"arn": "AWS::StepFunctions::StateMachine"}},
        Verdict.OK,
    ),
]


@pytest.mark.parametrize(("why", "changes", "verdict"), LOG_POLICIES)
def test_a_log_needs_one_of_ten_resource_policies(why: str, changes: dict[str, Any], verdict: Verdict) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html"""
    line = lines(new_account(**changes))["log delivery"]
    assert line.verdict is verdict, why
    assert (verdict is Verdict.OK) is not ("delete-resource-policy --policy-name NAME`" in line.text)


DEPLOYMENTS: list[tuple[str, str, dict[str, str | None], Verdict]] = [
    # Why, what remediation may do here, what it may do there, the verdict.
    ("nobody else", "apply", {}, Verdict.OK),
    ("both repair", "apply", {OTHER: "apply"}, Verdict.FAILS),
    ("only this one repairs", "apply", {OTHER: "dry-run"}, Verdict.OK),
    ("only this one repairs", "apply", {OTHER: "off"}, Verdict.OK),
    ("only the other one repairs", "dry-run", {OTHER: "apply"}, Verdict.OK),
    ("the other one does not say", "apply", {OTHER: None}, Verdict.NOT_CHECKED),
    ("this one repairs nothing", "off", {OTHER: None}, Verdict.OK),
]


@pytest.mark.parametrize(("why", "here", "there", "verdict"), DEPLOYMENTS)
def test_two_deployments_do_not_repair_the_same_buckets(
    why: str, here: str, there: dict[str, str | None], verdict: Verdict
) -> None:
    needs = Needs.of(settings(), account=ACCOUNT_ID, remediation_mode=here)
    line = lines(new_account(deployments=there), needs)["other deployments"]
    assert line.verdict is verdict, why
    assert all(stack in line.text for stack in there)


def test_what_our_own_stack_has_is_neither_taken_nor_needed_once_more() -> None:
    ours = {
        NEEDS.bucket: "AWS::S3::Bucket",
        "vpc-ours": "AWS::EC2::VPC",
        "vpce-ours": "AWS::EC2::VPCEndpoint",
        **dict.fromkeys({*NEEDS.log_groups, NEEDS.flow_log_group}, "AWS::Logs::LogGroup"),
        **dict.fromkeys(NEEDS.functions, "AWS::Lambda::Function"),
        **dict.fromkeys(NEEDS.key_aliases, "AWS::KMS::Alias"),
        **dict.fromkeys(NEEDS.roles, "AWS::IAM::Role"),
        **dict.fromkeys(NEEDS.policies, "AWS::IAM::ManagedPolicy"),
    }
    deployed = new_account(
        stack_status="CREATE_COMPLETE",
        stack_resources=ours,
        bucket=True,
        log_groups=frozenset({*NEEDS.log_groups, NEEDS.flow_log_group}),
        key_aliases=NEEDS.key_aliases,
        roles=NEEDS.roles,
        policies=NEEDS.policies,
        reservations=dict.fromkeys(NEEDS.functions, 1),
        vpcs=frozenset({"a", "b", "c", "d", "vpc-ours"}),
        gateway_endpoints=frozenset({*"abcdefghijklmnopqr", "vpce-ours"}),
        iam={"Roles": 1000, "RolesQuota": 1000, "Policies": 1500, "PoliciesQuota": 1500},
    )
    assert {line.what: line.text for line in lines(deployed).values() if line.verdict is not Verdict.OK} == {}


OF_THE_ENVIRONMENT = {"caller", "region"}
"""What is read without asking AWS, or is known before everything else."""

NAMES = {
    "reports bucket's name",
    "flow logs' log group",
    "other log groups' names",
    "functions' names",
    "keys' aliases",
    "roles' and policies' names",
}
UNREADABLE = {
    "bootstrap_version": {"CDK bootstrap"},
    "bootstrap_bucket": {"CDK bootstrap"},
    "stack_status": {"stack"},
    "stack_resources": {*NAMES, "VPCs", "gateway endpoints", "IAM roles and policies"},
    "zone_ids": {"availability zones"},
    "stack_zones": {"availability zones"},
    "s3_express_prefix_list": {"prefix list"},
    "management_trail": {"trail"},
    "log_policies": {"log delivery"},
    "deployments": {"other deployments"},
    "bucket": {"reports bucket's name"},
    "log_groups": {"flow logs' log group", "other log groups' names"},
    "key_aliases": {"keys' aliases"},
    "roles": {"roles' and policies' names"},
    "policies": {"roles' and policies' names"},
    "reservations": {"functions' names", "Lambda concurrency"},
    "concurrency": {"Lambda concurrency"},
    "vpcs": {"VPCs"},
    "gateway_endpoints": {"gateway endpoints"},
    "quotas": {"VPCs", "gateway endpoints", "interface endpoints"},
    "service_zones": {"endpoint services"},
    "iam": {"IAM roles and policies"},
}


@pytest.mark.parametrize("reading", [field.name for field in fields(Readings) if field.name not in OF_THE_ENVIRONMENT])
def test_a_reading_that_failed_is_no_ok(reading: str) -> None:
    unreadable = (
        dict.fromkeys((VPCS, GATEWAY_ENDPOINTS, INTERFACE_ENDPOINTS), DENIED) if reading == "quotas" else DENIED
    )
    judged = lines(new_account(**{reading: unreadable}))
    not_ok = {line.what: line for line in judged.values() if line.verdict is not Verdict.OK}
    assert not_ok.keys() == UNREADABLE[reading]
    for line in not_ok.values():
        assert str(line).startswith(f"not checked  {line.what}: some:Action failed with AccessDenied")


def test_the_needs_are_those_of_the_template() -> None:
    """They are told without the CDK, and must not drift from what it makes."""
    groups = {group["LogGroupName"] for group in properties("AWS::Logs::LogGroup")}
    assert NEEDS.log_groups | {NEEDS.flow_log_group} == groups
    assert NEEDS.functions == named("AWS::Lambda::Function", "FunctionName").keys()
    assert NEEDS.key_aliases == named("AWS::KMS::Alias", "AliasName").keys()
    assert {NEEDS.bucket} == {
        name.replace("{AWS::AccountId}", ACCOUNT_ID) for name in named("AWS::S3::Bucket", "BucketName")
    }
    assert NEEDS.reservations == sum(
        function["ReservedConcurrentExecutions"] for function in properties("AWS::Lambda::Function")
    )
    assert set(NEEDS.zones) == {subnet["AvailabilityZone"] for subnet in properties("AWS::EC2::Subnet")}
    endpoints = properties("AWS::EC2::VPCEndpoint")
    assert NEEDS.endpoint_services == {
        endpoint["ServiceName"] for endpoint in endpoints if endpoint["VpcEndpointType"] == "Interface"
    }
    assert [endpoint["VpcEndpointType"] for endpoint in endpoints].count("Gateway") == 2
    assert len(resources("AWS::EC2::VPC")) == 1
    assert NEEDS.roles == named("AWS::IAM::Role", "RoleName").keys()
    assert NEEDS.policies == {
        f"arn:aws:iam::{ACCOUNT_ID}:policy/{name}" for name in named("AWS::IAM::ManagedPolicy", "ManagedPolicyName")
    }


def test_an_endpoint_that_a_setting_brings_is_needed_where_it_is_on() -> None:
    needs = Needs.of(settings(cloudTrail=True), account=ACCOUNT_ID, remediation_mode="apply")
    assert needs.endpoint_services - NEEDS.endpoint_services == {"com.amazonaws.us-east-1.cloudtrail"}


def test_the_bootstrap_is_the_one_that_the_template_asks_for() -> None:
    assert template()["Parameters"]["BootstrapVersion"]["Default"] == NEEDS.bootstrap_parameter
    [rule] = template()["Rules"]["CheckBootstrapVersion"]["Assertions"]
    too_old, _ = rule["Assert"]["Fn::Not"][0]["Fn::Contains"]
    assert [int(version) for version in too_old] == list(range(1, BOOTSTRAP_VERSION))
    buckets = {function["Code"]["S3Bucket"]["Fn::Sub"] for function in properties("AWS::Lambda::Function")}
    assert {bucket.replace("${AWS::AccountId}", ACCOUNT_ID) for bucket in buckets} == {NEEDS.bootstrap_bucket}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """A local AWS, with IAM enforced."""
    with LocalAws.start() as running:
        yield running


@pytest.fixture
def administrator(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """A session of whom no policy restricts, in an empty account."""
    aws.clear()
    for key, setting in aws.environment().items():
        monkeypatch.setenv(key, setting)
    return boto3.Session()


def policy_of(effect: str, **principal: Any) -> str:
    """A policy about taking any role."""
    statement = {"Effect": effect, "Action": "sts:AssumeRole", **principal}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


ANYONE = policy_of("Allow", Principal={"AWS": "*"})
NOTHING = policy_of("Deny", Resource="*")


def read(session: boto3.Session) -> Readings:
    """What the account has of what the deployment needs."""
    return read_account(clients(session), NEEDS, caller="", region=None)


def test_an_empty_account_is_read_as_empty(administrator: boto3.Session) -> None:
    readings = read(administrator)
    assert (readings.bootstrap_version, readings.bootstrap_bucket) == (None, False)
    assert (readings.stack_status, readings.stack_resources) == (None, {})
    assert (readings.bucket, readings.log_groups, readings.key_aliases) == (False, frozenset(), frozenset())
    assert (readings.roles, readings.policies) == (frozenset(), frozenset())
    assert (readings.reservations, readings.gateway_endpoints) == ({}, frozenset())
    assert (readings.stack_zones, readings.log_policies, readings.deployments) == ((), frozenset(), {})


def make_deployment(client: Any, stack: str, mode: str | None) -> None:
    """Another deployment's stack, as far as preflight looks at it; its output says what remediation may do."""
    template = {
        "Resources": {"G": {"Type": "AWS::Logs::LogGroup"}},
        "Outputs": {"RemediationMode": {"Value": mode}} if mode else {},
    }
    client("cloudformation").create_stack(StackName=stack, TemplateBody=json.dumps(template))
    client("cloudformation").get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


def test_what_is_there_is_found(administrator: boto3.Session) -> None:
    """The stack has the VPC and a log group; beside it are things of our names, and of names that only begin so."""
    client = clients(administrator)
    stack = {
        "V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/24"}},
        **{
            f"S{zone}": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": {"Ref": "V"}, "CidrBlock": cidr, "AvailabilityZone": f"us-east-1{zone}"},
            }
            # As text 10.0.0.128 comes before 10.0.0.64.
            for zone, cidr in (("a", "10.0.0.128/26"), ("b", "10.0.0.64/26"), ("c", "10.0.0.0/26"))
        },
        "G": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "/aws/lambda/scan-s3-function-dev-pr42"},
        },
    }
    client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps({"Resources": stack}))
    client("cloudformation").get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    make_deployment(client, OTHER, "off")
    make_deployment(client, "compliance-audit-stack-dev-older", None)
    make_deployment(client, "compliance-audit-stack-dev-gone", "apply")
    client("cloudformation").delete_stack(StackName="compliance-audit-stack-dev-gone")
    client("cloudformation").get_waiter("stack_delete_complete").wait(
        StackName="compliance-audit-stack-dev-gone", WaiterConfig={"Delay": 1}
    )
    client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="31", Type="String")
    client("s3").create_bucket(Bucket=f"cdk-hnb659fds-assets-{ACCOUNT_ID}-us-east-1")
    client("s3").create_bucket(Bucket=f"compliance-audit-reports-bucket-{ACCOUNT_ID}-dev-pr42")
    for group in ("audit-flowlogs-us-east-1-2026-11-23", "/aws/lambda/scan-vpc-function-dev-pr421"):
        client("logs").create_log_group(logGroupName=group)
    for name in ("route53", "waf"):
        client("logs").put_resource_policy(policyName=name, policyDocument=NOTHING)
    client("logs").put_resource_policy(
        resourceArn=f"arn:aws:logs:us-east-1:{ACCOUNT_ID}:log-group:audit-flowlogs-us-east-1-2026-11-23",
        policyDocument=NOTHING,
    )
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    for alias in ("alias/logs-key-dev-pr42", "alias/logs-key-dev-pr421"):
        client("kms").create_alias(AliasName=alias, TargetKeyId=key)
    make_function(client, "scan-s3-function-dev-pr42", "")
    client("lambda").put_function_concurrency(FunctionName="scan-s3-function-dev-pr42", ReservedConcurrentExecutions=7)
    for role in ("scan-s3-role-dev-pr42", "scan-s3-role-dev-pr421"):
        client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=ANYONE)
    for policy in ("flow-logs-policy-dev-pr42", "flow-logs-policy-dev-pr421"):
        client("iam").create_policy(PolicyName=policy, PolicyDocument=NOTHING)
    other = client("ec2").create_vpc(CidrBlock="10.0.1.0/24")["Vpc"]["VpcId"]
    endpoints = {
        kind: client("ec2").create_vpc_endpoint(
            VpcId=other, ServiceName=f"com.amazonaws.us-east-1.{service}", VpcEndpointType=kind
        )["VpcEndpoint"]["VpcEndpointId"]
        for service, kind in (("s3", "Gateway"), ("ec2", "Interface"))
    }
    readings = read(administrator)
    assert (readings.bootstrap_version, readings.bootstrap_bucket) == (31, True)
    assert readings.stack_status == "CREATE_COMPLETE"
    assert isinstance(readings.stack_resources, dict)
    [vpc] = [name for name, kind in readings.stack_resources.items() if kind == "AWS::EC2::VPC"]
    assert isinstance(readings.vpcs, frozenset)
    assert {vpc, other} <= readings.vpcs
    assert readings.gateway_endpoints == frozenset({endpoints["Gateway"]})
    [express] = client("ec2").describe_managed_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.s3express"]}]
    )["PrefixLists"]
    assert readings.s3_express_prefix_list == express["PrefixListId"]
    assert readings.reservations == {"scan-s3-function-dev-pr42": 7}
    assert readings.zone_ids == {"us-east-1a": "use1-az1", "us-east-1b": "use1-az2", "us-east-1c": "use1-az3"}
    assert readings.stack_zones == ("us-east-1c", "us-east-1b", "us-east-1a")
    # That of a single log group does not count.
    assert readings.log_policies == frozenset({"route53", "waf"})
    assert readings.deployments == {OTHER: "off", "compliance-audit-stack-dev-older": None}
    assert readings.stack_resources["/aws/lambda/scan-s3-function-dev-pr42"] == "AWS::Logs::LogGroup"
    assert readings.bucket is True
    assert readings.log_groups == frozenset(
        {"/aws/lambda/scan-s3-function-dev-pr42", "audit-flowlogs-us-east-1-2026-11-23"}
    )
    assert readings.key_aliases == frozenset({"alias/logs-key-dev-pr42"})
    assert readings.roles == frozenset({"scan-s3-role-dev-pr42"})
    assert readings.policies == frozenset({f"arn:aws:iam::{ACCOUNT_ID}:policy/flow-logs-policy-dev-pr42"})


def test_what_is_denied_is_unreadable_and_names_the_action(administrator: boto3.Session) -> None:
    """A role without a policy may do nothing but ask who it is."""
    client = clients(administrator)
    # Amazon S3 answers 403 for a bucket that is not there too, the local AWS 404.
    for bucket in (NEEDS.bucket, NEEDS.bootstrap_bucket):
        client("s3").create_bucket(Bucket=bucket)
    arn = client("iam").create_role(RoleName="nobody", AssumeRolePolicyDocument=ANYONE)["Role"]["Arn"]
    key = client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    nobody = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])
    identity = read_identity(clients(nobody))
    assert identity == (ACCOUNT_ID, f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/nobody/test")
    denied = {
        name: reading.action
        for name, reading in vars(read(nobody)).items()
        if isinstance(reading, Unreadable) and re.match("AccessDenied|403|UnauthorizedOperation", reading.error)
    }
    assert denied == {
        "bootstrap_version": "ssm:GetParameter",
        "bootstrap_bucket": "s3:ListBucket",
        "stack_status": "cloudformation:DescribeStacks",
        "stack_resources": "cloudformation:ListStackResources",
        "bucket": "s3:ListBucket",
        "log_groups": "logs:DescribeLogGroups",
        "key_aliases": "kms:ListAliases",
        "roles": "iam:GetRole",
        "policies": "iam:GetPolicy",
        "reservations": "lambda:GetFunctionConcurrency",
        "concurrency": "lambda:GetAccountSettings",
        "vpcs": "ec2:DescribeVpcs",
        "gateway_endpoints": "ec2:DescribeVpcEndpoints",
        "zone_ids": "ec2:DescribeAvailabilityZones",
        "stack_zones": "cloudformation:ListStackResources",
        "service_zones": "ec2:DescribeVpcEndpointServices",
        "s3_express_prefix_list": "ec2:DescribeManagedPrefixLists",
        "log_policies": "logs:DescribeResourcePolicies",
        "management_trail": "cloudtrail:DescribeTrails",
        "deployments": "cloudformation:ListStacks",
        "iam": "iam:GetAccountSummary",
    }


MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}


@pytest.mark.parametrize(
    ("logging", "selectors", "expected"),
    [
        (True, {"EventSelectors": [{"IncludeManagementEvents": True, "ReadWriteType": "All"}]}, True),
        (True, {"EventSelectors": [{"IncludeManagementEvents": True, "ReadWriteType": "WriteOnly"}]}, True),
        (True, {"EventSelectors": [{"IncludeManagementEvents": True, "ReadWriteType": "ReadOnly"}]}, False),
        (True, {"EventSelectors": [{"IncludeManagementEvents": False, "ReadWriteType": "All"}]}, False),
        (True, {"AdvancedEventSelectors": [{"FieldSelectors": [MANAGEMENT]}]}, True),
        (
            True,
            {
                "AdvancedEventSelectors": [
                    {"FieldSelectors": [MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}]},
                ]
            },
            True,
        ),
        (
            True,
            {"AdvancedEventSelectors": [{"FieldSelectors": [MANAGEMENT, {"Field": "readOnly", "Equals": ["true"]}]}]},
            False,
        ),
        (
            True,
            {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]},
            False,
        ),
        (False, {"EventSelectors": [{"IncludeManagementEvents": True, "ReadWriteType": "All"}]}, False),
        (True, None, Unreadable("cloudtrail:GetEventSelectors", "AccessDeniedException")),
        (None, None, Unreadable("cloudtrail:GetTrailStatus", "AccessDeniedException")),
    ],
)
def test_a_trail_is_one_that_logs_what_changes_the_region(
    logging: bool | None, selectors: dict[str, Any] | None, expected: bool | Unreadable
) -> None:
    """The answers of https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html."""
    trail = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT_ID}:trail/organization"
    client = boto3.client("cloudtrail", region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-")
    with Stubber(client) as aws:
        aws.add_response("describe_trails", {"trailList": [{"TrailARN": trail}]}, {"includeShadowTrails": True})
        if logging is None:
            aws.add_client_error("get_trail_status", "AccessDeniedException")
        else:
            aws.add_response("get_trail_status", {"IsLogging": logging}, {"Name": trail})
        if logging and selectors is None:
            aws.add_client_error("get_event_selectors", "AccessDeniedException")
        elif logging:
            aws.add_response("get_event_selectors", selectors, {"TrailName": trail})
        assert read_management_trail(lambda service: client) == expected
        aws.assert_no_pending_responses()


def unreachable(service: str) -> Any:
    """Make no client: AWS cannot be reached."""
    raise EndpointConnectionError(endpoint_url=f"https://{service}.us-east-1.amazonaws.com")


def test_an_aws_that_cannot_be_reached_gives_no_value() -> None:
    assert read_identity(unreachable) == Unreadable("sts:GetCallerIdentity", "EndpointConnectionError")
    readings = vars(read_account(unreachable, NEEDS, caller="", region=None))
    given = {name: readings.pop(name) for name in OF_THE_ENVIRONMENT}
    assert given == {"caller": "", "region": None}
    assert all(isinstance(reading, Unreadable) for reading in [*readings.pop("quotas").values(), *readings.values()]), (
        readings
    )


def refused(code: str, operation: str = "GetCallerIdentity") -> ClientError:
    """AWS's refusal of a call."""
    return ClientError({"Error": {"Code": code, "Message": ""}}, operation)


NO_IDENTITY: list[tuple[Exception, Verdict]] = [
    (NoCredentialsError(), Verdict.FAILS),
    (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), Verdict.FAILS),
    (CredentialRetrievalError(provider="custom-process", error_msg=""), Verdict.FAILS),
    (UnauthorizedSSOTokenError(), Verdict.FAILS),
    (SSOTokenLoadError(error_msg=""), Verdict.FAILS),
    (TokenRetrievalError(provider="sso", error_msg=""), Verdict.FAILS),
    (LoginRefreshRequired(), Verdict.FAILS),
    (refused("InvalidClientTokenId"), Verdict.FAILS),
    (refused("ExpiredToken"), Verdict.FAILS),
    (refused("SignatureDoesNotMatch"), Verdict.FAILS),
    (refused("ExpiredTokenException", "AssumeRoleWithWebIdentity"), Verdict.FAILS),
    (refused("AccessDenied", "AssumeRole"), Verdict.FAILS),
    (refused("ForbiddenException", "GetRoleCredentials"), Verdict.FAILS),
    # No policy of a caller's can deny GetCallerIdentity, but that of a VPC endpoint on the way can.
    (refused("AccessDenied"), Verdict.NOT_CHECKED),
    (refused("Throttling"), Verdict.NOT_CHECKED),
    (refused("Throttling", "AssumeRole"), Verdict.NOT_CHECKED),
    (refused("ServiceUnavailable"), Verdict.NOT_CHECKED),
    (EndpointConnectionError(endpoint_url=""), Verdict.NOT_CHECKED),
    (ConnectTimeoutError(endpoint_url=""), Verdict.NOT_CHECKED),
    (ProxyConnectionError(proxy_url=""), Verdict.NOT_CHECKED),
    (SSLError(endpoint_url="", error=""), Verdict.NOT_CHECKED),
    # What a proxy puts in place of AWS's answer is no XML.
    (ResponseParserError(), Verdict.NOT_CHECKED),
]


@pytest.mark.parametrize(("error", "verdict"), NO_IDENTITY)
def test_only_wrong_credentials_are_a_failure_of_the_account(error: Exception, verdict: Verdict) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html"""

    def failing(service: str) -> Any:
        raise error

    reading = read_identity(failing)
    assert isinstance(reading, Unreadable)
    line = no_identity(reading)
    told = "put valid credentials" if verdict is Verdict.FAILS else "AWS could not be asked"
    assert (line.verdict, line.what, told in line.text) == (verdict, "account", True)
    assert reading.error in line.text


# The local AWS has no Service Quotas.
APPLIED, DEFAULT = "get_service_quota", "get_aws_default_service_quota"
QUOTAS: list[tuple[dict[str, float | str], int | Unreadable]] = [
    ({APPLIED: 7.0}, 7),
    ({APPLIED: "NoSuchResourceException", DEFAULT: 5.0}, 5),
    ({APPLIED: "AccessDeniedException"}, Unreadable("servicequotas:GetServiceQuota", "AccessDeniedException")),
    (
        {APPLIED: "NoSuchResourceException", DEFAULT: "TooManyRequestsException"},
        Unreadable("servicequotas:GetAWSDefaultServiceQuota", "TooManyRequestsException"),
    ),
]


@pytest.mark.parametrize(("answers", "expected"), QUOTAS)
def test_a_quota_is_the_accounts_own_or_else_the_default(
    answers: dict[str, float | str], expected: int | Unreadable
) -> None:
    """https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html"""
    client = stand_in("service-quotas")
    with Stubber(client) as stubber:
        for operation, answer in answers.items():
            if isinstance(answer, str):
                stubber.add_client_error(operation, answer)
            else:
                asked = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}
                stubber.add_response(operation, {"Quota": {"Value": answer}}, asked)
        assert read_quota(lambda _: client, VPCS) == expected
        stubber.assert_no_pending_responses()


def test_an_answer_without_the_value_is_unreadable() -> None:
    client = stand_in("service-quotas")
    with Stubber(client) as stubber:
        stubber.add_response("get_service_quota", {"Quota": {}})
        assert isinstance(read_quota(lambda _: client, VPCS), Unreadable)


def read_with(client: Any, service: str) -> Readings:
    """What is read when only one service answers."""
    return read_account(lambda asked: client if asked == service else unreachable(asked), NEEDS, caller="", region=None)


def test_what_a_stack_has_deleted_or_not_made_yet_is_not_its_own() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceSummary.html"""
    client, now = stand_in("cloudformation"), datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
    kept, deleted, planned = (
        {"LogicalResourceId": f"R{status}", "ResourceType": kind, "ResourceStatus": status, "LastUpdatedTimestamp": now}
        for kind, status in (
            ("AWS::EC2::VPC", "CREATE_COMPLETE"),
            ("AWS::S3::Bucket", "DELETE_COMPLETE"),
            ("AWS::SNS::Topic", "CREATE_IN_PROGRESS"),
        )
    )
    stack = {"StackName": STACK, "CreationTime": now, "StackStatus": "ROLLBACK_FAILED"}
    summaries = [{**kept, "PhysicalResourceId": "vpc-1"}, {**deleted, "PhysicalResourceId": NEEDS.bucket}, planned]
    with Stubber(client) as stubber:
        stubber.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": STACK})
        stubber.add_response("list_stack_resources", {"StackResourceSummaries": summaries}, {"StackName": STACK})
        readings = read_with(client, "cloudformation")
    assert (readings.stack_status, readings.stack_resources) == ("ROLLBACK_FAILED", {"vpc-1": "AWS::EC2::VPC"})


def test_other_stacks_without_resources_are_no_deployments_and_one_that_cannot_be_described_is_no_silence() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html"""
    now = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
    summaries = [
        {"StackName": f"compliance-audit-stack-{name}", "CreationTime": now, "StackStatus": status}
        for name, status in (
            ("prod-main", "UPDATE_ROLLBACK_COMPLETE"),
            ("dev-gone", "DELETE_COMPLETE"),
            ("dev-never", "ROLLBACK_COMPLETE"),
            ("dev-planned", "REVIEW_IN_PROGRESS"),
        )
    ]
    for error, expected in (
        ("", {OTHER: None}),
        ("AccessDenied", Unreadable("cloudformation:DescribeStacks", "AccessDenied")),
    ):
        client = stand_in("cloudformation")
        with Stubber(client) as stubber:
            stubber.add_client_error("describe_stacks", "ValidationError", f"Stack {STACK} does not exist")
            stubber.add_response("list_stacks", {"StackSummaries": summaries})
            if error:
                stubber.add_client_error("describe_stacks", error)
            else:
                other = {"StackName": OTHER, "CreationTime": now, "StackStatus": "UPDATE_ROLLBACK_COMPLETE"}
                stubber.add_response("describe_stacks", {"Stacks": [other]}, {"StackName": OTHER})
            assert read_with(client, "cloudformation").deployments == expected


def test_a_refusal_of_another_kind_does_not_mean_that_there_is_no_stack() -> None:
    client = stand_in("cloudformation")
    with Stubber(client) as stubber:
        stubber.add_client_error("describe_stacks", "ValidationError", "1 validation error detected")
        readings = read_with(client, "cloudformation")
    assert readings.stack_status == Unreadable("cloudformation:DescribeStacks", "ValidationError")


def test_vpcs_of_others_services_without_interface_endpoints_and_zones_that_are_not_available_do_not_count() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing-share-subnet-working-with.html"""
    client = stand_in("ec2")
    vpcs = [{"VpcId": "vpc-own", "OwnerId": ACCOUNT_ID}, {"VpcId": "vpc-shared", "OwnerId": "210987654321"}]
    services = [
        {"ServiceName": name, "ServiceType": [{"ServiceType": kind}], "AvailabilityZones": ["us-east-1a"]}
        for name, kind in ((SERVICES[0], "Interface"), (SERVICES[1], "Gateway"))
    ]
    zones = [
        {"ZoneName": "us-east-1a", "ZoneId": "use1-az6", "State": "available"},
        {"ZoneName": "us-east-1b", "ZoneId": "use1-az3", "State": "constrained"},
    ]
    with Stubber(client) as stubber:
        stubber.add_response("describe_vpcs", {"Vpcs": vpcs})
        stubber.add_response("describe_vpc_endpoints", {"VpcEndpoints": []})
        stubber.add_response("describe_availability_zones", {"AvailabilityZones": zones})
        stubber.add_response(
            "describe_vpc_endpoint_services", {"ServiceDetails": services}, {"ServiceNames": list(SERVICES)}
        )
        readings = read_with(client, "ec2")
    assert readings.vpcs == frozenset({"vpc-own"})
    assert readings.service_zones == {SERVICES[0]: frozenset({"us-east-1a"})}
    assert readings.zone_ids == {"us-east-1a": "use1-az6"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({}, None),
    ],
)
def test_the_region_is_the_one_that_the_cdk_takes(
    environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html"""
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    for variable, region in {"AWS_CONFIG_FILE": os.devnull, **environment}.items():
        monkeypatch.setenv(variable, region)
    assert region_of(boto3.Session()) == expected


def stand_in(service: str) -> Any:
    """A client that a Stubber answers."""
    return boto3.client(service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


GIVEN = [word for key, chosen in CHOSEN.items() for word in ("-c", f"{key}={chosen}")]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as `make preflight` does, in an environment without other credentials."""
    clean = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    nobody = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    return subprocess.run(
        [sys.executable, str(ROOT / "infrastructure" / "preflight.py"), *arguments],
        env={**clean, **nobody, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_wrong_settings_are_told_before_anything_else() -> None:
    ran = run("-c", "environment=DEV", "-c", "zoneCount=2")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert all(
        told in ran.stderr
        for told in ('environment is "DEV"', "zoneCount is not a setting any more; allowed: zones", "owner is missing")
    )
    assert "Traceback" not in ran.stderr


def test_without_credentials_it_says_so() -> None:
    ran = run(*GIVEN)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "FAILS        account: AWS did not tell who asks (sts:GetCallerIdentity: NoCredentialsError)" in ran.stdout


def test_an_aws_that_cannot_be_asked_ends_the_command_whatever_is_allowed() -> None:
    with socket.socket() as closed:
        # Bound, but nobody listens: connections are refused, and nobody else gets the port.
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        ran = run(*GIVEN, "--allow-unchecked", AWS_ENDPOINT_URL=endpoint, **keys)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "not checked  account: AWS could not be asked (EndpointConnectionError)" in ran.stdout
    assert "FAILS" not in ran.stdout


def test_an_unknown_profile_is_named() -> None:
    ran = run(*GIVEN, "--profile", "production")
    assert ran.returncode == 2
    assert "profile (production) could not be found" in ran.stderr


def test_an_account_that_was_never_bootstrapped(administrator: boto3.Session, aws: LocalAws) -> None:
    """The local AWS has no Service Quotas: what needs them is not checked, and is no ok either."""
    ran = run(*GIVEN, **aws.environment())
    assert (ran.returncode, ran.stderr) == (1, "")
    told = {re.split(": ", line[13:])[0]: line[:13].strip() for line in ran.stdout.splitlines() if line}
    assert told["CDK bootstrap"] == "FAILS"
    assert told["VPCs"] == "not checked"
    assert [told[what] for what in ("settings", "account", "region", "stack", "Lambda concurrency")] == ["ok"] * 5
    assert f"ok           account: {ACCOUNT_ID}, as arn:aws:iam::{ACCOUNT_ID}:root" in ran.stdout


def test_an_account_where_zones_policies_and_another_deployment_are_in_the_way(
    administrator: boto3.Session, aws: LocalAws
) -> None:
    """The local AWS has three zones, of which the third has the id of the one that AWS Lambda does not take."""
    client = clients(administrator)
    for number in range(10):
        client("logs").put_resource_policy(policyName=f"policy-{number}", policyDocument=NOTHING)
    make_deployment(client, OTHER, "apply")
    ran = run(*GIVEN, "-c", "zones=a,c", **aws.environment())
    assert (ran.returncode, ran.stderr) == (1, "")
    found = ran.stdout
    assert "FAILS        availability zones: AWS Lambda takes no subnet in us-east-1c, which is use1-az3; " in found
    assert "deploy with -c zones=a,b\n" in found
    assert "not checked  log delivery: the account has 10 resource policies of CloudWatch Logs" in found
    assert f"FAILS        other deployments: {OTHER} repairs buckets as this one would" in found
    elsewhere = run(*GIVEN, "-c", "zones=a,f", **aws.environment()).stdout
    assert (
        "FAILS        availability zones: this account cannot use us-east-1f; deploy with -c zones=a,b\n" in elsewhere
    )


EXIT_CODES: list[tuple[dict[str, Any], list[str], int]] = [
    ({}, [], 0),
    ({"bootstrap_version": None}, [], 1),
    ({"bootstrap_version": None}, ["--allow-unchecked"], 1),
    ({"iam": DENIED}, [], 1),
    ({"iam": DENIED}, ["--allow-unchecked"], 0),
]


@pytest.mark.parametrize(("changes", "more", "code"), EXIT_CODES)
def test_the_exit_code_is_0_only_if_everything_was_checked_and_is_fine(
    changes: dict[str, Any], more: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "read_identity", lambda client: (ACCOUNT_ID, "arn"))
    monkeypatch.setattr(preflight, "read_account", lambda client, needs, **known: new_account(**changes))
    monkeypatch.setattr(sys, "argv", ["preflight.py", *GIVEN, *more])
    assert preflight.main() == code


def test_the_qualifier_of_the_bootstrap_may_be_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-custom-env.html"""
    monkeypatch.setattr(preflight, "read_identity", lambda client: (ACCOUNT_ID, "arn"))
    monkeypatch.setattr(preflight, "read_account", lambda client, needs, **known: new_account(bootstrap_version=None))
    monkeypatch.setattr(sys, "argv", ["preflight.py", *GIVEN, "-c", "@aws-cdk/core:bootstrapQualifier=ours"])
    preflight.main()
    assert "/cdk-bootstrap/ours/version is not there" in capsys.readouterr().out
