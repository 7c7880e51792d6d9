//! What is read of buckets, and how. Types of the AWS SDK stop here.

mod account;
mod bucket;
mod settings;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;

use async_trait::async_trait;
use audit_model::Reading;
use audit_model::plan::Target;
use audit_model::resource::{Bucket, PublicAccessBlock};

pub use account::s3_control_client;
pub use bucket::S3Buckets;

/// Requests a second that all scanners of an account's buckets make together.
///
/// AWS publishes no quota for reading bucket configurations and answers `SlowDown` above an unnamed rate, so that
/// this is a choice: 10,000 buckets of 8 readings are read within 7 minutes.
pub const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// Reads buckets.
#[async_trait]
pub trait BucketCollector: Send + Sync {
    /// The account's block public access settings, which count for every bucket.
    async fn account_public_access_block(&self) -> Reading<PublicAccessBlock>;

    /// All that the rules need to know of a bucket, or `None` when the bucket has gone since it was listed.
    async fn bucket(&self, target: &Target, account_block: &Reading<PublicAccessBlock>) -> Option<Bucket>;
}
