//! The Lambda function `scan-s3`.

use std::env;

use audit_artifacts::S3Store;
use audit_model::task::ScanShardInput;
use audit_task::{Budget, aws_config, required, run};
use bucket_readings::s3_control_client;
use jiff::Timestamp;
use lambda_runtime::Error;
use scan_s3::{
    KEY_REQUESTS_PER_SECOND, Ports, REQUESTS_PER_SECOND, S3Resources, TRAIL_REQUESTS_PER_SECOND, handle, s3_client,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let account = required("ACCOUNT_ID")?;
    let s3 = s3_client((&config).into());
    let store = S3Store::new(s3.clone(), required("REPORTS_BUCKET")?, account.clone());
    let resources = &S3Resources {
        s3,
        s3_control: s3_control_client((&config).into(), env::var("AWS_ENDPOINT_URL_S3_CONTROL").ok()),
        kms: aws_sdk_kms::Client::new(&config),
        cloudtrail: aws_sdk_cloudtrail::Client::new(&config),
        account,
        region: required("AWS_REGION")?,
        budget: Budget::new(REQUESTS_PER_SECOND),
        key_budget: Budget::new(KEY_REQUESTS_PER_SECOND),
        trail_budget: Budget::new(TRAIL_REQUESTS_PER_SECOND),
    };
    let ports = &Ports { store: &store, resources, now: Timestamp::now };
    run(|input: ScanShardInput| {
        for budget in [&resources.budget, &resources.key_budget, &resources.trail_budget] {
            budget.share(input.at_once);
        }
        handle(input, ports)
    })
    .await
}
