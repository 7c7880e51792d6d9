//! Where is scanned, and what in each region.

use std::collections::BTreeMap;

use audit_model::{NamedResource, Service};

use super::Scan;
use super::listers::Buckets;
use super::region::resources_of_s3;
use crate::clients::{Clients, HOME};
use crate::end::Failure;

/// The word for every region that is enabled in the account.
const ALL: &str = "all";

/// One scan: a region, and what is looked at there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) region: String,
    /// In catalogue order.
    pub(super) services: Vec<Service>,
    /// The only resources; none where all are looked at.
    pub(super) resources: Vec<NamedResource>,
    /// Whether it is the first one, which stands for what is the same in every region.
    pub(super) is_first: bool,
}

/// The region of the first calls: one that is asked for, or that of a resource that is.
pub(super) fn first_region(asked: &Scan) -> Option<&str> {
    let named = asked.regions.iter().map(String::as_str).find(|region| *region != ALL);
    named.or_else(|| asked.resources.iter().find_map(|named| named.place().map(|(region, _)| region)))
}

/// Where the regions are asked for, if all are, and nothing says which one is the first.
pub(super) fn home(asked: &Scan) -> Option<&'static str> {
    asked.regions.iter().any(|region| region == ALL).then_some(HOME)
}

/// The scans that are asked for. The first one is in the clients' region.
///
/// # Errors
/// Where the regions cannot be listed, or resources are named together with other regions than theirs.
pub(super) async fn places(
    asked: &Scan,
    clients: &Clients,
    buckets: &Buckets,
    account: &str,
) -> Result<Vec<Place>, Failure> {
    if !asked.resources.is_empty() {
        return of_resources(asked, clients, account).await;
    }
    let services: Vec<Service> = Service::ALL
        .into_iter()
        .filter(|service| asked.services.is_empty() || asked.services.contains(service))
        .collect();
    let mut regions =
        if asked.regions.iter().any(|region| region == ALL) { clients.regions().await? } else { asked.regions.clone() };
    let first = clients.region().to_owned();
    regions.retain(|region| *region != first);
    regions.sort();
    regions.dedup();
    regions.insert(0, first);
    // A bucket is found wherever it lies, for the account has one list of them.
    let elsewhere = if services.contains(&Service::S3) { buckets.regions().await } else { Default::default() };
    let elsewhere =
        elsewhere.into_iter().filter(|region| !regions.contains(region)).map(|region| (region, &[Service::S3][..]));
    let whole = regions.iter().map(|region| (region.clone(), services.as_slice()));
    let places = whole.chain(elsewhere).enumerate().map(|(nth, (region, services))| Place {
        region,
        services: services.to_vec(),
        resources: Vec::new(),
        is_first: nth == 0,
    });
    Ok(places.collect())
}

/// The named resources by their regions. Of a bucket the name tells none, and S3 is asked; where it does not tell, the scan of the
/// clients' region tells what becomes of reading the bucket.
async fn of_resources(asked: &Scan, clients: &Clients, account: &str) -> Result<Vec<Place>, Failure> {
    let s3 = resources_of_s3(clients, account);
    let mut by_region: BTreeMap<String, Vec<NamedResource>> = BTreeMap::new();
    for named in &asked.resources {
        let is_asked = |region: &str| asked.regions.iter().any(|asked| asked == region || asked == ALL);
        let region = match named.place() {
            Some((region, _)) if asked.regions.is_empty() || is_asked(region) => region.to_owned(),
            Some((region, _)) => {
                return Err(Failure::new(format!(
                    "{} lies in {region}; name that by --region, or no region",
                    named.arn()
                )));
            }
            None => s3.region_of(named.id()).await.unwrap_or_else(|| clients.region().to_owned()),
        };
        by_region.entry(region).or_default().push(named.clone());
    }
    let place = |(region, resources): (String, Vec<NamedResource>)| Place {
        services: Service::ALL
            .into_iter()
            .filter(|service| resources.iter().any(|named| named.service() == *service))
            .collect(),
        is_first: region == clients.region(),
        region,
        resources,
    };
    Ok(by_region.into_iter().map(place).collect())
}
