"""CloudFormation: composite alarms, and alarms on an expression over metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from in_process import RefusedError
from in_process import cloudwatch as call
from patching import ministack, replaces

Properties = dict[str, Any]
Made = tuple[str, Properties]

cloudwatch = ministack("services.cloudwatch")
provisioners = ministack("services.cloudformation.provisioners")


@replaces("services.cloudformation.provisioners", "_cw_metric_alarm_record")
def alarms_may_watch_an_expression(original: Callable[..., Properties], name: str, props: Properties) -> Properties:
    """An alarm has either MetricName or Metrics, "an array that enables you to create an alarm based
    on the result of a metric math expression".

    Such an alarm is stored and described; it stays in INSUFFICIENT_DATA, for MiniStack evaluates no
    expressions.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html
    """
    metrics = props.get("Metrics")
    if not metrics:
        return original(name, props)
    exclusive = sorted({"MetricName", "Namespace", "Statistic", "Period"} & set(props))
    if exclusive:
        raise RefusedError(f"an alarm on Metrics cannot have {exclusive} as well")
    returned = [m["Id"] for m in metrics if str(m.get("ReturnData", True)).lower() == "true"]
    if len(returned) != 1:
        raise RefusedError(f"exactly one of Metrics must have ReturnData; these have: {returned}")
    stand_in = {**props, "MetricName": "-", "Namespace": "-"}
    del stand_in["Metrics"]
    alarm = original(name, stand_in)
    for member in (
        "MetricName",
        "Namespace",
        "Statistic",
        "ExtendedStatistic",
        "Period",
        "Unit",
    ):
        alarm.pop(member, None)
    return {**alarm, "Metrics": metrics}


def _composite_create(logical_id: str, props: Properties, stack_name: str) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-compositealarm.html"""
    name = props.get("AlarmName") or provisioners._physical_name(stack_name, logical_id, max_len=255)
    call(
        "PutCompositeAlarm",
        AlarmName=name,
        AlarmRule=props["AlarmRule"],
        AlarmDescription=props.get("AlarmDescription") or "",
        ActionsEnabled=str(props.get("ActionsEnabled", True)).lower() == "true",
        AlarmActions=props.get("AlarmActions") or [],
        OKActions=props.get("OKActions") or [],
        InsufficientDataActions=props.get("InsufficientDataActions") or [],
        Tags=props.get("Tags") or [],
    )
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


def _composite_update(physical_id: str, old_props: Properties, new_props: Properties, stack_name: str) -> Made:
    """Only another name needs a replacement."""
    name = new_props.get("AlarmName") or physical_id
    made = _composite_create("", {**new_props, "AlarmName": name}, stack_name)
    if name != physical_id:
        provisioners._delete_predecessor(_composite_delete, physical_id, old_props)
    return made


def _composite_delete(physical_id: str, _props: Properties) -> None:
    if physical_id in cloudwatch._composite_alarms:
        call("DeleteAlarms", AlarmNames=[physical_id])


provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::CompositeAlarm"] = {
    "create": _composite_create,
    "update": _composite_update,
    "delete": _composite_delete,
}
