//! The Lambda function `scan-s3`.

use std::env;

use audit_artifacts::S3Store;
use audit_task::{Budget, aws_config, required, required_number, run};
use bucket_readings::s3_control_client;
use jiff::Timestamp;
use lambda_runtime::Error;
use scan_s3::{KEY_REQUESTS_PER_SECOND, Ports, REQUESTS_PER_SECOND, S3Resources, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let account = required("ACCOUNT_ID")?;
    let sharers = required_number("MAP_CONCURRENCY")?;
    let s3 = aws_sdk_s3::Client::new(&config);
    let ports = &Ports {
        store: &S3Store::new(s3.clone(), required("REPORTS_BUCKET")?, account.clone()),
        resources: &S3Resources {
            s3,
            s3_control: s3_control_client((&config).into(), env::var("AWS_ENDPOINT_URL_S3_CONTROL").ok()),
            kms: aws_sdk_kms::Client::new(&config),
            account,
            region: required("AWS_REGION")?,
            budget: Budget::share(REQUESTS_PER_SECOND, sharers),
            key_budget: Budget::share(KEY_REQUESTS_PER_SECOND, sharers),
        },
        now: Timestamp::now,
    };
    run(|input| handle(input, ports)).await
}
