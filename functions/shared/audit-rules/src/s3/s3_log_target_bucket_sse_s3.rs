//! A bucket's access logs go to a bucket that can receive them.
//!
//! The finding is on the bucket whose logs are delivered, not on the one that receives them: whether a bucket receives
//! logs is known only when all others have been read, and the loss is that of the bucket whose log is missing.

use audit_model::resource::{Bucket, BucketEncryption, ObjectLock};
use audit_model::{Policy, Reading, Severity, Unreadable};

use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "s3-log-target-bucket-sse-s3",
    title: "S3 bucket's access logs go to a bucket with SSE-S3 and without default retention",
    severity: Severity::High,
    rationale: "Amazon S3 delivers server access logs only into a bucket whose default encryption is SSE-S3 and that \
        has no Object Lock default retention. Into any other it delivers nothing, without an error: logging looks \
        enabled, and there is no log. The finding is on the bucket whose logs are lost.",
    expected: "The bucket that receives the logs has the default encryption AES256 and no default retention",
    remediation: "Set the default encryption of the bucket that receives the logs to SSE-S3 and remove its default \
        retention, or have the logs delivered to another bucket. Use put-object-lock-configuration only on a bucket \
        that has Object Lock: on another it would enable it for good.",
    console: "In the Amazon S3 console, open the bucket that receives the logs and choose Properties. Edit Default \
        encryption to Server-side encryption with Amazon S3 managed keys (SSE-S3), and Object Lock to Default \
        retention Disable.",
    cli: "aws s3api get-bucket-encryption --bucket LOG_BUCKET\n\
        aws s3api put-bucket-encryption --bucket LOG_BUCKET --server-side-encryption-configuration \
        '{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"AES256\"},\
        \"BlockedEncryptionTypes\":{\"EncryptionType\":[\"SSE-C\"]}}]}'\n\
        aws s3api get-object-lock-configuration --bucket LOG_BUCKET\n\
        aws s3api put-object-lock-configuration --bucket LOG_BUCKET --object-lock-configuration \
        ObjectLockEnabled=Enabled",
    documentation: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    parameters: &[],
    references: &[],
    reads: &["s3:GetBucketLogging", "s3:GetBucketObjectLockConfiguration", "s3:GetEncryptionConfiguration"],
    remediable: false,
    check: Check::S3Bucket(evaluate),
    source: file!(),
};

fn evaluate(bucket: &Bucket, _: &Policy) -> Result<Outcome, Unreadable> {
    let Some(target) = bucket.logging.known()? else {
        return Ok(Outcome::not_applicable("server access logging is off"));
    };
    let name = &target.bucket;
    let Some(settings) = &target.settings else {
        return Ok(Outcome::non_compliant(format!("logs cannot be delivered to {name}: the bucket does not exist")));
    };
    let (mut obstacles, mut missing) = (Vec::new(), Vec::new());
    for obstacle in [wrong_encryption(&settings.encryption), default_retention(&settings.object_lock)] {
        match obstacle {
            Ok(found) => obstacles.extend(found),
            Err(why) => missing.push(why),
        }
    }
    Ok(if !obstacles.is_empty() {
        Outcome::non_compliant(format!("logs cannot be delivered to {name}: {}", obstacles.join(" and ")))
    } else if !missing.is_empty() {
        Outcome::insufficient_data(missing)
    } else {
        Outcome::compliant(format!("logs go to {name}, which has SSE-S3 and no default retention"))
    })
}

/// A bucket without the configuration has SSE-S3 all the same.
fn wrong_encryption(encryption: &Reading<BucketEncryption>) -> Result<Option<String>, Unreadable> {
    let other = encryption.known()?.filter(|encryption| encryption.algorithm != "AES256");
    Ok(other.map(|encryption| format!("its default encryption is {}", encryption.algorithm)))
}

/// [The page on server access logging][logs] excludes a default retention, [the one on Object Lock][lock] every bucket
/// with Object Lock. What both exclude is a violation; Object Lock without a default retention is not, since the first
/// page and the description of Security Hub's S3.9 agree on that.
///
/// [logs]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
/// [lock]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
fn default_retention(object_lock: &Reading<ObjectLock>) -> Result<Option<String>, Unreadable> {
    let retention = object_lock.known()?.and_then(|lock| lock.default_retention.as_ref());
    Ok(retention.map(|retention| format!("its default retention is {} days", retention.days)))
}

#[cfg(test)]
mod tests {
    use audit_model::resource::{LoggingTarget, LoggingTargetSettings};

    use super::*;
    use crate::fixtures;

    fn judged(encryption: Reading<BucketEncryption>, object_lock: Reading<ObjectLock>) -> Outcome {
        judged_with(Some(LoggingTargetSettings { object_lock, ..fixtures::logging_target_settings(encryption) }))
    }

    fn judged_with(settings: Option<LoggingTargetSettings>) -> Outcome {
        let target = LoggingTarget { bucket: "access-logs".to_owned(), prefix: String::new(), settings };
        let bucket = Bucket { logging: Reading::seen(target), ..fixtures::good_bucket() };
        evaluate(&bucket, &fixtures::policy()).unwrap()
    }

    #[test]
    fn what_keeps_the_logs_out_is_named() {
        let sse_s3 = || fixtures::encryption("AES256", None);
        let unlocked = || Reading::seen(ObjectLock { default_retention: None });
        let delivered = Outcome::compliant("logs go to access-logs, which has SSE-S3 and no default retention");
        let lost = |why| Outcome::non_compliant(format!("logs cannot be delivered to access-logs: {why}"));
        let cases = [
            (sse_s3(), Reading::Absent, delivered.clone()),
            (sse_s3(), unlocked(), delivered.clone()),
            (Reading::Absent, Reading::Absent, delivered),
            (fixtures::encryption("aws:kms", None), unlocked(), lost("its default encryption is aws:kms")),
            (
                fixtures::encryption("aws:kms:dsse", Some(fixtures::KEY)),
                Reading::Absent,
                lost("its default encryption is aws:kms:dsse"),
            ),
            (sse_s3(), fixtures::object_lock("GOVERNANCE", 30), lost("its default retention is 30 days")),
            (
                fixtures::encryption("aws:kms", None),
                fixtures::object_lock("COMPLIANCE", 30),
                lost("its default encryption is aws:kms and its default retention is 30 days"),
            ),
        ];
        for (encryption, object_lock, expected) in cases {
            assert_eq!(judged(encryption, object_lock), expected);
        }
    }

    #[test]
    fn a_bucket_that_does_not_exist_receives_nothing() {
        let lost = Outcome::non_compliant("logs cannot be delivered to access-logs: the bucket does not exist");
        assert_eq!(judged_with(None), lost);
    }

    #[test]
    fn one_obstacle_is_certain_and_a_pass_takes_both_readings() {
        let (encryption, lock) = ("s3:GetEncryptionConfiguration", "s3:GetBucketObjectLockConfiguration");
        let locked = judged(fixtures::unreadable(encryption), fixtures::object_lock("COMPLIANCE", 30));
        assert!(matches!(locked, Outcome::NonCompliant { .. }), "{locked:?}");
        let kms = judged(fixtures::encryption("aws:kms", None), fixtures::unreadable(lock));
        assert!(matches!(kms, Outcome::NonCompliant { .. }), "{kms:?}");
        let half_known = judged(fixtures::encryption("AES256", None), fixtures::unreadable(lock));
        assert_eq!(half_known, Outcome::insufficient_data(vec![fixtures::denied(lock)]));
        let unknown = judged(fixtures::unreadable(encryption), fixtures::unreadable(lock));
        assert_eq!(unknown, Outcome::insufficient_data(vec![fixtures::denied(encryption), fixtures::denied(lock)]));
    }

    #[test]
    fn without_logging_there_is_nothing_to_judge() {
        let bucket = Bucket { logging: Reading::Absent, ..fixtures::good_bucket() };
        let outcome = evaluate(&bucket, &fixtures::policy());
        assert_eq!(outcome, Ok(Outcome::not_applicable("server access logging is off")));
    }
}
