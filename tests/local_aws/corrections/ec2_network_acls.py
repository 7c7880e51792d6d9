"""EC2: network ACLs belong to subnets, deny what no rule decides, and keep ports and ICMP types.

https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from in_process import RefusedError
from in_process import ec2 as call
from patching import ministack, replaces
from resource_types import Made, Properties, element, resource_type, tags_of, truth

Params = dict[str, Any]

ec2 = ministack("services.ec2")


def associate_subnets() -> None:
    """Give every subnet exactly one network ACL: that of its association, or else the VPC's default.

    https://docs.aws.amazon.com/vpc/latest/userguide/network-acl-associations.html
    """
    without = set(ec2._subnets)
    for acl in ec2._network_acls.values():
        acl["Associations"] = [each for each in acl["Associations"] if each["SubnetId"] in ec2._subnets]
        without -= {each["SubnetId"] for each in acl["Associations"]}
    defaults = {acl["VpcId"]: acl for acl in ec2._network_acls.values() if acl["IsDefault"]}
    for subnet in sorted(without):
        _associate(defaults[ec2._subnets[subnet]["VpcId"]], subnet)


def _associate(acl: Params, subnet: str) -> str:
    association = f"aclassoc-{secrets.token_hex(9)[1:]}"
    acl["Associations"].append({"NetworkAclAssociationId": association, "SubnetId": subnet})
    return association


def association_of(subnet: str) -> str:
    """The id of the subnet's association with its network ACL."""
    associate_subnets()
    found: list[str] = [
        each["NetworkAclAssociationId"]
        for acl in ec2._network_acls.values()
        for each in acl["Associations"]
        if each["SubnetId"] == subnet
    ]
    if not found:
        raise RefusedError(f"The subnet ID '{subnet}' does not exist")
    return found[0]


@replaces("services.ec2", "_describe_network_acls")
def subnets_have_network_acls(original: Callable[..., Any], params: Params) -> Any:
    """DescribeNetworkAcls names the subnets of each network ACL.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkAcls.html
    """
    associate_subnets()
    return original(params)


@replaces("services.ec2", "_create_network_acl")
def a_new_acl_denies_everything(original: Callable[..., Any], params: Params) -> Any:
    """A new network ACL has the rules that deny, in both directions, what no other rule decides.

    https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html
    """
    if ec2._p(params, "VpcId") not in ec2._vpcs:
        return ec2._error("InvalidVpcID.NotFound", f"The vpc ID '{ec2._p(params, 'VpcId')}' does not exist", 400)
    before = set(ec2._network_acls)
    answer = original(params)
    for made in set(ec2._network_acls) - before:
        ec2._network_acls[made]["Entries"] = [
            {
                "RuleNumber": 32767,
                "Protocol": "-1",
                "RuleAction": "deny",
                "Egress": egress,
                "CidrBlock": "0.0.0.0/0",
            }
            for egress in (True, False)
        ]
    return answer


@replaces("services.ec2", "_delete_network_acl")
def an_acl_in_use_stays(original: Callable[..., Any], params: Params) -> Any:
    """DeleteNetworkAcl refuses the default network ACL and one that has subnets.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkAcl.html
    """
    associate_subnets()
    acl = ec2._network_acls.get(ec2._p(params, "NetworkAclId"))
    if acl and acl["IsDefault"]:
        return ec2._error("InvalidParameterValue", f"cannot delete default network ACL {acl['NetworkAclId']}", 400)
    if acl and acl["Associations"]:
        return ec2._error(
            "DependencyViolation",
            f"The networkAcl '{acl['NetworkAclId']}' has dependencies and cannot be deleted.",
            400,
        )
    return original(params)


@replaces("services.ec2", "_replace_network_acl_association")
def the_subnet_gets_another_acl(_original: Callable[..., Any], params: Params) -> Any:
    """ReplaceNetworkAclAssociation moves the association's subnet; MiniStack forgets which one it is.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceNetworkAclAssociation.html
    """
    associate_subnets()
    old, new = ec2._p(params, "AssociationId"), ec2._network_acls.get(ec2._p(params, "NetworkAclId"))
    if new is None:
        return ec2._error("InvalidNetworkAclID.NotFound", "The network ACL does not exist", 400)
    for acl in ec2._network_acls.values():
        for each in acl["Associations"]:
            if each["NetworkAclAssociationId"] == old:
                acl["Associations"].remove(each)
                made = _associate(new, each["SubnetId"])
                return ec2._xml(
                    200,
                    "ReplaceNetworkAclAssociationResponse",
                    f"<newAssociationId>{made}</newAssociationId>",
                )
    return ec2._error("InvalidAssociationID.NotFound", f"The association ID '{old}' does not exist", 400)


@replaces("services.ec2", "_create_network_acl_entry")
def an_entry_is_whole_and_has_its_own_number(original: Callable[..., Any], params: Params) -> Any:
    """CreateNetworkAclEntry keeps ports and ICMP types, and refuses a rule number of the same direction.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html
    """
    acl = ec2._network_acls.get(ec2._p(params, "NetworkAclId"))
    if acl and _entry(acl, params):
        return ec2._error(
            "NetworkAclEntryAlreadyExists",
            f"The network acl entry identified by {ec2._p(params, 'RuleNumber')} already exists.",
            400,
        )
    return _with_ports(original, params)


@replaces("services.ec2", "_replace_network_acl_entry")
def a_replaced_entry_is_whole(original: Callable[..., Any], params: Params) -> Any:
    """ReplaceNetworkAclEntry keeps ports and ICMP types, and refuses a rule that is not there.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceNetworkAclEntry.html
    """
    return _absent(params) or _with_ports(original, params)


@replaces("services.ec2", "_delete_network_acl_entry")
def an_absent_entry_is_not_deleted(original: Callable[..., Any], params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkAclEntry.html"""
    return _absent(params) or original(params)


def _absent(params: Params) -> Any:
    acl = ec2._network_acls.get(ec2._p(params, "NetworkAclId"))
    if acl and not _entry(acl, params):
        number = ec2._p(params, "RuleNumber")
        return ec2._error(
            "InvalidNetworkAclEntry.NotFound", f"The network acl entry with number '{number}' does not exist", 400
        )
    return None


def _entry(acl: Params, params: Params) -> Params | None:
    key = int(ec2._p(params, "RuleNumber")), ec2._p(params, "Egress") == "true"
    return next((each for each in acl["Entries"] if (each["RuleNumber"], each["Egress"]) == key), None)


# By field of the record, the parameters of the request and the elements of the answer:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkAclEntry.html
RANGES = {
    "PortRange": ("PortRange.From", "PortRange.To", "portRange", "from", "to"),
    "IcmpTypeCode": ("Icmp.Type", "Icmp.Code", "icmpTypeCode", "type", "code"),
}


def _with_ports(put: Callable[..., Any], params: Params) -> Any:
    answer = put(params)
    acl = ec2._network_acls.get(ec2._p(params, "NetworkAclId"))
    entry = _entry(acl, params) if acl else None
    if entry:
        for field, (first, second, *_) in RANGES.items():
            if ec2._p(params, first):
                entry[field] = ec2._p(params, first), ec2._p(params, second)
    return answer


@replaces("services.ec2", "_network_acl_entry_xml")
def entries_are_described_whole(original: Callable[..., str], entry: Params) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkAclEntry.html"""
    ranges = ""
    for field, (_, _, name, first, second) in RANGES.items():
        if field in entry:
            ranges += f"<{name}><{first}>{entry[field][0]}</{first}><{second}>{entry[field][1]}</{second}></{name}>"
    return original(entry).replace("</item>", f"{ranges}</item>")


# ---- AWS::EC2::NetworkAcl


def _create(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-networkacl.html"""
    acl = element(call("CreateNetworkAcl", VpcId=props["VpcId"]), "networkAclId")
    ec2._tags[acl] = tags_of(props)
    return acl, {"Id": acl}


def _update(acl: str, old_props: Properties, new_props: Properties) -> Made | None:
    if old_props["VpcId"] != new_props["VpcId"]:
        return None
    ec2._tags[acl] = tags_of(new_props)
    return acl, {"Id": acl}


def _delete(acl: str, _props: Properties) -> None:
    if acl in ec2._network_acls:
        call("DeleteNetworkAcl", NetworkAclId=acl)
    ec2._tags.pop(acl, None)


resource_type("AWS::EC2::NetworkAcl", _create, _delete, update=_update)
ministack("services.cloudformation.provisioners")._STACK_TAG_PROPERTY["AWS::EC2::NetworkAcl"] = ("Tags", "list")


# ---- AWS::EC2::NetworkAclEntry


def _rule(props: Properties) -> Properties:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-networkaclentry.html"""
    rule: Properties = {
        **_key(props),
        "Protocol": str(props["Protocol"]),
        "RuleAction": props["RuleAction"],
    }
    rule |= {name: props[name] for name in ("CidrBlock", "Ipv6CidrBlock") if props.get(name)}
    if props.get("PortRange"):
        rule["PortRange"] = {end: int(port) for end, port in props["PortRange"].items()}
    if props.get("Icmp"):
        rule["IcmpTypeCode"] = {name: int(value) for name, value in props["Icmp"].items()}
    return rule


def _key(props: Properties) -> Properties:
    return {
        "NetworkAclId": props["NetworkAclId"],
        "RuleNumber": int(props["RuleNumber"]),
        "Egress": truth(props.get("Egress", False)),
    }


def _create_entry(props: Properties) -> Made:
    call("CreateNetworkAclEntry", **_rule(props))
    name = f"acl-entry-{secrets.token_hex(9)[1:]}"
    return name, {"Id": name}


def _update_entry(name: str, old_props: Properties, new_props: Properties) -> Made | None:
    if _key(old_props) != _key(new_props):
        return None
    call("ReplaceNetworkAclEntry", **_rule(new_props))
    return name, {"Id": name}


def _delete_entry(_name: str, props: Properties) -> None:
    acl = ec2._network_acls.get(props["NetworkAclId"])
    key = _key(props)
    if acl and any(
        (each["RuleNumber"], each["Egress"]) == (key["RuleNumber"], key["Egress"]) for each in acl["Entries"]
    ):
        call("DeleteNetworkAclEntry", **key)


resource_type("AWS::EC2::NetworkAclEntry", _create_entry, _delete_entry, update=_update_entry)


# ---- AWS::EC2::SubnetNetworkAclAssociation


def _create_association(props: Properties) -> Made:
    """…/aws-resource-ec2-subnetnetworkaclassociation.html, below the address of the other two types."""
    made = element(
        call(
            "ReplaceNetworkAclAssociation",
            AssociationId=association_of(props["SubnetId"]),
            NetworkAclId=props["NetworkAclId"],
        ),
        "newAssociationId",
    )
    return made, {"AssociationId": made}


def _delete_association(name: str, _props: Properties) -> None:
    """The subnet goes back to the default network ACL of its VPC."""
    for acl in ec2._network_acls.values():
        acl["Associations"] = [each for each in acl["Associations"] if each["NetworkAclAssociationId"] != name]


resource_type("AWS::EC2::SubnetNetworkAclAssociation", _create_association, _delete_association)
