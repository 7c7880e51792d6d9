//! A bucket's default encryption uses a KMS key of the customer's own.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::kms_key::is_aws_managed;
use crate::rule::{Check, Outcome, Rule, nist_r5, pci_4_0_1, security_hub};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-customer-managed-key-encrypted",
    title: "S3 bucket is encrypted with a customer-managed KMS key",
    severity: Severity::High,
    rationale: "Nobody can change who may use the keys of Amazon S3 or the AWS-managed key aws/s3: whoever may read an \
        object may decrypt it. A key of one's own is a second lock, with a policy and a log of its own.",
    expected: "A default encryption of type aws:kms or aws:kms:dsse with a customer-managed key",
    remediation: "Set the default encryption to aws:kms with a customer-managed key of the bucket. The remediation of this \
        system does it unless it is switched off or the bucket takes deliveries that need SSE-S3. Objects that \
        are already stored stay as they are.",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    references: &[
        security_hub("S3.17"),
        pci_4_0_1("3.5.1"),
        nist_r5("AU-9"),
        nist_r5("CA-9(1)"),
        nist_r5("CM-3(6)"),
        nist_r5("SC-7(10)"),
        nist_r5("SC-12(2)"),
        nist_r5("SC-13"),
        nist_r5("SC-28"),
        nist_r5("SC-28(1)"),
        nist_r5("SI-7(6)"),
    ],
    remediable: true,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(encryption) = bucket.encryption.known()? else {
        return Ok(Outcome::non_compliant("there is no default encryption"));
    };
    let algorithm = encryption.algorithm.as_str();
    Ok(match (algorithm, encryption.kms_key_id.as_deref()) {
        ("aws:kms" | "aws:kms:dsse", Some(key)) if !key.is_empty() && !is_aws_managed(key) => {
            Outcome::compliant(format!("the default encryption is {algorithm} with {key}"))
        }
        ("aws:kms" | "aws:kms:dsse", _) => {
            Outcome::non_compliant(format!("the default encryption is {algorithm} with the AWS-managed key aws/s3"))
        }
        _ => Outcome::non_compliant(format!("the default encryption is {algorithm}, which uses no KMS key")),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn a_key_of_ones_own_passes_and_nothing_else() {
        let arn = "arn:aws:kms:us-east-1:111122223333";
        let own =
            [format!("{arn}:key/0a1b"), format!("{arn}:alias/ledger"), "0a1b".to_owned(), "alias/ledger".to_owned()];
        let managed = [format!("{arn}:alias/aws/s3"), "alias/aws/s3".to_owned(), String::new()];
        let cases = own.iter().map(|key| (Some(key.as_str()), true));
        let cases = cases.chain(managed.iter().map(|key| (Some(key.as_str()), false))).chain([(None, false)]);
        for (key, passes) in cases {
            for algorithm in ["aws:kms", "aws:kms:dsse"] {
                let bucket = Bucket { encryption: fixtures::encryption(algorithm, key), ..fixtures::good_bucket() };
                let outcome = evaluate(&bucket, &fixtures::policy()).unwrap();
                assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{algorithm} {key:?} {outcome:?}");
                assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{algorithm} {key:?} {outcome:?}");
            }
        }
    }

    #[test]
    fn keys_of_amazon_s3_fail_and_so_does_nothing_at_all() {
        for encryption in [fixtures::encryption("AES256", None), Reading::Absent] {
            let bucket = Bucket { encryption, ..fixtures::good_bucket() };
            assert!(matches!(evaluate(&bucket, &fixtures::policy()), Ok(Outcome::NonCompliant { .. })));
        }
    }
}
