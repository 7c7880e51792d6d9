"""Least privilege: a function's policy allows what its code calls and nothing else, as narrowly as AWS can."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from compliance_audit.settings import FUNCTIONS
from sdk_calls import FUNCTIONS_FOLDER, Call, calls
from synthesis import (
    Json,
    allowed_actions,
    listed,
    named,
    settings,
    statements,
    template,
    template_of_everything,
    text,
)

# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html#monitoring-cloudwatchlogs-prereqs,
# https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html,
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions and, for the key of
# the environment, https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
BY_LAMBDA_ITSELF = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "kms:Decrypt",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}

# The operations that need another action than the one of their name, or more than one. Amazon S3:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
READ = {"s3:GetObject", "s3:ListBucket", "kms:Decrypt"}  # API_GetObject.html: a missing object wants ListBucket
WRITTEN_IN_PARTS = {"s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"}  # mpuoverview.html#mpuAndPermissions
ACTIONS: dict[tuple[str, str], set[str]] = {
    ("s3", "CompleteMultipartUpload"): WRITTEN_IN_PARTS,
    ("s3", "CreateMultipartUpload"): WRITTEN_IN_PARTS,
    ("s3", "DeleteBucketEncryption"): {"s3:PutEncryptionConfiguration"},
    ("s3", "DeleteObjects"): {"s3:DeleteObject", "s3:DeleteObjectVersion"},  # of versions; API_DeleteObjects.html
    ("s3", "GetBucketEncryption"): {"s3:GetEncryptionConfiguration"},
    # Of general purpose and of directory buckets:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-security-iam.html
    ("s3", "GetBucketLifecycleConfiguration"): {"s3:GetLifecycleConfiguration", "s3express:GetLifecycleConfiguration"},
    ("s3", "GetBucketNotificationConfiguration"): {"s3:GetBucketNotification"},
    ("s3", "GetBucketReplication"): {"s3:GetReplicationConfiguration"},
    ("s3", "GetObject"): READ,
    ("s3", "GetObjectLockConfiguration"): {"s3:GetBucketObjectLockConfiguration"},
    ("s3", "GetPublicAccessBlock"): {"s3:GetBucketPublicAccessBlock"},
    ("s3", "HeadObject"): READ,  # the checksum of an object with a KMS key wants kms:Decrypt; API_HeadObject.html
    ("s3", "ListBuckets"): {"s3:ListAllMyBuckets"},
    ("s3", "ListDirectoryBuckets"): {"s3express:ListAllMyDirectoryBuckets"},
    ("s3", "ListMultipartUploads"): {"s3:ListBucketMultipartUploads"},
    ("s3", "ListObjectVersions"): {"s3:ListBucketVersions"},
    ("s3", "ListObjectsV2"): {"s3:ListBucket"},
    ("s3", "PutBucketEncryption"): {"s3:PutEncryptionConfiguration"},
    ("s3", "PutObject"): {"s3:PutObject", "kms:GenerateDataKey"},
    ("s3", "UploadPart"): WRITTEN_IN_PARTS,
    ("s3control", "GetAccessPoint"): {"s3:GetAccessPoint"},
    ("s3control", "GetPublicAccessBlock"): {"s3:GetAccountPublicAccessBlock"},
    ("s3control", "ListAccessPoints"): {"s3:ListAccessPoints"},
    # Its answer holds the tags: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
    ("lambda", "GetFunction"): {"lambda:GetFunction", "lambda:ListTags"},
    # The topic is encrypted: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    ("sns", "Publish"): {"sns:Publish", "kms:Decrypt", "kms:GenerateDataKey"},
    ("sfn", "ListExecutions"): {"states:ListExecutions"},
}


def needed(call: Call) -> set[str]:
    """The actions that a call needs."""
    actions = ACTIONS.get((call.service, call.operation), {f"{call.service}:{call.operation}"})
    # https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html
    return actions | {"kms:TagResource"} if call.operation == "CreateKey" and "tags" in call.parameters else actions


def policy(function: str, within: Json | None = None) -> Json:
    """The document of a function's policy, with what settings may add to it unless another template is given."""
    policies = named("AWS::IAM::ManagedPolicy", "ManagedPolicyName", within or template_of_everything())
    document: Json = policies[f"{function}-policy-dev-pr42"]
    policy_document: Json = document["PolicyDocument"]
    return policy_document


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_its_code_calls_and_nothing_else(function: str) -> None:
    called = calls(function)
    assert called, "no call was found: has the way of calling AWS changed?"
    wanted = {action for call in called for action in needed(call)}
    assert allowed_actions(policy(function)) == wanted | BY_LAMBDA_ITSELF


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_only_a_setting_brings_is_not_allowed_without_it(function: str) -> None:
    trails = {"cloudtrail:DescribeTrails", "cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"}
    more = allowed_actions(policy(function)) - allowed_actions(policy(function, template()))
    assert more == (trails if function == "scan-s3" else set())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_for_lambda_alone_is_denied_to_the_code_unless_it_calls_it(function: str) -> None:
    network = {action for action in BY_LAMBDA_ITSELF if action.startswith("ec2:")}
    wanted = {action for call in calls(function) for action in needed(call)}
    (denial,) = [it for it in policy(function)["Statement"] if it["Effect"] == "Deny"]
    assert set(listed(denial["Action"])) == network - wanted


@pytest.mark.parametrize(
    ("function", "operations"),
    [
        (
            "publish-metrics",
            {"s3:GetObject", "s3:PutObject", "cloudwatch:PutMetricData", "sns:GetTopicAttributes"},
        ),
        (
            "list-targets",
            {
                "s3:GetObject",
                "s3:PutObject",
                "s3:ListBuckets",
                "s3:ListDirectoryBuckets",
                "s3control:ListAccessPoints",
                "ec2:DescribeNetworkAcls",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
                "lambda:ListFunctions",
                "lambda:ListVersionsByFunction",
            },
        ),
        (
            "empty-bucket",
            {"s3:AbortMultipartUpload", "s3:DeleteObjects", "s3:ListMultipartUploads", "s3:ListObjectVersions"},
        ),
    ],
)
def test_calls_are_found_as_a_reader_of_the_code_finds_them(function: str, operations: set[str]) -> None:
    """The first two write whole objects only, the third shares none of that code."""
    assert {f"{call.service}:{call.operation}" for call in calls(function)} == operations


# --- Conditions -----------------------------------------------------------------------------------------------------


def grants() -> Iterator[tuple[str, str, list[str], Json]]:
    """Every action that a function's code may use: function, action, resources and conditions.

    Not what AWS Lambda uses itself: whether these conditions are there for its calls, AWS does not say.
    """
    for function in FUNCTIONS:
        for statement in statements(policy(function)):
            for action in listed(statement["Action"]):
                condition = statement.get("Condition", {})
                if action not in BY_LAMBDA_ITSELF or "kms:ViaService" in condition.get("StringEquals", {}):
                    yield function, action, listed(statement["Resource"]), condition


def must(condition: Json, key: str) -> object:
    """The value that a key must have."""
    return condition.get("StringEquals", {}).get(key)


def test_what_has_no_resource_is_limited_to_the_region() -> None:
    for function, action, resources, condition in grants():
        if resources == ["*"]:
            assert must(condition, "aws:RequestedRegion") == "us-east-1", f"{action} of {function}"


def test_trails_are_asked_about_in_the_region_wherever_they_were_made() -> None:
    """One of another region, or of the organization, records here, too."""
    asked = [grant for grant in grants() if grant[1] in ("cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus")]
    assert len(asked) == 2
    for function, _, resources, condition in asked:
        assert (function, resources) == ("scan-s3", ["arn:aws:cloudtrail:*:*:trail/*"])
        assert must(condition, "aws:RequestedRegion") == "us-east-1"


def test_buckets_are_the_accounts_own() -> None:
    for function, action, resources, condition in grants():
        if action.startswith("s3:") and resources != ["*"]:
            assert must(condition, "s3:ResourceAccount") == {"Ref": "AWS::AccountId"}, f"{action} of {function}"


def test_a_key_is_used_through_its_service_and_for_one_resource() -> None:
    contexts = {"s3.us-east-1.amazonaws.com": "aws:s3:arn", "sns.us-east-1.amazonaws.com": "aws:sns:topicArn"}
    for function, action, resources, condition in grants():
        if action in ("kms:Decrypt", "kms:GenerateDataKey"):
            context = contexts[str(must(condition, "kms:ViaService"))]
            assert must(condition, f"kms:EncryptionContext:{context}"), f"{action} of {function}"
            assert resources != ["*"], f"{action} of {function}"


def test_new_keys_are_of_the_kind_that_amazon_s3_takes_and_are_tagged_as_a_buckets_own() -> None:
    [(function, _, _, condition)] = [grant for grant in grants() if grant[1] == "kms:CreateKey"]
    assert function == "remediate-s3-encryption"
    assert condition["Bool"] == {"kms:MultiRegion": "false"}
    assert must(condition, "kms:KeySpec") == "SYMMETRIC_DEFAULT"
    assert must(condition, "kms:KeyUsage") == "ENCRYPT_DECRYPT"
    assert must(condition, "kms:KeyOrigin") == "AWS_KMS"
    assert condition["Null"] == {"aws:RequestTag/compliance-audit:bucket": "false"}


def test_the_tags_of_new_keys_are_those_that_the_code_gives() -> None:
    source = (FUNCTIONS_FOLDER / "remediate-s3-encryption" / "src" / "kms.rs").read_text()
    [own] = re.findall(r'const BUCKET_TAG: &str = "(.*)";', source)
    for action in ("kms:CreateKey", "kms:TagResource"):
        [condition] = [condition for _, granted, _, condition in grants() if granted == action]
        allowed = condition["ForAllValues:StringEquals"]["aws:TagKeys"]
        assert set(allowed) == {*settings().tags, own}
        # Without it a request without tags would do, for which ForAllValues holds.
        assert condition["Null"] == {f"aws:RequestTag/{own}": "false"}
        # Or a key of others could get another owner.
        for tag, value in settings().tags.items():
            assert must(condition, f"aws:RequestTag/{tag}") == value, f"{tag} for {action}"


def test_one_function_signs_digests_with_one_key() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-signing-algorithm"""
    signing = [
        (function, condition)
        for function, action, resources, condition in grants()
        if action == "kms:Sign" and resources != ["*"]
    ]
    assert signing == [
        ("seal-evidence", {"StringEquals": {"kms:MessageType": "DIGEST", "kms:SigningAlgorithm": "ECDSA_SHA_256"}})
    ]
    assert [function for function, action, _, _ in grants() if action == "kms:Sign"] == ["seal-evidence"]


def test_keys_are_described_whoever_owns_them() -> None:
    """A bucket may name a key of another account, whose key policy then has the last word."""
    described = [
        (function, resources, condition)
        for function, action, resources, condition in grants()
        if action == "kms:DescribeKey"
    ]
    every_key = ["arn:aws:kms:us-east-1:*:key/*"]
    assert described == [("scan-s3", every_key, {}), ("remediate-s3-encryption", every_key, {})]


def test_a_key_is_tried_for_a_bucket_only_and_no_data_key_is_seen() -> None:
    tried = [
        (function, action, [text(resource) for resource in resources], condition)
        for function, action, resources, condition in grants()
        if action.startswith("kms:GenerateDataKey") and "kms:ViaService" not in condition.get("StringEquals", {})
    ]
    keys = ["arn:aws:kms:us-east-1:{AWS::AccountId}:key/*"]
    context = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::*"}}
    assert tried == [("remediate-s3-encryption", "kms:GenerateDataKeyWithoutPlaintext", keys, context)]


def test_the_way_back_needs_nothing_of_the_buckets_keys() -> None:
    """It sets what was there before; that the bucket's own key stays is for nobody here to change."""
    of_kms = {
        action: condition
        for function, action, _, condition in grants()
        if function == "rollback-s3-encryption" and action.startswith("kms:")
    }
    assert of_kms.keys() == {"kms:Decrypt", "kms:GenerateDataKey"}
    for condition in of_kms.values():
        assert must(condition, "kms:ViaService") == "s3.us-east-1.amazonaws.com"
        assert must(condition, "kms:EncryptionContext:aws:s3:arn"), "the reports bucket's"


def test_only_the_remediation_and_the_way_back_change_buckets() -> None:
    changing = {function for function, action, _, _ in grants() if action == "s3:PutEncryptionConfiguration"}
    assert changing == {"remediate-s3-encryption", "rollback-s3-encryption"}
