//! Reads and judges one shard of S3 buckets: what `ScanS3` runs.
//!
//! `collectors` reads AWS, the rules of `audit-rules` judge, and the findings are written as soon as it is their
//! bucket's turn. The receipt is written last: without it the shard does not count as scanned.

mod collectors;
#[cfg(test)]
mod tests;

use audit_artifacts::ArtifactStore;
use audit_model::Service;
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_rules::Judge;
use audit_task::TaskError;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use shard_scan::ShardScan;

pub use collectors::{BucketCollector, REQUESTS_PER_SECOND, S3Buckets, s3_control_client};

/// Buckets that are read at once, with all their settings at once. The request budget limits the speed; this limits
/// how much waits for a slow answer.
const BUCKETS_AT_ONCE: usize = 16;

/// What the task works with.
pub struct Ports<'a> {
    /// Where the plan, the shard and the findings lie.
    pub store: &'a dyn ArtifactStore,
    /// Reads buckets.
    pub buckets: &'a dyn BucketCollector,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Reads every bucket of the shard, judges it and writes the findings, ordered by bucket and rule.
///
/// # Errors
/// `InvalidRequest` for another service's shard, `NotFound` without a plan or shard, and those of the store. A read
/// that AWS refuses is no error but a finding that says so.
pub async fn handle(input: ScanShardInput, ports: &Ports<'_>) -> Result<ScanShardOutput, TaskError> {
    let (work, mut scan) = ShardScan::begin(ports.store, input, Service::S3).await?;
    let account_block = ports.buckets.account_public_access_block().await;
    let mut buckets =
        stream::iter(&work.targets).map(|it| ports.buckets.bucket(it, &account_block)).buffered(BUCKETS_AT_ONCE);
    while let Some(bucket) = buckets.next().await {
        match bucket {
            None => scan.gone(1),
            Some(bucket) => {
                let judge = Judge { scan_id: scan.scan_id(), policy: &work.policy, evaluated_at: (ports.now)() };
                let findings = judge.bucket(&bucket);
                scan.evaluated(1, &findings).await?;
            }
        }
    }
    scan.end().await
}
