"""EC2: the rules of a security group may name prefix lists, and templates may make these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from in_process import ec2 as call
from patching import ministack, replaces
from resource_types import Made, Properties, element, resource_type, tags_of

ec2 = ministack("services.ec2")


@replaces("services.ec2", "_parse_ip_permissions")
def rules_keep_their_prefix_lists(
    original: Callable[..., list[dict[str, Any]]], params: dict[str, Any], prefix: str
) -> list[dict[str, Any]]:
    """A rule has the prefix lists that the request names; MiniStack leaves a rule without any source.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
    """
    rules = original(params, prefix)
    for number, rule in enumerate(rules, start=1):
        named = 1
        while prefix_list := ec2._p(params, f"{prefix}.{number}.PrefixListIds.{named}.PrefixListId"):
            rule["PrefixListIds"].append({"PrefixListId": prefix_list})
            named += 1
    return rules


# ---- AWS::EC2::PrefixList


def _create_prefix_list(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-prefixlist.html"""
    entries = props.get("Entries") or []
    answer = call(
        "CreateManagedPrefixList",
        PrefixListName=props["PrefixListName"],
        AddressFamily=props["AddressFamily"],
        MaxEntries=int(props.get("MaxEntries") or len(entries)),
        Entries=entries,
    )
    made = element(answer, "prefixListId")
    ec2._tags[made] = tags_of(props)
    return made, {"PrefixListId": made, "Arn": element(answer, "prefixListArn")}


def _delete_prefix_list(made: str, _props: Properties) -> None:
    if made in ec2._prefix_lists:
        call("DeleteManagedPrefixList", PrefixListId=made)
    ec2._tags.pop(made, None)


resource_type("AWS::EC2::PrefixList", _create_prefix_list, _delete_prefix_list)
