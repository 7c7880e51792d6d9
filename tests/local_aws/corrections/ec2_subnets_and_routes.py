"""EC2: IPv6 addresses of subnets, and routes to every kind of target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patching import ministack, replaces
from resource_types import truth

Params = dict[str, Any]

ec2 = ministack("services.ec2")
provisioners = ministack("services.cloudformation.provisioners")


# ---- Subnets


@replaces("services.ec2", "_create_subnet")
def a_subnet_keeps_its_ipv6_range(original: Callable[..., Any], params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html"""
    if ec2._p(params, "VpcId") not in ec2._vpcs:
        return ec2._error("InvalidVpcID.NotFound", f"The vpc ID '{ec2._p(params, 'VpcId')}' does not exist", 400)
    before = set(ec2._subnets)
    answer = original(params)
    for made in set(ec2._subnets) - before:
        if ec2._p(params, "Ipv6CidrBlock"):
            ec2._subnets[made]["Ipv6CidrBlock"] = ec2._p(params, "Ipv6CidrBlock")
    return answer


@replaces("services.ec2", "_modify_subnet_attribute")
def addresses_are_assigned_as_asked(original: Callable[..., Any], params: Params) -> Any:
    """``AssignIpv6AddressOnCreation`` needs a subnet with an IPv6 range.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySubnetAttribute.html
    """
    subnet = ec2._subnets.get(ec2._p(params, "SubnetId"))
    assign = ec2._p(params, "AssignIpv6AddressOnCreation.Value")
    if subnet and assign:
        if truth(assign) and not subnet.get("Ipv6CidrBlock"):
            return ec2._error("InvalidParameterValue", "The subnet has no IPv6 CIDR block", 400)
        subnet["AssignIpv6AddressOnCreation"] = truth(assign)
    return original(params)


@replaces("services.ec2", "_subnet_fields_xml")
def subnets_are_described_with_ipv6(original: Callable[..., str], subnet: Params, tag: str = "item") -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Subnet.html"""
    text = original(subnet, tag)
    if subnet.get("AssignIpv6AddressOnCreation"):
        name = "assignIpv6AddressOnCreation"
        text = text.replace(f"<{name}>false</{name}>", f"<{name}>true</{name}>")
    ranges = ""
    if subnet.get("Ipv6CidrBlock"):
        association = f"subnet-cidr-assoc-{subnet['SubnetId'].removeprefix('subnet-')}"
        ranges = (
            f"<item><ipv6CidrBlock>{subnet['Ipv6CidrBlock']}</ipv6CidrBlock>"
            f"<associationId>{association}</associationId>"
            f"<ipv6CidrBlockState><state>associated</state></ipv6CidrBlockState></item>"
        )
    more = f"<ipv6CidrBlockAssociationSet>{ranges}</ipv6CidrBlockAssociationSet>"
    return f"{text.removesuffix(f'</{tag}>')}{more}</{tag}>"


@replaces("services.cloudformation.provisioners", "_ec2_subnet_attributes")
def a_subnet_has_what_its_template_says(original: Callable[..., None], subnet: Params, props: Params) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-subnet.html"""
    original(subnet, props)
    if props.get("Ipv6CidrBlock"):
        subnet["Ipv6CidrBlock"] = props["Ipv6CidrBlock"]
    assign = truth(props.get("AssignIpv6AddressOnCreation"))
    if assign and not subnet.get("Ipv6CidrBlock"):
        raise ValueError("AssignIpv6AddressOnCreation needs an Ipv6CidrBlock")
    subnet["AssignIpv6AddressOnCreation"] = assign


# ---- Routes


@replaces("services.ec2", "_rtb_fields_xml")
def gateway_endpoints_have_routes(original: Callable[..., str], table: Params, tag: str = "item") -> str:
    """A route table of a gateway endpoint sends the service's prefix list to it.

    https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html#gateway-endpoint-routing
    """
    routes = [
        {
            "DestinationPrefixListId": ec2._aws_pl_id_from_name(endpoint["ServiceName"]),
            "GatewayId": endpoint["VpcEndpointId"],
            "Origin": "CreateRoute",
        }
        for endpoint in ec2._vpc_endpoints.values()
        if endpoint["VpcEndpointType"] == "Gateway" and table["RouteTableId"] in endpoint["RouteTableIds"]
    ]
    return original({**table, "Routes": table["Routes"] + routes}, tag)


# By parameter of the request, where MiniStack's CloudFormation types look: they know every target and destination.
DESTINATIONS = provisioners._EC2_ROUTE_DESTINATIONS
TARGETS = provisioners._EC2_ROUTE_TARGETS


@replaces("services.ec2", "_create_route")
def a_route_is_whole_and_has_its_own_destination(_original: Callable[..., Any], params: Params) -> Any:
    """CreateRoute takes IPv6 ranges and prefix lists, and every target; a destination has one route.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
    """
    return _put(params, "CreateRoute", there=False)


@replaces("services.ec2", "_replace_route")
def a_replaced_route_is_whole(_original: Callable[..., Any], params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceRoute.html"""
    return _put(params, "ReplaceRoute", there=True)


@replaces("services.ec2", "_delete_route")
def a_route_is_deleted_by_its_destination(_original: Callable[..., Any], params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRoute.html"""
    table, _, value, route = _find(params)
    if table is None or route is None:
        return _not_found(table, value)
    table["Routes"].remove(route)
    return ec2._xml(200, "DeleteRouteResponse", "<return>true</return>")


def _put(params: Params, operation: str, *, there: bool) -> Any:
    table, name, value, route = _find(params)
    if table is None or (there and route is None):
        return _not_found(table, value)
    if route is not None and not there:
        return ec2._error("RouteAlreadyExists", f"The route identified by {value} already exists.", 400)
    targets = {target: ec2._p(params, target) for target in TARGETS if ec2._p(params, target)}
    provisioners._ec2_route_put(table, targets, (name, value))
    return ec2._xml(200, f"{operation}Response", "<return>true</return>")


def _find(params: Params) -> tuple[Params | None, str, str, Params | None]:
    """The table, the kind of the destination, the destination, and the route to it."""
    name = next((each for each in DESTINATIONS if ec2._p(params, each)), DESTINATIONS[0])
    value = ec2._p(params, name)
    table = ec2._route_tables.get(ec2._p(params, "RouteTableId"))
    routes = table["Routes"] if table else []
    return table, name, value, next((route for route in routes if route.get(name) == value), None)


def _not_found(table: Params | None, destination: str) -> Any:
    if table is None:
        return ec2._error("InvalidRouteTableID.NotFound", "The route table does not exist", 400)
    return ec2._error("InvalidRoute.NotFound", f"no route with destination {destination}", 400)
