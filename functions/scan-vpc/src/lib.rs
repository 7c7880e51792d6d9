//! Reads and judges one shard of VPCs and their security groups: what `ScanVpc` runs.
//!
//! `collectors` reads AWS and the rules of `audit-rules` judge. The receipt is written last: without it the shard
//! does not count as scanned.

mod collectors;
#[cfg(test)]
mod tests;

use audit_artifacts::ArtifactStore;
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_model::{Finding, Service};
use audit_rules::Judge;
use audit_task::TaskError;
use jiff::Timestamp;
use shard_scan::ShardScan;

pub use collectors::{Ec2Vpcs, REQUESTS_PER_SECOND, VpcCollector};

/// What the task works with.
pub struct Ports<'a> {
    /// Where the plan, the shard and the findings lie.
    pub store: &'a dyn ArtifactStore,
    /// Reads VPCs.
    pub vpcs: &'a dyn VpcCollector,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Reads the VPCs of the shard, judges them with their security groups and writes the findings, ordered by resource
/// and rule.
///
/// # Errors
/// `InvalidRequest` for another service's shard, `NotFound` without a plan or shard, and those of the store. A read
/// that AWS refuses is no error but a finding that says so.
pub async fn handle(input: ScanShardInput, ports: &Ports<'_>) -> Result<ScanShardOutput, TaskError> {
    let (work, mut scan) = ShardScan::begin(ports.store, input, Service::Vpc).await?;
    let vpcs = ports.vpcs.vpcs(&work.targets).await;
    let judge = Judge { scan_id: scan.scan_id(), policy: &work.policy, evaluated_at: (ports.now)() };
    let mut findings: Vec<Finding> = vpcs.iter().flat_map(|vpc| judge.vpc(vpc)).collect();
    // The ARNs of all security groups come before those of all VPCs.
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    let evaluated = vpcs.len() as u64;
    scan.gone(work.targets.len() as u64 - evaluated);
    scan.evaluated(evaluated, &findings).await?;
    scan.end().await
}
