"""Requests are authorized under the action names and condition keys of the Service Authorization Reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from harness import Client, document, make_function
from local_aws import ACCOUNT_ID, REGION

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
    ("ec2", "describe_network_interfaces", {}, "ec2:DescribeNetworkInterfaces"),
    ("ec2", "describe_route_tables", {}, "ec2:DescribeRouteTables"),
    ("kms", "create_key", {}, "kms:CreateKey"),
    ("kms", "list_aliases", {}, "kms:ListAliases"),
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
