//! An access point blocks public access.

use audit_model::resource::AccessPoint;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::public_access_block;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-access-point-public-access-blocked",
    title: "S3 access point blocks public access",
    severity: Severity::Critical,
    rationale: "An access point has a policy of its own, and a public one lets everybody in unless the settings of the \
        bucket or the account prevent it. An access point keeps the settings that it was created with.",
    expected: public_access_block::EXPECTED,
    remediation: "The settings of an access point cannot be changed. Create a new one with all four settings on, which \
        is the default, with the old one's network origin and its policy, rewritten for the new ARN, move the clients \
        over, and delete the old one.",
    console: "In the Amazon S3 console, choose Access Points, then Create access point, keep Block all public access \
        selected, and enter the policy. Then select the old access point and choose Delete.",
    cli: "aws s3control get-access-point-policy --account-id ACCOUNT_ID --name OLD_ACCESS_POINT --query Policy \
        --output text > policy.json\n\
        aws s3control create-access-point --account-id ACCOUNT_ID --name NEW_ACCESS_POINT --bucket BUCKET \
        --public-access-block-configuration \
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true\n\
        aws s3control put-access-point-policy --account-id ACCOUNT_ID --name NEW_ACCESS_POINT --policy \
        file://policy.json\n\
        aws s3control delete-access-point --account-id ACCOUNT_ID --name OLD_ACCESS_POINT",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-bpa-settings.html",
    parameters: &[],
    references: &[
        fsbp::S3_19,
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
    reads: &["s3:GetAccessPoint"],
    remediable: false,
    check: Check::AccessPoint(evaluate),
    source: file!(),
};

fn evaluate(access_point: &AccessPoint, _: &Policy) -> Result<Outcome, Unreadable> {
    public_access_block::require_all(&access_point.public_access_block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_access_point_s_own_settings_decide_whatever_bucket_it_leads_to() {
        for (on, passes) in [(true, true), (false, false)] {
            let access_point =
                AccessPoint { bucket: fixtures::unreadable("s3:GetAccessPoint"), ..fixtures::access_point(on) };
            let outcome = evaluate(&access_point, &fixtures::policy()).unwrap();
            assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes);
            assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes);
        }
    }
}
