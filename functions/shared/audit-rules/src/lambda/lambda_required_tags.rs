//! A function carries the tags that the audit policy requires.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::parameter::REQUIRED_TAGS;
use crate::rule::{Check, Outcome, Rule};
use crate::tags;

pub(super) const RULE: Rule = Rule {
    id: "lambda-required-tags",
    title: "Lambda function carries the required tags",
    severity: Severity::Low,
    rationale: "People and policies read from a resource's tags who is responsible for it, who pays for it, and how it \
        must be protected.",
    expected: tags::EXPECTED,
    remediation: "Add the missing tags to the function. Tag keys are case-sensitive.",
    console: "In the Lambda console, open the function, then Configuration, Tags, Manage tags. Add the missing keys \
        with their values and save.",
    cli: "aws lambda tag-resource --resource FUNCTION_ARN --tags KEY=VALUE",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html",
    parameters: &[REQUIRED_TAGS],
    references: &[],
    reads: &["lambda:GetFunction"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, policy: &Policy) -> Result<Outcome, Unreadable> {
    tags::require(&function.tags, policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_required_tags_are_asked_of_the_function() {
        let policy = fixtures::policy_requiring(&["Environment", "Owner"]);
        let tagged = evaluate(&fixtures::good_function(), &policy);
        assert_eq!(tagged, Ok(Outcome::compliant("tagged with Environment, Owner")));
        let untagged = evaluate(&fixtures::bad_function(), &policy);
        assert_eq!(untagged, Ok(Outcome::non_compliant("Environment is missing, Owner is missing")));
    }
}
