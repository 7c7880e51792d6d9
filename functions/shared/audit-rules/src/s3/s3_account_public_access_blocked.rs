//! The account blocks public access to all of its buckets and access points.

use audit_model::resource::S3Account;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::public_access_block;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-account-public-access-blocked",
    title: "Account blocks public access to S3",
    severity: Severity::High,
    rationale: "One careless bucket policy or access control list opens a bucket to everybody. The account's settings \
        hold for every bucket and access point, existing and future, whatever their own settings say.",
    expected: public_access_block::EXPECTED,
    remediation: "Turn on all four block public access settings of the account. Look first for buckets that are meant \
        to be public: they become private at once. Where a policy of AWS Organizations manages these settings, turn \
        them on there; the account cannot.",
    console: "In the Amazon S3 console, choose Block Public Access settings for this account, then Edit, select Block \
        all public access, save and confirm.",
    cli: "aws s3control put-public-access-block --account-id ACCOUNT_ID --public-access-block-configuration \
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-block-public-access-account.html",
    parameters: &[],
    references: &[
        fsbp::S3_1,
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
    reads: &["s3:GetAccountPublicAccessBlock"],
    remediable: false,
    check: Check::S3Account(evaluate),
    source: file!(),
};

fn evaluate(account: &S3Account, _: &Policy) -> Result<Outcome, Unreadable> {
    public_access_block::require_all(&account.public_access_block)
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn the_account_s_own_settings_decide() {
        let policy = fixtures::policy();
        assert!(matches!(evaluate(&fixtures::s3_account(true), &policy), Ok(Outcome::Compliant { .. })));
        assert!(matches!(evaluate(&fixtures::s3_account(false), &policy), Ok(Outcome::NonCompliant { .. })));
        let never_set = S3Account { public_access_block: Reading::Absent, ..fixtures::s3_account(true) };
        assert!(matches!(evaluate(&never_set, &policy), Ok(Outcome::NonCompliant { .. })));
    }
}
