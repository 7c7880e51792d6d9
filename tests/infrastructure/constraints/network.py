"""The network: isolated subnets, and no way to or from the internet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from cfnlint.helpers import REGIONS
from synthesis import target

from constraints.deployment import Deployment, constraint
from constraints.names import flow_log_groups

# Whatever else a VPC can have leads out of it or into it: gateways, addresses, peerings, routes.
_ALLOWED = (
    "AWS::EC2::FlowLog",
    "AWS::EC2::NetworkAclEntry",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
)

# AWS gives a security group without rules one that allows everything; CDK writes a rule to an address that nobody has.
_NOBODY = "255.255.255.255/32"


@constraint("AWS::EC2::VPC", "AWS::EC2::RouteTable")
def no_way_to_the_internet(deployment: Deployment) -> Iterator[str]:
    """No gateway, address, peering or route; a route table has the VPC's own route and that of the S3 endpoint."""
    for logical_id, resource in deployment.resources.items():
        if resource["Type"].startswith(("AWS::EC2::", "AWS::NetworkManager::")) and resource["Type"] not in _ALLOWED:
            yield f"{logical_id}: is a {resource['Type']}; allowed: {', '.join(_ALLOWED)}"


@constraint("AWS::EC2::Subnet")
def no_public_address(deployment: Deployment) -> Iterator[str]:
    """Neither of IP version 4 nor of version 6, which are always public."""
    for logical_id, properties in deployment.of("AWS::EC2::Subnet"):
        if properties.get("MapPublicIpOnLaunch") is not False:
            yield f"{logical_id}: has MapPublicIpOnLaunch {properties.get('MapPublicIpOnLaunch')}; allowed: false"
        for name in sorted(properties):
            if "Ipv6" in name and properties[name]:
                yield f"{logical_id}: has {name}; allowed: IP version 4 only"


@constraint("AWS::EC2::Subnet")
def a_subnet_in_each_zone_that_was_chosen(deployment: Deployment) -> Iterator[str]:
    """Of us-east-1; a zone that fails must not stop the scans."""
    zones = [properties.get("AvailabilityZone") for _, properties in deployment.of("AWS::EC2::Subnet")]
    expected = [f"us-east-1{letter}" for letter in "".join(deployment.settings["zones"]).replace(",", "")]
    for logical_id, properties in deployment.of("AWS::EC2::Subnet"):
        zone = properties.get("AvailabilityZone")
        if zone not in expected or zones.count(zone) > 1:
            yield f"{logical_id}: is in zone {zone}; allowed: one subnet each in {', '.join(expected)}"
    if len(zones) < len(expected):
        yield f"template: has {len(zones)} subnets; allowed: one each in {', '.join(expected)}"


@constraint("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")
def security_groups_open_https_only(deployment: Deployment) -> Iterator[str]:
    """Between the functions and the endpoints, and to Amazon S3 by its prefix list; never to or from addresses."""
    for logical_id, properties in deployment.of("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        opened = (properties.get("IpProtocol"), properties.get("FromPort"), properties.get("ToPort"))
        if opened != ("tcp", 443, 443):
            yield f"{logical_id}: opens {opened}; allowed: tcp 443"
        for name in sorted({"CidrIp", "CidrIpv6"} & set(properties)):
            yield f"{logical_id}: opens for the addresses {properties[name]}; allowed: groups and prefix lists"
    for logical_id, properties in deployment.of("AWS::EC2::SecurityGroup"):
        elsewhere = [rule for rule in properties.get("SecurityGroupEgress", []) if rule.get("CidrIp") != _NOBODY]
        for rule in [*properties.get("SecurityGroupIngress", []), *elsewhere]:
            yield f"{logical_id}: has the rule {rule}; allowed: rules as resources of their own"


@constraint("AWS::EC2::VPC")
def every_vpc_has_its_default_security_group_closed(deployment: Deployment) -> Iterator[str]:
    """AWS makes it open among its members, and CloudFormation cannot change that."""
    closed = [properties.get("SecurityGroupId") for _, properties in deployment.of("Custom::CloseDefaultSecurityGroup")]
    for logical_id, _ in deployment.of("AWS::EC2::VPC"):
        if {"Fn::GetAtt": [logical_id, "DefaultSecurityGroup"]} not in closed:
            yield f"{logical_id}: keeps its default group open; allowed: a Custom::CloseDefaultSecurityGroup for it"


@constraint("AWS::EC2::VPC", "AWS::EC2::FlowLog")
def every_vpc_has_flow_logs(deployment: Deployment) -> Iterator[str]:
    """Of all traffic, in a declared log group; `names.py` checks that group's name."""
    logged = {target(properties["ResourceId"]) for _, properties in deployment.of("AWS::EC2::FlowLog")}
    for logical_id, _ in deployment.of("AWS::EC2::VPC"):
        if logical_id not in logged:
            yield f"{logical_id}: has no flow logs; allowed: one AWS::EC2::FlowLog for all traffic"
    for logical_id, properties in deployment.of("AWS::EC2::FlowLog"):
        if (properties.get("ResourceType"), properties.get("TrafficType")) != ("VPC", "ALL"):
            yield f"{logical_id}: logs {properties.get('TrafficType')}; allowed: ALL, of a VPC"
        if deployment.kind(properties.get("LogGroupName")) != "AWS::Logs::LogGroup":
            yield f"{logical_id}: logs to {properties.get('LogGroupName')}; allowed: a log group of this template"
    prescribed = {
        logical_id
        for logical_id, properties in deployment.of("AWS::Logs::LogGroup")
        if str(properties.get("LogGroupName", "")).startswith("audit-flowlogs-")
    }
    for logical_id in sorted(prescribed - flow_log_groups(deployment)):
        yield f"{logical_id}: is named as for flow logs but has none; allowed: a FlowLog that names it"


@constraint("AWS::EC2::VPC")
def no_region_but_us_east_1(deployment: Deployment) -> Iterator[str]:
    """Nothing refers to another region, and no account is written down."""
    others = re.compile(rf"(?<![a-z0-9])({'|'.join(map(re.escape, set(REGIONS) - {'us-east-1'}))})(?![0-9])")
    besides = {part: about for part, about in deployment.template.items() if part != "Resources"}
    for logical_id, about in {**deployment.resources, "template": besides}.items():
        written = json.dumps(about)
        for found in sorted({match[0] for match in others.finditer(written)}):
            yield f"{logical_id}: names the region {found}; allowed: us-east-1"
        for account in sorted(set(re.findall(r"(?<![\w.-])[0-9]{12}(?![\w.-])", written))):
            yield f"{logical_id}: names the account {account}; allowed: AWS::AccountId"
