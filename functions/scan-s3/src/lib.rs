//! Reads and judges one shard of what an account has in S3: what `ScanS3` runs.
//!
//! `collectors` reads AWS, the rules of `audit-rules` judge, and the findings are written as soon as it is their
//! resource's turn. The receipt is written last: without it the shard does not count as scanned.

mod collectors;
#[cfg(test)]
mod tests;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, keys};
use audit_model::plan::{Target, TargetKind};
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_model::{BucketDeliveries, Finding, Service};
use audit_rules::Judge;
use audit_task::TaskError;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use shard_scan::ShardScan;

pub use collectors::{KEY_REQUESTS_PER_SECOND, REQUESTS_PER_SECOND, S3Collector, S3Resources, Shared};

/// Resources that are read at once, with all their settings at once. The request budgets limit the speed; this limits
/// how much waits for a slow answer.
const RESOURCES_AT_ONCE: usize = 16;

/// What the task works with.
pub struct Ports<'a> {
    /// Where the plan, the shard and the findings lie.
    pub store: &'a dyn ArtifactStore,
    /// Reads the resources.
    pub resources: &'a dyn S3Collector,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Reads every resource of the shard, judges it and writes the findings, ordered by resource and rule, and what the
/// buckets deliver into other buckets.
///
/// # Errors
/// `InvalidRequest` for another service's shard, `NotFound` without a plan or shard, `Corrupt` for a shard with
/// resources of another service, and those of the store. A read that AWS refuses is no error but a finding that says
/// so.
pub async fn handle(input: ScanShardInput, ports: &Ports<'_>) -> Result<ScanShardOutput, TaskError> {
    let scan_id = input.scan_id.clone();
    let deliveries_key = keys::deliveries(&input.scan_id, &input.listing, input.shard);
    let (work, mut scan) = ShardScan::begin(ports.store, input, Service::S3).await?;
    let shared = &Shared::default();
    let judge = || Judge { scan_id: &scan_id, policy: &work.policy, evaluated_at: (ports.now)() };
    let judge = &judge;
    let mut judged = stream::iter(&work.targets)
        .map(|target| judged(target, ports.resources, shared, judge))
        .buffered(RESOURCES_AT_ONCE);
    let mut deliveries = Vec::new();
    while let Some(judged) = judged.next().await {
        match judged? {
            None => scan.gone(1),
            Some((findings, of_bucket)) => {
                deliveries.extend(of_bucket);
                scan.evaluated(1, &findings).await?;
            }
        }
    }
    ports.store.replace_json(&deliveries_key, &deliveries).await?;
    scan.end().await
}

/// The findings about one resource, and what it delivers if it is a bucket; `None` when it has gone since it was listed.
async fn judged<'a>(
    target: &Target,
    resources: &dyn S3Collector,
    shared: &Shared,
    judge: impl Fn() -> Judge<'a>,
) -> Result<Option<(Vec<Finding>, Option<BucketDeliveries>)>, TaskError> {
    Ok(match target.kind {
        TargetKind::Account => Some((judge().s3_account(&resources.account(shared).await), None)),
        TargetKind::Bucket => resources
            .bucket(target, shared)
            .await
            .map(|bucket| (judge().bucket(&bucket), Some(BucketDeliveries::from(&bucket)))),
        TargetKind::AccessPoint => {
            resources.access_point(target).await.map(|access_point| (judge().access_point(&access_point), None))
        }
        TargetKind::Vpc | TargetKind::Function => {
            return Err(TaskError::Corrupt(format!("the shard lists {}, which is no resource of S3", target.id)));
        }
    })
}
