//! S3: buckets, access points, and the account's own settings.

use serde::{Deserialize, Serialize};

use super::{Identity, Trail};
use crate::{Reading, Tags};

/// An S3 general purpose bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// Name, account and region.
    pub identity: Identity,
    /// Default encryption (`GetBucketEncryption`).
    pub encryption: Reading<BucketEncryption>,
    /// The bucket policy's JSON text (`GetBucketPolicy`).
    pub policy: Reading<String>,
    /// Whether S3 itself calls the bucket policy public (`GetBucketPolicyStatus`); not looked at where
    /// `RestrictPublicBuckets` is on.
    pub policy_is_public: Reading<bool>,
    /// Access control list (`GetBucketAcl`); not looked at where lists are switched off or public ones ignored.
    pub acl: Reading<BucketAcl>,
    /// The bucket's own block public access settings (`GetPublicAccessBlock`).
    pub public_access_block: Reading<PublicAccessBlock>,
    /// The account's block public access settings (S3 Control `GetPublicAccessBlock`).
    pub account_public_access_block: Reading<PublicAccessBlock>,
    /// Object ownership (`GetBucketOwnershipControls`).
    pub object_ownership: Reading<ObjectOwnership>,
    /// Versioning (`GetBucketVersioning`); absent when it was never switched on.
    pub versioning: Reading<Versioning>,
    /// Server access logging (`GetBucketLogging`); absent when it is off.
    pub logging: Reading<LoggingTarget>,
    /// Lifecycle rules (`GetBucketLifecycleConfiguration`).
    pub lifecycle: Reading<Vec<LifecycleRule>>,
    /// Replication rules (`GetBucketReplication`); absent where versioning is.
    pub replication: Reading<Vec<ReplicationRule>>,
    /// Event notifications (`GetBucketNotificationConfiguration`); absent when there are none.
    pub notifications: Reading<Notifications>,
    /// Object Lock (`GetObjectLockConfiguration`); absent when the bucket was made without it, and where versioning is.
    pub object_lock: Reading<ObjectLock>,
    /// The KMS key of the default encryption (`DescribeKey`); absent when KMS knows no such key, or none is configured.
    pub encryption_key: Reading<KmsKey>,
    /// Tags (`GetBucketTagging`).
    pub tags: Reading<Tags>,
}

/// A bucket's default encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketEncryption {
    /// `AES256`, `aws:kms`, `aws:kms:dsse`, or what S3 may say one day.
    pub algorithm: String,
    /// Id, ARN or alias of the KMS key as configured; `None` means the AWS-managed key when the algorithm is KMS.
    pub kms_key_id: Option<String>,
    /// Whether an S3 Bucket Key is used.
    pub bucket_key_enabled: bool,
    /// Encryption types whose writes are blocked, for instance `SSE-C`.
    pub blocked_encryption_types: Vec<String>,
}

/// A bucket's access control list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketAcl {
    /// Canonical user id of the owner.
    pub owner_id: String,
    /// Who may do what.
    pub grants: Vec<AclGrant>,
}

/// One line of an access control list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AclGrant {
    /// Canonical user id, group URI or e-mail address.
    pub grantee: String,
    /// `READ`, `WRITE`, `READ_ACP`, `WRITE_ACP` or `FULL_CONTROL`.
    pub permission: String,
}

/// The four block public access settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicAccessBlock {
    /// Refuses new public ACLs.
    pub block_public_acls: bool,
    /// Ignores public ACLs that are there.
    pub ignore_public_acls: bool,
    /// Refuses new public bucket policies.
    pub block_public_policy: bool,
    /// Lets only the account and AWS services into buckets with a public policy.
    pub restrict_public_buckets: bool,
}

/// A bucket's object ownership setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectOwnership {
    /// ACLs are switched off.
    BucketOwnerEnforced,
    /// ACLs count; objects written with `bucket-owner-full-control` belong to the bucket's owner.
    BucketOwnerPreferred,
    /// ACLs count; an object belongs to its writer.
    ObjectWriter,
}

/// A bucket's versioning configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Versioning {
    /// Whether versions are kept.
    pub status: VersioningStatus,
    /// Whether it takes a second factor to delete a version or to change this configuration.
    pub mfa_delete: bool,
}

/// A bucket's versioning state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VersioningStatus {
    /// Every write makes a version.
    Enabled,
    /// It was on once and is off now.
    Suspended,
}

/// Where a bucket's server access logs go, and what of that bucket decides whether they arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggingTarget {
    /// The target bucket.
    pub bucket: String,
    /// What the keys of the logs begin with; may be empty.
    pub prefix: String,
    /// The target bucket's settings; `None` when S3 says that there is no such bucket.
    pub settings: Option<LoggingTargetSettings>,
}

/// What decides whether a bucket receives server access logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggingTargetSettings {
    /// The target bucket's default encryption (`GetBucketEncryption`).
    pub encryption: Reading<BucketEncryption>,
    /// The target bucket's Object Lock (`GetObjectLockConfiguration`).
    pub object_lock: Reading<ObjectLock>,
    /// The region that the target bucket lies in (`GetBucketLocation`).
    pub region: Reading<String>,
    /// Whether those who ask for its objects pay (`GetBucketRequestPayment`).
    pub requester_pays: Reading<bool>,
    /// The target bucket's policy, as JSON text (`GetBucketPolicy`).
    pub policy: Reading<String>,
    /// Who owns its objects (`GetBucketOwnershipControls`).
    pub object_ownership: Reading<ObjectOwnership>,
    /// Its access control list (`GetBucketAcl`).
    pub acl: Reading<BucketAcl>,
}

/// One rule of a lifecycle configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleRule {
    /// Whether S3 acts on it.
    pub enabled: bool,
    /// Whether it is for every object: no prefix, tag or size narrows it.
    pub whole_bucket: bool,
    /// Days after which current versions expire.
    pub expiration_days: Option<i32>,
}

/// One rule of a replication configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationRule {
    /// Whether S3 acts on it.
    pub enabled: bool,
    /// The destination bucket.
    pub destination: String,
    /// The destination's region (`GetBucketLocation`); absent when there is no such bucket.
    pub destination_region: Reading<String>,
}

/// Whom a bucket tells of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notifications {
    /// Whether every event goes to Amazon EventBridge.
    pub event_bridge: bool,
    /// The event types that go to queues, topics and functions, for instance `s3:ObjectCreated:*`.
    pub event_types: Vec<String>,
}

/// A bucket's Object Lock configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectLock {
    /// What new objects get; `None` when each object is locked on its own or not at all.
    pub default_retention: Option<Retention>,
}

/// How long, and how firmly, new objects are locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// In days; a year counts 365.
    pub days: i32,
}

/// What KMS says of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KmsKey {
    /// The key's ARN.
    pub arn: String,
    /// `Enabled`, `Disabled`, `PendingDeletion` or another state.
    pub state: String,
    /// `CUSTOMER` or `AWS`.
    pub manager: String,
    /// `SYMMETRIC_DEFAULT`, the only kind that S3 takes, or another.
    pub spec: String,
}

/// An S3 access point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessPoint {
    /// Name, account and region.
    pub identity: Identity,
    /// Its block public access settings (S3 Control `GetAccessPoint`), which cannot be changed once it is made.
    pub public_access_block: Reading<PublicAccessBlock>,
    /// The bucket it leads to (`GetAccessPoint`).
    pub bucket: Reading<String>,
}

/// An S3 directory bucket (S3 Express One Zone), which has few of the settings of a [`Bucket`], and an API of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryBucket {
    /// Name, account and region.
    pub identity: Identity,
    /// Lifecycle rules (`GetBucketLifecycleConfiguration`).
    pub lifecycle: Reading<Vec<LifecycleRule>>,
}

/// What an account has of its own in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Account {
    /// The account.
    pub identity: Identity,
    /// Its block public access settings (S3 Control `GetPublicAccessBlock`).
    pub public_access_block: Reading<PublicAccessBlock>,
    /// The trails of AWS CloudTrail that record in the account (`DescribeTrails`).
    pub trails: Reading<Vec<Trail>>,
}
