"""CloudFormation: what a template says about functions takes effect.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from in_process import lambda_function as call
from patching import ministack, replaces

Properties = dict[str, Any]
Made = tuple[str, Properties]

lambda_svc = ministack("services.lambda_svc")

# Copied into the function's configuration under the name of the API.
COPIED = {
    "DeadLetterConfig": "DeadLetterConfig",
    "FileSystemConfigs": "FileSystemConfigs",
    "KmsKeyArn": "KMSKeyArn",
}

# The properties that MiniStack or this module applies.
APPLIED = set(COPIED) | {
    "Architectures",
    "Code",
    "Description",
    "Environment",
    "EphemeralStorage",
    "FunctionName",
    "Handler",
    "ImageConfig",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "ReservedConcurrentExecutions",
    "Role",
    "Runtime",
    "SnapStart",
    "Tags",
    "Timeout",
    "TracingConfig",
    "VpcConfig",
}


@replaces("services.cloudformation.provisioners", "_lambda_create")
def create(original: Callable[..., Made], logical_id: str, props: Properties, stack_name: str) -> Made:
    """A function has every property of the template from its creation on."""
    _refuse_unknown(props)
    made = original(logical_id, props, stack_name)
    _apply(made[0], props)
    return made


@replaces("services.cloudformation.provisioners", "_lambda_update")
def update(
    original: Callable[..., Made],
    physical_id: str,
    old_props: Properties,
    new_props: Properties,
    stack_name: str,
    logical_id: str | None = None,
) -> Made:
    """An update sets every property, and takes back those that the template dropped."""
    _refuse_unknown(new_props)
    made = original(physical_id, old_props, new_props, stack_name, logical_id)
    _apply(made[0], new_props)
    return made


def _refuse_unknown(props: Properties) -> None:
    unknown = sorted(set(props) - APPLIED)
    if unknown:
        raise ValueError(f"the local AWS does not apply the function properties {unknown}; it knows {sorted(APPLIED)}")


def _apply(name: str, props: Properties) -> None:
    config = lambda_svc._functions[name]["config"]
    config["VpcConfig"] = lambda_svc._vpc_config_with_id(props.get("VpcConfig"))
    for prop, member in COPIED.items():
        if props.get(prop):
            config[member] = props[prop]
        else:
            config.pop(member, None)
    reserved = props.get("ReservedConcurrentExecutions")
    if reserved is None:
        call("DeleteFunctionConcurrency", name)
    else:
        call("PutFunctionConcurrency", name, ReservedConcurrentExecutions=int(reserved))
