//! A directory bucket's objects are deleted when their time has come.

use audit_model::resource::DirectoryBucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::fsbp;
use crate::lifecycle;
use crate::parameter::LIFECYCLE_EXPIRATION_DAYS;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-directory-bucket-lifecycle-configured",
    title: "S3 directory bucket has an active lifecycle rule",
    severity: Severity::Low,
    rationale: "A directory bucket (S3 Express One Zone) is the dearest place that Amazon S3 has for an object, and what \
        nobody deletes stays there: personal data outlives the time for which it may be kept. A disabled rule does \
        nothing and does not count, as in the AWS Config rule behind Security Hub's S3.25. A rule for some of the \
        objects counts, and one that only aborts incomplete uploads, unless the audit policy asks for an expiration.",
    expected: lifecycle::EXPECTED,
    remediation: "Write a lifecycle rule that expires objects, and enable it; directory buckets have no versions and no \
        cheaper storage class, so that expired objects are gone: agree on prefix and days with the owner of the data. \
        Amazon S3 expires them only if the bucket's policy lets lifecycle.s3.amazonaws.com call s3express:CreateSession. \
        The AWS CLI replaces all rules of the bucket: keep those that are there.",
    console: "Amazon S3 takes a directory bucket's lifecycle from the AWS CLI, the SDKs and CloudFormation \
        (LifecycleConfiguration of AWS::S3Express::DirectoryBucket): open AWS CloudShell in the console, and give the \
        command below.",
    cli: "aws s3api get-bucket-lifecycle-configuration --bucket BUCKET\n\
        aws s3api put-bucket-lifecycle-configuration --bucket BUCKET --lifecycle-configuration \
        '{\"Rules\":[{\"ID\":\"expire\",\"Status\":\"Enabled\",\"Filter\":{\"Prefix\":\"PREFIX\"},\
        \"Expiration\":{\"Days\":DAYS}}]}'\n\
        aws s3api get-bucket-policy --bucket BUCKET",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-buckets-objects-lifecycle.html",
    parameters: &[LIFECYCLE_EXPIRATION_DAYS],
    references: &[fsbp::S3_25],
    reads: &["s3express:GetLifecycleConfiguration"],
    remediable: false,
    check: Check::DirectoryBucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &DirectoryBucket, policy: &Policy) -> Result<Outcome, Unreadable> {
    lifecycle::require_active(&bucket.lifecycle, policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_directory_bucket_s_own_lifecycle_decides() {
        for (active, passes) in [(true, true), (false, false)] {
            let outcome = evaluate(&fixtures::directory_bucket(active), &fixtures::policy()).unwrap();
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{outcome:?}");
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{outcome:?}");
        }
    }

    #[test]
    fn it_expires_objects_as_early_as_the_policy_asks_for() {
        for (limit, passes) in [(365, true), (364, false)] {
            let mut policy = fixtures::policy();
            policy.parameters.lifecycle_expiration_days = Some(limit);
            let outcome = evaluate(&fixtures::directory_bucket(true), &policy).unwrap();
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{outcome:?} {limit}");
        }
    }
}
