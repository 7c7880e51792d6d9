//! What the remediation needs of the account, and what it needs beside.

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use audit_artifacts::ArtifactStore;
pub use audit_model::resource::KmsKey as Key;
use audit_model::resource::{BucketAcl, BucketEncryption};
use audit_model::{Reading, Tags};
use audit_task::TaskError;
use jiff::{SignedDuration, Timestamp};

/// What the remediation works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Where the scan lies and the records go.
    pub store: &'a dyn ArtifactStore,
    /// The account's buckets.
    pub buckets: &'a dyn Buckets,
    /// The keys of the account's buckets.
    pub keys: &'a dyn Keys,
    /// The time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
}

/// What the deployment says, and how patient to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The reports bucket, which is never changed.
    pub reports_bucket: String,
    /// `<environment>-<suffix>`: buckets whose names end so belong to this system and are never changed.
    pub system: String,
    /// After so long no further bucket is begun, so that the function is not stopped in the middle of one.
    pub time_limit: SignedDuration,
    /// How often a bucket is read until it shows what was written: S3's configurations are
    /// [eventually consistent](https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel).
    pub read_back_attempts: NonZeroU32,
    /// The pause before each of those readings but the first.
    pub read_back_pause: Duration,
}

/// The account's buckets.
#[async_trait]
pub trait Buckets: Send + Sync {
    /// Every bucket of the account, of all regions.
    async fn list(&self) -> Result<Vec<ListedBucket>, TaskError>;

    /// The bucket that a bucket's server access logs go to; absent when there are none.
    async fn log_target(&self, bucket: &str) -> Reading<String>;

    /// All that the decision about one bucket hangs on.
    async fn readings(&self, bucket: &str) -> Readings;

    /// A bucket's default encryption.
    async fn encryption(&self, bucket: &str) -> Reading<BucketEncryption>;

    /// Sets a bucket's default encryption.
    async fn set_encryption(&self, bucket: &str, encryption: &BucketEncryption) -> Result<(), TaskError>;

    /// Takes a bucket's default encryption away. Amazon S3 puts SSE-S3 in its place.
    async fn clear_encryption(&self, bucket: &str) -> Result<(), TaskError>;
}

/// The KMS keys that buckets have of their own, each under an alias made of the bucket's name.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The key of that alias; absent when there is no such alias.
    async fn find(&self, alias: &str) -> Reading<Key>;

    /// Makes a key for a bucket and answers with its ARN. It has no alias yet.
    async fn create(&self, bucket: &str) -> Result<String, TaskError>;

    /// Gives a key its alias.
    async fn name(&self, key_arn: &str, alias: &str) -> Result<(), TaskError>;

    /// Switches yearly rotation on; it may be on already.
    async fn rotate(&self, key_arn: &str) -> Result<(), TaskError>;
}

/// The alias of a bucket's own key. Aliases have no dots and bucket names no underscores, so that no two buckets share
/// one. <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>
pub(crate) fn key_alias(bucket: &str) -> String {
    format!("alias/compliance-audit-{}", bucket.replace('.', "_"))
}

/// A bucket as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBucket {
    /// Name.
    pub name: String,
    /// Region; `None` when the listing did not tell.
    pub region: Option<String>,
}

/// All that the decision about one bucket hangs on, as it was read just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    /// Default encryption.
    pub encryption: Reading<BucketEncryption>,
    /// Tags.
    pub tags: Reading<Tags>,
    /// The bucket policy's text.
    pub policy: Reading<String>,
    /// Access control list.
    pub acl: Reading<BucketAcl>,
    /// The bucket's own setting `IgnorePublicAcls`.
    pub ignores_public_acls: Reading<bool>,
    /// Website configuration.
    pub website: Reading<()>,
    /// Replication configuration, which the source of a replication has.
    pub replication: Reading<()>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_keeps_to_what_kms_allows() {
        assert_eq!(key_alias("ledger.eu-1"), "alias/compliance-audit-ledger_eu-1");
    }
}
