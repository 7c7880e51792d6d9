//! Reads and judges one shard of what an account has in S3: what `ScanS3` runs.
//!
//! `collectors` reads AWS, the rules of `audit-rules` judge, and the findings are written as soon as it is their
//! resource's turn. The receipt is written last: without it the shard does not count as scanned.

mod collectors;
#[cfg(test)]
mod tests;

use std::pin::pin;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, keys};
use audit_model::plan::{Target, TargetKind};
use audit_model::resource::{AccessPoint, Bucket, DirectoryBucket, S3Account};
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_model::{BucketDeliveries, Service};
use audit_rules::{Judge, Needed};
use audit_task::TaskError;
use futures::StreamExt;
use jiff::Timestamp;
use shard_scan::{ShardScan, read_in_order};

pub use collectors::{
    KEY_REQUESTS_PER_SECOND, REQUESTS_PER_SECOND, S3Collector, S3Resources, Shared, TRAIL_REQUESTS_PER_SECOND,
    s3_client,
};

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
    let deliveries_key = keys::deliveries(&input.scan_id, &input.listing, input.shard);
    let (work, mut scan) = ShardScan::begin(ports.store, input, Service::S3).await?;
    let shared = &Shared::new(Needed::under(&work.policy));
    // What was read is held until its turn to be judged, for it is smaller than the findings about it.
    let read = |target| read(target, ports.resources, shared);
    let mut resources = pin!(read_in_order(&work.targets, || ports.resources.room(), read));
    let mut deliveries = Vec::new();
    while let Some(resource) = resources.next().await {
        let judge = Judge { policy: &work.policy, evaluated_at: (ports.now)() };
        let findings = match resource? {
            None => {
                scan.gone(1);
                continue;
            }
            Some(Resource::Account(account)) => judge.s3_account(&account),
            Some(Resource::Bucket(bucket)) => {
                deliveries.push(BucketDeliveries::from(&*bucket));
                judge.bucket(&bucket)
            }
            Some(Resource::AccessPoint(access_point)) => judge.access_point(&access_point),
            Some(Resource::DirectoryBucket(bucket)) => judge.directory_bucket(&bucket),
        };
        scan.evaluated(1);
        scan.write(&findings).await?;
    }
    ports.store.replace_json(&deliveries_key, &deliveries).await?;
    scan.end().await
}

/// A resource as it was read.
enum Resource {
    Account(S3Account),
    Bucket(Box<Bucket>),
    AccessPoint(AccessPoint),
    DirectoryBucket(DirectoryBucket),
}

/// Reads one resource; `None` when it has gone since it was listed.
async fn read(target: &Target, resources: &dyn S3Collector, shared: &Shared) -> Result<Option<Resource>, TaskError> {
    Ok(match target.kind {
        TargetKind::Account => Some(Resource::Account(resources.account(shared).await)),
        TargetKind::Bucket => resources.bucket(target, shared).await.map(|it| Resource::Bucket(Box::new(it))),
        TargetKind::AccessPoint => resources.access_point(target, shared).await.map(Resource::AccessPoint),
        TargetKind::DirectoryBucket => resources.directory_bucket(target, shared).await.map(Resource::DirectoryBucket),
        TargetKind::Vpc | TargetKind::Function => {
            return Err(TaskError::Corrupt(format!("the shard lists {}, which is no resource of S3", target.id)));
        }
    })
}
