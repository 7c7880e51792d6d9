//! What an account has in S3, wherever it lies: from a laptop every region can be reached.

use std::collections::HashMap;
use std::net::ToSocketAddrs;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_model::resource::{AccessPoint, Bucket, DirectoryBucket, S3Account};
use audit_task::{Budget, TaskError};
use list_targets::{DirectoryBuckets, S3Buckets, TargetLister};
use scan_s3::{
    KEY_REQUESTS_PER_SECOND, REQUESTS_PER_SECOND, S3Collector, S3Resources, Shared, TRAIL_REQUESTS_PER_SECOND,
};

use crate::clients::Clients;

/// Reads buckets where they lie, each region through clients and request budgets of its own, and the rest in one region.
#[derive(Debug)]
pub(super) struct S3Everywhere {
    here: Arc<S3Resources>,
    clients: Clients,
    elsewhere: Mutex<HashMap<String, Arc<S3Resources>>>,
}

impl S3Everywhere {
    pub(super) fn new(clients: Clients, account: &str) -> Self {
        Self { here: Arc::new(resources(&clients, account)), clients, elsewhere: Mutex::default() }
    }

    fn of(&self, region: &str) -> Arc<S3Resources> {
        if region == self.here.region {
            return Arc::clone(&self.here);
        }
        let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let made = elsewhere
            .entry(region.to_owned())
            .or_insert_with(|| Arc::new(resources(&self.clients.in_region(region), &self.here.account)));
        Arc::clone(made)
    }
}

/// What is read through the clients of one region.
fn resources(clients: &Clients, account: &str) -> S3Resources {
    S3Resources {
        s3: clients.s3(),
        s3_control: clients.s3_control(),
        kms: clients.kms(),
        cloudtrail: clients.cloudtrail(),
        account: account.to_owned(),
        region: clients.region().to_owned(),
        budget: Budget::new(REQUESTS_PER_SECOND),
        key_budget: Budget::new(KEY_REQUESTS_PER_SECOND),
        trail_budget: Budget::new(TRAIL_REQUESTS_PER_SECOND),
    }
}

#[async_trait]
impl S3Collector for S3Everywhere {
    async fn room(&self) {
        self.here.room().await;
    }

    async fn account(&self, shared: &Shared) -> S3Account {
        self.here.account(shared).await
    }

    /// A bucket that was named and not listed has no region yet. Where S3 does not tell it either, the bucket is read from here,
    /// and what that comes to is told.
    async fn bucket(&self, target: &Target, shared: &Shared) -> Option<Bucket> {
        let region = match &target.region {
            Some(region) => Some(region.clone()),
            None => self.here.region_of(&target.id).await,
        };
        let target = Target { region, ..target.clone() };
        let of = target.region.as_deref().map_or_else(|| Arc::clone(&self.here), |region| self.of(region));
        of.bucket(&target, shared).await
    }

    async fn access_point(&self, target: &Target, shared: &Shared) -> Option<AccessPoint> {
        self.here.access_point(target, shared).await
    }

    async fn directory_bucket(&self, target: &Target, shared: &Shared) -> Option<DirectoryBucket> {
        self.here.directory_bucket(target, shared).await
    }
}

/// The buckets that the scan of a region looks at: those of the region, and in the scan of the first region those of regions that
/// are not scanned, or not known, too. So every bucket is looked at once.
#[derive(Debug)]
pub(super) struct BucketsOfRegion {
    pub(super) all: S3Buckets,
    pub(super) region: String,
    /// All regions that are scanned, the first one first.
    pub(super) scanned: Vec<String>,
}

impl BucketsOfRegion {
    fn is_looked_at(&self, bucket: &Target) -> bool {
        let scanned = bucket.region.as_ref().filter(|region| self.scanned.contains(region));
        scanned.or(self.scanned.first()) == Some(&self.region)
    }
}

#[async_trait]
impl TargetLister for BucketsOfRegion {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        let mut buckets = self.all.list().await?;
        buckets.retain(|bucket| self.is_looked_at(bucket));
        Ok(buckets)
    }
}

/// The directory buckets of a region, of which not every one has S3 Express One Zone.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/endpoint-directory-buckets-AZ.html>
#[derive(Debug)]
pub(super) struct DirectoryBucketsIfAny {
    pub(super) all: DirectoryBuckets,
    /// Whether AWS itself is called: another endpoint has every region.
    pub(super) of_aws: bool,
}

#[async_trait]
impl TargetLister for DirectoryBucketsIfAny {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        if self.of_aws && !has_express(&self.all.region).await {
            return Ok(Vec::new());
        }
        self.all.list().await
    }
}

/// Whether a region has S3 Express One Zone: AWS has a name for its Regional endpoint. A machine that knows no names at all does
/// not know it either, and then it is asked, and what becomes of that is told.
async fn has_express(region: &str) -> bool {
    let is_known = |service: &str| {
        let host = format!("{service}.{region}.amazonaws.com");
        tokio::task::spawn_blocking(move || (host, 443).to_socket_addrs().is_ok())
    };
    let (express, s3) = futures::join!(is_known("s3express-control"), is_known("s3"));
    express.unwrap_or(true) || !s3.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use audit_model::plan::TargetKind;

    use super::*;

    #[test]
    fn every_bucket_is_looked_at_by_the_scan_of_exactly_one_region() {
        let scanned = ["us-east-1", "eu-west-1"].map(ToOwned::to_owned);
        let client = aws_sdk_s3::Client::from_conf(
            aws_sdk_s3::Config::builder().behavior_version(aws_sdk_s3::config::BehaviorVersion::latest()).build(),
        );
        for (of_bucket, looked_at) in [
            (Some("us-east-1"), "us-east-1"),
            (Some("eu-west-1"), "eu-west-1"),
            (Some("sa-east-1"), "us-east-1"),
            (None, "us-east-1"),
        ] {
            let region = of_bucket.map(ToOwned::to_owned);
            let bucket = Target { kind: TargetKind::Bucket, id: "b".to_owned(), region, owner: None, only: Vec::new() };
            for region in &scanned {
                let of_region = BucketsOfRegion {
                    all: S3Buckets { client: client.clone() },
                    region: region.clone(),
                    scanned: scanned.to_vec(),
                };
                assert_eq!(of_region.is_looked_at(&bucket), region == looked_at, "{of_bucket:?} in {region}");
            }
        }
    }
}
