//! The Lambda function `list-targets`.

use std::num::NonZeroU32;

use audit_artifacts::S3Store;
use audit_task::{Budget, aws_config, required, run};
use jiff::Timestamp;
use lambda_runtime::Error;
use list_targets::{LambdaFunctions, Ports, REQUESTS_PER_SECOND, S3Buckets, Vpcs, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let account = required("ACCOUNT_ID")?;
    let region = required("AWS_REGION")?;
    let s3 = aws_sdk_s3::Client::new(&config);
    let ports = &Ports {
        store: &S3Store::new(s3.clone(), required("REPORTS_BUCKET")?, account.clone()),
        buckets: &S3Buckets { client: s3 },
        vpcs: &Vpcs { client: aws_sdk_ec2::Client::new(&config), account, region: region.clone() },
        functions: &LambdaFunctions {
            client: aws_sdk_lambda::Client::new(&config),
            region,
            // One invocation lists the functions; nobody shares this budget.
            budget: Budget::share(REQUESTS_PER_SECOND, NonZeroU32::MIN),
        },
        now: Timestamp::now,
    };
    run(|input| handle(input, ports)).await
}
