//! What is read of an account's S3, and how. Types of the AWS SDK stop here.

mod control;
mod remembered;
mod resources;
mod settings;
mod settled;
#[cfg(test)]
mod tests;
mod trails;

use std::num::NonZeroU32;

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::{AccessPoint, Bucket, DirectoryBucket, S3Account};

pub use remembered::Shared;
pub use resources::{S3Resources, s3_client};

/// Requests to S3 and S3 Control a second that all scanners of an account make together.
///
/// AWS publishes no quota for reading bucket configurations and answers `SlowDown` above an unnamed rate, so that
/// this is a choice: 10,000 buckets of 11 to 13 calls each are read within 11 minutes.
pub const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// `DescribeKey` requests a second that all scanners of an account make together: a small part of the 2,000 that an
/// account has in a region, which leaves the rest to other callers of `DescribeKey`.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>
pub const KEY_REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Requests to CloudTrail a second that all scanners of an account make together. AWS throttles each of its readings by a rate
/// of its own, of which this is a part; a scan makes about ten.
pub const TRAIL_REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// Reads what an account has in S3. What several resources of a shard have in common is read once and kept in
/// `shared`.
#[async_trait]
pub trait S3Collector: Send + Sync {
    /// Waits until there is room in the request budget for one more resource.
    async fn room(&self);

    /// The account's own settings.
    async fn account(&self, shared: &Shared) -> S3Account;

    /// All that the rules need to know of a bucket, or `None` when the bucket has gone since it was listed.
    async fn bucket(&self, target: &Target, shared: &Shared) -> Option<Bucket>;

    /// All that the rules need to know of an access point, or `None` when it has gone since it was listed.
    async fn access_point(&self, target: &Target, shared: &Shared) -> Option<AccessPoint>;

    /// All that the rules need to know of a directory bucket, or `None` when it has gone since it was listed.
    async fn directory_bucket(&self, target: &Target, shared: &Shared) -> Option<DirectoryBucket>;
}
