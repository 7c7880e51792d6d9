"""Begin a rule: write its file and register it, as ``make new-rule ID=…`` does.

The new rule judges nothing and its texts are empty. The tests of the catalogue are red until it is
written: they name what is missing.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "src"

KINDS = {
    "s3-account-": ("s3", "S3Account", "S3Account", "s3_account(true)"),
    "s3-access-point-": ("s3", "AccessPoint", "AccessPoint", "access_point(true)"),
    "s3-directory-bucket-": ("s3", "DirectoryBucket", "DirectoryBucket", "directory_bucket(true)"),
    "s3-": ("s3", "Bucket", "S3Bucket", "good_bucket()"),
    "security-group-": ("vpc", "SecurityGroup", "SecurityGroup", 'security_group("sg-1", Vec::new())'),
    "network-acl-": ("vpc", "NetworkAcl", "NetworkAcl", 'network_acl("acl-1", Vec::new())'),
    "route-table-": ("vpc", "RouteTable", "RouteTable", 'route_table("rtb-1", true, &[], "0.0.0.0/0", "nat-1")'),
    "subnet-": ("vpc", "Subnet", "Subnet", 'subnet("subnet-1", "us-east-1a")'),
    "vpc-endpoint-service-": ("vpc", "EndpointService", "EndpointService", "endpoint_service(&[])"),
    "vpc-peering-": ("vpc", "PeeringConnection", "PeeringConnection", "peering_connection(&[])"),
    "eip-": ("vpc", "ElasticIp", "ElasticIp", "elastic_ip(None)"),
    "ec2-enis-": ("vpc", "NetworkInterface", "NetworkInterface", "network_interface(true)"),
    "ec2-launch-template-": ("vpc", "LaunchTemplate", "LaunchTemplate", "launch_template(&[])"),
    "ec2-vpn-connection-": ("vpc", "VpnConnection", "VpnConnection", 'vpn_connection("UP", &[], true)'),
    "ec2-client-vpn-": ("vpc", "ClientVpnEndpoint", "ClientVpnEndpoint", "client_vpn_endpoint(true)"),
    "ec2-transit-gateway-": ("vpc", "TransitGateway", "TransitGateway", 'transit_gateway("disable")'),
    "vpc-block-public-access-": ("vpc", "NetworkAccount", "NetworkAccount", "good_network_account()"),
    "vpc-endpoint-": ("vpc", "VpcEndpoint", "VpcEndpoint", "endpoint(fixtures::policy_text(&[]))"),
    "vpc-": ("vpc", "Vpc", "Vpc", "good_vpc()"),
    "lambda-": ("lambda", "Function", "Function", "good_function()"),
}
"""What an id's beginning says: the folder, the resource judged, the kind of check, a good resource of the fixtures."""

TEMPLATE = """\
//!

use audit_model::resource::{resource};
use audit_model::{{Policy, Severity, Unreadable}};

use crate::rule::{{Check, Outcome, Rule}};

pub(super) const RULE: Rule = Rule {{
    id: "{id}",
    title: "",
    severity: Severity::Medium,
    rationale: "",
    expected: "",
    remediation: "",
    console: "",
    cli: "",
    documentation: "https://docs.aws.amazon.com/",
    parameters: &[],
    references: &[],
    reads: &[],
    remediable: false,
    check: Check::{check}(evaluate),
    source: file!(),
}};

fn evaluate(_: &{resource}, _: &Policy) -> Result<Outcome, Unreadable> {{
    Ok(Outcome::not_applicable("the rule is not written yet"))
}}

#[cfg(test)]
mod tests {{
    use super::*;
    use crate::fixtures;

    #[test]
    fn a_good_resource_passes() {{
        let outcome = evaluate(&fixtures::{good}, &fixtures::policy());
        assert!(matches!(outcome, Ok(Outcome::Compliant {{ .. }})), "{{outcome:?}}");
    }}
}}
"""


def main(arguments: list[str]) -> int:
    """Write the rule that the one argument names; say what is wrong with it otherwise."""
    try:
        (rule_id,) = arguments
        written = begin(rule_id, SOURCE)
    except ValueError as error:
        print(f"no rule was begun: {error if arguments else 'ID=… is missing'}", file=sys.stderr)
        return 1
    print(f"Wrote {written} and registered it. `cargo test --package audit-rules` says what is missing;")
    print("`make rules` brings RULES.md up to date; tests/accounts/ takes the verdicts on the sample account.")
    return 0


def begin(rule_id: str, source: Path) -> Path:
    """Write a rule's file below ``source`` and register it in its folder. Returns the file.

    Raises ValueError for an id that is no id or is taken.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule_id):
        raise ValueError(f"{rule_id!r} is no id; allowed: lower-case words and numbers, joined by hyphens")
    kind = next((kind for beginning, kind in KINDS.items() if rule_id.startswith(beginning)), None)
    if kind is None:
        raise ValueError(f"{rule_id!r} begins with nothing that is audited; allowed: {', '.join(KINDS)}")
    folder, resource, check, good = kind
    module = rule_id.replace("-", "_")
    file = source / folder / f"{module}.rs"
    if file.exists():
        raise ValueError(f"there is a rule {rule_id} already, in {file}")
    registry = source / folder / "mod.rs"
    registered = register(registry.read_text(encoding="utf-8"), module)
    file.write_text(TEMPLATE.format(id=rule_id, resource=resource, check=check, good=good), encoding="utf-8")
    registry.write_text(registered, encoding="utf-8")
    return file


def register(registry: str, module: str) -> str:
    """Name a module in the text of a folder's ``mod.rs``: among the modules, and last in ``RULES``."""
    modules = sorted([*re.findall(r"^mod (\w+);$", registry, re.MULTILINE), module])
    block = re.compile(r"(?:^mod \w+;\n)+", re.MULTILINE)
    registry = block.sub("".join(f"mod {name};\n" for name in modules), registry, count=1)
    return re.sub(r"(?<=\n)\];", f"    &{module}::RULE,\n];", registry, count=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
