//! A bucket keeps what is overwritten or deleted.

use audit_model::resource::{Bucket, VersioningStatus};
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{nist_800_53_r5, security_hub};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-versioning-enabled",
    title: "S3 bucket has versioning enabled",
    severity: Severity::Low,
    rationale: "Without versions, an object that is overwritten or deleted, by mistake or by ransomware, is gone.",
    expected: "Versioning is Enabled",
    remediation: "Enable versioning, together with a lifecycle rule that expires noncurrent versions after the time \
        for which they must be kept.",
    console: "In the Amazon S3 console, open the bucket, choose Properties, then Edit under Bucket Versioning, choose \
        Enable and save.",
    cli: "aws s3api put-bucket-versioning --bucket BUCKET --versioning-configuration Status=Enabled",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/manage-versioning-examples.html",
    parameters: &[],
    references: &[
        security_hub::S3_14,
        nist_800_53_r5::AU_9_2,
        nist_800_53_r5::CP_6,
        nist_800_53_r5::CP_6_1,
        nist_800_53_r5::CP_6_2,
        nist_800_53_r5::CP_9,
        nist_800_53_r5::CP_10,
        nist_800_53_r5::SC_5_2,
        nist_800_53_r5::SI_12,
        nist_800_53_r5::SI_13_5,
    ],
    reads: &["s3:GetBucketVersioning"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(match bucket.versioning.known()?.map(|versioning| versioning.status) {
        Some(VersioningStatus::Enabled) => Outcome::compliant("versioning is Enabled"),
        Some(VersioningStatus::Suspended) => Outcome::non_compliant("versioning is Suspended"),
        None => Outcome::non_compliant("versioning was never switched on"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn only_enabled_passes() {
        let cases = [
            (fixtures::versioning(VersioningStatus::Enabled, false), Outcome::compliant("versioning is Enabled")),
            (
                fixtures::versioning(VersioningStatus::Suspended, false),
                Outcome::non_compliant("versioning is Suspended"),
            ),
            (Reading::Absent, Outcome::non_compliant("versioning was never switched on")),
        ];
        for (versioning, expected) in cases {
            let bucket = Bucket { versioning, ..fixtures::good_bucket() };
            assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(expected));
        }
    }
}
