"""The expectation is complete: every rule is answered exactly once for every resource.

What the resources are is read from the templates, not from the expectation. Whether the verdicts
are right is not asked here; the pipeline test compares them with a scan.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import yaml
from sample_account import (
    DEFAULT_VPC,
    FOLDER,
    STACKS,
    Question,
    differences,
    expected_verdicts,
)

ACCOUNT_ID = "123456789012"

RULES = {
    "AWS::S3::Bucket": (
        "s3-bucket-public-read-prohibited",
        "s3-bucket-public-write-prohibited",
        "s3-bucket-ssl-requests-only",
        "s3-bucket-server-side-encryption-enabled",
        "s3-bucket-customer-managed-key-encrypted",
        "s3-bucket-versioning-enabled",
        "s3-bucket-required-tags",
    ),
    "AWS::EC2::VPC": ("vpc-flow-logs-enabled", "vpc-required-tags"),
    "AWS::EC2::SecurityGroup": (
        "vpc-default-security-group-closed",
        "security-group-ssh-from-internet-prohibited",
        "security-group-all-ports-from-internet-prohibited",
    ),
    "AWS::Lambda::Function": (
        "lambda-function-public-access-prohibited",
        "lambda-runtime-supported",
        "lambda-inside-vpc",
        "lambda-required-tags",
        "lambda-xray-tracing-active",
        "lambda-environment-customer-managed-key",
        "lambda-reserved-concurrency-configured",
    ),
}
SERVICES = {
    "AWS::S3::Bucket": "s3",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::SecurityGroup": "vpc",
    "AWS::Lambda::Function": "lambda",
}
STATUSES = {"COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"}

# Amazon S3 has encrypted every bucket by default since January 2023: no account can be wrong here.
NEVER_VIOLATED = {"s3-bucket-server-side-encryption-enabled"}


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
    """Type and name of every audited resource, as the templates and AWS itself make them."""
    found = [("AWS::EC2::VPC", DEFAULT_VPC), ("AWS::EC2::SecurityGroup", f"{DEFAULT_VPC}/default")]
    for template in templates().values():
        declared = template["Resources"]
        for resource in declared.values():
            properties = resource.get("Properties", {})
            match resource["Type"]:
                case "AWS::S3::Bucket" as kind:
                    found.append((kind, named(properties["BucketName"])))
                case "AWS::Lambda::Function" as kind:
                    found.append((kind, named(properties["FunctionName"])))
                case "AWS::EC2::VPC" as kind:
                    found.append((kind, vpc_name(resource)))
                    # AWS makes it with the VPC.
                    found.append(("AWS::EC2::SecurityGroup", f"{vpc_name(resource)}/default"))
                case "AWS::EC2::SecurityGroup" as kind:
                    vpc = vpc_name(declared[properties["VpcId"]["Ref"]])
                    found.append((kind, f"{vpc}/{named(properties['GroupName'])}"))
    return found


def vpc_name(vpc: dict[str, Any]) -> str:
    """The ``Name`` tag of a VPC in a template."""
    return str(next(tag["Value"] for tag in vpc["Properties"]["Tags"] if tag["Key"] == "Name"))


def test_the_account_has_the_size_it_is_said_to_have() -> None:
    kinds = Counter(kind for kind, _ in resources())
    assert kinds["AWS::S3::Bucket"] == 15
    assert kinds["AWS::EC2::VPC"] == 4 + 1
    assert kinds["AWS::Lambda::Function"] == 12


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


def test_every_rule_is_answered_exactly_once_for_every_resource() -> None:
    asked = Counter(Question(kind, name, rule) for kind, name in resources() for rule in RULES[kind])
    answered = Counter(expectation.question for expectation in expected_verdicts())
    assert sorted((asked - answered).elements()) == [], "no row answers these"
    assert sorted((answered - asked).elements()) == [], "these rows answer nothing that is asked, or answer twice"


def test_services_statuses_and_reasons_are_well_formed() -> None:
    for expectation in expected_verdicts():
        assert expectation.service == SERVICES[expectation.question.resource_type], expectation
        assert expectation.status in STATUSES, expectation
        assert len(expectation.why.split()) >= 3, f"the reason says too little: {expectation}"
        assert expectation.why == expectation.why.strip(), expectation


@pytest.mark.parametrize("rule", [rule for rules in RULES.values() for rule in rules])
def test_every_rule_meets_what_is_right_and_what_is_wrong(rule: str) -> None:
    statuses = {e.status for e in expected_verdicts() if e.question.rule_id == rule}
    assert "COMPLIANT" in statuses
    assert ("NON_COMPLIANT" in statuses) == (rule not in NEVER_VIOLATED)


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
