"""EC2: the rules of a security group may name prefix lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

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
