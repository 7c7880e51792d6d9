//! The scanner of S3 in this process and without request budgets: how findings by the million are made in minutes.

use std::num::NonZeroU32;

use audit_artifacts::S3Store;
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_task::{Budget, TaskError};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use bucket_readings::s3_control_client;
use jiff::Timestamp;
use scan_s3::{Ports, S3Resources, handle};

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
        let resources = S3Resources {
            s3: aws_sdk_s3::Client::new(&self.config),
            s3_control: s3_control_client((&self.config).into(), Some(self.endpoint.clone())),
            kms: aws_sdk_kms::Client::new(&self.config),
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            budget: Budget::new(NO_BUDGET),
            key_budget: Budget::new(NO_BUDGET),
        };
        handle(input, &Ports { store: &self.store(), resources: &resources, now: Timestamp::now }).await
    }
}
