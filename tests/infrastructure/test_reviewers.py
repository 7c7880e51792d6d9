"""cdk-nag's packs over every resource: what they find is mended, or acknowledged on its resource with a reason.

The packs are compared with `acknowledged.py`, and not told of it: an acknowledgement that the CDK knows holds for
everything below its construct, and nobody hears when it is no longer needed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import aws_cdk as cdk
import cdk_nag
import pytest
from acknowledged import CALLED_BY_CLOUDFORMATION, CALLED_BY_THE_STATE_MACHINE, acknowledgements
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource
from constructs import IConstruct
from synthesis import (
    built,
    listed,
    named,
    only,
    properties,
    resources,
    settings,
    statements,
    target,
    template,
    text,
)

PACKS = (
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.PCIDSS321Checks,
    cdk_nag.HIPAASecurityChecks,
)

Finding = tuple[str, str]
"""A finding's id, and the path of the resource's construct below the stack."""


def synthesized(folder: Path, **changes: object) -> cdk.Stack:
    """Our stack as a tree of constructs, synthesized into a folder: some findings hang on what the synthesis adds."""
    app = built(folder, **changes)
    app.synth()
    return cast(cdk.Stack, app.node.find_child(settings().names.stack()))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> cdk.Stack:
    """Our stack; tests only look at it."""
    return synthesized(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def found(ours: cdk.Stack) -> Mapping[Finding, str]:
    """What the packs find in our stack."""
    return findings(ours)


def findings(stack: cdk.Stack) -> Mapping[Finding, str]:
    """What the packs find, each with cdk-nag's explanation."""
    explained: dict[Finding, str] = {}
    packs = [pack(stack, verbose=True) for pack in PACKS]
    # One resource at a time: of a whole tree, cdk-nag explains each finding for the first resource only.
    for resource in filter(cdk.CfnResource.is_cfn_resource, stack.node.find_all()):
        for violation in (violation for pack in packs for violation in pack.validate_scope(resource).violations):
            # A rule that failed has neither passed nor found anything, and cannot be acknowledged.
            failed = violation.description.startswith("Rule threw an error")
            rule = f"{violation.rule_name} has no verdict" if failed else violation.rule_name
            explained[rule, below(stack, resource)] = violation.description
    return explained


def below(stack: cdk.Stack, construct: IConstruct) -> str:
    """A construct's path below the stack."""
    return construct.node.path.removeprefix(f"{stack.node.path}/")


def acknowledged() -> list[Finding]:
    """What is acknowledged."""
    return [(finding, each.resource) for each in acknowledgements() for finding in each.findings]


def test_every_finding_is_mended_or_acknowledged(found: Mapping[Finding, str]) -> None:
    unanswered = [
        f"{rule} on {resource}: {found[rule, resource]} "
        "Mend the resource in infrastructure/, or say in acknowledged.py why it is right as it is."
        for rule, resource in found.keys() - set(acknowledged())
    ]
    assert not unanswered, "\n".join(sorted(unanswered))


def test_every_acknowledgement_is_of_a_finding(found: Mapping[Finding, str]) -> None:
    """One that names anything but a finding of today on one resource is of no use, or hides what comes tomorrow."""
    stale = [
        f"{rule} on {resource} is no finding: take it out of acknowledged.py."
        for rule, resource in set(acknowledged()) - found.keys()
    ]
    assert not stale, "\n".join(sorted(stale))


def test_the_way_of_changes_adds_no_finding(found: Mapping[Finding, str], tmp_path: Path) -> None:
    added = findings(synthesized(tmp_path, changeScans=True)).keys() - found.keys()
    assert not added, sorted(added)


def test_every_finding_is_acknowledged_once() -> None:
    assert [finding for finding, times in Counter(acknowledged()).items() if times > 1] == []


def test_every_acknowledgement_gives_a_reason() -> None:
    assert [each for each in acknowledgements() if len(each.reason.split()) < 10] == []


def test_the_app_acknowledges_nothing_by_itself(ours: cdk.Stack) -> None:
    """What it acknowledged in the CDK's own way would be missing in the findings."""
    acknowledged_within = {
        (rule, construct.node.path)
        for construct in ours.node.root.node.find_all()
        for entry in construct.node.metadata
        if entry.type == cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY
        for rule in entry.data
    }
    # The CDK does so itself wherever zones have names, as ours have.
    assert acknowledged_within == {("CloudFormation-Validate::W3010", ours.node.path)}


def test_the_cdks_own_validation_finds_nothing(ours: cdk.Stack) -> None:
    """It looks at the template during synthesis, and only warns of what it finds."""
    out = Path(cast(cdk.App, ours.node.root).outdir)
    report = json.loads((out / "validation-report.json").read_text())
    assert {plugin["pluginName"]: plugin["violations"] for plugin in report["pluginReports"]} == {
        "CloudFormation Validate": []
    }


def test_the_packs_see_what_is_broken(found: Mapping[Finding, str], tmp_path: Path) -> None:
    broken = synthesized(tmp_path)
    resource = {below(broken, each): each for each in broken.node.find_all()}
    bucket, function = "storage/compliance-audit-reports", "functions/plan-scan/Resource"
    cast(s3.CfnBucketPolicy, resource[f"{bucket}/Policy/Resource"]).policy_document = {"Statement": []}
    # Only CloudFormation knows this value, so that no rule can judge it.
    reserved = cdk.Token.as_number({"Ref": "Reserved"})
    cast(lambda_.CfnFunction, resource[function]).reserved_concurrent_executions = reserved
    plain_http = (
        "AwsSolutions-S10",
        "NIST.800.53.R5-S3BucketSSLRequestsOnly",
        "PCI.DSS.321-S3BucketSSLRequestsOnly",
        "HIPAA.Security-S3BucketSSLRequestsOnly",
    )
    assert findings(broken).keys() - found.keys() == {
        *((rule, path) for rule in plain_http for path in (f"{bucket}/Resource", f"{bucket}/Policy/Resource")),
        ("NIST.800.53.R5-LambdaConcurrency has no verdict", function),
        ("HIPAA.Security-LambdaConcurrency has no verdict", function),
    }


# --- What the reasons rest on ---------------------------------------------------------------------------------------


def test_what_is_allowed_on_everything_has_no_resource_to_name() -> None:
    """So say the reasons for `Resource::*`. cfn-lint carries what AWS's Service Authorization Reference has on it."""
    services = load_resource(AdditionalSpecs, "Policies.json")
    for name, policy in named("AWS::IAM::ManagedPolicy", "ManagedPolicyName").items():
        for statement in statements(policy["PolicyDocument"]):
            # The resource of PutMetricData is a dataset; the namespace, which is narrower, is named by a condition.
            by_condition = "cloudwatch:namespace" in statement.get("Condition", {}).get("StringEquals", {})
            if statement["Effect"] == "Deny" or "*" not in listed(statement["Resource"]) or by_condition:
                continue
            for action in listed(statement["Action"]):
                service, _, call = action.partition(":")
                kinds = services[service]["Actions"][call.lower()].get("Resources", [])
                assert not kinds, f"{name} allows {action} on *; name the resource, a {' or '.join(kinds)}"


def test_functions_are_invoked_by_the_state_machine_or_by_cloudformation() -> None:
    """So say the reasons for functions without a dead-letter queue."""

    def names(arns: list[object]) -> set[str]:
        functions = (template()["Resources"][target(arn)] for arn in arns)
        return {
            text(function["Properties"]["FunctionName"]).removesuffix("-function-dev-pr42") for function in functions
        }

    # Whatever else invokes a function needs one of these.
    for kind in ("Permission", "EventSourceMapping", "EventInvokeConfig", "Url"):
        assert not resources(f"AWS::Lambda::{kind}")
    machine = only("AWS::StepFunctions::StateMachine")
    called = [arn for key, arn in machine["DefinitionSubstitutions"].items() if key.endswith("FunctionArn")]
    assert names(called) == set(CALLED_BY_THE_STATE_MACHINE)
    # Without it the invocation is synchronous: docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
    assert "InvocationType" not in text(machine["DefinitionString"])
    kinds = {resource["Type"] for resource in template()["Resources"].values()}
    custom = [kind for kind in kinds if kind.startswith("Custom::")]
    tokens = [each["ServiceToken"] for kind in custom for each in properties(kind)]
    assert names(tokens) == set(CALLED_BY_CLOUDFORMATION)
