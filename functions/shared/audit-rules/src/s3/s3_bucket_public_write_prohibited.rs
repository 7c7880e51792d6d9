//! Nobody from the public writes to a bucket.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::bucket_access::{Access, JUDGED_BY, prohibit};
use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-public-write-prohibited",
    title: "S3 bucket does not allow public write access",
    severity: Severity::Critical,
    rationale: "Anyone can put malware or illegal content into a publicly writable bucket, overwrite or delete what it \
        holds, and run up its bill.",
    expected: "Neither the bucket policy nor the access control list lets the public write, or block public access \
        settings keep the public out",
    remediation: "Turn on all four block public access settings of the bucket, or better of the account. Let outsiders \
        upload through presigned URLs or through a role of their own.",
    console: "In the Amazon S3 console, open the bucket, choose Permissions, then Edit under Block public access \
        (bucket settings), select Block all public access, save and confirm.",
    cli: "aws s3api put-public-access-block --bucket BUCKET --public-access-block-configuration \
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    parameters: &[],
    references: &[
        fsbp::S3_3,
        nist_800_53_r5::AC_3,
        nist_800_53_r5::AC_3_7,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::AC_6,
        nist_800_53_r5::AC_21,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_3,
        nist_800_53_r5::SC_7_4,
        nist_800_53_r5::SC_7_9,
        nist_800_53_r5::SC_7_11,
        nist_800_53_r5::SC_7_16,
        nist_800_53_r5::SC_7_20,
        nist_800_53_r5::SC_7_21,
    ],
    reads: JUDGED_BY,
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(prohibit(Access::Write, bucket))
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn only_what_writes_counts() {
        for (action, violated) in [("s3:PutObject", true), ("s3:GetObject", false)] {
            let allow = format!(
                r#"{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"arn:aws:s3:::ledger/*"}}"#
            );
            let policy = fixtures::policy_text(&[&allow]);
            let bucket = Bucket { policy, policy_is_public: Reading::seen(true), ..fixtures::good_bucket() };
            let outcome = evaluate(&bucket, &fixtures::policy()).unwrap();
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), violated, "{action}");
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), !violated, "{action}");
        }
    }
}
