"""What a template declares is what the APIs then describe; what cannot be made fails the stack."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError
from harness import Client, Deploy, Template, package, resource
from local_aws import ACCOUNT_ID, REGION

ROLE: Template = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {
                        "Service": ["lambda.amazonaws.com", "states.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
                    },
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    },
}


def until_ended(client: Client, name: str) -> str:
    """Wait for the stack's operation to end; gives the stack's status, whose name a deletion frees."""
    cloudformation = client("cloudformation")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = [s for s in cloudformation.describe_stacks()["Stacks"] if s["StackName"] == name]
        status = found[0]["StackStatus"] if found else "DELETE_COMPLETE"
        if not status.endswith("IN_PROGRESS"):
            return str(status)
        time.sleep(0.02)
    raise AssertionError(f"the stack {name} is still in progress")


def failure(client: Client, name: str, status: str) -> str:
    """Why a resource of the stack failed."""
    events = client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return " ".join(
        event.get("ResourceStatusReason", "")
        for event in events
        if event["ResourceStatus"] == status and event["ResourceType"] != "AWS::CloudFormation::Stack"
    )


def test_a_bucket_has_everything_that_its_template_says(client: Client, deploy: Deploy) -> None:
    made = deploy(
        {
            "Key": resource("AWS::KMS::Key", KeyPolicy={"Statement": []}),
            "Logs": resource(
                "AWS::S3::Bucket",
                AccessControl="LogDeliveryWrite",
                OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
            ),
            "Bucket": resource(
                "AWS::S3::Bucket",
                BucketEncryption={
                    "ServerSideEncryptionConfiguration": [
                        {
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
                            },
                            "BucketKeyEnabled": True,
                        }
                    ]
                },
                LifecycleConfiguration={
                    "Rules": [
                        {
                            "Id": "expire",
                            "Status": "Enabled",
                            "ExpirationInDays": 90,
                            "NoncurrentVersionExpiration": {"NoncurrentDays": 91},
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                        },
                        {
                            "Id": "markers",
                            "Status": "Enabled",
                            "Prefix": "x/",
                            "ExpiredObjectDeleteMarker": True,
                        },
                    ]
                },
                LoggingConfiguration={
                    "DestinationBucketName": {"Ref": "Logs"},
                    "LogFilePrefix": "p/",
                },
                OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": False,
                    "RestrictPublicBuckets": False,
                },
                Tags=[{"Key": "Owner", "Value": "audit"}],
                VersioningConfiguration={"Status": "Enabled"},
            ),
        }
    )
    s3, bucket = client("s3"), made["Bucket"]

    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/{made['Key']}",
    }
    assert rule["BucketKeyEnabled"] is True
    expire, markers = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert expire["Expiration"] == {"Days": 90}
    assert expire["NoncurrentVersionExpiration"] == {"NoncurrentDays": 91}
    assert expire["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert markers["Filter"] == {"Prefix": "x/"}
    assert markers["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == {
        "TargetBucket": made["Logs"],
        "TargetPrefix": "p/",
    }
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerPreferred"}
    ]
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    tags = {t["Key"]: t["Value"] for t in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    assert tags["Owner"] == "audit"
    assert tags["of"] == "stack"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    grants = s3.get_bucket_acl(Bucket=made["Logs"])["Grants"]
    assert ("http://acs.amazonaws.com/groups/s3/LogDelivery", "WRITE") in [
        (grant["Grantee"].get("URI"), grant["Permission"]) for grant in grants
    ]


def test_a_bucket_is_locked_replicated_and_watched_as_its_template_says(client: Client, deploy: Deploy) -> None:
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    sending = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["sqs:*", "sns:*"], "Resource": "*"}],
    }
    retention = {"Mode": "COMPLIANCE", "Days": 30}
    resources = {
        "Replica": resource("AWS::S3::Bucket", **versioned),
        "Queue": resource("AWS::SQS::Queue"),
        "QueuePolicy": resource("AWS::SQS::QueuePolicy", Queues=[{"Ref": "Queue"}], PolicyDocument=sending),
        "Topic": resource("AWS::SNS::Topic"),
        "TopicPolicy": resource("AWS::SNS::TopicPolicy", Topics=[{"Ref": "Topic"}], PolicyDocument=sending),
        "Locked": resource(
            "AWS::S3::Bucket",
            ObjectLockEnabled=True,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}},
        ),
        "LockedLater": resource("AWS::S3::Bucket", ObjectLockEnabled=True),
        "Bucket": {
            "DependsOn": ["QueuePolicy", "TopicPolicy"],
            **resource(
                "AWS::S3::Bucket",
                **versioned,
                BucketEncryption={
                    "ServerSideEncryptionConfiguration": [
                        {
                            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                            "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
                        }
                    ]
                },
                ReplicationConfiguration={
                    "Role": f"arn:aws:iam::{ACCOUNT_ID}:role/replication",
                    "Rules": [
                        {
                            "Id": "everything",
                            "Priority": "1",
                            "Status": "Enabled",
                            "Filter": {"And": {"Prefix": "x/", "TagFilters": [{"Key": "a", "Value": "b"}]}},
                            "DeleteMarkerReplication": {"Status": "Disabled"},
                            "Destination": {
                                "Bucket": {"Fn::GetAtt": ["Replica", "Arn"]},
                                "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
                                "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
                            },
                        }
                    ],
                },
                NotificationConfiguration={
                    "EventBridgeConfiguration": {"EventBridgeEnabled": True},
                    "QueueConfigurations": [{"Event": "s3:ObjectRemoved:*", "Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}],
                    "TopicConfigurations": [{"Event": "s3:ObjectCreated:*", "Topic": {"Ref": "Topic"}}],
                },
            ),
        },
    }
    made = deploy(resources)
    s3, bucket = client("s3"), made["Bucket"]

    replication = s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
    assert replication["Role"] == f"arn:aws:iam::{ACCOUNT_ID}:role/replication"
    (rule,) = replication["Rules"]
    assert (rule["ID"], rule["Priority"], rule["Status"]) == ("everything", 1, "Enabled")
    assert rule["Filter"] == {"And": {"Prefix": "x/", "Tags": [{"Key": "a", "Value": "b"}]}}
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{made['Replica']}"
    assert rule["Destination"]["ReplicationTime"]["Time"] == {"Minutes": 15}
    notifications = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert notifications["EventBridgeConfiguration"] == {}
    assert [each["Events"] for each in notifications["QueueConfigurations"]] == [["s3:ObjectRemoved:*"]]
    assert [each["TopicArn"] for each in notifications["TopicConfigurations"]] == [made["Topic"]]
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["BlockedEncryptionTypes"] == {"EncryptionType": ["NONE"]}

    def lock(logical_id: str) -> Any:
        assert s3.get_bucket_versioning(Bucket=made[logical_id])["Status"] == "Enabled"
        return s3.get_object_lock_configuration(Bucket=made[logical_id])["ObjectLockConfiguration"]

    assert lock("Locked") == {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    assert lock("LockedLater") == {"ObjectLockEnabled": "Enabled"}

    del resources["Bucket"]["Properties"]["ReplicationConfiguration"]
    del resources["Bucket"]["Properties"]["NotificationConfiguration"]
    del resources["Locked"]["Properties"]["ObjectLockConfiguration"]
    deploy(resources)
    with pytest.raises(ClientError, match="ReplicationConfigurationNotFoundError"):
        s3.get_bucket_replication(Bucket=bucket)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    assert lock("Locked") == {"ObjectLockEnabled": "Enabled"}


def test_an_access_point_has_what_its_template_says(client: Client, deploy: Deploy, name: str) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-accesspoint.html"""
    resources = {
        "Bucket": resource("AWS::S3::Bucket"),
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.4.0.0/16"),
        "Blocked": resource(
            "AWS::S3::AccessPoint",
            Name=f"{name}-1",
            Bucket={"Ref": "Bucket"},
            VpcConfiguration={"VpcId": {"Ref": "Vpc"}},
        ),
        "Open": resource(
            "AWS::S3::AccessPoint",
            Name=f"{name}-2",
            Bucket={"Ref": "Bucket"},
            PublicAccessBlockConfiguration={"BlockPublicAcls": "false", "BlockPublicPolicy": False},
        ),
    }
    made = deploy(resources)

    def described(logical_id: str) -> Any:
        return client("s3control").get_access_point(AccountId=ACCOUNT_ID, Name=made[logical_id])

    blocked, opened = described("Blocked"), described("Open")
    assert blocked["Bucket"] == opened["Bucket"] == made["Bucket"]
    assert (blocked["NetworkOrigin"], blocked["VpcConfiguration"]) == ("VPC", {"VpcId": made["Vpc"]})
    assert set(blocked["PublicAccessBlockConfiguration"].values()) == {True}
    assert opened["NetworkOrigin"] == "Internet"
    block = opened["PublicAccessBlockConfiguration"]
    assert (block["BlockPublicAcls"], block["BlockPublicPolicy"]) == (False, False)

    resources["Blocked"]["Properties"]["PublicAccessBlockConfiguration"] = {"RestrictPublicBuckets": "false"}
    deploy(resources)
    assert described("Blocked")["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"] is False


def test_a_bucket_without_acls_may_be_declared_private(client: Client, deploy: Deploy) -> None:
    bucket = deploy({"Bucket": resource("AWS::S3::Bucket", AccessControl="Private")})["Bucket"]
    (grant,) = client("s3").get_bucket_acl(Bucket=bucket)["Grants"]
    assert grant["Permission"] == "FULL_CONTROL"


def test_a_property_that_a_template_drops_is_taken_back(client: Client, deploy: Deploy) -> None:
    def algorithm(bucket: str) -> str:
        found = client("s3").get_bucket_encryption(Bucket=bucket)
        (rule,) = found["ServerSideEncryptionConfiguration"]["Rules"]
        return str(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])

    kms = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    encryption = {"ServerSideEncryptionConfiguration": [kms]}
    before = deploy({"Bucket": resource("AWS::S3::Bucket", BucketEncryption=encryption)})
    assert algorithm(before["Bucket"]) == "aws:kms"

    tags = [{"Key": "a", "Value": "b"}]
    after = deploy({"Bucket": resource("AWS::S3::Bucket", Tags=tags)})
    assert after == before
    assert algorithm(after["Bucket"]) == "AES256"


def test_a_bucket_with_content_survives_its_stack(client: Client, deploy: Deploy, name: str) -> None:
    bucket = deploy({"Bucket": resource("AWS::S3::Bucket", VersioningConfiguration={"Status": "Enabled"})})["Bucket"]
    s3, cloudformation = client("s3"), client("cloudformation")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="k")

    cloudformation.delete_stack(StackName=name)

    assert until_ended(client, name) == "DELETE_FAILED"
    assert "BucketNotEmpty" in failure(client, name, "DELETE_FAILED")
    for version in (
        s3.list_object_versions(Bucket=bucket)["Versions"] + s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]
    ):
        s3.delete_object(Bucket=bucket, Key="k", VersionId=version["VersionId"])
    cloudformation.delete_stack(StackName=name)
    assert until_ended(client, name) == "DELETE_COMPLETE"
    assert bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]]


def test_what_a_resource_depends_on_outlives_it(client: Client, deploy: Deploy, name: str) -> None:
    """Resources are deleted in the reverse order of their creation: while one is there, so is what it depends on.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html
    """
    made = deploy(
        {
            "Below": resource("AWS::SQS::Queue"),
            "Needed": {**resource("AWS::SQS::Queue"), "DependsOn": "Below"},
            "Bucket": {**resource("AWS::S3::Bucket"), "DependsOn": "Needed"},
            "Dependent": {**resource("AWS::SQS::Queue"), "DependsOn": "Bucket"},
            "Apart": resource("AWS::SQS::Queue"),
        }
    )
    s3, sqs, cloudformation = client("s3"), client("sqs"), client("cloudformation")
    s3.put_object(Bucket=made["Bucket"], Key="k", Body=b"x")

    cloudformation.delete_stack(StackName=name)

    assert until_ended(client, name) == "DELETE_FAILED"
    assert set(sqs.list_queues()["QueueUrls"]) & set(made.values()) == {made["Below"], made["Needed"]}
    left = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    assert {each["LogicalResourceId"] for each in left} == {"Below", "Needed", "Bucket"}

    s3.delete_object(Bucket=made["Bucket"], Key="k")
    cloudformation.delete_stack(StackName=name)
    assert until_ended(client, name) == "DELETE_COMPLETE"
    assert not set(sqs.list_queues().get("QueueUrls", [])) & set(made.values())


def test_the_tagging_api_lists_what_a_stack_made(client: Client, deploy: Deploy, name: str) -> None:
    """CloudFormation tags resources with the stack's name, and the API lists them until they are deleted.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html
    """
    made = deploy(
        {
            "Role": ROLE,
            "Group": resource("AWS::Logs::LogGroup"),
            "Rule": resource("AWS::Events::Rule", ScheduleExpression="rate(1 day)"),
            "Machine": resource(
                "AWS::StepFunctions::StateMachine",
                DefinitionString='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
                RoleArn={"Fn::GetAtt": ["Role", "Arn"]},
            ),
            "Alarm": resource(
                "AWS::CloudWatch::Alarm",
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanThreshold",
                Namespace="N",
                MetricName="M",
            ),
            "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.3.0.0/16"),
            "Subnet": resource("AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.3.0.0/24"),
            "Routes": resource("AWS::EC2::RouteTable", VpcId={"Ref": "Vpc"}),
            "Acl": resource("AWS::EC2::NetworkAcl", VpcId={"Ref": "Vpc"}),
            "Gateway": resource("AWS::EC2::InternetGateway"),
            "Interface": resource("AWS::EC2::NetworkInterface", SubnetId={"Ref": "Subnet"}),
            "Balancer": resource(
                "AWS::ElasticLoadBalancingV2::LoadBalancer", Type="network", Subnets=[{"Ref": "Subnet"}]
            ),
            "Service": resource("AWS::EC2::VPCEndpointService", NetworkLoadBalancerArns=[{"Ref": "Balancer"}]),
            "Peer": resource("AWS::EC2::VPC", CidrBlock="10.5.0.0/16"),
            "Peering": resource("AWS::EC2::VPCPeeringConnection", VpcId={"Ref": "Vpc"}, PeerVpcId={"Ref": "Peer"}),
            "Members": resource("AWS::EC2::SecurityGroup", GroupDescription="g", VpcId={"Ref": "Vpc"}),
            "Endpoint": resource(
                "AWS::EC2::VPCEndpoint", VpcId={"Ref": "Vpc"}, ServiceName="com.amazonaws.us-east-1.s3"
            ),
            "FlowLog": resource(
                "AWS::EC2::FlowLog",
                ResourceId={"Ref": "Vpc"},
                ResourceType="VPC",
                TrafficType="ALL",
                LogGroupName={"Ref": "Group"},
                DeliverLogsPermissionArn={"Fn::GetAtt": ["Role", "Arn"]},
            ),
        }
    )
    of_stack = {"Key": "aws:cloudformation:stack-name", "Values": [name]}

    def listed() -> set[str]:
        found = client("resourcegroupstaggingapi").get_resources(TagFilters=[of_stack])["ResourceTagMappingList"]
        return {each["ResourceARN"] for each in found}

    def tags() -> list[dict[str, str]]:
        values = [{"Name": "value", "Values": [name]}]
        described: list[dict[str, str]] = client("ec2").describe_tags(Filters=values)["Tags"]
        return described

    here = f"{REGION}:{ACCOUNT_ID}"
    assert listed() == {
        f"arn:aws:logs:{here}:log-group:{made['Group']}",
        f"arn:aws:events:{here}:rule/{made['Rule']}",
        made["Machine"],
        f"arn:aws:cloudwatch:{here}:alarm:{made['Alarm']}",
        f"arn:aws:ec2:{here}:vpc/{made['Vpc']}",
        f"arn:aws:ec2:{here}:subnet/{made['Subnet']}",
        f"arn:aws:ec2:{here}:route-table/{made['Routes']}",
        f"arn:aws:ec2:{here}:vpc/{made['Peer']}",
        f"arn:aws:ec2:{here}:network-acl/{made['Acl']}",
        f"arn:aws:ec2:{here}:internet-gateway/{made['Gateway']}",
        f"arn:aws:ec2:{here}:network-interface/{made['Interface']}",
        f"arn:aws:ec2:{here}:vpc-endpoint-service/{made['Service']}",
        f"arn:aws:ec2:{here}:vpc-peering-connection/{made['Peering']}",
        f"arn:aws:ec2:{here}:security-group/{made['Members']}",
        f"arn:aws:ec2:{here}:vpc-endpoint/{made['Endpoint']}",
        f"arn:aws:ec2:{here}:vpc-flow-log/{made['FlowLog']}",
    }
    assert {tag["ResourceId"] for tag in tags()} >= {made["Vpc"], made["Subnet"]}

    client("cloudformation").delete_stack(StackName=name)
    assert until_ended(client, name) == "DELETE_COMPLETE"
    assert listed() == set()
    assert tags() == []


UNVERSIONED = resource(
    "AWS::S3::Bucket",
    ReplicationConfiguration={
        "Role": f"arn:aws:iam::{ACCOUNT_ID}:role/replication",
        "Rules": [{"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::replica"}}],
    },
)
WITHOUT_RANGE = resource(
    "AWS::EC2::Subnet", VpcId="vpc-00000001", CidrBlock="172.31.99.0/24", AssignIpv6AddressOnCreation=True
)


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        (resource("AWS::S3::Bucket", AnalyticsConfigurations=[]), "AnalyticsConfigurations"),
        (UNVERSIONED, "Versioning must be 'Enabled'"),
        (WITHOUT_RANGE, "Ipv6CidrBlock"),
    ],
)
def test_a_property_that_is_not_applied_fails_the_stack(
    client: Client, name: str, failing: Template, reason: str
) -> None:
    template = json.dumps({"Resources": {"It": failing}})
    client("cloudformation").create_stack(StackName=name, TemplateBody=template)
    until_ended(client, name)
    assert reason in failure(client, name, "CREATE_FAILED")


def test_object_lock_is_not_taken_back(client: Client, deploy: Deploy, name: str) -> None:
    """On AWS the bucket would be replaced.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
    """
    deploy({"Bucket": resource("AWS::S3::Bucket", ObjectLockEnabled=True)})
    with pytest.raises(WaiterError):
        deploy({"Bucket": resource("AWS::S3::Bucket")})
    assert "Object Lock" in failure(client, name, "UPDATE_FAILED")


def test_a_type_that_is_not_known_is_refused(client: Client, name: str) -> None:
    template = json.dumps({"Resources": {"It": resource("AWS::Nowhere::Thing")}})
    with pytest.raises(ClientError, match="AWS::Nowhere::Thing"):
        client("cloudformation").create_stack(StackName=name, TemplateBody=template)


def test_a_function_has_everything_that_its_template_says(client: Client, deploy: Deploy) -> None:
    made = deploy(
        {
            "Role": ROLE,
            "Key": resource("AWS::KMS::Key", KeyPolicy={"Statement": []}),
            "Queue": resource("AWS::SQS::Queue"),
            "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.1.0.0/16"),
            "Subnet": resource("AWS::EC2::Subnet", CidrBlock="10.1.0.0/24", VpcId={"Ref": "Vpc"}),
            "Group": resource("AWS::EC2::SecurityGroup", GroupDescription="g", VpcId={"Ref": "Vpc"}),
            "Function": resource(
                "AWS::Lambda::Function",
                Code={"ZipFile": "def handler(event, context): return event"},
                Handler="index.handler",
                Runtime="python3.8",
                Role={"Fn::GetAtt": ["Role", "Arn"]},
                DeadLetterConfig={"TargetArn": {"Fn::GetAtt": ["Queue", "Arn"]}},
                KmsKeyArn={"Fn::GetAtt": ["Key", "Arn"]},
                ReservedConcurrentExecutions=0,
                Tags=[{"Key": "Owner", "Value": "audit"}],
                TracingConfig={"Mode": "Active"},
                VpcConfig={
                    "SubnetIds": [{"Ref": "Subnet"}],
                    "SecurityGroupIds": [{"Ref": "Group"}],
                },
            ),
            "Image": resource(
                "AWS::Lambda::Function",
                PackageType="Image",
                Code={"ImageUri": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/a:1"},
                Role={"Fn::GetAtt": ["Role", "Arn"]},
            ),
            "Anyone": resource(
                "AWS::Lambda::Permission",
                FunctionName={"Ref": "Function"},
                Action="lambda:InvokeFunction",
                Principal="*",
            ),
        }
    )
    functions = client("lambda")
    function = functions.get_function(FunctionName=made["Function"])
    configuration = function["Configuration"]

    assert configuration["Runtime"] == "python3.8"
    assert configuration["TracingConfig"] == {"Mode": "Active"}
    assert configuration["KMSKeyArn"].endswith(made["Key"])
    assert configuration["DeadLetterConfig"]["TargetArn"].startswith("arn:aws:sqs:")
    assert configuration["VpcConfig"]["SubnetIds"] == [made["Subnet"]]
    assert configuration["VpcConfig"]["SecurityGroupIds"] == [made["Group"]]
    assert configuration["VpcConfig"]["VpcId"] == made["Vpc"]
    assert function["Tags"]["Owner"] == "audit"
    assert function["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    with pytest.raises(functions.exceptions.TooManyRequestsException):
        functions.invoke(FunctionName=made["Function"])
    policy = json.loads(functions.get_policy(FunctionName=made["Function"])["Policy"])
    assert policy["Statement"][0]["Principal"] in ("*", {"AWS": "*"})

    image = functions.get_function(FunctionName=made["Image"])["Configuration"]
    assert image["PackageType"] == "Image"
    assert not image.get("Runtime")


def test_a_function_with_a_url_and_layers(client: Client, deploy: Deploy, name: str) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-url.html"""
    s3 = client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="layer.zip", Body=package("python/of_layer.py", "x = 1"))
    foreign = f"arn:aws:lambda:{REGION}:111122223333:layer:telemetry:14"
    made = deploy(
        {
            "Role": ROLE,
            "Layer": resource("AWS::Lambda::LayerVersion", Content={"S3Bucket": name, "S3Key": "layer.zip"}),
            "Function": resource(
                "AWS::Lambda::Function",
                Code={"ZipFile": "def handler(event, context): return event"},
                Environment={"Variables": {"A": "b"}},
                Handler="index.handler",
                Layers=[{"Ref": "Layer"}, foreign],
                Role={"Fn::GetAtt": ["Role", "Arn"]},
                Runtime="python3.13",
            ),
            "Url": resource(
                "AWS::Lambda::Url",
                TargetFunctionArn={"Ref": "Function"},
                AuthType="NONE",
                Cors={"AllowOrigins": ["*"], "AllowMethods": ["GET"]},
            ),
            "Anyone": resource(
                "AWS::Lambda::Permission",
                FunctionName={"Ref": "Function"},
                Action="lambda:InvokeFunctionUrl",
                FunctionUrlAuthType="NONE",
                Principal="*",
            ),
            "ThroughTheUrl": resource(
                "AWS::Lambda::Permission",
                FunctionName={"Ref": "Function"},
                Action="lambda:InvokeFunction",
                InvokedViaFunctionUrl=True,
                Principal="*",
            ),
        }
    )
    functions = client("lambda")
    (url,) = functions.list_function_url_configs(FunctionName=made["Function"])["FunctionUrlConfigs"]
    assert url["AuthType"] == "NONE"
    assert url["Cors"] == {"AllowOrigins": ["*"], "AllowMethods": ["GET"]}
    configuration = functions.get_function(FunctionName=made["Function"])["Configuration"]
    assert [layer["Arn"] for layer in configuration["Layers"]] == [made["Layer"], foreign]
    assert configuration["Environment"] == {"Variables": {"A": "b"}}
    statements = json.loads(functions.get_policy(FunctionName=made["Function"])["Policy"])["Statement"]
    assert {each["Action"]: each["Condition"] for each in statements} == {
        "lambda:InvokeFunctionUrl": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        "lambda:InvokeFunction": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
    }


def test_a_vpc_with_flow_logs_and_rules(client: Client, deploy: Deploy) -> None:
    logging = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    policy = {"PolicyName": "logs", "PolicyDocument": {"Version": "2012-10-17", "Statement": [logging]}}
    made = deploy(
        {
            "Role": resource("AWS::IAM::Role", **ROLE["Properties"], Policies=[policy]),
            "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.2.0.0/16"),
            "Group": resource("AWS::EC2::SecurityGroup", GroupDescription="g", VpcId={"Ref": "Vpc"}),
            "In": resource(
                "AWS::EC2::SecurityGroupIngress",
                GroupId={"Fn::GetAtt": ["Group", "GroupId"]},
                IpProtocol="tcp",
                FromPort=443,
                ToPort=443,
                CidrIp={"Fn::GetAtt": ["Vpc", "CidrBlock"]},
            ),
            "InDefault": resource(
                "AWS::EC2::SecurityGroupIngress",
                GroupId={"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]},
                IpProtocol="tcp",
                FromPort=22,
                ToPort=22,
                CidrIp="0.0.0.0/0",
            ),
            "Out": resource(
                "AWS::EC2::SecurityGroupEgress",
                GroupId={"Fn::GetAtt": ["Group", "GroupId"]},
                IpProtocol="tcp",
                FromPort=5432,
                ToPort=5432,
                DestinationSecurityGroupId={"Fn::GetAtt": ["Group", "GroupId"]},
            ),
            "FlowLog": resource(
                "AWS::EC2::FlowLog",
                ResourceId={"Ref": "Vpc"},
                ResourceType="VPC",
                TrafficType="ALL",
                LogGroupName="flow",
                DeliverLogsPermissionArn={"Fn::GetAtt": ["Role", "Arn"]},
                MaxAggregationInterval=60,
                Tags=[{"Key": "Owner", "Value": "audit"}],
            ),
        }
    )
    ec2 = client("ec2")

    (flow_log,) = ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [made["Vpc"]]}])["FlowLogs"]
    assert flow_log["FlowLogId"] == made["FlowLog"]
    assert flow_log["FlowLogStatus"] == "ACTIVE"
    assert flow_log["DeliverLogsStatus"] == "SUCCESS"
    assert flow_log["LogGroupName"] == "flow"
    assert flow_log["MaxAggregationInterval"] == 60
    assert {"Key": "Owner", "Value": "audit"} in flow_log["Tags"]

    groups = {
        group["GroupName"]: group
        for group in ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [made["Vpc"]]}])[
            "SecurityGroups"
        ]
    }
    default = groups.pop("default")
    own, ssh = default["IpPermissions"]
    assert own["IpProtocol"] == "-1"
    assert [pair["GroupId"] for pair in own["UserIdGroupPairs"]] == [default["GroupId"]]
    assert (ssh["FromPort"], ssh["IpRanges"]) == (22, [{"CidrIp": "0.0.0.0/0"}])
    (group,) = groups.values()
    (rule,) = group["IpPermissions"]
    assert (rule["FromPort"], rule["IpRanges"]) == (443, [{"CidrIp": "10.2.0.0/16"}])
    assert 5432 in [rule.get("FromPort") for rule in group["IpPermissionsEgress"]]


def test_topics_machines_and_alarms(client: Client, deploy: Deploy) -> None:
    alarm = {
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    made = deploy(
        {
            "Role": ROLE,
            "Key": resource("AWS::KMS::Key", KeyPolicy={"Statement": []}),
            "Topic": resource("AWS::SNS::Topic", KmsMasterKeyId={"Fn::GetAtt": ["Key", "Arn"]}),
            "Group": resource("AWS::Logs::LogGroup", LogGroupName="/aws/vendedlogs/states/t"),
            "Machine": resource(
                "AWS::StepFunctions::StateMachine",
                DefinitionString='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
                RoleArn={"Fn::GetAtt": ["Role", "Arn"]},
                TracingConfiguration={"Enabled": True},
                LoggingConfiguration={
                    "Level": "ALL",
                    "IncludeExecutionData": True,
                    "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Group", "Arn"]}}}],
                },
            ),
            "Math": resource(
                "AWS::CloudWatch::Alarm",
                **alarm,
                Metrics=[
                    {"Id": "e", "Expression": "m / 2", "ReturnData": True},
                    {
                        "Id": "m",
                        "ReturnData": False,
                        "MetricStat": {
                            "Metric": {"Namespace": "N", "MetricName": "M"},
                            "Period": 60,
                            "Stat": "Sum",
                        },
                    },
                ],
            ),
            "Plain": resource("AWS::CloudWatch::Alarm", **alarm, Namespace="N", MetricName="M"),
            "Both": resource(
                "AWS::CloudWatch::CompositeAlarm",
                AlarmRule={"Fn::Sub": 'ALARM("${Plain}") OR ALARM("${Math}")'},
                AlarmActions=[{"Ref": "Topic"}],
            ),
        }
    )
    attributes = client("sns").get_topic_attributes(TopicArn=made["Topic"])["Attributes"]
    assert attributes["KmsMasterKeyId"].endswith(made["Key"])

    machine = client("stepfunctions").describe_state_machine(stateMachineArn=made["Machine"])
    assert machine["tracingConfiguration"] == {"enabled": True}
    assert machine["loggingConfiguration"]["level"] == "ALL"
    assert machine["loggingConfiguration"]["includeExecutionData"] is True
    (destination,) = machine["loggingConfiguration"]["destinations"]
    assert "/aws/vendedlogs/states/t" in destination["cloudWatchLogsLogGroup"]["logGroupArn"]

    cloudwatch = client("cloudwatch")
    (math,) = cloudwatch.describe_alarms(AlarmNames=[made["Math"]])["MetricAlarms"]
    assert [metric["Id"] for metric in math["Metrics"]] == ["e", "m"]
    (both,) = cloudwatch.describe_alarms(AlarmNames=[made["Both"]], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert made["Plain"] in both["AlarmRule"]
    assert both["AlarmActions"] == [made["Topic"]]


def test_the_block_of_public_access_of_the_account(client: Client, deploy: Deploy, name: str) -> None:
    deploy({"Block": resource("AWS::S3::AccountPublicAccessBlock", BlockPublicAcls=True)})
    control = client("s3control")
    assert control.get_public_access_block(AccountId=ACCOUNT_ID)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    client("cloudformation").delete_stack(StackName=name)
    assert until_ended(client, name) == "DELETE_COMPLETE"
    with pytest.raises(control.exceptions.NoSuchPublicAccessBlockConfiguration):
        control.get_public_access_block(AccountId=ACCOUNT_ID)
