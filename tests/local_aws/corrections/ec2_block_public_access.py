"""EC2: VPC Block Public Access, which MiniStack does not have.

https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from in_process import ec2 as call
from patching import ministack, replaces
from resource_types import Made, Properties, resource_type

Params = dict[str, Any]

ec2 = ministack("services.ec2")
responses = ministack("core.responses")
options = responses.AccountRegionScopedDict()

MODES = ("off", "block-bidirectional", "block-ingress")


def _describe(_params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcBlockPublicAccessOptions.html"""
    return _answer("Describe")


def _modify(params: Params) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcBlockPublicAccessOptions.html"""
    mode = ec2._p(params, "InternetGatewayBlockMode")
    if mode not in MODES:
        return ec2._error("InvalidParameterValue", f"InternetGatewayBlockMode {mode!r} must be one of {MODES}", 400)
    options["mode"] = mode
    options["updated"] = ec2._now_ts()
    return _answer("Modify")


def _answer(verb: str) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcBlockPublicAccessOptions.html"""
    updated = options.get("updated")
    members = {
        "awsAccountId": responses.get_account_id(),
        "awsRegion": responses.get_region(),
        "state": "update-complete" if updated else "default-state",
        "internetGatewayBlockMode": options.get("mode", "off"),
        "managedBy": "account",
        "exclusionsAllowed": "allowed",
    }
    if updated:
        members["lastUpdateTimestamp"] = updated
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    return ec2._xml(
        200,
        f"{verb}VpcBlockPublicAccessOptionsResponse",
        f"<vpcBlockPublicAccessOptions>{inner}</vpcBlockPublicAccessOptions>",
    )


ec2._ACTION_MAP["DescribeVpcBlockPublicAccessOptions"] = _describe
ec2._ACTION_MAP["ModifyVpcBlockPublicAccessOptions"] = _modify


@replaces("services.ec2", "reset")
def forget(original: Callable[[], None]) -> None:
    """Start anew with the rest of EC2."""
    options.clear()
    original()


def _create(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpcblockpublicaccessoptions.html"""
    call("ModifyVpcBlockPublicAccessOptions", InternetGatewayBlockMode=props["InternetGatewayBlockMode"])
    account = responses.get_account_id()
    return account, {"AccountId": account, "ExclusionsAllowed": "allowed"}


def _update(_account: str, _old_props: Properties, new_props: Properties) -> Made:
    return _create(new_props)


def _delete(_account: str, _props: Properties) -> None:
    call("ModifyVpcBlockPublicAccessOptions", InternetGatewayBlockMode="off")


resource_type("AWS::EC2::VPCBlockPublicAccessOptions", _create, _delete, update=_update)
