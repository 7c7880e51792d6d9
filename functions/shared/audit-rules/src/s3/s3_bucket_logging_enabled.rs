//! A bucket records who asks for what in it.

use audit_model::resource::Bucket;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-bucket-logging-enabled",
    title: "S3 bucket has server access logging enabled",
    severity: Severity::Medium,
    rationale: "Without a log of the requests nobody can tell afterwards who read, changed or deleted an object. A \
        bucket that receives the logs of others need not log its own requests, as AWS says of Security Hub's S3.9, but \
        is judged like every other: give it an exception.",
    expected: "Server access logging is enabled",
    remediation: "Enable server access logging into another bucket of the same account and region that is kept for \
        logs, has SSE-S3 as its default encryption and no default retention, and whose policy lets \
        logging.s3.amazonaws.com put objects.",
    console: "In the Amazon S3 console, open the bucket, choose Properties, then Edit under Server access logging, \
        choose Enable and the bucket for the logs, whose policy the console extends, and save.",
    cli: "aws s3api put-bucket-logging --bucket BUCKET --bucket-logging-status \
        'LoggingEnabled={TargetBucket=LOG_BUCKET,TargetPrefix=BUCKET/}'",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    parameters: &[],
    references: &[
        fsbp::S3_9,
        pci_dss_4_0_1::R10_2_1,
        nist_800_53_r5::AC_2_4,
        nist_800_53_r5::AC_4_26,
        nist_800_53_r5::AC_6_9,
        nist_800_53_r5::AU_2,
        nist_800_53_r5::AU_3,
        nist_800_53_r5::AU_6_3,
        nist_800_53_r5::AU_6_4,
        nist_800_53_r5::AU_10,
        nist_800_53_r5::AU_12,
        nist_800_53_r5::CA_7,
        nist_800_53_r5::SC_7_9,
        nist_800_53_r5::SI_3_8,
        nist_800_53_r5::SI_4_20,
        nist_800_53_r5::SI_7_8,
    ],
    reads: &["s3:GetBucketLogging"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(match bucket.logging.known()? {
        Some(target) => Outcome::compliant(format!("server access logs are configured to go to {}", target.bucket)),
        None => Outcome::non_compliant("server access logging is off"),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    #[test]
    fn logging_into_any_bucket_passes_even_where_nothing_is_known_of_it() {
        let to_a_bucket_nothing_is_known_of = fixtures::logging(fixtures::unreadable("s3:GetEncryptionConfiguration"));
        let cases = [
            (
                to_a_bucket_nothing_is_known_of,
                Outcome::compliant("server access logs are configured to go to access-logs"),
            ),
            (Reading::Absent, Outcome::non_compliant("server access logging is off")),
        ];
        for (logging, expected) in cases {
            let bucket = Bucket { logging, ..fixtures::good_bucket() };
            assert_eq!(evaluate(&bucket, &fixtures::policy()), Ok(expected));
        }
    }
}
