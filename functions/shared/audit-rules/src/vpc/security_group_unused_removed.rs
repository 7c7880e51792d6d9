//! A security group is attached to something.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::security_hub;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "security-group-unused-removed",
    title: "Security group is in use",
    severity: Severity::Low,
    rationale: "Nobody reviews the rules of a group that protects nothing, until somebody attaches it and opens what \
        it was once meant for. As in Security Hub's EC2.22 only network interfaces count as use, those of instances, \
        functions and load balancers included; Prowler also counts references by other groups and by functions.",
    expected: "The group is attached to at least one network interface",
    remediation: "Delete the group. Look first whether another group's rules, a launch template or a function that has \
        been idle for weeks still names it.",
    console: "In the Amazon VPC console, open Security groups, choose the group, then Actions, Delete security groups.",
    cli: "aws ec2 describe-security-groups --filters Name=ip-permission.group-id,Values=GROUP_ID\n\
        aws ec2 describe-security-groups --filters Name=egress.ip-permission.group-id,Values=GROUP_ID\n\
        aws ec2 delete-security-group --group-id GROUP_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/userguide/deleting-security-groups.html",
    parameters: &[],
    references: &[security_hub::EC2_22],
    reads: &["ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"],
    remediable: false,
    check: Check::SecurityGroup(evaluate),
    source: file!(),
};

fn evaluate(group: &SecurityGroup, _: &Policy) -> Result<Outcome, Unreadable> {
    if group.is_default() {
        return Ok(Outcome::not_applicable("the VPC's default security group cannot be deleted"));
    }
    Ok(match group.network_interfaces.known()?.copied().unwrap_or(0) {
        0 => Outcome::non_compliant("it is attached to no network interface"),
        1 => Outcome::compliant("it is attached to 1 network interface"),
        several => Outcome::compliant(format!("it is attached to {several} network interfaces")),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    fn judge(network_interfaces: Reading<u64>) -> Result<Outcome, Unreadable> {
        let group = SecurityGroup { network_interfaces, ..fixtures::security_group("sg-1", Vec::new()) };
        evaluate(&group, &fixtures::policy())
    }

    #[test]
    fn a_group_is_attached_to_a_network_interface() {
        let none = Outcome::non_compliant("it is attached to no network interface");
        assert_eq!(judge(Reading::seen(0)), Ok(none.clone()));
        assert_eq!(judge(Reading::Absent), Ok(none));
        assert_eq!(judge(Reading::seen(1)), Ok(Outcome::compliant("it is attached to 1 network interface")));
        assert_eq!(judge(Reading::seen(12)), Ok(Outcome::compliant("it is attached to 12 network interfaces")));
    }

    #[test]
    fn interfaces_that_could_not_be_read_are_no_verdict_but_for_the_default_group() {
        let denied = || fixtures::unreadable("ec2:DescribeNetworkInterfaces");
        assert_eq!(judge(denied()), Err(fixtures::denied("ec2:DescribeNetworkInterfaces")));
        let default = SecurityGroup { network_interfaces: denied(), ..fixtures::default_group(Vec::new()) };
        assert!(matches!(evaluate(&default, &fixtures::policy()), Ok(Outcome::NotApplicable { .. })));
    }
}
