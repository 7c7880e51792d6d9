//! The KMS key that a bucket encrypts with is there and can be used.

use audit_model::resource::{Bucket, KmsKey};
use audit_model::{Policy, Severity, Unreadable};

use crate::kms_key::{is_aws_managed, key_region};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-encryption-key-usable",
    title: "S3 bucket's encryption key is usable",
    severity: Severity::High,
    rationale: "Amazon S3 accepts any key for a bucket's default encryption without checking that it exists. Without a \
        usable key nothing can be stored, and what was encrypted with a key is lost once that key is deleted.",
    expected: "The KMS key of the default encryption is a symmetric encryption key in the bucket's region, and enabled",
    remediation: "Enable the key, cancel its deletion, or import its material again, depending on its state. If it is \
        gone or of the wrong kind, set the default encryption to another key.",
    console: "In the AWS KMS console, open Customer managed keys, select the key, and choose Cancel key deletion or \
        Enable from Key actions. To set another key, open the bucket in the Amazon S3 console, choose Properties, then \
        Edit under Default encryption.",
    cli: "aws kms describe-key --key-id KEY_ID\n\
        aws kms cancel-key-deletion --key-id KEY_ID\n\
        aws kms enable-key --key-id KEY_ID",
    documentation: "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
    parameters: &[],
    references: &[],
    reads: &["kms:DescribeKey", "s3:GetEncryptionConfiguration"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(encryption) = bucket.encryption.known()? else {
        return Ok(Outcome::not_applicable("there is no default encryption"));
    };
    if !encryption.algorithm.starts_with("aws:kms") {
        let why = format!("the default encryption is {}, which uses no KMS key", encryption.algorithm);
        return Ok(Outcome::not_applicable(why));
    }
    let configured = encryption.kms_key_id.as_deref().unwrap_or_default();
    let home = &bucket.identity.region;
    if let Some(region) = key_region(configured).filter(|region| region != home) {
        return Ok(Outcome::non_compliant(format!("{configured} is a key of {region}, and the bucket is in {home}")));
    }
    if configured.is_empty() || is_aws_managed(configured) {
        return Ok(Outcome::not_applicable("the key is managed by AWS, which keeps it usable"));
    }
    match bucket.encryption_key.known()? {
        None => Ok(Outcome::non_compliant(format!("AWS KMS knows no key {configured}"))),
        Some(key) => judge(key),
    }
}

/// What can be done with a key [in each of its states][states]; S3 takes [symmetric encryption keys only][keys].
///
/// [states]: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
/// [keys]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
fn judge(KmsKey { arn, state, spec, .. }: &KmsKey) -> Result<Outcome, Unreadable> {
    if spec != "SYMMETRIC_DEFAULT" {
        return Ok(Outcome::non_compliant(format!("{arn} is {spec}, and Amazon S3 takes SYMMETRIC_DEFAULT only")));
    }
    match state.as_str() {
        // `Updating` lasts for seconds, while the primary of a multi-Region key changes, and hinders no encryption.
        "Enabled" | "Updating" => Ok(Outcome::compliant(format!("{arn} is {state}"))),
        "Creating" | "Disabled" | "PendingDeletion" | "PendingImport" | "PendingReplicaDeletion" | "Unavailable" => {
            Ok(Outcome::non_compliant(format!("{arn} is {state}")))
        }
        _ => Err(Unreadable::undecidable(
            "kms:DescribeKey",
            format!("{arn} is in the state {state:?}, which is not known here"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use audit_model::{Reading, UnreadableCause};

    use super::*;
    use crate::fixtures::{self, KEY};

    fn judged(encryption: (&str, Option<&str>), encryption_key: Reading<KmsKey>) -> Result<Outcome, Unreadable> {
        let (algorithm, key) = encryption;
        let bucket =
            Bucket { encryption: fixtures::encryption(algorithm, key), encryption_key, ..fixtures::good_bucket() };
        evaluate(&bucket, &fixtures::policy())
    }

    #[test]
    fn only_a_state_that_lets_the_key_encrypt_passes() {
        let cases = [
            ("Enabled", true),
            ("Updating", true),
            ("Creating", false),
            ("Disabled", false),
            ("PendingDeletion", false),
            ("PendingImport", false),
            ("PendingReplicaDeletion", false),
            ("Unavailable", false),
        ];
        for (state, passes) in cases {
            for algorithm in ["aws:kms", "aws:kms:dsse"] {
                for name in [KEY, "0a1b", "alias/ledger", "arn:aws:kms:us-east-1:111122223333:alias/ledger"] {
                    let outcome = judged((algorithm, Some(name)), fixtures::kms_key(state)).unwrap();
                    let observed = format!("{KEY} is {state}");
                    let expected = if passes { Outcome::compliant(observed) } else { Outcome::non_compliant(observed) };
                    assert_eq!(outcome, expected, "{algorithm} {name}");
                }
            }
        }
    }

    #[test]
    fn a_state_that_aws_does_not_document_gives_no_verdict() {
        for state in ["", "Sleeping"] {
            let why = judged(("aws:kms", Some(KEY)), fixtures::kms_key(state)).unwrap_err();
            assert_eq!((why.action.as_str(), why.cause), ("kms:DescribeKey", UnreadableCause::Undecidable));
        }
    }

    #[test]
    fn a_key_that_is_not_there_or_of_the_wrong_kind_fails() {
        let unknown = Outcome::non_compliant(format!("AWS KMS knows no key {KEY}"));
        assert_eq!(judged(("aws:kms", Some(KEY)), Reading::Absent), Ok(unknown));
        for spec in ["RSA_2048", "ECC_NIST_P256", "HMAC_256"] {
            let key = fixtures::kms_key("Enabled").map(|key| KmsKey { spec: spec.to_owned(), ..key });
            let wrong = format!("{KEY} is {spec}, and Amazon S3 takes SYMMETRIC_DEFAULT only");
            assert_eq!(judged(("aws:kms", Some(KEY)), key), Ok(Outcome::non_compliant(wrong)));
        }
    }

    #[test]
    fn a_key_of_another_region_fails_whatever_kms_says() {
        let denied = || fixtures::unreadable("kms:DescribeKey");
        for name in ["key/0a1b", "alias/ledger", "alias/aws/s3"] {
            let abroad = format!("arn:aws:kms:eu-west-1:111122223333:{name}");
            let expected =
                Outcome::non_compliant(format!("{abroad} is a key of eu-west-1, and the bucket is in us-east-1"));
            for key in [fixtures::kms_key("Enabled"), Reading::Absent, denied()] {
                assert_eq!(judged(("aws:kms", Some(&abroad)), key), Ok(expected.clone()));
            }
        }
        assert_eq!(judged(("aws:kms", Some(KEY)), denied()), Err(fixtures::denied("kms:DescribeKey")));
    }

    #[test]
    fn where_aws_keeps_the_key_there_is_nothing_to_judge() {
        let aws_managed = "arn:aws:kms:us-east-1:111122223333:alias/aws/s3";
        let cases = [
            ("AES256", None, "the default encryption is AES256, which uses no KMS key"),
            ("aws:kms", None, "the key is managed by AWS, which keeps it usable"),
            ("aws:kms", Some(""), "the key is managed by AWS, which keeps it usable"),
            ("aws:kms:dsse", Some("alias/aws/s3"), "the key is managed by AWS, which keeps it usable"),
            ("aws:kms", Some(aws_managed), "the key is managed by AWS, which keeps it usable"),
        ];
        for (algorithm, key, why) in cases {
            for described in [Reading::Absent, fixtures::unreadable("kms:DescribeKey")] {
                assert_eq!(judged((algorithm, key), described), Ok(Outcome::not_applicable(why)));
            }
        }
        let bucket = Bucket { encryption: Reading::Absent, ..fixtures::good_bucket() };
        let outcome = evaluate(&bucket, &fixtures::policy());
        assert_eq!(outcome, Ok(Outcome::not_applicable("there is no default encryption")));
    }
}
