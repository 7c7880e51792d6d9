//! A VPC carries the tags that the audit policy requires.

use audit_model::resource::Vpc;
use audit_model::{Policy, Severity, Unreadable};

use crate::parameter::REQUIRED_TAGS;
use crate::rule::{Check, Outcome, Rule};
use crate::tags;

pub(super) const RULE: Rule = Rule {
    id: "vpc-required-tags",
    title: "VPC carries the required tags",
    severity: Severity::Low,
    rationale: "People and policies read from a resource's tags who is responsible for it, who pays for it, and how it \
        must be protected.",
    expected: tags::EXPECTED,
    remediation: "Add the missing tags to the VPC. Tag keys are case-sensitive.",
    console: "In the Amazon VPC console, open Your VPCs, choose the VPC, then the Tags tab, Manage tags. Add the \
        missing keys with their values and save.",
    cli: "aws ec2 create-tags --resources VPC_ID --tags Key=KEY,Value=VALUE",
    documentation: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags_Console.html",
    parameters: &[REQUIRED_TAGS],
    references: &[],
    reads: &["ec2:DescribeVpcs"],
    remediable: false,
    check: Check::Vpc(evaluate),
    source: file!(),
};

fn evaluate(vpc: &Vpc, policy: &Policy) -> Result<Outcome, Unreadable> {
    tags::require(&vpc.tags, policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_required_tags_are_asked_of_the_vpc() {
        let policy = fixtures::policy_requiring(&["Environment", "Owner"]);
        let tagged = evaluate(&fixtures::good_vpc(), &policy);
        assert_eq!(tagged, Ok(Outcome::compliant("tagged with Environment, Owner")));
        let untagged = evaluate(&fixtures::bad_vpc(), &policy);
        assert_eq!(untagged, Ok(Outcome::non_compliant("Environment is missing, Owner is missing")));
    }
}
