"""VPCs: the default security group's rules, and flow logs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

Params = dict[str, Any]

ec2 = ministack("services.ec2")
responses = ministack("core.responses")


def with_default_rules(make_vpc: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Add to the default groups made meanwhile the rule that lets in their own members.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html ("Default security
    group basics")
    """
    before = set(ec2._security_groups)
    made = make_vpc(*arguments, **named)
    _add_default_rules(set(ec2._security_groups) - before)
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


# The default VPC is there as soon as MiniStack's module is.
_add_default_rules(set(ec2._security_groups))
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
    "CreationTime": "creationTime",
}

# What a filter of DescribeFlowLogs compares with:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeFlowLogs.html
FILTERS = {
    "deliver-log-status": "DeliverLogsStatus",
    "flow-log-id": "FlowLogId",
    "log-destination-type": "LogDestinationType",
    "log-group-name": "LogGroupName",
    "resource-id": "ResourceId",
    "traffic-type": "TrafficType",
}


@replaces("services.ec2", "_describe_flow_logs")
def flow_logs_are_described_whole(_original: Callable[..., Any], params: Params) -> Any:
    """DescribeFlowLogs filters as documented and reports the delivery's status.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeFlowLogs.html
    """
    wanted = ec2._parse_member_list(params, "FlowLogId")
    filters = ec2._parse_filters(params)
    items = []
    for flow_log in ec2._flow_logs.values():
        record = {**flow_log, "DeliverLogsStatus": "SUCCESS"}
        if wanted and record["FlowLogId"] not in wanted:
            continue
        if not ec2._resource_matches_tag_filters(record["FlowLogId"], filters):
            continue
        if any(record.get(field) not in filters[name] for name, field in FILTERS.items() if name in filters):
            continue
        fields = "".join(
            f"<{element}>{ec2._esc(str(record[field]))}</{element}>"
            for field, element in {
                **ELEMENTS,
                "DeliverLogsStatus": "deliverLogsStatus",
            }.items()
            if record.get(field)
        )
        items.append(f"<item>{fields}{ec2._tag_set_xml(record['FlowLogId'])}</item>")
    return ec2._xml(200, "DescribeFlowLogsResponse", f"<flowLogSet>{''.join(items)}</flowLogSet>")
