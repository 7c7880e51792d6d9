//! The Lambda function `aggregate-findings`.

use aggregate_findings::{Ports, handle};
use audit_artifacts::S3Store;
use audit_task::{aws_config, required, run};
use jiff::Timestamp;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = aws_sdk_s3::Client::new(&aws_config().await);
    let store = S3Store::new(client, required("REPORTS_BUCKET")?, required("ACCOUNT_ID")?);
    let ports = &Ports { store: &store, now: Timestamp::now };
    run(|input| handle(input, ports)).await
}
