//! What was scanned, and what was planned and is missing: told by the objects in the reports bucket.

use std::collections::BTreeMap;

use audit_artifacts::{ArtifactStore, ArtifactStoreExt, keys};
use audit_model::Service;
use audit_model::plan::{Hidden, Inventory, ShardReceipt, Unlisted};
use audit_model::summary::Gap;
use audit_model::task::{Branch, BranchFailure, CaughtError};
use audit_task::TaskError;
use futures::{StreamExt, TryStreamExt, stream};

/// How many small reads of the reports bucket are under way at once.
const READS_AT_ONCE: usize = 16;

/// What was scanned of one service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceCoverage {
    /// The receipts of the scanned shards, shard 1 first.
    pub(crate) scanned: Vec<ShardReceipt>,
    /// What is missing.
    pub(crate) gaps: Vec<Gap>,
}

impl ServiceCoverage {
    /// Reads inventory and receipts. `branch` is what the machine says of the service; it only serves to explain. `broken` are
    /// the shards whose findings cannot be used: which of them are true nobody can tell, and so they count as not scanned.
    ///
    /// # Errors
    /// `Corrupt` when inventory or receipt contradict themselves, and those of the store.
    pub(crate) async fn of(
        store: &dyn ArtifactStore,
        scan_id: &str,
        service: Service,
        branch: Option<&Branch>,
        broken: &BTreeMap<u32, String>,
    ) -> Result<Self, TaskError> {
        let failures = branch.map_or(&[][..], |branch| &branch.failures);
        let Some(listed) = inventory(store, scan_id, service).await? else {
            let reason = explain(failures, None).unwrap_or_else(|| "the listing left no inventory".to_owned());
            let gap = Gap { service, shard: None, resources: None, resource_type: None, reason };
            return Ok(Self { scanned: Vec::new(), gaps: vec![gap] });
        };
        let Inventory { listing, shards, unlisted, .. } = listed;
        let mut receipts = stream::iter((1..).zip(shards))
            .map(async |(number, listed)| {
                receipt(store, scan_id, service, &listing, number).await.map(|receipt| (number, listed, receipt))
            })
            .buffered(READS_AT_ONCE);
        let not_listed = |Unlisted { resource_type, reason }| Gap {
            service,
            shard: None,
            resources: None,
            resource_type: Some(resource_type),
            reason,
        };
        let mut coverage = Self { scanned: Vec::new(), gaps: unlisted.into_iter().map(not_listed).collect() };
        while let Some((number, listed, receipt)) = receipts.try_next().await? {
            let gap = |resources, reason| Gap { service, shard: Some(number), resources, resource_type: None, reason };
            if let Some(reason) = broken.get(&number) {
                coverage.gaps.push(gap(Some(listed), reason.clone()));
                continue;
            }
            let accounted = receipt.as_ref().map_or(0, |receipt| receipt.resources.saturating_add(receipt.gone));
            let shortfall = match &receipt {
                None => Some("the scanner left no receipt".to_owned()),
                Some(_) if accounted != listed => {
                    Some(format!("the scanner accounts for {accounted} resources, and {listed} were listed"))
                }
                Some(_) => None,
            };
            coverage.gaps.extend(shortfall.map(|shortfall| {
                gap(Some(listed.saturating_sub(accounted)), explain(failures, Some(number)).unwrap_or(shortfall))
            }));
            coverage.scanned.extend(receipt);
        }
        coverage.gaps.extend(hidden(service, &coverage.scanned));
        coverage.gaps.sort_by(|a, b| (a.shard, &a.resource_type).cmp(&(b.shard, &b.resource_type)));
        Ok(coverage)
    }
}

/// The gaps that are left where what hangs on scanned resources could not be listed: one a type.
fn hidden(service: Service, scanned: &[ShardReceipt]) -> impl Iterator<Item = Gap> {
    let mut types: BTreeMap<&str, Hidden> = BTreeMap::new();
    for hidden in scanned.iter().flat_map(|receipt| &receipt.hidden) {
        let of_type = types.entry(&hidden.resource_type);
        of_type.and_modify(|sum| sum.parents += hidden.parents).or_insert_with(|| hidden.clone());
    }
    let types: Vec<Hidden> = types.into_values().collect();
    types.into_iter().map(move |Hidden { resource_type, parents, reason }| Gap {
        service,
        shard: None,
        resources: None,
        resource_type: Some(resource_type),
        reason: match parents {
            1 => reason,
            more => format!("{reason} (and so for {} others)", more - 1),
        },
    })
}

/// What was listed, or `None` when the service was not listed to its end.
async fn inventory(store: &dyn ArtifactStore, scan_id: &str, service: Service) -> Result<Option<Inventory>, TaskError> {
    let key = keys::inventory(scan_id, service);
    let Some(inventory) = store.find_json::<Inventory>(&key).await? else {
        return Ok(None);
    };
    let sum = inventory.shards.iter().try_fold(0_u64, |sum, shard| sum.checked_add(*shard));
    if inventory.service != service || sum != Some(inventory.resources) {
        return Err(TaskError::Corrupt(format!(
            "the object {key} contradicts itself: it is of {}, and its shards do not add up to its {} resources; run \
             the scan again",
            inventory.service, inventory.resources
        )));
    }
    Ok(Some(inventory))
}

/// What a scanner says of a shard, or `None` when none came to its end that read the shard of this listing.
async fn receipt(
    store: &dyn ArtifactStore,
    scan_id: &str,
    service: Service,
    listing: &str,
    number: u32,
) -> Result<Option<ShardReceipt>, TaskError> {
    let key = keys::shard_receipt(scan_id, service, number);
    match store.find_json::<ShardReceipt>(&key).await? {
        Some(receipt) if (receipt.service, receipt.shard) != (service, number) => Err(TaskError::Corrupt(format!(
            "the object {key} is the receipt of shard {} of {}; run the scan again",
            receipt.shard, receipt.service
        ))),
        Some(receipt) if (receipt.findings == 0) != receipt.first.is_none() => Err(TaskError::Corrupt(format!(
            "the object {key} contradicts itself: it tells of {} findings, and of {} first one; run the scan again",
            receipt.findings,
            if receipt.first.is_none() { "no" } else { "a" }
        ))),
        found => Ok(found.filter(|receipt| receipt.listing == listing)),
    }
}

/// What the machine caught about a shard, or about the listing.
fn explain(failures: &[BranchFailure], shard: Option<u32>) -> Option<String> {
    let failure = failures.iter().find(|failure| failure.shard == shard)?;
    let CaughtError { state, error, cause } = &failure.caught;
    Some(format!("{state} failed: {error}: {cause}"))
}
