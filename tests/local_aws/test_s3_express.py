"""Directory buckets (S3 Express One Zone), as AWS documents them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from harness import Client, Deploy, resource
from local_aws import ACCOUNT_ID, REGION

RULE = {"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}


def create(s3: Any, bucket: str, zone: str = "use1-az4") -> None:
    directory = {"Type": "Directory", "DataRedundancy": "SingleAvailabilityZone"}
    location = {"Type": "AvailabilityZone", "Name": zone}
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"Location": location, "Bucket": directory})


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_directory_buckets_are_listed_in_pages_and_apart_from_general_purpose_buckets(
    client: Client, name: str
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListDirectoryBuckets.html"""
    s3, bucket = client("s3"), f"{name}-general"
    s3.create_bucket(Bucket=bucket)
    names = [f"{name}-{number}--use1-az{zone}--x-s3" for number, zone in ((1, 4), (2, 5), (3, 6))]
    for each in names:
        create(s3, each, each.split("--")[1])
    first = s3.list_directory_buckets(MaxDirectoryBuckets=2)
    rest = s3.list_directory_buckets(MaxDirectoryBuckets=1000, ContinuationToken=first["ContinuationToken"])
    assert "ContinuationToken" not in rest
    assert [len(first["Buckets"]), *(set(each) for each in first["Buckets"])] == [2, *[{"Name", "CreationDate"}] * 2]
    listed = [each["Name"] for each in first["Buckets"] + rest["Buckets"]]
    assert [each for each in listed if each in names] == names
    assert bucket not in listed

    everywhere = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert bucket in everywhere
    assert not set(names) & set(everywhere)
    s3.delete_bucket(Bucket=names[0])
    assert names[0] not in [each["Name"] for each in s3.list_directory_buckets()["Buckets"]]


def test_a_zone_or_a_region_without_s3_express_one_zone_has_no_directory_bucket(client: Client, name: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/endpoint-directory-buckets-AZ.html"""
    s3 = client("s3")
    for bucket, zone in (
        (f"{name}--use1-az1--x-s3", "use1-az1"),
        (f"{name}--euw2-az1--x-s3", "euw2-az1"),
        (f"{name}--use1-az5--x-s3", "use1-az4"),
    ):
        with pytest.raises(ClientError) as error:
            create(s3, bucket, zone)
        assert code(error) == "InvalidRequest", bucket


def test_the_lifecycle_of_a_directory_bucket_expires_and_aborts_only(client: Client, name: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html"""
    s3, bucket = client("s3"), f"{name}--use1-az4--x-s3"
    with pytest.raises(ClientError) as error:
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert code(error) == "NoSuchBucket"
    create(s3, bucket)
    with pytest.raises(ClientError) as error:
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert code(error) == "NoSuchLifecycleConfiguration"
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [RULE]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [RULE]

    moved = {**RULE, "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}
    tagged = {**RULE, "Filter": {"Tag": {"Key": "a", "Value": "b"}}}
    for rule in (moved, tagged):
        with pytest.raises(ClientError):
            s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    with pytest.raises(ClientError):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket, ExpectedBucketOwner=ACCOUNT_ID)
    s3.delete_bucket_lifecycle(Bucket=bucket)
    with pytest.raises(ClientError) as error:
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert code(error) == "NoSuchLifecycleConfiguration"


def test_the_settings_of_general_purpose_buckets_are_not_served(client: Client, name: str) -> None:
    s3, bucket = client("s3"), f"{name}--use1-az4--x-s3"
    create(s3, bucket)
    with pytest.raises(ClientError) as error:
        s3.get_bucket_policy(Bucket=bucket)
    assert code(error) == "NotImplemented"


def test_a_directory_bucket_has_what_its_template_says(client: Client, deploy: Deploy, name: str) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3express-directorybucket.html"""
    bucket = f"{name}--use1-az4--x-s3"
    rules = [
        {"Id": "expire", "Status": "Enabled", "ExpirationInDays": 30, "Prefix": "a", "ObjectSizeGreaterThan": "1"},
        {"Id": "abort", "Status": "Disabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
    ]
    zone = {"BucketName": bucket, "LocationName": "use1-az4", "DataRedundancy": "SingleAvailabilityZone"}
    resources = {"Bucket": resource("AWS::S3Express::DirectoryBucket", **zone, LifecycleConfiguration={"Rules": rules})}
    assert deploy(resources) == {"Bucket": bucket}
    s3 = client("s3")
    found = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    both = {"And": {"Prefix": "a", "ObjectSizeGreaterThan": 1}}
    assert found == [
        {"ID": "expire", "Status": "Enabled", "Filter": both, "Expiration": {"Days": 30}},
        {
            "ID": "abort",
            "Status": "Disabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
    ]
    resources["Bucket"] = resource("AWS::S3Express::DirectoryBucket", **zone)
    assert deploy(resources) == {"Bucket": bucket}
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


def test_permissions_are_those_of_s3express_on_the_bucket(restricted: Any, client: Client, name: str) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3express.html"""
    bucket = f"{name}--use1-az4--x-s3"
    create(client("s3"), bucket)
    arn = f"arn:aws:s3express:{REGION}:{ACCOUNT_ID}:bucket"

    def reading(prefix: str, on: str) -> Any:
        actions = [f"{prefix}:ListAllMyDirectoryBuckets", f"{prefix}:GetLifecycleConfiguration"]
        listing = {"Effect": "Allow", "Action": actions[0], "Resource": "*"}
        return restricted(listing, {"Effect": "Allow", "Action": actions[1], "Resource": on})("s3")

    s3 = reading("s3express", f"{arn}/{bucket}")
    assert bucket in [each["Name"] for each in s3.list_directory_buckets()["Buckets"]]
    with pytest.raises(ClientError) as error:
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert code(error) == "NoSuchLifecycleConfiguration"
    with pytest.raises(ClientError) as error:
        reading("s3express", f"{arn}/another--use1-az4--x-s3").get_bucket_lifecycle_configuration(Bucket=bucket)
    assert code(error) == "AccessDenied"
    with pytest.raises(ClientError) as error:
        reading("s3", "*").list_directory_buckets()
    assert code(error) == "AccessDenied"
    with pytest.raises(ClientError) as error:
        reading("s3", "*").get_bucket_lifecycle_configuration(Bucket=bucket)
    assert code(error) == "AccessDenied"
