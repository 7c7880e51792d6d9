//! A bucket encrypts what is stored without a word about encryption.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{nist_800_53_r5, pci_dss_4_0_1};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-server-side-encryption-enabled",
    title: "S3 bucket has default server-side encryption",
    severity: Severity::Critical,
    rationale: "Without default encryption, objects whose writer asks for none are stored in the clear. Since January \
        2023 every bucket of Amazon S3 has one: a bucket without it comes from an old recording, or from something \
        that imitates Amazon S3.",
    expected: "A default encryption configuration, of any type",
    remediation: "Set the default encryption to a customer-managed KMS key; its users then need rights on the key. The \
        remediation of this system does so, unless it is turned off. The AWS CLI replaces the whole configuration, and \
        as written here blocks SSE-C, too. Objects that are already stored stay as they are.",
    console: "In the Amazon S3 console, open the bucket, choose Properties, then Edit under Default encryption, choose \
        Server-side encryption with AWS KMS keys (SSE-KMS) and a customer-managed key, and save.",
    cli: "aws s3api get-bucket-encryption --bucket BUCKET\n\
        aws s3api put-bucket-encryption --bucket BUCKET --server-side-encryption-configuration \
        '{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"aws:kms\",\
        \"KMSMasterKeyID\":\"KEY_ARN\"},\"BucketKeyEnabled\":true,\
        \"BlockedEncryptionTypes\":{\"EncryptionType\":[\"SSE-C\"]}}]}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html",
    parameters: &[],
    references: &[
        pci_dss_4_0_1::R3_5_1,
        nist_800_53_r5::AU_9_3,
        nist_800_53_r5::CM_6,
        nist_800_53_r5::CM_9,
        nist_800_53_r5::CP_9,
        nist_800_53_r5::CP_9_8,
        nist_800_53_r5::PM_11,
        nist_800_53_r5::SC_8_3,
        nist_800_53_r5::SC_8_4,
        nist_800_53_r5::SC_13,
        nist_800_53_r5::SC_16_1,
        nist_800_53_r5::SC_28_1,
        nist_800_53_r5::SI_19_4,
    ],
    reads: &["s3:GetEncryptionConfiguration"],
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
