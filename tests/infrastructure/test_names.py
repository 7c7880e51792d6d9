"""Folder, package, binary, construct, state, substitution: one name all the way; and names on AWS."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from compliance_audit.settings import FUNCTIONS
from compliance_audit.workflow import CALLED, DEFINITION, substitution
from constraints import Deployment, names
from constraints.schemas import name_property
from synthesis import (
    ROOT,
    Json,
    context,
    listed,
    named,
    only,
    properties,
    resources,
    synthesize,
    target,
    template,
    text,
)

# A state of its own for each service, all three served by one function, and one for each end of the machine.
NAMED_OTHERWISE = {
    "ListS3Buckets": "list-targets",
    "ListVpcs": "list-targets",
    "ListLambdas": "list-targets",
    "PublishRollbackMetrics": "publish-metrics",
}


def states(of: Json) -> dict[str, Json]:
    """Every state by name, those inside of other states too."""
    found: dict[str, Json] = {}
    for name, state in of["States"].items():
        found[name] = state
        for inner in [*state.get("Branches", []), *listed(state.get("ItemProcessor", []))]:
            found |= states(inner)
    return found


def definition() -> Json:
    """The state machine as it is written."""
    written: Json = json.loads(DEFINITION.read_text())
    return written


def function_states() -> dict[str, str]:
    """The substitution in each state that calls a function."""
    return {
        name: re.sub(r"^\$\{(\w+)\}$", r"\1", state["Arguments"]["FunctionName"])
        for name, state in states(definition()).items()
        if state.get("Resource") == "arn:aws:states:::lambda:invoke"
    }


def pascal(kebab: str) -> str:
    """`scan-s3` is `ScanS3`."""
    return "".join(word.capitalize() for word in kebab.split("-"))


def test_every_folder_is_a_function_and_every_function_a_folder() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml")}
    assert folders == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_package_and_its_binary_are_named_like_the_folder(function: str) -> None:
    manifest = tomllib.loads((ROOT / "functions" / function / "Cargo.toml").read_text())
    assert manifest["package"]["name"] == function
    assert {binary["name"] for binary in manifest.get("bin", [])} <= {function}
    assert (ROOT / "functions" / function / "src" / "main.rs").is_file()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_construct_and_the_lambda_function_are_named_like_the_folder(function: str) -> None:
    [path] = [
        resource["Metadata"]["aws:cdk:path"]
        for resource in resources("AWS::Lambda::Function").values()
        if resource["Properties"]["FunctionName"] == f"{function}-function-dev-pr42"
    ]
    assert path == f"compliance-audit-stack-dev-pr42/functions/{function}/Resource"


def test_every_state_is_named_like_the_function_that_it_calls() -> None:
    called = {name: substitution(function) for name, function in NAMED_OTHERWISE.items()} | {
        pascal(function): substitution(function) for function in CALLED if function != "list-targets"
    }
    assert function_states() == called


def test_a_substitution_is_the_state_and_function_arn() -> None:
    assert substitution("remediate-s3-encryption") == "RemediateS3EncryptionFunctionArn"


def test_every_substitution_is_provided_and_every_provided_one_is_used() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", DEFINITION.read_text()))
    assert set(only("AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]) == used


def test_substitutions_lead_to_the_functions_of_their_names() -> None:
    provided = only("AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    for function in CALLED:
        logical_id = target(provided[substitution(function)])
        assert template()["Resources"][logical_id]["Properties"]["FunctionName"] == f"{function}-function-dev-pr42"


def test_a_state_waits_at_least_as_long_as_its_function_may_run() -> None:
    functions = named("AWS::Lambda::Function", "FunctionName")
    for name, arn in function_states().items():
        [function] = [function for function in CALLED if substitution(function) == arn]
        allowed = functions[f"{function}-function-dev-pr42"]["Timeout"]
        assert states(definition())[name]["TimeoutSeconds"] >= allowed, name


def test_every_error_that_the_state_machine_names_is_raised_by_someone() -> None:
    """States.*, Lambda.* and SNS.* are AWS's; the others are the variants of TaskError."""
    source = (ROOT / "functions" / "shared" / "audit-task" / "src" / "error.rs").read_text()
    task_errors = set(re.findall(r'=> "(\w+)"', source))
    assert "Throttled" in task_errors
    for name, state in states(definition()).items():
        for handler in [*state.get("Retry", []), *state.get("Catch", [])]:
            ours = {error for error in handler["ErrorEquals"] if not error.startswith(("States.", "Lambda.", "SNS."))}
            assert ours <= task_errors, name


# --- The naming rule, as far as test_constraints.py does not walk it ------------------------------------------------

# From the types' pages in https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/.
NAME_PROPERTIES = {
    "AWS::Lambda::Function": "FunctionName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Events::Rule": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Logs::LogGroup": "LogGroupName",
    # LogGroupName, GroupName, ServiceName and FunctionName of these name something else.
    "AWS::EC2::FlowLog": None,
    "AWS::EC2::SecurityGroupIngress": None,
    "AWS::EC2::VPCEndpoint": None,
    "AWS::Lambda::Permission": None,
}


@pytest.mark.parametrize("kind", NAME_PROPERTIES)
def test_the_schema_tells_which_property_names_a_resource(kind: str) -> None:
    assert name_property(kind) == NAME_PROPERTIES[kind]


def test_names_that_aws_gives_a_form_of_its_own() -> None:
    assert text(only("AWS::S3::Bucket")["BucketName"]) == "compliance-audit-reports-bucket-{AWS::AccountId}-dev-pr42"
    groups = {text(group["LogGroupName"]) for group in properties("AWS::Logs::LogGroup")}
    assert groups == {
        *(f"/aws/lambda/{function}-function-dev-pr42" for function in FUNCTIONS),
        "/aws/vendedlogs/states/compliance-audit-log-group-dev-pr42",
        "audit-flowlogs-us-east-1-2026-11-23",
    }


def names_of(**changes: object) -> set[str]:
    """Every name in the template of a deployment."""
    deployed = Deployment(template=synthesize(**changes), settings=context(**changes))
    return {name for _, name in names.names(deployed)}


def test_two_deployments_share_the_flow_logs_of_their_day_only() -> None:
    """The customer's form of that name has no suffix; the setting can say the minute."""
    one = names_of()
    assert len(one) > len(FUNCTIONS)
    assert one & names_of(environmentSuffix="pr43") == {"audit-flowlogs-us-east-1-2026-11-23"}
    assert one & names_of(environmentSuffix="pr43", flowLogDate="2026-11-23T1015") == set()


def test_two_deployments_of_one_day_are_told_apart_by_the_minute() -> None:
    morning, noon = (names_of(flowLogDate=f"2026-11-23T{time}") for time in ("0930", "1200"))
    assert morning - noon == {"audit-flowlogs-us-east-1-2026-11-23T0930"}
    assert noon - morning == {"audit-flowlogs-us-east-1-2026-11-23T1200"}
