"""VPCs: the default security group's rules, and flow logs with the status of their delivery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patching import ministack, replaces
from roles import denial, trusts

Params = dict[str, Any]

ec2 = ministack("services.ec2")
iam = ministack("services.iam")
logs = ministack("services.cloudwatch_logs")
responses = ministack("core.responses")


def with_default_rules(make_vpc: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Add to the default groups made meanwhile the rule that lets in their own members, and to a default VPC its route.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html ("Default security
    group basics")
    """
    groups, vpcs = set(ec2._security_groups), set(ec2._vpcs)
    made = make_vpc(*arguments, **named)
    _add_default_rules(set(ec2._security_groups) - groups)
    _add_route_to_the_internet(set(ec2._vpcs) - vpcs)
    return made


def _add_default_rules(group_ids: set[str]) -> None:
    for group_id in group_ids:
        group = ec2._security_groups[group_id]
        if group["GroupName"] == "default" and not group["IpPermissions"]:
            group["IpPermissions"].append(
                {
                    "IpProtocol": "-1",
                    "IpRanges": [],
                    "Ipv6Ranges": [],
                    "PrefixListIds": [],
                    "UserIdGroupPairs": [{"GroupId": group_id, "UserId": group["OwnerId"]}],
                }
            )


def _add_route_to_the_internet(vpc_ids: set[str]) -> None:
    """The main route table of a default VPC sends everything else to its internet gateway.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html ("Default VPC components")
    """
    for vpc in (ec2._vpcs[vpc_id] for vpc_id in vpc_ids):
        for gateway in ec2._internet_gateways.values():
            if vpc["IsDefault"] and any(each["VpcId"] == vpc["VpcId"] for each in gateway["Attachments"]):
                ec2._route_tables[vpc["MainRouteTableId"]]["Routes"].append(
                    {
                        "DestinationCidrBlock": "0.0.0.0/0",
                        "GatewayId": gateway["InternetGatewayId"],
                        "State": "active",
                        "Origin": "CreateRoute",
                    }
                )


# The default VPC is there as soon as MiniStack's module is.
_add_default_rules(set(ec2._security_groups))
_add_route_to_the_internet(set(ec2._vpcs))
replaces("services.ec2", "_create_vpc")(with_default_rules)
replaces("services.ec2", "_create_default_vpc")(with_default_rules)
replaces("services.ec2", "_init_defaults")(with_default_rules)


@replaces("services.ec2", "_create_flow_logs")
def flow_logs_are_validated_and_kept_whole(original: Callable[..., Any], params: Params) -> Any:
    """CreateFlowLogs refuses unknown resources and keeps every setting.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
    """
    kinds = {
        "VPC": (ec2._vpcs, "InvalidVpcID.NotFound"),
        "Subnet": (ec2._subnets, "InvalidSubnetID.NotFound"),
        "NetworkInterface": (
            ec2._network_interfaces,
            "InvalidNetworkInterfaceID.NotFound",
        ),
    }
    kind = ec2._p(params, "ResourceType")
    if kind not in kinds:
        return ec2._error(
            "InvalidParameterValue",
            f"ResourceType {kind!r} must be one of {sorted(kinds)}",
            400,
        )
    resources, not_found = kinds[kind]
    for resource in ec2._parse_member_list(params, "ResourceId"):
        if resource not in resources:
            return ec2._error(not_found, f"The resource '{resource}' does not exist", 400)
    before = set(ec2._flow_logs)
    answer = original(params)
    for flow_log in set(ec2._flow_logs) - before:
        ec2._flow_logs[flow_log].update(
            DeliverLogsPermissionArn=ec2._p(params, "DeliverLogsPermissionArn"),
            LogGroupName=ec2._p(params, "LogGroupName"),
            LogDestination=ec2._p(params, "LogDestination"),
            LogFormat=ec2._p(params, "LogFormat") or DEFAULT_FORMAT,
            MaxAggregationInterval=ec2._p(params, "MaxAggregationInterval") or "600",
        )
    return answer


# https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html ("Available fields")
DEFAULT_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
    "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
)

# Element of the answer by field of the record:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html
ELEMENTS = {
    "FlowLogId": "flowLogId",
    "ResourceId": "resourceId",
    "TrafficType": "trafficType",
    "LogDestinationType": "logDestinationType",
    "LogDestination": "logDestination",
    "LogGroupName": "logGroupName",
    "DeliverLogsPermissionArn": "deliverLogsPermissionArn",
    "LogFormat": "logFormat",
    "MaxAggregationInterval": "maxAggregationInterval",
    "FlowLogStatus": "flowLogStatus",
    "DeliverLogsStatus": "deliverLogsStatus",
    "DeliverLogsErrorMessage": "deliverLogsErrorMessage",
    "CreationTime": "creationTime",
}


@replaces("services.ec2", "_describe_flow_logs")
def flow_logs_are_described_whole(_original: Callable[..., Any], params: Params) -> Any:
    """DescribeFlowLogs has every setting and reports the delivery's status.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeFlowLogs.html
    """
    wanted = ec2._parse_member_list(params, "FlowLogId")
    items = []
    for flow_log in ec2._flow_logs.values():
        if wanted and flow_log["FlowLogId"] not in wanted:
            continue
        record = {**flow_log, **_delivery(flow_log)}
        fields = "".join(
            f"<{element}>{ec2._esc(str(record[field]))}</{element}>"
            for field, element in ELEMENTS.items()
            if record.get(field)
        )
        items.append(f"<item>{fields}{ec2._tag_set_xml(record['FlowLogId'])}</item>")
    return ec2._xml(200, "DescribeFlowLogsResponse", f"<flowLogSet>{''.join(items)}</flowLogSet>")


def _delivery(flow_log: dict[str, Any]) -> dict[str, str]:
    """Whether records arrive in CloudWatch Logs: Flow Logs must be trusted by the role, and the role must be allowed.

    A log group that does not exist is made. Other destinations are taken to work.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html and, for the message,
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
    """
    if flow_log["LogDestinationType"] != "cloud-watch-logs":
        return {"DeliverLogsStatus": "SUCCESS"}
    role_arn = str(flow_log.get("DeliverLogsPermissionArn"))
    role = iam._roles.get(role_arn.rpartition("/")[2]) or {}
    group = flow_log.get("LogGroupName") or str(flow_log.get("LogDestination")).rpartition("log-group:")[2]
    group = group.removesuffix(":*")
    arn = f"arn:aws:logs:{responses.get_region()}:{responses.get_account_id()}:log-group:{group}"
    needed = {"logs:CreateLogStream": f"{arn}:log-stream:", "logs:PutLogEvents": f"{arn}:log-stream:"}
    if group not in logs._log_groups:
        needed["logs:CreateLogGroup"] = arn
    if not trusts(role, "vpc-flow-logs.amazonaws.com") or any(
        denial(role_arn, "flow-logs", action, on) for action, on in needed.items()
    ):
        return {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"}
    return {"DeliverLogsStatus": "SUCCESS"}
