"""S3: public policies, conditional writes, uploads in parts with checksums."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from botocore.exceptions import ClientError
from harness import Client, document
from local_aws import ACCOUNT_ID

# "The meaning of public": a policy is public unless it grants only to fixed values of these.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
POLICIES: list[tuple[str, dict[str, Any], bool]] = [
    ("everyone", {"Principal": "*"}, True),
    ("everyone, spelled out", {"Principal": {"AWS": "*"}}, True),
    (
        "another account",
        {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
        False,
    ),
    ("a service", {"Principal": {"Service": "logging.s3.amazonaws.com"}}, False),
    (
        "a fixed VPC endpoint",
        {
            "Principal": "*",
            "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}},
        },
        False,
    ),
    (
        "a fixed VPC",
        {
            "Principal": "*",
            "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-91237329"}},
        },
        False,
    ),
    (
        "VPCs by a pattern",
        {"Principal": "*", "Condition": {"StringLike": {"aws:SourceVpc": "vpc-*"}}},
        True,
    ),
    (
        "a fixed network",
        {
            "Principal": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        },
        False,
    ),
    (
        "half of the internet",
        {"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}},
        True,
    ),
    (
        "all but one network",
        {
            "Principal": "*",
            "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        },
        True,
    ),
    (
        "an organization",
        {
            "Principal": "*",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcd1234ef"}},
        },
        False,
    ),
    (
        "a fixed source account",
        {
            "Principal": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},
        },
        False,
    ),
    (
        "a fixed source ARN",
        {
            "Principal": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:a:1:b"}},
        },
        False,
    ),
    (
        "a condition that restricts nobody",
        {"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        True,
    ),
    ("a denial", {"Principal": "*", "Effect": "Deny"}, False),
]


@pytest.fixture
def bucket(client: Client, name: str) -> str:
    client("s3").create_bucket(Bucket=name)
    return name


@pytest.mark.parametrize(
    ("statement", "public"),
    [(statement, public) for _, statement, public in POLICIES],
    ids=[what for what, _, _ in POLICIES],
)
def test_whether_a_policy_is_public(client: Client, bucket: str, statement: dict[str, Any], public: bool) -> None:
    s3 = client("s3")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=document(
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
            | statement
        ),
    )

    status = s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]
    assert status["IsPublic"] is public


def test_a_public_policy_is_refused_where_the_account_blocks_it(client: Client, bucket: str) -> None:
    s3, control = client("s3"), client("s3control")
    s3.delete_public_access_block(Bucket=bucket)
    control.put_public_access_block(AccountId=ACCOUNT_ID, PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    try:
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_bucket_policy(
                Bucket=bucket,
                Policy=document(
                    {
                        "Effect": "Allow",
                        "Principal": "*",
                        "Action": "s3:GetObject",
                        "Resource": f"arn:aws:s3:::{bucket}/*",
                    }
                ),
            )
    finally:
        control.delete_public_access_block(AccountId=ACCOUNT_ID)


def test_readings_that_are_absent_have_the_documented_errors(client: Client, bucket: str) -> None:
    s3 = client("s3")
    s3.delete_public_access_block(Bucket=bucket)
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    absent = {
        "get_bucket_policy": "NoSuchBucketPolicy",
        "get_bucket_policy_status": "NoSuchBucketPolicy",
        "get_bucket_tagging": "NoSuchTagSet",
        "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "get_bucket_website": "NoSuchWebsiteConfiguration",
        "get_bucket_cors": "NoSuchCORSConfiguration",
        "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
        "get_bucket_replication": "ReplicationConfigurationNotFoundError",
        "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
    }
    for operation, code in absent.items():
        with pytest.raises(ClientError) as error:
            getattr(s3, operation)(Bucket=bucket)
        assert error.value.response["Error"]["Code"] == code, operation
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    notifications = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert set(notifications) == {"ResponseMetadata"}
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


def test_a_new_bucket_is_private_and_encrypted(client: Client, bucket: str) -> None:
    """The defaults since 2023, and since April 2026.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html,
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html
    """
    s3 = client("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert rule["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_blocked_encryption_types_stay_until_they_are_named_again(client: Client, bucket: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html"""
    s3 = client("s3")

    def put(**more: Any) -> dict[str, Any]:
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, **more}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
        (found,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert found["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms"}
        assert isinstance(found, dict)
        return found

    assert put()["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    unblocked = {"EncryptionType": ["NONE"]}
    assert put(BlockedEncryptionTypes=unblocked)["BlockedEncryptionTypes"] == unblocked
    assert put()["BlockedEncryptionTypes"] == unblocked


def test_deleting_the_encryption_of_a_bucket_puts_back_sse_s3(client: Client, bucket: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html"""
    s3 = client("s3")
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})

    s3.delete_bucket_encryption(Bucket=bucket)
    (found,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert found["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert found["BucketKeyEnabled"] is False


def test_the_log_delivery_group_is_let_in_where_public_lists_are_blocked(client: Client, bucket: str) -> None:
    """Only AllUsers and AuthenticatedUsers make a list public; what the canned list grants is on the second page.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
    """
    s3 = client("s3")
    assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    with pytest.raises(ClientError) as refused:
        s3.put_bucket_acl(Bucket=bucket, ACL="log-delivery-write")
    assert refused.value.response["Error"]["Code"] == "AccessControlListNotSupported"

    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_bucket_acl(Bucket=bucket, ACL="log-delivery-write")
    granted = {
        (grant["Grantee"].get("URI"), grant["Permission"]) for grant in s3.get_bucket_acl(Bucket=bucket)["Grants"]
    }
    group = "http://acs.amazonaws.com/groups/s3/LogDelivery"
    assert {(group, "WRITE"), (group, "READ_ACP")} <= granted


def test_who_pays_for_requests_is_told(client: Client, bucket: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html: by default the owner."""
    s3 = client("s3")
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"


def test_mfa_delete_is_told_once_it_was_configured(client: Client, bucket: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html"""
    s3 = client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert "MFADelete" not in s3.get_bucket_versioning(Bucket=bucket)
    for state in ("Enabled", "Disabled"):
        s3.put_bucket_versioning(
            Bucket=bucket,
            VersioningConfiguration={"Status": "Enabled", "MFADelete": state},
            MFA=f"arn:aws:iam::{ACCOUNT_ID}:mfa/root-account-mfa-device 123456",
        )
        found = s3.get_bucket_versioning(Bucket=bucket)
        assert (found["Status"], found["MFADelete"]) == ("Enabled", state)


def test_access_points_are_listed_in_pages(client: Client, bucket: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListAccessPoints.html"""
    control = client("s3control")
    names = [f"{bucket}-{number}" for number in range(3)]
    off = {
        "BlockPublicAcls": False,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": True,
    }
    for each in names:
        control.create_access_point(AccountId=ACCOUNT_ID, Name=each, Bucket=bucket, PublicAccessBlockConfiguration=off)
    of_bucket = {"AccountId": ACCOUNT_ID, "Bucket": bucket}
    first = control.list_access_points(**of_bucket, MaxResults=2)
    rest = control.list_access_points(**of_bucket, MaxResults=2, NextToken=first["NextToken"])
    assert "NextToken" not in rest
    assert [each["Name"] for each in first["AccessPointList"] + rest["AccessPointList"]] == names

    found = control.get_access_point(AccountId=ACCOUNT_ID, Name=names[0])
    assert found["PublicAccessBlockConfiguration"] == off
    assert (found["Bucket"], found["BucketAccountId"], found["NetworkOrigin"]) == (bucket, ACCOUNT_ID, "Internet")
    with pytest.raises(ClientError) as error:
        control.get_access_point(AccountId=ACCOUNT_ID, Name=f"{bucket}-none")
    assert error.value.response["Error"]["Code"] == "NoSuchAccessPoint"


def test_conditional_writes(client: Client, bucket: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""
    s3 = client("s3")
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"

    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first)
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=first)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="none", Body=b"3", IfMatch=first)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_an_upload_in_parts_with_checksums_and_a_condition(client: Client, bucket: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html"""
    s3 = client("s3")
    bodies = [b"a" * 5 * 1024 * 1024, b"the rest"]
    digests = [hashlib.sha256(body).digest() for body in bodies]

    def upload(**condition: str) -> Any:
        upload_id = s3.create_multipart_upload(
            Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256", ChecksumType="COMPOSITE"
        )["UploadId"]
        parts = []
        for number, (body, digest) in enumerate(zip(bodies, digests, strict=True), start=1):
            checksum = base64.b64encode(digest).decode()
            part = s3.upload_part(
                Bucket=bucket,
                Key="k",
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                ChecksumSHA256=checksum,
            )
            parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": checksum})
        return s3.complete_multipart_upload(
            Bucket=bucket,
            Key="k",
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
            **condition,
        )

    upload(IfNoneMatch="*")
    composite = base64.b64encode(hashlib.sha256(b"".join(digests)).digest()).decode() + "-2"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == composite
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectSize"])
    assert attributes["Checksum"]["ChecksumSHA256"].removesuffix("-2") + "-2" == composite
    assert attributes["ObjectSize"] == sum(map(len, bodies))

    with pytest.raises(ClientError) as refused:
        upload(IfNoneMatch="*")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_a_wrong_checksum_is_refused(client: Client, bucket: str) -> None:
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    with pytest.raises(ClientError, match="BadDigest"):
        client("s3").put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumSHA256=wrong)


def test_without_a_key_sse_kms_takes_the_aws_managed_key(client: Client, name: str) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a", Body=b"a", ServerSideEncryption="aws:kms")
    head = s3.head_object(Bucket=name, Key="a")
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"].endswith("alias/aws/s3")
