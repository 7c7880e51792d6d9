//! The settings of a bucket that only the scan reads; `bucket-readings` reads those that the remediation needs too.

use std::collections::BTreeSet;

use audit_model::Reading;
use audit_model::resource::{
    LifecycleRule, Notifications, ObjectLock, PublicAccessBlock, Retention, Versioning, VersioningStatus,
};
use audit_task::error_code;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_bucket_lifecycle_configuration::{
    GetBucketLifecycleConfigurationError, GetBucketLifecycleConfigurationOutput,
};
use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, DefaultRetention, ExpirationStatus,
    LifecycleRule as S3LifecycleRule, MfaDeleteStatus, ObjectLockConfiguration, ObjectLockEnabled, Payer,
    ReplicationRule as S3ReplicationRule, ReplicationRuleStatus,
};
use bucket_readings::{BucketReader, absent_or_unreadable, malformed};

pub(super) const REQUEST_PAYMENT: &str = "s3:GetBucketRequestPayment";

/// Whether S3 calls the bucket policy public.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html>
pub(super) async fn policy_is_public(of: BucketReader<'_>) -> Reading<bool> {
    const ACTION: &str = "s3:GetBucketPolicyStatus";
    match of.client.get_bucket_policy_status().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => answer
            .policy_status
            .and_then(|status| status.is_public)
            .map_or_else(|| malformed(ACTION, "the answer does not say whether the policy is public"), Reading::seen),
        Err(error) => absent_or_unreadable(ACTION, &["NoSuchBucketPolicy"], &error),
    }
}

/// The bucket's own block public access settings.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetPublicAccessBlock.html>
pub(super) async fn public_access_block(of: BucketReader<'_>) -> Reading<PublicAccessBlock> {
    const ACTION: &str = "s3:GetBucketPublicAccessBlock";
    match of.client.get_public_access_block().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => answer
            .public_access_block_configuration
            .and_then(|block| {
                Some(PublicAccessBlock {
                    block_public_acls: block.block_public_acls?,
                    ignore_public_acls: block.ignore_public_acls?,
                    block_public_policy: block.block_public_policy?,
                    restrict_public_buckets: block.restrict_public_buckets?,
                })
            })
            .map_or_else(|| malformed(ACTION, "the answer lacks one of the four settings"), Reading::seen),
        Err(error) => absent_or_unreadable(ACTION, &["NoSuchPublicAccessBlockConfiguration"], &error),
    }
}

/// Versioning. S3 answers without a status when it was never switched on, and without a word on MFA delete when that
/// was never configured.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html>
pub(super) async fn versioning(of: BucketReader<'_>) -> Reading<Versioning> {
    const ACTION: &str = "s3:GetBucketVersioning";
    match of.client.get_bucket_versioning().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => {
            let mfa_delete = match answer.mfa_delete {
                None | Some(MfaDeleteStatus::Disabled) => false,
                Some(MfaDeleteStatus::Enabled) => true,
                Some(_) => return malformed(ACTION, "the answer names no state of MFA delete that is known"),
            };
            match answer.status {
                None => Reading::Absent,
                Some(BucketVersioningStatus::Enabled) => {
                    Reading::seen(Versioning { status: VersioningStatus::Enabled, mfa_delete })
                }
                Some(BucketVersioningStatus::Suspended) => {
                    Reading::seen(Versioning { status: VersioningStatus::Suspended, mfa_delete })
                }
                Some(_) => malformed(ACTION, "the answer names no versioning state that is known"),
            }
        }
        Err(error) => absent_or_unreadable(ACTION, &[], &error),
    }
}

/// Where server access logs go.
#[derive(Debug)]
pub(super) struct LogTarget {
    pub(super) bucket: String,
    /// What the logs' keys begin with.
    pub(super) prefix: String,
}

/// Where server access logs go. S3 answers without a target when logging is off.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html>
pub(super) async fn log_target(of: BucketReader<'_>) -> Reading<LogTarget> {
    const ACTION: &str = "s3:GetBucketLogging";
    match of.client.get_bucket_logging().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => match answer.logging_enabled {
            None => Reading::Absent,
            Some(logging) if logging.target_bucket.is_empty() => malformed(ACTION, "the answer names no target bucket"),
            Some(logging) => Reading::seen(LogTarget { bucket: logging.target_bucket, prefix: logging.target_prefix }),
        },
        Err(error) => absent_or_unreadable(ACTION, &[], &error),
    }
}

/// Whether those who ask for objects pay, and not the bucket's owner.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html>
pub(super) async fn requester_pays(of: BucketReader<'_>) -> Reading<bool> {
    match of.client.get_bucket_request_payment().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => match answer.payer {
            Some(Payer::Requester) => Reading::seen(true),
            Some(Payer::BucketOwner) => Reading::seen(false),
            _ => malformed(REQUEST_PAYMENT, "the answer names nobody known who pays"),
        },
        Err(error) => absent_or_unreadable(REQUEST_PAYMENT, &[], &error),
    }
}

/// Lifecycle rules.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html>
pub(super) async fn lifecycle(of: BucketReader<'_>) -> Reading<Vec<LifecycleRule>> {
    let asked = of.client.get_bucket_lifecycle_configuration().bucket(of.bucket);
    lifecycle_rules("s3:GetLifecycleConfiguration", asked.expected_bucket_owner(of.account).send().await)
}

/// Lifecycle rules of a directory bucket, or `None` when there is no such bucket. The name tells the SDK to ask the Regional
/// endpoint of S3 Express One Zone, which answers the owner's account alone and does not take an expected owner.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html>
pub(super) async fn lifecycle_of_directory_bucket(
    client: &Client,
    bucket: &str,
) -> Option<Reading<Vec<LifecycleRule>>> {
    let answer = client.get_bucket_lifecycle_configuration().bucket(bucket).send().await;
    let is_gone = answer.as_ref().is_err_and(|error| error_code(error) == Some("NoSuchBucket"));
    (!is_gone).then(|| lifecycle_rules("s3express:GetLifecycleConfiguration", answer))
}

fn lifecycle_rules(
    action: &str,
    answer: Result<GetBucketLifecycleConfigurationOutput, SdkError<GetBucketLifecycleConfigurationError>>,
) -> Reading<Vec<LifecycleRule>> {
    match answer {
        Ok(answer) => {
            let rules: Option<Vec<_>> = answer.rules.unwrap_or_default().into_iter().map(lifecycle_rule).collect();
            match rules {
                Some(rules) if !rules.is_empty() => Reading::seen(rules),
                Some(_) => malformed(action, "the answer holds no rule"),
                None => malformed(action, "a rule lacks a status that is known"),
            }
        }
        Err(error) => absent_or_unreadable(action, &["NoSuchLifecycleConfiguration"], &error),
    }
}

fn lifecycle_rule(rule: S3LifecycleRule) -> Option<LifecycleRule> {
    Some(LifecycleRule {
        enabled: match rule.status {
            ExpirationStatus::Enabled => true,
            ExpirationStatus::Disabled => false,
            _ => return None,
        },
        whole_bucket: is_for_all_objects(&rule),
        expiration_days: rule.expiration.and_then(|expiration| expiration.days),
    })
}

/// Whether no prefix, tag or size narrows a lifecycle rule. The prefix may also stand outside of the filter, where rules
/// had it before there were filters.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRuleFilter.html>
#[expect(deprecated, reason = "rules of old still have their prefix there, and S3 acts on it")]
fn is_for_all_objects(rule: &S3LifecycleRule) -> bool {
    let is_any = |prefix: &Option<String>| prefix.as_deref().unwrap_or_default().is_empty();
    is_any(&rule.prefix)
        && rule.filter.as_ref().is_none_or(|filter| {
            is_any(&filter.prefix)
                && filter.tag.is_none()
                && filter.object_size_greater_than.is_none()
                && filter.object_size_less_than.is_none()
                && filter.and.as_ref().is_none_or(|and| {
                    is_any(&and.prefix)
                        && and.tags().is_empty()
                        && and.object_size_greater_than.is_none()
                        && and.object_size_less_than.is_none()
                })
        })
}

/// A rule of a replication configuration, before anything is known of the destination but its name.
#[derive(Debug, Clone)]
pub(super) struct Replica {
    /// Whether S3 acts on the rule.
    pub(super) enabled: bool,
    /// The destination bucket.
    pub(super) bucket: String,
    /// The account that owns the destination bucket, where the rule names it.
    pub(super) account: Option<String>,
}

/// Replication rules.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html>
pub(super) async fn replicas(of: BucketReader<'_>) -> Reading<Vec<Replica>> {
    const ACTION: &str = "s3:GetReplicationConfiguration";
    match of.client.get_bucket_replication().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => {
            let rules = answer.replication_configuration.map(|replication| replication.rules).unwrap_or_default();
            let rules: Option<Vec<_>> = rules.into_iter().map(replica).collect();
            match rules {
                Some(rules) if !rules.is_empty() => Reading::seen(rules),
                Some(_) => malformed(ACTION, "the answer holds no rule"),
                None => malformed(ACTION, "a rule lacks a status that is known, or the ARN of its destination bucket"),
            }
        }
        Err(error) => absent_or_unreadable(ACTION, &["ReplicationConfigurationNotFoundError"], &error),
    }
}

fn replica(rule: S3ReplicationRule) -> Option<Replica> {
    let destination = rule.destination?;
    Some(Replica {
        enabled: match rule.status {
            ReplicationRuleStatus::Enabled => true,
            ReplicationRuleStatus::Disabled => false,
            _ => return None,
        },
        bucket: destination.bucket.strip_prefix("arn:aws:s3:::").filter(|name| !name.is_empty())?.to_owned(),
        account: destination.account,
    })
}

/// The region of a bucket, which may be another account's; absent when there is no such bucket. `owner` is the account
/// that must own it, where it is known.
///
/// S3 answers for the account's own buckets of other regions, too; a bucket's policy counts in its own region alone, so
/// that another account's bucket of another region cannot be read at all.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>
pub(super) async fn location(client: &Client, bucket: &str, owner: Option<String>) -> Reading<String> {
    const ACTION: &str = "s3:GetBucketLocation";
    match client.get_bucket_location().bucket(bucket).set_expected_bucket_owner(owner).send().await {
        Ok(answer) => {
            let constraint = answer.location_constraint;
            Reading::seen(match constraint.as_ref().map_or("", BucketLocationConstraint::as_str) {
                "" => "us-east-1".to_owned(),
                "EU" => "eu-west-1".to_owned(),
                region => region.to_owned(),
            })
        }
        Err(error) => absent_or_unreadable(ACTION, &["NoSuchBucket"], &error),
    }
}

/// Event notifications. S3 answers with an empty configuration when there are none.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html>
pub(super) async fn notifications(of: BucketReader<'_>) -> Reading<Notifications> {
    const ACTION: &str = "s3:GetBucketNotification";
    let request = of.client.get_bucket_notification_configuration().bucket(of.bucket);
    match request.expected_bucket_owner(of.account).send().await {
        Ok(answer) => {
            let event_bridge = answer.event_bridge_configuration.is_some();
            let event_types = event_types(answer);
            if event_bridge || !event_types.is_empty() {
                Reading::seen(Notifications { event_bridge, event_types })
            } else {
                Reading::Absent
            }
        }
        Err(error) => absent_or_unreadable(ACTION, &[], &error),
    }
}

/// The event types that go to topics, queues and functions, in order and without repeats.
fn event_types(answer: GetBucketNotificationConfigurationOutput) -> Vec<String> {
    let topics = answer.topic_configurations.unwrap_or_default().into_iter().flat_map(|it| it.events);
    let queues = answer.queue_configurations.unwrap_or_default().into_iter().flat_map(|it| it.events);
    let functions = answer.lambda_function_configurations.unwrap_or_default().into_iter().flat_map(|it| it.events);
    let types: BTreeSet<String> =
        topics.chain(queues).chain(functions).map(|event| event.as_str().to_owned()).collect();
    types.into_iter().collect()
}

/// Object Lock.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html>
pub(super) async fn object_lock(of: BucketReader<'_>) -> Reading<ObjectLock> {
    const ACTION: &str = "s3:GetBucketObjectLockConfiguration";
    match of.client.get_object_lock_configuration().bucket(of.bucket).expected_bucket_owner(of.account).send().await {
        Ok(answer) => match answer.object_lock_configuration {
            Some(ObjectLockConfiguration { object_lock_enabled: Some(ObjectLockEnabled::Enabled), rule, .. }) => {
                match rule.and_then(|rule| rule.default_retention).map(retention) {
                    None => Reading::seen(ObjectLock { default_retention: None }),
                    Some(Some(retention)) => Reading::seen(ObjectLock { default_retention: Some(retention) }),
                    Some(None) => malformed(ACTION, "the default retention lacks its mode or its length"),
                }
            }
            _ => malformed(ACTION, "the answer does not say that Object Lock is enabled"),
        },
        Err(error) => absent_or_unreadable(ACTION, &["ObjectLockConfigurationNotFoundError"], &error),
    }
}

/// S3 takes days or years, never both.
fn retention(retention: DefaultRetention) -> Option<Retention> {
    let days = match (retention.days, retention.years) {
        (Some(days), None) => days,
        (None, Some(years)) => years.checked_mul(365)?,
        _ => return None,
    };
    Some(Retention { mode: retention.mode?.as_str().to_owned(), days })
}
