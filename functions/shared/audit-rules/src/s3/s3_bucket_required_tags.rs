//! A bucket carries the tags that the audit policy requires.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::parameter::REQUIRED_TAGS;
use crate::rule::{Check, Outcome, Rule};
use crate::tags;

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-required-tags",
    title: "S3 bucket carries the required tags",
    severity: Severity::Low,
    rationale: "People and policies read from a resource's tags who is responsible for it, who pays for it, and how it \
        must be protected.",
    expected: tags::EXPECTED,
    remediation: "Add the missing tags to the bucket. Tag keys are case-sensitive. The AWS CLI replaces all tags of \
        the bucket: keep those that are there. Where attribute-based access control is enabled for the bucket, \
        put-bucket-tagging is refused: use aws s3control tag-resource instead.",
    console: "In the Amazon S3 console, open the bucket, choose Properties, then Edit under Tags, add the missing tags \
        and save.",
    cli: "aws s3api get-bucket-tagging --bucket BUCKET\n\
        aws s3api put-bucket-tagging --bucket BUCKET --tagging \
        'TagSet=[{Key=OLD_KEY,Value=OLD_VALUE},{Key=NEW_KEY,Value=NEW_VALUE}]'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-tag-add.html",
    parameters: &[REQUIRED_TAGS],
    references: &[],
    reads: &["s3:GetBucketTagging"],
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
