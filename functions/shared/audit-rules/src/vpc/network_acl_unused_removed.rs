//! A network ACL is associated with a subnet.

use audit_model::resource::NetworkAcl;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::listing::first_of;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "network-acl-unused-removed",
    title: "Network ACL is in use",
    severity: Severity::Low,
    rationale: "The rules of an ACL without subnets hold nowhere: whoever reads them may take a subnet for protected \
        that is not, and they clutter every review of the network. A VPC's default ACL is left out, as it cannot be \
        deleted.",
    expected: "The ACL is associated with at least one subnet",
    remediation: "Associate the ACL with the subnets that it was made for, or delete it.",
    console: "In the Amazon VPC console, open Network ACLs, choose the ACL, then Actions, and either Edit subnet \
        associations or Delete network ACLs.",
    cli: "aws ec2 delete-network-acl --network-acl-id ACL_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/delete-network-acl.html",
    parameters: &[],
    references: &[fsbp::EC2_16, pci_dss_4_0_1::R1_2_7, nist_800_53_r5::CM_8_1],
    reads: &["ec2:DescribeNetworkAcls"],
    remediable: false,
    check: Check::NetworkAcl(evaluate),
    source: file!(),
};

fn evaluate(acl: &NetworkAcl, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(if acl.is_default {
        Outcome::not_applicable("the VPC's default network ACL cannot be deleted")
    } else if acl.subnets.is_empty() {
        Outcome::non_compliant("it is associated with no subnet")
    } else {
        Outcome::compliant(format!("it is associated with {}", first_of(&acl.subnets)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn an_acl_has_a_subnet_unless_it_is_the_default_one() {
        let judge = |is_default, subnets: &[&str]| {
            let subnets = subnets.iter().map(ToString::to_string).collect();
            let acl = NetworkAcl { is_default, subnets, ..fixtures::network_acl("acl-1", Vec::new()) };
            evaluate(&acl, &fixtures::policy()).unwrap()
        };
        assert_eq!(judge(false, &["subnet-1"]), Outcome::compliant("it is associated with subnet-1"));
        assert_eq!(judge(false, &[]), Outcome::non_compliant("it is associated with no subnet"));
        assert!(matches!(judge(true, &[]), Outcome::NotApplicable { .. }));
        assert!(matches!(judge(true, &["subnet-1"]), Outcome::NotApplicable { .. }));
    }
}
