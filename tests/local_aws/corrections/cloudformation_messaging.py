"""CloudFormation: a topic's key and policies, a state machine's tracing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

Properties = dict[str, Any]
Made = tuple[str, Properties]

sns = ministack("services.sns")
stepfunctions = ministack("services.stepfunctions")


@replaces("services.cloudformation.provisioners", "_sns_create")
def create_topic(original: Callable[..., Made], logical_id: str, props: Properties, stack: str) -> Made:
    """A topic is encrypted with the key that the template names.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html
    """
    made = original(logical_id, props, stack)
    _apply_to_topic(made[0], props)
    return made


@replaces("services.cloudformation.provisioners", "_sns_update")
def update_topic(
    original: Callable[..., Made],
    physical_id: str,
    old_props: Properties,
    new_props: Properties,
    *more: Any,
) -> Made:
    """An update changes the key, or takes it back."""
    made = original(physical_id, old_props, new_props, *more)
    _apply_to_topic(made[0], new_props)
    return made


def _apply_to_topic(arn: str, props: Properties) -> None:
    attributes = sns._topics[arn]["attributes"]
    for name in ("KmsMasterKeyId", "SignatureVersion", "TracingConfig"):
        if props.get(name):
            attributes[name] = str(props[name])
        else:
            attributes.pop(name, None)


@replaces("services.cloudformation.provisioners", "_sfn_state_machine_create")
def create_state_machine(original: Callable[..., Made], logical_id: str, props: Properties, stack: str) -> Made:
    """A state machine traces when the template says so.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachine.html
    """
    made = original(logical_id, props, stack)
    _apply_to_state_machine(made[0], props)
    return made


@replaces("services.cloudformation.provisioners", "_sfn_state_machine_update")
def update_state_machine(
    original: Callable[..., Made],
    physical_id: str,
    old_props: Properties,
    new_props: Properties,
    *more: Any,
) -> Made:
    """An update changes tracing too."""
    made = original(physical_id, old_props, new_props, *more)
    _apply_to_state_machine(made[0], new_props)
    return made


def _apply_to_state_machine(arn: str, props: Properties) -> None:
    """The template has the API's names in capitals."""
    machine = stepfunctions._state_machines[arn]
    enabled = str((props.get("TracingConfiguration") or {}).get("Enabled", False)).lower() == "true"
    machine["tracingConfiguration"] = {"enabled": enabled}
    logging = props.get("LoggingConfiguration")
    if logging:
        machine["loggingConfiguration"] = {
            "level": logging.get("Level", "OFF"),
            "includeExecutionData": str(logging.get("IncludeExecutionData", False)).lower() == "true",
            "destinations": [
                {"cloudWatchLogsLogGroup": {"logGroupArn": destination["CloudWatchLogsLogGroup"]["LogGroupArn"]}}
                for destination in logging.get("Destinations") or []
            ],
        }
