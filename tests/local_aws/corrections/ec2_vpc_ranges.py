"""EC2: further address ranges of a VPC, above all the IPv6 range that Amazon provides.

https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from in_process import ec2 as call
from patching import ministack, replaces
from resource_types import Made, Properties, element, resource_type, truth

Params = dict[str, Any]

ec2 = ministack("services.ec2")


def _associate(params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateVpcCidrBlock.html"""
    vpc = ec2._vpcs.get(ec2._p(params, "VpcId"))
    if vpc is None:
        return ec2._error("InvalidVpcID.NotFound", f"The vpc ID '{ec2._p(params, 'VpcId')}' does not exist", 400)
    association = f"vpc-cidr-assoc-{secrets.token_hex(9)[1:]}"
    block = ec2._p(params, "CidrBlock")
    version = "4" if block else "6"
    if not block:
        # Of the range for documentation: https://www.rfc-editor.org/rfc/rfc3849
        block = f"2001:db8:{secrets.token_hex(2)}::/56"
        _add_rules(vpc["DefaultNetworkAclId"])
        vpc.setdefault("Ipv6CidrBlocks", []).append(block)
    vpc.setdefault("Ranges", {})[association] = version, block
    name = {"4": "cidrBlockAssociation", "6": "ipv6CidrBlockAssociation"}[version]
    inner = _range_xml(association, version, block)
    return ec2._xml(200, "AssociateVpcCidrBlockResponse", f"<vpcId>{vpc['VpcId']}</vpcId><{name}>{inner}</{name}>")


def _add_rules(acl: str) -> None:
    """The default network ACL of a VPC with an IPv6 range lets that in and out.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html
    """
    entries = ec2._network_acls[acl]["Entries"]
    if not any(entry["RuleNumber"] == 32768 for entry in entries):
        entries += [
            {"RuleNumber": number, "Protocol": "-1", "RuleAction": action, "Egress": egress, "Ipv6CidrBlock": "::/0"}
            for egress in (False, True)
            for number, action in ((101, "allow"), (32768, "deny"))
        ]


def _disassociate(params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateVpcCidrBlock.html"""
    association = ec2._p(params, "AssociationId")
    for vpc in ec2._vpcs.values():
        version, block = vpc.get("Ranges", {}).pop(association, (None, None))
        if version == "6":
            vpc["Ipv6CidrBlocks"].remove(block)
        if version:
            return ec2._xml(200, "DisassociateVpcCidrBlockResponse", f"<vpcId>{vpc['VpcId']}</vpcId>")
    return ec2._error("InvalidVpcCidrBlockAssociationID.NotFound", f"{association} does not exist", 400)


ec2._ACTION_MAP.update(AssociateVpcCidrBlock=_associate, DisassociateVpcCidrBlock=_disassociate)


@replaces("services.ec2", "_vpc_fields_xml")
def every_range_is_described(original: Callable[..., str], vpc: Params, tag: str = "item") -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Vpc.html"""
    further = {"4": "", "6": ""}
    for association, (version, block) in vpc.get("Ranges", {}).items():
        further[version] += f"<item>{_range_xml(association, version, block)}</item>"
    end = "</cidrBlockAssociationSet>"
    ipv6 = f"<ipv6CidrBlockAssociationSet>{further['6']}</ipv6CidrBlockAssociationSet>"
    return original(vpc, tag).replace(end, f"{further['4']}{end}{ipv6}")


def _range_xml(association: str, version: str, block: str) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcIpv6CidrBlockAssociation.html"""
    name = {"4": "cidrBlock", "6": "ipv6CidrBlock"}[version]
    return (
        f"<{name}>{block}</{name}><associationId>{association}</associationId>"
        f"<{name}State><state>associated</state></{name}State>"
    )


# ---- AWS::EC2::VPCCidrBlock


def _create(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpccidrblock.html"""
    given: Properties = {"VpcId": props["VpcId"]}
    if truth(props.get("AmazonProvidedIpv6CidrBlock")):
        given["AmazonProvidedIpv6CidrBlock"] = True
    else:
        given["CidrBlock"] = props["CidrBlock"]
    made = element(call("AssociateVpcCidrBlock", **given), "associationId")
    return made, {"Id": made}


def _delete(association: str, _props: Properties) -> None:
    if any(association in vpc.get("Ranges", {}) for vpc in ec2._vpcs.values()):
        call("DisassociateVpcCidrBlock", AssociationId=association)


resource_type("AWS::EC2::VPCCidrBlock", _create, _delete)
