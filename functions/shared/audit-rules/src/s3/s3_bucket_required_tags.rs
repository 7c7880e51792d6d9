//! A bucket carries the tags that the audit policy requires.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::rule::{Check, Outcome, Rule};
use crate::tags;

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-required-tags",
    title: "S3 bucket carries the required tags",
    severity: Severity::Low,
    rationale: "Who answers for a resource, what it costs whom, and how it must be protected, is read from its tags, by \
        people and by policies.",
    expected: tags::EXPECTED,
    remediation: "Add the missing tags to the bucket. Tag keys are case-sensitive.",
    documentation: "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
    references: &[],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, policy: &Policy) -> Result<Outcome, Unreadable> {
    tags::require(&bucket.tags, policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_required_tags_are_asked_of_the_bucket() {
        let policy = fixtures::policy_requiring(&["Environment", "Owner"]);
        let tagged = evaluate(&fixtures::good_bucket(), &policy);
        assert_eq!(tagged, Ok(Outcome::compliant("tagged with Environment, Owner")));
        let untagged = evaluate(&fixtures::bad_bucket(), &policy);
        assert_eq!(untagged, Ok(Outcome::non_compliant("Environment is missing, Owner is missing")));
    }
}
