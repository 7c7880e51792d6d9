//! What a scan from a laptop lists otherwise than the function does: it knows which regions there are.

use std::collections::BTreeSet;
use std::net::ToSocketAddrs;
use std::sync::Arc;

use async_trait::async_trait;
use audit_model::plan::Target;
use audit_task::TaskError;
use list_targets::{DirectoryBuckets, S3Buckets, TargetLister};
use tokio::sync::OnceCell;

/// All buckets of the account, listed once for the scans of all regions. Clones share the list.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    listed: Arc<OnceCell<Vec<Target>>>,
    lister: S3Buckets,
}

impl Buckets {
    pub(super) fn new(client: aws_sdk_s3::Client) -> Self {
        Self { listed: Arc::default(), lister: S3Buckets { client } }
    }

    async fn list(&self) -> Result<&Vec<Target>, TaskError> {
        self.listed.get_or_try_init(|| self.lister.list()).await
    }

    /// The regions in which buckets lie. None where S3 does not list them: the scan of each region lists them again, and tells
    /// what becomes of that.
    pub(super) async fn regions(&self) -> BTreeSet<String> {
        let listed = self.list().await.map(Vec::as_slice).unwrap_or_default();
        listed.iter().filter_map(|bucket| bucket.region.clone()).collect()
    }

    /// Those of one region. The first one takes those of which S3 does not tell the region, too.
    pub(super) fn of(&self, region: &str, is_first: bool) -> BucketsOfRegion {
        BucketsOfRegion { all: self.clone(), region: region.to_owned(), is_first }
    }
}

/// The buckets of a region.
#[derive(Debug)]
pub(super) struct BucketsOfRegion {
    all: Buckets,
    region: String,
    is_first: bool,
}

impl BucketsOfRegion {
    fn is_here(&self, bucket: &Target) -> bool {
        bucket.region.as_ref().map_or(self.is_first, |region| *region == self.region)
    }
}

#[async_trait]
impl TargetLister for BucketsOfRegion {
    async fn list(&self) -> Result<Vec<Target>, TaskError> {
        Ok(self.all.list().await?.iter().filter(|bucket| self.is_here(bucket)).cloned().collect())
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
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use pretty_assertions::assert_eq;

    use super::*;

    fn buckets(answers: impl Fn() -> (u16, &'static str) + Send + Sync + 'static) -> Buckets {
        let answer = move |_: http::Request<aws_sdk_s3::primitives::SdkBody>| {
            let (status, body) = answers();
            http::Response::builder().status(status).body(body).unwrap()
        };
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
            .http_client(infallible_client_fn(answer));
        Buckets::new(aws_sdk_s3::Client::from_conf(config.build()))
    }

    #[tokio::test]
    async fn every_bucket_is_looked_at_by_the_scan_of_exactly_one_region() {
        let buckets = buckets(|| {
            let page = "<ListAllMyBucketsResult><Buckets>\
                        <Bucket><Name>a</Name><BucketRegion>us-east-1</BucketRegion></Bucket>\
                        <Bucket><Name>b</Name><BucketRegion>eu-west-1</BucketRegion></Bucket>\
                        <Bucket><Name>c</Name></Bucket></Buckets></ListAllMyBucketsResult>";
            (200, page)
        });
        assert_eq!(buckets.regions().await, ["eu-west-1", "us-east-1"].map(str::to_owned).into());
        for (region, is_first, names) in [("us-east-1", true, vec!["a", "c"]), ("eu-west-1", false, vec!["b"])] {
            let of_region = buckets.of(region, is_first).list().await.unwrap();
            assert!(of_region.iter().all(|bucket| bucket.kind == TargetKind::Bucket));
            assert_eq!(of_region.iter().map(|bucket| bucket.id.as_str()).collect::<Vec<_>>(), names, "{region}");
        }
    }

    #[tokio::test]
    async fn a_list_that_is_denied_is_no_list_without_buckets() {
        let buckets = buckets(|| (403, "<Error><Code>AccessDenied</Code></Error>"));
        assert!(buckets.regions().await.is_empty());
        assert_eq!(buckets.of("us-east-1", true).list().await.unwrap_err().name(), "AccessDenied");
    }
}
