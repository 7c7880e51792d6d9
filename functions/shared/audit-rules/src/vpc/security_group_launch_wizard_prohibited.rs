//! No security group was made in passing by the launch wizard of the EC2 console.

use audit_model::resource::SecurityGroup;
use audit_model::{Policy, Severity, Unreadable};

use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "security-group-launch-wizard-prohibited",
    title: "Security group does not come from the EC2 launch wizard",
    severity: Severity::Low,
    rationale: "The launch wizard of the EC2 console suggests a new group for each instance, with SSH or Remote \
        Desktop open to everybody: a group that nobody planned, without a purpose in its name. It is known by its \
        name, launch-wizard- and a number; Prowler looks for launch-wizard anywhere in the name.",
    expected: "The group's name does not begin with launch-wizard-",
    remediation: "Attach the instances to a group that was made for their purpose, then delete this one. A group \
        cannot be renamed. The AWS CLI replaces all groups of a network interface: name those that stay as well.",
    console: "In the Amazon EC2 console, choose the instance, then Actions, Security, Change security groups: add the \
        group for its purpose, remove this one, and save. Then delete this one in Security groups.",
    cli: "aws ec2 describe-network-interfaces --filters Name=group-id,Values=GROUP_ID\n\
        aws ec2 modify-network-interface-attribute --network-interface-id INTERFACE_ID --groups PURPOSE_GROUP_ID \
        OTHER_GROUP_IDS\n\
        aws ec2 delete-security-group --group-id GROUP_ID",
    documentation: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/changing-security-group.html",
    parameters: &[],
    references: &[],
    reads: &["ec2:DescribeSecurityGroups"],
    remediable: false,
    check: Check::SecurityGroup(evaluate),
    source: file!(),
};

fn evaluate(group: &SecurityGroup, _: &Policy) -> Result<Outcome, Unreadable> {
    let name = &group.identity.name;
    Ok(if name.starts_with("launch-wizard-") {
        Outcome::non_compliant(format!("its name is {name}"))
    } else {
        Outcome::compliant("its name is not one of the launch wizard's")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_name_tells() {
        let cases = [
            ("launch-wizard-1", true),
            ("launch-wizard-27", true),
            ("web", false),
            ("default", false),
            ("replaces-launch-wizard-1", false),
        ];
        for (name, made_by_wizard) in cases {
            let mut group = fixtures::security_group("sg-1", Vec::new());
            group.identity.name = name.to_owned();
            let outcome = evaluate(&group, &fixtures::policy()).unwrap();
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), made_by_wizard, "{name}");
        }
    }
}
