//! Reads and judges one shard of Lambda functions: what `ScanLambda` runs.
//!
//! `collectors` reads AWS, the rules of `audit-rules` judge, and the findings are written as soon as it is their
//! function's turn. The receipt is written last: without it the shard does not count as scanned.

mod collectors;
#[cfg(test)]
mod tests;

use std::pin::pin;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, keys};
use audit_model::Service;
use audit_model::plan::{Inventory, Versions};
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_rules::{Judge, Needed};
use audit_task::TaskError;
use futures::StreamExt;
use jiff::Timestamp;
use shard_scan::{ShardScan, read_in_order};

pub use collectors::{
    Allowance, DESCRIBE_SUBNETS_PER_SECOND, FunctionCollector, GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND,
    LISTS_PER_SECOND, LambdaFunctions, Shared,
};

/// What the task works with.
pub struct Ports<'a> {
    /// Where the plan, the shard and the findings lie.
    pub store: &'a dyn ArtifactStore,
    /// Reads functions.
    pub functions: &'a dyn FunctionCollector,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Reads every function of the shard, judges it and writes the findings, ordered by function and rule.
///
/// # Errors
/// `InvalidRequest` for another service's shard, `NotFound` without a plan, shard or inventory, and those of the store. A read
/// that AWS refuses is no error but a finding that says so.
pub async fn handle(input: ScanShardInput, ports: &Ports<'_>) -> Result<ScanShardOutput, TaskError> {
    let (scan_id, at_once) = (input.scan_id.clone(), input.at_once);
    let (work, mut scan) = ShardScan::begin(ports.store, input, Service::Lambda).await?;
    let inventory: Inventory = ports.store.get_json(&keys::inventory(&scan_id, Service::Lambda)).await?;
    let versions = work.versions.iter().filter_map(|all| all.known().ok().flatten()).flat_map(Versions::values);
    let (functions, versions) = (work.targets.len() as u64, versions.map(|of_one| of_one.len() as u64).sum::<u64>());
    let allowance = Allowance::new(&scan_id, functions, versions, inventory.resources, at_once);
    let shared = Shared::new(work.versions, Needed::under(&work.policy), allowance);
    let read = |target| ports.functions.function(target, &shared);
    let mut functions = pin!(read_in_order(&work.targets, || ports.functions.room(), read));
    while let Some(function) = functions.next().await {
        match function {
            None => scan.gone(1),
            Some(function) => {
                let judge = Judge { policy: &work.policy, evaluated_at: (ports.now)() };
                scan.evaluated(1);
                scan.write(&judge.function(&function)).await?;
            }
        }
    }
    scan.end().await
}
