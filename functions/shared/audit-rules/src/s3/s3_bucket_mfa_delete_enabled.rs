//! Nobody deletes a bucket's versions without a second factor.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{cis_3_0, cis_5_0, nist_800_53_r5, security_hub};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-mfa-delete-enabled",
    title: "S3 bucket has MFA delete enabled",
    severity: Severity::Low,
    rationale: "Whoever gets hold of credentials can delete every version of every object, or suspend versioning, \
        unless that takes a second factor. Amazon S3 allows either MFA delete or a lifecycle configuration: a bucket \
        with a lifecycle configuration is left out, as in Security Hub's S3.20, while Prowler fails it.",
    expected: "MFA delete is enabled",
    remediation: "Enable versioning and MFA delete with access keys and the MFA device of the account's root user; \
        nobody else can. Create these keys for this one command, and delete them at once afterwards.",
    console: "The AWS Management Console cannot enable MFA delete: use the AWS CLI with access keys of the root user. \
        They are created, and deleted, under Security credentials of the root user.",
    cli: "aws s3api put-bucket-versioning --bucket BUCKET --versioning-configuration Status=Enabled,MFADelete=Enabled \
        --mfa 'MFA_SERIAL_NUMBER MFA_CODE'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html",
    parameters: &[],
    references: &[
        security_hub::S3_20,
        cis_5_0::C2_1_2,
        cis_3_0::C2_1_2,
        nist_800_53_r5::CA_9_1,
        nist_800_53_r5::CM_2,
        nist_800_53_r5::CM_2_2,
        nist_800_53_r5::CM_3,
        nist_800_53_r5::SC_5_2,
    ],
    reads: &["s3:GetBucketVersioning", "s3:GetLifecycleConfiguration"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let versioning = bucket.versioning.known()?;
    if versioning.is_some_and(|versioning| versioning.mfa_delete) {
        return Ok(Outcome::compliant("MFA delete is enabled"));
    }
    let has_lifecycle = bucket.lifecycle.known()?.is_some_and(|rules| !rules.is_empty());
    Ok(match (has_lifecycle, versioning) {
        (true, _) => Outcome::not_applicable("the bucket has a lifecycle configuration, which excludes MFA delete"),
        (false, Some(_)) => Outcome::non_compliant("MFA delete is off"),
        (false, None) => Outcome::non_compliant("MFA delete is off, and versioning was never switched on"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::VersioningStatus::{Enabled, Suspended};

    use super::*;
    use crate::fixtures;

    #[test]
    fn a_lifecycle_configuration_excuses_what_is_not_enabled() {
        let rule = |enabled| Reading::seen(vec![fixtures::lifecycle_rule(enabled, None)]);
        let excused = Outcome::not_applicable("the bucket has a lifecycle configuration, which excludes MFA delete");
        let never = Outcome::non_compliant("MFA delete is off, and versioning was never switched on");
        let cases = [
            (fixtures::versioning(Enabled, true), Reading::Absent, Outcome::compliant("MFA delete is enabled")),
            (fixtures::versioning(Suspended, true), rule(true), Outcome::compliant("MFA delete is enabled")),
            (fixtures::versioning(Enabled, false), Reading::Absent, Outcome::non_compliant("MFA delete is off")),
            (fixtures::versioning(Suspended, false), Reading::Absent, Outcome::non_compliant("MFA delete is off")),
            (
                fixtures::versioning(Enabled, false),
                Reading::seen(Vec::new()),
                Outcome::non_compliant("MFA delete is off"),
            ),
            (fixtures::versioning(Enabled, false), rule(true), excused.clone()),
            (fixtures::versioning(Enabled, false), rule(false), excused.clone()),
            (Reading::Absent, rule(true), excused),
            (Reading::Absent, Reading::Absent, never),
        ];
        for (versioning, lifecycle, expected) in cases {
            let bucket = Bucket { versioning, lifecycle, ..fixtures::good_bucket() };
            assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(expected), "{bucket:?}");
        }
    }

    #[test]
    fn the_lifecycle_counts_only_where_mfa_delete_is_off() {
        let denied = "s3:GetLifecycleConfiguration";
        for (mfa_delete, decided) in [(true, true), (false, false)] {
            let bucket = Bucket {
                versioning: fixtures::versioning(Enabled, mfa_delete),
                lifecycle: fixtures::unreadable(denied),
                ..fixtures::good_bucket()
            };
            assert_eq!(evaluate(&bucket, &fixtures::policy()).is_ok(), decided);
        }
    }
}
