//! A bucket refuses objects that are encrypted with a key from outside of AWS.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-sse-c-blocked",
    title: "S3 bucket blocks SSE-C",
    severity: Severity::Medium,
    rationale: "With SSE-C the writer brings the key and AWS does not keep it. Ransomware uses this to rewrite objects \
        so that nobody else can read them. Since April 2026 Amazon S3 blocks SSE-C on new buckets, and on the existing \
        ones of accounts that held no SSE-C objects; other buckets, and those where it was allowed again, are still \
        open to it.",
    expected: "The default encryption configuration names SSE-C among its BlockedEncryptionTypes",
    remediation: "Set the bucket's default encryption again as it is, with SSE-C among the blocked encryption types. \
        The AWS CLI replaces the whole configuration: take type, key and S3 Bucket Key from what the first command \
        shows. Clients that still write with SSE-C are refused; objects that are already stored stay readable with \
        their keys.",
    console: "In the Amazon S3 console, open the bucket, choose Properties, then Edit under Default encryption, select \
        Server-side encryption with customer-provided keys (SSE-C) under Blocked encryption types, and save.",
    cli: "aws s3api get-bucket-encryption --bucket BUCKET\n\
        aws s3api put-bucket-encryption --bucket BUCKET --server-side-encryption-configuration \
        '{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"aws:kms\",\
        \"KMSMasterKeyID\":\"KEY_ARN\"},\"BucketKeyEnabled\":true,\
        \"BlockedEncryptionTypes\":{\"EncryptionType\":[\"SSE-C\"]}}]}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html",
    parameters: &[],
    references: &[],
    reads: &["s3:GetEncryptionConfiguration"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(encryption) = bucket.encryption.known()? else {
        return Ok(Outcome::non_compliant("there is no default encryption configuration that would block SSE-C"));
    };
    Ok(if encryption.blocked_encryption_types.iter().any(|blocked| blocked == "SSE-C") {
        Outcome::compliant("SSE-C is blocked")
    } else {
        Outcome::non_compliant("SSE-C is not blocked")
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::BucketEncryption;

    use super::*;
    use crate::fixtures;

    #[test]
    fn sse_c_must_be_named_whatever_the_default_encryption_is() {
        // `NONE` is how S3 writes that every type is allowed.
        let cases: [(&[&str], bool); 4] =
            [(&["SSE-C"], true), (&["SSE-X", "SSE-C"], true), (&["NONE"], false), (&[], false)];
        for (blocked, passes) in cases {
            for algorithm in ["AES256", "aws:kms", "aws:kms:dsse"] {
                let encryption = BucketEncryption {
                    algorithm: algorithm.to_owned(),
                    kms_key_id: None,
                    bucket_key_enabled: false,
                    blocked_encryption_types: blocked.iter().map(ToString::to_string).collect(),
                };
                let bucket = Bucket { encryption: Reading::seen(encryption), ..fixtures::good_bucket() };
                let outcome = evaluate(&bucket, &fixtures::policy()).unwrap();
                assert_eq!(matches!(outcome, Outcome::Compliant { .. }), passes, "{algorithm} {blocked:?}");
                assert_eq!(matches!(outcome, Outcome::NonCompliant { .. }), !passes, "{algorithm} {blocked:?}");
            }
        }
    }

    #[test]
    fn no_configuration_blocks_nothing() {
        let bucket = Bucket { encryption: Reading::Absent, ..fixtures::good_bucket() };
        assert!(matches!(evaluate(&bucket, &fixtures::policy()), Ok(Outcome::NonCompliant { .. })));
    }
}
