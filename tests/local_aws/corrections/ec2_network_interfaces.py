"""EC2: network interfaces of what is in a VPC, which MiniStack does not make.

They are described as long as what uses them is there.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/requester-managed-eni.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from in_process import ec2 as call
from patching import ministack, replaces
from resource_types import Made, Properties, element, resource_type, tags_of, truth

from corrections.ec2_endpoints import groups_of, interface_of

Params = dict[str, Any]

alb = ministack("services.alb")
ec2 = ministack("services.ec2")
lambda_svc = ministack("services.lambda_svc")
responses = ministack("core.responses")


@replaces("services.ec2", "_describe_network_interfaces")
def what_uses_a_network_has_interfaces(_original: Callable[..., Any], params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html"""
    asked = ec2._parse_member_list(params, "NetworkInterfaceId")
    every = [*ec2._network_interfaces.values()]
    for users in (_of_functions, _of_endpoints, _of_instances, _of_load_balancers, _of_nat_gateways):
        every += users()
    items = "".join(ec2._eni_fields_xml(each) for each in every if not asked or each["NetworkInterfaceId"] in asked)
    return ec2._xml(200, "DescribeNetworkInterfacesResponse", f"<networkInterfaceSet>{items}</networkInterfaceSet>")


def _of_functions() -> Iterator[Params]:
    """Functions with the same subnet and the same groups share an interface.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-enis
    """
    made = set()
    for function in lambda_svc._functions.values():
        config = function["config"]
        network = config.get("VpcConfig") or {}
        groups = sorted(network.get("SecurityGroupIds") or [])
        for subnet in network.get("SubnetIds") or []:
            identifier = f"eni-{hashlib.sha256(' '.join([subnet, *groups]).encode()).hexdigest()[:17]}"
            if subnet in ec2._subnets and identifier not in made:
                made.add(identifier)
                description = f"AWS Lambda VPC ENI-{config['FunctionName']}"
                yield _managed(identifier, subnet, groups, "lambda", description)


def _of_endpoints() -> Iterator[Params]:
    """An interface endpoint has one in each of its subnets.

    https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
    """
    for endpoint in ec2._vpc_endpoints.values():
        if endpoint["VpcEndpointType"] == "Interface":
            for subnet in endpoint["SubnetIds"]:
                description = f"VPC Endpoint Interface {endpoint['VpcEndpointId']}"
                identifier = interface_of(endpoint, subnet)
                yield _managed(identifier, subnet, groups_of(endpoint), "vpc_endpoint", description)


def _of_instances() -> Iterator[Params]:
    """An instance that is not terminated has its primary interface.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html
    """
    for instance in ec2._instances.values():
        if instance["State"]["Name"] != "terminated":
            groups = [group["GroupId"] for group in instance["SecurityGroups"]]
            identifier = f"eni-{instance['InstanceId'].removeprefix('i-')}"
            yield _interface(identifier, instance["SubnetId"], groups, "interface", "") | {
                "PrivateIpAddress": instance["PrivateIpAddress"],
                "Attachment": {
                    "AttachmentId": f"eni-attach-{identifier.removeprefix('eni-')}",
                    "AttachTime": instance["LaunchTime"],
                    "InstanceId": instance["InstanceId"],
                    "InstanceOwnerId": responses.get_account_id(),
                },
            }


def _of_load_balancers() -> Iterator[Params]:
    """A load balancer has one in each of its subnets.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html
    """
    for balancer in alb._lbs.values():
        kind = {"network": "network_load_balancer"}.get(balancer["Type"], "interface")
        for subnet in balancer["Subnets"]:
            if subnet in ec2._subnets:
                name = balancer["LoadBalancerArn"].partition("loadbalancer/")[2]
                identifier = f"eni-{hashlib.sha256(f'{name} {subnet}'.encode()).hexdigest()[:17]}"
                yield _managed(identifier, subnet, balancer["SecurityGroups"], kind, f"ELB {name}")


def _of_nat_gateways() -> Iterator[Params]:
    """A NAT gateway has one, without security groups.

    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html
    """
    for gateway in ec2._nat_gateways.values():
        if gateway["State"] == "available":
            identifier = f"eni-{gateway['NatGatewayId'].removeprefix('nat-')}"
            description = f"Interface for NAT Gateway {gateway['NatGatewayId']}"
            yield _managed(identifier, gateway["SubnetId"], [], "nat_gateway", description)


def _managed(identifier: str, subnet: str, groups: list[str], kind: str, description: str) -> Params:
    return _interface(identifier, subnet, groups, kind, description) | {
        "RequesterManaged": True,
        "Attachment": {
            "AttachmentId": f"ela-attach-{identifier.removeprefix('eni-')}",
            "InstanceOwnerId": "amazon-aws",
        },
    }


def _interface(identifier: str, subnet: str, groups: list[str], kind: str, description: str) -> Params:
    digest = hashlib.sha256(identifier.encode()).digest()
    return {
        "NetworkInterfaceId": identifier,
        "SubnetId": subnet,
        "VpcId": ec2._subnets[subnet]["VpcId"],
        "AvailabilityZone": ec2._subnets[subnet]["AvailabilityZone"],
        "Description": description,
        "OwnerId": responses.get_account_id(),
        "Status": "in-use",
        "PrivateIpAddress": f"10.0.{digest[0]}.{digest[1]}",
        "InterfaceType": kind,
        "MacAddress": ":".join(f"{octet:02x}" for octet in (2, *digest[2:7])),
        "Groups": _groups(groups),
    }


def _groups(groups: list[str]) -> list[dict[str, str]]:
    there = ec2._security_groups
    return [{"GroupId": group, "GroupName": there[group]["GroupName"]} for group in groups if group in there]


@replaces("services.ec2", "_create_network_interface")
def an_interface_belongs_to_its_own_vpc(original: Callable[..., Any], params: Params) -> Any:
    """CreateNetworkInterface takes the default group of the subnet's VPC, and keeps the tags.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html
    """
    subnet = ec2._subnets.get(ec2._p(params, "SubnetId"))
    if subnet is None:
        return ec2._error("InvalidSubnetID.NotFound", "The subnet does not exist", 400)
    for group in ec2._parse_member_list(params, "SecurityGroupId"):
        if group not in ec2._security_groups:
            return ec2._error("InvalidGroup.NotFound", f"The security group '{group}' does not exist", 400)
    before = set(ec2._network_interfaces)
    answer = original(params)
    for made in set(ec2._network_interfaces) - before:
        interface = ec2._network_interfaces[made]
        if not ec2._parse_member_list(params, "SecurityGroupId"):
            interface["Groups"] = _groups([ec2._vpcs[subnet["VpcId"]]["DefaultSecurityGroupId"]])
        if ec2._p(params, "PrivateIpAddress"):
            interface["PrivateIpAddress"] = ec2._p(params, "PrivateIpAddress")
        ec2._parse_tag_specs(params, "network-interface", made)
        answer = ec2._xml(200, "CreateNetworkInterfaceResponse", ec2._eni_fields_xml(interface, tag="networkInterface"))
    return answer


@replaces("services.ec2", "_eni_fields_xml")
def interfaces_say_who_made_them(original: Callable[..., str], interface: Params, tag: str = "item") -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html"""
    attachment = interface.get("Attachment")
    text = original(interface | {"Attachment": None}, tag).removesuffix(f"</{tag}>")
    text += f"<requesterManaged>{str(bool(interface.get('RequesterManaged'))).lower()}</requesterManaged>"
    if attachment:
        owner = attachment.get("InstanceOwnerId") or responses.get_account_id()
        text += (
            f"<attachment><attachmentId>{attachment['AttachmentId']}</attachmentId>"
            f"<deviceIndex>{attachment.get('DeviceIndex', 0)}</deviceIndex><status>attached</status>"
            f"<instanceOwnerId>{owner}</instanceOwnerId>"
        )
        text += "".join(
            f"<{name[0].lower()}{name[1:]}>{attachment[name]}</{name[0].lower()}{name[1:]}>"
            for name in ("AttachTime", "InstanceId")
            if attachment.get(name)
        )
        text += "</attachment>"
    return f"{text}</{tag}>"


# ---- AWS::EC2::NetworkInterface


def _create(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-networkinterface.html"""
    given = {name: props[name] for name in ("Description", "PrivateIpAddress", "SubnetId") if props.get(name)}
    if props.get("GroupSet"):
        given["Groups"] = props["GroupSet"]
    made = element(call("CreateNetworkInterface", **given), "networkInterfaceId")
    return _update(made, props, props) or (made, {})


def _update(made: str, old_props: Properties, new_props: Properties) -> Made | None:
    if any(old_props.get(name) != new_props.get(name) for name in ("PrivateIpAddress", "SubnetId")):
        return None
    interface = ec2._network_interfaces[made]
    interface["Description"] = new_props.get("Description") or ""
    interface["SourceDestCheck"] = truth(new_props.get("SourceDestCheck", True))
    if new_props.get("GroupSet"):
        interface["Groups"] = _groups(new_props["GroupSet"])
    ec2._tags[made] = tags_of(new_props)
    return made, {
        "Id": made,
        "PrimaryPrivateIpAddress": interface["PrivateIpAddress"],
        "VpcId": interface["VpcId"],
    }


def _delete(made: str, _props: Properties) -> None:
    if made in ec2._network_interfaces:
        call("DeleteNetworkInterface", NetworkInterfaceId=made)
    ec2._tags.pop(made, None)


resource_type("AWS::EC2::NetworkInterface", _create, _delete, update=_update)
ministack("services.cloudformation.provisioners")._STACK_TAG_PROPERTY["AWS::EC2::NetworkInterface"] = ("Tags", "list")
