//! The security group that AWS makes with a VPC lets nothing in and nothing out.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, fsbp, nist_800_53_r5};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-default-security-group-closed",
    title: "VPC default security group allows no traffic",
    severity: Severity::High,
    rationale: "Whatever is started without naming a security group gets the default one, and nobody decided what that \
        lets through.",
    expected: "The default security group has neither inbound nor outbound rules",
    remediation: "Give what uses the default security group a group of its own, then remove all inbound and outbound \
        rules from the default one. What still uses it then loses its connections.",
    console: "In the Amazon VPC console, open Security groups and choose the group named default of the VPC. Choose \
        Inbound rules, Edit inbound rules, delete all rules and save, then do the same for the outbound rules.",
    cli: "aws ec2 describe-network-interfaces --filters Name=group-id,Values=GROUP_ID\n\
        aws ec2 describe-security-group-rules --filters Name=group-id,Values=GROUP_ID\n\
        aws ec2 revoke-security-group-ingress --group-id GROUP_ID --security-group-rule-ids INBOUND_RULE_IDS\n\
        aws ec2 revoke-security-group-egress --group-id GROUP_ID --security-group-rule-ids OUTBOUND_RULE_IDS",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
    parameters: &[],
    references: &[
        fsbp::EC2_2,
        cis_5_0::C5_5,
        cis_3_0::C5_4,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_4,
        nist_800_53_r5::SC_7_5,
        nist_800_53_r5::SC_7_11,
        nist_800_53_r5::SC_7_16,
        nist_800_53_r5::SC_7_21,
    ],
    reads: &["ec2:DescribeSecurityGroups"],
    remediable: false,
    check: Check::SecurityGroup(evaluate),
    source: file!(),
};

fn evaluate(group: &SecurityGroup, _: &Policy) -> Result<Outcome, Unreadable> {
    if !group.is_default() {
        return Ok(Outcome::not_applicable("it is not the VPC's default security group"));
    }
    let observed = format!("{} inbound and {} outbound rules", group.ingress.len(), group.egress.len());
    Ok(if group.ingress.is_empty() && group.egress.is_empty() {
        Outcome::compliant(observed)
    } else {
        Outcome::non_compliant(observed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn judge(group: &SecurityGroup) -> Outcome {
        evaluate(group, &fixtures::policy()).unwrap()
    }

    #[test]
    fn the_default_group_has_no_rules() {
        let rule = || fixtures::permission("tcp", Some((443, 443)), &["10.0.0.0/8"]);
        let closed = fixtures::default_group(Vec::new());
        let inbound = fixtures::default_group(vec![rule()]);
        let outbound = SecurityGroup { egress: vec![rule()], ..closed.clone() };
        assert_eq!(judge(&closed), Outcome::compliant("0 inbound and 0 outbound rules"));
        assert_eq!(judge(&inbound), Outcome::non_compliant("1 inbound and 0 outbound rules"));
        assert_eq!(judge(&outbound), Outcome::non_compliant("0 inbound and 1 outbound rules"));
    }

    #[test]
    fn other_groups_are_not_asked() {
        let group = fixtures::security_group("sg-1", vec![fixtures::permission("-1", None, &["0.0.0.0/0"])]);
        assert!(matches!(judge(&group), Outcome::NotApplicable { .. }));
    }
}
