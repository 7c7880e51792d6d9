"""What must still be there while the reports bucket is emptied."""

from __future__ import annotations

from functools import cache

from constraints.deployment import references
from synthesis import Json, listed, named, only, resources, target, template


@cache
def needs(logical_id: str) -> frozenset[str]:
    """Everything that CloudFormation makes before a resource, and therefore deletes after it."""
    resource: Json = template()["Resources"][logical_id]
    direct = set(references(resource["Properties"])) | set(listed(resource.get("DependsOn", [])))
    direct &= set(template()["Resources"])
    return frozenset(direct.union(*(needs(each) for each in direct)))


def emptying() -> str:
    """The custom resource."""
    [logical_id] = resources("Custom::EmptyBucket")
    return logical_id


def test_the_custom_resource_is_our_function_and_names_the_bucket() -> None:
    custom = only("Custom::EmptyBucket")
    function = template()["Resources"][target(custom["ServiceToken"])]
    assert function["Properties"]["FunctionName"] == "empty-bucket-function-dev-pr42"
    assert template()["Resources"][target(custom["BucketName"])]["Type"] == "AWS::S3::Bucket"


def test_cloudformation_waits_as_long_as_lambda_tries() -> None:
    """An asynchronous call is tried three times, after one and two minutes; ServiceTimeout is at most an hour.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    function = named("AWS::Lambda::Function", "FunctionName")["empty-bucket-function-dev-pr42"]
    assert 3 * function["Timeout"] + 3 * 60 <= int(only("Custom::EmptyBucket")["ServiceTimeout"]) <= 3600


def test_the_bucket_the_function_and_the_way_to_s3_outlive_the_emptying() -> None:
    kinds = [
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::EC2::VPC",
        "AWS::EC2::Subnet",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::VPCEndpoint",
    ]
    kept = {logical_id for kind in kinds for logical_id in resources(kind)} | {
        logical_id
        for logical_id, resource in template()["Resources"].items()
        if "empty-bucket" in str(resource["Properties"])
        and resource["Type"] in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::Logs::LogGroup")
    }
    assert len(kept) > len(kinds) + 2
    assert kept <= needs(emptying())


def test_the_key_and_the_way_to_it_are_there_while_its_public_half_is_read() -> None:
    """And the function answers through the way to Amazon S3, when the stack is deleted, too."""
    [reading] = resources("Custom::EvidencePublicKey")
    key = target(only("Custom::EvidencePublicKey")["KeyArn"])
    assert template()["Resources"][key]["Properties"]["KeyUsage"] == "SIGN_VERIFY"
    kinds = ["AWS::EC2::Subnet", "AWS::EC2::SecurityGroupEgress", "AWS::EC2::VPCEndpoint", "AWS::Lambda::Function"]
    assert {key, *(logical_id for kind in kinds for logical_id in resources(kind))} <= needs(reading)


def test_scans_stop_before_the_bucket_is_emptied() -> None:
    [machine] = resources("AWS::StepFunctions::StateMachine")
    assert emptying() in needs(machine)
    for rule in ("scheduled-scan", "requested-scan"):
        [logical_id] = [
            logical_id
            for logical_id, resource in resources("AWS::Events::Rule").items()
            if resource["Properties"]["Name"].startswith(rule)
        ]
        assert emptying() in needs(logical_id)


def test_a_function_comes_after_its_policy() -> None:
    """AWS Lambda refuses a function whose role may not attach it to the VPC yet."""
    policies = named("AWS::IAM::ManagedPolicy", "ManagedPolicyName")
    for logical_id, resource in resources("AWS::Lambda::Function").items():
        own = resource["Properties"]["FunctionName"].replace("-function-", "-policy-")
        assert own in policies
        [policy] = [
            each
            for each, found in resources("AWS::IAM::ManagedPolicy").items()
            if found["Properties"]["ManagedPolicyName"] == own
        ]
        assert policy in needs(logical_id)
