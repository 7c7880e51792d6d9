"""CloudFormation: flow logs, rules of security groups on their own, and attributes of a VPC."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from in_process import RefusedError
from in_process import ec2 as call
from patching import ministack, replaces

from corrections.ec2 import with_default_rules

Properties = dict[str, Any]
Made = tuple[str, Properties]

ec2 = ministack("services.ec2")
provisioners = ministack("services.cloudformation.provisioners")


@replaces("services.cloudformation.provisioners", "_ec2_vpc_create")
def create_vpc(original: Callable[..., Made], logical_id: str, props: Properties, stack_name: str) -> Made:
    """``Fn::GetAtt`` gives a VPC's address ranges and its id, and its default group has AWS's rules.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpc.html
    ("Return values")
    """
    vpc, attributes = with_default_rules(original, logical_id, props, stack_name)
    return vpc, _with_ranges(vpc, attributes)


@replaces("services.cloudformation.provisioners", "_ec2_vpc_update")
def update_vpc(original: Callable[..., Made], *arguments: Any) -> Made:
    """The attributes stay after an update."""
    vpc, attributes = original(*arguments)
    return vpc, _with_ranges(vpc, attributes)


def _with_ranges(vpc: str, attributes: Properties) -> Properties:
    """The list of IPv6 ranges is the VPC's own: a range that comes after the VPC is in it too."""
    record = ec2._vpcs[vpc]
    return {
        **attributes,
        "CidrBlock": record["CidrBlock"],
        "Ipv6CidrBlocks": record.setdefault("Ipv6CidrBlocks", []),
    }


# ---- AWS::EC2::FlowLog


def _flow_log_create(_logical_id: str, props: Properties, _stack_name: str) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-flowlog.html"""
    copied = (
        "DeliverLogsPermissionArn",
        "LogDestination",
        "LogDestinationType",
        "LogFormat",
        "LogGroupName",
        "ResourceType",
        "TrafficType",
    )
    parameters: Properties = {name: props[name] for name in copied if props.get(name)}
    if props.get("MaxAggregationInterval"):
        parameters["MaxAggregationInterval"] = int(props["MaxAggregationInterval"])
    if props.get("Tags"):
        parameters["TagSpecifications"] = [
            {
                "ResourceType": "vpc-flow-log",
                "Tags": [{"Key": t["Key"], "Value": str(t["Value"])} for t in props["Tags"]],
            }
        ]
    before = set(ec2._flow_logs)
    call("CreateFlowLogs", ResourceIds=[props["ResourceId"]], **parameters)
    (flow_log,) = set(ec2._flow_logs) - before
    if props.get("Tags"):
        ec2._tags[flow_log] = parameters["TagSpecifications"][0]["Tags"]
    return flow_log, {"Id": flow_log}


def _flow_log_update(physical_id: str, old_props: Properties, new_props: Properties, stack_name: str) -> Made:
    """Every property but the tags needs a replacement."""
    if {**old_props, "Tags": None} != {**new_props, "Tags": None}:
        made = _flow_log_create("", new_props, stack_name)
        provisioners._delete_predecessor(_flow_log_delete, physical_id, old_props)
        return made
    ec2._tags[physical_id] = list(new_props.get("Tags") or [])
    return physical_id, {"Id": physical_id}


def _flow_log_delete(physical_id: str, _props: Properties) -> None:
    call("DeleteFlowLogs", FlowLogIds=[physical_id])


provisioners._RESOURCE_HANDLERS["AWS::EC2::FlowLog"] = {
    "create": _flow_log_create,
    "update": _flow_log_update,
    "delete": _flow_log_delete,
}
provisioners._STACK_TAG_PROPERTY["AWS::EC2::FlowLog"] = ("Tags", "list")


# ---- AWS::EC2::SecurityGroupIngress and AWS::EC2::SecurityGroupEgress


def _rule_type(direction: str) -> dict[str, Callable[..., Any]]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroupingress.html

    and …/aws-resource-ec2-securitygroupegress.html
    """

    def create(_logical_id: str, props: Properties, _stack_name: str) -> Made:
        answer = call(
            f"AuthorizeSecurityGroup{direction}",
            GroupId=props["GroupId"],
            IpPermissions=_permissions(props),
        )
        found = re.search(r"<securityGroupRuleId>([^<]+)<", answer)
        if not found:
            raise RefusedError(f"no rule came out of {props}")
        return found[1], {"Id": found[1]}

    def update(physical_id: str, old_props: Properties, new_props: Properties, stack_name: str) -> Made:
        made = create("", new_props, stack_name)
        if made[0] != physical_id:
            provisioners._delete_predecessor(delete, physical_id, old_props)
        return made

    def delete(_physical_id: str, props: Properties) -> None:
        if props["GroupId"] in ec2._security_groups:
            call(
                f"RevokeSecurityGroup{direction}",
                GroupId=props["GroupId"],
                IpPermissions=_permissions(props),
            )

    return {"create": create, "update": update, "delete": delete}


def _permissions(props: Properties) -> list[Properties]:
    """Write the rule as the API has it: without the lists that have no entry."""
    (permission,) = provisioners._ec2_sg_permissions([props])
    return [{name: value for name, value in permission.items() if value != []}]


for _direction in ("Ingress", "Egress"):
    provisioners._RESOURCE_HANDLERS[f"AWS::EC2::SecurityGroup{_direction}"] = _rule_type(_direction)
