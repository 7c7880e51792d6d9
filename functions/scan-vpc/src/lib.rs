//! Reads and judges one shard of VPCs and their security groups: what `ScanVpc` runs.
//!
//! `collectors` reads AWS and the rules of `audit-rules` judge. The receipt is written last: without it the shard
//! does not count as scanned.

mod collectors;
#[cfg(test)]
mod tests;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, JsonLinesWriter, keys};
use audit_model::plan::ShardReceipt;
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_model::{Finding, Plan, Service, Shard};
use audit_rules::Judge;
use audit_task::TaskError;
use jiff::Timestamp;

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
    let ScanShardInput { scan_id, service, shard: number } = input;
    if service != Service::Vpc {
        return Err(TaskError::InvalidRequest(format!(
            "scan-vpc was asked to scan a shard of the service {service}; only vpc is allowed"
        )));
    }
    let plan: Plan = ports.store.get_json(&keys::plan(&scan_id)).await?;
    let shard: Shard = ports.store.get_json(&keys::shard(&scan_id, service, number)).await?;

    let vpcs = ports.vpcs.vpcs(&shard.targets).await;
    let judge = Judge { scan_id: &scan_id, policy: &plan.policy, evaluated_at: (ports.now)() };
    let mut judged: Vec<Finding> = vpcs.iter().flat_map(|vpc| judge.vpc(vpc)).collect();
    // The ARNs of all security groups come before those of all VPCs.
    judged.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));

    let mut findings = JsonLinesWriter::create(ports.store, &keys::shard_findings(&scan_id, service, number)).await?;
    for finding in &judged {
        findings.write(finding).await?;
    }
    let evaluated = vpcs.len() as u64;
    let receipt = ShardReceipt {
        service,
        shard: number,
        resources: evaluated,
        gone: shard.targets.len() as u64 - evaluated,
        findings: findings.lines(),
    };
    findings.finish().await?;
    ports.store.replace_json(&keys::shard_receipt(&scan_id, service, number), &receipt).await?;

    let ShardReceipt { gone, findings, .. } = receipt;
    tracing::info!(%service, shard = number, resources = evaluated, gone, findings, "scanned");
    Ok(ScanShardOutput { scan_id, service, shard: number, resources: evaluated, findings })
}
