"""The Lambda functions and the state machine that calls them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from synthesis import ROOT, target, text

from constraints.deployment import Deployment, constraint

_FUNCTION = "AWS::Lambda::Function"


def name_in_repository(properties: dict[str, object], deployment: Deployment) -> str:
    """A function's name without type and suffix: its folder under `functions/`, when it is one of ours."""
    return text(properties.get("FunctionName", "")).removesuffix(f"-function-{deployment.suffix}")


@constraint(_FUNCTION)
def every_function_is_one_of_ours(deployment: Deployment) -> Iterator[str]:
    """What CDK's helpers bring along is not traced, not reserved, not ours.

    The stand-in binaries differ from function to function, so two functions with the same code have someone else's.
    """
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml")}
    codes = Counter(text(properties["Code"].get("S3Key", "")) for _, properties in deployment.of(_FUNCTION))
    for logical_id, properties in deployment.of(_FUNCTION):
        name = name_in_repository(properties, deployment)
        if name not in folders:
            yield f"{logical_id}: is named {name}; allowed: a folder under functions/, {', '.join(sorted(folders))}"
        folders.discard(name)
        code = properties["Code"]
        if (
            set(code) != {"S3Bucket", "S3Key"}
            or properties.get("Layers")
            or properties.get("PackageType", "Zip") != "Zip"
        ):
            yield f"{logical_id}: has code from elsewhere; allowed: the folder's own bundle, without layers"
        elif codes[text(code["S3Key"])] > 1:
            yield f"{logical_id}: has the code of another function; allowed: the folder's own bundle"
    for folder in sorted(folders):
        yield f"template: has no function for functions/{folder}; allowed: one for each folder"


@constraint(_FUNCTION)
def every_function_runs_rust_binaries(deployment: Deployment) -> Iterator[str]:
    """On the customer's runtime and on the architecture that was chosen."""
    for logical_id, properties in deployment.of(_FUNCTION):
        if properties.get("Runtime") != "provided.al2023":
            yield f"{logical_id}: runs on {properties.get('Runtime')}; allowed: provided.al2023"
        chosen = [deployment.settings["architecture"]]
        if properties.get("Architectures") != chosen:
            yield f"{logical_id}: is built for {properties.get('Architectures')}; allowed: {chosen}"


@constraint(_FUNCTION)
def every_function_is_traced(deployment: Deployment) -> Iterator[str]:
    """By AWS X-Ray."""
    for logical_id, properties in deployment.of(_FUNCTION):
        if properties.get("TracingConfig") != {"Mode": "Active"}:
            yield f"{logical_id}: has tracing {properties.get('TracingConfig')}; allowed: Active"


@constraint(_FUNCTION)
def every_function_reserves_what_was_chosen(deployment: Deployment) -> Iterator[str]:
    """Concurrent executions, unless the account has none to reserve."""
    chosen = deployment.settings["reservedConcurrency"]
    for logical_id, properties in deployment.of(_FUNCTION):
        reserved = properties.get("ReservedConcurrentExecutions")
        expected = None if chosen == "none" else chosen.get(name_in_repository(properties, deployment))
        if reserved != expected or (chosen != "none" and not reserved):
            yield f"{logical_id}: reserves {reserved} concurrent executions; allowed: {expected}, as was chosen"


@constraint(_FUNCTION)
def every_function_has_its_memory_and_time(deployment: Deployment) -> Iterator[str]:
    """1 GB for the scanners; the others need less, those that only compute half of it. At most 15 minutes:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
    """
    for logical_id, properties in deployment.of(_FUNCTION):
        name, memory = name_in_repository(properties, deployment), properties.get("MemorySize")
        reports = ("write-json-report", "write-csv-report", "write-html-report")
        computes = name in ("aggregate-findings", "seal-evidence", *reports)
        allowed = 1024 if name.startswith("scan-") else 512 if computes else 256
        if memory != allowed:
            yield f"{logical_id}: has {memory} MB; allowed: {allowed}"
        if not 0 < properties.get("Timeout", 0) <= 900:
            yield f"{logical_id}: may run {properties.get('Timeout')} seconds; allowed: 1 to 900"


@constraint(_FUNCTION, "AWS::EC2::Subnet")
def every_function_runs_in_all_isolated_subnets(deployment: Deployment) -> Iterator[str]:
    """That the template's subnets are isolated, `network.py` checks."""
    isolated = {logical_id for logical_id, _ in deployment.of("AWS::EC2::Subnet")}
    for logical_id, properties in deployment.of(_FUNCTION):
        network = properties.get("VpcConfig", {})
        if sorted(map(target, network.get("SubnetIds", []))) != sorted(isolated):
            yield f"{logical_id}: runs in {network.get('SubnetIds')}; allowed: {', '.join(sorted(isolated))}"
        groups = [deployment.kind(group) for group in network.get("SecurityGroupIds", [])]
        if groups != ["AWS::EC2::SecurityGroup"]:
            yield f"{logical_id}: has security groups {network.get('SecurityGroupIds')}; allowed: one of this template"


@constraint(_FUNCTION, "AWS::IAM::Role")
def every_function_has_a_role_of_its_own(deployment: Deployment) -> Iterator[str]:
    """And what one function may do, no other may."""
    roles = Counter(target(properties.get("Role")) for _, properties in deployment.of(_FUNCTION))
    for logical_id, properties in deployment.of(_FUNCTION):
        role = properties.get("Role")
        if deployment.kind(role) != "AWS::IAM::Role" or roles[target(role)] > 1:
            yield f"{logical_id}: has the role {role}; allowed: a role of this template that no other function has"


@constraint(_FUNCTION, "AWS::Logs::LogGroup")
def every_function_has_a_log_group_of_its_own(deployment: Deployment) -> Iterator[str]:
    """Declared, or AWS Lambda makes one that is kept for ever, without our key, and that stays when the stack goes."""
    groups = dict(deployment.of("AWS::Logs::LogGroup"))
    for logical_id, properties in deployment.of(_FUNCTION):
        logging = properties.get("LoggingConfig", {})
        own = f"/aws/lambda/{text(properties.get('FunctionName', ''))}"
        declared = groups.get(target(logging.get("LogGroup")), {})
        if declared.get("LogGroupName") != own:
            yield f"{logical_id}: logs to {logging.get('LogGroup')}; allowed: the declared log group {own}"
        if logging.get("LogFormat") != "Text":
            yield f"{logical_id}: logs as {logging.get('LogFormat')}; allowed: Text, the functions write JSON lines"


@constraint("AWS::StepFunctions::StateMachine")
def state_machines_are_traced_and_logged_without_data(deployment: Deployment) -> Iterator[str]:
    """Executions are kept in full for 90 days by AWS Step Functions itself; the log has no payloads."""
    for logical_id, properties in deployment.of("AWS::StepFunctions::StateMachine"):
        if properties.get("StateMachineType") != "STANDARD":
            yield f"{logical_id}: is of type {properties.get('StateMachineType')}; allowed: STANDARD"
        if properties.get("TracingConfiguration") != {"Enabled": True}:
            yield f"{logical_id}: has tracing {properties.get('TracingConfiguration')}; allowed: enabled"
        logging = properties.get("LoggingConfiguration", {})
        if logging.get("Level") != "ALL" or logging.get("IncludeExecutionData", False):
            yield f"{logical_id}: logs {logging}; allowed: level ALL without execution data"
        groups = [
            deployment.kind(destination["CloudWatchLogsLogGroup"]["LogGroupArn"])
            for destination in logging.get("Destinations", [])
        ]
        if groups != ["AWS::Logs::LogGroup"]:
            yield f"{logical_id}: logs to {logging.get('Destinations')}; allowed: one log group of this template"
