"""EC2: endpoint services and who may use them, which MiniStack does not have.

https://docs.aws.amazon.com/vpc/latest/privatelink/create-endpoint-service.html
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from in_process import ec2 as call
from patching import ministack, replaces
from resource_types import Made, Properties, element, resource_type, tags_of, truth

Params = dict[str, Any]

alb = ministack("services.alb")
ec2 = ministack("services.ec2")
responses = ministack("core.responses")

services = responses.AccountRegionScopedDict()
"""By the service's id, what CreateVpcEndpointServiceConfiguration was given, and the allowed principals."""


def _create_service(params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpointServiceConfiguration.html"""
    balancers = {kind: ec2._parse_member_list(params, f"{kind}LoadBalancerArn") for kind in ("Network", "Gateway")}
    for arn in balancers["Network"] + balancers["Gateway"]:
        if arn not in alb._lbs:
            return ec2._error("InvalidParameter", f"The load balancer {arn} does not exist", 400)
    service = f"vpce-svc-{secrets.token_hex(9)[1:]}"
    services[service] = {
        **balancers,
        # Accepting is required unless the request says otherwise.
        "AcceptanceRequired": ec2._p(params, "AcceptanceRequired") or "true",
        "Principals": {},
    }
    ec2._parse_tag_specs(params, "vpc-endpoint-service", service)
    return ec2._xml(
        200,
        "CreateVpcEndpointServiceConfigurationResponse",
        f"<serviceConfiguration>{_service(service)}</serviceConfiguration>",
    )


def _describe_services(params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServiceConfigurations.html"""
    asked = ec2._parse_member_list(params, "ServiceId")
    items = "".join(f"<item>{_service(each)}</item>" for each in services if not asked or each in asked)
    return ec2._xml(
        200,
        "DescribeVpcEndpointServiceConfigurationsResponse",
        f"<serviceConfigurationSet>{items}</serviceConfigurationSet>",
    )


def _service(service: str) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ServiceConfiguration.html"""
    record = services[service]
    region = responses.get_region()
    arns = {
        kind: "".join(f"<item>{arn}</item>" for arn in record[kind.capitalize()]) for kind in ("network", "gateway")
    }
    kind = "GatewayLoadBalancer" if record["Gateway"] else "Interface"
    return (
        f"<serviceType><item><serviceType>{kind}</serviceType></item></serviceType><serviceId>{service}</serviceId>"
        f"<serviceName>com.amazonaws.vpce.{region}.{service}</serviceName><serviceState>Available</serviceState>"
        f"<acceptanceRequired>{record['AcceptanceRequired']}</acceptanceRequired>"
        f"<managesVpcEndpoints>false</managesVpcEndpoints>"
        f"<networkLoadBalancerArnSet>{arns['network']}</networkLoadBalancerArnSet>"
        f"<gatewayLoadBalancerArnSet>{arns['gateway']}</gatewayLoadBalancerArnSet>"
        f"<supportedIpAddressTypeSet><item>ipv4</item></supportedIpAddressTypeSet>{ec2._tag_set_xml(service)}"
    )


def _delete_services(params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpcEndpointServiceConfigurations.html"""
    for service in ec2._parse_member_list(params, "ServiceId"):
        services.pop(service, None)
        ec2._tags.pop(service, None)
    return ec2._xml(200, "DeleteVpcEndpointServiceConfigurationsResponse", "<unsuccessful/>")


def _modify_permissions(params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpointServicePermissions.html"""
    absent = _absent(params)
    if absent:
        return absent
    principals = services[ec2._p(params, "ServiceId")]["Principals"]
    for removed in ec2._parse_member_list(params, "RemoveAllowedPrincipals"):
        principals.pop(removed, None)
    for added in ec2._parse_member_list(params, "AddAllowedPrincipals"):
        principals.setdefault(added, f"vpce-svc-perm-{secrets.token_hex(9)[1:]}")
    return ec2._xml(200, "ModifyVpcEndpointServicePermissionsResponse", "<return>true</return>")


def _describe_permissions(params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServicePermissions.html"""
    absent = _absent(params)
    if absent:
        return absent
    service = ec2._p(params, "ServiceId")
    items = "".join(
        f"<item><principalType>{_kind(principal)}</principalType><principal>{ec2._esc(principal)}</principal>"
        f"<servicePermissionId>{permission}</servicePermissionId><serviceId>{service}</serviceId></item>"
        for principal, permission in services[service]["Principals"].items()
    )
    return ec2._xml(
        200, "DescribeVpcEndpointServicePermissionsResponse", f"<allowedPrincipals>{items}</allowedPrincipals>"
    )


def _absent(params: Params) -> Any:
    service = ec2._p(params, "ServiceId")
    if service in services:
        return None
    return ec2._error(
        "InvalidVpcEndpointServiceId.NotFound", f"The VpcEndpointService Id '{service}' does not exist", 400
    )


def _kind(principal: str) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllowedPrincipal.html ("principalType")"""
    name = principal.rpartition(":")[2]
    kinds = {"*": "All", "root": "Account", "user": "User", "role": "Role"}
    return kinds.get(name.partition("/")[0], "Service")


ec2._ACTION_MAP.update(
    CreateVpcEndpointServiceConfiguration=_create_service,
    DeleteVpcEndpointServiceConfigurations=_delete_services,
    DescribeVpcEndpointServiceConfigurations=_describe_services,
    DescribeVpcEndpointServicePermissions=_describe_permissions,
    ModifyVpcEndpointServicePermissions=_modify_permissions,
)


@replaces("services.ec2", "reset")
def forget(original: Callable[[], None]) -> None:
    """Start anew with the rest of EC2."""
    services.clear()
    original()


# ---- AWS::EC2::VPCEndpointService


def _create(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpcendpointservice.html"""
    given: Properties = {name: props[name] for name in BALANCERS if props.get(name)}
    if props.get("AcceptanceRequired") is not None:
        given["AcceptanceRequired"] = truth(props["AcceptanceRequired"])
    service = element(call("CreateVpcEndpointServiceConfiguration", **given), "serviceId")
    ec2._tags[service] = tags_of(props)
    return service, {"ServiceId": service}


BALANCERS = ("NetworkLoadBalancerArns", "GatewayLoadBalancerArns")


def _delete(service: str, _props: Properties) -> None:
    call("DeleteVpcEndpointServiceConfigurations", ServiceIds=[service])


resource_type("AWS::EC2::VPCEndpointService", _create, _delete)
ministack("services.cloudformation.provisioners")._STACK_TAG_PROPERTY["AWS::EC2::VPCEndpointService"] = ("Tags", "list")


# ---- AWS::EC2::VPCEndpointServicePermissions


def _allow(props: Properties) -> Made:
    """…/aws-resource-ec2-vpcendpointservicepermissions.html, below the address of the other type."""
    call(
        "ModifyVpcEndpointServicePermissions",
        ServiceId=props["ServiceId"],
        AddAllowedPrincipals=props.get("AllowedPrincipals") or [],
    )
    return props["ServiceId"], {}


def _change(service: str, old_props: Properties, new_props: Properties) -> Made | None:
    if old_props["ServiceId"] != new_props["ServiceId"]:
        return None
    _disallow(service, old_props)
    return _allow(new_props)


def _disallow(service: str, props: Properties) -> None:
    if service in services:
        call(
            "ModifyVpcEndpointServicePermissions",
            ServiceId=service,
            RemoveAllowedPrincipals=props.get("AllowedPrincipals") or [],
        )


resource_type("AWS::EC2::VPCEndpointServicePermissions", _allow, _disallow, update=_change)
