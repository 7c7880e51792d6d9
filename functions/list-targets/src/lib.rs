//! Lists one service's resources into shards: what `ListS3Buckets`, `ListVpcs` and `ListLambdas` run.
//!
//! A shard is what one scanner reads in one invocation. The account itself comes first where a service has settings of
//! its own, then the resources of each kind by name. A kind that AWS does not list is left out, and said to be. The
//! inventory is written last, and once: without it the service does not count as listed.

mod listers;
mod patience;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, PutOutcome, keys};
use audit_model::plan::{Inventory, Target, TargetKind, Unlisted};
use audit_model::task::{ListTargetsInput, ListTargetsOutput};
use audit_model::{Service, Shard};
use audit_task::TaskError;
use jiff::Timestamp;

pub use listers::{AccessPoints, LambdaFunctions, REQUESTS_PER_SECOND, S3Buckets, TargetLister, Vpcs};
pub use patience::Patience;

/// What the task works with.
pub struct Ports<'a> {
    /// Where the shards lie.
    pub store: &'a dyn ArtifactStore,
    /// The 12 digits of the audited account.
    pub account: &'a str,
    /// The audited region.
    pub region: &'a str,
    /// Lists S3 buckets.
    pub buckets: &'a dyn TargetLister,
    /// Lists S3 access points.
    pub access_points: &'a dyn TargetLister,
    /// Lists VPCs.
    pub vpcs: &'a dyn TargetLister,
    /// Lists Lambda functions.
    pub functions: &'a dyn TargetLister,
    /// How long AWS is waited for.
    pub patience: Patience,
    /// An id that no other listing has, of a few letters and digits.
    pub listing: fn() -> String,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Lists a service's resources, unless that is done already, and says which shards there are.
///
/// # Errors
/// `InvalidRequest` from a listing call, which is a mistake of this program, and those of the store. What AWS does not
/// list for any other reason is no error; the inventory says so.
pub async fn handle(input: ListTargetsInput, ports: &Ports<'_>) -> Result<ListTargetsOutput, TaskError> {
    let ListTargetsInput { scan_id, service } = input;
    // A listing that ended counts. Were it repeated, shards could change under scanners that are reading them.
    let inventory = match ports.store.find_json(&keys::inventory(&scan_id, service)).await? {
        Some(inventory) => inventory,
        None => list(&scan_id, service, ports).await?,
    };
    let Inventory { listing, resources, shards, unlisted, .. } = inventory;
    for Unlisted { resource_type, reason } in &unlisted {
        tracing::warn!(%service, resource_type, reason, "not listed");
    }
    tracing::info!(%service, listing, resources, shards = shards.len(), "listed");
    Ok(ListTargetsOutput { scan_id, service, listing, resources, shards: (1..).take(shards.len()).collect() })
}

async fn list(scan_id: &str, service: Service, ports: &Ports<'_>) -> Result<Inventory, TaskError> {
    let account =
        Target { kind: TargetKind::Account, id: ports.account.to_owned(), region: Some(ports.region.to_owned()) };
    let (first, listers, shard_size): (_, &[(TargetKind, &dyn TargetLister)], _) = match service {
        Service::S3 => {
            (Some(account), &[(TargetKind::Bucket, ports.buckets), (TargetKind::AccessPoint, ports.access_points)], 100)
        }
        // Everything about the VPCs of a shard is asked in the same few calls, and held in memory to be sorted.
        Service::Vpc => (Some(account), &[(TargetKind::Vpc, ports.vpcs)], 20),
        Service::Lambda => (None, &[(TargetKind::Function, ports.functions)], 100),
    };
    let mut listed: Vec<Target> = first.into_iter().collect();
    let mut unlisted = Vec::new();
    for &(kind, lister) in listers {
        match ports.patience.list(lister, listers.len()).await {
            Ok(targets) => listed.extend(targets),
            Err(error @ TaskError::InvalidRequest(_)) => return Err(error),
            // The account's other resources are judged all the same.
            Err(error) => {
                unlisted.push(Unlisted { resource_type: kind.resource_type().to_owned(), reason: error.to_string() })
            }
        }
    }
    // What moves from one page to the next while they are being read is listed twice; the last copy is the newest.
    let targets: BTreeMap<(TargetKind, String), Target> =
        listed.into_iter().map(|target| ((target.kind, target.id.clone()), target)).collect();
    let targets: Vec<Target> = targets.into_values().collect();

    let (listing, mut shards) = ((ports.listing)(), Vec::new());
    for (number, targets) in (1..).zip(targets.chunks(shard_size)) {
        let shard = Shard { service, number, targets: targets.to_vec() };
        ports.store.replace_json(&keys::shard(scan_id, service, &listing, number), &shard).await?;
        shards.push(targets.len() as u64);
    }
    let resources = targets.len() as u64;
    write_once(scan_id, Inventory { service, listing, resources, shards, unlisted, listed_at: (ports.now)() }, ports)
        .await
}

/// Writes the inventory, unless another attempt of the same task has written one: that one counts then.
async fn write_once(scan_id: &str, inventory: Inventory, ports: &Ports<'_>) -> Result<Inventory, TaskError> {
    let key = keys::inventory(scan_id, inventory.service);
    match ports.store.put_json(&key, &inventory, Condition::IfAbsent).await? {
        PutOutcome::Written => Ok(inventory),
        PutOutcome::ConditionFailed => ports.store.find_json(&key).await?.ok_or_else(|| {
            TaskError::Unavailable(format!("the object {key} is just being written by another attempt; try again"))
        }),
    }
}
