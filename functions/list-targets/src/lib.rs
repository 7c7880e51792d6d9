//! Lists one service's resources into shards: what `ListS3Buckets`, `ListVpcs` and `ListLambdas` run.
//!
//! A shard is what one scanner reads in one invocation. The account itself comes first where a service has settings of
//! its own, then the resources of each kind by name. A kind that AWS does not list is left out, and said to be. The
//! inventory is written last, and once: without it the service does not count as listed.

mod listers;
mod named;
mod patience;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, Condition, PutOutcome, keys};
use audit_model::plan::{Inventory, Target, TargetKind, Unlisted, Versions};
use audit_model::task::{ListTargetsInput, ListTargetsOutput};
use audit_model::{Plan, Reading, Service, Shard, Unreadable, UnreadableCause};
use audit_task::TaskError;
use jiff::Timestamp;

pub use listers::{
    AccessPoints, DirectoryBuckets, LambdaFunctions, NetworkLookup, REQUESTS_PER_SECOND, S3Buckets, TargetLister,
    VersionLister, Vpcs,
};
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
    /// Lists S3 directory buckets.
    pub directory_buckets: &'a dyn TargetLister,
    /// Lists VPCs.
    pub vpcs: &'a dyn TargetLister,
    /// Looks up VPCs and what hangs on them.
    pub networks: &'a dyn NetworkLookup,
    /// Lists Lambda functions.
    pub functions: &'a dyn TargetLister,
    /// Lists the same with their versions.
    pub versions: &'a dyn VersionLister,
    /// How long AWS is waited for.
    pub patience: Patience,
    /// How many shards of a service are scanned at once at the most.
    pub map_concurrency: NonZeroU32,
    /// An id that no other listing has, of a few letters and digits.
    pub listing: fn() -> String,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Lists a service's resources, or looks up those that the plan names, unless that is done already, and says which shards
/// there are.
///
/// # Errors
/// `NotFound` without a plan, `InvalidRequest` from a listing call, which is a mistake of this program, and those of the store. What AWS does not
/// list for any other reason is no error; the inventory says so.
pub async fn handle(input: ListTargetsInput, ports: &Ports<'_>) -> Result<ListTargetsOutput, TaskError> {
    let ListTargetsInput { scan_id, service } = input;
    let plan: Plan = ports.store.get_json(&keys::plan(&scan_id)).await?;
    // A listing that ended counts. Were it repeated, shards could change under scanners that are reading them.
    let inventory = match ports.store.find_json(&keys::inventory(&scan_id, service)).await? {
        Some(inventory) => inventory,
        None => list(&plan, service, ports).await?,
    };
    let Inventory { listing, resources, shards, unlisted, .. } = inventory;
    for Unlisted { resource_type, reason } in &unlisted {
        tracing::warn!(%service, resource_type, reason, "not listed");
    }
    tracing::info!(%service, listing, resources, shards = shards.len(), "listed");
    let shards: Vec<u32> = (1..).take(shards.len()).collect();
    let at_once = match shards.last().and_then(|count| NonZeroU32::new(*count)) {
        // It is scanned beside a scan of everything, whose request budgets are not its own: it takes one share more.
        _ if plan.is_scoped() => ports.map_concurrency,
        count => count.unwrap_or(NonZeroU32::MIN).min(ports.map_concurrency),
    };
    Ok(ListTargetsOutput { scan_id, service, listing, resources, shards, at_once })
}

/// The most targets in a shard of buckets and access points, or of functions. So many are read without one that is slow
/// holding up another (`shard-scan`), and within a few minutes at a quarter of any request budget.
const SHARD: usize = 128;

/// The most VPCs in a shard. Everything about them is asked in the same few calls, and held in memory to be sorted.
const VPC_SHARD: usize = 20;

/// What there is to scan of a service.
#[derive(Default)]
struct Listed {
    targets: Vec<Target>,
    unlisted: Vec<Unlisted>,
    /// `None` of what is no function.
    versions: Option<Reading<Versions>>,
}

/// Lists all that the account has of a service.
async fn list_all(service: Service, ports: &Ports<'_>) -> Result<Listed, TaskError> {
    let account = Target {
        kind: TargetKind::Account,
        id: ports.account.to_owned(),
        region: Some(ports.region.to_owned()),
        owner: None,
        only: Vec::new(),
    };
    let (first, listers): (_, &[(TargetKind, &dyn TargetLister)]) = match service {
        Service::S3 => (
            Some(account),
            &[
                (TargetKind::Bucket, ports.buckets),
                (TargetKind::AccessPoint, ports.access_points),
                (TargetKind::DirectoryBucket, ports.directory_buckets),
            ],
        ),
        Service::Vpc => (Some(account), &[(TargetKind::Vpc, ports.vpcs)]),
        Service::Lambda => (None, &[(TargetKind::Function, ports.functions)]),
    };
    let versions = match service {
        Service::S3 | Service::Vpc => None,
        Service::Lambda => Some(known_versions(ports.patience.versions(ports.versions).await)?),
    };
    let mut all: Vec<Target> = first.into_iter().collect();
    let mut unlisted = Vec::new();
    for &(kind, lister) in listers {
        let targets = match &versions {
            Some(Reading::Seen { value }) => Ok(functions(value, ports.region)),
            // The other quarter of the time is left.
            Some(_) => ports.patience.list(lister, 4).await,
            None => ports.patience.list(lister, listers.len()).await,
        };
        match targets {
            Ok(targets) => all.extend(targets),
            Err(error @ TaskError::InvalidRequest(_)) => return Err(error),
            // The account's other resources are judged all the same.
            Err(error) => {
                unlisted.push(Unlisted { resource_type: kind.resource_type().to_owned(), reason: error.to_string() })
            }
        }
    }
    Ok(Listed { targets: all, unlisted, versions })
}

async fn list(plan: &Plan, service: Service, ports: &Ports<'_>) -> Result<Inventory, TaskError> {
    let scan_id = plan.scan_id.as_str();
    let Listed { targets, unlisted, versions } =
        if plan.is_scoped() { named::look_up(plan, service, ports).await? } else { list_all(service, ports).await? };
    // What moves from one page to the next while they are being read is listed twice; the last copy is the newest.
    let targets: BTreeMap<(TargetKind, String), Target> =
        targets.into_iter().map(|target| ((target.kind, target.id.clone()), target)).collect();
    let targets: Vec<Target> = targets.into_values().collect();

    let (listing, mut shards) = ((ports.listing)(), Vec::new());
    let resources = targets.len() as u64;
    let mut targets = targets.into_iter();
    let (most, at_once) = match service {
        Service::S3 | Service::Lambda => (SHARD, ports.map_concurrency),
        // All VPCs of a shard are asked about at once: the fewer shards, the fewer requests.
        Service::Vpc => (VPC_SHARD, NonZeroU32::MIN),
    };
    for (number, size) in (1..).zip(shard_sizes(targets.len(), most, at_once)) {
        let targets: Vec<Target> = targets.by_ref().take(size).collect();
        let versions = versions.as_ref().map(|all| match all {
            Reading::Seen { value } => Reading::seen(versions_of(&targets, value)),
            unread => unread.clone(),
        });
        let shard = Shard { service, number, targets, versions };
        ports.store.replace_json(&keys::shard(scan_id, service, &listing, number), &shard).await?;
        shards.push(size as u64);
    }
    write_once(scan_id, Inventory { service, listing, resources, shards, unlisted, listed_at: (ports.now)() }, ports)
        .await
}

/// The versions of functions, or why they are not known.
fn known_versions(listed: Result<Versions, TaskError>) -> Result<Reading<Versions>, TaskError> {
    let error = match listed {
        Ok(versions) => return Ok(Reading::seen(versions)),
        Err(error @ TaskError::InvalidRequest(_)) => return Err(error),
        Err(error) => error,
    };
    tracing::warn!(%error, "the functions are listed without their versions");
    let cause = match error {
        TaskError::AccessDenied(_) => UnreadableCause::AccessDenied,
        TaskError::Throttled(_) => UnreadableCause::Throttled,
        TaskError::Corrupt(_) => UnreadableCause::Malformed,
        _ => UnreadableCause::Failed,
    };
    let detail = format!("the versions of the account's functions are not known: {error}");
    Ok(Reading::Unreadable(Unreadable { action: "lambda:ListFunctions".to_owned(), cause, detail }))
}

/// The functions whose versions these are.
fn functions(versions: &Versions, region: &str) -> Vec<Target> {
    let function = |id: &String| Target {
        kind: TargetKind::Function,
        id: id.clone(),
        region: Some(region.to_owned()),
        owner: None,
        only: Vec::new(),
    };
    versions.keys().map(function).collect()
}

/// The versions of these functions.
fn versions_of(functions: &[Target], versions: &Versions) -> Versions {
    functions
        .iter()
        .filter_map(|function| versions.get_key_value(&function.id))
        .map(|(name, of)| (name.clone(), of.clone()))
        .collect()
}

/// Cuts so many targets into as few shards of `most` at the most as keep all scanners that run at once at work to the end:
/// the shards are of one size, and where there are more than scanners each has as many of them. Those that share the
/// request budgets then end together, and none of it lies idle.
fn shard_sizes(targets: usize, most: usize, at_once: NonZeroU32) -> impl Iterator<Item = usize> {
    let (count, at_once) = (targets.div_ceil(most), at_once.get() as usize);
    let count = if count > at_once { count.next_multiple_of(at_once) } else { count };
    // The first ones take what does not divide.
    (0..count).map(move |shard| targets / count + usize::from(shard < targets % count))
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
