//! What reads one region.

use std::num::NonZeroU32;
use std::time::Duration;

use audit_artifacts::ArtifactStore;
use audit_task::Budget;
use jiff::Timestamp;
use list_targets::{AccessPoints, DirectoryBuckets, LambdaFunctions, Patience, S3Buckets, Vpcs};
use scan_lambda::{
    DESCRIBE_SUBNETS_PER_SECOND, GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND, LISTS_PER_SECOND,
    LambdaFunctions as Functions,
};
use scan_vpc::{Ec2Vpcs, REQUESTS_PER_SECOND};

use super::everywhere::{BucketsOfRegion, DirectoryBucketsIfAny, S3Everywhere};
use crate::clients::Clients;

/// How long the lists of a service are waited for.
const LISTING: Duration = Duration::from_secs(5 * 60);

/// One shard of a service at a time: the shards of a region share its request budgets, which one uses up.
pub(super) const AT_ONCE: NonZeroU32 = NonZeroU32::MIN;

/// What lists and reads one region.
pub(super) struct Region {
    pub(super) name: String,
    account: String,
    /// Whether its scan looks at what the account has only once.
    is_first: bool,
    buckets: BucketsOfRegion,
    access_points: AccessPoints,
    directory_buckets: DirectoryBucketsIfAny,
    listed_vpcs: Vpcs,
    listed_functions: LambdaFunctions,
    pub(super) s3: S3Everywhere,
    pub(super) vpcs: Ec2Vpcs,
    pub(super) functions: Functions,
}

impl Region {
    /// Through these clients. `scanned` are all regions that are scanned, the first one first.
    pub(super) fn new(clients: Clients, account: &str, scanned: &[String]) -> Self {
        let (name, account) = (clients.region().to_owned(), account.to_owned());
        let s3 = clients.s3();
        Self {
            is_first: scanned.first() == Some(&name),
            buckets: BucketsOfRegion {
                all: S3Buckets { client: s3.clone() },
                region: name.clone(),
                scanned: scanned.to_vec(),
            },
            access_points: AccessPoints {
                client: clients.s3_control(),
                account: account.clone(),
                region: name.clone(),
            },
            directory_buckets: DirectoryBucketsIfAny {
                all: DirectoryBuckets { client: s3, region: name.clone() },
                of_aws: !clients.is_elsewhere(),
            },
            listed_vpcs: Vpcs { client: clients.ec2(), account: account.clone(), region: name.clone() },
            listed_functions: LambdaFunctions {
                client: clients.lambda(),
                region: name.clone(),
                budget: Budget::new(list_targets::REQUESTS_PER_SECOND),
            },
            vpcs: Ec2Vpcs {
                client: clients.ec2(),
                account: account.clone(),
                region: name.clone(),
                budget: Budget::new(REQUESTS_PER_SECOND),
            },
            functions: Functions {
                client: clients.lambda(),
                ec2: clients.ec2(),
                account: account.clone(),
                region: name.clone(),
                get_function_budget: Budget::new(GET_FUNCTION_PER_SECOND),
                get_policy_budget: Budget::new(GET_POLICY_PER_SECOND),
                lists_budget: Budget::new(LISTS_PER_SECOND),
                describe_subnets_budget: Budget::new(DESCRIBE_SUBNETS_PER_SECOND),
            },
            s3: S3Everywhere::new(clients, &account),
            name,
            account,
        }
    }

    /// What `list-targets` works with here.
    pub(super) fn listing<'a>(&'a self, store: &'a dyn ArtifactStore) -> list_targets::Ports<'a> {
        list_targets::Ports {
            store,
            account: &self.account,
            region: &self.name,
            s3_account: self.is_first,
            buckets: &self.buckets,
            access_points: &self.access_points,
            directory_buckets: &self.directory_buckets,
            vpcs: &self.listed_vpcs,
            networks: &self.listed_vpcs,
            functions: &self.listed_functions,
            versions: &self.listed_functions,
            patience: Patience::within(LISTING),
            map_concurrency: AT_ONCE,
            // No other attempt lists for the same scan.
            listing: || "1".to_owned(),
            now: Timestamp::now,
        }
    }
}
