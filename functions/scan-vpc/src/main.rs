//! The Lambda function `scan-vpc`.

use audit_artifacts::S3Store;
use audit_model::task::ScanShardInput;
use audit_task::{Budget, aws_config, required, run};
use jiff::Timestamp;
use lambda_runtime::Error;
use scan_vpc::{Ec2Vpcs, Ports, REQUESTS_PER_SECOND, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let account = required("ACCOUNT_ID")?;
    let s3 = aws_sdk_s3::Client::new(&config);
    let store = S3Store::new(s3, required("REPORTS_BUCKET")?, account.clone());
    let vpcs = &Ec2Vpcs {
        client: aws_sdk_ec2::Client::new(&config),
        account,
        region: required("AWS_REGION")?,
        budget: Budget::new(REQUESTS_PER_SECOND),
    };
    let ports = &Ports { store: &store, vpcs, now: Timestamp::now };
    run(|input: ScanShardInput| {
        vpcs.budget.share(input.at_once);
        handle(input, ports)
    })
    .await
}
