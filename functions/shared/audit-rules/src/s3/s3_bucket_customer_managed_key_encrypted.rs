//! A bucket's default encryption uses a KMS key of the customer's own.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{nist_800_53_r5, pci_dss_4_0_1, security_hub};
use crate::kms_key::is_aws_managed;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-customer-managed-key-encrypted",
    title: "S3 bucket is encrypted with a customer-managed KMS key",
    severity: Severity::High,
    rationale: "Nobody can change who may use the keys of Amazon S3 or the AWS-managed key aws/s3: whoever may read an \
        object may decrypt it. A customer-managed key is a second lock, with a policy and a log of its own. Security \
        Hub's S3.17 and Prowler accept the AWS-managed key as well.",
    expected: "A default encryption of type aws:kms or aws:kms:dsse with a customer-managed key",
    remediation: "Set the default encryption to aws:kms with a customer-managed key; its users, those in other \
        accounts included, then need rights on the key. The remediation of this system does so, unless it is turned \
        off or the bucket takes deliveries that need SSE-S3. The AWS CLI replaces the whole configuration, and as \
        written here blocks SSE-C, too. Objects that are already stored stay as they are.",
    console: "In the Amazon S3 console, open the bucket, choose Properties, then Edit under Default encryption, choose \
        Server-side encryption with AWS KMS keys (SSE-KMS) and a customer-managed key, and save.",
    cli: "aws s3api get-bucket-encryption --bucket BUCKET\n\
        aws s3api put-bucket-encryption --bucket BUCKET --server-side-encryption-configuration \
        '{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"aws:kms\",\
        \"KMSMasterKeyID\":\"KEY_ARN\"},\"BucketKeyEnabled\":true,\
        \"BlockedEncryptionTypes\":{\"EncryptionType\":[\"SSE-C\"]}}]}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    parameters: &[],
    references: &[
        security_hub::S3_17,
        pci_dss_4_0_1::R3_5_1,
        nist_800_53_r5::AU_9,
        nist_800_53_r5::CA_9_1,
        nist_800_53_r5::CM_3_6,
        nist_800_53_r5::SC_7_10,
        nist_800_53_r5::SC_12_2,
        nist_800_53_r5::SC_13,
        nist_800_53_r5::SC_28,
        nist_800_53_r5::SC_28_1,
        nist_800_53_r5::SI_7_6,
    ],
    reads: &["kms:DescribeKey", "s3:GetEncryptionConfiguration"],
    remediable: true,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(encryption) = bucket.encryption.known()? else {
        return Ok(Outcome::non_compliant("there is no default encryption"));
    };
    let algorithm = encryption.algorithm.as_str();
    if !matches!(algorithm, "aws:kms" | "aws:kms:dsse") {
        return Ok(Outcome::non_compliant(format!("the default encryption is {algorithm}, which uses no KMS key")));
    }
    let key = encryption.kms_key_id.as_deref().filter(|key| !key.is_empty() && !is_aws_managed(key));
    Ok(match key {
        Some(key) if key_is_aws_managed(bucket, key)? => Outcome::non_compliant(format!(
            "the default encryption is {algorithm} with {key}, which AWS KMS calls an AWS-managed key"
        )),
        Some(key) => Outcome::compliant(format!("the default encryption is {algorithm} with {key}")),
        None => {
            Outcome::non_compliant(format!("the default encryption is {algorithm} with the AWS-managed key aws/s3"))
        }
    })
}

/// Whether a key that is no alias of AWS's is managed by AWS all the same. An alias of any other name is the customer's,
/// and so is a key of another account: AWS-managed keys can be used in their own account only. A key that AWS KMS
/// does not know is none of AWS's; whether it can be used is for another rule.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk>
fn key_is_aws_managed(bucket: &Bucket, key: &str) -> Result<bool, Unreadable> {
    let of_another_account = key.split(':').nth(4).is_some_and(|account| account != bucket.identity.account);
    if of_another_account || key.starts_with("alias/") || key.contains(":alias/") {
        return Ok(false);
    }
    Ok(bucket.encryption_key.known()?.is_some_and(|described| described.manager == "AWS"))
}

#[cfg(test)]
mod tests {
    use audit_model::resource::KmsKey;
    use audit_model::{Reading, Status};

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
    fn a_key_that_hides_behind_its_id_is_asked_about() {
        let managed_by = |manager: &str| match fixtures::kms_key("Enabled") {
            Reading::Seen { value } => Reading::seen(KmsKey { manager: manager.to_owned(), ..value }),
            other => other,
        };
        let denied = || fixtures::unreadable("kms:DescribeKey");
        let elsewhere = "arn:aws:kms:us-east-1:777788889999:key/0a1b";
        let cases = [
            (fixtures::KEY, managed_by("CUSTOMER"), Status::Compliant),
            (fixtures::KEY, managed_by("AWS"), Status::NonCompliant),
            ("0a1b", managed_by("AWS"), Status::NonCompliant),
            (fixtures::KEY, denied(), Status::InsufficientData),
            (fixtures::KEY, Reading::Absent, Status::Compliant),
            ("alias/ledger", denied(), Status::Compliant),
            (elsewhere, denied(), Status::Compliant),
        ];
        for (key, encryption_key, expected) in cases {
            let encryption = fixtures::encryption("aws:kms", Some(key));
            let bucket = Bucket { encryption, encryption_key, ..fixtures::good_bucket() };
            assert_eq!(fixtures::status(&evaluate(&bucket, &fixtures::policy())), expected, "{key}");
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
