"""EC2: what is described can be filtered, and comes in pages.

MiniStack ignores most filters, so that a description of one VPC has the resources of all, and it has no pages.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html and
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination
"""

from __future__ import annotations

import base64
import binascii
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from patching import ministack, replaces

Params = dict[str, Any]

ec2 = ministack("services.ec2")

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


@dataclass(frozen=True)
class Listing:
    """What a description consists of, and how it may be narrowed."""

    items: str
    """The element with the list."""
    filters: dict[str, str]
    """By filter, the path of what it compares, from an item of the list."""
    identifier: str = ""
    """The element of an item that names it."""
    asked: str = ""
    """The parameter that asks for items by their identifiers."""
    missing: str = ""
    """The error for an identifier that is not there."""
    fewest: int = 1
    """The least that ``MaxResults`` may ask for."""
    most: int = 1000
    """The most that ``MaxResults`` may ask for."""


def _camel(name: str) -> str:
    return re.sub(r"-(.)", lambda letter: letter[1].upper(), name)


def _own(*names: str) -> dict[str, str]:
    """Filters that have the name of an element: ``vpc-id`` that of ``vpcId``."""
    return {name: _camel(name) for name in names}


def _of(prefix: str, path: str, *names: str) -> dict[str, str]:
    """Filters whose name has a prefix for the element that contains what they compare."""
    return {f"{prefix}.{name}": f"{path}/{_camel(name)}" for name in names}


def _permissions(prefix: str, path: str) -> dict[str, str]:
    return {
        f"{prefix}.cidr": f"{path}/item/ipRanges/item/cidrIp",
        f"{prefix}.from-port": f"{path}/item/fromPort",
        f"{prefix}.group-id": f"{path}/item/groups/item/groupId",
        f"{prefix}.group-name": f"{path}/item/groups/item/groupName",
        f"{prefix}.ipv6-cidr": f"{path}/item/ipv6Ranges/item/cidrIpv6",
        f"{prefix}.prefix-list-id": f"{path}/item/prefixListIds/item/prefixListId",
        f"{prefix}.protocol": f"{path}/item/ipProtocol",
        f"{prefix}.to-port": f"{path}/item/toPort",
        f"{prefix}.user-id": f"{path}/item/groups/item/userId",
    }


# The filters and limits of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_<operation>.html
LISTINGS: dict[str, Listing] = {
    "DescribeClientVpnEndpoints": Listing(
        "clientVpnEndpoint",
        {"endpoint-id": "clientVpnEndpointId", "transport-protocol": "transportProtocol"},
        "clientVpnEndpointId",
        "ClientVpnEndpointId",
        "InvalidClientVpnEndpointId.NotFound",
        fewest=5,
    ),
    "DescribeFlowLogs": Listing(
        "flowLogSet",
        _own("flow-log-id", "log-destination-type", "log-group-name", "resource-id", "traffic-type")
        | {"deliver-log-status": "deliverLogsStatus"},
        "flowLogId",
        "FlowLogId",
        "InvalidFlowLogId.NotFound",
    ),
    "DescribeLaunchTemplateVersions": Listing(
        "launchTemplateVersionSet",
        {
            "create-time": "createTime",
            "image-id": "launchTemplateData/imageId",
            "instance-type": "launchTemplateData/instanceType",
            "is-default-version": "defaultVersion",
        },
        most=200,
    ),
    "DescribeNetworkAcls": Listing(
        "networkAclSet",
        _own("default", "network-acl-id", "owner-id", "vpc-id")
        | _of("association", "associationSet/item", "network-acl-id", "subnet-id")
        | _of("entry", "entrySet/item", "egress", "protocol", "rule-action", "rule-number")
        | {
            "association.association-id": "associationSet/item/networkAclAssociationId",
            "entry.cidr": "entrySet/item/cidrBlock",
            "entry.icmp.code": "entrySet/item/icmpTypeCode/code",
            "entry.icmp.type": "entrySet/item/icmpTypeCode/type",
            "entry.ipv6-cidr": "entrySet/item/ipv6CidrBlock",
            "entry.port-range.from": "entrySet/item/portRange/from",
            "entry.port-range.to": "entrySet/item/portRange/to",
        },
        "networkAclId",
        "NetworkAclId",
        "InvalidNetworkAclID.NotFound",
        fewest=5,
    ),
    "DescribeNetworkInterfaces": Listing(
        "networkInterfaceSet",
        _own(
            "availability-zone",
            "description",
            "interface-type",
            "mac-address",
            "network-interface-id",
            "owner-id",
            "private-dns-name",
            "private-ip-address",
            "requester-id",
            "requester-managed",
            "source-dest-check",
            "status",
            "subnet-id",
            "vpc-id",
        )
        | _of("addresses", "privateIpAddressesSet/item", "primary", "private-ip-address")
        | _of("attachment", "attachment", "attachment-id", "device-index", "instance-id", "instance-owner-id", "status")
        | {"group-id": "groupSet/item/groupId"},
        "networkInterfaceId",
        "NetworkInterfaceId",
        "InvalidNetworkInterfaceID.NotFound",
        fewest=5,
    ),
    "DescribeRouteTables": Listing(
        "routeTableSet",
        _own("owner-id", "route-table-id", "vpc-id")
        | _of(
            "association",
            "associationSet/item",
            "gateway-id",
            "main",
            "route-table-association-id",
            "route-table-id",
            "subnet-id",
        )
        | _of(
            "route",
            "routeSet/item",
            "destination-cidr-block",
            "destination-ipv6-cidr-block",
            "destination-prefix-list-id",
            "egress-only-internet-gateway-id",
            "gateway-id",
            "instance-id",
            "nat-gateway-id",
            "origin",
            "state",
            "transit-gateway-id",
            "vpc-peering-connection-id",
        ),
        "routeTableId",
        "RouteTableId",
        "InvalidRouteTableID.NotFound",
        fewest=5,
        most=100,
    ),
    "DescribeSecurityGroups": Listing(
        "securityGroupInfo",
        _own("group-id", "group-name", "owner-id", "vpc-id")
        | _permissions("ip-permission", "ipPermissions")
        | _permissions("egress.ip-permission", "ipPermissionsEgress")
        | {"description": "groupDescription"},
        "groupId",
        "GroupId",
        "InvalidGroup.NotFound",
        fewest=5,
    ),
    "DescribeSubnets": Listing(
        "subnetSet",
        _own(
            "availability-zone",
            "availability-zone-id",
            "available-ip-address-count",
            "cidr-block",
            "default-for-az",
            "enable-dns64",
            "ipv6-native",
            "map-public-ip-on-launch",
            "owner-id",
            "state",
            "subnet-arn",
            "subnet-id",
            "vpc-id",
        )
        | _of("ipv6-cidr-block-association", "ipv6CidrBlockAssociationSet/item", "ipv6-cidr-block", "association-id")
        | {"ipv6-cidr-block-association.state": "ipv6CidrBlockAssociationSet/item/ipv6CidrBlockState/state"},
        "subnetId",
        "SubnetId",
        "InvalidSubnetID.NotFound",
        fewest=5,
    ),
    "DescribeTransitGateways": Listing(
        "transitGatewaySet",
        _own("owner-id", "state", "transit-gateway-id")
        | _of("options", "options", "amazon-side-asn", "auto-accept-shared-attachments", "dns-support"),
        "transitGatewayId",
        "TransitGatewayIds",
        "InvalidTransitGatewayID.NotFound",
        fewest=5,
    ),
    "DescribeVpcEndpoints": Listing(
        "vpcEndpointSet",
        _own("ip-address-type", "service-name", "vpc-endpoint-id", "vpc-endpoint-type", "vpc-id")
        | {"vpc-endpoint-state": "state"},
        "vpcEndpointId",
        "VpcEndpointId",
        "InvalidVpcEndpointId.NotFound",
    ),
    "DescribeVpcEndpointServiceConfigurations": Listing(
        "serviceConfigurationSet",
        _own("service-id", "service-name", "service-state")
        | {"supported-ip-address-types": "supportedIpAddressTypeSet/item"},
        "serviceId",
        "ServiceId",
        "InvalidVpcEndpointServiceId.NotFound",
    ),
    "DescribeVpcEndpointServices": Listing(
        "serviceDetailSet",
        _own("owner", "service-name", "service-region")
        | {
            "service-type": "serviceType/item/serviceType",
            "supported-ip-address-types": "supportedIpAddressTypeSet/item",
        },
    ),
    "DescribeVpcEndpointServicePermissions": Listing(
        "allowedPrincipals", _own("permission-type", "principal", "principal-type")
    ),
    "DescribeVpcPeeringConnections": Listing(
        "vpcPeeringConnectionSet",
        _own("vpc-peering-connection-id")
        | _of("accepter-vpc-info", "accepterVpcInfo", "cidr-block", "owner-id", "vpc-id")
        | _of("requester-vpc-info", "requesterVpcInfo", "cidr-block", "owner-id", "vpc-id")
        | {"status-code": "status/code", "status-message": "status/message"},
        "vpcPeeringConnectionId",
        "VpcPeeringConnectionId",
        "InvalidVpcPeeringConnectionID.NotFound",
        fewest=5,
    ),
    "DescribeVpcs": Listing(
        "vpcSet",
        _own("dhcp-options-id", "is-default", "owner-id", "state", "vpc-id")
        | _of("cidr-block-association", "cidrBlockAssociationSet/item", "cidr-block", "association-id")
        | _of("ipv6-cidr-block-association", "ipv6CidrBlockAssociationSet/item", "ipv6-cidr-block", "association-id")
        | {
            "cidr": "cidrBlock",
            "cidr-block-association.state": "cidrBlockAssociationSet/item/cidrBlockState/state",
            "ipv6-cidr-block-association.state": "ipv6CidrBlockAssociationSet/item/ipv6CidrBlockState/state",
        },
        "vpcId",
        "VpcId",
        "InvalidVpcID.NotFound",
        fewest=5,
    ),
}


@replaces("services.ec2", "handle_request")
async def descriptions_are_filtered_and_in_pages(
    original: Callable[..., Any], method: str, path: str, headers: dict[str, str], body: bytes, query_params: Params
) -> Any:
    """Filters are joined by AND and their values by OR; an unknown filter is refused, as is a page of a wrong size."""
    params = dict(query_params)
    if method in ("POST", "PUT") and body:
        params |= ec2.parse_qs(body.decode())
    listing = LISTINGS.get(ec2._p(params, "Action"))
    if listing is None:
        return await original(method, path, headers, body, query_params)
    try:
        filters = _filters(listing, params)
        start, end = _page(listing, params)
    except ValueError as problem:
        return ec2._error(*problem.args, 400)
    whole = {
        name: value
        for name, value in params.items()
        if not name.startswith("Filter.") and name not in ("MaxResults", "NextToken")
    }
    status, sent, answer = await original("GET", path, headers, b"", whole)
    if status != 200:
        return status, sent, answer
    root = ET.fromstring(answer)
    items = root.find(f"{{*}}{listing.items}")
    if items is None:
        raise LookupError(f"{ec2._p(params, 'Action')} has no {listing.items}")
    there = {identifier for item in items for identifier in _texts(item, listing.identifier)}
    absent = [asked for asked in ec2._parse_member_list(params, listing.asked) if asked not in there]
    if listing.identifier and absent:
        return ec2._error(listing.missing, f"The ID '{absent[0]}' does not exist", 400)
    found = [item for item in items if all(_matches(item, *narrowed) for narrowed in filters)]
    items[:] = found[start:end]
    if end is not None and end < len(found):
        ET.SubElement(root, f"{{{NAMESPACE}}}nextToken").text = base64.urlsafe_b64encode(str(end).encode()).decode()
    return status, sent, ET.tostring(root, encoding="utf-8", xml_declaration=True, default_namespace=NAMESPACE)


def _filters(listing: Listing, params: Params) -> list[tuple[str, str, list[str]]]:
    """The path that each filter compares, for a tag its key, and the values."""
    filters = []
    for name, values in ec2._parse_filters(params).items():
        path, _, key = name.partition(":")
        if not (path == "tag" and key) and name != "tag-key":
            path = listing.filters.get(name, "")
            if not path:
                raise ValueError("InvalidParameterValue", f"The filter '{name}' is invalid")
        filters.append((path, key, values))
    return filters


def _page(listing: Listing, params: Params) -> tuple[int, int | None]:
    """The numbers of the page's first item and of the one after its last."""
    try:
        start = int(base64.urlsafe_b64decode(ec2._p(params, "NextToken") or "MA=="))
    except (ValueError, binascii.Error):
        raise ValueError("InvalidNextToken", "The specified NextToken is not valid.") from None
    size = ec2._p(params, "MaxResults")
    if not size:
        return start, None
    if not listing.fewest <= int(size) <= listing.most:
        expected = f"Expecting a value between {listing.fewest} and {listing.most}."
        raise ValueError("InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid. {expected}")
    return start, start + int(size)


def _matches(item: ET.Element, path: str, key: str, values: list[str]) -> bool:
    if path == "tag":
        tags = item.findall("{*}tagSet/{*}item")
        actual = [value for tag in tags if _texts(tag, "key") == [key] for value in _texts(tag, "value")]
    else:
        actual = _texts(item, "tagSet/item/key" if path == "tag-key" else path)
    return any(ec2._glob_match(value, each) for value in values for each in actual)


def _texts(item: ET.Element, path: str) -> list[str]:
    if not path:
        return []
    return [(found.text or "").strip() for found in item.findall("/".join(f"{{*}}{step}" for step in path.split("/")))]
