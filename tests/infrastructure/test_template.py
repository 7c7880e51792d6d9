"""The template as a whole: valid for CloudFormation, and made by `cdk synth` without an account."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import aws_cdk as cdk
import pytest
from cfnlint.api import ManualArgs, lint
from compliance_audit.app import build
from compliance_audit.functions import BundleMissingError
from compliance_audit.policy import remediation_mode
from compliance_audit.settings import FUNCTIONS, SettingsError
from synthesis import ROOT, context, resources, stand_in, synthesize, template, template_of_everything

INFRASTRUCTURE = ROOT / "infrastructure"


def run_app(folder: Path, **changes: object) -> subprocess.CompletedProcess[str]:
    """Run the app as the CDK's command line does, without credentials."""
    without_aws = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment = without_aws | {
        "CDK_CONTEXT_JSON": json.dumps(context(**changes)),
        "CDK_OUTDIR": str(folder / "out"),
        "LAMBDA_BUNDLES": str(folder / "bundles"),
    }
    return subprocess.run(
        [sys.executable, "app.py"], cwd=INFRASTRUCTURE, env=environment, capture_output=True, text=True, check=False
    )


def test_cloudformation_would_take_the_template() -> None:
    checked = copy.deepcopy(template_of_everything())
    [machine] = resources("AWS::StepFunctions::StateMachine", checked).values()
    # cfn-lint 1.58 takes only a number for MaxConcurrency, but Step Functions a JSONata expression too:
    # https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
    written = machine["Properties"]["DefinitionString"]
    machine["Properties"]["DefinitionString"] = written.replace('"{% ${MapConcurrency} %}"', "4")
    # W3005 is about dependencies that CDK states twice.
    everything = ManualArgs(
        regions=["us-east-1"], include_checks=["I"], include_experimental=True, ignore_checks=["W3005"]
    )
    matches = lint(json.dumps(checked), config=everything)
    assert [str(match) for match in matches] == []


def test_the_template_fits_into_what_cloudformation_takes() -> None:
    """500 resources: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html."""
    assert len(template_of_everything()["Resources"]) < 500
    assert len(json.dumps(template_of_everything()).encode()) < 1_000_000


def test_the_outputs_that_others_build_upon() -> None:
    assert set(template()["Outputs"]) == {
        "StateMachineArn",
        "ReportsBucketName",
        "AlertsTopicArn",
        "EvidenceKeyArn",
        "EvidencePublicKey",
        "EvidenceKeyFingerprint",
        "DashboardName",
        "MetricsNamespace",
        "RemediationMode",
    }


def test_the_stack_says_what_remediation_may_do_at_most() -> None:
    """By the policy that is shipped, which the stand-in is."""
    assert template()["Outputs"]["RemediationMode"]["Value"] == "dry-run"


@pytest.mark.parametrize("policy", ["", "[remediation]", "remediation = 1", "[remediation"])
def test_a_policy_that_does_not_say_it_is_refused_with_advice(policy: str, tmp_path: Path) -> None:
    (tmp_path / "audit-policy.toml").write_text(policy)
    with pytest.raises(SettingsError, match=r"audit-policy.toml does not say .* `make check-policy`"):
        remediation_mode(tmp_path / "audit-policy.toml")


def test_synthesis_is_repeatable() -> None:
    assert synthesize() == template()


def test_the_app_needs_no_account_and_looks_nothing_up(tmp_path: Path) -> None:
    for function in FUNCTIONS:
        stand_in(tmp_path / "bundles", function)
    ran = run_app(tmp_path)
    assert ran.returncode == 0, ran.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert "missing" not in manifest
    assert "compliance-audit-stack-dev-pr42" in manifest["artifacts"]


def test_wrong_settings_end_the_app_with_advice_and_no_stack_trace(tmp_path: Path) -> None:
    ran = run_app(tmp_path, environment="DEV")
    assert ran.returncode == 1
    assert 'environment is "DEV"; allowed: ' in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(("function", "file"), [("scan-vpc", "bootstrap"), ("plan-scan", "audit-policy.toml")])
def test_a_function_that_is_not_built_is_refused_with_advice(tmp_path: Path, function: str, file: str) -> None:
    for each in FUNCTIONS:
        stand_in(tmp_path, each)
    (tmp_path / function / file).unlink()
    with (
        mock.patch.dict(os.environ, {"LAMBDA_BUNDLES": str(tmp_path)}),
        pytest.raises(BundleMissingError, match=f"{function}/{file} is missing; run `make package`"),
    ):
        build(cdk.App(context=context(), outdir=str(tmp_path / "out")))
