//! Reads and judges one shard of Lambda functions: what `ScanLambda` runs.
//!
//! `collectors` reads AWS, the rules of `audit-rules` judge, and the findings are written as soon as it is their
//! function's turn. The receipt is written last: without it the shard does not count as scanned.

mod collectors;
#[cfg(test)]
mod tests;

use std::pin::pin;

use audit_artifacts::ArtifactStore;
use audit_model::Service;
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_rules::{Judge, Needed};
use audit_task::TaskError;
use futures::StreamExt;
use jiff::Timestamp;
use shard_scan::{ShardScan, read_in_order};

pub use collectors::{
    DESCRIBE_SUBNETS_PER_SECOND, FunctionCollector, GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND,
    LIST_URLS_PER_SECOND, LambdaFunctions, Shared,
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
/// `InvalidRequest` for another service's shard, `NotFound` without a plan or shard, and those of the store. A read
/// that AWS refuses is no error but a finding that says so.
pub async fn handle(input: ScanShardInput, ports: &Ports<'_>) -> Result<ScanShardOutput, TaskError> {
    let (work, mut scan) = ShardScan::begin(ports.store, input, Service::Lambda).await?;
    let shared = Shared::new(Needed::under(&work.policy));
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
