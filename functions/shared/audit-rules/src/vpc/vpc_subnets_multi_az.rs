//! A VPC does not hang on one Availability Zone.

use audit_model::resource::Vpc;
use audit_model::{Policy, Severity, Unreadable};

use crate::availability_zones::availability_zones;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-subnets-multi-az",
    title: "VPC has subnets in more than one Availability Zone",
    severity: Severity::Medium,
    rationale: "When its only Availability Zone fails, everything in the VPC fails with it, and there is no subnet \
        elsewhere to move to. A VPC without subnets, which Prowler fails, has nothing that could fail and is left out.",
    expected: "The subnets of the VPC lie in two Availability Zones or more",
    remediation: "Create subnets in another Availability Zone and spread what runs in the VPC over both.",
    console: "In the Amazon VPC console, open Subnets and choose Create subnet. Choose the VPC, another Availability \
        Zone and a free CIDR block.",
    cli: "aws ec2 create-subnet --vpc-id VPC_ID --availability-zone OTHER_ZONE --cidr-block FREE_CIDR",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/create-subnets.html",
    parameters: &[],
    references: &[],
    reads: &["ec2:DescribeSubnets"],
    remediable: false,
    check: Check::Vpc(evaluate),
    source: file!(),
};

fn evaluate(vpc: &Vpc, _: &Policy) -> Result<Outcome, Unreadable> {
    let subnets = vpc.subnets.listed()?;
    if subnets.is_empty() {
        return Ok(Outcome::not_applicable("the VPC has no subnets, so nothing runs in it"));
    }
    let zones = availability_zones(&vpc.identity.region, subnets.iter().map(|subnet| &subnet.availability_zone));
    Ok(match zones.as_slice() {
        [] => Outcome::non_compliant("there are subnets in no Availability Zone"),
        [only] => Outcome::non_compliant(format!("there are subnets in one Availability Zone only, {only}")),
        several => Outcome::compliant(format!("there are subnets in {}", several.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn two_zones_are_asked_for() {
        let in_zones =
            |zones: &[&str]| Reading::seen(zones.iter().map(|zone| fixtures::subnet("subnet-1", zone)).collect());
        let none = || Ok(Outcome::not_applicable("the VPC has no subnets, so nothing runs in it"));
        let only_one = || Ok(Outcome::non_compliant("there are subnets in one Availability Zone only, us-east-1a"));
        let denied = "ec2:DescribeSubnets";
        let cases = [
            (
                in_zones(&["us-east-1b", "us-east-1a", "us-east-1b"]),
                Ok(Outcome::compliant("there are subnets in us-east-1a, us-east-1b")),
            ),
            (in_zones(&["us-east-1a"]), only_one()),
            (in_zones(&["us-east-1a", "us-east-1a"]), only_one()),
            (in_zones(&["us-east-1a", "us-east-1-bos-1a", "us-east-1-wl1-bos-wlz-1"]), only_one()),
            (
                in_zones(&["us-east-1-bos-1a", "us-east-1-mia-1a"]),
                Ok(Outcome::non_compliant("there are subnets in no Availability Zone")),
            ),
            (in_zones(&[]), none()),
            (Reading::Absent, none()),
            (fixtures::unreadable(denied), Err(fixtures::denied(denied))),
        ];
        for (subnets, expected) in cases {
            assert_eq!(evaluate(&Vpc { subnets, ..fixtures::good_vpc() }, &fixtures::policy()), expected);
        }
    }
}
