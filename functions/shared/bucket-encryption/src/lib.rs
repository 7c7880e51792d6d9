//! Changes a bucket's default encryption: begins a change in the journal, writes, reads back, puts back what was there
//! if that is not what was written, and records. Remediation and rollback do it in the same way, by this crate.
//!
//! *Architecture invariant.* Nothing writes to a bucket before the journal says what was there and what is about to be,
//! and a change leaves the journal only when its record is stored. Whoever comes after a crash finds one of the two.

mod abandoned;
mod answered;
mod changes;
mod compare;
mod journal;
#[cfg(any(test, feature = "memory"))]
pub mod memory;
mod records;
mod s3;

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use audit_model::Reading;
use audit_model::resource::BucketEncryption;

pub use abandoned::finish_abandoned;
pub use answered::{Answered, Calls};
pub use changes::{Changes, Resumed, Verified};
pub use compare::{Described, shows, took};
pub use journal::{
    Announcement, Begun, ChangeKind, Found, Hold, Journal, LEASE, OpenChange, Settled, Terms, being_changed, change_id,
    day_limit_reached, taken_back,
};
pub use records::{Case, Records, Run};
pub use s3::S3DefaultEncryption;

/// The default encryption of the account's buckets.
#[async_trait]
pub trait DefaultEncryption: Send + Sync {
    /// What a bucket has.
    async fn read(&self, bucket: &str) -> Reading<BucketEncryption>;

    /// Sets it.
    async fn set(&self, bucket: &str, encryption: &BucketEncryption) -> Answered<()>;

    /// Takes it away. Amazon S3 puts SSE-S3 in its place.
    async fn clear(&self, bucket: &str) -> Answered<()>;
}

/// How often a thing is looked at until it shows what was written, for AWS's configurations are
/// [eventually consistent](https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often it is looked at.
    pub attempts: NonZeroU32,
    /// The pause before each look but the first.
    pub pause: Duration,
}

impl Patience {
    /// Five looks within four seconds.
    pub const USUAL: Self = Self { attempts: NonZeroU32::MIN.saturating_add(4), pause: Duration::from_secs(1) };

    /// Looks until `look` is content, and gives what it saw last.
    ///
    /// # Errors
    /// What the last look was not content with.
    pub async fn until<T, E>(self, mut look: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
        let mut seen = look().await;
        for _ in 1..self.attempts.get() {
            if seen.is_ok() {
                break;
            }
            tokio::time::sleep(self.pause).await;
            seen = look().await;
        }
        seen
    }
}
