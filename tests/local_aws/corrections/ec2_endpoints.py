"""EC2: VPC endpoints have a policy, security groups and network interfaces.

https://docs.aws.amazon.com/vpc/latest/privatelink/concepts.html
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces
from resource_types import truth

Params = dict[str, Any]

ec2 = ministack("services.ec2")

# https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html ("Default endpoint policy")
FULL_ACCESS = {"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}


# AWS Step Functions has one too: https://docs.aws.amazon.com/step-functions/latest/dg/vpc-endpoints.html
ec2._VPCE_INTERFACE_SERVICES += ("states",)


WITHOUT_POLICIES = ("email-smtp",)
"""Services whose endpoints' policies nobody can change: that of Amazon SES speaks SMTP, which has no IAM principals.

https://docs.aws.amazon.com/ses/latest/dg/send-email-set-up-vpc-endpoints.html
"""

ec2._VPCE_INTERFACE_SERVICES += WITHOUT_POLICIES


@replaces("services.ec2", "_describe_vpc_endpoint_services")
def services_tell_whether_they_take_policies(original: Callable[..., Any], params: Params) -> Any:
    """Gateway endpoints have policies, and interface endpoints where the service takes them.

    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
    """
    status, headers, body = original(params)
    root = ET.fromstring(body)
    for service in root.iterfind("{*}serviceDetailSet/{*}item"):
        name, supported = (service.find(f"{{*}}{each}") for each in ("serviceName", "vpcEndpointPolicySupported"))
        if name is None or supported is None:
            raise LookupError("a service lacks its name or whether it takes policies")
        supported.text = str((name.text or "").rpartition(".")[2] not in WITHOUT_POLICIES).lower()
    namespace = root.tag.partition("}")[0].removeprefix("{")
    return status, headers, ET.tostring(root, encoding="utf-8", xml_declaration=True, default_namespace=namespace)


@replaces("services.ec2", "_create_vpc_endpoint")
def an_endpoint_keeps_its_settings(original: Callable[..., Any], params: Params) -> Any:
    """CreateVpcEndpoint keeps the policy and the groups; MiniStack drops both.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
    """
    subnets = ec2._parse_member_list(params, "SubnetId")
    groups = ec2._parse_member_list(params, "SecurityGroupId")
    for asked, there, code in (
        ([ec2._p(params, "VpcId")], ec2._vpcs, "InvalidVpcId.NotFound"),
        (subnets, ec2._subnets, "InvalidSubnetId.NotFound"),
        (groups, ec2._security_groups, "InvalidGroup.NotFound"),
    ):
        for identifier in asked:
            if identifier not in there:
                return ec2._error(code, f"The ID '{identifier}' does not exist", 400)
    before = set(ec2._vpc_endpoints)
    answer = original(params)
    for made in set(ec2._vpc_endpoints) - before:
        endpoint = ec2._vpc_endpoints[made]
        endpoint["SecurityGroupIds"] = groups
        endpoint["PolicyDocument"] = ec2._p(params, "PolicyDocument") or None
        endpoint["PrivateDnsEnabled"] = truth(ec2._p(params, "PrivateDnsEnabled"))
        answer = ec2._xml(200, "CreateVpcEndpointResponse", ec2._vpce_fields_xml(endpoint, tag="vpcEndpoint"))
    return answer


@replaces("services.ec2", "_modify_vpc_endpoint")
def groups_and_policy_change(original: Callable[..., Any], params: Params) -> Any:
    """ModifyVpcEndpoint changes the groups too, and can bring back the default policy.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html
    """
    answer = original(params)
    endpoint = ec2._vpc_endpoints.get(ec2._p(params, "VpcEndpointId"))
    if endpoint:
        removed = ec2._parse_member_list(params, "RemoveSecurityGroupId")
        kept = [group for group in groups_of(endpoint) if group not in removed]
        endpoint["SecurityGroupIds"] = kept + ec2._parse_member_list(params, "AddSecurityGroupId")
        if truth(ec2._p(params, "ResetPolicy")):
            endpoint["PolicyDocument"] = None
        if ec2._p(params, "PrivateDnsEnabled"):
            endpoint["PrivateDnsEnabled"] = truth(ec2._p(params, "PrivateDnsEnabled"))
    return answer


@replaces("services.ec2", "_vpce_fields_xml")
def described_whole(original: Callable[..., str], endpoint: Params, tag: str = "item") -> str:
    """DescribeVpcEndpoints has the policy, the groups and the interfaces.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html
    """
    interface = endpoint["VpcEndpointType"] == "Interface"
    groups = "".join(
        f"<item><groupId>{group}</groupId><groupName>{ec2._security_groups[group]['GroupName']}</groupName></item>"
        for group in groups_of(endpoint)
        if group in ec2._security_groups
    )
    interfaces = "".join(f"<item>{interface_of(endpoint, subnet)}</item>" for subnet in endpoint["SubnetIds"])
    more = (
        f"<groupSet>{groups}</groupSet>"
        f"<networkInterfaceIdSet>{interfaces if interface else ''}</networkInterfaceIdSet>"
        f"<privateDnsEnabled>{str(truth(endpoint.get('PrivateDnsEnabled'))).lower()}</privateDnsEnabled>"
        f"<ipAddressType>ipv4</ipAddressType><requesterManaged>false</requesterManaged>"
        f"<creationTimestamp>{endpoint.setdefault('CreationTimestamp', ec2._now_ts())}</creationTimestamp>"
    )
    # A Gateway Load Balancer endpoint has no policy.
    if endpoint["VpcEndpointType"] != "GatewayLoadBalancer":
        more += f"<policyDocument>{ec2._esc(_policy(endpoint))}</policyDocument>"
    return original(endpoint, tag).removesuffix(f"</{tag}>") + f"{more}</{tag}>"


def _policy(endpoint: Params) -> str:
    """The document as text; CloudFormation leaves an object, and a template's text as it is."""
    policy = endpoint.get("PolicyDocument") or FULL_ACCESS
    return policy if isinstance(policy, str) else json.dumps(policy)


def groups_of(endpoint: Params) -> list[str]:
    """The security groups of an interface endpoint: without any in the request, the VPC's default group.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html ("SecurityGroupId.N")
    """
    if endpoint["VpcEndpointType"] != "Interface":
        return []
    named: list[str] = endpoint.get("SecurityGroupIds") or []
    return named or [ec2._vpcs[endpoint["VpcId"]]["DefaultSecurityGroupId"]]


def interface_of(endpoint: Params, subnet: str) -> str:
    """The id of the endpoint's network interface in a subnet."""
    return f"eni-{endpoint['VpcEndpointId'][-8:]}{subnet.rpartition('-')[2][-9:]}"
