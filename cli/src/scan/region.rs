//! What reads one region.

use std::num::NonZeroU32;
use std::time::Duration;

use audit_artifacts::ArtifactStore;
use audit_task::Budget;
use jiff::Timestamp;
use list_targets::{AccessPoints, DirectoryBuckets, LambdaFunctions, Patience, Vpcs};
use scan_lambda::{
    DESCRIBE_SUBNETS_PER_SECOND, GET_FUNCTION_PER_SECOND, GET_POLICY_PER_SECOND, LISTS_PER_SECOND,
    LambdaFunctions as Functions,
};
use scan_s3::{KEY_REQUESTS_PER_SECOND, S3Resources, TRAIL_REQUESTS_PER_SECOND};
use scan_vpc::{Ec2Vpcs, REQUESTS_PER_SECOND};

use super::listers::{Buckets, BucketsOfRegion, DirectoryBucketsIfAny};
use crate::clients::Clients;

/// How long the lists of a service are waited for.
const LISTING: Duration = Duration::from_secs(5 * 60);

/// One shard of a service at a time: the shards of a region share its request budgets, which one uses up.
pub(super) const AT_ONCE: NonZeroU32 = NonZeroU32::MIN;

/// What lists and reads one region.
pub(super) struct Region {
    name: String,
    account: String,
    buckets: BucketsOfRegion,
    access_points: AccessPoints,
    directory_buckets: DirectoryBucketsIfAny,
    listed_vpcs: Vpcs,
    listed_functions: LambdaFunctions,
    pub(super) s3: S3Resources,
    pub(super) vpcs: Ec2Vpcs,
    pub(super) functions: Functions,
}

impl Region {
    /// Through these clients. The first region takes the buckets of which S3 does not tell the region.
    pub(super) fn new(clients: &Clients, account: &str, buckets: &Buckets, is_first: bool) -> Self {
        let (name, account) = (clients.region().to_owned(), account.to_owned());
        Self {
            buckets: buckets.of(&name, is_first),
            access_points: AccessPoints {
                client: clients.s3_control(),
                account: account.clone(),
                region: name.clone(),
            },
            directory_buckets: DirectoryBucketsIfAny {
                all: DirectoryBuckets { client: clients.s3(), region: name.clone() },
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
            s3: resources_of_s3(clients, &account),
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

/// What an account has in S3, read through the clients of one region.
pub(super) fn resources_of_s3(clients: &Clients, account: &str) -> S3Resources {
    S3Resources {
        s3: clients.s3(),
        s3_control: clients.s3_control(),
        kms: clients.kms(),
        cloudtrail: clients.cloudtrail(),
        account: account.to_owned(),
        region: clients.region().to_owned(),
        budget: Budget::new(scan_s3::REQUESTS_PER_SECOND),
        key_budget: Budget::new(KEY_REQUESTS_PER_SECOND),
        trail_budget: Budget::new(TRAIL_REQUESTS_PER_SECOND),
    }
}
