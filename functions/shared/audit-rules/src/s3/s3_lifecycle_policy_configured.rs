//! A bucket's objects are moved or deleted when their time has come.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::lifecycle;
use crate::parameter::LIFECYCLE_EXPIRATION_DAYS;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-lifecycle-policy-configured",
    title: "S3 bucket has an active lifecycle rule",
    severity: Severity::Low,
    rationale: "What nobody deletes stays forever: it costs money, and personal data outlives the time for which it \
        may be kept. A disabled rule does nothing and does not count, as in the AWS Config rule behind Security Hub's \
        S3.13. A rule for some of the objects counts, unless the audit policy asks for an expiration. Amazon S3 does \
        not allow a lifecycle configuration together with MFA delete.",
    expected: lifecycle::EXPECTED,
    remediation: "Write a lifecycle rule that moves objects to a cheaper storage class or expires them, and enable it. \
        Without versioning, expired objects are gone: agree on prefix and days with the owner of the data. The AWS CLI \
        replaces all rules of the bucket: keep those that are there.",
    console: "In the Amazon S3 console, open the bucket, choose Management, then Create lifecycle rule, choose its \
        scope and actions, and save it as Enabled.",
    cli: "aws s3api get-bucket-lifecycle-configuration --bucket BUCKET\n\
        aws s3api put-bucket-lifecycle-configuration --bucket BUCKET --lifecycle-configuration \
        '{\"Rules\":[{\"ID\":\"expire\",\"Status\":\"Enabled\",\"Filter\":{\"Prefix\":\"PREFIX\"},\
        \"Expiration\":{\"Days\":DAYS}}]}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html",
    parameters: &[LIFECYCLE_EXPIRATION_DAYS],
    references: &[
        fsbp::S3_13,
        nist_800_53_r5::CP_6_2,
        nist_800_53_r5::CP_9,
        nist_800_53_r5::CP_10,
        nist_800_53_r5::SC_5_2,
        nist_800_53_r5::SI_13_5,
    ],
    reads: &["s3:GetLifecycleConfiguration"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, policy: &Policy) -> Result<Outcome, Unreadable> {
    lifecycle::require_active(&bucket.lifecycle, policy)
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn the_bucket_s_own_lifecycle_decides() {
        for (active, passes) in [(true, true), (false, false)] {
            let lifecycle = Reading::seen(vec![fixtures::lifecycle_rule(active, None)]);
            let outcome = evaluate(&Bucket { lifecycle, ..fixtures::good_bucket() }, &fixtures::policy()).unwrap();
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{outcome:?}");
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{outcome:?}");
        }
    }
}
