"""The customer's constraints, over every resource of the template."""

from __future__ import annotations

import json
import re

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from compliance_audit.settings import FUNCTIONS, SCANNERS
from synthesis import (
    Json,
    allowed_actions,
    named,
    only,
    properties,
    resources,
    settings,
    statements,
    synthesize,
    template,
    text,
)

TAGS = {"Environment": "dev", "Owner": "platform-team", "CostCenter": "cc-1001", "ComplianceLevel": "high"}


def functions() -> dict[str, Json]:
    """The properties of every function by its name in the repository."""
    return {
        name.removesuffix("-function-dev-pr42"): found
        for name, found in named("AWS::Lambda::Function", "FunctionName").items()
    }


def own_key(reference: object) -> str:
    """The logical id of the template's key that a property refers to."""
    logical_id = text(reference).strip("{}").split(".")[0]
    assert template()["Resources"][logical_id]["Type"] == "AWS::KMS::Key"
    return logical_id


# --- Roles and policies ---------------------------------------------------------------------------------------------


def test_no_role_has_an_inline_policy() -> None:
    assert not resources("AWS::IAM::Policy")
    assert not resources("AWS::IAM::RolePolicy")
    for role in properties("AWS::IAM::Role"):
        assert "Policies" not in role


def test_every_role_has_one_policy_of_its_own() -> None:
    attached = [[text(arn) for arn in role["ManagedPolicyArns"]] for role in properties("AWS::IAM::Role")]
    assert all(len(policies) == 1 for policies in attached)
    assert {policy for [policy] in attached} == {
        f"{{{logical_id}}}" for logical_id in resources("AWS::IAM::ManagedPolicy")
    }
    assert len({policy for [policy] in attached}) == len(attached)


def test_policies_fit_the_limit_of_iam() -> None:
    """6,144 characters without white space: docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""
    for name, policy in named("AWS::IAM::ManagedPolicy", "ManagedPolicyName").items():
        assert len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) < 6144, name


def test_no_policy_allows_a_wildcard_action() -> None:
    for policy in properties("AWS::IAM::ManagedPolicy"):
        assert not [action for action in allowed_actions(policy["PolicyDocument"]) if "*" in action]


def test_only_this_account_can_have_services_assume_a_role() -> None:
    """A Lambda function's role is passed on creation; the other services act for whoever configures them."""
    for role in properties("AWS::IAM::Role"):
        [statement] = statements(role["AssumeRolePolicyDocument"])
        if statement["Principal"] != {"Service": "lambda.amazonaws.com"}:
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


# --- Functions and the state machine --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_as_the_customer_asks(name: str) -> None:
    function = functions()[name]
    assert function["Runtime"] == "provided.al2023"
    assert function["Architectures"] == ["x86_64"]
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["ReservedConcurrentExecutions"] >= 1
    assert function["MemorySize"] == (1024 if name in SCANNERS else 256)
    assert 0 < function["Timeout"] <= 900
    assert function["LoggingConfig"]["LogFormat"] == "Text"
    own_key(function["KmsKeyArn"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_runs_in_the_isolated_subnets(name: str) -> None:
    subnets = {text(subnet).strip("{}") for subnet in functions()[name]["VpcConfig"]["SubnetIds"]}
    assert subnets == set(resources("AWS::EC2::Subnet"))


def test_functions_write_to_their_own_log_groups() -> None:
    groups = resources("AWS::Logs::LogGroup")
    for name, function in functions().items():
        group = groups[text(function["LoggingConfig"]["LogGroup"]).strip("{}")]
        assert group["Properties"]["LogGroupName"] == f"/aws/lambda/{name}-function-dev-pr42"


def test_an_account_without_concurrency_to_reserve_can_deploy() -> None:
    for function in properties("AWS::Lambda::Function", synthesize(reservedConcurrency="none")):
        assert "ReservedConcurrentExecutions" not in function


def test_the_architecture_is_a_setting() -> None:
    for function in properties("AWS::Lambda::Function", synthesize(architecture="arm64")):
        assert function["Architectures"] == ["arm64"]


def test_the_functions_are_told_what_they_need() -> None:
    """The variables that the functions' main.rs read."""
    everyone = {"ACCOUNT_ID", "REPORTS_BUCKET"}
    own = {
        "scan-s3": {"MAP_CONCURRENCY"},
        "scan-vpc": {"MAP_CONCURRENCY"},
        "scan-lambda": {"MAP_CONCURRENCY"},
        "remediate-s3-encryption": {"KEY_TAGS", "SYSTEM_NAME"},
        "write-json-report": {"SYSTEM_NAME"},
        "write-csv-report": {"SYSTEM_NAME"},
        "publish-metrics": {"METRICS_NAMESPACE"},
        "notify-critical": {"ALERTS_TOPIC_ARN", "SYSTEM_NAME"},
    }
    for name, function in functions().items():
        told = set(function.get("Environment", {}).get("Variables", {}))
        assert told == (set() if name == "empty-bucket" else everyone | own.get(name, set())), name


def test_values_in_the_environment() -> None:
    remediation = functions()["remediate-s3-encryption"]["Environment"]["Variables"]
    assert json.loads(remediation["KEY_TAGS"]) == TAGS
    assert remediation["SYSTEM_NAME"] == "dev-pr42"
    metrics = functions()["publish-metrics"]["Environment"]["Variables"]
    assert metrics["METRICS_NAMESPACE"] == "ComplianceAudit/dev-pr42"
    concurrency = functions()["scan-s3"]["Environment"]["Variables"]["MAP_CONCURRENCY"]
    assert concurrency == only("AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]["MapConcurrency"]


def test_the_state_machine_is_traced_and_logged_without_data() -> None:
    machine = only("AWS::StepFunctions::StateMachine")
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"].get("IncludeExecutionData", False) is False


# --- Encryption -----------------------------------------------------------------------------------------------------


def test_every_key_rotates_and_belongs_to_one_thing() -> None:
    assert all(key["EnableKeyRotation"] is True for key in properties("AWS::KMS::Key"))
    buckets = [
        own_key(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])
        for bucket in properties("AWS::S3::Bucket")
        for rule in bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    ]
    topics = [own_key(topic["KmsMasterKeyId"]) for topic in properties("AWS::SNS::Topic")]
    queues = [own_key(queue["KmsMasterKeyId"]) for queue in properties("AWS::SQS::Queue")]
    groups = {own_key(group["KmsKeyId"]) for group in properties("AWS::Logs::LogGroup")}
    environments = {own_key(function["KmsKeyArn"]) for function in properties("AWS::Lambda::Function")}
    used = [*buckets, *topics, *queues, *groups, *environments]
    assert len(used) == len(set(used)) == len(resources("AWS::KMS::Key"))


def test_logs_can_use_their_key_for_our_log_groups_only() -> None:
    [key] = {own_key(group["KmsKeyId"]) for group in properties("AWS::Logs::LogGroup")}
    policy = template()["Resources"][key]["Properties"]["KeyPolicy"]
    [statement] = [each for each in statements(policy) if "Service" in each["Principal"]]
    assert statement["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    patterns = [text(arn) for arn in statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]]
    for group in properties("AWS::Logs::LogGroup"):
        arn = f"arn:aws:logs:us-east-1:{{AWS::AccountId}}:log-group:{text(group['LogGroupName'])}"
        assert [pattern for pattern in patterns if re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), arn)], arn


# --- Destroyable, tagged, kept for 90 days --------------------------------------------------------------------------


def test_nothing_is_left_behind() -> None:
    for logical_id, resource in template()["Resources"].items():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", logical_id
        assert resource.get("UpdateReplacePolicy", "Delete") == "Delete", logical_id


def test_no_function_comes_from_elsewhere() -> None:
    assert set(functions()) == set(FUNCTIONS)
    kinds = {resource["Type"] for resource in template()["Resources"].values()}
    assert {kind for kind in kinds if kind.startswith("Custom::")} == {"Custom::EmptyBucket"}
    assert "AWS::CloudFormation::CustomResource" not in kinds
    assert "AWS::CDK::Metadata" not in kinds


def test_everything_that_can_be_tagged_is_tagged() -> None:
    tagged = 0
    for logical_id, resource in template()["Resources"].items():
        if resource["Type"].startswith("Custom::"):
            continue
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema
        if schema.get("tagging", {}).get("taggable"):
            tags = {tag["Key"]: tag["Value"] for tag in resource["Properties"]["Tags"]}
            assert tags.items() >= TAGS.items(), logical_id
            tagged += 1
    assert tagged > len(FUNCTIONS)


def test_the_bucket_keeps_90_days_and_lets_nothing_linger() -> None:
    bucket = only("AWS::S3::Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" and "Prefix" not in rule for rule in rules)
    merged = {key: value for rule in rules for key, value in rule.items()}
    assert merged["ExpirationInDays"] == 90
    assert merged["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert merged["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] >= 1
    assert merged["ExpiredObjectDeleteMarker"] is True


def test_the_bucket_is_private_and_speaks_tls_only() -> None:
    bucket = only("AWS::S3::Bucket")
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    denials = [
        statement
        for statement in statements(only("AWS::S3::BucketPolicy")["PolicyDocument"])
        if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    ]
    assert [(denial["Effect"], denial["Action"]) for denial in denials] == [("Deny", "s3:*")]


def test_logs_are_kept_for_90_days() -> None:
    assert all(group["RetentionInDays"] == 90 for group in properties("AWS::Logs::LogGroup"))


# --- Network --------------------------------------------------------------------------------------------------------


def test_there_is_no_way_to_the_internet() -> None:
    kinds = {resource["Type"] for resource in template()["Resources"].values()}
    assert kinds.isdisjoint(
        {
            "AWS::EC2::EgressOnlyInternetGateway",
            "AWS::EC2::EIP",
            "AWS::EC2::InternetGateway",
            "AWS::EC2::NatGateway",
            "AWS::EC2::Route",
            "AWS::EC2::TransitGatewayAttachment",
            "AWS::EC2::VPCGatewayAttachment",
        }
    )
    assert all(subnet["MapPublicIpOnLaunch"] is False for subnet in properties("AWS::EC2::Subnet"))


@pytest.mark.parametrize("zones", [2, 3])
def test_a_subnet_in_each_zone(zones: int) -> None:
    subnets = properties("AWS::EC2::Subnet", synthesize(zoneCount=zones))
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == len(subnets) == zones


def test_an_endpoint_for_exactly_the_apis_that_are_called() -> None:
    endpoints = properties("AWS::EC2::VPCEndpoint")
    services = {text(endpoint["ServiceName"]).rpartition(".")[2] for endpoint in endpoints}
    assert services == {"s3", "ec2", "kms", "lambda", "monitoring", "sns", "states"}
    for endpoint in endpoints:
        gateway = text(endpoint["ServiceName"]).endswith(".s3")
        assert endpoint["VpcEndpointType"] == ("Gateway" if gateway else "Interface")
        assert gateway or endpoint["PrivateDnsEnabled"] is True


def test_endpoints_let_through_this_accounts_calls_and_the_answer_to_cloudformation() -> None:
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-vpce-bucketnames.html names the bucket."""
    answers = []
    for endpoint in properties("AWS::EC2::VPCEndpoint"):
        for statement in statements(endpoint["PolicyDocument"]):
            if "Condition" in statement:
                assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
            else:
                answers.append((statement["Action"], statement["Resource"]))
    assert answers == [("s3:PutObject", "arn:aws:s3:::cloudformation-custom-resource-response-useast1/*")]


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


def test_security_groups_open_https_between_functions_and_endpoints_and_to_s3() -> None:
    rules = properties("AWS::EC2::SecurityGroupIngress") + properties("AWS::EC2::SecurityGroupEgress")
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in rules} == {("tcp", 443, 443)}
    assert not [rule for rule in rules if "CidrIp" in rule or "CidrIpv6" in rule]
    for group in properties("AWS::EC2::SecurityGroup"):
        assert not group.get("SecurityGroupIngress")
        # Without any rule AWS would add one that allows everything; CDK gives an address that nobody has.
        assert [rule["CidrIp"] for rule in group.get("SecurityGroupEgress", [])] in ([], ["255.255.255.255/32"])


def test_flow_logs_of_all_traffic_go_to_the_prescribed_log_group() -> None:
    flow_log = only("AWS::EC2::FlowLog")
    assert (flow_log["ResourceType"], flow_log["TrafficType"]) == ("VPC", "ALL")
    [vpc] = resources("AWS::EC2::VPC")
    assert flow_log["ResourceId"] == {"Ref": vpc}
    group = resources("AWS::Logs::LogGroup")[text(flow_log["LogGroupName"]).strip("{}")]
    assert group["Properties"]["LogGroupName"] == "audit-flowlogs-us-east-1-2026-11-23"


def test_the_template_knows_no_account() -> None:
    assert not re.search(r"\b[0-9]{12}\b", json.dumps(template()))
    assert settings().names.stack() == "compliance-audit-stack-dev-pr42"
