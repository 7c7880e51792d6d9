//! Elastic IP addresses that nothing uses are released.

use audit_model::resource::ElasticIp;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{nist_800_53_r5, security_hub};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "eip-attached",
    title: "Elastic IP address is in use",
    severity: Severity::Low,
    rationale: "An Elastic IP address that nothing uses costs by the hour, counts towards the quota, and stays an \
        address of this account in other people's allow-lists and DNS records, for whoever may associate it. \
        As AWS Config's rule it asks for an association of any kind.",
    expected: "The address is associated with a network interface",
    remediation: "Release the address if nothing is to have it any more: it cannot be got back for certain. Take it \
        out of DNS records and allow-lists first. Associate it otherwise.",
    console: "In the Amazon VPC console, open Elastic IPs, choose the address, then Actions, Release Elastic IP \
        addresses, and confirm.",
    cli: "aws ec2 describe-addresses --allocation-ids ALLOCATION_ID\n\
        aws ec2 release-address --allocation-id ALLOCATION_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/WorkWithEIPs.html",
    parameters: &[],
    references: &[security_hub::EC2_12, nist_800_53_r5::CM_8_1],
    reads: &["ec2:DescribeAddresses"],
    remediable: false,
    check: Check::ElasticIp(evaluate),
    source: file!(),
};

fn evaluate(address: &ElasticIp, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(match &address.association {
        Some(association) => Outcome::compliant(format!("the address is in use by the association {association}")),
        None => Outcome::non_compliant("the address is associated with nothing"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    /// AWS Config asks for the association's id: <https://docs.aws.amazon.com/config/latest/developerguide/eip-attached.html>
    #[test]
    fn an_address_without_an_association_is_unused() {
        let judge = |association| evaluate(&fixtures::elastic_ip(association), &fixtures::policy());
        assert_eq!(judge(None), Ok(Outcome::non_compliant("the address is associated with nothing")));
        let used = Outcome::compliant("the address is in use by the association eipassoc-1");
        assert_eq!(judge(Some("eipassoc-1")), Ok(used));
    }
}
