"""Requests are authorized under the action names and condition keys of the Service Authorization Reference."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from botocore.serialize import create_serializer
from harness import Client, document, make_function
from local_aws import ACCOUNT_ID, REGION, LocalAws

DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "403",
}
RESTRICTED = Callable[..., Client]
FUNCTION = "authorized-function"
BUCKET = "authorized-bucket"
CONFIGURED = "authorized-configured-bucket"
ACCESS_POINT = "authorized-access-point"


@contextmanager
def denied() -> Iterator[None]:
    """The block must be refused for want of a permission, and for nothing else."""
    with pytest.raises(ClientError) as error:
        yield
    assert error.value.response["Error"]["Code"] in DENIED, error.value


@pytest.fixture(scope="module", autouse=True)
def resources(client: Client) -> None:
    """What the permitted calls read."""
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.create_bucket(Bucket=CONFIGURED, ObjectLockEnabledForBucket=True)
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}}
    s3.put_bucket_lifecycle_configuration(
        Bucket=CONFIGURED, LifecycleConfiguration={"Rules": [{**rule, "Expiration": {"Days": 1}}]}
    )
    replica = {
        **rule,
        "Priority": 1,
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": "arn:aws:s3:::replica"},
    }
    s3.put_bucket_replication(
        Bucket=CONFIGURED,
        ReplicationConfiguration={"Role": f"arn:aws:iam::{ACCOUNT_ID}:role/replication", "Rules": [replica]},
    )
    client("s3control").create_access_point(AccountId=ACCOUNT_ID, Name=ACCESS_POINT, Bucket=BUCKET)
    make_function(client, FUNCTION, "def handler(event, context): return event")
    client("lambda").add_permission(
        FunctionName=FUNCTION,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )


FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{FUNCTION}"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"

# The action a call needs: Service Authorization Reference, "Actions defined by …".
CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("lambda", "list_functions", {}, "lambda:ListFunctions"),
    ("lambda", "get_function", {"FunctionName": FUNCTION}, "lambda:GetFunction"),
    (
        "lambda",
        "get_function_configuration",
        {"FunctionName": FUNCTION},
        "lambda:GetFunctionConfiguration",
    ),
    (
        "lambda",
        "get_function_concurrency",
        {"FunctionName": FUNCTION},
        "lambda:GetFunctionConcurrency",
    ),
    ("lambda", "get_policy", {"FunctionName": FUNCTION}, "lambda:GetPolicy"),
    ("lambda", "list_tags", {"Resource": FUNCTION_ARN}, "lambda:ListTags"),
    (
        "lambda",
        "list_function_url_configs",
        {"FunctionName": FUNCTION},
        "lambda:ListFunctionUrlConfigs",
    ),
    ("lambda", "list_aliases", {"FunctionName": FUNCTION}, "lambda:ListAliases"),
    (
        "lambda",
        "list_versions_by_function",
        {"FunctionName": FUNCTION},
        "lambda:ListVersionsByFunction",
    ),
    ("lambda", "get_account_settings", {}, "lambda:GetAccountSettings"),
    ("lambda", "list_event_source_mappings", {}, "lambda:ListEventSourceMappings"),
    (
        "lambda",
        "put_function_concurrency",
        {"FunctionName": FUNCTION, "ReservedConcurrentExecutions": 5},
        "lambda:PutFunctionConcurrency",
    ),
    (
        "lambda",
        "delete_function_concurrency",
        {"FunctionName": FUNCTION},
        "lambda:DeleteFunctionConcurrency",
    ),
    ("lambda", "invoke", {"FunctionName": FUNCTION}, "lambda:InvokeFunction"),
    ("s3", "list_buckets", {}, "s3:ListAllMyBuckets"),
    ("s3", "head_bucket", {"Bucket": BUCKET}, "s3:ListBucket"),
    ("s3", "get_bucket_location", {"Bucket": BUCKET}, "s3:GetBucketLocation"),
    (
        "s3",
        "get_bucket_encryption",
        {"Bucket": BUCKET},
        "s3:GetEncryptionConfiguration",
    ),
    ("s3", "get_bucket_versioning", {"Bucket": BUCKET}, "s3:GetBucketVersioning"),
    ("s3", "get_bucket_acl", {"Bucket": BUCKET}, "s3:GetBucketAcl"),
    ("s3", "get_bucket_logging", {"Bucket": BUCKET}, "s3:GetBucketLogging"),
    ("s3", "get_bucket_tagging", {"Bucket": BUCKET}, "s3:GetBucketTagging"),
    ("s3", "get_bucket_notification_configuration", {"Bucket": BUCKET}, "s3:GetBucketNotification"),
    ("s3", "get_bucket_lifecycle_configuration", {"Bucket": CONFIGURED}, "s3:GetLifecycleConfiguration"),
    ("s3", "get_bucket_replication", {"Bucket": CONFIGURED}, "s3:GetReplicationConfiguration"),
    ("s3", "get_object_lock_configuration", {"Bucket": CONFIGURED}, "s3:GetBucketObjectLockConfiguration"),
    ("s3control", "list_access_points", {"AccountId": ACCOUNT_ID}, "s3:ListAccessPoints"),
    ("s3control", "get_access_point", {"AccountId": ACCOUNT_ID, "Name": ACCESS_POINT}, "s3:GetAccessPoint"),
    (
        "s3",
        "get_bucket_ownership_controls",
        {"Bucket": BUCKET},
        "s3:GetBucketOwnershipControls",
    ),
    ("s3", "list_object_versions", {"Bucket": BUCKET}, "s3:ListBucketVersions"),
    (
        "s3",
        "list_multipart_uploads",
        {"Bucket": BUCKET},
        "s3:ListBucketMultipartUploads",
    ),
    ("s3", "put_object", {"Bucket": BUCKET, "Key": "k"}, "s3:PutObject"),
    ("s3", "get_object", {"Bucket": BUCKET, "Key": "k"}, "s3:GetObject"),
    ("s3", "delete_object", {"Bucket": BUCKET, "Key": "k"}, "s3:DeleteObject"),
    (
        "s3",
        "put_public_access_block",
        {
            "Bucket": BUCKET,
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        },
        "s3:PutBucketPublicAccessBlock",
    ),
    (
        "s3",
        "get_public_access_block",
        {"Bucket": BUCKET},
        "s3:GetBucketPublicAccessBlock",
    ),
    (
        "s3",
        "put_bucket_policy",
        {
            "Bucket": BUCKET,
            "Policy": document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "logging.s3.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": f"{BUCKET_ARN}/*",
                }
            ),
        },
        "s3:PutBucketPolicy",
    ),
    ("s3", "get_bucket_policy", {"Bucket": BUCKET}, "s3:GetBucketPolicy"),
    ("s3", "get_bucket_request_payment", {"Bucket": BUCKET}, "s3:GetBucketRequestPayment"),
    ("s3", "get_bucket_policy_status", {"Bucket": BUCKET}, "s3:GetBucketPolicyStatus"),
    (
        "s3",
        "put_bucket_encryption",
        {
            "Bucket": BUCKET,
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        },
        "s3:PutEncryptionConfiguration",
    ),
    ("s3", "delete_bucket_encryption", {"Bucket": BUCKET}, "s3:PutEncryptionConfiguration"),
    (
        "s3control",
        "put_public_access_block",
        {
            "AccountId": ACCOUNT_ID,
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        },
        "s3:PutAccountPublicAccessBlock",
    ),
    (
        "s3control",
        "get_public_access_block",
        {"AccountId": ACCOUNT_ID},
        "s3:GetAccountPublicAccessBlock",
    ),
    (
        "s3control",
        "delete_public_access_block",
        {"AccountId": ACCOUNT_ID},
        "s3:PutAccountPublicAccessBlock",
    ),
    ("ec2", "describe_vpcs", {}, "ec2:DescribeVpcs"),
    ("ec2", "describe_security_groups", {}, "ec2:DescribeSecurityGroups"),
    ("ec2", "describe_flow_logs", {}, "ec2:DescribeFlowLogs"),
    ("ec2", "describe_network_acls", {}, "ec2:DescribeNetworkAcls"),
    ("ec2", "describe_subnets", {}, "ec2:DescribeSubnets"),
    ("ec2", "describe_vpc_endpoints", {}, "ec2:DescribeVpcEndpoints"),
    ("ec2", "describe_vpc_endpoint_services", {}, "ec2:DescribeVpcEndpointServices"),
    ("ec2", "describe_network_interfaces", {}, "ec2:DescribeNetworkInterfaces"),
    ("ec2", "describe_route_tables", {}, "ec2:DescribeRouteTables"),
    ("ec2", "describe_vpc_peering_connections", {}, "ec2:DescribeVpcPeeringConnections"),
    ("ec2", "describe_addresses", {}, "ec2:DescribeAddresses"),
    ("ec2", "describe_client_vpn_endpoints", {}, "ec2:DescribeClientVpnEndpoints"),
    (
        "ec2",
        "describe_launch_template_versions",
        {"Versions": ["$Default"]},
        "ec2:DescribeLaunchTemplateVersions",
    ),
    ("ec2", "describe_transit_gateways", {}, "ec2:DescribeTransitGateways"),
    ("ec2", "describe_vpn_connections", {}, "ec2:DescribeVpnConnections"),
    ("ec2", "describe_vpc_block_public_access_options", {}, "ec2:DescribeVpcBlockPublicAccessOptions"),
    (
        "ec2",
        "describe_vpc_endpoint_service_configurations",
        {},
        "ec2:DescribeVpcEndpointServiceConfigurations",
    ),
    ("kms", "create_key", {}, "kms:CreateKey"),
    ("kms", "describe_key", {"KeyId": "alias/aws/s3"}, "kms:DescribeKey"),
    ("kms", "list_aliases", {}, "kms:ListAliases"),
    ("kms", "list_keys", {}, "kms:ListKeys"),
    ("sns", "list_topics", {}, "sns:ListTopics"),
    ("sts", "get_caller_identity", {}, "sts:GetCallerIdentity"),
    (
        "cloudwatch",
        "put_metric_data",
        {"Namespace": "N", "MetricData": [{"MetricName": "m", "Value": 1}]},
        "cloudwatch:PutMetricData",
    ),
]


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "action"),
    CALLS,
    ids=[f"{service}-{operation}" for service, operation, _, _ in CALLS],
)
def test_a_call_needs_the_action_that_aws_documents(
    restricted: RESTRICTED,
    service: str,
    operation: str,
    arguments: dict[str, Any],
    action: str,
) -> None:
    permitted = restricted({"Effect": "Allow", "Action": action, "Resource": "*"})
    getattr(permitted(service), operation)(**arguments)

    if action != "sts:GetCallerIdentity":
        others = restricted(
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": action, "Resource": "*"},
        )
        with denied():
            getattr(others(service), operation)(**arguments)


def test_an_explicit_deny_of_one_bucket_denies_its_reads_only(
    restricted: RESTRICTED, client: Client, name: str
) -> None:
    client("s3").create_bucket(Bucket=name)
    s3 = restricted(
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": f"arn:aws:s3:::{name}"},
    )("s3")

    with denied():
        s3.get_bucket_encryption(Bucket=name)
    with denied():
        s3.get_bucket_versioning(Bucket=name)
    s3.get_bucket_encryption(Bucket=BUCKET)


def test_requests_count_as_encrypted_in_transit(restricted: RESTRICTED, client: Client, name: str) -> None:
    client("s3").create_bucket(Bucket=name)
    only_tls = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    client("s3").put_bucket_policy(
        Bucket=name,
        Policy=document(
            only_tls
            | {
                "Principal": "*",
                "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
            }
        ),
    )
    s3 = restricted({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, only_tls)("s3")

    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"x"


def test_the_namespace_of_metrics_is_a_condition_key(restricted: RESTRICTED) -> None:
    cloudwatch = restricted(
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": "Ours"}},
        }
    )("cloudwatch")
    data = [{"MetricName": "m", "Value": 1.0}]

    cloudwatch.put_metric_data(Namespace="Ours", MetricData=data)
    with denied():
        cloudwatch.put_metric_data(Namespace="Theirs", MetricData=data)


def test_a_call_in_cbor_needs_the_action_too(aws: LocalAws, restricted: RESTRICTED) -> None:
    """The AWS SDK for Rust calls Amazon CloudWatch so; boto3 does not."""
    ours = {
        "Effect": "Allow",
        "Action": "cloudwatch:PutMetricData",
        "Resource": "*",
        "Condition": {"StringEquals": {"cloudwatch:namespace": "Ours"}},
    }
    cloudwatch = restricted(ours)("cloudwatch")

    assert put_metric_in_cbor(aws, cloudwatch, "Ours") == 200
    assert put_metric_in_cbor(aws, cloudwatch, "Theirs") == 403


def put_metric_in_cbor(aws: LocalAws, cloudwatch: Any, namespace: str) -> int:
    """Put one metric in smithy-rpc-v2-cbor, with the credentials of a client; gives the answer's status."""
    operation = cloudwatch.meta.service_model.operation_model("PutMetricData")
    parameters = {"Namespace": namespace, "MetricData": [{"MetricName": "m", "Value": 1.0}]}
    written = create_serializer("smithy-rpc-v2-cbor").serialize_to_request(parameters, operation)
    request = AWSRequest("POST", aws.endpoint + written["url_path"], written["headers"], written["body"])
    SigV4Auth(cloudwatch._request_signer._credentials, "monitoring", REGION).add_auth(request)
    return int(URLLib3Session().send(request.prepare()).status_code)


def test_a_version_is_deleted_under_its_own_action(restricted: RESTRICTED, client: Client, name: str) -> None:
    admin = client("s3")
    admin.create_bucket(Bucket=name)
    admin.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    version = admin.put_object(Bucket=name, Key="k", Body=b"x")["VersionId"]
    objects = {"Objects": [{"Key": "k", "VersionId": version}]}
    arn = f"arn:aws:s3:::{name}/*"

    without = restricted({"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": arn})("s3")
    with denied():
        without.delete_object(Bucket=name, Key="k", VersionId=version)
    with denied():
        without.delete_objects(Bucket=name, Delete=objects)

    allowed = restricted({"Effect": "Allow", "Action": "s3:DeleteObjectVersion", "Resource": arn})
    assert "Errors" not in allowed("s3").delete_objects(Bucket=name, Delete=objects)
    assert "Versions" not in admin.list_object_versions(Bucket=name)


def test_an_upload_is_aborted_under_its_own_action(restricted: RESTRICTED, client: Client, name: str) -> None:
    admin = client("s3")
    admin.create_bucket(Bucket=name)
    upload = admin.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
    arn = f"arn:aws:s3:::{name}/*"

    with denied():
        restricted({"Effect": "Allow", "Action": "s3:PutObject", "Resource": arn})("s3").abort_multipart_upload(
            Bucket=name, Key="k", UploadId=upload
        )
    restricted({"Effect": "Allow", "Action": "s3:AbortMultipartUpload", "Resource": arn})("s3").abort_multipart_upload(
        Bucket=name, Key="k", UploadId=upload
    )


def test_a_missing_object_is_forbidden_to_those_who_may_not_list(
    restricted: RESTRICTED, client: Client, name: str
) -> None:
    client("s3").create_bucket(Bucket=name)
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{name}"}

    with denied():
        restricted(reading)("s3").get_object(Bucket=name, Key="missing")
    with pytest.raises(ClientError) as error:
        restricted(reading, listing)("s3").get_object(Bucket=name, Key="missing")
    assert error.value.response["Error"]["Code"] == "NoSuchKey"


def test_the_tags_of_a_function_are_for_those_who_may_list_them(restricted: RESTRICTED, client: Client) -> None:
    client("lambda").tag_resource(Resource=FUNCTION_ARN, Tags={"Owner": "payments"})
    reading = {"Effect": "Allow", "Action": "lambda:GetFunction", "Resource": FUNCTION_ARN}
    listing = {"Effect": "Allow", "Action": "lambda:ListTags", "Resource": FUNCTION_ARN}

    without = restricted(reading)("lambda").get_function(FunctionName=FUNCTION)
    assert "Tags" not in without
    assert without["TagsError"]["ErrorCode"] == "AccessDeniedException"
    assert "lambda:ListTags" in without["TagsError"]["Message"]
    assert restricted(reading, listing)("lambda").get_function(FunctionName=FUNCTION)["Tags"] == {"Owner": "payments"}


def test_the_entries_of_a_prefix_list_are_read_on_its_arn(restricted: RESTRICTED, client: Client, name: str) -> None:
    ec2 = client("ec2")
    made = ec2.create_managed_prefix_list(
        PrefixListName=name, MaxEntries=1, AddressFamily="IPv4", Entries=[{"Cidr": "192.0.2.0/24"}]
    )
    prefix_list = made["PrefixList"]["PrefixListId"]
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}:prefix-list"

    def entries(resource: str) -> Any:
        reading = {"Effect": "Allow", "Action": "ec2:GetManagedPrefixListEntries", "Resource": resource}
        return restricted(reading)("ec2").get_managed_prefix_list_entries(PrefixListId=prefix_list)["Entries"]

    assert [entry["Cidr"] for entry in entries(f"{arn}/{prefix_list}")] == ["192.0.2.0/24"]
    with denied():
        entries(f"{arn}/pl-0123456789abcdef0")


def test_access_points_are_read_on_no_resource(restricted: RESTRICTED) -> None:
    """The Service Authorization Reference has no resource for these two: a policy must name all of them."""
    actions = ["s3:ListAccessPoints", "s3:GetAccessPoint"]
    access_points = f"arn:aws:s3:{REGION}:{ACCOUNT_ID}:accesspoint/*"
    control = restricted({"Effect": "Allow", "Action": actions, "Resource": access_points})("s3control")
    with denied():
        control.list_access_points(AccountId=ACCOUNT_ID)
    with denied():
        control.get_access_point(AccountId=ACCOUNT_ID, Name=ACCESS_POINT)


def test_a_refusal_of_s3_control_is_wrapped_like_its_other_errors(restricted: RESTRICTED) -> None:
    """https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html#operation-error-serialization

    boto3 understands an error that is not wrapped, and the AWS SDK for Rust does not.
    """
    control = restricted({"Effect": "Allow", "Action": "s3:GetBucketAcl", "Resource": "*"})("s3control")
    bodies: list[bytes] = []
    control.meta.events.register("before-parse", lambda response_dict, **_: bodies.append(response_dict["body"]))
    with denied():
        control.list_access_points(AccountId=ACCOUNT_ID)
    with denied():
        control.get_public_access_block(AccountId=ACCOUNT_ID)
    errors = [ET.fromstring(body) for body in bodies]
    assert [(error.tag, error.findtext("Error/Code")) for error in errors] == [("ErrorResponse", "AccessDenied")] * 2


def test_of_the_descriptions_only_the_permissions_of_a_service_have_a_resource(
    restricted: RESTRICTED, client: Client, name: str
) -> None:
    (default,) = client("ec2").describe_subnets(MaxResults=5)["Subnets"][:1]
    balancer = client("elbv2").create_load_balancer(Name=name, Type="network", Subnets=[default["SubnetId"]])
    made = client("ec2").create_vpc_endpoint_service_configuration(
        NetworkLoadBalancerArns=[balancer["LoadBalancers"][0]["LoadBalancerArn"]]
    )
    service = made["ServiceConfiguration"]["ServiceId"]
    arns = f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}"
    action = "ec2:DescribeVpcEndpointServicePermissions"
    ours = {"Effect": "Allow", "Action": action, "Resource": f"{arns}:vpc-endpoint-service/{service}"}
    restricted(ours)("ec2").describe_vpc_endpoint_service_permissions(ServiceId=service)
    theirs = {"Effect": "Allow", "Action": action, "Resource": f"{arns}:vpc-endpoint-service/vpce-svc-1"}
    with denied():
        restricted(theirs)("ec2").describe_vpc_endpoint_service_permissions(ServiceId=service)

    groups = {"Effect": "Allow", "Action": "ec2:DescribeSecurityGroups", "Resource": f"{arns}:security-group/*"}
    (group,) = client("ec2").describe_security_groups(MaxResults=5)["SecurityGroups"][:1]
    with denied():
        restricted(groups)("ec2").describe_security_groups(GroupIds=[group["GroupId"]])


def test_a_rule_keeps_the_prefix_list_that_it_names(client: Client, name: str) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": "pl-63a5400a"}]}

    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    [shown] = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert [permission["PrefixListIds"] for permission in shown["IpPermissions"]] == [rule["PrefixListIds"]]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
    [shown] = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert shown["IpPermissions"] == []


# --- Keys -----------------------------------------------------------------------------------------------------------

ALL_OF_S3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


def encrypted_bucket(client: Client, name: str, *, bucket_key: bool) -> str:
    """Make a bucket with a key of its own; gives the key's ARN."""
    key: str = client("kms").create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}
    client("s3").create_bucket(Bucket=name)
    client("s3").put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return key


def using(key: str, *actions: str, via: str = "s3", **context: str) -> dict[str, Any]:
    """Allow actions on a key through a service, in an encryption context."""
    pairs = {f"kms:EncryptionContext:{name.replace('_', ':')}": value for name, value in context.items()}
    condition = {"StringEquals": {"kms:ViaService": f"{via}.{REGION}.amazonaws.com", **pairs}}
    return {"Effect": "Allow", "Action": list(actions), "Resource": key, "Condition": condition}


def test_an_encrypted_object_is_written_and_read_with_its_key(
    restricted: RESTRICTED, client: Client, name: str
) -> None:
    key = encrypted_bucket(client, name, bucket_key=True)
    writing = restricted(ALL_OF_S3, using(key, "kms:GenerateDataKey"))("s3")
    reading = restricted(ALL_OF_S3, using(key, "kms:Decrypt"))("s3")

    with denied():
        reading.put_object(Bucket=name, Key="k", Body=b"x")
    writing.put_object(Bucket=name, Key="k", Body=b"x")
    with denied():
        writing.get_object(Bucket=name, Key="k")
    assert reading.get_object(Bucket=name, Key="k")["Body"].read() == b"x"


def test_an_encrypted_object_is_written_in_parts_with_both_permissions(
    restricted: RESTRICTED, client: Client, name: str
) -> None:
    key = encrypted_bucket(client, name, bucket_key=True)
    beginning = restricted(ALL_OF_S3, using(key, "kms:GenerateDataKey"))("s3")
    both = restricted(ALL_OF_S3, using(key, "kms:GenerateDataKey", "kms:Decrypt"))("s3")

    with denied():
        restricted(ALL_OF_S3, using(key, "kms:Decrypt"))("s3").create_multipart_upload(Bucket=name, Key="k")
    part = {"Bucket": name, "Key": "k", "UploadId": beginning.create_multipart_upload(Bucket=name, Key="k")["UploadId"]}
    with denied():
        beginning.upload_part(**part, PartNumber=1, Body=b"x")
    etag = both.upload_part(**part, PartNumber=1, Body=b"x")["ETag"]
    both.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})


@pytest.mark.parametrize(("bucket_key", "context"), [(True, ""), (False, "/k")])
def test_the_encryption_context_is_the_bucket_where_it_has_a_key_and_else_the_object(
    restricted: RESTRICTED, client: Client, name: str, bucket_key: bool, context: str
) -> None:
    key = encrypted_bucket(client, name, bucket_key=bucket_key)
    arns = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/k"]
    right = f"arn:aws:s3:::{name}{context}"
    for arn in arns:
        s3 = restricted(ALL_OF_S3, using(key, "kms:GenerateDataKey", aws_s3_arn=arn))("s3")
        if arn == right:
            s3.put_object(Bucket=name, Key="k")
        else:
            with denied():
                s3.put_object(Bucket=name, Key="k")


def test_publishing_to_an_encrypted_topic_needs_its_key(restricted: RESTRICTED, client: Client, name: str) -> None:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    topic = client("sns").create_topic(Name=name, Attributes={"KmsMasterKeyId": key})["TopicArn"]
    publishing = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    both = ("kms:GenerateDataKey", "kms:Decrypt")

    for actions, of in [(both[:1], topic), (both[1:], topic), (both, f"{topic}-other")]:
        allowed = using(key, *actions, via="sns", aws_sns_topicArn=of)
        with pytest.raises(ClientError) as error:
            restricted(publishing, allowed)("sns").publish(TopicArn=topic, Message="m")
        assert error.value.response["Error"]["Code"] == "KMSAccessDenied"
    allowed = using(key, *both, via="sns", aws_sns_topicArn=topic)
    restricted(publishing, allowed)("sns").publish(TopicArn=topic, Message="m")


def test_a_function_needs_the_key_of_its_environment(client: Client, name: str) -> None:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    source = "def handler(event, context): return event"
    make_function(client, name, source, KMSKeyArn=key, Environment={"Variables": {"A": "b"}})

    with pytest.raises(ClientError) as error:
        client("lambda").invoke(FunctionName=name)
    assert error.value.response["Error"]["Code"] == "KMSAccessDeniedException"
    decrypting = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}
    policy = client("iam").create_policy(PolicyName=name, PolicyDocument=document(decrypting))["Policy"]["Arn"]
    client("iam").attach_role_policy(RoleName=f"{name}-function", PolicyArn=policy)
    assert client("lambda").invoke(FunctionName=name)["StatusCode"] == 200


# Each with a request that it admits and one that it does not: conditions-kms.html, "Conditions for an API operation
# request"; the parameters' defaults: API_CreateKey.html.
KINDS_OF_KEYS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("kms:KeySpec", "SYMMETRIC_DEFAULT", {}, {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}),
    ("kms:KeyUsage", "ENCRYPT_DECRYPT", {}, {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}),
    ("kms:KeyOrigin", "AWS_KMS", {}, {"Origin": "EXTERNAL"}),
    ("kms:MultiRegion", "false", {}, {"MultiRegion": True}),
    ("kms:BypassPolicyLockoutSafetyCheck", "false", {}, {"BypassPolicyLockoutSafetyCheck": True}),
]


@pytest.mark.parametrize(("key", "value", "admitted", "refused"), KINDS_OF_KEYS, ids=[row[0] for row in KINDS_OF_KEYS])
def test_the_kind_of_a_new_key_is_a_condition(
    restricted: RESTRICTED, key: str, value: str, admitted: dict[str, Any], refused: dict[str, Any]
) -> None:
    condition = {"StringEquals": {key: value}}
    kms = restricted({"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*", "Condition": condition})("kms")
    kms.create_key(**admitted)
    with denied():
        kms.create_key(**refused)


def test_the_principal_of_a_session_is_its_role(restricted: RESTRICTED) -> None:
    """condition-keys-principalarn: for roles "the request context returns the ARN of the role"."""

    def where_the_principal_is(pattern: str) -> Any:
        condition = {"ArnLike": {"aws:PrincipalArn": pattern}}
        listing = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*", "Condition": condition}
        return restricted(listing)("s3")

    where_the_principal_is(f"arn:aws:iam::{ACCOUNT_ID}:role/role-*").list_buckets()
    with denied():
        where_the_principal_is(f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/*").list_buckets()


def test_what_is_signed_and_how_is_a_condition(client: Client, restricted: RESTRICTED) -> None:
    """conditions-kms.html#conditions-kms-message-type and #conditions-kms-signing-algorithm"""
    key = client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    condition = {"StringEquals": {"kms:MessageType": "DIGEST", "kms:SigningAlgorithm": "ECDSA_SHA_256"}}
    kms = restricted({"Effect": "Allow", "Action": "kms:Sign", "Resource": key, "Condition": condition})("kms")
    signing = {"KeyId": key, "Message": bytes(32), "SigningAlgorithm": "ECDSA_SHA_256"}
    kms.sign(**signing, MessageType="DIGEST")
    for other in ({}, {"MessageType": "RAW"}, {"MessageType": "DIGEST", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}):
        with denied():
            kms.sign(**signing | other)


def test_the_tags_of_a_new_key_are_a_permission_and_a_condition(restricted: RESTRICTED) -> None:
    making = {"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*"}
    tagging = {
        "Effect": "Allow",
        "Action": "kms:TagResource",
        "Resource": f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/*",
        "Condition": {
            "Null": {"aws:RequestTag/bucket": "false"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["bucket", "Owner"]},
        },
    }

    def make(*keys: str, of: Any) -> None:
        of.create_key(Tags=[{"TagKey": key, "TagValue": "v"} for key in keys])

    with denied():
        make("bucket", of=restricted(making)("kms"))
    both = restricted(making, tagging)("kms")
    make("bucket", "Owner", of=both)
    for others in (["Owner"], ["bucket", "Team"]):
        with denied():
            make(*others, of=both)


@pytest.mark.parametrize(
    ("operation", "arguments", "action"),
    [
        ("describe_key", {}, "kms:DescribeKey"),
        ("list_resource_tags", {}, "kms:ListResourceTags"),
        ("generate_data_key_without_plaintext", {"KeySpec": "AES_256"}, "kms:GenerateDataKeyWithoutPlaintext"),
    ],
)
def test_the_tags_of_a_key_are_a_condition(
    restricted: RESTRICTED, client: Client, operation: str, arguments: dict[str, Any], action: str
) -> None:
    tagged = client("kms").create_key(Tags=[{"TagKey": "bucket", "TagValue": "b"}])["KeyMetadata"]["Arn"]
    plain = client("kms").create_key()["KeyMetadata"]["Arn"]
    condition = {"Null": {"aws:ResourceTag/bucket": "false"}}
    kms = restricted({"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition})("kms")
    getattr(kms, operation)(KeyId=tagged, **arguments)
    with denied():
        getattr(kms, operation)(KeyId=plain, **arguments)


@pytest.mark.parametrize(
    ("condition", "admitted", "refused"),
    [
        (
            {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::b"}},
            [{"aws:s3:arn": "arn:aws:s3:::b"}, {"aws:s3:arn": "arn:aws:s3:::b", "more": "x"}],
            [{"aws:s3:arn": "arn:aws:s3:::c"}, {"other": "arn:aws:s3:::b"}, {}],
        ),
        (
            {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::*"}},
            [{"aws:s3:arn": "arn:aws:s3:::b"}],
            [{"aws:s3:arn": "b"}, {}],
        ),
        (
            {
                "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["aws:s3:arn"]},
                "Null": {"kms:EncryptionContextKeys": "false"},
            },
            [{"aws:s3:arn": "arn:aws:s3:::b"}],
            [{"aws:s3:arn": "arn:aws:s3:::b", "more": "x"}, {}],
        ),
    ],
    ids=["one pair", "a pattern", "the names"],
)
def test_the_encryption_context_of_a_data_key_is_a_condition(
    restricted: RESTRICTED,
    client: Client,
    condition: dict[str, Any],
    admitted: list[dict[str, str]],
    refused: list[dict[str, str]],
) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context"""
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    action = "kms:GenerateDataKeyWithoutPlaintext"
    kms = restricted({"Effect": "Allow", "Action": action, "Resource": key, "Condition": condition})("kms")

    def make(context: dict[str, str], key_id: str = key) -> None:
        kms.generate_data_key_without_plaintext(KeyId=key_id, KeySpec="AES_256", EncryptionContext=context)

    for context in admitted:
        make(context)
    for context in refused:
        with denied():
            make(context)
    with denied():
        make(admitted[0], client("kms").create_key()["KeyMetadata"]["Arn"])


def test_an_alias_needs_the_permission_on_itself_too(restricted: RESTRICTED, client: Client, name: str) -> None:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    aliases = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:alias/{name}-*"
    kms = restricted({"Effect": "Allow", "Action": "kms:CreateAlias", "Resource": [key, aliases]})("kms")
    kms.create_alias(AliasName=f"alias/{name}-ours", TargetKeyId=key)
    with denied():
        kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)


def test_an_alias_needs_the_permission_on_the_key_that_it_names(
    restricted: RESTRICTED, client: Client, name: str
) -> None:
    named, other = (client("kms").create_key()["KeyMetadata"] for _ in range(2))
    kms = restricted(
        {"Effect": "Allow", "Action": "kms:CreateAlias", "Resource": [named["Arn"], "arn:aws:kms:*:*:alias/*"]}
    )("kms")
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=named["Arn"])
    with denied():
        kms.create_alias(AliasName=f"alias/{name}-other", TargetKeyId=other["Arn"])


def test_the_aliases_of_a_key_are_listed_on_no_resource(restricted: RESTRICTED, client: Client) -> None:
    """The Service Authorization Reference has no resource for ListAliases: a policy must name all of them."""
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    restricted({"Effect": "Allow", "Action": "kms:ListAliases", "Resource": "*"})("kms").list_aliases(KeyId=key)
    with denied():
        restricted({"Effect": "Allow", "Action": "kms:ListAliases", "Resource": key})("kms").list_aliases(KeyId=key)


def test_a_key_that_is_named_by_an_alias_needs_the_permission_on_itself(
    restricted: RESTRICTED, client: Client, name: str
) -> None:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    alias = f"alias/{name}"
    client("kms").create_alias(AliasName=alias, TargetKeyId=key)

    def describe(resource: str, key_id: str) -> str:
        kms = restricted({"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": resource})("kms")
        return str(kms.describe_key(KeyId=key_id)["KeyMetadata"]["Arn"])

    alias_arn = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:{alias}"
    for named in (alias, alias_arn):
        assert describe(key, named) == key
    with denied():
        describe(alias_arn, alias)
