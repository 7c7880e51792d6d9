//! Amazon S3, S3 Control, directory buckets, and the trails that its rules ask for.
//!
//! The names of S3's events are those that it lists, bucket by bucket level; calls on objects are data events, and no rule
//! depends on them: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html>, and for
//! directory buckets <https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-one-zone-logging.html>.

use crate::call::{Call, Names, Reach, Rule, Source};

const fn bucket(name: &'static str, readings: &'static [&'static str]) -> Call {
    Call { source: Source::S3, name, rule: Rule::S3, names: Names::Bucket, reach: Reach::Named, readings }
}

const fn directory_bucket(name: &'static str, readings: &'static [&'static str]) -> Call {
    Call {
        source: Source::S3Express,
        rule: Rule::DirectoryBuckets,
        names: Names::DirectoryBucket,
        ..bucket(name, readings)
    }
}

const fn access_point(name: &'static str, readings: &'static [&'static str]) -> Call {
    Call { names: Names::AccessPoint, ..bucket(name, readings) }
}

const fn tagged(name: &'static str, readings: &'static [&'static str]) -> Call {
    Call { names: Names::S3Arn, ..bucket(name, readings) }
}

const fn account(name: &'static str, readings: &'static [&'static str]) -> Call {
    Call { names: Names::Nothing, reach: Reach::Service, ..bucket(name, readings) }
}

const fn trail(name: &'static str, readings: &'static [&'static str]) -> Call {
    Call {
        source: Source::CloudTrail,
        name,
        rule: Rule::Trails,
        names: Names::Nothing,
        reach: Reach::Account,
        readings,
    }
}

const fn deleted(call: Call) -> Call {
    Call { reach: Reach::Deleted, ..call }
}

pub(super) const CALLS: &[Call] = &[
    // What a bucket has from the start: S3 makes no other call for it.
    bucket("CreateBucket", &["Bucket.acl", "Bucket.object_lock", "Bucket.object_ownership", "Bucket.tags"]),
    deleted(bucket("DeleteBucket", &[])),
    bucket("PutBucketEncryption", &["Bucket.encryption", "Bucket.encryption_key"]),
    bucket("DeleteBucketEncryption", &["Bucket.encryption", "Bucket.encryption_key"]),
    bucket("PutBucketPolicy", &["Bucket.policy", "Bucket.policy_is_public"]),
    bucket("DeleteBucketPolicy", &["Bucket.policy", "Bucket.policy_is_public"]),
    bucket("PutBucketAcl", &["Bucket.acl"]),
    bucket("PutBucketPublicAccessBlock", &["Bucket.public_access_block"]),
    bucket("DeleteBucketPublicAccessBlock", &["Bucket.public_access_block"]),
    bucket("PutBucketOwnershipControls", &["Bucket.object_ownership"]),
    bucket("DeleteBucketOwnershipControls", &["Bucket.object_ownership"]),
    bucket("PutBucketVersioning", &["Bucket.versioning"]),
    bucket("PutBucketLogging", &["Bucket.logging"]),
    bucket("PutBucketLifecycle", &["Bucket.lifecycle"]),
    bucket("DeleteBucketLifecycle", &["Bucket.lifecycle"]),
    bucket("PutBucketReplication", &["Bucket.replication"]),
    bucket("DeleteBucketReplication", &["Bucket.replication"]),
    bucket("PutBucketNotification", &["Bucket.notifications"]),
    // S3 lists the reading call as GetObjectLockConfiguration, and IAM knows both as those of a bucket.
    bucket("PutObjectLockConfiguration", &["Bucket.object_lock"]),
    bucket("PutBucketObjectLockConfiguration", &["Bucket.object_lock"]),
    bucket("PutBucketTagging", &["Bucket.tags"]),
    bucket("DeleteBucketTagging", &["Bucket.tags"]),
    tagged("TagResource", &["Bucket.tags"]),
    tagged("UntagResource", &["Bucket.tags"]),
    account("PutAccountPublicAccessBlock", &["Bucket.account_public_access_block", "S3Account.public_access_block"]),
    account("DeleteAccountPublicAccessBlock", &["Bucket.account_public_access_block", "S3Account.public_access_block"]),
    access_point("CreateAccessPoint", &["AccessPoint.public_access_block", "AccessPoint.bucket"]),
    deleted(access_point("DeleteAccessPoint", &[])),
    directory_bucket("CreateBucket", &["DirectoryBucket.lifecycle"]),
    deleted(directory_bucket("DeleteBucket", &[])),
    // Of a lifecycle AWS's list of these says nothing; the names are those of the API.
    directory_bucket("PutBucketLifecycleConfiguration", &["DirectoryBucket.lifecycle"]),
    directory_bucket("DeleteBucketLifecycle", &["DirectoryBucket.lifecycle"]),
    trail("CreateTrail", &["S3Account.trails"]),
    trail("UpdateTrail", &["S3Account.trails"]),
    trail("DeleteTrail", &["S3Account.trails"]),
    trail("StartLogging", &["Trail.is_logging"]),
    trail("StopLogging", &["Trail.is_logging"]),
    trail("PutEventSelectors", &["Trail.selectors"]),
];

#[cfg(test)]
pub(super) const UNCHANGED: &[(&str, &str)] = &[
    ("LoggingTargetSettings.encryption", OF_THE_TARGET),
    ("LoggingTargetSettings.object_lock", OF_THE_TARGET),
    ("LoggingTargetSettings.region", OF_THE_TARGET),
    ("LoggingTargetSettings.requester_pays", OF_THE_TARGET),
    ("LoggingTargetSettings.policy", OF_THE_TARGET),
    ("LoggingTargetSettings.object_ownership", OF_THE_TARGET),
    ("LoggingTargetSettings.acl", OF_THE_TARGET),
    (
        "ReplicationRule.destination_region",
        "no call moves a bucket, and which buckets have it for a destination none tells",
    ),
];

#[cfg(test)]
const OF_THE_TARGET: &str = "the call names the bucket that receives the logs; which buckets send theirs there only a scan of all of them finds";
