//! The Lambda function `list-targets`.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use audit_artifacts::S3Store;
use audit_task::{Budget, aws_config, required, required_number, run};
use bucket_readings::{s3_client, s3_control_client};
use jiff::Timestamp;
use lambda_runtime::Error;
use list_targets::{
    AccessPoints, DirectoryBuckets, LambdaFunctions, Patience, Ports, REQUESTS_PER_SECOND, S3Buckets, Vpcs, handle,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let account = required("ACCOUNT_ID")?;
    let region = required("AWS_REGION")?;
    let s3 = s3_client((&config).into());
    let functions = LambdaFunctions {
        client: aws_sdk_lambda::Client::new(&config),
        region: region.clone(),
        // One invocation lists the functions; nobody shares this budget.
        budget: Budget::new(REQUESTS_PER_SECOND),
    };
    let vpcs = Vpcs { client: aws_sdk_ec2::Client::new(&config), account: account.clone(), region: region.clone() };
    let ports = &Ports {
        store: &S3Store::new(s3.clone(), required("REPORTS_BUCKET")?, account.clone()),
        account: &account,
        region: &region,
        buckets: &S3Buckets { client: s3.clone() },
        access_points: &AccessPoints {
            client: s3_control_client((&config).into(), env::var("AWS_ENDPOINT_URL_S3_CONTROL").ok()),
            account: account.clone(),
            region: region.clone(),
        },
        directory_buckets: &DirectoryBuckets { client: s3, region: region.clone() },
        vpcs: &vpcs,
        networks: &vpcs,
        functions: &functions,
        versions: &functions,
        patience: Patience::within(Duration::from_secs(required_number("LISTING_SECONDS")?.get().into())),
        map_concurrency: required_number("MAP_CONCURRENCY")?,
        listing,
        now: Timestamp::now,
    };
    run(|input| handle(input, ports)).await
}

/// Random digits: attempts of the same task may run in different processes at the same time.
fn listing() -> String {
    format!("{:016x}", RandomState::new().hash_one(Timestamp::now()))
}
