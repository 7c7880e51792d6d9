"""CloudFormation: Elastic IP addresses and their associations.

https://docs.aws.amazon.com/vpc/latest/userguide/vpc-eips.html
"""

from __future__ import annotations

from in_process import ec2 as call
from patching import ministack
from resource_types import Made, Properties, element, resource_type, tags_of

ec2 = ministack("services.ec2")


def _allocate(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-eip.html"""
    answer = call("AllocateAddress", Domain="vpc")
    made, address = element(answer, "allocationId"), element(answer, "publicIp")
    ec2._tags[made] = tags_of(props)
    return address, {"AllocationId": made, "PublicIp": address}


def _release(address: str, _props: Properties) -> None:
    for allocation, record in list(ec2._addresses.items()):
        if record["PublicIp"] == address:
            call("ReleaseAddress", AllocationId=allocation)
            ec2._tags.pop(allocation, None)


resource_type("AWS::EC2::EIP", _allocate, _release)
ministack("services.cloudformation.provisioners")._STACK_TAG_PROPERTY["AWS::EC2::EIP"] = ("Tags", "list")


def _associate(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-eipassociation.html"""
    given = {name: props[name] for name in ("AllocationId", "InstanceId", "NetworkInterfaceId") if props.get(name)}
    made = element(call("AssociateAddress", **given), "associationId")
    return made, {"Id": made}


def _disassociate(association: str, _props: Properties) -> None:
    if any(record["AssociationId"] == association for record in ec2._addresses.values()):
        call("DisassociateAddress", AssociationId=association)


resource_type("AWS::EC2::EIPAssociation", _associate, _disassociate)
