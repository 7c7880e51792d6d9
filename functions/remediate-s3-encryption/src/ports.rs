//! What the remediation needs of the account, and what it needs beside.

use std::collections::BTreeMap;

use async_trait::async_trait;
use audit_artifacts::ArtifactStore;
pub use audit_model::resource::KmsKey as Key;
use audit_model::resource::{BucketAcl, BucketEncryption, ObjectOwnership};
use audit_model::{Reading, Tags, Unreadable};
use audit_task::TaskError;
use bucket_encryption::{Answered, DefaultEncryption, Patience};
use jiff::{SignedDuration, Timestamp};

/// What the remediation works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Where the scan lies and the records go.
    pub store: &'a dyn ArtifactStore,
    /// The account's buckets.
    pub buckets: &'a dyn Buckets,
    /// The account's buckets, as far as their encryption is read and written.
    pub encryption: &'a dyn DefaultEncryption,
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
    /// How long to wait until a bucket shows what was written, and until a new key works.
    pub patience: Patience,
}

/// The account's buckets.
#[async_trait]
pub trait Buckets: Send + Sync {
    /// All that the decision about one bucket hangs on, but for its key.
    async fn readings(&self, bucket: &str) -> Readings;
}

/// The KMS keys of the account, and among them those that buckets have of their own: each under an alias made of the
/// bucket's name, and with a tag that holds it.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The key of that id, ARN or alias; absent where AWS KMS knows none.
    async fn describe(&self, key: &str) -> Reading<Key>;

    /// The key that a bucket's alias names; absent when there is no such alias.
    async fn named(&self, bucket: &str) -> Reading<Key>;

    /// The ARNs of all keys that are tagged as a bucket's own, by bucket.
    ///
    /// # Errors
    /// The reason why not all of them are known.
    async fn tagged(&self) -> Result<BTreeMap<String, Vec<String>>, Unreadable>;

    /// Makes a key for a bucket and answers with its ARN. It has no alias yet. The call is not repeated by itself: each
    /// could make a key.
    async fn create(&self, bucket: &str) -> Answered<String>;

    /// Gives a key the alias of a bucket's own key.
    async fn name(&self, key_arn: &str, bucket: &str) -> Answered<()>;

    /// Switches yearly rotation on; it may be on already.
    async fn rotate(&self, key_arn: &str) -> Answered<()>;

    /// Has the key make a data key for a bucket, which nobody sees.
    ///
    /// # Errors
    /// What speaks against using the key.
    async fn try_out(&self, key_arn: &str, bucket: &str) -> Result<(), TaskError>;
}

/// The alias of a bucket's own key. Aliases have no dots and bucket names no underscores, so that no two buckets share
/// one. <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>
pub(crate) fn key_alias(bucket: &str) -> String {
    format!("alias/compliance-audit-{}", bucket.replace('.', "_"))
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
    /// Who owns the objects, and so whether their own access control lists count.
    pub object_ownership: Reading<ObjectOwnership>,
    /// The bucket's own setting `IgnorePublicAcls`.
    pub ignores_public_acls: Reading<bool>,
    /// Website configuration.
    pub website: Reading<()>,
    /// The buckets that it is replicated into.
    pub replication: Reading<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_keeps_to_what_kms_allows() {
        assert_eq!(key_alias("ledger.eu-1"), "alias/compliance-audit-ledger_eu-1");
    }
}
