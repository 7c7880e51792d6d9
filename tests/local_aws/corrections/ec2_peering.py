"""EC2: peering connections name the address ranges of both VPCs, and templates can make them.

https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from in_process import ec2 as call
from patching import ministack, replaces
from resource_types import Made, Properties, element, resource_type, tags_of

Params = dict[str, Any]

ec2 = ministack("services.ec2")
responses = ministack("core.responses")


@replaces("services.ec2", "_create_vpc_peering_connection")
def a_connection_needs_its_vpcs(original: Callable[..., Any], params: Params) -> Any:
    """CreateVpcPeeringConnection refuses VPCs of this account and Region that do not exist.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcPeeringConnection.html
    """
    here = responses.get_account_id(), responses.get_region()
    peer = ec2._p(params, "PeerOwnerId") or here[0], ec2._p(params, "PeerRegion") or here[1]
    for vpc in [ec2._p(params, "VpcId"), *([ec2._p(params, "PeerVpcId")] if peer == here else [])]:
        if vpc not in ec2._vpcs:
            return ec2._error("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist", 400)
    return original(params)


@replaces("services.ec2", "_describe_vpc_peering_connections")
def connections_are_described_whole(_original: Callable[..., Any], params: Params) -> Any:
    """DescribeVpcPeeringConnections has the ranges of each VPC, the accepter's from the acceptance on.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcPeeringConnectionVpcInfo.html
    """
    asked = ec2._parse_member_list(params, "VpcPeeringConnectionId")
    items = "".join(
        _connection(each) for each in ec2._vpc_peering.values() if not asked or each["VpcPeeringConnectionId"] in asked
    )
    return ec2._xml(
        200,
        "DescribeVpcPeeringConnectionsResponse",
        f"<vpcPeeringConnectionSet>{items}</vpcPeeringConnectionSet>",
    )


def _connection(record: Params) -> str:
    status = record["Status"]
    accepted = status["Code"] in ("active", "provisioning")
    return (
        f"<item><vpcPeeringConnectionId>{record['VpcPeeringConnectionId']}</vpcPeeringConnectionId>"
        f"<requesterVpcInfo>{_vpc(record['RequesterVpcInfo'], known=True)}</requesterVpcInfo>"
        f"<accepterVpcInfo>{_vpc(record['AccepterVpcInfo'], known=accepted)}</accepterVpcInfo>"
        f"<status><code>{status['Code']}</code><message>{status['Message']}</message></status>"
        f"{ec2._tag_set_xml(record['VpcPeeringConnectionId'])}</item>"
    )


def _vpc(info: Params, *, known: bool) -> str:
    text = f"<vpcId>{info['VpcId']}</vpcId><ownerId>{info['OwnerId']}</ownerId><region>{info['Region']}</region>"
    vpc = ec2._vpcs.get_scoped(info["OwnerId"], info["Region"], info["VpcId"])
    if known and vpc:
        blocks = {"4": [vpc["CidrBlock"]], "6": []}
        for version, block in vpc.get("Ranges", {}).values():
            blocks[version].append(block)
        sets = {
            version: "".join(f"<item><{name}>{block}</{name}></item>" for block in blocks[version])
            for version, name in (("4", "cidrBlock"), ("6", "ipv6CidrBlock"))
        }
        text += f"<cidrBlock>{vpc['CidrBlock']}</cidrBlock><cidrBlockSet>{sets['4']}</cidrBlockSet>"
        text += f"<ipv6CidrBlockSet>{sets['6']}</ipv6CidrBlockSet>"
    return text


# ---- AWS::EC2::VPCPeeringConnection


def _create(props: Properties) -> Made:
    """A connection within one account is accepted by CloudFormation itself; another account's waits for its owner.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpcpeeringconnection.html
    """
    given = {name: str(props[name]) for name in PROPERTIES if props.get(name)}
    made = element(call("CreateVpcPeeringConnection", **given), "vpcPeeringConnectionId")
    if given.get("PeerOwnerId", responses.get_account_id()) == responses.get_account_id():
        call("AcceptVpcPeeringConnection", VpcPeeringConnectionId=made)
    ec2._tags[made] = tags_of(props)
    return made, {"Id": made}


PROPERTIES = ("VpcId", "PeerVpcId", "PeerOwnerId", "PeerRegion")


def _update(connection: str, old_props: Properties, new_props: Properties) -> Made | None:
    if any(old_props.get(name) != new_props.get(name) for name in PROPERTIES):
        return None
    ec2._tags[connection] = tags_of(new_props)
    return connection, {"Id": connection}


def _delete(connection: str, _props: Properties) -> None:
    if connection in ec2._vpc_peering:
        call("DeleteVpcPeeringConnection", VpcPeeringConnectionId=connection)
    ec2._tags.pop(connection, None)


resource_type("AWS::EC2::VPCPeeringConnection", _create, _delete, update=_update)
ministack("services.cloudformation.provisioners")._STACK_TAG_PROPERTY["AWS::EC2::VPCPeeringConnection"] = (
    "Tags",
    "list",
)
