//! A bucket blocks public access by settings of its own.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::public_access_block;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-public-access-blocked",
    title: "S3 bucket blocks public access",
    severity: Severity::High,
    rationale: "Without these settings a bucket is public as soon as its policy or an access control list is. The \
        account's settings do not count here, as in Security Hub's S3.8: they may be turned off for the sake of one \
        other bucket, and then nothing protects this one. Prowler accepts them in place of the bucket's.",
    expected: public_access_block::EXPECTED,
    remediation: "Turn on all four block public access settings of the bucket. Look first whether it is meant to be \
        public: it becomes private at once.",
    console: "In the Amazon S3 console, open the bucket, choose Permissions, then Edit under Block public access \
        (bucket settings), select Block all public access, save and confirm.",
    cli: "aws s3api put-public-access-block --bucket BUCKET --public-access-block-configuration \
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-block-public-access-bucket.html",
    parameters: &[],
    references: &[
        fsbp::S3_8,
        cis_5_0::C2_1_4,
        cis_3_0::C2_1_4,
        pci_dss_4_0_1::R1_4_4,
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
    reads: &["s3:GetBucketPublicAccessBlock"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    public_access_block::require_all(&bucket.public_access_block)
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn the_bucket_s_own_settings_decide_and_the_account_s_do_not() {
        let (on, off) = (fixtures::public_access_block(true), fixtures::public_access_block(false));
        let cases =
            [(&on, &Reading::Absent, true), (&on, &off, true), (&off, &on, false), (&Reading::Absent, &on, false)];
        for (bucket_s, account_s, passes) in cases {
            let bucket = Bucket {
                public_access_block: bucket_s.clone(),
                account_public_access_block: account_s.clone(),
                ..fixtures::good_bucket()
            };
            let outcome = evaluate(&bucket, &fixtures::policy()).unwrap();
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{bucket_s:?} {account_s:?}");
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{bucket_s:?} {account_s:?}");
        }
    }
}
