//! A function carries the tags that the audit policy requires.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::rule::{Check, Outcome, Rule, resource_tagging};
use crate::tags;

pub(super) const RULE: Rule = Rule {
    id: "lambda-required-tags",
    title: "Lambda function carries the required tags",
    severity: Severity::Low,
    rationale: "Who answers for a resource, what it costs whom, and how it must be protected, is read from its tags, by \
        people and by policies.",
    expected: tags::EXPECTED,
    remediation: "Add the missing tags to the function. Tag keys are case-sensitive.",
    documentation: "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
    references: &[resource_tagging("Lambda.6")],
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
