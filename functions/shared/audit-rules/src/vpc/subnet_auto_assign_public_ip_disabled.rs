//! What starts in a subnet gets no public address unless somebody asks for one.

use audit_model::resource::Subnet;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "subnet-auto-assign-public-ip-disabled",
    title: "Subnet does not assign public IP addresses automatically",
    severity: Severity::Medium,
    rationale: "An instance with a public address can be reached from the internet as soon as route and security group \
        allow it, and nobody decided that it should have one. IPv6 addresses, which are globally unique, count as in \
        AWS Config's rule; Prowler looks at IPv4 only.",
    expected: "The subnet assigns neither public IPv4 nor IPv6 addresses to new network interfaces",
    remediation: "Turn off both kinds of automatic addresses in the subnet, and give a public address only to those \
        resources that need one, when they are started. Addresses that are already assigned stay.",
    console: "In the Amazon VPC console, open Subnets, choose the subnet, then Actions, Edit subnet settings. Clear \
        Enable auto-assign public IPv4 address and Enable auto-assign IPv6 address, and save.",
    cli: "aws ec2 modify-subnet-attribute --subnet-id SUBNET_ID --no-map-public-ip-on-launch\n\
        aws ec2 modify-subnet-attribute --subnet-id SUBNET_ID --no-assign-ipv6-address-on-creation",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-public-ip.html",
    parameters: &[],
    references: &[
        fsbp::EC2_15,
        pci_dss_4_0_1::R1_4_4,
        nist_800_53_r5::AC_3,
        nist_800_53_r5::AC_3_7,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::AC_6,
        nist_800_53_r5::AC_21,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_3,
        nist_800_53_r5::SC_7_4,
        nist_800_53_r5::SC_7_9,
        nist_800_53_r5::SC_7_11,
        nist_800_53_r5::SC_7_16,
        nist_800_53_r5::SC_7_20,
        nist_800_53_r5::SC_7_21,
    ],
    reads: &["ec2:DescribeSubnets"],
    remediable: false,
    check: Check::Subnet(evaluate),
    source: file!(),
};

/// As AWS Config's rule [`subnet-auto-assign-public-ip-disabled`][page] has it.
///
/// [page]: https://docs.aws.amazon.com/config/latest/developerguide/subnet-auto-assign-public-ip-disabled.html
fn evaluate(subnet: &Subnet, _: &Policy) -> Result<Outcome, Unreadable> {
    let assigned = match (subnet.assigns_public_ipv4, subnet.assigns_ipv6) {
        (false, false) => return Ok(Outcome::compliant("no public address is assigned automatically")),
        (true, false) => "public IPv4 addresses",
        (false, true) => "IPv6 addresses",
        (true, true) => "public IPv4 and IPv6 addresses",
    };
    Ok(Outcome::non_compliant(format!("{assigned} are assigned automatically")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn neither_kind_of_address_may_come_by_itself() {
        let cases = [
            (false, false, Outcome::compliant("no public address is assigned automatically")),
            (true, false, Outcome::non_compliant("public IPv4 addresses are assigned automatically")),
            (false, true, Outcome::non_compliant("IPv6 addresses are assigned automatically")),
            (true, true, Outcome::non_compliant("public IPv4 and IPv6 addresses are assigned automatically")),
        ];
        for (assigns_public_ipv4, assigns_ipv6, expected) in cases {
            let subnet = Subnet { assigns_public_ipv4, assigns_ipv6, ..fixtures::subnet("subnet-1", "us-east-1a") };
            assert_eq!(evaluate(&subnet, &fixtures::policy()), Ok(expected));
        }
    }
}
