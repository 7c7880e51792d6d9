//! The security group that AWS makes with a VPC lets nothing in and nothing out.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::rule::{Check, Outcome, Rule, cis_3_0, cis_5_0, fsbp, nist_r5};

pub(super) const RULE: Rule = Rule {
    id: "vpc-default-security-group-closed",
    title: "VPC default security group allows no traffic",
    severity: Severity::High,
    rationale: "Whatever is started without naming a security group gets the default one. What that lets through, nobody \
        decided.",
    expected: "The default security group has neither inbound nor outbound rules",
    remediation: "Give what uses the default security group a group of its own, then remove all inbound and outbound rules \
        from the default one.",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
    references: &[
        fsbp("EC2.2"),
        cis_5_0("5.5"),
        cis_3_0("5.4"),
        nist_r5("AC-4"),
        nist_r5("AC-4(21)"),
        nist_r5("SC-7"),
        nist_r5("SC-7(4)"),
        nist_r5("SC-7(5)"),
        nist_r5("SC-7(11)"),
        nist_r5("SC-7(16)"),
        nist_r5("SC-7(21)"),
    ],
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
