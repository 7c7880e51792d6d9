//! A bucket keeps what is overwritten or deleted.

use audit_model::resource::{Bucket, Versioning};
use audit_model::{Policy, Severity, Unreadable};

use crate::rule::{Check, Outcome, Rule, nist_r5, security_hub};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-versioning-enabled",
    title: "S3 bucket has versioning enabled",
    severity: Severity::Low,
    rationale: "Without versions, an object that is overwritten or deleted, by mistake or by ransomware, is gone.",
    expected: "Versioning is Enabled",
    remediation: "Enable versioning, together with a lifecycle rule that removes noncurrent versions after the time they \
        must be kept.",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/manage-versioning-examples.html",
    references: &[
        security_hub("S3.14"),
        nist_r5("AU-9(2)"),
        nist_r5("CP-6"),
        nist_r5("CP-6(1)"),
        nist_r5("CP-6(2)"),
        nist_r5("CP-9"),
        nist_r5("CP-10"),
        nist_r5("SC-5(2)"),
        nist_r5("SI-12"),
        nist_r5("SI-13(5)"),
    ],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(match bucket.versioning.known()? {
        Some(Versioning::Enabled) => Outcome::compliant("versioning is Enabled"),
        Some(Versioning::Suspended) => Outcome::non_compliant("versioning is Suspended"),
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
            (Reading::seen(Versioning::Enabled), Outcome::compliant("versioning is Enabled")),
            (Reading::seen(Versioning::Suspended), Outcome::non_compliant("versioning is Suspended")),
            (Reading::Absent, Outcome::non_compliant("versioning was never switched on")),
        ];
        for (versioning, expected) in cases {
            let bucket = Bucket { versioning, ..fixtures::good_bucket() };
            assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(expected));
        }
    }
}
