//! The Lambda function `scan-s3`.

use std::env;

use audit_artifacts::S3Store;
use audit_task::{Budget, aws_config, required, required_number, run};
use jiff::Timestamp;
use lambda_runtime::Error;
use scan_s3::{Ports, REQUESTS_PER_SECOND, S3Buckets, handle, s3_control_client};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let account = required("ACCOUNT_ID")?;
    let s3 = aws_sdk_s3::Client::new(&config);
    let ports = &Ports {
        store: &S3Store::new(s3.clone(), required("REPORTS_BUCKET")?, account.clone()),
        buckets: &S3Buckets {
            s3,
            s3_control: s3_control_client((&config).into(), env::var("AWS_ENDPOINT_URL_S3_CONTROL").ok()),
            account,
            region: required("AWS_REGION")?,
            budget: Budget::share(REQUESTS_PER_SECOND, required_number("MAP_CONCURRENCY")?),
        },
        now: Timestamp::now,
    };
    run(|input| handle(input, ports)).await
}
