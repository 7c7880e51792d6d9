//! The scanner of S3 in this process and without request budgets: how findings by the million are made in minutes.

use std::num::NonZeroU32;

use audit_artifacts::S3Store;
use audit_model::Reading;
use audit_model::plan::Target;
use audit_model::resource::{Bucket, Function, Vpc};
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_rules::Needed;
use audit_task::{Budget, TaskError};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use bucket_readings::s3_control_client;
use jiff::Timestamp;
use scan_lambda::{Allowance, FunctionCollector, LambdaFunctions};
use scan_s3::{Ports, S3Collector, S3Resources, handle, s3_client};
use scan_vpc::{Ec2Vpcs, VpcCollector};

use crate::account::{ACCOUNT, REGION};
use crate::scan::store;

/// More requests a second than anything here can make.
const NO_BUDGET: NonZeroU32 = NonZeroU32::new(1_000_000).unwrap();

/// Clients of the fake AWS in this process.
#[derive(Debug)]
pub(crate) struct Unbudgeted {
    config: SdkConfig,
    endpoint: String,
}

impl Unbudgeted {
    pub(crate) async fn new(endpoint: &str) -> Self {
        let credentials = Credentials::builder()
            .access_key_id("AKIAFAKE")
            .secret_access_key("fake")
            .provider_name("benchmark")
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(credentials)
            .endpoint_url(endpoint)
            .load()
            .await;
        Self { config, endpoint: endpoint.to_owned() }
    }

    /// The reports bucket.
    pub(crate) fn store(&self) -> S3Store {
        store(aws_sdk_s3::Client::new(&self.config))
    }

    /// Scans a shard of S3.
    ///
    /// # Errors
    /// Those of the scanner.
    pub(crate) async fn scan(&self, input: ScanShardInput) -> Result<ScanShardOutput, TaskError> {
        let resources = self.s3();
        handle(input, &Ports { store: &self.store(), resources: &resources, now: Timestamp::now }).await
    }

    /// What is read of a bucket, unless it is gone.
    pub(crate) async fn bucket(&self, target: &Target) -> Option<Bucket> {
        self.s3().bucket(target, &scan_s3::Shared::default()).await
    }

    /// What is read of VPCs, without those that are gone.
    pub(crate) async fn vpcs(&self, targets: &[Target]) -> Vec<Vpc> {
        let client = aws_sdk_ec2::Client::new(&self.config);
        let (account, region) = (ACCOUNT.to_owned(), REGION.to_owned());
        Ec2Vpcs { client, account, region, budget: Budget::new(NO_BUDGET) }.vpcs(targets, &Needed::default()).await
    }

    /// What is read of a function, unless it is gone.
    pub(crate) async fn function(&self, target: &Target) -> Option<Function> {
        let functions = LambdaFunctions {
            client: aws_sdk_lambda::Client::new(&self.config),
            ec2: aws_sdk_ec2::Client::new(&self.config),
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            get_function_budget: Budget::new(NO_BUDGET),
            get_policy_budget: Budget::new(NO_BUDGET),
            lists_budget: Budget::new(NO_BUDGET),
            describe_subnets_budget: Budget::new(NO_BUDGET),
        };
        let versions = Reading::seen([(target.id.clone(), Vec::new())].into());
        let shared = scan_lambda::Shared::new(Some(versions), Needed::default(), Allowance::default());
        functions.function(target, &shared).await
    }

    fn s3(&self) -> S3Resources {
        S3Resources {
            s3: s3_client((&self.config).into()),
            s3_control: s3_control_client((&self.config).into(), Some(self.endpoint.clone())),
            kms: aws_sdk_kms::Client::new(&self.config),
            cloudtrail: aws_sdk_cloudtrail::Client::new(&self.config),
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            budget: Budget::new(NO_BUDGET),
            key_budget: Budget::new(NO_BUDGET),
            trail_budget: Budget::new(NO_BUDGET),
        }
    }
}
