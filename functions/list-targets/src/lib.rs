//! Lists one service's resources into shards: what `ListS3Buckets`, `ListVpcs` and `ListLambdas` run.
//!
//! A shard is what one scanner reads in one invocation. The account itself comes first where a service has settings of
//! its own, then the resources of each kind by name. The inventory is written last: without it the service does not
//! count as listed.

mod listers;
#[cfg(test)]
mod tests;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, keys};
use audit_model::plan::{Inventory, Target, TargetKind};
use audit_model::task::{ListTargetsInput, ListTargetsOutput};
use audit_model::{Service, Shard};
use audit_task::TaskError;
use jiff::Timestamp;

pub use listers::{AccessPoints, LambdaFunctions, REQUESTS_PER_SECOND, S3Buckets, TargetLister, Vpcs};

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
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Lists a service's resources, unless that is done already, and says which shards there are.
///
/// # Errors
/// Those of the listing call and of the store. A service that was listed in part only is not listed: there is no
/// inventory, and a repetition writes every shard again.
pub async fn handle(input: ListTargetsInput, ports: &Ports<'_>) -> Result<ListTargetsOutput, TaskError> {
    let ListTargetsInput { scan_id, service } = input;
    // A listing that ended counts. Were it repeated, shards could change under scanners that are reading them.
    let inventory = match ports.store.find_json(&keys::inventory(&scan_id, service)).await? {
        Some(inventory) => inventory,
        None => list(&scan_id, service, ports).await?,
    };
    tracing::info!(%service, resources = inventory.resources, shards = inventory.shards.len(), "listed");
    Ok(ListTargetsOutput {
        scan_id,
        service,
        resources: inventory.resources,
        shards: (1..).take(inventory.shards.len()).collect(),
    })
}

async fn list(scan_id: &str, service: Service, ports: &Ports<'_>) -> Result<Inventory, TaskError> {
    let account =
        Target { kind: TargetKind::Account, id: ports.account.to_owned(), region: Some(ports.region.to_owned()) };
    let (mut targets, listers, shard_size): (_, &[&dyn TargetLister], _) = match service {
        Service::S3 => (vec![account], &[ports.buckets, ports.access_points], 100),
        // Everything about the VPCs of a shard is asked in the same few calls, and held in memory to be sorted.
        Service::Vpc => (vec![account], &[ports.vpcs], 20),
        Service::Lambda => (Vec::new(), &[ports.functions], 100),
    };
    for lister in listers {
        targets.extend(lister.list().await?);
    }
    targets.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
    // What moves from one page to the next while they are being read is listed twice.
    targets.dedup_by(|a, b| (a.kind, &a.id) == (b.kind, &b.id));

    let mut inventory =
        Inventory { service, resources: targets.len() as u64, shards: Vec::new(), listed_at: (ports.now)() };
    for (number, targets) in (1..).zip(targets.chunks(shard_size)) {
        let shard = Shard { service, number, targets: targets.to_vec() };
        ports.store.replace_json(&keys::shard(scan_id, service, number), &shard).await?;
        inventory.shards.push(targets.len() as u64);
    }
    ports.store.replace_json(&keys::inventory(scan_id, service), &inventory).await?;
    Ok(inventory)
}
