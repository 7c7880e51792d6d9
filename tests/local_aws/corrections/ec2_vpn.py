"""EC2: the tunnels of Site-to-Site VPN connections, transit gateways, and that there is no Client VPN endpoint.

No device is at the other end of a tunnel here: every tunnel is down.

https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from in_process import ec2 as call
from patching import ministack, replaces
from resource_types import Made, Properties, element, resource_type, tags_of, truth

Params = dict[str, Any]

ec2 = ministack("services.ec2")
responses = ministack("core.responses")
tags_of_stacks = ministack("services.cloudformation.provisioners")._STACK_TAG_PROPERTY
transit_gateways = responses.AccountRegionScopedDict()

TUNNELS = 2


@replaces("services.ec2", "_vpn_conn_xml")
def a_connection_has_two_tunnels(original: Callable[..., str], connection: Params, tag: str = "item") -> str:
    """What was never set for a tunnel is left out.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TunnelOption.html
    """
    identifier = connection["VpnConnectionId"]
    digest = hashlib.sha256(identifier.encode()).digest()
    options, telemetry = "", ""
    for number in range(TUNNELS):
        address = f"<outsideIpAddress>203.0.113.{digest[number]}</outsideIpAddress>"
        given = (connection.get("TunnelOptions") or [])[number : number + 1]
        options += f"<item>{address}{''.join(map(_tunnel, given))}</item>"
        telemetry += f"<item>{address}<acceptedRouteCount>0</acceptedRouteCount><status>DOWN</status></item>"
    text = original(connection, tag)
    text = text.replace("</options>", f"<tunnelOptionSet>{options}</tunnelOptionSet></options>")
    return text.replace("</routes>", f"</routes><vgwTelemetry>{telemetry}</vgwTelemetry>")


def _tunnel(given: Params) -> str:
    text = ""
    if given.get("IKEVersions"):
        versions = "".join(f"<item><value>{version['Value']}</value></item>" for version in given["IKEVersions"])
        text += f"<ikeVersionSet>{versions}</ikeVersionSet>"
    logs = (given.get("LogOptions") or {}).get("CloudwatchLogOptions")
    if logs:
        enabled = str(truth(logs.get("LogEnabled", False))).lower()
        text += f"<logOptions><cloudWatchLogOptions><logEnabled>{enabled}</logEnabled>"
        text += f"<logGroupArn>{logs.get('LogGroupArn', '')}</logGroupArn></cloudWatchLogOptions></logOptions>"
    return text


# ---- AWS::EC2::CustomerGateway


def _create_customer_gateway(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-customergateway.html"""
    answer = call(
        "CreateCustomerGateway",
        Type=props["Type"],
        IpAddress=props["IpAddress"],
        BgpAsn=int(props.get("BgpAsn", 65000)),
    )
    made = element(answer, "customerGatewayId")
    ec2._tags[made] = tags_of(props)
    return made, {"CustomerGatewayId": made}


def _delete_customer_gateway(made: str, _props: Properties) -> None:
    if made in ec2._customer_gateways:
        call("DeleteCustomerGateway", CustomerGatewayId=made)
    ec2._tags.pop(made, None)


resource_type("AWS::EC2::CustomerGateway", _create_customer_gateway, _delete_customer_gateway)
tags_of_stacks["AWS::EC2::CustomerGateway"] = ("Tags", "list")

# ---- AWS::EC2::VPNConnection


def _create_connection(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpnconnection.html"""
    names = ("CustomerGatewayId", "TransitGatewayId", "Type", "VpnGatewayId")
    answer = call("CreateVpnConnection", **{name: props[name] for name in names if props.get(name)})
    made = element(answer, "vpnConnectionId")
    ec2._vpn_connections[made]["TunnelOptions"] = props.get("VpnTunnelOptionsSpecifications") or []
    ec2._tags[made] = tags_of(props)
    return made, {"VpnConnectionId": made}


def _delete_connection(made: str, _props: Properties) -> None:
    if made in ec2._vpn_connections:
        call("DeleteVpnConnection", VpnConnectionId=made)
    ec2._tags.pop(made, None)


resource_type("AWS::EC2::VPNConnection", _create_connection, _delete_connection)
tags_of_stacks["AWS::EC2::VPNConnection"] = ("Tags", "list")

# ---- AWS::EC2::TransitGateway


def _create_gateway(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-transitgateway.html"""
    made = f"tgw-{ec2.new_uuid().replace('-', '')[:17]}"
    return _update_gateway(made, props, props)


def _update_gateway(made: str, _old_props: Properties, new_props: Properties) -> Made:
    transit_gateways[made] = {
        "Description": new_props.get("Description") or "",
        "AutoAcceptSharedAttachments": new_props.get("AutoAcceptSharedAttachments") or "disable",
    }
    ec2._tags[made] = tags_of(new_props)
    return made, {"Id": made}


def _delete_gateway(made: str, _props: Properties) -> None:
    transit_gateways.pop(made, None)
    ec2._tags.pop(made, None)


resource_type("AWS::EC2::TransitGateway", _create_gateway, _delete_gateway, update=_update_gateway)
tags_of_stacks["AWS::EC2::TransitGateway"] = ("Tags", "list")


def _describe_gateways(_params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTransitGateways.html"""
    items = "".join(
        f"<item><transitGatewayId>{identifier}</transitGatewayId>"
        f"<transitGatewayArn>arn:aws:ec2:{responses.get_region()}:{responses.get_account_id()}:transit-gateway/{identifier}"
        f"</transitGatewayArn><state>available</state><ownerId>{responses.get_account_id()}</ownerId>"
        f"<description>{ec2._esc(gateway['Description'])}</description>"
        f"<options><autoAcceptSharedAttachments>{gateway['AutoAcceptSharedAttachments']}</autoAcceptSharedAttachments>"
        f"</options>{ec2._tag_set_xml(identifier)}</item>"
        for identifier, gateway in transit_gateways.items()
    )
    return ec2._xml(200, "DescribeTransitGatewaysResponse", f"<transitGatewaySet>{items}</transitGatewaySet>")


def _describe_client_vpn_endpoints(_params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeClientVpnEndpoints.html"""
    return ec2._xml(200, "DescribeClientVpnEndpointsResponse", "<clientVpnEndpoint/>")


ec2._ACTION_MAP["DescribeTransitGateways"] = _describe_gateways
ec2._ACTION_MAP["DescribeClientVpnEndpoints"] = _describe_client_vpn_endpoints


@replaces("services.ec2", "reset")
def forget(original: Callable[[], None]) -> None:
    """Start anew with the rest of EC2."""
    transit_gateways.clear()
    original()
