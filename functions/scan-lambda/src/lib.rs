//! Reads and judges one shard of Lambda functions: what `ScanLambda` runs.
//!
//! `collectors` reads AWS, the rules of `audit-rules` judge, and the findings are written as soon as it is their
//! function's turn. The receipt is written last: without it the shard does not count as scanned.

mod collectors;
#[cfg(test)]
mod tests;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, JsonLinesWriter, keys};
use audit_model::plan::ShardReceipt;
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_model::{Plan, Service, Shard};
use audit_rules::Judge;
use audit_task::TaskError;
use futures::{StreamExt, stream};
use jiff::Timestamp;

pub use collectors::{FunctionCollector, GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND, LambdaFunctions};

/// Functions that are read at once, with all their settings at once. The request budget limits the speed; this limits
/// how much waits for a slow answer.
const FUNCTIONS_AT_ONCE: usize = 16;

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
    let ScanShardInput { scan_id, service, shard: number } = input;
    if service != Service::Lambda {
        return Err(TaskError::InvalidRequest(format!(
            "scan-lambda was asked to scan a shard of the service {service}; only lambda is allowed"
        )));
    }
    let plan: Plan = ports.store.get_json(&keys::plan(&scan_id)).await?;
    let shard: Shard = ports.store.get_json(&keys::shard(&scan_id, service, number)).await?;

    let mut findings = JsonLinesWriter::create(ports.store, &keys::shard_findings(&scan_id, service, number)).await?;
    let mut evaluated = 0;
    let mut gone = 0;
    let mut functions = stream::iter(&shard.targets).map(|it| ports.functions.function(it)).buffered(FUNCTIONS_AT_ONCE);
    while let Some(function) = functions.next().await {
        let Some(function) = function else {
            gone += 1;
            continue;
        };
        evaluated += 1;
        let judge = Judge { scan_id: &scan_id, policy: &plan.policy, evaluated_at: (ports.now)() };
        for finding in judge.function(&function) {
            findings.write(&finding).await?;
        }
    }
    let receipt = ShardReceipt { service, shard: number, resources: evaluated, gone, findings: findings.lines() };
    findings.finish().await?;
    ports.store.replace_json(&keys::shard_receipt(&scan_id, service, number), &receipt).await?;

    tracing::info!(%service, shard = number, resources = evaluated, gone, findings = receipt.findings, "scanned");
    Ok(ScanShardOutput { scan_id, service, shard: number, resources: evaluated, findings: receipt.findings })
}
