//! Reads and judges one shard of VPCs with what hangs on them, and the account itself: what `ScanVpc` runs.
//!
//! `collectors` reads AWS and the rules of `audit-rules` judge. The receipt is written last: without it the shard
//! does not count as scanned.

mod collectors;
mod scope;
#[cfg(test)]
mod tests;

use audit_artifacts::ArtifactStore;
use audit_model::Service;
use audit_model::plan::{Target, TargetKind};
use audit_model::resource::Vpc;
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_rules::{Judge, Needed};
use audit_task::TaskError;
use jiff::Timestamp;
use shard_scan::ShardScan;

pub use collectors::{Ec2Vpcs, REQUESTS_PER_SECOND, VpcCollector};

/// What the task works with.
pub struct Ports<'a> {
    /// Where the plan, the shard and the findings lie.
    pub store: &'a dyn ArtifactStore,
    /// Reads VPCs and the account.
    pub vpcs: &'a dyn VpcCollector,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Reads the VPCs of the shard and, where it is among the targets, the account, judges them and writes the findings,
/// ordered by resource and rule.
///
/// # Errors
/// `InvalidRequest` for another service's shard, `NotFound` without a plan or shard, `Corrupt` for a shard with another
/// service's targets, and those of the store. A read that AWS refuses is no error but a finding that says so.
pub async fn handle(input: ScanShardInput, ports: &Ports<'_>) -> Result<ScanShardOutput, TaskError> {
    let (work, mut scan) = ShardScan::begin(ports.store, input, Service::Vpc).await?;
    let (targets, with_account) = vpcs_and_account(work.targets)?;
    let needed = Needed::under(&work.policy);
    let account = async { if with_account { Some(ports.vpcs.account(&needed).await) } else { None } };
    let (account, vpcs) = futures::join!(account, ports.vpcs.vpcs(&targets, &needed));
    let judge = Judge { policy: &work.policy, evaluated_at: (ports.now)() };
    scan.gone((targets.len() - vpcs.len()) as u64);
    scan.evaluated(vpcs.len() as u64 + u64::from(with_account));
    let (whole, in_part) = scope::divided(vpcs, &targets);
    scan.of_others(whole.iter().map(Vpc::of_others).sum());
    let whole = judge.network(&whole, account.as_ref());
    let in_part = judge.network(&in_part, None).filter_map(|findings| scope::reported(findings, &targets));
    for findings in scope::in_order(whole, in_part) {
        scan.write(&findings).await?;
    }
    scan.end().await
}

/// The VPCs among a shard's targets, and whether the account is one of them. A target that nobody read would be one of
/// which no finding tells.
fn vpcs_and_account(targets: Vec<Target>) -> Result<(Vec<Target>, bool), TaskError> {
    let (vpcs, others): (Vec<Target>, Vec<Target>) =
        targets.into_iter().partition(|target| target.kind == TargetKind::Vpc);
    match others.iter().find(|target| target.kind != TargetKind::Account) {
        Some(stray) => Err(TaskError::Corrupt(format!(
            "the shard has the target {} of the kind {:?}; only VPCs and the account are allowed",
            stray.id, stray.kind
        ))),
        None => Ok((vpcs, !others.is_empty())),
    }
}
