"""The expectation is complete: every rule is answered exactly once for every resource.

What the resources are is read from the templates, not from the expectation. Whether the verdicts
are right is not asked here; the pipeline test compares them with a scan.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from sample_account import (
    COPY_BUCKET,
    DEFAULT_VPC,
    FOLDER,
    MFA_DELETE_BUCKET,
    SERVICES,
    STACKS,
    Question,
    differences,
    expected_verdicts,
    expected_verdicts_of,
)

ACCOUNT_ID = "123456789012"

RULES_REFERENCE = Path(__file__).resolve().parents[2] / "functions" / "shared" / "audit-rules" / "RULES.md"

RULES = {
    ("s3", "AWS::::Account"): (
        "s3-account-public-access-blocked",
        "cloudtrail-all-write-s3-data-event-check",
        "cloudtrail-all-read-s3-data-event-check",
    ),
    ("s3", "AWS::S3::Bucket"): (
        "s3-bucket-public-access-blocked",
        "s3-bucket-public-read-prohibited",
        "s3-bucket-public-write-prohibited",
        "s3-bucket-ssl-requests-only",
        "s3-bucket-policy-grantee-restricted",
        "s3-bucket-service-principals-source-bounded",
        "s3-bucket-server-side-encryption-enabled",
        "s3-bucket-customer-managed-key-encrypted",
        "s3-bucket-logging-enabled",
        "s3-bucket-versioning-enabled",
        "s3-bucket-acl-prohibited",
        "s3-bucket-mfa-delete-enabled",
        "s3-bucket-object-lock-enabled",
        "s3-lifecycle-policy-configured",
        "s3-version-lifecycle-policy-configured",
        "s3-bucket-cross-region-replication-enabled",
        "s3-event-notifications-enabled",
        "s3-bucket-sse-c-blocked",
        "s3-bucket-encryption-key-usable",
        "s3-bucket-key-enabled",
        "s3-log-target-bucket-sse-s3",
        "s3-log-target-bucket-accepts-logs",
        "s3-bucket-required-tags",
    ),
    ("s3", "AWS::S3::AccessPoint"): ("s3-access-point-public-access-blocked",),
    ("s3", "AWS::S3Express::DirectoryBucket"): ("s3-directory-bucket-lifecycle-configured",),
    ("vpc", "AWS::::Account"): ("vpc-block-public-access-enabled",),
    ("vpc", "AWS::EC2::VPC"): (
        "vpc-flow-logs-enabled",
        "vpc-flow-logs-delivering",
        "vpc-subnets-multi-az",
        "vpc-subnets-public-private-separated",
        "vpc-endpoint-ec2-present",
        "vpc-endpoint-ecr-api-present",
        "vpc-endpoint-ecr-dkr-present",
        "vpc-endpoint-ssm-present",
        "vpc-endpoint-ssm-contacts-present",
        "vpc-endpoint-ssm-incidents-present",
        "vpc-required-tags",
    ),
    ("vpc", "AWS::EC2::SecurityGroup"): (
        "vpc-default-security-group-closed",
        "security-group-ssh-from-internet-prohibited",
        "security-group-rdp-from-internet-prohibited",
        "security-group-cifs-from-internet-prohibited",
        "security-group-high-risk-ports-from-internet-prohibited",
        "security-group-internet-ports-authorized-only",
        "security-group-all-ports-from-internet-prohibited",
        "security-group-wide-public-cidr-prohibited",
        "security-group-unused-removed",
        "security-group-launch-wizard-prohibited",
    ),
    ("vpc", "AWS::EC2::NetworkAcl"): (
        "network-acl-admin-ports-from-internet-prohibited",
        "network-acl-any-port-from-internet-prohibited",
        "network-acl-unused-removed",
    ),
    ("vpc", "AWS::EC2::Subnet"): ("subnet-auto-assign-public-ip-disabled",),
    ("vpc", "AWS::EC2::VPCEndpoint"): ("vpc-endpoint-policy-trust-bounded", "vpc-endpoint-multi-az"),
    ("vpc", "AWS::EC2::VPCEndpointService"): ("vpc-endpoint-service-principals-trust-bounded",),
    ("vpc", "AWS::EC2::VPCPeeringConnection"): ("vpc-peering-routes-least-privilege",),
    ("vpc", "AWS::EC2::EIP"): ("eip-attached",),
    ("vpc", "AWS::EC2::NetworkInterface"): ("ec2-enis-source-destination-check-enabled",),
    ("vpc", "AWS::EC2::LaunchTemplate"): ("ec2-launch-template-public-ip-disabled",),
    ("vpc", "AWS::EC2::VPNConnection"): (
        "vpc-vpn-2-tunnels-up",
        "ec2-vpn-connection-logging-enabled",
        "ec2-vpn-connection-ike-version-check",
    ),
    ("vpc", "AWS::EC2::ClientVpnEndpoint"): ("ec2-client-vpn-connection-log-enabled",),
    ("vpc", "AWS::EC2::TransitGateway"): ("ec2-transit-gateway-auto-vpc-attach-disabled",),
    ("lambda", "AWS::Lambda::Function"): (
        "lambda-function-public-access-prohibited",
        "lambda-function-service-principals-source-bounded",
        "lambda-runtime-supported",
        "lambda-inside-vpc",
        "lambda-vpc-multi-az",
        "lambda-required-tags",
        "lambda-xray-tracing-active",
        "lambda-function-url-authenticated",
        "lambda-function-url-cors-restricted",
        "lambda-environment-no-secrets",
        "lambda-environment-customer-managed-key",
        "lambda-dlq-configured",
        "lambda-layers-trusted-accounts-only",
        "lambda-reserved-concurrency-configured",
    ),
}
SERVICE_OF = {rule: service for (service, _), rules in RULES.items() for rule in rules}
VERDICTS = {"COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"}

_NO_CLIENT_VPN = "a Client VPN endpoint needs a server certificate, which no template can make"
_ONE_ANSWER = "an account has one answer: what is written is recorded, and what is read is not"
NEVER_VIOLATED = {
    "cloudtrail-all-write-s3-data-event-check": _ONE_ANSWER,
    "ec2-client-vpn-connection-log-enabled": _NO_CLIENT_VPN,
    "s3-bucket-server-side-encryption-enabled": "Amazon S3 has encrypted every bucket by default since January 2023",
}
_ONE_STATE = "an account has one state, and blocked it would hide what the sample is there to show"
NEVER_COMPLIED_WITH = {
    "cloudtrail-all-read-s3-data-event-check": _ONE_ANSWER,
    "s3-account-public-access-blocked": _ONE_STATE,
    "vpc-block-public-access-enabled": _ONE_STATE,
    "vpc-vpn-2-tunnels-up": "a tunnel is up only while a device answers at its other end",
    "ec2-client-vpn-connection-log-enabled": _NO_CLIENT_VPN,
}

# What is read, and yet comes to no verdict. Where nothing was read there is none either: see `ELSEWHERE`.
WITHOUT_VERDICT = {
    Question(
        "AWS::EC2::VPCEndpoint", "payments-analytics/dynamodb", "vpc-endpoint-policy-trust-bounded"
    ): "nobody has said in the shipped audit policy which organizations are trusted",
}

_OFF = "the audit policy as shipped does not switch the AWS Resource Tagging Standard on"
NOT_EVALUATED = {
    "ec2-network-interface-tagged": _OFF,
    "ec2-eip-tagged": _OFF,
    "ec2-network-acl-tagged": _OFF,
    "ec2-route-table-tagged": _OFF,
    "ec2-security-group-tagged": _OFF,
    "ec2-subnet-tagged": _OFF,
    "ec2-vpc-tagged": _OFF,
    "ec2-vpc-endpoint-service-tagged": _OFF,
    "ec2-vpc-peering-connection-tagged": _OFF,
    "ec2-transit-gateway-tagged": _OFF,
    "lambda-function-tagged": _OFF,
}

# The rules that have nothing to say about some resources.
SOMETIMES_NOT_APPLICABLE = {
    "s3-bucket-mfa-delete-enabled",
    "s3-version-lifecycle-policy-configured",
    "s3-bucket-service-principals-source-bounded",
    "s3-bucket-encryption-key-usable",
    "s3-bucket-key-enabled",
    "s3-log-target-bucket-sse-s3",
    "s3-log-target-bucket-accepts-logs",
    "vpc-flow-logs-delivering",
    "vpc-subnets-multi-az",
    "vpc-subnets-public-private-separated",
    "vpc-default-security-group-closed",
    "security-group-internet-ports-authorized-only",
    "security-group-unused-removed",
    "network-acl-unused-removed",
    "vpc-endpoint-policy-trust-bounded",
    "vpc-endpoint-multi-az",
    "lambda-function-service-principals-source-bounded",
    "lambda-runtime-supported",
    "lambda-vpc-multi-az",
    "lambda-function-url-authenticated",
    "lambda-function-url-cors-restricted",
    "lambda-environment-customer-managed-key",
}

# The zones in which the local AWS gives the default VPC a subnet. AWS does so in every zone of the region.
ZONES_OF_THE_DEFAULT_VPC = ("us-east-1a", "us-east-1b", "us-east-1c")

ELSEWHERE = COPY_BUCKET.format(account=ACCOUNT_ID)


class TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: ``!Ref x`` becomes ``{"Ref": "x"}``."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    raise yaml.constructor.ConstructorError(None, None, "a mapping", node.start_mark)


yaml.add_multi_constructor("!", _short_form, TemplateLoader)


def templates() -> dict[str, dict[str, Any]]:
    """Every template of the folder, by its name without ending."""
    return {path.stem: yaml.load(path.read_text(encoding="utf-8"), TemplateLoader) for path in FOLDER.glob("*.yaml")}


def named(value: Any) -> str:
    """Resolve a name that may be a ``!Sub`` with the account id."""
    text = value["Sub"] if isinstance(value, dict) else value
    name = text.replace("${AWS::AccountId}", ACCOUNT_ID)
    assert "${" not in name, f"the name {text!r} needs more than the account id"
    return str(name)


def resources() -> list[tuple[str, str]]:
    """Type and name of every audited resource, as the templates, the API and AWS itself make them."""
    found = [
        ("AWS::::Account", ACCOUNT_ID),
        ("AWS::S3::Bucket", ELSEWHERE),
        ("AWS::EC2::VPC", DEFAULT_VPC),
        *of_every_vpc(DEFAULT_VPC),
        *(("AWS::EC2::Subnet", f"{DEFAULT_VPC}/{zone}") for zone in ZONES_OF_THE_DEFAULT_VPC),
    ]
    for template in templates().values():
        declared = template["Resources"]
        for resource in declared.values():
            properties = resource.get("Properties", {})
            match resource["Type"]:
                case "AWS::S3::Bucket" | "AWS::S3Express::DirectoryBucket" as kind:
                    found.append((kind, named(properties["BucketName"])))
                case "AWS::S3::AccessPoint" as kind:
                    found.append((kind, named(properties["Name"])))
                case "AWS::Lambda::Function" as kind:
                    found.append((kind, named(properties["FunctionName"])))
                case "AWS::EC2::VPC" as kind:
                    found += [(kind, name_tag(resource)), *of_every_vpc(name_tag(resource))]
                case "AWS::EC2::SecurityGroup" as kind:
                    vpc = name_tag(declared[properties["VpcId"]["Ref"]])
                    found.append((kind, f"{vpc}/{named(properties['GroupName'])}"))
                case "AWS::EC2::NetworkAcl" | "AWS::EC2::Subnet" | "AWS::EC2::VPCEndpoint" as kind:
                    vpc = name_tag(declared[properties["VpcId"]["Ref"]])
                    found.append((kind, f"{vpc}/{name_tag(resource)}"))
                case "AWS::EC2::LaunchTemplate" as kind:
                    found.append((kind, named(properties["LaunchTemplateName"])))
                case (
                    "AWS::EC2::VPCEndpointService"
                    | "AWS::EC2::VPCPeeringConnection"
                    | "AWS::EC2::EIP"
                    | "AWS::EC2::NetworkInterface"
                    | "AWS::EC2::VPNConnection"
                    | "AWS::EC2::ClientVpnEndpoint"
                    | "AWS::EC2::TransitGateway"
                ) as kind:
                    found.append((kind, name_tag(resource)))
    return found


def of_every_vpc(vpc: str) -> list[tuple[str, str]]:
    """What AWS makes with a VPC."""
    return [("AWS::EC2::SecurityGroup", f"{vpc}/default"), ("AWS::EC2::NetworkAcl", f"{vpc}/default")]


def name_tag(resource: dict[str, Any]) -> str:
    """The ``Name`` tag of a resource in a template."""
    return str(next(tag["Value"] for tag in resource["Properties"]["Tags"] if tag["Key"] == "Name"))


def test_the_account_has_the_size_it_is_said_to_have() -> None:
    kinds = Counter(kind for kind, _ in resources())
    assert kinds["AWS::S3::Bucket"] == 22 + 1
    assert kinds["AWS::S3::AccessPoint"] == 2
    assert kinds["AWS::S3Express::DirectoryBucket"] == 3
    assert kinds["AWS::EC2::VPC"] == 4 + 1
    assert kinds["AWS::Lambda::Function"] == 14


def test_no_two_resources_share_a_name() -> None:
    assert [resource for resource, times in Counter(resources()).items() if times > 1] == []


def test_every_template_is_created_and_exports_come_before_imports() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yaml")}
    assert sorted(STACKS) == sorted(texts)
    exported: set[str] = set()
    for name in STACKS:
        missing = set(re.findall(r"!ImportValue ([\w-]+)", texts[name])) - exported
        assert missing == set(), f"{name}.yaml needs exports that no earlier template gives"
        exported |= set(re.findall(r"Export: {Name: ([\w-]+)}", texts[name]))


def test_the_bucket_with_mfa_delete_is_one_of_the_account() -> None:
    assert ("AWS::S3::Bucket", MFA_DELETE_BUCKET.format(account=ACCOUNT_ID)) in resources()


def test_every_rule_of_the_catalogue_is_expected_something_of() -> None:
    """A rule has a section of the reference, and its id is the section's heading."""
    ids = re.findall(r"^### ([a-z0-9-]+)$", RULES_REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert ids
    assert set(ids) - SERVICE_OF.keys() == NOT_EVALUATED.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_every_rule_is_answered_exactly_once_for_every_resource(service: str) -> None:
    asked = Counter(Question(kind, name, rule) for kind, name in resources() for rule in RULES.get((service, kind), ()))
    answered = Counter(expectation.question for expectation in expected_verdicts_of(service))
    assert sorted((asked - answered).elements()) == [], "no row answers these"
    assert sorted((answered - asked).elements()) == [], "these rows answer nothing that is asked, or answer twice"


@pytest.mark.parametrize("service", SERVICES)
def test_services_and_reasons_are_well_formed(service: str) -> None:
    for expectation in expected_verdicts_of(service):
        assert (expectation.service, SERVICE_OF[expectation.question.rule_id]) == (service, service), expectation
        assert len(expectation.why.split()) >= 3, f"the reason says too little: {expectation}"
        assert expectation.why == expectation.why.strip(), expectation


def test_what_cannot_be_read_has_no_verdict_and_everything_else_has_one() -> None:
    for expectation in expected_verdicts():
        question = expectation.question
        unknown = question.resource_name == ELSEWHERE or question in WITHOUT_VERDICT
        assert expectation.status in ({"INSUFFICIENT_DATA"} if unknown else VERDICTS), expectation


@pytest.mark.parametrize("rule", SERVICE_OF)
def test_every_rule_meets_what_is_right_and_what_is_wrong(rule: str) -> None:
    statuses = {e.status for e in expected_verdicts() if e.question.rule_id == rule}
    assert ("COMPLIANT" in statuses) == (rule not in NEVER_COMPLIED_WITH)
    assert ("NON_COMPLIANT" in statuses) == (rule not in NEVER_VIOLATED)
    assert ("NOT_APPLICABLE" in statuses) == (rule in SOMETIMES_NOT_APPLICABLE)


def test_the_default_security_group_rule_concerns_default_groups_only() -> None:
    for expectation in expected_verdicts():
        question = expectation.question
        if question.rule_id == "vpc-default-security-group-closed":
            is_default = question.resource_name.endswith("/default")
            assert (expectation.status == "NOT_APPLICABLE") != is_default, expectation


def findings_as_expected() -> tuple[list[dict[str, Any]], dict[str, tuple[str, str]]]:
    """What a scan would find that is right in everything, and the ARNs it would find it on."""
    arns = {f"arn:{number}": resource for number, resource in enumerate(resources())}
    arn_of = {resource: arn for arn, resource in arns.items()}
    findings = [
        {
            "ruleId": e.question.rule_id,
            "status": e.status,
            "resource": {"arn": arn_of[(e.question.resource_type, e.question.resource_name)]},
        }
        for e in expected_verdicts()
    ]
    return findings, arns


def test_findings_as_expected_have_no_differences() -> None:
    findings, arns = findings_as_expected()
    elsewhere = {"ruleId": "x", "status": "COMPLIANT", "resource": {"arn": "arn:of-the-auditor"}}
    assert differences([*findings, elsewhere], arns) == []


def test_a_missing_a_wrong_a_double_and_an_unexpected_finding_are_differences() -> None:
    findings, arns = findings_as_expected()
    missing, wrong, double = findings[0], findings[1], findings[2]
    altered = [
        *findings[2:],
        wrong | {"status": "INSUFFICIENT_DATA"},
        double,
        wrong | {"ruleId": "a-rule-of-later"},
    ]
    problems = "\n".join(differences(altered, arns))
    assert len(problems.splitlines()) == 4
    assert f"{missing['ruleId']} on" in problems
    assert "got no finding" in problems
    assert "got INSUFFICIENT_DATA" in problems
    assert "answered twice" in problems
    assert "a-rule-of-later on" in problems
