//! A bucket does not ask KMS anew for every object.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-key-enabled",
    title: "S3 bucket with SSE-KMS uses an S3 Bucket Key",
    severity: Severity::Low,
    rationale: "Without an S3 Bucket Key every object that is written or read costs a request to AWS KMS: a busy \
        bucket runs up a bill, and can use up the quota of requests that everything in the account shares.",
    expected: "The S3 Bucket Key is enabled where the default encryption is aws:kms",
    remediation: "Set the bucket's default encryption again as it is, with the S3 Bucket Key enabled. The AWS CLI \
        replaces the whole configuration: take key and blocked encryption types from what the first command shows. \
        Look first for policies with conditions on kms:EncryptionContext: that becomes the ARN of the bucket instead \
        of the object's.",
    console: "In the Amazon S3 console, open the bucket, choose Properties, then Edit under Default encryption, choose \
        Enable under Bucket Key, and save.",
    cli: "aws s3api get-bucket-encryption --bucket BUCKET\n\
        aws s3api put-bucket-encryption --bucket BUCKET --server-side-encryption-configuration \
        '{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"aws:kms\",\
        \"KMSMasterKeyID\":\"KEY_ARN\"},\"BucketKeyEnabled\":true,\
        \"BlockedEncryptionTypes\":{\"EncryptionType\":[\"SSE-C\"]}}]}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-bucket-key.html",
    parameters: &[],
    references: &[],
    reads: &["s3:GetEncryptionConfiguration"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(encryption) = bucket.encryption.known()? else {
        return Ok(Outcome::not_applicable("there is no default encryption"));
    };
    Ok(match (encryption.algorithm.as_str(), encryption.bucket_key_enabled) {
        ("aws:kms", true) => Outcome::compliant("the S3 Bucket Key is enabled"),
        ("aws:kms", false) => Outcome::non_compliant("the S3 Bucket Key is not enabled"),
        // Bucket Keys are for SSE-KMS only; DSSE-KMS, too, does without.
        (other, _) => {
            Outcome::not_applicable(format!("the default encryption is {other}, which uses no S3 Bucket Key"))
        }
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn the_bucket_key_is_asked_of_sse_kms_only() {
        let not_for = |algorithm| {
            Outcome::not_applicable(format!("the default encryption is {algorithm}, which uses no S3 Bucket Key"))
        };
        let cases = [
            ("aws:kms", true, Outcome::compliant("the S3 Bucket Key is enabled")),
            ("aws:kms", false, Outcome::non_compliant("the S3 Bucket Key is not enabled")),
            ("aws:kms:dsse", true, not_for("aws:kms:dsse")),
            ("aws:kms:dsse", false, not_for("aws:kms:dsse")),
            ("AES256", false, not_for("AES256")),
        ];
        for (algorithm, bucket_key_enabled, expected) in cases {
            let mut bucket = Bucket { encryption: fixtures::encryption(algorithm, None), ..fixtures::good_bucket() };
            if let Reading::Seen { value } = &mut bucket.encryption {
                value.bucket_key_enabled = bucket_key_enabled;
            }
            assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(expected));
        }
        let bucket = Bucket { encryption: Reading::Absent, ..fixtures::good_bucket() };
        let outcome = evaluate(&bucket, &fixtures::policy());
        assert_eq!(outcome, Ok(Outcome::not_applicable("there is no default encryption")));
    }
}
