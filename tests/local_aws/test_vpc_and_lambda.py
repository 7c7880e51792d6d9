"""What the collectors of VPCs and functions read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from harness import BOOTSTRAP, Client, document, make_function
from local_aws import LocalAws


def test_the_default_group_of_a_new_vpc(client: Client) -> None:
    """It lets in its own members and lets out everything.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
    """
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    (group,) = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    assert group["GroupName"] == "default"
    (ingress,) = group["IpPermissions"]
    assert ingress["IpProtocol"] == "-1"
    assert [pair["GroupId"] for pair in ingress["UserIdGroupPairs"]] == [group["GroupId"]]
    assert ingress["IpRanges"] == []
    (egress,) = group["IpPermissionsEgress"]
    assert egress["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


def test_the_account_comes_with_a_default_vpc(client: Client) -> None:
    ec2 = client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    (group,) = ec2.describe_security_groups(
        Filters=[
            {"Name": "vpc-id", "Values": [vpc["VpcId"]]},
            {"Name": "group-name", "Values": ["default"]},
        ]
    )["SecurityGroups"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]


def test_flow_logs_are_described_as_created(client: Client) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::logs",
    )
    ec2.create_flow_logs(
        ResourceIds=[subnet],
        ResourceType="Subnet",
        TrafficType="ALL",
        LogGroupName="group",
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/none",
    )

    def found(name: str, *values: str) -> list[dict[str, Any]]:
        logs: list[dict[str, Any]] = ec2.describe_flow_logs(Filters=[{"Name": name, "Values": list(values)}])[
            "FlowLogs"
        ]
        return [log for log in logs if log["ResourceId"] in (vpc, subnet)]

    (of_vpc,) = found("resource-id", vpc)
    assert of_vpc["TrafficType"] == "REJECT"
    assert of_vpc["LogDestination"] == "arn:aws:s3:::logs"
    assert of_vpc["FlowLogStatus"] == "ACTIVE"
    assert of_vpc["DeliverLogsStatus"] == "SUCCESS"
    assert of_vpc["MaxAggregationInterval"] == 600
    (of_subnet,) = found("traffic-type", "ALL")
    assert of_subnet["ResourceId"] == subnet
    assert of_subnet["LogGroupName"] == "group"
    assert of_subnet["DeliverLogsPermissionArn"].endswith("role/none")
    assert of_subnet["FlowLogStatus"] == "ACTIVE"
    assert (of_subnet["DeliverLogsStatus"], of_subnet["DeliverLogsErrorMessage"]) == ("FAILED", "Access error")


@pytest.mark.parametrize(
    ("trusted", "allowed", "group_exists", "delivered"),
    [
        ("vpc-flow-logs.amazonaws.com", ["logs:CreateLogStream", "logs:PutLogEvents"], True, True),
        ("vpc-flow-logs.amazonaws.com", ["logs:CreateLogStream", "logs:PutLogEvents"], False, False),
        ("vpc-flow-logs.amazonaws.com", ["logs:CreateLog*", "logs:PutLogEvents"], False, True),
        ("vpc-flow-logs.amazonaws.com", ["logs:CreateLogGroup", "logs:CreateLogStream"], True, False),
        ("lambda.amazonaws.com", ["logs:CreateLogStream", "logs:PutLogEvents"], True, False),
    ],
)
def test_a_flow_log_is_delivered_as_far_as_its_role_may(
    client: Client, name: str, trusted: str, allowed: list[str], group_exists: bool, delivered: bool
) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"""
    ec2, iam = client("ec2"), client("iam")
    trust = document({"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=name,
        PolicyName="deliver",
        PolicyDocument=document({"Effect": "Allow", "Action": allowed, "Resource": "*"}),
    )
    if group_exists:
        client("logs").create_log_group(logGroupName=name)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogGroupName=name, DeliverLogsPermissionArn=role
    )

    (flow_log,) = ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [vpc]}])["FlowLogs"]
    assert flow_log["DeliverLogsStatus"] == ("SUCCESS" if delivered else "FAILED")
    assert flow_log.get("DeliverLogsErrorMessage") == (None if delivered else "Access error")


@pytest.mark.parametrize(
    ("kind", "identifier", "code"),
    [
        ("VPC", "vpc-0123456789abcdef0", "InvalidVpcID.NotFound"),
        ("Subnet", "subnet-0123456789abcdef0", "InvalidSubnetID.NotFound"),
    ],
)
def test_flow_logs_of_nothing_are_refused(client: Client, kind: str, identifier: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        client("ec2").create_flow_logs(
            ResourceIds=[identifier],
            ResourceType=kind,
            TrafficType="ALL",
            LogDestinationType="s3",
            LogDestination="arn:aws:s3:::logs",
        )
    assert refused.value.response["Error"]["Code"] == code


def test_a_function_without_a_policy_has_none(client: Client, name: str) -> None:
    functions = client("lambda")
    make_function(client, name, "def handler(event, context): return event")

    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_policy(FunctionName=name)
    functions.add_permission(
        FunctionName=name,
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="*",
    )
    assert '"s"' in functions.get_policy(FunctionName=name)["Policy"]
    functions.remove_permission(FunctionName=name, StatementId="s")
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_policy(FunctionName=name)


@pytest.mark.parametrize("number", [0, 1])
def test_a_function_its_version_and_its_alias_have_policies_of_their_own(
    client: Client, name: str, number: int
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html ("Qualifier")"""
    functions = client("lambda")
    make_function(client, name, "def handler(event, context): return event")
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    given, other = (("live", version), (version, "live"))[number]
    functions.add_permission(
        FunctionName=name,
        Qualifier=given,
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="*",
    )
    assert '"s"' in functions.get_policy(FunctionName=name, Qualifier=given)["Policy"]
    for qualifier in ({}, {"Qualifier": other}):
        with pytest.raises(functions.exceptions.ResourceNotFoundException):
            functions.get_policy(FunctionName=name, **qualifier)


def test_an_alias_may_lead_to_what_is_not_published(client: Client, name: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html ("FunctionVersion")"""
    functions = client("lambda")
    make_function(client, name, "def handler(event, context): return event")
    functions.create_alias(FunctionName=name, Name="next", FunctionVersion="$LATEST")
    functions.add_permission(
        FunctionName=name, Qualifier="next", StatementId="s", Action="lambda:InvokeFunction", Principal="*"
    )
    (alias,) = functions.list_aliases(FunctionName=name)["Aliases"]
    assert alias["FunctionVersion"] == "$LATEST"
    assert f":function:{name}:next" in functions.get_policy(FunctionName=name, Qualifier="next")["Policy"]


def test_functions_are_listed_with_their_versions(client: Client, name: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html ("FunctionVersion")"""
    functions = client("lambda")
    make_function(client, name, "def handler(event, context): return event")
    functions.publish_version(FunctionName=name)
    pages = functions.get_paginator("list_functions")
    all_pages = list(pages.paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 1}))
    assert all(len(page["Functions"]) == 1 for page in all_pages)
    listed = [entry for page in all_pages for entry in page["Functions"] if entry["FunctionName"] == name]
    assert [entry["Version"] for entry in listed] == ["$LATEST", "1"]
    assert [entry["FunctionArn"].partition(":function:")[2] for entry in listed] == [f"{name}:$LATEST", f"{name}:1"]
    plain = functions.list_functions()["Functions"]
    assert [entry["Version"] for entry in plain if entry["FunctionName"] == name] == ["$LATEST"]


def test_get_function_brings_tags_and_reserved_concurrency(client: Client, name: str) -> None:
    functions = client("lambda")
    make_function(client, name, "def handler(event, context): return event", Tags={"a": "b"})
    assert "Concurrency" not in functions.get_function(FunctionName=name)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)

    found = functions.get_function(FunctionName=name)
    assert found["Tags"] == {"a": "b"}
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 3}


def test_the_urls_of_a_function_are_listed_in_pages(client: Client, name: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionUrlConfigs.html"""
    functions = client("lambda")
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.list_function_url_configs(FunctionName=name)
    make_function(client, name, "def handler(event, context): return event")
    assert functions.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"] == []

    version = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    functions.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    functions.create_function_url_config(
        FunctionName=name, Qualifier="live", AuthType="NONE", Cors={"AllowOrigins": ["*"]}
    )
    first = functions.list_function_url_configs(FunctionName=name, MaxItems=1)
    rest = functions.list_function_url_configs(FunctionName=name, MaxItems=1, Marker=first["NextMarker"])
    assert "NextMarker" not in rest
    plain, live = first["FunctionUrlConfigs"] + rest["FunctionUrlConfigs"]
    assert (plain["AuthType"], plain.get("Cors")) == ("AWS_IAM", None)
    assert (live["AuthType"], live["Cors"]) == ("NONE", {"AllowOrigins": ["*"]})
    assert live["FunctionArn"].endswith(f":function:{name}:live")


def test_what_a_function_finds_in_its_environment(aws: LocalAws, client: Client, name: str) -> None:
    make_function(
        client,
        name,
        BOOTSTRAP,
        custom=True,
        MemorySize=1024,
        Environment={"Variables": {"OWN": "1", "LOG_LEVEL": "info"}},
    )
    answer = client("lambda").invoke(FunctionName=name)
    found = json.load(answer["Payload"])

    assert found["OWN"] == "1"
    assert found["LOG_LEVEL"] == "info"
    assert found["AWS_ENDPOINT_URL"] == aws.endpoint
    assert found["AWS_ENDPOINT_URL_S3_CONTROL"] == aws.endpoint
    assert found["AWS_REGION"] == "us-east-1"
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert found["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "1024"
    # The session of the function's role, and nobody else's credentials.
    assert found["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert found["AWS_SESSION_TOKEN"]
    foreign = {"AUTH", "GATEWAY_PORT", "MINISTACK_HOST", "STATE_DIR", "AWS_PROFILE"}
    assert not foreign & set(found)


@pytest.mark.parametrize(
    ("allowed", "group_exists", "logged"),
    [
        ([], True, False),
        (["logs:CreateLogStream", "logs:PutLogEvents"], True, True),
        (["logs:CreateLogGroup", "logs:PutLogEvents"], True, False),
        (["logs:CreateLogStream", "logs:PutLogEvents"], False, False),
        (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], False, True),
    ],
)
def test_a_function_logs_as_far_as_its_role_may(
    client: Client, name: str, allowed: list[str], group_exists: bool, logged: bool
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"""
    group = f"/aws/lambda/{name}"
    logs, iam = client("logs"), client("iam")
    make_function(client, name, "def handler(event, context): return event")
    if allowed:
        statement = {"Effect": "Allow", "Action": allowed, "Resource": f"arn:aws:logs:*:*:log-group:{group}*"}
        policy = iam.create_policy(PolicyName=name, PolicyDocument=document(statement))["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=f"{name}-function", PolicyArn=policy)
    if group_exists:
        logs.create_log_group(logGroupName=group)

    client("lambda").invoke(FunctionName=name)

    groups = [found["logGroupName"] for found in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]]
    assert groups == ([group] if group_exists or logged else [])
    assert bool(groups and logs.describe_log_streams(logGroupName=group)["logStreams"]) is logged
