//! A bucket encrypts what is stored without a word about encryption.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::rule::{Check, Outcome, Rule, nist_r5, pci_4_0_1};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-server-side-encryption-enabled",
    title: "S3 bucket has default server-side encryption",
    severity: Severity::Critical,
    rationale: "Without default encryption, objects whose writer asks for none lie on disk in the clear. Amazon S3 \
        encrypts every bucket since January 2023; a bucket without the configuration is an old recording or no \
        bucket of Amazon S3.",
    expected: "A default encryption configuration, of whatever type",
    remediation: "Set a default encryption with a customer-managed KMS key. The remediation of this system does it unless \
        it is switched off. Objects that are already stored stay as they are.",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html",
    references: &[
        pci_4_0_1("3.5.1"),
        pci_4_0_1("8.3.2"),
        nist_r5("AU-9(3)"),
        nist_r5("CM-6"),
        nist_r5("CM-9"),
        nist_r5("CP-9"),
        nist_r5("CP-9(8)"),
        nist_r5("PM-11"),
        nist_r5("SC-8(3)"),
        nist_r5("SC-8(4)"),
        nist_r5("SC-13"),
        nist_r5("SC-16(1)"),
        nist_r5("SC-28(1)"),
        nist_r5("SI-19(4)"),
    ],
    remediable: true,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(match bucket.encryption.known()? {
        Some(encryption) => Outcome::compliant(format!("the default encryption is {}", encryption.algorithm)),
        None => Outcome::non_compliant("there is no default encryption"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn any_default_encryption_passes() {
        for algorithm in ["AES256", "aws:kms", "aws:kms:dsse"] {
            let bucket = Bucket { encryption: fixtures::encryption(algorithm, None), ..fixtures::good_bucket() };
            let expected = Outcome::compliant(format!("the default encryption is {algorithm}"));
            assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(expected));
        }
    }

    #[test]
    fn none_fails() {
        let bucket = Bucket { encryption: Reading::Absent, ..fixtures::good_bucket() };
        let outcome = evaluate(&bucket, &fixtures::policy());
        assert_eq!(outcome, Ok(Outcome::non_compliant("there is no default encryption")));
    }
}
